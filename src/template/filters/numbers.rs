//! Filters on numbers.

use super::{FILTER, Filter, each, optional, required};
use crate::template::runtime::{Args, Cx, Fault, Num, Res, V, binary, float_to_int};
use crate::template::syntax::BinOp;
use num_bigint::BigInt;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "int",
        summary: "The value as an integer, or a default.",
        params: &[optional("default", "any", "0"), optional("base", "int", "10")],
        example: ("'42' | int", "42"),
        run: |_, v, args| {
            v.check()?;
            let base = args.int("base", 10)?;
            Ok(to_int(&v, base).unwrap_or_else(|| args.given("default").cloned().unwrap_or(V::Int(0))))
        },
        ..FILTER
    },
    Filter {
        name: "float",
        summary: "The value as a number with a fraction, or a default.",
        params: &[optional("default", "any", "0.0")],
        example: ("'1.5' | float", "1.5"),
        run: |_, v, args| {
            v.check()?;
            Ok(to_float(&v).map_or_else(|| args.given("default").cloned().unwrap_or(V::Float(0.0)), V::Float))
        },
        ..FILTER
    },
    Filter {
        name: "abs",
        summary: "The number without its sign.",
        example: ("-5 | abs", "5"),
        run: |_, v, _| match &v {
            V::Float(f) => Ok(V::Float(f.abs())),
            V::Big(i) => Ok(V::big(BigInt::from(i.magnitude().clone()))),
            V::Bool(b) => Ok(V::Int(i64::from(*b))),
            V::Int(i) => Ok(i.checked_abs().map_or_else(|| V::big(-BigInt::from(*i)), V::Int)),
            other => Err(Fault::raw(format!("bad operand type for abs(): '{}'", other.type_name()))),
        },
        ..FILTER
    },
    Filter {
        name: "round",
        summary: "The number rounded to a precision; `ceil` and `floor` go one way.",
        params: &[optional("precision", "int", "0"), optional("method", "common, ceil or floor", "'common'")],
        example: ("2.567 | round(1)", "2.6"),
        run: round,
        ..FILTER
    },
    Filter {
        name: "log",
        summary: "The logarithm, by default to base e.",
        params: &[optional("base", "float", "e")],
        example: ("8 | log(2)", "3.0"),
        run: |_, v, args| {
            let x = real(&v, "log() can only be used on numbers")?;
            if x <= 0.0 {
                return Err(Fault::raw("math domain error"));
            }
            let base = args.float("base", std::f64::consts::E)?;
            Ok(V::Float(if base == 10.0 {
                x.log10()
            } else if base == std::f64::consts::E {
                x.ln()
            } else {
                x.ln() / base.ln()
            }))
        },
        ..FILTER
    },
    Filter {
        name: "pow",
        summary: "The number to a power.",
        params: &[required("y", "float")],
        example: ("2 | pow(5)", "32.0"),
        run: |_, v, args| {
            let message = "pow() can only be used on numbers";
            Ok(V::Float(real(&v, message)?.powf(real(&args.value("y"), message)?)))
        },
        ..FILTER
    },
    Filter {
        name: "root",
        summary: "The root of a number, by default the square root.",
        params: &[optional("base", "float", "2")],
        example: ("8 | root(3)", "2.0"),
        run: |_, v, args| {
            let message = "root() can only be used on numbers";
            let x = real(&v, message)?;
            let base = args.float("base", 2.0)?;
            if base == 2.0 && x < 0.0 {
                return Err(Fault::raw(format!("{message}: math domain error")));
            }
            Ok(V::Float(if base == 2.0 { x.sqrt() } else { x.powf(1.0 / base) }))
        },
        ..FILTER
    },
    Filter {
        name: "sum",
        summary: "The sum of a list, or of one attribute of its items.",
        params: &[optional("attribute", "str", "None"), optional("start", "number", "0")],
        example: ("[1, 2, 3] | sum", "6"),
        run: |cx, v, args| {
            let mut total = args.given("start").cloned().unwrap_or(V::Int(0));
            for item in each(cx, &v)? {
                let item = match args.get("attribute") {
                    Some(path) => super::get_path(cx, &item, path)?,
                    None => item,
                };
                total = binary(cx, BinOp::Add, &total, &item)?;
            }
            Ok(total)
        },
        ..FILTER
    },
];

fn real(v: &V, message: &str) -> Res<f64> {
    Num::of(v)
        .map(|n| n.as_f64())
        .ok_or_else(|| Fault::raw(format!("{message}: must be real number, not {}", v.type_name())))
}

/// Python's `int(text, base)`.
fn parse_int(text: &str, base: i64) -> Option<V> {
    let text = text.trim();
    let (sign, body) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let lower = body.to_ascii_lowercase();
    let prefixed =
        [("0x", 16), ("0o", 8), ("0b", 2)].iter().find(|(p, b)| lower.starts_with(p) && (base == *b || base == 0));
    let (digits, radix) = match prefixed {
        Some((p, b)) => (&lower[p.len()..], *b),
        None if base == 0 => (lower.as_str(), 10),
        None => (lower.as_str(), base),
    };
    let edges = digits.ends_with('_') || (digits.starts_with('_') && prefixed.is_none());
    let well_formed = !digits.is_empty() && !edges && !digits.contains("__");
    if !well_formed || !(2..=36).contains(&radix) || digits.contains(['+', '-']) {
        return None;
    }
    let big = BigInt::parse_bytes(digits.replace('_', "").as_bytes(), radix as u32)?;
    Some(V::big(if sign { -big } else { big }))
}

pub fn to_int(v: &V, base: i64) -> Option<V> {
    match v {
        V::Int(_) | V::Big(_) => Some(v.clone()),
        V::Bool(b) => Some(V::Int(i64::from(*b))),
        V::Float(f) => float_to_int(*f),
        V::Str(t) => parse_int(t, base).or_else(|| float_to_int(to_float(v)?)),
        _ => None,
    }
}

pub fn to_float(v: &V) -> Option<f64> {
    match v {
        V::Str(t) => {
            let text = t.trim().to_ascii_lowercase();
            if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
                return None;
            }
            let text = text.replace('_', "");
            match text.trim_start_matches(['+', '-']) {
                "inf" | "infinity" | "nan" => text.parse().ok(),
                body if body.starts_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok(),
                _ => None,
            }
        }
        v => Num::of(v).map(|n| n.as_f64()),
    }
}

fn round(cx: &Cx, v: V, args: Args) -> Res {
    let precision = args.int("precision", 0)?.clamp(-300, 300) as i32;
    let method = args.text_or(cx, "method", "common")?;
    let x = match &v {
        V::Int(_) | V::Bool(_) | V::Big(_) if method == "common" && precision >= 0 => {
            return Ok(if let V::Bool(b) = v { V::Int(i64::from(b)) } else { v });
        }
        other => Num::of(other)
            .map(|n| n.as_f64())
            .ok_or_else(|| Fault::raw(format!("type {} doesn't define __round__ method", other.type_name())))?,
    };
    let scale = 10f64.powi(precision);
    Ok(match method.as_str() {
        "common" => {
            let rounded = if precision > 0 {
                format!("{x:.*}", precision as usize).parse().unwrap_or(x)
            } else if precision == 0 {
                x.round_ties_even()
            } else {
                let unit = 10f64.powi(-precision);
                (x / unit).round_ties_even() * unit
            };
            if matches!(v, V::Float(_)) { V::Float(rounded) } else { V::Int(rounded as i64) }
        }
        "ceil" => V::Float((x * scale).ceil() / scale),
        "floor" => V::Float((x * scale).floor() / scale),
        _ => return Err(Fault::raw("method must be common, ceil or floor")),
    })
}
