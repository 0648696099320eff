//! The inventory of a run: which hosts a pattern means, their variables, and changes while the run goes on.

use super::context::RunContext;
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::{Inventory, Limit, Mismatch, Order, VarFiles};
use crate::names::HostName;
use crate::value::Map;
use crate::vars::{HostVars, InventoryVars};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Loads the inventory's sources anew (`meta: refresh_inventory`).
pub type Reload = Box<dyn Fn() -> Result<Inventory, Diagnostic> + Send + Sync>;

pub struct Roster {
    inventory: Arc<Inventory>,
    files: Arc<VarFiles>,
    playbook_dir: Option<PathBuf>,
    limit: Option<Limit>,
    mismatch: Mismatch,
    reload: Option<Reload>,
    /// What the run itself has added, for an inventory that is read anew.
    added: Vec<Added>,
}

#[derive(Clone)]
enum Added {
    Host { name: String, groups: Vec<String>, vars: Map },
    Group { host: HostName, group: String, parents: Vec<String> },
}

impl Roster {
    pub fn new(inventory: Inventory, files: Arc<VarFiles>, limit: Option<Limit>, mismatch: Mismatch) -> Self {
        Roster {
            inventory: Arc::new(inventory),
            files,
            playbook_dir: None,
            limit,
            mismatch,
            reload: None,
            added: vec![],
        }
    }
    #[must_use]
    pub fn with_reload(mut self, reload: Reload) -> Self {
        self.reload = Some(reload);
        self
    }

    /// The hosts of patterns within the limit.
    ///
    /// # Errors
    /// When a pattern is malformed.
    pub fn select(&self, patterns: &[&str], order: Order) -> Result<(Vec<HostName>, Diagnostics), Diagnostic> {
        let selection = self.inventory.select(patterns, self.limit.as_ref(), order, self.mismatch)?;
        Ok((selection.hosts, selection.warnings))
    }

    /// Group and host variables beside a playbook count from now on.
    pub fn stand_at(&mut self, playbook_dir: &Path) {
        self.playbook_dir = Some(playbook_dir.to_owned());
    }

    /// All hosts' variables as the inventory is now.
    pub fn hostvars(&self, ctx: &RunContext) -> (Arc<HostVars>, Diagnostics) {
        let dirs: Vec<&Path> = self.playbook_dir.iter().map(PathBuf::as_path).collect();
        let (vars, mut warnings) = InventoryVars::new(self.inventory.clone(), self.files.clone(), &ctx.settings, &dirs);
        warnings.extend(self.files.take_warnings());
        let hostvars = HostVars { run: ctx.vars.clone(), vars: Arc::new(vars), states: ctx.book.clone() };
        (Arc::new(hostvars), warnings)
    }

    /// `add_host`; whether anything changed.
    ///
    /// # Errors
    /// When a name is not usable.
    pub fn add_host(&mut self, name: &str, groups: &[String], vars: &Map) -> Result<bool, String> {
        let changed = Arc::make_mut(&mut self.inventory).add_host_at_run_time(name, groups, vars)?;
        if changed && self.reload.is_some() {
            self.added.push(Added::Host { name: name.to_owned(), groups: groups.to_vec(), vars: vars.clone() });
        }
        Ok(changed)
    }
    /// `group_by`; whether anything changed.
    ///
    /// # Errors
    /// When a name is not usable.
    pub fn group_by(&mut self, host: &HostName, group: &str, parents: &[String]) -> Result<bool, String> {
        let changed = Arc::make_mut(&mut self.inventory).group_at_run_time(host, group, parents)?;
        if changed && self.reload.is_some() {
            let (group, parents) = (group.to_owned(), parents.to_vec());
            self.added.push(Added::Group { host: host.clone(), group, parents });
        }
        Ok(changed)
    }
    /// Whether the inventory has a host.
    pub fn knows(&self, host: &HostName) -> bool {
        self.inventory.known_host(host).is_some()
    }
    /// Reads the sources again; what the run has added stays.
    ///
    /// # Errors
    /// As loading them the first time.
    pub fn refresh(&mut self) -> Result<(), Diagnostic> {
        if let Some(reload) = &self.reload {
            self.files.forget();
            let mut inventory = reload()?;
            for added in &self.added {
                // A host that is gone is in no group.
                let _ = match added {
                    Added::Host { name, groups, vars } => inventory.add_host_at_run_time(name, groups, vars),
                    Added::Group { host, group, parents } => inventory.group_at_run_time(host, group, parents),
                };
            }
            self.inventory = Arc::new(inventory);
        }
        Ok(())
    }
}
