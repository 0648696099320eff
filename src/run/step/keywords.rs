//! Keywords in force for a task on a host, rendered.

use crate::names::HostName;
use crate::plan::{Inherited, PlannedTask};
use crate::playbook::keywords::told;
use crate::playbook::{KEYWORDS, Settings, Templated};
use crate::run::RunContext;
use crate::template::{ErrorKind, Templar, TemplateError};
use crate::value::Value;
use std::time::Duration;

/// The keywords that steer one item's run.
#[derive(Clone, Debug)]
pub struct Keywords {
    pub check: bool,
    pub diff: bool,
    pub no_log: bool,
    pub ignore_errors: bool,
    pub ignore_unreachable: bool,
    pub delegate_to: Option<HostName>,
    pub delegate_facts: bool,
    pub timeout: Option<Duration>,
    pub notify: Vec<String>,
}

/// Renders one keyword: the nearest level's value, or an outer one's where the nearer becomes `omit`.
///
/// # Errors
/// When its template fails or gives what the keyword cannot be, told where it stands.
pub fn value(settings: &Settings, keyword: &str, templar: &Templar) -> Result<Option<Value>, TemplateError> {
    let mut at = settings.get(keyword);
    while let Some(one) = at {
        match rendered(keyword, &one.value, templar).map_err(|e| e.or_at(Some(one.span)))? {
            Value::Omit => at = one.outer.as_ref(),
            Value::Null => return Ok(None),
            value => return Ok(Some(value)),
        }
    }
    Ok(None)
}

/// The value of a keyword that is not inherited.
///
/// # Errors
/// As [`value`].
pub fn own(keyword: &str, written: Option<&Templated>, templar: &Templar) -> Result<Option<Value>, TemplateError> {
    let Some(written) = written else { return Ok(None) };
    let value = rendered(keyword, &written.node, templar).map_err(|e| e.or_at(Some(written.span)))?;
    Ok(Some(value).filter(|v| !v.is_null() && !v.is_omit()))
}

fn rendered(keyword: &str, written: &Value, templar: &Templar) -> Result<Value, TemplateError> {
    let value =
        templar.render(written).map_err(|e| e.within(&format!("Error processing keyword '{}'", told(keyword))))?;
    let misfit =
        KEYWORDS.iter().find(|k| k.name == keyword).filter(|_| !value.is_omit()).and_then(|k| k.misfit(&value));
    match misfit {
        Some(reason) => Err(TemplateError::new(ErrorKind::Failed, reason)),
        None => Ok(value),
    }
}

/// A boolean keyword.
///
/// # Errors
/// As [`value`].
pub fn flag(settings: &Settings, keyword: &str, templar: &Templar) -> Result<Option<bool>, TemplateError> {
    Ok(value(settings, keyword, templar)?.map(|v| v.as_spelled_bool().unwrap_or_else(|| v.truthy())))
}

/// A number.
///
/// # Errors
/// As [`value`].
pub fn number(settings: &Settings, keyword: &str, templar: &Templar) -> Result<Option<f64>, TemplateError> {
    Ok(value(settings, keyword, templar)?.and_then(|v| v.to_string().trim().parse().ok()))
}

/// All of a task's keywords.
///
/// # Errors
/// The first that cannot be rendered.
pub fn render(task: &PlannedTask, templar: &Templar, ctx: &RunContext) -> Result<Keywords, TemplateError> {
    let settings = &task.keywords.settings;
    // Used for all hosts together or when the task has ended; a wrong one fails it here.
    for keyword in ["any_errors_fatal", "debugger"] {
        value(settings, keyword, templar)?;
    }
    Ok(Keywords {
        check: flag(settings, "check_mode", templar)?.unwrap_or(ctx.options.check),
        diff: flag(settings, "diff", templar)?.unwrap_or(ctx.options.diff),
        no_log: no_log(&task.keywords, templar, ctx)?,
        ignore_errors: flag(settings, "ignore_errors", templar)?.unwrap_or(false),
        ignore_unreachable: flag(settings, "ignore_unreachable", templar)?.unwrap_or(false),
        delegate_to: delegate(&task.keywords, templar)?,
        delegate_facts: flag(settings, "delegate_facts", templar)?.unwrap_or(false),
        timeout: timeout(number(settings, "timeout", templar)?)?,
        notify: names(value(settings, "notify", templar)?),
    })
}

fn timeout(seconds: Option<f64>) -> Result<Option<Duration>, TemplateError> {
    match seconds {
        Some(s) if !(0.0..=100_000_000.0).contains(&s) => Err(TemplateError::new(
            ErrorKind::Failed,
            format!("Timeout {s} is invalid, it must be between 0 and 100000000."),
        )),
        seconds => Ok(seconds.filter(|s| *s > 0.0).map(Duration::from_secs_f64)),
    }
}

/// # Errors
/// As [`value`].
pub fn no_log(keywords: &Inherited, templar: &Templar, ctx: &RunContext) -> Result<bool, TemplateError> {
    Ok(flag(&keywords.settings, "no_log", templar)?.unwrap_or_else(|| ctx.settings.bool("DEFAULT_NO_LOG")))
}

/// The host that the nearest level names; `omit` there means none, as does a text that is empty as written.
///
/// # Errors
/// When its template fails, or gives no name.
pub fn delegate(keywords: &Inherited, templar: &Templar) -> Result<Option<HostName>, TemplateError> {
    let Some(nearest) = keywords.settings.delegate_to.as_ref().filter(|s| s.value.truthy()) else { return Ok(None) };
    let value = templar.render(&nearest.value).map_err(|e| e.or_at(Some(nearest.span)))?;
    if value.is_omit() {
        return Ok(None);
    }
    if !value.truthy() {
        let message = format!("Empty hostname produced from delegate_to: \"{}\"", nearest.value);
        return Err(TemplateError::new(ErrorKind::Failed, message));
    }
    Ok(Some(HostName::from(value.to_string())))
}

/// One name or a list of them.
fn names(value: Option<Value>) -> Vec<String> {
    match value {
        None => vec![],
        Some(Value::List(items)) => items.iter().map(Value::to_string).collect(),
        Some(one) => vec![one.to_string()],
    }
}
