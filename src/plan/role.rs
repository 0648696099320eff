//! One use of a role: its variables, its place in the chain of roles, its identity.

use super::model::Id;
use crate::playbook::Common;
use crate::value::Map;
use std::path::PathBuf;
use std::sync::Arc;

/// A role as used at one place. Variables are layers, lowest precedence first, to be combined by `hash_behaviour`.
#[derive(Debug)]
pub struct RoleContext {
    pub id: Id,
    /// As named, without the collection.
    pub name: Arc<str>,
    /// `namespace.collection`, for a role of a collection.
    pub collection: Option<Arc<str>>,
    pub path: PathBuf,
    /// Equal for uses that Ansible takes for the same role (name, path, parameters, when, tags, files, vars): the second use
    /// does not run on a host that has completed the first, unless `allow_duplicates`.
    pub identity: Arc<str>,
    pub allow_duplicates: bool,
    /// Its defaults and vars are visible to the whole play.
    pub public: bool,
    /// Comes from include_role or import_role.
    pub from_include: bool,
    /// The roles that led here, outermost first, without this one.
    pub chain: Vec<Arc<RoleContext>>,
    /// All dependencies, those of dependencies included, in the order in which they run.
    pub dependencies: Vec<Arc<RoleContext>>,
    /// Defaults as its tasks see them: of dependencies, of the chain, its own.
    pub defaults: Vec<Arc<Map>>,
    /// Role vars as its tasks see them: of the chain, exported by dependencies, its own, `vars:` of this use.
    pub vars: Vec<Arc<Map>>,
    /// Parameters of the chain, then its own.
    pub params: Vec<Arc<Map>>,
    /// Defaults as the rest of the play sees them where `public`: of dependencies, its own.
    pub public_defaults: Vec<Arc<Map>>,
    /// Vars as the rest of the play sees them where `public`: of dependencies, its own `vars/`.
    pub public_vars: Vec<Arc<Map>>,
    /// What this role alone brings.
    pub own: RoleOwn,
    /// Keywords of this use (`roles: [{role: x, become: true}]`); its `vars` are among `vars`.
    pub(super) common: Common,
    /// Where its tasks look for short names.
    pub(super) collections: Arc<[Arc<str>]>,
}

/// The variables of a role itself.
#[derive(Debug, Default)]
pub struct RoleOwn {
    /// `defaults/main.yml` or `defaults_from`.
    pub defaults: Arc<Map>,
    /// `vars/main.yml` or `vars_from`.
    pub vars: Arc<Map>,
    /// `vars:` of this use.
    pub keyword_vars: Arc<Map>,
    /// Parameters of this use.
    pub params: Arc<Map>,
}

impl RoleContext {
    /// With the collection: `ns.col.role`.
    pub fn full_name(&self) -> String {
        match &self.collection {
            Some(collection) => format!("{collection}.{}", self.name),
            None => self.name.to_string(),
        }
    }
}
