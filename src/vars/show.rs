//! The variables that inventory exports show.

use super::HostVars;
use crate::diag::Diagnostic;
use crate::inventory::{Group, Host, ShowVars};
use crate::template::{Binding, Variables};
use crate::value::{Key, Map, MergeMode, merge};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Variables for `ansible-inventory`.
pub struct Shown<'a> {
    pub vars: &'a HostVars,
    /// `--export`: only what stands with the host itself; else all that it has.
    pub export: bool,
    /// `--playbook-dir`, whose group variables are shown too.
    pub playbook_dir: Option<&'a Path>,
}

impl Shown<'_> {
    fn directories(&self) -> impl Iterator<Item = PathBuf> {
        let reader = self.vars.vars.files().reader();
        let inventory = crate::inventory::directories(reader, self.vars.vars.inventory());
        inventory.into_iter().chain(self.playbook_dir.map(|dir| reader.files.canonical(dir)))
    }
    fn with(&self, base: &Map, more: &Arc<Map>) -> Map {
        merge(base, more, MergeMode { recursive: self.vars.run.merge, ..Default::default() })
    }
}

impl ShowVars for Shown<'_> {
    fn of_group(&self, group: &Group) -> Result<Map, Diagnostic> {
        let files = self.vars.vars.files();
        self.directories()
            .try_fold((*group.vars).clone(), |vars, dir| Ok(self.with(&vars, &files.of_group(&dir, &group.name)?)))
    }
    fn of_host(&self, host: &Host) -> Result<Map, Diagnostic> {
        let files = self.vars.vars.files();
        if self.export {
            return self
                .directories()
                .try_fold((*host.vars).clone(), |vars, dir| Ok(self.with(&vars, &files.of_host(&dir, &host.name)?)));
        }
        self.vars.vars.of(&host.name)?;
        let Some(vars) = self.vars.of(&host.name) else { return Ok(Map::new()) };
        let value = |name: Arc<str>| match vars.get(&name) {
            Some(Binding::Value(value)) => Some((Key::Str(name), value)),
            _ => None,
        };
        Ok(vars.names().into_iter().filter_map(value).collect())
    }
}
