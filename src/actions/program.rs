//! Modules of the author's own: the program is sent to the host and run there; its answer is the JSON that it prints.

use super::{ActionCall, ActionResult, module, printed_result};
use crate::plan::program::{INSERTED, Style, interpreter, style};
use crate::remote::{Content, shell_quote};
use crate::value::{Map, Value};
use serde_json::{Value as Json, json};
use std::path::Path;
use tightbeam_modules::contract::printed;

pub(super) async fn run(path: &Path, given: &Map, call: &ActionCall<'_>) -> ActionResult {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if call.check {
        return ActionResult::skipped(format!("remote module ({name}) does not support check mode"));
    }
    let text = match call.files.read(path) {
        Ok(text) => text,
        Err(e) => return ActionResult::failed(format!("{}: {e}", path.display())),
    };
    let style = match style(&text) {
        Ok(style) => style,
        Err(why) => return ActionResult::failed(format!("the module {} cannot be run: {why}", path.display())),
    };
    let arguments = arguments(style, given, call, &name);
    let (text, arguments) = match style {
        Style::Inserted => {
            let text = String::from_utf8_lossy(&text).replace(INSERTED, &arguments);
            (text.into_bytes(), String::new())
        }
        _ => (text, arguments),
    };
    let line = if style == Style::Binary { vec![] } else { words(&text, call) };
    let mut content = Content::none();
    let blob = content.bytes(text);
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args = json!({
        "_raw_params": shell_quote(&file),
        "_basename": file,
        "_content": blob,
        "_interpreter": line,
        "_arguments": arguments,
    });
    let Some(entry) = tightbeam_modules::catalogue::find("ansible.builtin.script") else {
        return ActionResult::failed("the helper has no module `script`");
    };
    let Json::Object(args) = args else { return ActionResult::failed("arguments are a dictionary") };
    let args = match module::validated(entry.spec, args.into_iter().collect()) {
        Ok(args) => args,
        Err(result) => return result,
    };
    let result = module::send(entry.spec.name, args, content, call).await;
    if call.job.is_some() {
        return result;
    }
    answer(result, line.first().map(String::as_str).unwrap_or_default())
}

/// The words of the interpreter line, with the interpreter that variables of the host name.
fn words(text: &[u8], call: &ActionCall<'_>) -> Vec<String> {
    let mut words = interpreter(text);
    let env = words.first().is_some_and(|w| w.ends_with("/env")) && words.len() > 1;
    let program = words.get(usize::from(env)).map(|w| Path::new(w).file_name().unwrap_or_default().to_string_lossy());
    let mut program = program.unwrap_or_default().into_owned();
    if program.starts_with("python") {
        program = "python".to_owned();
    }
    let named = match program.as_str() {
        "python" => module::interpreter(call),
        _ => {
            let variable = call.templar.variable(&format!("ansible_{program}_interpreter"));
            variable.ok().flatten().map(|v| v.to_string()).filter(|v| !v.is_empty())
        }
    };
    if let Some(named) = named {
        let own = if env { 2 } else { 1 };
        words.splice(..own.min(words.len()), named.split_whitespace().map(str::to_owned));
    }
    words
}

/// The arguments as the program reads them.
fn arguments(style: Style, given: &Map, call: &ActionCall<'_>, name: &str) -> String {
    let mut args = given.clone();
    args.insert("_ansible_check_mode", call.check);
    args.insert("_ansible_diff", call.diff);
    args.insert("_ansible_verbosity", i64::from(call.verbosity));
    args.insert("_ansible_version", crate::vars::ANSIBLE_VERSION);
    args.insert("_ansible_module_name", name);
    match style {
        Style::Words => {
            args.iter().map(|(k, v)| format!("{}={} ", k.to_json_key(), shell_quote(&v.to_string()))).collect()
        }
        Style::Json | Style::Inserted | Style::Binary => Json::Object(args.to_json().into_iter().collect()).to_string(),
    }
}

/// The program's JSON as the result; what else it printed is left out.
fn answer(run: ActionResult, interpreter: &str) -> ActionResult {
    if run.is("unreachable") {
        return run;
    }
    let text = |key: &str| run.data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (stdout, stderr) = (text("stdout"), text("stderr"));
    if run.is("failed") && !run.data.contains_key("stdout") {
        let missing = run.data.get("rc").and_then(Value::as_int) == Some(2) && !interpreter.is_empty();
        return if missing {
            ActionResult::failed(format!("The module interpreter '{interpreter}' was not found."))
        } else {
            run
        };
    }
    let broken = |why: String| {
        ActionResult::failed(format!("Module result deserialization failed: {why}"))
            .with("module_stdout", stdout.as_str())
            .with("module_stderr", stderr.as_str())
            .with("rc", run.data.get("rc").cloned().unwrap_or(Value::Null))
    };
    let (data, junk) = match printed(&stdout) {
        Ok(parts) => parts,
        Err(why) => return broken(why),
    };
    let mut result = printed_result(data.into());
    result.warnings.extend(junk.map(|junk| format!("Module invocation had junk after the JSON data: {junk}")));
    if !result.data.contains_key("changed") {
        result.data.insert("changed", false);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_json_counts() {
        let run = |stdout: &str| ActionResult::default().with("stdout", stdout).with("stderr", "").with("rc", 0_i64);
        let noisy = answer(run("motd\n[ no ]\n{\"msg\": \"{{ 1 }}\"}\nbye\n"), "/bin/sh");
        assert_eq!(noisy.data.get("msg").map(Value::to_string).as_deref(), Some("{{ 1 }}"));
        assert!(!noisy.data.get("msg").is_some_and(Value::needs_render), "what hosts say is no template");
        assert_eq!(noisy.warnings, ["Module invocation had junk after the JSON data: bye"]);
        assert!(answer(run("nothing\n"), "").is("failed"));
        let facts = answer(run("{\"ansible_facts\": {\"a\": 1}, \"changed\": true}"), "");
        assert!(facts.is("changed") && facts.effects.len() == 1);
    }
}
