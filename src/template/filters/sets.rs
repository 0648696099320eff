//! Lists as sets. Python's sets have no order that anyone could rely on: here it is the order of the lists, numbers sorted.

use super::lists::holds;
use super::{FILTER, Filter, each, required};
use crate::template::runtime::{Args, Cx, Res, V, key_of, sort};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "union",
        summary: "Items of either list.",
        params: &[required("b", "list")],
        example: ("[1, 2] | union([2, 3])", "[1, 2, 3]"),
        run: |cx, v, args| {
            let (a, b) = both(cx, &v, &args)?;
            result(cx, a.into_iter().chain(b).collect())
        },
        ..FILTER
    },
    Filter {
        name: "intersect",
        summary: "Items of both lists.",
        params: &[required("b", "list")],
        example: ("[1, 2] | intersect([2, 3])", "[2]"),
        run: |cx, v, args| {
            let (a, b) = both(cx, &v, &args)?;
            result(cx, keep(cx, a, &b, true)?)
        },
        ..FILTER
    },
    Filter {
        name: "difference",
        summary: "Items of the first list that the other has not.",
        params: &[required("b", "list")],
        example: ("[1, 2] | difference([2, 3])", "[1]"),
        run: |cx, v, args| {
            let (a, b) = both(cx, &v, &args)?;
            result(cx, keep(cx, a, &b, false)?)
        },
        ..FILTER
    },
    Filter {
        name: "symmetric_difference",
        summary: "Items that only one of the lists has.",
        params: &[required("b", "list")],
        example: ("[1, 2] | symmetric_difference([2, 3])", "[1, 3]"),
        run: |cx, v, args| {
            let (a, b) = both(cx, &v, &args)?;
            let mut all = keep(cx, a.clone(), &b, false)?;
            all.extend(keep(cx, b, &a, false)?);
            result(cx, all)
        },
        ..FILTER
    },
];

fn both(cx: &Cx, v: &V, args: &Args) -> Res<(Vec<V>, Vec<V>)> {
    Ok((each(cx, v)?, each(cx, &args.value("b"))?))
}

fn keep(cx: &Cx, items: Vec<V>, other: &[V], wanted: bool) -> Res<Vec<V>> {
    let keys: Option<std::collections::HashSet<_>> = other.iter().map(|v| key_of(v).ok()).collect();
    let mut out = vec![];
    for item in items {
        let there = match (&keys, &item) {
            (Some(keys), V::Str(_)) => key_of(&item).is_ok_and(|k| keys.contains(&k)),
            _ => holds(cx, other, &item)?,
        };
        if there == wanted {
            out.push(item);
        }
    }
    Ok(out)
}

fn result(cx: &Cx, items: Vec<V>) -> Res {
    let mut seen = std::collections::HashSet::new();
    let mut out: Vec<V> = vec![];
    for item in items {
        let new = match &item {
            V::Str(t) => seen.insert(t.clone()),
            item => !holds(cx, &out, item)?,
        };
        if new {
            out.push(item);
        }
    }
    if out.iter().all(|v| matches!(v, V::Int(_))) {
        let mut keyed: Vec<(V, V)> = out.into_iter().map(|v| (v.clone(), v)).collect();
        sort(cx, &mut keyed, false)?;
        out = keyed.into_iter().map(|(_, v)| v).collect();
    }
    Ok(V::list(out))
}
