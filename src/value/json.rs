//! Values to and from JSON. What comes from JSON is foreign text: it is never rendered as a template.

use super::{Map, Value};
use num_bigint::BigInt;
use serde_json::Value as Json;
use tightbeam_modules::contract::{INTEGER, JsonMap};

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Value::Null,
            Json::Bool(b) => Value::Bool(b),
            Json::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => Value::Int(i),
                (None, Some(u)) => Value::BigInt(std::sync::Arc::new(u.into())),
                _ => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(s) => Value::foreign(s),
            Json::Array(items) => Value::list(items.into_iter().map(Value::from).collect()),
            Json::Object(map) => match big(&map) {
                Some(number) => number,
                None => Value::map(map.into_iter().map(|(k, v)| (k.into(), v.into())).collect()),
            },
        }
    }
}

/// The integer that a mapping stands for, where JSON's numbers do not hold it.
fn big(map: &JsonMap) -> Option<Value> {
    let digits = map.get(INTEGER).filter(|_| map.len() == 1)?.as_str()?;
    let number = BigInt::parse_bytes(digits.as_bytes(), 16)?;
    Some(i64::try_from(&number).map_or_else(|_| Value::BigInt(std::sync::Arc::new(number)), Value::Int))
}

impl From<serde_json::Map<String, Json>> for Map {
    fn from(map: serde_json::Map<String, Json>) -> Self {
        map.into_iter().map(|(k, v)| (k.into(), v.into())).collect()
    }
}

impl Value {
    /// As JSON. Secrets are written in the clear: redact before showing. `omit` and encrypted text become null; integers
    /// beyond 64 bits become text.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null | Value::Omit | Value::Vault(_) => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(i) => (*i).into(),
            Value::BigInt(i) => match u64::try_from(&**i) {
                Ok(u) => u.into(),
                Err(_) => i.to_string().into(),
            },
            Value::Float(f) => {
                serde_json::Number::from_f64(*f).map_or_else(|| super::float_repr(*f).into(), Json::Number)
            }
            Value::Str(t) => t.as_str().into(),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Map(map) => Json::Object(map.to_json()),
            Value::Timestamp(t) => (&**t).into(),
            Value::Bytes(b) => String::from_utf8_lossy(b).into_owned().into(),
        }
    }
}

impl Map {
    pub fn to_json(&self) -> serde_json::Map<String, Json> {
        self.iter().map(|(k, v)| (k.to_json_key(), v.to_json())).collect()
    }
}
