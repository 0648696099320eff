//! Host names, addresses, ports and ranges in names (`web[01:20:2].example.org:22`), as ansible-core reads them.

use fancy_regex::Regex;
use std::sync::LazyLock;

/// The largest number of hosts that one pattern may give: a slip of the pen should not fill the memory.
const MOST: usize = 1_000_000;

/// A name with its port taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    pub host: &'a str,
    pub port: Option<u16>,
}

/// Splits `host:port` and `[host]:port`; `None` where the text is neither a host name nor an address, or holds a range that is
/// not allowed.
pub fn parse_address(text: &str, allow_ranges: bool) -> Option<Address<'_>> {
    let (mut host, mut port) = (text, None);
    if let Some((inner, number)) = bracketed_port(host) {
        (host, port) = (inner, Some(number));
    }
    if let Some((inner, number)) = plain_port(host) {
        (host, port) = (inner, Some(number));
    }
    let port = match port {
        Some(number) => Some(number.parse().ok()?),
        None => None,
    };
    let known = is_hostname(host) || is_ip(host);
    (known && (allow_ranges || !host.contains('['))).then_some(Address { host, port })
}

/// `[host]:port`.
fn bracketed_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.strip_prefix('[')?.rsplit_once("]:")?;
    (!host.is_empty() && is_digits(port)).then_some((host, port))
}

/// `host:port`, where the host has no colon outside brackets.
fn plain_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    let mut rest = host;
    while let Some(open) = rest.find(['[', ']', ':']) {
        let close = rest[open..].strip_prefix('[')?.find(']')?;
        rest = &rest[open + close + 2..];
    }
    is_digits(port).then_some((host, port))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether the text is an IPv4 or IPv6 address, perhaps with ranges.
pub fn is_ip(text: &str) -> bool {
    let first = text.chars().next();
    if !first.is_some_and(|c| c.is_ascii_hexdigit() || matches!(c, '[' | ':')) {
        return false;
    }
    is_ipv4(text) || (text.contains(':') && IPV6.is_match(text).unwrap_or(false))
}

fn is_ipv4(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4
        && parts
            .iter()
            .all(|part| is_range(part, is_digits) || (part.len() <= 3 && is_digits(part) && part.parse::<u8>().is_ok()))
}

/// `[a:b]` or `[a:b:step]`.
fn is_range(text: &str, end: impl Fn(&str) -> bool) -> bool {
    let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) else { return false };
    let parts: Vec<&str> = inner.split(':').collect();
    match parts.as_slice() {
        [from, to] => end(from) && end(to),
        [from, to, step] => end(from) && end(to) && is_digits(step),
        _ => false,
    }
}

/// Labels between dots, of word characters, dashes and ranges; a label neither starts with a dash nor ends with `-` or `_`.
fn is_hostname(text: &str) -> bool {
    let mut last = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '[' => {
                let Some(end) = rest.find(']') else { return false };
                let letters = |e: &str| e.len() == 1 && e.as_bytes()[0].is_ascii_alphabetic();
                if !is_range(&rest[..=end], letters) && !is_range(&rest[..=end], is_digits) {
                    return false;
                }
                end + 1
            }
            '.' if matches!(last, None | Some('.' | '-' | '_')) => return false,
            '-' if matches!(last, None | Some('.')) => return false,
            c if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') => c.len_utf8(),
            _ => return false,
        };
        last = Some(c);
        rest = &rest[taken..];
    }
    !matches!(last, None | Some('.' | '-' | '_'))
}

/// All ways to write an IPv6 address where any part may be a range.
static IPV6: LazyLock<Regex> = LazyLock::new(|| {
    let part = r"(?:[0-9a-f]{1,4}|\[(?:[0-9a-f]+:[0-9a-f]+)(?::[0-9]+)?\])";
    let mut forms = vec![format!("(?:{part}:){{7}}{part}"), format!("(?:{part}:){{1,6}}:"), format!("{part}?::")];
    forms.extend((1..=6).map(|before| format!("(?:{part}:){{{before}}}(?::{part}){{1,{}}}", 7 - before)));
    forms.push(format!(":(?::{part}){{1,6}}"));
    forms.push(format!(r"(?:0:){{6}}(?:{part}\.){{3}}{part}"));
    forms.push(format!(r"::(?:ffff:)?(?:{part}\.){{3}}{part}"));
    forms.push(format!(r"(?:0:){{5}}ffff:(?:{part}\.){{3}}{part}"));
    Regex::new(&format!("(?i)^(?:{})$", forms.join("|"))).expect("the pattern is fixed")
});

/// The names that a pattern stands for, and the port of all of them.
///
/// # Errors
/// Where a range is malformed.
pub fn expand_pattern(pattern: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (host, port) = parse_address(pattern, true).map_or((pattern, None), |a| (a.host, a.port));
    let mut names = vec![];
    expand(host, &mut names)?;
    Ok((names, port))
}

fn expand(pattern: &str, out: &mut Vec<String>) -> Result<(), String> {
    let Some((head, rest)) = pattern.split_once('[') else {
        out.push(pattern.to_owned());
        return Ok(());
    };
    let (range, tail) = rest.split_once(']').ok_or("host range must be begin:end or begin:end:step")?;
    for name in members(range)? {
        if out.len() > MOST {
            return Err(format!("host range gives more than {MOST} hosts"));
        }
        expand(&format!("{head}{name}{tail}"), out)?;
    }
    Ok(())
}

fn members(range: &str) -> Result<Vec<String>, String> {
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match bounds.as_slice() {
        [begin, end] => (*begin, *end, "1"),
        [begin, end, step] => (*begin, *end, *step),
        _ => return Err("host range must be begin:end or begin:end:step".to_owned()),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err("host range must specify end value".to_owned());
    }
    let width = if begin.starts_with('0') && begin.len() > 1 { begin.len() } else { 0 };
    if width > 0 && width != end.len() {
        return Err("host range must specify equal-length begin and end formats".to_owned());
    }
    let number = |text: &str| {
        text.trim()
            .parse::<i64>()
            .map_err(|_| format!("invalid literal for int() with base 10: {}", crate::value::repr_str(text)))
    };
    let step = number(step)?;
    if let (Some(from), Some(to)) = (letter(begin), letter(end)) {
        if from > to {
            return Err("host range must have begin <= end".to_owned());
        }
        let step = usize::try_from(step).ok().filter(|s| *s > 0).ok_or("slice step cannot be zero")?;
        return Ok((from..=to).step_by(step).map(|i| char::from(LETTERS[i]).to_string()).collect());
    }
    let (from, to) = (number(begin)?, number(end)?);
    if step == 0 {
        return Err("range() arg 3 must not be zero".to_owned());
    }
    if step < 0 {
        return Ok(vec![]);
    }
    let count = usize::try_from((to - from) / step + 1).unwrap_or(0).min(MOST + 1);
    Ok((from..=to).step_by(step as usize).take(count).map(|n| format!("{n:0width$}")).collect())
}

const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Place of a letter in the alphabet of lower and then upper case.
fn letter(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [byte] => LETTERS.iter().position(|l| l == byte),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ports() {
        for (text, ranges, want) in [
            ("web", false, Some(("web", None))),
            ("web:22", false, Some(("web", Some(22)))),
            ("a.b-c.d_e", false, Some(("a.b-c.d_e", None))),
            ("10.0.0.1:2222", false, Some(("10.0.0.1", Some(2222)))),
            ("[::1]:22", false, Some(("::1", Some(22)))),
            ("fe80::1", false, Some(("fe80::1", None))),
            ("2001:db8::[1:9]", true, Some(("2001:db8::[1:9]", None))),
            ("web[01:20:2]:2222", true, Some(("web[01:20:2]", Some(2222)))),
            ("web[1:2]", false, None),
            ("web-", false, None),
            ("-web", false, None),
            ("a..b", false, None),
            ("web:prod", true, None),
            ("a[x:]", true, None),
            ("", true, None),
        ] {
            assert_eq!(parse_address(text, ranges).map(|a| (a.host, a.port)), want, "{text}");
        }
    }

    #[test]
    fn ranges_expand() {
        for (text, want) in [
            ("web[1:3]", "web1 web2 web3"),
            ("web[08:11]", "web08 web09 web10 web11"),
            ("web[01:07:3].x:22", "web01.x web04.x web07.x"),
            ("db-[a:c]", "db-a db-b db-c"),
            ("[a:b][1:2]", "a1 a2 b1 b2"),
            ("w[:2]", "w0 w1 w2"),
            ("w[3:1]", ""),
        ] {
            assert_eq!(expand_pattern(text).map(|(n, _)| n.join(" ")), Ok(want.to_owned()), "{text}");
        }
        for text in ["w[1]", "w[1:]", "w[01:100]", "w[c:a]", "w[1:2", "w[x:9]"] {
            assert!(expand_pattern(text).is_err(), "{text}");
        }
    }
}
