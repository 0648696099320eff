//! Actions that the controller carries out, one file each; many call modules on the host themselves.

mod add_host;
mod assemble;
mod assert;
mod async_status;
mod copy;
mod debug;
mod fail;
mod fetch;
mod gather_facts;
mod group_by;
mod include_vars;
mod kubernetes;
mod module;
mod patch;
mod pause;
mod program;
mod raw;
mod reboot;
mod result;
mod script;
mod set_fact;
mod set_stats;
mod setup;
mod shared;
mod shutdown;
mod specs;
mod synchronize;
mod table;
mod template;
mod unarchive;
mod validate_argument_spec;
mod wait_for_connection;

pub use async_status::{JobQuery, async_dir};
pub use result::{ActionResult, Effect};
pub use shared::{printed_result, reply_result, split_lines};
pub use table::{ACTIONS, Catalogue, runs_once, spec_of, touches_host, works_between_hosts};

use crate::files::Files;
use crate::names::HostName;
use crate::plan::{ActionKind, ControllerAction, PlannedTask, Resolved};
use crate::remote::{Content, Pool, RawOptions, RawOutput, RemoteError, Target};
use crate::template::Templar;
use crate::value::{Map, Value};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tightbeam_modules::contract::wire::{Job, Reply, Request};
use tightbeam_modules::contract::{Fault, FaultKind, validate};

/// The hosts behind a trait: the pool of connections, or a script in tests.
#[async_trait]
pub trait Hosts: Send + Sync {
    async fn call(&self, target: &Target, request: Request, content: Content) -> Result<Reply, RemoteError>;
    async fn raw(&self, target: &Target, command: &str, options: RawOptions) -> Result<RawOutput, RemoteError>;
    /// Ends what idles on the host as another user, before that user is changed or removed.
    async fn leave(&self, _target: &Target, _user: &str) {}
    /// Closes the connection, so that the next call makes a new one.
    async fn reset(&self, target: &Target);
    /// Ends all connections.
    async fn close(&self);
}

#[async_trait]
impl Hosts for Pool {
    async fn call(&self, target: &Target, request: Request, content: Content) -> Result<Reply, RemoteError> {
        Pool::call(self, target, request, content).await
    }
    async fn raw(&self, target: &Target, command: &str, options: RawOptions) -> Result<RawOutput, RemoteError> {
        Pool::raw(self, target, command, options).await
    }
    async fn leave(&self, target: &Target, user: &str) {
        Pool::leave(self, target, user).await;
    }
    async fn reset(&self, target: &Target) {
        Pool::reset(self, target).await;
    }
    async fn close(&self) {
        Pool::close(self).await;
    }
}

/// Asks the person at the terminal (`pause`).
#[async_trait]
pub trait Ask: Send + Sync {
    /// Waits for a line of input, or until the time is up; `None` without a terminal or when the time was up.
    async fn line(&self, prompt: &str, echo: bool, limit: Option<std::time::Duration>) -> Option<String>;
    /// A line of standard input, be it a terminal or not; `None` at its end.
    async fn command(&self, prompt: &str) -> Option<String> {
        self.line(prompt, true, None).await
    }
    /// Tells the person something between questions.
    fn say(&self, _text: &str) {}
}

/// One call of an action: the task's arguments, rendered, and all that the action may use.
pub struct ActionCall<'a> {
    pub host: &'a HostName,
    pub task: &'a PlannedTask,
    /// Rendered; validated where the action has a spec.
    pub args: Map,
    pub templar: &'a Templar,
    pub target: &'a Target,
    /// The task's own host, where `delegate_to` names the one that `target` is.
    pub own: Option<&'a Target>,
    pub hosts: &'a dyn Hosts,
    pub files: &'a dyn Files,
    pub ask: &'a dyn Ask,
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    pub environment: BTreeMap<String, String>,
    pub kind: &'a ActionKind,
    /// The work is done in the background (`async`).
    pub job: Option<&'a Job>,
    /// Directory for the files of background work, where no variable names another.
    pub async_dir: &'a str,
    /// Modules that gather facts, where no variable names others.
    pub facts_modules: &'a [&'a str],
    /// Finds what the name of a module stands for.
    pub resolve: &'a (dyn Fn(&str) -> Option<Resolved> + Send + Sync),
    /// Arguments of `module_defaults` for another module than the task's own (`copy` for `template`) are looked up here.
    pub defaults: &'a (dyn Fn(&str) -> Map + Send + Sync),
    /// Where relative files are looked for.
    pub search: &'a [PathBuf],
    pub playbook_dir: &'a std::path::Path,
    /// Text of `ansible_managed`.
    pub managed: &'a str,
    pub loader: &'a crate::plan::Loader,
    /// `hash_behaviour = merge`.
    pub merge_hashes: bool,
    /// Takes lines of live output.
    pub progress: Option<Arc<dyn Fn(&str) + Send + Sync>>,
    /// After how long a program's lines are told as they come; `None`: never.
    pub live: Option<Duration>,
}

/// Runs an action or a module.
pub async fn run(resolved: &Resolved, mut call: ActionCall<'_>) -> ActionResult {
    if let ActionKind::Controller(action) = &resolved.kind {
        if call.job.is_some() && !action.runs_in_background() {
            let name = &call.task.task.action.node;
            return shared::told(ActionResult::failed(format!("This action ({name}) does not support async.")), "");
        }
        if let Some(refused) = refused(action, &call) {
            return refused;
        }
    }
    match &resolved.kind {
        ActionKind::Native(entry) => {
            let args = std::mem::take(&mut call.args);
            module::call(entry.spec, args, Content::none(), &call).await
        }
        ActionKind::Controller(action) => match action.name {
            "ansible.builtin.add_host" => add_host::run(&call),
            "ansible.builtin.assemble" => assemble::run(&call).await,
            "ansible.builtin.assert" => assert::run(&call),
            "ansible.builtin.async_status" => async_status::run(&call).await,
            "ansible.builtin.copy" => copy::run(&call).await,
            "ansible.builtin.debug" => debug::run(&call),
            "ansible._protomatter.debug" => debug::expressions(&call),
            "ansible.builtin.fail" => fail::run(&call),
            "ansible.builtin.fetch" => fetch::run(&call).await,
            "ansible.builtin.gather_facts" => gather_facts::run(&call).await,
            "ansible.builtin.group_by" => group_by::run(&call),
            "ansible.builtin.include_vars" => include_vars::run(&call),
            "ansible.builtin.pause" => pause::run(&call).await,
            "ansible.builtin.raw" => raw::run(&call).await,
            "ansible.builtin.reboot" => reboot::run(&call).await,
            "ansible.builtin.script" => script::run(&call).await,
            "ansible.builtin.set_fact" => set_fact::run(&call),
            "ansible.builtin.set_stats" => set_stats::run(&call),
            "ansible.builtin.setup" => setup::run(&call).await,
            "ansible.builtin.template" => template::run(&call).await,
            "ansible.builtin.unarchive" => unarchive::run(&call).await,
            "ansible.builtin.validate_argument_spec" => validate_argument_spec::run(&call),
            "ansible.builtin.wait_for_connection" => wait_for_connection::run(&call).await,
            "ansible.posix.patch" => patch::run(&call).await,
            "ansible.posix.synchronize" => synchronize::run(&call).await,
            "community.general.shutdown" => shutdown::run(&call).await,
            name if name.starts_with("kubernetes.core.") => kubernetes::run(name, &call).await,
            other => ActionResult::failed(format!("the action {other} is listed but has no code")),
        },
        ActionKind::Missing => module::missing(&resolved.name),
        ActionKind::Program(path) => program::run(path, &call.args, &call).await,
    }
}

/// Arguments that do not fit an action's specification.
fn refused(action: &ControllerAction, call: &ActionCall<'_>) -> Option<ActionResult> {
    const BY_LIST: [&str; 6] = ["fail", "group_by", "reboot", "set_stats", "shutdown", "wait_for_connection"];
    let spec = action.spec?;
    let name = action.name.rsplit('.').next().unwrap_or_default();
    if !BY_LIST.contains(&name) {
        return module::validated(spec, call.args.to_json()).err();
    }
    let faults = validate(spec, call.args.to_json()).err()?;
    let mut unknown: Vec<&Fault> = faults.iter().filter(|f| f.kind == FaultKind::Unknown).collect();
    unknown.first()?;
    unknown.sort_by_key(|f| &f.arg);
    let names: Vec<&str> = unknown.iter().filter_map(|f| f.arg.as_deref()).collect();
    Some(ActionResult::failed(format!("Invalid options for {name}: {}", names.join(","))))
}

/// Looks for a file of the task as Ansible does: in each search path first below `subdir`, then beside it.
pub fn find_file(call: &ActionCall<'_>, name: &str, subdir: &str) -> Result<PathBuf, String> {
    let path = crate::files::expand_home(name, |n| std::env::var(n).ok());
    if path.is_absolute() {
        return if call.files.exists(&path) { Ok(path) } else { Err(not_found(name, &[])) };
    }
    let mut tried: Vec<PathBuf> = Vec::new();
    for dir in call.search.iter().map(PathBuf::as_path).chain([call.playbook_dir]) {
        for candidate in [dir.join(subdir).join(&path), dir.join(&path)] {
            if tried.contains(&candidate) {
                continue;
            }
            if call.files.exists(&candidate) {
                return Ok(candidate);
            }
            tried.push(candidate);
        }
    }
    Err(not_found(name, &tried))
}

fn not_found(name: &str, tried: &[PathBuf]) -> String {
    let places: Vec<String> = tried.iter().map(|p| format!("\n\t{}", p.display())).collect();
    let searched = if places.is_empty() { String::new() } else { format!("\nSearched in:{}", places.join("")) };
    format!(
        "Could not find or access '{name}'{searched} on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option"
    )
}

/// A text argument.
pub(crate) fn text<'m>(args: &'m Map, name: &str) -> Option<&'m str> {
    args.get(name).and_then(Value::as_str)
}
