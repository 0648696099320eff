//! What a play looks like to workers: a snapshot that is replaced when the play's hosts, roles or inventory change.

use crate::names::HostName;
use crate::plan::{PlannedPlay, RoleContext};
use crate::value::{Map, Value};
use crate::vars::{HostVars, PlayFacts, PlayVars, play_magic};
use std::sync::Arc;

#[derive(Clone)]
pub struct PlayView {
    pub play: Arc<PlannedPlay>,
    pub name: Arc<str>,
    pub vars: Arc<PlayVars>,
    /// All hosts, their inventory variables and what they have learned.
    pub hostvars: Arc<HostVars>,
    /// `vars_files` whose names depend on the host.
    pub late_files: Arc<Vec<Vec<Value>>>,
    /// All hosts of the play; those still in it; those of the batch still in it.
    pub hosts_all: Arc<[HostName]>,
    pub hosts: Arc<[HostName]>,
    pub batch: Arc<[HostName]>,
    /// Roles of the play, those included so far among them.
    pub roles: Vec<Arc<RoleContext>>,
}

impl PlayView {
    pub fn new(play: &Arc<PlannedPlay>, hostvars: Arc<HostVars>) -> Self {
        let mut view = PlayView {
            play: play.clone(),
            name: Arc::from(""),
            vars: Arc::new(PlayVars { vars: play.vars.clone(), ..PlayVars::default() }),
            hostvars,
            late_files: Arc::default(),
            hosts_all: Arc::default(),
            hosts: Arc::default(),
            batch: Arc::default(),
            roles: vec![],
        };
        view.add_roles(&play.roles);
        view
    }

    /// Roles join the play; public ones give it their variables.
    pub fn add_roles<'r>(&mut self, roles: impl IntoIterator<Item = &'r Arc<RoleContext>>) {
        let vars = Arc::make_mut(&mut self.vars);
        for role in roles {
            if role.public {
                vars.public_defaults.extend(role.public_defaults.iter().cloned());
                vars.public_vars.extend(role.public_vars.iter().cloned());
            }
            self.roles.push(role.clone());
        }
        self.refresh();
    }

    /// Brings `ansible_play_hosts` and the like up to date.
    pub fn refresh(&mut self) {
        let names = |hosts: &[HostName]| hosts.iter().map(|h| h.to_string()).collect::<Vec<_>>();
        let (all, hosts, batch) = (names(&self.hosts_all), names(&self.hosts), names(&self.batch));
        let roles: Vec<String> = self.roles.iter().map(|r| r.full_name()).collect();
        let mut dependent: Vec<String> = Vec::new();
        for role in self.roles.iter().flat_map(|r| r.dependencies.iter()) {
            let name = role.full_name();
            if !dependent.contains(&name) {
                dependent.push(name);
            }
        }
        let facts = PlayFacts {
            name: &self.name,
            hosts_all: &refs(&all),
            hosts: &refs(&hosts),
            batch: &refs(&batch),
            roles: &refs(&roles),
            dependent_roles: &refs(&dependent),
        };
        let mut magic: Map = play_magic(&facts);
        // Plays of an imported playbook have that file's directory.
        magic.insert("playbook_dir", self.play.dir.to_string_lossy().into_owned());
        Arc::make_mut(&mut self.vars).magic = Arc::new(magic);
    }
}

fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
