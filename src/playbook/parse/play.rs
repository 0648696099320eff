//! Playbook entries: plays and imported playbooks.

use super::common::{list, templated};
use super::{Parser, key_text};
use crate::diag::{Code, Diagnostic, Span};
use crate::playbook::ast::{Common, Entry, ImportPlaybook, Play, Prompt};
use crate::playbook::builtin_action;
use crate::playbook::keywords::{Level, find};
use crate::value::{Map, Trust, Value};
use crate::yaml::{Node, NodeKind};
use std::path::Path;
use std::sync::Arc;

const PROMPT_KEYS: &[&str] =
    &["name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"];

impl Parser<'_> {
    pub(super) fn entries(&mut self, path: &Path, root: Option<&Node>) -> Vec<Entry> {
        let shape = |message: String, span: Option<Span>| Diagnostic::error(Code::PLAYBOOK_SHAPE, message).at(span, "");
        let shown = path.display();
        let Some(root) = root.filter(|r| !r.is_null()) else {
            self.report(shape(format!("Empty playbook, nothing to do: {shown}"), None));
            return vec![];
        };
        let NodeKind::Seq(items) = &root.kind else {
            let message = format!("A playbook must be a list of plays, got a {} instead: {shown}", root.type_name());
            self.report(shape(message, Some(root.span)));
            return vec![];
        };
        if items.is_empty() {
            self.report(shape(format!("A playbook must contain at least one play: {shown}"), Some(root.span)));
        }
        items.iter().filter_map(|item| self.entry(item)).collect()
    }

    fn entry(&mut self, node: &Node) -> Option<Entry> {
        let NodeKind::Map(entries) = &node.kind else {
            let message = "playbook entries must be either valid plays or 'import_playbook' statements";
            self.fault(Code::PLAYBOOK_SHAPE, message, node.span);
            return None;
        };
        let import = |key: &Node| key.as_str().and_then(builtin_action) == Some("import_playbook");
        let imports: Vec<&Node> = entries.iter().map(|(k, _)| k).filter(|k| import(k)).collect();
        match imports[..] {
            [] => Some(Entry::Play(Arc::new(self.play(node)))),
            [_] => self.import_playbook(node).map(|i| Entry::Import(Arc::new(i))),
            _ => {
                let mut names: Vec<String> = imports.iter().map(|k| key_text(k)).collect();
                names.sort();
                let message = format!("Found conflicting import_playbook actions: {}", names.join(", "));
                self.fault(Code::TASK_ACTION, message, node.span);
                None
            }
        }
    }

    fn import_playbook(&mut self, node: &Node) -> Option<ImportPlaybook> {
        let mut target = None;
        let mut common = Common::default();
        for (key, value) in node.entries() {
            if key.as_str().and_then(builtin_action) == Some("import_playbook") {
                if matches!(value.kind, NodeKind::Str { .. } | NodeKind::Vault(_)) {
                    target = Some(templated(value));
                } else {
                    let message = format!("import_playbook takes the name of a file, not a {}", value.type_name());
                    self.fault(Code::INCLUDE_INVALID, message, value.span);
                }
            } else if !self.shared(key, value, Level::Import, "PlaybookInclude", &mut common) {
                self.unknown(key, "PlaybookInclude", Level::Import);
            }
        }
        Some(ImportPlaybook { span: node.span, target: target?, common })
    }

    fn play(&mut self, node: &Node) -> Play {
        let mut play = Play {
            span: node.span,
            common: Common::default(),
            hosts: None,
            gather_facts: None,
            gather_subset: None,
            gather_timeout: None,
            fact_path: None,
            vars_files: vec![],
            vars_prompt: vec![],
            roles: vec![],
            handlers: vec![],
            pre_tasks: vec![],
            tasks: vec![],
            post_tasks: vec![],
            force_handlers: None,
            max_fail_percentage: None,
            serial: None,
            strategy: None,
            order: None,
        };
        for (key, value) in node.entries() {
            self.play_keyword(&mut play, node, key, value);
        }
        if node.get("hosts").is_none() {
            self.fault(Code::PLAYBOOK_SHAPE, "The field 'hosts' is required but was not set.", node.span);
        }
        play
    }

    fn play_keyword(&mut self, play: &mut Play, node: &Node, key: &Node, value: &Node) {
        let name = key_text(key);
        if name == "user" {
            if node.get("remote_user").is_some() {
                let message = "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed";
                self.fault(Code::KEYWORD_UNKNOWN, message, key.span);
            }
            play.common.settings.set("remote_user", value.to_value(Trust::Author), value.span);
            return;
        }
        let Some(keyword) = find(&name, Level::Play) else {
            return self.unknown(key, "Play", Level::Play);
        };
        let scalar = |parser: &mut Self| parser.scalar(keyword, value);
        match keyword.name {
            "hosts" => play.hosts = self.hosts(value),
            "gather_facts" => play.gather_facts = scalar(self),
            "gather_subset" => play.gather_subset = scalar(self),
            "gather_timeout" => play.gather_timeout = scalar(self),
            "fact_path" => play.fact_path = scalar(self),
            "force_handlers" => play.force_handlers = scalar(self),
            "max_fail_percentage" => play.max_fail_percentage = scalar(self),
            "serial" => play.serial = scalar(self),
            "strategy" => play.strategy = scalar(self),
            "order" => play.order = scalar(self),
            "handlers" => play.handlers = self.items(value, Level::Handler, true, "handlers"),
            "pre_tasks" => play.pre_tasks = self.items(value, Level::Task, true, "pre_tasks"),
            "tasks" => play.tasks = self.items(value, Level::Task, true, "tasks"),
            "post_tasks" => play.post_tasks = self.items(value, Level::Task, true, "post_tasks"),
            "roles" => play.roles = self.roles(value),
            "vars_files" => {
                play.vars_files = list(value)
                    .into_iter()
                    .map(|item| match item.node {
                        Value::List(alternatives) => alternatives.to_vec(),
                        one => vec![one],
                    })
                    .collect();
            }
            "vars_prompt" => play.vars_prompt = self.prompts(value),
            _ => {
                self.common_keyword(keyword, value, "Play", &mut play.common);
            }
        }
    }

    fn hosts(&mut self, value: &Node) -> Option<crate::playbook::Templated> {
        let fault = match &value.kind {
            NodeKind::Null => Some("Hosts list cannot be empty. Please check your playbook".to_owned()),
            NodeKind::Seq(items) if items.is_empty() => {
                Some("Hosts list cannot be empty. Please check your playbook".to_owned())
            }
            NodeKind::Seq(items) => items.iter().find_map(|item| match &item.kind {
                NodeKind::Null => {
                    Some("Hosts list cannot contain values of 'None'. Please check your playbook".to_owned())
                }
                NodeKind::Str { .. } | NodeKind::Vault(_) => None,
                _ => Some(format!("Hosts list contains an invalid host value: '{}'", item.to_value(Trust::Foreign))),
            }),
            NodeKind::Str { text, .. } if text.is_empty() => {
                Some("Hosts list cannot be empty. Please check your playbook".to_owned())
            }
            NodeKind::Str { .. } | NodeKind::Vault(_) => None,
            _ => Some("Hosts list must be a sequence or string. Please check your playbook.".to_owned()),
        };
        match fault {
            None => Some(templated(value)),
            Some(message) => {
                self.fault(Code::PLAYBOOK_SHAPE, message, value.span);
                None
            }
        }
    }

    fn prompts(&mut self, value: &Node) -> Vec<Prompt> {
        let items = match &value.kind {
            NodeKind::Null => &[],
            NodeKind::Seq(items) => &items[..],
            _ => std::slice::from_ref(value),
        };
        let mut out = Vec::new();
        for item in items {
            let NodeKind::Map(entries) = &item.kind else {
                self.fault(Code::KEYWORD_TYPE, "vars_prompt takes a list of dictionaries", item.span);
                continue;
            };
            for (key, _) in entries {
                if !PROMPT_KEYS.contains(&key_text(key).as_str()) {
                    let message =
                        format!("Invalid vars_prompt data structure, found unsupported key '{}'", key_text(key));
                    self.fault(Code::KEYWORD_UNKNOWN, message, key.span);
                }
            }
            match item.get("name") {
                Some(name) => out.push(Prompt {
                    span: item.span,
                    name: key_text(name).into(),
                    options: match item.to_value(Trust::Author) {
                        Value::Map(options) => options,
                        _ => Arc::new(Map::new()),
                    },
                }),
                None => {
                    let message = "Invalid vars_prompt data structure, missing 'name' key";
                    self.fault(Code::KEYWORD_TYPE, message, item.span);
                }
            }
        }
        out
    }
}
