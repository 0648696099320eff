//! Playbooks as a typed tree with places. One table of keywords drives parsing, checking and documentation.

pub mod ast;
pub mod keywords;
pub mod kv;
pub mod names;
pub mod parse;
mod settings;

pub use ast::*;
pub use keywords::{KEYWORDS, Keyword, Level, keyword_reference};
pub use settings::{Setting, Settings};

/// The short name of an action of Ansible's own: `ansible.builtin.copy`, `ansible.legacy.copy` and `copy` → `copy`.
pub fn builtin_action(name: &str) -> Option<&str> {
    let short = name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")).unwrap_or(name);
    (!short.contains('.')).then_some(short)
}

/// Whether an action keeps its text whole, but for a few options (`command: echo a=b chdir=/tmp`).
pub fn is_free_form(action: &str) -> bool {
    let short = action.strip_prefix("ansible.windows.").or_else(|| builtin_action(action));
    matches!(short, Some("command" | "raw" | "script" | "shell" | "win_command" | "win_shell"))
}
