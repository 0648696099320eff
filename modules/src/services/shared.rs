//! What the service modules share: SysV scripts, and which init system runs the host.

use crate::contract::Failure;
use crate::host::{Command, Observe};
use std::path::{Path, PathBuf};

/// The init script of a service, if there is one.
pub fn sysv_script(host: &dyn Observe, name: &str) -> Option<PathBuf> {
    let path = if name.starts_with('/') { PathBuf::from(name) } else { Path::new("/etc/init.d").join(name) };
    host.stat(&path).is_ok().then_some(path)
}

/// Names of the `S??name` or `K??name` links in the directory of one run level.
pub fn links(host: &dyn Observe, level: &str, letter: char, name: &str) -> Vec<PathBuf> {
    let base = if host.is_dir(Path::new("/etc/rc0.d")) { "/etc" } else { "/etc/init.d" };
    let dir = Path::new(base).join(format!("rc{level}.d"));
    let fits = |entry: &str| {
        entry.strip_prefix(letter).is_some_and(|r| r.chars().count() == name.chars().count() + 2 && r.ends_with(name))
    };
    host.read_dir(&dir)
        .unwrap_or_default()
        .into_iter()
        .filter(|e| e.to_str().is_some_and(fits))
        .map(|e| dir.join(e))
        .collect()
}

/// Whether the script is started in that run level, or in any.
pub fn sysv_enabled(host: &dyn Observe, name: &str, level: Option<&str>) -> bool {
    match level {
        Some(level) => !links(host, level, 'S', name).is_empty(),
        None => "0123456789S".chars().any(|l| !links(host, &l.to_string(), 'S', name).is_empty()),
    }
}

/// Whether systemd runs the host, by its own test and, failing that, by the name of process 1.
pub fn is_systemd(host: &dyn Observe) -> bool {
    host.which("systemctl").is_some()
        && (["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"].iter().any(|p| host.exists(Path::new(p)))
            || host.read_text(Path::new("/proc/1/comm")).is_ok_and(|comm| comm.trim() == "systemd"))
}

/// Whether this process sees another root than process 1.
pub fn is_chroot(host: &dyn Observe) -> bool {
    if host.env("debian_chroot").is_some_and(|v| !v.is_empty()) {
        return true;
    }
    match (host.stat(Path::new("/")), host.stat(Path::new("/proc/1/root/."))) {
        (Ok(mine), Ok(first)) => (mine.inode, mine.dev) != (first.inode, first.dev),
        // Not allowed to look: the root of common file systems has a well-known inode.
        (Ok(mine), Err(_)) => !matches!(mine.inode, 2 | 128 | 256),
        _ => false,
    }
}

/// Ansible's failure for a service that the host does not have.
pub fn missing(name: &str, what: &str) -> Failure {
    Failure::new(format!("Could not find the requested service {name}: {what}"))
}

/// Whether any line of `ps auxww` holds `pattern`.
pub fn in_process_list(host: &dyn Observe, pattern: &str) -> Result<bool, Failure> {
    let ps = crate::host::steps::required(host, "ps")?;
    let out = crate::host::steps::query(host, &Command::new(ps).arg("auxww"))?;
    Ok(out.ok() && out.stdout_text().lines().any(|l| l.contains(pattern)))
}
