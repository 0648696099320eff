//! `group_vars/` and `host_vars/`: which files belong to a name, each read once.

use super::Reader;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::value::{Map, MergeMode, merge};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Group,
    Host,
}

type Answer = Result<Arc<Map>, Diagnostic>;

/// Variable files, read when they are asked for and kept.
pub struct VarFiles {
    reader: Reader,
    /// `.yml` and the like (YAML_FILENAME_EXTENSIONS).
    extensions: Vec<String>,
    /// `hash_behaviour = merge`, for several files of one name.
    merge: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Names of the entries of directories; `None` where there is no such directory.
    listings: HashMap<PathBuf, Option<Arc<HashSet<String>>>>,
    read: HashMap<(PathBuf, Kind, String), Answer>,
    warnings: Diagnostics,
}

impl VarFiles {
    pub fn new(reader: Reader, extensions: Vec<String>, merge: bool) -> Self {
        VarFiles { reader, extensions, merge, state: Mutex::default() }
    }
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Variables of a group in `DIRECTORY/group_vars`; empty where there are none.
    ///
    /// # Errors
    /// Where a file cannot be read, decrypted or parsed, or holds no mapping.
    pub fn of_group(&self, directory: &Path, name: &str) -> Answer {
        self.of(directory, Kind::Group, name)
    }
    /// Variables of a host in `DIRECTORY/host_vars`; empty where there are none.
    ///
    /// # Errors
    /// As [`VarFiles::of_group`].
    pub fn of_host(&self, directory: &Path, name: &str) -> Answer {
        self.of(directory, Kind::Host, name)
    }
    /// Warnings (duplicate keys and the like) of files read since the last call.
    pub fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut self.state().warnings)
    }
    /// Forgets what was read (`meta: refresh_inventory`).
    pub fn forget(&self) {
        *self.state() = State::default();
    }
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, directory: &Path, kind: Kind, name: &str) -> Answer {
        // Hosts of the chroot connection are paths.
        if name.is_empty() || name.starts_with('/') {
            return Ok(Arc::default());
        }
        let key = (directory.to_owned(), kind, name.to_owned());
        if let Some(answer) = self.state().read.get(&key) {
            return answer.clone();
        }
        let folder = match kind {
            Kind::Group => "group_vars",
            Kind::Host => "host_vars",
        };
        let mut warnings = vec![];
        let answer = self.load(&directory.join(folder), folder, name, &mut warnings);
        let mut state = self.state();
        state.warnings.extend(warnings);
        state.read.insert(key, answer.clone());
        answer
    }

    fn load(&self, folder: &Path, kind: &str, name: &str, warnings: &mut Diagnostics) -> Answer {
        let Some(listing) = self.listing(folder, kind) else { return Ok(Arc::default()) };
        let mut data: Arc<Map> = Arc::default();
        for file in self.files_of(folder, &listing, name) {
            let new = self.reader.variables(&file, warnings)?;
            data = if data.is_empty() {
                new
            } else {
                Arc::new(merge(&data, &new, MergeMode { recursive: self.merge, ..Default::default() }))
            };
        }
        Ok(data)
    }

    fn listing(&self, folder: &Path, kind: &str) -> Option<Arc<HashSet<String>>> {
        if let Some(known) = self.state().listings.get(folder) {
            return known.clone();
        }
        let files = &self.reader.files;
        let listing = if files.is_dir(folder) {
            let names = files.list(folder).unwrap_or_default();
            Some(Arc::new(names.iter().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect()))
        } else {
            if files.exists(folder) {
                let text = format!("Found {kind} that is not a directory, skipping: {}", folder.display());
                self.state().warnings.push(Diagnostic::warning(Code::WARNING, text));
            }
            None
        };
        self.state().listings.insert(folder.to_owned(), listing.clone());
        listing
    }

    /// The directory or file NAME, or else the first of NAME.yml, NAME.yaml, NAME.json.
    fn files_of(&self, folder: &Path, listing: &HashSet<String>, name: &str) -> Vec<PathBuf> {
        let candidates = std::iter::once(name.to_owned()).chain(self.extensions.iter().map(|e| {
            let dot = if e.contains('.') { "" } else { "." };
            format!("{name}{dot}{e}")
        }));
        // Names with a slash lie deeper than the listing shows.
        let mut found = candidates
            .filter(|c| listing.contains(c) || c.contains('/'))
            .map(|c| folder.join(c))
            .filter(|path| self.reader.files.exists(path));
        match found.next() {
            Some(path) if self.reader.files.is_dir(&path) => {
                let mut out = vec![];
                self.walk(&path, &mut out);
                out
            }
            Some(path) => vec![path],
            None => vec![],
        }
    }

    /// Files below a directory in order of their names; hidden ones, backups and other extensions are left out.
    fn walk(&self, directory: &Path, out: &mut Vec<PathBuf>) {
        for path in self.reader.files.list(directory).unwrap_or_default() {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy()));
            if self.reader.files.is_dir(&path) {
                if extension.is_none() {
                    self.walk(&path, out);
                }
            } else if extension.is_none_or(|e| self.extensions.contains(&e)) {
                out.push(path);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::files::Mem;

    #[test]
    fn files_of_a_name() {
        let files = Mem::default()
            .with("/i/group_vars/web/b.yml", "x: b\ny: b")
            .with("/i/group_vars/web/a.yml", "x: a\nz: a")
            .with("/i/group_vars/web/sub/c", "w: c")
            .with("/i/group_vars/web/.hidden.yml", "x: no")
            .with("/i/group_vars/web/note.txt", "x: no")
            .with("/i/group_vars/web.yml", "never: 1")
            .with("/i/group_vars/db.yaml", "d: 1")
            .with("/i/group_vars/db.json", "{\"never\": 1}")
            .with("/i/group_vars/list.yml", "- 1")
            .with("/i/host_vars/h.example.org.yml", "h: 1");
        let reader = Reader {
            files: Arc::new(files),
            sources: SourceMap::default(),
            vault: None,
            duplicates: Default::default(),
        };
        let extensions = vec![".yml".to_owned(), ".yaml".to_owned(), ".json".to_owned()];
        let vars = VarFiles::new(reader, extensions, false);
        let show = |map: Answer| crate::value::Value::from((*map.unwrap()).clone()).to_string();
        let dir = Path::new("/i");
        assert_eq!(show(vars.of_group(dir, "web")), "{'x': 'b', 'z': 'a', 'y': 'b', 'w': 'c'}");
        assert_eq!(show(vars.of_group(dir, "db")), "{'d': 1}");
        assert_eq!(show(vars.of_host(dir, "h.example.org")), "{'h': 1}");
        assert_eq!(show(vars.of_host(dir, "other")), "{}");
        assert_eq!(show(vars.of_host(Path::new("/j"), "h")), "{}");
        assert!(vars.of_group(dir, "list").unwrap_err().causes[0].contains("'list'"));
    }
}
