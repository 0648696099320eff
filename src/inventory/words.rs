//! Words of a line as a POSIX shell splits them (`shlex.split`), with `#` comments.

/// # Errors
/// Where a quotation is not closed, or the line ends in an escape.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' => break,
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("No escaped character")?),
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or("No closing quotation")? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let c = chars.next().ok_or("No escaped character")?;
                if c != '"' && c != '\\' {
                    word.push('\\');
                }
                word.push(c);
            }
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_as_a_shell_splits_them() {
        for (line, want) in [
            (r#"h a=1 b="x y" c='$z'"#, vec!["h", "a=1", "b=x y", "c=$z"]),
            ("h a=b#c d", vec!["h", "a=b"]),
            ("h '' # c", vec!["h", ""]),
            (r#"h a="x\"\n" b=\ c"#, vec!["h", r#"a=x"\n"#, "b= c"]),
            ("h a='[1, 2]'", vec!["h", "a=[1, 2]"]),
        ] {
            assert_eq!(split(line), Ok(want.into_iter().map(str::to_owned).collect()), "{line}");
        }
        assert!(split("h a='x").is_err());
        assert!(split("h \\").is_err());
    }
}
