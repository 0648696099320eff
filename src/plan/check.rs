//! Literal arguments against the specification of their module.

use super::model::Inherited;
use super::resolve::{ActionKind, Resolved};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::playbook::{RAW_PARAMS, Task};
use crate::value::Value;
use tightbeam_modules::contract::{FaultKind, JsonMap, ModuleSpec, validate};

/// Actions that take free-form text besides those whose specification says so.
const RAW: &[&str] = &["add_host", "group_by", "include_vars", "set_fact", "meta"];

/// What is wrong with a task's arguments, as far as that can be known without rendering them. Tasks whose failure is
/// foreseen (`ignore_errors`, `failed_when`) are not checked.
pub(super) fn arguments(task: &Task, resolved: &Resolved, keywords: &Inherited) -> Diagnostics {
    let spec = match &resolved.kind {
        ActionKind::Native(entry) => entry.spec,
        ActionKind::Controller(action) => match action.spec {
            Some(spec) => spec,
            None => return vec![],
        },
        ActionKind::Python(_) | ActionKind::Missing => return vec![],
    };
    let settings = &keywords.settings;
    let foreseen = !task.failed_when.is_empty()
        || settings.ignore_errors.as_ref().is_some_and(|s| s.value.needs_render() || s.value.truthy());
    if foreseen || task.args.variable.is_some() {
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
