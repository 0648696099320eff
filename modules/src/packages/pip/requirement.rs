//! What is to be installed: `name[extra]>=1; marker`, `name @ address`, or anything else that pip takes (paths, addresses).

use super::version::{OPERATORS, fits};

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// As pip gets it.
    pub text: String,
    /// `None`: not the name of a package but a path or an address.
    pub package: Option<Package>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// In lower case, with single hyphens.
    pub name: String,
    pub specifiers: Vec<(String, String)>,
}

impl Requirement {
    pub fn new(text: &str) -> Requirement {
        match parse(text) {
            Some((text, package)) => Requirement { text, package: Some(package) },
            None => Requirement { text: text.to_owned(), package: None },
        }
    }

    /// With a version given apart: a number stands for `==`.
    pub fn with_version(&self, version: &str) -> Requirement {
        let version = version.trim_start();
        let equal = if version.starts_with(|c: char| c.is_ascii_digit()) { "==" } else { " " };
        Requirement::new(&format!("{}{equal}{version}", self.text))
    }

    pub fn has_specifier(&self) -> bool {
        self.package.as_ref().is_some_and(|p| !p.specifiers.is_empty())
    }

    /// Whether a line of `pip list --format=freeze` satisfies it.
    pub fn is_met_by(&self, line: &str) -> bool {
        let (Some(package), Some((name, version))) = (&self.package, line.trim().split_once("==")) else {
            return false;
        };
        canonical(name) == package.name
            && package.specifiers.iter().all(|(op, wanted)| fits(version, op, wanted).unwrap_or(false))
    }
}

/// A package's name as it is compared.
pub fn canonical(name: &str) -> String {
    let parts: Vec<&str> = name.trim().split(['-', '_', '.']).filter(|p| !p.is_empty()).collect();
    parts.join("-").to_lowercase()
}

fn parse(text: &str) -> Option<(String, Package)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let mut shown = name.to_owned();
    let mut rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('[') {
        let (extras, after) = inside.split_once(']')?;
        let mut extras: Vec<&str> = extras.split(',').map(str::trim).filter(|e| !e.is_empty()).collect();
        extras.sort_unstable();
        if !extras.is_empty() {
            shown += &format!("[{}]", extras.join(","));
        }
        rest = after.trim_start();
    }
    let mut specifiers = Vec::new();
    if let Some(address) = rest.strip_prefix('@') {
        let (address, marker) = match address.split_once(" ;") {
            Some((address, marker)) => (address.trim(), Some(marker)),
            None => (address.trim(), None),
        };
        shown += &format!("@ {address}");
        if let Some(marker) = marker {
            shown += &format!(" ; {}", marker.trim());
        }
    } else {
        let (versions, marker) = match rest.split_once(';') {
            Some((versions, marker)) => (versions.trim(), Some(marker.trim())),
            None => (rest.trim(), None),
        };
        let versions = versions.strip_prefix('(').and_then(|v| v.strip_suffix(')')).unwrap_or(versions);
        for one in versions.split(',').map(str::trim).filter(|v| !v.is_empty()) {
            let operator = OPERATORS.into_iter().find(|op| one.starts_with(op))?;
            let version = one[operator.len()..].trim();
            if version.is_empty() || version.contains(char::is_whitespace) {
                return None;
            }
            specifiers.push((operator.to_owned(), version.to_owned()));
        }
        let mut words: Vec<String> = specifiers.iter().map(|(op, version)| format!("{op}{version}")).collect();
        words.sort();
        shown += &words.join(",");
        if let Some(marker) = marker {
            shown += &format!("; {marker}");
        }
    }
    Some((shown, Package { name: canonical(name), specifiers }))
}

/// Names and version specifiers however they were split by commas, as one text for each package.
pub fn rejoin(names: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_brackets = false;
    for part in names.iter().flat_map(|n| n.split(',')) {
        let is_name = !OPERATORS.iter().any(|op| part.trim_start().starts_with(op));
        match out.last_mut() {
            Some(last) if in_brackets || !is_name => *last += &format!(",{part}"),
            _ => out.push(part.to_owned()),
        }
        in_brackets = (in_brackets || part.contains('[')) && !part.contains(']');
    }
    out
}

/// Whether pip fetches it from a version control system.
pub fn is_vcs(text: &str) -> bool {
    ["svn+", "git+", "hg+", "bzr+"].iter().any(|p| text.starts_with(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_put_together_again() {
        let joined = |names: &[&str]| rejoin(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            joined(&["django>1.11.1,<1.11.3,ipaddress", "x>1", "<2"]),
            ["django>1.11.1,<1.11.3", "ipaddress", "x>1,<2"]
        );
        assert_eq!(joined(&["a[b,c]>=1", "d"]), ["a[b,c]>=1", "d"]);
    }

    #[test]
    fn requirements_are_read() {
        let met = |text: &str, line: &str| Requirement::new(text).is_met_by(line);
        assert!(met("Foo.Bar", "foo-bar==1.0") && met("foo>=1,<2", "Foo==1.5") && !met("foo>2", "foo==1.5"));
        assert!(!met("foo", "food==1") && !met("./foo", "foo==1"));
        for (text, shown) in [
            ("foo >1, <2", "foo<2,>1"),
            ("foo[b, a]==1", "foo[a,b]==1"),
            ("foo; python_version<'3'", "foo; python_version<'3'"),
            ("git+https://x/y.git", "git+https://x/y.git"),
            ("/srv/foo.tar.gz", "/srv/foo.tar.gz"),
        ] {
            assert_eq!(Requirement::new(text).text, shown);
        }
        assert_eq!(Requirement::new("foo").with_version("1.0").text, "foo==1.0");
        assert_eq!(Requirement::new("foo").with_version(">1").text, "foo>1");
    }
}
