//! Facts `loadavg`: load over one, five and fifteen minutes. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::{facts, single};
use crate::contract::{Json, JsonMap};

pub const FAMILY: Family = Family::new("loadavg", collect);

fn collect(scene: &Scene) -> JsonMap {
    let text = scene.text("/proc/loadavg").unwrap_or_default();
    let loads: Vec<f64> = text.split_whitespace().take(3).filter_map(|load| load.parse().ok()).collect();
    match loads[..] {
        [one, five, fifteen] => single("loadavg", facts! { "1m" => one, "5m" => five, "15m" => Json::from(fifteen) }),
        _ => JsonMap::new(),
    }
}
