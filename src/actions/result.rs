//! What an action gives: the result dictionary, and effects that the dispatcher carries out.

use crate::event::Cause;
use crate::value::{Map, Value};
use std::sync::Arc;

/// A change of the run's state that an action asks for.
#[derive(Clone, Debug)]
pub enum Effect {
    /// `set_fact`: variables of the host; `cacheable` ones are facts too.
    SetFact {
        facts: Arc<Map>,
        cacheable: bool,
    },
    /// `include_vars`: variables of the host, below those of `set_fact`.
    HostVars(Arc<Map>),
    /// Facts that a module found.
    Facts(Arc<Map>),
    AddHost {
        name: String,
        groups: Vec<String>,
        vars: Map,
    },
    GroupBy {
        group: String,
        parents: Vec<String>,
    },
    Stats {
        data: Map,
        per_host: bool,
        aggregate: bool,
    },
}

/// The result dictionary of an action before `changed_when`, `failed_when` and the like are applied.
#[derive(Clone, Debug, Default)]
pub struct ActionResult {
    /// Ansible's keys: `changed`, `msg`, `rc`, … `failed`, `skipped` and `unreachable` say how it went.
    pub data: Map,
    /// Shown without `-v` too.
    pub verbose: bool,
    /// Not shown, as with `no_log`.
    pub secret: bool,
    pub effects: Vec<Effect>,
    /// It failed by a condition of the task, not by itself.
    pub condemned: bool,
    pub warnings: Vec<String>,
    pub deprecations: Vec<String>,
    /// What failed, innermost last; empty for a plain failure with `msg`.
    pub causes: Vec<Cause>,
}

impl ActionResult {
    pub fn ok() -> Self {
        Self::default().with("changed", false)
    }
    pub fn changed(changed: bool) -> Self {
        Self::default().with("changed", changed)
    }
    pub fn failed(msg: impl Into<String>) -> Self {
        Self::default().with("failed", true).with("msg", msg.into()).with("changed", false)
    }
    pub fn skipped(msg: impl Into<String>) -> Self {
        Self::default().with("skipped", true).with("msg", msg.into()).with("changed", false)
    }
    pub fn unreachable(msg: impl Into<String>) -> Self {
        Self::default().with("unreachable", true).with("msg", msg.into()).with("changed", false)
    }
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key, value);
        self
    }
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
    pub fn is(&self, key: &str) -> bool {
        self.data.get(key).is_some_and(Value::truthy)
    }
}
