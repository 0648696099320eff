//! `assemble`: fragments of the host's are the module's; those of the controller's are joined here and sent as `copy`.

use super::{ActionCall, ActionResult, copy, find_file, module, text};
use crate::remote::Content;
use crate::value::Value;
use serde_json::json;
use tightbeam_modules::files::assemble::{is_wanted, join};
use tightbeam_modules::text::{Flags, Pattern};

/// Arguments that steer the joining and are not for `copy`.
const OWN: &[&str] = &["src", "delimiter", "regexp", "ignore_hidden", "remote_src"];

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find("ansible.builtin.assemble") else {
        return ActionResult::failed("the helper has no module `assemble`");
    };
    let flag = |name: &str, default| call.args.get(name).and_then(Value::as_spelled_bool).unwrap_or(default);
    if flag("remote_src", true) {
        return module::call(entry.spec, call.args.clone(), Content::none(), call).await;
    }
    let mut args = match module::validated(entry.spec, call.args.to_json()) {
        Ok(args) => args,
        Err(result) => return result,
    };
    let content = match fragments(call, flag("ignore_hidden", false)) {
        Ok(content) => content,
        Err(e) => return ActionResult::failed(e),
    };
    OWN.iter().for_each(|name| drop(args.shift_remove(*name)));
    args.retain(|_, value| !value.is_null());
    let mut blobs = Content::none();
    args.insert("_content".into(), json!(blobs.bytes(content)));
    let mut result = copy::send(args, blobs, call).await;
    // `copy` lists its differences, this one does not.
    if let Some(Value::List(diffs)) = result.data.get("diff")
        && let [only] = &diffs[..]
    {
        let only = only.clone();
        result.data.insert("diff", only);
    }
    result
}

fn fragments(call: &ActionCall<'_>, ignore_hidden: bool) -> Result<Vec<u8>, String> {
    let src = text(&call.args, "src").unwrap_or_default();
    let directory = find_file(call, src, "files")?;
    if !call.files.is_dir(&directory) {
        return Err(format!("Source ({src}) is not a directory"));
    }
    let regexp = match text(&call.args, "regexp") {
        Some(regexp) => {
            Some(Pattern::new(regexp, Flags::default()).map_err(|e| format!("Invalid Regexp ({e}) in \"{regexp}\""))?)
        }
        None => None,
    };
    let paths = call.files.list(&directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    let mut parts = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_wanted(&name, regexp.as_ref(), ignore_hidden) && call.files.is_file(&path) {
            parts.push(copy::content_of(call, &path)?);
        }
    }
    Ok(join(parts, text(&call.args, "delimiter")))
}
