//! Python's replacement templates: `\1`, `\g<name>`, `\n`.

use super::Pattern;
use fancy_regex::Captures;

/// A template, read once against its pattern.
#[derive(Clone, Debug)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Template {
    /// # Errors
    /// A group that the pattern does not have, or an escape that Python refuses, in Python's words.
    pub fn new(text: &str, pattern: &Pattern) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut chars = text.chars().peekable();
        let length = text.chars().count();
        while let Some(c) = chars.next() {
            // Where Python says that the fault is: behind the backslash.
            let at = length - chars.clone().count();
            if c != '\\' {
                plain.push(c);
                continue;
            }
            let named = chars.peek() == Some(&'g');
            let group = match chars.next() {
                None => return Err("bad escape (end of pattern)".to_owned()),
                Some('g') => {
                    if chars.next() != Some('<') {
                        return Err(format!("missing < at position {}", at + 1));
                    }
                    let name: String = chars.by_ref().take_while(|c| *c != '>').collect();
                    match name.parse::<usize>() {
                        Ok(number) => number,
                        Err(_) => pattern.group_number(&name).ok_or_else(|| format!("unknown group name '{name}'"))?,
                    }
                }
                Some('0') => {
                    plain.push('\0');
                    continue;
                }
                Some(d) if d.is_ascii_digit() => {
                    let mut number = d as usize - '0' as usize;
                    if let Some(next) = chars.peek().and_then(|c| c.to_digit(10)) {
                        number = number * 10 + next as usize;
                        chars.next();
                    }
                    number
                }
                Some(other) => {
                    match other {
                        'n' => plain.push('\n'),
                        't' => plain.push('\t'),
                        'r' => plain.push('\r'),
                        'a' => plain.push('\x07'),
                        'b' => plain.push('\x08'),
                        'f' => plain.push('\x0c'),
                        'v' => plain.push('\x0b'),
                        '\\' => plain.push('\\'),
                        c if c.is_ascii_alphabetic() => {
                            return Err(format!(r"bad escape \{c} at position {}", at - 1));
                        }
                        c => plain.extend(['\\', c]),
                    }
                    continue;
                }
            };
            if group >= pattern.groups() {
                let at = if named { at + 2 } else { at };
                return Err(format!("invalid group reference {group} at position {at}"));
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Group(group));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Template(pieces))
    }

    /// `match.expand`. A group that took no part is empty.
    pub fn expand(&self, captures: &Captures<'_>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Group(number) => captures.get(*number).map_or_else(String::new, |m| m.as_str().to_owned()),
        };
        self.0.iter().map(piece).collect()
    }
}
