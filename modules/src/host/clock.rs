//! The host's local time, as text in results and in names of backups.

use super::Observe;
use std::time::UNIX_EPOCH;

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

impl Civil {
    /// From seconds since the epoch, without a time zone. (The days-from-civil algorithm of the proleptic calendar.)
    pub fn from_seconds(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        let z = days + 719_468;
        let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        Civil {
            year: yoe + era * 400 + i64::from(month <= 2),
            month: month as u32,
            day: (doy - (153 * mp + 2) / 5 + 1) as u32,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }

    /// Now, in the host's time zone, and the microseconds of the second.
    pub fn now(host: &dyn Observe) -> (Self, u32) {
        let now = host.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Self::from_seconds(now.as_secs() as i64 + host.utc_offset()), now.subsec_micros())
    }

    /// `2026-11-21`.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
    /// `02:52:07`.
    pub fn time(&self) -> String {
        format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second)
    }
}

/// Now as Python prints a local `datetime`: `2026-11-21 02:52:07.476808`.
pub fn local_now(host: &dyn Observe) -> String {
    let (civil, micros) = Civil::now(host);
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{} {}{fraction}", civil.date(), civil.time())
}

/// Offset in seconds from text such as `+0130`.
pub(crate) fn parse_offset(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_709_164_799, "2024-02-28 23:59:59"),
            (1_709_251_199, "2024-02-29 23:59:59"),
            (-1, "1969-12-31 23:59:59"),
        ] {
            let civil = Civil::from_seconds(seconds);
            assert_eq!(format!("{} {}", civil.date(), civil.time()), text);
        }
        assert_eq!(
            (parse_offset("+0130\n"), parse_offset("-0800"), parse_offset("x")),
            (Some(5400), Some(-28_800), None)
        );
    }
}
