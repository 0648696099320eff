//! Variables that the inventory and the files beside it and beside the playbook give a host. Hosts with the same groups share
//! what the groups give.

use super::Layer;
use crate::config::Settings;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::inventory::{GroupId, Host, Inventory, VarFiles, directories};
use crate::names::HostName;
use crate::value::{Key, Map, Value};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// One layer: where it is from, and whose it is (a group or host).
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub layer: Layer,
    pub of: Arc<str>,
    pub vars: Arc<Map>,
}

/// Layers of the groups of a host, highest precedence first, with the first that has each name.
#[derive(Debug, Default)]
struct Groups {
    parts: Vec<Part>,
    index: IndexMap<Key, u32>,
}

/// The layers of one host, from inventory and variable files. Cheap to clone and shared between tasks.
#[derive(Debug)]
pub struct HostLayers {
    name: HostName,
    /// The host's own, highest precedence first.
    own: Vec<Part>,
    groups: Arc<Groups>,
    /// `inventory_hostname` and the like, which stand with the host's variables of the inventory.
    names: Map,
}

impl HostLayers {
    pub fn name(&self) -> &HostName {
        &self.name
    }
    /// The value of the highest layer that has a name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.own.iter().find_map(|p| p.vars.get(name)).or_else(|| {
            let part = self.groups.index.get(name)?;
            self.groups.parts[*part as usize].vars.get(name)
        })
    }
    /// All layers, highest precedence first.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.own.iter().chain(&self.groups.parts)
    }
    /// The variables of each layer.
    pub fn maps(&self) -> impl Iterator<Item = &Arc<Map>> {
        self.parts().map(|part| &part.vars)
    }
    pub(super) fn parts_from_below(&self) -> impl Iterator<Item = &Part> {
        self.groups.parts.iter().rev().chain(self.own.iter().rev())
    }
    /// Names that come from the inventory itself: `inventory_hostname`, `inventory_hostname_short`, `group_names`.
    pub fn names(&self) -> &Map {
        &self.names
    }
}

type Answer = Result<Arc<HostLayers>, Diagnostic>;

/// Gives the layers of hosts; each is built when it is first asked for.
pub struct InventoryVars {
    inventory: Arc<Inventory>,
    files: Arc<VarFiles>,
    beside_inventory: Vec<PathBuf>,
    beside_playbook: Vec<PathBuf>,
    /// The group layers in their order, lowest precedence first.
    order: Vec<Layer>,
    hosts: Mutex<HashMap<HostName, Answer>>,
    groups: Mutex<HashMap<Vec<GroupId>, Arc<Groups>>>,
}

impl InventoryVars {
    /// `playbook_dirs`: directories with `group_vars/` and `host_vars/` of the playbook. Warns about unknown entries of
    /// VARIABLE_PRECEDENCE.
    pub fn new(
        inventory: Arc<Inventory>,
        files: Arc<VarFiles>,
        settings: &Settings,
        playbook_dirs: &[&Path],
    ) -> (Self, Diagnostics) {
        let mut warnings = vec![];
        let mut order = vec![];
        for entry in settings.list("VARIABLE_PRECEDENCE") {
            match Layer::of_setting(entry) {
                Some(layer) => order.push(layer),
                None => {
                    let text = format!("Ignoring unknown variable precedence entry: {entry}");
                    warnings.push(Diagnostic::warning(Code::WARNING, text));
                }
            }
        }
        let beside_inventory = directories(files.reader(), &inventory);
        let beside_playbook = playbook_dirs.iter().map(|dir| files.reader().files.canonical(dir)).collect();
        let vars = InventoryVars {
            inventory,
            files,
            beside_inventory,
            beside_playbook,
            order,
            hosts: Mutex::default(),
            groups: Mutex::default(),
        };
        (vars, warnings)
    }

    /// The same for a changed inventory; files that were read stay read.
    pub fn with_inventory(&self, inventory: Arc<Inventory>) -> Self {
        InventoryVars {
            beside_inventory: directories(self.files.reader(), &inventory),
            inventory,
            files: self.files.clone(),
            beside_playbook: self.beside_playbook.clone(),
            order: self.order.clone(),
            hosts: Mutex::default(),
            groups: Mutex::default(),
        }
    }
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }
    pub fn files(&self) -> &Arc<VarFiles> {
        &self.files
    }

    /// The layers of a host; one that the inventory does not know (a delegate) has those of the group `all`.
    ///
    /// # Errors
    /// Where a file of a group or the host cannot be read.
    pub fn of(&self, name: &str) -> Answer {
        if let Some(answer) = self.hosts.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return answer.clone();
        }
        let answer = self.build(name).map(Arc::new);
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), answer.clone());
        answer
    }

    fn build(&self, name: &str) -> Result<HostLayers, Diagnostic> {
        let known = self.inventory.host(name);
        let groups = self.groups_of(known)?;
        let of: Arc<str> = known.map_or(name, |h| &h.name).into();
        let mut own = vec![];
        let mut add = |layer, vars: Arc<Map>| {
            if !vars.is_empty() {
                own.push(Part { layer, of: of.clone(), vars });
            }
        };
        if let Some(host) = known {
            add(Layer::HostInventory, host.vars.clone());
        }
        let names = names_of(&self.inventory, known, name);
        add(Layer::HostInventory, Arc::new(names.clone()));
        for (layer, dirs) in
            [(Layer::HostBesideInventory, &self.beside_inventory), (Layer::HostBesidePlaybook, &self.beside_playbook)]
        {
            for dir in dirs {
                add(layer, self.files.of_host(dir, &of)?);
            }
        }
        own.reverse();
        Ok(HostLayers { name: (&*of).into(), own, groups, names })
    }

    fn groups_of(&self, host: Option<&Host>) -> Result<Arc<Groups>, Diagnostic> {
        let mut key: Vec<GroupId> = host.map(|h| h.group_ids().to_vec()).unwrap_or_default();
        key.sort_unstable();
        if let Some(known) = self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let built = Arc::new(self.build_groups(host)?);
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(key, built.clone());
        Ok(built)
    }

    fn build_groups(&self, host: Option<&Host>) -> Result<Groups, Diagnostic> {
        let all = vec![self.inventory.all()];
        let groups = host.map(|h| self.inventory.groups_of(h)).unwrap_or_default();
        let mut parts = vec![];
        for layer in &self.order {
            let (groups, dirs) = match layer {
                Layer::AllInventory => (&all, None),
                Layer::GroupsInventory => (&groups, None),
                Layer::AllBesideInventory => (&all, Some(&self.beside_inventory)),
                Layer::AllBesidePlaybook => (&all, Some(&self.beside_playbook)),
                Layer::GroupsBesideInventory => (&groups, Some(&self.beside_inventory)),
                _ => (&groups, Some(&self.beside_playbook)),
            };
            let mut add = |of: &str, vars: Arc<Map>| {
                if !vars.is_empty() {
                    parts.push(Part { layer: *layer, of: of.into(), vars });
                }
            };
            match dirs {
                None => groups.iter().for_each(|g| add(&g.name, g.vars.clone())),
                Some(dirs) => {
                    for dir in dirs {
                        for group in groups {
                            add(&group.name, self.files.of_group(dir, &group.name)?);
                        }
                    }
                }
            }
        }
        parts.reverse();
        let mut index = IndexMap::new();
        for (number, part) in parts.iter().enumerate() {
            for key in part.vars.keys() {
                index.entry(key.clone()).or_insert(number as u32);
            }
        }
        Ok(Groups { parts, index })
    }
}

fn names_of(inventory: &Inventory, host: Option<&Host>, name: &str) -> Map {
    let mut names = Map::new();
    names.insert("inventory_hostname", host.map_or(name, |h| &h.name));
    let short = || if crate::inventory::is_ip(name) { name } else { name.split('.').next().unwrap_or(name) };
    names.insert("inventory_hostname_short", host.map_or_else(short, Host::short_name));
    let groups = host.map(|h| inventory.group_names(h)).unwrap_or_default();
    names.insert("group_names", Value::list(groups.iter().map(|g| Value::from(g.as_str())).collect()));
    names
}
