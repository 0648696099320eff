//! The typed syntax tree of playbooks: what the author wrote, with places; nothing resolved, inherited or rendered.

use super::settings::Settings;
use crate::diag::{FileId, Span, Spanned};
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// A keyword's value as written; text in it may be a template.
pub type Templated = Spanned<Value>;

/// One playbook file.
#[derive(Debug)]
pub struct Playbook {
    pub path: PathBuf,
    pub file: FileId,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub enum Entry {
    Play(Arc<Play>),
    Import(Arc<ImportPlaybook>),
}

/// `import_playbook`: the file's plays with these variables, tags and conditions added.
#[derive(Debug)]
pub struct ImportPlaybook {
    pub span: Span,
    /// Path, or `namespace.collection.playbook`.
    pub target: Templated,
    pub common: Common,
}

/// Keywords that plays, role entries, blocks, tasks and handlers share.
#[derive(Clone, Debug, Default)]
pub struct Common {
    pub name: Option<Templated>,
    pub vars: Arc<Map>,
    /// Conditions, all of which must hold; a scalar is a list of one.
    pub when: Vec<Templated>,
    /// Each a string, a number, or a template that may become a list.
    pub tags: Vec<Templated>,
    /// `None`: not given here.
    pub collections: Option<Arc<[Arc<str>]>>,
    /// Each a dict, or a template that becomes one; later ones win.
    pub environment: Vec<Templated>,
    pub module_defaults: Vec<Arc<ModuleDefaults>>,
    /// Keywords that the nearest level decides.
    pub settings: Settings,
}

/// One dictionary of `module_defaults`, as written: action, module or `group/…` → arguments (dict or template).
#[derive(Debug)]
pub struct ModuleDefaults {
    pub span: Span,
    pub entries: Vec<(Spanned<Arc<str>>, Value)>,
}

#[derive(Debug)]
pub struct Play {
    pub span: Span,
    pub common: Common,
    /// A pattern or a list of patterns.
    pub hosts: Option<Templated>,
    pub gather_facts: Option<Templated>,
    pub gather_subset: Option<Templated>,
    /// Seconds.
    pub gather_timeout: Option<Templated>,
    pub fact_path: Option<Templated>,
    /// Each entry is a list of alternatives: the first that exists is read.
    pub vars_files: Vec<Vec<Value>>,
    pub vars_prompt: Vec<Prompt>,
    pub roles: Vec<Arc<RoleRef>>,
    pub handlers: Vec<Item>,
    pub pre_tasks: Vec<Item>,
    pub tasks: Vec<Item>,
    pub post_tasks: Vec<Item>,
    pub force_handlers: Option<Templated>,
    /// A number, possibly with `%`.
    pub max_fail_percentage: Option<Templated>,
    /// A number, a percentage, or a list of them.
    pub serial: Option<Templated>,
    pub strategy: Option<Templated>,
    pub order: Option<Templated>,
}

/// One entry of `vars_prompt`; `yes`/`no` texts are still to be read as booleans.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub span: Span,
    pub name: Arc<str>,
    /// name, prompt, default, private, confirm, encrypt, salt_size, salt, unsafe: as written.
    pub options: Arc<Map>,
}

/// A role as a play's `roles` or a role's `dependencies` name it.
#[derive(Debug)]
pub struct RoleRef {
    pub span: Span,
    /// Name or path; may be a template.
    pub role: Templated,
    pub common: Common,
    /// Keys that are no keywords: variables for this use of the role.
    pub params: Arc<Map>,
}

#[derive(Clone, Debug)]
pub enum Item {
    Task(Arc<Task>),
    Block(Arc<Block>),
}

#[derive(Debug)]
pub struct Block {
    pub span: Span,
    pub common: Common,
    pub block: Vec<Item>,
    pub rescue: Vec<Item>,
    pub always: Vec<Item>,
}

/// A task or a handler.
#[derive(Debug)]
pub struct Task {
    pub span: Span,
    pub common: Common,
    /// The action as written: short or qualified name, possibly a template (`action: "{{ … }}"`).
    pub action: Templated,
    pub args: Arc<Args>,
    pub looping: Loop,
    pub loop_control: LoopControl,
    /// Name of the variable that takes the result.
    pub register: Option<Spanned<Arc<str>>>,
    pub changed_when: Vec<Templated>,
    pub failed_when: Vec<Templated>,
    pub until: Vec<Templated>,
    pub retries: Option<Templated>,
    /// Seconds between retries; 5 where absent.
    pub delay: Option<Templated>,
    /// Seconds; 0 or absent: not asynchronous.
    pub async_: Option<Templated>,
    /// Seconds; 15 where absent (DEFAULT_POLL_INTERVAL).
    pub poll: Option<Templated>,
    /// `apply:` of include_tasks and include_role: keywords of a block around what is included.
    pub apply: Option<Arc<Common>>,
    /// Topics; handlers only.
    pub listen: Vec<Spanned<Arc<str>>>,
}

/// Arguments of an action: `args:`, then what stands at the action's name (the latter wins).
#[derive(Clone, Debug, Default)]
pub struct Args {
    /// Free-form text is under `_raw_params`.
    pub map: Arc<Map>,
    /// `args: "{{ … }}"`: a template that becomes a dict of arguments; those in `map` win.
    pub variable: Option<Templated>,
    /// Where each argument's key stands. Arguments of the `k=v` form have the whole text's place.
    pub places: Vec<(Arc<str>, Span)>,
}

impl Args {
    /// Free-form text (`command: ls -l`, `meta: noop`, `include_tasks: x.yml`).
    pub fn raw_params(&self) -> Option<&Value> {
        self.map.get(RAW_PARAMS)
    }
    /// Where an argument's key stands.
    pub fn place(&self, name: &str) -> Option<Span> {
        self.places.iter().find(|(key, _)| &**key == name).map(|(_, span)| *span)
    }
}

/// The argument that holds free-form text.
pub const RAW_PARAMS: &str = "_raw_params";

/// What a task iterates over.
#[derive(Clone, Debug, Default)]
pub enum Loop {
    #[default]
    Once,
    /// `loop:`: the list itself.
    Items(Templated),
    /// `with_<lookup>:`: terms of a lookup (`items`, `dict`, `community.general.flattened`, …).
    Lookup { plugin: Spanned<Arc<str>>, terms: Templated },
}

impl Loop {
    pub fn is_once(&self) -> bool {
        matches!(self, Loop::Once)
    }
}

/// `loop_control`; all values as written.
#[derive(Clone, Debug, Default)]
pub struct LoopControl {
    /// `item` where absent.
    pub loop_var: Option<Templated>,
    pub index_var: Option<Templated>,
    pub label: Option<Templated>,
    /// Seconds between items; 0 where absent.
    pub pause: Option<Templated>,
    /// False where absent.
    pub extended: Option<Templated>,
    /// True where absent.
    pub extended_allitems: Option<Templated>,
    pub break_when: Vec<Templated>,
}

impl Common {
    /// Whether no keyword but `name` is given.
    pub fn is_plain(&self) -> bool {
        self.vars.is_empty()
            && self.when.is_empty()
            && self.tags.is_empty()
            && self.collections.is_none()
            && self.environment.is_empty()
            && self.module_defaults.is_empty()
            && self.settings.is_empty()
    }
}

impl Item {
    pub fn span(&self) -> Span {
        match self {
            Item::Task(task) => task.span,
            Item::Block(block) => block.span,
        }
    }
}
