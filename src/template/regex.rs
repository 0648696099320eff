//! Python's `re` over fancy-regex: syntax translated, matching and replacing by Python's rules.

use fancy_regex::{Regex, RegexBuilder};

/// A compiled pattern.
pub struct Pattern {
    regex: Regex,
    anchored: Regex,
}

/// Byte ranges of the whole match and of the groups.
pub struct Match(Vec<Option<(usize, usize)>>);

impl Match {
    pub fn range(&self, group: usize) -> Option<(usize, usize)> {
        self.0.get(group).copied().flatten()
    }
    pub fn group<'t>(&self, group: usize, text: &'t str) -> Option<&'t str> {
        self.range(group).map(|(a, b)| &text[a..b])
    }
    pub fn whole<'t>(&self, text: &'t str) -> &'t str {
        self.group(0, text).unwrap_or("")
    }
    /// The number of groups beside the whole.
    pub fn groups(&self) -> usize {
        self.0.len() - 1
    }
}

impl Pattern {
    /// # Errors
    /// Why the pattern is not one.
    pub fn new(source: &str, ignorecase: bool, multiline: bool) -> Result<Pattern, String> {
        let translated = translate(source, multiline)?;
        let flags = match (ignorecase, multiline) {
            (false, false) => "",
            (true, false) => "(?i)",
            (false, true) => "(?m)",
            (true, true) => "(?im)",
        };
        let build = |text: &str| {
            RegexBuilder::new(text).backtrack_limit(5_000_000).build().map_err(|e| {
                let message = e.to_string();
                let message = message.lines().last().unwrap_or("invalid pattern").trim();
                let repeat = message.strip_suffix(": Target of repeat operator is invalid");
                match repeat.and_then(|m| m.rsplit_once(' ')?.1.parse::<usize>().ok()) {
                    Some(at) => format!("nothing to repeat at position {}", at.saturating_sub(flags.len())),
                    None => message.to_owned(),
                }
            })
        };
        Ok(Pattern {
            regex: build(&format!("{flags}{translated}"))?,
            anchored: build(&format!("{flags}\\A(?:{translated})"))?,
        })
    }
    fn at(regex: &Regex, text: &str, from: usize) -> Result<Option<Match>, String> {
        let found = regex.captures_from_pos(text, from).map_err(|e| e.to_string())?;
        Ok(found.map(|c| Match((0..c.len()).map(|i| c.get(i).map(|m| (m.start(), m.end()))).collect())))
    }
    /// The first match at or after a position.
    ///
    /// # Errors
    /// Where matching takes too long.
    pub fn find(&self, text: &str, from: usize) -> Result<Option<Match>, String> {
        Self::at(&self.regex, text, from)
    }
    /// A match at the start of the text.
    ///
    /// # Errors
    /// Where matching takes too long.
    pub fn match_at_start(&self, text: &str) -> Result<Option<Match>, String> {
        Self::at(&self.anchored, text, 0)
    }
    /// A group's number, by number or name.
    pub fn group(&self, name: &str) -> Option<usize> {
        if let Ok(n) = name.parse::<usize>() {
            return (n < self.regex.captures_len()).then_some(n);
        }
        self.regex.capture_names().position(|n| n == Some(name))
    }
}

/// All matches, at most `count` of them unless that is 0.
///
/// # Errors
/// Where matching takes too long.
pub fn all_matches(pattern: &Pattern, text: &str, count: usize) -> Result<Vec<Match>, String> {
    let mut out = vec![];
    let mut at = 0;
    while at <= text.len() && (count == 0 || out.len() < count) {
        let Some(found) = pattern.find(text, at)? else { break };
        let (start, end) = found.range(0).unwrap_or((at, at));
        // After an empty match the next one begins a character further on.
        at = if end == start { end + text[end..].chars().next().map_or(1, char::len_utf8) } else { end };
        out.push(found);
    }
    Ok(out)
}

/// `re.subn`.
///
/// # Errors
/// A replacement with a bad escape or group, or where matching takes too long.
pub fn substitute(pattern: &Pattern, text: &str, replacement: &str, count: usize) -> Result<(String, usize), String> {
    let parts = template(pattern, replacement)?;
    let all = all_matches(pattern, text, count)?;
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for found in &all {
        let (start, end) = found.range(0).unwrap_or((at, at));
        out.push_str(&text[at..start]);
        for part in &parts {
            match part {
                Part::Text(t) => out.push_str(t),
                Part::Group(n) => out.push_str(found.group(*n, text).unwrap_or("")),
            }
        }
        at = end;
    }
    out.push_str(&text[at..]);
    Ok((out, all.len()))
}

enum Part {
    Text(String),
    Group(usize),
}

/// A replacement's texts and groups.
fn template(pattern: &Pattern, replacement: &str) -> Result<Vec<Part>, String> {
    let chars: Vec<char> = replacement.chars().collect();
    let mut parts = vec![];
    let mut text = String::new();
    let mut at = 0;
    let digit = |i: usize| chars.get(i).copied().filter(char::is_ascii_digit);
    let octal = |i: usize| chars.get(i).copied().and_then(|c| c.to_digit(8));
    while at < chars.len() {
        if chars[at] != '\\' {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        let start = at;
        at += 1;
        let Some(c) = chars.get(at).copied() else {
            return Err("bad escape (end of pattern) at position ".to_owned() + &start.to_string());
        };
        at += 1;
        let mut group = None;
        match c {
            'g' => {
                let close = chars[at..].iter().position(|c| *c == '>').map(|p| at + p);
                let (Some('<'), Some(close)) = (chars.get(at), close) else {
                    return Err(format!("missing < at position {at}"));
                };
                let name: String = chars[at + 1..close].iter().collect();
                group = Some(pattern.group(&name).ok_or_else(|| {
                    if name.parse::<usize>().is_ok() {
                        format!("invalid group reference {name} at position {}", at + 1)
                    } else {
                        format!("unknown group name {}", crate::value::repr_str(&name))
                    }
                })?);
                at = close + 1;
            }
            '0' => {
                let mut code = 0;
                for _ in 0..2 {
                    if let Some(d) = octal(at) {
                        code = code * 8 + d;
                        at += 1;
                    }
                }
                text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            '1'..='9' => {
                let mut name = c.to_string();
                if let Some(d) = digit(at) {
                    name.push(d);
                    at += 1;
                }
                group = Some(
                    pattern
                        .group(&name)
                        .ok_or_else(|| format!("invalid group reference {name} at position {}", start + 1))?,
                );
            }
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'a' => text.push('\x07'),
            'b' => text.push('\x08'),
            'f' => text.push('\x0c'),
            'v' => text.push('\x0b'),
            '\\' => text.push('\\'),
            c if c.is_ascii_alphabetic() => return Err(format!("bad escape \\{c} at position {start}")),
            c => {
                text.push('\\');
                text.push(c);
            }
        }
        if let Some(group) = group {
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Group(group));
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

/// Python's pattern syntax in fancy-regex's.
fn translate(source: &str, multiline: bool) -> Result<String, String> {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len() + 8);
    let mut at = 0;
    let mut multiline = multiline;
    while at < chars.len() {
        let c = chars[at];
        match c {
            '\\' => {
                at += 1;
                let Some(e) = chars.get(at).copied() else { return Err("bad escape (end of pattern)".to_owned()) };
                at += 1;
                escape(&mut out, e, &chars, &mut at, false)?;
                continue;
            }
            '[' => {
                class(&mut out, &chars, &mut at)?;
                continue;
            }
            '{' if !is_quantifier(&chars, at) => out.push_str("\\{"),
            '{' if chars.get(at + 1) == Some(&',') => out.push_str("{0"),
            '}' if !closes_quantifier(&out) => out.push_str("\\}"),
            // Without MULTILINE, `$` is the end or before a last newline.
            '$' if !multiline => out.push_str("(?=\\n?\\z)"),
            '(' if chars.get(at + 1) == Some(&'?') => {
                let rest: String = chars[at + 2..].iter().take(12).collect();
                if rest.starts_with('#') {
                    let close = chars[at..].iter().position(|c| *c == ')');
                    at += close.ok_or("missing ), unterminated comment")? + 1;
                    continue;
                }
                let flags: String = rest.chars().take_while(|c| "aiLmsux".contains(*c)).collect();
                let after = rest.chars().nth(flags.len());
                if !flags.is_empty() && matches!(after, Some(')' | ':' | '-')) {
                    multiline |= flags.contains('m');
                    let known: String = flags.chars().filter(|c| "imsx".contains(*c)).collect();
                    if after == Some(')') {
                        if !known.is_empty() {
                            out.push_str(&format!("(?{known})"));
                        }
                        at += 3 + flags.len();
                        continue;
                    }
                    out.push_str(&format!("(?{known}"));
                    at += 2 + flags.len();
                    continue;
                }
                out.push('(');
            }
            c => out.push(c),
        }
        at += 1;
    }
    Ok(out)
}

fn is_quantifier(chars: &[char], at: usize) -> bool {
    let body: String = chars[at + 1..].iter().take_while(|c| **c != '}').collect();
    let closed = chars.get(at + 1 + body.chars().count()) == Some(&'}');
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    closed
        && match body.split_once(',') {
            None => !body.is_empty() && digits(&body),
            Some((a, b)) => digits(a) && digits(b) && !(a.is_empty() && b.is_empty()),
        }
}

fn closes_quantifier(out: &str) -> bool {
    let open = out.rfind('{');
    open.is_some_and(|open| {
        !out[..open].ends_with('\\')
            && !out[open + 1..].is_empty()
            && out[open + 1..].bytes().all(|b| b.is_ascii_digit() || b == b',')
    })
}

fn escape(out: &mut String, e: char, chars: &[char], at: &mut usize, in_class: bool) -> Result<(), String> {
    match e {
        'Z' if !in_class => out.push_str("\\z"),
        'A' | 'B' if !in_class => {
            out.push('\\');
            out.push(e);
        }
        'b' if in_class => out.push_str("\\x08"),
        'b' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'n' | 't' | 'r' | 'f' | 'v' | 'a' => {
            out.push('\\');
            out.push(e);
        }
        'x' | 'u' | 'U' => {
            let n = match e {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let digits: String = chars[*at..].iter().take(n).collect();
            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == n);
            let c = code.and_then(char::from_u32).ok_or_else(|| format!("incomplete escape \\{e}{digits}"))?;
            *at += n;
            out.push_str(&format!("\\x{{{:x}}}", c as u32));
        }
        '0'..='9' => {
            let mut digits = e.to_string();
            while digits.len() < 3 && chars.get(*at).is_some_and(char::is_ascii_digit) {
                digits.push(chars[*at]);
                *at += 1;
            }
            let octal = digits.starts_with('0') || digits.len() == 3 || in_class;
            if octal {
                let code = u32::from_str_radix(&digits, 8).map_err(|_| format!("bad escape \\{digits}"))?;
                out.push_str(&format!("\\x{{{code:x}}}"));
            } else {
                out.push_str(&format!("(?:\\{digits})"));
            }
        }
        c if c.is_ascii_alphabetic() => return Err(format!("bad escape \\{c} at position {}", at.saturating_sub(2))),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '<' && c != '>' && c != '_' && !c.is_whitespace() => {
            out.push('\\');
            out.push(c);
        }
        c if c.is_whitespace() => out.push_str(&format!("\\x{{{:x}}}", c as u32)),
        c => out.push(c),
    }
    Ok(())
}

/// A set such as `[^a-z\]]`; what Rust's sets would take for operators is escaped.
fn class(out: &mut String, chars: &[char], at: &mut usize) -> Result<(), String> {
    out.push('[');
    *at += 1;
    if chars.get(*at) == Some(&'^') {
        out.push('^');
        *at += 1;
    }
    let mut first = true;
    loop {
        let Some(c) = chars.get(*at).copied() else { return Err("unterminated character set".to_owned()) };
        *at += 1;
        match c {
            ']' if !first => {
                out.push(']');
                return Ok(());
            }
            '\\' => {
                let Some(e) = chars.get(*at).copied() else { return Err("unterminated character set".to_owned()) };
                *at += 1;
                escape(out, e, chars, at, true)?;
            }
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if chars.get(*at) == Some(&'-') || chars.get(*at) == Some(&']') || first => out.push_str("\\-"),
            c => out.push(c),
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, substitute};

    #[test]
    #[allow(clippy::unwrap_used)]
    fn replaces_as_python() {
        for (pattern, text, with, expected) in [
            ("x*", "abxd", "-", "-a-b--d-"),
            ("(a)(b)?", "aab", "[\\1\\2]", "[a][ab]"),
            ("$", "a\n", "!", "a!\n!"),
            ("^", "abc", ">", ">abc"),
            (r"\Aa{,2}", "aaa", "", "a"),
            (r"[[\]&&]", "[&]", "", ""),
            (r"(?P<w>\w+)=(?P=w)", "a=a", r"\g<w>", "a"),
            ("a{b", "xa{b", "", "x"),
            (r"[^\w-]", "a-b c", "_", "a-b_c"),
            ("(?i)ABC", "abc", r"\n", "\n"),
        ] {
            let compiled = Pattern::new(pattern, false, false).unwrap();
            assert_eq!(substitute(&compiled, text, with, 0).unwrap().0, expected, "{pattern}");
        }
    }
}
