//! Comparing versions.

use super::{TEST, Test};
use crate::template::filters::{as_text, optional, required};
use crate::template::runtime::{Args, Cx, Fault, Res, V, truth};
use std::cmp::Ordering;

pub const TESTS: &[Test] = &[Test {
    name: "version",
    aliases: &["version_compare"],
    summary: "Compares two versions.",
    params: &[
        required("version", "str"),
        optional("operator", "str", "'eq'"),
        optional("strict", "bool", "None"),
        optional("version_type", "loose, strict, semver, semantic or pep440", "'loose'"),
    ],
    example: "'1.10' is version('1.9', '>')",
    run: version,
    ..TEST
}];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Number(u128),
    Word(String),
}

fn failed(message: String) -> std::sync::Arc<Fault> {
    Fault::raw(format!("Version comparison failed: {message}"))
}

fn version(cx: &Cx, v: &V, args: &Args) -> Res<bool> {
    let strict = match args.get("strict") {
        None => None,
        Some(v) => Some(truth(v)?),
    };
    let kind = args.text(cx, "version_type")?;
    if strict.is_some() && kind.is_some() {
        return Err(Fault::raw("Cannot specify both 'strict' and 'version_type'"));
    }
    if !truth(v)? {
        return Err(Fault::raw("Input version value cannot be empty"));
    }
    let other = args.value("version");
    if !truth(&other)? {
        return Err(Fault::raw("Version parameter to compare against cannot be empty"));
    }
    let kind = match (strict, kind.as_deref()) {
        (Some(true), _) => "strict",
        (_, None | Some("loose")) => "loose",
        (_, Some("strict")) => "strict",
        (_, Some("semver" | "semantic")) => "semver",
        (_, Some("pep440")) => "pep440",
        (_, Some(other)) => {
            return Err(Fault::raw(format!(
                "Invalid version type ({other}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
            )));
        }
    };
    let operator = args.text_or(cx, "operator", "eq")?;
    let wanted: &[Ordering] = match operator.as_str() {
        "==" | "=" | "eq" => &[Ordering::Equal],
        "<" | "lt" => &[Ordering::Less],
        "<=" | "le" => &[Ordering::Less, Ordering::Equal],
        ">" | "gt" => &[Ordering::Greater],
        ">=" | "ge" => &[Ordering::Greater, Ordering::Equal],
        "!=" | "<>" | "ne" => &[Ordering::Less, Ordering::Greater],
        other => {
            return Err(Fault::raw(format!(
                "Invalid operator type ({other}). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'"
            )));
        }
    };
    let (a, b) = (as_text(cx, v)?, as_text(cx, &other)?);
    let order = match kind {
        "loose" => {
            let (a, b) = (loose(&a), loose(&b));
            if matches!(operator.as_str(), "==" | "=" | "eq" | "!=" | "<>" | "ne") {
                if a == b { Ordering::Equal } else { Ordering::Less }
            } else {
                compare_loose(&a, &b).map_err(failed)?
            }
        }
        "strict" => strict_key(&a).map_err(failed)?.cmp(&strict_key(&b).map_err(failed)?),
        "semver" => semver(&a).map_err(failed)?.compare(&semver(&b).map_err(failed)?),
        _ => pep440(&a).map_err(failed)?.cmp(&pep440(&b).map_err(failed)?),
    };
    Ok(wanted.contains(&order))
}

/// Numbers and words; all else separates.
fn loose(text: &str) -> Vec<Part> {
    let mut out = vec![];
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let class = |c: char| {
            if c.is_ascii_digit() {
                0
            } else if c.is_ascii_lowercase() {
                1
            } else if c == '.' {
                2
            } else {
                3
            }
        };
        let kind = class(chars[at]);
        if kind == 2 {
            at += 1;
            continue;
        }
        while at < chars.len() && class(chars[at]) == kind {
            at += 1;
        }
        let piece: String = chars[start..at].iter().collect();
        out.push(match piece.parse() {
            Ok(n) if kind == 0 => Part::Number(n),
            _ => Part::Word(piece),
        });
    }
    out
}

/// LooseVersion's order, also for `version_sort`.
pub fn compare_loose_text(a: &str, b: &str) -> Result<Ordering, String> {
    compare_loose(&loose(a), &loose(b))
}

fn compare_loose(a: &[Part], b: &[Part]) -> Result<Ordering, String> {
    for (x, y) in a.iter().zip(b) {
        let order = match (x, y) {
            (Part::Number(x), Part::Number(y)) => x.cmp(y),
            (Part::Word(x), Part::Word(y)) => x.cmp(y),
            (x, y) => {
                let name = |p: &Part| if matches!(p, Part::Number(_)) { "int" } else { "str" };
                return Err(format!("'<' not supported between instances of '{}' and '{}'", name(x), name(y)));
            }
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(a.len().cmp(&b.len()))
}

type StrictKey = ([u64; 3], (char, u64));

/// `1.2`, `1.2.3`, `1.2.3a4`; a version without a pre-release comes last.
fn strict_key(text: &str) -> Result<StrictKey, String> {
    let bad = || format!("invalid version number '{text}'");
    let (base, pre) = match text.find(['a', 'b']) {
        Some(at) => {
            let (base, tail) = text.split_at(at);
            let n = tail[1..].parse().map_err(|_| bad())?;
            (base, (tail.chars().next().unwrap_or('a'), n))
        }
        None => (text, ('z', 0)),
    };
    let parts: Vec<&str> = base.split('.').collect();
    if !(2..=3).contains(&parts.len()) {
        return Err(bad());
    }
    let mut numbers = [0u64; 3];
    for (slot, part) in numbers.iter_mut().zip(&parts) {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        *slot = part.parse().map_err(|_| bad())?;
    }
    Ok((numbers, pre))
}

struct SemVer {
    core: [u64; 3],
    pre: Vec<Part>,
}

impl SemVer {
    fn compare(&self, other: &SemVer) -> Ordering {
        self.core.cmp(&other.core).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                for (x, y) in self.pre.iter().zip(&other.pre) {
                    let order = match (x, y) {
                        (Part::Number(x), Part::Number(y)) => x.cmp(y),
                        (Part::Word(x), Part::Word(y)) => x.cmp(y),
                        (Part::Number(_), Part::Word(_)) => Ordering::Less,
                        (Part::Word(_), Part::Number(_)) => Ordering::Greater,
                    };
                    if order != Ordering::Equal {
                        return order;
                    }
                }
                self.pre.len().cmp(&other.pre.len())
            }
        })
    }
}

fn semver(text: &str) -> Result<SemVer, String> {
    let bad = || format!("invalid semantic version '{text}'");
    let rest = text.split_once('+').map_or(text, |(r, _)| r);
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(c, p)| (c, Some(p)));
    let parts: Vec<&str> = core.split('.').collect();
    let [a, b, c] = parts[..] else { return Err(bad()) };
    let number = |p: &str| -> Result<u64, String> {
        if p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit()) || (p.len() > 1 && p.starts_with('0')) {
            return Err(bad());
        }
        p.parse().map_err(|_| bad())
    };
    let pre = match pre {
        None => vec![],
        Some(pre) => pre
            .split('.')
            .map(|p| {
                if p.is_empty() || !p.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                    return Err(bad());
                }
                Ok(p.parse().map_or_else(|_| Part::Word(p.to_owned()), Part::Number))
            })
            .collect::<Result<_, _>>()?,
    };
    Ok(SemVer { core: [number(a)?, number(b)?, number(c)?], pre })
}

/// Epoch, release without trailing zeros, then pre-, post- and development releases as numbers that sort right.
type Pep440Key = (u64, Vec<u64>, (i64, u64), i64, i64, Vec<(u8, String, u64)>);

fn pep440(text: &str) -> Result<Pep440Key, String> {
    let bad = || format!("Invalid version: '{text}'");
    let lower = text.trim().to_lowercase();
    let lower = lower.strip_prefix('v').unwrap_or(&lower);
    let (public, local) = lower.split_once('+').map_or((lower, ""), |(p, l)| (p, l));
    let (epoch, rest) = match public.split_once('!') {
        Some((e, r)) => (e.parse().map_err(|_| bad())?, r),
        None => (0, public),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (release, mut tail) = rest.split_at(end);
    let (release, dot) = match release.strip_suffix('.') {
        Some(r) if !tail.is_empty() => (r, true),
        _ => (release, false),
    };
    let _ = dot;
    let mut numbers: Vec<u64> =
        release.split('.').map(|p| p.parse().map_err(|_| bad())).collect::<Result<_, String>>()?;
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    let mut pre: Option<(i64, u64)> = None;
    let mut post: Option<i64> = None;
    let mut dev: Option<i64> = None;
    while !tail.is_empty() {
        let bare = tail.trim_start_matches(['.', '-', '_']);
        let implicit = tail.starts_with('-') && bare.starts_with(|c: char| c.is_ascii_digit());
        let letters = bare.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(bare.len());
        let (word, after) = bare.split_at(letters);
        let digits_at = after.trim_start_matches(['.', '-', '_']);
        let digits = digits_at.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits_at.len());
        let n: u64 = if digits == 0 { 0 } else { digits_at[..digits].parse().map_err(|_| bad())? };
        match word {
            "a" | "alpha" => pre = Some((0, n)),
            "b" | "beta" => pre = Some((1, n)),
            "rc" | "c" | "pre" | "preview" => pre = Some((2, n)),
            "post" | "rev" | "r" => post = Some(n as i64),
            "dev" => dev = Some(n as i64),
            "" if implicit => post = Some(n as i64),
            _ => return Err(bad()),
        }
        tail = if digits == 0 { after } else { &digits_at[digits..] };
    }
    let pre = match (pre, post, dev) {
        (None, None, Some(_)) => (-1, 0),
        (None, ..) => (9, 0),
        (Some(p), ..) => p,
    };
    let local = local
        .split(['.', '-', '_'])
        .filter(|p| !p.is_empty())
        .map(|p| p.parse().map_or_else(|_| (0, p.to_owned(), 0), |n| (1, String::new(), n)))
        .collect();
    Ok((epoch, numbers, pre, post.unwrap_or(-1), dev.unwrap_or(i64::MAX), local))
}
