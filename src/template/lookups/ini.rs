//! The ini lookup: values of an INI or properties file.

use super::options::Options;
use super::{How, LOOKUP, Lookup, file, keyvalue, search};
use crate::template::filters::{optional, regex_matches};
use crate::template::runtime::{Args, Cx, Fault, Res, V, text};

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "ini",
    summary: "Values of an INI or properties file.",
    params: &[
        optional("file", "str", "'ansible.ini'"),
        optional("section", "str", "'global'"),
        optional("type", "ini or properties", "'ini'"),
        optional("re", "bool", "False"),
        optional("encoding", "str", "'utf-8'"),
        optional("default", "any", "''"),
        optional("case_sensitive", "bool", "False"),
        optional("allow_no_value", "bool", "False"),
        optional("allow_none", "bool", "False"),
        optional("interpolation", "bool", "True"),
    ],
    example: ("query('ini', 'a', file='/nothing', errors='ignore')", "[]"),
    run: ini,
    ..LOOKUP
}];

fn ini(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let mut out = vec![];
    for term in terms {
        let term = text(cx, term)?;
        let (mut key, mut pairs) = (term.clone(), vec![]);
        if term.contains('=') || term.trim().contains(' ') {
            (key, pairs) = keyvalue::parse(&term)?;
        }
        let options = Options::new(cx, "ini", args, pairs)?;
        if key.is_empty() {
            return Err(Fault::raw(format!(
                "No key to look up was provided as first term within string inline options: {term}"
            )));
        }
        let name = options.text("file", "ansible.ini")?;
        let path = search::find(cx, Some("files"), &name).ok_or_else(|| search::nothing(&name))?;
        let properties = options.text("type", "ini")? == "properties";
        let section = if properties { "java_properties".to_owned() } else { options.text("section", "global")? };
        let sensitive = options.flag("case_sensitive", false)?;
        let source = file::read_as(cx, &path, &options.text("encoding", "utf-8")?)?;
        let source = if properties { format!("[java_properties]\n{}", source.as_str()) } else { source.to_string() };
        // One option by two names.
        let bare = options.flag("allow_no_value", options.flag("allow_none", false)?)?;
        let parsed = parse(&source, sensitive, bare).map_err(|e| match e {
            Bad::Twice => Fault::raw(format!("Duplicate option in {}.", crate::value::repr_str(&name))),
            Bad::Other(message) => Fault::raw(message),
        })?;
        if section != "DEFAULT" && !parsed.iter().any(|(s, _)| *s == section) {
            return Err(Fault::raw(format!("No section '{section}' in '{name}'.")));
        }
        let interpolate = options.flag("interpolation", true)?;
        if options.flag("re", false)? {
            for (k, v) in values(&parsed, &section) {
                if regex_matches(cx, &k, &V::str(key.as_str()), false, false, "match")? {
                    out.push(expand(&parsed, &section, v, interpolate, 0)?);
                }
            }
            continue;
        }
        let wanted = if sensitive { key.clone() } else { key.to_lowercase() };
        match values(&parsed, &section).into_iter().find(|(k, _)| *k == wanted) {
            Some((_, v)) => match expand(&parsed, &section, v, interpolate, 0)? {
                V::None => {}
                v => out.push(v),
            },
            None => match options.given("default").as_deref() {
                None => out.push(V::str("")),
                Some(V::None) => {}
                Some(V::List(l)) => out.extend(l.items(cx)),
                Some(default) => out.push(default.clone()),
            },
        }
    }
    Ok(out)
}

type Sections = Vec<(String, Vec<(String, Option<String>)>)>;

/// Those of the section, then those of `DEFAULT` that it does not set.
fn values(parsed: &Sections, section: &str) -> Vec<(String, Option<String>)> {
    let mut out: Vec<(String, Option<String>)> = vec![];
    for name in ["DEFAULT", section] {
        for (_, pairs) in parsed.iter().filter(|(s, _)| s == name) {
            for (k, v) in pairs {
                match out.iter_mut().find(|(o, _)| o == k) {
                    Some(slot) => slot.1 = v.clone(),
                    None => out.push((k.clone(), v.clone())),
                }
            }
        }
    }
    out
}

/// `%(name)s` and `%%`.
fn expand(parsed: &Sections, section: &str, value: Option<String>, interpolate: bool, depth: usize) -> Res {
    let Some(value) = value else { return Ok(V::None) };
    if !interpolate || !value.contains('%') {
        return Ok(V::str(value));
    }
    if depth > 10 {
        return Err(Fault::raw("Recursion limit exceeded in value substitution"));
    }
    let mut out = String::new();
    let mut rest = value.as_str();
    while let Some(at) = rest.find('%') {
        out += &rest[..at];
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('%') {
            out.push('%');
            rest = tail;
        } else if let Some((name, tail)) = rest.strip_prefix('(').and_then(|r| r.split_once(")s")) {
            let found = values(parsed, section).into_iter().find(|(k, _)| *k == name.to_lowercase());
            let found = found.ok_or_else(|| Fault::raw(format!("Bad value substitution: '{name}' is not set")))?;
            if let V::Str(text) = expand(parsed, section, found.1, true, depth + 1)? {
                out += &text;
            }
            rest = tail;
        } else {
            return Err(Fault::raw(format!("'%' must be followed by '%' or '(', found: '%{rest}'")));
        }
    }
    Ok(V::str(out + rest))
}

/// Why a text is no INI file.
enum Bad {
    /// An option stands twice.
    Twice,
    Other(String),
}

/// Python's configparser: `=` or `:`, comments on lines of their own, indented lines continue a value.
fn parse(source: &str, sensitive: bool, no_value: bool) -> Result<Sections, Bad> {
    let mut out: Sections = vec![];
    for (number, line) in source.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with(char::is_whitespace)
            && let Some((_, Some(value))) = out.last_mut().and_then(|(_, pairs)| pairs.last_mut())
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|t| t.find(']').map(|e| &t[..e])) {
            if out.iter().any(|(s, _)| s == name) {
                return Err(Bad::Other(format!("While reading line {}: section '{name}' already exists", number + 1)));
            }
            out.push((name.to_owned(), vec![]));
            continue;
        }
        let Some((_, pairs)) = out.last_mut() else {
            return Err(Bad::Other("File contains no section headers.".to_owned()));
        };
        let (key, value) = match trimmed.find(['=', ':']) {
            Some(at) => (trimmed[..at].trim(), Some(trimmed[at + 1..].trim().to_owned())),
            None if no_value => (trimmed, None),
            None => return Err(Bad::Other(format!("Source contains parsing errors: line {}", number + 1))),
        };
        let key = if sensitive { key.to_owned() } else { key.to_lowercase() };
        if pairs.iter().any(|(k, _)| *k == key) {
            return Err(Bad::Twice);
        }
        pairs.push((key, value));
    }
    Ok(out)
}
