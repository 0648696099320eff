//! `debug`: shows a message or a variable.

use super::{ActionCall, ActionResult, shared};
use crate::value::Value;

const OMITTED: &str = "The result of the `var` expression could not be omitted; a placeholder was used instead.";

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let verbosity = call.args.get("verbosity").and_then(Value::as_int).unwrap_or(0);
    if i64::from(call.verbosity) < verbosity {
        return ActionResult { verbose: true, ..ActionResult::default() }
            .with("skipped_reason", "Verbosity threshold not met.")
            .with("skipped", true);
    }
    let given = |name| call.args.get(name).filter(|v| !v.is_null());
    let mut result = match (given("msg"), given("var")) {
        (Some(_), Some(_)) => return ActionResult::failed("parameters are mutually exclusive: msg|var"),
        (Some(msg), None) => ActionResult::default().with("msg", msg.clone()),
        (None, Some(Value::Str(source))) if !source.is_empty() => match call.templar.shown(source) {
            Ok((Value::Omit, _)) => {
                let mut result = ActionResult::default().with(source, "<<Omit>>");
                result.warnings.push(OMITTED.to_owned());
                result
            }
            Ok((value, warnings)) => ActionResult { warnings, ..ActionResult::default() }.with(source, value),
            Err(e) => return shared::template_failure(&e),
        },
        (None, None | Some(Value::Str(_))) => ActionResult::default().with("msg", "Hello world!"),
        (None, Some(other)) => {
            return ActionResult::failed(format!(
                "argument 'var' is of type {} and we were unable to convert to str: '{}' is not a string and conversion is not allowed",
                other.type_name(),
                other.repr(),
            ));
        }
    };
    result.verbose = true;
    result.with("changed", false).with("failed", false)
}
