//! `k8s` and its kin: what they read on the controller. Templates are rendered here, definitions are read as YAML here, and
//! with a local connection `src` and `kubeconfig` are looked for like other files of the task.

use super::{ActionCall, ActionResult, find_file, module};
use crate::remote::Content;
use crate::template::FileOptions;
use crate::value::{Trust, Value};
use crate::yaml;
use base64::Engine as _;
use serde_json::json;
use tightbeam_modules::contract::{Json, JsonMap};

pub(super) async fn run(name: &str, call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find(name) else { return module::missing(name) };
    let mut args = match module::validated(entry.spec, call.args.to_json()) {
        Ok(args) => args,
        Err(result) => return result,
    };
    match prepare(&mut args, call).await {
        Ok(()) => module::send(name, args, Content::none(), call).await,
        Err(result) => result,
    }
}

async fn prepare(args: &mut JsonMap, call: &ActionCall<'_>) -> Result<(), ActionResult> {
    let given = |args: &JsonMap, name: &str| args.get(name).filter(|v| !v.is_null() && *v != "").cloned();
    if let Some(Json::String(paths)) = given(args, "kubeconfig")
        && call.target.is_local()
    {
        args.insert("kubeconfig".into(), kubeconfig(&paths, call)?);
    }
    let definition = if let Some(Json::String(src)) = given(args, "src") {
        // Nothing in a file is no object, while no file at all is one that the arguments describe.
        let objects = documents(&source(&src, call).await?)?;
        Some(if objects.is_empty() { json!([null]) } else { objects.into() })
    } else if let Some(template) = given(args, "template") {
        Some(rendered(&template, call)?.into())
    } else {
        match given(args, "resource_definition") {
            Some(Json::String(text)) => Some(documents(&text)?.into()),
            Some(Json::Array(items)) => {
                let mut objects = Vec::new();
                for item in items {
                    match item {
                        Json::String(text) => objects.extend(documents(&text)?),
                        other => objects.push(other),
                    }
                }
                Some(objects.into())
            }
            _ => None,
        }
    };
    if let Some(definition) = definition {
        args.insert("resource_definition".into(), definition);
        args.insert("src".into(), Json::Null);
        args.insert("template".into(), Json::Null);
    }
    Ok(())
}

/// The documents of a text. It is data, whoever wrote it.
fn documents(text: &str) -> Result<Vec<Json>, ActionResult> {
    let values = yaml::parse_values(text, Trust::Foreign)
        .map_err(|e| ActionResult::failed(format!("Failed to load resource definition: {e}")))?;
    Ok(values.iter().map(Value::to_json).filter(|v| !v.is_null()).collect())
}

/// A kubeconfig of the controller's: its path, or its content where it is encrypted.
fn kubeconfig(paths: &str, call: &ActionCall<'_>) -> Result<Json, ActionResult> {
    let mut found = Vec::new();
    for path in paths.split(':') {
        let path = find_file(call, path, "files").map_err(ActionResult::failed)?;
        let text = call.loader.text(&path, None).map_err(|d| ActionResult::failed(d.message))?;
        if call.files.read_text(&path).is_ok_and(|raw| raw == text) {
            found.push(path.to_string_lossy().into_owned());
            continue;
        }
        if paths.contains(':') {
            return Err(ActionResult::failed("an encrypted kubeconfig cannot be joined with others"));
        }
        let content = yaml::parse_value(&text, Trust::Foreign).map_err(ActionResult::failed)?;
        return Ok(content.to_json());
    }
    Ok(found.join(":").into())
}

/// The text of `src`: a URL is fetched by the host; a file is the controller's with a local connection, else the host's.
async fn source(src: &str, call: &ActionCall<'_>) -> Result<String, ActionResult> {
    let fetched = ["http://", "https://", "ftp://"].iter().any(|scheme| src.starts_with(scheme));
    if call.target.is_local() && !fetched {
        let path = find_file(call, src, "files").map_err(ActionResult::failed)?;
        return call.loader.text(&path, None).map_err(|d| ActionResult::failed(d.message));
    }
    let (name, args) = if fetched {
        ("ansible.builtin.uri", json!({"url": src, "return_content": true}))
    } else {
        ("ansible.builtin.slurp", json!({"src": src}))
    };
    let result = module::look(name, args, call).await;
    if result.is("failed") || result.is("unreachable") {
        return Err(result);
    }
    let Some(text) = result.data.get("content").and_then(Value::as_str) else {
        return Err(ActionResult::failed(format!("Failed to load resource definition: {src} has no content")));
    };
    if fetched {
        return Ok(text.to_owned());
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ActionResult::failed(format!("Failed to load resource definition: {src} is not UTF-8")))
}

/// The objects of one template or several.
fn rendered(template: &Json, call: &ActionCall<'_>) -> Result<Vec<Json>, ActionResult> {
    let one = std::slice::from_ref(template);
    let all = template.as_array().map_or(one, Vec::as_slice);
    let mut objects = Vec::new();
    for template in all {
        objects.extend(documents(&render(template, call)?)?);
    }
    Ok(objects)
}

fn render(template: &Json, call: &ActionCall<'_>) -> Result<String, ActionResult> {
    let (name, options) = match template {
        Json::String(name) => (name.as_str(), None),
        Json::Object(options) => match options.get("path").and_then(Json::as_str) {
            Some(name) => (name, Some(options)),
            None => return Err(ActionResult::failed("Please specify path for template.")),
        },
        other => {
            return Err(ActionResult::failed(format!(
                "Error while reading template file - a string or dict for template expected, but got {other} instead"
            )));
        }
    };
    let given = |key: &str| options.and_then(|o| o.get(key)).filter(|v| !v.is_null());
    let text = |key: &str, default: &str| given(key).and_then(Json::as_str).unwrap_or(default).to_owned();
    let flag =
        |key: &str, default: bool| given(key).and_then(|v| Value::from(v.clone()).as_spelled_bool()).unwrap_or(default);
    let newline = text("newline_sequence", "\n").replace("\\n", "\n").replace("\\r", "\r");
    if !["\n", "\r", "\r\n"].contains(&newline.as_str()) {
        return Err(ActionResult::failed("newline_sequence needs to be one of: \n, \r or \r\n"));
    }
    let path = find_file(call, name, "templates").map_err(ActionResult::failed)?;
    let source = call.loader.text(&path, None).map_err(|d| ActionResult::failed(d.message))?;
    let defaults = FileOptions::default();
    let options = FileOptions {
        path: Some(path.clone()),
        block_start: text("block_start_string", &defaults.block_start),
        block_end: text("block_end_string", &defaults.block_end),
        variable_start: text("variable_start_string", &defaults.variable_start),
        variable_end: text("variable_end_string", &defaults.variable_end),
        trim_blocks: flag("trim_blocks", true),
        lstrip_blocks: flag("lstrip_blocks", false),
        newline_sequence: newline,
        keep_trailing_newline: true,
        ..defaults
    };
    call.templar.file(&source, &options).map_err(|e| {
        let mut result = ActionResult::failed(e.message.clone());
        let message = format!("template {}: {}", path.display(), e.message);
        result.causes = vec![crate::event::Cause { message, span: e.span }];
        result
    })
}
