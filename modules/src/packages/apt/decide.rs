//! Which operation the arguments ask for on this host, and the command line that does it.

use super::dpkg::{Database, automatic, compare_versions};
use super::policy::{Policy, all_names, policies, providers};
use super::{Args, State};
use crate::contract::Failure;
use crate::host::{Observe, fnmatch};
use std::cmp::Ordering;
use std::collections::HashMap;

/// The one thing that a call does besides updating the lists.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Nothing to install or remove; `mark` are packages to hold as manually installed.
    Nothing {
        mark: Vec<String>,
    },
    Install {
        line: String,
        build_dep: bool,
        mark: Vec<String>,
    },
    Remove {
        line: String,
        packages: String,
    },
    Upgrade {
        line: String,
        tool: String,
        command: String,
    },
    /// `autoremove` or `autoclean`.
    CleanUp {
        line: String,
        what: &'static str,
    },
}

impl Operation {
    pub fn line(&self) -> Option<&str> {
        match self {
            Operation::Nothing { .. } => None,
            Operation::Install { line, .. }
            | Operation::Remove { line, .. }
            | Operation::Upgrade { line, .. }
            | Operation::CleanUp { line, .. } => Some(line),
        }
    }
}

/// Programs found on the host.
pub struct Tools {
    pub apt_get: String,
    pub aptitude: Option<String>,
}

/// `-o` options of every command line, quoted as Ansible shows them.
pub fn options(args: &Args) -> String {
    let mut out: Vec<String> = args.dpkg_options.split(',').map(|o| format!("-o \"Dpkg::Options::=--{o}\"")).collect();
    out.push(format!("-o DPkg::Lock::Timeout={}", args.lock_timeout));
    out.join(" ")
}

fn flag(on: bool, text: &'static str) -> &'static str {
    if on { text } else { "" }
}

/// Decides from what is installed and what could be. `check` adds `--simulate`.
pub fn decide(args: &Args, host: &dyn Observe, tools: &Tools, check: bool) -> Result<Operation, Failure> {
    if let Some(mode) = args.upgrade_mode() {
        return upgrade(args, tools, mode, check);
    }
    let given = args.packages();
    let packages: Vec<&str> = given.iter().map(|p| p.trim()).filter(|p| *p != "*").collect();
    if args.state == State::Latest && given.iter().any(|p| p == "*") {
        if !packages.is_empty() {
            return Err(Failure::new("unable to install additional packages when upgrading all installed packages"));
        }
        return upgrade(args, tools, "yes", check);
    }
    if let Some(bad) = packages.iter().find(|p| p.matches('=').count() > 1) {
        return Err(Failure::new(format!("invalid package spec: {bad}")));
    }
    if packages.is_empty() {
        for (wanted, what) in [(args.autoclean, "autoclean"), (args.autoremove, "autoremove")] {
            if wanted {
                let line = format!(
                    "{} -y {} {} {} {what} {}",
                    tools.apt_get,
                    options(args),
                    flag(args.purge, "--purge"),
                    flag(args.force, "--force-yes"),
                    flag(check, "--simulate")
                );
                return Ok(Operation::CleanUp { line, what });
            }
        }
        return Ok(Operation::Nothing { mark: Vec::new() });
    }
    let database = Database::read(host)?;
    let packages = expand(host, &database, &packages)?;
    if args.state == State::Absent {
        Ok(remove(args, host, tools, &database, &packages, check))
    } else {
        install(args, host, tools, &database, &packages, check)
    }
}

fn upgrade(args: &Args, tools: &Tools, mode: &str, check: bool) -> Result<Operation, Failure> {
    let aptitude = tools.aptitude.as_deref().filter(|_| !args.force_apt_get);
    let auto = flag(args.autoremove, "--auto-remove");
    let (tool, command) = match (mode, aptitude) {
        ("dist", _) | ("full", None) => (&*tools.apt_get, format!("dist-upgrade {auto}")),
        ("full", Some(aptitude)) => (aptitude, "full-upgrade".to_owned()),
        (_, None) => (&*tools.apt_get, format!("upgrade --with-new-pkgs {auto}")),
        (_, Some(aptitude)) => (aptitude, "safe-upgrade".to_owned()),
    };
    let with_apt_get = tool == tools.apt_get;
    let force = if with_apt_get { "--force-yes" } else { "--assume-yes --allow-untrusted" };
    let mut line = format!(
        "{tool} -y {} {} {} {} {} {} {command}",
        options(args),
        flag(args.force, force),
        flag(args.fail_on_autoremove && with_apt_get, "--no-remove"),
        flag(args.allow_unauthenticated, "--allow-unauthenticated"),
        flag(args.allow_downgrade && with_apt_get, "--allow-downgrades"),
        flag(check, "--simulate"),
    );
    if let Some(release) = &args.default_release {
        line.push_str(&format!(" -t '{release}'"));
    }
    Ok(Operation::Upgrade { line, tool: tool.to_owned(), command })
}

/// Replaces patterns by the names that they match. A pattern without an architecture matches native names only.
fn expand(host: &dyn Observe, database: &Database, specs: &[&str]) -> Result<Vec<String>, Failure> {
    let mut names: Option<Vec<String>> = None;
    let mut out = Vec::new();
    for spec in specs {
        let pattern = Spec::parse(spec).name;
        if !pattern.contains(['*', '?', '[', ']', '!']) {
            out.push((*spec).to_owned());
            continue;
        }
        if names.is_none() {
            names = Some(all_names(host, database)?);
        }
        let foreign = pattern.contains(':');
        let before = out.len();
        out.extend(names.iter().flatten().filter(|n| (foreign || !n.contains(':')) && fnmatch(n, pattern)).cloned());
        if out.len() == before {
            return Err(Failure::new(format!("No package(s) matching '{pattern}' available")));
        }
    }
    Ok(out)
}

/// `name`, `name=version` or `name>=version`.
struct Spec<'a> {
    name: &'a str,
    relation: Option<&'a str>,
    version: &'a str,
}

impl<'a> Spec<'a> {
    fn parse(text: &'a str) -> Self {
        match text.split_once('=') {
            None => Spec { name: text, relation: None, version: "" },
            Some((name, version)) => match name.strip_suffix('>') {
                Some(name) => Spec { name, relation: Some(">="), version },
                None => Spec { name, relation: Some("="), version },
            },
        }
    }
    fn exactly(&self) -> Option<&'a str> {
        (self.relation == Some("=")).then_some(self.version)
    }
    fn accepts(&self, version: &str) -> bool {
        match self.relation {
            Some("=") => fnmatch(version, self.version),
            Some(_) => compare_versions(version, self.version) != Ordering::Less,
            None => true,
        }
    }
}

/// What holds for one wanted package.
struct Status {
    installed: bool,
    /// Installed in a version that the author accepts.
    satisfied: bool,
    installable: Installable,
}

enum Installable {
    No,
    Version(String),
    /// A virtual package: apt chooses.
    AptChooses,
}

struct Known<'a> {
    host: &'a dyn Observe,
    database: &'a Database,
    policies: HashMap<String, Policy>,
}

impl Known<'_> {
    fn status(&self, spec: &Spec) -> Result<Status, Failure> {
        let name = self.database.plain(spec.name);
        let policy = self.policies.get(name);
        let dpkg = self.database.get(name);
        if dpkg.is_none() && policy.is_none_or(|p| p.versions.is_empty()) {
            return self.virtual_status(spec, policy.is_some());
        }
        let installed = dpkg.filter(|p| p.installed).map(|p| p.version.as_str());
        let best = policy.and_then(|p| p.best(spec.exactly()));
        let installable = match (installed, best) {
            (_, None) => Installable::No,
            (None, Some(best)) => Installable::Version(best.to_owned()),
            (Some(now), Some(best)) if now != best && spec.accepts(best) => Installable::Version(best.to_owned()),
            _ => Installable::No,
        };
        Ok(Status {
            installed: installed.is_some(),
            satisfied: installed.is_some_and(|v| spec.accepts(v)),
            installable,
        })
    }

    /// A name that no package bears: met by its only provider if that is installed, else left to apt.
    fn virtual_status(&self, spec: &Spec, known: bool) -> Result<Status, Failure> {
        let providers = if known { providers(self.host, spec.name)? } else { Vec::new() };
        match &providers[..] {
            [] => Err(Failure::new(format!("No package matching '{}' is available", spec.name))),
            [only] if self.database.installed(only).is_some_and(|p| spec.accepts(&p.version)) => {
                Ok(Status { installed: true, satisfied: true, installable: Installable::No })
            }
            _ => Ok(Status { installed: false, satisfied: false, installable: Installable::AptChooses }),
        }
    }
}

fn install(
    args: &Args,
    host: &dyn Observe,
    tools: &Tools,
    database: &Database,
    packages: &[String],
    check: bool,
) -> Result<Operation, Failure> {
    let build_dep = args.state == State::BuildDep;
    let latest = args.state == State::Latest;
    let specs: Vec<Spec> = packages.iter().map(|p| Spec::parse(p)).collect();
    let mut wanted = Vec::new();
    if build_dep {
        wanted.extend(packages.iter().map(|p| format!("'{p}'")));
    } else {
        // A package that is there in any version and wanted in any version needs no question to apt.
        let ask: Vec<&str> = specs
            .iter()
            .filter(|s| latest || s.relation.is_some() || database.installed(s.name).is_none())
            .map(|s| database.plain(s.name))
            .collect();
        let known =
            Known { host, database, policies: policies(host, database, &ask, args.default_release.as_deref())? };
        for (spec, text) in specs.iter().zip(packages) {
            let status = known.status(spec)?;
            if !status.installed && args.only_upgrade {
                continue;
            }
            if !status.satisfied && matches!(status.installable, Installable::No) {
                return Err(Failure::new(format!("no available installation candidate for {text}")));
            }
            let name = spec.name;
            let needed = !status.installed || latest || !status.satisfied;
            match status.installable {
                Installable::Version(v) if needed => wanted.push(format!("'{name}={v}'")),
                Installable::AptChooses if needed && spec.relation.is_some() => {
                    wanted.push(format!("'{name}={}'", spec.version));
                }
                Installable::AptChooses if needed => wanted.push(format!("'{name}'")),
                Installable::Version(_) if spec.relation == Some("=") => {
                    wanted.push(format!("'{name}={}'", spec.version));
                }
                _ => {}
            }
        }
    }
    let mark = if build_dep || check { Vec::new() } else { specs.iter().map(|s| s.name.to_owned()).collect() };
    if wanted.is_empty() {
        let automatic = if mark.is_empty() { Vec::new() } else { automatic(host) };
        let mark: Vec<String> = mark.into_iter().filter(|n| automatic.iter().any(|a| a == database.plain(n))).collect();
        return Ok(Operation::Nothing { mark });
    }
    Ok(Operation::Install { line: install_line(args, tools, &wanted.join(" "), check), build_dep, mark })
}

/// The command line that installs `packages` (quoted, separated by spaces).
pub fn install_line(args: &Args, tools: &Tools, packages: &str, check: bool) -> String {
    let build_dep = args.state == State::BuildDep;
    let auto = if build_dep { String::new() } else { format!(" {}", flag(args.autoremove, "--auto-remove")) };
    let mut line = format!(
        "{} -y {} {} {} {}{auto} {} {} {} {packages}",
        tools.apt_get,
        options(args),
        flag(args.only_upgrade, "--only-upgrade"),
        flag(args.state == State::Fixed, "--fix-broken"),
        flag(args.force, "--force-yes"),
        flag(args.fail_on_autoremove, "--no-remove"),
        flag(check, "--simulate"),
        if build_dep { "build-dep" } else { "install" },
    );
    if let Some(release) = &args.default_release {
        line.push_str(&format!(" -t '{release}'"));
    }
    match args.install_recommends {
        Some(false) => line.push_str(" -o APT::Install-Recommends=no"),
        Some(true) => line.push_str(" -o APT::Install-Recommends=yes"),
        None => {}
    }
    for (on, text) in [
        (args.allow_unauthenticated, " --allow-unauthenticated"),
        (args.allow_downgrade, " --allow-downgrades"),
        (args.allow_change_held_packages, " --allow-change-held-packages"),
    ] {
        line.push_str(flag(on, text));
    }
    line
}

fn remove(
    args: &Args,
    host: &dyn Observe,
    tools: &Tools,
    database: &Database,
    packages: &[String],
    check: bool,
) -> Operation {
    let there = |text: &&String| {
        let spec = Spec::parse(text);
        database.installed(spec.name).is_some_and(|p| spec.accepts(&p.version))
            || (args.purge && database.get(spec.name).is_some() && database.has_files(host, database.plain(spec.name)))
    };
    let packages = packages.iter().filter(there).map(|p| format!("'{p}'")).collect::<Vec<_>>().join(" ");
    if packages.is_empty() {
        return Operation::Nothing { mark: Vec::new() };
    }
    let line = format!(
        "{} -q -y {} {} {} {} {} {} remove {packages}",
        tools.apt_get,
        options(args),
        flag(args.purge, "--purge"),
        flag(args.force, "--force-yes"),
        flag(args.autoremove, "--auto-remove"),
        flag(check, "--simulate"),
        flag(args.allow_change_held_packages, "--allow-change-held-packages"),
    );
    Operation::Remove { line, packages }
}
