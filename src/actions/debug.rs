//! `debug`: shows a message or a variable.

use super::{ActionCall, ActionResult, shared};
use crate::value::Value;

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let verbosity = call.args.get("verbosity").and_then(Value::as_int).unwrap_or(0);
    if i64::from(call.verbosity) < verbosity {
        return ActionResult { verbose: true, ..ActionResult::default() }
            .with("skipped_reason", "Verbosity threshold not met.")
            .with("skipped", true);
    }
    let mut result =
        match (call.args.get("msg").filter(|m| !m.is_null()), call.args.get("var").filter(|v| !v.is_null())) {
            (Some(_), Some(_)) => return ActionResult::failed("'msg' and 'var' are incompatible options"),
            (Some(msg), None) => ActionResult::default().with("msg", msg.clone()),
            (None, None) => ActionResult::default().with("msg", "Hello world!"),
            (None, Some(Value::Str(expression))) => match call.templar.shown(expression) {
                Ok((value, warnings)) => ActionResult { warnings, ..ActionResult::default() }.with(expression, value),
                Err(e) => return shared::template_failure(&e),
            },
            // Anything that is no name is shown as it is.
            (None, Some(var)) => ActionResult::default().with(&var.to_string(), var.clone()),
        };
    result.verbose = true;
    result.with("changed", false).with("failed", false)
}
