//! Whether something is there, and whether it counts as true.

use super::{TEST, Test};
use crate::template::ErrorKind;
use crate::template::filters::{find as find_filter, optional, to_bool};
use crate::template::runtime::{Fault, Res, V, iterate, truth};

pub const TESTS: &[Test] = &[
    Test {
        name: "defined",
        summary: "The value is defined.",
        takes_undefined: true,
        example: "1 is defined",
        run: |_, v, _| undefined(v).map(|u| !u),
        ..TEST
    },
    Test {
        name: "undefined",
        summary: "The value is not defined.",
        takes_undefined: true,
        example: "nothing is undefined",
        run: |_, v, _| undefined(v),
        ..TEST
    },
    Test {
        name: "truthy",
        summary: "The value counts as true.",
        params: &[optional("convert_bool", "bool", "False")],
        example: "'yes' is truthy(convert_bool=true)",
        run: |cx, v, args| truthy(cx, v, args),
        ..TEST
    },
    Test {
        name: "falsy",
        summary: "The value counts as false.",
        params: &[optional("convert_bool", "bool", "False")],
        example: "'' is falsy",
        run: |cx, v, args| truthy(cx, v, args).map(|t| !t),
        ..TEST
    },
    Test {
        name: "any",
        summary: "One of the items counts as true.",
        example: "[false, 1] is any",
        run: |cx, v, _| {
            for item in iterate(cx, v)? {
                if truth(&item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        },
        ..TEST
    },
    Test {
        name: "all",
        summary: "All items count as true.",
        example: "[true, 1] is all",
        run: |cx, v, _| {
            for item in iterate(cx, v)? {
                if !truth(&item)? {
                    return Ok(false);
                }
            }
            Ok(true)
        },
        ..TEST
    },
    Test {
        name: "filter",
        summary: "There is a filter of that name.",
        example: "'upper' is filter",
        run: |_, v, _| Ok(v.as_str().is_some_and(|n| find_filter(n).is_some())),
        ..TEST
    },
    Test {
        name: "test",
        summary: "There is a test of that name.",
        example: "'odd' is test",
        run: |_, v, _| Ok(v.as_str().is_some_and(|n| super::find(n).is_some())),
        ..TEST
    },
];

fn undefined(v: &V) -> Res<bool> {
    match v {
        V::Undef(f) if f.kind == ErrorKind::Undefined => Ok(true),
        V::Obj(o) if o.type_name() == "Undefined" => Ok(true),
        V::Undef(f) => Err(std::sync::Arc::<Fault>::clone(f)),
        _ => Ok(false),
    }
}

fn truthy(cx: &crate::template::runtime::Cx, v: &V, args: &crate::template::runtime::Args) -> Res<bool> {
    if args.flag("convert_bool", false)? {
        let word = match v {
            V::Str(t) => t.trim().to_lowercase(),
            V::Int(i) => i.to_string(),
            _ => String::new(),
        };
        match word.as_str() {
            "y" | "t" => return Ok(true),
            "n" | "f" => return Ok(false),
            "yes" | "on" | "true" | "1" | "no" | "off" | "false" | "0" => return to_bool(cx, &V::str(word)),
            _ => {}
        }
    }
    truth(v)
}
