//! Points in time as arguments name them: `+3650d`, or `20301231235959Z`.

use crate::contract::Failure;
use crate::host::Observe;
use crate::host::clock::{Civil, parse_offset};
use der::DateTime;
use std::time::{Duration, UNIX_EPOCH};

/// A point in time, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub seconds: i64,
    /// It was told relative to now, and so it is no whole second.
    pub relative: bool,
}

impl Moment {
    /// # Errors
    /// Text that is none, named as the argument `name`.
    pub fn read(text: &str, name: &str, host: &dyn Observe) -> Result<Self, Failure> {
        if let Some(rest) = text.strip_prefix(['+', '-']) {
            let offset =
                offset(rest).ok_or_else(|| Failure::new(format!("The timespec \"{text}\" for {name} is invalid")))?;
            let now = host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
            let seconds = if text.starts_with('-') { now - offset } else { now + offset };
            return Ok(Moment { seconds, relative: true });
        }
        let seconds =
            absolute(text).ok_or_else(|| Failure::new(format!("The time spec \"{text}\" for {name} is invalid")))?;
        Ok(Moment { seconds, relative: false })
    }

    /// As certificates hold it.
    pub fn date(self) -> Option<DateTime> {
        DateTime::from_unix_duration(Duration::from_secs(u64::try_from(self.seconds).ok()?)).ok()
    }

    pub fn told(self) -> String {
        told(self.seconds)
    }
}

/// `20301231235959Z`.
pub fn told(seconds: i64) -> String {
    let c = Civil::from_seconds(seconds);
    format!("{:04}{:02}{:02}{:02}{:02}{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
}

/// Seconds of `1w2d3h4m5s`; the units in this order, each at most once, the last one may go without its letter.
fn offset(text: &str) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    let mut units = [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)].into_iter();
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i64 = rest[..digits].parse().ok()?;
        let letter = rest[digits..].chars().next().map_or('s', |c| c.to_ascii_lowercase());
        rest = rest.get(digits + 1..).unwrap_or_default();
        let (_, unit) = units.find(|(unit, _)| *unit == letter)?;
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    Some(total)
}

fn absolute(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, zone) = text.split_at(digits);
    let zone = match zone {
        "Z" => 0,
        zone if zone.len() == 5 => parse_offset(zone)?,
        _ => return None,
    };
    let part = |range: std::ops::Range<usize>| number.get(range)?.parse::<u8>().ok();
    let second = match number.len() {
        12 => 0,
        14 => part(12..14)?,
        _ => return None,
    };
    let year: u16 = number.get(..4)?.parse().ok()?;
    let date = DateTime::new(year, part(4..6)?, part(6..8)?, part(8..10)?, part(10..12)?, second).ok()?;
    Some(date.unix_duration().as_secs() as i64 - zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [
            ("1w2d3h4m5s", Some(788_645)),
            ("10", Some(10)),
            ("3650d", Some(315_360_000)),
            ("1d1w", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(offset(text), seconds, "{text}");
        }
        for (text, expected) in [
            ("20010909014640Z", Some(1_000_000_000)),
            ("200109090146Z", Some(999_999_960)),
            ("20010909034640+0200", Some(1_000_000_000)),
            ("20011309014640Z", None),
            ("2001", None),
        ] {
            assert_eq!(absolute(text), expected, "{text}");
        }
        assert_eq!(told(1_000_000_000), "20010909014640Z");
    }
}
