//! The one file that most modules of this family look after.

use crate::contract::{Call, Failure};
use crate::files::shared::{backup, write_failure};
use crate::host::{Change, FileAttrs, Observe};
use std::path::{Path, PathBuf};

pub struct Place {
    pub path: PathBuf,
    pub backup: bool,
    pub attrs: FileAttrs,
}

impl Place {
    /// Takes the directory for granted from here on. `mode` is what the file gets if nothing is said.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn new(
        host: &dyn Observe,
        path: &Path,
        backup: bool,
        attrs: &FileAttrs,
        mode: Option<&str>,
        quoted: bool,
    ) -> Result<Self, Failure> {
        let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !host.is_dir(dir) {
            let name = dir.display().to_string();
            let msg = if quoted {
                format!("The directory '{name}' does not exist or the path is not a directory")
            } else {
                format!("The directory {name} does not exist or the file is not a directory")
            };
            return Err(Failure::new(msg).with("name", name));
        }
        let mut attrs = attrs.clone();
        if attrs.mode.as_ref().is_none_or(serde_json::Value::is_null) {
            attrs.mode = mode.map(Into::into);
        }
        Ok(Place { path: path.to_owned(), backup, attrs })
    }

    /// What the file holds, if it is there.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn existing(&self, host: &dyn Observe) -> Result<Option<Vec<u8>>, Failure> {
        match host.read(&self.path) {
            Ok(content) => Ok(Some(content)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Failure::io(format!("Error while loading {} -", self.path.display()), &e)),
        }
    }

    /// Whether owner, mode and so on are to be changed; so they are where nothing is yet.
    ///
    /// # Errors
    /// An unknown owner or group, a bad mode.
    pub fn differs(&self, host: &dyn Observe, call: &Call) -> Result<bool, Failure> {
        let wanted = self.attrs.resolve(host, &self.path, call)?;
        Ok(host.stat(&self.path).is_err() || wanted.differences(host, &self.path)?.any())
    }

    /// Writes the file, keeping a copy of the old one if that is wished; tells the copy's name.
    ///
    /// # Errors
    /// What the host refuses.
    pub fn put(&self, host: &mut dyn Change, content: &[u8], call: &Call) -> Result<Option<String>, Failure> {
        let kept = self.keep(host)?;
        let options =
            self.attrs.resolve(host.observe(), &self.path, call)?.write_options(host.observe(), &self.path)?;
        host.write(&self.path, &mut &*content, &options).map_err(|e| write_failure(host.observe(), &self.path, &e))?;
        Ok(kept)
    }

    /// Brings owner, mode and so on in line.
    ///
    /// # Errors
    /// What the host refuses.
    pub fn settle(&self, host: &mut dyn Change, call: &Call) -> Result<(), Failure> {
        self.attrs.resolve(host.observe(), &self.path, call)?.apply(host, &self.path)?;
        Ok(())
    }

    /// Removes the file.
    ///
    /// # Errors
    /// What the host refuses.
    pub fn remove(&self, host: &mut dyn Change) -> Result<Option<String>, Failure> {
        let kept = self.keep(host)?;
        host.remove_file(&self.path).map_err(|e| Failure::io(format!("cannot remove {}", self.path.display()), &e))?;
        Ok(kept)
    }

    fn keep(&self, host: &mut dyn Change) -> Result<Option<String>, Failure> {
        if self.backup && host.stat(&self.path).is_ok() { backup(host, &self.path).map(Some) } else { Ok(None) }
    }

    pub fn name(&self) -> String {
        self.path.display().to_string()
    }
}
