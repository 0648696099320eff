//! Playbooks as a typed tree with places. One table of keywords drives parsing, checking and documentation.

pub mod ast;
mod settings;

pub use ast::*;
pub use settings::{Setting, Settings};
