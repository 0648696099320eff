//! Facts `iscsi`: the name of the host's iSCSI initiator. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::JsonMap;

pub const FAMILY: Family = Family::new("iscsi", collect);

fn collect(scene: &Scene) -> JsonMap {
    let lines = scene.lines("/etc/iscsi/initiatorname.iscsi");
    let name = lines.iter().find_map(|line| line.strip_prefix("InitiatorName=")).unwrap_or_default();
    single("iscsi_iqn", name)
}
