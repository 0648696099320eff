//! Filters that change text.

use super::{FILTER, Filter, as_text, optional, required};
use crate::template::runtime::{Args, Call, Cx, Fault, Res, V, iterate, percent_format};
use crate::value::Key;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "lower",
        summary: "Text in lower case.",
        example: ("'ABC' | lower", "'abc'"),
        run: |cx, v, _| Ok(V::str(as_text(cx, &v)?.to_lowercase())),
        ..FILTER
    },
    Filter {
        name: "upper",
        summary: "Text in upper case.",
        example: ("'abc' | upper", "'ABC'"),
        run: |cx, v, _| Ok(V::str(as_text(cx, &v)?.to_uppercase())),
        ..FILTER
    },
    Filter {
        name: "capitalize",
        summary: "The first letter in upper case, the others in lower case.",
        example: ("'aBC' | capitalize", "'Abc'"),
        run: |cx, v, _| Ok(V::str(capitalize(&as_text(cx, &v)?))),
        ..FILTER
    },
    Filter {
        name: "title",
        summary: "Each word with a capital.",
        example: ("'hello big-world' | title", "'Hello Big-World'"),
        run: |cx, v, _| Ok(V::str(title(&as_text(cx, &v)?))),
        ..FILTER
    },
    Filter {
        name: "trim",
        summary: "Text without white space (or given characters) at both ends.",
        params: &[optional("chars", "str", "None")],
        example: ("'  a ' | trim", "'a'"),
        run: |cx, v, args| {
            let text = as_text(cx, &v)?;
            Ok(V::str(match args.text(cx, "chars")? {
                None => text.trim().to_owned(),
                Some(set) => text.trim_matches(|c| set.contains(c)).to_owned(),
            }))
        },
        ..FILTER
    },
    Filter {
        name: "replace",
        summary: "Replaces a text by another, everywhere or a number of times.",
        params: &[required("old", "str"), required("new", "str"), optional("count", "int", "None")],
        example: ("'a-b-c' | replace('-', '.')", "'a.b.c'"),
        run: |cx, v, args| {
            let (text, old, new) =
                (as_text(cx, &v)?, args.text_or(cx, "old", "None")?, args.text_or(cx, "new", "None")?);
            Ok(V::str(match args.int("count", -1)? {
                n if n < 0 => text.replace(&old, &new),
                n => text.replacen(&old, &new, n as usize),
            }))
        },
        ..FILTER
    },
    Filter {
        name: "split",
        summary: "Parts of a text between white space or a separator.",
        params: &[optional("sep", "str", "None"), optional("maxsplit", "int", "-1")],
        example: ("'a,b' | split(',')", "['a', 'b']"),
        run: |_, v, args| {
            let mut call = Call::pos(vec![args.value("sep")]);
            call.pos.push(V::Int(args.int("maxsplit", -1)?));
            match &v {
                V::Str(text) => crate::template::runtime::split_text(text, &call),
                other => Err(Fault::raw(format!(
                    "descriptor 'split' for 'str' objects doesn't apply to a '{}' object",
                    other.type_name()
                ))),
            }
        },
        ..FILTER
    },
    Filter {
        name: "format",
        summary: "Puts values into a text with `%` places.",
        rest: Some("values"),
        named: true,
        example: ("'%s-%02d' | format('a', 5)", "'a-05'"),
        run: |cx, v, args| {
            if !args.named.is_empty() && !args.rest.is_empty() {
                return Err(Fault::raw("can't handle positional and keyword arguments at the same time"));
            }
            let values = if args.named.is_empty() {
                V::tuple(args.rest)
            } else {
                V::dict(args.named.into_iter().map(|(k, v)| (Key::Str(k), v)))
            };
            percent_format(cx, &as_text(cx, &v)?, &values).map(V::str)
        },
        ..FILTER
    },
    Filter {
        name: "center",
        summary: "Text in the middle of a width.",
        params: &[optional("width", "int", "80")],
        example: ("'ab' | center(6)", "'  ab  '"),
        run: |cx, v, args| {
            let call = Call::pos(vec![V::Int(args.int("width", 80)?)]);
            crate::template::runtime::call_method(cx, &V::str(as_text(cx, &v)?), "center", &call)
        },
        ..FILTER
    },
    Filter {
        name: "escape",
        aliases: &["e", "forceescape"],
        summary: "Characters that mean something in HTML as entities.",
        example: ("'<a & b>' | e", "'&lt;a &amp; b&gt;'"),
        run: |cx, v, _| Ok(V::str(escape(&as_text(cx, &v)?))),
        ..FILTER
    },
    Filter {
        name: "safe",
        summary: "The text itself: nothing is escaped here.",
        example: ("'<a>' | safe", "'<a>'"),
        run: |cx, v, _| Ok(V::str(as_text(cx, &v)?)),
        ..FILTER
    },
    Filter {
        name: "striptags",
        summary: "Text without HTML tags, white space as single spaces.",
        example: ("'<b>a</b>  b' | striptags", "'a b'"),
        run: |cx, v, _| Ok(V::str(strip_tags(&as_text(cx, &v)?))),
        ..FILTER
    },
    Filter {
        name: "xmlattr",
        summary: "A dict as XML attributes; those that are none or undefined are left out.",
        params: &[optional("autospace", "bool", "True")],
        example: ("{'id': 'a', 'x': none} | xmlattr", "' id=\"a\"'"),
        run: xmlattr,
        ..FILTER
    },
    Filter {
        name: "wordcount",
        summary: "The number of words.",
        example: ("'one two, three' | wordcount", "3"),
        run: |cx, v, _| {
            let text = as_text(cx, &v)?;
            let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).count();
            Ok(V::from(words))
        },
        ..FILTER
    },
    Filter {
        name: "join",
        summary: "Items as one text, with a text between them.",
        params: &[optional("d", "str", "''"), optional("attribute", "str", "None")],
        example: ("[1, 2, 3] | join(', ')", "'1, 2, 3'"),
        run: join,
        ..FILTER
    },
    Filter {
        name: "quote",
        summary: "Text as one word of a shell command.",
        example: ("\"it's\" | quote", "'\\'it\\'\"\\'\"\\'s\\''"),
        run: |cx, v, _| match v {
            V::None => Ok(V::str("''")),
            v => Ok(V::str(shell_quote(&as_text(cx, &v)?))),
        },
        ..FILTER
    },
    Filter {
        name: "pprint",
        summary: "Python's text of the value.",
        example: ("['a'] | pprint", "\"['a']\""),
        run: |cx, v, _| crate::template::runtime::repr(cx, &v).map(V::str),
        ..FILTER
    },
];

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(c) => c.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

/// Jinja2's own idea of words: split at white space, hyphens and opening brackets.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        start = c == '-' || c.is_whitespace() || matches!(c, '(' | '{' | '[' | '<');
    }
    out
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&#39;").replace('"', "&#34;")
}

fn strip_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        out += &rest[..open];
        rest = &rest[open..];
        let end =
            if rest.starts_with("<!--") { rest.find("-->").map(|e| e + 3) } else { rest.find('>').map(|e| e + 1) };
        match end {
            Some(end) => rest = &rest[end..],
            None => break,
        }
    }
    out += rest;
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    out.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

fn xmlattr(cx: &Cx, v: V, args: Args) -> Res {
    let V::Dict(dict) = &v else {
        return Err(Fault::raw(format!("'{}' object has no attribute 'items'", v.type_name())));
    };
    let mut out = vec![];
    for (key, value) in dict.items(cx) {
        value.check()?;
        if matches!(value, V::None) {
            continue;
        }
        let key = key.to_json_key();
        if key.contains([' ', '/', '>', '=', '\t', '\n']) {
            return Err(Fault::raw(format!("Invalid character in attribute name: {}", crate::value::repr_str(&key))));
        }
        out.push(format!("{}=\"{}\"", escape(&key), escape(&as_text(cx, &value)?)));
    }
    let text = out.join(" ");
    Ok(V::str(if args.flag("autospace", true)? && !text.is_empty() { format!(" {text}") } else { text }))
}

fn join(cx: &Cx, v: V, args: Args) -> Res {
    let by = args.text_or(cx, "d", if args.given("d").is_some() { "None" } else { "" })?;
    let attribute = args.get("attribute").cloned();
    let mut out = String::new();
    let mut secret = false;
    for (i, item) in iterate(cx, &v)?.into_iter().enumerate() {
        let item = match &attribute {
            Some(path) => super::get_path(cx, &item, path)?,
            None => item,
        };
        if i > 0 {
            out += &by;
        }
        secret |= item.is_secret();
        out += &as_text(cx, &item)?;
    }
    let text = crate::value::Text::foreign(out);
    Ok(V::Str(if secret { text.secret() } else { text }))
}

pub fn shell_quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%_-+=:,./".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}
