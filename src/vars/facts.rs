//! Facts of one host: as modules return them (`ansible_x`), and without the prefix for `ansible_facts`.

use crate::value::{Key, Map, Value};
use std::sync::Arc;

/// Shared; replaced as a whole when facts come in.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    raw: Arc<Map>,
    named: Arc<Map>,
}

impl Facts {
    pub fn new(raw: Map) -> Self {
        let named = raw.iter().map(|(k, v)| (without_prefix(k), v.clone())).collect();
        Facts { raw: Arc::new(raw), named: Arc::new(named) }
    }
    /// These facts with others over them.
    #[must_use]
    pub fn with(&self, more: &Map) -> Self {
        let mut raw = (*self.raw).clone();
        let mut named = (*self.named).clone();
        for (key, value) in more {
            named.insert(without_prefix(key), value.clone());
            raw.insert(key.clone(), value.clone());
        }
        Facts { raw: Arc::new(raw), named: Arc::new(named) }
    }
    /// The value of `ansible_facts`.
    pub fn named(&self) -> &Arc<Map> {
        &self.named
    }
    /// As modules return them.
    pub fn raw(&self) -> &Arc<Map> {
        &self.raw
    }
    /// A fact as a variable of its own (INJECT_FACTS_AS_VARS). Names that steer connections are not injected: a host must
    /// not choose how it is reached.
    pub fn injected(&self, name: &str) -> Option<&Value> {
        if steers_connection(name) { None } else { self.raw.get(name) }
    }
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }
}

fn without_prefix(key: &Key) -> Key {
    match key.as_str() {
        Some(name) if name != "ansible_local" => name.strip_prefix("ansible_").map_or_else(|| key.clone(), Key::from),
        _ => key.clone(),
    }
}

/// Names that ansible-core's `clean_facts` removes: connection, become, shell and interpreter variables.
fn steers_connection(name: &str) -> bool {
    const EXACT: &[&str] = &[
        "ansible_connection",
        "ansible_host",
        "ansible_port",
        "ansible_user",
        "ansible_password",
        "ansible_private_key_file",
        "ansible_pipelining",
        "ansible_shell_type",
        "ansible_shell_executable",
        "ansible_become",
        "ansible_network_os",
        "ansible_sftp_batch_mode",
        "ansible_remote_tmp",
        "ansible_scp_if_ssh",
        "ansible_timeout",
        "ansible_rsync_path",
    ];
    EXACT.contains(&name)
        || name.starts_with("ansible_become_")
        || (name.starts_with("ansible_ssh_") && !name.starts_with("ansible_ssh_host_key_"))
        || (name.starts_with("ansible_") && name.ends_with("_interpreter"))
}
