//! All that is known of hosts in a run. The dispatcher alone writes; workers read, mostly through a scope made for them.

use super::{Facts, LayerVars};
use crate::names::{GroupName, HostName};
use crate::value::{Key, Map, Value};
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

/// One host's variables. Cloning shares everything.
#[derive(Clone, Debug, Default)]
pub struct HostState {
    /// Inventory, group_vars and host_vars, lowest first.
    pub inventory: Arc<[LayerVars]>,
    /// Sorted; without `all`.
    pub groups: Arc<[GroupName]>,
    pub facts: Facts,
    pub include_vars: Arc<Map>,
    /// `set_fact` and `register`.
    pub set: Arc<Map>,
    pub inventory_file: Option<PathBuf>,
    /// The host is in no inventory source (implicit localhost, a delegate given by address).
    pub implicit: bool,
}

/// What the inventory as a whole gives to templates.
#[derive(Clone, Debug, Default)]
pub struct InventoryFacts {
    /// Value of `groups`.
    pub groups: Arc<Map>,
}

/// The state of all hosts.
#[derive(Debug, Default)]
pub struct Store {
    hosts: RwLock<IndexMap<HostName, Arc<HostState>>>,
    inventory: RwLock<Arc<InventoryFacts>>,
}

impl Store {
    pub fn new(hosts: impl IntoIterator<Item = (HostName, HostState)>, groups: Map) -> Self {
        let store = Store::default();
        store.set_inventory(hosts, groups);
        store
    }
    /// Takes a new inventory; what is known of hosts besides stays.
    pub fn set_inventory(&self, hosts: impl IntoIterator<Item = (HostName, HostState)>, groups: Map) {
        let mut all = self.hosts.write().unwrap_or_else(|e| e.into_inner());
        let old = std::mem::take(&mut *all);
        for (name, mut state) in hosts {
            if let Some(known) = old.get(&name) {
                state.facts = known.facts.clone();
                state.include_vars = known.include_vars.clone();
                state.set = known.set.clone();
            }
            all.insert(name, Arc::new(state));
        }
        for (name, state) in old {
            all.entry(name).or_insert(state);
        }
        *self.inventory.write().unwrap_or_else(|e| e.into_inner()) =
            Arc::new(InventoryFacts { groups: Arc::new(groups) });
    }
    pub fn host(&self, name: &str) -> Option<Arc<HostState>> {
        self.hosts.read().unwrap_or_else(|e| e.into_inner()).get(name).cloned()
    }
    pub fn names(&self) -> Vec<HostName> {
        let hosts = self.hosts.read().unwrap_or_else(|e| e.into_inner());
        hosts.iter().filter(|(_, s)| !s.implicit).map(|(n, _)| n.clone()).collect()
    }
    pub fn inventory(&self) -> Arc<InventoryFacts> {
        self.inventory.read().unwrap_or_else(|e| e.into_inner()).clone()
    }
    /// Changes one host's state; a host that is not there comes into being.
    pub fn update(&self, name: &HostName, change: impl FnOnce(&mut HostState)) {
        let mut hosts = self.hosts.write().unwrap_or_else(|e| e.into_inner());
        change(Arc::make_mut(hosts.entry(name.clone()).or_default()));
    }
    /// `register`, and `set_fact` of one name.
    pub fn set(&self, host: &HostName, name: &str, value: Value) {
        self.update(host, |state| drop(Arc::make_mut(&mut state.set).insert(name, value)));
    }
    pub fn set_all(&self, host: &HostName, vars: &Map) {
        self.update(host, |state| Arc::make_mut(&mut state.set).extend(pairs(vars)));
    }
    pub fn include_vars(&self, host: &HostName, vars: &Map) {
        self.update(host, |state| Arc::make_mut(&mut state.include_vars).extend(pairs(vars)));
    }
    pub fn add_facts(&self, host: &HostName, facts: &Map) {
        self.update(host, |state| state.facts = state.facts.with(facts));
    }
    pub fn clear_facts(&self, host: &HostName) {
        self.update(host, |state| state.facts = Facts::default());
    }
}

fn pairs(map: &Map) -> impl Iterator<Item = (Key, Value)> + '_ {
    map.iter().map(|(k, v)| (k.clone(), v.clone()))
}
