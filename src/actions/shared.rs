//! What actions have in common: replies as results, templates' errors as results.

use super::{ActionResult, Effect};
use crate::event::Cause;
use crate::remote::RemoteError;
use crate::template::TemplateError;
use crate::value::{Map, Value};
use std::sync::Arc;
use tightbeam_modules::contract::wire::Reply;
use tightbeam_modules::contract::{Deprecation, Diff};

/// A helper's answer as a result dictionary. Text in it is foreign: never a template.
pub fn reply_result(reply: Result<Reply, RemoteError>) -> ActionResult {
    match reply {
        Ok(Reply::Outcome(outcome)) => {
            let mut data: Map = outcome.values.into();
            data.insert("changed", outcome.changed);
            if outcome.skipped {
                data.insert("skipped", true);
            }
            insert_diff(&mut data, outcome.diff);
            let mut result = ActionResult { data, warnings: outcome.warnings, ..ActionResult::default() };
            result.deprecations = outcome.deprecations.into_iter().map(deprecation).collect();
            if let Some(facts) = outcome.facts {
                let facts: Arc<Map> = Arc::new(facts.into());
                result.data.insert("ansible_facts", Value::Map(facts.clone()));
                result.effects.push(Effect::Facts(facts));
            }
            split_lines(&mut result.data);
            result
        }
        Ok(Reply::Failure(failure)) => {
            let mut data: Map = failure.values.into();
            data.insert("failed", true);
            data.insert("msg", failure.msg);
            data.insert("changed", failure.changed);
            insert_diff(&mut data, failure.diff);
            split_lines(&mut data);
            ActionResult { data, warnings: failure.warnings, ..ActionResult::default() }
        }
        Ok(Reply::Passed) => ActionResult::failed("it was not run: a task before it failed"),
        Ok(Reply::Fault(text)) => {
            ActionResult::failed(format!("the helper on the host could not run the module: {text}"))
        }
        Err(error) => remote_failure(&error),
    }
}

/// The dictionary that a module printed, as a result. Text in it is foreign: never a template.
pub fn printed_result(mut data: Map) -> ActionResult {
    let mut result = ActionResult::default();
    if let Some(Value::List(warnings)) = data.remove("warnings") {
        result.warnings.extend(warnings.iter().map(Value::to_string));
    }
    if let Some(Value::List(notes)) = data.remove("deprecations") {
        result.deprecations.extend(notes.iter().map(printed_deprecation));
    }
    let internal: Vec<_> = data.keys().filter(|k| k.to_json_key().starts_with("_ansible_")).cloned().collect();
    for key in internal {
        data.remove(&key.to_json_key());
    }
    if let Some(Value::Map(facts)) = data.get("ansible_facts") {
        result.effects.push(Effect::Facts(Arc::clone(facts)));
    }
    split_lines(&mut data);
    result.data = data;
    result
}

fn printed_deprecation(note: &Value) -> String {
    let text = |key: &str| note.as_map().and_then(|m| m.get(key)).filter(|v| !v.is_null()).map(Value::to_string);
    match text("msg") {
        Some(msg) => deprecation(Deprecation { msg, version: text("version") }),
        None => note.to_string(),
    }
}

/// A call that did not get through.
pub fn remote_failure(error: &RemoteError) -> ActionResult {
    let message = std::iter::once(error.to_string()).chain(error.hints()).collect::<Vec<_>>().join("\n");
    let msg = format!("Task failed: {message}");
    let mut result = if error.is_unreachable() { ActionResult::unreachable(msg) } else { ActionResult::failed(msg) };
    result.causes = vec![Cause { message, span: None }];
    result
}

fn deprecation(d: Deprecation) -> String {
    match d.version {
        Some(version) => format!("{} This feature will be removed in version {version}.", d.msg),
        None => d.msg,
    }
}

fn insert_diff(data: &mut Map, mut diff: Vec<Diff>) {
    let as_value = |d: Diff| Value::from(serde_json::to_value(d).unwrap_or_default());
    match diff.len() {
        0 => {}
        1 => drop(data.insert("diff", as_value(diff.remove(0)))),
        _ => drop(data.insert("diff", diff.into_iter().map(as_value).collect::<Vec<_>>())),
    }
}

/// Adds `stdout_lines` and `stderr_lines`.
pub fn split_lines(data: &mut Map) {
    for (key, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
        if let Some(Value::Str(text)) = data.get(key)
            && !data.contains_key(lines)
        {
            let list: Vec<Value> = text_lines(text).map(Value::from).collect();
            data.insert(lines, list);
        }
    }
}

/// Python's `splitlines` for the line ends that programs print.
fn text_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end =
            rest.find(['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}']);
        let Some(end) = end else { return Some(std::mem::take(&mut rest)) };
        let line = &rest[..end];
        let skip =
            if rest[end..].starts_with("\r\n") { 2 } else { rest[end..].chars().next().map_or(1, char::len_utf8) };
        rest = &rest[end + skip..];
        Some(line)
    })
}

/// A failure that is told as it is, with a few words in front.
pub(super) fn told(mut result: ActionResult, before: &str) -> ActionResult {
    let msg = result.data.get("msg").map(Value::to_string).unwrap_or_default();
    result.causes = vec![Cause { message: format!("{before}{msg}"), span: None }];
    result
}

/// A template that an action evaluated failed.
pub(super) fn template_failure(error: &TemplateError) -> ActionResult {
    let mut result = ActionResult::failed(format!("Task failed: {}", error.message));
    result.causes = vec![Cause { message: error.message.clone(), span: error.span }];
    result
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_end_as_in_python() {
        let lines: Vec<&str> = super::text_lines("a\r\nb\n\nc\rd").collect();
        assert_eq!(lines, ["a", "b", "", "c", "d"]);
        assert_eq!(super::text_lines("").count(), 0);
    }
}
