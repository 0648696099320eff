//! Features and time stamping of an interface as `ethtool` prints them; nothing where it is not installed.

use crate::contract::{Json, JsonMap};
use crate::facts::scene::Scene;
use crate::facts::shared::{capture, captures, facts, int, single};
use crate::host::Command;

pub fn commands(scene: &Scene, name: &str) -> Vec<Command> {
    ["-k", "-T"].iter().filter_map(|option| scene.tool("ethtool", &[option, name])).collect()
}

pub fn describe(scene: &Scene, name: &str) -> JsonMap {
    let mut facts = JsonMap::new();
    if let Some(printed) = scene.ask("ethtool", &["-k", name]) {
        facts.extend(single("features", features(&printed)));
    }
    if let Some(printed) = scene.ask("ethtool", &["-T", name]) {
        facts.extend(stamping(&printed));
    }
    facts
}

fn features(printed: &str) -> JsonMap {
    let lines = printed.trim().lines().filter(|line| !line.ends_with(':'));
    let pairs = lines.filter_map(|line| line.split_once(": ")).filter(|(_, value)| !value.is_empty());
    pairs.map(|(key, value)| (key.trim().replace('-', "_"), value.trim().into())).collect()
}

fn stamping(printed: &str) -> JsonMap {
    let lower = |pattern: &str| captures(pattern, printed).iter().map(|name| name.to_lowercase()).collect::<Vec<_>>();
    let mut facts = facts! {
        "timestamping" => lower(r"SOF_TIMESTAMPING_(\w+)"),
        "hw_timestamp_filters" => lower(r"HWTSTAMP_FILTER_(\w+)"),
    };
    if let Some(index) = capture(r"PTP Hardware Clock: (\d+)", printed).as_deref().and_then(int) {
        facts.insert("phc_index".to_owned(), Json::from(index));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn features_and_time_stamping() {
        let printed =
            "Features for eth0:\nrx-checksumming: on [fixed]\ntx-checksumming: off\n\ttx-checksum-ipv4: off [fixed]\n";
        assert_eq!(
            Json::from(features(printed)),
            json!({"rx_checksumming": "on [fixed]", "tx_checksumming": "off", "tx_checksum_ipv4": "off [fixed]"})
        );
        let printed = "Capabilities:\n\thardware-transmit (SOF_TIMESTAMPING_TX_HARDWARE)\nPTP Hardware Clock: 0\nfilters:\n\tall (HWTSTAMP_FILTER_ALL)\n";
        assert_eq!(
            Json::from(stamping(printed)),
            json!({"timestamping": ["tx_hardware"], "hw_timestamp_filters": ["all"], "phc_index": 0})
        );
    }
}
