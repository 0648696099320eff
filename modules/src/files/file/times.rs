//! Modification and access times: what is wished, and whether it differs.

use super::{Args, Step};
use crate::contract::{Failure, JsonMap, python_error};
use crate::host::{Change, Command, Observe, failure_at};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A wish for one of the two times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum When {
    Keep,
    Now,
    /// Seconds since the epoch.
    At(f64),
}

#[derive(Clone, Copy)]
pub(super) struct Times {
    pub mtime: When,
    pub atime: When,
}

/// A diff's two sides.
type Sides<'a> = (&'a mut JsonMap, &'a mut JsonMap);

impl Times {
    /// Times are kept unless something else is said; `touch` sets them to now.
    pub fn read(args: &Args, state: &str, host: &dyn Observe) -> Result<Self, Failure> {
        let default = if state == "touch" { When::Now } else { When::Keep };
        let one = |text: &Option<String>, format: &str| match text.as_deref() {
            None => Ok(default),
            Some("preserve") => Ok(When::Keep),
            Some("now") => Ok(When::Now),
            Some(text) => match seconds(host, text, format) {
                Some(seconds) => Ok(When::At(seconds)),
                None => {
                    let why = format!("time data '{text}' does not match format '{format}'");
                    let msg = format!("Error while obtaining timestamp for time {text} using format {format}: {why}");
                    Err(Failure::new(msg))
                }
            },
        };
        Ok(Times {
            mtime: one(&args.modification_time, &args.modification_time_format)?,
            atime: one(&args.access_time, &args.access_time_format)?,
        })
    }

    /// Whether a file that was just made still needs its times set.
    pub fn explicit(&self) -> bool {
        matches!(self.mtime, When::At(_)) || matches!(self.atime, When::At(_))
    }

    /// The step that brings the times of `path` in line, if they differ.
    pub fn step(&self, host: &dyn Observe, path: &Path, sides: Option<Sides>) -> Result<Option<Step>, Failure> {
        if (self.mtime, self.atime) == (When::Keep, When::Keep) {
            return Ok(None);
        }
        let fail = |e: std::io::Error| {
            let msg =
                format!("Error while updating modification or access time: {}: '{}'", python_error(&e), path.display());
            failure_at(host, path, msg)
        };
        let stat = host.stat(path).map_err(fail)?;
        let now = host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let settle = |when: When, present: f64| match when {
            When::Keep => present,
            When::Now => now,
            When::At(seconds) => seconds,
        };
        let (mtime, atime) = (settle(self.mtime, stat.mtime), settle(self.atime, stat.atime));
        let both_now = (self.mtime, self.atime) == (When::Now, When::Now);
        if !both_now && mtime == stat.mtime && atime == stat.atime {
            return Ok(None);
        }
        if let Some((before, after)) = sides {
            for (key, old, new) in [("mtime", stat.mtime, mtime), ("atime", stat.atime, atime)] {
                if old != new {
                    before.insert(key.into(), old.into());
                    after.insert(key.into(), new.into());
                }
            }
        }
        Ok(Some(Step::Times(path.to_owned(), self.mtime, self.atime)))
    }
}

/// Sets the times of a file.
pub(super) fn set(host: &mut dyn Change, path: &Path, mtime: When, atime: When) -> Result<(), Failure> {
    let now = host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let value = |when: When| match when {
        When::Keep => None,
        When::Now => Some(now),
        When::At(seconds) => Some(seconds),
    };
    let done = match (mtime, atime) {
        (When::Now, When::Now) => host.touch(path),
        _ => host.set_times(path, value(atime), value(mtime)),
    };
    done.map_err(|e| {
        let msg = format!("Error while updating modification or access time: {}", python_error(&e));
        failure_at(host.observe(), path, msg)
    })
}

/// A local time, read by a `strftime` format of `%Y %y %m %d %H %M %S` and plain text.
fn seconds(host: &dyn Observe, text: &str, format: &str) -> Option<f64> {
    let (mut rest, mut spec) = (text, format.chars());
    let mut fields = [1900_i64, 1, 1, 0, 0, 0];
    while let Some(c) = spec.next() {
        if c != '%' {
            rest = rest.strip_prefix(c)?;
            continue;
        }
        let (field, width) = match spec.next()? {
            'Y' => (0, 4),
            'y' => (0, 2),
            'm' => (1, 2),
            'd' => (2, 2),
            'H' => (3, 2),
            'M' => (4, 2),
            'S' => (5, 2),
            _ => return None,
        };
        let digits = rest.chars().take(width).take_while(char::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        fields[field] = number.parse().ok()?;
        if (field, width) == (0, 2) {
            fields[0] += if fields[0] < 69 { 2000 } else { 1900 };
        }
        rest = tail;
    }
    let [year, month, day, hour, minute, second] = fields;
    let sane = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 62;
    if !rest.is_empty() || !sane {
        return None;
    }
    if host.utc_offset() != 0
        && let Some(date) = host.which("date")
    {
        // Only the host knows whether that day has summer time.
        let when = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        let out = host.query(&Command::new(date).args(["-d", &when, "+%s"])).ok()?;
        return out.stdout_text().trim().parse().ok();
    }
    let days = days_from_civil(year, month, day);
    Some((days * 86_400 + hour * 3600 + minute * 60 + second - host.utc_offset()) as f64)
}

/// Days since the epoch.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}
