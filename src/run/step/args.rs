//! Station 8: a task's arguments: module defaults, `args:`, own ones; rendered. And its environment.

use super::failure;
use crate::actions::ActionResult;
use crate::plan::{PlannedTask, Planner};
use crate::playbook::RAW_PARAMS;
use crate::template::{ErrorKind, Templar, TemplateError};
use crate::value::{Key, Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Renders the arguments of a task for an action of this name, or those that stand for them. Arguments that become `omit`
/// are left out.
///
/// # Errors
/// The failure of the task, with the argument at fault.
pub fn render(
    task: &PlannedTask,
    action: &str,
    templar: &Templar,
    planner: &Planner,
    edited: Option<&Arc<Map>>,
) -> Result<Map, ActionResult> {
    let origin = Some(task.task.action.span);
    let doing = |what: String| vec![(format!("Finalization of task args for '{action}' failed"), origin), (what, None)];
    let mut args = defaults(task, action, templar, planner)
        .map_err(|e| failure::template(&e, &doing("Error while rendering module_defaults".to_owned())))?;
    let written = &task.task.args;
    if let Some(variable) = &written.variable {
        let doing = [(format!("Finalization of task args for '{action}' failed"), origin)];
        let value =
            templar.render(&variable.node).map_err(|e| failure::template(&e.or_at(Some(variable.span)), &doing))?;
        match value {
            Value::Map(map) => args.extend(map.iter().map(|(k, v)| (k.clone(), v.clone()))),
            Value::Null | Value::Omit => {}
            other => {
                let message = format!("Task args must resolve to a 'dict' not '{}'.", other.type_name());
                let error = TemplateError::new(ErrorKind::Failed, message).or_at(Some(variable.span));
                return Err(failure::template(&error, &doing));
            }
        }
    }
    for (key, value) in edited.unwrap_or(&written.map).iter() {
        match argument(action, key, value, templar) {
            Ok(Value::Omit) => drop(args.remove(&key.to_json_key())),
            Ok(value) => drop(args.insert(key.clone(), value)),
            Err(e) => {
                let span = e.span.or_else(|| value.origin()).or_else(|| written.place(&key.to_json_key()));
                let mut error = e.within(&format!("Error while resolving value for '{}'.", key.to_json_key()));
                error.span = span;
                let doing = [(format!("Finalization of task args for '{action}' failed"), origin)];
                return Err(failure::template(&error, &doing));
            }
        }
    }
    Ok(spread(args))
}

/// Free-form text that became a dictionary is the arguments themselves; what stands beside it wins.
fn spread(mut args: Map) -> Map {
    if !matches!(args.get(RAW_PARAMS), Some(Value::Map(_))) {
        return args;
    }
    let Some(Value::Map(whole)) = args.remove(RAW_PARAMS) else { return args };
    let mut out = (*whole).clone();
    out.extend(args);
    out
}

/// One argument. Conditions of `assert` and the expression of `debug: var=` are evaluated by their actions.
fn argument(action: &str, key: &Key, value: &Value, templar: &Templar) -> Result<Value, TemplateError> {
    match (action, key.as_str()) {
        ("ansible.builtin.assert", Some("that")) if !matches!(value, Value::Str(t) if whole_template(t)) => {
            Ok(value.clone())
        }
        _ => templar.render(value),
    }
}

/// `{{ … }}` and nothing else: a variable that holds the list of conditions.
fn whole_template(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1
}

/// Arguments that `module_defaults` gives to an action: outer levels first, groups before names.
///
/// # Errors
/// When a template in them fails.
pub fn defaults(task: &PlannedTask, action: &str, templar: &Templar, planner: &Planner) -> Result<Map, TemplateError> {
    let mut out = Map::new();
    if task.keywords.module_defaults.is_empty() {
        return Ok(out);
    }
    for value in planner.module_defaults(&task.frame.play_dir, &task.keywords, action) {
        if let Value::Map(map) = templar.render(&value)? {
            out.extend(map.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    Ok(out)
}

/// What can be rendered before facts are gathered: entries that need the host's own environment are left out.
fn ready(map: &Map, templar: &Templar) -> Result<Value, TemplateError> {
    let mut out = Map::new();
    for (key, value) in map {
        match templar.render(value) {
            Ok(value) => drop(out.insert(key.clone(), value)),
            Err(e) if e.message.contains("'ansible_env'") || e.message.contains("ansible_facts.env") => {}
            Err(e) => return Err(e),
        }
    }
    Ok(Value::map(out))
}

/// `environment` of all levels, inner ones over outer ones.
///
/// # Errors
/// When a template in it fails. What is no dictionary is passed over with a warning.
pub fn environment(
    task: &PlannedTask,
    action: &str,
    templar: &Templar,
) -> Result<(BTreeMap<String, String>, Vec<String>), TemplateError> {
    let mut out = BTreeMap::new();
    let mut warnings = Vec::new();
    let gathers = matches!(action, "ansible.builtin.gather_facts" | "ansible.builtin.setup");
    for level in &task.keywords.environment {
        let value = match &level.node {
            Value::Map(map) if gathers => ready(map, templar),
            node => templar.render(node),
        };
        let value = value.map_err(|e| e.within("Error processing keyword 'environment'").or_at(Some(level.span)))?;
        let maps: Vec<Value> = match value {
            Value::List(items) => items.to_vec(),
            one => vec![one],
        };
        for map in maps {
            match map {
                Value::Map(map) => {
                    out.extend(map.iter().filter(|(_, v)| !v.is_omit()).map(|(k, v)| (k.to_json_key(), v.to_string())));
                }
                Value::Null | Value::Omit => {}
                other => warnings.push(format!("could not parse environment value, skipping: [{}]", other.repr())),
            }
        }
    }
    Ok((out, warnings))
}
