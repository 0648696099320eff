//! The layers of variables in the order in which they override one another: ansible-core's precedence as data.

/// Where a variable can be set; a later layer wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    PublicRoleDefaults,
    RoleDefaults,
    AllInventory,
    GroupsInventory,
    AllBesideInventory,
    AllBesidePlaybook,
    GroupsBesideInventory,
    GroupsBesidePlaybook,
    HostInventory,
    HostBesideInventory,
    HostBesidePlaybook,
    Facts,
    PlayVars,
    VarsPrompt,
    VarsFiles,
    PublicRoleVars,
    RoleVars,
    TaskVars,
    IncludeVars,
    SetFacts,
    RoleParams,
    IncludeParams,
    ExtraVars,
    Magic,
}

impl Layer {
    /// All layers, lowest precedence first. The order of the six that concern groups is that of the setting
    /// VARIABLE_PRECEDENCE unless it says otherwise.
    pub const ALL: [Layer; 24] = [
        Layer::PublicRoleDefaults,
        Layer::RoleDefaults,
        Layer::AllInventory,
        Layer::GroupsInventory,
        Layer::AllBesideInventory,
        Layer::AllBesidePlaybook,
        Layer::GroupsBesideInventory,
        Layer::GroupsBesidePlaybook,
        Layer::HostInventory,
        Layer::HostBesideInventory,
        Layer::HostBesidePlaybook,
        Layer::Facts,
        Layer::PlayVars,
        Layer::VarsPrompt,
        Layer::VarsFiles,
        Layer::PublicRoleVars,
        Layer::RoleVars,
        Layer::TaskVars,
        Layer::IncludeVars,
        Layer::SetFacts,
        Layer::RoleParams,
        Layer::IncludeParams,
        Layer::ExtraVars,
        Layer::Magic,
    ];

    /// What the layer is, for people.
    pub fn title(self) -> &'static str {
        match self {
            Layer::PublicRoleDefaults => "defaults of the play's roles",
            Layer::RoleDefaults => "defaults of the task's role",
            Layer::AllInventory => "the group all in the inventory",
            Layer::GroupsInventory => "a group in the inventory",
            Layer::AllBesideInventory => "group_vars/all beside the inventory",
            Layer::AllBesidePlaybook => "group_vars/all beside the playbook",
            Layer::GroupsBesideInventory => "group_vars beside the inventory",
            Layer::GroupsBesidePlaybook => "group_vars beside the playbook",
            Layer::HostInventory => "the host in the inventory",
            Layer::HostBesideInventory => "host_vars beside the inventory",
            Layer::HostBesidePlaybook => "host_vars beside the playbook",
            Layer::Facts => "facts",
            Layer::PlayVars => "vars of the play",
            Layer::VarsPrompt => "vars_prompt",
            Layer::VarsFiles => "vars_files",
            Layer::PublicRoleVars => "vars of the play's roles",
            Layer::RoleVars => "vars of the task's role",
            Layer::TaskVars => "vars of the task, its blocks and includes",
            Layer::IncludeVars => "include_vars",
            Layer::SetFacts => "set_fact and registered results",
            Layer::RoleParams => "parameters of the role",
            Layer::IncludeParams => "vars of a dynamic include",
            Layer::ExtraVars => "extra variables (-e)",
            Layer::Magic => "set by Tightbeam itself",
        }
    }

    /// The layer that an entry of VARIABLE_PRECEDENCE names.
    pub(super) fn of_setting(entry: &str) -> Option<Layer> {
        Some(match entry {
            "all_inventory" => Layer::AllInventory,
            "groups_inventory" => Layer::GroupsInventory,
            "all_plugins_inventory" => Layer::AllBesideInventory,
            "all_plugins_play" => Layer::AllBesidePlaybook,
            "groups_plugins_inventory" => Layer::GroupsBesideInventory,
            "groups_plugins_play" => Layer::GroupsBesidePlaybook,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Layer;

    #[test]
    fn list_is_in_the_order_of_the_enum() {
        assert!(Layer::ALL.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(Layer::ALL.last(), Some(&Layer::Magic));
    }
}
