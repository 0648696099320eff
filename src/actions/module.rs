//! Calls one native module on the task's host.

use super::{ActionCall, ActionResult, reply_result};
use crate::plan::ActionKind;
use crate::remote::{Content, Target};
use crate::value::{Map, Value};
use tightbeam_modules::contract::wire::{Job, Request};
use tightbeam_modules::contract::{Arg, FaultKind, Json, JsonMap, ModuleSpec, is_listed, validate};

/// The argument under which modules are told the host's Python.
const PYTHON: &str = "_python";

/// The Python that the inventory names, unless it is to be looked for.
pub(super) fn interpreter(call: &ActionCall<'_>) -> Option<String> {
    let value = call.templar.variable("ansible_python_interpreter").ok()??;
    Some(value.to_string()).filter(|name| !name.is_empty() && !name.starts_with("auto"))
}

/// The failure of a module that Ansible has and nothing here carries out.
pub(super) fn missing(name: &str) -> ActionResult {
    ActionResult::failed(format!(
        "{name} is a module of Ansible that tightbeam does not have yet; it is refused rather than skipped"
    ))
}

/// Validates the arguments and calls the module. `args` without the defaults of `module_defaults`: those were merged before.
pub(super) async fn call(
    spec: &'static ModuleSpec,
    mut args: Map,
    content: Content,
    call: &ActionCall<'_>,
) -> ActionResult {
    if spec.name == "ansible.builtin.shell" && args.contains_key("expand_argument_vars") {
        // A shell expands them itself; the reference says just this.
        return ActionResult::failed("Unsupported parameters for (shell) module: expand_argument_vars");
    }
    if spec.name == "ansible.builtin.package"
        && args.get("use").is_none_or(|u| u.is_null() || u.as_str() == Some("auto"))
    {
        match call.templar.variable("ansible_package_use") {
            Ok(Some(manager)) if !manager.is_null() => drop(args.insert("use", manager)),
            Ok(_) => {}
            Err(e) => return ActionResult::failed(format!("ansible_package_use: {e}")),
        }
    }
    let mut args = args.to_json();
    // Modules that work on the host's Python are told which one the inventory names.
    if spec.args.iter().any(|a| a.name == PYTHON)
        && let Some(python) = interpreter(call)
    {
        args.insert(PYTHON.to_owned(), python.into());
    }
    match validated(spec, args) {
        Ok(args) => {
            let invocation = (call.verbosity >= 3).then(|| invocation(spec, &args));
            let mut result = send(spec.name, args, content, call).await;
            if let Some(invocation) = invocation.filter(|_| !result.is("unreachable")) {
                result.data.insert("invocation", invocation);
            }
            result
        }
        Err(result) => result,
    }
}

/// What `-vvv` shows of a call: the arguments, secret ones hidden.
fn invocation(spec: &ModuleSpec, args: &JsonMap) -> Map {
    let mut shown = args.clone();
    hide(spec.args, &mut shown);
    let shown: Map = shown.into();
    Map::from_iter([("module_args".into(), Value::map(shown))])
}

fn hide(known: &[Arg], args: &mut JsonMap) {
    for arg in known {
        let Some(value) = args.get_mut(arg.name).filter(|v| !v.is_null()) else { continue };
        match value {
            value if arg.no_log => *value = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER".into(),
            Json::Object(inner) => hide(arg.options, inner),
            Json::Array(items) => {
                items.iter_mut().filter_map(Json::as_object_mut).for_each(|inner| hide(arg.options, inner));
            }
            _ => {}
        }
    }
}

/// Arguments checked against a spec, or the failure that names what is wrong: the first fault, as in the reference; unknown
/// arguments come last.
pub(super) fn validated(spec: &ModuleSpec, args: JsonMap) -> Result<JsonMap, ActionResult> {
    validate(spec, args).map_err(|faults| {
        let known = faults.iter().find(|f| f.kind != FaultKind::Unknown);
        let words: Vec<&str> = match known {
            Some(fault) => vec![&fault.message],
            None => faults.iter().map(|f| f.message.as_str()).collect(),
        };
        ActionResult::failed(words.join(". "))
    })
}

/// Sends validated arguments to a module.
pub(super) async fn send(module: &str, args: JsonMap, content: Content, call: &ActionCall<'_>) -> ActionResult {
    send_to(call.target, module, args, content, call).await
}

/// Asks a module that only reads for something, in check mode too and at once.
pub(super) async fn look(module: &str, args: Json, call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find(module) else { return missing(module) };
    let Json::Object(args) = args else { return missing(module) };
    let args = match validated(entry.spec, args) {
        Ok(args) => args,
        Err(result) => return result,
    };
    let environment = call.environment.clone();
    let request = Request { module: module.to_owned(), args, environment, ..Request::default() };
    reply_result(call.hosts.call(call.target, request, Content::none()).await)
}

/// As [`send`], to another place than the task's.
pub(super) async fn send_to(
    target: &Target,
    module: &str,
    args: JsonMap,
    mut content: Content,
    call: &ActionCall<'_>,
) -> ActionResult {
    if let Some(progress) = &call.progress {
        content.on_progress(progress.clone());
    }
    if module == "ansible.builtin.user"
        && let Some(user) = args.get("name").and_then(serde_json::Value::as_str)
    {
        // A helper of ours that idles as that user would be in the way of `usermod` and `userdel`.
        call.hosts.leave(target, user).await;
    }
    let request = Request {
        module: module.to_owned(),
        args,
        check: call.check,
        diff: call.diff,
        verbosity: call.verbosity,
        live: call.live.map(|after| after.as_millis() as u32),
        environment: call.environment.clone(),
        job: call.job.map(|job| Job { printed: matches!(call.kind, ActionKind::Program(_)), ..job.clone() }),
        ..Request::default()
    };
    let mut result = reply_result(call.hosts.call(target, request, content).await);
    if call.job.is_some() {
        // As the reference has it, whatever came of it.
        return result.with("changed", true);
    }
    if let Some(diff @ Value::Map(sides)) = result.data.get("diff")
        && is_listed(module, matches!(sides.get("before"), Some(Value::Map(_))))
    {
        let list = Value::from(vec![diff.clone()]);
        result.data.insert("diff", list);
    }
    result
}
