//! Methods of lists and tuples.

use super::{argument, required};
use crate::template::runtime::{
    Call, Cx, Fault, List, Res, V, call_value, equal, iterate, position, repr, sort, truth,
};
use std::sync::Arc;

pub const NAMES: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];

/// Those that only read; tuples have them too.
pub fn read(cx: &Cx, items: &[V], name: &str, args: &Call) -> Res {
    let item = required(args, 0, name)?;
    if name == "count" {
        let mut n = 0usize;
        for candidate in items {
            n += usize::from(equal(cx, candidate, item)?);
        }
        return Ok(V::from(n));
    }
    let bound = |n: usize, default: usize| match args.pos.get(n) {
        Some(V::Int(i)) if *i < 0 => (items.len() as i64 + i).max(0) as usize,
        Some(V::Int(i)) => (*i as usize).min(items.len()),
        _ => default,
    };
    let (from, to) = (bound(1, 0), bound(2, items.len()));
    match position(cx, items.get(from..to).unwrap_or(&[]), item)? {
        Some(i) => Ok(V::from(from + i)),
        None => Err(Fault::raw(format!("{} is not in list", repr(cx, item)?))),
    }
}

pub fn call(cx: &Cx, list: &Arc<List>, name: &str, args: &Call) -> Res {
    match name {
        "count" | "index" => return read(cx, &list.items(cx), name, args),
        "copy" => return Ok(V::list(list.items(cx))),
        "append" => {
            let item = required(args, 0, name)?.clone();
            list.change(cx, |items| items.push(item));
        }
        "extend" => {
            let more = iterate(cx, required(args, 0, name)?)?;
            list.change(cx, |items| items.extend(more));
        }
        "insert" => {
            let V::Int(at) = required(args, 0, name)? else {
                return Err(Fault::raw("'str' object cannot be interpreted as an integer"));
            };
            let item = required(args, 1, name)?.clone();
            list.change(cx, |items| {
                let len = items.len() as i64;
                let at = if *at < 0 { (at + len).max(0) } else { (*at).min(len) };
                items.insert(at as usize, item);
            });
        }
        "pop" => {
            let at = match args.pos.first() {
                None => -1,
                Some(V::Int(i)) => *i,
                Some(other) => {
                    return Err(Fault::raw(format!(
                        "'{}' object cannot be interpreted as an integer",
                        other.type_name()
                    )));
                }
            };
            return list.change(cx, |items| {
                if items.is_empty() {
                    return Err(Fault::raw("pop from empty list"));
                }
                let at = if at < 0 { at + items.len() as i64 } else { at };
                match usize::try_from(at).ok().filter(|i| *i < items.len()) {
                    Some(i) => Ok(items.remove(i)),
                    None => Err(Fault::raw("pop index out of range")),
                }
            });
        }
        "remove" => {
            let item = required(args, 0, name)?;
            match position(cx, &list.items(cx), item)? {
                Some(i) => {
                    list.change(cx, |items| items.remove(i));
                }
                None => return Err(Fault::raw("list.remove(x): x not in list")),
            }
        }
        "reverse" => list.change(cx, |items| items.reverse()),
        "clear" => list.change(cx, Vec::clear),
        "sort" => {
            let reverse = argument(args, 99, "reverse").map_or(Ok(false), truth)?;
            let key = argument(args, 99, "key").filter(|v| !matches!(v, V::None));
            let mut keyed = vec![];
            for item in list.items(cx) {
                let sort_key = match key {
                    Some(function) => call_value(cx, function.clone(), Call::pos(vec![item.clone()]))?,
                    None => item.clone(),
                };
                keyed.push((sort_key, item));
            }
            sort(cx, &mut keyed, reverse)?;
            list.change(cx, |items| *items = keyed.into_iter().map(|(_, v)| v).collect());
        }
        _ => return Err(Fault::raw(format!("'list' object has no method '{name}'"))),
    }
    Ok(V::None)
}
