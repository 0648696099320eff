//! The task debugger: a prompt after a task ended on a host, where its arguments and variables can be looked at and
//! changed, and the task done again.

use super::batch::Batch;
use super::cursor::Cursor;
use super::dispatcher::{Run, Stop};
use super::outcome::HostOutcome;
use super::scope::{self, TaskFrame};
use super::step::keywords;
use crate::event::{Event, HostStats, TaskStatus};
use crate::names::HostName;
use crate::plan::PlannedTask;
use crate::template::Templar;
use crate::value::{Map, Value};
use indexmap::IndexSet;
use std::sync::Arc;

const HELP: &str = "\
p EXPRESSION          shows task, task.args, task_vars['name'], host, result._result
task.args['k'] = V    changes an argument of the task
task_vars['k'] = V    changes a variable for the task
u, update_task        makes the arguments anew from the task as written, with the changed variables
r, redo               does the task again
c, continue           goes on
q, quit               ends the run";

/// What was changed at the prompt.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// The task's arguments, where they are no longer those of the author.
    pub args: Option<Arc<Map>>,
    pub vars: Map,
}

/// A task that ended where the debugger is wanted, and the state before its result was taken in.
pub(super) struct Halt {
    host: HostName,
    task: Arc<PlannedTask>,
    name: String,
    result: Arc<Map>,
    hosts: Vec<(HostName, Cursor, bool, IndexSet<String>)>,
    stats: HostStats,
    failed: IndexSet<HostName>,
    unreachable: IndexSet<HostName>,
    failed_in_batch: IndexSet<HostName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Redo,
    Continue,
}

impl Run {
    /// Whether the debugger takes over after this outcome, which is still to be applied.
    pub(super) fn halt(&self, batch: &Batch, outcome: &HostOutcome) -> Option<Halt> {
        let (host, task) = (&outcome.host, &outcome.task);
        let settings = &task.keywords.settings;
        if settings.debugger.is_none() && !batch.debugging {
            return None;
        }
        let templar = scope::templar(&self.ctx, &batch.view, Some(host), &TaskFrame::of(task)).ok()?;
        let when = keywords::value(settings, "debugger", &templar).ok().flatten().map(|v| v.to_string());
        let spared = outcome.result.ignored && self.ctx.settings.bool("TASK_DEBUGGER_IGNORE_ERRORS");
        let status = outcome.result.status;
        let failed = status == TaskStatus::Failed && !spared;
        let unreachable = status == TaskStatus::Unreachable;
        let wanted = match when.as_deref() {
            Some("always") => true,
            Some("never") => false,
            Some("on_failed") if failed => true,
            Some("on_unreachable") if unreachable => true,
            Some("on_skipped") if status == TaskStatus::Skipped => true,
            _ => batch.debugging && (failed || unreachable),
        };
        let kept = |(name, run): (&HostName, &super::batch::HostRun)| {
            (name.clone(), run.cursor.clone(), run.unreachable, run.notified.clone())
        };
        wanted.then(|| Halt {
            host: host.clone(),
            task: task.clone(),
            name: outcome.info.name.clone(),
            result: outcome.registered.clone(),
            hosts: batch.hosts.iter().map(kept).collect(),
            stats: self.stats.get(host).copied().unwrap_or_default(),
            failed: self.failed.clone(),
            unreachable: self.unreachable.clone(),
            failed_in_batch: batch.failed.clone(),
        })
    }

    /// Takes the result back: the task is about to be done again.
    pub(super) fn take_back(&mut self, batch: &mut Batch, halt: Halt, run_once: bool) {
        self.stats.insert(halt.host.clone(), halt.stats);
        self.failed = halt.failed;
        self.unreachable = halt.unreachable;
        batch.failed = halt.failed_in_batch;
        for (host, cursor, unreachable, notified) in halt.hosts {
            if let Some(run) = batch.host(&host).filter(|_| run_once || host == halt.host) {
                (run.cursor, run.unreachable, run.notified) = (cursor, unreachable, notified);
            }
        }
    }

    /// Asks what to do until that is known.
    pub(super) async fn debugger(&mut self, batch: &Batch, halt: &Halt, edits: &mut Edits) -> Result<Next, Stop> {
        let kind = if halt.task.handler { "HANDLER" } else { "TASK" };
        let prompt = format!("[{}] {kind}: {} (debug)> ", halt.host, halt.name);
        let frame = TaskFrame::of(&halt.task);
        loop {
            let ask = self.ctx.ask.clone();
            let line = tokio::select! {
                biased;
                () = self.ctx.interrupt.wait() => return Err(Stop::Interrupted),
                line = ask.command(&prompt) => line,
            };
            let line = line.unwrap_or_else(|| "quit".to_owned());
            let line = line.trim();
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let templar = scope::templar(&self.ctx, &batch.view, Some(&halt.host), &frame)?.with(edits.vars.clone());
            let said = match word {
                "" => continue,
                "r" | "redo" => return Ok(Next::Redo),
                "c" | "continue" => return Ok(Next::Continue),
                "q" | "quit" | "EOF" => {
                    self.tell(Event::Debugger("User interrupted execution".to_owned()));
                    return Err(Stop::Quit);
                }
                "h" | "help" | "?" => Ok(HELP.to_owned()),
                "u" | "update_task" => templar.render(&Value::Map(halt.task.task.args.map.clone())).map(|args| {
                    if let Value::Map(args) = args {
                        edits.args = Some(args);
                    }
                    String::new()
                }),
                "p" | "pprint" if rest.trim() == "host" => Ok(halt.host.to_string()),
                "p" | "pprint" if rest.trim() == "task" => Ok(format!("{kind}: {}", halt.name)),
                "p" | "pprint" => evaluate(rest.trim(), halt, edits, &templar).map(|v| v.repr()),
                _ => match assignment(line) {
                    Some((place, key, value)) => evaluate(value, halt, edits, &templar).map(|value| {
                        edits.set(place, key, value, &halt.task);
                        String::new()
                    }),
                    None => evaluate(line, halt, edits, &templar).map(|v| v.repr()),
                },
            };
            let text = said.unwrap_or_else(|e| format!("***{}", e.message));
            if !text.is_empty() {
                self.tell(Event::Debugger(text));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Args,
    Vars,
}

impl Edits {
    fn set(&mut self, place: Place, key: &str, value: Value, task: &PlannedTask) {
        match place {
            Place::Vars => drop(self.vars.insert(key, value)),
            Place::Args => {
                let args = self.args.get_or_insert_with(|| task.task.args.map.clone());
                Arc::make_mut(args).insert(key, value);
            }
        }
    }
}

/// `task.args['key'] = value` and `task_vars['key'] = value`.
fn assignment(line: &str) -> Option<(Place, &str, &str)> {
    let (place, rest) = match line.strip_prefix("task.args") {
        Some(rest) => (Place::Args, rest),
        None => (Place::Vars, line.strip_prefix("task_vars")?),
    };
    let rest = rest.trim_start().strip_prefix('[')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (key, rest) = rest[1..].split_once(quote)?;
    let value = rest.trim_start().strip_prefix(']')?.trim_start().strip_prefix('=')?;
    (!value.starts_with('=')).then(|| (place, key, value.trim()))
}

/// An expression with `task`, `task_vars`, `host` and `result` at hand.
fn evaluate(
    source: &str,
    halt: &Halt,
    edits: &Edits,
    templar: &Templar,
) -> Result<Value, crate::template::TemplateError> {
    let mut task = Map::new();
    task.insert("name", halt.name.as_str());
    task.insert("action", halt.task.task.action.node.clone());
    task.insert("args", Value::Map(edits.args.clone().unwrap_or_else(|| halt.task.task.args.map.clone())).distrust());
    let mut result = Map::new();
    result.insert("_result", Value::Map(halt.result.clone()));
    let mut scope = Map::new();
    scope.insert("task", task);
    scope.insert("result", result);
    scope.insert("host", halt.host.as_str());
    if source.contains("task_vars")
        && let Some(Value::Map(vars)) = templar.variable("vars")?
    {
        let mut vars = (*vars).clone();
        vars.extend(edits.vars.iter().map(|(k, v)| (k.clone(), v.clone())));
        scope.insert("task_vars", vars);
    }
    templar.with(scope).expression(source)
}

#[cfg(test)]
mod tests {
    use super::{Place, assignment};

    #[test]
    fn assignments_are_told_from_expressions() {
        assert_eq!(assignment("task.args[\"that\"] = []"), Some((Place::Args, "that", "[]")));
        assert_eq!(assignment("task_vars['a b']='x'"), Some((Place::Vars, "a b", "'x'")));
        assert_eq!(assignment("task_vars['a'] == 'x'"), None);
        assert_eq!(assignment("task.args"), None);
    }
}
