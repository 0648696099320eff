//! The planner: playbooks → plan, and includes at run time. Holds what all planning shares.

use super::build::Build;
use super::context::{Included, PlanSettings, RoleRequest, StaticRender};
use super::imports::ImportedPlay;
use super::loader::{Loader, has_errors};
use super::model::{Id, Plan, PlannedPlay, PlannedTask};
use super::paths;
use super::program::Libraries;
use super::resolve::ModuleCatalogue;
use super::role_files::{FromFiles, RoleFiles, RolePlace, read_role};
use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::playbook::Play;
use crate::value::{Map, MergeMode, merge};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub struct Planner {
    pub loader: Loader,
    pub settings: PlanSettings,
    pub catalogue: Arc<dyn ModuleCatalogue>,
    pub render: Arc<dyn StaticRender>,
    next: AtomicU64,
    roles: Mutex<HashMap<(PathBuf, FromFiles), Arc<RoleFiles>>>,
    pub(super) libraries: Mutex<Libraries>,
}

impl Planner {
    pub fn new(
        loader: Loader,
        settings: PlanSettings,
        catalogue: Arc<dyn ModuleCatalogue>,
        render: Arc<dyn StaticRender>,
    ) -> Self {
        Planner {
            loader,
            settings,
            catalogue,
            render,
            next: AtomicU64::new(1),
            roles: Mutex::default(),
            libraries: Mutex::default(),
        }
    }

    /// Directories of the roles that were read so far.
    pub(super) fn role_paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            self.roles.lock().unwrap_or_else(|e| e.into_inner()).keys().map(|(path, _)| path.clone()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    pub(super) fn id(&self) -> Id {
        Id(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Plans playbooks one after the other.
    ///
    /// # Errors
    /// Every fault found in all of them, with the warnings.
    pub fn plan(&self, playbooks: &[PathBuf]) -> Result<Plan, Diagnostics> {
        let mut plan = Plan::default();
        let mut all = Vec::new();
        for path in playbooks {
            let (plays, diagnostics) = self.imported(path, None, 0);
            all.extend(diagnostics);
            plan.playbooks.push((path.clone(), plays.len()));
            for play in plays {
                let (planned, build) = Build::play(self, play);
                plan.plays.push(Arc::new(planned));
                all.extend(build.diagnostics);
                plan.argument_faults.extend(build.argument_faults);
                plan.missing_modules.extend(build.missing_modules);
            }
        }
        let all = distinct(all);
        if has_errors(&all) {
            return Err(all);
        }
        plan.warnings = all;
        plan.argument_faults = distinct(plan.argument_faults);
        plan.missing_modules = distinct(plan.missing_modules);
        Ok(plan)
    }

    /// Plans one play that stands in no file of its own (ad-hoc commands). `dir` is where relative paths start.
    ///
    /// # Errors
    /// Every fault found.
    pub fn plan_play(&self, play: Arc<Play>, path: PathBuf, dir: &Path) -> Result<Plan, Diagnostics> {
        let vars = play.common.vars.clone();
        let imported = ImportedPlay { play, path, dir: dir.into(), imported: false, vars, tags: vec![], when: vec![] };
        let (planned, build) = Build::play(self, imported);
        if has_errors(&build.diagnostics) {
            return Err(build.diagnostics);
        }
        Ok(Plan {
            plays: vec![Arc::new(planned)],
            playbooks: vec![],
            warnings: build.diagnostics,
            argument_faults: build.argument_faults,
            missing_modules: build.missing_modules,
        })
    }

    /// The file that an include names; where there is none, the last place looked at.
    pub fn include_path(&self, include: &PlannedTask, target: &str) -> PathBuf {
        let home = self.settings.home.as_deref();
        paths::find_tasks(&*self.loader.files, &include.frame, include.handler, true, target, home)
    }

    /// Plans the file of an `include_tasks`. `target` is the rendered name, `vars` the variables of the iteration; those
    /// of the include task come from the task itself. The file is read once per run.
    ///
    /// # Errors
    /// Every fault found; E0110 where there is no such file.
    pub fn include_tasks(
        &self,
        play: &PlannedPlay,
        include: &PlannedTask,
        target: &str,
        vars: &Arc<Map>,
    ) -> Result<Included, Diagnostics> {
        let path = self.include_path(include, target);
        let vars = with_own_vars(include, vars);
        let mut build = Build::inside(self, play);
        let blocks = build.included_tasks(include, &path, target, vars)?;
        build.remember(play);
        let diagnostics = distinct(build.diagnostics);
        if has_errors(&diagnostics) {
            return Err(diagnostics);
        }
        // Handlers and roles are there where the file imports roles.
        Ok(Included { path, blocks, handlers: build.handlers, role: None, roles: build.roles, warnings: diagnostics })
    }

    /// Plans the role of an `include_role`.
    ///
    /// # Errors
    /// Every fault found; E0205 where there is no such role.
    pub fn include_role(
        &self,
        play: &PlannedPlay,
        include: &PlannedTask,
        request: &RoleRequest,
    ) -> Result<Included, Diagnostics> {
        let vars = with_own_vars(include, &request.vars);
        let mut build = Build::inside(self, play);
        let included = build.included_role(include, request, vars);
        build.remember(play);
        let diagnostics = distinct(build.diagnostics);
        match included {
            Some(compiled) if !has_errors(&diagnostics) => {
                let mut handlers = build.handlers;
                handlers.extend(compiled.handlers);
                Ok(Included {
                    path: compiled.context.path.clone(),
                    blocks: compiled.blocks,
                    handlers,
                    role: Some(compiled.context),
                    roles: build.roles,
                    warnings: diagnostics,
                })
            }
            _ => Err(diagnostics),
        }
    }

    /// A role's files, read once per run.
    pub(super) fn role_files(
        &self,
        place: &RolePlace,
        from: &FromFiles,
        wanted: Option<Span>,
    ) -> Result<Arc<RoleFiles>, Diagnostic> {
        let key = (place.path.clone(), from.clone());
        if let Some(known) = self.roles.lock().unwrap_or_else(|e| e.into_inner()).get(&key) {
            return Ok(known.clone());
        }
        let files = Arc::new(read_role(&self.loader, place, from, wanted)?);
        self.roles.lock().unwrap_or_else(|e| e.into_inner()).insert(key, files.clone());
        Ok(files)
    }
}

/// The include task's variables with those of the iteration over them.
fn with_own_vars(include: &PlannedTask, vars: &Arc<Map>) -> Arc<Map> {
    let own = &include.task.common.vars;
    match (own.is_empty(), vars.is_empty()) {
        (true, _) => vars.clone(),
        (false, true) => own.clone(),
        (false, false) => Arc::new(merge(own, vars, MergeMode::default())),
    }
}

/// Each diagnostic once: a file that is imported twice has its faults once. Errors stand before warnings, those of one
/// file in the order of the text.
fn distinct(all: Diagnostics) -> Diagnostics {
    let mut out: Diagnostics = Vec::new();
    for diagnostic in all {
        if !out.contains(&diagnostic) {
            out.push(diagnostic);
        }
    }
    out.sort_by_key(|d| (d.severity != Severity::Error, d.span().map(|s| (s.file, s.start))));
    out
}
