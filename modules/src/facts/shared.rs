//! What fact families have in common: building facts, reading fields, shell words, glob patterns.

use crate::contract::{Json, JsonMap};
use fancy_regex::Regex;

/// `facts! { "name" => value, … }`: a map of facts.
macro_rules! facts {
    ($($name:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut map = $crate::contract::JsonMap::new();
        $(map.insert(($name).into(), $crate::contract::Json::from($value));)*
        map
    }};
}
pub(crate) use facts;

/// A map with one fact.
pub fn single(name: &str, value: impl Into<Json>) -> JsonMap {
    let mut map = JsonMap::new();
    map.insert(name.to_owned(), value.into());
    map
}

/// The first group of a constant pattern's first match.
pub fn capture(pattern: &str, text: &str) -> Option<String> {
    let groups = Regex::new(pattern).ok()?.captures(text).ok()??;
    groups.get(1).map(|m| m.as_str().to_owned())
}

/// The first group of every match of a constant pattern.
pub fn captures(pattern: &str, text: &str) -> Vec<String> {
    let Ok(regex) = Regex::new(pattern) else { return Vec::new() };
    let all = regex.captures_iter(text).map_while(Result::ok);
    all.filter_map(|groups| groups.get(1).map(|m| m.as_str().to_owned())).collect()
}

/// The number that a field starts with, in Python's `int(text)` reading; none if it is not one.
pub fn int(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

/// Words as Python's `shlex.split(text, posix=False)` finds them: quotes group only at the start of a word, and stay. None
/// where a quote is not closed.
pub fn raw_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => rest[1..].find(first)? + 2,
            _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        words.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    Some(words)
}

/// Words as a POSIX shell reads them: quotes and backslashes removed, `#` starts a comment.
pub fn shell_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '#' => {
                words.extend(word.take());
                while chars.next_if(|c| *c != '\n').is_some() {}
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '\'' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(c) = chars.next_if(|c| *c != '"') {
                    match c {
                        '\\' => match chars.next() {
                            Some(c @ ('"' | '\\')) => word.push(c),
                            other => {
                                word.push('\\');
                                word.extend(other);
                            }
                        },
                        c => word.push(c),
                    }
                }
                chars.next();
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Whether `name` fits a shell pattern as Python's `fnmatch` has it: `*`, `?`, `[seq]`, `[!seq]`; no escapes.
pub fn fnmatch(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    matches(&name, &pattern)
}

fn matches(name: &[char], pattern: &[char]) -> bool {
    let Some((&first, rest)) = pattern.split_first() else { return name.is_empty() };
    match first {
        '*' => (0..=name.len()).any(|skip| matches(&name[skip..], rest)),
        '?' => !name.is_empty() && matches(&name[1..], rest),
        '[' => {
            let negated = rest.first() == Some(&'!');
            let set_start = usize::from(negated);
            // A `]` right at the start belongs to the set.
            let close = rest.iter().skip(set_start + 1).position(|c| *c == ']').map(|at| at + set_start + 1);
            let Some(close) = close else {
                return name.first() == Some(&'[') && matches(&name[1..], rest);
            };
            let Some(c) = name.first() else { return false };
            in_set(*c, &rest[set_start..close]) != negated && matches(&name[1..], &rest[close + 1..])
        }
        c => name.first() == Some(&c) && matches(&name[1..], rest),
    }
}

fn in_set(c: char, set: &[char]) -> bool {
    let mut at = 0;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == '-' {
            if (set[at]..=set[at + 2]).contains(&c) {
                return true;
            }
            at += 3;
        } else {
            if set[at] == c {
                return true;
            }
            at += 1;
        }
    }
    false
}

/// `\040` and its like in mount tables, as the characters that they stand for.
pub fn unescape_octal(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|digits| u32::from_str_radix(digits, 8).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_patterns_match_as_fnmatch_does() {
        for (name, pattern, expected) in [
            ("ansible_eth0", "ansible_eth[0-2]", true),
            ("ansible_eth3", "ansible_eth[0-2]", false),
            ("ansible_eth3", "ansible_eth[!0-2]", true),
            ("ansible_eth", "ansible_eth*", true),
            ("ansible_eth", "ansible_eth?", false),
            ("a]b", "a[]]b", true),
            ("a[b", "a[b", true),
            ("anything", "*", true),
        ] {
            assert_eq!(fnmatch(name, pattern), expected, "{name} {pattern}");
        }
    }

    #[test]
    fn words_of_the_kernel_command_line_keep_their_quotes() {
        assert_eq!(
            raw_words("quiet a=\"b c\" 'd e' f"),
            Some(["quiet", "a=\"b", "c\"", "'d e'", "f"].map(String::from).into())
        );
        assert_eq!(raw_words("a 'open"), None);
    }

    #[test]
    fn shell_words_lose_quotes_and_comments() {
        let text = "ID=x # note\nNAME=\"A \\\"B\\\" C\" V='1 2'\\ 3\n#all\nEMPTY=\"\"";
        assert_eq!(shell_words(text), ["ID=x", "NAME=A \"B\" C", "V=1 2 3", "EMPTY="]);
    }

    #[test]
    fn octal_escapes_of_mount_tables() {
        assert_eq!(unescape_octal("/mnt/a\\040b\\134c\\x"), "/mnt/a b\\c\\x");
    }
}
