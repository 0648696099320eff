//! Filters on lists.

use super::select::fold;
use super::{FILTER, Filter, each, get_path, optional};
use crate::template::runtime::{
    Args, Cx, Fault, PyRandom, Range, Res, V, compare, equal, item, iterate, length, sort, text,
};
use std::cmp::Ordering;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "list",
        summary: "The items of anything that has some.",
        example: ("'ab' | list", "['a', 'b']"),
        run: |cx, v, _| each(cx, &v).map(V::list),
        ..FILTER
    },
    Filter {
        name: "length",
        aliases: &["count"],
        summary: "The number of items.",
        example: ("[1, 2] | length", "2"),
        run: |_, v, _| length(&v).map(V::from),
        ..FILTER
    },
    Filter {
        name: "first",
        summary: "The first item.",
        example: ("[1, 2] | first", "1"),
        run: |cx, v, _| match iterate(cx, &v)?.into_iter().next() {
            Some(v) => v.trip(),
            None => Ok(V::Undef(Fault::undefined("No first item, sequence was empty.", None))),
        },
        ..FILTER
    },
    Filter {
        name: "last",
        summary: "The last item.",
        example: ("[1, 2] | last", "2"),
        run: |cx, v, _| match iterate(cx, &v)?.pop() {
            Some(v) => v.trip(),
            None => Ok(V::Undef(Fault::undefined("No last item, sequence was empty.", None))),
        },
        ..FILTER
    },
    Filter {
        name: "sort",
        summary: "The items in order.",
        params: &[
            optional("reverse", "bool", "False"),
            optional("case_sensitive", "bool", "False"),
            optional("attribute", "str", "None"),
        ],
        example: ("['b', 'A', 'c'] | sort", "['A', 'b', 'c']"),
        run: |cx, v, args| {
            let sensitive = args.flag("case_sensitive", false)?;
            let mut keyed = vec![];
            for item in each(cx, &v)? {
                keyed.push((keys(cx, &item, args.get("attribute"), sensitive)?, item));
            }
            sort(cx, &mut keyed, args.flag("reverse", false)?)?;
            Ok(V::list(keyed.into_iter().map(|(_, v)| v).collect()))
        },
        ..FILTER
    },
    Filter {
        name: "reverse",
        summary: "The items (or letters) from the end.",
        example: ("[1, 2] | reverse | list", "[2, 1]"),
        run: |cx, v, _| match &v {
            V::Str(t) => Ok(V::str(t.chars().rev().collect::<String>())),
            v => {
                let mut items = each(cx, v)?;
                items.reverse();
                Ok(V::list(items))
            }
        },
        ..FILTER
    },
    Filter {
        name: "unique",
        summary: "Each item once.",
        params: &[optional("case_sensitive", "bool", "None"), optional("attribute", "str", "None")],
        example: ("[1, 2, 1] | unique", "[1, 2]"),
        run: unique,
        ..FILTER
    },
    Filter {
        name: "min",
        summary: "The smallest item.",
        params: &[optional("case_sensitive", "bool", "False"), optional("attribute", "str", "None")],
        example: ("[3, 1, 2] | min", "1"),
        run: |cx, v, args| extreme(cx, &v, &args, Ordering::Less),
        ..FILTER
    },
    Filter {
        name: "max",
        summary: "The largest item.",
        params: &[optional("case_sensitive", "bool", "False"), optional("attribute", "str", "None")],
        example: ("[3, 1, 2] | max", "3"),
        run: |cx, v, args| extreme(cx, &v, &args, Ordering::Greater),
        ..FILTER
    },
    Filter {
        name: "batch",
        summary: "Rows of a number of items.",
        params: &[super::required("linecount", "int"), optional("fill_with", "any", "None")],
        example: ("[1, 2, 3] | batch(2, 0) | list", "[[1, 2], [3, 0]]"),
        run: |cx, v, args| {
            let size = usize::try_from(args.int("linecount", 1)?).unwrap_or(0).max(1);
            let mut rows: Vec<Vec<V>> = each(cx, &v)?.chunks(size).map(<[V]>::to_vec).collect();
            if let (Some(fill), Some(last)) = (args.get("fill_with"), rows.last_mut()) {
                last.resize(size, fill.clone());
            }
            Ok(V::list(rows.into_iter().map(V::list).collect()))
        },
        ..FILTER
    },
    Filter {
        name: "slice",
        summary: "A number of columns.",
        params: &[super::required("slices", "int"), optional("fill_with", "any", "None")],
        example: ("[1, 2, 3] | slice(2) | list", "[[1, 2], [3]]"),
        run: slice,
        ..FILTER
    },
    Filter {
        name: "random",
        summary: "A random item, or a random number below this one.",
        params: &[optional("start", "int", "None"), optional("step", "int", "None"), optional("seed", "any", "None")],
        example: ("[7] | random", "7"),
        run: random,
        ..FILTER
    },
    Filter {
        name: "shuffle",
        summary: "The items in random order.",
        params: &[optional("seed", "any", "None")],
        example: ("[7] | shuffle", "[7]"),
        run: |cx, v, args| {
            let Ok(mut items) = each(cx, &v) else { return Ok(v) };
            let mut random =
                generator(cx, args.get("seed").filter(|s| crate::template::runtime::truth(s).unwrap_or(true)))?;
            for i in (1..items.len()).rev() {
                let j = random.below(i as u64 + 1) as usize;
                items.swap(i, j);
            }
            Ok(V::list(items))
        },
        ..FILTER
    },
    Filter {
        name: "flatten",
        summary: "Items of nested lists as one list.",
        params: &[optional("levels", "int", "None"), optional("skip_nulls", "bool", "True")],
        example: ("[1, [2, [3]]] | flatten", "[1, 2, 3]"),
        run: |cx, v, args| {
            let levels = match args.get("levels") {
                None => None,
                Some(_) => Some(args.int("levels", 0)?),
            };
            let mut out = vec![];
            flatten(cx, each(cx, &v)?, levels, args.flag("skip_nulls", true)?, &mut out)?;
            Ok(V::list(out))
        },
        ..FILTER
    },
];

fn keys(cx: &Cx, item: &V, attribute: Option<&V>, sensitive: bool) -> Res {
    match attribute {
        None => Ok(fold(item, sensitive)),
        Some(V::Str(paths)) if paths.contains(',') => {
            let keys: Res<Vec<V>> =
                paths.split(',').map(|p| Ok(fold(&get_path(cx, item, &V::str(p))?.trip()?, sensitive))).collect();
            keys.map(V::tuple)
        }
        Some(path) => Ok(fold(&get_path(cx, item, path)?.trip()?, sensitive)),
    }
}

fn unique(cx: &Cx, v: V, args: Args) -> Res {
    let sensitive = args.flag("case_sensitive", false)?;
    let attribute = args.get("attribute");
    let items = each(cx, &v)?;
    let mut seen: Vec<V> = vec![];
    let mut hashed = std::collections::HashSet::new();
    let mut out = vec![];
    // Lists and dicts cannot be hashed: then Ansible compares the items as they are.
    let unfit = |why: &str| {
        Fault::raw(format!(
            "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the \
             parameters supplied: {why}"
        ))
    };
    let unhashable = |v: &V| matches!(v, V::List(_) | V::Dict(_));
    let explicit = attribute.is_some() || matches!(args.get("case_sensitive"), Some(V::Bool(false)));
    let plain = !explicit && items.iter().any(unhashable);
    for item in items {
        let key = match attribute {
            Some(path) => fold(&get_path(cx, &item, path)?.trip().map_err(|f| unfit(&f.message))?, sensitive),
            None => fold(&item, sensitive || plain),
        };
        if explicit && unhashable(&key) {
            return Err(unfit(&format!("unhashable type: '{}'", key.type_name())));
        }
        if let V::Str(t) = &key {
            if hashed.insert(t.clone()) {
                out.push(item);
            }
            continue;
        }
        if !holds(cx, &seen, &key)? {
            seen.push(key);
            out.push(item);
        }
    }
    Ok(V::list(out))
}

pub fn holds(cx: &Cx, items: &[V], wanted: &V) -> Res<bool> {
    for item in items {
        if equal(cx, item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn extreme(cx: &Cx, v: &V, args: &Args, wanted: Ordering) -> Res {
    let sensitive = args.flag("case_sensitive", false)?;
    let mut best: Option<(V, V)> = None;
    for item in each(cx, v)? {
        let key = match args.get("attribute") {
            Some(path) => fold(&get_path(cx, &item, path)?.trip()?, sensitive),
            None => fold(&item, sensitive),
        };
        let better = match &best {
            None => true,
            Some((top, _)) => compare(cx, &key, top, if wanted == Ordering::Less { "<" } else { ">" })? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best
        .map_or_else(|| V::Undef(Fault::undefined("No aggregated item, sequence was empty.", None)), |(_, item)| item))
}

fn slice(cx: &Cx, v: V, args: Args) -> Res {
    let items = each(cx, &v)?;
    let columns = usize::try_from(args.int("slices", 1)?).unwrap_or(0);
    if columns == 0 {
        return Err(Fault::raw("integer division or modulo by zero"));
    }
    let (per, extra) = (items.len() / columns, items.len() % columns);
    let mut out = vec![];
    let mut at = 0;
    for column in 0..columns.min(100_000) {
        let size = per + usize::from(column < extra);
        let mut part = items[at..at + size].to_vec();
        at += size;
        if let Some(fill) = args.get("fill_with")
            && column >= extra
            && extra > 0
        {
            part.push(fill.clone());
        }
        out.push(V::list(part));
    }
    Ok(V::list(out))
}

/// A generator with a seed as Python would use it, or a fresh one.
pub fn generator(cx: &Cx, seed: Option<&V>) -> Res<PyRandom> {
    match seed {
        None => {
            let mut bytes = [0u8; 32];
            cx.engine.outside.random(&mut bytes);
            Ok(PyRandom::from_bytes(&bytes))
        }
        Some(V::Str(t)) => Ok(PyRandom::from_text(t)),
        Some(V::Int(i)) => Ok(PyRandom::from_int(i.unsigned_abs())),
        Some(V::Bool(b)) => Ok(PyRandom::from_int(u64::from(*b))),
        Some(other) => Ok(PyRandom::from_text(&text(cx, other)?)),
    }
}

/// One of the items.
pub fn choice(items: &[V], random: &mut PyRandom) -> Option<V> {
    if items.is_empty() {
        return None;
    }
    items.get(random.below(items.len() as u64) as usize).cloned()
}

fn random(cx: &Cx, v: V, args: Args) -> Res {
    let mut random = generator(cx, args.get("seed"))?;
    let (start, step) = (args.int("start", 0)?, args.int("step", 1)?);
    match &v {
        V::Int(_) | V::Bool(_) => {
            let end = if let V::Int(i) = v { i } else { 1 };
            let step = if step == 0 { 1 } else { step };
            let width = end.saturating_sub(start);
            let count = if step == 1 {
                width
            } else if step > 0 {
                (width + step - 1) / step
            } else {
                (width + step + 1) / step
            };
            if count <= 0 {
                return Err(Fault::raw("empty range for randrange()"));
            }
            Ok(V::Int(start + step * random.below(count as u64) as i64))
        }
        v => {
            if start != 0 || args.get("step").is_some() {
                return Err(Fault::raw("start and step can only be used with integer values"));
            }
            if let Some(range) = v.object::<Range>() {
                let n = length(v)?;
                return Ok(V::Int(range.nth(random.below(n as u64) as usize)));
            }
            if matches!(v, V::None | V::Float(_)) {
                return Err(Fault::raw("random can only be used on sequences and integers"));
            }
            if let V::Dict(_) = v {
                let n = length(v)? as u64;
                return item(cx, v, &V::Int(random.below(n.max(1)) as i64))?.trip();
            }
            choice(&each(cx, v)?, &mut random).ok_or_else(|| Fault::raw("Cannot choose from an empty sequence"))
        }
    }
}

fn flatten(cx: &Cx, items: Vec<V>, levels: Option<i64>, skip_nulls: bool, out: &mut Vec<V>) -> Res<()> {
    for item in items {
        let null = match &item {
            V::None => true,
            V::Str(t) => matches!(t.as_str(), "None" | "null"),
            _ => false,
        };
        if skip_nulls && null {
            continue;
        }
        match (&item, levels) {
            (V::List(_) | V::Tuple(_), None) => {
                cx.nested(|| flatten(cx, each(cx, &item)?, None, skip_nulls, out))?;
            }
            (V::List(_) | V::Tuple(_), Some(n)) if n >= 1 => {
                flatten(cx, each(cx, &item)?, Some(n - 1), skip_nulls, out)?;
            }
            _ => out.push(item),
        }
    }
    Ok(())
}
