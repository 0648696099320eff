//! Dates and times, and differences between them.

use super::{Call, Cx, Fault, Object, Res, V};
use crate::value::Value;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};
use std::any::Any;
use std::sync::Arc;

/// A Python `datetime`, `date` or `time`.
#[derive(Clone, Debug)]
pub struct Time {
    civil: DateTime,
    offset: Option<Offset>,
    parts: Parts,
}

/// Which parts of a time mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    Both,
    Date,
    Clock,
}

/// The date of what has none.
const NO_DATE: Date = jiff::civil::date(1, 1, 1);

impl From<Time> for V {
    fn from(time: Time) -> V {
        V::Obj(Arc::new(time))
    }
}

impl Time {
    pub fn new(civil: DateTime) -> Self {
        Time { civil, offset: None, parts: Parts::Both }
    }
    pub fn with_offset(civil: DateTime, offset: Option<Offset>) -> Self {
        Time { civil, offset, parts: Parts::Both }
    }
    /// As YAML or Python write it: `2024-01-02`, `2024-01-02 03:04:05.6+02:00`.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() == 10 {
            let date: Date = text.parse().ok()?;
            return Some(Time { civil: date.at(0, 0, 0, 0), offset: None, parts: Parts::Date });
        }
        if text.as_bytes().get(2) == Some(&b':') {
            let clock: jiff::civil::Time = text.parse().ok()?;
            return Some(Time { civil: NO_DATE.to_datetime(clock), offset: None, parts: Parts::Clock });
        }
        let (base, offset) = match text.get(11..)?.find(['+', '-']) {
            Some(at) => {
                let (base, zone) = text.split_at(11 + at);
                let sign = if zone.starts_with('-') { -1 } else { 1 };
                let (hours, minutes) = zone[1..].split_once(':')?;
                let seconds = sign * (hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60);
                (base, Some(Offset::from_seconds(seconds).ok()?))
            }
            None => (text, None),
        };
        Some(Time { civil: base.parse().ok()?, offset, parts: Parts::Both })
    }
    pub fn now(cx: &Cx, utc: bool) -> Self {
        let stamp = Timestamp::try_from(cx.engine.outside.now()).unwrap_or(Timestamp::UNIX_EPOCH);
        let zone = if utc { TimeZone::UTC } else { local_zone(cx) };
        let civil = stamp.to_zoned(zone).datetime();
        Time::new(micros(civil))
    }
    /// The local time of seconds since the epoch.
    pub fn local(cx: &Cx, seconds: f64, utc: bool) -> Option<Self> {
        let stamp = Timestamp::from_microsecond((seconds * 1e6).floor() as i64).ok()?;
        let zone = if utc { TimeZone::UTC } else { local_zone(cx) };
        let zoned = stamp.to_zoned(zone);
        Some(Time { civil: zoned.datetime(), offset: Some(zoned.offset()), parts: Parts::Both })
    }
    /// For comparison: microseconds since the epoch, taken as UTC where no offset is known.
    pub fn instant(&self) -> i64 {
        let utc = self.civil.to_zoned(TimeZone::UTC).map(|z| z.timestamp().as_microsecond()).unwrap_or(0);
        utc - self.offset.map_or(0, |o| i64::from(o.seconds()) * 1_000_000)
    }
    pub fn since(&self, other: &Time) -> Delta {
        Delta { micros: self.instant() - other.instant() }
    }
    pub fn plus(&self, micros: i64) -> Option<Time> {
        let civil = self.civil.checked_add(SignedDuration::from_micros(micros)).ok()?;
        Some(Time { civil, ..self.clone() })
    }
    /// `strftime`.
    pub fn format(&self, format: &str) -> String {
        strftime(format, self.civil, self.offset)
    }
    /// `isoformat()`
    pub fn iso(&self) -> String {
        self.written('T')
    }
    fn written(&self, separator: char) -> String {
        let c = self.civil;
        let mut out = match self.parts {
            Parts::Clock => String::new(),
            _ => format!("{:04}-{:02}-{:02}", c.year(), c.month(), c.day()),
        };
        match self.parts {
            Parts::Date => return out,
            Parts::Both => out.push(separator),
            Parts::Clock => {}
        }
        out += &format!("{:02}:{:02}:{:02}", c.hour(), c.minute(), c.second());
        if c.subsec_nanosecond() / 1000 != 0 {
            out += &format!(".{:06}", c.subsec_nanosecond() / 1000);
        }
        if let Some(offset) = self.offset {
            out += &offset_text(offset, ":");
        }
        out
    }
}

fn micros(civil: DateTime) -> DateTime {
    civil.with().subsec_nanosecond(civil.subsec_nanosecond() / 1000 * 1000).build().unwrap_or(civil)
}

fn offset_text(offset: Offset, colon: &str) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    format!("{sign}{:02}{colon}{:02}", seconds / 3600, seconds / 60 % 60)
}

/// The zone that `TZ` or `/etc/localtime` names.
fn local_zone(cx: &Cx) -> TimeZone {
    let named = cx.engine.outside.env("TZ").and_then(|tz| TimeZone::get(&tz).ok());
    named
        .or_else(|| {
            let data = cx.engine.outside.files().read(std::path::Path::new("/etc/localtime")).ok()?;
            TimeZone::tzif("Local", &data).ok()
        })
        .unwrap_or(TimeZone::UTC)
}

/// C's `strftime`, as Python uses it.
fn strftime(format: &str, civil: DateTime, offset: Option<Offset>) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let Some(mut d) = chars.next() else {
            out.push('%');
            break;
        };
        let plain = d == '-';
        if plain {
            d = chars.next().unwrap_or('-');
        }
        match d {
            '%' => out.push('%'),
            'f' => out += &format!("{:06}", civil.subsec_nanosecond() / 1000),
            'z' => out += &offset.map_or_else(String::new, |o| offset_text(o, "")),
            'Z' => {
                if let Some(o) = offset {
                    out += &(if o.seconds() == 0 { "UTC".to_owned() } else { offset_text(o, "") });
                }
            }
            's' => {
                let zone = TimeZone::fixed(offset.unwrap_or(Offset::UTC));
                let stamp = civil.to_zoned(zone).map(|z| z.timestamp().as_second()).unwrap_or(0);
                out += &stamp.to_string();
            }
            'c' => out += &civil.strftime("%a %b %e %H:%M:%S %Y").to_string(),
            'x' | 'D' => out += &civil.strftime("%m/%d/%y").to_string(),
            'X' => out += &civil.strftime("%H:%M:%S").to_string(),
            'h' => out += &civil.strftime("%b").to_string(),
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'a' | 'A' | 'b' | 'B' | 'd' | 'e' | 'F' | 'g' | 'G' | 'H' | 'I' | 'j' | 'k' | 'l' | 'm' | 'M' | 'p'
            | 'P' | 'R' | 'S' | 'T' | 'u' | 'U' | 'V' | 'w' | 'W' | 'y' | 'Y' | 'C' => {
                let directive = if plain { format!("%-{d}") } else { format!("%{d}") };
                let zoned = civil.to_zoned(TimeZone::UTC);
                out += &zoned.map_or_else(|_| String::new(), |z: Zoned| z.strftime(&directive).to_string());
            }
            other => {
                out.push('%');
                out.push(other);
            }
        }
    }
    out
}

impl Object for Time {
    fn type_name(&self) -> &str {
        match self.parts {
            Parts::Both => "datetime",
            Parts::Date => "date",
            Parts::Clock => "time",
        }
    }
    fn repr(&self, _: &Cx) -> Res<String> {
        let c = self.civil;
        if self.parts == Parts::Date {
            return Ok(format!("datetime.date({}, {}, {})", c.year(), c.month(), c.day()));
        }
        let mut parts: Vec<i64> = vec![
            c.year().into(),
            c.month().into(),
            c.day().into(),
            c.hour().into(),
            c.minute().into(),
            c.second().into(),
            (c.subsec_nanosecond() / 1000).into(),
        ];
        while parts.len() > 5 && parts.last() == Some(&0) {
            parts.pop();
        }
        let shown = if self.parts == Parts::Clock { &parts[3..] } else { &parts[..] };
        let parts: Vec<String> = shown.iter().map(i64::to_string).collect();
        Ok(format!("datetime.{}({})", self.type_name(), parts.join(", ")))
    }
    fn text(&self, _: &Cx) -> Res<String> {
        Ok(self.written(' '))
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        let c = self.civil;
        Ok(Some(V::Int(match name {
            "year" => c.year().into(),
            "month" => c.month().into(),
            "day" => c.day().into(),
            "hour" => c.hour().into(),
            "minute" => c.minute().into(),
            "second" => c.second().into(),
            "microsecond" => (c.subsec_nanosecond() / 1000).into(),
            _ => return Ok(None),
        })))
    }
    fn method(&self, cx: &Cx, name: &str, args: &Call) -> Option<Res> {
        Some(match name {
            "strftime" => match args.pos.first() {
                Some(V::Str(format)) => Ok(V::str(self.format(format))),
                _ => Err(Fault::raw("strftime() argument 1 must be str")),
            },
            "isoformat" => Ok(V::str(self.written('T'))),
            "timestamp" => {
                let zone = self.offset.map_or_else(|| local_zone(cx), TimeZone::fixed);
                let stamp = self.civil.to_zoned(zone).map(|z| z.timestamp().as_microsecond()).unwrap_or(0);
                Ok(V::Float(stamp as f64 / 1e6))
            }
            "weekday" => Ok(V::Int(i64::from(self.civil.weekday().to_monday_zero_offset()))),
            "isoweekday" => Ok(V::Int(i64::from(self.civil.weekday().to_monday_one_offset()))),
            "date" => Ok(V::from(Time { civil: self.civil.date().at(0, 0, 0, 0), offset: None, parts: Parts::Date })),
            "time" if self.parts == Parts::Both => {
                let civil = NO_DATE.to_datetime(self.civil.time());
                Ok(V::from(Time { civil, offset: None, parts: Parts::Clock }))
            }
            "toordinal" => {
                let days = self.civil.date().since(jiff::civil::date(1, 1, 1)).map(|s| s.get_days()).unwrap_or(0);
                Ok(V::Int(i64::from(days) + 1))
            }
            "replace" => {
                let mut civil = self.civil;
                for (name, value) in &args.named {
                    let V::Int(n) = value else { return Some(Err(Fault::raw("an integer is required"))) };
                    let n16 = i16::try_from(*n).unwrap_or(-1);
                    let n8 = i8::try_from(*n).unwrap_or(-1);
                    let built = match &**name {
                        "year" => civil.with().year(n16).build(),
                        "month" => civil.with().month(n8).build(),
                        "day" => civil.with().day(n8).build(),
                        "hour" => civil.with().hour(n8).build(),
                        "minute" => civil.with().minute(n8).build(),
                        "second" => civil.with().second(n8).build(),
                        "microsecond" => {
                            civil.with().subsec_nanosecond(i32::try_from(*n).unwrap_or(-1).saturating_mul(1000)).build()
                        }
                        _ => return Some(Err(Fault::raw(format!("replace() got an unexpected keyword '{name}'")))),
                    };
                    match built {
                        Ok(built) => civil = built,
                        Err(e) => return Some(Err(Fault::raw(e.to_string()))),
                    }
                }
                Ok(V::from(Time { civil, ..self.clone() }))
            }
            _ => return None,
        })
    }
    fn value(&self) -> Option<Value> {
        Some(Value::Timestamp(self.written(' ').into()))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A Python `timedelta`.
#[derive(Clone, Debug)]
pub struct Delta {
    pub micros: i64,
}

impl Object for Delta {
    fn type_name(&self) -> &str {
        "timedelta"
    }
    fn text(&self, _: &Cx) -> Res<String> {
        let (days, rest) = (self.micros.div_euclid(86_400_000_000), self.micros.rem_euclid(86_400_000_000));
        let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
        let mut out = match days {
            0 => String::new(),
            1 | -1 => format!("{days} day, "),
            _ => format!("{days} days, "),
        };
        out += &format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if micros != 0 {
            out += &format!(".{micros:06}");
        }
        Ok(out)
    }
    fn attr(&self, _: &Cx, name: &str) -> Res<Option<V>> {
        let rest = self.micros.rem_euclid(86_400_000_000);
        Ok(Some(V::Int(match name {
            "days" => self.micros.div_euclid(86_400_000_000),
            "seconds" => rest / 1_000_000,
            "microseconds" => rest % 1_000_000,
            _ => return Ok(None),
        })))
    }
    fn method(&self, _: &Cx, name: &str, _: &Call) -> Option<Res> {
        (name == "total_seconds").then(|| Ok(V::Float(self.micros as f64 / 1e6)))
    }
    fn truth(&self) -> bool {
        self.micros != 0
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}
