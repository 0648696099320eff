//! What a template can name: the interface that variables are handed in through.

use crate::value::Value;
use std::sync::Arc;

/// A set of variables with their values unrendered. Implementations share their layers; `get` is called once per variable
/// and task.
pub trait Variables: Send + Sync {
    fn get(&self, name: &str) -> Option<Binding>;
    /// All names, each once.
    fn names(&self) -> Vec<Arc<str>>;
    /// Whether a lookup may do something outside now, such as run a program. A `false` is noted: the answer is not used.
    fn may_act(&self) -> bool {
        true
    }
}

/// Named sets of variables, such as `hostvars`: each host's is looked up only when it is used.
pub trait Scopes: Send + Sync {
    fn get(&self, name: &str) -> Option<Arc<dyn Variables>>;
    fn names(&self) -> Vec<Arc<str>>;
}

/// What a name stands for.
#[derive(Clone)]
pub enum Binding {
    /// An unrendered value. Templates in it are rendered when they are used, in the same scope.
    Value(Value),
    /// A dictionary whose values render in their own scope: `vars`, `hostvars['x']`.
    Scope(Arc<dyn Variables>),
    /// A dictionary of scopes: `hostvars`.
    Scopes(Arc<dyn Scopes>),
}

impl From<Value> for Binding {
    fn from(value: Value) -> Self {
        Binding::Value(value)
    }
}

/// A few variables on top of others: a loop's `item`, what the template module adds.
pub struct Overlay {
    pub over: crate::value::Map,
    pub below: Arc<dyn Variables>,
}

impl Variables for Overlay {
    fn get(&self, name: &str) -> Option<Binding> {
        match self.over.get(name) {
            Some(value) => Some(Binding::Value(value.clone())),
            None => self.below.get(name),
        }
    }
    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.below.names();
        for key in self.over.keys().filter_map(|k| k.as_str()) {
            if !names.iter().any(|n| &**n == key) {
                names.push(key.into());
            }
        }
        names
    }
    fn may_act(&self) -> bool {
        self.below.may_act()
    }
}

/// A plain map of variables.
impl Variables for crate::value::Map {
    fn get(&self, name: &str) -> Option<Binding> {
        crate::value::Map::get(self, name).cloned().map(Binding::Value)
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.keys().filter_map(|k| k.as_str()).map(Arc::from).collect()
    }
}
