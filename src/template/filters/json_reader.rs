//! Python's JSON reader: integers without limit, `NaN`, and its messages.

use crate::template::runtime::V;
use crate::value::Key;
use indexmap::IndexMap;
use num_bigint::BigInt;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Halves of surrogate pairs that stand alone, each with its place in its text.
    halves: Vec<(u32, usize)>,
}

/// Why text is no JSON that can be had.
pub enum Refused {
    Syntax(String),
    /// It holds half of a surrogate pair.
    Half(String),
}

/// `strict`: text that UTF-8 cannot hold is refused, else there is a `?` in place of each such character.
pub fn parse(text: &str, strict: bool) -> Result<V, Refused> {
    let mut reader = Reader { text, at: 0, depth: 0, halves: vec![] };
    reader.space();
    let value = reader.value().map_err(Refused::Syntax)?;
    reader.space();
    if reader.at < text.len() {
        return Err(Refused::Syntax(reader.fail("Extra data", reader.at)));
    }
    if let Some((code, at)) = reader.halves.first().filter(|_| strict) {
        return Err(Refused::Half(format!(
            "Refusing to deserialize an invalid UTF8 string value: 'utf-8' codec can't encode character '\\u{code:04x}' in \
             position {at}: surrogates not allowed"
        )));
    }
    Ok(value)
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }
    fn fail(&self, what: &str, at: usize) -> String {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{what}: line {line} column {column} (char {})", before.chars().count())
    }
    fn value(&mut self) -> Result<V, String> {
        let start = self.at;
        self.depth += 1;
        if self.depth > 200 {
            return Err("maximum recursion depth exceeded".to_owned());
        }
        for (word, v) in [
            ("null", V::None),
            ("true", V::Bool(true)),
            ("false", V::Bool(false)),
            ("NaN", V::Float(f64::NAN)),
            ("Infinity", V::Float(f64::INFINITY)),
            ("-Infinity", V::Float(f64::NEG_INFINITY)),
        ] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                self.depth -= 1;
                return Ok(v);
            }
        }
        let out = match self.rest().chars().next() {
            Some('"') => V::str(self.string()?),
            Some('[') => self.list()?,
            Some('{') => self.dict()?,
            Some('-' | '0'..='9') => self.number(start)?,
            _ => return Err(self.fail("Expecting value", start)),
        };
        self.depth -= 1;
        Ok(out)
    }
    fn number(&mut self, start: usize) -> Result<V, String> {
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut end = usize::from(bytes[0] == b'-');
        let whole = if bytes.get(end) == Some(&b'0') { 1 } else { digits(end) };
        if whole == 0 {
            return Err(self.fail("Expecting value", start));
        }
        end += whole;
        let mut float = false;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
            float = true;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let n = bytes.get(end + 1 + sign..).map_or(0, |_| digits(end + 1 + sign));
            if n > 0 {
                end += 1 + sign + n;
                float = true;
            }
        }
        let text = self.rest()[..end].to_owned();
        self.at += end;
        if float {
            return Ok(V::Float(text.parse().unwrap_or(f64::NAN)));
        }
        Ok(BigInt::parse_bytes(text.as_bytes(), 10).map_or(V::Int(0), V::big))
    }
    fn string(&mut self) -> Result<String, String> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        let mut high: Option<u32> = None;
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(self.fail("Unterminated string starting at", start));
            };
            let at = self.at;
            self.at += c.len_utf8();
            let before = high.take();
            match c {
                '"' => return Ok(out),
                '\\' => {
                    let Some(e) = self.rest().chars().next() else {
                        return Err(self.fail("Unterminated string starting at", start));
                    };
                    self.at += e.len_utf8();
                    match e {
                        '"' | '\\' | '/' => out.push(e),
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'r' => out.push('\r'),
                        'b' => out.push('\x08'),
                        'f' => out.push('\x0c'),
                        'u' => {
                            let code = self
                                .rest()
                                .get(..4)
                                .and_then(|h| u32::from_str_radix(h, 16).ok())
                                .ok_or_else(|| self.fail("Invalid \\uXXXX escape", at + 1))?;
                            self.at += 4;
                            match (before, code) {
                                (Some(h), 0xdc00..=0xdfff) => {
                                    out.pop();
                                    self.halves.pop();
                                    let full = 0x10000 + ((h - 0xd800) << 10) + (code - 0xdc00);
                                    out.push(char::from_u32(full).unwrap_or('\u{fffd}'));
                                }
                                (_, 0xd800..=0xdfff) => {
                                    high = Some(code).filter(|code| *code < 0xdc00);
                                    self.halves.push((code, out.chars().count()));
                                    out.push('?');
                                }
                                (_, code) => out.push(char::from_u32(code).unwrap_or('\u{fffd}')),
                            }
                        }
                        _ => return Err(self.fail("Invalid \\escape", at)),
                    }
                }
                c if (c as u32) < 0x20 => return Err(self.fail("Invalid control character at", at)),
                c => out.push(c),
            }
        }
    }
    fn list(&mut self) -> Result<V, String> {
        self.at += 1;
        let mut items = vec![];
        self.space();
        if self.rest().starts_with(']') {
            self.at += 1;
            return Ok(V::list(items));
        }
        loop {
            self.space();
            items.push(self.value()?);
            self.space();
            match self.rest().chars().next() {
                Some(',') => self.at += 1,
                Some(']') => {
                    self.at += 1;
                    return Ok(V::list(items));
                }
                _ => return Err(self.fail("Expecting ',' delimiter", self.at)),
            }
        }
    }
    fn dict(&mut self) -> Result<V, String> {
        self.at += 1;
        let mut map = IndexMap::new();
        self.space();
        if self.rest().starts_with('}') {
            self.at += 1;
            return Ok(V::dict(map));
        }
        loop {
            self.space();
            if !self.rest().starts_with('"') {
                return Err(self.fail("Expecting property name enclosed in double quotes", self.at));
            }
            let key = self.string()?;
            self.space();
            if !self.rest().starts_with(':') {
                return Err(self.fail("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.space();
            let value = self.value()?;
            map.insert(Key::from(key), value);
            self.space();
            match self.rest().chars().next() {
                Some(',') => self.at += 1,
                Some('}') => {
                    self.at += 1;
                    return Ok(V::dict(map));
                }
                _ => return Err(self.fail("Expecting ',' delimiter", self.at)),
            }
        }
    }
}
