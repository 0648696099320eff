//! `module_defaults`: which arguments a module has unless the task says otherwise; groups of actions.

use super::model::Inherited;
use super::planner::Planner;
use super::resolve::{candidates, resolve};
use crate::value::Value;
use crate::yaml::Node;
use std::path::Path;

/// Groups of Ansible's own, and the groups of collections that they stand for.
const GROUPS: &[(&str, &[&str])] = &[
    ("acme", &["community.crypto.acme"]),
    ("aws", &["amazon.aws.aws", "community.aws.aws"]),
    ("azure", &["azure.azcollection.azure"]),
    ("cpm", &["wti.remote.cpm"]),
    ("docker", &["community.general.docker", "community.docker.docker"]),
    ("gcp", &["google.cloud.gcp"]),
    (
        "k8s",
        &[
            "community.kubernetes.k8s",
            "community.general.k8s",
            "community.kubevirt.k8s",
            "community.okd.k8s",
            "kubernetes.core.k8s",
        ],
    ),
    ("os", &["openstack.cloud.os"]),
    ("ovirt", &["ovirt.ovirt.ovirt", "community.general.ovirt"]),
    ("vmware", &["community.vmware.vmware"]),
];

impl Planner {
    /// The default arguments of a module (`name` fully qualified): dictionaries or templates that become such, lowest
    /// precedence first: of groups in the order in which they are given, then of the module itself.
    pub fn module_defaults(&self, play_dir: &Path, keywords: &Inherited, name: &str) -> Vec<Value> {
        // An entry replaces that of the same name further out and keeps its place.
        let mut entries: Vec<(String, &Value)> = Vec::new();
        for (key, value) in keywords.module_defaults.iter().flat_map(|d| &d.entries) {
            let key = self.full_name(&key.node);
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = value,
                None => entries.push((key, value)),
            }
        }
        let of_groups = entries.iter().filter(|(key, _)| {
            key.strip_prefix("group/")
                .and_then(|g| self.group(g, play_dir))
                .is_some_and(|members| members.iter().any(|m| m == name))
        });
        let own = entries.iter().filter(|(key, _)| key == name);
        of_groups.chain(own).map(|(_, value)| (*value).clone()).collect()
    }

    fn full_name(&self, entry: &str) -> String {
        if let Some(group) = entry.strip_prefix("group/") {
            let full = if group.contains('.') { group.to_owned() } else { format!("ansible.builtin.{group}") };
            return format!("group/{full}");
        }
        resolve(&*self.catalogue, entry, &[]).map_or_else(|| entry.to_owned(), |found| found.name.to_string())
    }

    /// The members of a group of actions, fully qualified; `None`: there is no such group.
    pub(super) fn group(&self, name: &str, play_dir: &Path) -> Option<Vec<String>> {
        let mut members = Vec::new();
        let mut seen = Vec::new();
        self.collect_group(name, play_dir, &mut members, &mut seen).then_some(members)
    }

    fn collect_group(&self, name: &str, play_dir: &Path, members: &mut Vec<String>, seen: &mut Vec<String>) -> bool {
        if seen.iter().any(|s| s == name) {
            return true;
        }
        seen.push(name.to_owned());
        let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        if let Some((_, extended)) = GROUPS.iter().find(|(group, _)| *group == short) {
            for group in *extended {
                self.collect_group(group, play_dir, members, seen);
            }
            return true;
        }
        let mut parts = name.splitn(3, '.');
        let (Some(namespace), Some(collection), Some(group)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let own = format!("{namespace}.{collection}");
        let runtime = Path::new("ansible_collections").join(namespace).join(collection).join("meta/runtime.yml");
        for root in self.settings.collection_roots(play_dir) {
            let path = root.join(&runtime);
            if !self.loader.files.is_file(&path) {
                continue;
            }
            let Ok(document) = self.loader.document(&path, None) else { continue };
            let groups = document.root.as_ref().and_then(|r| r.get("action_groups"));
            let Some(entries) = groups.and_then(|g| g.get(group).or_else(|| g.get(name))) else { return false };
            for entry in entries.as_seq().unwrap_or_default() {
                match entry.as_str() {
                    Some(action) => members.push(self.member(action, &own)),
                    None => {
                        for extended in extended_groups(entry) {
                            let full = if extended.contains('.') { extended } else { format!("{own}.{extended}") };
                            self.collect_group(&full, play_dir, members, seen);
                        }
                    }
                }
            }
            return true;
        }
        false
    }

    fn member(&self, action: &str, collection: &str) -> String {
        let full = if action.split('.').count() >= 3 { action.to_owned() } else { format!("{collection}.{action}") };
        candidates(&full, &[])
            .iter()
            .find_map(|name| self.catalogue.resolve(name, &[]))
            .map_or(full, |found| found.name.to_string())
    }
}

/// The groups that `metadata: {extend_group: …}` names.
fn extended_groups(entry: &Node) -> Vec<String> {
    let Some(groups) = entry.get("metadata").and_then(|m| m.get("extend_group")) else { return vec![] };
    match groups.as_seq() {
        Some(list) => list.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
        None => groups.as_str().map(str::to_owned).into_iter().collect(),
    }
}
