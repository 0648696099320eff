//! Facts `nvme`: the host's NVMe qualified name. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::JsonMap;

pub const FAMILY: Family = Family::new("nvme", collect);

fn collect(scene: &Scene) -> JsonMap {
    let lines = scene.lines("/etc/nvme/hostnqn");
    let name = lines.iter().find(|line| line.starts_with("nqn.")).map_or("", String::as_str);
    single("hostnqn", name)
}
