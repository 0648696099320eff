//! Entries of `roles:` and of a role's `dependencies`.

use super::Parser;
use super::common::templated;
use crate::diag::{Code, Diagnostic, Span};
use crate::playbook::ast::{Common, RoleRef, Templated};
use crate::playbook::keywords::{Level, find};
use crate::value::{Map, Text, Trust, Value};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

impl Parser<'_> {
    pub(super) fn roles(&mut self, value: &Node) -> Vec<Arc<RoleRef>> {
        match &value.kind {
            NodeKind::Null => vec![],
            NodeKind::Seq(items) => items.iter().filter_map(|item| self.role(item)).collect(),
            _ => {
                let message = format!(
                    "A malformed role declaration was encountered: {} should be a list but was a {}",
                    value.to_value(Trust::Foreign),
                    value.type_name()
                );
                self.fault(Code::PLAYBOOK_SHAPE, message, value.span);
                vec![]
            }
        }
    }

    pub(super) fn dependencies(&mut self, value: &Node) -> Vec<Arc<RoleRef>> {
        match &value.kind {
            NodeKind::Null => vec![],
            NodeKind::Seq(items) => items.iter().filter_map(|item| self.role(item)).collect(),
            _ => {
                self.fault(Code::PLAYBOOK_SHAPE, "Expected role dependencies to be a list.", value.span);
                vec![]
            }
        }
    }

    fn role(&mut self, node: &Node) -> Option<Arc<RoleRef>> {
        let mut common = Common::default();
        let mut params = Map::new();
        let role = match &node.kind {
            NodeKind::Str { text, .. } => {
                if text.contains(',') {
                    let message = format!("Invalid old style role requirement: {text}");
                    self.fault(Code::ROLE_NOT_FOUND, message, node.span);
                    return None;
                }
                templated(node)
            }
            NodeKind::Map(entries) => {
                for (key, value) in entries {
                    match key.as_str().and_then(|name| find(name, Level::Role)) {
                        Some(keyword) => {
                            if keyword.name != "role" {
                                self.common_keyword(keyword, value, "RoleInclude", &mut common);
                            }
                        }
                        None => {
                            params.insert(key.to_key(), value.to_value(Trust::Author));
                        }
                    }
                }
                match self.role_name(node, &mut params) {
                    Some(name) => name,
                    None => {
                        self.fault(Code::ROLE_NOT_FOUND, "role definitions must contain a role name", node.span);
                        return None;
                    }
                }
            }
            _ => {
                self.report(Diagnostic::error(Code::PLAYBOOK_SHAPE, "Invalid role definition.").at(node.span, ""));
                return None;
            }
        };
        Some(Arc::new(RoleRef { span: node.span, role, common, params: Arc::new(params) }))
    }

    /// `role`, else `name`, else what Galaxy would call the role that `src` points to.
    fn role_name(&mut self, node: &Node, params: &mut Map) -> Option<Templated> {
        if let Some(name) = node.get("role").or_else(|| node.get("name")) {
            return name.as_str().is_some_and(|n| !n.is_empty()).then(|| templated(name));
        }
        let src = node.get("src")?;
        let name = repository_name(src.as_str()?);
        for key in ["src", "scm", "version"] {
            params.remove(key);
        }
        Some(name_of(name, src.span))
    }
}

fn name_of(name: &str, span: Span) -> Templated {
    Templated::new(Value::Str(Text::new(name, Trust::Author, Some(span))), span)
}

/// `https://host/some/repo.git` → `repo`; a name stays itself.
fn repository_name(src: &str) -> &str {
    if !src.contains("://") && !src.contains('@') {
        return src;
    }
    let last = src.rsplit('/').next().unwrap_or(src);
    let last = last.strip_suffix(".git").unwrap_or(last);
    let last = last.strip_suffix(".tar.gz").unwrap_or(last);
    last.split(',').next().unwrap_or(last)
}
