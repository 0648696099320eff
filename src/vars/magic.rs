//! Magic variables: computed when they are asked for, from what is known of run, play, host and task.

use super::scope::Scope;
use crate::names::HostName;
use crate::plan::RoleContext;
use crate::template::Binding;
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What holds for the whole run.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    pub extra_vars: Arc<Map>,
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub forks: usize,
    pub limit: Option<String>,
    pub run_tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub config_file: Option<PathBuf>,
    pub inventory_sources: Vec<String>,
    /// `hash_behaviour = merge`.
    pub merge_hashes: bool,
    pub inject_facts: bool,
}

/// What holds for a play, or a batch of it.
#[derive(Clone, Debug, Default)]
pub struct PlayFacts {
    pub name: String,
    pub dir: PathBuf,
    /// `ansible_play_hosts_all`.
    pub hosts_all: Arc<[HostName]>,
    /// `ansible_play_hosts`: those that have not failed.
    pub hosts: Arc<[HostName]>,
    /// `ansible_play_batch`.
    pub batch: Arc<[HostName]>,
    pub roles: Vec<Arc<RoleContext>>,
}

/// What holds for a task.
#[derive(Clone, Debug, Default)]
pub struct TaskFacts {
    pub role: Option<Arc<RoleContext>>,
    pub search_path: Arc<[PathBuf]>,
}

/// Names of all magic variables, for `vars` and for warnings about reserved names.
pub(super) const NAMES: &[&str] = &[
    "ansible_check_mode",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_search_path",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "group_names",
    "groups",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "omit",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
    "role_path",
    "role_uuid",
    "vars",
];

/// The version of ansible-core whose behaviour this is; what `ansible_version` says.
const REFERENCE: (i64, i64, i64) = (2, 19, 14);

pub(super) fn get(scope: &Scope, name: &str) -> Option<Binding> {
    if let Some(binding) = structure(scope, name) {
        return Some(binding);
    }
    let value = run(scope, name)
        .or_else(|| host(scope, name))
        .or_else(|| scope.play.as_deref().and_then(|p| play(p, name)))
        .or_else(|| task(&scope.task, name))?;
    Some(Binding::Value(value))
}

fn structure(scope: &Scope, name: &str) -> Option<Binding> {
    Some(match name {
        "hostvars" => Binding::Scopes(Arc::new(super::scope::HostVars::of(scope))),
        "groups" => Binding::Value(Value::Map(scope.store.inventory().groups.clone())),
        "omit" => Binding::Value(Value::Omit),
        _ => return None,
    })
}

fn run(scope: &Scope, name: &str) -> Option<Value> {
    let run = &scope.run;
    Some(match name {
        "ansible_check_mode" => run.check.into(),
        "ansible_diff_mode" => run.diff.into(),
        "ansible_verbosity" => i64::from(run.verbosity).into(),
        "ansible_forks" => run.forks.into(),
        "ansible_limit" => run.limit.as_deref()?.into(),
        "ansible_run_tags" => texts(run.run_tags.iter()),
        "ansible_skip_tags" => texts(run.skip_tags.iter()),
        "ansible_config_file" => run.config_file.as_deref().map_or(Value::Null, path),
        "ansible_inventory_sources" => texts(run.inventory_sources.iter()),
        "ansible_playbook_python" => "/usr/bin/python3".into(),
        "ansible_version" => version(),
        _ => return None,
    })
}

fn host(scope: &Scope, name: &str) -> Option<Value> {
    let host = scope.host.as_ref()?;
    Some(match name {
        "inventory_hostname" => host.as_str().into(),
        "inventory_hostname_short" => host.split('.').next().unwrap_or_default().into(),
        "group_names" => texts(scope.state.groups.iter().map(|g| g.as_str())),
        "inventory_file" => scope.state.inventory_file.as_deref().map_or(Value::Null, path),
        "inventory_dir" => scope.state.inventory_file.as_deref().and_then(Path::parent).map_or(Value::Null, path),
        _ => return None,
    })
}

fn play(play: &PlayFacts, name: &str) -> Option<Value> {
    let hosts = |list: &[HostName]| texts(list.iter().map(|h| h.as_str()));
    let own = || play.roles.iter().map(|r| r.full_name());
    let dependencies = || play.roles.iter().flat_map(|r| r.dependencies.iter().map(|d| d.full_name()));
    let unique = |names: Vec<String>| texts(indexmap::IndexSet::<String>::from_iter(names).iter());
    Some(match name {
        "playbook_dir" => path(&play.dir),
        "ansible_play_name" => play.name.as_str().into(),
        "ansible_play_hosts" => hosts(&play.hosts),
        "ansible_play_hosts_all" => hosts(&play.hosts_all),
        "ansible_play_batch" | "play_hosts" => hosts(&play.batch),
        "ansible_play_role_names" | "role_names" => texts(own()),
        "ansible_dependent_role_names" => unique(dependencies().collect()),
        "ansible_role_names" => unique(dependencies().chain(own()).collect()),
        _ => return None,
    })
}

fn task(task: &TaskFacts, name: &str) -> Option<Value> {
    if name == "ansible_search_path" {
        return Some(texts(task.search_path.iter().map(|p| p.to_string_lossy())));
    }
    let role = task.role.as_ref()?;
    Some(match name {
        "role_name" => (&*role.name).into(),
        "ansible_role_name" => role.full_name().into(),
        "role_path" => path(&role.path),
        "role_uuid" => role.id.0.to_string().into(),
        "ansible_collection_name" => role.collection.as_deref()?.into(),
        "ansible_parent_role_names" => texts(role.chain.iter().rev().map(|r| r.full_name())),
        "ansible_parent_role_paths" => texts(role.chain.iter().rev().map(|r| r.path.to_string_lossy())),
        _ => return None,
    })
}

fn texts<S: AsRef<str>>(items: impl Iterator<Item = S>) -> Value {
    Value::list(items.map(|s| Value::from(s.as_ref())).collect())
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into_owned().into()
}

fn version() -> Value {
    let (major, minor, revision) = REFERENCE;
    let full = format!("{major}.{minor}.{revision}");
    let mut map = Map::new();
    map.insert("full", full.as_str());
    map.insert("major", major);
    map.insert("minor", minor);
    map.insert("revision", revision);
    map.insert("string", full);
    Value::map(map)
}
