//! The csvfile lookup: a column of the row that a key names.

use super::options::Options;
use super::{How, LOOKUP, Lookup, file, keyvalue, search};
use crate::template::filters::{optional, own_text};
use crate::template::runtime::{Args, Cx, Fault, Res, V};

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "csvfile",
    summary: "A column of the row that a key names.",
    params: &[
        optional("file", "str", "'ansible.csv'"),
        optional("col", "int", "1"),
        optional("keycol", "int", "0"),
        optional("delimiter", "str", "'TAB'"),
        optional("default", "any", "None"),
        optional("encoding", "str", "'utf-8'"),
    ],
    example: ("query('csvfile', 'a', file='/nothing', errors='ignore')", "[]"),
    run: csvfile,
    ..LOOKUP
}];

fn csvfile(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    if terms.is_empty() {
        return Err(Fault::raw("Search key is required but was not found"));
    }
    let mut out = vec![];
    for term in terms {
        let (key, words) = match term {
            V::None => (String::new(), vec![]),
            term => keyvalue::parse(own_text(term, "split")?)?,
        };
        if key.is_empty() {
            return Err(Fault::raw("Search key is required but was not found"));
        }
        let options = Options::new(cx, "csvfile", args, words)?;
        let (key_column, value_column) = (column(&options, "keycol", 0)?, column(&options, "col", 1)?);
        let delimiter = options.text("delimiter", "TAB")?;
        let delimiter = match (delimiter.as_str(), delimiter.chars().next()) {
            ("TAB", _) => '\t',
            (one, Some(c)) if one.len() == c.len_utf8() => c,
            _ => return Err(Fault::raw("\"delimiter\" must be a 1-character string")),
        };
        let name = options.text("file", "ansible.csv")?;
        let path = search::find(cx, Some("files"), &name).ok_or_else(|| search::nothing(&name))?;
        let rows = rows(&file::read_as(cx, &path, &options.text("encoding", "utf-8")?)?, delimiter);
        let row = rows.iter().find(|r| r.get(key_column).is_some_and(|k| *k == key));
        match row {
            Some(row) => {
                out.push(V::str(row.get(value_column).ok_or_else(|| Fault::raw("list index out of range"))?.as_str()))
            }
            None => match options.given("default").as_deref() {
                None | Some(V::None) => {}
                Some(V::List(l)) => out.extend(l.items(cx)),
                Some(default) => out.push(default.clone()),
            },
        }
    }
    Ok(out)
}

fn column(options: &Options, name: &str, default: i64) -> Res<usize> {
    usize::try_from(options.int(name, default)?).map_err(|_| Fault::raw("list index out of range"))
}

/// The rows of a CSV text: quoted fields, doubled quotes.
fn rows(source: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = vec![];
    let mut row = vec![];
    let mut field = String::new();
    let mut quoted = false;
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            c if quoted => field.push(c),
            '"' if field.is_empty() => quoted = true,
            c if c == delimiter => row.push(std::mem::take(&mut field)),
            '\r' => {}
            '\n' => {
                if !row.is_empty() || !field.is_empty() {
                    row.push(std::mem::take(&mut field));
                }
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    if !row.is_empty() || !field.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}
