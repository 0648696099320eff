//! Names of actions and modules → what carries them out. The lists of actions and modules are other parts' tables.

use crate::diag::Span;
use crate::names::ModuleName;
use crate::playbook::Templated;
use std::path::PathBuf;
use std::sync::Arc;
use tightbeam_modules::contract::{Entry, ModuleSpec};

/// What a task does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Runs a module or a controller-side action on each host.
    Run(Resolved),
    /// The name is a template: rendered per host, then resolved with [`ModuleCatalogue::resolve`].
    Template(Templated),
    Meta(Meta),
    IncludeTasks,
    IncludeRole,
}

/// A name found.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Fully qualified, after redirection.
    pub name: ModuleName,
    pub kind: ActionKind,
}

#[derive(Clone)]
pub enum ActionKind {
    /// Carried out by the controller, which may call modules itself (`template`, `debug`).
    Controller(&'static ControllerAction),
    /// A module of the helper.
    Native(&'static Entry),
    /// A Python module of the user's (collections, `library/`).
    Python(Arc<PathBuf>),
}

impl std::fmt::Debug for ActionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ActionKind::Controller(action) => write!(f, "Controller({})", action.name),
            ActionKind::Native(entry) => write!(f, "Native({})", entry.spec.name),
            ActionKind::Python(path) => write!(f, "Python({})", path.display()),
        }
    }
}

/// One line of the table of controller-side actions.
#[derive(Debug)]
pub struct ControllerAction {
    /// Fully qualified.
    pub name: &'static str,
    /// Checks literal arguments; `None`: the action checks its arguments itself.
    pub spec: Option<&'static ModuleSpec>,
}

/// Finds what a name stands for. Implemented where the tables of actions and modules meet.
pub trait ModuleCatalogue: Send + Sync {
    /// `name` as written; `collections` are searched in order for names without a collection. `None`: unknown.
    fn resolve(&self, name: &str, collections: &[Arc<str>]) -> Option<Resolved>;
    /// All names, fully qualified, for "did you mean".
    fn names(&self) -> Vec<&'static str>;
}

/// `meta` actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    FlushHandlers,
    RefreshInventory,
    Noop,
    ClearFacts,
    ClearHostErrors,
    EndHost,
    EndPlay,
    EndBatch,
    EndRole,
    ResetConnection,
    /// Implicit, at the end of each role.
    RoleComplete,
}

impl Meta {
    pub const ALL: &[(&str, Meta)] = &[
        ("flush_handlers", Meta::FlushHandlers),
        ("refresh_inventory", Meta::RefreshInventory),
        ("noop", Meta::Noop),
        ("clear_facts", Meta::ClearFacts),
        ("clear_host_errors", Meta::ClearHostErrors),
        ("end_host", Meta::EndHost),
        ("end_play", Meta::EndPlay),
        ("end_batch", Meta::EndBatch),
        ("end_role", Meta::EndRole),
        ("reset_connection", Meta::ResetConnection),
        ("role_complete", Meta::RoleComplete),
    ];

    pub fn parse(name: &str) -> Option<Meta> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, meta)| *meta)
    }
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, meta)| *meta == self).map_or("noop", |(name, _)| name)
    }
}

/// A name that could not be resolved.
#[derive(Clone, Debug)]
pub struct UnknownModule {
    pub name: String,
    pub span: Span,
    pub nearest: Option<String>,
}
