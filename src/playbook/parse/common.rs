//! Keywords that all levels share, and the checks of a keyword's type.

use super::Parser;
use crate::diag::{Code, Diagnostic, Spanned};
use crate::playbook::ast::{Common, ModuleDefaults, Templated};
use crate::playbook::keywords::{Keyword, Rendered, Type};
use crate::playbook::names::variable_name_fault;
use crate::value::{Map, Trust, Value};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

impl Parser<'_> {
    /// Reads one keyword into `common`; false if it belongs to the level itself.
    pub(super) fn common_keyword(&mut self, keyword: &Keyword, value: &Node, class: &str, common: &mut Common) -> bool {
        match keyword.name {
            "name" => common.name = self.scalar(keyword, value),
            "vars" => {
                if let Some(vars) = self.vars(value, class) {
                    common.vars = vars;
                }
            }
            "when" => common.when = conditions(value),
            "tags" => common.tags = self.tags(value),
            "collections" => common.collections = self.collections(value),
            "environment" => common.environment = list(value),
            "module_defaults" => common.module_defaults = self.module_defaults(value),
            name if crate::playbook::Settings::NAMES.contains(&name) => {
                if let Some(value) = self.scalar(keyword, value) {
                    common.settings.set(name, value.node, value.span);
                }
            }
            _ => return false,
        }
        true
    }

    /// A value, with its type checked where it is literal and belongs to the play. What is rendered per host is checked by
    /// planning, for it is an error only if the task runs. `None` after a fault.
    pub(super) fn scalar(&mut self, keyword: &Keyword, value: &Node) -> Option<Templated> {
        let spanned = templated(value);
        let structure = matches!(keyword.ty, Type::Str | Type::OneOf(_))
            && matches!(value.kind, NodeKind::Seq(_) | NodeKind::Map(_));
        let reason = if structure {
            Some(format!(
                "The field '{}' is supposed to be a string type, however the incoming data structure is a {}",
                keyword.name,
                value.type_name()
            ))
        } else if keyword.rendered == Rendered::Play {
            keyword.misfit(&spanned.node)
        } else {
            None
        };
        if let Some(reason) = reason {
            self.report(
                Diagnostic::error(Code::KEYWORD_TYPE, reason)
                    .at(value.span, "")
                    .hint(format!("`{}`: {}", keyword.name, keyword.doc)),
            );
            return None;
        }
        Some(spanned)
    }

    pub(super) fn vars(&mut self, value: &Node, class: &str) -> Option<Arc<Map>> {
        match &value.kind {
            NodeKind::Null => Some(Arc::default()),
            NodeKind::Map(entries) => {
                let mut fine = true;
                for (key, _) in entries {
                    if let Some(reason) = variable_name_fault(key) {
                        fine = false;
                        self.report(
                            Diagnostic::error(Code::KEYWORD_TYPE, reason).at(key.span, "not a variable name").hint(
                                "Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and underscores.",
                            ),
                        );
                    }
                }
                fine.then(|| map(value))
            }
            _ => {
                let message = format!("Vars in a {class} must be specified as a dictionary.");
                self.report(Diagnostic::error(Code::KEYWORD_TYPE, message).at(value.span, value.type_name()));
                None
            }
        }
    }

    pub(super) fn tags(&mut self, value: &Node) -> Vec<Templated> {
        match &value.kind {
            NodeKind::Seq(items) => items.iter().map(templated).collect(),
            NodeKind::Str { text, is_unsafe, .. } => {
                let trust = if *is_unsafe { Trust::Foreign } else { Trust::Author };
                text.split(',')
                    .map(|tag| {
                        let text = crate::value::Text::new(tag.trim(), trust, Some(value.span));
                        Spanned::new(Value::Str(text), value.span)
                    })
                    .collect()
            }
            _ => {
                self.fault(Code::KEYWORD_TYPE, "tags must be specified as a list", value.span);
                vec![]
            }
        }
    }

    pub(super) fn collections(&mut self, value: &Node) -> Option<Arc<[Arc<str>]>> {
        let names: Vec<Arc<str>> = self.texts("collections", value).into_iter().map(|name| name.node).collect();
        (!names.is_empty()).then(|| names.into())
    }

    /// A text or a list of texts that are no templates.
    pub(super) fn texts(&mut self, keyword: &str, value: &Node) -> Vec<Spanned<Arc<str>>> {
        let items = match &value.kind {
            NodeKind::Null => &[],
            NodeKind::Seq(items) => &items[..],
            _ => std::slice::from_ref(value),
        };
        let mut out = Vec::new();
        for item in items {
            match &item.kind {
                NodeKind::Str { text, .. } => out.push(Spanned::new(text.clone(), item.span)),
                _ => self.fault(
                    Code::KEYWORD_TYPE,
                    format!("Keyword '{keyword}' items must be of type 'str', not '{}'.", item.type_name()),
                    item.span,
                ),
            }
        }
        out
    }

    fn module_defaults(&mut self, value: &Node) -> Vec<Arc<ModuleDefaults>> {
        let items = match &value.kind {
            NodeKind::Null => &[],
            NodeKind::Seq(items) => &items[..],
            _ => std::slice::from_ref(value),
        };
        let mut out = Vec::new();
        for item in items {
            let NodeKind::Map(entries) = &item.kind else {
                self.fault(
                    Code::KEYWORD_TYPE,
                    "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, the keys of which must be static action, module, or group names. Only the values may contain templates. For example: {'ping': \"{{ ping_defaults }}\"}",
                    item.span,
                );
                continue;
            };
            let mut defaults = ModuleDefaults { span: item.span, entries: vec![] };
            for (key, value) in entries {
                match key.as_str() {
                    Some(name) => {
                        defaults.entries.push((Spanned::new(name.into(), key.span), value.to_value(Trust::Author)));
                    }
                    None => self.fault(Code::KEYWORD_TYPE, "module_defaults: a key must be a name", key.span),
                }
            }
            out.push(Arc::new(defaults));
        }
        out
    }
}

/// Any value, as written.
pub(super) fn templated(node: &Node) -> Templated {
    Spanned::new(node.to_value(Trust::Author), node.span)
}

/// A list; one value is a list of one, null is none.
pub(super) fn list(node: &Node) -> Vec<Templated> {
    match &node.kind {
        NodeKind::Null => vec![],
        NodeKind::Seq(items) => items.iter().map(templated).collect(),
        _ => vec![templated(node)],
    }
}

/// Conditions; null among them holds.
pub(super) fn conditions(node: &Node) -> Vec<Templated> {
    list(node).into_iter().filter(|c| !c.node.is_null()).collect()
}

/// A mapping's text keys and values; other keys as Python's dict has them.
pub(super) fn map(node: &Node) -> Arc<Map> {
    match node.to_value(Trust::Author) {
        Value::Map(map) => map,
        _ => Arc::default(),
    }
}
