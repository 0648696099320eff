//! Values as Python's `json.dumps` writes them.

use super::{Value, float_repr};
use std::fmt::Write;

/// The options of `json.dumps` that matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonStyle {
    /// Spaces per level; `None` = one line.
    pub indent: Option<usize>,
    pub sort_keys: bool,
    pub ensure_ascii: bool,
    /// `separators=(',', ':')`.
    pub compact: bool,
}

impl Value {
    /// `json.dumps(value, …)`. Secrets are written in the clear.
    pub fn json_text(&self, style: JsonStyle) -> String {
        let mut out = String::new();
        write_value(self, style, 0, &mut out);
        out
    }
}

fn write_value(value: &Value, style: JsonStyle, level: usize, out: &mut String) {
    match value {
        Value::Null | Value::Omit | Value::Vault(_) => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        // Writing to a String cannot fail.
        Value::Int(i) => drop(write!(out, "{i}")),
        Value::BigInt(i) => drop(write!(out, "{i}")),
        Value::Float(f) if f.is_nan() => out.push_str("NaN"),
        Value::Float(f) if f.is_infinite() => out.push_str(if *f > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Float(f) => out.push_str(&float_repr(*f)),
        Value::Str(t) => write_text(t, style.ensure_ascii, out),
        Value::Timestamp(t) => write_text(t, style.ensure_ascii, out),
        Value::Bytes(b) => write_text(&String::from_utf8_lossy(b), style.ensure_ascii, out),
        Value::List(items) if items.is_empty() => out.push_str("[]"),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                separate(i, style, level + 1, out);
                write_value(item, style, level + 1, out);
            }
            close(style, level, out);
            out.push(']');
        }
        Value::Map(map) if map.is_empty() => out.push_str("{}"),
        Value::Map(map) => {
            let mut entries: Vec<(String, &Value)> = map.iter().map(|(k, v)| (k.to_json_key(), v)).collect();
            if style.sort_keys {
                entries.sort_by(|a, b| a.0.cmp(&b.0));
            }
            out.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                separate(i, style, level + 1, out);
                write_text(&key, style.ensure_ascii, out);
                out.push_str(if style.compact { ":" } else { ": " });
                write_value(value, style, level + 1, out);
            }
            close(style, level, out);
            out.push('}');
        }
    }
}

fn separate(index: usize, style: JsonStyle, level: usize, out: &mut String) {
    if index > 0 {
        out.push_str(if style.compact || style.indent.is_some() { "," } else { ", " });
    }
    newline(style, level, out);
}

fn close(style: JsonStyle, level: usize, out: &mut String) {
    newline(style, level, out);
}

fn newline(style: JsonStyle, level: usize, out: &mut String) {
    if let Some(indent) = style.indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * level));
    }
}

fn write_text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => drop(write!(out, "\\u{:04x}", c as u32)),
            c if ascii && !c.is_ascii() => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_python_writes_it() {
        let value = Value::from(serde_json::json!({"b": [1, "x\u{e9}\n"], "a": {}, "c": 1.0}));
        assert_eq!(
            value.json_text(JsonStyle { sort_keys: true, ..JsonStyle::default() }),
            "{\"a\": {}, \"b\": [1, \"x\u{e9}\\n\"], \"c\": 1.0}"
        );
        assert_eq!(
            value.json_text(JsonStyle { indent: Some(4), ensure_ascii: true, ..JsonStyle::default() }),
            "{\n    \"b\": [\n        1,\n        \"x\\u00e9\\n\"\n    ],\n    \"a\": {},\n    \"c\": 1.0\n}"
        );
    }
}
