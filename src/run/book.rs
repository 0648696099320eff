//! What hosts have learned in a run: facts, set_fact, register, include_vars. Written by the dispatcher, read by all. Facts may
//! come from earlier runs and be kept for later ones.

use crate::names::HostName;
use crate::value::{Map, Value};
use crate::vars::{HostState, HostStates};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// Where facts are kept between runs.
pub trait FactStore: Send + Sync {
    /// The facts that are kept of a host, if they are not too old.
    fn load(&self, host: &str) -> Option<Map>;
    fn save(&self, host: &str, facts: &Map);
    fn forget(&self, host: &str);
}

#[derive(Default)]
pub struct Book {
    hosts: RwLock<HashMap<HostName, Arc<HostState>>>,
    store: Option<Box<dyn FactStore>>,
}

impl Book {
    pub fn with_store(store: Box<dyn FactStore>) -> Self {
        Book { store: Some(store), ..Book::default() }
    }

    /// What is known of a host at the start.
    fn remembered(&self, host: &str) -> Arc<HostState> {
        let mut state = HostState::default();
        if let Some(facts) = self.store.as_ref().and_then(|store| store.load(host)) {
            state.add_facts(&facts);
        }
        Arc::new(state)
    }

    /// Changes what is known of a host.
    pub fn update(&self, host: &HostName, change: impl FnOnce(&mut HostState)) {
        let mut hosts = self.hosts.write().unwrap_or_else(|e| e.into_inner());
        let state = hosts.entry(host.clone()).or_insert_with(|| self.remembered(host));
        change(Arc::make_mut(state));
    }
    pub fn set(&self, host: &HostName, name: &str, value: Value) {
        self.update(host, |state| state.set(name, value));
    }
    pub fn set_all(&self, host: &HostName, vars: &Map) {
        self.update(host, |state| state.set_all(vars));
    }
    pub fn add_facts(&self, host: &HostName, facts: &Map) {
        self.update(host, |state| {
            state.add_facts(facts);
            if let Some(store) = &self.store {
                store.save(host, state.facts());
            }
        });
    }
    /// Forgets a host's facts, for later runs too.
    pub fn clear_facts(&self, host: &HostName) {
        if let Some(store) = &self.store {
            store.forget(host);
        }
        self.update(host, HostState::clear_facts);
    }
}

impl HostStates for Book {
    fn state(&self, host: &str) -> Arc<HostState> {
        if let Some(state) = self.hosts.read().unwrap_or_else(|e| e.into_inner()).get(host) {
            return state.clone();
        }
        if self.store.is_none() {
            return Arc::default();
        }
        let mut hosts = self.hosts.write().unwrap_or_else(|e| e.into_inner());
        hosts.entry(HostName::from(host)).or_insert_with(|| self.remembered(host)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<HashMap<String, Map>>>);
    impl FactStore for Kept {
        fn load(&self, host: &str) -> Option<Map> {
            self.0.lock().expect("no panic").get(host).cloned()
        }
        fn save(&self, host: &str, facts: &Map) {
            self.0.lock().expect("no panic").insert(host.to_owned(), facts.clone());
        }
        fn forget(&self, host: &str) {
            self.0.lock().expect("no panic").remove(host);
        }
    }

    #[test]
    fn facts_outlive_a_run() {
        let (kept, host) = (Kept::default(), HostName::from("web"));
        let book = || Book::with_store(Box::new(kept.clone()));
        let mut facts = Map::new();
        facts.insert("ansible_system", "Linux");
        book().add_facts(&host, &facts);
        let later = book();
        later.set(&host, "x", Value::Int(1));
        assert!(later.state("web").ansible_facts().contains_key("system"));
        later.clear_facts(&host);
        assert!(later.state("web").facts().is_empty() && book().state("web").facts().is_empty());
    }
}
