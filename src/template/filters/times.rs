//! Dates and times.

use super::{FILTER, Filter, as_text, optional};
use crate::template::runtime::{Args, Cx, Fault, Num, Res, Time, V};
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "strftime",
        summary: "A time by a format; without a time, now.",
        params: &[optional("second", "float", "now"), optional("utc", "bool", "False")],
        example: ("'%Y-%m-%d' | strftime(0, utc=true)", "'1970-01-01'"),
        run: strftime,
        ..FILTER
    },
    Filter {
        name: "to_datetime",
        summary: "A text as a point in time.",
        params: &[optional("format", "str", "'%Y-%m-%d %H:%M:%S'")],
        example: (
            "(('2016-08-14 20:00:12' | to_datetime) - ('2016-08-14 20:00:00' | to_datetime)).total_seconds()",
            "12.0",
        ),
        run: to_datetime,
        ..FILTER
    },
];

fn strftime(cx: &Cx, v: V, args: Args) -> Res {
    let format = as_text(cx, &v)?;
    let utc = args.flag("utc", false)?;
    let seconds = match args.get("second") {
        None => {
            let now = cx.engine.outside.now().duration_since(std::time::SystemTime::UNIX_EPOCH);
            now.map(|d| d.as_secs_f64()).unwrap_or(0.0)
        }
        Some(V::Str(t)) => t.trim().parse().map_err(|_| Fault::raw(format!("Invalid value for epoch value ({t})")))?,
        Some(other) => match Num::of(other) {
            Some(n) => n.as_f64(),
            None => return Err(Fault::raw(format!("Invalid value for epoch value ({})", as_text(cx, other)?))),
        },
    };
    let time = Time::local(cx, seconds.trunc(), utc).ok_or_else(|| Fault::raw("year is out of range"))?;
    Ok(V::str(time.format(&format)))
}

fn to_datetime(cx: &Cx, v: V, args: Args) -> Res {
    let Some(text) = v.as_str() else {
        return Err(Fault::raw(format!("strptime() argument 1 must be str, not {}", v.type_name())));
    };
    let format = args.text_or(cx, "format", "%Y-%m-%d %H:%M:%S")?;
    let bad = || {
        Fault::raw(format!(
            "time data {} does not match format {}",
            crate::value::repr_str(text),
            crate::value::repr_str(&format)
        ))
    };
    let parsed = BrokenDownTime::parse(&format, text).map_err(|e| {
        let message = e.to_string();
        if message.contains("unrecognized trailing") || message.contains("remains unconsumed") {
            Fault::raw(format!("unconverted data remains in {}", crate::value::repr_str(text)))
        } else {
            bad()
        }
    })?;
    let year = parsed.year().unwrap_or(1900);
    let part = |p: Option<i8>, default: i8| p.unwrap_or(default);
    let civil = DateTime::new(
        year,
        part(parsed.month(), 1),
        part(parsed.day(), 1),
        part(parsed.hour(), 0),
        part(parsed.minute(), 0),
        part(parsed.second(), 0),
        parsed.subsec_nanosecond().unwrap_or(0),
    )
    .map_err(|_| bad())?;
    let civil = match parsed.to_date() {
        Ok(date) => date.to_datetime(civil.time()),
        Err(_) => civil,
    };
    let offset: Option<Offset> = parsed.offset();
    Ok(V::from(Time::with_offset(civil, offset)))
}
