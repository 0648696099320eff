//! The subelements lookup: each item with each part of one of its lists.

use super::{How, LOOKUP, Lookup};
use crate::template::runtime::{Args, Cx, Fault, Res, V, iterate, text, truth};

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "subelements",
    summary: "Pairs of each item and each part of one of its lists.",
    example: ("query('subelements', [{'n': 'a', 'l': [1]}], 'l')", "[({'n': 'a'}, 1)]"),
    run: subelements,
    ..LOOKUP
}];

fn subelements(cx: &Cx, terms: &[V], _: &Args, _: How) -> Res<Vec<V>> {
    let bad = |more: &str| Fault::raw(format!("subelements lookup expects a list of two or three items, {more}"));
    let (items, path, flags) = match terms {
        [items, V::Str(path)] => (items, path, None),
        [items, V::Str(path), V::Dict(flags)] => (items, path, Some(flags)),
        [_, V::Str(_), _] => {
            return Err(bad("the optional third item must be a dict with flags ('skip_missing',)"));
        }
        [_, _] | [_, _, _] => return Err(bad("first a dict or a list, second a string pointing to the subkey")),
        _ => return Err(bad("")),
    };
    let skip = match flags.and_then(|f| f.get_str(cx, "skip_missing")) {
        None => false,
        Some(V::Str(t)) => matches!(t.to_lowercase().as_str(), "yes" | "true" | "1" | "on" | "y" | "t"),
        Some(v) => truth(&v)?,
    };
    let elements = match items {
        V::Dict(d) => {
            if d.get_str(cx, "skipped").is_some_and(|v| !matches!(v, V::Bool(false))) {
                return Ok(vec![]);
            }
            d.items(cx).into_iter().map(|(_, v)| v).collect()
        }
        V::List(_) => iterate(cx, items)?,
        _ => return Err(bad("first a dict or a list, second a string pointing to the subkey")),
    };
    let keys: Vec<&str> = path.split('.').collect();
    let mut out = vec![];
    for element in elements {
        let V::Dict(dict) = &element else {
            return Err(Fault::raw(format!("subelements lookup expects a dictionary, got '{}'", text(cx, &element)?)));
        };
        if dict.get_str(cx, "skipped").is_some_and(|v| !matches!(v, V::Bool(false))) {
            continue;
        }
        let mut at = element.clone();
        let mut missing = false;
        for (i, key) in keys.iter().enumerate() {
            let V::Dict(dict) = &at else { break };
            let next = match dict.get_str(cx, key) {
                Some(next) => next.trip()?,
                None if skip => {
                    missing = true;
                    break;
                }
                None => {
                    return Err(Fault::raw(format!(
                        "could not find '{key}' key in iterated item '{}'",
                        text(cx, &at)?
                    )));
                }
            };
            let last = i + 1 == keys.len();
            match &next {
                V::List(_) if last => {}
                V::Dict(_) if !last => {}
                _ if skip && !last => {
                    missing = true;
                    break;
                }
                next => {
                    let wanted = if last { "list" } else { "dictionary" };
                    return Err(Fault::raw(format!(
                        "the key {key} should point to a {wanted}, got '{}'",
                        text(cx, next)?
                    )));
                }
            }
            at = next;
        }
        if missing {
            continue;
        }
        // The list itself is not in the item any more.
        let element = without(cx, &element, &keys);
        for part in iterate(cx, &at)? {
            out.push(V::tuple(vec![element.clone(), part]));
        }
    }
    Ok(out)
}

/// A dict without what a path of keys leads to.
fn without(cx: &Cx, v: &V, keys: &[&str]) -> V {
    let (V::Dict(dict), [key, rest @ ..]) = (v, keys) else { return v.clone() };
    let kept = dict.items(cx).into_iter().filter_map(|(k, v)| {
        if k.as_str() != Some(key) {
            return Some((k, v));
        }
        (!rest.is_empty()).then(|| (k, without(cx, &v, rest)))
    });
    V::dict(kept.collect::<Vec<_>>())
}
