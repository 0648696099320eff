//! Words of a POSIX shell: quoting one, splitting a line as Python's `shlex.split` does.

use std::borrow::Cow;

/// Quotes one word for a POSIX shell. Words without special characters stay as they are.
pub fn shell_quote(word: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\"'\"'")))
}

/// Splits a line into words as `shlex.split` does.
///
/// # Errors
/// `No closing quotation` or `No escaped character`, as shlex says it.
pub fn shell_split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("No closing quotation".to_owned()),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err("No escaped character".to_owned()),
                        },
                        Some(c) => word.push(c),
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

#[cfg(test)]
mod tests {
    use super::{shell_quote, shell_split};

    #[test]
    fn splits_as_shlex() {
        let cases: &[(&str, Result<&[&str], &str>)] = &[
            ("", Ok(&[])),
            ("-o A=b  -J x,y", Ok(&["-o", "A=b", "-J", "x,y"])),
            (r#"-o ProxyCommand="ssh -W %h:%p jump""#, Ok(&["-o", "ProxyCommand=ssh -W %h:%p jump"])),
            (r#"'a b'c "d\"e\f" ''"#, Ok(&["a bc", r#"d"e\f"#, ""])),
            (r"a\ b", Ok(&["a b"])),
            ("'open", Err("No closing quotation")),
            ("end\\", Err("No escaped character")),
        ];
        for (line, want) in cases {
            let got = shell_split(line);
            let want = want.map(|w| w.iter().map(ToString::to_string).collect::<Vec<_>>()).map_err(str::to_owned);
            assert_eq!(got, want, "{line}");
        }
    }

    #[test]
    fn quotes_what_needs_it() {
        for (word, want) in [("", "''"), ("a/b-c.d", "a/b-c.d"), ("a b", "'a b'"), ("it's", "'it'\"'\"'s'")] {
            assert_eq!(shell_quote(word), want);
        }
    }
}
