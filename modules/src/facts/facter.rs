//! Facts `facter`: what Puppet's facter says, under `facter_` names. Needs facter.

use super::family::Family;
use super::scene::Scene;
use crate::contract::{Json, JsonMap};
use crate::host::{Command, Output};
use std::path::{Path, PathBuf};

pub const FAMILY: Family = Family::new("facter", collect).prefix("facter_").commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    let find = |name: &str| {
        let puppet = PathBuf::from("/opt/puppetlabs/bin").join(name);
        if scene.host.access(Path::new(&puppet), 1) { Some(puppet) } else { scene.host.which(name) }
    };
    let path = find("cfacter").or_else(|| find("facter"));
    path.map(|path| scene.foreign(path).args(["--puppet", "--json"])).into_iter().collect()
}

fn collect(scene: &Scene) -> JsonMap {
    let Some(command) = commands(scene).into_iter().next() else { return JsonMap::new() };
    // Some versions refuse --puppet where Puppet is missing.
    let plain = scene.foreign(command.program.clone()).arg("--json");
    let ok = |command: &Command| scene.run(command).filter(Output::ok);
    let Some(output) = ok(&command).or_else(|| ok(&plain)) else { return JsonMap::new() };
    match serde_json::from_slice(&output.stdout) {
        Ok(Json::Object(facts)) => facts,
        _ => {
            scene.warn("Failed to parse facter facts");
            JsonMap::new()
        }
    }
}
