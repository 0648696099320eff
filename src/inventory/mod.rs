//! Inventories: hosts and groups, the sources they come from, variable files beside them, host patterns, exports.

mod address;
mod data;
mod export;
mod glob;
mod literal;
mod pattern;
mod reader;
mod source;
mod var_files;
mod words;

pub use address::{Address, expand_pattern, is_ip, parse_address};
pub use data::{ALL, BadNames, Group, GroupId, Host, HostId, Inventory, LOCALHOST, Rules, UNGROUPED, is_variable_name};
pub use export::{Export, ShowVars, toml_text};
pub use pattern::{Limit, Mismatch, Order, Selection, split_patterns};
pub use reader::Reader;
pub use source::{Loaded, Loader, RunScript, ScriptOutput};
pub use var_files::VarFiles;

use std::path::PathBuf;

/// The directories beside which the `group_vars/` and `host_vars/` of an inventory's sources lie, in the order of the sources.
pub fn directories(reader: &Reader, inventory: &Inventory) -> Vec<PathBuf> {
    inventory.sources().iter().filter_map(|s| source::directory_of(reader, s)).collect()
}
