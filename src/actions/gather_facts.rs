//! `gather_facts`: runs the modules that gather facts, side by side, and makes one result of theirs.

use super::{ActionCall, ActionResult, Effect, module, program, setup};
use crate::event::Cause;
use crate::plan::ActionKind;
use crate::remote::Content;
use crate::value::{ListMerge, Map, MergeMode, Value, merge};
use std::sync::Arc;

/// What `smart` stands for.
const USUAL: &str = "ansible.legacy.setup";
/// Arguments of `gather_facts` alone.
const OWN: [&str; 1] = ["parallel"];
/// Arguments that only `setup` takes, with their name in warnings.
const OF_SETUP: [(&str, &str); 3] = [("gather_subset", "subset"), ("gather_timeout", "timeout"), ("filter", "filter")];

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let names = match names(call) {
        Ok(names) => names,
        Err(result) => return result,
    };
    let side_by_side = match parallel(call) {
        Ok(wanted) => wanted.unwrap_or(names.len() > 1),
        Err(result) => return result,
    };
    let results = if side_by_side {
        futures::future::join_all(names.iter().map(|name| one(name, call))).await
    } else {
        let mut results = Vec::with_capacity(names.len());
        for name in &names {
            results.push(one(name, call).await);
        }
        results
    };
    combine(names, results)
}

/// The modules that variable or setting name; `setup` for `smart`.
fn names(call: &ActionCall<'_>) -> Result<Vec<String>, ActionResult> {
    let named = call.templar.variable("ansible_facts_modules").map_err(|e| super::shared::template_failure(&e))?;
    let mut names: Vec<String> = match named.filter(|v| !v.is_null() && !v.is_omit()) {
        Some(Value::List(items)) => items.iter().map(Value::to_string).collect(),
        Some(text) => text.to_string().split(',').map(|name| name.trim().to_owned()).collect(),
        None => call.facts_modules.iter().map(|name| (*name).to_owned()).collect(),
    };
    if let Some(at) = names.iter().position(|name| name == "smart") {
        names.remove(at);
        if !names.iter().any(|name| is_setup(name)) {
            names.push(USUAL.to_owned());
        }
    }
    Ok(names)
}

fn is_setup(name: &str) -> bool {
    ["", "ansible.builtin.", "ansible.legacy."].iter().any(|prefix| name.strip_prefix(prefix) == Some("setup"))
}

fn parallel(call: &ActionCall<'_>) -> Result<Option<bool>, ActionResult> {
    let named = call.templar.variable("ansible_facts_parallel").map_err(|e| super::shared::template_failure(&e))?;
    let wanted = named.or_else(|| call.args.get("parallel").cloned()).filter(|v| !v.is_null() && !v.is_omit());
    Ok(wanted.map(|v| v.as_spelled_bool().unwrap_or_else(|| v.truthy())))
}

/// Runs one of the modules.
async fn one(name: &str, call: &ActionCall<'_>) -> ActionResult {
    let mut args = call.args.clone();
    OWN.iter().for_each(|own| drop(args.remove(own)));
    if is_setup(name) {
        return setup::gather(args, call).await;
    }
    let mut warnings = Vec::new();
    for (of_setup, title) in OF_SETUP {
        let all = |v: &Value| {
            v.as_str() == Some("all") || matches!(v, Value::List(l) if l.len() == 1 && l[0].as_str() == Some("all"))
        };
        if let Some(value) = args.remove(of_setup).filter(|v| !(v.is_null() || of_setup == "gather_subset" && all(v))) {
            warnings.push(format!("Not passing {title}({}) to {name}", value));
        }
    }
    let resolved = (call.resolve)(name);
    let defaults = resolved.as_ref().map(|r| (call.defaults)(&r.name)).unwrap_or_default();
    let given = args.into_iter().filter(|(_, v)| !v.is_null());
    let args: Map = defaults.into_iter().chain(given).collect();
    let mut result = match resolved.as_ref().map(|r| &r.kind) {
        Some(ActionKind::Native(entry)) => module::call(entry.spec, args, Content::none(), call).await,
        Some(ActionKind::Program(path)) => program::run(path, &args, call).await,
        Some(ActionKind::Missing) => return module::missing(name),
        Some(ActionKind::Controller(_)) | None => {
            let message = format!("The module {name} was not found in configured module paths");
            let mut result = ActionResult::failed(format!("Task failed: {message}"));
            result.causes = vec![Cause { message, span: None }];
            return result;
        }
    };
    result.warnings.splice(0..0, warnings);
    result
}

fn combine(names: Vec<String>, results: Vec<ActionResult>) -> ActionResult {
    let mode = MergeMode { recursive: true, lists: ListMerge::AppendRp };
    let (mut facts, mut failed, mut skipped) = (Map::new(), Map::new(), Map::new());
    let (mut out, mut reasons) = (ActionResult::default(), Vec::new());
    let count = names.len();
    for (name, result) in names.into_iter().zip(results) {
        // What kept a module from running at all is the failure of the task.
        if result.is("unreachable") || !result.causes.is_empty() {
            return result;
        }
        out.warnings.extend(result.warnings);
        out.deprecations.extend(result.deprecations);
        let truth = |key: &str| result.data.get(key).is_some_and(Value::truthy);
        if truth("failed") {
            reasons.push(result.data.get("msg").map(Value::to_string).unwrap_or_default());
            failed.insert(name, result.data);
        } else if truth("skipped") {
            skipped.insert(name, result.data);
        } else if let Some(Value::Map(found)) = result.data.get("ansible_facts") {
            facts = merge(&facts, found, mode);
        }
    }
    let list = |of: &Map| of.keys().map(|k| k.to_json_key()).collect::<Vec<_>>().join(", ");
    let facts = Arc::new(facts);
    out.data.insert("ansible_facts", Value::Map(facts.clone()));
    if !skipped.is_empty() {
        out.data.insert("msg", format!("The following modules were skipped: {}.", list(&skipped)));
        if skipped.len() == count {
            out.data.insert("skipped", true);
        }
        out.data.insert("skipped_modules", skipped);
    }
    if !failed.is_empty() {
        let msg = format!("The following modules failed to execute: {}.", list(&failed));
        let told = std::iter::once(format!("Action failed: {msg}")).chain(reasons);
        out.causes = told.map(|message| Cause { message, span: None }).collect();
        out.data.insert("failed", true);
        out.data.insert("msg", msg);
        out.data.insert("failed_modules", failed);
    }
    out.data.insert("changed", false);
    out.effect(Effect::Facts(facts))
}
