//! What a plan is made of: plays, blocks, tasks, and the keywords that each inherits. Types only.

use super::resolve::Action;
use super::role::RoleContext;
use crate::diag::{Diagnostics, Span};
use crate::playbook::{Common, ModuleDefaults, Play, Settings, Task, Templated};
use crate::value::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Everything that the given playbooks ask for, in order.
#[derive(Debug, Default)]
pub struct Plan {
    pub plays: Vec<Arc<PlannedPlay>>,
    /// The playbooks in order, each with the number of its plays; none for a play that stands in no file.
    pub playbooks: Vec<(PathBuf, usize)>,
    pub warnings: Diagnostics,
    /// Faults of literal arguments and keywords: errors if their task runs. Tasks whose failure the author foresees (`ignore_errors`,
    /// `failed_when`, within a block with `rescue`) are not checked.
    pub argument_faults: Diagnostics,
    /// Tasks whose module Ansible has and Tightbeam has not.
    pub missing_modules: Diagnostics,
}

/// Unique in a run: of a task, a block, or one use of a role. Two planned copies of one written task differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub u64);

/// A play with its roles and imports in place. Tags are not applied yet (`tags::select`).
#[derive(Debug)]
pub struct PlannedPlay {
    pub id: Id,
    /// The play as written: `gather_facts`, `serial`, `strategy`, `vars_files`, `vars_prompt`, … stand there.
    pub play: Arc<Play>,
    /// The file that holds the play.
    pub path: PathBuf,
    /// Its directory: `playbook_dir`, and where relative paths start.
    pub dir: Arc<Path>,
    /// Tags, settings and the like of the play itself. `vars` is empty: see the play's own field.
    pub keywords: Arc<Inherited>,
    /// The play's `vars`, with those of `import_playbook` over them.
    pub vars: Arc<Map>,
    /// Conditions of `import_playbook`: they hold back gathering facts too. They are part of each block's `when`.
    pub import_when: Vec<Templated>,
    /// `vars_files` that could be read without a host's variables: for names of imports in included files.
    pub(super) static_files: OnceLock<Vec<Arc<Map>>>,
    /// One block with the implicit task "Gathering Facts"; run decides whether it is needed.
    pub gather: Arc<PlannedBlock>,
    pub pre_tasks: Vec<Arc<PlannedBlock>>,
    /// Blocks of `roles:`, dependencies first, each role ending in `meta: role_complete`.
    pub role_tasks: Vec<Arc<PlannedBlock>>,
    pub tasks: Vec<Arc<PlannedBlock>>,
    pub post_tasks: Vec<Arc<PlannedBlock>>,
    /// `meta: flush_handlers` after pre_tasks, after tasks, and after post_tasks.
    pub flush: [Arc<PlannedBlock>; 3],
    /// In the order in which Ansible runs them: of `roles:`, of the play, of imported roles.
    pub handlers: Vec<Arc<PlannedTask>>,
    /// Roles of the play in the order of Ansible's `play.roles`: of `roles:`, then imported ones. Dependencies are within
    /// their roles. `public` ones give their variables to the whole play. Roles included while running are run's to add.
    pub roles: Vec<Arc<RoleContext>>,
}

/// Tasks with what to do after a failure and in any case.
#[derive(Debug)]
pub struct PlannedBlock {
    pub id: Id,
    /// Where the block stands; the first task's place for one that is not written.
    pub span: Option<Span>,
    /// Not written by the author: it only holds tasks.
    pub implicit: bool,
    pub name: Option<Templated>,
    pub keywords: Arc<Inherited>,
    pub role: Option<Arc<RoleContext>>,
    pub block: Vec<PlannedItem>,
    pub rescue: Vec<PlannedItem>,
    pub always: Vec<PlannedItem>,
}

#[derive(Clone, Debug)]
pub enum PlannedItem {
    Task(Arc<PlannedTask>),
    Block(Arc<PlannedBlock>),
}

/// A task or handler, ready to run on a host but for rendering.
#[derive(Debug)]
pub struct PlannedTask {
    pub id: Id,
    /// The task as written: arguments, loop, register, until, async, changed_when, listen, …
    pub task: Arc<Task>,
    pub action: Action,
    /// The task's own keywords within all that it inherits.
    pub keywords: Arc<Inherited>,
    /// Surroundings: role, search path, enclosing includes. Tasks that this task includes stand in it too.
    pub frame: Arc<Frame>,
    pub handler: bool,
    /// Handlers: topics, with those of a role also as `role : topic`.
    pub listen: Vec<Arc<str>>,
    /// Not written by the author (flush_handlers, role_complete, gathering facts).
    pub implicit: bool,
    /// Handlers: the list that they were written in. Of handlers with one name the last list's first one counts.
    pub group: Id,
}

/// Keywords in force at a place, the place's own included.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    pub settings: Settings,
    /// All must hold; outermost first.
    pub when: Vec<Templated>,
    /// Union over all levels; may hold duplicates and templates.
    pub tags: Vec<Templated>,
    /// Outermost first; later ones win.
    pub environment: Vec<Templated>,
    /// Outermost first; later ones win.
    pub module_defaults: Vec<Arc<ModuleDefaults>>,
    /// `vars` of enclosing blocks and includes, then of the task: outermost first, later ones win. The play's and the
    /// roles' are not among them.
    pub vars: Vec<Arc<Map>>,
    /// Variables of enclosing dynamic includes, which win over facts and registered variables; outermost first.
    pub include_params: Vec<Arc<Map>>,
    /// Collections searched for short names of modules; empty: only Ansible's own.
    pub collections: Arc<[Arc<str>]>,
}

/// The surroundings of tasks: all that an include needs to plan its file later.
#[derive(Debug)]
pub struct Frame {
    /// Keywords of the enclosing block or import, which included tasks inherit.
    pub keywords: Arc<Inherited>,
    pub role: Option<Arc<RoleContext>>,
    /// The include or import that brought these tasks here.
    pub include: Option<Arc<IncludeLink>>,
    /// `ansible_search_path`: the role and the roles that led to it, the file's directory, the playbook's directory.
    pub search_path: Arc<[PathBuf]>,
    pub play_dir: Arc<Path>,
}

/// One link of the chain of includes and imports around a task, innermost first; relative paths are tried along it.
#[derive(Debug)]
pub struct IncludeLink {
    /// Directory part of the file's name as given, or the role's path.
    pub dir: PathBuf,
    pub outer: Option<Arc<IncludeLink>>,
}

impl PlannedPlay {
    /// All sections in the order in which they run. With `force_handlers` every section is a block whose `always` flushes
    /// the handlers.
    pub fn blocks(&self, force_handlers: bool) -> Vec<Arc<PlannedBlock>> {
        let sections = [
            self.pre_tasks.clone(),
            self.role_tasks.iter().chain(&self.tasks).cloned().collect(),
            self.post_tasks.clone(),
        ];
        let mut all = Vec::new();
        for (section, flush) in sections.into_iter().zip(&self.flush) {
            if force_handlers {
                all.push(Arc::new(PlannedBlock {
                    id: flush.id,
                    span: None,
                    implicit: true,
                    name: None,
                    keywords: self.keywords.clone(),
                    role: None,
                    block: section.into_iter().map(PlannedItem::Block).collect(),
                    rescue: vec![],
                    always: vec![PlannedItem::Block(flush.clone())],
                }));
            } else {
                all.extend(section);
                all.push(flush.clone());
            }
        }
        all
    }
}

impl PlannedBlock {
    /// The tasks of all parts, nested ones included, in the order in which they are written.
    pub fn all_tasks(&self) -> Vec<&Arc<PlannedTask>> {
        let mut out = Vec::new();
        self.collect(&mut out);
        out
    }
    fn collect<'a>(&'a self, out: &mut Vec<&'a Arc<PlannedTask>>) {
        for item in self.block.iter().chain(&self.rescue).chain(&self.always) {
            match item {
                PlannedItem::Task(task) => out.push(task),
                PlannedItem::Block(block) => block.collect(out),
            }
        }
    }
    pub fn is_empty(&self) -> bool {
        self.block.is_empty() && self.rescue.is_empty() && self.always.is_empty()
    }
}

impl PlannedTask {
    pub fn role(&self) -> Option<&Arc<RoleContext>> {
        self.frame.role.as_ref()
    }
    pub fn span(&self) -> Span {
        self.task.span
    }
    /// The name as written, without the role's; empty text counts as no name.
    pub fn written_name(&self) -> Option<&Value> {
        let name = &self.task.common.name.as_ref()?.node;
        (!matches!(name, Value::Null) && name.as_str() != Some("")).then_some(name)
    }
    /// What reports call the task: `role : name`, or the action where it has no name (`include_role : role`). `name` is the rendered one.
    pub fn display_name(&self, name: Option<&str>) -> String {
        let action = self.task.action.node.to_string();
        let name = name.filter(|n| !n.is_empty());
        if name.is_none() && matches!(self.action, Action::IncludeRole) {
            let given = |arg| self.task.args.map.get(arg).filter(|role| !role.is_null());
            return format!("{action} : {}", given("name").or_else(|| given("role")).unwrap_or(&Value::Null));
        }
        let name = name.unwrap_or(&action);
        match self.role() {
            Some(role) => format!("{} : {name}", role.full_name()),
            None => name.to_owned(),
        }
    }
}

impl Inherited {
    /// The keywords of a level with `own` inside this one: settings are overridden, tags joined, the rest accumulated with
    /// the outer first.
    pub fn with(&self, own: &Common) -> Inherited {
        let mut tags = own.tags.clone();
        tags.extend(self.tags.iter().cloned());
        let mut vars = self.vars.clone();
        if !own.vars.is_empty() {
            vars.push(own.vars.clone());
        }
        Inherited {
            settings: own.settings.within(&self.settings),
            when: join(&self.when, &own.when),
            tags,
            environment: join(&self.environment, &own.environment),
            module_defaults: join(&self.module_defaults, &own.module_defaults),
            vars,
            include_params: self.include_params.clone(),
            collections: own.collections.clone().unwrap_or_else(|| self.collections.clone()),
        }
    }
}

fn join<T: Clone>(outer: &[T], inner: &[T]) -> Vec<T> {
    outer.iter().chain(inner).cloned().collect()
}
