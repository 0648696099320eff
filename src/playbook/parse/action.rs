//! Which action a task runs and with which arguments: `module: args`, `action:`, `local_action:`, `args:`.

use super::common::templated;
use super::{Parser, key_text};
use crate::diag::{Code, Diagnostic, Span, Spanned};
use crate::playbook::ast::{Args, RAW_PARAMS, Templated};
use crate::playbook::keywords::{Level, find, nearest_keyword};
use crate::playbook::{is_free_form, kv};
use crate::value::{Map, Text, Trust, Value};
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

/// An action as read.
pub(super) struct Found<'n> {
    pub(super) action: Templated,
    pub(super) args: Args,
    /// The node of the argument `apply`, for includes.
    pub(super) apply: Option<&'n Node>,
    /// From `local_action`.
    pub(super) local: bool,
}

impl Parser<'_> {
    /// Finds the one action of a task. `None` after a fault.
    pub(super) fn action<'n>(&mut self, node: &'n Node, level: Level) -> Option<Found<'n>> {
        let candidates: Vec<(&Node, &Node)> = node.entries().filter(|(key, _)| !is_keyword(key)).collect();
        let old: Vec<(&Node, &Node)> = ["action", "local_action"].iter().filter_map(|k| node.entry(k)).collect();
        if old.len() == 2 {
            self.fault(Code::TASK_ACTION, "action and local_action are mutually exclusive", node.span);
            return None;
        }
        if old.len() + candidates.len() > 1 {
            let all: Vec<(&Node, &Node)> = old.into_iter().chain(candidates).collect();
            self.conflict(&all, level);
            return None;
        }
        let mut args = Args::default();
        self.extra_args(node, &mut args)?;
        if let Some((key, value)) = old.first() {
            let local = key.as_str() == Some("local_action");
            let action = self.old_style(node, value, &mut args)?;
            let apply = value.get("apply").or_else(|| node.get("args")?.get("apply"));
            return Some(Found { action, args, apply, local });
        }
        let Some((key, value)) = candidates.first() else {
            self.fault(Code::TASK_ACTION, "no module/action detected in task.", node.span);
            return None;
        };
        let name = key_text(key);
        if crate::playbook::builtin_action(&name) == Some("include") {
            self.report(
                Diagnostic::error(Code::TASK_ACTION, "The 'ansible.builtin.include' action plugin has been removed. Use include_tasks or import_tasks instead. This feature was removed from ansible-core in a release after 2023-05-16.")
                    .at(key.span, "use `include_tasks` or `import_tasks`"),
            );
            return None;
        }
        self.new_style(&name, value, &mut args)?;
        let apply = value.get("apply").or_else(|| node.get("args")?.get("apply"));
        let action = Spanned::new(Value::Str(Text::new(name, Trust::Author, Some(key.span))), key.span);
        Some(Found { action, args, apply, local: false })
    }

    /// More than one key could be the action: names the one that is probably a misspelt keyword.
    fn conflict(&mut self, candidates: &[(&Node, &Node)], level: Level) {
        let names: Vec<String> = candidates.iter().map(|(key, _)| key_text(key)).collect();
        let action = |i: usize| match (names[i].as_str(), candidates[i].1.as_str()) {
            ("action" | "local_action", Some(text)) => text.split_whitespace().next().unwrap_or_default().to_owned(),
            (name, _) => name.to_owned(),
        };
        let message = format!("conflicting action statements: {}, {}", action(0), action(1));
        let stranger = candidates
            .iter()
            .zip(&names)
            .find(|(_, name)| !matches!(name.as_str(), "action" | "local_action") && !(self.grammar.is_action)(name));
        let fault = match stranger {
            Some(((key, _), name)) => {
                let mut fault = Diagnostic::error(Code::KEYWORD_UNKNOWN, message)
                    .at(key.span, format!("`{name}` is neither a keyword nor a module"));
                if let Some(near) = nearest_keyword(name, level) {
                    fault = fault.hint(format!("did you mean `{near}`?"));
                }
                fault
            }
            None => Diagnostic::error(Code::TASK_ACTION, message)
                .at(candidates[1].0.span, "a second action")
                .at(candidates[0].0.span, "the first action"),
        };
        self.report(fault);
    }

    /// `args:`: lower precedence than what stands at the action.
    fn extra_args(&mut self, node: &Node, args: &mut Args) -> Option<()> {
        let Some(extra) = node.get("args") else { return Some(()) };
        match &extra.kind {
            NodeKind::Map(_) => set_map(args, extra),
            NodeKind::Str { text, .. } if is_one_template(text) => args.variable = Some(templated(extra)),
            NodeKind::Null => self.report(
                Diagnostic::warning(Code::DEPRECATED, "Ignoring empty task `args` keyword.")
                    .at(extra.span, "")
                    .hint("A mapping or template which resolves to a mapping is required."),
            ),
            _ => {
                self.report(
                    Diagnostic::error(Code::KEYWORD_TYPE, "The value of the task `args` keyword is invalid.")
                        .at(extra.span, "")
                        .hint("A mapping or template which resolves to a mapping is required."),
                );
                return None;
            }
        }
        Some(())
    }

    /// `copy: src=a dest=b`, `copy: {src: a}`.
    fn new_style(&mut self, action: &str, value: &Node, args: &mut Args) -> Option<()> {
        match &value.kind {
            NodeKind::Null => {}
            NodeKind::Map(_) => set_map(args, value),
            NodeKind::Str { text, is_unsafe, .. } => {
                self.set_pairs(action, text, trust_of(*is_unsafe), value.span, args)?;
            }
            NodeKind::Vault(_) => set(args, RAW_PARAMS, value.to_value(Trust::Author), value.span),
            _ => {
                let message = format!("unexpected parameter type in action: {}", value.type_name());
                self.fault(Code::TASK_ACTION, message, value.span);
                return None;
            }
        }
        self.check_names(action, args)
    }

    /// `action: copy src=a`, `action: {module: copy, src: a}`. Returns the action's name.
    fn old_style(&mut self, task: &Node, value: &Node, args: &mut Args) -> Option<Templated> {
        let (text, trust, span) = match &value.kind {
            NodeKind::Str { text, is_unsafe, .. } => (text.clone(), trust_of(*is_unsafe), value.span),
            NodeKind::Map(_) => {
                self.report(
                    Diagnostic::warning(Code::DEPRECATED, "Using a mapping for `action` is deprecated. This feature will be removed from ansible-core version 2.23.")
                        .at(value.span, "")
                        .hint("Use a string value for `action`."),
                );
                let Some(module) = value.get("module") else {
                    self.fault(Code::TASK_ACTION, "no module/action detected in task.", task.span);
                    return None;
                };
                let Some(text) = module.as_str() else {
                    self.fault(Code::TASK_ACTION, "the module's name must be text", module.span);
                    return None;
                };
                set_map(args, value);
                remove(args, "module");
                (text.into(), Trust::Author, module.span)
            }
            _ => {
                let message = format!("unexpected parameter type in action: {}", value.type_name());
                self.fault(Code::TASK_ACTION, message, value.span);
                return None;
            }
        };
        let words = self.words(&text, span)?;
        let name = words.first().map_or("", |w| w.trim()).to_owned();
        let rest = words.get(1..).unwrap_or_default().join(" ");
        self.set_pairs(&name, &rest, trust, span, args)?;
        self.nested_args(args, trust, span)?;
        self.check_names(&name, args)?;
        if name.is_empty() {
            self.fault(Code::TASK_ACTION, "no module/action detected in task.", span);
            return None;
        }
        Some(Spanned::new(Value::Str(Text::new(name, trust, Some(span))), span))
    }

    /// `action: {module: x, args: {…}}`.
    fn nested_args(&mut self, args: &mut Args, trust: Trust, span: Span) -> Option<()> {
        match remove(args, "args") {
            Some(Value::Map(inner)) => {
                for (key, value) in &*inner {
                    Arc::make_mut(&mut args.map).insert(key.clone(), value.clone());
                }
            }
            Some(Value::Str(text)) => self.set_pairs("", &text, trust, span, args)?,
            _ => {}
        }
        Some(())
    }

    fn words(&mut self, text: &str, span: Span) -> Option<Vec<String>> {
        match kv::split(text) {
            Ok(words) => Some(words),
            Err(unbalanced) => {
                self.fault(Code::TASK_ACTION, format!("Error loading tasks: {unbalanced}"), span);
                None
            }
        }
    }

    fn set_pairs(&mut self, action: &str, text: &str, trust: Trust, span: Span, args: &mut Args) -> Option<()> {
        match kv::parse(text, is_free_form(action)) {
            Ok(pairs) => {
                for (key, value) in pairs {
                    set(args, &key, Value::Str(Text::new(value, trust, Some(span))), span);
                }
                Some(())
            }
            Err(unbalanced) => {
                self.fault(Code::TASK_ACTION, format!("Error loading tasks: {unbalanced}"), span);
                None
            }
        }
    }

    fn check_names(&mut self, action: &str, args: &Args) -> Option<()> {
        if is_free_form(action) {
            return Some(());
        }
        let reserved = args.places.iter().find(|(name, _)| name.starts_with("_ansible_"));
        let Some((name, span)) = reserved else { return Some(()) };
        let message = format!(
            "Invalid parameter specified beginning with keyword '_ansible_' for action '{action}': '{name}'. The prefix '_ansible_' is reserved for internal use only."
        );
        self.fault(Code::ARGS_INVALID, message, *span);
        None
    }
}

/// Whether a key is a keyword of tasks or handlers, so that it cannot be the action.
fn is_keyword(key: &Node) -> bool {
    let Some(name) = key.as_str() else { return false };
    name == "static"
        || name.starts_with("with_")
        || find(name, Level::Task).is_some()
        || find(name, Level::Handler).is_some()
}

fn trust_of(is_unsafe: bool) -> Trust {
    if is_unsafe { Trust::Foreign } else { Trust::Author }
}

/// Whether the whole text is one `{{ … }}`.
pub(super) fn is_one_template(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}")
}

fn set_map(args: &mut Args, node: &Node) {
    for (key, value) in node.entries() {
        let name = key_text(key);
        Arc::make_mut(&mut args.map).insert(key.to_key(), value.to_value(Trust::Author));
        place(args, &name, key.span);
    }
}

fn set(args: &mut Args, name: &str, value: Value, span: Span) {
    Arc::<Map>::make_mut(&mut args.map).insert(name, value);
    place(args, name, span);
}

fn place(args: &mut Args, name: &str, span: Span) {
    match args.places.iter_mut().find(|(known, _)| &**known == name) {
        Some((_, old)) => *old = span,
        None => args.places.push((name.into(), span)),
    }
}

fn remove(args: &mut Args, name: &str) -> Option<Value> {
    args.places.retain(|(known, _)| &**known != name);
    Arc::make_mut(&mut args.map).remove(name)
}
