//! `template`: a template of the controller's, rendered, to the host.

use super::{ActionCall, ActionResult, copy, find_file, module, specs, text};
use crate::event::Cause;
use crate::remote::Content;
use crate::template::FileOptions;
use crate::value::{Map, Value};
use serde_json::json;
use std::path::Path;

/// Arguments that steer rendering and are not for the host.
const OWN: &[&str] = &[
    "src",
    "newline_sequence",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "output_encoding",
];

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let mut args = match module::validated(&specs::TEMPLATE, call.args.to_json()) {
        Ok(args) => args,
        Err(result) => return result,
    };
    let valid: Map = args.clone().into();
    let (Some(src), Some(dest)) = (text(&valid, "src"), text(&valid, "dest")) else {
        return ActionResult::failed("src and dest are required");
    };
    let path = match find_file(call, src, "templates") {
        Ok(path) => path,
        Err(e) => return ActionResult::failed(e),
    };
    let source = match call.loader.text(&path, None) {
        Ok(source) => source,
        Err(d) => return ActionResult::failed(d.message),
    };
    let flag = |name: &str, default: bool| valid.get(name).and_then(Value::as_bool).unwrap_or(default);
    let defaults = FileOptions::default();
    let delimiter = |name: &str, default: &str| text(&valid, name).unwrap_or(default).to_owned();
    let newline = text(&valid, "newline_sequence").unwrap_or("\n");
    let options = FileOptions {
        path: Some(path.clone()),
        block_start: delimiter("block_start_string", &defaults.block_start),
        block_end: delimiter("block_end_string", &defaults.block_end),
        variable_start: delimiter("variable_start_string", &defaults.variable_start),
        variable_end: delimiter("variable_end_string", &defaults.variable_end),
        comment_start: delimiter("comment_start_string", &defaults.comment_start),
        comment_end: delimiter("comment_end_string", &defaults.comment_end),
        trim_blocks: flag("trim_blocks", true),
        lstrip_blocks: flag("lstrip_blocks", false),
        newline_sequence: newline.replace("\\n", "\n").replace("\\r", "\r"),
        keep_trailing_newline: true,
    };
    let rendered = match call.templar.with(facts_of(call, &path, dest)).file(&source, &options) {
        Ok(text) => text,
        Err(e) => {
            let mut result = ActionResult::failed(e.message.clone());
            let message = format!("template {}: {}", path.display(), e.message);
            result.causes = vec![Cause { message, span: e.span }];
            return result;
        }
    };
    for name in OWN {
        args.shift_remove(*name);
    }
    let bytes = match text(&valid, "output_encoding").unwrap_or("utf-8").to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => rendered.into_bytes(),
        "latin-1" | "iso-8859-1" | "latin1" => match rendered.chars().map(|c| u8::try_from(c as u32)).collect() {
            Ok(bytes) => bytes,
            Err(_) => return ActionResult::failed("the text has characters that latin-1 cannot write"),
        },
        "ascii" | "us-ascii" if rendered.is_ascii() => rendered.into_bytes(),
        other => {
            return ActionResult::failed(format!("output_encoding {other} is not supported; use utf-8 or latin-1"));
        }
    };
    let mut content = Content::none();
    args.insert("_content".into(), json!(content.bytes(bytes)));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    args.insert("_original_basename".into(), name.into());
    args.insert("_after_header".into(), path.to_string_lossy().into_owned().into());
    copy::foreseen(copy::send(args, content, call).await, call)
}

/// `template_host`, `template_path`, `ansible_managed` and the like.
fn facts_of(call: &ActionCall<'_>, path: &Path, dest: &str) -> Map {
    let mut facts = Map::new();
    let shown = path.to_string_lossy().into_owned();
    let meta = std::fs::metadata(path).ok();
    facts.insert("template_host", rustix::system::uname().nodename().to_string_lossy().into_owned());
    let uid = meta.as_ref().map_or(0, std::os::unix::fs::MetadataExt::uid);
    facts.insert("template_uid", owner(call, uid));
    facts.insert("template_path", shown.as_str());
    facts.insert("template_fullpath", shown.as_str());
    facts.insert("template_destpath", dest);
    if let Some(time) = meta.and_then(|m| m.modified().ok()) {
        let time = jiff::Timestamp::try_from(time).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
        facts.insert("template_mtime", time.strftime("%Y-%m-%d %H:%M:%S").to_string());
    }
    facts.insert("template_run_date", jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string());
    // A variable of that name, set by the author, wins over the setting.
    if !matches!(call.templar.variable("ansible_managed"), Ok(Some(_))) {
        facts.insert("ansible_managed", call.managed);
    }
    facts
}

fn owner(call: &ActionCall<'_>, uid: u32) -> Value {
    let passwd = call.files.read_text(Path::new("/etc/passwd")).unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.map_or_else(|| Value::Int(i64::from(uid)), Value::from)
}
