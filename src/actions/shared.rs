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
        Ok(Reply::Fault(text)) => {
            ActionResult::failed(format!("the helper on the host could not run the module: {text}"))
        }
        Err(error) => remote_failure(&error),
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
