//! What a task may change that others see, and whether it can be sent before its turn: judged by its text alone. When in
//! doubt, it cannot.

use crate::plan::{Action, ActionKind, PlannedTask, Resolved};
use crate::playbook::{Loop, Templated};
use crate::value::{Key, Value};
use std::sync::Arc;

/// Actions of the controller that need one exchange with the host or none, and change nothing but what [`Flow`] tells.
const PLAIN: [&str; 6] = [
    "ansible.builtin.assert",
    "ansible.builtin.copy",
    "ansible.builtin.debug",
    "ansible.builtin.fail",
    "ansible.builtin.set_fact",
    "ansible.builtin.template",
];

/// How a task stands among those around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Why it has to wait until the results of all before it are known.
    pub alone: Option<&'static str>,
    /// Why all behind it have to wait until its result is known.
    pub barrier: Option<&'static str>,
    /// Variables of the host that its result may set.
    pub writes: Vec<Arc<str>>,
    /// A failure on the host is a failure of the task: nothing behind it is to be done.
    pub stops: bool,
}

impl Flow {
    /// Whether it takes part in a queue at all.
    pub fn queues(&self) -> bool {
        self.alone.is_none()
    }
}

/// Judges a task.
pub fn flow(task: &PlannedTask) -> Flow {
    let alone = alone(task);
    let mut writes: Vec<Arc<str>> = task.task.register.iter().map(|name| name.node.clone()).collect();
    let facts = match &task.action {
        Action::Run(Resolved { kind: ActionKind::Controller(action), .. }) if action.name == SET_FACT => facts_of(task),
        _ => Some(vec![]),
    };
    let unknown_facts = facts.is_none().then_some("the names that it sets are templates");
    writes.extend(facts.unwrap_or_default());
    let tolerant = is_false(&task.task.failed_when) || literal_setting(task, "ignore_errors") == Some(true);
    Flow { alone, barrier: alone.or(unknown_facts).or_else(|| barrier(task)), writes, stops: !tolerant }
}

const SET_FACT: &str = "ansible.builtin.set_fact";

fn alone(task: &PlannedTask) -> Option<&'static str> {
    let plain = match &task.action {
        Action::Run(Resolved { kind: ActionKind::Native(entry), .. }) => !entry.spec.gives_facts(),
        Action::Run(Resolved { kind: ActionKind::Controller(action), .. }) => PLAIN.contains(&action.name),
        _ => false,
    };
    if !plain {
        return Some("of what it does");
    }
    let (settings, written) = (&task.keywords.settings, &task.task);
    let keywords = [
        (settings.delegate_to.is_some(), "of delegate_to"),
        (settings.run_once.is_some(), "of run_once"),
        (settings.throttle.is_some(), "of throttle"),
        (settings.timeout.is_some(), "of timeout"),
        (settings.debugger.is_some(), "of debugger"),
        (written.async_.is_some(), "of async"),
        (!written.until.is_empty() || written.retries.is_some(), "of until or retries"),
        (written.loop_control.pause.is_some(), "of pause"),
        (!written.loop_control.break_when.is_empty(), "of break_when"),
    ];
    keywords.into_iter().find_map(|(given, why)| given.then_some(why))
}

/// Only what follows the host's answer counts: whether the task failed has to be the host's own judgement.
fn barrier(task: &PlannedTask) -> Option<&'static str> {
    let written = &task.task;
    if !written.failed_when.is_empty() && !is_false(&written.failed_when) {
        return Some("of failed_when");
    }
    if !written.changed_when.iter().all(|c| literal(&c.node).is_some()) {
        return Some("of changed_when");
    }
    if task.keywords.settings.ignore_errors.is_some() && literal_setting(task, "ignore_errors").is_none() {
        return Some("of ignore_errors");
    }
    if written.loop_control.label.as_ref().is_some_and(|label| label.node.needs_render()) {
        return Some("of label");
    }
    if task.keywords.settings.notify.as_ref().is_some_and(|names| names.value.needs_render()) {
        return Some("of notify");
    }
    None
}

fn literal_setting(task: &PlannedTask, keyword: &str) -> Option<bool> {
    task.keywords.settings.get(keyword).and_then(|setting| literal(&setting.value))
}

/// A condition that needs no variables.
fn literal(condition: &Value) -> Option<bool> {
    match condition {
        Value::Bool(b) => Some(*b),
        Value::Str(text) => match text.trim() {
            "true" | "True" => Some(true),
            "false" | "False" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_false(conditions: &[Templated]) -> bool {
    matches!(conditions, [one] if literal(&one.node) == Some(false))
}

/// The names that a `set_fact` sets, where they can be told.
fn facts_of(task: &PlannedTask) -> Option<Vec<Arc<str>>> {
    let args = &task.task.args;
    if args.variable.is_some() || args.map.contains_key(crate::playbook::RAW_PARAMS) {
        return None;
    }
    args.map
        .keys()
        .map(|key| match key {
            Key::Str(name) if !name.contains("{{") && !name.contains("{%") => Some(Arc::from(&**name)),
            _ => None,
        })
        .collect()
}

/// Whether a task's own text has one of the names in it as a word, be it by chance.
pub fn mentions(task: &PlannedTask, names: &[Arc<str>]) -> bool {
    if names.is_empty() {
        return false;
    }
    let written = &task.task;
    let conditions = [&task.keywords.when, &written.changed_when, &written.failed_when, &task.keywords.environment];
    let looping = match &written.looping {
        Loop::Once => None,
        Loop::Items(items) => Some(items),
        Loop::Lookup { terms, .. } => Some(terms),
    };
    written.args.map.values().any(|value| has(value, names))
        || conditions.into_iter().flatten().chain(looping).chain(&written.args.variable).any(|t| has(&t.node, names))
        || task.keywords.vars.iter().chain(&task.keywords.include_params).any(|m| m.values().any(|v| has(v, names)))
}

fn has(value: &Value, names: &[Arc<str>]) -> bool {
    match value {
        Value::Str(text) => names.iter().any(|name| has_word(text, name)),
        Value::List(items) => items.iter().any(|item| has(item, names)),
        Value::Map(map) => map.values().any(|item| has(item, names)),
        _ => false,
    }
}

fn has_word(text: &str, name: &str) -> bool {
    let within = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !within(before.chars().next_back()) && !within(after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn names_are_found_as_words() {
        for (text, found) in [
            ("r", true),
            ("{{ r.stdout }}", true),
            ("directory", false),
            ("{{ r2 }} {{ my_r }} {{ é_r }}", false),
            ("{{ rr }}{{ r }}", true),
        ] {
            assert_eq!(has_word(text, "r"), found, "{text}");
        }
    }
}
