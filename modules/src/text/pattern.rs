//! Python's regular expressions on top of fancy-regex: the syntax is rewritten where the two differ.

use fancy_regex::{Captures, Regex};

/// How a pattern is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `re.MULTILINE`
    pub multiline: bool,
    /// `re.DOTALL`
    pub dotall: bool,
    /// A pattern over bytes: `\w`, `\d` and `\s` mean ASCII.
    pub ascii: bool,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// The author's text.
    source: String,
    /// `re.MULTILINE`, by flag or by `(?m)` in the pattern.
    pub multiline: bool,
}

impl Pattern {
    /// # Errors
    /// Why the pattern cannot be used.
    pub fn new(source: &str, flags: Flags) -> Result<Self, String> {
        let (translated, multiline) = Translator::new(source, flags).run()?;
        let regex = Regex::new(&translated).map_err(|e| format!("{source}: {e}"))?;
        Ok(Pattern { regex, source: source.to_owned(), multiline })
    }

    /// A pattern over the lines of files that are read as bytes.
    ///
    /// # Errors
    /// Why the pattern cannot be used.
    pub fn bytes(source: &str) -> Result<Self, String> {
        Self::new(source, Flags { ascii: true, ..Flags::default() })
    }

    /// `re.search`. A search that would take too long finds nothing.
    pub fn search<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex.captures(text).ok().flatten()
    }
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text).unwrap_or(false)
    }
    /// `re.match`: at the start of the text.
    pub fn matches_start(&self, text: &str) -> bool {
        self.regex.find_from_pos(text, 0).ok().flatten().is_some_and(|m| m.start() == 0)
    }
    pub fn source(&self) -> &str {
        &self.source
    }
    /// The named groups with their numbers, in order.
    pub fn names(&self) -> Vec<(String, usize)> {
        self.regex.capture_names().enumerate().filter_map(|(i, n)| n.map(|n| (n.to_owned(), i))).collect()
    }
    /// How many groups there are, the whole match included.
    pub fn groups(&self) -> usize {
        self.regex.captures_len()
    }
    /// The number of a named group.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        self.regex.capture_names().position(|n| n == Some(name))
    }

    /// `re.subn`: the new text and the number of replacements.
    ///
    /// # Errors
    /// The search took too long.
    pub fn replace_all(&self, text: &str, template: &super::Template) -> Result<(String, usize), String> {
        let (mut out, mut count, mut copied) = (String::with_capacity(text.len()), 0, 0);
        let (mut at, mut last_end) = (0, None);
        while at <= text.len() {
            let found = self.regex.captures_from_pos(text, at).map_err(|e| e.to_string())?;
            let Some(captures) = found else { break };
            let whole = captures.get(0).ok_or("a match without text")?;
            let step = text[whole.end()..].chars().next().map_or(1, char::len_utf8);
            if whole.range().is_empty() && last_end == Some(whole.end()) && whole.start() > at {
                at = whole.end() + step;
                continue;
            }
            out.push_str(&text[copied..whole.start()]);
            out.push_str(&template.expand(&captures));
            count += 1;
            copied = whole.end();
            last_end = Some(whole.end());
            at = if whole.range().is_empty() { whole.end() + step } else { whole.end() };
        }
        out.push_str(&text[copied..]);
        Ok((out, count))
    }
}

struct Translator {
    source: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    verbose: bool,
}

impl Translator {
    fn new(source: &str, flags: Flags) -> Self {
        Translator { source: source.chars().collect(), at: 0, out: String::new(), flags, verbose: false }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.source.get(self.at + ahead).copied()
    }
    fn rest_starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    fn run(mut self) -> Result<(String, bool), String> {
        self.global_flags();
        let mut head = String::new();
        if self.flags.multiline {
            head.push('m');
        }
        if self.flags.dotall {
            head.push('s');
        }
        if !head.is_empty() {
            self.out.insert_str(0, &format!("(?{head})"));
        }
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group(),
                '$' => {
                    // Python's `$` also matches before a line end that ends the text.
                    self.out.push_str(if self.flags.multiline { "$" } else { r"(?=\n?\z)" });
                    self.at += 1;
                }
                '{' => self.brace(),
                '}' => {
                    self.out.push_str(r"\}");
                    self.at += 1;
                }
                '#' if self.verbose => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                c => {
                    self.out.push(c);
                    self.at += 1;
                }
            }
        }
        Ok((self.out, self.flags.multiline))
    }

    /// `(?imsx…)` at the start; letters that only Python knows are dropped.
    fn global_flags(&mut self) {
        while self.rest_starts("(?") {
            let letters: String = self.source[self.at + 2..].iter().take_while(|c| "aiLmsux".contains(**c)).collect();
            if letters.is_empty() || self.peek(2 + letters.len()) != Some(')') {
                return;
            }
            self.at += 3 + letters.len();
            self.flags.multiline |= letters.contains('m');
            self.flags.dotall |= letters.contains('s');
            self.flags.ascii |= letters.contains('a');
            self.verbose |= letters.contains('x');
            let kept: String = letters.chars().filter(|c| "ix".contains(*c)).collect();
            if !kept.is_empty() {
                self.out.push_str(&format!("(?{kept})"));
            }
        }
    }

    fn group(&mut self) {
        if self.rest_starts("(?#") {
            while self.peek(0).is_some_and(|c| c != ')') {
                self.at += 1;
            }
        } else if self.rest_starts("(?P=") {
            let name: String = self.source[self.at + 4..].iter().take_while(|c| **c != ')').collect();
            self.at += 4 + name.chars().count();
            self.out.push_str(&format!(r"\k<{name}>"));
        } else {
            self.out.push('(');
        }
        self.at += 1;
    }

    /// A brace that is no repetition is a brace.
    fn brace(&mut self) {
        let inner: String = self.source[self.at + 1..].iter().take_while(|c| **c != '}').collect();
        let closed = self.peek(1 + inner.chars().count()) == Some('}');
        let number = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_digit());
        let repetition = match inner.split_once(',') {
            None => number(&inner).then(|| inner.clone()),
            Some(("", "")) => None,
            Some((low, high)) if (low.is_empty() || number(low)) && (high.is_empty() || number(high)) => {
                Some(format!("{},{high}", if low.is_empty() { "0" } else { low }))
            }
            Some(_) => None,
        };
        match repetition.filter(|_| closed && self.at > 0) {
            Some(repetition) => {
                self.out.push_str(&format!("{{{repetition}}}"));
                self.at += inner.chars().count() + 2;
            }
            None => {
                self.out.push_str(r"\{");
                self.at += 1;
            }
        }
    }

    /// A backslash and what it escapes.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.peek(1) else { return Err("bad escape (end of pattern)".to_owned()) };
        self.at += 2;
        match c {
            'Z' if !in_class => self.out.push_str(r"\z"),
            'w' | 'W' | 'd' | 'D' | 's' | 'S' if self.flags.ascii => self.out.push_str(match (c, in_class) {
                ('w', false) => "[0-9A-Za-z_]",
                ('W', _) => "[^0-9A-Za-z_]",
                ('d', false) => "[0-9]",
                ('D', _) => "[^0-9]",
                ('s', false) => r"[ \t\n\r\x0c\x0b]",
                ('S', _) => r"[^ \t\n\r\x0c\x0b]",
                ('w', true) => "0-9A-Za-z_",
                ('d', true) => "0-9",
                _ => r" \t\n\r\x0c\x0b",
            }),
            'b' if in_class => self.out.push_str(r"\x08"),
            'a' => self.out.push_str(r"\x07"),
            'f' => self.out.push_str(r"\x0c"),
            'v' => self.out.push_str(r"\x0b"),
            '0' => {
                let digits: String =
                    self.source[self.at..].iter().take(2).take_while(|c| ('0'..='7').contains(*c)).collect();
                self.at += digits.len();
                let number = u32::from_str_radix(&digits, 8).unwrap_or(0);
                self.out.push_str(&format!(r"\x{{{number:x}}}"));
            }
            'A' | 'B' | 'b' | 'D' | 'S' | 'W' | 'd' | 'n' | 'r' | 's' | 't' | 'u' | 'U' | 'w' | 'x' => {
                self.out.extend(['\\', c]);
            }
            c if c.is_ascii_digit() && !in_class => self.out.extend(['\\', c]),
            c if c.is_ascii_alphabetic() => return Err(format!(r"bad escape \{c}")),
            c => self.literal(c),
        }
        Ok(())
    }

    /// A character that means itself.
    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() && c != '_' && c != '<' && c != '>' && c != '\'' && c != '"' {
            self.out.push('\\');
        }
        if self.verbose && c.is_whitespace() {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    /// `[…]`: brackets, `&&`, `--` and `~~` inside mean nothing in Python.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        self.at += 1;
        if self.peek(0) == Some('^') {
            self.out.push('^');
            self.at += 1;
        }
        let mut first = true;
        loop {
            match self.peek(0) {
                None => return Err("unterminated character set".to_owned()),
                Some(']') if !first => break,
                Some('\\') => self.escape(true)?,
                Some(c) => {
                    if "[]&~".contains(c) || c == '-' && self.peek(1) == Some('-') || self.verbose && " #".contains(c) {
                        self.out.push('\\');
                    }
                    self.out.push(c);
                    self.at += 1;
                }
            }
            first = false;
        }
        self.out.push(']');
        self.at += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Template;

    /// Answers of Python's `re.search`: the whole match.
    #[test]
    fn searches_as_python() {
        let long = Flags::default();
        let lines = Flags { multiline: true, ..long };
        for (pattern, flags, text, expected) in [
            ("foo$", long, "foo\n", Some("foo")),
            ("foo$", long, "foo\nbar", None),
            ("foo$", lines, "foo\nbar", Some("foo")),
            (r"foo\Z", long, "foo\n", None),
            ("^server {$", long, "server {\n", Some("server {")),
            (r"\${VAR}", long, "x${VAR}", Some("${VAR}")),
            ("a{,2}b", long, "aab", Some("aab")),
            ("{{ x }}", long, "{{ x }}", Some("{{ x }}")),
            ("[[:]+", long, "a[[:", Some("[[:")),
            ("[]x]+", long, "]x]", Some("]x]")),
            (r"[\w&&-]+", long, "a&&b", Some("a&&b")),
            (r"(?P<a>x)(?P=a)", long, "axx", Some("xx")),
            (r"\<b\>", long, "<b>", Some("<b>")),
            (r"(?i)ABC", long, "xabc", Some("abc")),
            (r"(?m)^b$", long, "a\nb\nc", Some("b")),
            (r"^(?!#)\s*Port\b", long, "Port 22", Some("Port")),
            (r#"\/etc\/\"x\"\ y"#, long, "/etc/\"x\" y", Some("/etc/\"x\" y")),
            (r"(?<=a)b", long, "ab", Some("b")),
            (r"[a-z\-_]+", long, "a-_", Some("a-_")),
        ] {
            let pattern = Pattern::new(pattern, flags).expect(pattern);
            let found = pattern.search(text).and_then(|c| c.get(0).map(|m| m.as_str()));
            assert_eq!(found, expected, "{} on {text:?}", pattern.source());
        }
        assert!(Pattern::new(r"\K", long).is_err() && Pattern::new("(", long).is_err());
    }

    /// Answers of Python's `re.subn`.
    #[test]
    fn replaces_as_python() {
        for (pattern, template, text, expected, count) in [
            (r"(\w+) (\w+)", r"\2 \1", "a b c d", "b a d c", 2),
            (r"(?P<k>\w+)=", r"\g<k>: \g<1>\n", "x=1", "x: x\n1", 1),
            ("x*", "-", "abxd", "-a-b--d-", 5),
            ("^", "> ", "a\nb", "> a\n> b", 2),
            ("$", ";", "a\nb\n", "a;\nb;\n;", 3),
            (r"(a)|b", r"[\1]", "ab", "[a][]", 2),
            (r"\s+$", "", "a  \nb ", "a\nb", 2),
            (r"a", r"\\1\.", "a", r"\1\.", 1),
        ] {
            let pattern = Pattern::new(pattern, Flags { multiline: true, ..Flags::default() }).expect(pattern);
            let template = Template::new(template, &pattern).expect(template);
            assert_eq!(pattern.replace_all(text, &template), Ok((expected.to_owned(), count)), "{}", pattern.source());
        }
    }
}
