//! Rules of include_tasks, import_tasks, include_role and import_role, and of `meta` where it stands.

use super::{Parser, key_text};
use crate::diag::{Code, Span};
use crate::playbook::ast::{Args, Common, RAW_PARAMS, Task};
use crate::playbook::builtin_action;
use crate::playbook::keywords::Level;
use crate::value::{Map, Value};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

/// Keywords that a dynamic include may carry itself; others belong under `apply`.
const INCLUDE_KEYWORDS: &[&str] = &[
    "action",
    "args",
    "collections",
    "debugger",
    "ignore_errors",
    "loop",
    "loop_control",
    "name",
    "no_log",
    "register",
    "run_once",
    "tags",
    "timeout",
    "vars",
    "when",
];

const ROLE_ARGS: &[&str] = &[
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

/// New arguments, if they change, and the keywords under `apply`.
type Checked = (Option<Args>, Option<Arc<Common>>);

impl Parser<'_> {
    /// Checks a task that includes something. `None` after a fault.
    pub(super) fn check_include(
        &mut self,
        node: &Node,
        task: &Task,
        class: &str,
        keys: &[(String, Span)],
        apply: Option<&Node>,
        handler: bool,
    ) -> Option<Checked> {
        let written = task.action.node.as_str().unwrap_or_default();
        let Some(action) = builtin_action(written) else { return Some((None, None)) };
        let dynamic = matches!(action, "include_tasks" | "include_role");
        let role = matches!(action, "include_role" | "import_role");
        if !dynamic && !role && action != "import_tasks" {
            return Some((None, None));
        }
        if role && handler {
            let message = format!("Using '{written}' as a handler is not supported.");
            self.fault(Code::INCLUDE_INVALID, message, node.span);
            return None;
        }
        if dynamic {
            for (name, span) in keys {
                let listens = handler && name == "listen";
                if !INCLUDE_KEYWORDS.contains(&name.as_str()) && !name.starts_with("with_") && !listens {
                    let message = format!("'{name}' is not a valid attribute for a {class}");
                    self.fault(Code::KEYWORD_UNKNOWN, message, *span);
                }
            }
        } else if !task.looping.is_once() {
            let (import, include) = if role { ("role", "role") } else { ("tasks", "tasks") };
            let message = format!(
                "You cannot use loops on 'import_{import}' statements. You should use 'include_{include}' instead."
            );
            self.fault(Code::INCLUDE_INVALID, message, node.span);
            return None;
        }
        let args = if role { self.role_args(node, task, written) } else { self.file_args(node, task, written) }?;
        let apply = match apply {
            Some(apply) => self.apply(node, apply, written, dynamic)?,
            None => None,
        };
        Some((args, apply))
    }

    fn file_args(&mut self, node: &Node, task: &Task, action: &str) -> Option<Option<Args>> {
        let known = |name: &str| matches!(name, "file" | "apply") || name == RAW_PARAMS;
        let bad: Vec<&str> = task.args.places.iter().map(|(n, _)| &**n).filter(|n| !known(n)).collect();
        if !bad.is_empty() {
            let span = task.args.place(bad[0]).unwrap_or(node.span);
            self.fault(Code::INCLUDE_INVALID, format!("Invalid options for {action}: {}", bad.join(",")), span);
            return None;
        }
        let given = |name: &str| task.args.map.get(name).filter(|v| v.truthy());
        if given(RAW_PARAMS).is_some() {
            return Some(None);
        }
        let Some(file) = given("file") else {
            self.fault(Code::INCLUDE_INVALID, format!("No file specified for {action}"), node.span);
            return None;
        };
        let mut map = Map::clone(&task.args.map);
        let file = file.clone();
        map.remove("file");
        map.insert(RAW_PARAMS, file);
        Some(Some(Args { map: Arc::new(map), ..Args::clone(&task.args) }))
    }

    fn role_args(&mut self, node: &Node, task: &Task, action: &str) -> Option<Option<Args>> {
        let args = &task.args;
        if ["name", "role"].iter().all(|k| args.map.get(k).is_none_or(Value::is_null)) {
            self.fault(Code::INCLUDE_INVALID, format!("'name' is a required field for {action}."), node.span);
            return None;
        }
        let bad: Vec<&str> = args.places.iter().map(|(n, _)| &**n).filter(|n| !ROLE_ARGS.contains(n)).collect();
        if !bad.is_empty() {
            let span = args.place(bad[0]).unwrap_or(node.span);
            self.fault(Code::INCLUDE_INVALID, format!("Invalid options for {action}: {}", bad.join(",")), span);
            return None;
        }
        for name in ["tasks_from", "vars_from", "defaults_from", "handlers_from"] {
            if let Some(value) = args.map.get(name).filter(|v| v.as_str().is_none()) {
                let message = format!("Expected a string for {name} but got {} instead", value.type_name());
                self.fault(Code::INCLUDE_INVALID, message, args.place(name).unwrap_or(node.span));
                return None;
            }
        }
        Some(None)
    }

    fn apply(&mut self, node: &Node, apply: &Node, action: &str, dynamic: bool) -> Option<Option<Arc<Common>>> {
        let empty = matches!(&apply.kind, NodeKind::Null | NodeKind::Bool(false))
            || apply.as_map().is_some_and(<[(Node, Node)]>::is_empty);
        if empty {
            return Some(None);
        }
        if !dynamic {
            self.fault(Code::INCLUDE_INVALID, format!("Invalid options for {action}: apply"), node.span);
            return None;
        }
        if apply.as_map().is_none() {
            let message = format!("Expected a dict for apply but got {} instead", apply.type_name());
            self.fault(Code::INCLUDE_INVALID, message, apply.span);
            return None;
        }
        let mut common = Common::default();
        for (key, value) in apply.entries() {
            if !self.shared(key, value, Level::Block, "Block", &mut common) && key_text(key) != "block" {
                self.unknown(key, "Block", Level::Block);
            }
        }
        Some(Some(Arc::new(common)))
    }
}
