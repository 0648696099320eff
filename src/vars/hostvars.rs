//! `hostvars`: the variables of any host outside a play, looked up when they are used.

use super::{HostState, InventoryVars, RunVars, TaskVars};
use crate::template::{Scopes, Variables};
use std::sync::Arc;

/// What hosts have learned so far; the dispatcher's book, for reading.
pub trait HostStates: Send + Sync {
    /// A host without an entry has learned nothing.
    fn state(&self, host: &str) -> Arc<HostState>;
}

/// All hosts' variables.
pub struct HostVars {
    pub run: Arc<RunVars>,
    pub vars: Arc<InventoryVars>,
    pub states: Arc<dyn HostStates>,
}

impl HostVars {
    /// The variables of a host without play and task: what `hostvars['x']` shows. `None` where there is no such host, or its
    /// files cannot be read.
    pub fn of(&self, name: &str) -> Option<TaskVars> {
        let host = self.vars.inventory().host(name)?;
        Some(TaskVars {
            run: self.run.clone(),
            host: Some(self.vars.of(&host.name).ok()?),
            state: self.states.state(&host.name),
            inventory: Some(self.vars.inventory().clone()),
            ..Default::default()
        })
    }
}

impl Scopes for HostVars {
    fn get(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.of(name).map(|vars| Arc::new(vars) as Arc<dyn Variables>)
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.vars.inventory().hosts().map(|h| Arc::from(h.name.as_str())).collect()
    }
}
