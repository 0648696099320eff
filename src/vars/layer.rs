//! The precedence of variables: the layers in order, lowest first.

use crate::value::Map;
use std::sync::Arc;

/// Where variables come from. The order of the variants is their precedence, lowest first, as in ansible-core's
/// `VariableManager.get_vars`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Defaults of the play's public roles.
    PublicRoleDefaults,
    /// Defaults as the task's role sees them.
    RoleDefaults,
    /// Variables of the group `all` in the inventory's own files.
    AllInventory,
    AllGroupVarsInventory,
    AllGroupVarsPlaybook,
    GroupInventory,
    GroupVarsInventory,
    GroupVarsPlaybook,
    HostInventory,
    HostVarsInventory,
    HostVarsPlaybook,
    Facts,
    PlayVars,
    VarsFiles,
    /// `vars/` of the play's public roles.
    PublicRoleVars,
    /// `vars/` and `vars:` as the task's role sees them.
    RoleVars,
    /// `vars:` of blocks, includes and the task, outermost first.
    TaskVars,
    IncludeVars,
    /// `set_fact` and `register`.
    SetFact,
    RoleParams,
    IncludeParams,
    ExtraVars,
    Magic,
}

impl Layer {
    /// In words, for `explain var`.
    pub fn describe(self) -> &'static str {
        match self {
            Layer::PublicRoleDefaults => "defaults of a role of the play",
            Layer::RoleDefaults => "role defaults",
            Layer::AllInventory => "inventory, group all",
            Layer::AllGroupVarsInventory => "group_vars/all beside the inventory",
            Layer::AllGroupVarsPlaybook => "group_vars/all beside the playbook",
            Layer::GroupInventory => "inventory, group",
            Layer::GroupVarsInventory => "group_vars beside the inventory",
            Layer::GroupVarsPlaybook => "group_vars beside the playbook",
            Layer::HostInventory => "inventory, host",
            Layer::HostVarsInventory => "host_vars beside the inventory",
            Layer::HostVarsPlaybook => "host_vars beside the playbook",
            Layer::Facts => "facts",
            Layer::PlayVars => "play vars",
            Layer::VarsFiles => "vars_files",
            Layer::PublicRoleVars => "vars of a role of the play",
            Layer::RoleVars => "role vars",
            Layer::TaskVars => "block and task vars",
            Layer::IncludeVars => "include_vars",
            Layer::SetFact => "set_fact and register",
            Layer::RoleParams => "role parameters",
            Layer::IncludeParams => "include parameters",
            Layer::ExtraVars => "extra vars (-e)",
            Layer::Magic => "magic variable",
        }
    }
}

/// One set of variables and where it stands. Shared between hosts and tasks.
#[derive(Clone, Debug)]
pub struct LayerVars {
    pub layer: Layer,
    /// File, group or role, for people.
    pub source: Arc<str>,
    pub vars: Arc<Map>,
}

impl LayerVars {
    pub fn new(layer: Layer, source: impl Into<Arc<str>>, vars: Arc<Map>) -> Self {
        LayerVars { layer, source: source.into(), vars }
    }
}
