//! INI text as Python's `configparser` reads it, for local facts.

use crate::contract::{Json, JsonMap};

/// Why text is no INI file, or one of its values cannot be had.
#[derive(Debug, PartialEq)]
pub enum Fault {
    Syntax,
    /// A `%(name)s` that cannot be replaced, in words.
    Value(String),
}

type Section = Vec<(String, String)>;

/// Sections → options → text. Options are in lower case; those of `[DEFAULT]` are in every section.
pub fn parse(text: &str) -> Result<JsonMap, Fault> {
    let (defaults, sections) = read(text)?;
    let mut out = JsonMap::new();
    for (name, options) in sections {
        let mut all = defaults.clone();
        for (key, value) in options {
            put(&mut all, key, value);
        }
        let mut map = JsonMap::new();
        for (key, value) in &all {
            let value = interpolate(&name, key, value, &all, 0).map_err(Fault::Value)?;
            map.insert(key.clone(), Json::String(value));
        }
        out.insert(name, map.into());
    }
    Ok(out)
}

/// As [`parse`], with values as they are written.
pub fn parse_raw(text: &str) -> Result<JsonMap, Fault> {
    let (defaults, sections) = read(text)?;
    let full = |(name, options): (String, Section)| {
        let all = defaults.iter().cloned().chain(options).map(|(key, value)| (key, Json::String(value)));
        (name, Json::Object(all.collect()))
    };
    Ok(sections.into_iter().map(full).collect())
}

fn put(section: &mut Section, key: String, value: String) {
    match section.iter_mut().find(|(k, _)| *k == key) {
        Some((_, old)) => *old = value,
        None => section.push((key, value)),
    }
}

fn read(text: &str) -> Result<(Section, Vec<(String, Section)>), Fault> {
    let mut defaults = Section::new();
    let mut sections: Vec<(String, Section)> = Vec::new();
    let mut in_defaults = false;
    // The option that an indented line continues, by its indentation.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let content = line.trim();
        if content.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let current = if in_defaults { Some(&mut defaults) } else { sections.last_mut().map(|(_, options)| options) };
        if let (Some(at), Some(section)) = (open, current)
            && (content.is_empty() || indent > at)
        {
            if let Some((_, value)) = section.last_mut() {
                value.push('\n');
                value.push_str(content);
            }
            continue;
        }
        if content.is_empty() {
            continue;
        }
        if let Some(header) = content.strip_prefix('[').and_then(|rest| rest.rfind(']').map(|end| &rest[..end])) {
            open = None;
            in_defaults = header == "DEFAULT";
            if !in_defaults {
                if header.is_empty() || sections.iter().any(|(name, _)| name == header) {
                    return Err(Fault::Syntax);
                }
                sections.push((header.to_owned(), Section::new()));
            }
            continue;
        }
        let (key, value) = content.split_once(['=', ':']).ok_or(Fault::Syntax)?;
        let key = key.trim_end().to_lowercase();
        let section = if in_defaults { Some(&mut defaults) } else { sections.last_mut().map(|(_, options)| options) };
        let section = section.ok_or(Fault::Syntax)?;
        if key.is_empty() || section.iter().any(|(k, _)| *k == key) {
            return Err(Fault::Syntax);
        }
        section.push((key, value.trim().to_owned()));
        open = Some(indent);
    }
    let end = |section: &mut Section| section.iter_mut().for_each(|(_, value)| value.truncate(value.trim_end().len()));
    end(&mut defaults);
    sections.iter_mut().for_each(|(_, section)| end(section));
    Ok((defaults, sections))
}

fn interpolate(section: &str, option: &str, text: &str, all: &Section, depth: usize) -> Result<String, String> {
    if depth > 10 {
        return Err(format!(
            "Recursion limit exceeded in value substitution: option '{option}' in section '{section}' contains an interpolation key which cannot be substituted in 10 steps. Raw value: '{text}'"
        ));
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('%') {
            out.push('%');
            rest = tail;
            continue;
        }
        let Some(name_on) = after.strip_prefix('(') else {
            return Err(format!("'%' must be followed by '%' or '(', found: '{}'", &rest[at..]));
        };
        let Some((name, tail)) = name_on.split_once(")s") else {
            return Err(format!("bad interpolation variable reference '{}'", &rest[at..]));
        };
        let name = name.to_lowercase();
        let Some((_, value)) = all.iter().find(|(key, _)| *key == name) else {
            return Err(format!(
                "Bad value substitution: option '{option}' in section '{section}' contains an interpolation key '{name}' which is not a valid option name. Raw value: '{text}'"
            ));
        };
        out.push_str(&interpolate(section, option, value, all, depth + 1)?);
        rest = tail;
    }
    Ok(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sections_defaults_continuations_and_interpolation() {
        let text = "[DEFAULT]\nhome = /srv\n# note\n[General]\nName = x ; kept\nPath: %(home)s/%(name)s\nlong = a\n  b\n\n  c\nrate = 5%%\n";
        assert_eq!(
            parse(text).map(Json::from),
            Ok(
                json!({"General": {"home": "/srv", "name": "x ; kept", "path": "/srv/x ; kept", "long": "a\nb\n\nc", "rate": "5%"}})
            )
        );
    }

    #[test]
    fn what_is_no_ini_file_is_refused() {
        for text in ["just words\n", "a=1\n", "[s]\nword\n", "[s]\na=1\na=2\n", "[s]\n[s]\n", "[]\n"] {
            assert_eq!(parse(text), Err(Fault::Syntax), "{text}");
        }
        assert_eq!(parse("").map(Json::from), Ok(json!({})));
        assert_eq!(
            parse("[s]\na=5%\n"),
            Err(Fault::Value("'%' must be followed by '%' or '(', found: '%'".to_owned()))
        );
    }
}
