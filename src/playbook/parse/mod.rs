//! From YAML nodes to the syntax tree. Goes on after a fault, so that all are told at once.

mod action;
mod common;
mod include;
mod play;
mod role;
mod task;

use super::ast::{Common, Item, Playbook, RoleRef};
use super::keywords::{Level, nearest_keyword};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Severity, Span};
use crate::yaml::{Node, NodeKind};
use std::path::Path;
use std::sync::Arc;

/// What the parser must know of other parts' tables.
pub struct Grammar<'a> {
    /// Whether a name is that of an action or module.
    pub is_action: &'a (dyn Fn(&str) -> bool + Sync),
    /// Whether a name is that of a lookup, for `with_<name>`.
    pub is_lookup: &'a (dyn Fn(&str) -> bool + Sync),
    /// Unknown keywords of tasks are errors (INVALID_TASK_ATTRIBUTE_FAILED), else warnings.
    pub invalid_keyword_fails: bool,
}

/// A result with everything there is to say about it. With errors among the diagnostics, `tree` is incomplete.
#[derive(Debug)]
pub struct Parsed<T> {
    pub tree: T,
    pub diagnostics: Diagnostics,
}

impl<T> Parsed<T> {
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// Reads a playbook; `root` is `None` for an empty file.
pub fn playbook(path: &Path, file: FileId, root: Option<&Node>, grammar: &Grammar) -> Parsed<Playbook> {
    let mut parser = Parser::new(grammar);
    let entries = parser.entries(path, root);
    parser.done(Playbook { path: path.to_owned(), file, entries })
}

/// Reads a list of tasks and blocks: a task file, or a role's tasks or handlers. `None` and null are an empty list.
pub fn task_list(root: Option<&Node>, handlers: bool, grammar: &Grammar) -> Parsed<Vec<Item>> {
    let mut parser = Parser::new(grammar);
    let items = match root {
        Some(root) if !root.is_null() && !matches!(root.kind, NodeKind::Seq(_)) => {
            parser.fault(Code::NOT_TASKS, "included task files must contain a list of tasks", root.span);
            vec![]
        }
        Some(root) => parser.items(root, if handlers { Level::Handler } else { Level::Task }, true, "tasks"),
        None => vec![],
    };
    parser.done(items)
}

/// Reads the `dependencies` of a role.
pub fn dependencies(list: &Node, grammar: &Grammar) -> Parsed<Vec<Arc<RoleRef>>> {
    let mut parser = Parser::new(grammar);
    let roles = parser.dependencies(list);
    parser.done(roles)
}

/// Reads names of collections (`collections:` of a role's meta data).
pub fn collections(list: &Node, grammar: &Grammar) -> Parsed<Option<Arc<[Arc<str>]>>> {
    let mut parser = Parser::new(grammar);
    let names = parser.collections(list);
    parser.done(names)
}

struct Parser<'a> {
    grammar: &'a Grammar<'a>,
    diagnostics: Diagnostics,
}

impl<'a> Parser<'a> {
    fn new(grammar: &'a Grammar<'a>) -> Self {
        Parser { grammar, diagnostics: vec![] }
    }
    fn done<T>(self, tree: T) -> Parsed<T> {
        Parsed { tree, diagnostics: self.diagnostics }
    }
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
    fn fault(&mut self, code: Code, message: impl Into<String>, span: Span) {
        self.report(Diagnostic::error(code, message).at(span, ""));
    }
    /// A key that is no keyword at this level.
    fn unknown(&mut self, key: &Node, class: &str, level: Level) {
        let name = key_text(key);
        let mut fault =
            Diagnostic::error(Code::KEYWORD_UNKNOWN, format!("'{name}' is not a valid attribute for a {class}"))
                .at(key.span, "unknown keyword");
        if matches!(level, Level::Task | Level::Handler) && !self.grammar.invalid_keyword_fails {
            fault = Diagnostic::warning(Code::WARNING, format!("Ignoring invalid attribute: {name}")).at(key.span, "");
        } else if let Some(near) = nearest_keyword(&name, level) {
            fault = fault.hint(format!("did you mean `{near}`?"));
        }
        self.report(fault);
    }
    /// Reads keywords that all levels share; false if the key is none of them.
    fn shared(&mut self, key: &Node, value: &Node, level: Level, class: &str, common: &mut Common) -> bool {
        match key.as_str().and_then(|name| super::keywords::find(name, level)) {
            Some(keyword) => self.common_keyword(keyword, value, class, common),
            None => false,
        }
    }
}

/// A key as messages show it.
fn key_text(key: &Node) -> String {
    match key.as_str() {
        Some(text) => text.to_owned(),
        None => key.to_value(crate::value::Trust::Foreign).to_string(),
    }
}
