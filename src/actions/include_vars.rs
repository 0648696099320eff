//! `include_vars`: variables of the host from files of the controller.

use super::{ActionCall, ActionResult, Effect, find_file};
use crate::template::Binding;
use crate::value::{Map, MergeMode, Value, merge};
use fancy_regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

struct Options {
    depth: i64,
    matching: Option<Regex>,
    ignore: Vec<Regex>,
    extensions: Vec<String>,
    ignore_unknown: bool,
}

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    match load(call) {
        Ok((vars, files)) => {
            let vars = match call.args.get("name").filter(|n| !n.is_null()) {
                None => vars,
                Some(name) => {
                    let mut outer = Map::new();
                    outer.insert(name.to_string(), vars);
                    outer
                }
            };
            let vars = Arc::new(vars);
            let names: Vec<Value> = files.iter().map(|f| f.to_string_lossy().into_owned().into()).collect();
            let mut result = ActionResult::ok()
                .with("ansible_facts", Value::Map(vars.clone()))
                .with("ansible_included_var_files", names)
                .effect(Effect::HostVars(vars));
            result.secret = files.iter().any(|f| call.files.read(f).is_ok_and(|c| c.starts_with(b"$ANSIBLE_VAULT")));
            result
        }
        Err(Wrong::Call(message)) => ActionResult::failed(format!("Task failed: {message}")),
        Err(Wrong::File(message)) => ActionResult::failed(message.as_str())
            .with("message", message)
            .with("ansible_facts", Map::new())
            .with("ansible_included_var_files", Vec::<Value>::new()),
    }
}

/// Why there are no variables.
enum Wrong {
    /// The arguments do not go together.
    Call(&'static str),
    File(String),
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Wrong::File(message)
    }
}

fn load(call: &ActionCall<'_>) -> Result<(Map, Vec<PathBuf>), Wrong> {
    let text = |name: &str| call.args.get(name).filter(|v| !v.is_null()).map(Value::to_string);
    let list = |name: &str| match call.args.get(name) {
        Some(Value::List(items)) => items.iter().map(Value::to_string).collect(),
        Some(Value::Null) | None => vec![],
        Some(Value::Str(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(one) => vec![one.to_string()],
    };
    let regex = |pattern: &str| Regex::new(pattern).map_err(|e| format!("invalid regular expression {pattern}: {e}"));
    let extensions: Vec<String> = match call.args.get("extensions") {
        None | Some(Value::Null) => EXTENSIONS.iter().map(|e| (*e).to_owned()).collect(),
        _ => list("extensions"),
    };
    let options = Options {
        depth: call.args.get("depth").and_then(|d| d.to_string().parse().ok()).unwrap_or(0),
        matching: text("files_matching").map(|p| regex(&p)).transpose()?,
        ignore: list("ignore_files").iter().map(|p| regex(&format!("{p}$"))).collect::<Result<_, _>>()?,
        extensions,
        ignore_unknown: call.args.get("ignore_unknown_extensions").and_then(Value::as_spelled_bool).unwrap_or(false),
    };
    const OF_DIRECTORIES: [&str; 6] =
        ["dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"];
    let given = |names: &[&str]| names.iter().any(|n| call.task.task.args.map.contains_key(n));
    if given(&OF_DIRECTORIES) && given(&["file", "_raw_params"]) {
        return Err(Wrong::Call("You are mixing file only and dir only arguments, these are incompatible"));
    }
    let merging = match text("hash_behaviour") {
        Some(behaviour) => behaviour == "merge",
        None => call.merge_hashes,
    };
    let mode = MergeMode { recursive: merging, ..MergeMode::default() };
    let mut vars = Map::new();
    let mut files = Vec::new();
    match (text("dir"), text("file").or_else(|| text("_raw_params").map(|raw| raw.trim_end_matches('\n').to_owned()))) {
        (Some(dir), _) => {
            let dir = find_dir(call, &dir)?;
            for path in walk(call, &dir, &options, 1)? {
                vars.extend(read(call, &path)?.iter().map(|(k, v)| (k.clone(), v.clone())));
                files.push(path);
            }
        }
        (None, Some(file)) => {
            let path = find_file(call, &file, "vars")?;
            vars = (*read(call, &path)?).clone();
            files.push(path);
        }
        (None, None) => return Err(Wrong::File("Could not find file on the Ansible Controller.".to_owned())),
    }
    if merging && !call.merge_hashes {
        // With what the host has under these names now.
        let merged = vars.iter().map(|(key, value)| {
            let old = key.as_str().and_then(|name| call.templar.variables().get(name));
            let value = match (old, value) {
                (Some(Binding::Value(Value::Map(old))), Value::Map(new)) => Value::map(merge(&old, new, mode)),
                _ => value.clone(),
            };
            (key.clone(), value)
        });
        vars = merged.collect();
    }
    Ok((vars, files))
}

fn read(call: &ActionCall<'_>, path: &Path) -> Result<Arc<Map>, String> {
    call.loader.vars(path, &path.to_string_lossy(), None).map_err(|d| {
        if d.code == crate::diag::Code::PLAYBOOK_SHAPE {
            format!("{} must be stored as a dictionary/hash", path.display())
        } else {
            d.message
        }
    })
}

fn find_dir(call: &ActionCall<'_>, name: &str) -> Result<PathBuf, String> {
    let path = find_file(call, name, "vars").map_err(|_| format!("{name} directory does not exist"))?;
    if call.files.is_dir(&path) { Ok(path) } else { Err(format!("{name} is not a directory")) }
}

/// Files of a directory, sorted, nested ones after those of the directory itself.
fn walk(call: &ActionCall<'_>, dir: &Path, options: &Options, level: i64) -> Result<Vec<PathBuf>, String> {
    let entries = call.files.list(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut files = Vec::new();
    for path in entries.iter().filter(|p| call.files.is_file(p)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let fits = options.matching.as_ref().is_none_or(|m| m.is_match(&name).unwrap_or(false));
        let ignored = options.ignore.iter().any(|i| i.is_match(&name).unwrap_or(false));
        if !fits || ignored {
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        if !options.extensions.iter().any(|e| e.trim_start_matches('.') == extension) {
            if options.ignore_unknown {
                continue;
            }
            return Err(format!(
                "{} does not have a valid extension: {}",
                path.display(),
                options.extensions.join(", ")
            ));
        }
        files.push(path.clone());
    }
    if options.depth == 0 || level < options.depth {
        for path in entries.iter().filter(|p| call.files.is_dir(p)) {
            files.extend(walk(call, path, options, level + 1)?);
        }
    }
    Ok(files)
}
