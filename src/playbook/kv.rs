//! The `k=v` form of arguments, and splitting that respects quotes and template blocks.
//!
//! The rules are ansible-core's (`parsing/splitter.py`), including what it does to runs of spaces and to newlines.

use std::fmt;

/// Options that `command`, `shell`, `raw`, `script` take as `k=v` beside their free-form text.
const FREE_FORM_OPTIONS: &[&str] =
    &["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// Quotes or template blocks that are not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbalanced(pub String);

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed at splitting arguments, either an unbalanced jinja2 block or quotes: {}", self.0)
    }
}

/// Reads `k=v` pairs in order; what is none of them is gathered under `_raw_params`. With `free_form` only the options of
/// command-like actions count as pairs.
///
/// # Errors
/// If quotes or template blocks are not closed.
pub fn parse(text: &str, free_form: bool) -> Result<Vec<(String, String)>, Unbalanced> {
    let mut options: Vec<(String, String)> = Vec::new();
    let mut raw = Vec::new();
    for word in split(text)? {
        let plain = decode_escapes(&word);
        if !plain.contains('=') {
            raw.push(word);
            continue;
        }
        match first_equals(&plain) {
            None => raw.push(plain.replace("\\=", "=")),
            Some(at) => {
                let (key, value) = (&plain[..at], &plain[at + 1..]);
                if free_form && !FREE_FORM_OPTIONS.contains(&key) {
                    raw.push(word);
                } else {
                    set(&mut options, key.trim(), unquote(value.trim()));
                }
            }
        }
    }
    if !raw.is_empty() {
        set(&mut options, super::RAW_PARAMS, &join(&raw));
    }
    Ok(options)
}

fn set(options: &mut Vec<(String, String)>, key: &str, value: &str) {
    match options.iter_mut().find(|(k, _)| k == key) {
        Some((_, old)) => *old = value.to_owned(),
        None => options.push((key.to_owned(), value.to_owned())),
    }
}

/// The first `=` that is neither at the start nor behind a backslash.
fn first_equals(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).find(|i| bytes[*i] == b'=' && bytes[i - 1] != b'\\')
}

/// Removes one pair of equal quotes around the text, unless the last is escaped.
pub fn unquote(text: &str) -> &str {
    let bytes = text.as_bytes();
    match bytes {
        [first @ (b'"' | b'\''), .., last] if first == last && bytes[bytes.len() - 2] != b'\\' => {
            &text[1..text.len() - 1]
        }
        _ => text,
    }
}

/// Puts words together again: a space between them, none behind a newline.
pub fn join(words: &[String]) -> String {
    let mut out = String::new();
    for word in words {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push(' ');
        }
        out += word;
    }
    out
}

/// Splits at spaces and newlines outside of quotes and template blocks. Further spaces and newlines stay at the end of
/// the word before them.
///
/// # Errors
/// If quotes or template blocks are not closed.
pub fn split(text: &str) -> Result<Vec<String>, Unbalanced> {
    if text.is_empty() {
        return Ok(vec![]);
    }
    let mut words: Vec<String> = Vec::new();
    let mut quote: Option<char> = None;
    // Depth of `{{`, `{%` and `{#`.
    let mut depth = [0usize; 3];
    let lines: Vec<&str> = text.split('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let mut continued = false;
        for (index, token) in line.split(' ').enumerate() {
            if token.is_empty() && index != 0 {
                last(&mut words).push(' ');
                continue;
            }
            if token == "\\" && quote.is_none() {
                continued = true;
                continue;
            }
            let was_quoted = quote.is_some();
            quote = quote_after(token, quote);
            let in_block = depth.iter().any(|d| *d > 0);
            let mut done = true;
            if quote.is_some() && !was_quoted && !in_block {
                words.push(token.to_owned());
            } else if in_block || quote.is_some() || was_quoted {
                let word = last(&mut words);
                if index > 0 {
                    word.push(' ');
                }
                *word += token;
            } else {
                done = false;
            }
            for (depth, (open, close)) in depth.iter_mut().zip([("{{", "}}"), ("{%", "%}"), ("{#", "#}")]) {
                let now = (*depth + token.matches(open).count()).saturating_sub(token.matches(close).count());
                if now != *depth && !done {
                    words.push(token.to_owned());
                    done = true;
                }
                *depth = now;
            }
            if !done && !token.is_empty() && quote.is_none() && depth.iter().all(|d| *d == 0) {
                words.push(token.to_owned());
            }
        }
        if lines.len() > 1 && number != lines.len() - 1 && !continued {
            last(&mut words).push('\n');
        }
    }
    if quote.is_some() || depth.iter().any(|d| *d > 0) {
        return Err(Unbalanced(text.to_owned()));
    }
    Ok(words)
}

fn last(words: &mut Vec<String>) -> &mut String {
    if words.is_empty() {
        words.push(String::new());
    }
    let end = words.len() - 1;
    &mut words[end]
}

/// The quote that is open behind `token`.
fn quote_after(token: &str, mut open: Option<char>) -> Option<char> {
    let mut before = None;
    for c in token.chars() {
        if matches!(c, '"' | '\'') && before != Some('\\') {
            match open {
                Some(q) if q == c => open = None,
                Some(_) => {}
                None => open = Some(c),
            }
        }
        before = Some(c);
    }
    open
}

/// Decodes `\n`, `\x41`, `\u20ac` and the like; other backslashes stay.
fn decode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out += &rest[..at];
        rest = &rest[at..];
        let code = rest.chars().nth(1);
        let simple = match code {
            Some(c @ ('\\' | '\'' | '"')) => Some(c),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            _ => None,
        };
        let digits = match code {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let numbered = rest
            .get(2..2 + digits)
            .filter(|hex| digits > 0 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| char::from_u32(u32::from_str_radix(hex, 16).ok()?));
        let (decoded, length) = match (simple, numbered) {
            (Some(c), _) => (c, 2),
            (None, Some(c)) => (c, 2 + digits),
            (None, None) => ('\\', 1),
        };
        out.push(decoded);
        rest = &rest[length..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    type Case = (&'static str, bool, &'static [(&'static str, &'static str)]);

    /// Text, whether free-form, pairs as ansible-core 2.19's `parse_kv` gives them.
    const CASES: &[Case] = &[
        ("src=a dest=b", false, &[("src", "a"), ("dest", "b")]),
        ("a=\"foo bar\" b='it is'", false, &[("a", "foo bar"), ("b", "it is")]),
        ("a={{ x | default('y z') }} b={{ q }}", false, &[("a", "{{ x | default('y z') }}"), ("b", "{{ q }}")]),
        ("ls -l chdir=/tmp creates=/x", true, &[("chdir", "/tmp"), ("creates", "/x"), ("_raw_params", "ls -l")]),
        ("echo a=b", true, &[("_raw_params", "echo a=b")]),
        ("echo  two   spaces", true, &[("_raw_params", "echo  two   spaces")]),
        ("echo one\necho two\n", true, &[("_raw_params", "echo one\necho two\n")]),
        ("echo \\\n  continued", true, &[("_raw_params", "echo  continued")]),
        ("a=b\\=c", false, &[("a", "b\\=c")]),
        ("a\\=b", false, &[("_raw_params", "a=b")]),
        ("msg=one\\ntwo", false, &[("msg", "one\ntwo")]),
        ("", false, &[]),
        ("noop", false, &[("_raw_params", "noop")]),
        ("x.yml a=1", false, &[("a", "1"), ("_raw_params", "x.yml")]),
        ("=x", false, &[("_raw_params", "=x")]),
        ("a={% if x %}y z{% endif %} b=2", false, &[("a", "{% if x %}y"), ("b", "2"), ("_raw_params", "z{% endif %}")]),
    ];

    #[test]
    fn pairs_are_read_as_ansible_reads_them() {
        for (text, free_form, pairs) in CASES {
            let found = parse(text, *free_form).expect(text);
            let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            assert_eq!(&found[..], *pairs, "{text:?}");
        }
    }

    #[test]
    fn unclosed_quotes_and_blocks_are_faults() {
        for text in ["a='b", "a={{ b", "a=\"b c=d"] {
            assert!(parse(text, false).is_err(), "{text}");
        }
    }
}
