//! The default routes, and the addresses that never leave the host.

use crate::contract::JsonMap;
use crate::facts::scene::Scene;
use crate::facts::shared::facts;
use crate::host::Command;

/// Far addresses: the way to them is the default route. Nothing is sent there.
pub const TARGET_IPV4: &str = "8.8.8.8";
pub const TARGET_IPV6: &str = "2404:6800:400a:800::1012";

const LOCAL4: [&str; 5] = ["-4", "route", "show", "table", "local"];
const LOCAL6: [&str; 5] = ["-6", "route", "show", "table", "local"];

pub fn commands(scene: &Scene) -> Vec<Command> {
    let gets = [["-4", "route", "get", TARGET_IPV4], ["-6", "route", "get", TARGET_IPV6]];
    let gets = gets.iter().filter_map(|args| scene.tool("ip", args));
    gets.chain([LOCAL4, LOCAL6].iter().filter_map(|args| scene.tool("ip", args))).collect()
}

/// Interface, address and gateway of the way to `target`.
pub fn default(scene: &Scene, family: &str, target: &str) -> JsonMap {
    let output = scene.tool("ip", &[family, "route", "get", target]).and_then(|command| scene.run(&command));
    parse_get(&output.map(|output| output.stdout_text()).unwrap_or_default(), target)
}

fn parse_get(printed: &str, target: &str) -> JsonMap {
    let words: Vec<&str> = printed.lines().next().unwrap_or_default().split_whitespace().collect();
    let mut route = JsonMap::new();
    if words.first() != Some(&target) {
        return route;
    }
    for pair in words.windows(2) {
        let key = match pair[0] {
            "dev" => "interface",
            "src" => "address",
            "via" if pair[1] != target => "gateway",
            _ => continue,
        };
        route.insert(key.to_owned(), pair[1].into());
    }
    route
}

pub fn local(scene: &Scene) -> JsonMap {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for args in [LOCAL4, LOCAL6] {
        for line in scene.ask("ip", &args).unwrap_or_default().lines() {
            let mut words = line.split_whitespace();
            if words.next() != Some("local") {
                continue;
            }
            let Some(address) = words.next().map(str::to_owned) else { continue };
            let list = if address.contains(':') { &mut v6 } else { &mut v4 };
            if !list.contains(&address) {
                list.push(address);
            }
        }
    }
    facts! { "ipv4" => v4, "ipv6" => v6 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Json;
    use serde_json::json;

    #[test]
    fn ways_to_a_far_address() {
        for (printed, expected) in [
            (
                "8.8.8.8 via 10.0.2.2 dev eth0 src 10.0.2.15 uid 0 \n    cache \n",
                json!({"gateway": "10.0.2.2", "interface": "eth0", "address": "10.0.2.15"}),
            ),
            ("8.8.8.8 dev tun0 src 10.8.0.6 uid 0", json!({"interface": "tun0", "address": "10.8.0.6"})),
            ("8.8.8.8 via 8.8.8.8 dev x", json!({"interface": "x"})),
            ("RTNETLINK answers: Network is unreachable", json!({})),
            ("", json!({})),
        ] {
            assert_eq!(Json::from(parse_get(printed, TARGET_IPV4)), expected, "{printed}");
        }
    }
}
