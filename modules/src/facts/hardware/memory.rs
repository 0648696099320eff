//! Memory and swap, from /proc/meminfo, in whole mebibytes.

use crate::contract::{Json, JsonMap};
use crate::facts::scene::Scene;
use crate::facts::shared::{facts, int, single};

pub fn collect(scene: &Scene) -> JsonMap {
    if scene.exists("/proc/meminfo") { parse(&scene.lines("/proc/meminfo")) } else { JsonMap::new() }
}

fn parse(lines: &[String]) -> JsonMap {
    let mb = |name: &str| -> Option<i64> {
        let value = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(int(value.split_whitespace().next()?)? / 1024)
    };
    let minus = |a: Option<i64>, b: Option<i64>| Some(a? - b?);
    let (total, free) = (mb("MemTotal"), mb("MemFree"));
    let (swap_total, swap_free) = (mb("SwapTotal"), mb("SwapFree"));
    let without_cache = (|| Some(mb("Cached")? + free? + mb("Buffers")?))();
    let mut facts = JsonMap::new();
    let plain =
        [("memtotal_mb", total), ("memfree_mb", free), ("swaptotal_mb", swap_total), ("swapfree_mb", swap_free)];
    for (name, value) in plain {
        facts.extend(value.map(|value| single(name, value)).unwrap_or_default());
    }
    let number = |value: Option<i64>| Json::from(value);
    facts.extend(facts! { "memory_mb" => facts! {
        "real" => facts! { "total" => number(total), "used" => number(minus(total, free)), "free" => number(free) },
        "nocache" => facts! { "free" => number(without_cache), "used" => number(minus(total, without_cache)) },
        "swap" => facts! {
            "total" => number(swap_total),
            "free" => number(swap_free),
            "used" => number(minus(swap_total, swap_free)),
            "cached" => number(mb("SwapCached")),
        },
    }});
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mebibytes_are_rounded_down() {
        let text = "MemTotal: 2047 kB\nMemFree: 1023 kB\nBuffers: 2048 kB\nCached: 1024 kB\nSwapCached: 0 kB\nSwapTotal: 4096 kB\nSwapFree: 1024 kB";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(
            Json::from(parse(&lines)),
            json!({"memtotal_mb": 1, "memfree_mb": 0, "swaptotal_mb": 4, "swapfree_mb": 1, "memory_mb": {
                "real": {"total": 1, "used": 1, "free": 0}, "nocache": {"free": 3, "used": -2},
                "swap": {"total": 4, "free": 1, "used": 3, "cached": 0}}})
        );
    }
}
