//! Executable inventories: programs that answer `--list` and `--host` with JSON.

use super::Inventory;
use crate::diag::{Code, Diagnostic};
use crate::value::{Key, Map, Text, Trust, Value, Vaulted};
use indexmap::IndexSet;
use serde_json::Value as Json;
use std::path::Path;
use std::sync::Arc;

/// A finished program.
#[derive(Clone, Debug, Default)]
pub struct ScriptOutput {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs inventory programs on the controller.
pub trait RunScript: Send + Sync {
    /// # Errors
    /// Why it could not be started.
    fn run(&self, path: &Path, args: &[&str]) -> Result<ScriptOutput, String>;
}

/// # Errors
/// Where the program fails or its answer is no inventory.
pub(super) fn read(
    inventory: &mut Inventory,
    scripts: &dyn RunScript,
    path: &Path,
    show_stderr: bool,
) -> Result<(), Diagnostic> {
    let run = |args: &[&str]| run(scripts, path, args);
    let (text, stderr) = run(&["--list"])?;
    let root: Json = serde_json::from_str(&text).map_err(|e| {
        fault("Unable to get JSON decoder for inventory script result: Value could not be parsed as JSON.")
            .cause(e.to_string())
    })?;
    let Json::Object(root) = root else {
        return Err(fault(format!(
            "Unable to get JSON decoder for inventory script result: Value is '{}' instead of 'dict'.",
            class(&root)
        )));
    };
    if !stderr.trim().is_empty() && show_stderr {
        inventory.warn(Diagnostic::warning(Code::WARNING, stderr.trim_end().to_owned()));
    }
    let mut hosts = IndexSet::new();
    let mut meta = None;
    for (name, data) in &root {
        if name == "_meta" {
            let vars = data.get("hostvars");
            let Some(Json::Object(vars)) = vars else {
                let found = vars.map_or("NoneType", class);
                return Err(fault(format!("Value contains '_meta.hostvars' which is '{found}' instead of 'dict'.")));
            };
            meta = Some(vars);
        } else {
            group(inventory, name, data, &mut hosts)?;
        }
    }
    if meta.is_none() {
        let text = "Inventory scripts should always provide 'meta.hostvars'. Host variables will be collected by running the \
                    inventory script with the '--host' option for each host.";
        inventory.warn(Diagnostic::warning(Code::DEPRECATED, text));
    }
    for name in hosts {
        let own;
        let vars = match meta {
            Some(meta) => meta.get(&name),
            None => {
                own = host_vars(&run(&["--host", &name])?.0, &name)?;
                own.as_ref()
            }
        };
        let Some(vars) = vars else { continue };
        let Json::Object(vars) = vars else {
            return Err(fault(format!("Invalid data from file, expected dictionary and got:\n\n{vars}")));
        };
        let host = inventory.add_host(&name, None, None).map_err(fault)?;
        for (key, value) in vars {
            inventory.set_host_var(host, key, trusted(value));
        }
    }
    Ok(())
}

fn host_vars(text: &str, host: &str) -> Result<Option<Json>, Diagnostic> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|e| {
        let host = crate::value::repr_str(host);
        fault(format!("Inventory script result for host {host} could not be parsed as JSON.")).cause(e.to_string())
    })
}

fn run(scripts: &dyn RunScript, path: &Path, args: &[&str]) -> Result<(String, String), Diagnostic> {
    let output = scripts.run(path, args).map_err(|e| {
        let command = format!("{} {}", path.display(), args.join(" "));
        fault(format!("Failed to execute inventory script command {}.", crate::value::repr_str(&command))).cause(e)
    })?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let with_stderr = |d: Diagnostic| {
        if stderr.trim().is_empty() {
            d
        } else {
            d.hint(format!("Standard error from inventory script:\n{}", stderr.trim_end()))
        }
    };
    if output.code != 0 {
        return Err(with_stderr(fault(format!("Inventory script returned non-zero exit code {}.", output.code))));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| {
        with_stderr(fault("Inventory script result contained characters that cannot be interpreted as UTF-8."))
    })?;
    Ok((text, stderr))
}

fn fault(text: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::INVENTORY_INVALID, text)
}

fn class(json: &Json) -> &'static str {
    match json {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(n) if n.is_f64() => "float",
        Json::Number(_) => "int",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

fn group(inventory: &mut Inventory, name: &str, data: &Json, hosts: &mut IndexSet<String>) -> Result<(), Diagnostic> {
    let id = inventory.add_group(name).map_err(fault)?;
    let name = inventory[id].name.to_string();
    let shown = crate::value::repr_str(&name);
    let deprecated = |text: String| Diagnostic::warning(Code::DEPRECATED, text);
    let wrong = |part: &str, found: &Json, wants: &str| {
        fault(format!("Value contains '{name}.{part}' which is '{}' instead of '{wants}'.", class(found)))
    };
    let sole = Json::Array(vec![Json::String(name.clone())]);
    let known =
        |map: &serde_json::Map<String, Json>| ["hosts", "vars", "children"].iter().any(|k| map.contains_key(*k));
    let malformed = data.as_object().is_some_and(|map| !known(map));
    let (list, vars, children) = match data {
        Json::Object(map) if !malformed => (map.get("hosts"), map.get("vars"), map.get("children")),
        Json::Object(_) => {
            let text = format!(
                "Treating malformed group {shown} as the sole host of that group. Variables provided in this manner cannot be \
                 templated."
            );
            inventory.warn(deprecated(text));
            (Some(&sole), Some(data), None)
        }
        other => {
            inventory.warn(deprecated(format!("Group {shown} was converted to 'dict' from '{}'.", class(other))));
            (Some(other), None, None)
        }
    };
    if let Some(list) = list {
        let items = list.as_array().ok_or_else(|| wrong("hosts", list, "list"))?;
        for item in items {
            let host = item.as_str().ok_or_else(|| {
                fault(format!(
                    "Invalid host name supplied, expected a string but got <class '{}'> for {item}",
                    class(item)
                ))
            })?;
            inventory.add_host(host, Some(id), None).map_err(fault)?;
            hosts.insert(host.to_owned());
        }
    }
    if let Some(vars) = vars {
        for (key, value) in vars.as_object().ok_or_else(|| wrong("vars", vars, "dict"))? {
            // Variables of a malformed group are not templates.
            let value = if malformed { Value::from(value.clone()) } else { trusted(value) };
            inventory.set_group_var(id, key, value).map_err(fault)?;
        }
    }
    for child in children.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
        let child = inventory.add_group(child).map_err(fault)?;
        inventory.add_child_group(id, child).map_err(fault)?;
    }
    Ok(())
}

/// Variables of a program count as the author's, except what it marks as unsafe; what it marks as vault is decrypted when used.
fn trusted(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::Str(Text::new(text.as_str(), Trust::Author, None)),
        Json::Array(items) => Value::list(items.iter().map(trusted).collect()),
        Json::Object(map) => match marked(map) {
            Some(value) => value,
            None => Value::map(map.iter().map(|(k, v)| (Key::from(k.as_str()), trusted(v))).collect::<Map>()),
        },
        other => Value::from(other.clone()),
    }
}

fn marked(map: &serde_json::Map<String, Json>) -> Option<Value> {
    let (key, Json::String(text)) = map.iter().next().filter(|_| map.len() == 1)? else { return None };
    match key.as_str() {
        "__ansible_unsafe" => Some(Value::foreign(text.as_str())),
        "__ansible_vault" => Some(Value::Vault(Arc::new(Vaulted { ciphertext: text.as_str().into(), origin: None }))),
        _ => None,
    }
}
