//! TOML inventories: the same shape as YAML ones, with lists of children.

use super::{Inventory, skip};
use crate::diag::{Code, Diagnostic, FileId, Span};
use crate::inventory::address::expand_pattern;
use crate::value::{Map, Text, Trust, Value};
use num_bigint::BigInt;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// # Errors
/// Where the text is not TOML or no inventory. What stands before the fault has been taken in.
pub(super) fn read(inventory: &mut Inventory, file: FileId, path: &str, text: &str) -> Result<(), Diagnostic> {
    let root = DeTable::parse(text).map_err(|e| {
        let span = e.span().map(|s| Span::new(file, s.start, s.end));
        let message = format!("TOML file {} is invalid: {}", crate::value::repr_str(path), e.message());
        Diagnostic::error(Code::INVENTORY_INVALID, message).at(span, "here")
    })?;
    let root = convert(file, &DeValue::Table(root.into_inner()), 0..text.len());
    let root = root.as_map().filter(|m| !m.is_empty()).ok_or_else(|| fault("Parsed empty TOML file"))?;
    if root.get("plugin").is_some_and(Value::truthy) {
        return Err(fault("Plugin configuration TOML file, not TOML inventory"));
    }
    root.iter().try_for_each(|(name, data)| group(inventory, &name.to_json_key(), data, file).map_err(fault))
}

fn fault(text: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::INVENTORY_INVALID, text)
}

fn class(value: &Value) -> String {
    format!("<class '{}'>", value.type_name())
}

fn group(inventory: &mut Inventory, name: &str, data: &Value, file: FileId) -> Result<(), String> {
    let place = Span::new(file, 0, 0);
    let Some(data) = data.as_map() else {
        inventory.warn(skip(format!("Skipping '{name}' as this is not a valid group definition"), place));
        return Ok(());
    };
    let id = inventory.add_group(name)?;
    let group_name = inventory[id].name.to_string();
    for (key, value) in data {
        let key = key.to_json_key();
        let wrong = |wants: &str| {
            format!(
                "Invalid \"{key}\" entry for \"{group_name}\" group, requires a {wants}, found \"{}\" instead.",
                class(value)
            )
        };
        match key.as_str() {
            "vars" => {
                for (var, value) in value.as_map().ok_or_else(|| wrong("dict"))? {
                    inventory.set_group_var(id, &var.to_json_key(), value.clone())?;
                }
            }
            "children" => {
                for child in value.as_list().ok_or_else(|| wrong("list"))? {
                    let child = child.to_string();
                    group(inventory, &child, &Value::map(Map::new()), file)?;
                    inventory.add_child(&group_name, &child)?;
                }
            }
            "hosts" => {
                for (pattern, vars) in value.as_map().ok_or_else(|| wrong("dict"))? {
                    let (names, port) = expand_pattern(&pattern.to_json_key())?;
                    let vars = vars
                        .as_map()
                        .ok_or_else(|| format!("Invalid data from file, expected dictionary and got:\n\n{vars}"))?;
                    for name in names {
                        let host = inventory.add_host(&name, Some(id), port)?;
                        for (var, value) in vars {
                            inventory.set_host_var(host, &var.to_json_key(), value.clone());
                        }
                    }
                }
            }
            _ => inventory.warn(skip(
                format!(
                    "Skipping unexpected key \"{key}\" in group \"{group_name}\", only \"vars\", \"children\" and \"hosts\" are \
                     valid"
                ),
                place,
            )),
        }
    }
    Ok(())
}

fn convert(file: FileId, value: &DeValue<'_>, span: std::ops::Range<usize>) -> Value {
    match value {
        DeValue::String(text) => {
            Value::Str(Text::new(text.as_ref(), Trust::Author, Some(Span::new(file, span.start, span.end))))
        }
        DeValue::Integer(i) => match i64::from_str_radix(i.as_str(), i.radix()) {
            Ok(small) => Value::Int(small),
            Err(_) => BigInt::parse_bytes(i.as_str().as_bytes(), i.radix())
                .map_or(Value::Null, |big| Value::BigInt(Arc::new(big))),
        },
        DeValue::Float(x) => Value::Float(x.as_str().replace('_', "").parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(t) => Value::Timestamp(t.to_string().replace('T', " ").into()),
        DeValue::Array(items) => Value::list(items.iter().map(|i| convert(file, i.get_ref(), i.span())).collect()),
        DeValue::Table(table) => Value::map(
            table
                .iter()
                .map(|(k, v)| (k.get_ref().as_ref().into(), convert(file, v.get_ref(), v.span())))
                .collect::<Map>(),
        ),
    }
}
