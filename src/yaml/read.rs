//! The reader's doors: whole streams, single documents, and texts of no file.

use super::compose::{Composer, Dialect, Notice};
use super::{json, node::Node};
use crate::diag::{Code, Diagnostic, FileId, Severity, SourceMap};
use crate::value::{Trust, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// All documents of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    pub file: FileId,
    pub documents: Vec<Node>,
    pub warnings: Vec<Diagnostic>,
}

/// The only document of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub file: FileId,
    /// `None` where the text holds nothing but comments.
    pub root: Option<Node>,
    /// The texts of all `!vault` nodes.
    pub vaults: Vec<Arc<str>>,
    pub warnings: Vec<Diagnostic>,
}

/// What a key that stands twice in a mapping means (DUPLICATE_YAML_DICT_KEY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    Error,
    #[default]
    Warn,
    Ignore,
}

impl Duplicates {
    /// By the word that the setting has.
    pub fn of_setting(word: &str) -> Self {
        match word {
            "error" => Duplicates::Error,
            "ignore" => Duplicates::Ignore,
            _ => Duplicates::Warn,
        }
    }
}

impl Document {
    /// The document where duplicate keys mean this.
    ///
    /// # Errors
    /// The first key that stands twice, where that is an error.
    pub fn under(mut self, duplicates: Duplicates) -> Result<Self, Diagnostic> {
        let twice = |w: &Diagnostic| w.code == Code::YAML_DUPLICATE_KEY;
        match duplicates {
            Duplicates::Warn => {}
            Duplicates::Ignore => self.warnings.retain(|w| !twice(w)),
            Duplicates::Error => {
                if let Some(at) = self.warnings.iter().position(twice) {
                    let warning = self.warnings.swap_remove(at);
                    return Err(Diagnostic { severity: Severity::Error, hints: vec![], ..warning });
                }
            }
        }
        Ok(self)
    }
}

/// Registers a text under its path and reads every document in it. A byte order mark at its start is dropped.
///
/// # Errors
/// The first fault, with its place.
pub fn read(sources: &SourceMap, path: impl Into<PathBuf>, text: &str) -> Result<Stream, Diagnostic> {
    let (file, text) = register(sources, path, text)?;
    let mut composer = Composer::new(&text, file, Dialect::Ansible);
    let mut documents = Vec::new();
    while let Some(document) = composer.document().map_err(|f| f.diagnostic(&text, file))? {
        documents.push(document);
    }
    Ok(Stream { file, documents, warnings: composer.notices.iter().map(Notice::diagnostic).collect() })
}

/// Registers a text under its path and reads the one document in it, as ansible-core reads every file of the author's:
/// what is JSON is read as JSON (`1e3` is a number there, `<<` and duplicate keys are nothing special), all else as YAML.
///
/// # Errors
/// The first fault, with its place; a second document is one.
pub fn read_one(sources: &SourceMap, path: impl Into<PathBuf>, text: &str) -> Result<Document, Diagnostic> {
    let (file, text) = register(sources, path, text)?;
    if let Some(root) = json::read(&text, file) {
        return Ok(Document { file, root: Some(root), vaults: vec![], warnings: vec![] });
    }
    let mut composer = Composer::new(&text, file, Dialect::Ansible);
    let root = composer.single().map_err(|f| f.diagnostic(&text, file))?;
    let warnings = composer.notices.iter().map(Notice::diagnostic).collect();
    Ok(Document { file, root, vaults: composer.vaults, warnings })
}

/// Reads a text that is in no file, as the `from_yaml` filter does: no `!vault`, no `!unsafe`; nothing but comments is null.
///
/// # Errors
/// The message of PyYAML's exception.
pub fn parse_value(text: &str, trust: Trust) -> Result<Value, String> {
    let text = without_mark(text);
    let mut composer = Composer::new(text, FileId(u32::MAX), Dialect::Plain);
    match composer.single() {
        Ok(root) => Ok(root.map_or(Value::Null, |node| without_places(node.to_value(trust), trust))),
        Err(fault) => Err(fault.python()),
    }
}

/// All documents of a text that is in no file, as the `from_yaml_all` filter gives them.
///
/// # Errors
/// The message of PyYAML's exception.
pub fn parse_values(text: &str, trust: Trust) -> Result<Vec<Value>, String> {
    let text = without_mark(text);
    let mut composer = Composer::new(text, FileId(u32::MAX), Dialect::Plain);
    let mut values = Vec::new();
    while let Some(node) = composer.document().map_err(|f| f.python())? {
        values.push(without_places(node.to_value(trust), trust));
    }
    Ok(values)
}

/// Spans of a text that is in no source map mean nothing.
fn without_places(value: Value, trust: Trust) -> Value {
    use crate::value::Text;
    match value {
        Value::Str(t) => Value::Str(Text::new(t.shared().clone(), trust, None)),
        Value::List(items) => Value::list(items.iter().map(|v| without_places(v.clone(), trust)).collect()),
        Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), without_places(v.clone(), trust))).collect()),
        other => other,
    }
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn register(sources: &SourceMap, path: impl Into<PathBuf>, text: &str) -> Result<(FileId, Arc<str>), Diagnostic> {
    let path = path.into();
    if u32::try_from(text.len()).is_err() {
        return Err(Diagnostic::error(Code::YAML_SYNTAX, format!("{} is larger than 4 GiB", path.display())));
    }
    let text: Arc<str> = without_mark(text).into();
    Ok((sources.add(path, text.clone()), text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::yaml::NodeKind;

    fn one(text: &str) -> Node {
        read_one(&SourceMap::default(), "t.yml", text).unwrap().root.unwrap()
    }

    fn fault(text: &str) -> (String, String) {
        let sources = SourceMap::default();
        let fault = read_one(&sources, "t.yml", text).unwrap_err();
        (sources.location(fault.span().unwrap()).unwrap().to_string(), fault.message)
    }

    #[test]
    fn spans_are_bytes_of_the_text_that_was_parsed() {
        let sources = SourceMap::default();
        let text = "\u{feff}é: ü\r\nlist:\r\n  - 'a b'\r\n  - {k: [1, 2]}\r\n  - |\r\n    x\r\n";
        let root = read_one(&sources, "t.yml", text).unwrap().root.unwrap();
        let shown = |n: &Node| sources.text(n.span).unwrap();
        assert_eq!(shown(&root.as_map().unwrap()[0].1), "ü");
        let items = root.get("list").unwrap();
        let shown: Vec<_> = items.as_seq().unwrap().iter().map(shown).collect();
        assert_eq!(shown, ["'a b'", "{k: [1, 2]}", "|\r\n    x"]);
        assert_eq!(sources.location(items.span).unwrap().to_string(), "t.yml:3:3");
    }

    #[test]
    fn overridden_merges_keep_the_place_of_the_override() {
        let root = one("b: &b {x: 1, y: 2}\nk:\n  <<: *b\n  x: 3\n");
        let k = root.get("k").unwrap();
        assert_eq!(k.to_value(Trust::Author).repr(), "{'x': 3, 'y': 2}");
        assert_eq!(k.entry("x").unwrap().0.span.start, 33);
    }

    #[test]
    fn duplicate_keys_warn_with_both_places() {
        let sources = SourceMap::default();
        let doc = read_one(&sources, "t.yml", "a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(doc.root.clone().unwrap().to_value(Trust::Author).repr(), "{'a': 3, 'b': 2}");
        let [warning] = &doc.warnings[..] else { panic!("one warning") };
        assert_eq!(warning.message, "Found duplicate mapping key 'a'.");
        let places: Vec<_> = warning.labels.iter().map(|l| sources.location(l.span).unwrap().to_string()).collect();
        assert_eq!(places, ["t.yml:3:1", "t.yml:1:1"]);
        assert!(doc.clone().under(Duplicates::Ignore).unwrap().warnings.is_empty());
        assert_eq!(doc.under(Duplicates::Error).unwrap_err().severity, Severity::Error);
    }

    #[test]
    fn unsafe_covers_the_whole_subtree() {
        let root = one("a: !unsafe {x: ['{{ y }}']}\nb: '{{ y }}'\n");
        assert!(!root.get("a").unwrap().to_value(Trust::Author).needs_render());
        assert!(root.get("b").unwrap().to_value(Trust::Author).needs_render());
    }

    #[test]
    fn json_files_are_read_as_json() {
        assert_eq!(one("1e3").kind, NodeKind::Float(1000.0));
        assert_eq!(one(r#"{"a": "\ud83d\ude00", "<<": 1}"#).to_value(Trust::Author).repr(), "{'a': '😀', '<<': 1}");
    }

    #[test]
    fn faults_name_the_usual_causes() {
        for (text, place, message) in [
            ("a: 1\n\tb: 2\n", "t.yml:2:1", "Tabs are usually invalid in YAML."),
            ("a: {{ x }}\n", "t.yml:1:4", "This may be an issue with missing quotes around a template block."),
            ("a: b: c\n", "t.yml:1:5", "Colons in unquoted values must be followed by a non-space character."),
            ("a: \"b\" c\n", "t.yml:1:4", "Values starting with a quote must end with the same quote."),
            ("a: *x\n", "t.yml:1:4", "Found undefined alias."),
            ("--- 1\n--- 2\n", "t.yml:2:1", "Expected a single document in the stream but found another document."),
        ] {
            assert_eq!(fault(text), (place.to_owned(), format!("YAML parsing failed: {message}")), "{text:?}");
        }
    }

    #[test]
    fn laughter_and_bottomless_nesting_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let row = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb += &format!("a{i}: &a{i} [{row}]\n");
        }
        assert!(fault(&bomb).1.contains("liases make more than"));
        assert!(fault(&"[".repeat(100_000)).1.contains("levels deep"));
        assert!(fault(&"- ".repeat(100_000)).1.contains("levels deep"));
        assert!(fault(&"{a: ".repeat(100_000)).1.contains("levels deep"));
        assert!(fault("&a [*a]").1.contains("inside the node"));
    }
}
