//! Which distribution the host's own files and `lsb_release` claim: what Ansible starts from before it looks closer.
//!
//! Order of sources and normalised ids are those of the `distro` library that ansible-core bundles.

use super::lsb;
use super::scene::Scene;
use super::shared::shell_words;
use fancy_regex::Regex;
use std::path::Path;

/// Files in /etc that look like release files and are none.
const IGNORED: [&str; 9] = [
    "debian_version",
    "lsb-release",
    "oem-release",
    "os-release",
    "system-release",
    "plesk-release",
    "iredmail-release",
    "board-release",
    "ec2_version",
];

/// A first guess.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guess {
    /// Capitalised id: `Debian`, `Redhat`, `Opensuse`.
    pub name: String,
    pub version: String,
    /// None where nothing names the release.
    pub codename: Option<String>,
}

pub fn guess(scene: &Scene) -> Guess {
    let sources = Sources { scene, os: os_release(scene) };
    let id = sources.id();
    Guess { name: distribution_name(&id), version: sources.version(&id), codename: sources.codename(&id) }
}

fn distribution_name(id: &str) -> String {
    let mut chars = id.chars();
    let capitalised: String =
        chars.next().into_iter().flat_map(char::to_uppercase).chain(chars.flat_map(char::to_lowercase)).collect();
    match capitalised.as_str() {
        "Amzn" => "Amazon".to_owned(),
        "Rhel" => "Redhat".to_owned(),
        "" => "OtherLinux".to_owned(),
        _ => capitalised,
    }
}

type Pairs = Vec<(String, String)>;

fn get<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn os_release(scene: &Scene) -> Pairs {
    let file = ["/etc/os-release", "/usr/lib/os-release"].into_iter().find(|path| scene.exists(path));
    let text = file.and_then(|path| scene.text(path)).unwrap_or_default();
    let pairs = shell_words(&text).into_iter().filter_map(|word| {
        let (name, value) = word.split_once('=')?;
        Some((name.to_lowercase(), value.to_owned()))
    });
    pairs.collect()
}

struct Sources<'a> {
    scene: &'a Scene<'a>,
    os: Pairs,
}

impl Sources<'_> {
    fn os(&self, name: &str) -> &str {
        get(&self.os, name).unwrap_or_default()
    }
    fn lsb(&self, name: &str) -> String {
        let printed = lsb::printed(self.scene).unwrap_or_default();
        let mut pairs = printed.lines().filter_map(|line| line.split_once(':'));
        let found = pairs.rfind(|(label, _)| label.replace(' ', "_").to_lowercase() == name);
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }
    /// The first release file of /etc whose first line can be read.
    fn release_file(&self) -> Pairs {
        let mut names = self.scene.names("/etc");
        names.retain(|name| {
            !IGNORED.contains(&name.as_str()) && self.scene.host.stat(&Path::new("/etc").join(name)).is_ok()
        });
        names.sort();
        for name in names {
            let Some(id) = release_id(&name) else { continue };
            let text = self.scene.host.read_text(&Path::new("/etc").join(&name)).unwrap_or_default();
            let mut pairs = release_line(text.lines().next().unwrap_or_default());
            let Some(title) = get(&pairs, "name").map(str::to_lowercase) else { continue };
            let id = if title.contains("cloudlinux") { "cloudlinux" } else { id };
            pairs.push(("id".to_owned(), id.to_owned()));
            return pairs;
        }
        Pairs::new()
    }

    fn id(&self) -> String {
        let plain = |id: &str| id.to_lowercase().replace(' ', "_");
        let from_os = plain(self.os("id"));
        if !from_os.is_empty() {
            return match from_os.as_str() {
                "ol" => "oracle".to_owned(),
                "opensuse-leap" => "opensuse".to_owned(),
                _ => from_os,
            };
        }
        let from_lsb = plain(&self.lsb("distributor_id"));
        if !from_lsb.is_empty() {
            return match from_lsb.as_str() {
                "enterpriseenterpriseas" | "enterpriseenterpriseserver" => "oracle".to_owned(),
                "redhatenterpriseworkstation" | "redhatenterpriseserver" | "redhatenterprisecomputenode" => {
                    "rhel".to_owned()
                }
                _ => from_lsb,
            };
        }
        match plain(get(&self.release_file(), "id").unwrap_or_default()).as_str() {
            "redhat" => "rhel".to_owned(),
            other => other.to_owned(),
        }
    }

    fn version(&self, id: &str) -> String {
        let of = |pairs: Pairs| get(&pairs, "version_id").unwrap_or_default().to_owned();
        let like_debian = id == "debian" || self.os("id_like").split_whitespace().any(|like| like == "debian");
        let debian = || {
            let text =
                if like_debian { self.scene.host.read_text(Path::new("/etc/debian_version")).ok() } else { None };
            text.unwrap_or_default().lines().next().unwrap_or_default().trim_end().to_owned()
        };
        let sources: [&dyn Fn() -> String; 6] = [
            &|| self.os("version_id").to_owned(),
            &|| self.lsb("release"),
            &|| of(self.release_file()),
            &|| of(release_line(self.os("pretty_name"))),
            &|| of(release_line(&self.lsb("description"))),
            &debian,
        ];
        if id != "debian" && id != "centos" {
            return sources.iter().map(|source| source()).find(|v| !v.is_empty()).unwrap_or_default();
        }
        // These say more elsewhere than in os-release: the version with the most parts counts.
        let dots = |version: &str| version.matches('.').count();
        let best = sources.iter().map(|source| source()).fold(String::new(), |best, version| {
            if best.is_empty() || dots(&version) > dots(&best) { version } else { best }
        });
        if id == "centos" { best.split('.').take(2).collect::<Vec<_>>().join(".") } else { best }
    }

    fn codename(&self, id: &str) -> Option<String> {
        if let Some(name) = get(&self.os, "version_codename").or_else(|| get(&self.os, "ubuntu_codename")) {
            return Some(name.to_owned());
        }
        if id == "ubuntu" {
            let name = self.lsb("codename");
            if !name.is_empty() {
                return Some(name);
            }
        }
        let found = in_brackets(self.os("version"))
            .or_else(|| Some(self.lsb("codename")).filter(|name| !name.is_empty()))
            .or_else(|| get(&self.release_file(), "codename").map(str::to_owned));
        found.filter(|name| !name.is_empty())
    }
}

/// The code name in `VERSION`: `7 (wheezy)` or `14.04, Trusty Tahr`.
fn in_brackets(version: &str) -> Option<String> {
    let groups = Regex::new(r"\((\D+)\)|,\s*(\D+)").ok()?.captures(version).ok()??;
    groups.get(1).or(groups.get(2)).map(|name| name.as_str().to_owned())
}

fn release_id(file: &str) -> Option<&str> {
    let stem = file.strip_suffix("release").or_else(|| file.strip_suffix("version"))?;
    let id = stem.strip_suffix(['-', '_'])?;
    (!id.is_empty() && id.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(id)
}

/// Name, version and code name in a line such as `CentOS Linux release 7.9.2009 (Core)`, read from its end.
fn release_line(line: &str) -> Pairs {
    const BACKWARDS: &str = r"^(?:[^)]*\)(.*)\()? *(?:STL )?([\d.+\-a-z]*\d) *(?:esaeler *)?(.+)";
    let reversed: String = line.trim().chars().rev().collect();
    let groups = Regex::new(BACKWARDS).ok().and_then(|pattern| pattern.captures(&reversed).ok().flatten());
    let mut pairs = Pairs::new();
    match groups {
        Some(groups) => {
            for (group, name) in [(3, "name"), (2, "version_id"), (1, "codename")] {
                if let Some(part) = groups.get(group).filter(|part| !part.as_str().is_empty()) {
                    pairs.push((name.to_owned(), part.as_str().chars().rev().collect()));
                }
            }
        }
        None if !line.is_empty() => pairs.push(("name".to_owned(), line.trim().to_owned())),
        None => {}
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_lines_are_read_from_their_end() {
        for (line, name, version, codename) in [
            ("CentOS Linux release 7.9.2009 (Core)", "CentOS Linux", Some("7.9.2009"), Some("Core")),
            ("Fedora release 38 (Thirty Eight)", "Fedora", Some("38"), Some("Thirty Eight")),
            ("Debian GNU/Linux 12 (bookworm)", "Debian GNU/Linux", Some("12"), Some("bookworm")),
            ("Gentoo Base System release 2.14", "Gentoo Base System", Some("2.14"), None),
            ("Ubuntu 22.04.3 LTS", "Ubuntu", Some("22.04.3"), None),
            ("Arch Linux", "Arch Linux", None, None),
        ] {
            let pairs = release_line(line);
            assert_eq!(get(&pairs, "name"), Some(name), "{line}");
            assert_eq!(get(&pairs, "version_id"), version, "{line}");
            assert_eq!(get(&pairs, "codename"), codename, "{line}");
        }
    }

    #[test]
    fn codenames_in_version() {
        assert_eq!(in_brackets("7 (wheezy)"), Some("wheezy".to_owned()));
        assert_eq!(in_brackets("14.04.6 LTS, Trusty Tahr"), Some("Trusty Tahr".to_owned()));
        assert_eq!(in_brackets("9.3"), None);
    }
}
