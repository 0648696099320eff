//! Versions and version specifiers of Python packages (PEP 440), as far as comparing them goes.

use std::cmp::Ordering;

/// A version, split so that comparing the parts in order compares the versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    epoch: u64,
    /// Without zeros at the end.
    release: Vec<u64>,
    /// A development version of nothing else comes first, then `a`, `b`, `rc`, then the release.
    pre: (u8, u64),
    /// 0: none, else its number and one more.
    post: u64,
    /// A development version comes before what it leads to.
    dev: u64,
    local: Vec<(u8, u64, String)>,
}

const RELEASED: (u8, u64) = (9, 0);
const FIRST: (u8, u64) = (0, 0);

impl Version {
    pub fn parse(text: &str) -> Option<Version> {
        let lower = text.trim().to_lowercase();
        let text = lower.strip_prefix('v').unwrap_or(&lower);
        let (public, local) = match text.split_once('+') {
            Some((public, local)) => (public, Some(local)),
            None => (text, None),
        };
        let (epoch, rest) = match public.split_once('!') {
            Some((epoch, rest)) => (epoch.parse().ok()?, rest),
            None => (0, public),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (numbers, mut tail) = rest.split_at(end);
        let mut release: Vec<u64> =
            numbers.trim_end_matches('.').split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
        while release.len() > 1 && release.last() == Some(&0) {
            release.pop();
        }
        let (mut pre, mut post, mut dev) = (None, None, None);
        while !tail.is_empty() {
            tail = tail.trim_start_matches(['.', '-', '_']);
            let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (word, after) = tail.split_at(letters);
            let after = if word.is_empty() { after } else { after.trim_start_matches(['.', '-', '_']) };
            let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let (number, after) = after.split_at(digits);
            let number = if number.is_empty() { 0 } else { number.parse().ok()? };
            match word {
                "a" | "alpha" => pre = Some((1, number)),
                "b" | "beta" => pre = Some((2, number)),
                "rc" | "c" | "pre" | "preview" => pre = Some((3, number)),
                "post" | "rev" | "r" => post = Some(number),
                "" if digits > 0 => post = Some(number),
                "dev" => dev = Some(number),
                _ => return None,
            }
            tail = after;
        }
        let local = local.map(|l| l.split(['.', '-', '_']).map(local_part).collect()).unwrap_or_default();
        Some(Version {
            epoch,
            release,
            pre: pre.unwrap_or(if post.is_none() && dev.is_some() { FIRST } else { RELEASED }),
            post: post.map_or(0, |n| n + 1),
            dev: dev.unwrap_or(u64::MAX),
            local,
        })
    }

    fn public(&self) -> Version {
        Version { local: vec![], ..self.clone() }
    }
    fn starts_with(&self, prefix: &Version, length: usize) -> bool {
        let part = |v: &Version| (0..length).map(|i| v.release.get(i).copied().unwrap_or(0)).collect::<Vec<_>>();
        self.epoch == prefix.epoch && part(self) == part(prefix)
    }
    fn same_release(&self, other: &Version) -> bool {
        (self.epoch, &self.release) == (other.epoch, &other.release)
    }
}

/// Numbers come after words.
fn local_part(text: &str) -> (u8, u64, String) {
    match text.parse() {
        Ok(number) => (1, number, String::new()),
        Err(_) => (0, 0, text.to_owned()),
    }
}

/// Numbers that a version is written with, zeros at the end included.
fn written_length(text: &str) -> usize {
    let release = text.rsplit('!').next().unwrap_or_default().trim_start_matches('v');
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    release[..end].trim_end_matches('.').split('.').count()
}

/// Operators, longer ones before those that they begin with.
pub const OPERATORS: [&str; 8] = ["===", "==", "!=", ">=", "<=", "~=", ">", "<"];

/// Whether a version fits one specifier (`>=1.2`); `None` where either cannot be read.
pub fn fits(version: &str, operator: &str, wanted: &str) -> Option<bool> {
    if operator == "===" {
        return Some(version.eq_ignore_ascii_case(wanted));
    }
    let is = Version::parse(version)?;
    if let Some(prefix) = wanted.strip_suffix(".*") {
        let same = is.starts_with(&Version::parse(prefix)?, written_length(prefix));
        return match operator {
            "==" => Some(same),
            "!=" => Some(!same),
            _ => None,
        };
    }
    let want = Version::parse(wanted)?;
    // Where the specifier has no local part, that of the version does not count.
    let near = if want.local.is_empty() { is.public() } else { is.clone() };
    Some(match operator {
        "==" => near == want,
        "!=" => near != want,
        ">=" => is.public() >= want,
        "<=" => is.public() <= want,
        "~=" => is.public() >= want && is.starts_with(&want, written_length(wanted).checked_sub(1).filter(|n| *n > 0)?),
        // A pre-release of the wanted version is not before it, a later build of it not after it.
        "<" => {
            is.cmp(&want) == Ordering::Less && (want.pre != RELEASED || is.pre == RELEASED || !is.same_release(&want))
        }
        ">" => {
            let later_build = is.same_release(&want) && (is.post > 0 && want.post == 0 || !is.local.is_empty());
            is.cmp(&want) == Ordering::Greater && !later_build
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        let all = ["1.dev1", "1a1", "1a2.dev1", "1b1", "1rc1", "1", "1+local", "1+1", "1.post1", "1.1", "1!0"];
        for pair in all.windows(2) {
            assert!(Version::parse(pair[0]) < Version::parse(pair[1]), "{pair:?}");
        }
        assert_eq!(Version::parse("1.0"), Version::parse("v1"));
        assert_eq!(Version::parse("no"), None);
    }

    #[test]
    fn specifiers() {
        for (version, operator, wanted, fit) in [
            ("1.2.0", "==", "1.2", Some(true)),
            ("1.2.3", "==", "1.2.*", Some(true)),
            ("1.2.3", "!=", "1.2.*", Some(false)),
            ("1.2+x", "==", "1.2", Some(true)),
            ("1.4.5", "~=", "1.4.2", Some(true)),
            ("1.5", "~=", "1.4.2", Some(false)),
            ("2.0rc1", "<", "2.0", Some(false)),
            ("1.0.post1", ">", "1.0", Some(false)),
            ("1.1", ">", "1.0", Some(true)),
            ("1.0", "<=", "1.0.0", Some(true)),
            ("1.0", "===", "1.0.0", Some(false)),
            ("x", ">=", "1", None),
        ] {
            assert_eq!(fits(version, operator, wanted), fit, "{version} {operator} {wanted}");
        }
    }
}
