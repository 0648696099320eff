//! Station 13: from an action's result to the task's: `changed_when`, `failed_when`, `until`, retries.

use crate::actions::ActionResult;
use crate::event::TaskStatus;
use crate::plan::PlannedTask;
use crate::playbook::Templated;
use crate::run::condition::all_hold;
use crate::run::step::keywords;
use crate::template::{Templar, TemplateError};
use crate::value::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Retries used where `until` is given without `retries`.
const DEFAULT_RETRIES: i64 = 3;
/// Seconds between tries.
const DEFAULT_DELAY: f64 = 5.0;

/// How often an action is tried.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    pub count: i64,
    pub delay: Duration,
}

/// # Errors
/// When `retries` or `delay` cannot be rendered.
pub fn tries(task: &PlannedTask, templar: &Templar) -> Result<Tries, TemplateError> {
    let number = |keyword: &str, written: &Option<Templated>| -> Result<Option<f64>, TemplateError> {
        Ok(keywords::own(keyword, written.as_ref(), templar)?.and_then(|v| v.to_string().trim().parse().ok()))
    };
    let retries = number("retries", &task.task.retries)?;
    let count = match retries {
        Some(n) => 1 + (n as i64).max(0),
        None if !task.task.until.is_empty() => 1 + DEFAULT_RETRIES,
        None => 1,
    };
    let delay = number("delay", &task.task.delay)?.unwrap_or(DEFAULT_DELAY);
    Ok(Tries { count, delay: Duration::from_secs_f64(if delay < 0.0 { 1.0 } else { delay }) })
}

/// What a failed result says of its traceback.
pub const NO_TRACEBACK: &str = "(traceback unavailable)";

/// Completes a result with what the task's conditions say of it. True when no further try is due.
pub fn judge(result: &mut ActionResult, task: &PlannedTask, templar: &Templar, attempt: i64, tries: &Tries) -> bool {
    if !result.data.contains_key("failed") {
        let failed = result.data.get("rc").is_some_and(|rc| !matches!(rc, Value::Int(0)) && rc.as_str() != Some("0"));
        result.data.insert("failed", failed);
    }
    if !result.data.contains_key("changed") {
        result.data.insert("changed", false);
    }
    if tries.count > 1 {
        result.data.insert("attempts", attempt);
    }
    if result.is("unreachable") {
        return true;
    }
    let failed = result.is("failed");
    if !result.data.contains_key("skipped") {
        apply_conditions(result, task, templar);
    }
    result.condemned = !failed && result.is("failed");
    if tries.count == 1 {
        return true;
    }
    let done = if task.task.until.is_empty() {
        !result.is("failed")
    } else {
        match holds(&task.task.until, result, task, templar) {
            Ok(done) => done,
            Err(e) => {
                *result = crate::run::step::failure::template(&e, &[]);
                return true;
            }
        }
    };
    if done {
        return true;
    }
    if attempt < tries.count {
        result.data.insert("retries", tries.count);
        return false;
    }
    result.data.insert("attempts", tries.count - 1);
    result.condemned |= !result.is("failed");
    result.data.insert("failed", true);
    true
}

fn apply_conditions(result: &mut ActionResult, task: &PlannedTask, templar: &Templar) {
    if !task.task.changed_when.is_empty() {
        match holds(&task.task.changed_when, result, task, templar) {
            Ok(changed) => drop(result.data.insert("changed", changed)),
            Err(e) => {
                result.data.insert("failed", true);
                result.data.insert("changed_when_result", e.message);
                return;
            }
        }
    }
    if !task.task.failed_when.is_empty() {
        match holds(&task.task.failed_when, result, task, templar) {
            Ok(failed) => {
                let before = result.is("failed");
                result.data.insert("failed_when_result", failed);
                result.data.insert("failed", failed);
                if before && !failed {
                    result.data.insert("failed_when_suppressed_exception", NO_TRACEBACK);
                }
            }
            Err(e) => {
                result.data.insert("failed", true);
                result.data.insert("failed_when_result", e.message);
            }
        }
    }
}

/// Conditions with the result at hand: registered, and its facts as variables.
fn holds(
    conditions: &[Templated],
    result: &ActionResult,
    task: &PlannedTask,
    templar: &Templar,
) -> Result<bool, TemplateError> {
    let mut vars = Map::new();
    if let Some(Value::Map(facts)) = result.data.get("ansible_facts") {
        vars.extend(facts.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    if let Some(name) = &task.task.register {
        vars.insert(&*name.node, Value::Map(Arc::new(result.data.clone())));
    }
    Ok(all_hold(conditions, &templar.with(vars))?.is_ok())
}

/// What a result amounts to. `failed_when` has the last word, also over tries that are used up.
pub fn status(result: &ActionResult) -> TaskStatus {
    let failed = result.data.get("failed_when_result").or_else(|| result.data.get("failed"));
    if result.is("unreachable") {
        TaskStatus::Unreachable
    } else if failed.is_some_and(Value::truthy) {
        TaskStatus::Failed
    } else if result.is("skipped") {
        TaskStatus::Skipped
    } else if result.is("changed") {
        TaskStatus::Changed
    } else {
        TaskStatus::Ok
    }
}

/// What a `no_log` task shows.
pub fn censored(data: &Map) -> Map {
    let mut out = Map::new();
    out.insert(
        "censored",
        "the output has been hidden due to the fact that 'no_log: true' was specified for this result",
    );
    for key in ["changed", "attempts", "retries", "unreachable"] {
        if let Some(value) = data.get(key) {
            out.insert(key, value.clone());
        }
    }
    out
}
