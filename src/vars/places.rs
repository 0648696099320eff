//! Where a variable was set. Texts carry their place; numbers, booleans and collections do not, so the files that were read
//! are looked through again.

use super::layer::Layer;
use super::task::Explained;
use crate::diag::{Location, SourceFile, SourceMap};
use crate::value::{Trust, Value};
use crate::yaml::{self, Node};

/// The file, line and column of one of a variable's values; `None` where no file has it (facts, magic variables, scripts).
pub fn place_of(sources: &SourceMap, name: &str, one: &Explained) -> Option<Location> {
    if let Some(location) = one.span.and_then(|span| sources.location(span)) {
        return Some(location);
    }
    let of = one.of.as_deref().unwrap_or("all");
    let find = |file: &SourceFile| match one.layer {
        Layer::AllBesideInventory | Layer::AllBesidePlaybook => in_variable_file(file, "group_vars", "all", name),
        Layer::GroupsBesideInventory | Layer::GroupsBesidePlaybook => in_variable_file(file, "group_vars", of, name),
        Layer::HostBesideInventory | Layer::HostBesidePlaybook => in_variable_file(file, "host_vars", of, name),
        Layer::AllInventory | Layer::GroupsInventory | Layer::HostInventory => in_inventory(file, of, name),
        Layer::PlayVars => in_plays(file, name),
        Layer::RoleDefaults | Layer::PublicRoleDefaults => {
            below(file, "defaults").then(|| at_top(file, name)).flatten()
        }
        Layer::RoleVars | Layer::PublicRoleVars => below(file, "vars").then(|| at_top(file, name)).flatten(),
        Layer::VarsFiles | Layer::IncludeVars | Layer::ExtraVars => at_top(file, name),
        _ => None,
    };
    // A later file overrides an earlier one; one with this very value is surer than one without.
    let found: Vec<(Location, bool)> = sources
        .files()
        .iter()
        .rev()
        .filter_map(|file| {
            let (offset, value) = find(file)?;
            let (line, column) = file.line_column(offset);
            Some((Location { path: file.path.clone(), line, column }, value.is_some_and(|v| v == one.value)))
        })
        .collect();
    let sure = found.iter().find(|(_, same)| *same).or(found.first());
    sure.map(|(location, _)| location.clone())
}

/// The offset of a definition, and its value where it is known.
type Found = Option<(u32, Option<Value>)>;

fn root(file: &SourceFile) -> Option<Node> {
    yaml::read_one(&SourceMap::default(), &file.path, &file.text).ok()?.root
}

fn key_of(map: &Node, name: &str) -> Found {
    let (key, value) = map.entry(name)?;
    Some((key.span.start, Some(value.to_value(Trust::Author))))
}

fn at_top(file: &SourceFile, name: &str) -> Found {
    key_of(&root(file)?, name)
}

/// Whether a directory of that name is on the file's path.
fn below(file: &SourceFile, directory: &str) -> bool {
    file.path.parent().is_some_and(|dir| dir.components().any(|part| part.as_os_str() == directory))
}

/// `group_vars/NAME`, `group_vars/NAME.yml`, `group_vars/NAME/…`.
fn in_variable_file(file: &SourceFile, folder: &str, of: &str, name: &str) -> Found {
    let mut parts = file.path.components().map(|part| part.as_os_str().to_string_lossy());
    parts.find(|part| part == folder)?;
    let owner = parts.next()?;
    let stem = owner.rsplit_once('.').map_or(&*owner, |(stem, _)| stem);
    (owner == of || stem == of).then(|| at_top(file, name)).flatten()
}

fn in_plays(file: &SourceFile, name: &str) -> Found {
    let root = root(file)?;
    root.as_seq()?.iter().find_map(|play| key_of(play.get("vars")?, name))
}

fn in_inventory(file: &SourceFile, of: &str, name: &str) -> Found {
    match root(file) {
        Some(root) if root.as_map().is_some() => root.entries().find_map(|(key, group)| in_group(key, group, of, name)),
        _ => in_ini(&file.text, of, name).map(|offset| (offset, None)),
    }
}

fn in_group(key: &Node, group: &Node, of: &str, name: &str) -> Found {
    let own = (key.as_str() == Some(of)).then(|| key_of(group.get("vars")?, name)).flatten();
    own.or_else(|| {
        let host = group.get("hosts")?.get(of)?;
        key_of(host, name)
    })
    .or_else(|| group.get("children")?.entries().find_map(|(key, group)| in_group(key, group, of, name)))
}

/// A host's line, or a line below `[GROUP:vars]`.
fn in_ini(text: &str, of: &str, name: &str) -> Option<u32> {
    let mut section = String::new();
    let mut offset = 0;
    let mut found = None;
    let assigns = |word: &str| word.split_once('=').is_some_and(|(key, _)| key.trim() == name);
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = trimmed.strip_prefix('[').and_then(|h| h.split(']').next()) {
            section = header.trim().to_owned();
        } else if section.strip_suffix(":vars") == Some(of) && assigns(trimmed) {
            found = Some(start + (line.len() - line.trim_start().len()));
        } else if !section.contains(':') && trimmed.split_whitespace().next() == Some(of) {
            let mut place = start;
            for word in line.split_inclusive(char::is_whitespace) {
                if assigns(word.trim()) {
                    found = Some(place);
                }
                place += word.len();
            }
        }
    }
    found.map(|place| place as u32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_source() {
        let sources = SourceMap::default();
        sources.add("/i/hosts", "[web]\nh1 y=1 x=2\n[web:vars]\n x = 3\n");
        sources.add(
            "/i/hosts.yml",
            "all:\n  children:\n    db:\n      vars: {x: 4}\n      hosts:\n        h2:\n          x: 5\n",
        );
        sources.add("/i/group_vars/all.yml", "a: 1\nx: 6\n");
        sources.add("/i/group_vars/web/a.yml", "x: 7\n");
        sources.add("/i/host_vars/h1.yml", "---\nx: 8\n");
        sources.add("/p/site.yml", "- hosts: all\n  vars:\n    x: 9\n");
        sources.add("/p/roles/r/defaults/main.yml", "x: 10\n");
        let at = |layer, of: &str, value: i64| {
            let one = Explained { layer, of: Some(of.into()), value: Value::from(value), span: None };
            place_of(&sources, "x", &one).map(|l| l.to_string()).unwrap_or_default()
        };
        assert_eq!(at(Layer::HostInventory, "h1", 2), "/i/hosts:2:8");
        assert_eq!(at(Layer::GroupsInventory, "web", 3), "/i/hosts:4:2");
        assert_eq!(at(Layer::GroupsInventory, "db", 4), "/i/hosts.yml:4:14");
        assert_eq!(at(Layer::HostInventory, "h2", 5), "/i/hosts.yml:7:11");
        assert_eq!(at(Layer::AllBesideInventory, "all", 6), "/i/group_vars/all.yml:2:1");
        assert_eq!(at(Layer::GroupsBesideInventory, "web", 7), "/i/group_vars/web/a.yml:1:1");
        assert_eq!(at(Layer::HostBesideInventory, "h1", 8), "/i/host_vars/h1.yml:2:1");
        assert_eq!(at(Layer::PlayVars, "", 9), "/p/site.yml:3:5");
        assert_eq!(at(Layer::RoleDefaults, "", 10), "/p/roles/r/defaults/main.yml:1:1");
        assert_eq!(at(Layer::Facts, "", 1), "");
    }
}
