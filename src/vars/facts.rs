//! What a host has learned during the run: facts, set_fact, registered results, include_vars. The dispatcher owns and changes
//! it; everybody else reads.

use crate::value::{Key, Map, MergeMode, Value, merge};
use std::sync::Arc;

/// One host's variables that tasks made. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HostState {
    /// As modules returned them: `ansible_distribution`, …
    facts: Arc<Map>,
    /// `ansible_facts`, with names without the prefix, and `ansible_local`: there even where facts are no variables of their
    /// own.
    always: Arc<Map>,
    /// Facts as variables of their own: without those that would reach into connections.
    injected: Arc<Map>,
    include_vars: Arc<Map>,
    set_facts: Arc<Map>,
}

impl Default for HostState {
    fn default() -> Self {
        HostState {
            facts: Arc::default(),
            always: always(Map::new(), None),
            injected: Arc::default(),
            include_vars: Arc::default(),
            set_facts: Arc::default(),
        }
    }
}

fn always(namespaced: Map, local: Option<&Value>) -> Arc<Map> {
    let mut map = Map::new();
    map.insert(FACTS, Value::map(namespaced));
    map.insert(LOCAL, local.cloned().unwrap_or_else(|| Value::map(Map::new())));
    Arc::new(map)
}

const FACTS: &str = "ansible_facts";
const LOCAL: &str = "ansible_local";

impl HostState {
    pub fn facts(&self) -> &Arc<Map> {
        &self.facts
    }
    /// The value of `ansible_facts`.
    pub fn ansible_facts(&self) -> &Map {
        self.always.get(FACTS).and_then(Value::as_map).expect("made with the state")
    }
    /// A fact that is a variable: `ansible_facts` itself always, others where facts are injected, and `ansible_local`, which is
    /// there even where the others are not.
    pub(super) fn fact(&self, name: &str, inject: bool) -> Option<&Value> {
        match name {
            FACTS => self.always.get(name),
            LOCAL if !inject => self.always.get(name),
            _ if inject => self.injected.get(name),
            _ => None,
        }
    }
    /// Names of the facts that are variables, see [`HostState::fact`].
    pub(super) fn fact_names(&self, inject: bool) -> impl Iterator<Item = &Key> {
        self.always
            .keys()
            .filter(move |key| !inject || key.as_str() == Some(FACTS))
            .chain(self.injected.keys().filter(move |_| inject))
    }
    pub fn include_vars(&self) -> &Arc<Map> {
        &self.include_vars
    }
    /// Variables of set_fact and register.
    pub fn set_facts(&self) -> &Arc<Map> {
        &self.set_facts
    }

    /// Adds facts that a module returned (`ansible_facts` of its result) or set_fact with `cacheable`.
    pub fn add_facts(&mut self, facts: &Map) {
        let mut namespaced = self.ansible_facts().clone();
        for (key, value) in facts {
            let Some(name) = key.as_str() else { continue };
            let short = name.strip_prefix("ansible_").filter(|_| name != LOCAL).unwrap_or(name);
            namespaced.insert(short, value.clone());
            if !is_restricted(name) && !name.starts_with("_ansible_") {
                Arc::make_mut(&mut self.injected).insert(key.clone(), without_internals(value));
            }
            Arc::make_mut(&mut self.facts).insert(key.clone(), value.clone());
        }
        self.always = always(namespaced, self.facts.get(LOCAL));
    }
    /// Forgets the facts (`meta: clear_facts`).
    pub fn clear_facts(&mut self) {
        let HostState { facts, always, injected, .. } = HostState::default();
        (self.facts, self.always, self.injected) = (facts, always, injected);
    }
    /// Sets a variable as set_fact and register do.
    pub fn set(&mut self, name: impl Into<Key>, value: Value) {
        Arc::make_mut(&mut self.set_facts).insert(name, value);
    }
    /// Sets several.
    pub fn set_all(&mut self, vars: &Map) {
        Arc::make_mut(&mut self.set_facts).extend(vars.clone());
    }
    /// Adds variables of include_vars; `merging`: hash_behaviour, for dictionaries that are there already.
    pub fn include(&mut self, vars: &Map, merging: bool) {
        let mode = MergeMode { recursive: merging, ..Default::default() };
        self.include_vars = Arc::new(merge(&self.include_vars, vars, mode));
    }
}

/// Names that a fact must not have as a variable of its own: it would change how the host is reached.
const RESTRICTED: [&str; 35] = [
    "ansible_become",
    "ansible_become_exe",
    "ansible_become_flags",
    "ansible_become_method",
    "ansible_become_pass",
    "ansible_become_password",
    "ansible_become_user",
    "ansible_connection",
    "ansible_connection_user",
    "ansible_docker_extra_args",
    "ansible_facts",
    "ansible_host",
    "ansible_module_compression",
    "ansible_network_os",
    "ansible_password",
    "ansible_pipelining",
    "ansible_playbook_python",
    "ansible_port",
    "ansible_private_key_file",
    "ansible_rsync_path",
    "ansible_scp_extra_args",
    "ansible_sftp_extra_args",
    "ansible_shell_executable",
    "ansible_shell_type",
    "ansible_ssh_common_args",
    "ansible_ssh_executable",
    "ansible_ssh_extra_args",
    "ansible_ssh_host",
    "ansible_ssh_pass",
    "ansible_ssh_pipelining",
    "ansible_ssh_port",
    "ansible_ssh_private_key_file",
    "ansible_ssh_timeout",
    "ansible_ssh_transfer_method",
    "ansible_ssh_user",
];

/// Prefixes of the variables of connections.
const CONNECTIONS: [&str; 5] =
    ["ansible_local_", "ansible_paramiko_ssh_", "ansible_psrp_", "ansible_ssh_", "ansible_winrm_"];

/// Whether a fact is kept from being a variable of its own, as ansible-core's `clean_facts` decides.
fn is_restricted(name: &str) -> bool {
    let device = name.ends_with("_bridge") || name.ends_with("_gwbridge");
    let connection = !device && CONNECTIONS.iter().any(|prefix| name.starts_with(prefix));
    let interpreter = name.len() > 20 && name.starts_with("ansible_") && name.ends_with("_interpreter");
    let other = matches!(name, "ansible_user" | "ansible_timeout" | "add_host" | "add_group");
    let restricted =
        RESTRICTED.contains(&name) || connection || interpreter || other || name.starts_with("ansible_become_");
    restricted && !name.starts_with("ansible_ssh_host_key_")
}

/// Without keys that start with `_ansible_`, on any level.
fn without_internals(value: &Value) -> Value {
    fn has(value: &Value) -> bool {
        match value {
            Value::List(items) => items.iter().any(has),
            Value::Map(map) => map.iter().any(|(k, v)| internal(k) || has(v)),
            _ => false,
        }
    }
    fn internal(key: &Key) -> bool {
        key.as_str().is_some_and(|k| k.starts_with("_ansible_"))
    }
    if !has(value) {
        return value.clone();
    }
    match value {
        Value::List(items) => Value::list(items.iter().map(without_internals).collect()),
        Value::Map(map) => Value::map(
            map.iter().filter(|(k, _)| !internal(k)).map(|(k, v)| (k.clone(), without_internals(v))).collect::<Map>(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_keep_out_of_connections() {
        let mut facts = Map::new();
        for name in [
            "ansible_distribution",
            "ansible_host",
            "ansible_ssh_foo",
            "ansible_ssh_host_key_rsa_public",
            "ansible_local",
            "ansible_python_interpreter",
            "ansible_docker_gwbridge",
            "plain",
            "_ansible_facts_gathered",
        ] {
            facts.insert(name, Value::Int(1));
        }
        let mut state = HostState::default();
        state.add_facts(&facts);
        let names = |map: &Map| map.keys().filter_map(|k| k.as_str().map(str::to_owned)).collect::<Vec<_>>().join(" ");
        assert_eq!(
            names(&state.injected),
            "ansible_distribution ansible_ssh_host_key_rsa_public ansible_local ansible_docker_gwbridge plain"
        );
        assert!(
            names(state.ansible_facts())
                .starts_with("distribution host ssh_foo ssh_host_key_rsa_public ansible_local ")
        );
        state.clear_facts();
        assert!(state.ansible_facts().is_empty() && state.injected.is_empty());
    }
}
