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
    let mut data = visible(task, result, style);
    if style.yaml_results && style.pretty != Some(false) {
        for (lines, text) in [("stdout_lines", "stdout"), ("stderr_lines", "stderr")] {
            if data.contains_key(lines) && data.contains_key(text) {
                data.insert(lines, "<omitted>");
            }
        }
    }
    let indent = (result.verbose || style.verbosity > 2 || style.pretty == Some(true)).then_some(4);
    text(&Value::map(data), indent.filter(|_| style.pretty != Some(false)), style)
}

/// `json.dumps(…, sort_keys=True)`, or a YAML block where results are shown so.
pub fn text(value: &Value, indent: Option<usize>, style: &Style) -> String {
    if style.yaml_results {
        let pretty = style.pretty != Some(false);
        let value = if pretty { readable(value) } else { value.clone() };
        let options = crate::yaml::DumpOptions {
            indent: if pretty { 4 } else { 2 },
            sort_keys: true,
            default_flow_style: Some(false),
            blocks: true,
            ..crate::yaml::DumpOptions::default()
        };
        let yaml = crate::yaml::dump(&value, &options);
        let indented = |line: &str| if line.trim().is_empty() { line.to_owned() } else { format!("    {line}") };
        return format!("\n{}", yaml.lines().map(indented).collect::<Vec<_>>().join("\n"));
    }
    value.json_text(JsonStyle { indent, sort_keys: true, ..JsonStyle::default() })
}

/// Texts of several lines without what keeps them from standing as blocks: control characters, tabs, space before line ends.
fn readable(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.contains(['\n', '\r']) => {
            let shown: String =
                text.trim_end().chars().filter(|c| matches!(c, '\n' | '\t' | ' '..='~') || *c >= '\u{a0}').collect();
            let lines = shown.split('\n').map(|line| tabs_expanded(line).trim_end_matches(' ').to_owned());
            Value::foreign(lines.collect::<Vec<_>>().join("\n"))
        }
        Value::List(items) => Value::from(items.iter().map(readable).collect::<Vec<_>>()),
        Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), readable(v))).collect::<Map>()),
        other => other.clone(),
    }
}

/// Tab stops are at every eighth column.
fn tabs_expanded(line: &str) -> String {
    let (mut out, mut column) = (String::with_capacity(line.len()), 0);
    for c in line.chars() {
        let width = if c == '\t' { 8 - column % 8 } else { 1 };
        if c == '\t' {
            out.extend(std::iter::repeat_n(' ', width))
        } else {
            out.push(c)
        }
        column += width;
    }
    out
}

pub(super) fn visible(task: &TaskInfo, result: &TaskResult, style: &Style) -> Map {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_has_one_thing_to_a_line_and_texts_as_blocks() {
        let mut map = Map::new();
        map.insert("stdout", "a: b\t\nc  \n");
        map.insert("cmd", vec![Value::from("echo"), Value::from("yes")]);
        let style = Style { yaml_results: true, ..Style::default() };
        assert_eq!(
            text(&Value::map(map), None, &style),
            "\n    cmd:\n    - echo\n    - 'yes'\n    stdout: |-\n        a: b\n        c"
        );
    }
}
