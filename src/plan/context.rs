//! What planning needs from outside: settings, a renderer for names that must be known early, and what includes ask for.

use super::model::{PlannedBlock, PlannedTask};
use super::role::RoleContext;
use crate::diag::{Diagnostic, Diagnostics};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Settings that planning obeys; filled from `config` where the program is put together.
#[derive(Clone, Debug, Default)]
pub struct PlanSettings {
    /// DEFAULT_ROLES_PATH.
    pub roles_path: Vec<PathBuf>,
    /// COLLECTIONS_PATHS: each holds `ansible_collections`.
    pub collections_path: Vec<PathBuf>,
    /// DEFAULT_PRIVATE_ROLE_VARS; `None` where not set: imported roles are public, included ones private.
    pub private_role_vars: Option<bool>,
    /// The user's home, for names that start with `~`.
    pub home: Option<PathBuf>,
    /// DEFAULT_MODULE_PATH and `--module-path`.
    pub module_path: Vec<PathBuf>,
    /// PLUGIN_FILTERS_CFG: modules that playbooks must not use, by their short names.
    pub rejected: Vec<String>,
}

impl PlanSettings {
    /// Directories that hold `ansible_collections`, for a play in `play_dir`.
    pub(super) fn collection_roots(&self, play_dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        std::iter::once(play_dir.join("collections")).chain(self.collections_path.clone())
    }
}

/// The variables that can be known before any host is looked at.
#[derive(Clone, Debug)]
pub struct StaticScope {
    /// `playbook_dir`.
    pub play_dir: Arc<Path>,
    /// Lowest precedence first: role defaults, play vars, vars_files, role vars, block and task vars, role parameters.
    /// Extra variables win over all of them and are the renderer's to add.
    pub layers: Vec<Arc<Map>>,
    /// The role around, for `role_name` and `role_path`.
    pub role: Option<Arc<RoleContext>>,
}

/// Renders names of imports, roles and the like with variables that do not depend on a host.
pub trait StaticRender: Send + Sync {
    /// # Errors
    /// A diagnostic that names the fault; planning adds where the value was needed.
    fn render(&self, value: &Value, scope: &StaticScope) -> Result<Value, Diagnostic>;
}

/// What `include_role` asks for, with its names rendered.
#[derive(Clone, Debug)]
pub struct RoleRequest {
    pub name: String,
    pub tasks_from: Option<String>,
    pub vars_from: Option<String>,
    pub defaults_from: Option<String>,
    pub handlers_from: Option<String>,
    /// `None`: the setting decides (private for include_role, public for import_role).
    pub public: Option<bool>,
    pub allow_duplicates: bool,
    /// Insert the task that checks the role's arguments.
    pub rolespec_validate: bool,
    /// Variables of the iteration (`item`, …); the include task's own `vars` are added by planning.
    pub vars: Arc<Map>,
}

impl RoleRequest {
    pub fn new(name: impl Into<String>) -> Self {
        RoleRequest {
            name: name.into(),
            tasks_from: None,
            vars_from: None,
            defaults_from: None,
            handlers_from: None,
            public: None,
            allow_duplicates: true,
            rolespec_validate: true,
            vars: Arc::default(),
        }
    }
}

/// What an include brings at run time. Tags are not applied yet.
#[derive(Debug, Default)]
pub struct Included {
    pub path: PathBuf,
    pub blocks: Vec<Arc<PlannedBlock>>,
    /// Handlers of included and imported roles, dependencies' first.
    pub handlers: Vec<Arc<PlannedTask>>,
    /// The included role: run adds it to the play's roles.
    pub role: Option<Arc<RoleContext>>,
    /// Roles that the included file or role imports: run adds them to the play's roles, before `role`.
    pub roles: Vec<Arc<RoleContext>>,
    pub warnings: Diagnostics,
}
