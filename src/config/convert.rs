//! Text of a setting → its type, as ansible-core's `ensure_type`.

use super::{Kind, Surroundings};
use crate::value::Value;
use std::path::{Component, Path, PathBuf};

/// Where text comes from, as far as conversion cares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// Relative paths start here; else at the working directory.
    pub base: Option<&'a Path>,
    /// Text of an ini file loses its quotes.
    pub ini: bool,
}

/// # Errors
/// The cause, where the text does not fit the type.
pub(super) fn convert(text: &str, kind: Kind, source: Source<'_>, around: &Surroundings) -> Result<Value, String> {
    let wrong = || format!("Invalid value provided for '{}': {}", kind.name(), crate::value::repr_str(text));
    let path = |p: &str| Value::from(resolve(p, source.base, around).to_string_lossy().into_owned());
    Ok(match kind {
        Kind::Bool => Value::Bool(boolean(text)),
        Kind::Int => Value::Int(integer(text).ok_or_else(wrong)?),
        Kind::Float => Value::Float(text.trim().replace('_', "").parse().map_err(|_| wrong())?),
        Kind::Str | Kind::Raw => Value::trusted(if source.ini { unquote(text) } else { text }),
        Kind::List => Value::list(text.split(',').map(|x| Value::trusted(unquote(x.trim()))).collect()),
        Kind::Path | Kind::TmpPath => {
            let full = path(text);
            full.as_str().filter(|_| source.ini).map_or(full.clone(), |p| Value::from(unquote(p)))
        }
        Kind::PathSpec => Value::list(text.split(':').map(path).collect()),
        Kind::PathList => Value::list(text.split(',').map(|p| path(p.trim())).collect()),
        Kind::Dict => return Err(wrong()),
    })
}

/// Ansible's reading of a boolean: anything that is not a word for yes is no.
pub fn boolean(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "y" | "yes" | "on" | "1" | "true" | "t")
}

/// An integer, also written as a decimal without a fraction (`5.0`, `1e3`).
fn integer(text: &str) -> Option<i64> {
    let text = text.trim().replace('_', "");
    text.parse().ok().or_else(|| {
        let float: f64 = text.parse().ok()?;
        (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
    })
}

/// Without the pair of quotes around it.
pub(crate) fn unquote(text: &str) -> &str {
    let bytes = text.as_bytes();
    let quoted = bytes.len() > 1
        && matches!(bytes[0], b'"' | b'\'')
        && bytes[0] == bytes[bytes.len() - 1]
        && bytes[bytes.len() - 2] != b'\\';
    if quoted { &text[1..text.len() - 1] } else { text }
}

pub(super) fn resolve(path: &str, base: Option<&Path>, around: &Surroundings) -> PathBuf {
    let path = path.replace("{{CWD}}", &around.cwd.to_string_lossy());
    let path = expand_home(&expand_vars(&path, around), around);
    normalise(&base.unwrap_or(&around.cwd).join(path))
}

/// `$NAME` and `${NAME}`; unknown names stay.
fn expand_vars(text: &str, around: &Surroundings) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, len) = match after.strip_prefix('{') {
            Some(braced) => braced.find('}').map_or(("", 0), |end| (&braced[..end], end + 2)),
            None => {
                let len = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..len], len)
            }
        };
        match around.env.get(name).filter(|_| len > 0) {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[at..at + 1 + len]),
        }
        rest = &after[len..];
    }
    out + rest
}

/// `~` and `~/…`. Other users' homes are not looked up.
fn expand_home(text: &str, around: &Surroundings) -> String {
    match (text.strip_prefix('~'), &around.home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", home.to_string_lossy().trim_end_matches('/'))
        }
        _ => text.to_owned(),
    }
}

/// Without `.`, `..` and double slashes.
fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.parent().is_some() => {
                out.pop();
            }
            Component::ParentDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_its_type() {
        let around = Surroundings {
            cwd: "/work".into(),
            home: Some("/home/me".into()),
            env: [("X".to_owned(), "ex".to_owned())].into(),
            ..Default::default()
        };
        let source = Source { base: Some(Path::new("/etc/ansible")), ini: true };
        for (kind, text, want) in [
            (Kind::Bool, "Yes", "True"),
            (Kind::Bool, "nope", "False"),
            (Kind::Int, " 5.0", "5"),
            (Kind::Int, "1e3", "1000"),
            (Kind::Float, "0.5", "0.5"),
            (Kind::Str, "'a b'", "a b"),
            (Kind::List, "a, 'b' ,c", "['a', 'b', 'c']"),
            (Kind::Path, "../x/./y", "/etc/x/y"),
            (Kind::Path, "~/$X/${X}/$NO", "/home/me/ex/ex/$NO"),
            (Kind::Path, "{{CWD}}/a", "/work/a"),
            (Kind::PathSpec, "a:/b", "['/etc/ansible/a', '/b']"),
            (Kind::PathList, "a, b", "['/etc/ansible/a', '/etc/ansible/b']"),
        ] {
            assert_eq!(convert(text, kind, source, &around).unwrap().to_string(), want, "{text}");
        }
        assert!(convert("5.5", Kind::Int, source, &around).is_err());
        assert!(convert("x", Kind::Float, source, &around).is_err());
    }
}
