//! `copy`: content, a file or a tree of the controller's, to the host. Bytes travel only where the host differs.

use super::{ActionCall, ActionResult, find_file, module, text};
use crate::remote::{Connection, Content};
use crate::value::{JsonStyle, Trust, Value};
use serde_json::json;
use std::path::{Path, PathBuf};
use tightbeam_modules::contract::JsonMap;

const MODULE: &str = "ansible.builtin.copy";

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let args = &call.args;
    let given = |name: &str| args.get(name).filter(|v| !v.is_null());
    let Some(dest) = text(args, "dest").filter(|d| !d.is_empty()) else {
        return ActionResult::failed("dest is required");
    };
    let (src, content) = (text(args, "src").filter(|s| !s.is_empty()), given("content"));
    match (src, content) {
        (None, None) => return ActionResult::failed("src (or content) is required"),
        (Some(_), Some(_)) => return ActionResult::failed("src and content are mutually exclusive"),
        (None, Some(_)) if dest.ends_with('/') => {
            return ActionResult::failed("can not use content with a dir as dest");
        }
        _ => {}
    }
    let remote = given("remote_src").and_then(Value::as_spelled_bool) == Some(true);
    let mut json = args.to_json();
    if remote {
        return send(json, Content::none(), call).await;
    }
    let mut blobs = Content::none();
    if let Some(content) = content {
        let text = match content {
            Value::Map(_) | Value::List(_) => content.json_text(JsonStyle::default()),
            other => other.to_string(),
        };
        json.shift_remove("content");
        json.shift_remove("src");
        json.insert("_content".into(), json!(blobs.bytes(text.into_bytes())));
        let result = foreseen(send(json, blobs, call).await, call);
        if matches!(*call.target.connection, Connection::Local) {
            let trust = if let Value::Str(text) = content { text.trust() } else { Trust::Foreign };
            call.loader.wrote(&written(&result, dest), trust);
        }
        return result;
    }
    let src = src.unwrap_or_default();
    json.shift_remove("src");
    let path = match find_file(call, src, "files") {
        Ok(path) => path,
        Err(e) => return ActionResult::failed(e),
    };
    if call.files.is_dir(&path) {
        let mut tree = Vec::new();
        let prefix = if src.ends_with('/') {
            String::new()
        } else {
            format!("{}/", path.file_name().unwrap_or_default().to_string_lossy())
        };
        let follow = given("local_follow").and_then(Value::as_spelled_bool) != Some(false);
        if let Err(e) = walk(call, &path, &prefix, follow, &mut vec![identity(&path)], &mut blobs, &mut tree) {
            return ActionResult::failed(e);
        }
        if !prefix.is_empty() {
            tree.insert(0, json!({"path": prefix.trim_end_matches('/'), "kind": "directory", "mode": mode_of(&path)}));
        }
        json.insert("_tree".into(), tree.into());
        return foreseen(send(json, blobs, call).await, call);
    }
    match whole_file(call, &path, &mut blobs) {
        Ok(blob) => drop(json.insert("_content".into(), blob)),
        Err(e) => return ActionResult::failed(e),
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    json.insert("_original_basename".into(), name.into());
    json.insert("_after_header".into(), path.to_string_lossy().into_owned().into());
    json.insert("_mode".into(), mode_of(&path).into());
    let mut result = foreseen(send(json, blobs, call).await, call);
    if !call.check && result.data.get("changed").is_some_and(Value::truthy) {
        result.data.insert("src", path.to_string_lossy().into_owned());
    }
    result
}

/// In check mode the reference tells of content that would be written only that it would, and the difference.
pub(super) fn foreseen(mut result: ActionResult, call: &ActionCall<'_>) -> ActionResult {
    let is = |name| result.data.get(name).is_some_and(Value::truthy);
    // A result about attributes names the path.
    if call.check && is("changed") && result.data.contains_key("checksum") && !result.data.contains_key("path") {
        result.data.remove("checksum");
        result.data.remove("dest");
    }
    result
}

/// The file that a copy wrote.
fn written(result: &ActionResult, dest: &str) -> PathBuf {
    result.data.get("dest").map_or_else(|| dest.into(), Value::to_string).into()
}

/// A file as a blob; one that is a vault is sent decrypted unless `decrypt` says otherwise.
fn whole_file(call: &ActionCall<'_>, path: &Path, blobs: &mut Content) -> Result<serde_json::Value, String> {
    let encrypted = starts_as_vault(path);
    let decrypt = call.args.get("decrypt").and_then(Value::as_spelled_bool) != Some(false);
    if encrypted && decrypt {
        let clear = call.loader.text(path, None).map_err(sentence)?;
        return Ok(json!(blobs.bytes(clear.into_bytes())));
    }
    blobs.file(path).map(|blob| json!(blob)).map_err(|e| format!("could not find or read {}: {e}", path.display()))
}

/// A fault and its causes in one line.
fn sentence(fault: crate::diag::Diagnostic) -> String {
    std::iter::once(fault.message).chain(fault.causes).collect::<Vec<_>>().join(": ")
}

/// The bytes of a file, decrypted like one that is copied.
pub(super) fn content_of(call: &ActionCall<'_>, path: &Path) -> Result<Vec<u8>, String> {
    let decrypt = call.args.get("decrypt").and_then(Value::as_spelled_bool) != Some(false);
    if decrypt && starts_as_vault(path) {
        return call.loader.text(path, None).map(String::into_bytes).map_err(sentence);
    }
    call.files.read(path).map_err(|e| format!("could not find or read {}: {e}", path.display()))
}

fn starts_as_vault(path: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 15];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut start)).is_ok()
        && start.starts_with(b"$ANSIBLE_VAULT;")
}

/// Device and number of a file, links resolved.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// The files of a tree. Links are followed where `follow` says so, but for dangling ones and those that lead back to a
/// directory they are in (`above`): they are copied as links.
fn walk(
    call: &ActionCall<'_>,
    dir: &Path,
    prefix: &str,
    follow: bool,
    above: &mut Vec<Option<(u64, u64)>>,
    blobs: &mut Content,
    tree: &mut Vec<serde_json::Value>,
) -> Result<(), String> {
    let fault = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
    let mut entries: Vec<_> =
        std::fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(|e| fault(dir, e))?;
    // Files before directories, as the reference walks.
    entries.sort_by_key(|entry| (entry.path().is_dir(), entry.file_name()));
    for entry in entries {
        let path = entry.path();
        let relative = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let target = identity(&path);
        if path.is_symlink() && (!follow || target.is_none() || above.contains(&target)) {
            let target = std::fs::read_link(&path).map_err(|e| fault(&path, e))?;
            tree.push(json!({"path": relative, "kind": "link", "target": target.to_string_lossy()}));
        } else if path.is_dir() {
            tree.push(json!({"path": relative, "kind": "directory", "mode": mode_of(&path)}));
            above.push(target);
            walk(call, &path, &format!("{relative}/"), follow, above, blobs, tree)?;
            above.pop();
        } else {
            let blob = whole_file(call, &path, blobs)?;
            tree.push(json!({"path": relative, "kind": "file", "mode": mode_of(&path), "blob": blob}));
        }
    }
    Ok(())
}

fn mode_of(path: &Path) -> String {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).map(|m| format!("{:04o}", m.permissions().mode() & 0o7777)).unwrap_or_default()
}

/// Sends arguments for the module `copy`.
pub(super) async fn send(args: JsonMap, content: Content, call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find(MODULE) else {
        return ActionResult::failed("the helper has no module `copy`");
    };
    match module::validated(entry.spec, args) {
        Ok(args) => module::send(MODULE, args, content, call).await,
        Err(result) => result,
    }
}
