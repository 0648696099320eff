//! Faults and notices of the reader as diagnostics: the problem in words, its place, and the usual causes.

use super::compose::{Notice, Place, ReadFault, Voice};
use super::parser::{Fault, Mark};
use crate::diag::{Code, Diagnostic, FileId, Span};
use fancy_regex::Regex;
use std::fmt::Write;
use std::sync::LazyLock;

impl ReadFault {
    /// As a diagnostic about a file of the author's.
    pub fn diagnostic(&self, text: &str, file: FileId) -> Diagnostic {
        match self {
            ReadFault::Parse(Fault::Reader { problem, offset, character }) => {
                let at = (0..=(*offset).min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
                Diagnostic::error(
                    Code::YAML_SYNTAX,
                    format!("YAML parsing failed: Unacceptable character #x{character:04x}: {problem}."),
                )
                .at(Span::new(file, at, at), "not allowed in YAML")
            }
            ReadFault::Parse(Fault::Syntax { context, problem, mark }) => {
                let place = |mark: Mark| Span::new(file, mark.offset.min(text.len()), mark.offset.min(text.len()));
                let context = context.as_ref().map(|(words, mark)| (words.as_str(), place(*mark)));
                explain(text, Code::YAML_SYNTAX, context, problem, place(*mark), Voice::PyYaml)
            }
            ReadFault::Construct { code, context, problem, at, voice } => {
                let context = context.as_ref().map(|(words, place)| (words.as_str(), place.span));
                explain(text, *code, context, problem, at.span, *voice)
            }
        }
    }

    /// As Python's `str()` of PyYAML's exception, for text that is in no file.
    pub fn python(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = match self {
            ReadFault::Parse(Fault::Reader { problem, offset, character }) => write!(
                out,
                "unacceptable character #x{character:04x}: {problem}\n  in \"<unicode string>\", position {offset}"
            ),
            ReadFault::Parse(Fault::Syntax { context, problem, mark }) => {
                marked(&mut out, context.as_ref().map(|(words, mark)| (words.as_str(), *mark)), problem, *mark)
            }
            ReadFault::Construct { context, problem, at, .. } => {
                let context = context.as_ref().map(|(words, place): &(String, Place)| (words.as_str(), place.mark));
                marked(&mut out, context, problem, at.mark)
            }
        };
        out
    }
}

fn marked(out: &mut String, context: Option<(&str, Mark)>, problem: &str, mark: Mark) -> std::fmt::Result {
    let place = |m: Mark| format!("  in \"<unicode string>\", line {}, column {}", m.line + 1, m.column + 1);
    if let Some((words, at)) = context {
        writeln!(out, "{words}")?;
        if (at.line, at.column) != (mark.line, mark.column) {
            writeln!(out, "{}", place(at))?;
        }
    }
    write!(out, "{problem}\n{}", place(mark))
}

/// First letter upper case, full stop at the end.
fn sentence(words: &str) -> String {
    let mut chars = words.trim().chars();
    let mut out: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    out.push_str(chars.as_str());
    if !out.ends_with('.') {
        out.push('.');
    }
    out
}

/// What usually lies behind a fault of syntax, by the look of the line where libyaml gave up. The order and the messages
/// are ansible-core 2.19's.
struct Cause {
    message: &'static str,
    hint: &'static str,
    /// Offset in the line.
    column: usize,
}

fn explain(text: &str, code: Code, context: Option<(&str, Span)>, problem: &str, at: Span, voice: Voice) -> Diagnostic {
    let line_start = text[..at.start as usize].rfind('\n').map_or(0, |i| i + 1);
    let line = text[line_start..].split('\n').next().unwrap_or_default();
    let words = match context {
        Some((context, _)) => format!("{context} {problem}"),
        None => problem.to_owned(),
    };
    let diagnostic = match cause(line).filter(|_| voice == Voice::PyYaml) {
        Some(cause) => {
            let place = line_start + cause.column;
            Diagnostic::error(code, format!("YAML parsing failed: {}", cause.message))
                .at(Span::new(at.file, place, place), "")
                .hint(cause.hint)
                .cause(words)
        }
        None => {
            let words = if voice == Voice::Python { words } else { sentence(&words) };
            Diagnostic::error(code, format!("YAML parsing failed: {words}")).at(at, problem)
        }
    };
    match context {
        Some((words, place)) if place.start != at.start => diagnostic.at(place, words),
        _ => diagnostic,
    }
}

/// A value after dashes and perhaps a key: a template without quotes, anything, or one that starts with a quote.
static TEMPLATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:-\s+)*(?:[\w\s]+:\s+)?(?P<value>\{\{.*}})").ok());
static ANY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:-\s+)*(?:[\w\s\[\]{}]+:\s+)?(?P<value>.*)$").ok());
static QUOTE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\s*(?:-\s+)*(?:[\w\s]+:\s+)?(?P<value>["'].*?\s*)$"#).ok());

/// Offset and text of the group `value`.
fn capture<'t>(pattern: &Option<Regex>, line: &'t str) -> Option<(usize, &'t str)> {
    let found = pattern.as_ref()?.captures(line).ok()??;
    found.name("value").map(|m| (m.start(), m.as_str()))
}

fn cause(line: &str) -> Option<Cause> {
    if let Some(column) = line.find('\t') {
        return Some(Cause {
            message: "Tabs are usually invalid in YAML.",
            hint: "Replace the tab with spaces.",
            column,
        });
    }
    if let Some(value) = capture(&TEMPLATE, line) {
        return Some(Cause {
            message: "This may be an issue with missing quotes around a template block.",
            hint: "Quote the whole value: `raw: \"{{ some_var }}\"`, not `raw: {{ some_var }}`.",
            column: value.0,
        });
    }
    if !line.trim_start().starts_with(':')
        && let Some((start, value)) = capture(&ANY, line)
        && !is_quoted(value)
        && let Some(colon) =
            value.match_indices(':').find(|(i, _)| matches!(value.as_bytes().get(i + 1), None | Some(b' ')))
    {
        return Some(Cause {
            message: "Colons in unquoted values must be followed by a non-space character.",
            hint: "Quote the whole value: `raw: \"echo 'name: ansible'\"`, not `raw: echo 'name: ansible'`.",
            column: start + colon.0,
        });
    }
    let (column, value) = capture(&QUOTE, line)?;
    let (first, last) = (value.chars().next()?, value.chars().next_back()?);
    if first != last {
        Some(Cause {
            message: "Values starting with a quote must end with the same quote.",
            hint: "Quote the whole value: `raw: '\"foo\" in bar'`, not `raw: \"foo\" in bar`.",
            column,
        })
    } else if line.matches(first).count() > 2 {
        Some(Cause {
            message: "Values starting with a quote must end with the same quote, and not contain that quote.",
            hint: "Quote the whole value: `raw: '\"foo\" in \"bar\"'`, not `raw: \"foo\" in \"bar\"`.",
            column,
        })
    } else {
        None
    }
}

fn is_quoted(value: &str) -> bool {
    let value = value.trim();
    ['\'', '"']
        .iter()
        .any(|q| value.len() >= 2 && value.starts_with(*q) && value.ends_with(*q) && value.matches(*q).count() == 2)
}

impl Notice {
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Notice::Duplicate { key, first, second } => {
                Diagnostic::warning(Code::YAML_DUPLICATE_KEY, format!("Found duplicate mapping key {key}."))
                    .at(*second, "this value is used")
                    .at(*first, "first defined here")
                    .hint("Using last defined value only.")
            }
            Notice::Deprecated { what, instead, at } => {
                Diagnostic::warning(Code::DEPRECATED, format!("Use of the YAML {what} is deprecated."))
                    .at(*at, "")
                    .hint(*instead)
            }
        }
    }
}
