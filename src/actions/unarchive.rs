//! `unarchive`: an archive of the controller's, or one that the host has, unpacked on the host.

use super::{ActionCall, ActionResult, find_file, module, text};
use crate::remote::Content;
use crate::value::Value;
use serde_json::json;

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find("ansible.builtin.unarchive") else {
        return ActionResult::failed("the helper has no module `unarchive`");
    };
    let mut args = call.args.to_json();
    let remote = ["remote_src"].iter().any(|n| call.args.get(n).and_then(Value::as_spelled_bool) == Some(true))
        || call.args.get("copy").and_then(Value::as_spelled_bool) == Some(false);
    let mut content = Content::none();
    if let (false, Some(src)) = (remote, text(&call.args, "src").filter(|s| !s.contains("://"))) {
        let path = match find_file(call, src, "files") {
            Ok(path) => path,
            Err(e) => return ActionResult::failed(e),
        };
        match content.file(&path) {
            Ok(blob) => drop(args.insert("_content".into(), json!(blob))),
            Err(e) => return ActionResult::failed(format!("{}: {e}", path.display())),
        }
        args.insert("src".into(), path.to_string_lossy().into_owned().into());
    }
    match module::validated(entry.spec, args) {
        Ok(args) => module::send(entry.spec.name, args, content, call).await,
        Err(result) => result,
    }
}
