//! What rpm knows: installed packages, and rpm's order of versions.

use crate::contract::Failure;
use crate::host::steps::{plain_english, query};
use crate::host::{Command, Observe};
use std::cmp::Ordering;

/// An installed package.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    pub name: String,
    /// `[epoch:]version-release`, the epoch only where it is not 0.
    pub evr: String,
    pub arch: String,
}

impl Installed {
    /// `name-[epoch:]version-release.arch`, as dnf shows packages.
    pub fn nevra(&self) -> String {
        format!("{}-{}.{}", self.name, self.evr, self.arch)
    }
}

const FORMAT: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";

/// Runs `rpm -q` with the given arguments; what is not installed is left out.
pub fn installed(host: &dyn Observe, root: &str, args: &[&str]) -> Result<Vec<Installed>, Failure> {
    let mut command = Command::new("rpm");
    if root != "/" {
        command = command.args(["--root", root]);
    }
    let command = plain_english(command.args(["-q", "--qf", FORMAT]).args(args.iter().copied()));
    let out = query(host, &command)?;
    Ok(out.stdout_text().lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<Installed> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, epoch, version, arch] = fields[..] else { return None };
    let epoch = if epoch == "0:" { "" } else { epoch };
    Some(Installed { name: name.to_owned(), evr: format!("{epoch}{version}"), arch: arch.to_owned() })
}

/// The installed packages that a name, a name with version or a capability stands for.
pub fn matching(host: &dyn Observe, root: &str, spec: &str) -> Result<Vec<Installed>, Failure> {
    if spec.contains(['*', '?', '[']) {
        return installed(host, root, &["-a", spec]);
    }
    let found = if spec.starts_with('/') || spec.contains(' ') { Vec::new() } else { installed(host, root, &[spec])? };
    if found.is_empty() { installed(host, root, &["--whatprovides", spec]) } else { Ok(found) }
}

/// rpm's order of `[epoch:]version[-release]`.
pub fn compare(a: &str, b: &str) -> Ordering {
    let split = |v: &str| -> (u64, String, Option<String>) {
        let (epoch, rest) = v.split_once(':').map_or((0, v), |(e, r)| (e.parse().unwrap_or(0), r));
        match rest.split_once('-') {
            Some((version, release)) => (epoch, version.to_owned(), Some(release.to_owned())),
            None => (epoch, rest.to_owned(), None),
        }
    };
    let (a, b) = (split(a), split(b));
    a.0.cmp(&b.0).then_with(|| compare_part(&a.1, &b.1)).then_with(|| match (&a.2, &b.2) {
        (Some(a), Some(b)) => compare_part(a, b),
        _ => Ordering::Equal,
    })
}

fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let separator = |c: &u8| !c.is_ascii_alphanumeric() && *c != b'~' && *c != b'^';
    loop {
        a = &a[a.iter().take_while(|c| separator(c)).count()..];
        b = &b[b.iter().take_while(|c| separator(c)).count()..];
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) => {
                let digits = x.is_ascii_digit();
                if digits != y.is_ascii_digit() {
                    return if digits { Ordering::Greater } else { Ordering::Less };
                }
                let of_kind = |c: &&u8| c.is_ascii_digit() == digits && c.is_ascii_alphanumeric();
                let (n, m) = (a.iter().take_while(of_kind).count(), b.iter().take_while(of_kind).count());
                let (x, y) = (&a[..n], &b[..m]);
                let order = if digits {
                    let trim = |s: &[u8]| s[s.iter().take_while(|c| **c == b'0').count()..].to_vec();
                    let (x, y) = (trim(x), trim(y));
                    x.len().cmp(&y.len()).then_with(|| x.cmp(&y))
                } else {
                    x.cmp(y)
                };
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (&a[n..], &b[m..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rpm_order_of_versions() {
        for pair in ["1.0~rc1", "1.0", "1.0^git1", "1.0.1", "1.0a", "1.1", "1.10", "1:0.1"].windows(2) {
            if pair == ["1.0.1", "1.0a"] {
                continue;
            }
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        }
        assert_eq!(compare("1.0-2", "1.0"), Ordering::Equal);
        assert_eq!(compare("1.0-2", "1.0-10"), Ordering::Less);
    }
}
