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
        let name = name.as_str();
        if name == "cacheable" {
            cacheable = match value.as_spelled_bool() {
                Some(b) => b,
                None => return ActionResult::failed(format!("cacheable must be a boolean, got: {value}")),
            };
            continue;
        }
        if !is_identifier(name) {
            return ActionResult::failed(format!(
                "Task failed: Invalid variable name {}.",
                crate::value::repr_str(name)
            ));
        }
        facts.insert(name, value.clone().distrust());
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
fn rendered(call: &ActionCall<'_>, key: &Key) -> Result<String, TemplateError> {
    let text = key.to_json_key();
    if !text.contains("{{") || call.task.task.args.map.get(&text).is_none() {
        return Ok(text);
    }
    call.templar.render(&Value::trusted(text)).map(|v| v.to_string())
}

/// Python's rule for names, without its keywords.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
