//! The table of keywords: where each is allowed, what it takes, when it is rendered, how it is inherited.
//!
//! The one list of keywords: parsing, checking and the generated reference read it. Names, levels and types are those of
//! ansible-core 2.19 (`ansible-doc -t keyword -l`).

use crate::value::Value;
use tightbeam_modules::contract::{ArgType, coerce, nearest};

/// Where a keyword may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Play,
    /// An entry of `roles:` or of a role's `dependencies`.
    Role,
    Block,
    Task,
    Handler,
    LoopControl,
    /// An `import_playbook` entry.
    Import,
}

impl Level {
    const ALL: [Level; 7] =
        [Level::Play, Level::Role, Level::Block, Level::Task, Level::Handler, Level::LoopControl, Level::Import];

    /// The name that messages use (Ansible's class names).
    pub fn class(self) -> &'static str {
        match self {
            Level::Play => "Play",
            Level::Role => "RoleInclude",
            Level::Block => "Block",
            Level::Task => "Task",
            Level::Handler => "Handler",
            Level::LoopControl => "LoopControl",
            Level::Import => "PlaybookInclude",
        }
    }
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Level::Play => "play",
            Level::Role => "role entry",
            Level::Block => "block",
            Level::Task => "task",
            Level::Handler => "handler",
            Level::LoopControl => "loop_control",
            Level::Import => "import_playbook",
        }
    }
}

/// What a keyword takes. A template may stand wherever the keyword is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int,
    Float,
    /// A number, with or without `%`.
    Percent,
    Str,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Text or a list of texts.
    Strs,
    /// A list; a single value is a list of one.
    List,
    Dict,
    /// A condition or a list of them.
    Conditions,
    /// A list of tasks and blocks.
    Tasks,
    /// A list of role entries.
    Roles,
    /// The keywords of `loop_control`.
    LoopControl,
    /// Read by rules of its own.
    Own,
}

impl Type {
    fn title(self) -> &'static str {
        match self {
            Type::Bool => "boolean",
            Type::Int => "integer",
            Type::Float => "number",
            Type::Percent => "number or percentage",
            Type::Str => "string",
            Type::OneOf(_) => "word",
            Type::Strs => "string or list of strings",
            Type::List => "list",
            Type::Dict => "dictionary",
            Type::Conditions => "condition or list of conditions",
            Type::Tasks => "list of tasks and blocks",
            Type::Roles => "list of roles",
            Type::LoopControl => "dictionary of loop_control keywords",
            Type::Own => "see text",
        }
    }
}

/// When templates in the value are rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendered {
    /// Never: the text is taken as it stands.
    Never,
    /// Once for the play, without a host's variables.
    Play,
    /// For each host, before the task runs.
    Host,
    /// When it is needed, for each host and item: conditions, variables, loops, results.
    Use,
}

impl Rendered {
    fn title(self) -> &'static str {
        match self {
            Rendered::Never => "not a template",
            Rendered::Play => "per play",
            Rendered::Host => "per host",
            Rendered::Use => "when used",
        }
    }
}

/// What becomes of the keyword further in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherited {
    No,
    /// The nearest level that gives one decides.
    Nearest,
    /// All levels together, outermost first.
    OuterFirst,
    /// The union of all levels.
    Union,
}

impl Inherited {
    fn title(self) -> &'static str {
        match self {
            Inherited::No => "no",
            Inherited::Nearest => "nearest level",
            Inherited::OuterFirst => "all, outer first",
            Inherited::Union => "union",
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Keyword {
    pub name: &'static str,
    pub levels: &'static [Level],
    pub ty: Type,
    pub rendered: Rendered,
    pub inherited: Inherited,
    pub doc: &'static str,
}

impl Keyword {
    /// What is wrong with a literal value for this keyword; templates and null fit everywhere.
    pub fn misfit(&self, value: &Value) -> Option<String> {
        if value.is_null() || value.needs_render() {
            return None;
        }
        let (fits, wanted) = match self.ty {
            Type::OneOf(words) => {
                let text = value.to_string();
                return (!words.contains(&text.as_str())).then(|| {
                    let (name, value, words) = (self.name, value.repr(), words.join(", "));
                    format!(
                        "Error processing keyword '{name}': {value} is not a valid value for {name}. Must be one of {words}"
                    )
                });
            }
            Type::Bool => (coerce(ArgType::Bool, value.to_json()).is_ok(), "bool"),
            Type::Int => (number(value).is_some_and(|n| n.fract() == 0.0), "int"),
            Type::Float => (number(value).is_some(), "float"),
            Type::Percent => {
                let text = value.as_str().map(|text| text.replace('%', ""));
                let fits = text.map_or_else(|| number(value).is_some(), |text| text.trim().parse::<f64>().is_ok());
                (fits, "percent")
            }
            _ => (true, ""),
        };
        let shown = value.repr();
        let name = told(self.name);
        (!fits).then(|| {
            format!("Error processing keyword '{name}': The value {shown} could not be converted to '{wanted}'.")
        })
    }
}

/// The name of a keyword in the reference's messages.
pub fn told(name: &str) -> &str {
    if name == "async" { "async_val" } else { name }
}

/// A number as Python's `float()` reads it.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        Value::Int(i) => Some(*i as f64),
        Value::BigInt(_) => Some(f64::MAX),
        Value::Float(f) => Some(*f),
        Value::Str(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

use Level::{Block as B, Handler as H, Import as I, LoopControl as L, Play as P, Role as R, Task as T};

/// Everywhere but in `loop_control`.
const BASE: &[Level] = &[P, R, B, T, H, I];
const DELEGATABLE: &[Level] = &[R, B, T, H];
const TASK: &[Level] = &[T, H];
const PLAY: &[Level] = &[P];
const BLOCK: &[Level] = &[B];
const LOOP: &[Level] = &[L];

const fn keyword(
    name: &'static str,
    levels: &'static [Level],
    ty: Type,
    rendered: Rendered,
    inherited: Inherited,
    doc: &'static str,
) -> Keyword {
    Keyword { name, levels, ty, rendered, inherited, doc }
}

/// Every keyword, alphabetical.
pub const KEYWORDS: &[Keyword] = &{
    use Inherited::{Nearest, No, OuterFirst, Union};
    use Rendered::{Host, Never, Play, Use};
    use Type::*;
    [
        keyword(
            "action",
            TASK,
            Own,
            Host,
            No,
            "Names the action and its arguments in one string: `action: copy src=a dest=b`.",
        ),
        keyword("always", BLOCK, Tasks, Never, No, "Tasks that run last, whether or not the block failed."),
        keyword("any_errors_fatal", BASE, Bool, Host, Nearest, "A failure on one host ends the play for all hosts."),
        keyword(
            "args",
            TASK,
            Own,
            Host,
            No,
            "Further arguments of the action: a dictionary, or a template that gives one.",
        ),
        keyword("async", TASK, Int, Host, No, "Runs the task in the background, for at most this many seconds."),
        keyword(
            "become",
            BASE,
            Bool,
            Host,
            Nearest,
            "Runs as another user (root unless `become_user` says otherwise).",
        ),
        keyword("become_exe", BASE, Str, Host, Nearest, "The program that changes the user."),
        keyword("become_flags", BASE, Str, Host, Nearest, "Flags for the program that changes the user."),
        keyword("become_method", BASE, Str, Host, Nearest, "How the user is changed: sudo, su, …"),
        keyword("become_user", BASE, Str, Host, Nearest, "The user to become."),
        keyword("block", BLOCK, Tasks, Never, No, "Tasks that share the block's keywords."),
        keyword("break_when", LOOP, Conditions, Use, No, "Ends the loop after the item for which all of these hold."),
        keyword("changed_when", TASK, Conditions, Use, No, "Decides whether the result counts as changed."),
        keyword(
            "check_mode",
            BASE,
            Bool,
            Host,
            Nearest,
            "Only tells what would change (true), or changes things even in a dry run (false).",
        ),
        keyword(
            "collections",
            &[P, R, B, T, H],
            Strs,
            Never,
            Nearest,
            "Collections in which short names of modules and roles are looked for. Roles have their own, in meta/main.yml.",
        ),
        keyword("connection", BASE, Str, Host, Nearest, "How hosts are reached: ssh, local, …"),
        keyword(
            "debugger",
            BASE,
            OneOf(&["always", "never", "on_failed", "on_skipped", "on_unreachable"]),
            Host,
            Nearest,
            "When to start the task debugger: always, never, on_failed, on_unreachable, on_skipped.",
        ),
        keyword("delay", TASK, Float, Host, No, "Seconds between retries; 5 where absent."),
        keyword(
            "delegate_facts",
            DELEGATABLE,
            Bool,
            Host,
            Nearest,
            "Facts belong to the host that the task is delegated to.",
        ),
        keyword(
            "delegate_to",
            DELEGATABLE,
            Str,
            Use,
            Nearest,
            "Runs the task on this host instead, with the variables of the original one.",
        ),
        keyword("diff", BASE, Bool, Host, Nearest, "Shows what changes in files."),
        keyword(
            "environment",
            BASE,
            List,
            Host,
            OuterFirst,
            "Environment variables for what runs on the host: a dictionary, or a list of them.",
        ),
        keyword("extended", LOOP, Bool, Host, No, "Provides `ansible_loop` (index, first, last, length, …)."),
        keyword(
            "extended_allitems",
            LOOP,
            Bool,
            Host,
            No,
            "Keeps the list of all items in `ansible_loop.allitems`; true where absent.",
        ),
        keyword("fact_path", PLAY, Str, Host, No, "Directory of local facts on the host."),
        keyword("failed_when", TASK, Conditions, Use, No, "Decides whether the result counts as a failure."),
        keyword("force_handlers", PLAY, Bool, Play, No, "Runs notified handlers on hosts that failed, too."),
        keyword(
            "gather_facts",
            PLAY,
            Bool,
            Play,
            No,
            "Whether facts are gathered first. The setting DEFAULT_GATHERING decides where absent.",
        ),
        keyword("gather_subset", PLAY, Strs, Play, No, "Which families of facts to gather."),
        keyword("gather_timeout", PLAY, Int, Play, No, "Seconds for a family of facts."),
        keyword("handlers", PLAY, Tasks, Never, No, "Tasks that run when a changed task notifies them."),
        keyword("hosts", PLAY, Strs, Play, No, "The pattern of hosts that the play is for."),
        keyword("ignore_errors", BASE, Bool, Host, Nearest, "A failure of the task does not stop the host."),
        keyword(
            "ignore_unreachable",
            BASE,
            Bool,
            Host,
            Nearest,
            "A host that cannot be reached carries on with the next task.",
        ),
        keyword("import_playbook", &[I], Str, Play, No, "Puts the plays of another file in this place."),
        keyword("index_var", LOOP, Str, Host, No, "Name of the variable that counts the items, from 0."),
        keyword("label", LOOP, Str, Use, No, "What reports show for an item."),
        keyword("listen", &[H], Strs, Never, No, "Topics whose notification starts the handler, besides its name."),
        keyword("local_action", TASK, Own, Host, No, "As `action`, delegated to localhost."),
        keyword("loop", TASK, List, Use, No, "Runs the task once for each item of the list."),
        keyword("loop_control", TASK, LoopControl, Use, No, "How the loop names its variables and proceeds."),
        keyword("loop_var", LOOP, Str, Host, No, "Name of the variable that holds the item; `item` where absent."),
        keyword(
            "max_fail_percentage",
            PLAY,
            Percent,
            Play,
            No,
            "Ends the play when more than this share of a batch's hosts have failed.",
        ),
        keyword(
            "module_defaults",
            BASE,
            List,
            Use,
            OuterFirst,
            "Arguments that tasks have unless they say otherwise, by module or by group of modules.",
        ),
        keyword("name", BASE, Str, Host, No, "What reports call it."),
        keyword("no_log", BASE, Bool, Host, Nearest, "Keeps arguments and results out of reports and logs."),
        keyword(
            "notify",
            &[B, T, H],
            Strs,
            Host,
            Nearest,
            "Handlers to run, by name or topic, when the task changes something.",
        ),
        keyword(
            "order",
            PLAY,
            Str,
            Play,
            No,
            "Order of hosts: inventory, reverse_inventory, sorted, reverse_sorted, shuffle.",
        ),
        keyword("pause", LOOP, Float, Host, No, "Seconds between items."),
        keyword("poll", TASK, Int, Host, No, "Seconds between looks at a task in the background; 0 leaves it running."),
        keyword("port", BASE, Int, Host, Nearest, "Port of the connection."),
        keyword("post_tasks", PLAY, Tasks, Never, No, "Tasks after `tasks` and the handlers that those notified."),
        keyword("pre_tasks", PLAY, Tasks, Never, No, "Tasks before `roles`."),
        keyword("register", TASK, Str, Never, No, "Variable that takes the task's result."),
        keyword("remote_user", BASE, Str, Host, Nearest, "User to log in as. Plays may also call it `user`."),
        keyword(
            "rescue",
            BLOCK,
            Tasks,
            Never,
            No,
            "Tasks that run when a task of the block failed; the host is then fine again.",
        ),
        keyword("retries", TASK, Int, Host, No, "How often to try again; 3 where only `until` is given."),
        keyword("role", &[R], Str, Play, No, "Name or path of the role."),
        keyword("roles", PLAY, Roles, Never, No, "Roles that run between `pre_tasks` and `tasks`."),
        keyword(
            "run_once",
            BASE,
            Bool,
            Host,
            Nearest,
            "Runs on the first host of the batch only; all hosts get the result.",
        ),
        keyword(
            "serial",
            PLAY,
            List,
            Play,
            No,
            "Size of the batches of hosts: a number, a percentage, or a list of them.",
        ),
        keyword("strategy", PLAY, Str, Play, No, "How hosts proceed: linear, free, host_pinned, debug."),
        keyword(
            "tags",
            &[P, R, B, T, H, I],
            List,
            Play,
            Union,
            "Names by which tasks are chosen or skipped: a list, or text with commas.",
        ),
        keyword("tasks", PLAY, Tasks, Never, No, "The main tasks, after `roles`."),
        keyword("throttle", BASE, Int, Host, Nearest, "At most this many hosts run the task at a time."),
        keyword("timeout", BASE, Int, Host, Nearest, "Seconds that the action may take."),
        keyword("until", TASK, Conditions, Use, No, "Tries again until this holds, `retries` times at most."),
        keyword("vars", BASE, Dict, Use, OuterFirst, "Variables."),
        keyword(
            "vars_files",
            PLAY,
            List,
            Host,
            No,
            "Files of variables; a list within the list gives alternatives, of which the first that exists is read.",
        ),
        keyword("vars_prompt", PLAY, Own, Never, No, "Variables to ask for at the terminal."),
        keyword("when", &[R, B, T, H, I], Conditions, Use, OuterFirst, "Runs only where all of these hold."),
    ]
};

/// The keyword of that name, if `level` allows it.
pub fn find(name: &str, level: Level) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|k| k.name == name && k.levels.contains(&level))
}

/// The keywords that `level` allows.
pub fn of_level(level: Level) -> impl Iterator<Item = &'static Keyword> {
    KEYWORDS.iter().filter(move |k| k.levels.contains(&level))
}

/// The keyword of `level` that is nearest to a misspelt one.
pub fn nearest_keyword(name: &str, level: Level) -> Option<String> {
    nearest(name, of_level(level).map(|k| k.name))
}

impl Keyword {
    /// The keyword's page of the reference, as Markdown.
    pub fn page(&self) -> String {
        let levels: Vec<&str> = Level::ALL.into_iter().filter(|l| self.levels.contains(l)).map(Level::title).collect();
        format!(
            "# {}\n\n{}\n\n- where: {}\n- takes: {}\n- rendered: {}\n- inherited: {}\n\n",
            self.name,
            self.doc,
            levels.join(", "),
            self.ty.title(),
            self.rendered.title(),
            self.inherited.title()
        )
    }
}

/// The reference of all keywords, as Markdown.
pub fn keyword_reference() -> String {
    let mut out = String::from("# Keywords\n");
    for level in Level::ALL {
        out +=
            &format!("\n## {}\n\n| keyword | takes | rendered | inherited | |\n|---|---|---|---|---|\n", level.title());
        for k in of_level(level) {
            out += &format!(
                "| `{}` | {} | {} | {} | {} |\n",
                k.name,
                k.ty.title(),
                k.rendered.title(),
                k.inherited.title(),
                k.doc
            );
        }
    }
    out += "\nTasks also take `with_<lookup>`: a loop over what the lookup gives.\n";
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Settings;

    #[test]
    fn names_are_sorted_and_stand_once() {
        assert!(KEYWORDS.windows(2).all(|w| w[0].name < w[1].name));
    }

    #[test]
    fn settings_are_the_keywords_decided_by_the_nearest_level() {
        let mut table: Vec<_> = KEYWORDS
            .iter()
            .filter(|k| k.inherited == Inherited::Nearest && k.name != "collections")
            .map(|k| k.name)
            .collect();
        let mut fields = Settings::NAMES.to_vec();
        table.sort_unstable();
        fields.sort_unstable();
        assert_eq!(table, fields);
    }

    /// `tests/plan/keywords.txt`: level, name, type and inheritance of ansible-core 2.19's field attributes.
    #[test]
    fn table_agrees_with_ansible() {
        let recorded = include_str!("../../tests/plan/keywords.txt");
        let mut table = Vec::new();
        for level in Level::ALL {
            for k in of_level(level) {
                let ty = match k.ty {
                    Type::Bool => "bool",
                    Type::Int => "int",
                    Type::Float => "float",
                    Type::Percent => "percent",
                    Type::Str | Type::OneOf(_) => "string",
                    Type::Dict => "dict",
                    Type::LoopControl => "class",
                    Type::Own if k.name == "args" => "dict",
                    Type::Own if k.name == "vars_prompt" => "list",
                    Type::Own => "string",
                    Type::Strs | Type::List | Type::Conditions | Type::Tasks | Type::Roles => "list",
                };
                let inherited = match k.inherited {
                    Inherited::No => "no",
                    Inherited::Nearest => "nearest",
                    Inherited::OuterFirst => "outer first",
                    Inherited::Union => "union",
                };
                table.push(format!("{} {} {ty} {inherited}", level.class(), k.name));
            }
        }
        table.sort();
        let mut recorded: Vec<&str> = recorded.lines().collect();
        recorded.sort_unstable();
        assert_eq!(table, recorded);
    }

    /// `tightbeam doc -t keyword > docs/keywords.md` writes it anew.
    #[test]
    fn reference_is_the_one_in_docs() {
        assert_eq!(keyword_reference(), include_str!("../../docs/keywords.md"));
    }

    #[test]
    fn reference_has_every_keyword_with_a_text() {
        let text = keyword_reference();
        for k in KEYWORDS {
            assert!(!k.doc.is_empty() && text.contains(&format!("| `{}` |", k.name)), "{}", k.name);
        }
    }
}
