//! The outermost process of a host: makes the namespaces that only a new process can enter, starts `init` in them, and
//! removes the sandbox's directory when the process that should do so is gone. Single-threaded throughout.

use super::{Place, fault};
use crate::sandbox::SandboxError;
use rustix::process::{getegid, geteuid};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::process::{Command, ExitCode, Stdio};

pub(super) fn run(place: &Place) -> Result<ExitCode, SandboxError> {
    let parent = rustix::process::getppid();
    let mapped = separate()?;
    let mode = if mapped { "init-mapped" } else { "init" };
    let status = Command::new("/proc/self/exe")
        .args(place.arguments(mode))
        .stdin(Stdio::inherit())
        .status()
        .map_err(|e| fault("the host's first process cannot be started", e))?;
    if rustix::process::getppid() != parent {
        let _ = std::fs::remove_dir_all(&place.directory);
    }
    Ok(ExitCode::from(u8::from(!status.success())))
}

/// A process namespace for our child; in a user namespace of our own (`true`) where we may not do that otherwise.
fn separate() -> Result<bool, SandboxError> {
    // As init will: if mounts are refused there, a user namespace is the way, and it has to be entered here.
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let full = UnshareFlags::NEWPID;
    if user == 0 && may_mount() && unshare(full).is_ok() {
        return Ok(false);
    }
    unshare(UnshareFlags::NEWUSER | full).map_err(|e| refused(user, e))?;
    let map = |file: &str, text: String| {
        std::fs::write(file, text).map_err(|e| fault(format!("{file} cannot be written"), e))
    };
    // Kernels refuse a group map to ordinary users unless setgroups is given up first.
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("0 {user} 1"))?;
    map("/proc/self/gid_map", format!("0 {group} 1"))?;
    Ok(true)
}

/// Whether this process may make mounts: root in a container often may not.
fn may_mount() -> bool {
    use rustix::thread::{CapabilitySet, capabilities};
    capabilities(None).is_ok_and(|c| c.effective.contains(CapabilitySet::SYS_ADMIN))
}

fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: the table of file descriptors stays shared (no UnshareFlags::FILES), which is all that can go wrong.
    unsafe { unshare_unsafe(flags) }
}

fn refused(user: u32, error: rustix::io::Errno) -> SandboxError {
    let who =
        if user == 0 { "this root may not make mounts (a container?), and" } else { "this user is not root, and" };
    SandboxError::new(
        format!("{who} the kernel refuses user namespaces ({error}), so hosts cannot be kept apart from this machine"),
        "run as root, or allow them (sysctl user.max_user_namespaces=10000, on some systems \
         kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0; in a container: \
         --privileged), or use a host with sshd",
    )
}
