//! Filters with regular expressions, in Python's syntax.

use super::{FILTER, Filter, as_text, optional, required};
use crate::template::regex::{self, Match, Pattern};
use crate::template::runtime::{Args, Cx, Fault, Param, Res, V, truth};
use std::sync::Arc;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "regex_replace",
        summary: "Replaces what a pattern matches.",
        params: &[
            optional("pattern", "str", "''"),
            optional("replacement", "str", "''"),
            optional("ignorecase", "bool", "False"),
            optional("multiline", "bool", "False"),
            optional("count", "int", "0"),
            optional("mandatory_count", "int", "0"),
        ],
        example: ("'ansible' | regex_replace('^a.*i(.*)$', 'a\\\\1')", "'able'"),
        run: replace,
        ..FILTER
    },
    Filter {
        name: "regex_search",
        summary: "What a pattern matches first, or groups of it.",
        params: SEARCH,
        rest: Some("groups, as \\\\1 or \\\\g<name>"),
        named: true,
        example: ("'server1/database42' | regex_search('database[0-9]+')", "'database42'"),
        run: search,
        ..FILTER
    },
    Filter {
        name: "regex_findall",
        summary: "All that a pattern matches.",
        params: &[
            required("regex", "str"),
            optional("multiline", "bool", "False"),
            optional("ignorecase", "bool", "False"),
        ],
        example: ("'a1b22' | regex_findall('[0-9]+')", "['1', '22']"),
        run: find_all,
        ..FILTER
    },
    Filter {
        name: "regex_escape",
        summary: "Text with every character escaped that means something in a pattern.",
        params: &[optional("re_type", "python or posix_basic", "'python'")],
        example: ("'a.b' | regex_escape", "'a\\\\.b'"),
        run: |cx, v, args| {
            let text = as_text(cx, &v)?;
            let special = match args.text_or(cx, "re_type", "python")?.as_str() {
                "python" => "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c",
                "posix_basic" => "].[^$*\\",
                "posix_extended" => return Err(Fault::raw("Regex type (posix_extended) not yet implemented")),
                other => return Err(Fault::raw(format!("Invalid regex type ({other})"))),
            };
            Ok(V::str(text.chars().fold(String::new(), |mut out, c| {
                if special.contains(c) {
                    out.push('\\');
                }
                out.push(c);
                out
            })))
        },
        ..FILTER
    },
];

const SEARCH: &[Param] = &[required("regex", "str")];

fn pattern(cx: &Cx, source: &V, ignorecase: bool, multiline: bool) -> Res<Arc<Pattern>> {
    let source = match source {
        V::Str(t) => t.shared().clone(),
        V::Undef(f) => return Err(f.clone()),
        other => {
            return Err(Fault::raw(format!(
                "first argument must be string or compiled pattern, not {}",
                other.type_name()
            )));
        }
    };
    cx.engine.pattern(&source, ignorecase, multiline).map_err(Fault::raw)
}

fn replace(cx: &Cx, v: V, args: Args) -> Res {
    let text = as_text(cx, &v)?;
    let pattern = pattern(
        cx,
        &args.given("pattern").cloned().unwrap_or_else(|| V::str("")),
        args.flag("ignorecase", false)?,
        args.flag("multiline", false)?,
    )?;
    let replacement = match args.given("replacement") {
        None => String::new(),
        Some(V::Str(t)) => t.to_string(),
        Some(other) => {
            return Err(Fault::raw(format!("decoding to str: need a bytes-like object, {} found", other.type_name())));
        }
    };
    let count = usize::try_from(args.int("count", 0)?).unwrap_or(0);
    let (out, n) = regex::substitute(&pattern, &text, &replacement, count).map_err(Fault::raw)?;
    let mandatory = args.int("mandatory_count", 0)?;
    if mandatory != 0 && mandatory != n as i64 {
        return Err(Fault::raw(format!(
            "'{}' should match {mandatory} times, but matches {count} times in '{text}'",
            args.text_or(cx, "pattern", "")?
        )));
    }
    Ok(V::str(out))
}

fn search(cx: &Cx, v: V, args: Args) -> Res {
    let text = as_text(cx, &v)?;
    let flag = |name: &str| args.named.iter().find(|(n, _)| &**n == name).map_or(Ok(false), |(_, v)| truth(v));
    let pattern = pattern(cx, &args.value("regex"), flag("ignorecase")?, flag("multiline")?)?;
    let mut groups = vec![];
    for group in &args.rest {
        let name = as_text(cx, group)?;
        let inner = name
            .strip_prefix("\\g<")
            .and_then(|n| n.strip_suffix('>'))
            .or_else(|| name.strip_prefix('\\').filter(|n| n.bytes().all(|b| b.is_ascii_digit())));
        groups.push(inner.ok_or_else(|| Fault::raw("Unknown argument"))?.to_owned());
    }
    let Some(found) = pattern.find(&text, 0).map_err(Fault::raw)? else { return Ok(V::None) };
    if groups.is_empty() {
        return Ok(V::str(found.whole(&text)));
    }
    let group = |name: &String| -> Res {
        let index = pattern.group(name).ok_or_else(|| Fault::raw("no such group"))?;
        Ok(found.group(index, &text).map_or(V::None, V::str))
    };
    groups.iter().map(group).collect::<Res<Vec<V>>>().map(V::list)
}

fn find_all(cx: &Cx, v: V, args: Args) -> Res {
    let text = as_text(cx, &v)?;
    let pattern = pattern(cx, &args.value("regex"), args.flag("ignorecase", false)?, args.flag("multiline", false)?)?;
    let group = |m: &Match, i: usize| V::str(m.group(i, &text).unwrap_or(""));
    let all = regex::all_matches(&pattern, &text, 0).map_err(Fault::raw)?;
    Ok(V::list(
        all.iter()
            .map(|m| match m.groups() {
                0 => group(m, 0),
                1 => group(m, 1),
                n => V::tuple((1..=n).map(|i| group(m, i)).collect()),
            })
            .collect(),
    ))
}

/// Whether a pattern matches: anywhere, at the start, or the whole text. For the tests of that name.
pub fn matches(cx: &Cx, text: &str, source: &V, ignorecase: bool, multiline: bool, kind: &str) -> Res<bool> {
    let pattern = pattern(cx, source, ignorecase, multiline)?;
    let found = match kind {
        "match" => pattern.match_at_start(text),
        "fullmatch" => {
            pattern.match_at_start(text).map(|m| m.filter(|m| m.range(0).is_some_and(|r| r.1 == text.len())))
        }
        _ => pattern.find(text, 0),
    };
    Ok(found.map_err(Fault::raw)?.is_some())
}
