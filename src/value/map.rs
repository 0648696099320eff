//! Maps that keep their order, and how two of them are merged (`combine`, `hash_behaviour`).

use super::{Key, Value};
use foldhash::fast::RandomState;
use indexmap::IndexMap;

/// A dictionary in the order of insertion.
#[derive(Clone, Debug, Default)]
pub struct Map(IndexMap<Key, Value, RandomState>);

impl Map {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn with_capacity(entries: usize) -> Self {
        Map(IndexMap::with_capacity_and_hasher(entries, RandomState::default()))
    }
    /// Makes room for more entries.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }
    pub fn get_key(&self, key: &Key) -> Option<&Value> {
        self.0.get(key)
    }
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }
    /// Sets a key; an existing one keeps its place.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }
    /// Removes a key; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key)
    }
    pub fn iter(&self) -> indexmap::map::Iter<'_, Key, Value> {
        self.0.iter()
    }
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.values()
    }
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.values_mut()
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn extend(&mut self, other: impl IntoIterator<Item = (Key, Value)>) {
        self.0.extend(other);
    }
    pub fn needs_render(&self) -> bool {
        self.values().any(Value::needs_render)
    }
}

/// Order does not count, as in Python.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl FromIterator<(Key, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(iter: I) -> Self {
        Map(iter.into_iter().collect())
    }
}
impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoIter<Key, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Value);
    type IntoIter = indexmap::map::Iter<'a, Key, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// What happens to lists that both sides have (`combine(list_merge=…)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListMerge {
    #[default]
    Replace,
    Keep,
    Append,
    Prepend,
    AppendRp,
    PrependRp,
}

/// How two maps are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeMode {
    pub recursive: bool,
    pub lists: ListMerge,
}

/// Merges `over` onto `base`, as ansible-core's `merge_hash`.
pub fn merge(base: &Map, over: &Map, mode: MergeMode) -> Map {
    let mut out = base.clone();
    for (key, new) in over {
        let merged = match (out.get_key(key), new) {
            (Some(Value::Map(old)), Value::Map(new)) if mode.recursive => Value::map(merge(old, new, mode)),
            (Some(Value::List(old)), Value::List(new)) => merge_lists(old, new, mode.lists),
            _ => new.clone(),
        };
        out.insert(key.clone(), merged);
    }
    out
}

fn merge_lists(old: &[Value], new: &[Value], how: ListMerge) -> Value {
    let without =
        |list: &[Value], other: &[Value]| list.iter().filter(|v| !other.contains(v)).cloned().collect::<Vec<_>>();
    Value::list(match how {
        ListMerge::Replace => new.to_vec(),
        ListMerge::Keep => old.to_vec(),
        ListMerge::Append => [old, new].concat(),
        ListMerge::Prepend => [new, old].concat(),
        ListMerge::AppendRp => [without(old, new).as_slice(), new].concat(),
        ListMerge::PrependRp => [new, without(old, new).as_slice()].concat(),
    })
}
