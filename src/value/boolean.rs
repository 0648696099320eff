//! Ansible's reading of booleans (`yes`, `on`, `1`, …): the one place that knows the words.

use super::Value;

impl Value {
    /// The boolean that a value spells; `None` where it spells none.
    pub fn as_spelled_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            Value::Int(1) => Some(true),
            Value::Int(0) => Some(false),
            Value::Float(f) if *f == 1.0 => Some(true),
            Value::Float(f) if *f == 0.0 => Some(false),
            Value::Str(text) => spelled_bool(text),
            _ => None,
        }
    }
}

/// The boolean that a word spells.
pub fn spelled_bool(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
        _ => None,
    }
}
