//! Packages that dpkg has installed, from its status file, with the origin of each version from apt's lists.

use super::scene::Scene;
use super::shared::facts;
use crate::contract::JsonMap;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

const STATUS: &str = "/var/lib/dpkg/status";
const LISTS: &str = "/var/lib/apt/lists";

/// A stanza of a Debian control file, as far as it matters here.
#[derive(Default)]
struct Stanza {
    package: String,
    version: String,
    architecture: String,
    section: String,
    status: String,
}

/// Package, version, architecture.
type Version = (String, String, String);

/// Origin and section of versions that are in one of apt's lists.
type Listed = BTreeMap<Version, Option<(String, String)>>;

impl Stanza {
    fn version(&self) -> Version {
        (self.package.clone(), self.version.clone(), self.architecture.clone())
    }
}

pub fn list(scene: &Scene) -> Option<Result<Vec<(String, JsonMap)>, String>> {
    // Not asked: only the database is. So an environment whose PATH leads nowhere does not matter.
    ["apt", "apt-get", "aptitude", "/usr/bin/apt"].iter().find_map(|program| scene.host.which(program))?;
    let file = match scene.host.open(Path::new(STATUS)) {
        Ok(file) => file,
        Err(e) => return Some(Err(format!("{STATUS}: {e}"))),
    };
    let mut installed = Vec::new();
    read(file, |stanza| {
        // "install ok installed": want, error, state.
        if !matches!(stanza.status.rsplit(' ').next(), Some("not-installed" | "config-files" | "") | None) {
            installed.push(stanza);
        }
    });
    let native = installed.iter().find(|s| s.package == "dpkg").map(|s| s.architecture.clone()).unwrap_or_default();
    let mut listed: Listed = installed.iter().map(|s| (s.version(), None)).collect();
    look_up(scene, &mut listed);
    let describe = |s: Stanza| {
        // Packages of another architecture than the system's carry it in their names.
        let foreign = s.architecture != native && s.architecture != "all";
        let name = if foreign { format!("{}:{}", s.package, s.architecture) } else { s.package.clone() };
        // Archives move packages between sections after they were built; their word counts.
        let (origin, section) = listed.get(&s.version()).cloned().flatten().unwrap_or_default();
        let package = facts! {
            "name" => name.as_str(), "version" => s.version, "arch" => s.architecture,
            "category" => if section.is_empty() { s.section } else { section }, "origin" => origin,
        };
        (name, package)
    };
    Some(Ok(installed.into_iter().map(describe).collect()))
}

/// Reads stanzas one at a time: lists of packages are large.
fn read(file: impl Read, mut each: impl FnMut(Stanza)) {
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let mut line = Vec::new();
    let mut stanza = Stanza::default();
    loop {
        line.clear();
        let ended = !matches!(reader.read_until(b'\n', &mut line), Ok(n) if n > 0);
        if ended || line == b"\n" {
            if !stanza.package.is_empty() {
                each(std::mem::take(&mut stanza));
            }
            if ended {
                return;
            }
            continue;
        }
        let field = match line.first() {
            Some(b'P') if line.starts_with(b"Package: ") => &mut stanza.package,
            Some(b'V') if line.starts_with(b"Version: ") => &mut stanza.version,
            Some(b'A') if line.starts_with(b"Architecture: ") => &mut stanza.architecture,
            Some(b'S') if line.starts_with(b"Section: ") => &mut stanza.section,
            Some(b'S') if line.starts_with(b"Status: ") => &mut stanza.status,
            _ => continue,
        };
        let value = line.iter().position(|b| *b == b' ').map_or(&[][..], |at| &line[at + 1..]);
        *field = String::from_utf8_lossy(value).trim_end().to_owned();
    }
}

/// Looks through apt's lists for the versions that are installed: their origin is that of the list's release.
fn look_up(scene: &Scene, listed: &mut Listed) {
    let mut files = scene.names(LISTS);
    files.sort();
    for file in files.iter().filter(|name| name.contains("_Packages")) {
        let Some(origin) = origin_of(scene, file, &files) else { continue };
        let note = |s: Stanza| {
            if let Some(known) = listed.get_mut(&s.version()).filter(|known| known.is_none()) {
                *known = Some((origin.clone(), s.section));
            }
        };
        let path = format!("{LISTS}/{file}");
        if file.ends_with("_Packages") {
            if let Ok(list) = scene.host.open(Path::new(&path)) {
                read(list, note);
            }
        } else {
            // Compressed lists: apt knows how.
            let cat = scene.program("/usr/lib/apt/apt-helper").arg("cat-file").arg(path);
            if let Ok(output) = scene.host.query(&cat) {
                read(&output.stdout[..], note);
            }
        }
    }
}

/// The `Origin` of the release file that belongs to a list: the longest name that both begin with.
fn origin_of(scene: &Scene, list: &str, files: &[String]) -> Option<String> {
    let releases = files.iter().filter_map(|name| {
        let stem = name.strip_suffix("InRelease").or_else(|| name.strip_suffix("Release"))?;
        list.starts_with(stem).then_some((stem.len(), name))
    });
    let (_, release) = releases.max()?;
    let lines = scene.lines(format!("{LISTS}/{release}"));
    lines.iter().find_map(|line| line.strip_prefix("Origin: ")).map(|origin| origin.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::package_facts::PackageFacts;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;

    #[test]
    fn installed_packages_with_their_origin() {
        let status = "\
Package: dpkg\nStatus: install ok installed\nSection: admin\nArchitecture: amd64\nVersion: 1.21\n
Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n
Package: libc6\nStatus: install ok installed\nSection: libs\nArchitecture: i386\nVersion: 2.36\nDescription: x\n Version: 9\n
Package: own\nStatus: hold ok installed\nArchitecture: all\nVersion: 1.0\n";
        let list = "Package: dpkg\nArchitecture: amd64\nVersion: 1.21\nSection: moved\n\nPackage: libc6\nArchitecture: i386\nVersion: 2.37\n";
        let mut host = Fake::new()
            .answer("apt", 0, "")
            .file("/var/lib/dpkg/status", status)
            .file("/var/lib/apt/lists/d.org_dists_x_InRelease", "Hash: x\n\nOrigin: Debian\nLabel: D\n")
            .file("/var/lib/apt/lists/d.org_dists_x_main_binary-amd64_Packages", list);
        let outcome = run(&Entry::of::<PackageFacts>(), json!({}), &mut host, false).expect("it succeeds");
        assert_eq!(
            outcome.facts.unwrap_or_default()["packages"],
            json!({
                "dpkg": [{"name": "dpkg", "version": "1.21", "arch": "amd64", "category": "moved", "origin": "Debian", "source": "apt"}],
                "libc6:i386": [{"name": "libc6:i386", "version": "2.36", "arch": "i386", "category": "libs", "origin": "", "source": "apt"}],
                "own": [{"name": "own", "version": "1.0", "arch": "all", "category": "", "origin": "", "source": "apt"}],
            })
        );
    }
}
