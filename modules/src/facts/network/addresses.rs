//! Addresses of interfaces, from what `ip addr show` prints.

use crate::contract::{Json, JsonMap};
use crate::facts::shared::facts;
use std::net::Ipv4Addr;

pub const SHOW: [&str; 2] = ["addr", "show"];

/// Interfaces with their addresses, in the kernel's order.
#[derive(Default)]
pub struct Network {
    pub interfaces: Vec<(String, JsonMap)>,
    pub all4: Vec<String>,
    pub all6: Vec<String>,
}

impl Network {
    pub fn interface(&mut self, name: &str) -> &mut JsonMap {
        let at = match self.interfaces.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                self.interfaces.push((name.to_owned(), JsonMap::new()));
                self.interfaces.len() - 1
            }
        };
        &mut self.interfaces[at].1
    }

    /// Adds an interface with the addresses that `shown` has for it. Where one of them is the address of a default route,
    /// the route learns more of it.
    pub fn add(&mut self, name: &str, device: JsonMap, shown: &str, defaults: [&mut JsonMap; 2]) {
        *self.interface(name) = device.clone();
        let [default4, default6] = defaults;
        let lines = lines_of(name, shown);
        let is_second = |words: &[&str]| words.contains(&"secondary") || words.contains(&"temporary");
        let (second, first): (Vec<_>, Vec<_>) = lines.into_iter().partition(|words| is_second(words));
        for (words, secondary) in first.iter().map(|w| (w, false)).chain(second.iter().map(|w| (w, true))) {
            match words[..] {
                ["inet", ..] => self.add4(name, words, secondary, &device, default4),
                ["inet6", ..] => self.add6(name, words, &device, default6),
                _ => {}
            }
        }
    }

    fn add4(&mut self, name: &str, words: &[&str], secondary: bool, device: &JsonMap, default: &mut JsonMap) {
        let Some((address, facts)) = ipv4(words) else { return };
        // The last word is the label, which may be an alias such as eth0:1.
        let label = words.last().copied().unwrap_or(name);
        if label != name {
            *self.interface(label) = JsonMap::new();
        }
        let labelled = self.interface(label);
        if !secondary && !labelled.contains_key("ipv4") {
            labelled.insert("ipv4".to_owned(), facts.clone().into());
        } else {
            push(labelled, "ipv4_secondaries", facts.clone());
        }
        if secondary && label != name {
            push(self.interface(name), "ipv4_secondaries", facts.clone());
        }
        if default.get("address").and_then(Json::as_str) == Some(address) {
            for key in ["broadcast", "netmask", "network", "prefix"] {
                default.insert(key.to_owned(), facts[key].clone());
            }
            describe_default(default, device);
            default.insert("alias".to_owned(), label.into());
        }
        if !address.starts_with("127.") {
            self.all4.push(address.to_owned());
        }
    }

    fn add6(&mut self, name: &str, words: &[&str], device: &JsonMap, default: &mut JsonMap) {
        let peer = words.get(2) == Some(&"peer");
        let (prefixed, scope) = if peer { (words.get(3), words.get(5)) } else { (words.get(1), words.get(3)) };
        let (Some((address, prefix)), Some(scope)) = (prefixed.and_then(|p| p.split_once('/')), scope) else { return };
        let address = if peer { words[1] } else { address };
        push(self.interface(name), "ipv6", facts! { "address" => address, "prefix" => prefix, "scope" => *scope });
        if default.get("address").and_then(Json::as_str) == Some(address) {
            default.extend(facts! { "prefix" => prefix, "scope" => *scope });
            describe_default(default, device);
        }
        if address != "::1" {
            self.all6.push(address.to_owned());
        }
    }
}

fn describe_default(default: &mut JsonMap, device: &JsonMap) {
    let get = |key: &str| device.get(key).cloned();
    default.insert("macaddress".to_owned(), get("macaddress").unwrap_or_else(|| "".into()));
    default.insert("mtu".to_owned(), get("mtu").unwrap_or_default());
    default.insert("type".to_owned(), get("type").unwrap_or_else(|| "unknown".into()));
}

fn push(device: &mut JsonMap, key: &str, facts: JsonMap) {
    if let Json::Array(list) = device.entry(key).or_insert_with(|| Json::Array(Vec::new())) {
        list.push(facts.into());
    }
}

/// The words of the lines below an interface's own line: `2: eth0@if5: <…>`.
fn lines_of<'a>(name: &str, shown: &'a str) -> Vec<Vec<&'a str>> {
    let mut lines = Vec::new();
    let mut ours = false;
    for line in shown.lines() {
        if line.starts_with(|c: char| c.is_ascii_digit()) {
            let title = line.split_whitespace().nth(1).unwrap_or_default();
            let title = title.strip_suffix(':').unwrap_or(title);
            ours = title.split('@').next() == Some(name);
        } else if ours {
            lines.push(line.split_whitespace().collect());
        }
    }
    lines
}

fn ipv4<'a>(words: &[&'a str]) -> Option<(&'a str, JsonMap)> {
    // Point-to-point interfaces show no prefix at their own address.
    let (address, prefix) = words.get(1)?.split_once('/').unwrap_or((words[1], "32"));
    let has_broadcast = words[1].contains('/') && words.get(2) == Some(&"brd");
    let broadcast = if has_broadcast { words.get(3).copied().unwrap_or_default() } else { "" };
    let bits: u32 = prefix.parse().ok().filter(|bits| *bits <= 32)?;
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    let network = u32::from(address.parse::<Ipv4Addr>().ok()?) & mask;
    let facts = facts! {
        "address" => address,
        "broadcast" => broadcast,
        "netmask" => Ipv4Addr::from(mask).to_string(),
        "network" => Ipv4Addr::from(network).to_string(),
        "prefix" => prefix,
    };
    Some((address, facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SHOWN: &str = "\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host 
       valid_lft forever preferred_lft forever
2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff
    inet 10.0.2.15/24 brd 10.0.2.255 scope global dynamic eth0
       valid_lft 85000sec preferred_lft 85000sec
    inet 10.0.2.16/24 scope global secondary eth0
       valid_lft forever preferred_lft forever
    inet 192.168.9.1/16 scope global eth0:1
       valid_lft forever preferred_lft forever
    inet6 fe80::5054:ff:fe12:3456/64 scope link 
       valid_lft forever preferred_lft forever
7: tun0: <POINTOPOINT,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UNKNOWN group default qlen 500
    link/none 
    inet 10.8.0.6 peer 10.8.0.5/32 scope global tun0
       valid_lft forever preferred_lft forever
    inet6 fd00::1 peer fd00::2/64 scope global 
";

    #[test]
    fn addresses_of_several_interfaces() {
        let mut net = Network::default();
        let mut default4 = facts! { "interface" => "eth0", "address" => "10.0.2.15", "gateway" => "10.0.2.2" };
        let mut default6 = JsonMap::new();
        for name in ["lo", "eth0", "tun0"] {
            let device =
                facts! { "device" => name, "mtu" => 1500, "type" => "ether", "macaddress" => "52:54:00:12:34:56" };
            net.add(name, device, SHOWN, [&mut default4, &mut default6]);
        }
        assert_eq!(net.all4, ["10.0.2.15", "192.168.9.1", "10.0.2.16", "10.8.0.6"]);
        assert_eq!(net.all6, ["fe80::5054:ff:fe12:3456", "fd00::1"]);
        let eth0 = Json::from(net.interface("eth0").clone());
        assert_eq!(
            eth0["ipv4"],
            json!({"address": "10.0.2.15", "broadcast": "10.0.2.255", "netmask": "255.255.255.0", "network": "10.0.2.0", "prefix": "24"})
        );
        assert_eq!(
            eth0["ipv4_secondaries"],
            json!([{"address": "10.0.2.16", "broadcast": "", "netmask": "255.255.255.0", "network": "10.0.2.0", "prefix": "24"}])
        );
        assert_eq!(eth0["ipv6"], json!([{"address": "fe80::5054:ff:fe12:3456", "prefix": "64", "scope": "link"}]));
        assert_eq!(Json::from(net.interface("eth0:1").clone())["ipv4"]["network"], "192.168.0.0");
        let tun0 = Json::from(net.interface("tun0").clone());
        assert_eq!(tun0["ipv4"]["netmask"], "255.255.255.255");
        assert_eq!(tun0["ipv6"], json!([{"address": "fd00::1", "prefix": "64", "scope": "global"}]));
        assert_eq!(
            Json::from(default4),
            json!({"interface": "eth0", "address": "10.0.2.15", "gateway": "10.0.2.2", "broadcast": "10.0.2.255",
                   "netmask": "255.255.255.0", "network": "10.0.2.0", "prefix": "24", "macaddress": "52:54:00:12:34:56",
                   "mtu": 1500, "type": "ether", "alias": "eth0"})
        );
    }
}
