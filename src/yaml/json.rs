//! JSON texts as nodes. ansible-core tries JSON first on every file, with Python's `json` module.

use super::node::{Node, NodeKind};
use crate::diag::{FileId, Span};
use num_bigint::BigInt;
use std::collections::HashMap;
use std::sync::Arc;

const DEPTH: usize = 200;

/// The text as one JSON document; `None` where it is not JSON.
pub(super) fn read(text: &str, file: FileId) -> Option<Node> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, file };
    reader.blanks();
    let node = reader.value(0)?;
    reader.blanks();
    (reader.at == text.len()).then_some(node)
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    file: FileId,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
    fn word(&mut self, word: &str) -> Option<()> {
        self.bytes[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > DEPTH {
            return None;
        }
        let start = self.at;
        let kind = match self.peek()? {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'"' => NodeKind::Str { text: self.string()?, is_unsafe: false, plain: false },
            b't' => self.word("true").map(|()| NodeKind::Bool(true))?,
            b'f' => self.word("false").map(|()| NodeKind::Bool(false))?,
            b'n' => self.word("null").map(|()| NodeKind::Null)?,
            b'N' => self.word("NaN").map(|()| NodeKind::Float(f64::NAN))?,
            b'I' => self.word("Infinity").map(|()| NodeKind::Float(f64::INFINITY))?,
            b'-' if self.bytes[self.at..].starts_with(b"-Infinity") => {
                self.word("-Infinity").map(|()| NodeKind::Float(f64::NEG_INFINITY))?
            }
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return None,
        };
        Some(Node { kind, span: Span::new(self.file, start, self.at) })
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<NodeKind> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut float = false;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            float = true;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'-' | b'+')) {
                self.at += 1;
            }
            self.digits()?;
            float = true;
        }
        let text = &self.text[start..self.at];
        if float {
            return text.parse().ok().map(NodeKind::Float);
        }
        match text.parse() {
            Ok(i) => Some(NodeKind::Int(i)),
            Err(_) => BigInt::parse_bytes(text.as_bytes(), 10).map(|i| NodeKind::BigInt(Arc::new(i))),
        }
    }

    fn string(&mut self) -> Option<Arc<str>> {
        self.at += 1;
        let start = self.at;
        let mut out = String::new();
        let mut copied = start;
        loop {
            match self.peek()? {
                b'"' => {
                    let rest = &self.text[copied..self.at];
                    self.at += 1;
                    return Some(if out.is_empty() { rest.into() } else { (out + rest).into() });
                }
                b'\\' => {
                    out.push_str(&self.text[copied..self.at]);
                    self.at += 1;
                    out.push(self.escape()?);
                    copied = self.at;
                }
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = match self.peek()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                let high = self.hex()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return char::from_u32(high);
                }
                self.word("\\u")?;
                let low = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                return char::from_u32(0x10000 + ((high - 0xd800) << 10) + low);
            }
            _ => return None,
        };
        self.at += 1;
        Some(c)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 4)?;
        let code = digits.iter().try_fold(0, |acc, b| Some(acc * 16 + (*b as char).to_digit(16)?))?;
        self.at += 4;
        Some(code)
    }

    fn array(&mut self, depth: usize) -> Option<NodeKind> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.word("]").is_some() {
            return Some(NodeKind::Seq(items));
        }
        loop {
            self.blanks();
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.word("]").is_some() {
                return Some(NodeKind::Seq(items));
            }
            self.word(",")?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<NodeKind> {
        self.at += 1;
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        self.blanks();
        if self.word("}").is_some() {
            return Some(NodeKind::Map(entries));
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek()? != b'"' {
                return None;
            }
            let text = self.string()?;
            let span = Span::new(self.file, start, self.at);
            self.blanks();
            self.word(":")?;
            self.blanks();
            let value = self.value(depth + 1)?;
            let next = entries.len();
            let place = *places.entry(text.clone()).or_insert(next);
            let key = Node { kind: NodeKind::Str { text, is_unsafe: false, plain: false }, span };
            if place == next {
                entries.push((key, value));
            } else {
                entries[place] = (key, value);
            }
            self.blanks();
            if self.word("}").is_some() {
                return Some(special(entries));
            }
            self.word(",")?;
        }
    }
}

/// `{"__ansible_vault": ciphertext}` and `{"__ansible_unsafe": text}` are how Ansible writes those strings to JSON.
fn special(entries: Vec<(Node, Node)>) -> NodeKind {
    for (key, value) in &entries {
        if let NodeKind::Str { text, .. } = &value.kind {
            match key.as_str() {
                Some("__ansible_vault") => return NodeKind::Vault(text.clone()),
                Some("__ansible_unsafe") => {
                    return NodeKind::Str { text: text.clone(), is_unsafe: true, plain: false };
                }
                _ => {}
            }
        }
    }
    NodeKind::Map(entries)
}
