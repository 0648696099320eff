//! What sysfs says of each network interface.

use crate::contract::{Json, JsonMap};
use crate::facts::scene::Scene;
use crate::facts::shared::{facts, int};
use std::path::Path;

const DIR: &str = "/sys/class/net";

/// Interfaces in the kernel's order.
pub fn names(scene: &Scene) -> Vec<String> {
    let mut names = scene.names(DIR);
    names.retain(|name| scene.host.is_dir(Path::new(&format!("{DIR}/{name}"))));
    names
}

/// The hardware address; empty where there is none.
pub fn hardware_address(scene: &Scene, name: &str) -> String {
    scene.text(format!("{DIR}/{name}/address")).unwrap_or_default()
}

pub fn describe(scene: &Scene, name: &str) -> JsonMap {
    let dir = format!("{DIR}/{name}");
    let read = |file: &str| scene.text(format!("{dir}/{file}"));
    let there = |file: &str| scene.exists(format!("{dir}/{file}"));
    let mut facts = facts! { "device" => name };
    let mut set = |key: &str, value: Json| facts.insert(key.to_owned(), value);
    let address = hardware_address(scene, name);
    if !address.is_empty() && address != "00:00:00:00:00:00" {
        set("macaddress", address.into());
    }
    if let Some(mtu) = read("mtu").as_deref().and_then(int) {
        set("mtu", mtu.into());
    }
    if there("operstate") {
        set("active", (read("operstate").as_deref() != Some("down")).into());
    }
    if let Ok(module) = scene.host.canonicalize(Path::new(&format!("{dir}/device/driver/module"))) {
        set("module", module.file_name().unwrap_or_default().to_string_lossy().into());
    }
    if there("type") {
        let kind = match read("type").as_deref() {
            Some("1") => "ether",
            Some("32") => "infiniband",
            Some("512") => "ppp",
            Some("772") => "loopback",
            Some("65534") => "tunnel",
            _ => "unknown",
        };
        set("type", kind.into());
    }
    if there("bridge") {
        set("type", "bridge".into());
        set("interfaces", scene.names(format!("{dir}/brif")).into());
        if there("bridge/bridge_id") {
            set("id", read("bridge/bridge_id").unwrap_or_default().into());
        }
        if there("bridge/stp_state") {
            set("stp", (read("bridge/stp_state").as_deref() == Some("1")).into());
        }
    }
    if there("bonding") {
        let first = |file: &str| {
            let text = read(&format!("bonding/{file}")).unwrap_or_default();
            Json::from(text.split_whitespace().next().unwrap_or_default())
        };
        set("type", "bonding".into());
        set("slaves", read("bonding/slaves").unwrap_or_default().split_whitespace().map(Json::from).collect());
        for file in ["mode", "miimon", "lacp_rate"] {
            set(file, first(file));
        }
        if let Some(primary) = read("bonding/primary") {
            set("primary", primary.into());
            if there("bonding/all_slaves_active") {
                set("all_slaves_active", (read("bonding/all_slaves_active").as_deref() == Some("1")).into());
            }
        }
    }
    if there("bonding_slave") {
        set("perm_macaddress", read("bonding_slave/perm_hwaddr").unwrap_or_default().into());
    }
    if let Some(device) = scene.link_name(format!("{dir}/device")) {
        set("pciid", device.into());
    }
    if let Some(speed) = read("speed").as_deref().and_then(int) {
        set("speed", speed.into());
    }
    if let Some(flags) = read("flags").and_then(|flags| i64::from_str_radix(flags.trim_start_matches("0x"), 16).ok()) {
        set("promisc", (flags & 0x100 != 0).into());
    }
    facts
}
