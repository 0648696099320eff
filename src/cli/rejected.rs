//! Modules that playbooks must not use (`plugin_filters_cfg`).

use super::error::CommandError;
use super::wiring::{Base, warn};
use crate::diag::{Code, Diagnostic};
use crate::inventory::Reader;
use crate::value::{Trust, Value};
use std::path::{Path, PathBuf};

/// Where the list is looked for when no setting names it.
const USUAL: &str = "/etc/ansible/plugin_filters.yml";

/// The short names of the rejected modules. A list that cannot be used is passed over with a warning.
///
/// # Errors
/// When `stat` is among them: other modules stand on it.
pub fn modules(base: &Base, reader: &Reader) -> Result<Vec<String>, CommandError> {
    let set = base.settings.path("PLUGIN_FILTERS_CFG");
    let path = set.clone().unwrap_or_else(|| PathBuf::from(USUAL));
    let names = match read(&path, reader, set.is_some()) {
        Ok(names) => names,
        Err(why) => {
            let text = format!("The plugin filter file, {} {why} Skipping.", path.display());
            warn(&[Diagnostic::warning(Code::WARNING, text)], &base.sources);
            vec![]
        }
    };
    if names.iter().any(|name| name == "stat") {
        return Err(CommandError::machine(format!(
            "The stat module was specified in the module reject list file, {}, but Ansible will not function without the \
             stat module.  Please remove stat from the reject list.",
            path.display()
        )));
    }
    Ok(names)
}

fn read(path: &Path, reader: &Reader, asked: bool) -> Result<Vec<String>, String> {
    if !reader.files.exists(path) {
        return if asked { Err("does not exist.".to_owned()) } else { Ok(vec![]) };
    }
    let document = reader.document(path).map_err(|d| format!("was not parsable: {}.", d.message))?;
    let root = document.root.as_ref().map_or(Value::Null, |root| root.to_value(Trust::Author));
    let version = root.as_map().and_then(|map| map.get("filter_version")).ok_or("was invalid.")?;
    if version.to_string().trim() != "1.0" {
        return Err("was a version not recognized by this version of Ansible.".to_owned());
    }
    let list = root.as_map().and_then(|map| map.get("module_rejectlist")).and_then(Value::as_list);
    let list = list.ok_or("has a module_rejectlist that is not a list.")?;
    Ok(list.iter().map(Value::to_string).collect())
}
