//! Source text → tokens, with Jinja2's rules for white space.

use super::SyntaxError;
use std::sync::Arc;

/// Delimiters and white space rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    pub block: (Arc<str>, Arc<str>),
    pub variable: (Arc<str>, Arc<str>),
    pub comment: (Arc<str>, Arc<str>),
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub newline: Arc<str>,
    pub keep_trailing_newline: bool,
    /// Backslashes of texts inside `{{ }}` are plain characters: the YAML reader has already seen to them.
    pub plain_backslashes: bool,
    /// Jinja2's extensions: the `do` tag.
    pub do_tag: bool,
    /// Jinja2's extensions: `break` and `continue`.
    pub loop_controls: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            block: ("{%".into(), "%}".into()),
            variable: ("{{".into(), "}}".into()),
            comment: ("{#".into(), "#}".into()),
            trim_blocks: true,
            lstrip_blocks: false,
            newline: "\n".into(),
            keep_trailing_newline: false,
            plain_backslashes: true,
            do_tag: false,
            loop_controls: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Tok {
    Data(Arc<str>),
    VarBegin,
    VarEnd,
    BlockBegin,
    BlockEnd,
    Name(Arc<str>),
    Str(Arc<str>),
    /// Digits with their prefix, without underscores.
    Int(String),
    Float(f64),
    Op(&'static str),
    Eof,
}

impl Tok {
    /// As Jinja2's messages call it.
    pub fn describe(&self) -> String {
        match self {
            Tok::Data(_) => "template data / text".into(),
            Tok::VarBegin => "begin of print statement".into(),
            Tok::VarEnd => "end of print statement".into(),
            Tok::BlockBegin => "begin of statement block".into(),
            Tok::BlockEnd => "end of statement block".into(),
            Tok::Name(n) => n.to_string(),
            Tok::Str(_) => "string".into(),
            Tok::Int(_) => "integer".into(),
            Tok::Float(_) => "float".into(),
            Tok::Op(op) => (*op).into(),
            Tok::Eof => "end of template".into(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Token {
    pub tok: Tok,
    pub start: u32,
    pub end: u32,
}

const OPS: [&str; 25] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".",
    ":", "|", ",",
];

/// Where a tag starts and which kind it is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Block,
    Variable,
    Comment,
}

pub struct Lexer<'s> {
    src: &'s str,
    rules: &'s Rules,
    pos: usize,
    out: Vec<Token>,
    brackets: Vec<char>,
}

/// Tokens of a whole template, `Eof` last. The source has `\n` line ends.
pub fn template(src: &str, rules: &Rules) -> Result<Vec<Token>, SyntaxError> {
    let src = if rules.keep_trailing_newline { src } else { src.strip_suffix('\n').unwrap_or(src) };
    let mut lexer = Lexer { src, rules, pos: 0, out: vec![], brackets: vec![] };
    lexer.root()?;
    Ok(lexer.finish())
}

/// Tokens of an expression without delimiters.
pub fn expression(src: &str, rules: &Rules) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { src, rules, pos: 0, out: vec![], brackets: vec![] };
    lexer.inside(Kind::Variable, false)?;
    Ok(lexer.finish())
}

impl Lexer<'_> {
    fn finish(mut self) -> Vec<Token> {
        let end = self.src.len() as u32;
        self.out.push(Token { tok: Tok::Eof, start: end, end });
        self.out
    }
    fn rest(&self) -> &str {
        &self.src[self.pos..]
    }
    fn push(&mut self, tok: Tok, start: usize) {
        self.out.push(Token { tok, start: start as u32, end: self.pos as u32 });
    }
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError { message: message.into(), offset: self.pos as u32 })
    }
    fn data(&mut self, text: &str, start: usize) {
        if !text.is_empty() {
            let text: Arc<str> =
                if &*self.rules.newline == "\n" { text.into() } else { text.replace('\n', &self.rules.newline).into() };
            self.out.push(Token { tok: Tok::Data(text), start: start as u32, end: self.pos as u32 });
        }
    }

    /// The next tag from `from` on: position, kind, length of its opening delimiter. Longer delimiters win.
    fn next_tag(&self, from: usize) -> Option<(usize, Kind, usize)> {
        let mut best: Option<(usize, Kind, usize)> = None;
        for (kind, open) in [
            (Kind::Comment, &self.rules.comment.0),
            (Kind::Block, &self.rules.block.0),
            (Kind::Variable, &self.rules.variable.0),
        ] {
            if let Some(at) = self.src[from..].find(&**open) {
                let at = from + at;
                if best.is_none_or(|(b, _, len)| at < b || (at == b && open.len() > len)) {
                    best = Some((at, kind, open.len()));
                }
            }
        }
        best
    }

    fn root(&mut self) -> Result<(), SyntaxError> {
        let mut line_starting = true;
        while self.pos < self.src.len() {
            let start = self.pos;
            let Some((at, kind, len)) = self.next_tag(start) else {
                let text = self.rest().to_owned();
                self.pos = self.src.len();
                self.data(&text, start);
                break;
            };
            let sign = self.sign_at(at + len);
            let text = self.strip_before(&self.src[start..at], sign, kind, line_starting).to_owned();
            self.pos = at;
            self.data(&text, start);
            self.pos = at + len + usize::from(sign.is_some());
            match kind {
                Kind::Comment => self.comment()?,
                Kind::Block => match self.raw_begin(at + len) {
                    Some(content) => self.raw(content)?,
                    None => {
                        self.push(Tok::BlockBegin, at);
                        self.inside(kind, true)?;
                    }
                },
                Kind::Variable => {
                    self.push(Tok::VarBegin, at);
                    self.inside(kind, true)?;
                }
            }
            line_starting = self.src[..self.pos].ends_with('\n');
        }
        Ok(())
    }
    fn sign_at(&self, at: usize) -> Option<char> {
        self.src[at..].chars().next().filter(|c| matches!(c, '-' | '+'))
    }
    fn strip_before<'t>(&self, text: &'t str, sign: Option<char>, kind: Kind, line_starting: bool) -> &'t str {
        if sign == Some('-') {
            return text.trim_end();
        }
        if sign != Some('+') && self.rules.lstrip_blocks && kind != Kind::Variable {
            let line = text.rfind('\n').map_or(0, |p| p + 1);
            if (line > 0 || line_starting) && text[line..].chars().all(char::is_whitespace) {
                return &text[..line];
            }
        }
        text
    }
    /// Skips what follows the end of a block or comment: `-` takes all white space, otherwise one newline goes.
    fn after_end(&mut self, minus: bool, plus: bool) {
        if minus {
            self.pos += self.rest().len() - self.rest().trim_start().len();
        } else if !plus && self.rules.trim_blocks && self.rest().starts_with('\n') {
            self.pos += 1;
        }
    }
    fn comment(&mut self) -> Result<(), SyntaxError> {
        let end = self.rules.comment.1.clone();
        let Some(at) = self.rest().find(&*end) else {
            return self.fail("Missing end of comment tag");
        };
        let sign = self.rest()[..at].chars().next_back();
        self.pos += at + end.len();
        self.after_end(sign == Some('-'), sign == Some('+'));
        Ok(())
    }
    /// Where the content of a `raw` block begins, if the tag whose name starts at `at` is one.
    fn raw_begin(&self, at: usize) -> Option<usize> {
        let src = &self.src[at..];
        let src = src.strip_prefix(['-', '+']).unwrap_or(src).trim_start();
        let src = src.strip_prefix("raw")?.trim_start();
        let end = &*self.rules.block.1;
        if let Some(after) = src.strip_prefix('-').and_then(|s| s.strip_prefix(end)) {
            return Some(self.src.len() - after.trim_start().len());
        }
        Some(self.src.len() - src.strip_prefix(end)?.len())
    }
    fn raw(&mut self, content: usize) -> Result<(), SyntaxError> {
        let (open, close) = self.rules.block.clone();
        let mut from = content;
        loop {
            let Some(at) = self.src[from..].find(&*open).map(|p| p + from) else {
                self.pos = content;
                return self.fail("Missing end of raw directive");
            };
            let sign = self.sign_at(at + open.len());
            let tag = self.src[at + open.len() + usize::from(sign.is_some())..].trim_start();
            if let Some(tail) = tag.strip_prefix("endraw").map(str::trim_start) {
                let end_sign = tail.chars().next().filter(|c| matches!(c, '-' | '+'));
                if let Some(after) = tail[usize::from(end_sign.is_some())..].strip_prefix(&*close) {
                    let text = self.strip_before(
                        &self.src[content..at],
                        sign,
                        Kind::Block,
                        self.src[..content].ends_with('\n'),
                    );
                    let text = text.to_owned();
                    self.pos = self.src.len() - after.len();
                    self.after_end(end_sign == Some('-'), end_sign == Some('+'));
                    self.data(&text, content);
                    return Ok(());
                }
            }
            from = at + open.len();
        }
    }

    /// Tokens up to the end of the tag (or of the source, for a bare expression).
    fn inside(&mut self, kind: Kind, delimited: bool) -> Result<(), SyntaxError> {
        let end: Arc<str> =
            if kind == Kind::Block { self.rules.block.1.clone() } else { self.rules.variable.1.clone() };
        self.brackets.clear();
        loop {
            let skipped = self.rest().len() - self.rest().trim_start().len();
            // The end of a tag is looked for before white space is skipped, so only at a token's start.
            self.pos += skipped;
            let start = self.pos;
            let Some(c) = self.rest().chars().next() else {
                return Ok(());
            };
            if delimited && self.brackets.is_empty() {
                let minus = c == '-' && self.rest()[1..].starts_with(&*end);
                let plus = kind == Kind::Block && c == '+' && self.rest()[1..].starts_with(&*end);
                if minus || plus || self.rest().starts_with(&*end) {
                    self.pos += end.len() + usize::from(minus || plus);
                    self.push(if kind == Kind::Block { Tok::BlockEnd } else { Tok::VarEnd }, start);
                    if kind == Kind::Block {
                        self.after_end(minus, plus);
                    } else if minus {
                        self.after_end(true, false);
                    }
                    return Ok(());
                }
            }
            match c {
                '\'' | '"' => self.string(c, kind)?,
                '0'..='9' => self.number()?,
                c if c == '_' || c.is_alphanumeric() => self.name()?,
                _ => self.operator(c)?,
            }
        }
    }
    fn operator(&mut self, c: char) -> Result<(), SyntaxError> {
        let start = self.pos;
        let Some(op) = OPS.iter().find(|op| self.rest().starts_with(**op)) else {
            return self.fail(format!("unexpected char {} at {}", crate::value::repr_str(&c.to_string()), self.pos));
        };
        match c {
            '(' => self.brackets.push(')'),
            '[' => self.brackets.push(']'),
            '{' => self.brackets.push('}'),
            ')' | ']' | '}' => match self.brackets.pop() {
                None => return self.fail(format!("unexpected '{c}'")),
                Some(expected) if expected != c => {
                    return self.fail(format!("unexpected '{c}', expected '{expected}'"));
                }
                Some(_) => {}
            },
            _ => {}
        }
        self.pos += op.len();
        self.push(Tok::Op(op), start);
        Ok(())
    }
    fn name(&mut self) -> Result<(), SyntaxError> {
        let start = self.pos;
        let len = self.rest().find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(self.rest().len());
        self.pos += len;
        let name: Arc<str> = self.src[start..self.pos].into();
        self.push(Tok::Name(name), start);
        Ok(())
    }
    fn number(&mut self) -> Result<(), SyntaxError> {
        let start = self.pos;
        let bytes = self.rest().as_bytes();
        // Digits with single underscores between them.
        let digits = |from: usize, ok: fn(&u8) -> bool| {
            let mut i = from;
            while i < bytes.len()
                && (ok(&bytes[i]) || (bytes[i] == b'_' && i > from && bytes.get(i + 1).is_some_and(ok)))
            {
                i += 1;
            }
            i
        };
        let decimal = |from| digits(from, u8::is_ascii_digit);
        let after_dot = self.src[..start].ends_with('.');
        let mut end = decimal(0);
        let mut float = false;
        if !after_dot {
            if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
                end = decimal(end + 1);
                float = true;
            }
            if matches!(bytes.get(end), Some(b'e' | b'E')) {
                let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
                if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                    end = decimal(end + 1 + sign);
                    float = true;
                }
            }
        }
        if float {
            let text = self.rest()[..end].replace('_', "");
            self.pos += end;
            let value = text.parse().unwrap_or(f64::INFINITY);
            self.push(Tok::Float(value), start);
            return Ok(());
        }
        let radix_digits: Option<fn(&u8) -> bool> = match bytes.get(1).filter(|_| bytes[0] == b'0') {
            Some(b'x' | b'X') => Some(u8::is_ascii_hexdigit),
            Some(b'o' | b'O') => Some(|b| (b'0'..=b'7').contains(b)),
            Some(b'b' | b'B') => Some(|b| matches!(b, b'0' | b'1')),
            _ => None,
        };
        let end = match radix_digits {
            Some(ok) if bytes.get(2).is_some_and(ok) => digits(2, ok),
            // A zero is followed by zeros only: `0755` is two numbers, hence an error.
            _ if bytes[0] == b'0' => digits(0, |b| *b == b'0'),
            _ => end,
        };
        let text = self.rest()[..end].replace('_', "");
        self.pos += end;
        self.push(Tok::Int(text), start);
        Ok(())
    }
    fn string(&mut self, quote: char, kind: Kind) -> Result<(), SyntaxError> {
        let start = self.pos;
        let mut escaped = false;
        let mut has_escapes = false;
        for (i, c) in self.rest().char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
                has_escapes = true;
            } else if c == quote {
                let content = &self.rest()[1..i];
                let text: Arc<str> = if !has_escapes || (self.rules.plain_backslashes && kind == Kind::Variable) {
                    content.into()
                } else {
                    match unescape(content) {
                        Ok(text) => text.into(),
                        Err(message) => return self.fail(message),
                    }
                };
                self.pos += i + 1;
                self.push(Tok::Str(text), start);
                return Ok(());
            }
        }
        self.fail(format!("unexpected char {} at {}", crate::value::repr_str(&quote.to_string()), self.pos))
    }
}

/// Python's escapes in text literals.
fn unescape(text: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(e) = chars.next() else {
            out.push('\\');
            break;
        };
        let mut number = |radix: u32, min: usize, max: usize| {
            let mut digits = 0;
            let mut code = 0u32;
            while digits < max
                && let Some(d) = chars.peek().and_then(|c| c.to_digit(radix))
            {
                code = code.saturating_mul(radix) + d;
                digits += 1;
                chars.next();
            }
            // Half of a surrogate pair is no character: its escape stays as it stands.
            let character = char::from_u32(code).map_or_else(|| format!("\\{e}{code:0max$x}"), String::from);
            (digits >= min).then_some(character)
        };
        match e {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(e),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            'x' => out.push_str(&number(16, 2, 2).ok_or("truncated \\xXX escape")?),
            'u' => out.push_str(&number(16, 4, 4).ok_or("truncated \\uXXXX escape")?),
            'U' => out.push_str(&number(16, 8, 8).ok_or("truncated \\UXXXXXXXX escape")?),
            '0'..='7' => {
                let mut code = e.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    if let Some(d) = chars.peek().and_then(|c| c.to_digit(8)) {
                        code = code * 8 + d;
                        chars.next();
                    }
                }
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    Ok(out)
}
