//! Station 5: the variables of a task on a host.

use super::context::RunContext;
use super::play::PlayView;
use super::vars_files;
use crate::diag::Diagnostic;
use crate::names::HostName;
use crate::plan::{PlannedTask, RoleContext};
use crate::template::{Context, Templar};
use crate::value::{Map, Value};
use crate::vars::{HostStates, RoleFacts, RoleVars, TaskVars, role_magic};
use std::path::PathBuf;
use std::sync::Arc;

/// What a task's variables take from the task, whatever the host. Made once for all hosts.
#[derive(Clone, Default)]
pub struct TaskFrame {
    role: Option<Arc<RoleVars>>,
    task: Arc<[Arc<Map>]>,
    include_params: Arc<[Arc<Map>]>,
    magic: Arc<Map>,
    search_paths: Vec<PathBuf>,
    action: Option<Arc<str>>,
}

impl TaskFrame {
    pub fn of(task: &PlannedTask) -> Self {
        let paths: Vec<Value> =
            task.frame.search_path.iter().map(|p| p.to_string_lossy().into_owned().into()).collect();
        let mut magic = Map::new();
        magic.insert("ansible_search_path", paths);
        TaskFrame {
            role: task.role().map(|role| Arc::new(role_vars(role))),
            task: task.keywords.vars.as_slice().into(),
            include_params: task.keywords.include_params.as_slice().into(),
            magic: Arc::new(magic),
            search_paths: task.frame.search_path.to_vec(),
            action: Some(task.task.action.node.to_string().into()),
        }
    }
}

fn role_vars(role: &RoleContext) -> RoleVars {
    let (path, uuid) = (role.path.to_string_lossy(), role.id.0.to_string());
    let facts = RoleFacts { name: &role.name, collection: role.collection.as_deref(), path: &path, uuid: &uuid };
    let magic = role_magic(&facts);
    RoleVars {
        defaults: role.defaults.clone(),
        vars: role.vars.clone(),
        params: role.params.clone(),
        magic: Arc::new(magic),
    }
}

/// A renderer with the variables of a task on a host. `host`: whose variables; for a delegated task's connection the
/// delegate's; `None` for names that are needed before any host is looked at.
///
/// # Errors
/// When a variable file of the host cannot be read.
pub fn templar(
    ctx: &RunContext,
    view: &PlayView,
    host: Option<&HostName>,
    frame: &TaskFrame,
) -> Result<Templar, Diagnostic> {
    let mut vars = TaskVars {
        run: ctx.vars.clone(),
        play: Some(view.vars.clone()),
        host: None,
        state: Arc::default(),
        role: frame.role.clone(),
        task: frame.task.clone(),
        include_params: frame.include_params.clone(),
        magic: frame.magic.clone(),
        inventory: Some(view.hostvars.vars.inventory().clone()),
        hostvars: Some(view.hostvars.clone()),
    };
    if let Some(host) = host {
        vars.host = Some(view.hostvars.vars.of(host)?);
        vars.state = ctx.book.state(host);
        if !view.late_files.is_empty() {
            vars.play = Some(vars_files::with_late(ctx, view, host)?);
        }
    }
    let search_paths =
        if frame.search_paths.is_empty() { vec![view.play.dir.to_path_buf()] } else { frame.search_paths.clone() };
    let context = Context { search_paths, playbook_dir: view.play.dir.to_path_buf(), action: frame.action.clone() };
    Ok(Templar::new(&ctx.engine, Arc::new(vars), context))
}

/// A renderer with the variables of the play alone.
///
/// # Errors
/// As [`templar`].
pub fn of_play(ctx: &RunContext, view: &PlayView) -> Result<Templar, Diagnostic> {
    templar(ctx, view, None, &TaskFrame::default())
}
