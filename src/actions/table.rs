//! The table of actions, and how names of actions and modules are found.

use super::specs;
use crate::names::ModuleName;
use crate::plan::resolve::{self, ControllerAction, ModuleCatalogue, Resolved};
use crate::plan::{Action, ActionKind};
use std::sync::Arc;
use tightbeam_modules::contract::ModuleSpec;

/// All actions, alphabetical.
pub static ACTIONS: &[ControllerAction] = &[
    ControllerAction { name: "ansible._protomatter.debug", spec: None },
    ControllerAction { name: "ansible.builtin.add_host", spec: Some(&specs::ADD_HOST) },
    ControllerAction { name: "ansible.builtin.assemble", spec: None },
    ControllerAction { name: "ansible.builtin.assert", spec: Some(&specs::ASSERT) },
    ControllerAction { name: "ansible.builtin.async_status", spec: Some(&specs::ASYNC_STATUS) },
    ControllerAction { name: "ansible.builtin.copy", spec: None },
    ControllerAction { name: "ansible.builtin.debug", spec: Some(&specs::DEBUG) },
    ControllerAction { name: "ansible.builtin.fail", spec: Some(&specs::FAIL) },
    ControllerAction { name: "ansible.builtin.fetch", spec: None },
    ControllerAction { name: "ansible.builtin.gather_facts", spec: None },
    ControllerAction { name: "ansible.builtin.group_by", spec: Some(&specs::GROUP_BY) },
    ControllerAction { name: "ansible.builtin.include_vars", spec: Some(&specs::INCLUDE_VARS) },
    ControllerAction { name: "ansible.builtin.pause", spec: Some(&specs::PAUSE) },
    ControllerAction { name: "ansible.builtin.raw", spec: Some(&specs::RAW) },
    ControllerAction { name: "ansible.builtin.reboot", spec: Some(&specs::REBOOT) },
    ControllerAction { name: "ansible.builtin.script", spec: None },
    ControllerAction { name: "ansible.builtin.set_fact", spec: Some(&specs::SET_FACT) },
    ControllerAction { name: "ansible.builtin.set_stats", spec: Some(&specs::SET_STATS) },
    ControllerAction { name: "ansible.builtin.setup", spec: None },
    ControllerAction { name: "ansible.builtin.template", spec: Some(&specs::TEMPLATE) },
    ControllerAction { name: "ansible.builtin.unarchive", spec: None },
    ControllerAction { name: "ansible.builtin.validate_argument_spec", spec: Some(&specs::VALIDATE_ARGUMENT_SPEC) },
    ControllerAction { name: "ansible.builtin.wait_for_connection", spec: Some(&specs::WAIT_FOR_CONNECTION) },
    ControllerAction { name: "ansible.posix.patch", spec: None },
    ControllerAction { name: "ansible.posix.synchronize", spec: None },
    ControllerAction { name: "community.general.shutdown", spec: Some(&specs::SHUTDOWN) },
    ControllerAction { name: "kubernetes.core.helm", spec: None },
    ControllerAction { name: "kubernetes.core.helm_info", spec: None },
    ControllerAction { name: "kubernetes.core.helm_repository", spec: None },
    ControllerAction { name: "kubernetes.core.k8s", spec: None },
    ControllerAction { name: "kubernetes.core.k8s_info", spec: None },
];

/// Actions that never touch a host.
const LOCAL: &[&str] = &[
    "ansible._protomatter.debug",
    "ansible.builtin.add_host",
    "ansible.builtin.assert",
    "ansible.builtin.debug",
    "ansible.builtin.fail",
    "ansible.builtin.group_by",
    "ansible.builtin.include_vars",
    "ansible.builtin.pause",
    "ansible.builtin.set_fact",
    "ansible.builtin.set_stats",
    "ansible.builtin.validate_argument_spec",
];

impl ControllerAction {
    /// Whether `async` is for it: all it does is call one module.
    pub(super) fn runs_in_background(&self) -> bool {
        self.name == "ansible.builtin.setup" || self.name.starts_with("kubernetes.core.")
    }
}

/// Actions that work between the task's own host and another one: they are told both.
const BETWEEN_HOSTS: &[&str] = &["ansible.posix.synchronize"];

/// Whether the task's own host matters too where the task is delegated.
pub fn works_between_hosts(resolved: &Resolved) -> bool {
    matches!(resolved.kind, ActionKind::Controller(action) if BETWEEN_HOSTS.contains(&action.name))
}

/// Whether carrying it out needs a connection.
pub fn touches_host(resolved: &Resolved) -> bool {
    !matches!(resolved.kind, ActionKind::Controller(action) if LOCAL.contains(&action.name))
}

/// Actions that run once for all hosts, whatever the task says.
pub fn runs_once(action: &Action) -> bool {
    matches!(action, Action::Run(Resolved { kind: ActionKind::Controller(a), .. })
        if matches!(a.name, "ansible.builtin.add_host" | "ansible.builtin.pause"))
}

/// Actions and native modules by name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Catalogue;

impl ModuleCatalogue for Catalogue {
    fn resolve(&self, name: &str, collections: &[Arc<str>]) -> Option<Resolved> {
        resolve::candidates(name, collections).into_iter().find_map(|full| {
            let kind = if let Some(action) = ACTIONS.iter().find(|a| a.name == full) {
                ActionKind::Controller(action)
            } else {
                ActionKind::Native(tightbeam_modules::catalogue::find(&full)?)
            };
            Some(Resolved { name: ModuleName::from(full), kind })
        })
    }
    fn names(&self) -> Vec<&'static str> {
        let modules = tightbeam_modules::catalogue::MODULES.iter().map(|e| e.spec.name);
        ACTIONS.iter().map(|a| a.name).chain(modules).collect()
    }
}

/// The spec of an action or module, for documentation.
pub fn spec_of(resolved: &Resolved) -> Option<&'static ModuleSpec> {
    match &resolved.kind {
        ActionKind::Controller(action) => {
            action.spec.or_else(|| tightbeam_modules::catalogue::find(action.name).map(|e| e.spec))
        }
        ActionKind::Native(entry) => Some(entry.spec),
        ActionKind::Program(_) | ActionKind::Missing => None,
    }
}
