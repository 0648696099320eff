//! Facts `local`: what the host's owner put into `*.fact` files: programs that print facts, JSON or INI. Needs nothing.

use super::family::Family;
use super::ini;
use super::scene::Scene;
use super::shared::single;
use crate::contract::{Json, JsonMap};
use crate::host::Command;
use std::path::{Path, PathBuf};

pub const FAMILY: Family = Family::minimal("local", collect).commands(commands);

/// The executable fact files.
fn commands(scene: &Scene) -> Vec<Command> {
    files(scene).into_iter().filter(|path| is_executable(scene, path)).map(|path| scene.foreign(path)).collect()
}

fn files(scene: &Scene) -> Vec<PathBuf> {
    if scene.fact_path.is_empty() {
        return Vec::new();
    }
    let mut names = scene.names(&scene.fact_path);
    names.retain(|name| name.ends_with(".fact") && !name.starts_with('.'));
    names.sort();
    let dir = scene.fact_path.trim_end_matches('/');
    names.into_iter().map(|name| PathBuf::from(format!("{dir}/{name}"))).collect()
}

fn is_executable(scene: &Scene, path: &Path) -> bool {
    scene.host.stat(path).is_ok_and(|stat| stat.mode & 0o100 != 0)
}

fn collect(scene: &Scene) -> JsonMap {
    let mut local = JsonMap::new();
    for path in files(scene) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace(".fact", "");
        let value = content(scene, &path).and_then(|bytes| parse(&path, bytes)).unwrap_or_else(|fault| {
            scene.warn(fault.as_str());
            fault.into()
        });
        local.insert(name, value);
    }
    single("local", local)
}

/// What the file says or prints; the fault, in Ansible's words, stands in for the fact.
fn content(scene: &Scene, path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let stat = scene.host.stat(path).map_err(|e| format!("Could not stat fact ({shown}): {e}"))?;
    if stat.mode & 0o100 == 0 {
        // Ansible takes what it cannot read, or is not UTF-8, for an empty file.
        return Ok(scene.text(path).unwrap_or_default().into_bytes());
    }
    let output = scene.run(&scene.foreign(path));
    let output = output.ok_or_else(|| format!("Could not execute fact script ({shown}): Exec format error"))?;
    if output.timed_out {
        return Err(format!("Failure executing fact script ({shown}), rc: {}, err: timed out", output.rc));
    }
    if output.rc != 0 {
        let err = output.stderr_text();
        return Err(format!("Failure executing fact script ({shown}), rc: {}, err: {err}", output.rc));
    }
    Ok(output.stdout)
}

fn parse(path: &Path, bytes: Vec<u8>) -> Result<Json, String> {
    let shown = path.display();
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("error loading fact - output of running \"{shown}\" was not utf-8"))?;
    if let Ok(json) = serde_json::from_str(&text) {
        return Ok(json);
    }
    ini::parse(&text).map(Json::from).map_err(|fault| match fault {
        ini::Fault::Syntax => format!("error loading facts as JSON or ini - please check content: {shown}"),
        ini::Fault::Value(reason) => format!("error loading facts as ini - please check content: {shown} ({reason})"),
    })
}
