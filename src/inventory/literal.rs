//! Python literals (`ast.literal_eval`) in INI inventories. Text that is no literal stays text.

use crate::value::{Key, Map, Value};
use num_bigint::BigInt;
use std::sync::Arc;

/// Nesting beyond which text is not taken for a literal.
const DEEPEST: usize = 100;

/// The value of a Python literal, with tuples and sets as lists; `None` where the text is not one. `text` makes the values of
/// string constants.
pub(super) fn literal(source: &str, text: &dyn Fn(String) -> Value) -> Option<Value> {
    if source.contains('\0') {
        return None;
    }
    let mut parser = Parser { rest: source.trim_start_matches([' ', '\t']), depth: 0, text };
    // Most values are plain words: they are told apart without a parse.
    let first = parser.rest.chars().next()?;
    if first.is_alphabetic() && !parser.rest.starts_with(['T', 'F', 'N', 's']) && !parser.rest.contains(['"', '\'']) {
        return None;
    }
    let value = parser.tuple()?;
    parser.blank();
    parser.rest.is_empty().then_some(value)
}

struct Parser<'a> {
    rest: &'a str,
    /// Open brackets.
    depth: usize,
    text: &'a dyn Fn(String) -> Value,
}

impl<'a> Parser<'a> {
    /// Skips blanks and comments; inside brackets line ends too.
    fn blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\x0c']);
            if self.depth > 0 {
                self.rest = self.rest.trim_start_matches(['\n', '\r', ' ', '\t']);
            }
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
        }
    }
    fn take(&mut self, token: &str) -> bool {
        self.blank();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
    fn peek(&mut self) -> Option<char> {
        self.blank();
        self.rest.chars().next()
    }

    /// One value, or several with commas between: a tuple.
    fn tuple(&mut self) -> Option<Value> {
        let first = self.value()?;
        if !self.take(",") {
            return Some(first);
        }
        let mut items = vec![first];
        while !matches!(self.peek(), None | Some(')')) {
            items.push(self.value()?);
            if !self.take(",") {
                break;
            }
        }
        Some(Value::list(items))
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            '(' => self.nested(|p| {
                if p.take(")") {
                    return Some(Value::list(vec![]));
                }
                let value = p.tuple()?;
                p.take(")").then_some(value)
            }),
            '[' => self.nested(|p| p.items("]").map(Value::list)),
            '{' => self.nested(Parser::braces),
            '.' if self.rest.starts_with("...") => self.word(),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            '"' | '\'' | 'r' | 'R' | 'u' | 'U' | 'b' | 'B' => self.strings(),
            _ => self.word(),
        }
    }
    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        if self.depth >= DEEPEST {
            return None;
        }
        self.rest = &self.rest[1..];
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }
    fn items(&mut self, end: &str) -> Option<Vec<Value>> {
        let mut items = vec![];
        while !self.take(end) {
            items.push(self.value()?);
            if !self.take(",") {
                return self.take(end).then_some(items);
            }
        }
        Some(items)
    }
    /// A dict, or a set; the items of a set keep their order here.
    fn braces(&mut self) -> Option<Value> {
        if self.take("}") {
            return Some(Value::map(Map::new()));
        }
        let first = self.value()?;
        if !self.take(":") {
            let mut items = vec![first];
            if self.take(",") {
                items.extend(self.items("}")?);
            } else if !self.take("}") {
                return None;
            }
            let mut distinct: Vec<Value> = vec![];
            for item in items {
                Key::from_value(&item)?;
                if !distinct.contains(&item) {
                    distinct.push(item);
                }
            }
            return Some(Value::list(distinct));
        }
        let mut map = Map::new();
        let mut key = first;
        loop {
            let value = self.value()?;
            map.extend([(Key::from_value(&key)?, value)]);
            if !self.take(",") {
                return self.take("}").then(|| Value::map(map));
            }
            if self.take("}") {
                return Some(Value::map(map));
            }
            key = self.value()?;
            if !self.take(":") {
                return None;
            }
        }
    }
    fn word(&mut self) -> Option<Value> {
        if self.rest.starts_with("...") {
            self.rest = &self.rest[3..];
            return Some((self.text)("...".to_owned()));
        }
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            "set" => (self.take("(") && self.take(")")).then(|| Value::list(vec![])),
            _ => None,
        }
    }

    /// A number with at most one sign. Imaginary numbers are text as Python writes them: inventories have no such type.
    fn number(&mut self) -> Option<Value> {
        let negative = self.take("-");
        if !negative {
            self.take("+");
        }
        self.blank();
        let end = number_end(self.rest);
        let (digits, rest) = self.rest.split_at(end);
        if let Some(after) = rest.strip_prefix(['j', 'J']).filter(|_| !negative) {
            let size = unsigned(digits)?.to_string();
            self.rest = after;
            return Some((self.text)(format!("{}j", size.strip_suffix(".0").unwrap_or(&size))));
        }
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.') {
            return None;
        }
        self.rest = rest;
        let value = unsigned(digits)?;
        Some(match value {
            Value::Int(i) if negative => Value::Int(-i),
            Value::BigInt(i) if negative => match i64::try_from(&-&*i) {
                Ok(small) => Value::Int(small),
                Err(_) => Value::BigInt(Arc::new(-&*i)),
            },
            Value::Float(x) if negative => Value::Float(-x),
            other => other,
        })
    }

    /// One string constant or several side by side.
    fn strings(&mut self) -> Option<Value> {
        let mut out = String::new();
        let (mut bytes, mut any) = (None, false);
        loop {
            self.blank();
            let prefix_end = self.rest.find(['"', '\'']).filter(|end| *end <= 2);
            let Some(end) = prefix_end else { break };
            let prefix = self.rest[..end].to_ascii_lowercase();
            let is_bytes = prefix.contains('b');
            if !matches!(prefix.as_str(), "" | "r" | "u" | "b" | "br" | "rb") {
                break;
            }
            if *bytes.get_or_insert(is_bytes) != is_bytes {
                return None;
            }
            self.rest = &self.rest[end..];
            self.string(prefix.contains('r'), is_bytes, &mut out)?;
            any = true;
        }
        // What was bytes is not the author's text any more.
        any.then(|| if bytes == Some(true) { Value::foreign(out) } else { (self.text)(out) })
    }
    fn string(&mut self, raw: bool, bytes: bool, out: &mut String) -> Option<()> {
        let quote = &self.rest[..1];
        let triple = quote.repeat(3);
        let close = if self.rest.starts_with(&triple) { triple.as_str() } else { quote };
        self.rest = &self.rest[close.len()..];
        loop {
            if let Some(rest) = self.rest.strip_prefix(close) {
                self.rest = rest;
                return Some(());
            }
            let mut chars = self.rest.chars();
            match chars.next()? {
                '\n' if close.len() == 1 => return None,
                '\\' if raw => {
                    out.push('\\');
                    out.push(chars.next()?);
                    self.rest = chars.as_str();
                }
                '\\' => {
                    self.rest = chars.as_str();
                    self.escape(bytes, out)?;
                }
                c if bytes && !c.is_ascii() => return None,
                c => {
                    out.push(c);
                    self.rest = chars.as_str();
                }
            }
        }
    }
    fn escape(&mut self, bytes: bool, out: &mut String) -> Option<()> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        let after = chars.as_str();
        self.rest = after;
        let simple = match c {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => c,
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => return self.code(2, out),
            'u' if !bytes => return self.code(4, out),
            'U' if !bytes => return self.code(8, out),
            'N' if !bytes => return None,
            '0'..='7' => {
                let digits = 1 + after.bytes().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let octal = format!("{c}{}", &after[..digits - 1]);
                self.rest = &after[digits - 1..];
                char::from_u32(u32::from_str_radix(&octal, 8).ok()?)?
            }
            other => {
                out.push('\\');
                other
            }
        };
        out.push(simple);
        Some(())
    }
    fn code(&mut self, digits: usize, out: &mut String) -> Option<()> {
        let hex = self.rest.get(..digits)?;
        if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        out.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
        self.rest = &self.rest[digits..];
        Some(())
    }
}

fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let radix = bytes.len() > 1 && bytes[0] == b'0' && matches!(bytes[1] | 0x20, b'x' | b'o' | b'b');
    let mut end = 0;
    while let Some(b) = bytes.get(end) {
        let sign = !radix && matches!(b, b'+' | b'-') && end > 0 && matches!(bytes[end - 1], b'e' | b'E');
        let part = b.is_ascii_digit()
            || *b == b'_'
            || sign
            || if radix { b.is_ascii_alphanumeric() } else { matches!(b, b'.' | b'e' | b'E') };
        if !part {
            break;
        }
        end += 1;
    }
    end
}

fn unsigned(text: &str) -> Option<Value> {
    let lower = text.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return integer(digits.strip_prefix('_').unwrap_or(digits), radix);
        }
    }
    if lower.contains(['.', 'e']) {
        let ok = lower.split(['.', 'e', '+', '-']).all(|part| part.is_empty() || plain(part));
        let parses = lower.trim_end_matches('_').replace('_', "").parse::<f64>().ok()?;
        return (ok && lower.contains(|c: char| c.is_ascii_digit())).then_some(Value::Float(parses));
    }
    // A leading zero is an error in Python 3, unless the number is zero.
    if lower.len() > 1 && lower.starts_with('0') && lower.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        return None;
    }
    integer(&lower, 10)
}

/// Digits with single underscores between them.
fn plain(digits: &str) -> bool {
    !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__")
}

fn integer(digits: &str, radix: u32) -> Option<Value> {
    if digits.is_empty() || !plain(digits) {
        return None;
    }
    let digits = digits.replace('_', "");
    match i64::from_str_radix(&digits, radix) {
        Ok(small) => Some(Value::Int(small)),
        // Python reads at most 4300 decimal digits.
        Err(_) if digits.len() > 4300 => None,
        Err(_) => BigInt::parse_bytes(digits.as_bytes(), radix).map(|big| Value::BigInt(Arc::new(big))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_as_python_reads_them() {
        for (text, want) in [
            ("1", Some("1")),
            ("-0x1F", Some("-31")),
            ("1_000", Some("1000")),
            ("007", None),
            ("00", Some("0")),
            ("1.5", Some("1.5")),
            ("1e3", Some("1000.0")),
            ("1.", Some("1.0")),
            ("1.2.3", None),
            ("10.0.0.1", None),
            ("True", Some("True")),
            ("true", None),
            ("None", Some("None")),
            ("'a' \"b\"", Some("ab")),
            (r"'\x41\n'", Some("A\n")),
            (r"r'\n'", Some("\\n")),
            ("b'x'", Some("x")),
            ("'open", None),
            ("1, 2", Some("[1, 2]")),
            ("(1,)", Some("[1]")),
            ("(1)", Some("1")),
            ("()", Some("[]")),
            ("['a', \"b\"]", Some("['a', 'b']")),
            ("[1, 'a', [True]]", Some("[1, 'a', [True]]")),
            ("{'a': 1, 2: [3,]}", Some("{'a': 1, 2: [3]}")),
            ("{1, 1, 2}", Some("[1, 2]")),
            ("{}", Some("{}")),
            ("5 # five", Some("5")),
            ("a,b", None),
            ("[a, b]", None),
            ("{{ x }}", None),
            ("12345678901234567890123", Some("12345678901234567890123")),
            ("", None),
            ("1 2", None),
            ("2h", None),
            ("[1j, 2.5J]", Some("['1j', '2.5j']")),
            ("1jot", None),
            ("[..., .5]", Some("['...', 0.5]")),
        ] {
            let got = literal(text, &|s| Value::trusted(s)).map(|v| v.to_string());
            assert_eq!(got.as_deref(), want, "{text}");
        }
    }
}
