//! The file system of a host whose sandbox runs as root: the machine's own, with every change kept in memory.

use super::init::not_allowed;
use super::mounts::{Mount, read_only_mount, tmpfs, within};
use super::{Place, below, disk, fault, tell, words};
use crate::sandbox::SandboxError;
use rustix::fs::XattrFlags;
use rustix::mount::{MountFlags, mount};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Places whose mounts a host does not get: it has its own, or none.
const OWN: [&str; 7] = ["/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/home"];
/// File systems that are not worth, or not safe, to look through.
const REMOTE: [&str; 10] = ["autofs", "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "binfmt_misc", "nsfs"];

/// Puts it together and returns where it is.
pub(super) fn build(place: &Place, machine: &[Mount]) -> Result<PathBuf, SandboxError> {
    let base = place.base();
    let files = (place.memory >> 12).max(1 << 18);
    tmpfs(&base, MountFlags::NODEV, &format!("mode=755,size={},nr_inodes={files}", place.memory))?;
    let root = base.join("root");
    let upper = base.join("upper");
    disk::directory(&upper, 0o755)?;
    // People's and root's own files are no host's business.
    hidden(&upper.join("root"), 0o700)?;
    hidden(&upper.join("home"), 0o755)?;
    layer(Path::new("/"), &base, "", &root).map_err(|e| not_allowed("an overlay of /", e))?;
    for (index, m) in machine.iter().enumerate() {
        let skip = within(&m.point, &OWN) || m.point == Path::new("/") || within(&m.point, &[text(&place.directory)]);
        if skip || REMOTE.contains(&m.kind.as_str()) || m.kind.starts_with("fuse") {
            continue;
        }
        let target = below(&root, &m.point);
        if m.point.is_dir() {
            let name = format!("-{index}");
            let put = layer(&m.point, &base, &name, &target).or_else(|_| read_only_mount(&m.point, &target, m.flags));
            if put.is_err() {
                tell(words::NOTE, &format!("{} of this machine is not seen on the hosts", m.point.display()));
            }
        } else if let Ok(bytes) = std::fs::read(&m.point) {
            disk::file(&target, &bytes, 0o644)?;
        }
    }
    if !within(&place.directory, &OWN) {
        tmpfs(&below(&root, &place.directory), MountFlags::RDONLY, "mode=0,size=4k")?;
    }
    tell(
        words::NOTE,
        "each host is a copy of this machine's file system, without home directories; its changes are kept in memory and \
         vanish with it",
    );
    tell(
        words::NOTE,
        "the hosts have processes, files, names and terminals of their own, and share this machine's network: a TCP port \
         can be taken by one host only. Packages can be installed; services do not start by themselves (`service NAME \
         start` does it), and there is no systemd",
    );
    Ok(root)
}

/// Mounts an overlay of `lower` on `target`; what changes is kept in `base`, under names that end in `suffix`.
fn layer(lower: &Path, base: &Path, suffix: &str, target: &Path) -> rustix::io::Result<()> {
    let (upper, work) = (base.join(format!("upper{suffix}")), base.join(format!("work{suffix}")));
    for path in [&upper, &work, &target.to_owned()] {
        std::fs::create_dir_all(path).map_err(|_| rustix::io::Errno::ROFS)?;
    }
    copy_owner(lower, &upper);
    let dirs = format!("lowerdir={},upperdir={},workdir={}", escape(lower), text(&upper), text(&work));
    let options = |more: &str| CString::new(format!("{dirs}{more}")).map_err(|_| rustix::io::Errno::INVAL);
    // Older kernels do not know these; without them directories that come from below cannot be renamed in one step.
    let put = |options: CString| mount("overlay", target, "overlay", MountFlags::NODEV, options.as_c_str());
    put(options(",redirect_dir=on,index=off,metacopy=off")?).or_else(|_| put(options("")?))
}

/// The merged directory has the mode and owner of the upper one.
fn copy_owner(from: &Path, to: &Path) {
    use std::os::unix::fs::{MetadataExt, chown};
    if let Ok(meta) = std::fs::metadata(from) {
        let _ = chown(to, Some(meta.uid()), Some(meta.gid()));
        let _ = std::fs::set_permissions(to, meta.permissions());
    }
}

/// A directory of the upper layer that hides the one below it instead of adding to it.
fn hidden(path: &Path, mode: u32) -> Result<(), SandboxError> {
    disk::directory(path, mode)?;
    rustix::fs::setxattr(path, "trusted.overlay.opaque", b"y", XattrFlags::empty())
        .map_err(|e| fault(format!("{} cannot be hidden", path.display()), e))
}

/// Paths in mount options: backslash, comma and colon are special.
fn escape(path: &Path) -> String {
    let mut out = String::new();
    for c in text(path).chars() {
        if matches!(c, '\\' | ',' | ':') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Our own paths are plain; another that is not UTF-8 is not found and is therefore left out.
fn text(path: &Path) -> &str {
    std::str::from_utf8(path.as_os_str().as_bytes()).unwrap_or("/nonexistent")
}
