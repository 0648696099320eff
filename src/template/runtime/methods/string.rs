//! Methods of text.

use super::{argument, required};
use crate::template::runtime::{Call, Cx, Fault, Res, V, brace_format, iterate, truth};

pub const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];

pub fn call(cx: &Cx, s: &str, name: &str, args: &Call) -> Res {
    let text = |n: usize| -> Res<&str> {
        let v = required(args, n, name)?;
        v.as_str().ok_or_else(|| Fault::raw(format!("{name}() argument {} must be str, not {}", n + 1, v.type_name())))
    };
    let all = |test: fn(char) -> bool| V::Bool(!s.is_empty() && s.chars().all(test));
    Ok(match name {
        "upper" => V::str(s.to_uppercase()),
        "lower" => V::str(s.to_lowercase()),
        "casefold" => V::str(s.to_lowercase().replace('ß', "ss")),
        "capitalize" => V::str(capitalize(s)),
        "title" => V::str(title(s)),
        "swapcase" => V::str(s.chars().map(swap_case).collect::<String>()),
        "strip" => V::str(strip(s, args, true, true)?),
        "lstrip" => V::str(strip(s, args, true, false)?),
        "rstrip" => V::str(strip(s, args, false, true)?),
        "split" | "rsplit" => split(s, name, args)?,
        "splitlines" => {
            let keep = argument(args, 0, "keepends").map_or(Ok(false), truth)?;
            V::list(split_lines(s, keep).into_iter().map(V::str).collect())
        }
        "join" => join(cx, s, required(args, 0, name)?)?,
        "replace" => {
            let count = match argument(args, 2, "count") {
                Some(V::Int(n)) if *n >= 0 => usize::try_from(*n).unwrap_or(usize::MAX),
                _ => usize::MAX,
            };
            V::str(replace(s, text(0)?, text(1)?, count))
        }
        "startswith" | "endswith" => {
            let (from, to) = window(s, args)?;
            let part = s.get(from..to.max(from)).unwrap_or("");
            let hit =
                |p: &str| from <= to && if name == "startswith" { part.starts_with(p) } else { part.ends_with(p) };
            match required(args, 0, name)? {
                V::Str(p) => V::Bool(hit(p)),
                V::Tuple(all) => V::Bool(all.iter().filter_map(V::as_str).any(hit)),
                other => {
                    return Err(Fault::raw(format!(
                        "{name} first arg must be str or a tuple of str, not {}",
                        other.type_name()
                    )));
                }
            }
        }
        "find" | "index" | "rfind" | "rindex" => {
            let (from, to) = window(s, args)?;
            let part = s.get(from..to.max(from)).unwrap_or("");
            let wanted = text(0)?;
            let at = if name.starts_with('r') { part.rfind(wanted) } else { part.find(wanted) };
            match at.filter(|_| from <= to) {
                Some(at) => V::from(s[..from + at].chars().count()),
                None if name.ends_with("find") => V::Int(-1),
                None => return Err(Fault::raw("substring not found")),
            }
        }
        "count" => {
            let (from, to) = window(s, args)?;
            let part = s.get(from..to.max(from)).unwrap_or("");
            let wanted = text(0)?;
            let n = if wanted.is_empty() { part.chars().count() + 1 } else { part.matches(wanted).count() };
            V::from(n)
        }
        "format" => V::str(brace_format(cx, s, args)?),
        "format_map" => {
            let V::Dict(d) = required(args, 0, name)? else { return Err(Fault::raw("format requires a mapping")) };
            let named = d.items(cx).into_iter().filter_map(|(k, v)| Some((k.as_str()?.into(), v))).collect();
            V::str(brace_format(cx, s, &Call { pos: vec![], named })?)
        }
        "encode" => V::Bytes(s.as_bytes().into()),
        "ljust" | "rjust" | "center" => justify(s, name, args)?,
        "zfill" => {
            let V::Int(width) = required(args, 0, name)? else { return Err(Fault::raw("an integer is required")) };
            let missing = usize::try_from(*width).unwrap_or(0).min(1 << 24).saturating_sub(s.chars().count());
            let (sign, rest) = match s.strip_prefix(['-', '+']) {
                Some(rest) => s.split_at(s.len() - rest.len()),
                None => ("", s),
            };
            V::str(format!("{sign}{}{rest}", "0".repeat(missing)))
        }
        "partition" | "rpartition" => {
            let by = text(0)?;
            if by.is_empty() {
                return Err(Fault::raw("empty separator"));
            }
            let three = |a: &str, b: &str, c: &str| V::tuple(vec![V::str(a), V::str(b), V::str(c)]);
            if name == "partition" {
                s.split_once(by).map_or_else(|| three(s, "", ""), |(a, b)| three(a, by, b))
            } else {
                s.rsplit_once(by).map_or_else(|| three("", "", s), |(a, b)| three(a, by, b))
            }
        }
        "removeprefix" => V::str(s.strip_prefix(text(0)?).unwrap_or(s)),
        "removesuffix" => V::str(s.strip_suffix(text(0)?).unwrap_or(s)),
        "expandtabs" => {
            let size = match argument(args, 0, "tabsize") {
                Some(V::Int(n)) => usize::try_from(*n).unwrap_or(0).min(1000),
                _ => 8,
            };
            V::str(expand_tabs(s, size))
        }
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => V::Bool(s.is_ascii()),
        "isdecimal" | "isdigit" | "isnumeric" => {
            let extra: &[char] = match name {
                "isdecimal" => &[],
                _ => &['²', '³', '¹'],
            };
            let numeric = name == "isnumeric";
            V::Bool(
                !s.is_empty()
                    && s.chars().all(|c| {
                        c.is_ascii_digit()
                            || extra.contains(&c)
                            || (c as u32 > 127 && c.is_numeric() && (numeric || decimal(c)))
                    }),
            )
        }
        "isidentifier" => V::Bool(
            s.chars().next().is_some_and(|c| c == '_' || c.is_alphabetic())
                && s.chars().all(|c| c == '_' || c.is_alphanumeric()),
        ),
        "isspace" => all(char::is_whitespace),
        "isprintable" => V::Bool(!s.chars().any(char::is_control)),
        "islower" => V::Bool(s.chars().any(char::is_lowercase) && !s.chars().any(char::is_uppercase)),
        "isupper" => V::Bool(s.chars().any(char::is_uppercase) && !s.chars().any(char::is_lowercase)),
        "istitle" => V::Bool(s.chars().any(char::is_alphabetic) && title(s) == s),
        _ => return Err(Fault::raw(format!("'str' object has no method '{name}'"))),
    })
}

/// Decimal digits of other scripts.
fn decimal(c: char) -> bool {
    matches!(c as u32, 0x660..=0x669 | 0x6f0..=0x6f9 | 0x966..=0x96f | 0xff10..=0xff19)
}

pub fn capitalize(s: &str) -> String {
    let mut chars = s.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

/// `str.title`: a capital after everything that is not a letter.
pub fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

fn swap_case(c: char) -> char {
    if c.is_uppercase() { c.to_lowercase().next().unwrap_or(c) } else { c.to_uppercase().next().unwrap_or(c) }
}

fn strip<'a>(s: &'a str, args: &Call, left: bool, right: bool) -> Res<&'a str> {
    let mut out = s;
    match args.pos.first() {
        None | Some(V::None) => {
            if left {
                out = out.trim_start();
            }
            if right {
                out = out.trim_end();
            }
        }
        Some(V::Str(set)) => {
            if left {
                out = out.trim_start_matches(|c| set.contains(c));
            }
            if right {
                out = out.trim_end_matches(|c| set.contains(c));
            }
        }
        Some(other) => {
            return Err(Fault::raw(format!("strip arg must be None or str, not {}", other.type_name())));
        }
    }
    Ok(out)
}

pub fn split(s: &str, name: &str, args: &Call) -> Res {
    let most = match argument(args, 1, "maxsplit") {
        Some(V::Int(n)) if *n >= 0 => usize::try_from(*n).unwrap_or(usize::MAX),
        Some(V::Int(_) | V::None) | None => usize::MAX,
        Some(other) => {
            return Err(Fault::raw(format!("'{}' object cannot be interpreted as an integer", other.type_name())));
        }
    };
    let from_right = name == "rsplit";
    let parts: Vec<&str> = match argument(args, 0, "sep") {
        None | Some(V::None) => split_space(s, most, from_right),
        Some(V::Str(by)) if by.is_empty() => return Err(Fault::raw("empty separator")),
        Some(V::Str(by)) if from_right => {
            let mut parts: Vec<&str> = s.rsplitn(most.saturating_add(1), by.as_str()).collect();
            parts.reverse();
            parts
        }
        Some(V::Str(by)) => s.splitn(most.saturating_add(1), by.as_str()).collect(),
        Some(other) => {
            return Err(Fault::raw(format!("must be str or None, not {}", other.type_name())));
        }
    };
    Ok(V::list(parts.into_iter().map(V::str).collect()))
}

fn split_space(s: &str, most: usize, from_right: bool) -> Vec<&str> {
    let mut out = vec![];
    let mut rest = s.trim_start();
    if from_right {
        rest = s.trim_end();
        while !rest.is_empty() && out.len() < most {
            let at =
                rest.rfind(char::is_whitespace).map_or(0, |p| p + rest[p..].chars().next().map_or(1, char::len_utf8));
            out.push(&rest[at..]);
            rest = rest[..at].trim_end();
        }
        if !rest.is_empty() {
            out.push(rest);
        }
        out.reverse();
        return out;
    }
    while !rest.is_empty() && out.len() < most {
        let at = rest.find(char::is_whitespace).unwrap_or(rest.len());
        out.push(&rest[..at]);
        rest = rest[at..].trim_start();
    }
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

/// Lines as Python counts them.
pub fn split_lines(s: &str, keep: bool) -> Vec<&str> {
    let mut out = vec![];
    let mut start = 0;
    let mut chars = s.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let mut end = at + c.len_utf8();
        if c == '\r' && chars.peek().is_some_and(|(_, c)| *c == '\n') {
            chars.next();
            end += 1;
        } else if !matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c' | '\x1d' | '\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        ) {
            continue;
        }
        out.push(&s[start..if keep { end } else { at }]);
        start = end;
    }
    if start < s.len() {
        out.push(&s[start..]);
    }
    out
}

fn join(cx: &Cx, s: &str, items: &V) -> Res {
    let mut out = String::new();
    let mut secret = false;
    for (i, item) in iterate(cx, items)?.iter().enumerate() {
        if i > 0 {
            out.push_str(s);
        }
        match item {
            V::Str(t) => {
                secret |= t.is_secret();
                out.push_str(t);
            }
            V::Undef(f) => return Err(f.clone()),
            other => {
                return Err(Fault::raw(format!(
                    "sequence item {i}: expected str instance, {} found",
                    other.type_name()
                )));
            }
        }
    }
    let text = crate::value::Text::foreign(out);
    Ok(V::Str(if secret { text.secret() } else { text }))
}

pub fn replace(s: &str, from: &str, to: &str, count: usize) -> String {
    if count == usize::MAX { s.replace(from, to) } else { s.replacen(from, to, count) }
}

/// The byte range that start and end arguments (the second and third) select.
fn window(s: &str, args: &Call) -> Res<(usize, usize)> {
    let len = s.chars().count() as i64;
    let bound = |n: usize, default: i64| -> Res<usize> {
        let i = match args.pos.get(n) {
            None | Some(V::None) => default,
            Some(V::Int(i)) => *i,
            Some(_) => {
                return Err(Fault::raw("slice indices must be integers or None or have an __index__ method"));
            }
        };
        let i = if i < 0 { (i + len).max(0) } else { i };
        if i > len {
            return Ok(s.len() + 1);
        }
        Ok(s.char_indices().nth(i as usize).map_or(s.len(), |(at, _)| at))
    };
    let (from, to) = (bound(1, 0)?, bound(2, len)?.min(s.len()));
    Ok((from, to))
}

fn justify(s: &str, name: &str, args: &Call) -> Res {
    let V::Int(width) = required(args, 0, name)? else {
        return Err(Fault::raw("'str' object cannot be interpreted as an integer"));
    };
    let fill = match args.pos.get(1) {
        None => " ",
        Some(V::Str(t)) if t.chars().count() == 1 => t.as_str(),
        Some(_) => return Err(Fault::raw("The fill character must be exactly one character long")),
    };
    let width = usize::try_from(*width).unwrap_or(0).min(1 << 24);
    let missing = width.saturating_sub(s.chars().count());
    Ok(V::str(match name {
        "ljust" => format!("{s}{}", fill.repeat(missing)),
        "rjust" => format!("{}{s}", fill.repeat(missing)),
        _ => {
            // Python puts the odd one on the left where the width is odd.
            let left = missing / 2 + (missing & width & 1);
            format!("{}{s}{}", fill.repeat(left), fill.repeat(missing - left))
        }
    }))
}

fn expand_tabs(s: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in s.chars() {
        match c {
            '\t' if size > 0 => {
                let n = size - column % size;
                out.extend(std::iter::repeat_n(' ', n));
                column += n;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            c => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}
