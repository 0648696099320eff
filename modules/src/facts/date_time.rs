//! Facts `date_time`: the host's clock in its own time zone and in UTC. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::{facts, single};
use super::time_zone::{TimeZone, civil, days_from_civil};
use crate::contract::JsonMap;
use std::time::UNIX_EPOCH;

pub const FAMILY: Family = Family::minimal("date_time", collect);

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn collect(scene: &Scene) -> JsonMap {
    let since = scene.host.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    single("date_time", describe(since.as_secs().cast_signed(), since.subsec_micros(), &TimeZone::of_host(scene)))
}

/// A moment split up as a calendar and a clock show it.
struct Moment {
    date: (i64, i64, i64),
    clock: (i64, i64, i64),
    days: i64,
}

impl Moment {
    fn of(seconds: i64) -> Self {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        Moment { date: civil(days), clock: (second / 3600, second / 60 % 60, second % 60), days }
    }
    fn date(&self, separator: &str) -> String {
        format!("{:04}{separator}{:02}{separator}{:02}", self.date.0, self.date.1, self.date.2)
    }
    fn time(&self, separator: &str) -> String {
        format!("{:02}{separator}{:02}{separator}{:02}", self.clock.0, self.clock.1, self.clock.2)
    }
}

fn describe(epoch: i64, micros: u32, zone: &TimeZone) -> JsonMap {
    let here = zone.at(epoch);
    let (local, utc) = (Moment::of(epoch + here.offset), Moment::of(epoch));
    let weekday = (local.days + 4).rem_euclid(7);
    let day_of_year = local.days - days_from_civil(local.date.0, 1, 1);
    // Weeks start on Monday; days before the first Monday are in week 0.
    let week = (day_of_year + 7 - (weekday + 6) % 7) / 7;
    let basic = format!("{}T{}", local.date(""), local.time(""));
    let minutes = here.offset.abs() / 60;
    facts! {
        "year" => format!("{:04}", local.date.0),
        "month" => format!("{:02}", local.date.1),
        "weekday" => WEEKDAYS[weekday as usize],
        "weekday_number" => weekday.to_string(),
        "weeknumber" => format!("{week:02}"),
        "day" => format!("{:02}", local.date.2),
        "hour" => format!("{:02}", local.clock.0),
        "minute" => format!("{:02}", local.clock.1),
        "second" => format!("{:02}", local.clock.2),
        "epoch" => epoch.to_string(),
        "epoch_int" => epoch.to_string(),
        "date" => local.date("-"),
        "time" => local.time(":"),
        "iso8601_micro" => format!("{}T{}.{micros:06}Z", utc.date("-"), utc.time(":")),
        "iso8601" => format!("{}T{}Z", utc.date("-"), utc.time(":")),
        "iso8601_basic" => format!("{basic}{micros:06}"),
        "iso8601_basic_short" => basic,
        "tz" => here.abbreviation,
        "tz_dst" => zone.summer_name(epoch),
        "tz_offset" => format!("{}{:02}{:02}", if here.offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Json;
    use serde_json::json;

    #[test]
    fn clock_west_of_greenwich_in_winter() {
        let zone = TimeZone::from_rule("EST5EDT,M3.2.0,M11.1.0").expect("a rule");
        assert_eq!(
            Json::from(describe(1_767_240_000, 42, &zone)),
            json!({
                "year": "2025", "month": "12", "weekday": "Wednesday", "weekday_number": "3", "weeknumber": "52", "day": "31",
                "hour": "23", "minute": "00", "second": "00", "epoch": "1767240000", "epoch_int": "1767240000",
                "date": "2025-12-31", "time": "23:00:00", "iso8601_micro": "2026-01-01T04:00:00.000042Z",
                "iso8601": "2026-01-01T04:00:00Z", "iso8601_basic": "20251231T230000000042",
                "iso8601_basic_short": "20251231T230000", "tz": "EST", "tz_dst": "EDT", "tz_offset": "-0500"
            })
        );
    }
}
