//! Values as YAML text, byte for byte as `to_yaml` and `to_nice_yaml` write them (PyYAML's `SafeRepresenter`).

use super::emit::{self, Form, Style, Tree};
use super::scalar::{self, Tag};
use crate::value::{Key, Map, Value, float_repr};
use std::borrow::Cow;
use std::cmp::Ordering;

/// PyYAML's `yaml.dump` options. The default is that of the `to_yaml` filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpOptions {
    /// 2 to 9; others count as 2.
    pub indent: i64,
    /// Lines longer than this are folded at spaces; negative: never; too small for the indentation: 80.
    pub width: i64,
    /// `None`: collections of nothing but scalars are written in flow style.
    pub default_flow_style: Option<bool>,
    /// `'` `"` `|` `>`, or `None` for plain where that is possible.
    pub default_style: Option<char>,
    /// Texts of several lines become literal blocks.
    pub blocks: bool,
    pub sort_keys: bool,
    pub allow_unicode: bool,
    pub explicit_start: bool,
    pub explicit_end: bool,
    pub canonical: bool,
}

impl Default for DumpOptions {
    fn default() -> Self {
        DumpOptions {
            indent: 2,
            width: 80,
            default_flow_style: None,
            default_style: None,
            blocks: false,
            sort_keys: true,
            allow_unicode: true,
            explicit_start: false,
            explicit_end: false,
            canonical: false,
        }
    }
}

impl DumpOptions {
    /// The defaults of the `to_nice_yaml` filter.
    pub fn nice() -> Self {
        DumpOptions { indent: 4, default_flow_style: Some(false), ..Self::default() }
    }

    fn form(&self) -> Form {
        let indent = if (2..=9).contains(&self.indent) { self.indent as usize } else { 2 };
        let width = match usize::try_from(self.width) {
            Err(_) => usize::MAX,
            Ok(width) if width <= indent * 2 => 80,
            Ok(width) => width,
        };
        Form {
            indent,
            width,
            unicode: self.allow_unicode,
            canonical: self.canonical,
            explicit_start: self.explicit_start,
            explicit_end: self.explicit_end,
        }
    }
}

/// Writes one document. A list or map that stands in several places is written out in each of them: PyYAML's anchors depend
/// on the identity of Python objects. A vault string is written as its ciphertext under `!vault`.
///
/// # Errors
/// PyYAML's message where the value holds what YAML cannot represent (`omit`); the filters fail then.
pub fn dump_strict(value: &Value, options: &DumpOptions) -> Result<String, String> {
    let represent = Represent { options, style: style(options.default_style) };
    Ok(emit::emit(&represent.tree(value)?, &options.form()))
}

/// As [`dump_strict`], for text that people read: `omit` is shown as Python's `repr` of it.
pub fn dump(value: &Value, options: &DumpOptions) -> String {
    dump_strict(value, options).unwrap_or_else(|_| {
        let shown = without_omit(value.clone());
        dump_strict(&shown, options).unwrap_or_default()
    })
}

fn without_omit(value: Value) -> Value {
    match value {
        Value::Omit => Value::foreign(Value::Omit.repr()),
        Value::List(items) => Value::list(items.iter().cloned().map(without_omit).collect()),
        Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), without_omit(v.clone()))).collect()),
        other => other,
    }
}

fn style(default: Option<char>) -> Option<Style> {
    Some(match default? {
        '\'' => Style::SingleQuoted,
        '"' => Style::DoubleQuoted,
        '|' => Style::Literal,
        '>' => Style::Folded,
        _ => return None,
    })
}

/// What ends a line in YAML 1.1 or in Python.
const BREAKS: [char; 8] = ['\n', '\r', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];

struct Represent<'o> {
    options: &'o DumpOptions,
    style: Option<Style>,
}

impl Represent<'_> {
    fn tree<'v>(&self, value: &'v Value) -> Result<Tree<'v>, String> {
        Ok(match value {
            Value::Null => self.scalar("!!null", Tag::Null, "null"),
            Value::Bool(b) => self.scalar("!!bool", Tag::Bool, if *b { "true" } else { "false" }),
            Value::Int(i) => self.scalar("!!int", Tag::Int, i.to_string()),
            Value::BigInt(i) => self.scalar("!!int", Tag::Int, i.to_string()),
            Value::Float(f) => self.scalar("!!float", Tag::Float, float(*f)),
            Value::Str(t) => match self.scalar("!!str", Tag::Str, t.as_str()) {
                Tree::Scalar { tag, text, plain_implicit, quoted_implicit, .. }
                    if self.options.blocks && text.contains(BREAKS) =>
                {
                    Tree::Scalar { tag, text, style: Style::Literal, plain_implicit, quoted_implicit }
                }
                scalar => scalar,
            },
            Value::Timestamp(t) => self.scalar("!!timestamp", Tag::Timestamp, &**t),
            Value::Bytes(b) => tagged("!!binary", base64_lines(b).into()),
            Value::Vault(v) => tagged("!vault", Cow::Borrowed(&*v.ciphertext)),
            Value::Omit => return Err("('cannot represent an object', <<Omit>>)".to_owned()),
            Value::List(items) => {
                let items = items.iter().map(|v| self.tree(v)).collect::<Result<Vec<_>, _>>()?;
                Tree::Seq { flow: self.flow(items.iter()), items }
            }
            Value::Map(map) => {
                let entries = self
                    .sorted(map)
                    .into_iter()
                    .map(|(k, v)| Ok((self.key(k), self.tree(v)?)))
                    .collect::<Result<Vec<_>, String>>()?;
                Tree::Map { flow: self.flow(entries.iter().flat_map(|(k, v)| [k, v])), entries }
            }
        })
    }

    fn key<'v>(&self, key: &'v Key) -> Tree<'v> {
        match key {
            Key::Str(s) => self.scalar("!!str", Tag::Str, &**s),
            Key::Int(i) => self.scalar("!!int", Tag::Int, i.to_string()),
            Key::Bool(b) => self.scalar("!!bool", Tag::Bool, if *b { "true" } else { "false" }),
            Key::Float(bits) => self.scalar("!!float", Tag::Float, float(f64::from_bits(*bits))),
            Key::Null => self.scalar("!!null", Tag::Null, "null"),
        }
    }

    fn scalar<'v>(&self, tag: &'static str, is: Tag, text: impl Into<Cow<'v, str>>) -> Tree<'v> {
        let text = text.into();
        Tree::Scalar {
            tag,
            plain_implicit: scalar::resolve(&text) == is,
            quoted_implicit: is == Tag::Str,
            style: self.style.unwrap_or(Style::Plain),
            text,
        }
    }

    fn flow<'t, 'v: 't>(&self, mut parts: impl Iterator<Item = &'t Tree<'v>>) -> bool {
        self.options
            .default_flow_style
            .unwrap_or_else(|| parts.all(|t| matches!(t, Tree::Scalar { style: Style::Plain, .. })))
    }

    /// Sorted where Python can compare all the keys, else in their own order.
    fn sorted<'v>(&self, map: &'v Map) -> Vec<(&'v Key, &'v Value)> {
        let mut entries: Vec<_> = map.iter().collect();
        if self.options.sort_keys {
            if entries.iter().all(|(k, _)| matches!(k, Key::Str(_))) {
                entries.sort_by_key(|(k, _)| k.as_str());
            } else if entries.iter().all(|(k, _)| number(k).is_some()) {
                entries.sort_by(|(a, _), (b, _)| number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal));
            }
        }
        entries
    }
}

fn number(key: &Key) -> Option<f64> {
    match key {
        Key::Int(i) => Some(*i as f64),
        Key::Bool(b) => Some(f64::from(u8::from(*b))),
        Key::Float(bits) => Some(f64::from_bits(*bits)),
        Key::Str(_) | Key::Null => None,
    }
}

fn tagged<'v>(tag: &'static str, text: Cow<'v, str>) -> Tree<'v> {
    Tree::Scalar { tag, text, style: Style::Literal, plain_implicit: false, quoted_implicit: false }
}

fn float(x: f64) -> String {
    if x.is_nan() {
        ".nan".to_owned()
    } else if x.is_infinite() {
        if x > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        let text = float_repr(x);
        // `1e+17` is no float to YAML 1.1.
        if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
    }
}

/// Lines of 76 characters, each with its break, as Python's `base64.encodebytes`.
fn base64_lines(bytes: &[u8]) -> String {
    use base64::Engine;
    let mut out = String::new();
    for line in bytes.chunks(57) {
        base64::engine::general_purpose::STANDARD.encode_string(line, &mut out);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omit_is_refused_by_the_filters_and_shown_to_people() {
        let value = Value::list(vec![Value::Omit, 1i64.into()]);
        let options = DumpOptions::default();
        assert_eq!(dump_strict(&value, &options), Err("('cannot represent an object', <<Omit>>)".to_owned()));
        assert_eq!(dump(&value, &options), "[<<Omit>>, 1]\n");
    }
}
