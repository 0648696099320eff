//! Names of actions and modules → what carries them out. The lists of actions and modules are other parts' tables.

use super::redirects::{BUILTIN, MOVED, REDIRECTS, RENAMED, RENAMED_COLLECTIONS};
use crate::names::ModuleName;
use crate::playbook::Templated;
use std::path::PathBuf;
use std::sync::Arc;
use tightbeam_modules::contract::{Entry, ModuleSpec, nearest};

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
    /// A module of the author's own (`library/`, collections): a program that is sent to the host.
    Program(Arc<PathBuf>),
    /// A module that Ansible or one of its collections has, and nothing here carries out: tasks that come to it fail.
    Missing,
}

impl std::fmt::Debug for ActionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ActionKind::Controller(action) => write!(f, "Controller({})", action.name),
            ActionKind::Native(entry) => write!(f, "Native({})", entry.spec.name),
            ActionKind::Program(path) => write!(f, "Program({})", path.display()),
            ActionKind::Missing => f.write_str("Missing"),
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

/// The qualified names that a written name may stand for, in the order in which they are tried: in the collections, then
/// Ansible's own, then where Ansible or its collection has moved it.
pub fn candidates(name: &str, collections: &[Arc<str>]) -> Vec<String> {
    let short = crate::playbook::builtin_action(name);
    let Some(short) = short else { return std::iter::once(name.to_owned()).chain(moved(name)).collect() };
    let mut out = Vec::new();
    if !name.contains('.') {
        let elsewhere = collections.iter().filter(|c| !matches!(&***c, "ansible.builtin" | "ansible.legacy"));
        out.extend(elsewhere.map(|collection| format!("{collection}.{short}")));
    }
    out.push(format!("ansible.builtin.{short}"));
    out.extend(redirect(short));
    out
}

/// Where Ansible has moved one of its former modules.
pub fn redirect(short: &str) -> Option<String> {
    let renamed = RENAMED.iter().find(|(name, _)| *name == short).map(|(_, to)| (*to).to_owned());
    renamed.or_else(|| {
        let (collection, _) = REDIRECTS.iter().find(|(_, names)| names.split(' ').any(|n| n == short))?;
        Some(format!("{collection}.{short}"))
    })
}

/// The same module in the collection that its own points at.
fn moved(name: &str) -> Option<String> {
    let (collection, short) = name.rsplit_once('.')?;
    if let Some((_, to)) = RENAMED_COLLECTIONS.iter().find(|(from, _)| *from == collection) {
        return Some(format!("{to}.{short}"));
    }
    let targets = MOVED.iter().filter(|(from, _)| *from == collection).map(|(_, to)| *to);
    let lists = |to: &str| REDIRECTS.iter().any(|(c, names)| *c == to && names.split(' ').any(|n| n == short));
    targets.into_iter().find(|to| lists(to)).map(|to| format!("{to}.{short}"))
}

/// Resolves a name as a task has it. A module that Ansible knows and the catalogue does not is [`ActionKind::Missing`];
/// `None`: nobody knows it.
pub fn resolve(catalogue: &dyn ModuleCatalogue, name: &str, collections: &[Arc<str>]) -> Option<Resolved> {
    if let Some(found) = catalogue.resolve(name, collections) {
        return Some(found);
    }
    let missing = |name: String| Some(Resolved { name: ModuleName::from(name), kind: ActionKind::Missing });
    match crate::playbook::builtin_action(name) {
        Some(short) if BUILTIN.split(' ').any(|n| n == short) => missing(format!("ansible.builtin.{short}")),
        Some(short) => redirect(short).and_then(missing),
        // Whether a collection has the module is known where the collection is installed.
        None if name.split('.').count() >= 3 && !name.contains("..") => missing(name.to_owned()),
        None => None,
    }
}

/// The known name nearest to a misspelt one.
pub fn nearest_action(catalogue: &dyn ModuleCatalogue, name: &str) -> Option<String> {
    let full = catalogue.names();
    let short = full.iter().map(|n| n.rsplit('.').next().unwrap_or(n)).chain(BUILTIN.split(' '));
    if name.contains('.') { nearest(name, full.iter().copied()) } else { nearest(name, short) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_tried_in_collections_first() {
        let own: Vec<Arc<str>> = vec!["my.own".into(), "ansible.legacy".into()];
        assert_eq!(candidates("copy", &own), ["my.own.copy", "ansible.builtin.copy"]);
        assert_eq!(candidates("ansible.builtin.copy", &own), ["ansible.builtin.copy"]);
        assert_eq!(candidates("sysctl", &[]), ["ansible.builtin.sysctl", "ansible.posix.sysctl"]);
        assert_eq!(candidates("yum", &[]), ["ansible.builtin.yum", "ansible.builtin.dnf"]);
        assert_eq!(candidates("a.b.c", &own), ["a.b.c"]);
        let moved = ["community.general.docker_network", "community.docker.docker_network"];
        assert_eq!(candidates(moved[0], &[]), moved);
        assert_eq!(candidates("ansible.mysql.mysql_db", &[]), ["ansible.mysql.mysql_db", "community.mysql.mysql_db"]);
        let renamed = ["community.kubernetes.helm", "kubernetes.core.helm"];
        assert_eq!(candidates(renamed[0], &[]), renamed);
        assert_eq!(candidates("community.general.docker_image_pull", &[]), ["community.general.docker_image_pull"]);
    }
}
