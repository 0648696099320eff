//! YAML inventories: groups with `hosts`, `vars` and `children`.

use super::{Inventory, skip};
use crate::diag::{Code, Diagnostic};
use crate::inventory::address::expand_pattern;
use crate::inventory::data::GroupId;
use crate::value::{Key, Trust};
use crate::yaml::{Document, Node, NodeKind};
use std::sync::Arc;

/// # Errors
/// Where the file is no inventory. What stands before the fault has been taken in.
pub(super) fn read(inventory: &mut Inventory, document: &Document) -> Result<(), Diagnostic> {
    let root = document.root.as_ref().filter(|n| n.truthy());
    let root = root.ok_or_else(|| Diagnostic::error(Code::INVENTORY_INVALID, "Parsed empty YAML file"))?;
    if root.as_map().is_none() {
        let text = format!("YAML inventory has invalid structure, it should be a dictionary, got: {}", class(root));
        return Err(fault(root, text));
    }
    if root.get("plugin").is_some_and(Node::truthy) {
        return Err(fault(root, "Plugin configuration YAML file, not YAML inventory"));
    }
    root.entries().try_for_each(|(name, data)| group(inventory, name, data).map(drop))
}

fn fault(node: &Node, text: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::INVENTORY_INVALID, text).at(node.span, "here")
}

fn class(node: &Node) -> String {
    format!("<class '{}'>", node.type_name())
}

/// Takes in one group; its number where it is one.
fn group(inventory: &mut Inventory, name: &Node, data: &Node) -> Result<Option<GroupId>, Diagnostic> {
    if !matches!(data.kind, NodeKind::Map(_) | NodeKind::Null) {
        let shown = name.to_value(Trust::Foreign);
        inventory.warn(skip(format!("Skipping '{shown}' as this is not a valid group definition"), data.span));
        return Ok(None);
    }
    let Some(text) = name.as_str() else {
        let (shown, class) = (name.to_value(Trust::Foreign), class(name));
        let cause = format!("Invalid group name supplied, expected a string but got {class} for {shown}");
        return Err(fault(name, format!("Unable to add group {shown}: {cause}")));
    };
    let id = inventory.add_group(text).map_err(|e| fault(name, format!("Unable to add group {text}: {e}")))?;
    for section in ["vars", "children", "hosts"] {
        if let Some(node) = data.get(section)
            && !matches!(node.kind, NodeKind::Map(_) | NodeKind::Null | NodeKind::Str { .. })
        {
            let found = class(node);
            let text = format!(
                "Invalid \"{section}\" entry for \"{text}\" group, requires a dictionary, found \"{found}\" instead."
            );
            return Err(fault(node, text));
        }
    }
    let nothing = Node { kind: NodeKind::Null, span: data.span };
    for (key, node) in data.entries() {
        let section = key.as_str().unwrap_or_default();
        let known = matches!(section, "vars" | "children" | "hosts");
        let single;
        let entries = match &node.kind {
            NodeKind::Map(entries) => entries.as_slice(),
            NodeKind::Null => continue,
            // A single name may stand for a mapping with nothing in it.
            NodeKind::Str { .. } if known => {
                single = [(node.clone(), nothing.clone())];
                &single
            }
            _ => {
                let (shown, class) = (key.to_value(Trust::Foreign), class(node));
                let text = format!("Skipping key ({shown}) in group ({text}) as it is not a mapping, it is a {class}");
                inventory.warn(skip(text, key.span));
                continue;
            }
        };
        match section {
            "vars" => {
                for (name, value) in entries {
                    inventory
                        .set_group_var(id, &variable(name), value.to_value(Trust::Author))
                        .map_err(|e| fault(value, e))?;
                }
            }
            "children" => {
                for (name, data) in entries {
                    if let Some(child) = group(inventory, name, data)? {
                        inventory.add_child_group(id, child).map_err(|e| fault(name, e))?;
                    } else if let Some(name_text) = name.as_str() {
                        let group = inventory[id].name.to_string();
                        inventory.add_child(&group, name_text).map_err(|e| fault(name, e))?;
                    }
                }
            }
            "hosts" => entries.iter().try_for_each(|(pattern, vars)| host(inventory, id, pattern, vars))?,
            _ => {
                let shown = key.to_value(Trust::Foreign);
                let text = format!(
                    "Skipping unexpected key ({shown}) in group ({text}), only \"vars\", \"children\" and \"hosts\" are valid"
                );
                inventory.warn(skip(text, key.span));
            }
        }
    }
    Ok(Some(id))
}

fn host(inventory: &mut Inventory, group: GroupId, pattern: &Node, vars: &Node) -> Result<(), Diagnostic> {
    let Some(text) = pattern.as_str() else {
        let shown = pattern.to_value(Trust::Foreign);
        return Err(fault(
            pattern,
            format!("Host pattern {shown} must be a string. Enclose integers/floats in quotation marks."),
        ));
    };
    let (names, port) = expand_pattern(text).map_err(|e| fault(pattern, e))?;
    if vars.as_map().is_none() && vars.truthy() {
        let shown = vars.to_value(Trust::Foreign);
        return Err(fault(vars, format!("Invalid data from file, expected dictionary and got:\n\n{shown}")));
    }
    let vars: Vec<_> = vars.entries().map(|(k, v)| (variable(k), v.to_value(Trust::Author))).collect();
    for name in names {
        let host = inventory.add_host(&name, Some(group), port).map_err(|e| fault(pattern, e))?;
        inventory.set_host_vars(host, &vars);
    }
    Ok(())
}

/// The name of a variable, whatever the author wrote as its key.
fn variable(key: &Node) -> Arc<str> {
    match key.to_key() {
        Key::Str(text) => text,
        other => other.to_json_key().into(),
    }
}
