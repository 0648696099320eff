//! `fetch`: a file of the host's, below a directory of the controller.

use super::{ActionCall, ActionResult, module, text};
use crate::remote::{Content, Sink};
use crate::value::{Map, Trust, Value};
use serde_json::json;
use sha1::{Digest, Sha1};
use std::path::{Path, PathBuf};

/// What is wrong with arguments that are not two texts.
fn misfit(args: &Map) -> &'static str {
    let given = |name| args.get(name).filter(|v| !v.is_null());
    match (given("src"), given("dest")) {
        (None, _) | (_, None) => "src and dest are required",
        (_, Some(Value::Str(_))) => "Invalid type supplied for source option, it must be a string",
        _ => "Invalid type supplied for dest option, it must be a string",
    }
}

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    if call.check {
        return ActionResult::skipped("check mode not (yet) supported for this module");
    }
    let (Some(src), Some(dest)) = (text(&call.args, "src"), text(&call.args, "dest")) else {
        return ActionResult::failed(misfit(&call.args));
    };
    let flag = |name: &str, default: bool| call.args.get(name).and_then(Value::as_spelled_bool).unwrap_or(default);
    let (flat, must_exist) = (flag("flat", false), flag("fail_on_missing", true));
    let Some(entry) = tightbeam_modules::catalogue::find("ansible.builtin.fetch") else {
        return ActionResult::failed("the helper has no module `fetch`");
    };
    let place = destination(call, src, dest, flat);
    let place = match place {
        Ok(place) => place,
        Err(message) => return ActionResult::failed(message),
    };
    let local = checksum(&place);
    let partial = place.with_file_name(format!(
        ".{}.{}.tightbeam",
        place.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    if let Some(dir) = place.parent()
        && let Err(e) = std::fs::create_dir_all(dir)
    {
        return ActionResult::failed(format!("cannot create {}: {e}", dir.display()));
    }
    let mut content = Content::none();
    let sink: Sink = Box::new(LazyFile::new(partial.clone()));
    let stream = content.sink(sink);
    let mut args = serde_json::Map::new();
    args.insert("src".into(), src.into());
    args.insert("dest".into(), dest.into());
    args.insert("fail_on_missing".into(), must_exist.into());
    args.insert("_stream".into(), json!(stream));
    args.insert("_have".into(), json!(local));
    let args = match module::validated(entry.spec, args) {
        Ok(args) => args,
        Err(result) => return result,
    };
    let mut result = module::send(entry.spec.name, args, content, call).await;
    let streamed = result.data.remove("sent").is_some_and(|v| v.truthy());
    if result.is("failed") || result.is("unreachable") || result.data.contains_key("skipped") || !streamed {
        drop(std::fs::remove_file(&partial));
    } else {
        let wanted = result.data.get("checksum").map(Value::to_string);
        // An empty file sends no bytes, so nothing was opened.
        if !partial.exists()
            && let Err(e) = std::fs::write(&partial, b"")
        {
            return ActionResult::failed(format!("cannot write {}: {e}", partial.display()));
        }
        let got = checksum(&partial);
        if flag("validate_checksum", true) && got != wanted {
            drop(std::fs::remove_file(&partial));
            return ActionResult::failed("checksum mismatch")
                .with("file", src)
                .with("dest", place.to_string_lossy().into_owned())
                .with("checksum", got.unwrap_or_default())
                .with("remote_checksum", wanted.unwrap_or_default());
        }
        if let Err(e) = std::fs::rename(&partial, &place) {
            drop(std::fs::remove_file(&partial));
            return ActionResult::failed(format!("cannot write {}: {e}", place.display()));
        }
    }
    call.loader.wrote(&place, Trust::Foreign);
    for own in ["size", "source"] {
        result.data.remove(own);
    }
    if !result.is("failed")
        && let Some(checksum) = result.data.get("checksum").cloned()
    {
        result.data.insert("changed", streamed);
        result.data.insert("dest", place.to_string_lossy().into_owned());
        if streamed {
            result.data.insert("remote_checksum", checksum);
            result.data.insert("remote_md5sum", Value::Null);
        } else {
            result.data.insert("file", src);
        }
    }
    result
}

/// `dest` itself with `flat`, else `dest/host/path`.
fn destination(call: &ActionCall<'_>, src: &str, dest: &str, flat: bool) -> Result<PathBuf, String> {
    let expanded = crate::files::expand_home(dest, |n| std::env::var(n).ok());
    let mut place = if expanded.is_absolute() { expanded } else { call.playbook_dir.join(expanded) };
    let name = Path::new(src).file_name().unwrap_or_default();
    if flat {
        if call.files.is_dir(&place) && !dest.ends_with('/') {
            return Err(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory"
                    .to_owned(),
            );
        }
        if dest.ends_with('/') {
            place.push(name);
        }
        return Ok(place);
    }
    place.push(call.host.as_str());
    // `..` in a host's path must not lead out of the host's own directory.
    let inside: PathBuf = Path::new(src)
        .components()
        .filter_map(|c| match c {
            std::path::Component::Normal(part) => Some(part),
            _ => None,
        })
        .collect();
    place.push(inside);
    Ok(place)
}

fn checksum(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut hash = Sha1::new();
    std::io::copy(&mut file, &mut hash).ok()?;
    Some(hex::encode(hash.finalize()))
}

/// A file that is made when the first bytes come.
struct LazyFile {
    path: PathBuf,
    file: Option<tokio::fs::File>,
}

impl LazyFile {
    fn new(path: PathBuf) -> Self {
        LazyFile { path, file: None }
    }
    fn open(&mut self) -> std::io::Result<&mut tokio::fs::File> {
        if self.file.is_none() {
            use std::os::unix::fs::OpenOptionsExt;
            let file =
                std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
            self.file = Some(tokio::fs::File::from_std(file));
        }
        self.file.as_mut().ok_or_else(|| std::io::Error::other("the file was just opened"))
    }
}

impl tokio::io::AsyncWrite for LazyFile {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        match self.open() {
            Ok(file) => std::pin::Pin::new(file).poll_write(cx, bytes),
            Err(e) => std::task::Poll::Ready(Err(e)),
        }
    }
    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        match &mut self.file {
            Some(file) => std::pin::Pin::new(file).poll_flush(cx),
            None => std::task::Poll::Ready(Ok(())),
        }
    }
    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        match &mut self.file {
            Some(file) => std::pin::Pin::new(file).poll_shutdown(cx),
            None => std::task::Poll::Ready(Ok(())),
        }
    }
}
