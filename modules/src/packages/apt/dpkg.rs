//! What is installed: dpkg's own database, read as libapt reads it, and Debian's order of versions.

use crate::contract::Failure;
use crate::host::Observe;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::Path;

const STATUS: &str = "/var/lib/dpkg/status";
const EXTENDED: &str = "/var/lib/apt/extended_states";

/// One package of the database.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Fully installed, in dpkg's sense: neither half configured nor only its configuration files.
    pub installed: bool,
    pub version: String,
    pub arch: String,
    pub provides: Vec<String>,
}

/// dpkg's database, by name; packages of a foreign architecture as `name:arch`.
pub struct Database {
    packages: HashMap<String, Package>,
    pub native_arch: String,
}

impl Database {
    /// # Errors
    /// The database cannot be read.
    pub fn read(host: &dyn Observe) -> Result<Self, Failure> {
        let text = host.read_text(Path::new(STATUS)).map_err(|e| Failure::io(format!("cannot read {STATUS}"), &e))?;
        let mut list = Vec::new();
        for stanza in text.split("\n\n") {
            list.extend(parse(stanza));
        }
        // dpkg itself is always of the native architecture.
        let native_arch =
            list.iter().find(|(n, _)| *n == "dpkg").map_or_else(|| "amd64".to_owned(), |(_, p)| p.arch.clone());
        let mut packages = HashMap::with_capacity(list.len());
        for (name, package) in list {
            let key = if package.arch == native_arch || package.arch == "all" || package.arch.is_empty() {
                name.to_owned()
            } else {
                format!("{name}:{}", package.arch)
            };
            packages.insert(key, package);
        }
        Ok(Database { packages, native_arch })
    }

    /// The package of that name (`name` or `name:arch`), if the database has it in any state.
    pub fn get(&self, name: &str) -> Option<&Package> {
        self.packages.get(self.plain(name)).or_else(|| {
            // `name:all` and packages whose name carries the native architecture.
            name.strip_suffix(":all").and_then(|n| self.packages.get(n))
        })
    }

    /// The name without the native architecture.
    pub fn plain<'a>(&self, name: &'a str) -> &'a str {
        name.strip_suffix(self.native_arch.as_str()).and_then(|n| n.strip_suffix(':')).unwrap_or(name)
    }

    pub fn installed(&self, name: &str) -> Option<&Package> {
        self.get(name).filter(|p| p.installed)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.keys().map(String::as_str)
    }

    /// Whether dpkg still keeps a list of files, so that a purge has something to do.
    pub fn has_files(&self, host: &dyn Observe, name: &str) -> bool {
        let bare = name.split(':').next().unwrap_or(name);
        let arch = name.split_once(':').map_or(self.native_arch.as_str(), |(_, a)| a);
        [format!("/var/lib/dpkg/info/{name}.list"), format!("/var/lib/dpkg/info/{bare}:{arch}.list")]
            .iter()
            .any(|path| host.stat(Path::new(path)).is_ok_and(|s| s.size > 0))
    }
}

fn parse(stanza: &str) -> Option<(&str, Package)> {
    let field =
        |name: &str| stanza.lines().find_map(|l| l.strip_prefix(name).and_then(|l| l.strip_prefix(':')).map(str::trim));
    let provides = field("Provides").map_or_else(Vec::new, |list| {
        list.split(',').filter_map(|p| p.split_whitespace().next()).map(str::to_owned).collect()
    });
    Some((
        field("Package")?,
        Package {
            installed: field("Status")?.split_whitespace().nth(2) == Some("installed"),
            version: field("Version").unwrap_or_default().to_owned(),
            arch: field("Architecture").unwrap_or_default().to_owned(),
            provides,
        },
    ))
}

/// Names that apt holds as installed automatically.
pub fn automatic(host: &dyn Observe) -> Vec<String> {
    let text = host.read_text(Path::new(EXTENDED)).unwrap_or_default();
    text.split("\n\n")
        .filter(|stanza| stanza.lines().any(|l| l.trim() == "Auto-Installed: 1"))
        .filter_map(|stanza| stanza.lines().find_map(|l| l.strip_prefix("Package:")))
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Debian's order of versions (Debian policy 5.6.12).
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let split = |v: &str| -> (u64, String, String) {
        let v = v.trim();
        let (epoch, rest) = match v.split_once(':') {
            Some((e, rest)) => (e.parse().unwrap_or(0), rest),
            None => (0, v),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        (epoch, upstream.to_owned(), revision.to_owned())
    };
    let (a, b) = (split(a), split(b));
    a.0.cmp(&b.0).then_with(|| compare_part(&a.1, &b.1)).then_with(|| compare_part(&a.2, &b.2))
}

fn compare_part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let order = |c: Option<&u8>| match c {
        None => 0,
        Some(b'~') => -1,
        Some(c) if c.is_ascii_digit() => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    };
    while !a.is_empty() || !b.is_empty() {
        while a.first().is_some_and(|c| !c.is_ascii_digit()) || b.first().is_some_and(|c| !c.is_ascii_digit()) {
            match order(a.first()).cmp(&order(b.first())) {
                Ordering::Equal => {}
                other => return other,
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let number = |s: &mut &[u8]| {
            let len = s.iter().take_while(|c| c.is_ascii_digit()).count();
            let digits = &s[..len];
            *s = &s[len..];
            let zeros = digits.iter().take_while(|c| **c == b'0').count();
            digits[zeros..].to_vec()
        };
        let (x, y) = (number(&mut a), number(&mut b));
        match x.len().cmp(&y.len()).then_with(|| x.cmp(&y)) {
            Ordering::Equal => {}
            other => return other,
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_order_of_versions() {
        let rising = ["0.9~rc1", "0.9", "0.9-1", "0.9-1+b1", "0.9a", "0.10", "1:0.1", "1:0.1.1-1~bpo1", "1:0.1.1-1"];
        for pair in rising.windows(2) {
            assert_eq!(compare_versions(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare_versions(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare_versions("1.01", "1.1"), Ordering::Equal);
    }
}
