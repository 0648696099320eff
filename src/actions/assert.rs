//! `assert`: fails unless all conditions hold.

use super::{ActionCall, ActionResult};
use crate::value::Value;

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let args = &call.args;
    let message = |names: &[&str]| names.iter().find_map(|n| args.get(n)).filter(|v| !v.is_null()).cloned();
    let fail_msg = message(&["fail_msg", "msg"]).unwrap_or_else(|| "Assertion failed".into());
    let success_msg = message(&["success_msg"]).unwrap_or_else(|| "All assertions passed".into());
    let quiet = args.get("quiet").is_some_and(Value::truthy);
    let Some(that) = args.get("that") else { return ActionResult::failed("missing required arguments: that") };
    let conditions: Vec<Value> = match that {
        Value::List(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    for condition in &conditions {
        match call.templar.condition(condition) {
            Ok(true) => {}
            Ok(false) => {
                let mut result = ActionResult::default().with("failed", true).with("changed", false);
                if !quiet {
                    result = result.with("evaluated_to", false).with("assertion", condition.clone());
                }
                result = result.with("msg", fail_msg);
                result.verbose = !quiet;
                return result;
            }
            Err(e) => return super::shared::template_failure(&e),
        }
    }
    let mut result = ActionResult::ok().with("msg", success_msg);
    result.verbose = !quiet;
    result
}
