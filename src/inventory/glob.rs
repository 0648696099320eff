//! Shell patterns as Python's `fnmatch` matches them, case-sensitively, over a whole name.

/// Whether a pattern has wildcards at all.
pub(super) fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// A pattern cut into pieces.
pub(super) struct Glob(Vec<Piece>);

enum Piece {
    Char(char),
    Any,
    Many,
    Set { not: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    pub fn new(pattern: &str) -> Glob {
        let chars: Vec<char> = pattern.chars().collect();
        let mut pieces = vec![];
        let mut at = 0;
        while at < chars.len() {
            let c = chars[at];
            at += 1;
            pieces.push(match c {
                '*' => Piece::Many,
                '?' => Piece::Any,
                '[' => match set(&chars, at) {
                    Some((piece, end)) => {
                        at = end;
                        piece
                    }
                    None => Piece::Char('['),
                },
                c => Piece::Char(c),
            });
        }
        Glob(pieces)
    }

    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut piece, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let advanced = match (self.0.get(piece), text.get(at)) {
                (None, None) => return true,
                (Some(Piece::Many), _) => {
                    retry = Some((piece + 1, at));
                    piece += 1;
                    continue;
                }
                (Some(p), Some(c)) => p.matches(*c),
                _ => false,
            };
            if advanced {
                (piece, at) = (piece + 1, at + 1);
                continue;
            }
            match retry {
                Some((p, start)) if start < text.len() => {
                    (piece, at) = (p, start + 1);
                    retry = Some((p, start + 1));
                }
                _ => return false,
            }
        }
    }
}

impl Piece {
    fn matches(&self, c: char) -> bool {
        match self {
            Piece::Char(own) => *own == c,
            Piece::Any | Piece::Many => true,
            Piece::Set { not, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *not,
        }
    }
}

/// The set that starts after a `[`, and where it ends; `None` where no `]` closes it.
fn set(chars: &[char], start: usize) -> Option<(Piece, usize)> {
    let not = chars.get(start) == Some(&'!');
    let first = start + usize::from(not);
    let end = (first + 1..chars.len()).find(|i| chars[*i] == ']')?;
    let mut ranges = vec![];
    let mut at = first;
    while at < end {
        if at + 2 < end && chars[at + 1] == '-' {
            ranges.push((chars[at], chars[at + 2]));
            at += 3;
        } else {
            ranges.push((chars[at], chars[at]));
            at += 1;
        }
    }
    Some((Piece::Set { not, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn shell_patterns() {
        for (pattern, text, want) in [
            ("web*", "web1", true),
            ("*b*1", "web11", true),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("a[b", "a[b", true),
            ("Web", "web", false),
            ("*", "", true),
            ("a*b", "acbc", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), want, "{pattern} {text}");
        }
    }
}
