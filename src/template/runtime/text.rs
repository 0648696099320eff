//! `str()`, `repr()`, and putting the pieces of a template together.

use super::{Cx, Res, V};
use crate::value::{Text, float_repr, repr_str};

/// `str(value)`.
pub fn text(cx: &Cx, v: &V) -> Res<String> {
    match v {
        V::Str(t) => Ok(t.as_str().to_owned()),
        V::Obj(o) => o.text(cx),
        other => repr(cx, other),
    }
}

/// `str(value)` that keeps the mark of a secret.
pub fn to_text(cx: &Cx, v: &V) -> Res<Text> {
    match v {
        V::Str(t) => Ok(t.clone()),
        other => {
            let out = Text::foreign(text(cx, other)?);
            Ok(if holds_secret(cx, other) { out.secret() } else { out })
        }
    }
}

fn holds_secret(cx: &Cx, v: &V) -> bool {
    cx.nested(|| Ok(secret_inside(cx, v))).unwrap_or(true)
}

fn secret_inside(cx: &Cx, v: &V) -> bool {
    match v {
        V::Str(t) => t.is_secret(),
        V::List(l) => l.items(cx).iter().any(|v| holds_secret(cx, v)),
        V::Tuple(t) => t.iter().any(|v| holds_secret(cx, v)),
        V::Dict(d) => d.items(cx).iter().any(|(_, v)| holds_secret(cx, v)),
        _ => false,
    }
}

/// `repr(value)`.
pub fn repr(cx: &Cx, v: &V) -> Res<String> {
    let mut out = String::new();
    write(cx, v, &mut out)?;
    Ok(out)
}

fn write(cx: &Cx, v: &V, out: &mut String) -> Res<()> {
    match v {
        V::Undef(f) => return Err(f.clone()),
        V::Omit => out.push_str("<<Omit>>"),
        V::None => out.push_str("None"),
        V::Bool(b) => out.push_str(if *b { "True" } else { "False" }),
        V::Int(i) => out.push_str(&i.to_string()),
        V::Big(i) => out.push_str(&i.to_string()),
        V::Float(f) => out.push_str(&float_repr(*f)),
        V::Str(t) => out.push_str(&repr_str(t)),
        V::Bytes(b) => out.push_str(&crate::value::Value::Bytes(b.clone()).repr()),
        V::List(l) => sequence(cx, &l.items(cx), '[', ']', out)?,
        V::Tuple(t) if t.len() == 1 => {
            out.push('(');
            write(cx, &t[0], out)?;
            out.push_str(",)");
        }
        V::Tuple(t) => sequence(cx, t, '(', ')', out)?,
        V::Dict(d) => {
            out.push('{');
            for (i, (key, value)) in d.items(cx).iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write(cx, &super::compare::key_value(key), out)?;
                out.push_str(": ");
                cx.nested(|| write(cx, value, out))?;
            }
            out.push('}');
        }
        V::Obj(o) => out.push_str(&o.repr(cx)?),
    }
    Ok(())
}

fn sequence(cx: &Cx, items: &[V], open: char, close: char, out: &mut String) -> Res<()> {
    cx.nested(|| sequence_inside(cx, items, open, close, out))
}

fn sequence_inside(cx: &Cx, items: &[V], open: char, close: char, out: &mut String) -> Res<()> {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(cx, item, out)?;
    }
    out.push(close);
    Ok(())
}

/// The result of a template: nothing gives None, one piece keeps its type, more become text. Nones count as nothing.
pub fn concat(cx: &Cx, mut pieces: Vec<V>) -> V {
    pieces.retain(|v| !matches!(v, V::None));
    if pieces.len() <= 1 {
        return pieces.pop().unwrap_or(V::None);
    }
    let mut out = String::new();
    let mut secret = false;
    for piece in &pieces {
        match piece {
            V::Omit => {}
            V::Undef(fault) => match cx.instead(fault) {
                Ok(words) => out.push_str(words.as_str().unwrap_or_default()),
                Err(fault) => return V::Undef(fault),
            },
            V::Str(t) => {
                secret |= t.is_secret();
                out.push_str(t);
            }
            other => match plain(cx, other).and_then(|v| text(cx, &v)) {
                Ok(text) => {
                    secret |= holds_secret(cx, other);
                    out.push_str(&text);
                }
                Err(fault) => return V::Undef(fault),
            },
        }
    }
    let text = Text::foreign(out);
    V::Str(if secret { text.secret() } else { text })
}

/// The value as it is stored: tuples become lists, omitted parts vanish.
fn plain(cx: &Cx, v: &V) -> Res {
    cx.nested(|| plain_inside(cx, v))
}

fn plain_inside(cx: &Cx, v: &V) -> Res {
    Ok(match v {
        V::List(l) => V::list(plain_all(cx, &l.items(cx))?),
        V::Tuple(t) => V::list(plain_all(cx, t)?),
        V::Dict(d) => {
            let mut out = indexmap::IndexMap::new();
            for (key, value) in d.items(cx) {
                if !matches!(value, V::Omit) {
                    out.insert(key, plain(cx, &value)?);
                }
            }
            V::dict(out)
        }
        V::Undef(f) => return Err(f.clone()),
        other => other.clone(),
    })
}

fn plain_all(cx: &Cx, items: &[V]) -> Res<Vec<V>> {
    items.iter().filter(|v| !matches!(v, V::Omit)).map(|v| plain(cx, v)).collect()
}
