//! `==`, `<`, `in` and sorting, as Python does them.

use super::{Cx, Fault, Num, Res, Time, V};
use crate::value::Key;
use std::cmp::Ordering;

pub fn equal(cx: &Cx, a: &V, b: &V) -> Res<bool> {
    match (a, b) {
        (V::Str(x), V::Str(y)) => Ok(x == y),
        (V::List(_) | V::Tuple(_) | V::Dict(_), _) => cx.nested(|| equal_inside(cx, a, b)),
        _ => equal_inside(cx, a, b),
    }
}

fn equal_inside(cx: &Cx, a: &V, b: &V) -> Res<bool> {
    a.check()?;
    b.check()?;
    if let (V::Int(x), V::Int(y)) = (a, b) {
        return Ok(x == y);
    }
    if let (Some(x), Some(y)) = (Num::of(a), Num::of(b)) {
        return Ok(x.cmp(&y) == Some(Ordering::Equal));
    }
    Ok(match (a, b) {
        (V::Str(x), V::Str(y)) => x == y,
        (V::None, V::None) | (V::Omit, V::Omit) => true,
        (V::Bytes(x), V::Bytes(y)) => x == y,
        (V::List(x), V::List(y)) => {
            std::sync::Arc::ptr_eq(x, y) || x.len() == y.len() && all_equal(cx, &x.items(cx), &y.items(cx))?
        }
        (V::Tuple(x), V::Tuple(y)) => all_equal(cx, x, y)?,
        (V::Dict(x), V::Dict(y)) => {
            if std::sync::Arc::ptr_eq(x, y) {
                return Ok(true);
            }
            if x.len() != y.len() {
                return Ok(false);
            }
            for (key, mine) in x.items(cx) {
                match y.get(cx, &key) {
                    Some(theirs) if equal(cx, &mine, &theirs)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (V::Obj(x), V::Obj(y)) => {
            if std::sync::Arc::ptr_eq(x, y) {
                return Ok(true);
            }
            if let (Some(x), Some(y)) = (a.object::<Time>(), b.object::<Time>()) {
                return Ok(a.type_name() == b.type_name() && x.instant() == y.instant());
            }
            match (x.items(), y.items()) {
                (Some(p), Some(q)) if x.type_name() == y.type_name() => all_equal(cx, &p, &q)?,
                _ => false,
            }
        }
        _ => false,
    })
}

fn all_equal(cx: &Cx, x: &[V], y: &[V]) -> Res<bool> {
    if x.len() != y.len() {
        return Ok(false);
    }
    for (a, b) in x.iter().zip(y) {
        if !equal(cx, a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Order of two values; `sign` is the operator's, for the message.
pub fn compare(cx: &Cx, a: &V, b: &V, sign: &str) -> Res<Option<Ordering>> {
    a.check()?;
    b.check()?;
    if let (Some(x), Some(y)) = (Num::of(a), Num::of(b)) {
        return Ok(x.cmp(&y));
    }
    Ok(match (a, b) {
        (V::Str(x), V::Str(y)) => Some(x.as_str().cmp(y.as_str())),
        (V::Bytes(x), V::Bytes(y)) => Some(x.cmp(y)),
        (V::List(x), V::List(y)) => lexical(cx, &x.items(cx), &y.items(cx), sign)?,
        (V::Tuple(x), V::Tuple(y)) => lexical(cx, x, y, sign)?,
        _ => {
            if let (Some(x), Some(y)) = (a.object::<Time>(), b.object::<Time>()) {
                return Ok(Some(x.instant().cmp(&y.instant())));
            }
            return Err(Fault::raw(format!(
                "'{sign}' not supported between instances of '{}' and '{}'",
                a.type_name(),
                b.type_name()
            )));
        }
    })
}

fn lexical(cx: &Cx, x: &[V], y: &[V], sign: &str) -> Res<Option<Ordering>> {
    cx.nested(|| lexical_inside(cx, x, y, sign))
}

fn lexical_inside(cx: &Cx, x: &[V], y: &[V], sign: &str) -> Res<Option<Ordering>> {
    for (a, b) in x.iter().zip(y) {
        if !equal(cx, a, b)? {
            return compare(cx, a, b, sign);
        }
    }
    Ok(Some(x.len().cmp(&y.len())))
}

/// `item in container`.
pub fn contains(cx: &Cx, container: &V, item: &V) -> Res<bool> {
    container.check()?;
    item.check()?;
    match container {
        V::Str(text) => match item {
            V::Str(part) => Ok(text.contains(part.as_str())),
            other => {
                Err(Fault::raw(format!("'in <string>' requires string as left operand, not {}", other.type_name())))
            }
        },
        V::Dict(dict) => Ok(dict.contains(&key_of(item)?)),
        V::List(list) => any_equal(cx, &list.items(cx), item),
        V::Tuple(items) => any_equal(cx, items, item),
        V::Obj(object) => match object.items() {
            Some(items) => any_equal(cx, &items, item),
            None => Err(not_iterable(container)),
        },
        _ => Err(not_iterable(container)),
    }
}

fn not_iterable(v: &V) -> std::sync::Arc<Fault> {
    Fault::raw(format!("argument of type '{}' is not iterable", v.type_name()))
}

fn any_equal(cx: &Cx, items: &[V], item: &V) -> Res<bool> {
    for candidate in items {
        if equal(cx, candidate, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A value as a key of a dict.
///
/// # Errors
/// Where Python could not hash it.
pub fn key_of(v: &V) -> Res<Key> {
    Ok(match v {
        V::Str(t) => Key::Str(t.shared().clone()),
        V::Int(i) => Key::Int(*i),
        V::Bool(b) => Key::Bool(*b),
        V::Float(f) => Key::Float(f.to_bits()),
        V::None => Key::Null,
        V::Big(i) => Key::Str(i.to_string().into()),
        V::Undef(f) => return Err(f.clone()),
        V::List(_) | V::Dict(_) => return Err(Fault::raw(format!("unhashable type: '{}'", v.type_name()))),
        other => {
            return Err(Fault::raw(format!("keys of type '{}' are not supported", other.type_name())));
        }
    })
}

pub fn key_value(key: &Key) -> V {
    match key {
        Key::Str(s) => V::str(s.clone()),
        Key::Int(i) => V::Int(*i),
        Key::Bool(b) => V::Bool(*b),
        Key::Float(bits) => V::Float(f64::from_bits(*bits)),
        Key::Null => V::None,
    }
}

/// A stable sort by keys; the first comparison that fails is the error.
pub fn sort(cx: &Cx, items: &mut [(V, V)], reverse: bool) -> Res<()> {
    let mut fault = None;
    items.sort_by(|(a, _), (b, _)| {
        if fault.is_some() {
            return Ordering::Equal;
        }
        let order = match compare(cx, a, b, "<") {
            Ok(order) => order.unwrap_or(Ordering::Equal),
            Err(f) => {
                // Python compares the later element with the earlier one.
                fault = Some(compare(cx, b, a, "<").err().unwrap_or(f));
                Ordering::Equal
            }
        };
        if reverse { order.reverse() } else { order }
    });
    fault.map_or(Ok(()), Err)
}
