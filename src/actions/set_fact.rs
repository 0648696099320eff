//! `set_fact`: variables of the host from now on.

use super::{ActionCall, ActionResult, Effect};
use crate::template::TemplateError;
use crate::value::{Key, Map, Value};
use std::sync::Arc;

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let mut facts = Map::new();
    let mut cacheable = false;
    for (key, value) in &call.args {
        let name = match rendered(call, key) {
            Ok(name) => name,
            Err(e) => return super::shared::template_failure(&e),
        };
        let name = match variable_name(&name) {
            Ok(name) => name,
            Err(message) => return ActionResult::failed(format!("Task failed: {message}")),
        };
        if name == "cacheable" {
            cacheable = match value.as_spelled_bool() {
                Some(b) => b,
                None => return ActionResult::failed(format!("cacheable must be a boolean, got: {value}")),
            };
            continue;
        }
        facts.insert(name, value.clone().settled());
    }
    if facts.is_empty() {
        return ActionResult::failed(
            "No key/value pairs provided, at least one is required for this action to succeed",
        );
    }
    let facts = Arc::new(facts);
    ActionResult::ok().with("ansible_facts", Value::Map(facts.clone())).effect(Effect::SetFact { facts, cacheable })
}

/// A variable's name; one that the author wrote may be a template.
fn rendered(call: &ActionCall<'_>, key: &Key) -> Result<Value, TemplateError> {
    let written = call.task.task.args.map.contains_key(&key.to_json_key());
    match key {
        Key::Str(text) if written => call.templar.render(&Value::trusted(text.clone())),
        _ => Ok(key.to_value()),
    }
}

/// The name of a variable: Python's rule for identifiers, without the words that Jinja keeps for itself.
///
/// # Errors
/// That the value is none.
pub(super) fn variable_name(value: &Value) -> Result<&str, String> {
    let shown = crate::value::repr_str(&value.to_string());
    match value {
        Value::Str(name) if is_identifier(name) => Ok(name),
        Value::Str(_) => Err(format!("Invalid variable name {shown}.")),
        Value::List(_) | Value::Map(_) => Err(format!("Invalid variable name of type '{}'.", value.type_name())),
        _ => Err(format!("Invalid variable name {shown} of type '{}'.", value.type_name())),
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !matches!(name, "true" | "false" | "none" | "True" | "False" | "None" | "not")
}
