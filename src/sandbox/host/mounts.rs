//! Mounts of a host: what the machine has mounted, and the kernel's own views (`/proc`, `/sys`, `/dev`, `/run`, `/tmp`).

use super::init::not_allowed;
use super::{below, disk, fault};
use crate::sandbox::SandboxError;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};
use std::ffi::CString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub point: PathBuf,
    pub kind: String,
    pub flags: MountFlags,
}

/// What is mounted here, in the order of mounting; of mounts on one place the last, which hides the others.
pub(super) fn read() -> Result<Vec<Mount>, SandboxError> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").map_err(|e| fault("/proc/self/mountinfo", e))?;
    Ok(parse(&text))
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw` (proc_pid_mountinfo(5)).
fn parse(text: &str) -> Vec<Mount> {
    let mut out: Vec<Mount> = Vec::new();
    for line in text.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let left: Vec<&str> = left.split(' ').collect();
        let (Some(point), Some(options), Some(kind)) = (left.get(4), left.get(5), right.split(' ').next()) else {
            continue;
        };
        let point = unescape(point);
        out.retain(|m| m.point != point);
        out.push(Mount { point, kind: kind.to_owned(), flags: flags(options) });
    }
    out
}

/// The kernel writes blanks, tabs, line ends and backslashes in octal.
fn unescape(text: &str) -> PathBuf {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'\\').then(|| text.get(at + 1..at + 4)).flatten();
        match code.and_then(|c| u8::from_str_radix(c, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    std::ffi::OsString::from_vec(out).into()
}

fn flags(options: &str) -> MountFlags {
    options.split(',').fold(MountFlags::empty(), |all, option| {
        all | match option {
            "nosuid" => MountFlags::NOSUID,
            "nodev" => MountFlags::NODEV,
            "noexec" => MountFlags::NOEXEC,
            _ => MountFlags::empty(),
        }
    })
}

/// Nothing that is mounted from here on is seen by the machine, nor the other way round.
pub(super) fn make_private() -> Result<(), SandboxError> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|e| not_allowed("mounts of its own", e))
}

/// A tmpfs; `options` as in mount(8).
pub(super) fn tmpfs(target: &Path, flags: MountFlags, options: &str) -> Result<(), SandboxError> {
    disk::directory(target, 0o755)?;
    let options = CString::new(options).map_err(|e| fault("mount options", e))?;
    mount("tmpfs", target, "tmpfs", flags, options.as_c_str())
        .map_err(|e| not_allowed(&format!("a tmpfs on {}", target.display()), e))
}

/// `source` with everything below it on `target`, to read only. Mounts that the machine's owner hid stay hidden.
pub(super) fn read_only_tree(source: &Path, target: &Path) -> Result<(), SandboxError> {
    mount_bind_recursive(source, target).map_err(|e| not_allowed(&format!("a view of {}", source.display()), e))?;
    let inside: Vec<Mount> = read()?.into_iter().filter(|m| m.point.starts_with(target)).collect();
    for m in inside {
        let sealed = remount_read_only(&m.point, m.flags);
        // What cannot be made read-only must not be there.
        if m.point == target || (sealed.is_err() && unmount(&m.point, UnmountFlags::DETACH).is_err()) {
            sealed.map_err(|e| not_allowed(&format!("a read-only view of {}", source.display()), e))?;
        }
    }
    Ok(())
}

/// One mount's file system, without what is mounted on it, to read only.
pub(super) fn read_only_mount(source: &Path, target: &Path, flags: MountFlags) -> rustix::io::Result<()> {
    mount_bind(source, target)?;
    remount_read_only(target, flags)
}

fn remount_read_only(target: &Path, flags: MountFlags) -> rustix::io::Result<()> {
    mount_remount(target, MountFlags::BIND | MountFlags::RDONLY | flags, c"")
}

/// `/proc`, `/sys`, `/dev`, `/run` and `/tmp` of the host whose files are at `root`.
pub(super) fn kernel_views(root: &Path, mapped: bool) -> Result<(), SandboxError> {
    let quiet = MountFlags::NOSUID | MountFlags::NODEV;
    let sealed = quiet | MountFlags::NOEXEC;
    let proc = below(root, "/proc");
    disk::directory(&proc, 0o555)?;
    mount("proc", &proc, "proc", sealed, c"").map_err(|e| not_allowed("a /proc of its own", e))?;
    // Settings of the kernel are the machine's.
    for part in ["sys", "sysrq-trigger", "irq", "bus", "fs"] {
        let part = proc.join(part);
        if part.exists() {
            read_only_mount(&part, &part, sealed).map_err(|e| not_allowed("a read-only /proc/sys", e))?;
        }
    }
    let sys = below(root, "/sys");
    disk::directory(&sys, 0o555)?;
    if mapped {
        read_only_tree(Path::new("/sys"), &sys)?;
    } else {
        read_only_mount(Path::new("/sys"), &sys, sealed).map_err(|e| not_allowed("a view of /sys", e))?;
    }
    devices(&below(root, "/dev"), mapped)?;
    let run = below(root, "/run");
    tmpfs(&run, quiet, "mode=755,size=64m")?;
    disk::directory(&run.join("lock"), 0o1777)?;
    tmpfs(&below(root, "/tmp"), quiet, "mode=1777,size=50%")
}

/// The devices that every program expects, and no others: no disk, no terminal of the machine.
fn devices(dev: &Path, mapped: bool) -> Result<(), SandboxError> {
    tmpfs(dev, MountFlags::NOSUID, "mode=755,size=1m")?;
    for node in ["null", "zero", "full", "random", "urandom", "tty"] {
        let (from, to) = (Path::new("/dev").join(node), dev.join(node));
        disk::file(&to, b"", 0o666)?;
        mount_bind(&from, &to).map_err(|e| not_allowed(&format!("the device {}", from.display()), e))?;
    }
    for (link, to) in
        [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("ptmx", "pts/ptmx")]
    {
        disk::link(Path::new(to), &dev.join(link))?;
    }
    let pts = dev.join("pts");
    disk::directory(&pts, 0o755)?;
    // Group 5 is tty everywhere; it does not exist where only our own user is mapped.
    let options =
        if mapped { c"newinstance,ptmxmode=666,mode=620" } else { c"newinstance,ptmxmode=666,mode=620,gid=5" };
    mount("devpts", &pts, "devpts", MountFlags::NOSUID | MountFlags::NOEXEC, options)
        .map_err(|e| not_allowed("terminals", e))?;
    tmpfs(&dev.join("shm"), MountFlags::NOSUID | MountFlags::NODEV, "mode=1777,size=256m")
}

/// Makes `root` the root of everything and lets go of the machine's.
pub(super) fn enter(root: &Path) -> Result<(), SandboxError> {
    let done = std::env::set_current_dir(root)
        .map_err(|e| e.to_string())
        // Both at one place: the old root is then on top of the new one, and is taken off (pivot_root(2)).
        .and_then(|()| rustix::process::pivot_root(".", ".").map_err(|e| e.to_string()))
        .and_then(|()| unmount(".", UnmountFlags::DETACH).map_err(|e| e.to_string()))
        .and_then(|()| std::env::set_current_dir("/").map_err(|e| e.to_string()));
    done.map_err(|e| {
        SandboxError::new(
            format!("the host's file system cannot become its root ({e})"),
            "a machine that runs from its initial RAM disk cannot do that: use a host with sshd",
        )
    })
}

/// Whether `path` is one of `places` or below one.
pub(super) fn within(path: &Path, places: &[&str]) -> bool {
    places.iter().any(|p| path.as_os_str().as_bytes() == p.as_bytes() || path.starts_with(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_is_read_with_odd_names_and_hidden_mounts() {
        let text = "1 0 8:1 / / rw,relatime - ext4 /dev/a rw\n\
                    2 1 8:2 / /a\\040b rw,nosuid,nodev shared:1 master:2 - xfs /dev/b rw\n\
                    3 1 8:3 / /home rw - ext4 /dev/c rw\n\
                    4 1 8:4 / /home ro,noexec - btrfs /dev/d rw\n\
                    nonsense\n";
        let got: Vec<(String, String, MountFlags)> =
            parse(text).into_iter().map(|m| (m.point.display().to_string(), m.kind, m.flags)).collect();
        let none = MountFlags::empty();
        assert_eq!(
            got,
            [
                ("/".to_owned(), "ext4".to_owned(), none),
                ("/a b".to_owned(), "xfs".to_owned(), MountFlags::NOSUID | MountFlags::NODEV),
                ("/home".to_owned(), "btrfs".to_owned(), MountFlags::NOEXEC),
            ]
        );
    }

    #[test]
    fn within_means_whole_names() {
        assert!(within(Path::new("/run"), &["/run"]));
        assert!(within(Path::new("/run/x"), &["/run"]));
        assert!(!within(Path::new("/runner"), &["/run"]));
    }
}
