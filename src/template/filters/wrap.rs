//! Filters that lay out text: indenting, wrapping, cutting.

use super::{FILTER, Filter, each, optional, own_text};
use crate::template::runtime::{Args, Cx, Fault, Res, V, split_lines};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "indent",
        summary: "Indents the lines of a text, all but the first and empty ones.",
        params: &[
            optional("width", "int or str", "4"),
            optional("first", "bool", "False"),
            optional("blank", "bool", "False"),
        ],
        example: ("'a\\nb' | indent(2)", "'a\\n  b'"),
        run: indent,
        ..FILTER
    },
    Filter {
        name: "truncate",
        summary: "Cuts text to a length, with an ending.",
        params: &[
            optional("length", "int", "255"),
            optional("killwords", "bool", "False"),
            optional("end", "str", "'...'"),
            optional("leeway", "int", "5"),
        ],
        example: ("'foo bar baz qux' | truncate(9, leeway=0)", "'foo...'"),
        run: truncate,
        ..FILTER
    },
    Filter {
        name: "wordwrap",
        summary: "Breaks lines at a width.",
        params: &[
            optional("width", "int", "79"),
            optional("break_long_words", "bool", "True"),
            optional("wrapstring", "str", "'\\n'"),
            optional("break_on_hyphens", "bool", "True"),
        ],
        example: ("'one two three' | wordwrap(7)", "'one two\\nthree'"),
        run: wordwrap,
        ..FILTER
    },
];

fn indent(_: &Cx, v: V, args: Args) -> Res {
    let unit = match args.get("width") {
        None => "    ".to_owned(),
        Some(V::Str(t)) => t.to_string(),
        Some(V::Int(n)) => " ".repeat(usize::try_from(*n).unwrap_or(0).min(100_000)),
        Some(V::Bool(b)) => " ".repeat(usize::from(*b)),
        Some(other) => {
            return Err(Fault::raw(format!("can't multiply sequence by non-int of type '{}'", other.type_name())));
        }
    };
    let (first, blank) = (args.flag("first", false)?, args.flag("blank", false)?);
    let text = own_text(&v, "splitlines")?.to_owned() + "\n";
    let lines = split_lines(&text, false);
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if (i > 0 && (blank || !line.is_empty())) || (i == 0 && first) {
            out += &unit;
        }
        out += line;
    }
    Ok(V::str(out))
}

fn truncate(cx: &Cx, v: V, args: Args) -> Res {
    let (length, leeway) = (args.int("length", 255)?, args.int("leeway", 5)?);
    let end = args.text_or(cx, "end", "...")?;
    let end_length = end.chars().count() as i64;
    if length < end_length {
        return Err(Fault::raw(format!("expected length >= {end_length}, got {length}")));
    }
    if leeway < 0 {
        return Err(Fault::raw(format!("expected leeway >= 0, got {leeway}")));
    }
    let count = match &v {
        V::Str(text) => text.as_str().chars().count(),
        V::List(_) | V::Tuple(_) | V::Dict(_) => each(cx, &v)?.len(),
        other => return Err(Fault::raw(format!("object of type '{}' has no len()", other.type_name()))),
    };
    if count as i64 <= length + leeway {
        return Ok(v);
    }
    let text = own_text(&v, "rsplit")?;
    let kept: String = text.chars().take((length - end_length) as usize).collect();
    let kept = if args.flag("killwords", false)? {
        kept
    } else {
        kept.rsplit_once(' ').map_or(kept.clone(), |(a, _)| a.to_owned())
    };
    Ok(V::str(kept + &end))
}

fn wordwrap(cx: &Cx, v: V, args: Args) -> Res {
    let text = own_text(&v, "splitlines")?;
    let width = usize::try_from(args.int("width", 79)?).ok().filter(|w| *w > 0);
    let width = width
        .ok_or_else(|| Fault::raw(format!("invalid width {} (must be > 0)", args.int("width", 79).unwrap_or(0))))?;
    let (long, hyphens) = (args.flag("break_long_words", true)?, args.flag("break_on_hyphens", true)?);
    let by = args.text_or(cx, "wrapstring", "\n")?;
    let lines: Vec<String> =
        split_lines(text, false).iter().map(|line| wrap_line(line, width, long, hyphens).join(&by)).collect();
    Ok(V::str(lines.join(&by)))
}

/// Words, white space and parts between hyphens.
fn chunks(line: &str, hyphens: bool) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let chars: Vec<char> = line.chars().collect();
    let mut i = 0;
    while i < chars.len() {
        let space = chars[i].is_whitespace();
        let start = i;
        while i < chars.len() && chars[i].is_whitespace() == space {
            i += 1;
            let letters =
                |from: usize, n: usize| chars.get(from..from + n).is_some_and(|c| c.iter().all(|c| c.is_alphabetic()));
            if hyphens && !space && chars[i - 1] == '-' && i - start >= 3 && letters(i - 3, 2) && letters(i, 2) {
                break;
            }
        }
        out.push(chars[start..i].iter().collect());
    }
    out
}

/// One line, broken as Python's `textwrap` does.
fn wrap_line(line: &str, width: usize, break_long: bool, hyphens: bool) -> Vec<String> {
    let mut chunks = chunks(line, hyphens);
    chunks.reverse();
    let count = |s: &str| s.chars().count();
    let blank = |s: &String| s.trim().is_empty();
    let mut lines = vec![];
    while !chunks.is_empty() {
        let mut current: Vec<String> = vec![];
        let mut length = 0;
        if !lines.is_empty() && chunks.last().is_some_and(blank) {
            chunks.pop();
        }
        while let Some(chunk) = chunks.last() {
            if length + count(chunk) > width {
                break;
            }
            length += count(chunk);
            current.extend(chunks.pop());
        }
        if let Some(chunk) = chunks.last()
            && count(chunk) > width
        {
            let room = width.saturating_sub(length).max(1);
            if break_long {
                let chunk = chunks.pop().unwrap_or_default();
                current.push(chunk.chars().take(room).collect());
                chunks.push(chunk.chars().skip(room).collect());
            } else if current.is_empty() {
                current.extend(chunks.pop());
            }
        }
        if current.last().is_some_and(blank) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}
