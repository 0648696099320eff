//! Constructed inventories (`compose`, `groups`, `keyed_groups`) and generated ones (`layers`): expressions over what is there.

use super::{Inventory, fault};
use crate::diag::Diagnostic;
use crate::inventory::VarFiles;
use crate::inventory::data::replace_bad_characters as safe_name;
use crate::template::{Context, Engine, Templar};
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// What expressions see beside the host's variables.
pub(super) struct Around<'a> {
    pub engine: &'a Arc<Engine>,
    pub extra_vars: &'a Map,
    pub var_files: &'a VarFiles,
    pub directories: &'a [PathBuf],
}

impl Around<'_> {
    fn templar(&self, vars: Map) -> Templar {
        Templar::new(self.engine, Arc::new(vars), Context::default())
    }
}

/// # Errors
/// Where the configuration is wrong, or an expression fails under `strict`.
pub(super) fn constructed(inventory: &mut Inventory, config: &Map, around: &Around<'_>) -> Result<(), Diagnostic> {
    let option = |name: &str| config.get(name).is_some_and(yes);
    let strict = option("strict");
    let run = Constructed {
        config,
        around,
        strict,
        leading: config.get("leading_separator").is_none_or(yes),
        extra: option("use_extra_vars"),
        plugins: option("use_vars_plugins"),
    };
    let hosts: Vec<String> = inventory.hosts().map(|h| h.name.to_string()).collect();
    for host in hosts {
        run.compose(inventory, &host)?;
        let vars = run.variables(inventory, &host)?;
        run.groups(inventory, &host, &vars)?;
        run.keyed_groups(inventory, &host, &vars)?;
    }
    Ok(())
}

fn yes(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| crate::config::boolean(&value.to_string()))
}

struct Constructed<'a> {
    config: &'a Map,
    around: &'a Around<'a>,
    strict: bool,
    leading: bool,
    extra: bool,
    plugins: bool,
}

impl Constructed<'_> {
    /// Variables of groups and host, with the names that every host has.
    fn variables(&self, inventory: &Inventory, name: &str) -> Result<Map, Diagnostic> {
        let mut vars = Map::new();
        let Some(host) = inventory.host(name) else { return Ok(vars) };
        let mut add = |map: &Map| vars.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
        let groups: Vec<_> = std::iter::once(inventory.all()).chain(inventory.groups_of(host)).collect();
        groups.iter().for_each(|g| add(&g.vars));
        if self.plugins {
            for directory in self.around.directories {
                for group in &groups {
                    add(&*self.around.var_files.of_group(directory, &group.name)?);
                }
            }
        }
        add(&host.vars);
        let mut magic = Map::new();
        magic.insert("inventory_hostname", host.name.as_str());
        magic.insert("inventory_hostname_short", host.short_name());
        let names = inventory.group_names(host).iter().map(|n| Value::from(n.as_str())).collect();
        magic.insert("group_names", Value::list(names));
        add(&magic);
        if self.plugins {
            for directory in self.around.directories {
                add(&*self.around.var_files.of_host(directory, name)?);
            }
        }
        Ok(vars)
    }

    /// An expression of the configuration, over the variables and perhaps the extra ones.
    fn expression(&self, source: &Value, vars: &Map) -> Result<Value, String> {
        let mut vars = vars.clone();
        if self.extra {
            vars.extend(self.around.extra_vars.clone());
        }
        match source {
            Value::Str(text) => self.around.templar(vars).expression(text).map_err(|e| e.message),
            other => Err(format!("Template expressions must be strings, not {}", other.type_name())),
        }
    }

    fn compose(&self, inventory: &mut Inventory, host: &str) -> Result<(), Diagnostic> {
        let Some(compose) = self.config.get("compose").and_then(Value::as_map).filter(|m| !m.is_empty()) else {
            return Ok(());
        };
        let vars = self.variables(inventory, host)?;
        for (name, source) in compose {
            let name = name.to_json_key();
            match self.expression(source, &vars) {
                Ok(value) => inventory.set_var(host, &name, value).map_err(fault)?,
                Err(e) if self.strict => return Err(fault(format!("Could not set {name} for host {host}: {e}"))),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn groups(&self, inventory: &mut Inventory, host: &str, vars: &Map) -> Result<(), Diagnostic> {
        let Some(groups) = self.config.get("groups").and_then(Value::as_map).filter(|m| !m.is_empty()) else {
            return Ok(());
        };
        let templar = self.around.templar(vars.clone());
        for (name, condition) in groups {
            let name = safe_name(&name.to_json_key());
            match templar.condition(condition) {
                Ok(true) => {
                    let id = inventory.add_group(&name).map_err(fault)?;
                    let group = inventory[id].name.to_string();
                    inventory.add_child(&group, host).map_err(fault)?;
                }
                Ok(false) => {}
                Err(e) if self.strict => {
                    return Err(fault(format!("Could not add host {host} to group {name}: {}", e.message)));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn keyed_groups(&self, inventory: &mut Inventory, host: &str, vars: &Map) -> Result<(), Diagnostic> {
        let keyed = self.config.get("keyed_groups").and_then(Value::as_list).unwrap_or_default();
        for entry in keyed.iter().filter_map(Value::as_map).filter(|m| !m.is_empty()) {
            let source = entry.get("key").cloned().unwrap_or_default();
            let key = match self.expression(&source, vars) {
                Ok(key) => key,
                Err(e) if self.strict => {
                    let text = format!("Could not generate group for host {host} from {source} entry: {e}");
                    return Err(fault(text));
                }
                Err(_) => continue,
            };
            let Some((names, separator)) = group_names(entry, &key).map_err(fault)? else { continue };
            let parent = match entry.get("parent_group") {
                None => None,
                Some(parent) => match self.around.templar(vars.clone()).render(parent) {
                    Ok(value) => Some(value).filter(Value::truthy),
                    Err(e) if self.strict => {
                        let (parent, key) = (parent.repr(), key.repr());
                        let text = format!("Could not generate parent group {parent} for group {key}: {}", e.message);
                        return Err(fault(text));
                    }
                    Err(_) => continue,
                },
            };
            let prefix = entry.get("prefix").map(ToString::to_string).unwrap_or_default();
            let separator = if prefix.is_empty() && !self.leading { "" } else { &separator };
            for name in names {
                let name = safe_name(&format!("{prefix}{separator}{name}"));
                let group = inventory.add_group(&name).map_err(fault)?;
                inventory.add_host(host, Some(group), None).map_err(fault)?;
                if let Some(parent) = &parent {
                    let parent = safe_name(&parent.to_string());
                    let parent = inventory.add_group(&parent).map_err(fault)?;
                    inventory.add_child_group(parent, group).map_err(fault)?;
                }
            }
        }
        Ok(())
    }
}

/// Names that a key stands for, without prefix, and the separator; `None` where the key is empty.
fn group_names(entry: &Map, key: &Value) -> Result<Option<(Vec<String>, String)>, String> {
    let default = entry.get("default_value").filter(|v| !v.is_null());
    let trailing = entry.get("trailing_separator").filter(|v| !v.is_null());
    if default.is_some() && trailing.is_some() {
        return Err("parameters are mutually exclusive for keyed groups: default_value|trailing_separator".to_owned());
    }
    let unset = |v: &Value| v.is_null() || v.as_str() == Some("");
    let separator = entry.get("separator").map_or_else(|| "_".to_owned(), ToString::to_string);
    let or_default = |v: &Value| default.filter(|_| unset(v)).unwrap_or(v).to_string();
    let names = match key {
        v if unset(v) && default.is_some() => vec![or_default(v)],
        v if !v.truthy() => return Ok(None),
        Value::Str(text) => vec![text.to_string()],
        Value::List(items) => items.iter().map(or_default).collect(),
        Value::Map(map) => map
            .iter()
            .map(|(k, v)| {
                let name = k.to_value();
                match (unset(v), default, trailing) {
                    (true, Some(default), _) => format!("{name}{separator}{default}"),
                    (true, None, Some(Value::Bool(false))) => name.to_string(),
                    _ => format!("{name}{separator}{v}"),
                }
            })
            .collect(),
        other => {
            return Err(format!(
                "Invalid group name format, expected a string or a list of them or dictionary, got: <class '{}'>",
                other.type_name()
            ));
        }
    };
    Ok(Some((names, separator)))
}

/// # Errors
/// Where the configuration is wrong or a template fails.
pub(super) fn generated(inventory: &mut Inventory, config: &Map, around: &Around<'_>) -> Result<(), Diagnostic> {
    let layers = config.get("layers").and_then(Value::as_map).ok_or_else(|| fault("'layers'"))?;
    let hosts = config.get("hosts").and_then(Value::as_map).ok_or_else(|| fault("'hosts'"))?;
    let name = hosts.get("name").ok_or_else(|| fault("'name'"))?;
    let mut combinations = vec![Map::new()];
    for (layer, values) in layers {
        let values = values.as_list().unwrap_or_default();
        combinations = combinations
            .iter()
            .flat_map(|base| {
                values.iter().map(|value| {
                    let mut one = base.clone();
                    one.insert(layer.clone(), value.clone());
                    one
                })
            })
            .collect();
    }
    for vars in combinations {
        let templar = around.templar(vars);
        let render = |value: &Value| match value {
            Value::Str(_) => templar.render(value).map_err(|e| fault(e.message)),
            other => Ok(other.clone()),
        };
        let host = render(name)?.to_string();
        inventory.add_host(&host, None, None).map_err(fault)?;
        add_parents(inventory, &host, hosts.get("parents"), &render)?;
    }
    Ok(())
}

fn add_parents(
    inventory: &mut Inventory,
    child: &str,
    parents: Option<&Value>,
    render: &dyn Fn(&Value) -> Result<Value, Diagnostic>,
) -> Result<(), Diagnostic> {
    for parent in parents.and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_map) {
        let name = render(parent.get("name").unwrap_or(&Value::Null))?;
        if !name.truthy() {
            return Err(fault(format!("Element {child} has a parent with no name.")));
        }
        let id = inventory.add_group(&name.to_string()).map_err(fault)?;
        let group = inventory[id].name.to_string();
        for (key, value) in parent.get("vars").and_then(Value::as_map).into_iter().flatten() {
            inventory.set_group_var(id, &key.to_json_key(), render(value)?).map_err(fault)?;
        }
        inventory.add_child(&group, child).map_err(fault)?;
        add_parents(inventory, &group, parent.get("parents"), render)?;
    }
    Ok(())
}
