//! What `ansible-inventory` shows: `--list`, `--graph`, `--host`, `--export`, `--vars`, as data. Variables are handed in.

use super::data::{ALL, Group, Host, Inventory, UNGROUPED};
use crate::diag::Diagnostic;
use crate::value::{Key, Map, Trust, Value};
use std::collections::HashSet;

/// Gives the variables that are shown.
pub trait ShowVars {
    /// # Errors
    /// Where a variable file cannot be read.
    fn of_group(&self, group: &Group) -> Result<Map, Diagnostic>;
    /// # Errors
    /// Where a variable file cannot be read.
    fn of_host(&self, host: &Host) -> Result<Map, Diagnostic>;
}

/// Shows an inventory.
pub struct Export<'a> {
    pub inventory: &'a Inventory,
    pub vars: &'a dyn ShowVars,
    /// `--export`: variables of groups with the groups.
    pub export: bool,
    /// Hosts of `--limit`; all where it is not given.
    pub limit: Option<&'a HashSet<String>>,
}

/// Variables that belong to the program, not to the inventory.
const INTERNAL: [&str; 34] = [
    "ansible_async_path",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_facts",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "groups",
    "group_names",
    "hostvars",
    "playbook_dir",
    "play_hosts",
    "role_name",
    "role_names",
    "role_path",
    "role_uuid",
    "vars",
];

fn without_internal(mut vars: Map) -> Map {
    INTERNAL.iter().for_each(|name| drop(vars.remove(name)));
    vars
}

impl Export<'_> {
    fn shown<'h>(&self, hosts: impl Iterator<Item = &'h Host>) -> Vec<&'h Host> {
        hosts.filter(|h| self.limit.is_none_or(|l| l.contains(h.name.as_str()))).collect()
    }
    fn group_vars(&self, group: &Group) -> Result<Map, Diagnostic> {
        let mut vars = self.vars.of_group(group)?;
        if group.priority != 1 {
            vars.insert("ansible_group_priority", Value::Int(group.priority));
        }
        Ok(without_internal(vars))
    }
    fn host_vars(&self, host: &Host) -> Result<Map, Diagnostic> {
        self.vars.of_host(host).map(without_internal)
    }

    /// `--host`: the variables of one host.
    ///
    /// # Errors
    /// Where a variable file cannot be read.
    pub fn host(&self, host: &Host) -> Result<Value, Diagnostic> {
        Ok(plain(&Value::map(self.host_vars(host)?), false))
    }

    /// `--list`: as an inventory script answers.
    ///
    /// # Errors
    /// Where a variable file cannot be read.
    pub fn list(&self) -> Result<Value, Diagnostic> {
        let mut groups = Map::new();
        self.list_group(self.inventory.all(), &mut groups, &mut HashSet::new())?;
        let mut hostvars = Map::new();
        let all = self.inventory.group_id(ALL).map(|id| self.inventory.hosts_in(id)).unwrap_or_default();
        for host in self.shown(all.iter().map(|id| &self.inventory[*id])) {
            let vars = self.host_vars(host)?;
            if !vars.is_empty() {
                hostvars.insert(host.name.as_str(), plain(&Value::map(vars), true));
            }
        }
        let mut meta = Map::new();
        meta.insert("hostvars", hostvars);
        meta.insert("profile", "inventory_legacy");
        groups.insert("_meta", meta);
        Ok(Value::map(groups))
    }

    fn list_group<'g>(
        &'g self,
        group: &'g Group,
        out: &mut Map,
        seen: &mut HashSet<&'g str>,
    ) -> Result<(), Diagnostic> {
        let mut shown = Map::new();
        if &*group.name != ALL {
            let hosts = self.shown(self.inventory.direct_hosts(group));
            fill(&mut shown, "hosts", hosts.iter().map(|h| Value::from(h.name.as_str())).collect());
        }
        let children: Vec<&Group> = self.inventory.children(group).collect();
        fill(&mut shown, "children", children.iter().map(|c| Value::from(c.name.as_str())).collect());
        for child in children {
            if seen.insert(&child.name) {
                self.list_group(child, out, seen)?;
            }
        }
        if self.export {
            let vars = self.group_vars(group)?;
            if !vars.is_empty() {
                shown.insert("vars", plain(&Value::map(vars), true));
            }
        }
        if !shown.is_empty() {
            out.insert(group.name.as_str(), shown);
        }
        Ok(())
    }

    /// `--list --yaml`: as a YAML inventory, before its keys are sorted.
    ///
    /// # Errors
    /// Where a variable file cannot be read.
    pub fn yaml(&self) -> Result<Value, Diagnostic> {
        let mut out = Map::new();
        self.yaml_group(self.inventory.all(), &mut out, &mut HashSet::new(), &mut HashSet::new())?;
        Ok(Value::map(out))
    }

    fn yaml_group<'g>(
        &'g self,
        group: &'g Group,
        out: &mut Map,
        seen: &mut HashSet<&'g str>,
        seen_hosts: &mut HashSet<&'g str>,
    ) -> Result<(), Diagnostic> {
        let mut shown = Map::new();
        let mut children = Map::new();
        for child in self.inventory.children(group).filter(|c| &*c.name != ALL) {
            if seen.contains(child.name.as_str()) {
                children.insert(child.name.as_str(), Map::new());
            } else {
                self.yaml_group(child, &mut children, seen, seen_hosts)?;
                seen.insert(&child.name);
            }
        }
        if !children.is_empty() {
            shown.insert("children", children);
        }
        let hosts = self.hosts_once(group, seen_hosts)?;
        if !hosts.is_empty() {
            shown.insert("hosts", hosts);
        }
        if self.export {
            let vars = self.group_vars(group)?;
            if !vars.is_empty() {
                shown.insert("vars", vars);
            }
        }
        if !shown.is_empty() {
            out.insert(group.name.as_str(), shown);
        }
        Ok(())
    }

    /// Hosts of a group; variables stand where a host is named first.
    fn hosts_once<'g>(&'g self, group: &'g Group, seen: &mut HashSet<&'g str>) -> Result<Map, Diagnostic> {
        let mut hosts = Map::new();
        if &*group.name != ALL {
            for host in self.shown(self.inventory.direct_hosts(group)) {
                let vars = if seen.insert(&host.name) { self.host_vars(host)? } else { Map::new() };
                hosts.insert(host.name.as_str(), vars);
            }
        }
        Ok(hosts)
    }

    /// `--list --toml`: as a TOML inventory.
    ///
    /// # Errors
    /// Where a variable file cannot be read.
    pub fn toml(&self) -> Result<Value, Diagnostic> {
        let mut out = Map::new();
        self.toml_group(self.inventory.all(), &mut out, &mut HashSet::new())?;
        Ok(Value::map(out))
    }

    fn toml_group<'g>(
        &'g self,
        group: &'g Group,
        out: &mut Map,
        seen_hosts: &mut HashSet<&'g str>,
    ) -> Result<(), Diagnostic> {
        let mut shown = Map::new();
        let children: Vec<&Group> = self
            .inventory
            .children(group)
            .filter(|c| &*c.name != UNGROUPED || self.inventory.direct_hosts(c).next().is_some())
            .collect();
        if &*group.name != ALL {
            fill(&mut shown, "children", children.iter().map(|c| Value::from(c.name.as_str())).collect());
        }
        for child in children {
            self.toml_group(child, out, seen_hosts)?;
        }
        let hosts = self.hosts_once(group, seen_hosts)?;
        if !hosts.is_empty() {
            shown.insert("hosts", hosts);
        }
        if self.export {
            let vars = self.group_vars(group)?;
            if !vars.is_empty() {
                shown.insert("vars", vars);
            }
        }
        if !shown.is_empty() {
            out.insert(group.name.as_str(), shown);
        }
        Ok(())
    }

    /// `--graph`, with `--vars` perhaps, from one group down; without a line end at the end.
    ///
    /// # Errors
    /// Where a variable file cannot be read.
    pub fn graph(&self, group: &Group, vars: bool) -> Result<String, Diagnostic> {
        let mut lines = vec![];
        self.graph_group(group, 0, vars, &mut lines)?;
        Ok(lines.join("\n"))
    }

    fn graph_group(&self, group: &Group, depth: usize, vars: bool, out: &mut Vec<String>) -> Result<(), Diagnostic> {
        out.push(branch(&format!("@{}:", group.name), depth));
        for child in self.inventory.children(group) {
            self.graph_group(child, depth + 1, vars, out)?;
        }
        if &*group.name != ALL {
            for host in self.inventory.direct_hosts(group) {
                out.push(branch(&host.name, depth + 1));
                if vars {
                    graph_vars(self.host_vars(host)?, depth + 2, out);
                }
            }
        }
        if vars {
            graph_vars(self.group_vars(group)?, depth + 1, out);
        }
        Ok(())
    }
}

fn graph_vars(vars: Map, depth: usize, out: &mut Vec<String>) {
    let mut entries: Vec<(String, Value)> = vars.into_iter().map(|(k, v)| (k.to_json_key(), v)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    out.extend(entries.into_iter().map(|(name, value)| branch(&format!("{{{name} = {value}}}"), depth)));
}

fn branch(name: &str, depth: usize) -> String {
    if depth == 0 { name.to_owned() } else { format!("{}--{name}", "  |".repeat(depth)) }
}

fn fill(map: &mut Map, key: &str, items: Vec<Value>) {
    if !items.is_empty() {
        map.insert(key, items);
    }
}

/// Values as JSON can hold them: times in ISO form, vaults as `__ansible_vault`, and with `mark` foreign text as
/// `__ansible_unsafe`.
fn plain(value: &Value, mark: bool) -> Value {
    let tagged = |key: &str, text: &str| Value::map([(Key::from(key), Value::from(text))].into_iter().collect());
    match value {
        Value::Str(text) if mark && text.trust() == Trust::Foreign => tagged("__ansible_unsafe", text),
        Value::Vault(vault) => tagged("__ansible_vault", &vault.ciphertext),
        Value::Timestamp(time) => Value::from(time.replacen(' ', "T", 1)),
        Value::List(items) => Value::list(items.iter().map(|v| plain(v, mark)).collect()),
        Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), plain(v, mark))).collect::<Map>()),
        other => other.clone(),
    }
}

/// TOML text of data that [`Export::toml`] gives.
///
/// # Errors
/// Where a value has no form in TOML (null).
pub fn toml_text(value: &Value) -> Result<String, String> {
    let table = to_toml(value)?;
    toml::to_string(&table).map_err(|e| e.to_string())
}

fn to_toml(value: &Value) -> Result<toml::Value, String> {
    Ok(match value {
        Value::Bool(b) => toml::Value::Boolean(*b),
        Value::Int(i) => toml::Value::Integer(*i),
        Value::Float(x) => toml::Value::Float(*x),
        Value::Timestamp(t) => match t.parse() {
            Ok(time) => toml::Value::Datetime(time),
            Err(_) => toml::Value::String(t.to_string()),
        },
        Value::Str(_) | Value::BigInt(_) | Value::Bytes(_) => toml::Value::String(value.to_string()),
        Value::Vault(vault) => toml::Value::String(vault.ciphertext.to_string()),
        Value::List(items) => toml::Value::Array(items.iter().map(to_toml).collect::<Result<_, _>>()?),
        Value::Map(map) => toml::Value::Table(
            map.iter().map(|(k, v)| Ok((k.to_json_key(), to_toml(v)?))).collect::<Result<_, String>>()?,
        ),
        Value::Null | Value::Omit => return Err("Object of type 'NoneType' is not TOML serializable".to_owned()),
    })
}
