//! Lists of tasks and blocks; tasks and handlers with their keywords.

use super::action::Found;
use super::common::{conditions, list, templated};
use super::{Parser, key_text};
use crate::diag::{Code, Diagnostic, Spanned};
use crate::playbook::ast::{Block, Common, Item, Loop, LoopControl, Task};
use crate::playbook::builtin_action;
use crate::playbook::keywords::{Keyword, Level, find};
use crate::playbook::names::{is_variable_name, variable_name_fault};
use crate::value::Trust;
use crate::yaml::{Node, NodeKind};
use std::sync::Arc;

impl Parser<'_> {
    /// A list of tasks and blocks. `top`: not within a block, where null items are skipped and handlers may be in a block.
    /// `part` is what messages call the list.
    pub(super) fn items(&mut self, node: &Node, level: Level, top: bool, part: &str) -> Vec<Item> {
        let NodeKind::Seq(items) = &node.kind else {
            if !(top && node.is_null()) {
                let list = if top { "a list or None but is" } else { "a list but was a" };
                let message = format!(
                    "A malformed block was encountered while loading {part}: {} should be {list} {}",
                    node.to_value(Trust::Foreign),
                    node.type_name()
                );
                self.fault(Code::PLAYBOOK_SHAPE, message, node.span);
            }
            return vec![];
        };
        items.iter().filter(|item| !(top && item.is_null())).filter_map(|item| self.item(item, level, top)).collect()
    }

    fn item(&mut self, node: &Node, level: Level, top: bool) -> Option<Item> {
        if !matches!(node.kind, NodeKind::Map(_)) {
            let message = format!(
                "A malformed block was encountered while loading a block: a task should be a dict but was a {}",
                node.type_name()
            );
            self.fault(Code::PLAYBOOK_SHAPE, message, node.span);
            return None;
        }
        if ["block", "rescue", "always"].iter().any(|part| node.get(part).is_some()) {
            if level == Level::Handler && !top {
                self.fault(Code::INCLUDE_INVALID, "Using a block as a handler is not supported.", node.span);
                return None;
            }
            return Some(Item::Block(Arc::new(self.block(node, level))));
        }
        self.task(node, level).map(|task| Item::Task(Arc::new(task)))
    }

    fn block(&mut self, node: &Node, level: Level) -> Block {
        let mut block =
            Block { span: node.span, common: Common::default(), block: vec![], rescue: vec![], always: vec![] };
        for (key, value) in node.entries() {
            match key.as_str() {
                Some("block") => block.block = self.items(value, level, false, "a block"),
                Some("rescue") => block.rescue = self.items(value, level, false, "rescue"),
                Some("always") => block.always = self.items(value, level, false, "always"),
                _ => {
                    if !self.shared(key, value, Level::Block, "Block", &mut block.common) {
                        self.unknown(key, "Block", Level::Block);
                    }
                }
            }
        }
        for (part, items) in [("rescue", &block.rescue), ("always", &block.always)] {
            if !items.is_empty() && node.get("block").is_none_or(|b| b.as_seq().is_none_or(<[Node]>::is_empty)) {
                let message = format!("'{part}' keyword cannot be used without 'block'");
                self.fault(Code::PLAYBOOK_SHAPE, message, node.span);
            }
        }
        block
    }

    fn task(&mut self, node: &Node, level: Level) -> Option<Task> {
        let Found { action, args, apply, local } = self.action(node, level)?;
        let written = action.node.as_str().unwrap_or_default();
        let builtin = builtin_action(written);
        let handler = level == Level::Handler;
        let class = match builtin {
            Some("include_tasks" | "import_tasks") if handler => "HandlerTaskInclude",
            Some("include_tasks" | "import_tasks") => "TaskInclude",
            Some("include_role" | "import_role") => "IncludeRole",
            _ => level.class(),
        };
        let mut task = Task {
            span: node.span,
            common: Common::default(),
            action,
            args: Arc::new(args),
            looping: Loop::Once,
            loop_control: LoopControl::default(),
            register: None,
            changed_when: vec![],
            failed_when: vec![],
            until: vec![],
            retries: None,
            delay: None,
            async_: None,
            poll: None,
            apply: None,
            listen: vec![],
        };
        let mut own_keys = Vec::new();
        for (key, value) in node.entries() {
            let name = key_text(key);
            if is_action_key(&name) || task.action.span == key.span {
                continue;
            }
            own_keys.push((name.clone(), key.span));
            match name.strip_prefix("with_") {
                Some(lookup) if (self.grammar.is_lookup)(lookup) => self.with_loop(&mut task, key, lookup, value),
                _ => match find(&name, level) {
                    Some(keyword) => self.task_keyword(&mut task, keyword, value, class),
                    None => self.unknown(key, class, level),
                },
            }
        }
        if local {
            let localhost = crate::value::Value::trusted("localhost");
            task.common.settings.set("delegate_to", localhost, task.action.span);
            own_keys.push(("delegate_to".to_owned(), task.action.span));
        }
        self.check_include(node, &task, class, &own_keys, apply, handler).map(|(args, apply)| {
            if let Some(args) = args {
                task.args = Arc::new(args);
            }
            task.apply = apply;
        })?;
        Some(task)
    }

    fn task_keyword(&mut self, task: &mut Task, keyword: &Keyword, value: &Node, class: &str) {
        match keyword.name {
            "register" => task.register = self.register(value),
            "changed_when" => task.changed_when = conditions(value),
            "failed_when" => task.failed_when = conditions(value),
            "until" => task.until = list(value),
            "retries" => task.retries = self.scalar(keyword, value),
            "delay" => task.delay = self.scalar(keyword, value),
            "async" => task.async_ = self.scalar(keyword, value),
            "poll" => task.poll = self.scalar(keyword, value),
            "listen" => task.listen = self.texts("listen", value),
            "loop" => {
                // `loop: null` is no loop. After `with_…` it replaces the terms, as in Ansible.
                match &mut task.looping {
                    _ if value.is_null() => {}
                    Loop::Lookup { terms, .. } => *terms = templated(value),
                    other => *other = Loop::Items(templated(value)),
                }
            }
            "loop_control" => self.loop_control(&mut task.loop_control, value),
            _ => {
                self.common_keyword(keyword, value, class, &mut task.common);
            }
        }
    }

    fn with_loop(&mut self, task: &mut Task, key: &Node, lookup: &str, value: &Node) {
        if !task.looping.is_once() {
            self.fault(Code::TASK_ACTION, format!("duplicate loop in task: {lookup}"), key.span);
        } else if value.is_null() {
            let message = format!("you must specify a value when using with_{lookup}");
            self.fault(Code::KEYWORD_TYPE, message, key.span);
        } else {
            task.looping = Loop::Lookup { plugin: Spanned::new(lookup.into(), key.span), terms: templated(value) };
        }
    }

    fn register(&mut self, value: &Node) -> Option<Spanned<Arc<str>>> {
        match &value.kind {
            NodeKind::Null => None,
            NodeKind::Str { text, .. } if is_variable_name(text) => Some(Spanned::new(text.clone(), value.span)),
            _ => {
                let reason = variable_name_fault(value).unwrap_or_default();
                self.report(
                    Diagnostic::error(Code::KEYWORD_TYPE, format!("Invalid 'register' specified: {reason}"))
                        .at(value.span, "not a variable name")
                        .hint("Variable names must be strings starting with a letter or underscore character, and contain only letters, numbers and underscores."),
                );
                None
            }
        }
    }

    fn loop_control(&mut self, control: &mut LoopControl, value: &Node) {
        if !matches!(value.kind, NodeKind::Map(_)) {
            let message = "the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it can contain variables)";
            return self.fault(Code::KEYWORD_TYPE, message, value.span);
        }
        for (key, value) in value.entries() {
            let Some(keyword) = key.as_str().and_then(|name| find(name, Level::LoopControl)) else {
                self.unknown(key, "LoopControl", Level::LoopControl);
                continue;
            };
            if keyword.name == "break_when" {
                control.break_when = conditions(value);
                continue;
            }
            let read = self.scalar(keyword, value);
            match keyword.name {
                "loop_var" => control.loop_var = read,
                "index_var" => control.index_var = read,
                "label" => control.label = read,
                "pause" => control.pause = read,
                "extended" => control.extended = read,
                _ => control.extended_allitems = read,
            }
        }
    }
}

/// Keys that the action's own reading takes care of.
fn is_action_key(name: &str) -> bool {
    matches!(name, "action" | "local_action" | "args")
}
