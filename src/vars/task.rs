//! The variables of one task on one host: shared layers, looked through from the top per name. Nothing is merged or copied.

use super::host::HostLayers;
use super::hostvars::HostVars;
use super::{HostState, Layer};
use crate::diag::Span;
use crate::inventory::Inventory;
use crate::template::{Binding, Variables};
use crate::value::{Key, Map, MergeMode, Value, merge};
use indexmap::IndexSet;
use std::sync::Arc;

/// What is the same for the whole run.
#[derive(Clone, Debug, Default)]
pub struct RunVars {
    pub extra: Arc<Map>,
    /// `playbook_dir`, `ansible_version`, `ansible_check_mode`, `ansible_forks`, …
    pub magic: Arc<Map>,
    /// `hash_behaviour = merge`.
    pub merge: bool,
    /// INJECT_FACTS_AS_VARS.
    pub inject_facts: bool,
}

/// What is the same for a play. Lists of layers are lowest precedence first.
#[derive(Clone, Debug, Default)]
pub struct PlayVars {
    pub vars: Arc<Map>,
    /// Answers to vars_prompt.
    pub prompts: Arc<Map>,
    pub vars_files: Vec<Arc<Map>>,
    /// Of the play's public roles, in their order.
    pub public_defaults: Vec<Arc<Map>>,
    pub public_vars: Vec<Arc<Map>>,
    /// `ansible_play_name`, `ansible_play_hosts`, `ansible_play_batch`, `role_names`, …
    pub magic: Arc<Map>,
}

/// What a role gives its own tasks. Lists of layers are lowest precedence first.
#[derive(Clone, Debug, Default)]
pub struct RoleVars {
    pub defaults: Vec<Arc<Map>>,
    pub vars: Vec<Arc<Map>>,
    pub params: Vec<Arc<Map>>,
    /// `role_name`, `role_path`, `ansible_role_name`, …
    pub magic: Arc<Map>,
}

/// The variables that a task sees. Cheap to build and to clone: every field is shared.
#[derive(Clone, Default)]
pub struct TaskVars {
    pub run: Arc<RunVars>,
    pub play: Option<Arc<PlayVars>>,
    pub host: Option<Arc<HostLayers>>,
    pub state: Arc<HostState>,
    pub role: Option<Arc<RoleVars>>,
    /// `vars` of blocks and includes around the task, then its own: outermost first.
    pub task: Arc<[Arc<Map>]>,
    /// `vars` of dynamic includes around the task: outermost first.
    pub include_params: Arc<[Arc<Map>]>,
    /// `environment`, `ansible_search_path`, a task's own `ansible_check_mode`, …: above the magic of play and run.
    pub magic: Arc<Map>,
    /// For `groups`.
    pub inventory: Option<Arc<Inventory>>,
    /// Other hosts; absent in the variables that `hostvars` itself shows.
    pub hostvars: Option<Arc<HostVars>>,
}

/// One value of a variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    pub layer: Layer,
    /// The group or host whose it is, where the layer has several.
    pub of: Option<Arc<str>>,
    pub value: Value,
    pub span: Option<Span>,
}

/// Names whose values are made when they are asked for; nothing overrides them.
const COMPUTED: [&str; 3] = ["vars", "hostvars", "groups"];

/// What is done with a layer; whether to go on.
type See<'s, 'a> = &'s mut dyn FnMut(Layer, Option<&'a Arc<str>>, &'a Map) -> bool;

/// Layers of one kind, highest precedence first.
fn down<'a>(layer: Layer, maps: &'a [Arc<Map>], see: See<'_, 'a>) -> bool {
    maps.iter().rev().all(|map| map.is_empty() || see(layer, None, map))
}

fn single<'a>(layer: Layer, map: &'a Arc<Map>, see: See<'_, 'a>) -> bool {
    down(layer, std::slice::from_ref(map), see)
}

impl TaskVars {
    /// The layers above facts, highest precedence first.
    fn above<'a>(&'a self, see: See<'_, 'a>) -> bool {
        let empty: &[Arc<Map>] = &[];
        let (play, role) = (self.play.as_deref(), self.role.as_deref());
        single(Layer::Magic, &self.magic, see)
            && role.is_none_or(|r| single(Layer::Magic, &r.magic, see))
            && play.is_none_or(|p| single(Layer::Magic, &p.magic, see))
            && single(Layer::Magic, &self.run.magic, see)
            && single(Layer::ExtraVars, &self.run.extra, see)
            && down(Layer::IncludeParams, &self.include_params, see)
            && down(Layer::RoleParams, role.map_or(empty, |r| &r.params), see)
            && single(Layer::SetFacts, self.state.set_facts(), see)
            && single(Layer::IncludeVars, self.state.include_vars(), see)
            && down(Layer::TaskVars, &self.task, see)
            && down(Layer::RoleVars, role.map_or(empty, |r| &r.vars), see)
            && down(Layer::PublicRoleVars, play.map_or(empty, |p| &p.public_vars), see)
            && down(Layer::VarsFiles, play.map_or(empty, |p| &p.vars_files), see)
            && play.is_none_or(|p| single(Layer::VarsPrompt, &p.prompts, see) && single(Layer::PlayVars, &p.vars, see))
    }
    /// The layers below the inventory's.
    fn below<'a>(&'a self, see: See<'_, 'a>) -> bool {
        self.role.as_deref().is_none_or(|r| down(Layer::RoleDefaults, &r.defaults, see))
            && self.play.as_deref().is_none_or(|p| down(Layer::PublicRoleDefaults, &p.public_defaults, see))
    }
    fn fact(&self, name: &str) -> Option<&Value> {
        self.host.as_ref().and_then(|_| self.state.fact(name, self.run.inject_facts))
    }
    /// Calls `see` with the value of each layer that has the name, highest precedence first, until it answers no.
    fn values<'a>(&'a self, name: &str, see: &mut dyn FnMut(Layer, Option<&'a Arc<str>>, &'a Value) -> bool) {
        let mut layer = |layer, of, map: &'a Map| map.get(name).is_none_or(|value| see(layer, of, value));
        if !self.above(&mut layer) {
            return;
        }
        if let Some(value) = self.fact(name)
            && !see(Layer::Facts, None, value)
        {
            return;
        }
        let mut layer = |layer, of, map: &'a Map| map.get(name).is_none_or(|value| see(layer, of, value));
        let host = self.host.iter().flat_map(|h| h.parts()).all(|p| layer(p.layer, Some(&p.of), &p.vars));
        let _ = host && self.below(&mut layer);
    }

    /// The value of the highest layer; what groups give is found in one step.
    fn highest(&self, name: &str) -> Option<&Value> {
        let mut found = None;
        if !self.above(&mut |_, _, map| {
            found = map.get(name);
            found.is_none()
        }) {
            return found;
        }
        if let Some(value) = self.fact(name).or_else(|| self.host.as_ref()?.get(name)) {
            return Some(value);
        }
        self.below(&mut |_, _, map| {
            found = map.get(name);
            found.is_none()
        });
        found
    }

    /// Dictionaries of several layers merged, down to the first value that is none.
    fn merged(&self, name: &str) -> Option<Value> {
        let mut found: Vec<&Value> = vec![];
        let mut last = None;
        self.values(name, &mut |layer, _, value| {
            // Within these layers the inner value replaces the outer one.
            let replaces = matches!(layer, Layer::TaskVars | Layer::IncludeParams | Layer::Magic);
            if replaces && last.replace(layer) == Some(layer) {
                return true;
            }
            let is_map = matches!(value, Value::Map(_));
            if is_map || found.is_empty() {
                found.push(value);
            }
            is_map
        });
        let mode = MergeMode { recursive: true, ..Default::default() };
        let mut values = found.into_iter().rev();
        let lowest = values.next()?.clone();
        Some(values.fold(lowest, |below, above| match (&below, above) {
            (Value::Map(old), Value::Map(new)) => Value::map(merge(old, new, mode)),
            _ => above.clone(),
        }))
    }

    /// What a task knows of its connection where nobody has set it: the host's own name as its address, and the name with
    /// `ssh_` in it for the one without and the other way round. `hostvars` does not show it.
    fn of_connection(&self, name: &str) -> Option<Value> {
        const BOTH: [&str; 6] = ["host", "user", "password", "port", "private_key_file", "timeout"];
        let host = self.host.as_ref().filter(|_| self.hostvars.is_some())?;
        let plain = name.strip_prefix("ansible_")?;
        let bare = plain.strip_prefix("ssh_").unwrap_or(plain);
        let bare = if plain == "ssh_pass" { "password" } else { bare };
        if !BOTH.contains(&bare) {
            return None;
        }
        let other = match (plain.starts_with("ssh_"), bare) {
            (true, bare) => format!("ansible_{bare}"),
            (false, "password") => "ansible_ssh_pass".to_owned(),
            (false, bare) => format!("ansible_ssh_{bare}"),
        };
        let value = if self.run.merge { self.merged(&other) } else { self.highest(&other).cloned() };
        value.or_else(|| (bare == "host").then(|| Value::foreign(host.name().as_str())))
    }

    fn computed(&self, name: &str) -> Option<Binding> {
        match name {
            "vars" if self.play.is_some() || !self.task.is_empty() => Some(Binding::Scope(Arc::new(self.clone()))),
            "hostvars" => self.hostvars.clone().map(|h| Binding::Scopes(h)),
            "groups" => self.inventory.as_ref().map(|i| Binding::Value(i.groups_dict())),
            _ => None,
        }
    }

    /// An unrendered value by name; computed ones (`vars`, `hostvars`, …) are not values.
    pub fn value(&self, name: &str) -> Option<Value> {
        match Variables::get(self, name)? {
            Binding::Value(value) => Some(value),
            _ => None,
        }
    }

    /// All values that a variable has, the one that wins first.
    pub fn explain(&self, name: &str) -> Vec<Explained> {
        let mut found = vec![];
        if let Some(Binding::Value(value)) = self.computed(name) {
            found.push(Explained { layer: Layer::Magic, of: None, value, span: None });
        }
        self.values(name, &mut |layer, of, value| {
            found.push(Explained { layer, of: of.cloned(), value: value.clone(), span: place(value) });
            true
        });
        found
    }
}

/// The place of a value: its own, or that of the first text in it.
fn place(value: &Value) -> Option<Span> {
    value.origin().or_else(|| match value {
        Value::List(items) => items.iter().find_map(place),
        Value::Map(map) => map.values().find_map(place),
        _ => None,
    })
}

impl Variables for TaskVars {
    fn get(&self, name: &str) -> Option<Binding> {
        self.computed(name).or_else(|| {
            let value = if self.run.merge { self.merged(name) } else { self.highest(name).cloned() };
            value.or_else(|| self.of_connection(name)).map(Binding::Value)
        })
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names: IndexSet<Arc<str>> = IndexSet::new();
        let mut add = |key: &Key| {
            if let Key::Str(name) = key {
                names.insert(name.clone());
            }
        };
        let mut lowest = vec![];
        self.below(&mut |_, _, map| {
            lowest.push(map);
            true
        });
        lowest.iter().rev().flat_map(|map| map.keys()).for_each(&mut add);
        if let Some(host) = &self.host {
            host.parts_from_below().flat_map(|p| p.vars.keys()).for_each(&mut add);
            self.state.fact_names(self.run.inject_facts).for_each(&mut add);
        }
        self.above(&mut |_, _, map| {
            map.keys().for_each(&mut add);
            true
        });
        // `vars` is a copy made before it is itself there.
        let computed = COMPUTED[1..].iter().filter(|n| self.computed(n).is_some());
        names.extend(computed.map(|n| Arc::from(*n)));
        names.into_iter().collect()
    }
}
