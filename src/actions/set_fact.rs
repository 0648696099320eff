//! `set_fact`: variables of the host from now on.

use super::{ActionCall, ActionResult, Effect};
use crate::value::{Map, Value};
use std::sync::Arc;

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let mut facts = Map::new();
    let mut cacheable = false;
    for (key, value) in &call.args {
        let Some(name) = key.as_str() else {
            return ActionResult::failed(format!("The variable name '{}' is not valid.", key.to_value()));
        };
        if name == "cacheable" {
            cacheable = match value.as_spelled_bool() {
                Some(b) => b,
                None => return ActionResult::failed(format!("cacheable must be a boolean, got: {value}")),
            };
            continue;
        }
        if !is_identifier(name) {
            return ActionResult::failed(format!(
                "Invalid variable name {}. Variable names must start with a letter or underscore character, and contain \
                 only letters, numbers and underscores.",
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

/// Python's rule for names, without its keywords.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
