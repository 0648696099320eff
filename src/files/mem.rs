//! Files in memory, for tests.

use super::Files;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Path → content. Directories are those that hold a file.
#[derive(Clone, Debug, Default)]
pub struct Mem(pub BTreeMap<PathBuf, Vec<u8>>);

impl Mem {
    pub fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(PathBuf::from(path), text.as_bytes().to_vec());
        self
    }
}

impl Files for Mem {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "No such file or directory"))
    }
    fn is_file(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.0.keys().any(|k| k != path && k.starts_with(path))
    }
    fn is_executable(&self, _: &Path) -> bool {
        false
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        if !self.is_dir(path) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "No such file or directory"));
        }
        let mut all: Vec<PathBuf> = self
            .0
            .keys()
            .filter_map(|k| k.strip_prefix(path).ok()?.components().next().map(|c| path.join(c)))
            .filter(|p| p != path)
            .collect();
        all.dedup();
        Ok(all)
    }
    fn canonical(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}
