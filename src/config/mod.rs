//! Settings: one table; `ansible.cfg`, environment and command line → [`Settings`] with the origin of each value.

mod convert;
mod ini;
mod search;
mod settings;
mod show;
mod table;

pub use convert::boolean;
pub use ini::{Entry, Ini};
pub use search::{Found, find_file};
pub use settings::{Origin, Set, Settings};
pub use show::{
    GALAXY_OPTIONS, Group, PLUGIN_TYPES, definition, entry, groups, init_env, init_ini, init_vars, unknown,
};
pub use table::{FORMER, SETTINGS};

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One setting: where it may stand, its type and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Ansible's name (`DEFAULT_FORKS`), or `PLUGIN.OPTION`.
    pub key: &'static str,
    pub kind: Kind,
    pub default: Fallback,
    /// Environment variables; a later one wins.
    pub env: &'static [&'static str],
    /// Section and key in `ansible.cfg`; a later one wins.
    pub ini: &'static [(&'static str, &'static str)],
    /// Variables that set it per host; a later one wins. They are read where the host is known, not here.
    pub vars: &'static [&'static str],
    pub choices: &'static [&'static str],
    pub effect: Effect,
    pub doc: &'static str,
}

/// The type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    Float,
    Str,
    /// Text that is taken as it is.
    Raw,
    /// Split at commas, each item stripped and unquoted.
    List,
    Path,
    /// Paths separated by colons.
    PathSpec,
    /// Paths separated by commas.
    PathList,
    /// A directory in which a temporary one is made.
    TmpPath,
    Dict,
}

impl Kind {
    /// Ansible's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "boolean",
            Kind::Int => "integer",
            Kind::Float => "float",
            Kind::Str => "string",
            Kind::Raw => "raw",
            Kind::List => "list",
            Kind::Path => "path",
            Kind::PathSpec => "pathspec",
            Kind::PathList => "pathlist",
            Kind::TmpPath => "tmppath",
            Kind::Dict => "dictionary",
        }
    }
}

/// The default of a setting. `{{ANSIBLE_HOME}}` in text stands for that setting.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    Nothing,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'static str),
    List(&'static [&'static str]),
}

/// Whether a setting changes what Tightbeam does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Used,
    /// Recognised, and why it has no effect.
    Ignored(&'static str),
}

/// What the process stands in, handed in by the caller.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Absolute.
    pub cwd: PathBuf,
    pub home: Option<PathBuf>,
    pub env: HashMap<String, String>,
    /// Whether anybody may write to `cwd`: its `ansible.cfg` is then ignored.
    pub cwd_world_writable: bool,
}

impl Surroundings {
    /// An absolute path without `.` and `..`: variables and `~` expanded, relative to `base` or else to the working directory.
    pub fn resolve(&self, path: &str, base: Option<&Path>) -> PathBuf {
        convert::resolve(path, base, self)
    }
}

/// A setting by its key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.key == key)
}
