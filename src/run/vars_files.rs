//! `vars_files`: what a play adds to every task's variables from files.

use super::context::RunContext;
use super::play::PlayView;
use super::scope::{self, TaskFrame};
use crate::diag::{Code, Diagnostic, Severity};
use crate::names::HostName;
use crate::template::{ErrorKind, Templar};
use crate::value::{Map, Value};
use crate::vars::PlayVars;
use std::sync::Arc;

/// Reads a play's `vars_files`. Those whose names need a host's variables are left for [`with_late`].
///
/// # Errors
/// When a file cannot be read.
pub fn load(ctx: &RunContext, mut view: PlayView) -> Result<PlayView, Diagnostic> {
    let mut late = Vec::new();
    for alternatives in view.play.play.vars_files.clone() {
        let templar = scope::of_play(ctx, &view)?;
        match first_of(ctx, &view, &alternatives, &templar) {
            Ok(Some(vars)) => Arc::make_mut(&mut view.vars).vars_files.push(vars),
            Ok(None) => {}
            Err(Fault::Undefined) => late.push(alternatives),
            Err(Fault::Wrong(diagnostic)) => return Err(*diagnostic),
        }
    }
    view.late_files = Arc::new(late);
    Ok(view)
}

/// A play's variables with the files whose names depend on the host; those that cannot be named yet are left out.
///
/// # Errors
/// When a file cannot be read.
pub fn with_late(ctx: &RunContext, view: &PlayView, host: &HostName) -> Result<Arc<PlayVars>, Diagnostic> {
    let early = PlayView { late_files: Arc::default(), ..view.clone() };
    let mut vars = (*view.vars).clone();
    for alternatives in view.late_files.iter() {
        let templar = scope::templar(ctx, &early, Some(host), &TaskFrame::default())?;
        match first_of(ctx, view, alternatives, &templar) {
            Ok(Some(file)) => vars.vars_files.push(file),
            Ok(None) | Err(Fault::Undefined) => {}
            Err(Fault::Wrong(diagnostic)) if diagnostic.severity == Severity::Warning => {}
            Err(Fault::Wrong(diagnostic)) => return Err(*diagnostic),
        }
    }
    Ok(Arc::new(vars))
}

enum Fault {
    Undefined,
    Wrong(Box<Diagnostic>),
}

/// The first of some files that exists; that there is none is no fault, as in Ansible.
fn first_of(
    ctx: &RunContext,
    view: &PlayView,
    alternatives: &[Value],
    templar: &Templar,
) -> Result<Option<Arc<Map>>, Fault> {
    let wrong = |d: Diagnostic| Fault::Wrong(Box::new(d));
    for written in alternatives {
        let name = templar.render(written).map_err(|e| match e.kind {
            ErrorKind::Undefined => Fault::Undefined,
            _ => wrong(e.into()),
        })?;
        let Value::Str(name) = &name else {
            let message = format!("Invalid `vars_files` value of type '{}'.", name.type_name());
            return Err(wrong(Diagnostic::error(Code::KEYWORD_TYPE, message).at(written.origin(), "")));
        };
        let path = crate::files::expand_home(name, |n| std::env::var(n).ok());
        for dir in [view.play.dir.join("vars"), view.play.dir.to_path_buf()] {
            let path = dir.join(&path);
            if ctx.files.is_file(&path) {
                return ctx.planner.loader.vars_file(&path, written.origin()).map(Some).map_err(wrong);
            }
        }
    }
    Ok(None)
}
