//! Variables that Tightbeam sets itself, as maps for the layers of a run, a play and a role. Those that need a host stand with
//! the host's layers; `vars`, `hostvars` and `groups` are made when they are asked for.

use crate::value::{Map, Value};
use std::path::Path;

/// The version of ansible-core whose behaviour is matched: `ansible_version`.
pub const ANSIBLE_VERSION: &str = "2.19.14";

/// What is known of a run at its start.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFacts<'a> {
    /// Absolute.
    pub playbook_dir: &'a str,
    /// A Python on the controller, for `ansible_playbook_python`.
    pub python: &'a str,
    pub config_file: Option<&'a Path>,
    /// `None` where the command has no such option.
    pub check: Option<bool>,
    pub diff: Option<bool>,
    pub forks: Option<i64>,
    pub inventory: &'a [String],
    pub limit: Option<&'a str>,
    pub run_tags: &'a [String],
    pub skip_tags: &'a [String],
    pub verbosity: i64,
}

fn texts<T: AsRef<str>>(items: &[T]) -> Value {
    Value::list(items.iter().map(|i| Value::from(i.as_ref())).collect())
}

/// `playbook_dir`, `ansible_version`, `ansible_check_mode`, `ansible_forks`, …
pub fn run_magic(facts: &RunFacts<'_>) -> Map {
    let mut map = Map::new();
    map.insert("playbook_dir", facts.playbook_dir);
    map.insert("ansible_playbook_python", facts.python);
    let file = facts.config_file.map_or(Value::Null, |p| p.to_string_lossy().into_owned().into());
    map.insert("ansible_config_file", file);
    map.insert("ansible_version", version());
    let mut optional = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(name, value);
        }
    };
    optional("ansible_check_mode", facts.check.map(Value::Bool));
    optional("ansible_diff_mode", facts.diff.map(Value::Bool));
    optional("ansible_forks", facts.forks.map(Value::Int));
    optional("ansible_limit", facts.limit.map(Value::from));
    map.insert("ansible_inventory_sources", texts(facts.inventory));
    map.insert("ansible_run_tags", texts(facts.run_tags));
    map.insert("ansible_skip_tags", texts(facts.skip_tags));
    map.insert("ansible_verbosity", Value::Int(facts.verbosity));
    map
}

fn version() -> Map {
    let mut map = Map::new();
    map.insert("string", ANSIBLE_VERSION);
    map.insert("full", ANSIBLE_VERSION);
    let parts = ANSIBLE_VERSION.split('.').map(|p| p.parse().unwrap_or(0));
    for (name, number) in ["major", "minor", "revision"].into_iter().zip(parts) {
        map.insert(name, Value::Int(number));
    }
    map
}

/// Hosts and roles of a play as they are now.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayFacts<'a> {
    pub name: &'a str,
    /// All hosts of the play, also those that failed.
    pub hosts_all: &'a [&'a str],
    /// Those still in it.
    pub hosts: &'a [&'a str],
    /// Those of the current batch that are still in it.
    pub batch: &'a [&'a str],
    /// Roles that the play names.
    pub roles: &'a [&'a str],
    /// Roles that come as dependencies.
    pub dependent_roles: &'a [&'a str],
}

/// `ansible_play_name`, `ansible_play_hosts`, `ansible_role_names`, …
pub fn play_magic(facts: &PlayFacts<'_>) -> Map {
    let mut map = Map::new();
    let all_roles: indexmap::IndexSet<&str> = facts.roles.iter().chain(facts.dependent_roles).copied().collect();
    map.insert("ansible_role_names", texts(&all_roles.into_iter().collect::<Vec<_>>()));
    map.insert("ansible_play_role_names", texts(facts.roles));
    map.insert("ansible_dependent_role_names", texts(facts.dependent_roles));
    map.insert("role_names", texts(facts.roles));
    map.insert("ansible_play_name", facts.name);
    map.insert("ansible_play_hosts_all", texts(facts.hosts_all));
    map.insert("ansible_play_hosts", texts(facts.hosts));
    let batch = texts(facts.batch);
    map.insert("ansible_play_batch", batch.clone());
    map.insert("play_hosts", batch);
    map
}

/// What a role's tasks know of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoleFacts<'a> {
    /// Without the collection.
    pub name: &'a str,
    pub collection: Option<&'a str>,
    pub path: &'a str,
    /// Distinct for each use of a role.
    pub uuid: &'a str,
}

/// `role_name`, `role_path`, `ansible_role_name`, …
pub fn role_magic(facts: &RoleFacts<'_>) -> Map {
    let mut map = Map::new();
    map.insert("role_name", facts.name);
    map.insert("role_path", facts.path);
    map.insert("role_uuid", facts.uuid);
    map.insert("ansible_collection_name", facts.collection.map_or(Value::Null, Value::from));
    let full = facts.collection.map_or_else(|| facts.name.to_owned(), |c| format!("{c}.{}", facts.name));
    map.insert("ansible_role_name", full);
    map
}
