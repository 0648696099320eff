//! Sizes as people write them.

use super::{FILTER, Filter, as_text, optional};
use crate::template::runtime::{Args, Cx, Fault, Num, Res, V};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "human_readable",
        summary: "A number of bytes (or bits) with a unit.",
        params: &[optional("isbits", "bool", "False"), optional("unit", "str", "None")],
        example: ("1024 | human_readable", "'1.00 KB'"),
        run: human_readable,
        ..FILTER
    },
    Filter {
        name: "human_to_bytes",
        summary: "A size with a unit as a number of bytes (or bits).",
        params: &[optional("default_unit", "str", "None"), optional("isbits", "bool", "False")],
        example: ("'1.5 MB' | human_to_bytes", "1572864"),
        run: human_to_bytes,
        ..FILTER
    },
    Filter {
        name: "filesizeformat",
        summary: "A number of bytes as Jinja2 writes it: `13 kB`, `4.1 MB`.",
        params: &[optional("binary", "bool", "False")],
        example: ("1500 | filesizeformat", "'1.5 kB'"),
        run: file_size,
        ..FILTER
    },
];

/// Letters of the units, largest first, with their powers of 1024.
const UNITS: [(char, u32); 9] =
    [('Y', 8), ('Z', 7), ('E', 6), ('P', 5), ('T', 4), ('G', 3), ('M', 2), ('K', 1), ('B', 0)];

/// Prefixes of the units' long names.
const UNIT_NAMES: [(char, &str); 9] = [
    ('Y', "yotta"),
    ('Z', "zetta"),
    ('E', "exa"),
    ('P', "peta"),
    ('T', "tera"),
    ('G', "giga"),
    ('M', "mega"),
    ('K', "kilo"),
    ('B', ""),
];

fn size(power: u32) -> f64 {
    1024f64.powi(power as i32)
}

fn human_readable(cx: &Cx, v: V, args: Args) -> Res {
    let bits = args.flag("isbits", false)?;
    let unit = args.text(cx, "unit")?;
    let bytes = Num::of(&v).map(|n| n.as_f64()).ok_or_else(|| {
        Fault::raw(format!(
            "human_readable() failed on bad input: '>=' not supported between instances of '{}' and 'int'",
            v.type_name()
        ))
    })?;
    let base = if bits { "bits" } else { "Bytes" };
    let mut chosen = ('B', 0);
    for (letter, power) in UNITS {
        let wanted = match &unit {
            None => bytes >= size(power),
            Some(u) => u.to_uppercase().starts_with(letter),
        };
        chosen = (letter, power);
        if wanted {
            break;
        }
    }
    let suffix = if chosen.1 == 0 { base.to_owned() } else { format!("{}{}", chosen.0, if bits { "b" } else { "B" }) };
    Ok(V::str(format!("{:.2} {suffix}", bytes / size(chosen.1))))
}

fn human_to_bytes(cx: &Cx, v: V, args: Args) -> Res {
    let text = as_text(cx, &v)?;
    let bits = args.flag("isbits", false)?;
    let bad = |why: &str| Fault::raw(format!("human_to_bytes() can't interpret the input: {why}"));
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let number: f64 = trimmed[..digits]
        .parse()
        .map_err(|_| bad(&format!("human_to_bytes() can't interpret following string: {text}")))?;
    let mut unit = trimmed[digits..].trim().to_owned();
    if unit.chars().any(|c| !c.is_alphabetic()) {
        return Err(bad(&format!("human_to_bytes() can't interpret following string: {text}")));
    }
    if unit.is_empty() {
        unit = args.text_or(cx, "default_unit", "")?;
    }
    let Some(letter) = unit.chars().next() else {
        return Ok(V::Int(number.round_ties_even() as i64));
    };
    let (_, power) = UNITS
        .iter()
        .find(|(l, _)| *l == letter.to_ascii_uppercase())
        .ok_or_else(|| bad(&format!("failed to convert {text} (unit = {unit})")))?;
    let (short, long) = if bits { ("b", "bit") } else { ("B", "byte") };
    let (long, exact) = match UNIT_NAMES.iter().find(|(l, _)| *l == letter.to_ascii_uppercase()) {
        Some((l, prefix)) => {
            (format!("{prefix}{long}"), format!("{}{short}", if *l == 'B' { String::new() } else { l.to_string() }))
        }
        None => (long.to_owned(), short.to_owned()),
    };
    if unit.len() > 1 && unit.to_lowercase() != long && unit != exact {
        let expected = if *power == 0 {
            format!("{exact} or {long}")
        } else {
            format!("{exact} or {}", letter.to_ascii_uppercase())
        };
        return Err(bad(&format!(
            "human_to_bytes() failed to convert {text}. Value is not a valid string (expect {expected})"
        )));
    }
    Ok(V::Int((number * size(*power)).round_ties_even() as i64))
}

fn file_size(_: &Cx, v: V, args: Args) -> Res {
    let bytes = match &v {
        V::Str(t) => t.trim().parse().map_err(|_| Fault::raw("could not convert string to float"))?,
        other => Num::of(other).map(|n| n.as_f64()).ok_or_else(|| Fault::raw("float() argument must be a number"))?,
    };
    let binary = args.flag("binary", false)?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(V::str("1 Byte"));
    }
    if bytes < base {
        return Ok(V::str(format!("{} Bytes", bytes as i64)));
    }
    let names = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let mut power = 1;
    while power < names.len() && bytes >= base.powi(power as i32 + 1) {
        power += 1;
    }
    let value = bytes / base.powi(power as i32);
    let letter = if binary { names[power - 1].to_uppercase() + "i" } else { names[power - 1].to_owned() };
    Ok(V::str(format!("{value:.1} {letter}B")))
}
