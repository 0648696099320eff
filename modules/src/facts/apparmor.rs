//! Facts `apparmor`: whether the kernel has AppArmor on. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::{facts, single};
use crate::contract::JsonMap;

pub const FAMILY: Family = Family::minimal("apparmor", collect);

fn collect(scene: &Scene) -> JsonMap {
    let status = if scene.exists("/sys/kernel/security/apparmor") { "enabled" } else { "disabled" };
    single("apparmor", facts! { "status" => status })
}
