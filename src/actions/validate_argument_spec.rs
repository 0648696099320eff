//! `validate_argument_spec`: a role's arguments against its specification.

use super::{ActionCall, ActionResult};
use crate::value::{Map, Value};
use tightbeam_modules::contract::{ArgType, Json, coerce};

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    let Some(Value::Map(spec)) = call.args.get("argument_spec") else {
        return ActionResult::failed("\"argument_spec\" arg is required in args: {}");
    };
    let mut arguments = Map::new();
    for (name, _) in spec.iter() {
        let Some(name) = name.as_str() else { continue };
        match call.templar.variable(name) {
            Ok(Some(value)) => drop(arguments.insert(name, value)),
            Ok(None) => {}
            Err(e) => return super::shared::template_failure(&e),
        }
    }
    if let Some(Value::Map(given)) = call.args.get("provided_arguments") {
        arguments.extend(given.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    let mut faults = Vec::new();
    check(spec, &arguments, "", &mut faults);
    let context = call.args.get("validate_args_context").cloned().unwrap_or_else(|| Value::map(Map::new()));
    if faults.is_empty() {
        return ActionResult::ok().with("msg", "The arg spec validation passed").with("validate_args_context", context);
    }
    let errors: Vec<Value> = faults.iter().map(|f| Value::from(f.as_str())).collect();
    ActionResult::failed(format!("Validation of arguments failed:\n{}", faults.join("\n")))
        .with("argument_errors", errors)
        .with("argument_spec_data", Value::Map(spec.clone()))
        .with("validate_args_context", context)
}

fn check(spec: &Map, arguments: &Map, path: &str, faults: &mut Vec<String>) {
    let found_in = if path.is_empty() { String::new() } else { format!(" found in {path}") };
    let rules = || spec.iter().filter_map(|(name, rule)| Some((name.as_str()?, rule.as_map()?)));
    let required = |rule: &Map| rule.get("required").is_some_and(Value::truthy);
    let mut missing: Vec<&str> =
        rules().filter(|(name, rule)| arguments.get(name).is_none() && required(rule)).map(|(name, _)| name).collect();
    missing.sort_unstable();
    if !missing.is_empty() {
        faults.push(format!("missing required arguments: {}{found_in}", missing.join(", ")));
    }
    for (name, rule) in rules() {
        // A null stands for no value unless one is required or there is a default.
        let wanted = required(rule) || rule.get("default").is_some_and(|d| !d.is_null());
        if let Some(value) = arguments.get(name).filter(|v| wanted || !v.is_null()) {
            check_value(name, rule, value, path, faults);
        }
    }
}

fn check_value(name: &str, rule: &Map, value: &Value, path: &str, faults: &mut Vec<String>) {
    let wanted = rule.get("type").map_or_else(|| "str".to_owned(), Value::to_string);
    let Some(ty) = arg_type(&wanted) else {
        faults.push(format!("argument '{name}' has an unknown type '{wanted}'"));
        return;
    };
    let typed = match coerce(ty, value.to_json()) {
        Ok(typed) => typed,
        Err(reason) => {
            faults.push(format!(
                "argument '{name}' is of type {} and we were unable to convert to {wanted}: {reason}",
                value.type_name()
            ));
            return;
        }
    };
    let items: Vec<Json> = match (&typed, rule.get("elements")) {
        (Json::Array(items), Some(elements)) => {
            let elements = elements.to_string();
            let Some(ty) = arg_type(&elements) else { return };
            for item in items {
                if let Err(reason) = coerce(ty, item.clone()) {
                    let kind = Value::from(item.clone()).type_name();
                    faults.push(format!(
                        "Elements value for option '{name}' is of type {kind} and we were unable to convert to {elements}: {reason}"
                    ));
                }
            }
            items.clone()
        }
        (one, _) => vec![one.clone()],
    };
    if let Some(Value::List(choices)) = rule.get("choices") {
        let words: Vec<String> = choices.iter().map(Value::to_string).collect();
        for item in items.iter().map(|i| Value::from(i.clone()).to_string()) {
            if !words.contains(&item) {
                faults.push(format!("value of {name} must be one of: {}, got: {item}", words.join(", ")));
            }
        }
    }
    if let Some(Value::Map(options)) = rule.get("options") {
        let inner = if path.is_empty() { name.to_owned() } else { format!("{path} -> {name}") };
        for item in items {
            if let Value::Map(map) = Value::from(item) {
                for key in map.keys() {
                    if !options.iter().any(|(known, _)| known == key) {
                        faults.push(format!(
                            "{}.{}. Supported parameters include: {}.",
                            inner.replace(" -> ", "."),
                            key.to_json_key(),
                            names(options)
                        ));
                    }
                }
                check(options, &map, &inner, faults);
            }
        }
    }
}

fn names(options: &Map) -> String {
    let mut all: Vec<String> = options.keys().map(crate::value::Key::to_json_key).collect();
    all.sort();
    all.join(", ")
}

fn arg_type(name: &str) -> Option<ArgType> {
    Some(match name {
        "str" => ArgType::Str,
        "bool" => ArgType::Bool,
        "int" => ArgType::Int,
        "float" => ArgType::Float,
        "path" => ArgType::Path,
        "raw" => ArgType::Raw,
        "list" => ArgType::List,
        "dict" => ArgType::Dict,
        "json" | "jsonarg" => ArgType::Json,
        "bytes" | "bits" => ArgType::Bytes,
        _ => return None,
    })
}
