//! Volume groups, logical and physical volumes. Needs root, `vgs`, `lvs`, `pvs`, and `dmsetup` for mapped volumes.

use crate::contract::JsonMap;
use crate::facts::scene::Scene;
use crate::facts::shared::{facts, single};
use crate::host::Command;

const ARGS: [&str; 6] = ["--noheadings", "--nosuffix", "--units", "g", "--separator", ","];

pub fn commands(scene: &Scene) -> Vec<Command> {
    if scene.host.euid() != 0 || scene.host.which("vgs").is_none() {
        return Vec::new();
    }
    ["vgs", "lvs", "pvs"].iter().filter_map(|program| scene.tool(program, &ARGS)).collect()
}

pub fn collect(scene: &Scene) -> JsonMap {
    if commands(scene).is_empty() {
        return single("lvm", "N/A");
    }
    let rows = |program: &str| -> Vec<Vec<String>> {
        let printed = scene.ask(program, &ARGS).unwrap_or_default();
        printed.lines().map(|line| line.trim().split(',').map(str::to_owned).collect()).collect()
    };
    let at = |row: &[String], index: usize| row.get(index).cloned().unwrap_or_default();
    let table = |program: &str, fields: &dyn Fn(&[String]) -> (String, JsonMap)| -> JsonMap {
        rows(program).iter().filter(|row| row.len() > 3).map(|row| fields(row)).map(|(k, v)| (k, v.into())).collect()
    };
    // VG #PV #LV #SN Attr VSize VFree
    let vgs = table("vgs", &|row| {
        let size = at(row, row.len() - 2);
        let free = at(row, row.len() - 1);
        (at(row, 0), facts! { "size_g" => size, "free_g" => free, "num_lvs" => at(row, 2), "num_pvs" => at(row, 1) })
    });
    // LV VG Attr LSize …
    let lvs = table("lvs", &|row| (at(row, 0), facts! { "size_g" => at(row, 3), "vg" => at(row, 1) }));
    // PV VG Fmt Attr PSize PFree
    let pvs = table("pvs", &|row| {
        let name = mapper_name(scene, &at(row, 0));
        (name, facts! { "size_g" => at(row, 4), "free_g" => at(row, 5), "vg" => at(row, 1) })
    });
    single("lvm", facts! { "lvs" => lvs, "vgs" => vgs, "pvs" => pvs })
}

/// `/dev/dm-3` by the name that people gave it.
fn mapper_name(scene: &Scene, device: &str) -> String {
    if !device.starts_with("/dev/dm-") {
        return device.to_owned();
    }
    let name = scene.ask("dmsetup", &["info", "-C", "--noheadings", "-o", "name", device]);
    name.map_or_else(|| device.to_owned(), |name| format!("/dev/mapper/{}", name.trim_end()))
}
