//! Firmware tables: BIOS, board, chassis, product; from sysfs, else from `dmidecode`. On IBM Z from /proc/sysinfo.

use crate::contract::{Json, JsonMap};
use crate::facts::scene::Scene;
use crate::facts::shared::{capture, facts, int};
use crate::host::{Command, Output};

const SYSFS: &str = "/sys/devices/virtual/dmi/id";

/// Fact, file in sysfs, keyword of dmidecode.
const FIELDS: [(&str, &str, &str); 18] = [
    ("bios_date", "bios_date", "bios-release-date"),
    ("bios_vendor", "bios_vendor", "bios-vendor"),
    ("bios_version", "bios_version", "bios-version"),
    ("board_asset_tag", "board_asset_tag", "baseboard-asset-tag"),
    ("board_name", "board_name", "baseboard-product-name"),
    ("board_serial", "board_serial", "baseboard-serial-number"),
    ("board_vendor", "board_vendor", "baseboard-manufacturer"),
    ("board_version", "board_version", "baseboard-version"),
    ("chassis_asset_tag", "chassis_asset_tag", "chassis-asset-tag"),
    ("chassis_serial", "chassis_serial", "chassis-serial-number"),
    ("chassis_vendor", "chassis_vendor", "chassis-manufacturer"),
    ("chassis_version", "chassis_version", "chassis-version"),
    ("form_factor", "chassis_type", "chassis-type"),
    ("product_name", "product_name", "system-product-name"),
    ("product_serial", "product_serial", "system-serial-number"),
    ("product_uuid", "product_uuid", "system-uuid"),
    ("product_version", "product_version", "system-version"),
    ("system_vendor", "sys_vendor", "system-manufacturer"),
];

/// Kinds of chassis by number (DMTF DSP0134, system enclosure types), with Ansible's spelling.
const FORM_FACTORS: [&str; 37] = [
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

fn has_sysfs(scene: &Scene) -> bool {
    scene.exists(format!("{SYSFS}/product_name"))
}

fn ask(scene: &Scene, keyword: &str) -> Option<Command> {
    scene.tool("dmidecode", &["-s", keyword])
}

pub fn commands(scene: &Scene) -> Vec<Command> {
    if has_sysfs(scene) {
        return Vec::new();
    }
    FIELDS.iter().filter_map(|(_, _, keyword)| ask(scene, keyword)).collect()
}

pub fn collect(scene: &Scene) -> JsonMap {
    let sysfs = has_sysfs(scene);
    let value = |file: &str, keyword: &str| -> Option<String> {
        if sysfs {
            let text = scene.text(format!("{SYSFS}/{file}"))?;
            return Some(if file == "chassis_type" { form_factor(&text) } else { text });
        }
        let output = scene.run(&ask(scene, keyword)?).filter(Output::ok)?;
        Some(output.stdout_text().lines().filter(|line| !line.starts_with('#')).collect())
    };
    let mut facts: JsonMap = FIELDS
        .iter()
        .map(|(name, file, keyword)| {
            ((*name).to_owned(), Json::from(value(file, keyword).unwrap_or_else(|| "NA".to_owned())))
        })
        .collect();
    facts.extend(mainframe(scene));
    facts
}

fn form_factor(number: &str) -> String {
    let known = int(number).and_then(|n| FORM_FACTORS.get(usize::try_from(n).ok()?));
    known.map_or_else(|| format!("unknown ({number})"), |name| (*name).to_owned())
}

fn mainframe(scene: &Scene) -> JsonMap {
    if !scene.exists("/proc/sysinfo") {
        return JsonMap::new();
    }
    let text = scene.text("/proc/sysinfo").unwrap_or_default();
    let find = |pattern: &str| capture(pattern, &text).unwrap_or_else(|| "NA".to_owned());
    facts! {
        "system_vendor" => find(r"(?m)^Manufacturer:\s+(.+)$"),
        "product_name" => find(r"(?m)^Type:\s+(.+)$"),
        "product_serial" => find(r"(?m)^Sequence Code:\s+0+(.+)$"),
        "product_version" => "NA",
        "product_uuid" => "NA",
    }
}
