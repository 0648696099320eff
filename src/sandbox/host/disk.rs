//! Making directories, files and links of a host. Whatever is in the way is replaced, never followed.

use super::fault;
use crate::sandbox::SandboxError;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

/// A directory of that mode; one that exists is kept as it is.
pub(super) fn directory(path: &Path, mode: u32) -> Result<(), SandboxError> {
    let there = std::fs::symlink_metadata(path).is_ok_and(|m| m.is_dir());
    if !there {
        let _ = std::fs::remove_file(path);
        std::fs::create_dir_all(path).map_err(|e| fault(path.display(), e))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(|e| fault(path.display(), e))?;
    }
    Ok(())
}

/// A file with these bytes and that mode, in place of whatever has the name.
pub(super) fn file(path: &Path, bytes: &[u8], mode: u32) -> Result<(), SandboxError> {
    if let Some(parent) = path.parent() {
        directory(parent, 0o755)?;
    }
    let _ = std::fs::remove_file(path);
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    };
    write().map_err(|e: std::io::Error| fault(path.display(), e))
}

/// A symbolic link, in place of whatever has the name.
pub(super) fn link(to: &Path, path: &Path) -> Result<(), SandboxError> {
    let _ = std::fs::remove_file(path);
    symlink(to, path).map_err(|e| fault(path.display(), e))
}

/// Copies a tree as far as it can be read: directories, files up to `most` bytes, links; nothing else.
pub(super) fn copy_readable(from: &Path, to: &Path, most: u64) -> Result<(), SandboxError> {
    let mode = std::fs::metadata(from).map_or(0o755, |m| m.permissions().mode() & 0o7777);
    directory(to, mode | 0o700)?;
    let Ok(entries) = std::fs::read_dir(from) else { return Ok(()) };
    for entry in entries.flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let Ok(meta) = std::fs::symlink_metadata(&source) else { continue };
        if meta.is_dir() {
            copy_readable(&source, &target, most)?;
        } else if meta.is_symlink() {
            if let Ok(aim) = std::fs::read_link(&source) {
                link(&aim, &target)?;
            }
        } else if meta.is_file()
            && meta.len() <= most
            && let Ok(bytes) = std::fs::read(&source)
        {
            file(&target, &bytes, meta.permissions().mode() & 0o7777)?;
        }
    }
    Ok(())
}
