//! Throwaway SSH hosts on this machine's loopback, from this program alone: no sshd, no container engine. Lists the parts.
//!
//! ```text
//! this process (Sandbox) ── pipe ──▶ outer ──▶ init = process 1 of the host ──▶ server (SSH) ──▶ what is run there
//! ```
//!
//! Each of the three is this program again ([`child_main`]). `outer` makes the process namespace and waits; `init` makes
//! the host's file system and reaps; `server` answers on 127.0.0.1. When the pipe closes, for whatever reason, `init` ends
//! and the kernel ends everything in its namespaces with it: processes, mounts, files.

mod error;
mod host;
mod interrupt;
mod inventory;
mod launch;
mod server;

pub use error::SandboxError;
pub use host::child_main;

use interrupt::Interrupts;
use inventory::Entry;
use launch::{Host, Launched};
use std::path::{Path, PathBuf};

/// Most hosts of one sandbox.
pub const MOST_HOSTS: usize = 99;

/// Running hosts. They end, and everything of theirs goes, when this is dropped.
///
/// While it lives, SIGINT, SIGTERM and SIGHUP do not end this process: they are passed on to the commands it runs and are
/// told by [`Sandbox::interrupted`] and [`Sandbox::wait_for_interrupt`], so that the caller comes back here to drop it.
pub struct Sandbox {
    interrupts: Interrupts,
    inventory: PathBuf,
    text: String,
    notes: Vec<String>,
    hosts: Vec<Host>,
    // Dropped last: the hosts' directory.
    _directory: tempfile::TempDir,
}

impl Sandbox {
    /// Starts `n` hosts (1 to [`MOST_HOSTS`]) named `host1`, `host2`, … and waits until each of them answers.
    ///
    /// Fails where this machine's kernel does not let us keep hosts apart from the machine; nothing is left then.
    pub fn start(n: usize) -> Result<Sandbox, SandboxError> {
        let program = std::env::current_exe().map_err(|e| {
            SandboxError::new(format!("this program cannot be found: {e}"), "call it by its whole path")
        })?;
        Sandbox::start_with(n, &program)
    }

    /// As [`Sandbox::start`], with the file of the program whose `main` calls [`child_main`] first.
    pub fn start_with(n: usize, program: &Path) -> Result<Sandbox, SandboxError> {
        if n == 0 || n > MOST_HOSTS {
            return Err(SandboxError::new(format!("a sandbox has 1 to {MOST_HOSTS} hosts, not {n}"), ""));
        }
        let interrupts = Interrupts::watch()?;
        let Launched { directory, hosts, notes, client_key } = launch::launch(n, program, &interrupts)?;
        let entries: Vec<Entry> = hosts
            .iter()
            .map(|h| Entry { name: h.name.clone(), port: h.port, host_key: h.public_key.clone() })
            .collect();
        let known_hosts = directory.path().join("known_hosts");
        launch::write(&known_hosts, inventory::known_hosts(&entries).as_bytes(), 0o600)?;
        let text = inventory::text(&entries, &client_key, &known_hosts);
        let inventory = directory.path().join("inventory.ini");
        launch::write(&inventory, text.as_bytes(), 0o600)?;
        Ok(Sandbox { interrupts, inventory, text, notes, hosts, _directory: directory })
    }

    /// What people should know about these hosts: how far they are apart from the machine, and what they share with it.
    pub fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// The inventory of these hosts (INI), a file in a directory that goes with them.
    pub fn inventory_path(&self) -> &Path {
        &self.inventory
    }

    /// The text of that inventory.
    pub fn inventory_text(&self) -> String {
        self.text.clone()
    }

    /// Returns when the program is asked to end (Ctrl-C, SIGTERM, SIGHUP).
    pub fn wait_for_interrupt(&self) {
        self.interrupts.wait();
    }

    /// Whether the program was asked to end since the hosts were started.
    pub fn interrupted(&self) -> bool {
        self.interrupts.seen()
    }

    /// The processes of this program that hold the hosts.
    pub fn process_ids(&self) -> Vec<u32> {
        self.hosts.iter().map(Host::process_id).collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        launch::end(&mut self.hosts);
    }
}
