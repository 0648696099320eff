//! YAML 1.1's scalars as PyYAML's `SafeLoader` resolves and constructs them.

use super::node::NodeKind;
use num_bigint::BigInt;
use std::sync::Arc;

/// What plain text is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    /// `<<`
    Merge,
    /// `=`
    Value,
    Str,
}

/// The type of plain text, by PyYAML's implicit resolvers.
pub(super) fn resolve(text: &str) -> Tag {
    let Some(&first) = text.as_bytes().first() else {
        return Tag::Null;
    };
    match first {
        b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' if is_bool(text) => Tag::Bool,
        b'n' | b'N' if is_bool(text) => Tag::Bool,
        b'n' | b'N' if matches!(text, "null" | "Null" | "NULL") => Tag::Null,
        b'~' if text == "~" => Tag::Null,
        b'<' if text == "<<" => Tag::Merge,
        b'=' if text == "=" => Tag::Value,
        b'-' | b'+' | b'.' | b'0'..=b'9' => {
            if is_float(text) {
                Tag::Float
            } else if is_int(text) {
                Tag::Int
            } else if first.is_ascii_digit() && is_timestamp(text) {
                Tag::Timestamp
            } else {
                Tag::Str
            }
        }
        _ => Tag::Str,
    }
}

fn is_bool(text: &str) -> bool {
    matches!(
        text,
        "yes"
            | "Yes"
            | "YES"
            | "no"
            | "No"
            | "NO"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    )
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

/// `[0-9][0-9_]*` at the start: its length, 0 where there is none.
fn digits(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(b) if b.is_ascii_digit() => run(bytes),
        _ => 0,
    }
}

/// Length of `[0-9_]*` at the start.
fn run(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count()
}

/// `(:[0-5]?[0-9])+` at the start: its length, 0 where there is none.
fn sixties(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match &bytes[at..] {
            [b':', b'0'..=b'5', b'0'..=b'9', ..] => at += 3,
            [b':', b'0'..=b'9', ..] => at += 2,
            _ => return at,
        }
    }
}

/// `([eE][-+][0-9]+)?` and nothing more.
fn exponent_or_end(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [b'e' | b'E', b'-' | b'+', rest @ ..] => !rest.is_empty() && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let body = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let bytes = body.as_bytes();
    if bytes.first() == Some(&b'.') {
        // No sign is allowed here.
        let n = digits(&bytes[1..]);
        return n > 0 && body.len() == text.len() && exponent_or_end(&bytes[1 + n..]);
    }
    let n = digits(bytes);
    if n == 0 {
        return false;
    }
    let rest = &bytes[n..];
    if rest.first() == Some(&b'.') {
        return exponent_or_end(&rest[1 + run(&rest[1..])..]);
    }
    let m = sixties(rest);
    m > 0 && rest.get(m) == Some(&b'.') && m + 1 + run(&rest[m + 1..]) == rest.len()
}

fn is_int(text: &str) -> bool {
    let bytes = unsigned(text).as_bytes();
    match bytes {
        [b'0'] => true,
        [b'0', b'b', rest @ ..] => !rest.is_empty() && rest.iter().all(|b| matches!(b, b'0' | b'1' | b'_')),
        [b'0', b'x', rest @ ..] => !rest.is_empty() && rest.iter().all(|b| b.is_ascii_hexdigit() || *b == b'_'),
        [b'0', rest @ ..] => rest.iter().all(|b| matches!(b, b'0'..=b'7' | b'_')),
        [b'1'..=b'9', ..] => {
            let n = run(bytes);
            n == bytes.len() || {
                let rest = &bytes[n..];
                let m = sixties(rest);
                m > 0 && m == rest.len()
            }
        }
        _ => false,
    }
}

fn is_timestamp(text: &str) -> bool {
    match Timestamp::parse(text) {
        // A lone date needs two digits everywhere.
        Some(t) if t.time.is_none() => text.len() == 10,
        Some(_) => true,
        None => false,
    }
}

/// Constructs a `!!bool`.
pub(super) fn bool(text: &str) -> Result<NodeKind, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Ok(NodeKind::Bool(true)),
        "no" | "false" | "off" => Ok(NodeKind::Bool(false)),
        _ => Err(format!("{} is not a boolean", crate::value::repr_str(text))),
    }
}

/// Constructs an `!!int`: decimal, 0b, 0x, octal by a leading 0, base 60 by colons; underscores anywhere.
pub(super) fn int(text: &str) -> Result<NodeKind, String> {
    let clean = text.replace('_', "");
    let negative = clean.starts_with('-');
    let body = unsigned(&clean);
    let parse = |digits: &str, base: u32| -> Result<BigInt, String> {
        let trimmed = digits.trim();
        // `from_str_radix` itself takes a sign; Python takes one too.
        BigInt::parse_bytes(trimmed.as_bytes(), base)
            .filter(|_| !trimmed.contains('_'))
            .ok_or_else(|| format!("invalid literal for int() with base {base}: {}", crate::value::repr_str(digits)))
    };
    // The common case needs no big integers.
    if !body.starts_with('0')
        && body.bytes().all(|b| b.is_ascii_digit())
        && let Ok(i) = body.parse::<i64>()
    {
        return Ok(NodeKind::Int(if negative { -i } else { i }));
    }
    let value = if body == "0" {
        BigInt::from(0)
    } else if let Some(rest) = body.strip_prefix("0b") {
        parse(rest, 2)?
    } else if let Some(rest) = body.strip_prefix("0x") {
        parse(rest, 16)?
    } else if body.starts_with('0') {
        parse(body.strip_prefix("0o").unwrap_or(body), 8)?
    } else if body.contains(':') {
        let mut value = BigInt::from(0);
        for part in body.split(':') {
            value = value * 60 + parse(part, 10)?;
        }
        value
    } else {
        parse(body, 10)?
    };
    Ok(integer(if negative { -value } else { value }))
}

fn integer(value: BigInt) -> NodeKind {
    match i64::try_from(&value) {
        Ok(i) => NodeKind::Int(i),
        Err(_) => NodeKind::BigInt(Arc::new(value)),
    }
}

/// Constructs a `!!float`: `.inf`, `.nan`, base 60 by colons, else as Python's `float()`.
pub(super) fn float(text: &str) -> Result<NodeKind, String> {
    let clean = text.replace('_', "").to_lowercase();
    let sign = if clean.starts_with('-') { -1.0 } else { 1.0 };
    let body = unsigned(&clean);
    let parse = |part: &str| -> Result<f64, String> {
        part.trim()
            .parse::<f64>()
            .map_err(|_| format!("could not convert string to float: {}", crate::value::repr_str(part)))
    };
    Ok(NodeKind::Float(match body {
        ".inf" => sign * f64::INFINITY,
        ".nan" => f64::NAN,
        _ if body.contains(':') => {
            // The same order of additions as PyYAML's, so that the last bit agrees.
            let (mut base, mut value) = (1.0, 0.0);
            for part in body.rsplit(':') {
                value += parse(part)? * base;
                base *= 60.0;
            }
            sign * value
        }
        _ => sign * parse(body)?,
    }))
}

/// Constructs a `!!timestamp`, as Python's `str()` writes the date or datetime.
pub(super) fn timestamp(text: &str) -> Result<NodeKind, String> {
    let t = Timestamp::parse(text).ok_or_else(|| format!("{} is not a timestamp", crate::value::repr_str(text)))?;
    t.check()?;
    Ok(NodeKind::Timestamp(t.to_string().into()))
}

struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    time: Option<Time>,
}

struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
    /// Minutes east of Greenwich.
    zone: Option<i32>,
}

/// Reads pieces of a timestamp from the left.
struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let n = self.0.iter().take(max).take_while(|b| b.is_ascii_digit()).count();
        if n < min {
            return None;
        }
        let (head, rest) = self.0.split_at(n);
        self.0 = rest;
        Some(head.iter().fold(0, |acc, b| acc * 10 + u32::from(b - b'0')))
    }
    fn take(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }
    fn blanks(&mut self) -> usize {
        let n = self.0.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.0 = &self.0[n..];
        n
    }
}

impl Timestamp {
    fn parse(text: &str) -> Option<Self> {
        let mut c = Cursor(text.as_bytes());
        let year = c.number(4, 4)?;
        c.take(b'-')?;
        let month = c.number(1, 2)?;
        c.take(b'-')?;
        let day = c.number(1, 2)?;
        let time = if c.0.is_empty() { None } else { Some(Time::parse(&mut c)?) };
        c.0.is_empty().then_some(Timestamp { year, month, day, time })
    }

    /// Python's own checks, in its order and words.
    fn check(&self) -> Result<(), String> {
        let days = match self.month {
            2 if self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400)) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let zone = self.time.as_ref().and_then(|t| t.zone).unwrap_or(0);
        let fault = match &self.time {
            _ if zone.abs() >= 24 * 60 => "offset must be a timedelta strictly between -24 and 24 hours",
            _ if self.year == 0 => "year 0 is out of range",
            _ if !(1..=12).contains(&self.month) => "month must be in 1..12",
            _ if !(1..=days).contains(&self.day) => "day is out of range for month",
            Some(t) if t.hour > 23 => "hour must be in 0..23",
            Some(t) if t.minute > 59 => "minute must be in 0..59",
            Some(t) if t.second > 59 => "second must be in 0..59",
            _ => return Ok(()),
        };
        Err(fault.to_owned())
    }
}

impl Time {
    fn parse(c: &mut Cursor<'_>) -> Option<Self> {
        if c.take(b'T').or_else(|| c.take(b't')).is_none() && c.blanks() == 0 {
            return None;
        }
        let hour = c.number(1, 2)?;
        c.take(b':')?;
        let minute = c.number(2, 2)?;
        c.take(b':')?;
        let second = c.number(2, 2)?;
        let mut micros = 0;
        if c.take(b'.').is_some() {
            let mut scale = 100_000;
            while let Some(digit) = c.number(1, 1) {
                micros += digit * scale;
                scale /= 10;
            }
        }
        let before = c.0;
        c.blanks();
        let zone = match c.0.first() {
            Some(b'Z') => {
                c.take(b'Z')?;
                Some(0)
            }
            Some(sign @ (b'-' | b'+')) => {
                let sign = if *sign == b'-' { -1 } else { 1 };
                c.0 = &c.0[1..];
                let hours = c.number(1, 2)?;
                let minutes = if c.take(b':').is_some() { c.number(2, 2)? } else { 0 };
                Some(sign * (hours * 60 + minutes) as i32)
            }
            _ => {
                // Trailing blanks are not part of a timestamp.
                c.0 = before;
                None
            }
        };
        Some(Time { hour, minute, second, micros, zone })
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        let Some(t) = &self.time else { return Ok(()) };
        write!(f, " {:02}:{:02}:{:02}", t.hour, t.minute, t.second)?;
        if t.micros > 0 {
            write!(f, ".{:06}", t.micros)?;
        }
        if let Some(zone) = t.zone {
            let sign = if zone < 0 { '-' } else { '+' };
            write!(f, "{sign}{:02}:{:02}", zone.abs() / 60, zone.abs() % 60)?;
        }
        Ok(())
    }
}
