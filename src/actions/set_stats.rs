//! `set_stats`: figures for the end of the run.

use super::{ActionCall, ActionResult, Effect, set_fact};
use crate::value::{Map, Value};

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    // A word that is no boolean counts as false.
    let flag = |name: &str, default: bool| match call.args.get(name) {
        None | Some(Value::Null) => default,
        Some(value) => value.as_spelled_bool().unwrap_or(false),
    };
    let (per_host, aggregate) = (flag("per_host", false), flag("aggregate", true));
    let data = match call.args.get("data") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Map(map)) => (**map).clone(),
        Some(_) => return ActionResult::failed("The 'data' option needs to be a dictionary/hash"),
    };
    for key in data.keys() {
        if let Err(message) = set_fact::variable_name(&key.to_value()) {
            return ActionResult::failed(format!("Task failed: {message}"));
        }
    }
    let mut shown = Map::new();
    shown.insert("data", data.clone());
    shown.insert("per_host", per_host);
    shown.insert("aggregate", aggregate);
    ActionResult::ok().with("ansible_stats", shown).effect(Effect::Stats { data, per_host, aggregate })
}
