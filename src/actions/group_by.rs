//! `group_by`: puts the host into a group named after a variable.

use super::{ActionCall, ActionResult, Effect};
use crate::value::Value;

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let Some(key) = call.args.get("key").filter(|k| !k.is_null()) else {
        return ActionResult::failed("the 'key' param is required when using group_by");
    };
    let group = key.to_string().replace(' ', "-");
    let parents: Vec<String> = match call.args.get("parents") {
        None | Some(Value::Null) => vec!["all".to_owned()],
        Some(Value::List(items)) => items.iter().map(|p| p.to_string().replace(' ', "-")).collect(),
        Some(one) => vec![one.to_string().replace(' ', "-")],
    };
    ActionResult::ok()
        .with("add_group", group.as_str())
        .with("parent_groups", parents.iter().map(|p| Value::from(p.as_str())).collect::<Vec<_>>())
        .effect(Effect::GroupBy { group, parents })
}
