//! `import_playbook`: plays of other files, with the import's variables, tags and conditions.

use super::context::StaticScope;
use super::paths::normal;
use super::planner::Planner;
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::playbook::{Entry, ImportPlaybook, Level, Play, Settings, Templated};
use crate::value::{Map, MergeMode, Value, merge};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Playbooks nested deeper than this import each other.
const DEEPEST: usize = 64;

/// A play and what the imports around it add.
pub(super) struct ImportedPlay {
    pub(super) play: Arc<Play>,
    pub(super) path: PathBuf,
    pub(super) dir: Arc<Path>,
    /// `dir` has been set by an import.
    pub(super) imported: bool,
    pub(super) vars: Arc<Map>,
    pub(super) tags: Vec<Templated>,
    pub(super) when: Vec<Templated>,
}

impl Planner {
    /// The plays of a playbook and of those that it imports.
    pub(super) fn imported(&self, path: &Path, wanted: Option<Span>, depth: usize) -> (Vec<ImportedPlay>, Diagnostics) {
        let mut diagnostics = Vec::new();
        let absolute = self.absolute(path);
        let parsed = match self.loader.playbook(&absolute, wanted) {
            Ok(parsed) => parsed,
            Err(fault) => return (vec![], vec![fault]),
        };
        diagnostics.extend(parsed.diagnostics);
        let dir: Arc<Path> = absolute.parent().unwrap_or(Path::new("/")).into();
        let mut plays = Vec::new();
        for entry in &parsed.tree.entries {
            match entry {
                Entry::Play(play) => plays.push(ImportedPlay {
                    play: play.clone(),
                    path: absolute.clone(),
                    dir: dir.clone(),
                    imported: false,
                    vars: play.common.vars.clone(),
                    tags: vec![],
                    when: vec![],
                }),
                Entry::Import(import) if depth >= DEEPEST => {
                    let message = "playbooks import each other without end";
                    diagnostics.push(Diagnostic::error(Code::INCLUDE_INVALID, message).at(import.span, ""));
                }
                Entry::Import(import) => match self.import_target(import, &dir) {
                    Err(fault) => diagnostics.push(fault),
                    Ok(target) => {
                        let (inner, more) = self.imported(&target, Some(import.target.span), depth + 1);
                        diagnostics.extend(more);
                        plays.extend(inner.into_iter().map(|play| within(import, &target, play)));
                    }
                },
            }
        }
        (plays, diagnostics)
    }

    fn import_target(&self, import: &ImportPlaybook, dir: &Arc<Path>) -> Result<PathBuf, Diagnostic> {
        if let Some(fault) = super::check::settings(&import.common.settings, Level::Import).pop() {
            return Err(fault);
        }
        let scope = StaticScope { play_dir: dir.clone(), layers: vec![import.common.vars.clone()], role: None };
        let render = |keyword: &str, value: &Value| {
            self.render.render(value, &scope).map_err(|fault| Diagnostic {
                message: format!("Error processing keyword '{keyword}': {}", fault.message),
                ..fault
            })
        };
        let settings = &import.common.settings;
        let written = Settings::NAMES.iter().filter_map(|name| Some((name, settings.get(name)?)));
        for (keyword, setting) in written.filter(|(_, s)| s.value.needs_render()) {
            render(keyword, &setting.value)?;
        }
        let mut name = import.target.node.clone();
        if name.needs_render() {
            name = render("import_playbook", &name)?;
        }
        let Some(name) = name.as_str() else {
            let message = format!("import_playbook takes the name of a file, not a {}", name.type_name());
            return Err(Diagnostic::error(Code::INCLUDE_INVALID, message).at(import.target.span, ""));
        };
        Ok(self.collection_playbook(name, dir).unwrap_or_else(|| normal(&dir.join(name))))
    }

    /// `namespace.collection.playbook`, if such a collection has such a playbook.
    fn collection_playbook(&self, name: &str, dir: &Path) -> Option<PathBuf> {
        let bare = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name);
        let parts: Vec<&str> = bare.split('.').collect();
        if parts.len() < 3 || name.contains('/') {
            return None;
        }
        self.settings.collection_roots(dir).find_map(|root| {
            let mut base = root.join("ansible_collections").join(parts[0]).join(parts[1]).join("playbooks");
            base.extend(&parts[2..]);
            [".yml", ".yaml"]
                .iter()
                .map(|extension| PathBuf::from(format!("{}{extension}", base.display())))
                .find(|path| self.loader.files.is_file(path))
        })
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        if path.is_absolute() { normal(path) } else { normal(&self.loader.files.canonical(Path::new(".")).join(path)) }
    }
}

fn within(import: &ImportPlaybook, target: &Path, play: ImportedPlay) -> ImportedPlay {
    let own = &import.common;
    let mut vars = merge(&play.vars, &own.vars, MergeMode::default());
    let mut tags = play.tags;
    // Once a way to give tags: no variable, and without effect.
    vars.remove("tags");
    tags.extend(own.tags.iter().cloned());
    let mut when = own.when.clone();
    when.extend(play.when);
    let dir = if play.imported { play.dir } else { target.parent().unwrap_or(Path::new("/")).into() };
    ImportedPlay { vars: Arc::new(vars), tags, when, dir, imported: true, ..play }
}
