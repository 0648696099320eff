//! Literal arguments against the specification of their module, literal keywords against their types.

use super::model::Inherited;
use super::resolve::{ActionKind, Resolved};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::playbook::keywords::{Level, find};
use crate::playbook::{RAW_PARAMS, Settings, Task};
use crate::value::Value;
use tightbeam_modules::contract::{FaultKind, JsonMap, ModuleSpec, validate};

/// Actions that take free-form text besides those whose specification says so.
const RAW: &[&str] = &["add_host", "group_by", "include_vars", "set_fact", "meta"];

/// Whether the author foresees that the task fails, so that it is for the run to tell.
pub(super) fn failure_is_foreseen(task: &Task, keywords: &Inherited) -> bool {
    let ignored = keywords.settings.ignore_errors.as_ref();
    !task.failed_when.is_empty() || ignored.is_some_and(|s| s.value.needs_render() || s.value.truthy())
}

/// Literal keywords of a task that do not have their type.
pub(super) fn keywords(task: &Task) -> Diagnostics {
    let control = &task.loop_control;
    let own = [
        ("retries", &task.retries, Level::Task),
        ("delay", &task.delay, Level::Task),
        ("async", &task.async_, Level::Task),
        ("poll", &task.poll, Level::Task),
        ("pause", &control.pause, Level::LoopControl),
        ("extended", &control.extended, Level::LoopControl),
        ("extended_allitems", &control.extended_allitems, Level::LoopControl),
    ];
    let own = own.into_iter().filter_map(|(name, value, level)| value.as_ref().map(|v| (name, &v.node, v.span, level)));
    own.filter_map(|(name, value, span, level)| misfit(name, value, span, level))
        .chain(settings(&task.common.settings, Level::Task))
        .collect()
}

/// Literal settings that do not have their type.
pub(super) fn settings(settings: &Settings, level: Level) -> Diagnostics {
    let given = Settings::NAMES.iter().filter_map(|name| Some((*name, settings.get(name)?)));
    given.filter_map(|(name, setting)| misfit(name, &setting.value, setting.span, level)).collect()
}

fn misfit(name: &str, value: &Value, span: Span, level: Level) -> Option<Diagnostic> {
    let keyword = find(name, level)?;
    let reason = keyword.misfit(value)?;
    let hint = format!("`{name}`: {}", keyword.doc);
    Some(Diagnostic::error(Code::KEYWORD_TYPE, reason).at(span, "").hint(hint))
}

/// Whether an action takes free-form text.
pub fn takes_free_form(resolved: &Resolved) -> bool {
    let spec = match &resolved.kind {
        ActionKind::Native(entry) => entry.spec,
        ActionKind::Controller(action) => match action.spec {
            Some(spec) => spec,
            None => return true,
        },
        ActionKind::Program(_) => return false,
        ActionKind::Missing => return true,
    };
    spec.free_form.is_some() || RAW.contains(&spec.short_name())
}

/// What is wrong with a task's arguments, as far as that can be known without rendering them.
pub(super) fn arguments(task: &Task, resolved: &Resolved, keywords: &Inherited) -> Diagnostics {
    let spec = match &resolved.kind {
        ActionKind::Native(entry) => entry.spec,
        ActionKind::Controller(action) => match action.spec {
            Some(spec) => spec,
            None => return vec![],
        },
        ActionKind::Program(_) | ActionKind::Missing => return vec![],
    };
    if task.args.variable.is_some() {
        return vec![];
    }
    let given = match literal(task, spec) {
        Given::Known(given) => given,
        Given::Unknown => return vec![],
        Given::RawUnsupported => {
            let message = format!("Action '{}' does not support raw params.", resolved.name);
            let span = task.args.place(RAW_PARAMS).unwrap_or(task.action.span);
            return vec![Diagnostic::error(Code::ARGS_INVALID, message).at(span, "")];
        }
    };
    let complete = keywords.module_defaults.is_empty();
    let templates = task.args.map.values().any(Value::needs_render);
    let Err(faults) = validate(spec, given) else { return vec![] };
    let value_of = |name: &str| {
        let names = spec.all_args().filter(|a| a.name == name || a.aliases.contains(&name));
        let mut all = names.flat_map(|a| std::iter::once(a.name).chain(a.aliases.iter().copied()));
        all.find_map(|n| task.args.map.get(n).map(|v| (n, v)))
    };
    let mut out = Vec::new();
    for fault in faults {
        let found =
            fault.arg.as_deref().and_then(|name| task.args.map.get(name).map(|v| (name, v)).or_else(|| value_of(name)));
        let sure = match fault.kind {
            FaultKind::Unknown => true,
            FaultKind::Missing => complete,
            FaultKind::Rule => complete && !templates,
            FaultKind::Type | FaultKind::Choice => found.is_some_and(|(_, v)| !v.needs_render()),
        };
        if !sure {
            continue;
        }
        let span = found.and_then(|(name, _)| task.args.place(name)).unwrap_or(task.action.span);
        let mut diagnostic = Diagnostic::error(Code::ARGS_INVALID, fault.message).at(span, "");
        if let Some(near) = fault.nearest {
            diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
        }
        out.push(diagnostic);
    }
    out
}

enum Given {
    Known(JsonMap),
    /// Only rendering tells.
    Unknown,
    /// Free-form text for an action that takes none.
    RawUnsupported,
}

/// The arguments as the module gets them.
fn literal(task: &Task, spec: &ModuleSpec) -> Given {
    let mut given = task.args.map.to_json();
    if let Some(raw) = given.shift_remove(RAW_PARAMS) {
        match spec.free_form {
            Some(name) => {
                given.entry(name).or_insert(raw);
            }
            // One template may become the whole dictionary of arguments.
            None if RAW.contains(&spec.short_name()) || task.args.raw_params().is_some_and(Value::needs_render) => {
                return Given::Unknown;
            }
            None => return Given::RawUnsupported,
        }
    }
    Given::Known(given)
}
