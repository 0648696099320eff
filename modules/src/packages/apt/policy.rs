//! What could be installed: `apt-cache policy` and `apt-cache showpkg`, one call for many names.

use super::dpkg::Database;
use crate::contract::Failure;
use crate::host::steps::{plain_english, query};
use crate::host::{Command, Observe, fnmatch};
use std::collections::HashMap;

/// What apt knows of one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The version that `apt-get install` would choose.
    pub candidate: Option<String>,
    /// All versions, highest first.
    pub versions: Vec<String>,
}

/// Policies by name; unknown names are absent, names without a version are purely virtual.
pub fn policies(
    host: &dyn Observe,
    database: &Database,
    names: &[&str],
    release: Option<&str>,
) -> Result<HashMap<String, Policy>, Failure> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let mut command = apt_cache();
    if let Some(release) = release {
        command = command.args(["-o".to_owned(), format!("APT::Default-Release={release}")]);
    }
    let out = query(host, &command.arg("policy").args(names.iter().copied()))?;
    if !out.ok() {
        return Err(Failure::new(out.stderr_text().trim().to_owned()).with("rc", out.rc));
    }
    Ok(parse(&out.stdout_text()).into_iter().map(|(n, p)| (database.plain(&n).to_owned(), p)).collect())
}

fn parse(text: &str) -> Vec<(String, Policy)> {
    let mut found: Vec<(String, Policy)> = Vec::new();
    for line in text.lines() {
        if !line.starts_with(' ') {
            if let Some(name) = line.strip_suffix(':') {
                found.push((name.to_owned(), Policy::default()));
            }
            continue;
        }
        let Some((_, policy)) = found.last_mut() else { continue };
        if let Some(version) = line.strip_prefix("  Candidate: ") {
            policy.candidate = (version != "(none)").then(|| version.to_owned());
        } else if (line.starts_with("     ") || line.starts_with(" *** "))
            && line.chars().nth(5).is_some_and(|c| c != ' ')
            && let Some(version) = line[5..].split_whitespace().next()
        {
            policy.versions.push(version.to_owned());
        }
    }
    found
}

impl Policy {
    /// The version to install: apt's candidate, or with a wanted version (a pattern) the highest that fits.
    pub fn best(&self, exactly: Option<&str>) -> Option<&str> {
        match exactly {
            None => self.candidate.as_deref(),
            Some(wanted) => self
                .candidate
                .iter()
                .filter(|c| !self.versions.contains(c))
                .chain(&self.versions)
                .map(String::as_str)
                .find(|v| fnmatch(v, wanted)),
        }
    }
}

/// Packages that provide a virtual name, without repeats.
pub fn providers(host: &dyn Observe, name: &str) -> Result<Vec<String>, Failure> {
    let out = query(host, &apt_cache().args(["showpkg", name]))?;
    let text = out.stdout_text();
    let mut names: Vec<String> = text
        .lines()
        .skip_while(|l| !l.starts_with("Reverse Provides:"))
        .skip(1)
        .filter_map(|l| l.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Every name that apt has a version of, and every installed one, sorted.
pub fn all_names(host: &dyn Observe, database: &Database) -> Result<Vec<String>, Failure> {
    let out = query(host, &apt_cache().arg("pkgnames"))?;
    let mut names: Vec<String> = out.stdout_text().lines().map(str::to_owned).collect();
    names.extend(database.names().map(str::to_owned));
    names.sort();
    names.dedup();
    Ok(names)
}

fn apt_cache() -> Command {
    plain_english(Command::new("apt-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_table() {
        let text = "nginx:\n  Installed: 1.0\n  Candidate: 1.2-1\n  Version table:\n     1.2-1 500\n        500 http://deb main\n *** 1.0 100\n        100 /var/lib/dpkg/status\nawk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        let found = parse(text);
        assert_eq!(found[0].1.versions, ["1.2-1", "1.0"]);
        assert_eq!(found[0].1.best(None), Some("1.2-1"));
        assert_eq!(found[0].1.best(Some("1.0*")), Some("1.0"));
        assert_eq!(found[0].1.best(Some("3")), None);
        assert_eq!(found[1], ("awk".to_owned(), Policy::default()));
    }
}
