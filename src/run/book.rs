//! What hosts have learned in a run: facts, set_fact, register, include_vars. Written by the dispatcher, read by all.

use crate::names::HostName;
use crate::value::{Map, Value};
use crate::vars::{HostState, HostStates};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

#[derive(Default)]
pub struct Book(RwLock<HashMap<HostName, Arc<HostState>>>);

impl Book {
    /// Changes what is known of a host.
    pub fn update(&self, host: &HostName, change: impl FnOnce(&mut HostState)) {
        let mut hosts = self.0.write().unwrap_or_else(|e| e.into_inner());
        change(Arc::make_mut(hosts.entry(host.clone()).or_default()));
    }
    pub fn set(&self, host: &HostName, name: &str, value: Value) {
        self.update(host, |state| state.set(name, value));
    }
    pub fn set_all(&self, host: &HostName, vars: &Map) {
        self.update(host, |state| state.set_all(vars));
    }
    pub fn add_facts(&self, host: &HostName, facts: &Map) {
        self.update(host, |state| state.add_facts(facts));
    }
}

impl HostStates for Book {
    fn state(&self, host: &str) -> Arc<HostState> {
        self.0.read().unwrap_or_else(|e| e.into_inner()).get(host).cloned().unwrap_or_default()
    }
}
