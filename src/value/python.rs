//! Values as Python writes them: `str()` and `repr()`.

use super::{Key, Value};
use std::fmt::{self, Display, Write};

/// `str(value)`: what a template prints.
impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Str(t) => f.write_str(t),
            Value::Timestamp(t) => f.write_str(t),
            Value::Vault(v) => f.write_str(&v.ciphertext),
            other => repr(other, f),
        }
    }
}

impl Value {
    /// `repr(value)`.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = repr(self, &mut out);
        out
    }
}

fn repr(value: &Value, out: &mut impl Write) -> fmt::Result {
    match value {
        Value::Null => out.write_str("None"),
        Value::Bool(b) => out.write_str(if *b { "True" } else { "False" }),
        Value::Int(i) => write!(out, "{i}"),
        Value::BigInt(i) => write!(out, "{i}"),
        Value::Float(x) => out.write_str(&float_repr(*x)),
        Value::Str(t) => out.write_str(&repr_str(t)),
        Value::Timestamp(t) => out.write_str(&repr_str(t)),
        Value::Vault(v) => out.write_str(&repr_str(&v.ciphertext)),
        Value::Bytes(b) => repr_bytes(b, out),
        Value::Omit => out.write_str("<<Omit>>"),
        Value::List(items) => {
            out.write_char('[')?;
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.write_str(", ")?;
                }
                repr(item, out)?;
            }
            out.write_char(']')
        }
        Value::Map(map) => {
            out.write_char('{')?;
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 {
                    out.write_str(", ")?;
                }
                match key {
                    Key::Str(s) => out.write_str(&repr_str(s))?,
                    other => repr(&other.to_value(), out)?,
                }
                out.write_str(": ")?;
                repr(value, out)?;
            }
            out.write_char('}')
        }
    }
}

/// Python's `repr` of a string.
pub fn repr_str(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || (0x7f..=0xa0).contains(&(c as u32)) || c == '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn repr_bytes(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    out.write_str("b'")?;
    for b in bytes {
        match b {
            b'\\' => out.write_str("\\\\")?,
            b'\'' => out.write_str("\\'")?,
            b'\n' => out.write_str("\\n")?,
            b'\r' => out.write_str("\\r")?,
            b'\t' => out.write_str("\\t")?,
            0x20..=0x7e => out.write_char(*b as char)?,
            _ => write!(out, "\\x{b:02x}")?,
        }
    }
    out.write_char('\'')
}

/// Python's `repr` of a float: the shortest digits that read back, exponent below 1e-4 and from 1e16 on.
pub fn float_repr(x: f64) -> String {
    if x.is_nan() {
        return "nan".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if x == 0.0 {
        return if x.is_sign_negative() { "-0.0" } else { "0.0" }.to_owned();
    }
    let scientific = format!("{x:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{x}");
        if plain.contains('.') { plain } else { plain + ".0" }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_python_writes_them() {
        for (x, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-5, "1e-05"),
            (1.5e300, "1.5e+300"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(float_repr(x), text);
        }
    }

    #[test]
    fn containers_print_their_repr() {
        let mut map = super::super::Map::new();
        map.insert("a", Value::list(vec![Value::Null, true.into(), "it's".into()]));
        assert_eq!(Value::map(map).to_string(), r#"{'a': [None, True, "it's"]}"#);
    }
}
