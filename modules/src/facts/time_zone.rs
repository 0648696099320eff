//! The host's time zone: TZif files and POSIX rules, read without libc.
//!
//! RFC 8536 describes the files; the rule at their end is POSIX's `TZ` variable.

use super::scene::Scene;
use std::path::Path;

/// What a clock shows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Seconds east of UTC.
    pub offset: i64,
    pub abbreviation: String,
}

pub struct TimeZone {
    /// Moments of change and the kind of time from then on.
    changes: Vec<(i64, usize)>,
    kinds: Vec<LocalTime>,
    rule: Option<Rule>,
}

impl TimeZone {
    /// The zone of `TZ`, else of `/etc/localtime`, else UTC.
    pub fn of_host(scene: &Scene) -> Self {
        let named = scene.env("TZ").map(|tz| tz.strip_prefix(':').unwrap_or(&tz).to_owned());
        let path = match named.as_deref() {
            None => Some("/etc/localtime".to_owned()),
            Some("") => None,
            Some(name) if name.starts_with('/') => Some(name.to_owned()),
            Some(name) => Some(format!("/usr/share/zoneinfo/{name}")),
        };
        let bytes = path.and_then(|path| scene.host.read(Path::new(&path)).ok());
        let from_file = bytes.as_deref().and_then(Self::parse);
        from_file.or_else(|| Self::from_rule(&named?)).unwrap_or_else(Self::utc)
    }
    pub fn utc() -> Self {
        let kind = LocalTime { offset: 0, abbreviation: "UTC".to_owned() };
        TimeZone { changes: Vec::new(), kinds: vec![kind], rule: None }
    }
    /// A zone given by a POSIX rule alone: `EST5EDT,M3.2.0,M11.1.0`.
    pub fn from_rule(text: &str) -> Option<Self> {
        let rule = Rule::parse(text)?;
        Some(TimeZone { changes: Vec::new(), kinds: vec![rule.standard.clone()], rule: Some(rule) })
    }

    /// A TZif file.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let first = Header::parse(bytes)?;
        if first.version < 2 {
            return Self::block(bytes.get(44..)?, &first, 4);
        }
        let rest = bytes.get(44 + first.size(4)..)?;
        let second = Header::parse(rest)?;
        let mut zone = Self::block(rest.get(44..)?, &second, 8)?;
        let footer = rest.get(44 + second.size(8)..)?;
        zone.rule = Rule::parse(std::str::from_utf8(footer).ok()?.trim_matches('\n'));
        Some(zone)
    }
    fn block(data: &[u8], header: &Header, width: usize) -> Option<Self> {
        let (times, rest) = data.split_at_checked(header.times * width)?;
        let (indexes, rest) = rest.split_at_checked(header.times)?;
        let (kinds, rest) = rest.split_at_checked(header.kinds * 6)?;
        let names = rest.get(..header.letters)?;
        let seconds = |chunk: &[u8]| match width {
            8 => i64::from_be_bytes(chunk.try_into().unwrap_or_default()),
            _ => i32::from_be_bytes(chunk.try_into().unwrap_or_default()).into(),
        };
        let kinds: Option<Vec<LocalTime>> = kinds
            .chunks_exact(6)
            .map(|kind| {
                let name = names.get(usize::from(kind[5])..)?.split(|b| *b == 0).next()?;
                let offset = i32::from_be_bytes([kind[0], kind[1], kind[2], kind[3]]);
                Some(LocalTime { offset: offset.into(), abbreviation: String::from_utf8_lossy(name).into_owned() })
            })
            .collect();
        let kinds = kinds.filter(|kinds| !kinds.is_empty())?;
        let changes: Vec<(i64, usize)> =
            times.chunks_exact(width).map(seconds).zip(indexes.iter().map(|i| usize::from(*i))).collect();
        changes.iter().all(|(_, kind)| *kind < kinds.len()).then_some(TimeZone { changes, kinds, rule: None })
    }

    /// The local time at a moment, in seconds since the epoch.
    pub fn at(&self, epoch: i64) -> LocalTime {
        let past = self.changes.partition_point(|(moment, _)| *moment <= epoch);
        match &self.rule {
            Some(rule) if past == self.changes.len() => rule.at(epoch),
            _ if past == 0 => self.kinds[0].clone(),
            _ => self.kinds[self.changes[past - 1].1].clone(),
        }
    }
    /// `time.tzname[1]` in Python: in the year of `epoch`, the name in the half in which clocks are ahead.
    pub fn summer_name(&self, epoch: i64) -> String {
        let year = (365 * 24 + 6) * 3600;
        let start = epoch / year * year;
        let (january, july) = (self.at(start), self.at(start + year / 2));
        if january.offset > july.offset { january.abbreviation } else { july.abbreviation }
    }
}

struct Header {
    version: u8,
    /// Counts, in the order of the header: UT indicators, standard indicators, leap seconds, times, kinds, letters.
    ut: usize,
    standard: usize,
    leaps: usize,
    times: usize,
    kinds: usize,
    letters: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..44)?;
        if &head[..4] != b"TZif" {
            return None;
        }
        let count = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
        Some(Header {
            version: head[4].saturating_sub(b'0'),
            ut: count(20),
            standard: count(24),
            leaps: count(28),
            times: count(32),
            kinds: count(36),
            letters: count(40),
        })
    }
    /// Bytes of the data block whose times are `width` bytes wide.
    fn size(&self, width: usize) -> usize {
        self.times * (width + 1) + self.kinds * 6 + self.letters + self.leaps * (width + 4) + self.standard + self.ut
    }
}

/// A POSIX `TZ` rule.
struct Rule {
    standard: LocalTime,
    /// Summer time, its start and its end in each year.
    summer: Option<(LocalTime, Change, Change)>,
}

/// A day and the local second of that day.
type Change = (Day, i64);

#[derive(Clone, Copy)]
enum Day {
    /// Month, week (5 = last), day of the week (0 = Sunday).
    Week(i64, i64, i64),
    /// 1–365; 29 February is never counted.
    Julian(i64),
    /// 0–365.
    Ordinal(i64),
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = zone_name(text)?;
        let (west, rest) = clock(rest)?;
        let standard = LocalTime { offset: -west, abbreviation: name.to_owned() };
        let Some((name, rest)) = zone_name(rest) else { return Some(Rule { standard, summer: None }) };
        let (offset, rest) = match clock(rest) {
            Some((west, rest)) => (-west, rest),
            None => (standard.offset + 3600, rest),
        };
        let summer = LocalTime { offset, abbreviation: name.to_owned() };
        // Without dates: the rule of the United States, as glibc has it.
        let dates = if rest.is_empty() { ",M3.2.0,M11.1.0" } else { rest };
        let mut days = dates.split(',').skip(1).map(day);
        Some(Rule { standard, summer: Some((summer, days.next()??, days.next()??)) })
    }
    fn at(&self, epoch: i64) -> LocalTime {
        let Some((summer, start, end)) = &self.summer else { return self.standard.clone() };
        let (year, ..) = civil((epoch + self.standard.offset).div_euclid(86400));
        let starts = moment(year, *start) - self.standard.offset;
        let ends = moment(year, *end) - summer.offset;
        let ahead = if starts < ends { (starts..ends).contains(&epoch) } else { !(ends..starts).contains(&epoch) };
        if ahead { summer.clone() } else { self.standard.clone() }
    }
}

fn moment(year: i64, (day, second): Change) -> i64 {
    let january = days_from_civil(year, 1, 1);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match day {
        Day::Julian(n) => january + n - 1 + i64::from(leap && n > 59),
        Day::Ordinal(n) => january + n,
        Day::Week(month, week, weekday) => {
            let first = days_from_civil(year, month, 1);
            let mut day = first + (weekday - (first + 4)).rem_euclid(7) + (week - 1) * 7;
            let next = if month == 12 { days_from_civil(year + 1, 1, 1) } else { days_from_civil(year, month + 1, 1) };
            while day >= next {
                day -= 7;
            }
            day
        }
    };
    days * 86400 + second
}

fn zone_name(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('<') {
        return rest.split_once('>');
    }
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    (end >= 3).then(|| text.split_at(end))
}

/// `[+-]hh[:mm[:ss]]` in seconds, and the rest.
fn clock(text: &str) -> Option<(i64, &str)> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(digits.len());
    let (clock, rest) = digits.split_at(end);
    let mut seconds = 0;
    for (part, unit) in clock.split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok()? * unit;
    }
    Some((sign * seconds, rest))
}

fn day(text: &str) -> Option<Change> {
    let (date, time) = text.split_once('/').unwrap_or((text, "2"));
    let day = if let Some(week) = date.strip_prefix('M') {
        let mut parts = week.split('.').map(|part| part.parse::<i64>().ok());
        Day::Week(parts.next()??, parts.next()??, parts.next()??)
    } else if let Some(number) = date.strip_prefix('J') {
        Day::Julian(number.parse().ok()?)
    } else {
        Day::Ordinal(date.parse().ok()?)
    };
    Some((day, clock(time)?.0))
}

/// Days since the epoch of a date of the Gregorian calendar.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years start in March, so that the leap day is their last.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a number of days since the epoch.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_goes_there_and_back() {
        for (days, date) in [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_778, (2026, 11, 21)), (-1, (1969, 12, 31))]
        {
            assert_eq!(civil(days), date);
            assert_eq!(days_from_civil(date.0, date.1, date.2), days);
        }
    }

    #[test]
    fn posix_rules() {
        for (rule, epoch, offset, name) in [
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_774_746_000 - 1, 3600, "CET"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_774_746_000, 7200, "CEST"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1_792_890_000, 3600, "CET"),
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_767_225_600, 39_600, "AEDT"),
            ("<+0530>-5:30", 0, 19_800, "+0530"),
            ("EST5EDT", 1_783_000_000, -14_400, "EDT"),
            ("UTC0", 0, 0, "UTC"),
        ] {
            let zone = TimeZone::from_rule(rule).expect(rule);
            assert_eq!(zone.at(epoch), LocalTime { offset, abbreviation: name.to_owned() }, "{rule} {epoch}");
        }
    }

    #[test]
    fn bad_files_and_rules_are_refused() {
        assert!(TimeZone::parse(b"TZif2").is_none());
        assert!(TimeZone::parse(&[0; 100]).is_none());
        for rule in ["", "X", "CET", "CET-1CEST,nonsense"] {
            assert!(TimeZone::from_rule(rule).is_none(), "{rule}");
        }
    }
}
