//! Facts `ohai`: what Chef's ohai says, under `ohai_` names. Needs ohai.

use super::family::Family;
use super::scene::Scene;
use crate::contract::{Json, JsonMap};
use crate::host::{Command, Output};

pub const FAMILY: Family = Family::new("ohai", collect).prefix("ohai_").commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    scene.host.which("ohai").map(|path| scene.foreign(path)).into_iter().collect()
}

fn collect(scene: &Scene) -> JsonMap {
    let output = commands(scene).first().and_then(|command| scene.run(command)).filter(Output::ok);
    let Some(output) = output else { return JsonMap::new() };
    match serde_json::from_slice(&output.stdout) {
        Ok(Json::Object(facts)) => facts,
        _ => {
            scene.warn("Failed to gather ohai facts");
            JsonMap::new()
        }
    }
}
