//! Facts `fibre_channel_wwn`: names of the host's fibre channel ports. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::{Json, JsonMap};

pub const FAMILY: Family = Family::new("fibre_channel_wwn", collect);

fn collect(scene: &Scene) -> JsonMap {
    let ports = scene.names("/sys/class/fc_host");
    let lines = ports.iter().flat_map(|port| scene.lines(format!("/sys/class/fc_host/{port}/port_name")));
    // 0x21000014ff52a9bb → 21000014ff52a9bb
    let names: Vec<Json> = lines.map(|line| Json::from(line.trim_end().get(2..).unwrap_or_default())).collect();
    single("fibre_channel_wwn", names)
}
