//! The `diff` of a result as text, as Ansible's callbacks print it.

use super::{Color, Paint};
use crate::value::{JsonStyle, Value};
use similar::TextDiff;

/// Renders one `diff` value (a map or a list of maps). Empty when nothing differs.
pub fn render(diff: &Value, context: usize, paint: Paint) -> String {
    let entries: &[Value] = match diff {
        Value::List(list) => list,
        one => std::slice::from_ref(one),
    };
    entries.iter().map(|entry| render_entry(entry, context, paint)).collect()
}

fn render_entry(entry: &Value, context: usize, paint: Paint) -> String {
    let mut out = String::new();
    for (key, text) in [
        ("dst_binary", "diff skipped: destination file appears to be binary\n"),
        ("src_binary", "diff skipped: source file appears to be binary\n"),
    ] {
        if entry.get(key).is_some() {
            out.push_str(text);
        }
    }
    for (key, which) in [("dst_larger", "destination"), ("src_larger", "source")] {
        if let Some(size) = entry.get(key) {
            out.push_str(&format!("diff skipped: {which} file size is greater than {size}\n"));
        }
    }
    if let (Some(before), Some(after)) = (entry.get("before"), entry.get("after")) {
        let (before, after) = (side(before), side(after));
        let header = |name: &str, key: &str| match entry.get(key) {
            Some(text) if !text.is_null() => format!("{name}: {text}"),
            _ => name.to_owned(),
        };
        let changes = TextDiff::from_lines(&before, &after);
        let text = changes
            .unified_diff()
            .context_radius(context)
            .missing_newline_hint(true)
            .header(&header("before", "before_header"), &header("after", "after_header"))
            .to_string();
        if !text.is_empty() {
            for line in text.lines() {
                let painted = match line.as_bytes().first() {
                    Some(b'+') => paint.paint(Color::DiffAdd, line),
                    Some(b'-') => paint.paint(Color::DiffRemove, line),
                    Some(b'@') => paint.paint(Color::DiffLines, line),
                    _ => line.to_owned(),
                };
                out.push_str(&painted);
                out.push('\n');
            }
            out.push('\n');
        }
    }
    if let Some(prepared) = entry.get("prepared")
        && !prepared.is_null()
    {
        out.push_str(&prepared.to_string());
    }
    out
}

fn side(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Map(_) | Value::List(_) => {
            value.json_text(JsonStyle { indent: Some(4), sort_keys: true, ..JsonStyle::default() }) + "\n"
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_and_data() {
        let diff = Value::from(json!([
            {"before": "a\nb\n", "after": "a\nc", "before_header": "/etc/x", "after_header": "/etc/x"},
            {"before": {"mode": "0644"}, "after": {"mode": "0600"}},
        ]));
        assert_eq!(
            render(&diff, 3, Paint::plain()),
            "--- before: /etc/x\n+++ after: /etc/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n\n\
             --- before\n+++ after\n@@ -1,3 +1,3 @@\n {\n-    \"mode\": \"0644\"\n+    \"mode\": \"0600\"\n }\n\n"
        );
    }
}
