//! YAML 1.1 as PyYAML and Ansible read and write it: texts → spanned nodes, values → texts. No files, no templates.

mod compose;
mod dump;
mod emit;
mod fault;
mod json;
mod node;
mod parser;
#[cfg(test)]
mod properties;
mod read;
#[cfg(test)]
mod recorded;
mod scalar;

pub use dump::{DumpOptions, dump, dump_strict};
pub use node::{Node, NodeKind};
pub use read::{Document, Duplicates, Stream, parse_value, parse_values, read, read_one};
