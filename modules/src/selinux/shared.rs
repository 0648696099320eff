//! What the modules of SELinux share: whether it is on, its configuration, and `semanage`.

use crate::contract::Failure;
use crate::host::steps::{failed_command, query, required};
use crate::host::{Command, Observe};
use std::path::Path;

pub(super) const CONFIG: &str = "/etc/selinux/config";
const ENFORCE: &str = "/sys/fs/selinux/enforce";

pub(super) fn is_enabled(host: &dyn Observe) -> bool {
    host.exists(Path::new(ENFORCE))
}

pub(super) fn is_enforcing(host: &dyn Observe) -> bool {
    host.read_text(Path::new(ENFORCE)).is_ok_and(|text| text.trim() == "1")
}

/// # Errors
/// SELinux is off, and that matters.
pub(super) fn must_be_enabled(host: &dyn Observe, ignored: bool) -> Result<(), Failure> {
    if ignored || is_enabled(host) { Ok(()) } else { Err(Failure::new("SELinux is disabled on this host.")) }
}

/// `SELINUX` or `SELINUXTYPE` of a configuration file.
pub(super) fn setting(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(line.split('=').next().unwrap_or_default().trim().to_owned())
}

/// The kind of policy that is loaded.
pub(super) fn policy(host: &dyn Observe) -> String {
    let text = host.read_text(Path::new(CONFIG)).unwrap_or_default();
    setting(&text, "SELINUXTYPE").unwrap_or_else(|| "targeted".to_owned())
}

/// A call of semanage.
///
/// # Errors
/// It is missing.
pub(super) fn semanage(host: &dyn Observe, words: &[&str]) -> Result<Command, Failure> {
    Ok(Command::new(required(host, "semanage")?).env("LC_ALL", "C").args(words.iter().copied()))
}

/// What a list of semanage's says.
///
/// # Errors
/// semanage is missing or fails.
pub(super) fn listed(host: &dyn Observe, words: &[&str]) -> Result<String, Failure> {
    let command = semanage(host, words)?;
    let out = query(host, &command)?;
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
}
