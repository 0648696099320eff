//! Values as a template sees them: Python's, with lists and maps that can change and that render what they hold on access.

use super::{Cx, Fault, Res, Scope};
use crate::template::Scopes;
use crate::value::{Key, Map, Text, Value};
use indexmap::IndexMap;
use num_bigint::BigInt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone)]
pub enum V {
    /// Undefined, or failed: an error if something needs it.
    Undef(Arc<Fault>),
    Omit,
    None,
    Bool(bool),
    Int(i64),
    Big(Arc<BigInt>),
    Float(f64),
    Str(Text),
    Bytes(Arc<[u8]>),
    List(Arc<List>),
    Tuple(Arc<[V]>),
    Dict(Arc<Dict>),
    Obj(Arc<dyn Object>),
}

/// Anything that is not plain data: functions, macros, ranges, dates, namespaces.
pub trait Object: Send + Sync {
    /// Python's name of the type.
    fn type_name(&self) -> &str;
    fn repr(&self, _cx: &Cx) -> Res<String> {
        Ok(format!("<{} object>", self.type_name()))
    }
    fn text(&self, cx: &Cx) -> Res<String> {
        self.repr(cx)
    }
    fn attr(&self, _cx: &Cx, _name: &str) -> Res<Option<V>> {
        Ok(None)
    }
    fn set_attr(&self, _name: &str, _value: V) -> bool {
        false
    }
    fn item(&self, _cx: &Cx, _key: &V) -> Res<Option<V>> {
        Ok(None)
    }
    fn callable(&self) -> bool {
        false
    }
    fn call(&self, _cx: &Cx, _args: super::Call) -> Res {
        Err(Fault::raw(format!("'{}' object is not callable", self.type_name())))
    }
    fn method(&self, _cx: &Cx, _name: &str, _args: &super::Call) -> Option<Res> {
        None
    }
    /// Items, where the object is iterable.
    fn items(&self) -> Option<Vec<V>> {
        None
    }
    fn len(&self) -> Option<usize> {
        None
    }
    fn truth(&self) -> bool {
        self.len().is_none_or(|n| n > 0)
    }
    /// As data; `None` where the object cannot leave a template.
    fn value(&self) -> Option<Value> {
        None
    }
    fn as_any(&self) -> &dyn std::any::Any;
}

pub struct List(Mutex<ListState>);

enum ListState {
    /// As it stands in a variable; elements render on access and keep their identity from then on.
    Raw {
        items: Arc<Vec<Value>>,
        scope: Arc<Scope>,
        seen: HashMap<usize, V>,
    },
    Live(Vec<V>),
}

pub struct Dict(Mutex<DictState>);

enum DictState {
    Raw {
        map: Arc<Map>,
        scope: Arc<Scope>,
        seen: HashMap<Key, V>,
    },
    Live(IndexMap<Key, V>),
    /// `vars`, `hostvars['x']`
    Vars(Arc<Scope>),
    /// `hostvars`
    Hosts {
        scopes: Arc<dyn Scopes>,
        seen: HashMap<Arc<str>, V>,
    },
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl List {
    pub fn new(items: Vec<V>) -> Arc<Self> {
        Arc::new(List(Mutex::new(ListState::Live(items))))
    }
    pub fn raw(items: Arc<Vec<Value>>, scope: Arc<Scope>) -> Arc<Self> {
        Arc::new(List(Mutex::new(ListState::Raw { items, scope, seen: HashMap::new() })))
    }
    pub fn len(&self) -> usize {
        match &*lock(&self.0) {
            ListState::Raw { items, .. } => items.len(),
            ListState::Live(items) => items.len(),
        }
    }
    pub fn get(&self, cx: &Cx, index: usize) -> Option<V> {
        let (raw, scope) = match &*lock(&self.0) {
            ListState::Live(items) => return items.get(index).cloned(),
            ListState::Raw { items, scope, seen } => match seen.get(&index) {
                Some(v) => return Some(v.clone()),
                None => (items.get(index)?.clone(), scope.clone()),
            },
        };
        let keep = keeps_identity(&raw);
        let v = scope.lift(cx, &raw);
        if keep && let ListState::Raw { seen, .. } = &mut *lock(&self.0) {
            return Some(seen.entry(index).or_insert(v).clone());
        }
        Some(v)
    }
    /// All elements, rendered; those that fail are [`V::Undef`].
    pub fn items(&self, cx: &Cx) -> Vec<V> {
        if let ListState::Live(items) = &*lock(&self.0) {
            return items.clone();
        }
        let all: Vec<V> = (0..self.len()).map_while(|i| self.get(cx, i)).collect();
        *lock(&self.0) = ListState::Live(all.clone());
        all
    }
    /// Changes the list in place.
    pub fn change<T>(&self, cx: &Cx, change: impl FnOnce(&mut Vec<V>) -> T) -> T {
        cx.run.changed.set(true);
        let mut items = self.items(cx);
        let out = change(&mut items);
        *lock(&self.0) = ListState::Live(items);
        out
    }
    /// The data underneath, where nothing in it was touched.
    pub fn untouched(&self) -> Option<Arc<Vec<Value>>> {
        match &*lock(&self.0) {
            ListState::Raw { items, .. } => Some(items.clone()),
            ListState::Live(_) => None,
        }
    }
}

/// Whether an element must be remembered once it was read: containers can change, templates must render once.
fn keeps_identity(raw: &Value) -> bool {
    match raw {
        Value::Str(t) => t.is_template(),
        Value::List(_) | Value::Map(_) | Value::Vault(_) => true,
        _ => false,
    }
}

impl Dict {
    pub fn new(items: IndexMap<Key, V>) -> Arc<Self> {
        Arc::new(Dict(Mutex::new(DictState::Live(items))))
    }
    pub fn raw(map: Arc<Map>, scope: Arc<Scope>) -> Arc<Self> {
        Arc::new(Dict(Mutex::new(DictState::Raw { map, scope, seen: HashMap::new() })))
    }
    pub fn vars(scope: Arc<Scope>) -> Arc<Self> {
        Arc::new(Dict(Mutex::new(DictState::Vars(scope))))
    }
    pub fn hosts(scopes: Arc<dyn Scopes>) -> Arc<Self> {
        Arc::new(Dict(Mutex::new(DictState::Hosts { scopes, seen: HashMap::new() })))
    }
    pub fn len(&self) -> usize {
        match &*lock(&self.0) {
            DictState::Raw { map, .. } => map.len(),
            DictState::Live(map) => map.len(),
            DictState::Vars(scope) => scope.vars.names().len(),
            DictState::Hosts { scopes, .. } => scopes.names().len(),
        }
    }
    pub fn get_str(&self, cx: &Cx, key: &str) -> Option<V> {
        let (raw, scope) = match &mut *lock(&self.0) {
            DictState::Live(map) => return map.get(key).cloned(),
            DictState::Raw { map, scope, seen } => {
                if !seen.is_empty()
                    && let Some(v) = seen.get(&Key::from(key))
                {
                    return Some(v.clone());
                }
                (map.get(key)?.clone(), scope.clone())
            }
            DictState::Vars(scope) => {
                let scope = scope.clone();
                return scope.get(cx, &Arc::from(key));
            }
            DictState::Hosts { scopes, seen } => {
                if let Some(v) = seen.get(key) {
                    return Some(v.clone());
                }
                let v = V::Dict(Dict::vars(Scope::new(scopes.get(key)?)));
                seen.insert(key.into(), v.clone());
                return Some(v);
            }
        };
        self.lifted(cx, Key::from(key), &raw, &scope)
    }
    fn lifted(&self, cx: &Cx, key: Key, raw: &Value, scope: &Arc<Scope>) -> Option<V> {
        let keep = keeps_identity(raw);
        let v = scope.lift(cx, raw);
        if keep && let DictState::Raw { seen, .. } = &mut *lock(&self.0) {
            return Some(seen.entry(key).or_insert(v).clone());
        }
        Some(v)
    }
    pub fn get(&self, cx: &Cx, key: &Key) -> Option<V> {
        if let Key::Str(s) = key {
            return self.get_str(cx, s);
        }
        let other = alike(key);
        let (raw, scope) = match &*lock(&self.0) {
            DictState::Live(map) => {
                return map.get(key).or_else(|| other.and_then(|k| map.get(&k))).cloned();
            }
            DictState::Raw { map, scope, seen } => {
                if let Some(v) = seen.get(key) {
                    return Some(v.clone());
                }
                let raw = map.get_key(key).or_else(|| other.as_ref().and_then(|k| map.get_key(k)))?;
                (raw.clone(), scope.clone())
            }
            _ => return None,
        };
        self.lifted(cx, key.clone(), &raw, &scope)
    }
    pub fn contains(&self, key: &Key) -> bool {
        let other = alike(key);
        match &*lock(&self.0) {
            DictState::Live(map) => map.contains_key(key) || other.is_some_and(|k| map.contains_key(&k)),
            DictState::Raw { map, .. } => {
                map.get_key(key).is_some() || other.is_some_and(|k| map.get_key(&k).is_some())
            }
            DictState::Vars(scope) => key.as_str().is_some_and(|k| scope.vars.get(k).is_some()),
            DictState::Hosts { scopes, .. } => key.as_str().is_some_and(|k| scopes.get(k).is_some()),
        }
    }
    pub fn keys(&self) -> Vec<Key> {
        match &*lock(&self.0) {
            DictState::Raw { map, .. } => map.keys().cloned().collect(),
            DictState::Live(map) => map.keys().cloned().collect(),
            DictState::Vars(scope) => scope.vars.names().into_iter().map(Key::Str).collect(),
            DictState::Hosts { scopes, .. } => scopes.names().into_iter().map(Key::Str).collect(),
        }
    }
    /// All pairs, values rendered; those that fail are [`V::Undef`].
    pub fn items(&self, cx: &Cx) -> Vec<(Key, V)> {
        if let DictState::Live(map) = &*lock(&self.0) {
            return map.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        }
        self.keys().into_iter().filter_map(|k| self.get(cx, &k).map(|v| (k, v))).collect()
    }
    /// Changes the map in place.
    pub fn change<T>(&self, cx: &Cx, change: impl FnOnce(&mut IndexMap<Key, V>) -> T) -> T {
        cx.run.changed.set(true);
        let mut map: IndexMap<Key, V> = self.items(cx).into_iter().collect();
        let out = change(&mut map);
        *lock(&self.0) = DictState::Live(map);
        out
    }
    /// The data underneath, where nothing in it was touched.
    pub fn untouched(&self) -> Option<Arc<Map>> {
        match &*lock(&self.0) {
            DictState::Raw { map, .. } => Some(map.clone()),
            _ => None,
        }
    }
}

/// Another key that Python holds to be the same: `1`, `1.0` and `True`.
pub fn alike(key: &Key) -> Option<Key> {
    match key {
        Key::Bool(b) => Some(Key::Int(i64::from(*b))),
        Key::Int(i @ (0 | 1)) => Some(Key::Bool(*i == 1)),
        Key::Float(bits) => {
            let f = f64::from_bits(*bits);
            (f.fract() == 0.0 && f.abs() < 1e15).then_some(Key::Int(f as i64))
        }
        _ => None,
    }
}

impl V {
    pub fn str(text: impl Into<Arc<str>>) -> V {
        V::Str(Text::foreign(text))
    }
    pub fn list(items: Vec<V>) -> V {
        V::List(List::new(items))
    }
    pub fn tuple(items: Vec<V>) -> V {
        V::Tuple(items.into())
    }
    pub fn dict(items: impl IntoIterator<Item = (Key, V)>) -> V {
        V::Dict(Dict::new(items.into_iter().collect()))
    }
    pub fn big(i: BigInt) -> V {
        match i64::try_from(&i) {
            Ok(small) => V::Int(small),
            Err(_) => V::Big(Arc::new(i)),
        }
    }
    pub fn undefined(name: &Arc<str>) -> V {
        V::Undef(Fault::undefined(format!("{} is undefined", crate::value::repr_str(name)), Some(name.clone())))
    }
    /// What is missing from a value.
    pub fn missing(&self, key: &V) -> V {
        let (shown, name) = match key {
            V::Str(t) => (crate::value::repr_str(t), Some(t.shared().clone())),
            V::Int(0) => {
                return V::Undef(Fault::undefined(format!("{} object has no element 0", self.type_name()), None));
            }
            V::Int(i) => (i.to_string(), None),
            V::Undef(f) => return V::Undef(f.clone()),
            other => (other.type_name().to_owned(), None),
        };
        V::Undef(Fault::undefined(format!("object of type '{}' has no attribute {shown}", self.type_name()), name))
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            V::Str(t) => Some(t),
            _ => None,
        }
    }
    pub fn is_undef(&self) -> bool {
        matches!(self, V::Undef(_))
    }
    /// The value, or its error if it is undefined or failed.
    pub fn trip(self) -> Res {
        match self {
            V::Undef(fault) => Err(fault),
            v => Ok(v),
        }
    }
    pub fn check(&self) -> Res<()> {
        match self {
            V::Undef(fault) => Err(fault.clone()),
            _ => Ok(()),
        }
    }
    /// Python's name of the type.
    pub fn type_name(&self) -> &str {
        match self {
            V::Undef(_) => "Undefined",
            V::Omit => "_OmitType",
            V::None => "NoneType",
            V::Bool(_) => "bool",
            V::Int(_) | V::Big(_) => "int",
            V::Float(_) => "float",
            V::Str(_) => "str",
            V::Bytes(_) => "bytes",
            V::List(_) => "list",
            V::Tuple(_) => "tuple",
            V::Dict(_) => "dict",
            V::Obj(o) => o.type_name(),
        }
    }
    pub fn object<T: 'static>(&self) -> Option<&T> {
        match self {
            V::Obj(o) => o.as_any().downcast_ref(),
            _ => None,
        }
    }
    /// Whether the value, or text directly in it, is a secret.
    pub fn is_secret(&self) -> bool {
        matches!(self, V::Str(t) if t.is_secret())
    }
}
