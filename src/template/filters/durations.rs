//! Durations such as `1h 30m` (`community.general`).

use super::{FILTER, Filter, as_text, optional};
use crate::template::runtime::{Args, Cx, Fault, Num, Res, V};

const GENERAL: Filter = Filter { collection: "community.general", ..FILTER };

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "to_time_unit",
        summary: "A duration such as `1h 30m` in a unit.",
        params: &[optional("unit", "str", "'ms'")],
        named: true,
        example: ("'1h 30m' | community.general.to_time_unit('m')", "90.0"),
        run: |cx, v, args| {
            let unit = args.text_or(cx, "unit", "ms")?;
            time(cx, &v, &args, &unit)
        },
        ..GENERAL
    },
    Filter {
        name: "to_milliseconds",
        summary: "A duration in milliseconds.",
        named: true,
        example: ("'1s' | community.general.to_milliseconds", "1000.0"),
        run: |cx, v, args| time(cx, &v, &args, "ms"),
        ..GENERAL
    },
    Filter {
        name: "to_seconds",
        summary: "A duration in seconds.",
        named: true,
        example: ("'1m 1s' | community.general.to_seconds", "61.0"),
        run: |cx, v, args| time(cx, &v, &args, "s"),
        ..GENERAL
    },
    Filter {
        name: "to_minutes",
        summary: "A duration in minutes.",
        named: true,
        example: ("'1h' | community.general.to_minutes", "60.0"),
        run: |cx, v, args| time(cx, &v, &args, "m"),
        ..GENERAL
    },
    Filter {
        name: "to_hours",
        summary: "A duration in hours.",
        named: true,
        example: ("'1d' | community.general.to_hours", "24.0"),
        run: |cx, v, args| time(cx, &v, &args, "h"),
        ..GENERAL
    },
    Filter {
        name: "to_days",
        summary: "A duration in days.",
        named: true,
        example: ("'1w' | community.general.to_days", "7.0"),
        run: |cx, v, args| time(cx, &v, &args, "d"),
        ..GENERAL
    },
    Filter {
        name: "to_weeks",
        summary: "A duration in weeks.",
        named: true,
        example: ("'14d' | community.general.to_weeks", "2.0"),
        run: |cx, v, args| time(cx, &v, &args, "w"),
        ..GENERAL
    },
    Filter {
        name: "to_months",
        summary: "A duration in months of 30 days.",
        named: true,
        example: ("'30d' | community.general.to_months", "1.0"),
        run: |cx, v, args| time(cx, &v, &args, "mo"),
        ..GENERAL
    },
    Filter {
        name: "to_years",
        summary: "A duration in years of 365 days.",
        named: true,
        example: ("'365d' | community.general.to_years", "1.0"),
        run: |cx, v, args| time(cx, &v, &args, "y"),
        ..GENERAL
    },
];

/// Milliseconds of a unit.
fn unit(name: &str, year: f64, month: f64) -> Option<f64> {
    let day = 86_400_000.0;
    let singular = name.strip_suffix('s').filter(|n| n.len() > 1).unwrap_or(name);
    Some(match singular {
        "ms" | "msec" | "msecond" | "millisecond" | "m" if name == "ms" || name.len() > 2 => 1.0,
        "s" | "sec" | "second" => 1000.0,
        "m" | "min" | "minute" => 60_000.0,
        "h" | "hour" => 3_600_000.0,
        "d" | "day" => day,
        "w" | "week" => 7.0 * day,
        "mo" | "month" => month * day,
        "y" | "year" => year * day,
        _ => return None,
    })
}

fn time(cx: &Cx, v: &V, args: &Args, to: &str) -> Res {
    let days = |name: &str, default: f64| -> Res<f64> {
        match args.named.iter().find(|(n, _)| &**n == name) {
            None => Ok(default),
            Some((_, v)) => {
                Num::of(v).map(|n| n.as_f64()).ok_or_else(|| Fault::raw(format!("{name} must be a number")))
            }
        }
    };
    let (year, month) = (days("year", 365.0)?, days("month", 30.0)?);
    let target =
        unit(&to.to_lowercase(), year, month).ok_or_else(|| Fault::raw(format!("time unit '{to}' is not valid")))?;
    if matches!(v, V::Int(0)) {
        return Ok(V::Int(0));
    }
    let text = as_text(cx, v)?;
    if text == "0" {
        return Ok(V::Int(0));
    }
    let mut total = 0.0;
    for word in text.split_whitespace() {
        let digits = word.find(|c: char| !c.is_ascii_digit() && c != '-' && c != '+').unwrap_or(word.len());
        let bad = || Fault::raw(format!("error: time string '{text}' is not valid: '{word}'"));
        let number: f64 = word[..digits].parse().map_err(|_| bad())?;
        total += number * unit(&word[digits..].to_lowercase(), year, month).ok_or_else(bad)?;
    }
    let out = total / target;
    Ok(V::Float(format!("{out:.12}").parse().unwrap_or(out)))
}
