//! Keys of maps: nearly always text, but YAML allows numbers, booleans and null.

use indexmap::Equivalent;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Str(Arc<str>),
    Int(i64),
    Bool(bool),
    /// Bits of the float.
    Float(u64),
    Null,
}

impl Key {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Key::Str(s) => Some(s),
            _ => None,
        }
    }
    /// The key as JSON writes it (`json.dumps` makes text of every key).
    pub fn to_json_key(&self) -> String {
        match self {
            Key::Str(s) => s.to_string(),
            Key::Int(i) => i.to_string(),
            Key::Bool(b) => b.to_string(),
            Key::Float(bits) => super::float_repr(f64::from_bits(*bits)),
            Key::Null => "null".to_owned(),
        }
    }
    /// The key as a value; text is foreign, for keys are never templates.
    pub fn to_value(&self) -> super::Value {
        match self {
            Key::Str(s) => super::Value::foreign(s.clone()),
            Key::Int(i) => super::Value::Int(*i),
            Key::Bool(b) => super::Value::Bool(*b),
            Key::Float(bits) => super::Value::Float(f64::from_bits(*bits)),
            Key::Null => super::Value::Null,
        }
    }
    /// A value as a key; `None` where Python could not hash it.
    pub fn from_value(value: &super::Value) -> Option<Key> {
        use super::Value;
        Some(match value {
            Value::Str(t) => Key::Str(t.shared().clone()),
            Value::Int(i) => Key::Int(*i),
            Value::Bool(b) => Key::Bool(*b),
            Value::Float(f) => Key::Float(f.to_bits()),
            Value::Null => Key::Null,
            Value::BigInt(i) => Key::Str(i.to_string().into()),
            Value::Timestamp(t) => Key::Str(t.clone()),
            _ => return None,
        })
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::Str(s) => s.hash(state),
            Key::Int(i) => (0u8, i).hash(state),
            Key::Bool(b) => (1u8, b).hash(state),
            Key::Float(b) => (2u8, b).hash(state),
            Key::Null => 3u8.hash(state),
        }
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl From<&str> for Key {
    fn from(s: &str) -> Self {
        Key::Str(s.into())
    }
}
impl From<String> for Key {
    fn from(s: String) -> Self {
        Key::Str(s.into())
    }
}
impl From<Arc<str>> for Key {
    fn from(s: Arc<str>) -> Self {
        Key::Str(s)
    }
}
