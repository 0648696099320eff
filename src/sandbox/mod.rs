//! Throwaway SSH hosts on this machine's loopback, from this program alone: no sshd, no container engine.

mod error;

pub use error::SandboxError;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Running hosts. They end, and everything of theirs goes, when this is dropped.
pub struct Sandbox {
    inventory: PathBuf,
}

impl Sandbox {
    /// Starts `n` hosts and waits until each of them answers.
    pub fn start(_n: usize) -> Result<Sandbox, SandboxError> {
        Err(SandboxError::new("hosts cannot be started by this build", "use hosts with sshd"))
    }

    /// What people should know about these hosts: how far they are apart from the machine, and what they share with it.
    pub fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// The inventory of these hosts, a file in a directory that goes with them.
    pub fn inventory_path(&self) -> &Path {
        &self.inventory
    }

    /// The text of that inventory.
    pub fn inventory_text(&self) -> String {
        String::new()
    }

    /// Returns when the program is asked to end: Ctrl-C or SIGTERM.
    pub fn wait_for_interrupt(&self) {}
}

/// The hidden modes in which this program runs as a sandbox's host. `args` are the process's own, the program first.
/// `None`: this process is not one of those.
pub fn child_main(_args: &[OsString]) -> Option<std::process::ExitCode> {
    None
}
