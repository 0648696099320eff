//! Facts `fips`: whether the kernel is in FIPS mode. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::JsonMap;

pub const FAMILY: Family = Family::minimal("fips", collect);

fn collect(scene: &Scene) -> JsonMap {
    single("fips", scene.text("/proc/sys/crypto/fips_enabled").as_deref() == Some("1"))
}
