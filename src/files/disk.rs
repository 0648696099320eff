//! The real files.

use super::Files;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
    fn is_file(&self, path: &Path) -> bool {
        // Also sockets and devices: `vars_files: /dev/stdin` and process substitution work in Ansible.
        fs::metadata(path).is_ok_and(|m| !m.is_dir())
    }
    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }
    fn is_link(&self, path: &Path) -> bool {
        path.is_symlink()
    }
    fn is_executable(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut all = fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
        all.sort();
        Ok(all)
    }
    fn canonical(&self, path: &Path) -> PathBuf {
        fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
    }
}
