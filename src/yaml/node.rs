//! What the reader gives: data as PyYAML constructs it, each node with its place.

use crate::diag::Span;
use crate::value::{Key, Map, Text, Trust, Value, Vaulted};
use num_bigint::BigInt;
use std::sync::Arc;

/// A node and the bytes of the text it stands in. A node that came through an alias or a merge key keeps the place of its
/// anchor.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: NodeKind,
    pub span: Span,
}

/// Data after YAML 1.1's rules: types resolved, aliases replaced, `<<` merged, duplicate keys dropped.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits.
    BigInt(Arc<BigInt>),
    Float(f64),
    /// `is_unsafe`: under `!unsafe`, never a template. `plain`: written without quotes, not as a block.
    Str {
        text: Arc<str>,
        is_unsafe: bool,
        plain: bool,
    },
    /// A date or time as Python's `str()` writes it.
    Timestamp(Arc<str>),
    /// `!!binary`.
    Bytes(Arc<[u8]>),
    /// The ciphertext of `!vault`.
    Vault(Arc<str>),
    /// Also `!!set` (its keys), `!!omap` and `!!pairs` (lists of two).
    Seq(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Str { text, .. } => Some(text),
            _ => None,
        }
    }
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            NodeKind::Bool(b) => Some(b),
            _ => None,
        }
    }
    pub fn as_int(&self) -> Option<i64> {
        match self.kind {
            NodeKind::Int(i) => Some(i),
            _ => None,
        }
    }
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Seq(items) => Some(items),
            _ => None,
        }
    }
    pub fn as_map(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }
    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }
    /// The entries of a map, none for other nodes.
    pub fn entries(&self) -> impl Iterator<Item = (&Node, &Node)> {
        self.as_map().unwrap_or_default().iter().map(|(k, v)| (k, v))
    }
    /// The value of a text key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }
    /// Key and value of a text key of a map.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        self.entries().find(|(k, _)| k.as_str() == Some(key))
    }
    /// Python's name of the type.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            NodeKind::Null => "NoneType",
            NodeKind::Bool(_) => "bool",
            NodeKind::Int(_) | NodeKind::BigInt(_) => "int",
            NodeKind::Float(_) => "float",
            NodeKind::Str { .. } | NodeKind::Vault(_) => "str",
            NodeKind::Timestamp(t) if t.len() > 10 => "datetime",
            NodeKind::Timestamp(_) => "date",
            NodeKind::Bytes(_) => "bytes",
            NodeKind::Seq(_) => "list",
            NodeKind::Map(_) => "dict",
        }
    }

    /// Python's truth value.
    pub fn truthy(&self) -> bool {
        match &self.kind {
            NodeKind::Seq(items) => !items.is_empty(),
            NodeKind::Map(entries) => !entries.is_empty(),
            _ => self.to_value(Trust::Foreign).truthy(),
        }
    }

    /// The node as data. Texts keep their places; with [`Trust::Author`] those that are not under `!unsafe` may be
    /// rendered as templates.
    pub fn to_value(&self, trust: Trust) -> Value {
        match &self.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Bool(b) => Value::Bool(*b),
            NodeKind::Int(i) => Value::Int(*i),
            NodeKind::BigInt(i) => Value::BigInt(i.clone()),
            NodeKind::Float(f) => Value::Float(*f),
            NodeKind::Str { text, is_unsafe, .. } => {
                let trust = if *is_unsafe { Trust::Foreign } else { trust };
                Value::Str(Text::new(text.clone(), trust, Some(self.span)))
            }
            NodeKind::Timestamp(t) => Value::Timestamp(t.clone()),
            NodeKind::Bytes(b) => Value::Bytes(b.clone()),
            NodeKind::Vault(ciphertext) => {
                Value::Vault(Arc::new(Vaulted { ciphertext: ciphertext.clone(), origin: Some(self.span) }))
            }
            NodeKind::Seq(items) => Value::list(items.iter().map(|n| n.to_value(trust)).collect()),
            NodeKind::Map(entries) => {
                Value::map(entries.iter().map(|(k, v)| (k.to_key(), v.to_value(trust))).collect::<Map>())
            }
        }
    }

    /// The node as the key of a map. Keys are never templates.
    pub fn to_key(&self) -> Key {
        match &self.kind {
            NodeKind::Null => Key::Null,
            NodeKind::Bool(b) => Key::Bool(*b),
            NodeKind::Int(i) => Key::Int(*i),
            NodeKind::Float(f) => Key::Float(f.to_bits()),
            NodeKind::Str { text, .. } | NodeKind::Timestamp(text) | NodeKind::Vault(text) => Key::Str(text.clone()),
            NodeKind::BigInt(i) => Key::Str(i.to_string().into()),
            NodeKind::Bytes(b) => Key::Str(String::from_utf8_lossy(b).into()),
            // The reader refuses these as keys.
            NodeKind::Seq(_) | NodeKind::Map(_) => Key::Str(self.to_value(Trust::Foreign).repr().into()),
        }
    }
}
