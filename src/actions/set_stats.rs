//! `set_stats`: figures for the end of the run.

use super::{ActionCall, ActionResult, Effect, set_fact};
use crate::value::{Map, Value};

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let flag = |name: &str, default: bool| call.args.get(name).map_or(Some(default), Value::as_spelled_bool);
    let (Some(per_host), Some(aggregate)) = (flag("per_host", false), flag("aggregate", true)) else {
        return ActionResult::failed("per_host and aggregate must be booleans");
    };
    let data = match call.args.get("data") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Map(map)) => (**map).clone(),
        Some(other) => {
            return ActionResult::failed(format!(
                "The 'data' option needs to be a dictionary/hash, got {}",
                other.type_name()
            ));
        }
    };
    for key in data.keys() {
        let name = key.to_value().to_string();
        if !set_fact::is_identifier(&name) {
            return ActionResult::failed(format!(
                "The variable name '{name}' is not valid. Variables must start with a letter or underscore character, and \
                 contain only letters, numbers and underscores."
            ));
        }
    }
    let mut shown = Map::new();
    shown.insert("data", data.clone());
    shown.insert("per_host", per_host);
    shown.insert("aggregate", aggregate);
    ActionResult::ok().with("ansible_stats", shown).effect(Effect::Stats { data, per_host, aggregate })
}
