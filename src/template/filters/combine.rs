//! The `combine` filter: dicts merged into one.

use super::{FILTER, Filter, each};
use crate::template::runtime::{Args, Cx, Fault, Res, V, truth};
use crate::value::Key;
use indexmap::IndexMap;

pub const FILTERS: &[Filter] = &[Filter {
    name: "combine",
    summary: "Dicts merged into one; later ones win. Options: recursive, list_merge (replace, keep, append, prepend, append_rp, prepend_rp).",
    rest: Some("dicts"),
    named: true,
    example: ("{'a': {'x': 1}} | combine({'a': {'y': 2}}, recursive=true)", "{'a': {'x': 1, 'y': 2}}"),
    run: combine,
    ..FILTER
}];

fn combine(cx: &Cx, v: V, args: Args) -> Res {
    let mut recursive = false;
    let mut lists = "replace".to_owned();
    for (name, value) in &args.named {
        match &**name {
            "recursive" => recursive = truth(value)?,
            "list_merge" => lists = super::as_text(cx, value)?,
            _ => return Err(Fault::raw("'recursive' and 'list_merge' are the only valid keyword arguments")),
        }
    }
    if !["replace", "keep", "append", "prepend", "append_rp", "prepend_rp"].contains(&lists.as_str()) {
        return Err(Fault::raw(
            "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'",
        ));
    }
    let mut dicts = vec![];
    for term in std::iter::once(v).chain(args.rest) {
        match &term {
            V::List(_) | V::Tuple(_) => {
                dicts.extend(each(cx, &term)?.into_iter().filter(|v| !matches!(v, V::None)));
            }
            V::None => {}
            _ => dicts.push(term),
        }
    }
    if dicts.len() == 1 {
        return Ok(dicts.remove(0));
    }
    let mut maps = dicts.into_iter();
    let Some(first) = maps.next() else { return Ok(V::dict([])) };
    let mut out = pairs(cx, &first, None)?;
    for over in maps {
        let over = pairs(cx, &over, Some(&first))?;
        out = merge(cx, out, over, recursive, &lists)?;
    }
    Ok(V::dict(out))
}

fn pairs(cx: &Cx, v: &V, other: Option<&V>) -> Res<IndexMap<Key, V>> {
    match v {
        V::Dict(d) => Ok(d.items(cx).into_iter().collect()),
        v => {
            let first = other.map_or("dict", V::type_name);
            Err(Fault::raw(format!(
                "failed to combine variables, expected dicts but got a '{first}' and a '{}': \n{}\n{}",
                v.type_name(),
                other.map_or(Ok(String::new()), |o| super::as_text(cx, o))?,
                super::as_text(cx, v)?
            )))
        }
    }
}

fn merge(
    cx: &Cx,
    mut base: IndexMap<Key, V>,
    over: IndexMap<Key, V>,
    recursive: bool,
    lists: &str,
) -> Res<IndexMap<Key, V>> {
    if base.is_empty() {
        return Ok(over);
    }
    for (key, new) in over {
        let merged = match (base.get(&key), &new) {
            (Some(V::Dict(old)), V::Dict(newer)) if recursive => {
                let (old, newer) = (old.items(cx).into_iter().collect(), newer.items(cx).into_iter().collect());
                V::dict(merge(cx, old, newer, recursive, lists)?)
            }
            (Some(V::List(old)), V::List(newer)) if lists != "replace" => {
                V::list(merge_lists(cx, old.items(cx), newer.items(cx), lists)?)
            }
            _ => new,
        };
        base.insert(key, merged);
    }
    Ok(base)
}

fn merge_lists(cx: &Cx, old: Vec<V>, new: Vec<V>, how: &str) -> Res<Vec<V>> {
    let without = |list: &[V], other: &[V]| -> Res<Vec<V>> {
        let mut out = vec![];
        for item in list {
            if !super::lists::holds(cx, other, item)? {
                out.push(item.clone());
            }
        }
        Ok(out)
    };
    Ok(match how {
        "keep" => old,
        "append" => [old, new].concat(),
        "prepend" => [new, old].concat(),
        "append_rp" => [without(&old, &new)?, new].concat(),
        _ => {
            let rest = without(&old, &new)?;
            [new, rest].concat()
        }
    })
}
