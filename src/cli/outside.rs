//! The real world behind lookups: files, processes, network, clock, randomness.

use super::{ask, children};
use crate::config::Settings;
use crate::files::{Disk, Files};
use crate::inventory::{Inventory, Mismatch, Order, split_patterns};
use crate::template::{Outside, PipeOutput, UrlRequest};
use crate::value::Value;
use std::collections::HashSet;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, RwLock};
use std::time::SystemTime;

/// The controller as lookups see it.
pub struct World {
    settings: Arc<Settings>,
    /// Set once the inventory is loaded.
    inventory: RwLock<Option<Inventory>>,
    /// Each warning is told once.
    warned: Mutex<HashSet<String>>,
}

impl World {
    pub fn new(settings: Arc<Settings>) -> Self {
        World { settings, inventory: RwLock::new(None), warned: Mutex::default() }
    }
    pub fn set_inventory(&self, inventory: Inventory) {
        *self.inventory.write().unwrap_or_else(|e| e.into_inner()) = Some(inventory);
    }
}

impl Outside for World {
    fn files(&self) -> &dyn Files {
        &Disk
    }
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
    fn cwd(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_default()
    }
    fn pipe(&self, command: &str, directory: &Path) -> Result<PipeOutput, String> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", command]).current_dir(directory).stdin(Stdio::null()).stderr(Stdio::inherit());
        // Other hosts carry on meanwhile.
        let output = tokio::task::block_in_place(|| children::output(&mut shell)).map_err(|e| e.to_string())?;
        Ok(PipeOutput { code: output.status.code().unwrap_or(-1), stdout: output.stdout })
    }
    fn url(&self, request: &UrlRequest) -> Result<Vec<u8>, String> {
        tokio::task::block_in_place(|| super::http::body(request))
    }
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    fn random(&self, buffer: &mut [u8]) {
        rand::RngCore::fill_bytes(&mut rand::rng(), buffer);
    }
    fn write_private(&self, path: &Path, content: &[u8]) -> std::io::Result<()> {
        if let Some(dir) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let partial = path.with_extension(format!("{}.tightbeam", std::process::id()));
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    }
    fn setting(&self, name: &str) -> Option<Value> {
        self.settings.find(name).map(|set| set.value.clone())
    }
    fn hosts(&self, pattern: &str) -> Result<Vec<String>, String> {
        let guard = self.inventory.read().unwrap_or_else(|e| e.into_inner());
        let Some(inventory) = &*guard else { return Ok(vec![]) };
        let patterns = split_patterns(pattern);
        let refs: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let chosen = inventory.select(&refs, None, Order::Inventory, Mismatch::Ignore).map_err(|d| d.message)?;
        Ok(chosen.hosts.iter().map(|h| h.to_string()).collect())
    }
    fn warn(&self, message: &str) {
        if self.warned.lock().unwrap_or_else(|e| e.into_inner()).insert(message.to_owned()) {
            eprintln!("[WARNING]: {message}");
        }
    }
    fn deprecated(&self, message: &str) {
        if self.settings.bool("DEPRECATION_WARNINGS")
            && self.warned.lock().unwrap_or_else(|e| e.into_inner()).insert(message.to_owned())
        {
            eprintln!("[DEPRECATION WARNING]: {message}");
        }
    }
}

/// Runs executable inventories.
pub struct Scripts;

impl crate::inventory::RunScript for Scripts {
    fn run(&self, path: &Path, args: &[&str]) -> Result<crate::inventory::ScriptOutput, String> {
        let output = Command::new(path).args(args).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
        Ok(crate::inventory::ScriptOutput {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }
}

/// The content of a password file, or what an executable one prints.
pub fn password_file(path: &Path) -> Result<String, String> {
    let path = crate::files::expand_home(&path.to_string_lossy(), |n| std::env::var(n).ok());
    let shown = path.display();
    let bytes = if Disk.is_executable(&path) {
        let output = Command::new(&path).stderr(Stdio::inherit()).output().map_err(|e| format!("{shown}: {e}"))?;
        if !output.status.success() {
            return Err(format!("The password script {shown} had an error"));
        }
        output.stdout
    } else {
        std::fs::read(&path).map_err(|e| format!("Could not read password file {shown}: {e}"))?
    };
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
}

/// A password typed at the terminal.
pub fn ask_password(prompt: &str) -> Result<String, String> {
    ask::password(prompt).ok_or_else(|| {
        format!("there is no terminal to ask for the password ({})", prompt.trim_end_matches([' ', ':']))
    })
}
