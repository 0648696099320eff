//! The file system of a host whose sandbox does not run as root: the machine's programs to read only, a copy of `/etc`,
//! and everything else empty and writable. Nothing of the machine's can be written through it.

use super::mounts::{read_only_tree, tmpfs};
use super::{Place, below, disk, tell, words};
use crate::sandbox::SandboxError;
use rustix::mount::MountFlags;
use std::path::{Path, PathBuf};

/// Programs and libraries.
const PROGRAMS: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32", "/nix"];
/// Writable directories of every host.
const OWN: [&str; 18] = [
    "/etc",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/srv",
    "/var",
    "/var/backups",
    "/var/cache",
    "/var/lib",
    "/var/local",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/spool",
    "/var/www",
    "/usr",
    "/.machine",
];
/// Files of /etc beyond this many bytes are databases that can be done without.
const LARGEST_SETTING: u64 = 1 << 20;

/// Puts it together and returns where it is.
pub(super) fn build(place: &Place) -> Result<PathBuf, SandboxError> {
    let root = place.base();
    tmpfs(&root, MountFlags::NODEV | MountFlags::NOSUID, &format!("mode=755,size={}", place.memory))?;
    for path in OWN {
        disk::directory(&below(&root, path), 0o755)?;
    }
    disk::directory(&below(&root, "/root"), 0o700)?;
    disk::directory(&below(&root, "/var/tmp"), 0o1777)?;
    disk::link(Path::new("/run"), &below(&root, "/var/run"))?;
    disk::link(Path::new("/run/lock"), &below(&root, "/var/lock"))?;
    for path in PROGRAMS {
        let target = below(&root, path);
        if let Ok(aim) = std::fs::read_link(path) {
            disk::link(&aim, &target)?;
        } else if Path::new(path).is_dir() {
            disk::directory(&target, 0o755)?;
            read_only_tree(Path::new(path), &target)?;
        }
    }
    shadow(Path::new("/usr/local"), &root)?;
    shadow(Path::new("/opt"), &root)?;
    disk::copy_readable(Path::new("/etc"), &below(&root, "/etc"), LARGEST_SETTING)?;
    // What is installed can be asked.
    for database in ["/var/lib/dpkg", "/var/lib/rpm", "/var/lib/apt"] {
        if Path::new(database).is_dir() {
            let target = below(&root, database);
            disk::directory(&target, 0o755)?;
            read_only_tree(Path::new(database), &target)?;
        }
    }
    tell(
        words::NOTE,
        "this is not run as root: on the hosts, root is your own user. /usr is to read only, /etc is a copy, the rest is \
         empty and kept in memory; packages cannot be installed and files cannot be given to other users. Run as root for \
         whole hosts",
    );
    tell(
        words::NOTE,
        "the hosts share this machine's network: a TCP port can be taken by one host only, and those below 1024 not at all",
    );
    Ok(root)
}

/// A writable directory whose entries are links to the machine's, one level down for directories such as `bin`.
fn shadow(path: &Path, root: &Path) -> Result<(), SandboxError> {
    if !path.is_dir() {
        return Ok(());
    }
    let kept = Path::new("/.machine").join(path.strip_prefix("/").unwrap_or(path));
    let (target, behind) = (below(root, path), below(root, &kept));
    disk::directory(&behind, 0o755)?;
    read_only_tree(path, &behind)?;
    tmpfs(&target, MountFlags::NODEV | MountFlags::NOSUID, "mode=755")?;
    for entry in std::fs::read_dir(&behind).into_iter().flatten().flatten() {
        let (name, below) = (entry.file_name(), entry.path());
        let is_directory = std::fs::symlink_metadata(&below).is_ok_and(|m| m.is_dir());
        if !is_directory {
            disk::link(&kept.join(&name), &target.join(&name))?;
            continue;
        }
        disk::directory(&target.join(&name), 0o755)?;
        for inner in std::fs::read_dir(&below).into_iter().flatten().flatten() {
            let inner = inner.file_name();
            disk::link(&kept.join(&name).join(&inner), &target.join(&name).join(&inner))?;
        }
    }
    Ok(())
}
