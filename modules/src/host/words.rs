//! Command lines as text: splitting as Python's `shlex.split` does, quoting for a shell, and file name patterns.

/// Splits a command line as a POSIX shell would, without expanding anything.
///
/// # Errors
/// A quotation or an escape that does not end, in Python's words.
pub fn split_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let w = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => w.push(c),
                        None => return Err("No closing quotation".to_owned()),
                    }
                }
            }
            '"' => {
                let w = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\')) => w.push(c),
                            Some(c) => w.extend(['\\', c]),
                            None => return Err("No escaped character".to_owned()),
                        },
                        Some(c) => w.push(c),
                        None => return Err("No closing quotation".to_owned()),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err("No escaped character".to_owned()),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Quotes one word for a shell, as Python's `shlex.quote`.
pub fn quote_word(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

/// Whether `name` fits a shell pattern of `*`, `?`, `[seq]` and `[!seq]`, as Python's `fnmatch.fnmatchcase`.
pub fn fnmatch(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut n, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() || p < pattern.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') if n < name.len() => Some(p + 1),
            Some('[') if n < name.len() => match set(&pattern, p, name[n]) {
                Some((true, next)) => Some(next),
                Some((false, _)) => None,
                None => (name[n] == '[').then_some(p + 1),
            },
            Some(c) if n < name.len() && *c == name[n] => Some(p + 1),
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => (n, p) = (n + 1, next),
            (None, Some((sp, sn))) if sn < name.len() => {
                star = Some((sp, sn + 1));
                (n, p) = (sn + 1, sp + 1);
            }
            _ => return false,
        }
    }
    true
}

/// Reads the set that opens at `start`: whether `c` is in it, and where the pattern goes on. `None` where it never closes.
fn set(pattern: &[char], start: usize, c: char) -> Option<(bool, usize)> {
    let negated = pattern.get(start + 1) == Some(&'!');
    let first = start + 1 + usize::from(negated);
    let end = (first + 1..pattern.len()).find(|i| pattern[*i] == ']')?;
    let inner = &pattern[first..end];
    let (mut i, mut found) = (0, false);
    while i < inner.len() {
        if i + 2 < inner.len() && inner[i + 1] == '-' {
            found |= inner[i] <= c && c <= inner[i + 2];
            i += 3;
        } else {
            found |= inner[i] == c;
            i += 1;
        }
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_as_shlex() {
        let cases = [
            (r#"a  'b c' "d\"e" f\ g"#, Ok(vec!["a", "b c", "d\"e", "f g"])),
            (r#"x="1 2"'3' """#, Ok(vec!["x=1 23", ""])),
            (r#""a\n""#, Ok(vec!["a\\n"])),
            ("it's", Err("No closing quotation")),
        ];
        for (text, expected) in cases {
            let expected =
                expected.map(|w| w.into_iter().map(str::to_owned).collect::<Vec<_>>()).map_err(str::to_owned);
            assert_eq!(split_words(text), expected, "{text}");
        }
        assert_eq!(quote_word("a b'c"), "'a b'\"'\"'c'");
        assert_eq!(quote_word("a/b=c"), "a/b=c");
    }

    #[test]
    fn patterns() {
        for (name, pattern, fits) in [
            ("nginx-full", "nginx*", true),
            ("nginx", "ngin?", true),
            ("nginx", "n*g*x", true),
            ("php8.2", "php[0-9].?", true),
            ("phpx", "php[!0-9]", true),
            ("php8", "php[!0-9]", false),
            ("a[b", "a[b", true),
            ("abc", "ab", false),
            ("", "*", true),
        ] {
            assert_eq!(fnmatch(name, pattern), fits, "{name} {pattern}");
        }
    }
}
