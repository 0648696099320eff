//! `setup`: facts of the host. Names the Python that the inventory names, and tells which one was found.

use super::{ActionCall, ActionResult, Effect, module, text};
use crate::remote::Content;
use crate::value::{Map, Value};
use std::sync::Arc;

const MODULE: &str = "ansible.builtin.setup";

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    gather(call.args.clone(), call).await
}

/// Calls the module with these arguments.
pub(super) async fn gather(given: Map, call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find(MODULE) else {
        return ActionResult::failed("the helper has no module `setup`");
    };
    let mut args = (call.defaults)(MODULE).to_json();
    args.extend(given.to_json());
    let interpreter = module::interpreter(call);
    if let Some(python) = &interpreter {
        args.insert("_python".into(), python.as_str().into());
    }
    let args = match module::validated(entry.spec, args) {
        Ok(args) => args,
        Err(result) => return result,
    };
    let mut result = module::send(MODULE, args, Content::none(), call).await;
    if interpreter.is_none() {
        add_discovered(&mut result);
    }
    result
}

/// `discovered_interpreter_python`, as Ansible's own discovery sets it.
fn add_discovered(result: &mut ActionResult) {
    let Some(Value::Map(facts)) = result.data.get("ansible_facts") else { return };
    let Some(python) = facts.get("ansible_python").and_then(Value::as_map).and_then(|p| text(p, "executable")) else {
        return;
    };
    let mut facts: Map = (**facts).clone();
    facts.insert("discovered_interpreter_python", python.to_owned());
    let facts = Arc::new(facts);
    result.data.insert("ansible_facts", Value::Map(facts.clone()));
    result.effects = vec![Effect::Facts(facts)];
}
