//! One planning at work: walks the tree of a play or of an included file and makes planned blocks and tasks.

use super::check;
use super::context::{RoleRequest, StaticScope};
use super::imports::ImportedPlay;
use super::loader::has_errors;
use super::model::{Frame, Id, IncludeLink, Inherited, PlannedBlock, PlannedItem, PlannedPlay, PlannedTask};
use super::paths;
use super::planner::Planner;
use super::reserved;
use super::resolve::{Action, ActionKind, Meta, Resolved, nearest_action, resolve};
use super::role::RoleContext;
use super::synthetic;
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::names::ModuleName;
use crate::playbook::{Block, Common, Item, Play, Task, Templated, builtin_action};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Imports nested deeper than this import each other.
const DEEPEST: usize = 64;

pub(super) struct Build<'p> {
    pub(super) planner: &'p Planner,
    pub(super) play: PlayScope,
    pub(super) diagnostics: Diagnostics,
    pub(super) argument_faults: Diagnostics,
    pub(super) missing_modules: Diagnostics,
    /// Handlers of imported roles.
    pub(super) handlers: Vec<Arc<PlannedTask>>,
    /// Imported roles.
    pub(super) roles: Vec<Arc<RoleContext>>,
    pub(super) depth: usize,
    /// Blocks with `rescue` around the current task.
    rescued: usize,
}

/// What is the same all over the play.
pub(super) struct PlayScope {
    pub(super) dir: Arc<Path>,
    pub(super) keywords: Arc<Inherited>,
    pub(super) vars: Arc<Map>,
    written: Arc<Play>,
    files: OnceLock<Vec<Arc<Map>>>,
}

/// Where the walk is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) frame: Arc<Frame>,
    pub(super) handlers: bool,
}

impl<'p> Build<'p> {
    /// Plans a play.
    pub(super) fn play(planner: &'p Planner, imported: ImportedPlay) -> (PlannedPlay, Self) {
        let ImportedPlay { play, path, dir, vars, tags, when, .. } = imported;
        let common = Common { tags, vars: Arc::default(), ..Common::default() };
        let own = Common { vars: Arc::default(), ..play.common.clone() };
        let keywords = Arc::new(Inherited::default().with(&own).with(&common));
        let scope = PlayScope {
            dir: dir.clone(),
            keywords: keywords.clone(),
            vars: vars.clone(),
            written: play.clone(),
            files: OnceLock::new(),
        };
        let mut build = Build::new(planner, scope);
        let file_dir = path.parent().unwrap_or(Path::new("/"));
        build.check_module_defaults(&play.common);
        build.check_names(&vars, play.span);
        // Conditions of the import hold for the sections, not for handlers and flushes.
        let section = build.frame(build.conditional(&keywords, &when), None, None, file_dir);
        let plain = build.frame(keywords.clone(), None, None, file_dir);
        let mut role_tasks = Vec::new();
        let mut handlers = Vec::new();
        let mut roles = Vec::new();
        for reference in &play.roles {
            if let Some(compiled) = build.listed_role(reference, &when) {
                role_tasks.extend(compiled.blocks);
                handlers.extend(compiled.handlers);
                roles.push(compiled.context);
            }
        }
        let of_imports = std::mem::take(&mut build.handlers);
        let own_handlers = build.handler_list(&play.handlers, &plain);
        let tasks_place = Place { frame: section, handlers: false };
        let pre_tasks = build.blocks(&play.pre_tasks, &tasks_place);
        let post_tasks = build.blocks(&play.post_tasks, &tasks_place);
        let tasks = build.blocks(&play.tasks, &tasks_place);
        handlers.extend(own_handlers);
        handlers.extend(of_imports);
        handlers.append(&mut build.handlers);
        roles.append(&mut build.roles);
        let flush = [0, 1, 2].map(|_| synthetic::flush_handlers(planner, &plain, play.span));
        let gather = synthetic::gather_facts(planner, &plain, &play, &when);
        let planned = PlannedPlay {
            id: planner.id(),
            path,
            dir,
            keywords,
            vars,
            import_when: when,
            static_files: OnceLock::new(),
            gather,
            pre_tasks,
            role_tasks,
            tasks,
            post_tasks,
            flush,
            handlers,
            roles,
            play,
        };
        (planned, build)
    }

    /// Plans something within a play that is already planned.
    pub(super) fn inside(planner: &'p Planner, play: &PlannedPlay) -> Self {
        let scope = PlayScope {
            dir: play.dir.clone(),
            keywords: play.keywords.clone(),
            vars: play.vars.clone(),
            written: play.play.clone(),
            files: play.static_files.get().cloned().map_or_else(OnceLock::new, OnceLock::from),
        };
        Build::new(planner, scope)
    }

    /// Keeps what has been read for the next include.
    pub(super) fn remember(&self, play: &PlannedPlay) {
        if let Some(files) = self.play.files.get() {
            play.static_files.get_or_init(|| files.clone());
        }
    }

    fn new(planner: &'p Planner, play: PlayScope) -> Self {
        Build {
            planner,
            play,
            diagnostics: vec![],
            argument_faults: vec![],
            missing_modules: vec![],
            handlers: vec![],
            roles: vec![],
            depth: 0,
            rescued: 0,
        }
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Warns of variables with names that the language uses.
    pub(super) fn check_names(&mut self, vars: &Map, span: Span) {
        self.diagnostics.extend(reserved::warnings(vars, Some(span)));
    }

    fn conditional(&self, keywords: &Arc<Inherited>, when: &[Templated]) -> Arc<Inherited> {
        if when.is_empty() {
            return keywords.clone();
        }
        Arc::new(keywords.with(&Common { when: when.to_vec(), ..Common::default() }))
    }

    /// Surroundings of the tasks of a file in `file_dir`.
    pub(super) fn frame(
        &self,
        keywords: Arc<Inherited>,
        role: Option<Arc<RoleContext>>,
        include: Option<Arc<IncludeLink>>,
        file_dir: &Path,
    ) -> Arc<Frame> {
        let mut search: Vec<PathBuf> = Vec::new();
        if let Some(role) = &role {
            search.push(role.path.clone());
            search.extend(role.chain.iter().rev().map(|r| r.path.clone()));
        }
        for dir in [file_dir, &*self.play.dir] {
            if !search.iter().any(|known| known == dir) {
                search.push(dir.to_owned());
            }
        }
        Arc::new(Frame { keywords, role, include, search_path: search.into(), play_dir: self.play.dir.clone() })
    }

    /// A list of tasks and blocks as blocks: tasks in a row are put into one block that is not written.
    pub(super) fn blocks(&mut self, items: &[Item], place: &Place) -> Vec<Arc<PlannedBlock>> {
        let mut out = Vec::new();
        for run in items.chunk_by(|a, b| matches!((a, b), (Item::Task(_), Item::Task(_)))) {
            match run {
                [Item::Block(block)] => out.push(Arc::new(self.block(block, place))),
                tasks => out.push(Arc::new(self.implicit(tasks, place))),
            }
        }
        out
    }

    fn implicit(&mut self, items: &[Item], place: &Place) -> PlannedBlock {
        let id = self.planner.id();
        PlannedBlock {
            id,
            span: items.first().map(Item::span),
            implicit: true,
            name: None,
            keywords: place.frame.keywords.clone(),
            role: place.frame.role.clone(),
            block: self.items(items, place, id),
            rescue: vec![],
            always: vec![],
        }
    }

    fn block(&mut self, block: &Block, place: &Place) -> PlannedBlock {
        let id = self.planner.id();
        self.check_module_defaults(&block.common);
        self.check_names(&block.common.vars, block.span);
        let keywords = place.frame.keywords.inside(&block.common);
        let frame = Arc::new(Frame { keywords: keywords.clone(), ..place.frame.duplicate() });
        let inner = Place { frame, handlers: place.handlers };
        let foreseen = usize::from(!block.rescue.is_empty());
        self.rescued += foreseen;
        let tasks = self.items(&block.block, &inner, id);
        self.rescued -= foreseen;
        PlannedBlock {
            id,
            span: Some(block.span),
            implicit: false,
            name: block.common.name.clone(),
            keywords,
            role: place.frame.role.clone(),
            block: tasks,
            rescue: self.items(&block.rescue, &inner, id),
            always: self.items(&block.always, &inner, id),
        }
    }

    fn items(&mut self, items: &[Item], place: &Place, group: Id) -> Vec<PlannedItem> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Block(block) => out.push(PlannedItem::Block(Arc::new(self.block(block, place)))),
                Item::Task(task) => self.task(task, place, group, &mut out),
            }
        }
        out
    }

    /// Handlers, flat.
    pub(super) fn handler_list(&mut self, items: &[Item], frame: &Arc<Frame>) -> Vec<Arc<PlannedTask>> {
        let place = Place { frame: frame.clone(), handlers: true };
        self.blocks(items, &place).iter().flat_map(|block| tasks_of(&block.block)).collect()
    }

    fn task(&mut self, task: &Arc<Task>, place: &Place, group: Id, out: &mut Vec<PlannedItem>) {
        let written = task.action.node.as_str().unwrap_or_default();
        self.check_names(&task.common.vars, task.span);
        match builtin_action(written) {
            Some("import_tasks") => {
                let blocks = self.import_tasks(task, place);
                if place.handlers {
                    out.extend(blocks.iter().flat_map(|b| tasks_of(&b.block)).map(PlannedItem::Task));
                } else {
                    out.extend(blocks.into_iter().map(PlannedItem::Block));
                }
            }
            Some("import_role") => {
                if let Some(compiled) = self.import_role(task, place) {
                    self.roles.push(compiled.context);
                    self.handlers.extend(compiled.handlers);
                    out.extend(compiled.blocks.into_iter().map(PlannedItem::Block));
                }
            }
            _ => {
                if let Some(task) = self.plain_task(task, place, group) {
                    out.push(PlannedItem::Task(Arc::new(task)));
                }
            }
        }
    }

    fn plain_task(&mut self, task: &Arc<Task>, place: &Place, group: Id) -> Option<PlannedTask> {
        let mut keywords = place.frame.keywords.inside(&task.common);
        self.check_module_defaults(&task.common);
        let action = self.action(task, &keywords, place)?;
        if matches!(action, Action::IncludeTasks | Action::IncludeRole) && !task.common.vars.is_empty() {
            Arc::make_mut(&mut keywords).include_params.push(task.common.vars.clone());
        }
        let mut listen: Vec<Arc<str>> = task.listen.iter().map(|l| l.node.clone()).collect();
        if let Some(role) = &place.frame.role {
            for topic in &task.listen {
                listen.push(format!("{} : {}", role.full_name(), topic.node).into());
                if role.collection.is_some() {
                    listen.push(format!("{} : {}", role.name, topic.node).into());
                }
            }
        }
        Some(PlannedTask {
            id: self.planner.id(),
            task: task.clone(),
            action,
            keywords,
            frame: place.frame.clone(),
            handler: place.handlers,
            listen,
            implicit: false,
            group,
        })
    }

    fn action(&mut self, task: &Task, keywords: &Inherited, place: &Place) -> Option<Action> {
        if task.action.node.needs_render() {
            return Some(Action::Template(task.action.clone()));
        }
        let name = task.action.node.as_str().unwrap_or_default();
        match builtin_action(name) {
            Some("include_tasks") => return Some(Action::IncludeTasks),
            Some("include_role") => return Some(Action::IncludeRole),
            Some("meta") => return self.meta(task, place),
            _ => {}
        }
        let known = resolve(&*self.planner.catalogue, name, &keywords.collections);
        let found = self.own(name, known.as_ref(), keywords, place).or(known);
        let short = builtin_action(name).unwrap_or(name);
        let Some(resolved) = found.filter(|_| !self.planner.settings.rejected.iter().any(|r| r == short)) else {
            let message = format!(
                "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or incorrect module path."
            );
            let mut fault = Diagnostic::error(Code::MODULE_UNKNOWN, message).at(task.action.span, "unknown module");
            if let Some(near) = nearest_action(&*self.planner.catalogue, name) {
                fault = fault.hint(format!("did you mean `{near}`?"));
            }
            self.report(fault);
            return None;
        };
        if let ActionKind::Program(path) = &resolved.kind {
            self.program(name, path, task);
        } else if matches!(resolved.kind, ActionKind::Missing) {
            let message = format!("the module {} is not supported", resolved.name);
            self.missing_modules.push(Diagnostic::error(Code::UNSUPPORTED, message).at(task.action.span, ""));
        } else if self.rescued == 0 && !check::failure_is_foreseen(task, keywords) {
            self.argument_faults.extend(check::keywords(task));
            self.argument_faults.extend(check::arguments(task, &resolved, keywords));
        }
        Some(Action::Run(resolved))
    }

    /// A module of the author's own; it stands in for modules of that name, not for actions of the controller.
    fn own(&self, name: &str, known: Option<&Resolved>, keywords: &Inherited, place: &Place) -> Option<Resolved> {
        let known = known.map(|resolved| &resolved.kind);
        if matches!(known, Some(ActionKind::Controller(_)))
            || (matches!(known, Some(ActionKind::Native(_)))
                && name.contains('.')
                && !name.starts_with("ansible.legacy."))
        {
            return None;
        }
        let frame = &place.frame;
        let (name, path) = self.planner.own_module(name, &frame.search_path, &frame.play_dir, &keywords.collections)?;
        Some(Resolved { name: name.into(), kind: ActionKind::Program(path) })
    }

    /// Programs that cannot be run are told before any host is touched.
    fn program(&mut self, name: &str, path: &Path, task: &Task) {
        let text = self.planner.loader.files.read(path).map_err(|e| e.to_string());
        if let Err(why) = text.and_then(|text| super::program::style(&text)) {
            let message = format!("the module {name} ({}) is not supported: {why}", path.display());
            self.missing_modules.push(Diagnostic::error(Code::UNSUPPORTED, message).at(task.action.span, ""));
        }
    }

    fn meta(&mut self, task: &Task, place: &Place) -> Option<Action> {
        let name = task.args.raw_params().map(Value::to_string).unwrap_or_default();
        let fault = match Meta::parse(&name) {
            None | Some(Meta::RoleComplete) => {
                Some((Code::TASK_ACTION, format!("invalid meta action requested: {name}")))
            }
            Some(Meta::EndRole) if place.handlers => {
                Some((Code::INCLUDE_INVALID, "Cannot execute 'end_role' from a handler".to_owned()))
            }
            Some(Meta::EndRole) if place.frame.role.is_none() => {
                Some((Code::INCLUDE_INVALID, "Cannot execute 'end_role' from outside of a role".to_owned()))
            }
            Some(meta) => return Some(Action::Meta(meta)),
        };
        if let Some((code, message)) = fault {
            self.report(Diagnostic::error(code, message).at(task.span, ""));
        }
        None
    }

    fn import_tasks(&mut self, task: &Task, place: &Place) -> Vec<Arc<PlannedBlock>> {
        let keywords = place.frame.keywords.inside(&task.common);
        let Some(raw) = task.args.raw_params() else { return vec![] };
        let Some(target) = self.import_name(raw, task, place, &keywords) else { return vec![] };
        let planner = self.planner;
        let home = planner.settings.home.as_deref();
        let files = &*planner.loader.files;
        let path = paths::find_tasks(files, &place.frame, place.handlers, false, &target, home);
        let dir = Path::new(&target).parent().unwrap_or(Path::new("")).to_owned();
        let link = Arc::new(IncludeLink { dir, outer: place.frame.include.clone() });
        let file_dir = path.parent().unwrap_or(Path::new("/"));
        let frame = self.frame(keywords, place.frame.role.clone(), Some(link), file_dir);
        self.file(&path, task, &Place { frame, handlers: place.handlers })
    }

    /// The tasks of another file.
    fn file(&mut self, path: &Path, task: &Task, place: &Place) -> Vec<Arc<PlannedBlock>> {
        if self.depth >= DEEPEST {
            let message = "task files import each other without end";
            self.report(Diagnostic::error(Code::INCLUDE_INVALID, message).at(task.span, ""));
            return vec![];
        }
        let wanted = task.args.raw_params().and_then(Value::origin).unwrap_or(task.span);
        match self.planner.loader.tasks(path, place.handlers, Some(wanted)) {
            Err(fault) => {
                self.report(fault);
                vec![]
            }
            Ok(parsed) => {
                self.diagnostics.extend(parsed.diagnostics.iter().cloned());
                if parsed.tree.is_empty() && !parsed.has_errors() {
                    let message = format!("file {} is empty and had no tasks to include", path.display());
                    self.report(Diagnostic::warning(Code::WARNING, message).at(wanted, ""));
                }
                self.depth += 1;
                let blocks = self.blocks(&parsed.tree, place);
                self.depth -= 1;
                blocks
            }
        }
    }

    /// The blocks of a file that is included while running.
    pub(super) fn included_tasks(
        &mut self,
        include: &PlannedTask,
        path: &Path,
        target: &str,
        vars: Arc<Map>,
    ) -> Result<Vec<Arc<PlannedBlock>>, Diagnostics> {
        let outer = &include.frame;
        let keywords = included_keywords(include, &vars);
        let dir = Path::new(target).parent().unwrap_or(Path::new("")).to_owned();
        let link = Arc::new(IncludeLink { dir, outer: outer.include.clone() });
        let file_dir = path.parent().unwrap_or(Path::new("/"));
        let frame = self.frame(keywords, outer.role.clone(), Some(link), file_dir);
        let place = Place { frame, handlers: include.handler };
        let wanted = include.task.args.raw_params().and_then(Value::origin).unwrap_or(include.task.span);
        let parsed = self.planner.loader.tasks(path, place.handlers, Some(wanted)).map_err(|e| vec![e])?;
        if has_errors(&parsed.diagnostics) {
            return Err(parsed.diagnostics.clone());
        }
        Ok(self.blocks(&parsed.tree, &place))
    }

    /// The role that is included while running.
    pub(super) fn included_role(
        &mut self,
        include: &PlannedTask,
        request: &RoleRequest,
        vars: Arc<Map>,
    ) -> Option<super::roles::Compiled> {
        let keywords = included_keywords(include, &vars);
        let place = Place { frame: include.frame.clone(), handlers: false };
        self.role_of_include(&include.task, request, &place, &keywords, vars, false)
    }

    /// The name of an import, rendered with what can be known before any host is looked at.
    fn import_name(&mut self, raw: &Value, task: &Task, place: &Place, keywords: &Inherited) -> Option<String> {
        let mut name = raw.clone();
        if name.needs_render() {
            let scope = self.scope(&place.frame, keywords);
            name = match self.planner.render.render(&name, &scope) {
                Ok(name) => name,
                Err(fault) => {
                    let mut outer = Diagnostic::error(
                        fault.code,
                        format!("Error when evaluating variable in import path '{raw}': {}", fault.message),
                    );
                    outer.labels = fault.labels;
                    outer.causes = fault.causes;
                    self.report(outer.at(task.span, "imported here").hint(
                        "When using static imports, ensure that any variables used in their names are defined in vars/vars_files or extra-vars passed in from the command line. Static imports cannot use variables from facts or inventory sources like group or host vars.",
                    ));
                    return None;
                }
            };
        }
        Some(name.to_string())
    }

    /// The variables that are known at a place before any host is looked at.
    pub(super) fn scope(&self, frame: &Frame, keywords: &Inherited) -> StaticScope {
        let mut layers = Vec::new();
        if let Some(role) = &frame.role {
            layers.extend(role.defaults.iter().cloned());
        }
        layers.push(self.play.vars.clone());
        layers.extend(self.vars_files().iter().cloned());
        if let Some(role) = &frame.role {
            layers.extend(role.vars.iter().cloned());
        }
        layers.extend(keywords.vars.iter().cloned());
        if let Some(role) = &frame.role {
            layers.extend(role.params.iter().cloned());
        }
        layers.extend(keywords.include_params.iter().cloned());
        StaticScope { play_dir: self.play.dir.clone(), layers, role: frame.role.clone() }
    }

    /// `vars_files` whose names need no host. What cannot be read is reported when the play runs.
    fn vars_files(&self) -> &[Arc<Map>] {
        self.play.files.get_or_init(|| {
            let planner = self.planner;
            let mut layers = vec![self.play.vars.clone()];
            for alternatives in &self.play.written.vars_files {
                let scope = StaticScope { play_dir: self.play.dir.clone(), layers: layers.clone(), role: None };
                let found = alternatives.iter().find_map(|name| {
                    let name =
                        if name.needs_render() { planner.render.render(name, &scope).ok()? } else { name.clone() };
                    let name = name.as_str()?;
                    [self.play.dir.join("vars").join(name), self.play.dir.join(name)]
                        .into_iter()
                        .map(|p| paths::normal(&p))
                        .find(|p| planner.loader.files.is_file(p))
                });
                if let Some(vars) = found.and_then(|path| planner.loader.vars_file(&path, None).ok()) {
                    layers.push(vars);
                }
            }
            layers.split_off(1)
        })
    }

    /// Names in `module_defaults` must be known.
    fn check_module_defaults(&mut self, common: &Common) {
        for (name, _) in common.module_defaults.iter().flat_map(|d| &d.entries) {
            let planner = self.planner;
            let fault = match name.node.strip_prefix("group/") {
                Some(group) => planner.group(group, &self.play.dir).is_none().then(|| {
                    let full = if group.contains('.') { group.to_owned() } else { format!("ansible.builtin.{group}") };
                    format!("Error loading module_defaults: could not resolve the module_defaults group {full}")
                }),
                None => resolve(&*planner.catalogue, &name.node, &[]).is_none().then(|| {
                    let legacy = if name.node.contains('.') { "" } else { "ansible.legacy." };
                    format!("Could not resolve action {legacy}{} in module_defaults", name.node)
                }),
            };
            if let Some(message) = fault {
                self.report(Diagnostic::error(Code::MODULE_UNKNOWN, message).at(name.span, ""));
            }
        }
    }
}

/// Keywords around what an include brings: those around the include itself, its variables, and `apply`.
fn included_keywords(include: &PlannedTask, vars: &Arc<Map>) -> Arc<Inherited> {
    let mut keywords = Inherited::clone(&include.frame.keywords);
    if !vars.is_empty() {
        keywords.vars.push(vars.clone());
        keywords.include_params.push(vars.clone());
    }
    Arc::new(match &include.task.apply {
        Some(apply) => keywords.with(apply),
        None => keywords,
    })
}

/// The tasks among items, those of nested blocks too.
fn tasks_of(items: &[PlannedItem]) -> Vec<Arc<PlannedTask>> {
    let mut out = Vec::new();
    for item in items {
        match item {
            PlannedItem::Task(task) => out.push(task.clone()),
            PlannedItem::Block(block) => out.extend(tasks_of(&block.block)),
        }
    }
    out
}

impl Frame {
    fn duplicate(&self) -> Frame {
        Frame {
            keywords: self.keywords.clone(),
            role: self.role.clone(),
            include: self.include.clone(),
            search_path: self.search_path.clone(),
            play_dir: self.play_dir.clone(),
        }
    }
}

impl Inherited {
    /// As [`Inherited::with`], shared where the level adds nothing.
    pub(super) fn inside(self: &Arc<Self>, own: &Common) -> Arc<Self> {
        if own.is_plain() { self.clone() } else { Arc::new(self.with(own)) }
    }
}

/// A name that the plan itself uses.
pub(super) fn known_action(planner: &Planner, name: &str) -> Action {
    Action::Run(
        planner
            .catalogue
            .resolve(name, &[])
            .unwrap_or_else(|| Resolved { name: ModuleName::from(name), kind: ActionKind::Missing }),
    )
}
