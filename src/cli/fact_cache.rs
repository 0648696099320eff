//! Facts kept between runs as files of JSON, one for each host (`fact_caching = jsonfile`).

use super::error::CommandError;
use crate::config::{Origin, Settings, Surroundings};
use crate::run::{Book, FactStore};
use crate::value::{Map, Value};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

struct JsonFiles {
    dir: PathBuf,
    prefix: String,
    /// `None`: facts never grow too old.
    lifetime: Option<Duration>,
}

/// What a run starts with: the facts of earlier runs, where the settings say so.
///
/// # Errors
/// Where the settings name another kind of cache, or a directory that cannot be used.
pub fn book(settings: &Settings, around: &Surroundings) -> Result<Book, CommandError> {
    let name = settings.text("CACHE_PLUGIN");
    match name.strip_prefix("ansible.builtin.").or(name.strip_prefix("ansible.legacy.")).unwrap_or(name) {
        "memory" | "" => return Ok(Book::default()),
        "jsonfile" => {}
        other => {
            let text = format!("the fact cache '{other}' is not supported; there are 'memory' and 'jsonfile'");
            return Err(CommandError::usage(text));
        }
    }
    let Some(dir) = settings.str("CACHE_PLUGIN_CONNECTION") else {
        return Err(CommandError::machine(
            "error, 'jsonfile' cache plugin requires the 'fact_caching_connection' config option to be set (to a writeable \
             directory path)",
        ));
    };
    let dir = around.resolve(dir, None);
    std::fs::create_dir_all(&dir)
        .map_err(|e| CommandError::machine(format!("the fact cache {} cannot be made: {e}", dir.display())))?;
    let prefix = match settings.get("CACHE_PLUGIN_PREFIX").origin {
        Origin::Default => String::new(),
        _ => settings.text("CACHE_PLUGIN_PREFIX").to_owned(),
    };
    let seconds = settings.int("CACHE_PLUGIN_TIMEOUT").unwrap_or(0);
    let lifetime = u64::try_from(seconds).ok().filter(|s| *s > 0).map(Duration::from_secs);
    Ok(Book::with_store(Box::new(JsonFiles { dir, prefix, lifetime })))
}

impl JsonFiles {
    /// `None` for names that are no file names.
    fn path(&self, host: &str) -> Option<PathBuf> {
        let name = format!("{}{host}", self.prefix);
        (!name.contains('/') && !matches!(name.as_str(), "" | "." | "..")).then(|| self.dir.join(name))
    }

    fn write(&self, path: &std::path::Path, facts: &Map) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(&serde_json::to_vec(&facts.to_json())?)?;
        std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }
}

impl FactStore for JsonFiles {
    fn load(&self, host: &str) -> Option<Map> {
        let path = self.path(host)?;
        let age = std::fs::metadata(&path).ok()?.modified().ok()?.elapsed().unwrap_or_default();
        if self.lifetime.is_some_and(|lifetime| age > lifetime) {
            return None;
        }
        match serde_json::from_slice(&std::fs::read(&path).ok()?) {
            // What hosts said stays foreign: it is never a template.
            Ok(serde_json::Value::Object(facts)) => Value::from(serde_json::Value::Object(facts)).as_map().cloned(),
            _ => {
                eprintln!("[WARNING]: the fact cache {} holds no facts; it is removed", path.display());
                drop(std::fs::remove_file(&path));
                None
            }
        }
    }
    fn save(&self, host: &str, facts: &Map) {
        let Some(path) = self.path(host) else { return };
        if let Err(e) = self.write(&path, facts) {
            eprintln!("[WARNING]: the fact cache {} cannot be written: {e}", path.display());
        }
    }
    fn forget(&self, host: &str) {
        if let Some(path) = self.path(host) {
            drop(std::fs::remove_file(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_kept_for_their_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = |lifetime| JsonFiles { dir: dir.path().to_owned(), prefix: "p_".to_owned(), lifetime };
        let mut facts = Map::new();
        facts.insert("ansible_system", "{{ Linux }}");
        files(None).save("web", &facts);
        assert!(dir.path().join("p_web").exists());
        let read = files(Some(Duration::from_secs(60))).load("web").expect("kept");
        assert!(read.get("ansible_system").is_some_and(|v| v.to_string() == "{{ Linux }}" && !v.needs_render()));
        assert!(files(Some(Duration::ZERO)).load("web").is_none());
        files(None).forget("web");
        assert!(files(None).load("web").is_none() && files(None).path("../x").is_none());
    }
}
