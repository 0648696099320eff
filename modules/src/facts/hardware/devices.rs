//! Block devices with partitions and links, from sysfs and /dev/disk. Needs `lspci` for controllers, `sg_inq` for serials.

use crate::contract::{Json, JsonMap};
use crate::facts::scene::Scene;
use crate::facts::shared::{capture, facts, int, single};
use crate::host::Command;
use fancy_regex::Regex;
use std::collections::BTreeMap;
use std::path::Path;

/// Kind of link → device → names.
type Links = [(&'static str, BTreeMap<String, Vec<String>>); 4];

pub fn commands(scene: &Scene) -> Vec<Command> {
    let serials = scene.names("/sys/block").into_iter().filter_map(|name| ask_serial(scene, &name));
    scene.tool("lspci", &["-D"]).into_iter().chain(serials).collect()
}

fn ask_serial(scene: &Scene, device: &str) -> Option<Command> {
    scene.tool("sg_inq", &[&format!("/dev/{device}")])
}

pub fn collect(scene: &Scene) -> JsonMap {
    if scene.host.read_dir(Path::new("/sys/block")).is_err() {
        return single("devices", JsonMap::new());
    }
    let links = all_links(scene);
    let controllers = scene.ask("lspci", &["-D"]);
    let mut devices = JsonMap::new();
    for name in scene.names("/sys/block") {
        if let Some((name, device)) = device(scene, &name, &links, controllers.as_deref()) {
            devices.insert(name, device.into());
        }
    }
    let by_kind: JsonMap = links.into_iter().map(|(kind, map)| (kind.to_owned(), map.into_iter().collect())).collect();
    facts! { "device_links" => by_kind, "devices" => devices }
}

fn all_links(scene: &Scene) -> Links {
    let named = |dir: &str| {
        let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in scene.names(dir) {
            if let Some(target) = scene.link_name(format!("{dir}/{entry}")) {
                map.entry(target).or_default().push(entry);
            }
        }
        sorted(map)
    };
    let mut masters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for device in scene.names("/sys/block") {
        for part in scene.names(format!("/sys/block/{device}/slaves")) {
            masters.entry(part).or_default().push(device.clone());
        }
    }
    [
        ("ids", named("/dev/disk/by-id")),
        ("uuids", named("/dev/disk/by-uuid")),
        ("labels", named("/dev/disk/by-label")),
        ("masters", sorted(masters)),
    ]
}

fn sorted(mut map: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    map.values_mut().for_each(|names| names.sort());
    map
}

fn links_of(links: &Links, device: &str) -> JsonMap {
    links.iter().map(|(kind, map)| ((*kind).to_owned(), map.get(device).cloned().unwrap_or_default().into())).collect()
}

fn device(scene: &Scene, block: &str, links: &Links, controllers: Option<&str>) -> Option<(String, JsonMap)> {
    let entry = format!("/sys/block/{block}");
    // Kernels of old have directories here instead of links; there a `device` entry tells real disks.
    let (dir, shown, is_virtual) = match scene.host.read_link(Path::new(&entry)) {
        Ok(target) => {
            let target = target.to_string_lossy().into_owned();
            let dir = target.strip_prefix("../").map_or_else(|| target.clone(), |rest| format!("/sys/{rest}"));
            (dir, target, true)
        }
        Err(_) if scene.host.is_dir(Path::new(&entry)) => {
            let real = scene.names(&entry).iter().any(|name| name.contains("device"));
            (entry.clone(), entry, !real)
        }
        Err(_) => return None,
    };
    let name = dir.rsplit('/').next().unwrap_or(block).to_owned();
    let read = |file: &str| scene.text_fact(format!("{dir}/{file}"));
    let mut facts = facts! { "virtual" => i64::from(is_virtual), "links" => links_of(links, block) };
    for key in ["vendor", "model", "sas_address", "sas_device_handle"] {
        facts.insert(key.to_owned(), read(&format!("device/{key}")));
    }
    let serial = match ask_serial(scene, block) {
        Some(command) => {
            scene.ask_command(&command).and_then(|printed| capture(r"(?:Unit serial|Serial) number:\s+(\w+)", &printed))
        }
        None => scene.text(format!("{entry}/device/serial", entry = format_args!("/sys/block/{block}"))),
    };
    if let Some(serial) = serial {
        facts.insert("serial".to_owned(), serial.into());
    }
    let discards = read("queue/discard_max_hw_bytes") != "0";
    let (sector_size, sectors, size) = extent(scene, &dir);
    facts.extend(facts! {
        "removable" => read("removable"),
        "support_discard" => if discards { read("queue/discard_granularity") } else { "0".into() },
        "partitions" => partitions(scene, &dir, &name, links),
        "rotational" => read("queue/rotational"),
        "scheduler_mode" => scheduler(scene.text(format!("{dir}/queue/scheduler")).as_deref()),
        "sectorsize" => sector_size,
        "sectors" => sectors,
        "size" => size,
        "host" => controllers.and_then(|list| controller(&shown, list)).unwrap_or_default(),
        "holders" => holders(scene, &dir),
    });
    if let Some(wwn) = wwn(links, &name) {
        facts.insert("wwn".to_owned(), wwn.into());
    }
    Some((name, facts))
}

fn wwn(links: &Links, device: &str) -> Option<String> {
    let [(_, ids), ..] = links;
    ids.get(device)?.iter().find_map(|id| id.strip_prefix("wwn-")).map(str::to_owned)
}

/// Sector size (text where sysfs has it), number of sectors, size for people.
fn extent(scene: &Scene, dir: &str) -> (Json, i64, String) {
    let known =
        ["logical_block_size", "hw_sector_size"].iter().find_map(|file| scene.text(format!("{dir}/queue/{file}")));
    let sector = known.as_deref().and_then(int).filter(|n| *n > 0).unwrap_or(512);
    // sysfs counts in units of 512 bytes whatever the sector size.
    let sectors = scene.text(format!("{dir}/size")).and_then(|n| int(&n)).unwrap_or(0) * 512 / sector;
    (known.map_or(Json::from(512), Json::from), sectors, human(sectors as f64 * sector as f64))
}

fn human(bytes: f64) -> String {
    let units = ["YB", "ZB", "EB", "PB", "TB", "GB", "MB", "KB"];
    for (unit, power) in units.iter().zip((1..=8).rev()) {
        let limit = 1024f64.powi(power);
        if bytes >= limit {
            return format!("{:.2} {unit}", bytes / limit);
        }
    }
    format!("{bytes:.2} Bytes")
}

fn partitions(scene: &Scene, dir: &str, disk: &str, links: &Links) -> JsonMap {
    let mut partitions = JsonMap::new();
    for entry in scene.names(dir) {
        let Some(number) = entry.strip_prefix(disk).map(|rest| rest.strip_prefix('p').unwrap_or(rest)) else {
            continue;
        };
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let part = format!("{dir}/{entry}");
        let (sector_size, sectors, size) = extent(scene, &part);
        let [_, (_, uuids), ..] = links;
        let facts = facts! {
            "links" => links_of(links, &entry),
            "start" => scene.text(format!("{part}/start")).map_or(Json::from(0), Json::from),
            "sectorsize" => sector_size,
            "sectors" => sectors,
            "size" => size,
            "uuid" => uuids.get(&entry).and_then(|names| names.first().cloned()),
            "holders" => holders(scene, &part),
        };
        partitions.insert(entry, facts.into());
    }
    partitions
}

/// Device mapper devices on top of this one, by name.
fn holders(scene: &Scene, dir: &str) -> Vec<String> {
    let all = scene.names(format!("{dir}/holders"));
    let mapped = all.into_iter().filter(|name| name.starts_with("dm-"));
    mapped.map(|name| scene.text(format!("{dir}/holders/{name}/dm/name")).unwrap_or(name)).collect()
}

fn scheduler(text: Option<&str>) -> String {
    let chosen = text.and_then(|text| Some(text.split_once('[')?.1.rsplit_once(']')?.0));
    chosen.unwrap_or_default().to_owned()
}

/// What `lspci` calls the controller that the device's path in sysfs goes through.
fn controller(path: &str, list: &str) -> Option<String> {
    let pattern = Regex::new(r".+/([a-f0-9]{4}:[a-f0-9]{2}:[0|1][a-f0-9]\.[0-7])/").ok()?;
    let groups = pattern.captures(path).ok()??;
    let address = groups.get(1)?.as_str();
    let line = list.lines().find_map(|line| line.strip_prefix(address)?.strip_prefix(char::is_whitespace));
    line.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, shown) in
            [(0.0, "0.00 Bytes"), (1023.0, "1023.00 Bytes"), (1024.0, "1.00 KB"), (274_877_906_944.0, "256.00 GB")]
        {
            assert_eq!(human(bytes), shown);
        }
    }

    #[test]
    fn the_last_controller_on_the_path_counts() {
        let list = "0000:00:1f.2 SATA controller: Intel\n0000:03:00.0 Non-Volatile memory controller: Samsung\n";
        let path = "../devices/pci0000:00/0000:00:1d.0/0000:03:00.0/nvme/nvme0/nvme0n1";
        assert_eq!(controller(path, list).as_deref(), Some("Non-Volatile memory controller: Samsung"));
        assert_eq!(controller("../devices/virtual/block/loop0", list), None);
    }

    #[test]
    fn schedulers_in_brackets() {
        assert_eq!(scheduler(Some("none [mq-deadline] kyber")), "mq-deadline");
        assert_eq!(scheduler(Some("none")), "");
    }
}
