//! `script`: a local script, run on the host.

use super::{ActionCall, ActionResult, find_file, module, text};
use crate::remote::{Content, shell_split};
use serde_json::json;

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let line = text(&call.args, "cmd").or_else(|| text(&call.args, "_raw_params")).unwrap_or_default();
    let words = match shell_split(line) {
        Ok(words) if !words.is_empty() => words,
        Ok(_) => return ActionResult::failed("one of the following is required: cmd, _raw_params"),
        Err(e) => return ActionResult::failed(format!("the script's command line cannot be split: {e}")),
    };
    let path = match find_file(call, &words[0], "files") {
        Ok(path) => path,
        Err(e) => return ActionResult::failed(e),
    };
    let mut content = Content::none();
    let blob = match call.files.read(&path) {
        Ok(bytes) => content.bytes(bytes),
        Err(e) => return ActionResult::failed(format!("{}: {e}", path.display())),
    };
    let Some(entry) = tightbeam_modules::catalogue::find("ansible.builtin.script") else {
        return ActionResult::failed("the helper has no module `script`");
    };
    let mut args = call.args.to_json();
    args.shift_remove("cmd");
    args.insert("_raw_params".into(), line.into());
    args.insert("_content".into(), json!(blob));
    match module::validated(entry.spec, args) {
        Ok(args) => module::send(entry.spec.name, args, content, call).await,
        Err(result) => result,
    }
}
