//! Between a template's values and stored data.

use super::scope::untrusted_template;
use super::{Cx, Fault, Res, V};
use crate::value::{Map, Value};
use std::sync::Arc;

/// A template's result as data: every template in it rendered, tuples as lists, omitted parts gone.
pub fn finish(cx: &Cx, v: &V) -> Res<Value> {
    match v {
        V::List(_) | V::Tuple(_) | V::Dict(_) | V::Obj(_) => cx.nested(|| finish_inside(cx, v)),
        V::Undef(fault) => lower(&cx.instead(fault)?),
        scalar => lower(scalar),
    }
}

fn finish_inside(cx: &Cx, v: &V) -> Res<Value> {
    match v {
        V::List(l) => {
            if let Some(raw) = l.untouched().filter(|_| !cx.run.changed.get())
                && raw.iter().all(|v| settled(cx, v))
            {
                return Ok(Value::List(raw));
            }
            sequence(cx, &l.items(cx))
        }
        V::Tuple(t) => sequence(cx, t),
        V::Dict(d) => {
            if let Some(raw) = d.untouched().filter(|_| !cx.run.changed.get())
                && raw.values().all(|v| settled(cx, v))
            {
                return Ok(Value::Map(raw));
            }
            let mut map = Map::new();
            for (key, value) in d.items(cx) {
                if !matches!(value, V::Omit) {
                    map.insert(key, finish(cx, &value)?);
                }
            }
            Ok(Value::map(map))
        }
        V::Obj(o) if o.type_name() == "tuple" => sequence(cx, &o.items().unwrap_or_default()),
        other => lower(other),
    }
}

fn sequence(cx: &Cx, items: &[V]) -> Res<Value> {
    let items: Res<Vec<Value>> = items.iter().filter(|v| !matches!(v, V::Omit)).map(|v| finish(cx, v)).collect();
    items.map(Value::list)
}

/// Nothing to render and nothing to omit.
fn settled(cx: &Cx, value: &Value) -> bool {
    match value {
        Value::Str(t) => !t.is_template() && !untrusted_template(cx, t),
        Value::Vault(_) | Value::Omit => false,
        Value::List(items) => items.iter().all(|v| settled(cx, v)),
        Value::Map(map) => map.values().all(|v| settled(cx, v)),
        _ => true,
    }
}

/// A scalar as data.
pub fn lower(v: &V) -> Res<Value> {
    Ok(match v {
        V::Undef(f) => return Err(f.clone()),
        V::Omit => Value::Omit,
        V::None => Value::Null,
        V::Bool(b) => Value::Bool(*b),
        V::Int(i) => Value::Int(*i),
        V::Big(i) => Value::BigInt(i.clone()),
        V::Float(f) => Value::Float(*f),
        V::Str(t) => Value::Str(t.clone()),
        V::Bytes(b) => Value::Bytes(b.clone()),
        V::Obj(o) => match o.value() {
            Some(value) => value,
            None => {
                return Err(Fault::raw(format!("Type '{}' is unsupported for variable storage.", o.type_name())));
            }
        },
        V::List(_) | V::Tuple(_) | V::Dict(_) => return Err(Fault::raw("a container is not a scalar")),
    })
}

impl From<Arc<str>> for V {
    fn from(s: Arc<str>) -> V {
        V::str(s)
    }
}
impl From<&str> for V {
    fn from(s: &str) -> V {
        V::str(s)
    }
}
impl From<String> for V {
    fn from(s: String) -> V {
        V::str(s)
    }
}
impl From<bool> for V {
    fn from(b: bool) -> V {
        V::Bool(b)
    }
}
impl From<i64> for V {
    fn from(i: i64) -> V {
        V::Int(i)
    }
}
impl From<usize> for V {
    fn from(i: usize) -> V {
        V::Int(i as i64)
    }
}
impl From<f64> for V {
    fn from(f: f64) -> V {
        V::Float(f)
    }
}
