//! `add_host`: a host, and groups, for the rest of the run.

use super::{ActionCall, ActionResult, Effect};
use crate::value::{Map, Value};

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let mut vars = Map::new();
    // Of several names the most explicit one counts; the same for groups.
    let first = |keys: [&str; 3]| keys.into_iter().find_map(|key| call.args.get(key)).filter(|v| !v.is_null());
    let name = first(["name", "hostname", "host"]).map(Value::to_string);
    let groups = first(["groupname", "groups", "group"]);
    for (key, value) in &call.args {
        match key.as_str() {
            Some("name" | "hostname" | "groups" | "groupname") => {}
            _ => drop(vars.insert(key.clone(), value.clone().distrust())),
        }
    }
    let Some(name) = name.filter(|n| !n.is_empty()) else {
        return ActionResult::failed("name, host or hostname needs to be provided");
    };
    let (name, port) = split_port(&name);
    if let Some(port) = port
        && !vars.contains_key("ansible_ssh_port")
    {
        vars.insert("ansible_ssh_port", port);
    }
    let groups: Vec<String> = match groups {
        None => vec![],
        Some(Value::List(items)) => items.iter().map(Value::to_string).collect(),
        Some(Value::Str(text)) => text.split(',').map(|g| g.trim().to_owned()).filter(|g| !g.is_empty()).collect(),
        Some(other) => {
            return ActionResult::failed(format!("Groups must be specified as a list, got {}", other.type_name()));
        }
    };
    let mut shown = Map::new();
    shown.insert("host_name", name.as_str());
    shown.insert("groups", groups.iter().map(|g| Value::from(g.as_str())).collect::<Vec<_>>());
    shown.insert("host_vars", vars.clone());
    // Whether anything changes is known only to the inventory: the dispatcher sets `changed`.
    ActionResult::ok().with("add_host", shown).effect(Effect::AddHost { name, groups, vars })
}

/// `host:port`, `[v6]:port`; a bare IPv6 address has no port.
fn split_port(name: &str) -> (String, Option<i64>) {
    if let Some((host, port)) = name.rsplit_once(':')
        && let Ok(number) = port.parse::<i64>()
        && (!host.contains(':') || (host.starts_with('[') && host.ends_with(']')))
    {
        return (host.trim_start_matches('[').trim_end_matches(']').to_owned(), Some(number));
    }
    (name.to_owned(), None)
}
