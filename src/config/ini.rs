//! INI text as Python's `configparser` reads it with `;` as inline comment. No setting is known here.

use crate::diag::{Code, Diagnostic, FileId, Span};
use indexmap::IndexMap;

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub text: String,
    pub span: Span,
}

/// Sections of keys; keys are in lower case.
#[derive(Clone, Debug, Default)]
pub struct Ini {
    sections: IndexMap<String, IndexMap<String, Entry>>,
}

const DEFAULT: &str = "DEFAULT";

impl Ini {
    /// A value; the section `DEFAULT` stands in for keys that a section lacks.
    pub fn get(&self, section: &str, key: &str) -> Option<&Entry> {
        let own = self.sections.get(section)?;
        own.get(key).or_else(|| self.sections.get(DEFAULT)?.get(key))
    }
    pub fn sections(&self) -> impl Iterator<Item = (&str, &IndexMap<String, Entry>)> {
        self.sections.iter().map(|(name, keys)| (name.as_str(), keys))
    }

    /// # Errors
    /// Where `configparser` refuses the text: text before the first section, a section or key that stands twice, a line
    /// without `=` or `:`.
    pub fn parse(file: FileId, text: &str) -> Result<Ini, Diagnostic> {
        let mut ini = Ini::default();
        let mut section: Option<String> = None;
        let mut key: Option<String> = None;
        let mut indent = 0;
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let span = Span::new(file, offset, offset + line.trim_end().len());
            offset += line.len();
            let comment = comment_start(line);
            let value = line[..comment.unwrap_or(line.len())].trim();
            let open = section.as_ref().zip(key.as_ref());
            if value.is_empty() {
                if let (None, Some((s, k))) = (comment, open) {
                    ini.append(s, k, "");
                }
                continue;
            }
            let depth = line.len() - line.trim_start().len();
            if let (Some((s, k)), true) = (open, depth > indent) {
                ini.append(s, k, value);
                continue;
            }
            indent = depth;
            if let Some(name) = header(value) {
                if name != DEFAULT && ini.sections.contains_key(name) {
                    return Err(fault(span, format!("section {name:?} already exists")));
                }
                ini.sections.entry(name.to_owned()).or_default();
                section = Some(name.to_owned());
                key = None;
                continue;
            }
            let Some(name) = &section else {
                return Err(fault(span, "File contains no section headers."));
            };
            let Some(at) = value.find(['=', ':']).filter(|at| *at > 0) else {
                return Err(fault(
                    span,
                    format!("neither a section, nor KEY = VALUE, nor a continued value: {value:?}"),
                ));
            };
            let option = value[..at].trim_end().to_lowercase();
            let text = value[at + 1..].trim();
            let start = span.start as usize + depth + value[..at + 1].len();
            let blank = value[at + 1..].len() - value[at + 1..].trim_start().len();
            let place = Span::new(file, start + blank, start + blank + text.len());
            let keys = ini.sections.entry(name.clone()).or_default();
            if keys.insert(option.clone(), Entry { text: text.to_owned(), span: place }).is_some() {
                return Err(fault(span, format!("option {option:?} in section {name:?} already exists")));
            }
            key = Some(option);
        }
        for entry in ini.sections.values_mut().flat_map(IndexMap::values_mut) {
            entry.text.truncate(entry.text.trim_end().len());
        }
        Ok(ini)
    }

    fn append(&mut self, section: &str, key: &str, line: &str) {
        if let Some(entry) = self.sections.get_mut(section).and_then(|keys| keys.get_mut(key)) {
            entry.text.push('\n');
            entry.text.push_str(line);
        }
    }
}

fn fault(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::CONFIG_INVALID, "Error reading config file").cause(message).at(span, "here")
}

/// `[name]` at the start; what follows the last bracket does not count.
fn header(line: &str) -> Option<&str> {
    let end = line.rfind(']')?;
    line.strip_prefix('[').and_then(|_| line.get(1..end)).filter(|name| !name.is_empty())
}

/// Where a comment starts: the whole line after `#` or `;`, the rest of it after a `;` that follows a blank.
fn comment_start(line: &str) -> Option<usize> {
    if line.trim_start().starts_with(['#', ';']) {
        return Some(0);
    }
    line.match_indices(';').map(|(i, _)| i).find(|i| line[..*i].chars().next_back().is_some_and(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_configparser_reads_them() {
        let text = "# c\n[defaults]\nForks = 7 ; inline\nroles_path: a:b\nmulti = x,\n  y ,\n\n  z\nhash = a#b # kept\nempty =\n[other] trailing\nkey=v;not\n";
        let ini = Ini::parse(FileId(0), text).expect("reads");
        for (section, key, want) in [
            ("defaults", "forks", Some("7")),
            ("defaults", "roles_path", Some("a:b")),
            ("defaults", "multi", Some("x,\ny ,\n\nz")),
            ("defaults", "hash", Some("a#b # kept")),
            ("defaults", "empty", Some("")),
            ("other", "key", Some("v;not")),
            ("other", "none", None),
        ] {
            assert_eq!(ini.get(section, key).map(|e| e.text.as_str()), want, "{key}");
        }
        let at = ini.get("defaults", "forks").map(|e| &text[e.span.start as usize..e.span.end as usize]);
        assert_eq!(at, Some("7"));
    }

    #[test]
    fn faults_are_told() {
        for text in ["a = 1\n", "[a]\n[a]\n", "[a]\nx=1\nx=2\n", "[a]\njunk\n"] {
            assert!(Ini::parse(FileId(0), text).is_err(), "{text:?}");
        }
    }
}
