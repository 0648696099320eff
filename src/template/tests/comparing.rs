//! Comparisons as tests.

use super::{TEST, Test};
use crate::template::filters::required;
use crate::template::runtime::{Cx, Fault, Param, Res, V, compare, contains, equal, iterate};
use std::cmp::Ordering;
use std::sync::Arc;

const OTHER: &[Param] = &[required("other", "any")];

fn ordered(cx: &Cx, a: &V, b: &V, sign: &str, wanted: &[Ordering]) -> Res<bool> {
    Ok(compare(cx, a, b, sign)?.is_some_and(|o| wanted.contains(&o)))
}

pub const TESTS: &[Test] = &[
    Test {
        name: "eq",
        aliases: &["equalto", "=="],
        summary: "Equal to another value.",
        params: OTHER,
        example: "1 is eq 1",
        run: |cx, v, args| equal(cx, v, &args.value("other")),
        ..TEST
    },
    Test {
        name: "ne",
        aliases: &["!="],
        summary: "Not equal to another value.",
        params: OTHER,
        example: "1 is ne 2",
        run: |cx, v, args| equal(cx, v, &args.value("other")).map(|e| !e),
        ..TEST
    },
    Test {
        name: "lt",
        aliases: &["lessthan", "<"],
        summary: "Less than another value.",
        params: OTHER,
        example: "1 is lt 2",
        run: |cx, v, args| ordered(cx, v, &args.value("other"), "<", &[Ordering::Less]),
        ..TEST
    },
    Test {
        name: "le",
        aliases: &["<="],
        summary: "Less than or equal to another value.",
        params: OTHER,
        example: "1 is le 1",
        run: |cx, v, args| ordered(cx, v, &args.value("other"), "<=", &[Ordering::Less, Ordering::Equal]),
        ..TEST
    },
    Test {
        name: "gt",
        aliases: &["greaterthan", ">"],
        summary: "Greater than another value.",
        params: OTHER,
        example: "2 is gt 1",
        run: |cx, v, args| ordered(cx, v, &args.value("other"), ">", &[Ordering::Greater]),
        ..TEST
    },
    Test {
        name: "ge",
        aliases: &[">="],
        summary: "Greater than or equal to another value.",
        params: OTHER,
        example: "2 is ge 2",
        run: |cx, v, args| ordered(cx, v, &args.value("other"), ">=", &[Ordering::Greater, Ordering::Equal]),
        ..TEST
    },
    Test {
        name: "in",
        summary: "One of the items of a container.",
        params: &[required("seq", "any")],
        example: "1 is in [1, 2]",
        run: |cx, v, args| contains(cx, &args.value("seq"), v),
        ..TEST
    },
    Test {
        name: "contains",
        summary: "Has an item.",
        params: &[required("value", "any")],
        example: "[1, 2] is contains 1",
        run: |cx, v, args| contains(cx, v, &args.value("value")),
        ..TEST
    },
    Test {
        name: "sameas",
        summary: "The very same value.",
        params: OTHER,
        example: "true is sameas true",
        run: |_, v, args| Ok(same(v, &args.value("other"))),
        ..TEST
    },
    Test {
        name: "subset",
        aliases: &["issubset"],
        summary: "All items are in another list.",
        params: &[required("b", "list")],
        example: "[1] is subset [1, 2]",
        run: |cx, v, args| within(cx, v, &args.value("b")),
        ..TEST
    },
    Test {
        name: "superset",
        aliases: &["issuperset"],
        summary: "Has all items of another list.",
        params: &[required("b", "list")],
        example: "[1, 2] is superset [1]",
        run: |cx, v, args| within(cx, &args.value("b"), v),
        ..TEST
    },
];

fn same(a: &V, b: &V) -> bool {
    match (a, b) {
        (V::None, V::None) | (V::Omit, V::Omit) => true,
        (V::Bool(x), V::Bool(y)) => x == y,
        (V::Int(x), V::Int(y)) => x == y,
        (V::Str(x), V::Str(y)) => x == y,
        (V::List(x), V::List(y)) => Arc::ptr_eq(x, y),
        (V::Dict(x), V::Dict(y)) => Arc::ptr_eq(x, y),
        _ => false,
    }
}

fn within(cx: &Cx, a: &V, b: &V) -> Res<bool> {
    let (a, b) = (iterate(cx, a)?, iterate(cx, b)?);
    if let Some(item) = a.iter().chain(&b).find(|v| matches!(v, V::List(_) | V::Dict(_))) {
        return Err(Fault::raw(format!("unhashable type: '{}'", item.type_name())));
    }
    let b = V::list(b);
    for item in a {
        if !contains(cx, &b, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}
