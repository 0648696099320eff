//! Failures of a task before its action ran: as a result with its chain of causes.

use crate::actions::ActionResult;
use crate::diag::Span;
use crate::event::Cause;
use crate::template::TemplateError;

/// A template of the task failed. `doing` says what was being rendered, and where that stands.
pub fn template(error: &TemplateError, doing: &[(String, Option<Span>)]) -> ActionResult {
    let mut causes: Vec<Cause> =
        doing.iter().map(|(message, span)| Cause { message: message.clone(), span: *span }).collect();
    let (Some(help), Some((last, outer))) = (error.help, error.causes.split_last()) else {
        causes.push(Cause { message: error.message.clone(), span: error.span });
        return failed(causes);
    };
    let outer: Vec<&str> = outer.iter().map(|doing| doing.trim_end_matches('.')).collect();
    causes.push(Cause { message: outer.join(": "), span: error.span });
    causes.push(Cause { message: last.clone(), span: None });
    let mut result = failed(causes);
    if let Some(cause) = result.causes.last_mut() {
        cause.message = format!("{last} {help}");
    }
    result
}

/// What a task was to iterate over, or how, cannot be had: told without a preamble.
pub fn of_loop(error: &TemplateError) -> ActionResult {
    ActionResult { causes: template(error, &[]).causes, ..ActionResult::failed(error.message.as_str()) }
}

/// A failure told by its causes, outermost first; `Task failed` goes in front when it is shown.
pub fn failed(causes: Vec<Cause>) -> ActionResult {
    let words: Vec<&str> = std::iter::once("Task failed").chain(causes.iter().map(|c| c.message.as_str())).collect();
    let msg = words.join(": ");
    let mut result = ActionResult::default().with("failed", true).with("changed", false).with("msg", msg);
    result.causes = causes;
    result
}
