//! Hosts, groups and how they belong together. What sources and run-time changes may do to them, with ansible-core's rules;
//! nothing is read here.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::names::{GroupName, HostName};
use crate::value::{Key, Map, MergeMode, Value, merge};
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// Number of a host; stable as long as the inventory lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(u32);

/// Number of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(u32);

/// Names that mean this machine: without an entry of their own they give the implicit localhost.
pub const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

#[derive(Clone, Debug)]
pub struct Host {
    pub name: HostName,
    /// Variables of the sources; those of `host_vars/` are not here.
    pub vars: Arc<Map>,
    /// All groups that the host is in, directly or through their children; in no particular order.
    groups: Vec<GroupId>,
    /// Made because somebody named localhost, not by a source: in no group, not even `all`.
    pub implicit: bool,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: GroupName,
    pub vars: Arc<Map>,
    /// Direct members.
    hosts: Vec<HostId>,
    members: HashSet<HostId, RandomState>,
    children: Vec<GroupId>,
    parents: Vec<GroupId>,
    /// Length of the longest way down from `all`.
    pub depth: u32,
    /// `ansible_group_priority`: among groups of one depth the higher number wins.
    pub priority: i64,
}

/// How a group name with characters that variables cannot have is treated (TRANSFORM_INVALID_GROUP_CHARS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadNames {
    /// Kept, with a warning.
    #[default]
    Never,
    /// Kept.
    Ignore,
    /// Replaced by `_`, with a warning.
    Always,
    /// Replaced by `_`.
    Silently,
}

/// Rules from the settings.
#[derive(Clone, Debug)]
pub struct Rules {
    pub bad_names: BadNames,
    /// `hash_behaviour = merge`.
    pub merge: bool,
    /// `ansible_python_interpreter` of the implicit localhost.
    pub python: Arc<str>,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { bad_names: BadNames::default(), merge: false, python: "/usr/bin/python3".into() }
    }
}

/// Where hosts that are added now come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Current {
    pub file: Value,
    pub dir: Value,
}

#[derive(Clone, Debug)]
pub struct Inventory {
    hosts: IndexMap<HostName, Host, RandomState>,
    groups: IndexMap<GroupName, Group>,
    /// The first entry that means this machine.
    localhost: Option<HostId>,
    implicit: OnceLock<Box<Host>>,
    pub(super) rules: Rules,
    pub(super) current: Current,
    /// Sources that were read, for group_vars/ and host_vars/ beside them.
    pub(super) sources: Vec<String>,
    /// `inventory_file` and `inventory_dir`, which every host has.
    place_names: [Key; 2],
    warnings: Diagnostics,
    warned: HashSet<String>,
    groups_dict: OnceLock<Value>,
}

/// For how many variables a new host has room.
const VARIABLES: usize = 7;

pub const ALL: &str = "all";
pub const UNGROUPED: &str = "ungrouped";

impl Default for Inventory {
    fn default() -> Self {
        Inventory::new(Rules::default())
    }
}

impl Inventory {
    /// An inventory with the groups `all` and `ungrouped` and no host.
    pub fn new(rules: Rules) -> Self {
        let mut inventory = Inventory {
            hosts: IndexMap::default(),
            groups: IndexMap::new(),
            localhost: None,
            implicit: OnceLock::new(),
            rules,
            current: Current::default(),
            sources: vec![],
            place_names: ["inventory_file".into(), "inventory_dir".into()],
            warnings: vec![],
            warned: HashSet::new(),
            groups_dict: OnceLock::new(),
        };
        let all = inventory.new_group(ALL);
        let ungrouped = inventory.new_group(UNGROUPED);
        // Neither can be the other's ancestor yet.
        let _ = inventory.link(all, ungrouped);
        inventory
    }

    // -- looking

    /// A host; names for this machine give its entry, or else the implicit localhost.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name).or_else(|| LOCALHOST.contains(&name).then(|| self.localhost(name)))
    }
    /// A host that a source or `add_host` made.
    pub fn known_host(&self, name: &str) -> Option<&Host> {
        self.hosts.get(name)
    }
    fn localhost(&self, name: &str) -> &Host {
        match self.localhost {
            Some(id) => &self[id],
            None => self.implicit.get_or_init(|| Box::new(implicit_localhost(name, &self.rules.python))),
        }
    }
    /// Hosts in the order in which they were first named. The implicit localhost is not among them.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Host> {
        self.hosts.values()
    }
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }
    pub fn host_id(&self, name: &str) -> Option<HostId> {
        self.hosts.get_index_of(name).map(|i| HostId(i as u32))
    }
    pub fn group_id(&self, name: &str) -> Option<GroupId> {
        self.groups.get_index_of(name).map(|i| GroupId(i as u32))
    }
    pub fn all(&self) -> &Group {
        &self.groups[0]
    }
    /// Paths and lists that were read as sources, in order.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The host's groups without `all`, lowest precedence first: by depth, priority, name.
    pub fn groups_of<'a>(&'a self, host: &'a Host) -> Vec<&'a Group> {
        let mut groups: Vec<&Group> = host.groups.iter().map(|id| &self[*id]).filter(|g| &*g.name != ALL).collect();
        groups.sort_by(|a, b| (a.depth, a.priority, &a.name).cmp(&(b.depth, b.priority, &b.name)));
        groups
    }
    /// `group_names`: sorted, without `all`.
    pub fn group_names(&self, host: &Host) -> Vec<&GroupName> {
        let mut names: Vec<_> = host.groups.iter().map(|id| &self[*id].name).filter(|n| &***n != ALL).collect();
        names.sort();
        names
    }
    pub fn children(&self, group: &Group) -> impl Iterator<Item = &Group> {
        group.children.iter().map(|id| &self[*id])
    }
    /// Direct members.
    pub fn direct_hosts(&self, group: &Group) -> impl Iterator<Item = &Host> {
        group.hosts.iter().map(|id| &self[*id])
    }
    /// All hosts of a group: its own, then those of its children, level by level.
    pub fn hosts_in(&self, group: GroupId) -> Vec<HostId> {
        let mut seen_groups = HashSet::from([group]);
        let mut order = vec![group];
        let mut next = 0;
        while let Some(id) = order.get(next) {
            next += 1;
            order.extend(self[*id].children.iter().filter(|child| seen_groups.insert(**child)));
        }
        let mut seen = HashSet::new();
        order.iter().flat_map(|id| &self[*id].hosts).filter(|h| seen.insert(**h)).copied().collect()
    }
    /// The variable `groups`: group → names of its hosts.
    pub fn groups_dict(&self) -> Value {
        let build = || {
            let names: Vec<Value> = self.hosts.keys().map(|n| Value::foreign(n.as_str())).collect();
            let list = |id| Value::list(self.hosts_in(id).iter().map(|h| names[h.0 as usize].clone()).collect());
            Value::map(self.group_ids().map(|id| (Key::from(self[id].name.as_str()), list(id))).collect())
        };
        self.groups_dict.get_or_init(build).clone()
    }
    pub(super) fn group_ids(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.groups.len() as u32).map(GroupId)
    }
    /// Groups above a group, each once.
    fn ancestors(&self, group: GroupId) -> Vec<GroupId> {
        let mut found: Vec<GroupId> = vec![];
        let mut open = self[group].parents.clone();
        while let Some(id) = open.pop() {
            if !found.contains(&id) {
                found.push(id);
                open.extend(&self[id].parents);
            }
        }
        found
    }

    // -- changing

    fn new_group(&mut self, name: &str) -> GroupId {
        let group = Group {
            name: name.into(),
            vars: Arc::default(),
            hosts: vec![],
            members: HashSet::default(),
            children: vec![],
            parents: vec![],
            depth: 0,
            priority: 1,
        };
        self.touched();
        GroupId(self.groups.insert_full(name.into(), group).0 as u32)
    }
    fn touched(&mut self) {
        self.groups_dict = OnceLock::new();
    }
    /// Keeps a warning; each text once.
    pub(super) fn warn(&mut self, warning: Diagnostic) {
        if self.warned.insert(warning.message.clone()) {
            self.warnings.push(warning);
        }
    }
    /// Warnings since the last call.
    pub fn take_warnings(&mut self) -> Diagnostics {
        std::mem::take(&mut self.warnings)
    }

    /// A name as the rules want it: invalid characters replaced or not.
    pub(super) fn safe_name(&mut self, name: &str) -> String {
        if !has_bad_characters(name) {
            return name.to_owned();
        }
        let said = match self.rules.bad_names {
            BadNames::Never => Some("not replaced"),
            BadNames::Always => Some("automatically replaced"),
            BadNames::Ignore | BadNames::Silently => None,
        };
        if let Some(said) = said {
            let text =
                format!("Invalid characters were found in group names {}, use -vvvv to see details", and_but(said));
            self.warn(Diagnostic::warning(Code::WARNING, text));
        }
        match self.rules.bad_names {
            BadNames::Never | BadNames::Ignore => name.to_owned(),
            BadNames::Always | BadNames::Silently => replace_bad_characters(name),
        }
    }

    /// The group of that name, made where it does not exist yet.
    ///
    /// # Errors
    /// Where the name is empty.
    pub fn add_group(&mut self, name: &str) -> Result<GroupId, String> {
        if let Some(id) = self.group_id(name) {
            return Ok(id);
        }
        if name.is_empty() {
            return Err(format!("Invalid empty/false group name provided: {name}"));
        }
        let safe = self.safe_name(name);
        Ok(self.group_id(&safe).unwrap_or_else(|| self.new_group(&safe)))
    }

    /// The host of that name, made where it does not exist yet, and put into a group.
    ///
    /// # Errors
    /// Where the name is empty.
    pub fn add_host(&mut self, name: &str, group: Option<GroupId>, port: Option<u16>) -> Result<HostId, String> {
        if name.is_empty() {
            return Err("Invalid empty host name provided: ".to_owned());
        }
        let id = self.host_id(name).unwrap_or_else(|| self.new_host(name, port));
        if let Some(group) = group {
            self.put(group, id);
        }
        Ok(id)
    }

    fn new_host(&mut self, name: &str, port: Option<u16>) -> HostId {
        let mut vars = Map::with_capacity(VARIABLES);
        if let Some(port) = port.filter(|p| *p != 0) {
            vars.insert("ansible_port", Value::Int(port.into()));
        }
        let [file, dir] = self.place_names.clone();
        vars.insert(file, self.current.file.clone());
        vars.insert(dir, self.current.dir.clone());
        let own = HostName::from(name);
        let host = Host { name: own.clone(), vars: Arc::new(vars), groups: vec![], implicit: false };
        let id = HostId(self.hosts.insert_full(own, host).0 as u32);
        if LOCALHOST.contains(&name) {
            match self.localhost {
                None => self.localhost = Some(id),
                Some(first) => {
                    let text = format!(
                        "A duplicate localhost-like entry was found ({name}). First found localhost was {}",
                        self[first].name
                    );
                    self.warn(Diagnostic::warning(Code::WARNING, text));
                }
            }
        }
        self.touched();
        id
    }

    /// Puts a host into a group; whether it was not there before.
    fn put(&mut self, group: GroupId, host: HostId) -> bool {
        if !self.group_mut(group).members.insert(host) {
            return false;
        }
        self.group_mut(group).hosts.push(host);
        let above = self.ancestors(group);
        let groups = &mut self.host_mut(host).groups;
        for id in above.into_iter().chain([group]) {
            if !groups.contains(&id) {
                groups.push(id);
            }
        }
        self.touched();
        true
    }

    /// Puts a group into a group; whether it was not there before.
    ///
    /// # Errors
    /// Where that makes a loop.
    fn link(&mut self, parent: GroupId, child: GroupId) -> Result<bool, String> {
        let (up, down) = (&self[parent].name, &self[child].name);
        if parent == child {
            return Err("can't add group to itself".to_owned());
        }
        if self[child].parents.contains(&parent) {
            return Ok(false);
        }
        let before = self.ancestors(child);
        let mut gained = self.ancestors(parent);
        if gained.contains(&child) {
            return Err(format!("Adding group '{down}' as child to '{up}' creates a recursive dependency loop."));
        }
        gained.push(parent);
        gained.retain(|id| !before.contains(id));
        self.group_mut(parent).children.push(child);
        self.group_mut(child).parents.push(parent);
        self.deepen(child, self[parent].depth + 1);
        for host in self.hosts_in(child) {
            let groups = &mut self.host_mut(host).groups;
            for id in &gained {
                if !groups.contains(id) {
                    groups.push(*id);
                }
            }
        }
        self.touched();
        Ok(true)
    }

    fn deepen(&mut self, group: GroupId, depth: u32) {
        let mut open = vec![(group, depth)];
        while let Some((id, depth)) = open.pop() {
            if self[id].depth < depth {
                self.group_mut(id).depth = depth;
                open.extend(self[id].children.iter().map(|c| (*c, depth + 1)));
            }
        }
    }

    /// Adds a group or a host, whichever has that name, to a group.
    ///
    /// # Errors
    /// Where a name is unknown, or a loop would arise.
    pub fn add_child(&mut self, group: &str, child: &str) -> Result<bool, String> {
        let parent = self.group_id(group).ok_or_else(|| format!("{group} is not a known group"))?;
        if let Some(id) = self.group_id(child) {
            self.link(parent, id)
        } else if let Some(id) = self.host_id(child) {
            Ok(self.put(parent, id))
        } else {
            Err(format!("{child} is not a known host nor group"))
        }
    }
    /// As [`Inventory::add_child`] for two groups.
    ///
    /// # Errors
    /// Where a loop would arise.
    pub fn add_child_group(&mut self, parent: GroupId, child: GroupId) -> Result<bool, String> {
        self.link(parent, child)
    }

    /// # Errors
    /// Where `ansible_group_priority` is no integer.
    pub fn set_group_var(&mut self, group: GroupId, name: &str, value: Value) -> Result<(), String> {
        self.check_name(name, &value);
        if name == "ansible_group_priority" {
            let text = value.to_string();
            let parsed = value.as_int().or_else(|| text.trim().parse().ok());
            self.group_mut(group).priority =
                parsed.ok_or_else(|| format!("invalid literal for int() with base 10: {}", value.repr()))?;
        } else {
            let merging = self.rules.merge;
            set(Arc::make_mut(&mut self.group_mut(group).vars), name, value, merging);
        }
        Ok(())
    }
    pub fn set_host_var(&mut self, host: HostId, name: &str, value: Value) {
        self.set_host_vars(host, &[(name.into(), value)]);
    }
    pub fn set_host_vars(&mut self, host: HostId, vars: &[(Arc<str>, Value)]) {
        vars.iter().for_each(|(name, value)| self.check_name(name, value));
        let merging = self.rules.merge;
        let own = Arc::make_mut(&mut self.host_mut(host).vars);
        own.reserve(vars.len());
        for (name, value) in vars {
            set(own, name.clone(), value.clone(), merging);
        }
    }
    /// A variable for a host or a group, whichever has that name; a group comes first.
    ///
    /// # Errors
    /// Where there is neither.
    pub fn set_var(&mut self, entity: &str, name: &str, value: Value) -> Result<(), String> {
        if let Some(id) = self.group_id(entity) {
            self.set_group_var(id, name, value)
        } else if let Some(id) = self.host_id(entity) {
            self.set_host_var(id, name, value);
            Ok(())
        } else {
            Err(format!("Could not identify group or host named {entity}"))
        }
    }
    fn check_name(&mut self, name: &str, value: &Value) {
        if !is_variable_name(name) {
            let text = format!("Accepting inventory variable with invalid name {}.", crate::value::repr_str(name));
            let hint = "Variable names must be strings starting with a letter or underscore character, and contain only \
                        letters, numbers and underscores.";
            self.warn(Diagnostic::warning(Code::DEPRECATED, text).at(value.origin(), "set here").hint(hint));
        }
    }

    /// Restores the rules after changes: every group is below `all`, hosts without a group are in `ungrouped`, others not.
    pub fn reconcile(&mut self) {
        self.current = Current::default();
        for id in self.group_ids().skip(1) {
            if self[id].parents.is_empty() {
                // `all` has no parents, so no loop can arise.
                let _ = self.link(GroupId(0), id);
            }
        }
        let (all, ungrouped) = (GroupId(0), GroupId(1));
        let mut misplaced = HashSet::new();
        for index in 0..self.hosts.len() {
            let id = HostId(index as u32);
            let groups = &self[id].groups;
            if groups.contains(&ungrouped) {
                if groups.iter().any(|g| *g != all && *g != ungrouped) {
                    misplaced.insert(id);
                }
            } else if groups.is_empty() || *groups == [all] {
                self.put(ungrouped, id);
            }
        }
        if !misplaced.is_empty() {
            let group = self.group_mut(ungrouped);
            group.hosts.retain(|h| !misplaced.contains(h));
            group.members.retain(|h| !misplaced.contains(h));
            for id in misplaced {
                self.host_mut(id).groups.retain(|g| *g != ungrouped);
            }
            self.touched();
        }
        let conflicts: Vec<String> =
            self.groups.keys().filter(|g| self.hosts.contains_key(g.as_str())).map(ToString::to_string).collect();
        for name in conflicts {
            self.warn(Diagnostic::warning(Code::WARNING, format!("Found both group and host with same name: {name}")));
        }
    }

    /// What the module `add_host` does; whether anything changed.
    ///
    /// # Errors
    /// Where a name is empty.
    pub fn add_host_at_run_time(&mut self, name: &str, groups: &[String], vars: &Map) -> Result<bool, String> {
        let mut changed = self.host_id(name).is_none();
        let host = self.add_host(name, if changed { Some(GroupId(0)) } else { None }, None)?;
        for (key, value) in vars {
            let Some(key) = key.as_str() else { continue };
            let before = self[host].vars.get(key).cloned();
            if before.as_ref() != Some(value) {
                let merging = self.rules.merge;
                set(Arc::make_mut(&mut self.host_mut(host).vars), key, value.clone(), merging);
                changed |= before.as_ref() != self[host].vars.get(key);
            }
        }
        for group in groups {
            changed |= self.group_id(group).is_none();
            let group = self.add_group(group)?;
            changed |= self.put(group, host);
        }
        if changed {
            self.reconcile();
        }
        Ok(changed)
    }

    /// Whether [`Inventory::add_host_at_run_time`] would change anything.
    pub fn would_add_host(&self, name: &str, groups: &[String], vars: &Map) -> bool {
        let Some(host) = self.host_id(name) else { return true };
        let known = |(key, value): (&Key, &Value)| key.as_str().is_none_or(|k| self[host].vars.get(k) == Some(value));
        !vars.iter().all(known) || groups.iter().any(|group| !self.is_member(host, group))
    }

    /// Whether [`Inventory::group_at_run_time`] would change anything.
    pub fn would_group(&self, host: &str, group: &str, parents: &[String]) -> bool {
        let Some(host) = self.host_id(host) else { return true };
        let within = |parent: &String| match (self.group_id(parent), self.group_id(group)) {
            (Some(parent), Some(group)) => self[group].parents.contains(&parent),
            _ => false,
        };
        !self.is_member(host, group) || !parents.iter().all(within)
    }

    fn is_member(&self, host: HostId, group: &str) -> bool {
        self.group_id(group).is_some_and(|group| self[group].members.contains(&host))
    }

    /// What the module `group_by` does: puts a host into a group that is below given parents; whether anything changed. The
    /// implicit localhost cannot be a member of groups.
    ///
    /// # Errors
    /// Where a name is empty or unknown, or a loop would arise.
    pub fn group_at_run_time(&mut self, host: &str, group: &str, parents: &[String]) -> Result<bool, String> {
        let id = self.host_id(host).ok_or_else(|| format!("{host} cannot be matched in inventory"))?;
        let group = self.add_group(group)?;
        let mut changed = false;
        for parent in parents {
            changed |= self.group_id(parent).is_none();
            let parent = self.add_group(parent)?;
            changed |= self.link(parent, group)?;
        }
        changed |= self.put(group, id);
        if changed {
            self.reconcile();
        }
        Ok(changed)
    }

    fn host_mut(&mut self, id: HostId) -> &mut Host {
        &mut self.hosts[id.0 as usize]
    }
    fn group_mut(&mut self, id: GroupId) -> &mut Group {
        &mut self.groups[id.0 as usize]
    }
    pub(super) fn reserve(&mut self, hosts: usize) {
        self.hosts.reserve(hosts);
    }
    /// Positions of hosts, by name; for sorting by inventory order.
    pub fn positions(&self) -> HashMap<&str, usize> {
        self.hosts.keys().enumerate().map(|(i, n)| (n.as_str(), i)).collect()
    }
}

impl std::ops::Index<HostId> for Inventory {
    type Output = Host;
    fn index(&self, id: HostId) -> &Host {
        &self.hosts[id.0 as usize]
    }
}
impl std::ops::Index<GroupId> for Inventory {
    type Output = Group;
    fn index(&self, id: GroupId) -> &Group {
        &self.groups[id.0 as usize]
    }
}

impl Host {
    /// All groups that the host is in, `all` among them; in no particular order.
    pub fn group_ids(&self) -> &[GroupId] {
        &self.groups
    }
    /// `inventory_hostname_short`: the name up to its first dot, unless it is an address.
    pub fn short_name(&self) -> &str {
        let name = self.name.as_str();
        if super::address::is_ip(name) { name } else { name.split('.').next().unwrap_or(name) }
    }
}

fn set(vars: &mut Map, name: impl Into<Key>, value: Value, merging: bool) {
    let name = name.into();
    let value = match (vars.get_key(&name).filter(|_| merging), &value) {
        (Some(Value::Map(old)), Value::Map(new)) => {
            Value::map(merge(old, new, MergeMode { recursive: true, ..Default::default() }))
        }
        _ => value,
    };
    vars.insert(name, value);
}

fn implicit_localhost(name: &str, python: &str) -> Host {
    let mut vars = Map::new();
    vars.insert("ansible_python_interpreter", Value::foreign(python));
    vars.insert("ansible_connection", Value::foreign("local"));
    Host { name: name.into(), vars: Arc::new(vars), groups: vec![], implicit: true }
}

fn and_but(said: &str) -> String {
    format!("{} {said}", if said.starts_with("not") { "but" } else { "and" })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn has_bad_characters(name: &str) -> bool {
    name.starts_with(char::is_numeric) || !name.chars().all(is_word)
}

/// The name as a variable could have it. Constructed groups are always named so.
pub(super) fn replace_bad_characters(name: &str) -> String {
    name.chars().enumerate().map(|(i, c)| if !is_word(c) || (i == 0 && c.is_numeric()) { '_' } else { c }).collect()
}

/// Words that templates keep for themselves.
const JINJA_WORDS: [&str; 7] = ["true", "True", "false", "False", "none", "None", "not"];

/// Whether a variable can have that name: an ASCII identifier that Jinja2 does not keep for itself.
pub fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !JINJA_WORDS.contains(&name)
}
