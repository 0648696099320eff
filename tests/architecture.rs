//! The direction of parts, as ARCHITECTURE.md tells it: who may use whom, and the one door of each outside library.

use std::collections::BTreeSet;
use std::path::Path;

/// Each part and the parts it may use.
const PARTS: &[(&str, &str)] = &[
    ("names", ""),
    ("diag", ""),
    ("value", "diag"),
    ("files", ""),
    ("event", "diag names value"),
    ("yaml", "diag value"),
    ("vault", "diag value"),
    ("config", "diag files value"),
    ("template", "diag value files yaml vault"),
    ("inventory", "diag names value files yaml vault config template"),
    ("vars", "diag names value files yaml config template inventory"),
    ("playbook", "diag names value yaml"),
    ("plan", "diag names value files yaml playbook"),
    ("remote", "diag names value"),
    ("actions", "diag names value files event yaml template vars plan remote"),
    ("run", "diag names value files event yaml config template inventory vars playbook plan remote actions"),
    ("report", "diag names value event yaml"),
    ("sandbox", ""),
    (
        "cli",
        "diag names value files event yaml vault config template inventory vars playbook plan remote actions run report \
         sandbox",
    ),
];

/// Parts of layers 0 and 1: same text, same files, same clock → same data.
const PURE: &[&str] = &[
    "names",
    "diag",
    "value",
    "files",
    "event",
    "yaml",
    "vault",
    "config",
    "template",
    "inventory",
    "vars",
    "playbook",
    "plan",
];

/// What only these files may name. A folder ends in `/`.
const DOORS: &[(&str, &[&str])] = &[
    ("russh::", &["src/remote/transport/ssh/", "src/sandbox/server/"]),
    ("unsafe_libyaml::", &["src/yaml/"]),
    ("clap::", &["src/cli/args.rs", "src/cli/mod.rs"]), // mod.rs: parses the words of the process and prints clap's own faults
    ("println!", &["src/report/", "src/cli/", "modules/src/bin/"]), // bin: the helper's --version and usage
];

struct Source {
    /// From the root of the project, `/` between names.
    path: String,
    /// Without comments and without tests at the end of the file.
    code: String,
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the project").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !is_test(&path) {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let path = path.strip_prefix(root).expect("inside the project").to_string_lossy().into_owned();
                found.push(Source { path, code: code(&text) });
            }
        }
    }
    assert!(found.len() > 20, "{folder} has only {} files", found.len());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Files that are compiled into tests only.
fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let of_template = path.to_string_lossy().contains("src/template/tests/");
    stem.ends_with("_tests") || (stem == "tests" && !of_template) || stem == "cases" || stem == "recorded"
}

fn code(text: &str) -> String {
    let body = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = body.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l });
    lines.collect::<Vec<_>>().join("\n")
}

fn part_of(path: &str) -> Option<&str> {
    let (part, _) = path.strip_prefix("src/")?.split_once('/')?;
    Some(part)
}

/// Parts that the code names as `crate::PART` or in `use crate::{PART…, …}`.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0;
                let mut word = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => {
                            names.insert(first_word(&word));
                            word.clear();
                        }
                        _ if depth == 0 => word.push(c),
                        _ => {}
                    }
                }
                names.insert(first_word(&word));
            }
            None => {
                names.insert(first_word(rest));
            }
        }
    }
    names
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
}

#[test]
fn parts_use_only_parts_their_row_allows() {
    let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for source in sources("src") {
        let Some(part) = part_of(&source.path) else { continue };
        let Some((_, allowed)) = PARTS.iter().find(|(name, _)| *name == part) else {
            faults.push(format!("{}: the part {part} has no row in this test", source.path));
            continue;
        };
        for other in used(&source.code) {
            if other != part && known.contains(&other.as_str()) && !allowed.split(' ').any(|a| a == other) {
                faults.push(format!("{}: {part} must not use {other}", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rows_only_point_upwards() {
    for (at, (part, allowed)) in PARTS.iter().enumerate() {
        for other in allowed.split_whitespace() {
            let place = PARTS.iter().position(|(name, _)| *name == other);
            assert!(place.is_some_and(|p| p < at), "{part} → {other}");
        }
    }
}

#[test]
fn every_part_is_on_the_map() {
    let map = include_str!("../ARCHITECTURE.md");
    let lib = include_str!("../src/lib.rs");
    for (part, _) in PARTS {
        assert!(map.contains(&format!("`{part}/`")), "ARCHITECTURE.md does not tell of {part}");
        assert!(lib.contains(&format!("pub mod {part};")), "{part} is not a part");
    }
    let parts = lib.lines().filter(|l| l.starts_with("pub mod ")).count();
    assert_eq!(parts, PARTS.len(), "a part in src/lib.rs has no row in this test");
}

#[test]
fn the_language_is_pure() {
    // Addresses are data; sockets and resolvers are not.
    let effects =
        ["tokio::", "std::fs", "TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs", "std::process", "std::env"];
    let mut faults = Vec::new();
    for source in sources("src") {
        let pure = part_of(&source.path).is_some_and(|part| PURE.contains(&part));
        // The controller's files have one door.
        if !pure || source.path == "src/files/disk.rs" {
            continue;
        }
        for effect in effects.iter().filter(|e| source.code.contains(*e)) {
            faults.push(format!("{}: {effect}", source.path));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn libraries_have_one_door() {
    let mut faults = Vec::new();
    for source in sources("src").into_iter().chain(sources("modules/src")) {
        for (name, doors) in DOORS {
            let inside =
                doors.iter().any(|door| source.path == *door || door.ends_with('/') && source.path.starts_with(door));
            if !inside && source.code.contains(name) {
                faults.push(format!("{}: names {name}", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn modules_know_nothing_of_the_controller() {
    for source in sources("modules/src") {
        assert!(!source.code.contains("tightbeam::"), "{}", source.path);
    }
    let manifest = include_str!("../modules/Cargo.toml");
    let own = manifest.lines().find(|l| l.trim_start().starts_with("tightbeam"));
    assert_eq!(own, None, "modules/ depends on another package of the workspace");
}

#[test]
fn mentions_of_parts_are_found() {
    let found = used("use crate::{diag::{Span, Code}, value}; fn f() { crate::plan::x(); pub(crate) }");
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["diag", "plan", "value"]);
}
