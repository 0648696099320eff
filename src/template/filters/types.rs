//! Filters about types and missing values.

use super::{FILTER, Filter, as_text, optional, required};
use crate::template::ErrorKind;
use crate::template::runtime::{Args, Cx, Fault, Res, V, repr, to_text, truth};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "default",
        aliases: &["d"],
        summary: "Gives another value where this one is undefined.",
        params: &[optional("default_value", "any", "''"), optional("boolean", "bool", "False")],
        takes_undefined: true,
        example: ("nothing | default('none')", "'none'"),
        run: default,
        ..FILTER
    },
    Filter {
        name: "mandatory",
        summary: "Fails where the value is undefined.",
        params: &[optional("msg", "str", "None")],
        takes_undefined: true,
        example: ("1 | mandatory", "1"),
        run: mandatory,
        ..FILTER
    },
    Filter {
        name: "ternary",
        summary: "One of two values, by truth; a third one where the value is none.",
        params: &[required("true_val", "any"), required("false_val", "any"), optional("none_val", "any", "None")],
        takes_undefined: true,
        example: ("true | ternary('yes', 'no')", "'yes'"),
        run: ternary,
        ..FILTER
    },
    Filter {
        name: "bool",
        summary: "Yes, on, true and 1 as true; all else as false.",
        example: ("'yes' | bool", "True"),
        run: |cx, v, _| to_bool(cx, &v).map(V::Bool),
        ..FILTER
    },
    Filter {
        name: "string",
        summary: "The value as text.",
        example: ("[1, none] | string", "'[1, None]'"),
        run: |cx, v, _| to_text(cx, &v).map(V::Str),
        ..FILTER
    },
    Filter {
        name: "type_debug",
        summary: "The name of the value's type.",
        takes_undefined: true,
        example: ("{'a': 1} | type_debug", "'dict'"),
        run: |_, v, _| {
            Ok(V::str(match &v {
                V::Undef(f) if f.kind == ErrorKind::Undefined => "UndefinedMarker",
                V::Undef(_) => "CapturedExceptionMarker",
                other => other.type_name(),
            }))
        },
        ..FILTER
    },
];

fn default(_: &Cx, v: V, args: Args) -> Res {
    let boolean = match args.given("boolean") {
        None => false,
        Some(V::Bool(b)) => *b,
        Some(other) => {
            return Err(Fault::raw(format!(
                "The 'boolean' argument must be of type 'bool', not '{}'.",
                other.type_name()
            )));
        }
    };
    let other = || args.given("default_value").cloned().unwrap_or_else(|| V::str(""));
    match &v {
        V::Undef(f) if f.kind == ErrorKind::Undefined => Ok(other()),
        _ if boolean && !truth(&v)? => Ok(other()),
        _ => Ok(v),
    }
}

fn mandatory(cx: &Cx, v: V, args: Args) -> Res {
    match &v {
        V::Undef(f) if f.kind == ErrorKind::Undefined => {
            if let Some(message) = args.text(cx, "msg")? {
                return Err(Fault::raw(message));
            }
            let name = f.name.as_ref().map(|n| format!("{} ", crate::value::repr_str(n))).unwrap_or_default();
            Err(Fault::raw(format!("Mandatory variable {name}not defined.")))
        }
        _ => Ok(v),
    }
}

fn ternary(_: &Cx, v: V, args: Args) -> Res {
    if matches!(v, V::None)
        && let Some(none) = args.get("none_val")
    {
        return Ok(none.clone());
    }
    Ok(args.value(if truth(&v)? { "true_val" } else { "false_val" }))
}

/// Ansible's reading of words as booleans.
pub fn to_bool(cx: &Cx, v: &V) -> Res<bool> {
    v.check()?;
    let word = match v {
        V::Str(t) => t.to_lowercase(),
        V::Int(_) | V::Bool(_) | V::Big(_) => as_text(cx, v)?.to_lowercase(),
        _ => String::new(),
    };
    let known = match word.as_str() {
        "yes" | "on" | "true" | "1" => return Ok(true),
        "no" | "off" | "false" | "0" => return Ok(false),
        _ => matches!(v, V::Float(f) if *f == 1.0),
    };
    cx.engine.outside.warn(&format!(
        "The `bool` filter coerced invalid value {} ({}) to {}.",
        repr(cx, v)?,
        v.type_name(),
        if known { "True" } else { "False" }
    ));
    Ok(known)
}
