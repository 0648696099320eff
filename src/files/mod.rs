//! The controller's files behind a trait: `disk` is the only door to them, `mem` serves tests.

mod disk;
mod mem;

pub use disk::Disk;
pub use mem::Mem;

use std::io;
use std::path::{Path, PathBuf};

/// Reads the controller's files.
pub trait Files: Send + Sync {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    fn is_file(&self, path: &Path) -> bool;
    fn is_dir(&self, path: &Path) -> bool;
    fn is_executable(&self, path: &Path) -> bool;
    /// Paths of the entries, sorted by name.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// Absolute, with links resolved; the path itself where that is impossible.
    fn canonical(&self, path: &Path) -> PathBuf;

    /// Whether the path itself is a symbolic link, also one that leads nowhere.
    fn is_link(&self, _: &Path) -> bool {
        false
    }
    fn exists(&self, path: &Path) -> bool {
        self.is_file(path) || self.is_dir(path)
    }
    /// UTF-8 text.
    ///
    /// # Errors
    /// Of kind `InvalidData`, naming the offset, where the file is not UTF-8.
    fn read_text(&self, path: &Path) -> io::Result<String> {
        String::from_utf8(self.read(path)?).map_err(|e| {
            io::Error::new(io::ErrorKind::InvalidData, format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
        })
    }
}

/// A path with `~` and `$NAME` expanded, as Ansible's `unfrackpath` does; names that are not set stay.
pub fn expand_home(text: &str, env: impl Fn(&str) -> Option<String>) -> PathBuf {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    if let Some(tail) = text.strip_prefix('~')
        && (tail.is_empty() || tail.starts_with('/'))
        && let Some(home) = env("HOME")
    {
        out.push_str(&home);
        rest = tail;
    }
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let braced = after.starts_with('{');
        let name: String =
            after[usize::from(braced)..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let length = name.len() + if braced { 2 } else { 0 };
        match env(&name).filter(|_| !name.is_empty() && after.is_char_boundary(length) && length <= after.len()) {
            Some(value) => {
                out.push_str(&value);
                rest = &after[length..];
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    PathBuf::from(out)
}
