//! Facts `env`: the environment of programs on the host. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::{Json, JsonMap};

pub const FAMILY: Family = Family::minimal("env", collect);

fn collect(scene: &Scene) -> JsonMap {
    let env: JsonMap = scene.environment().into_iter().map(|(name, value)| (name, Json::String(value))).collect();
    single("env", env)
}
