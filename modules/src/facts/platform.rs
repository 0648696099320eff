//! Facts `platform`: kernel, architecture, names of the host. Needs python3 for `python_version`, `getent` for names that
//! are not in `/etc/hosts`.

use super::family::Family;
use super::python;
use super::scene::Scene;
use super::shared::facts;
use crate::contract::JsonMap;
use crate::host::Command;
use std::io::Read;
use std::path::Path;

pub const FAMILY: Family = Family::minimal("platform", collect)
    .provides(&["system", "kernel", "kernel_version", "machine", "python_version", "architecture", "machine_id"])
    .commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    let node = scene.host.uname().node;
    let resolve = if in_hosts(scene, &node).is_some() { None } else { scene.tool("getent", &["ahosts", &node]) };
    python::commands(scene).into_iter().chain(resolve).collect()
}

fn collect(scene: &Scene) -> JsonMap {
    let uname = scene.host.uname();
    let fqdn = fqdn(scene, &uname.node);
    let bits = userspace_bits(scene, &uname.machine);
    let mut facts = facts! {
        "system" => uname.system,
        "kernel" => uname.release,
        "kernel_version" => uname.version,
        "machine" => uname.machine.as_str(),
    };
    if let Some(version) = python::version(scene) {
        facts.insert("python_version".to_owned(), version.into());
    }
    facts.insert("hostname".to_owned(), uname.node.split('.').next().unwrap_or_default().into());
    facts.insert("nodename".to_owned(), uname.node.as_str().into());
    facts.insert("domain".to_owned(), fqdn.split_once('.').map_or("", |(_, domain)| domain).into());
    facts.insert("fqdn".to_owned(), fqdn.into());
    facts.insert("userspace_bits".to_owned(), bits.into());
    let intel32 = ["i386", "i486", "i586", "i686", "i86pc"].contains(&uname.machine.as_str());
    if uname.machine == "x86_64" || intel32 {
        let userspace = if bits == "64" { "x86_64" } else { "i386" };
        facts.insert("userspace_architecture".to_owned(), userspace.into());
    }
    facts.insert("architecture".to_owned(), if intel32 { "i386".into() } else { uname.machine.into() });
    let machine_id = scene.text("/var/lib/dbus/machine-id").or_else(|| scene.text("/etc/machine-id"));
    if let Some(line) = machine_id.as_deref().and_then(|id| id.lines().next()) {
        facts.insert("machine_id".to_owned(), line.into());
    }
    facts
}

/// The word size of the programs here, from the ELF class of the shell: a 64-bit kernel may run a 32-bit system.
fn userspace_bits(scene: &Scene, machine: &str) -> &'static str {
    let mut head = [0; 5];
    let read = scene.host.open(Path::new("/bin/sh")).and_then(|mut file| file.read_exact(&mut head));
    match (read, head) {
        (Ok(()), [0x7f, b'E', b'L', b'F', 1]) => "32",
        (Ok(()), [0x7f, b'E', b'L', b'F', 2]) => "64",
        _ if machine.contains("64") || machine == "s390x" => "64",
        _ => "32",
    }
}

/// The fully qualified name as Python's `socket.getfqdn` finds it: the names that the host's own address has; the first
/// with a dot, else the canonical one.
fn fqdn(scene: &Scene, node: &str) -> String {
    let names = in_hosts(scene, node).or_else(|| from_resolver(scene, node)).unwrap_or_default();
    let own = std::iter::once(node.to_owned());
    // getfqdn looks at the canonical name first, then at the aliases.
    let found = names.iter().find(|name| name.contains('.')).cloned();
    found.or_else(|| names.first().cloned()).or_else(|| own.into_iter().next()).unwrap_or_default()
}

/// Names, the canonical one first, that `/etc/hosts` gives to the address of `node`.
fn in_hosts(scene: &Scene, node: &str) -> Option<Vec<String>> {
    let table: Vec<Vec<String>> = scene
        .lines("/etc/hosts")
        .iter()
        .map(|line| line.split('#').next().unwrap_or_default().split_whitespace().map(str::to_owned).collect())
        .filter(|fields: &Vec<String>| fields.len() > 1)
        .collect();
    let named: Vec<&String> = table
        .iter()
        .filter(|fields| fields[1..].iter().any(|name| name.eq_ignore_ascii_case(node)))
        .map(|fields| &fields[0])
        .collect();
    // Address selection (RFC 3484) prefers IPv6.
    let address = named.iter().find(|a| a.contains(':')).or(named.first())?;
    table.iter().find(|fields| fields[0] == **address).map(|fields| fields[1..].to_vec())
}

fn from_resolver(scene: &Scene, node: &str) -> Option<Vec<String>> {
    if node.is_empty() {
        return None;
    }
    let forward = scene.ask("getent", &["ahosts", node])?;
    let address = forward.split_whitespace().next()?;
    let backward = scene.ask("getent", &["hosts", address])?;
    Some(backward.lines().next()?.split_whitespace().skip(1).map(str::to_owned).collect())
}
