//! Arguments against a spec: aliases, types, defaults, choices, rules. All faults at once. Runs on the controller.
//!
//! Coercions and messages follow ansible-core's `module_utils/common/validation.py` and `arg_spec.py`.

use super::{Arg, ArgType, Literal, ModuleSpec, Rule};

pub type Json = serde_json::Value;
pub type JsonMap = serde_json::Map<String, Json>;

/// Arguments without words for authors that the reference names all the same; others are between controller and module.
const TOLD: [&str; 2] = ["_diff_peek", "_original_basename"];

/// One thing wrong with a module's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    /// The argument at fault as the author wrote it, where one can be named.
    pub arg: Option<String>,
    /// In Ansible's words.
    pub message: String,
    /// The nearest known name, for unknown arguments and choices.
    pub nearest: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Unknown,
    Missing,
    Type,
    Choice,
    Rule,
}

/// Checks and completes `args`: the result has canonical names, coerced types and every argument of the spec (null where
/// absent without default).
///
/// # Errors
/// Every fault found, in the order of the spec.
pub fn validate(spec: &ModuleSpec, args: JsonMap) -> Result<JsonMap, Vec<Fault>> {
    let all: Vec<&Arg> = spec.all_args().collect();
    let mut faults = Vec::new();
    let out = check_level(&all, spec.rules, spec.open, args, "", spec.told_name(), &mut faults);
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn check_level(
    all: &[&Arg],
    rules: &[Rule],
    open: bool,
    mut given: JsonMap,
    context: &str,
    module: &str,
    faults: &mut Vec<Fault>,
) -> JsonMap {
    let found_in = if context.is_empty() { String::new() } else { format!(" found in {context}") };
    let mut out = JsonMap::new();
    // Mutual exclusion looks at what was given, before defaults, as in ansible-core's `arg_spec.py`.
    let supplied: Vec<&str> = all
        .iter()
        .filter(|a| given.contains_key(a.name) || a.aliases.iter().any(|alias| given.contains_key(*alias)))
        .map(|a| a.name)
        .collect();
    for arg in all {
        // The last alias given wins over the name, as in ansible-core's `handle_aliases`.
        let mut value = given.shift_remove(arg.name);
        for alias in arg.aliases {
            if let Some(v) = given.shift_remove(*alias) {
                value = Some(v);
            }
        }
        let value = match value {
            Some(Json::Null) | None => default_of(arg),
            Some(v) => match check_value(arg, v, context, module, faults) {
                Some(v) => v,
                None => continue,
            },
        };
        if arg.required && value.is_null() {
            faults.push(Fault {
                kind: FaultKind::Missing,
                arg: Some(arg.name.to_owned()),
                message: format!("missing required arguments: {}{found_in}", arg.name),
                nearest: None,
            });
        }
        out.insert(arg.name.to_owned(), value);
    }
    for (name, value) in given {
        if open {
            out.insert(name, value);
            continue;
        }
        let known = all.iter().flat_map(|a| std::iter::once(a.name).chain(a.aliases.iter().copied()));
        let nearest = nearest(&name, known);
        let is_own = |arg: &&&Arg| arg.name.starts_with('_') && arg.doc.is_empty() && !TOLD.contains(&arg.name);
        let mut supported: Vec<&str> = all.iter().filter(|a| !is_own(a)).map(|a| a.name).collect();
        supported.sort_unstable();
        let mut aliases: Vec<&str> = all.iter().flat_map(|a| a.aliases.iter().copied()).collect();
        aliases.sort_unstable();
        let aliases = if aliases.is_empty() { String::new() } else { format!(" ({})", aliases.join(", ")) };
        let place = if context.is_empty() { String::new() } else { format!("{context}.") };
        faults.push(Fault {
            kind: FaultKind::Unknown,
            message: format!(
                "Unsupported parameters for ({module}) module: {place}{name}. Supported parameters include: {}{aliases}.",
                supported.join(", ")
            ),
            arg: Some(name),
            nearest,
        });
    }
    for rule in rules {
        if let Some(message) = broken(rule, &out, &supplied) {
            faults.push(Fault {
                kind: FaultKind::Rule,
                arg: None,
                message: format!("{message}{found_in}"),
                nearest: None,
            });
        }
    }
    out
}

fn default_of(arg: &Arg) -> Json {
    literal(arg.default)
}

/// A default as data.
pub fn literal(literal: Literal) -> Json {
    match literal {
        Literal::None => Json::Null,
        Literal::Bool(b) => b.into(),
        Literal::Int(i) => i.into(),
        Literal::Float(f) => f.into(),
        Literal::Str(s) => s.into(),
        Literal::Strs(list) => list.iter().map(|s| Json::from(*s)).collect(),
        Literal::EmptyDict => JsonMap::new().into(),
    }
}

fn check_value(arg: &Arg, value: Json, context: &str, module: &str, faults: &mut Vec<Fault>) -> Option<Json> {
    let shown = if arg.no_log { "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER".to_owned() } else { python_text(&value) };
    let python = python_type(&value);
    let mut value = match coerce(arg.ty, value) {
        Ok(v) => v,
        Err(reason) => {
            let wanted = type_name(arg.ty);
            let reason = if arg.no_log { format!("the value cannot be converted to {wanted}") } else { reason };
            faults.push(Fault {
                kind: FaultKind::Type,
                arg: Some(arg.name.to_owned()),
                message: format!(
                    "argument '{}' is of type {python} and we were unable to convert to {wanted}: {reason}",
                    arg.name
                ),
                nearest: None,
            });
            return None;
        }
    };
    if let (Some(elements), Json::Array(items)) = (arg.elements, &mut value) {
        for item in items.iter_mut() {
            let python = python_type(item);
            match coerce(elements, item.take()) {
                Ok(v) => *item = v,
                Err(reason) => {
                    faults.push(Fault {
                        kind: FaultKind::Type,
                        arg: Some(arg.name.to_owned()),
                        message: format!(
                            "Elements value for option '{}' is of type {python} and we were unable to convert to {}: {reason}",
                            arg.name,
                            type_name(elements)
                        ),
                        nearest: None,
                    });
                    return None;
                }
            }
        }
    }
    if !arg.choices.is_empty() {
        match &mut value {
            Json::Array(items) => {
                let bad: Vec<String> =
                    items.iter().filter(|i| !arg.choices.contains(&python_text(i).as_str())).map(python_text).collect();
                if !bad.is_empty() {
                    faults.push(choice_fault(arg, &bad.join(", "), "one or more of", context));
                }
            }
            other => {
                // YAML 1.1 reads `state: yes` as true, which is the text `True` by now: a choice that spells that boolean
                // uniquely is meant.
                if let Some(b) = ["False", "True"].iter().position(|t| python_text(other) == *t) {
                    let spelled: Vec<&&str> = arg
                        .choices
                        .iter()
                        .filter(|c| coerce(ArgType::Bool, Json::from(**c)) == Ok(Json::Bool(b == 1)))
                        .collect();
                    if let [only] = spelled[..] {
                        *other = Json::from(*only);
                    }
                }
                if !arg.choices.contains(&python_text(other).as_str()) {
                    faults.push(choice_fault(arg, &shown, "one of", context));
                }
            }
        }
    }
    if !arg.options.is_empty() {
        let options: Vec<&Arg> = arg.options.iter().collect();
        let inner = if context.is_empty() { arg.name.to_owned() } else { format!("{context} -> {}", arg.name) };
        match value {
            Json::Object(map) => value = check_level(&options, &[], false, map, &inner, module, faults).into(),
            Json::Array(items) => {
                value = items
                    .into_iter()
                    .map(|item| match item {
                        Json::Object(map) => check_level(&options, &[], false, map, &inner, module, faults).into(),
                        other => other,
                    })
                    .collect();
            }
            other => value = other,
        }
    }
    Some(value)
}

fn choice_fault(arg: &Arg, got: &str, how: &str, context: &str) -> Fault {
    let found_in = if context.is_empty() { String::new() } else { format!(" found in {context}") };
    Fault {
        kind: FaultKind::Choice,
        arg: Some(arg.name.to_owned()),
        message: format!("value of {} must be {how}: {}, got: {got}{found_in}", arg.name, arg.choices.join(", ")),
        nearest: nearest(got, arg.choices.iter().copied()),
    }
}

fn broken(rule: &Rule, args: &JsonMap, supplied: &[&str]) -> Option<String> {
    let has = |name: &&str| args.get(*name).is_some_and(|v| !v.is_null());
    match rule {
        Rule::MutuallyExclusive(names) => (names.iter().filter(|n| supplied.contains(n)).count() > 1)
            .then(|| format!("parameters are mutually exclusive: {}", names.join("|"))),
        Rule::RequiredTogether(names) => {
            let count = names.iter().filter(|n| has(n)).count();
            (count > 0 && count < names.len())
                .then(|| format!("parameters are required together: {}", names.join(", ")))
        }
        Rule::RequiredOneOf(names) => {
            (!names.iter().any(&has)).then(|| format!("one of the following is required: {}", names.join(", ")))
        }
        Rule::RequiredIf { arg, value, required, any } => {
            if args.get(*arg) != Some(&literal(*value)) {
                return None;
            }
            let missing: Vec<&str> = required.iter().filter(|n| !has(n)).copied().collect();
            let bad = if *any { missing.len() == required.len() } else { !missing.is_empty() };
            bad.then(|| {
                let which = if *any { "any" } else { "all" };
                format!(
                    "{arg} is {} but {which} of the following are missing: {}",
                    python_text(&literal(*value)),
                    missing.join(", ")
                )
            })
        }
        Rule::RequiredBy { arg, required } => {
            let missing: Vec<&str> = required.iter().filter(|n| !has(n)).copied().collect();
            (has(arg) && !missing.is_empty())
                .then(|| format!("missing parameter(s) required by '{arg}': {}", missing.join(", ")))
        }
    }
}

/// Converts one value to a type as ansible-core's `check_type_*` functions do.
///
/// # Errors
/// Why it cannot be converted, in Ansible's words.
pub fn coerce(ty: ArgType, value: Json) -> Result<Json, String> {
    match ty {
        ArgType::Raw => Ok(value),
        ArgType::Str | ArgType::Path => Ok(match value {
            Json::String(s) => s.into(),
            Json::Null => "".into(),
            other => python_text(&other).into(),
        }),
        ArgType::Json => Ok(match value {
            Json::String(s) => s.trim().into(),
            Json::Object(_) | Json::Array(_) => value.to_string().into(),
            other => {
                return Err(format!("<class '{}'> cannot be converted to json", python_type(&other)));
            }
        }),
        ArgType::Bool => to_bool(&value).map(Json::Bool),
        ArgType::Int => to_int(&value),
        ArgType::Float => match &value {
            Json::Number(n) => Ok(n.as_f64().map_or(Json::Null, Json::from)),
            Json::String(s) => s.trim().parse::<f64>().map(Json::from).map_err(|_| cannot(&value, "a float")),
            _ => Err(cannot(&value, "a float")),
        },
        ArgType::Bytes => match &value {
            Json::Number(_) => to_int(&value),
            Json::String(s) => size_in_bytes(s).map(Json::from).ok_or_else(|| cannot(&value, "a Byte value")),
            _ => Err(cannot(&value, "a Byte value")),
        },
        ArgType::List => Ok(match value {
            Json::Array(items) => Json::Array(items),
            Json::String(s) => s.split(',').map(|part| Json::from(part.trim())).collect(),
            Json::Number(_) => Json::Array(vec![python_text(&value).into()]),
            other => {
                return Err(format!("<class '{}'> cannot be converted to a list", python_type(&other)));
            }
        }),
        ArgType::Dict => match value {
            Json::Object(map) => Ok(map.into()),
            Json::String(s) => to_dict(&s),
            other => Err(format!("<class '{}'> cannot be converted to a dict", python_type(&other))),
        },
    }
}

fn cannot(value: &Json, what: &str) -> String {
    format!("<class '{}'> cannot be converted to {what}", python_type(value))
}

fn to_bool(value: &Json) -> Result<bool, String> {
    let text = match value {
        Json::Bool(b) => return Ok(*b),
        Json::Number(n) if n.as_f64() == Some(1.0) => return Ok(true),
        Json::Number(n) if n.as_f64() == Some(0.0) => return Ok(false),
        other => python_text(other),
    };
    match text.to_lowercase().trim() {
        "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Ok(true),
        "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Ok(false),
        _ => Err(format!(
            "The value '{text}' is not a valid boolean. Valid booleans include: 0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'"
        )),
    }
}

fn to_int(value: &Json) -> Result<Json, String> {
    match value {
        Json::Bool(b) => Ok(i64::from(*b).into()),
        Json::Number(n) if n.is_i64() || n.is_u64() => Ok(value.clone()),
        Json::Number(n) => match n.as_f64() {
            Some(f) if f.fract() == 0.0 && f.abs() < 9e15 => Ok((f as i64).into()),
            _ => Err(format!("\"{}\" cannot be converted to an int", python_repr(value))),
        },
        Json::String(s) => s
            .trim()
            .replace('_', "")
            .parse::<i64>()
            .map(Json::from)
            .map_err(|_| format!("\"{}\" cannot be converted to an int", python_repr(value))),
        other => Err(format!("\"{}\" cannot be converted to an int", python_repr(other))),
    }
}

/// A size such as `10M` in bytes.
pub fn size_in_bytes(text: &str) -> Option<i64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..split].parse().ok()?;
    let power = match text[split..].trim().chars().next().map(|c| c.to_ascii_uppercase()) {
        None | Some('B') => 0,
        Some('K') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some('T') => 4,
        Some('P') => 5,
        Some('E') => 6,
        Some('Z' | 'Y') | Some(_) => return None,
    };
    Some((number * 1024f64.powi(power)).round() as i64)
}

/// `a=1 b="two words"` or `a=1, b=2` or a JSON object.
fn to_dict(text: &str) -> Result<Json, String> {
    if text.trim_start().starts_with('{') {
        return match serde_json::from_str::<Json>(text) {
            Ok(Json::Object(map)) => Ok(map.into()),
            _ => Err("unable to evaluate string as dictionary".to_owned()),
        };
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".to_owned());
    }
    let mut map = JsonMap::new();
    let (mut field, mut quote, mut escaped) = (String::new(), None, false);
    let mut fields = Vec::new();
    for c in text.trim().chars() {
        if escaped {
            field.push(c);
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if quote.is_none() && (c == '\'' || c == '"') {
            quote = Some(c);
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && (c == ',' || c == ' ') {
            if !field.is_empty() {
                fields.push(std::mem::take(&mut field));
            }
        } else {
            field.push(c);
        }
    }
    if !field.is_empty() {
        fields.push(field);
    }
    for field in fields {
        let (key, value) = field
            .split_once('=')
            .ok_or_else(|| "unable to evaluate string in the \"key=value\" format as dictionary".to_owned())?;
        map.insert(key.to_owned(), value.into());
    }
    Ok(map.into())
}

fn type_name(ty: ArgType) -> &'static str {
    match ty {
        ArgType::Str => "str",
        ArgType::Bool => "bool",
        ArgType::Int => "int",
        ArgType::Float => "float",
        ArgType::Path => "path",
        ArgType::Raw => "raw",
        ArgType::List => "list",
        ArgType::Dict => "dict",
        ArgType::Json => "json",
        ArgType::Bytes => "bytes",
    }
}

fn python_type(value: &Json) -> &'static str {
    match value {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(n) if n.is_f64() => "float",
        Json::Number(_) => "int",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

/// Python's `str(value)`.
pub(crate) fn python_text(value: &Json) -> String {
    match value {
        Json::String(s) => s.clone(),
        other => python_repr(other),
    }
}

/// Python's `repr(value)`.
fn python_repr(value: &Json) -> String {
    match value {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Number(n) => n.to_string(),
        Json::String(s) if s.contains('\'') && !s.contains('"') => {
            format!("\"{}\"", s.replace('\\', "\\\\").replace('\n', "\\n"))
        }
        Json::String(s) => format!("'{}'", s.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n")),
        Json::Array(items) => format!("[{}]", items.iter().map(python_repr).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            format!(
                "{{{}}}",
                map.iter().map(|(k, v)| format!("'{k}': {}", python_repr(v))).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

/// The known name closest to `name`, if one is close (at most a third of the letters differ).
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|k| (distance(name, k), k))
        .filter(|(d, k)| *d <= (name.len().max(k.len()) / 3).max(1))
        .min()
        .map(|(_, k)| k.to_owned())
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let next = (diagonal + usize::from(ca != *cb)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::MutuallyExclusive(&["src", "content"])],
        ..ModuleSpec::new(
            "ansible.builtin.thing",
            "A thing.",
            &[
                Arg::path("path").required().aliases(&["dest", "name"]),
                Arg::str("state").choices(&["on", "absent"]).default(Literal::Str("absent")),
                Arg::bool("force").default(Literal::Bool(false)),
                Arg::list("items", ArgType::Int),
                Arg::str("src"),
                Arg::str("content"),
            ],
        )
    };

    fn run(args: Json) -> Result<JsonMap, Vec<String>> {
        match args {
            Json::Object(map) => validate(&SPEC, map).map_err(|f| f.into_iter().map(|f| f.message).collect()),
            _ => unreachable!("tests pass objects"),
        }
    }

    #[test]
    fn aliases_types_and_defaults() {
        let out = run(json!({"dest": "/x", "force": "yes", "items": "1, 2", "state": true})).map(Json::Object);
        assert_eq!(
            out,
            Ok(json!({"path": "/x", "state": "on", "force": true, "items": [1, 2], "src": null, "content": null}))
        );
    }

    #[test]
    fn every_fault_at_once() {
        let faults = run(json!({"force": "maybe", "stat": 1, "src": "a", "content": "b"})).unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:#?}");
        assert!(faults[0].starts_with("missing required arguments: path"));
        assert!(faults[2].starts_with("Unsupported parameters for (thing) module: stat."));
        assert_eq!(faults[3], "parameters are mutually exclusive: src|content");
    }
}
