//! What kind of value something is.

use super::{TEST, Test};
use crate::template::filters::carries;
use crate::template::runtime::{Fault, Num, V, binary, equal, iterate, length};
use crate::template::syntax::BinOp;

pub const TESTS: &[Test] = &[
    Test {
        name: "string",
        summary: "Text.",
        example: "'a' is string",
        run: |_, v, _| Ok(matches!(v, V::Str(_))),
        ..TEST
    },
    Test {
        name: "mapping",
        summary: "A dict.",
        example: "{} is mapping",
        run: |_, v, _| Ok(matches!(v, V::Dict(_))),
        ..TEST
    },
    Test {
        name: "none",
        summary: "Nothing.",
        example: "none is none",
        run: |_, v, _| Ok(matches!(v, V::None)),
        ..TEST
    },
    Test {
        name: "iterable",
        summary: "Something with items; text has some too.",
        example: "[1] is iterable",
        run: |cx, v, _| Ok(iterate(cx, v).is_ok()),
        ..TEST
    },
    Test {
        name: "sequence",
        summary: "Something with a length and items.",
        example: "'ab' is sequence",
        run: |_, v, _| Ok(length(v).is_ok()),
        ..TEST
    },
    Test {
        name: "boolean",
        summary: "True or false.",
        example: "true is boolean",
        run: |_, v, _| Ok(matches!(v, V::Bool(_))),
        ..TEST
    },
    Test {
        name: "number",
        summary: "A number; booleans count.",
        example: "1.5 is number",
        run: |_, v, _| Ok(Num::of(v).is_some()),
        ..TEST
    },
    Test {
        name: "integer",
        summary: "A number without a fraction.",
        example: "1 is integer",
        run: |_, v, _| Ok(matches!(v, V::Int(_) | V::Big(_))),
        ..TEST
    },
    Test {
        name: "float",
        summary: "A number with a fraction.",
        example: "1.0 is float",
        run: |_, v, _| Ok(matches!(v, V::Float(_))),
        ..TEST
    },
    Test {
        name: "true",
        summary: "Exactly true.",
        example: "true is true",
        run: |_, v, _| Ok(matches!(v, V::Bool(true))),
        ..TEST
    },
    Test {
        name: "false",
        summary: "Exactly false.",
        example: "false is false",
        run: |_, v, _| Ok(matches!(v, V::Bool(false))),
        ..TEST
    },
    Test {
        name: "callable",
        summary: "Something that can be called.",
        example: "range is callable",
        run: |_, v, _| Ok(matches!(v, V::Obj(o) if o.callable())),
        ..TEST
    },
    Test {
        name: "odd",
        summary: "Not divisible by two.",
        example: "3 is odd",
        run: |cx, v, _| equal(cx, &binary(cx, BinOp::Mod, v, &V::Int(2))?, &V::Int(1)),
        ..TEST
    },
    Test {
        name: "even",
        summary: "Divisible by two.",
        example: "4 is even",
        run: |cx, v, _| equal(cx, &binary(cx, BinOp::Mod, v, &V::Int(2))?, &V::Int(0)),
        ..TEST
    },
    Test {
        name: "divisibleby",
        summary: "Divisible by a number.",
        params: &[crate::template::filters::required("num", "int")],
        example: "9 is divisibleby 3",
        run: |cx, v, args| equal(cx, &binary(cx, BinOp::Mod, v, &args.value("num"))?, &V::Int(0)),
        ..TEST
    },
    Test {
        name: "nan",
        aliases: &["isnan"],
        summary: "Not a number.",
        example: "('nan' | float) is nan",
        run: |_, v, _| Ok(matches!(v, V::Float(f) if f.is_nan())),
        ..TEST
    },
    Test {
        name: "tagged_with",
        collection: crate::template::filters::PROTOMATTER,
        summary: "Carries a mark: Origin, TrustedAsTemplate or VaultedValue.",
        params: &[crate::template::filters::required("tag_name", "str")],
        example: "not ('a' is ansible._protomatter.tagged_with('Origin'))",
        run: |_, v, args| {
            let name = args.value("tag_name");
            let name = name.as_str().unwrap_or_default();
            carries(v, name).ok_or_else(|| Fault::raw(format!("Unknown tag name {}.", crate::value::repr_str(name))))
        },
        ..TEST
    },
    Test {
        name: "escaped",
        summary: "Marked as safe HTML: nothing is, here.",
        example: "not ('a' is escaped)",
        run: |_, _, _| Ok(false),
        ..TEST
    },
];
