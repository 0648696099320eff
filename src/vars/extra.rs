//! Extra variables: `-e 'k=v k2="x y"'`, JSON or YAML in braces, `@file`.

use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::inventory::Reader;
use crate::value::{Map, MergeMode, Text, Trust, Value, merge};
use crate::yaml;
use std::path::Path;

/// Splits `k=v` text into pairs.
pub type KeyValues<'a> = &'a dyn Fn(&str) -> Result<Vec<(String, String)>, String>;

/// All `-e` options, later ones over earlier ones. Files are relative to `cwd`; `~` must have been expanded.
///
/// # Errors
/// Where an option is no set of variables, or its file cannot be read.
pub fn extra_vars(
    options: &[String],
    reader: &Reader,
    cwd: &Path,
    merging: bool,
    key_values: KeyValues<'_>,
) -> Result<(Map, Diagnostics), Diagnostic> {
    let mut all = Map::new();
    let mut warnings = vec![];
    for option in options.iter().filter(|o| !o.is_empty()) {
        let new = one(option, reader, cwd, key_values, &mut warnings)?;
        let Value::Map(new) = new else {
            let text = format!("Invalid extra vars data supplied. '{option}' could not be made into a dictionary");
            return Err(Diagnostic::error(Code::CONFIG_INVALID, text));
        };
        all = merge(&all, &new, MergeMode { recursive: merging, ..Default::default() });
    }
    Ok((all, warnings))
}

fn one(
    option: &str,
    reader: &Reader,
    cwd: &Path,
    key_values: KeyValues<'_>,
    warnings: &mut Diagnostics,
) -> Result<Value, Diagnostic> {
    let shown = "<CLI option '-e'>";
    let document = match option.as_bytes()[0] {
        b'@' => reader.document(&cwd.join(&option[1..]))?,
        b'/' | b'.' => {
            let text = format!("Please prepend extra_vars filename '{option}' with '@'");
            return Err(Diagnostic::error(Code::OPTION_INVALID, text));
        }
        b'[' | b'{' => yaml::read_one(&reader.sources, shown, option)?.under(reader.duplicates)?,
        _ => {
            let file = reader.sources.add(shown, option);
            let span = Span::new(file, 0, option.len());
            let pairs = key_values(option).map_err(|e| Diagnostic::error(Code::OPTION_INVALID, e).at(span, "here"))?;
            let text = |v: String| Value::Str(Text::new(v, Trust::Author, Some(span)));
            return Ok(Value::map(pairs.into_iter().map(|(k, v)| (k.into(), text(v))).collect()));
        }
    };
    warnings.extend(document.warnings);
    Ok(document.root.map_or(Value::Null, |node| node.to_value(Trust::Author)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::files::Mem;
    use std::sync::Arc;

    fn read(options: &[&str]) -> Result<String, String> {
        let files = Mem::default().with("/w/v.yml", "a: 1\nd: {x: 1}").with("/w/l.yml", "- 1");
        let reader = Reader {
            files: Arc::new(files),
            sources: SourceMap::default(),
            vault: None,
            duplicates: Default::default(),
        };
        let options: Vec<String> = options.iter().map(|o| (*o).to_owned()).collect();
        let pairs =
            |t: &str| Ok(t.split(' ').filter_map(|w| w.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect());
        extra_vars(&options, &reader, Path::new("/w"), false, &pairs)
            .map(|(map, _)| Value::from(map).to_string())
            .map_err(|e| e.message)
    }

    #[test]
    fn all_forms() {
        for (options, want) in [
            (&["a=1 b=x"][..], "{'a': '1', 'b': 'x'}"),
            (&["{\"a\": [1, true]}"], "{'a': [1, True]}"),
            (&["{a: b}"], "{'a': 'b'}"),
            (&["@v.yml", "a=2"], "{'a': '2', 'd': {'x': 1}}"),
            (&["@/w/v.yml", "{d: {y: 2}}"], "{'a': 1, 'd': {'y': 2}}"),
            (&[""], "{}"),
        ] {
            assert_eq!(read(options).unwrap(), want);
        }
        for option in ["@l.yml", "[1]", "/w/v.yml", "@none"] {
            assert!(read(&[option]).is_err(), "{option}");
        }
    }
}
