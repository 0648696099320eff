//! A result dictionary as text: which keys are shown, and how.

use super::Style;
use crate::event::{TaskInfo, TaskResult};
use crate::value::{JsonStyle, Map, Value};

/// ` => {…}` where the result is to be shown, else nothing.
pub fn arrow(task: &TaskInfo, result: &TaskResult, style: &Style) -> String {
    if style.verbosity == 0 && !result.verbose {
        return String::new();
    }
    format!(" => {}", dump(task, result, style))
}

/// The result as JSON (or YAML), without what Ansible's callbacks leave out.
pub fn dump(task: &TaskInfo, result: &TaskResult, style: &Style) -> String {
    let data = visible(task, result, style);
    let indent = (result.verbose || style.verbosity > 2).then_some(4);
    text(&Value::map(data), indent, style)
}

/// `json.dumps(…, sort_keys=True)`, or a YAML block where results are shown so.
pub fn text(value: &Value, indent: Option<usize>, style: &Style) -> String {
    if style.yaml_results {
        let options = crate::yaml::DumpOptions { indent: 4, sort_keys: true, ..crate::yaml::DumpOptions::default() };
        let yaml = crate::yaml::dump(value, &options);
        return format!("\n{}", yaml.lines().map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n"));
    }
    value.json_text(JsonStyle { indent, sort_keys: true, ..JsonStyle::default() })
}

/// What Ansible's callbacks leave of a result.
pub fn visible(task: &TaskInfo, result: &TaskResult, style: &Style) -> Map {
    let is_debug = matches!(task.action.rsplit('.').next(), Some("debug"));
    let keep = |key: &str| {
        if key.starts_with("_ansible_")
            || matches!(key, "warnings" | "deprecations" | "exception" | "failed" | "skipped")
        {
            return false;
        }
        if style.verbosity < 3 && matches!(key, "invocation" | "diff") {
            return false;
        }
        if is_debug {
            return if result.data.contains_key("msg") {
                key == "msg"
            } else {
                !matches!(key, "changed" | "failed" | "skipped" | "invocation" | "skip_reason" | "ansible_loop_var")
            };
        }
        true
    };
    result.data.iter().filter(|(k, _)| k.as_str().is_none_or(keep)).map(|(k, v)| (k.clone(), v.clone())).collect()
}
