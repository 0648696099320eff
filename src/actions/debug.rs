//! `debug`: shows a message or a variable; `ansible._protomatter.debug`: shows expressions.

use super::{ActionCall, ActionResult, shared};
use crate::value::{Text, Value};

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

/// The values of a list of expressions; what is undefined in them is told instead of failing.
pub(super) fn expressions(call: &ActionCall<'_>) -> ActionResult {
    let given = call.args.get("expression").and_then(Value::as_list);
    let sources: Option<Vec<Text>> = given.and_then(|items| {
        let text = |item: &Value| if let Value::Str(text) = item { Some(text.clone()) } else { None };
        items.iter().map(text).collect()
    });
    let Some(sources) = sources else {
        return ActionResult::failed("the argument 'expression' must be a list of expressions");
    };
    match call.templar.shown_all(&sources) {
        Ok((values, warnings)) => ActionResult { warnings, verbose: true, ..ActionResult::default() }
            .with("changed", false)
            .with("expression_result", Value::list(values)),
        Err(e) => shared::template_failure(&e),
    }
}
