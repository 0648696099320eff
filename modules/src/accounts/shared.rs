//! What the account modules share: groups, shadow entries, dates.

use crate::contract::Failure;
use crate::host::steps::query;
use crate::host::{Command, GroupEntry, Observe};
use std::path::Path;

/// The group of that number or name; a number is tried first.
pub fn group(host: &dyn Observe, name: &str) -> Option<GroupEntry> {
    name.parse().ok().and_then(|gid| host.group_by_id(gid)).or_else(|| host.group(name))
}

/// All groups: `/etc/group`, or `getent` where the host has other sources too.
pub fn all_groups(host: &dyn Observe) -> Result<Vec<GroupEntry>, Failure> {
    let switch = host.read_text(Path::new("/etc/nsswitch.conf")).unwrap_or_default();
    let elsewhere = switch
        .lines()
        .filter_map(|l| l.trim().strip_prefix("group:"))
        .flat_map(str::split_whitespace)
        .any(|source| !matches!(source, "files" | "compat" | "systemd") && !source.starts_with('['));
    let text = if elsewhere {
        query(host, &Command::new("getent").arg("group"))?.stdout_text()
    } else {
        host.read_text(Path::new("/etc/group")).map_err(|e| Failure::io("cannot read /etc/group", &e))?
    };
    Ok(text.lines().filter_map(GroupEntry::parse).collect())
}

/// Whether the local file has a line for that name.
pub fn is_local(host: &dyn Observe, file: &str, kind: &str, name: &str) -> Result<bool, Failure> {
    let text = host.read_text(Path::new(file)).map_err(|_| {
        Failure::new(format!("'local: true' specified but unable to find local {kind} file {file} to parse."))
    })?;
    Ok(text.lines().any(|l| l.strip_prefix(name).is_some_and(|r| r.starts_with(':'))))
}

/// A line of `/etc/shadow`; numbers are days, `None` where the field is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shadow {
    pub password: String,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub warn: Option<i64>,
    pub inactive: Option<i64>,
    pub expires: Option<i64>,
}

/// The shadow entry of a user; `None` where there is none or this process may not read it.
pub fn shadow(host: &dyn Observe, name: &str) -> Option<Shadow> {
    let text = host.read_text(Path::new("/etc/shadow")).ok()?;
    let line = text.lines().find(|l| l.strip_prefix(name).is_some_and(|r| r.starts_with(':')))?;
    let fields: Vec<&str> = line.split(':').collect();
    let number = |i: usize| fields.get(i).and_then(|f| f.parse().ok());
    Some(Shadow {
        password: fields.get(1).copied().unwrap_or_default().to_owned(),
        min: number(3),
        max: number(4),
        warn: number(5),
        inactive: number(6),
        expires: number(7),
    })
}

/// `YYYY-MM-DD` of a day counted from 1970-01-01 (proleptic Gregorian calendar).
pub fn date(days: i64) -> String {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_days() {
        for (days, text) in [(0, "1970-01-01"), (19_782, "2024-02-29"), (-1, "1969-12-31"), (20_454, "2026-01-01")] {
            assert_eq!(date(days), text);
        }
    }
}
