//! URLs.

use super::{FILTER, Filter, as_text, each, optional, own_text};
use crate::template::runtime::{Args, Cx, Fault, Res, V, iterate};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "urlsplit",
        summary: "The parts of a URL, or one of them.",
        params: &[optional("query", "str", "''")],
        example: ("'http://u@h:80/p?q#f' | urlsplit('port')", "80"),
        run: urlsplit,
        ..FILTER
    },
    Filter {
        name: "urldecode",
        summary: "Text with `%XX` and `+` decoded.",
        example: ("'a%20b+c' | urldecode", "'a b c'"),
        run: |_, v, _| Ok(V::str(decode(&own_text(&v, "replace")?.replace('+', " ")))),
        ..FILTER
    },
    Filter {
        name: "urlencode",
        summary: "Text, or pairs of names and values, for a URL.",
        example: ("'a b/c' | urlencode", "'a%20b/c'"),
        run: |cx, v, _| match &v {
            V::Dict(d) => {
                let pairs: Res<Vec<String>> = d
                    .items(cx)
                    .iter()
                    .map(|(k, v)| Ok(format!("{}={}", quote_plus(&k.to_json_key()), quote_plus(&as_text(cx, v)?))))
                    .collect();
                Ok(V::str(pairs?.join("&")))
            }
            V::List(_) | V::Tuple(_) => {
                let mut out = vec![];
                for pair in each(cx, &v)? {
                    let pair = iterate(cx, &pair)?;
                    let [k, v] = &pair[..] else {
                        return Err(Fault::raw("not enough values to unpack (expected 2)"));
                    };
                    out.push(format!("{}={}", quote_plus(&as_text(cx, k)?), quote_plus(&as_text(cx, v)?)));
                }
                Ok(V::str(out.join("&")))
            }
            v => Ok(V::str(quote(&as_text(cx, v)?, "/"))),
        },
        ..FILTER
    },
];

pub fn quote(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        let c = char::from(b);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || safe.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

fn quote_plus(text: &str) -> String {
    quote(text, "").replace("%20", "+")
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = vec![];
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match hex.filter(|_| bytes[at] == b'%') {
            Some(b) => {
                out.push(b);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The pieces of a URL, as Python's `urlsplit` cuts them.
pub struct Parts<'a> {
    pub scheme: String,
    pub netloc: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub fragment: &'a str,
}

pub fn split(url: &str) -> Parts<'_> {
    let mut rest = url.trim_matches(|c: char| c <= ' ');
    let mut scheme = String::new();
    if let Some((head, tail)) = rest.split_once(':')
        && head.starts_with(|c: char| c.is_ascii_alphabetic())
        && head.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        scheme = head.to_ascii_lowercase();
        rest = tail;
    }
    let mut netloc = "";
    if let Some(tail) = rest.strip_prefix("//") {
        let end = tail.find(['/', '?', '#']).unwrap_or(tail.len());
        (netloc, rest) = tail.split_at(end);
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Parts { scheme, netloc, path, query, fragment }
}

fn urlsplit(cx: &Cx, v: V, args: Args) -> Res {
    let text = own_text(&v, "decode")?;
    let parts = split(text);
    let (login, place) = parts.netloc.rsplit_once('@').map_or((None, parts.netloc), |(l, p)| (Some(l), p));
    let (username, password) = match login.map(|l| l.split_once(':').map_or((l, None), |(u, p)| (u, Some(p)))) {
        Some((u, p)) => (V::str(u), p.map_or(V::None, V::str)),
        None => (V::None, V::None),
    };
    let (host, port) = match place.strip_prefix('[').and_then(|p| p.split_once(']')) {
        Some((host, tail)) => (host, tail.strip_prefix(':').unwrap_or("")),
        None => place.split_once(':').unwrap_or((place, "")),
    };
    let port = match port {
        "" => V::None,
        p => match p.parse::<u16>() {
            Ok(n) => V::Int(i64::from(n)),
            Err(_) if p.bytes().all(|b| b.is_ascii_digit()) => return Err(Fault::raw("Port out of range 0-65535")),
            Err(_) => return Err(Fault::raw(format!("Port could not be cast to integer value as '{p}'"))),
        },
    };
    let hostname = if host.is_empty() { V::None } else { V::str(host.to_lowercase()) };
    let all: Vec<(&str, V)> = vec![
        ("fragment", V::str(parts.fragment)),
        ("hostname", hostname),
        ("netloc", V::str(parts.netloc)),
        ("password", password),
        ("path", V::str(parts.path)),
        ("port", port),
        ("query", V::str(parts.query)),
        ("scheme", V::str(parts.scheme)),
        ("username", username),
    ];
    let wanted = args.text_or(cx, "query", "")?;
    if wanted.is_empty() {
        return Ok(V::dict(all.into_iter().map(|(k, v)| (k.into(), v))));
    }
    all.into_iter()
        .find(|(k, _)| *k == wanted)
        .map(|(_, v)| v)
        .ok_or_else(|| Fault::raw(format!("urlsplit: unknown URL component: {wanted}")))
}
