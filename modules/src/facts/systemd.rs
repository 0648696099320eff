//! Facts `systemd`: version and features. Needs systemd as process 1.

use super::family::Family;
use super::scene::Scene;
use super::service_mgr::systemd_booted;
use super::shared::{facts, int, single};
use crate::contract::JsonMap;
use crate::host::Command;

pub const FAMILY: Family = Family::new("systemd", collect).commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    let ask = systemd_booted(scene).then(|| scene.tool("systemctl", &["--version"]));
    ask.flatten().into_iter().collect()
}

fn collect(scene: &Scene) -> JsonMap {
    let printed = commands(scene).first().and_then(|command| scene.ask_command(command));
    let parsed = printed.as_deref().and_then(|text| {
        let version = int(text.split_whitespace().nth(1)?)?;
        Some(facts! { "features" => text.split('\n').nth(1)?, "version" => version })
    });
    parsed.map(|systemd| single("systemd", systemd)).unwrap_or_default()
}
