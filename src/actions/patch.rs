//! `patch`: a patch of the controller's, or one that the host has, applied on the host.

use super::{ActionCall, ActionResult, find_file, module, text};
use crate::remote::Content;
use crate::value::Value;
use serde_json::json;

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find("ansible.posix.patch") else {
        return ActionResult::failed("the helper has no module `patch`");
    };
    let mut args = call.args.to_json();
    let remote = call.args.get("remote_src").and_then(Value::as_spelled_bool) == Some(true);
    let mut content = Content::none();
    let src = text(&call.args, "src").or_else(|| text(&call.args, "patchfile"));
    if let (false, Some(src)) = (remote, src) {
        let path = match find_file(call, src, "files") {
            Ok(path) => path,
            Err(e) => return ActionResult::failed(e),
        };
        match content.file(&path) {
            Ok(blob) => drop(args.insert("_content".into(), json!(blob))),
            Err(e) => return ActionResult::failed(format!("{}: {e}", path.display())),
        }
    }
    match module::validated(entry.spec, args) {
        Ok(args) => module::send(entry.spec.name, args, content, call).await,
        Err(result) => result,
    }
}
