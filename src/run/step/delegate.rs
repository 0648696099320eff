//! Station 9: the host that the work is done on, and how it is reached.

use crate::diag::Diagnostic;
use crate::names::HostName;
use crate::plan::PlannedTask;
use crate::remote::{ConnectionDefaults, Target};
use crate::run::RunContext;
use crate::run::step::keywords;
use crate::template::{Templar, TemplateError};
use crate::value::Value;

/// The target of a task: variables win over keywords, keywords over command line and settings. `templar` has the variables
/// of the host that is worked on (the delegate's, where there is one); `keywords_templar` those of the task's own host.
///
/// # Errors
/// When a connection variable or keyword cannot be rendered or used.
pub fn target(
    host: &HostName,
    task: &PlannedTask,
    templar: &Templar,
    keywords_templar: &Templar,
    ctx: &RunContext,
    implicit_local: bool,
) -> Result<Target, Diagnostic> {
    let mut defaults = with_keywords(task, keywords_templar, &ctx.connection).map_err(Diagnostic::from)?;
    if implicit_local {
        "local".clone_into(&mut defaults.connection);
    }
    let lookup = |name: &str| -> Result<Option<Value>, Diagnostic> {
        templar.variable(name).map_err(Diagnostic::from).map(|v| v.filter(|v| !v.is_omit()))
    };
    Target::new(host, &lookup, &defaults)
}

fn with_keywords(
    task: &PlannedTask,
    templar: &Templar,
    base: &ConnectionDefaults,
) -> Result<ConnectionDefaults, TemplateError> {
    let settings = &task.keywords.settings;
    let text = |keyword| -> Result<Option<String>, TemplateError> {
        Ok(keywords::value(settings, keyword, templar)?.map(|v| v.to_string()).filter(|t| !t.is_empty()))
    };
    let mut out = base.clone();
    if let Some(connection) = text("connection")? {
        out.connection = connection;
    }
    if let Some(user) = text("remote_user")? {
        out.remote_user = Some(user);
    }
    if let Some(port) = text("port")?.and_then(|p| p.parse().ok()) {
        out.remote_port = Some(port);
    }
    if let Some(on) = keywords::flag(settings, "become", templar)? {
        out.escalate = on;
    }
    if let Some(method) = text("become_method")? {
        out.become_method = method;
    }
    if let Some(user) = text("become_user")? {
        out.become_user = Some(user);
    }
    if let Some(flags) = text("become_flags")? {
        out.become_flags = Some(flags);
    }
    if let Some(exe) = text("become_exe")? {
        out.become_exe = Some(exe);
    }
    Ok(out)
}
