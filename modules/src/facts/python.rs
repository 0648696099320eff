//! Facts `python`: the interpreter that Python modules would run under. Needs python3 on the host; absent without.

use super::family::Family;
use super::scene::Scene;
use super::shared::{facts, int, single};
use crate::contract::{Json, JsonMap};
use crate::host::{Command, Observe};
use std::path::{Path, PathBuf};

pub const FAMILY: Family = Family::minimal("python", collect).commands(commands);

/// Where ansible-core 2.19 looks for an interpreter, in order.
const CANDIDATES: [&str; 8] =
    ["python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "/usr/bin/python3", "python3"];

/// Prints one field per line: nothing else is imported, so that the answer comes in milliseconds.
const PROBE: &str = "\
import sys
v=sys.version_info
try:
    import _ssl
    s=1
except ImportError:
    s=0
for x in (sys.executable,sys.version.split()[0],v[0],v[1],v[2],v[3],v[4],sys.implementation.name,s):
    print(x)
";

pub fn commands(scene: &Scene) -> Vec<Command> {
    interpreter(scene).map(|path| scene.program(path).args(["-S", "-c", PROBE])).into_iter().collect()
}

fn interpreter(scene: &Scene) -> Option<PathBuf> {
    find_python(scene.host, scene.interpreter.as_deref())
}

/// The host's Python: the one that is named, else the first of those that Ansible looks for.
pub fn find_python(host: &dyn Observe, named: Option<&str>) -> Option<PathBuf> {
    let find = |name: &str| {
        if name.contains('/') {
            let path = PathBuf::from(name);
            host.access(Path::new(name), 1).then_some(path)
        } else {
            host.which(name)
        }
    };
    match named {
        Some(name) => find(name),
        None => CANDIDATES.iter().find_map(|name| find(name)),
    }
}

fn probe(scene: &Scene) -> Option<Vec<String>> {
    let printed = scene.ask_command(commands(scene).first()?)?;
    let fields: Vec<String> = printed.lines().map(str::to_owned).collect();
    (fields.len() == 9).then_some(fields)
}

/// `3.11.2`, as `platform.python_version()` has it.
pub fn version(scene: &Scene) -> Option<String> {
    probe(scene).map(|fields| fields[1].clone())
}

fn collect(scene: &Scene) -> JsonMap {
    let Some(fields) = probe(scene) else { return JsonMap::new() };
    let number = |at: usize| Json::from(int(&fields[at]));
    let version = facts! {
        "major" => number(2),
        "minor" => number(3),
        "micro" => number(4),
        "releaselevel" => fields[5].as_str(),
        "serial" => number(6),
    };
    let info: Vec<Json> = vec![number(2), number(3), number(4), fields[5].as_str().into(), number(6)];
    single(
        "python",
        facts! {
            "version" => version,
            "version_info" => info,
            "executable" => fields[0].as_str(),
            "has_sslcontext" => fields[8] == "1",
            "type" => fields[7].as_str(),
        },
    )
}
