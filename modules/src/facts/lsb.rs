//! Facts `lsb`: what `lsb_release`, or `/etc/lsb-release`, says. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::JsonMap;
use crate::host::Command;

pub const FAMILY: Family = Family::minimal("lsb", collect).commands(commands);

pub fn commands(scene: &Scene) -> Vec<Command> {
    scene.tool("lsb_release", &["-a"]).into_iter().collect()
}

/// What `lsb_release -a` prints.
pub fn printed(scene: &Scene) -> Option<String> {
    scene.ask_command(commands(scene).first()?)
}

fn collect(scene: &Scene) -> JsonMap {
    let mut lsb = printed(scene).map(|text| from_program(&text)).unwrap_or_default();
    if lsb.is_empty() {
        lsb = from_file(&scene.lines("/etc/lsb-release"));
    }
    if let Some(release) = lsb.get("release").and_then(|r| r.as_str()) {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        lsb.insert("major_release".to_owned(), major.into());
    }
    for value in lsb.values_mut() {
        *value = value.as_str().unwrap_or_default().trim_matches(['\'', '"', '\\']).into();
    }
    single("lsb", lsb)
}

fn from_program(text: &str) -> JsonMap {
    let mut lsb = JsonMap::new();
    for (label, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let key = match label {
            l if l.contains("LSB Version") => "release",
            l if l.contains("Distributor ID") => "id",
            l if l.contains("Description") => "description",
            l if l.contains("Release") => "release",
            l if l.contains("Codename") => "codename",
            _ => continue,
        };
        lsb.insert(key.to_owned(), value.trim().into());
    }
    lsb
}

fn from_file(lines: &[String]) -> JsonMap {
    let mut lsb = JsonMap::new();
    for (name, value) in lines.iter().filter_map(|line| line.split_once('=')) {
        let key = match name {
            n if n.contains("DISTRIB_ID") => "id",
            n if n.contains("DISTRIB_RELEASE") => "release",
            n if n.contains("DISTRIB_DESCRIPTION") => "description",
            n if n.contains("DISTRIB_CODENAME") => "codename",
            _ => continue,
        };
        lsb.insert(key.to_owned(), value.trim().into());
    }
    lsb
}
