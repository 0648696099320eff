//! `+ - * / // % **`, truth, length and iteration.

use super::{Cx, Delta, Dict, Fault, List, Num, Res, Time, V, equal, percent_format};
use crate::template::syntax::BinOp;
use crate::value::Text;
use std::sync::Arc;

/// The largest text or list that `*` may make.
const MAX_ITEMS: usize = 1 << 26;

pub fn binary(cx: &Cx, op: BinOp, a: &V, b: &V) -> Res {
    a.check()?;
    b.check()?;
    if let (Some(x), Some(y)) = (Num::of(a), Num::of(b)) {
        return Num::op(op, &x, &y);
    }
    match (op, a, b) {
        (BinOp::Add, V::Str(x), V::Str(y)) => {
            let text = Text::foreign(format!("{x}{y}"));
            Ok(V::Str(if x.is_secret() || y.is_secret() { text.secret() } else { text }))
        }
        (BinOp::Add, V::Str(_), other) => {
            Err(Fault::raw(format!("can only concatenate str (not \"{}\") to str", other.type_name())))
        }
        (BinOp::Add, V::List(x), V::List(y)) => {
            let mut all = x.items(cx);
            all.extend(y.items(cx));
            Ok(V::list(all))
        }
        (BinOp::Add, V::List(_), other) => {
            Err(Fault::raw(format!("can only concatenate list (not \"{}\") to list", other.type_name())))
        }
        (BinOp::Add, V::Tuple(x), V::Tuple(y)) => Ok(V::Tuple(x.iter().chain(y.iter()).cloned().collect())),
        (BinOp::Mul, V::Str(_) | V::List(_) | V::Tuple(_), V::Int(_) | V::Bool(_)) => repeat(cx, a, b),
        (BinOp::Mul, V::Int(_) | V::Bool(_), V::Str(_) | V::List(_) | V::Tuple(_)) => repeat(cx, b, a),
        (BinOp::Mul, V::Str(_) | V::List(_) | V::Tuple(_), other) => {
            Err(Fault::raw(format!("can't multiply sequence by non-int of type '{}'", other.type_name())))
        }
        (BinOp::Mod, V::Str(format), _) => percent_format(cx, format, b).map(|out| {
            let text = Text::foreign(out);
            V::Str(if format.is_secret() || b.is_secret() { text.secret() } else { text })
        }),
        (BinOp::Sub, V::Obj(_), V::Obj(_)) => match (a.object::<Time>(), b.object::<Time>()) {
            (Some(x), Some(y)) => Ok(V::Obj(Arc::new(x.since(y)))),
            _ => Err(unsupported(op, a, b)),
        },
        _ => {
            if let (Some(time), Some(delta)) = (a.object::<Time>(), b.object::<Delta>()) {
                let moved = match op {
                    BinOp::Add => time.plus(delta.micros),
                    BinOp::Sub => time.plus(-delta.micros),
                    _ => None,
                };
                return moved.map(V::from).ok_or_else(|| unsupported(op, a, b));
            }
            Err(unsupported(op, a, b))
        }
    }
}

fn unsupported(op: BinOp, a: &V, b: &V) -> Arc<Fault> {
    Fault::raw(format!("unsupported operand type(s) for {}: '{}' and '{}'", op.sign(), a.type_name(), b.type_name()))
}

fn repeat(cx: &Cx, what: &V, times: &V) -> Res {
    let n = match times {
        V::Int(i) => usize::try_from(*i).unwrap_or(0),
        V::Bool(b) => usize::from(*b),
        _ => 0,
    };
    let too_many = |len: usize| len.saturating_mul(n) > MAX_ITEMS;
    match what {
        V::Str(t) if !too_many(t.len()) => Ok(V::str(t.repeat(n))),
        V::List(l) if !too_many(l.len()) => Ok(V::list(l.items(cx).into_iter().cycle().take(l.len() * n).collect())),
        V::Tuple(t) if !too_many(t.len()) => Ok(V::tuple(t.iter().cycle().take(t.len() * n).cloned().collect())),
        _ => Err(Fault::raw("the result is too large")),
    }
}

pub fn negate(v: &V) -> Res {
    match v {
        V::Undef(f) => Err(f.clone()),
        V::Float(f) => Ok(V::Float(-f)),
        V::Int(_) | V::Big(_) | V::Bool(_) => match Num::of(v) {
            Some(n) => Num::op(BinOp::Sub, &Num::Int(0), &n),
            None => Ok(V::None),
        },
        other => Err(Fault::raw(format!("bad operand type for unary -: '{}'", other.type_name()))),
    }
}

pub fn truth(v: &V) -> Res<bool> {
    Ok(match v {
        V::Undef(f) => return Err(f.clone()),
        V::None => false,
        V::Omit => true,
        V::Bool(b) => *b,
        V::Int(i) => *i != 0,
        V::Big(_) => true,
        V::Float(f) => *f != 0.0,
        V::Str(t) => !t.is_empty(),
        V::Bytes(b) => !b.is_empty(),
        V::List(l) => l.len() > 0,
        V::Tuple(t) => !t.is_empty(),
        V::Dict(d) => d.len() > 0,
        V::Obj(o) => o.truth(),
    })
}

pub fn length(v: &V) -> Res<usize> {
    match v {
        V::Undef(f) => Err(f.clone()),
        V::Str(t) => Ok(t.chars().count()),
        V::Bytes(b) => Ok(b.len()),
        V::List(l) => Ok(l.len()),
        V::Tuple(t) => Ok(t.len()),
        V::Dict(d) => Ok(d.len()),
        V::Obj(o) if o.len().is_some() => Ok(o.len().unwrap_or(0)),
        other => Err(Fault::raw(format!("object of type '{}' has no len()", other.type_name()))),
    }
}

/// What `for` and `list` see.
pub fn iterate(cx: &Cx, v: &V) -> Res<Vec<V>> {
    match v {
        V::Undef(f) => Err(f.clone()),
        V::List(l) => Ok(l.items(cx)),
        V::Tuple(t) => Ok(t.to_vec()),
        V::Dict(d) => Ok(d.keys().iter().map(super::compare::key_value).collect()),
        V::Str(t) => Ok(t.chars().map(|c| V::str(c.to_string())).collect()),
        V::Bytes(b) => Ok(b.iter().map(|b| V::Int(i64::from(*b))).collect()),
        V::Obj(o) => o.items().ok_or_else(|| Fault::raw(format!("'{}' object is not iterable", o.type_name()))),
        other => Err(Fault::raw(format!("'{}' object is not iterable", other.type_name()))),
    }
}

/// The position of an item in a list, as `list.index`.
pub fn position(cx: &Cx, items: &[V], item: &V) -> Res<Option<usize>> {
    for (i, candidate) in items.iter().enumerate() {
        if equal(cx, candidate, item)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

impl From<Arc<List>> for V {
    fn from(list: Arc<List>) -> V {
        V::List(list)
    }
}
impl From<Arc<Dict>> for V {
    fn from(dict: Arc<Dict>) -> V {
        V::Dict(dict)
    }
}
