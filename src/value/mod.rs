//! The one value type: what YAML gives, what variables hold, what templates make, what modules answer.
//!
//! Cheap to clone: text, lists and maps are shared. `text.rs` says what may be rendered as a template and what never.

mod boolean;
mod json;
mod json_text;
mod key;
mod map;
mod python;
mod text;

pub use boolean::spelled_bool;
pub use json_text::JsonStyle;
pub use key::Key;
pub use map::{ListMerge, Map, MergeMode, merge};
pub use python::{float_repr, repr_str};
pub use text::{Text, Trust};

use crate::diag::Span;
use num_bigint::BigInt;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits; never one that fits `Int`.
    BigInt(Arc<BigInt>),
    Float(f64),
    Str(Text),
    List(Arc<Vec<Value>>),
    Map(Arc<Map>),
    /// A date or time that YAML 1.1 recognised, as Python's `str()` writes it.
    Timestamp(Arc<str>),
    Bytes(Arc<[u8]>),
    /// An inline `!vault` string, decrypted when it is used.
    Vault(Arc<Vaulted>),
    /// Ansible's `omit`: the argument or keyword that holds it counts as not given.
    Omit,
}

/// Encrypted text and where it stands.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Vaulted {
    pub ciphertext: Arc<str>,
    pub origin: Option<Span>,
}

impl Value {
    /// Text from outside the author's files (hosts, results, computed): never a template.
    pub fn foreign(text: impl Into<Arc<str>>) -> Self {
        Value::Str(Text::foreign(text))
    }
    /// Text from the author's files or command line: may be a template.
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Value::Str(Text::new(text, Trust::Author, None))
    }
    pub fn list(items: Vec<Value>) -> Self {
        Value::List(Arc::new(items))
    }
    pub fn map(map: Map) -> Self {
        Value::Map(Arc::new(map))
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(t) => Some(t),
            _ => None,
        }
    }
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(*i),
            _ => None,
        }
    }
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
    pub fn is_omit(&self) -> bool {
        matches!(self, Value::Omit)
    }
    /// A key of a map; `None` for other values.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }
    /// Python's truth value.
    pub fn truthy(&self) -> bool {
        match self {
            Value::Null | Value::Omit => false,
            Value::Bool(b) => *b,
            Value::Int(i) => *i != 0,
            Value::BigInt(_) | Value::Timestamp(_) | Value::Vault(_) => true,
            Value::Float(f) => *f != 0.0,
            Value::Str(t) => !t.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Bytes(b) => !b.is_empty(),
        }
    }
    /// Python's name of the type (`int`, `str`, `NoneType`, …).
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) | Value::Vault(_) => "str",
            Value::List(_) => "list",
            Value::Map(_) => "dict",
            Value::Timestamp(t) => {
                if t.len() > 10 {
                    "datetime"
                } else {
                    "date"
                }
            }
            Value::Bytes(_) => "bytes",
            Value::Omit => "Omit",
        }
    }
    /// Whether the value holds a template or a vault string somewhere, so that using it needs the template engine.
    pub fn needs_render(&self) -> bool {
        match self {
            Value::Str(t) => t.is_template(),
            Value::Vault(_) => true,
            Value::List(items) => items.iter().any(Value::needs_render),
            Value::Map(map) => map.needs_render(),
            _ => false,
        }
    }
    /// The same value with every text in it marked as foreign: it will never be rendered as a template.
    pub fn distrust(self) -> Self {
        if !self.has_trusted_text() {
            return self;
        }
        match self {
            Value::Str(t) => Value::Str(t.distrust()),
            Value::List(items) => Value::list(items.iter().cloned().map(Value::distrust).collect()),
            Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), v.clone().distrust())).collect()),
            other => other,
        }
    }
    /// The same value as a result: the author's plain text keeps its mark, what looks like a template loses it.
    pub fn settled(self) -> Self {
        match self {
            Value::Str(t) if t.is_template() => Value::Str(t.distrust()),
            Value::List(ref items) if self.needs_render() => {
                Value::list(items.iter().cloned().map(Value::settled).collect())
            }
            Value::Map(ref map) if self.needs_render() => {
                Value::map(map.iter().map(|(k, v)| (k.clone(), v.clone().settled())).collect())
            }
            other => other,
        }
    }
    fn has_trusted_text(&self) -> bool {
        match self {
            Value::Str(t) => t.trust() == Trust::Author,
            Value::List(items) => items.iter().any(Value::has_trusted_text),
            Value::Map(map) => map.values().any(Value::has_trusted_text),
            _ => false,
        }
    }
    /// The place of the text in the author's files, where it has one.
    pub fn origin(&self) -> Option<Span> {
        match self {
            Value::Str(t) => t.origin(),
            Value::Vault(v) => v.origin,
            _ => None,
        }
    }
}

/// Python's `==`: `1 == 1.0 == True`; marks and origins do not count.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        use Value::*;
        match (self, other) {
            (Null, Null) | (Omit, Omit) => true,
            (Str(a), Str(b)) => a == b,
            (List(a), List(b)) => Arc::ptr_eq(a, b) || a == b,
            (Map(a), Map(b)) => Arc::ptr_eq(a, b) || a == b,
            (BigInt(a), BigInt(b)) => a == b,
            (Timestamp(a), Timestamp(b)) => a == b,
            (Bytes(a), Bytes(b)) => a == b,
            (Vault(a), Vault(b)) => a == b,
            (a, b) => match (a.number(), b.number()) {
                (Some(Number::Int(x)), Some(Number::Int(y))) => x == y,
                (Some(x), Some(y)) => x.as_f64() == y.as_f64(),
                _ => false,
            },
        }
    }
}

enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    fn as_f64(&self) -> f64 {
        match self {
            Number::Int(i) => *i as f64,
            Number::Float(f) => *f,
        }
    }
}

impl Value {
    fn number(&self) -> Option<Number> {
        match self {
            Value::Bool(b) => Some(Number::Int(i64::from(*b))),
            Value::Int(i) => Some(Number::Int(*i)),
            Value::Float(f) => Some(Number::Float(*f)),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}
impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Value::Int(i)
    }
}
impl From<usize> for Value {
    fn from(i: usize) -> Self {
        Value::Int(i as i64)
    }
}
impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Value::Float(f)
    }
}
impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::list(items)
    }
}
impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Value::map(map)
    }
}
impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Value::Str(text)
    }
}
/// Computed text, hence foreign. Text of the author's comes through [`Value::trusted`] or the YAML reader.
impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::foreign(text)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::foreign(text)
    }
}
