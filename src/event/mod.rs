//! What happened, as data: the contract between the engine and everything that shows or stores a run.

mod stats;

pub use stats::HostStats;

use crate::diag::{Diagnostic, Span};
use crate::names::HostName;
use crate::value::{Map, Value};
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How a task ended on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    Ok,
    Changed,
    Skipped,
    Failed,
    Unreachable,
}

impl TaskStatus {
    pub fn is_failure(self) -> bool {
        matches!(self, TaskStatus::Failed | TaskStatus::Unreachable)
    }
}

/// One link of a failure's chain of causes, outermost first.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub message: String,
    /// Where the author wrote what failed.
    pub span: Option<Span>,
}

/// What a task (or one item of its loop) gave on one host.
#[derive(Clone, Debug)]
pub struct TaskResult {
    pub host: HostName,
    /// The host the work was delegated to, where it is another one.
    pub delegated_to: Option<HostName>,
    /// The delegate's `ansible_host`, where that is not its name.
    pub delegate_address: Option<String>,
    pub status: TaskStatus,
    /// It failed or was unreachable, and the play goes on as if it had not (`ignore_errors`, `ignore_unreachable`).
    pub ignored: bool,
    /// The result dictionary as a playbook registers it. Never holds a secret of a `no_log` task.
    pub data: Arc<Map>,
    /// The data is shown without `-v` too (`debug`).
    pub verbose: bool,
    /// Label of the loop item; `None` for a whole task.
    pub item: Option<String>,
    /// Why it failed; empty otherwise.
    pub causes: Vec<Cause>,
    pub warnings: Vec<String>,
    pub deprecations: Vec<String>,
    /// The content of a `diff` is shown.
    pub show_diff: bool,
}

impl TaskResult {
    /// A key of the result dictionary.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.data.get(key)
    }
}

/// A task as people see it.
#[derive(Clone, Debug, Default)]
pub struct TaskInfo {
    /// Number of the task in the run, from 0.
    pub id: usize,
    /// With the role in front: `nginx : Install packages`.
    pub name: String,
    /// As the author wrote it: `apt`, `ansible.builtin.apt`.
    pub action: String,
    pub handler: bool,
    pub span: Option<Span>,
    pub check: bool,
    pub has_loop: bool,
    pub no_log: bool,
}

/// Everything an observer of a run can learn, in order.
#[derive(Clone, Debug)]
pub enum Event {
    PlaybookStarted {
        /// As it was given on the command line.
        path: PathBuf,
        plays: usize,
    },
    PlayStarted {
        name: String,
        /// `order` of the hosts as they run; all batches of a serial play.
        hosts: Vec<HostName>,
        check: bool,
        /// All hosts do a task before any does the next; else a task's results stand anywhere among those of others.
        lockstep: bool,
    },
    /// The play's pattern matched no host.
    PlayWithoutHosts,
    /// `serial`: no host of the play is left.
    NoHostsRemaining,
    TaskStarted(Arc<TaskInfo>),
    /// One item of a loop ended.
    ItemFinished {
        task: Arc<TaskInfo>,
        result: TaskResult,
    },
    /// The task ended on a host; `looped` where items were reported before.
    TaskFinished {
        task: Arc<TaskInfo>,
        result: TaskResult,
        looped: bool,
    },
    /// `until`: another try follows.
    Retry {
        task: Arc<TaskInfo>,
        host: HostName,
        left: i64,
        result: TaskResult,
    },
    /// Work in the background has not ended yet.
    AsyncPoll {
        host: HostName,
        job: String,
        started: bool,
        finished: bool,
    },
    /// Work in the background ended, or its time was up.
    AsyncFinished {
        host: HostName,
        job: Option<String>,
        failed: bool,
    },
    /// A file was included for hosts.
    Included {
        file: String,
        hosts: Vec<HostName>,
        item: Option<String>,
    },
    /// What a `meta` task did, or why it did nothing.
    Meta(String),
    Warning(Diagnostic),
    /// What is told of the inner workings where the setting `debug` is on.
    Debug(String),
    /// What the task debugger answers.
    Debugger(String),
    /// A line for people.
    Told(String),
    /// A line for people who want to know how it works (`-vvv`).
    Inner(String),
    /// `--step` asked whether to do a task.
    Asked(String),
    /// A line of live output.
    Progress {
        host: HostName,
        line: String,
    },
    /// A playbook is over. Counts are those of the run so far, `custom` is what `set_stats` gathered.
    RunFinished {
        stats: IndexMap<HostName, HostStats>,
        custom: IndexMap<String, Value>,
    },
    /// A fault of the author's ends the run.
    RunAborted,
}

/// Receives events in order. Called from the dispatcher alone.
pub trait Observer: Send {
    fn event(&mut self, event: &Event);
}
