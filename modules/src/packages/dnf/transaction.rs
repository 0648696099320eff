//! dnf's output: the table of a transaction, and lists of packages.

use crate::contract::{Failure, Json};
use crate::host::steps::query;
use crate::host::{Command, Observe};
use crate::packages::rpm::{self, Installed};

/// What a transaction would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transaction {
    pub installed: Vec<Installed>,
    pub removed: Vec<Installed>,
    /// Names of packages of which another version is there.
    pub replaced: Vec<String>,
}

impl Transaction {
    pub fn is_empty(&self) -> bool {
        self.installed.is_empty() && self.removed.is_empty()
    }
    pub fn merge(&mut self, other: Transaction) {
        self.installed.extend(other.installed);
        self.removed.extend(other.removed);
        self.replaced.extend(other.replaced);
    }
}

/// Reads the table that dnf prints before it asks. Long names have a line of their own.
pub fn parse(text: &str) -> Transaction {
    let mut transaction = Transaction::default();
    let mut section = None;
    let mut words: Vec<&str> = Vec::new();
    for line in text.lines() {
        let heading = line.strip_suffix(':').filter(|h| !h.starts_with(' '));
        if let Some(heading) = heading {
            section = match heading.split_whitespace().next() {
                Some("Installing" | "Reinstalling") => Some(Section::New),
                Some("Upgrading" | "Downgrading") => Some(Section::Other),
                Some("Removing") => Some(Section::Gone),
                _ => None,
            };
            words.clear();
            continue;
        }
        let Some(kind) = section else { continue };
        if !line.starts_with(' ') {
            // An empty line, a ruler or the summary ends the table's section.
            if !line.is_empty() {
                section = None;
            }
            continue;
        }
        words.extend(line.split_whitespace());
        if words.first() == Some(&"replacing") {
            words.clear();
            continue;
        }
        // name arch version repository size unit
        if words.len() < 5 {
            continue;
        }
        let package = Installed { name: words[0].to_owned(), arch: words[1].to_owned(), evr: words[2].to_owned() };
        match kind {
            Section::New => transaction.installed.push(package),
            Section::Other => {
                transaction.replaced.push(package.name.clone());
                transaction.installed.push(package);
            }
            Section::Gone => transaction.removed.push(package),
        }
        words.clear();
    }
    transaction
}

#[derive(Clone, Copy)]
enum Section {
    New,
    Other,
    Gone,
}

/// `list`: packages or repositories as dictionaries.
pub fn list(what: &str, dnf: &Command, root: &str, host: &dyn Observe) -> Result<Vec<Json>, Failure> {
    match what {
        "installed" => Ok(rpm::installed(host, root, &["-a"])?.iter().map(|p| describe(p, "@System", true)).collect()),
        "repos" | "repositories" => {
            let out = query(host, &dnf.clone().args(["-q", "repolist", "--enabled"]))?;
            let text = out.stdout_text();
            let ids = text.lines().skip(1).filter_map(|l| l.split_whitespace().next());
            Ok(ids.map(|id| serde_json::json!({"repoid": id, "state": "enabled"})).collect())
        }
        _ => {
            let mut found = match what {
                "updates" | "upgrades" | "available" => Vec::new(),
                spec => rpm::matching(host, root, spec)?.iter().map(|p| describe(p, "@System", true)).collect(),
            };
            let choice: &[&str] = match what {
                "updates" | "upgrades" => &["--upgrades"],
                "available" => &["--available"],
                spec => &["--available", spec],
            };
            let format = "%{name}|%{epoch}|%{version}-%{release}|%{arch}|%{repoid}\n";
            let out = query(host, &dnf.clone().args(["-q", "repoquery", "--qf", format]).args(choice.iter().copied()))?;
            for line in out.stdout_text().lines() {
                if let [name, epoch, version, arch, repo] = line.split('|').collect::<Vec<_>>()[..] {
                    let evr = if epoch == "0" { version.to_owned() } else { format!("{epoch}:{version}") };
                    let package = Installed { name: name.to_owned(), evr, arch: arch.to_owned() };
                    found.push(describe(&package, repo, false));
                }
            }
            Ok(found)
        }
    }
}

fn describe(package: &Installed, repo: &str, installed: bool) -> Json {
    let (epoch, rest) = package.evr.split_once(':').unwrap_or(("0", &package.evr));
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let envra = format!("{epoch}:{}-{version}-{release}.{}", package.name, package.arch);
    serde_json::json!({
        "name": package.name, "arch": package.arch, "epoch": epoch, "release": release, "version": version,
        "repo": repo, "envra": envra, "nevra": envra, "yumstate": if installed { "installed" } else { "available" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_table_with_wrapped_rows() {
        let text = "Dependencies resolved.\n====\n Package Architecture Version Repository Size\n====\nInstalling:\n cfhello noarch 1:1.1-1 local 6.2 k\n a-very-long-name-of-a-package\n          x86_64 2.0-3.el9 base 12 M\nUpgrading:\n bash x86_64 5.2-1 base 1 M\nRemoving:\n old noarch 1-1 @local 0\n\nTransaction Summary\n====\nInstall 2 Packages\n";
        let t = parse(text);
        let names = |l: &[Installed]| l.iter().map(Installed::nevra).collect::<Vec<_>>();
        assert_eq!(
            names(&t.installed),
            ["cfhello-1:1.1-1.noarch", "a-very-long-name-of-a-package-2.0-3.el9.x86_64", "bash-5.2-1.x86_64"]
        );
        assert_eq!((names(&t.removed), t.replaced), (vec!["old-1-1.noarch".to_owned()], vec!["bash".to_owned()]));
    }
}
