//! The variables of one host and task: layers walked from the highest down, nothing merged or copied.

use super::magic::{self, PlayFacts, RunFacts, TaskFacts};
use super::{HostState, Layer, LayerVars, Store};
use crate::diag::Span;
use crate::names::HostName;
use crate::template::{Binding, Scopes, Variables};
use crate::value::{Map, MergeMode, Value, merge};
use indexmap::IndexSet;
use std::sync::Arc;

/// A variable's value in one layer.
#[derive(Clone, Debug)]
pub struct Origin {
    pub layer: Layer,
    /// File, group or role.
    pub source: Arc<str>,
    pub value: Value,
    pub span: Option<Span>,
}

/// One host's variables for one task. Cheap to make; `get` looks names up in at most a few dozen maps.
pub struct Scope {
    pub(super) run: Arc<RunFacts>,
    pub(super) store: Arc<Store>,
    pub(super) host: Option<HostName>,
    pub(super) state: Arc<HostState>,
    pub(super) play: Option<Arc<PlayFacts>>,
    pub(super) task: TaskFacts,
    /// Below facts, lowest first: role defaults; then the host's inventory layers.
    below: Vec<LayerVars>,
    /// Between facts and `include_vars`, lowest first: play vars to task vars.
    middle: Vec<LayerVars>,
    /// Above `set_fact`, lowest first: role and include parameters.
    above: Vec<LayerVars>,
}

/// Puts a [`Scope`] together.
pub struct ScopeBuilder(Scope);

impl ScopeBuilder {
    /// Variables of a host, or of no host (names that are needed before any host is looked at).
    pub fn new(run: Arc<RunFacts>, store: Arc<Store>, host: Option<&HostName>) -> Self {
        let state = host.and_then(|h| store.host(h)).unwrap_or_default();
        ScopeBuilder(Scope {
            run,
            store,
            host: host.cloned(),
            state,
            play: None,
            task: TaskFacts::default(),
            below: vec![],
            middle: vec![],
            above: vec![],
        })
    }
    #[must_use]
    pub fn play(mut self, play: Arc<PlayFacts>) -> Self {
        self.0.play = Some(play);
        self
    }
    #[must_use]
    pub fn task(mut self, task: TaskFacts) -> Self {
        self.0.task = task;
        self
    }
    /// Adds a layer; layers of the same kind are added lowest first. Layers of the host itself come from the store.
    #[must_use]
    pub fn layer(mut self, layer: Layer, source: &Arc<str>, vars: &Arc<Map>) -> Self {
        if !vars.is_empty() {
            let entry = LayerVars { layer, source: source.clone(), vars: vars.clone() };
            match layer {
                Layer::PublicRoleDefaults | Layer::RoleDefaults => self.0.below.push(entry),
                Layer::RoleParams | Layer::IncludeParams | Layer::ExtraVars => self.0.above.push(entry),
                _ => self.0.middle.push(entry),
            }
        }
        self
    }
    pub fn build(self) -> Scope {
        self.0
    }
}

impl Scope {
    pub fn host(&self) -> Option<&HostName> {
        self.host.as_ref()
    }
    pub fn state(&self) -> &Arc<HostState> {
        &self.state
    }

    /// Every layer that holds the name, highest first. Stops early when `first` is set.
    fn walk(&self, name: &str, first: bool) -> Vec<(Layer, Arc<str>, Value)> {
        let mut found = Vec::new();
        let mut take = |layer: Layer, source: &Arc<str>, value: Option<&Value>| {
            if let Some(value) = value {
                found.push((layer, source.clone(), value.clone()));
                return first;
            }
            false
        };
        let none: Arc<str> = Arc::from("");
        if take(Layer::ExtraVars, &none, self.run.extra_vars.get(name)) {
            return found;
        }
        for layer in self.above.iter().rev() {
            if take(layer.layer, &layer.source, layer.vars.get(name)) {
                return found;
            }
        }
        if take(Layer::SetFact, &none, self.state.set.get(name))
            || take(Layer::IncludeVars, &none, self.state.include_vars.get(name))
        {
            return found;
        }
        for layer in self.middle.iter().rev() {
            if take(layer.layer, &layer.source, layer.vars.get(name)) {
                return found;
            }
        }
        if name == "ansible_facts" {
            let facts = Value::Map(self.state.facts.named().clone());
            if take(Layer::Facts, &none, Some(&facts)) {
                return found;
            }
        } else if (self.run.inject_facts || name == "ansible_local")
            && take(Layer::Facts, &none, self.state.facts.injected(name))
        {
            return found;
        }
        for layer in self.state.inventory.iter().rev().chain(self.below.iter().rev()) {
            if take(layer.layer, &layer.source, layer.vars.get(name)) {
                return found;
            }
        }
        found
    }

    /// The value that wins, unrendered.
    fn layered(&self, name: &str) -> Option<Value> {
        let mut found = self.walk(name, !self.run.merge_hashes);
        if found.len() < 2 {
            return found.pop().map(|(_, _, v)| v);
        }
        // hash_behaviour=merge: dictionaries of all layers are merged, lowest first, down to the first that is none.
        let mode = MergeMode { recursive: true, ..MergeMode::default() };
        let mut layers = found.into_iter().map(|(_, _, v)| v);
        let mut top = layers.next()?;
        for lower in layers {
            match (&top, &lower) {
                (Value::Map(over), Value::Map(base)) => top = Value::map(merge(base, over, mode)),
                _ => break,
            }
        }
        Some(top)
    }

    /// All layers that hold a variable, the winner first.
    pub fn explain(&self, name: &str) -> Vec<Origin> {
        let mut out = Vec::new();
        if let Some(Binding::Value(value)) = magic::get(self, name) {
            out.push(Origin { layer: Layer::Magic, source: "".into(), value, span: None });
        }
        out.extend(self.walk(name, false).into_iter().map(|(layer, source, value)| {
            let span = first_origin(&value);
            Origin { layer, source, value, span }
        }));
        out
    }
}

/// The first place of an author's text within a value.
fn first_origin(value: &Value) -> Option<Span> {
    match value {
        Value::List(items) => items.iter().find_map(first_origin),
        Value::Map(map) => map.values().find_map(first_origin),
        other => other.origin(),
    }
}

impl Variables for Scope {
    fn get(&self, name: &str) -> Option<Binding> {
        if name == "vars" {
            return Some(Binding::Scope(Arc::new(self.copy())));
        }
        if name == "ansible_facts" {
            return self.layered(name).map(Binding::Value);
        }
        match magic::get(self, name) {
            // Of the inventory's own variables only: an author's value of the same name wins.
            Some(binding) if !matches!(name, "inventory_file" | "inventory_dir" | "playbook_dir") => Some(binding),
            magic => self.layered(name).map(Binding::Value).or(magic),
        }
    }
    fn names(&self) -> Vec<Arc<str>> {
        let mut names: IndexSet<Arc<str>> = IndexSet::new();
        let mut add = |map: &Map| {
            for key in map.keys() {
                if let crate::value::Key::Str(name) = key {
                    names.insert(name.clone());
                }
            }
        };
        for layer in self.below.iter().chain(self.state.inventory.iter()) {
            add(&layer.vars);
        }
        if self.run.inject_facts {
            add(self.state.facts.raw());
        }
        for layer in &self.middle {
            add(&layer.vars);
        }
        add(&self.state.include_vars);
        add(&self.state.set);
        for layer in &self.above {
            add(&layer.vars);
        }
        add(&self.run.extra_vars);
        names.extend(
            magic::NAMES.iter().filter(|n| **n != "vars" && magic::get(self, n).is_some()).map(|n| Arc::from(*n)),
        );
        names.insert("ansible_facts".into());
        names.into_iter().collect()
    }
}

impl Scope {
    fn copy(&self) -> Scope {
        Scope {
            run: self.run.clone(),
            store: self.store.clone(),
            host: self.host.clone(),
            state: self.state.clone(),
            play: self.play.clone(),
            task: self.task.clone(),
            below: self.below.clone(),
            middle: self.middle.clone(),
            above: self.above.clone(),
        }
    }
}

/// `hostvars`: other hosts' variables without those of plays and tasks.
pub(super) struct HostVars {
    run: Arc<RunFacts>,
    store: Arc<Store>,
    play: Option<Arc<PlayFacts>>,
}

impl HostVars {
    pub(super) fn of(scope: &Scope) -> Self {
        HostVars { run: scope.run.clone(), store: scope.store.clone(), play: scope.play.clone() }
    }
}

impl Scopes for HostVars {
    fn get(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.store.host(name)?;
        let mut builder = ScopeBuilder::new(self.run.clone(), self.store.clone(), Some(&HostName::from(name)));
        if let Some(play) = &self.play {
            builder = builder.play(play.clone());
        }
        Some(Arc::new(builder.build()))
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.store.names().iter().map(|n| Arc::from(n.as_str())).collect()
    }
}
