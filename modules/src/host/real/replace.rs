//! Replaces a file atomically, keeping what the old one carried: owner, mode, SELinux label, ACL, other attributes.

use crate::host::WriteOptions;
use rustix::fs::{Gid, Mode, OFlags, Uid, XattrFlags, fchmod, fchown, fsetxattr, lgetxattr, llistxattr, open};
use rustix::io::Errno;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A name that nobody can foresee.
pub(super) fn unforeseen() -> String {
    let number = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{number:016x}")
}

/// A file that goes away with this value unless it was moved to its place.
struct Temporary {
    path: PathBuf,
    file: File,
    moved: bool,
}

impl Temporary {
    fn beside(path: &Path) -> io::Result<Self> {
        let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = dir.join(format!(".tightbeam-{}", unforeseen()));
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = open(&temporary, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Temporary { path: temporary, file: File::from(fd), moved: false })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.moved {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// See [`crate::host::Change::write`].
pub(super) fn write(path: &Path, content: &mut dyn Read, options: &WriteOptions, umask: u32) -> io::Result<()> {
    let old = match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => return Err(Errno::ISDIR.into()),
        Ok(meta) => Some(meta).filter(|m| m.is_file()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    // Dropped after `temporary`, which closes the file.
    let _closed = options.mode.is_some_and(|mode| mode & 0o111 != 0).then(super::process::no_fork);
    let mut temporary = match Temporary::beside(path) {
        Ok(temporary) => temporary,
        Err(e) if options.unsafe_writes && no_rename_here(&e) => return in_place(path, content, options),
        Err(e) => return Err(e),
    };
    io::copy(content, &mut temporary.file)?;
    dress(&temporary.file, path, old.as_ref(), options, umask)?;
    temporary.file.sync_all()?;
    match std::fs::rename(&temporary.path, path) {
        Ok(()) => {
            temporary.moved = true;
            Ok(())
        }
        Err(e) if options.unsafe_writes && no_rename_here(&e) => {
            let mut content = File::open(&temporary.path)?;
            in_place(path, &mut content, options)
        }
        Err(e) => Err(e),
    }
}

/// Owner first (a change of owner clears set-id bits), then attributes, then the mode.
fn dress(
    file: &File,
    path: &Path,
    old: Option<&std::fs::Metadata>,
    options: &WriteOptions,
    umask: u32,
) -> io::Result<()> {
    if let Some(old) = old {
        let now = file.metadata()?;
        if (old.uid(), old.gid()) != (now.uid(), now.gid()) {
            match fchown(file, Some(Uid::from_raw(old.uid())), Some(Gid::from_raw(old.gid()))) {
                Ok(()) | Err(Errno::PERM) => {} // without privilege the new file is ours, as with ansible-core
                Err(e) => return Err(e.into()),
            }
        }
        keep_attributes(file, path)?;
    }
    if options.uid.is_some() || options.gid.is_some() {
        fchown(file, options.uid.map(Uid::from_raw), options.gid.map(Gid::from_raw))?;
    }
    let mode = options.mode.or(old.map(|m| m.mode() & 0o7777)).unwrap_or(0o666 & !umask);
    fchmod(file, Mode::from_raw_mode(mode))?;
    Ok(())
}

/// Copies the extended attributes of `path`. What the file system or our rights do not allow is left out.
fn keep_attributes(file: &File, path: &Path) -> io::Result<()> {
    let mut names = vec![0_u8; 64 << 10];
    let len = match llistxattr(path, &mut names[..]) {
        Ok(len) => len,
        Err(Errno::NOTSUP | Errno::RANGE | Errno::PERM | Errno::ACCESS) => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    let mut value = vec![0_u8; 64 << 10];
    for name in names[..len].split(|b| *b == 0).filter(|n| !n.is_empty()) {
        // Capabilities belong to the old content.
        if name == b"security.capability" || name == b"security.ima" || name == b"security.evm" {
            continue;
        }
        let Ok(size) = lgetxattr(path, name, &mut value[..]) else { continue };
        match fsetxattr(file, name, &value[..size], XattrFlags::empty()) {
            Ok(()) | Err(Errno::NOTSUP | Errno::PERM | Errno::ACCESS) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

fn no_rename_here(error: &io::Error) -> bool {
    [Errno::BUSY, Errno::PERM, Errno::ACCESS, Errno::TXTBSY, Errno::XDEV, Errno::ROFS]
        .iter()
        .any(|e| error.raw_os_error() == Some(e.raw_os_error()))
}

fn in_place(path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    io::copy(content, &mut file)?;
    file.flush()?;
    if options.uid.is_some() || options.gid.is_some() {
        fchown(&file, options.uid.map(Uid::from_raw), options.gid.map(Gid::from_raw))?;
    }
    if let Some(mode) = options.mode {
        fchmod(&file, Mode::from_raw_mode(mode))?;
    }
    file.sync_all()
}
