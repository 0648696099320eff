//! `community.general.zypper`: packages of SUSE, with zypper.

use crate::contract::{Arg, ArgType, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::Path;

pub struct Zypper;

#[derive(Deserialize)]
pub struct Args {
    name: Vec<String>,
    state: String,
    #[serde(rename = "type")]
    kind: String,
    extra_args_precommand: Option<String>,
    disable_gpg_check: bool,
    auto_import_keys: bool,
    disable_recommends: bool,
    force: bool,
    force_resolution: bool,
    update_cache: bool,
    oldpackage: bool,
    extra_args: Option<String>,
    allow_vendor_change: bool,
    replacefiles: bool,
    clean_deps: bool,
    simple_errors: bool,
    quiet: bool,
    skip_post_errors: bool,
}

pub struct Work {
    args: Args,
    refresh: Option<Command>,
    command: Option<Command>,
}

const fn flag(name: &'static str, default: bool) -> Arg {
    Arg::bool(name).default(Literal::Bool(default))
}

impl Module for Zypper {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: "- name: Packages\n  community.general.zypper:\n    name: [nmap, 'vim>=9']\n\n- name: All that is newer\n  community.general.zypper:\n    name: '*'\n    state: latest\n",
        returns: &[
            Return { name: "cmd", when: "zypper was asked for a change", doc: "The command." },
            Return { name: "rc", when: "always", doc: "What zypper ended with." },
        ],
        ..ModuleSpec::new(
            "community.general.zypper",
            "Packages of SUSE, with zypper.",
            &[
                Arg::list("name", ArgType::Str)
                    .required()
                    .aliases(&["pkg"])
                    .doc("Packages, with a version (`vim>=9`), a sign (`-vim`), an address or a file; `*` for all."),
                Arg::str("state")
                    .choices(&["absent", "installed", "latest", "present", "removed", "dist-upgrade"])
                    .default(Literal::Str("present"))
                    .doc("Installed, as new as can be, or removed."),
                Arg::str("type")
                    .choices(&["package", "patch", "pattern", "product", "srcpackage", "application"])
                    .default(Literal::Str("package"))
                    .doc("The kind of what is named."),
                Arg::str("extra_args_precommand").doc("Options of zypper before its command."),
                flag("disable_gpg_check", false).doc("Without checks of signatures."),
                flag("auto_import_keys", false).doc("Trust new keys."),
                flag("disable_recommends", true).doc("Without what is only recommended."),
                flag("force", false).doc("Install again, and older versions too."),
                flag("force_resolution", false).doc("Let zypper find a way out of conflicts."),
                flag("update_cache", false).aliases(&["refresh"]).doc("Read the repositories first."),
                flag("oldpackage", false).doc("Older versions may replace newer ones."),
                Arg::str("extra_args").doc("Options of the command."),
                flag("allow_vendor_change", false).doc("`dist-upgrade` may take packages of other vendors."),
                flag("replacefiles", false).doc("Files of other packages may be replaced."),
                flag("clean_deps", false).doc("Remove what was only there for the package."),
                flag("simple_errors", false).doc("Only zypper's messages as its output."),
                flag("quiet", true).doc("Without messages of no matter."),
                flag("skip_post_errors", false).doc("Go on after failed scripts of packages."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        args.name.retain(|name| !name.is_empty());
        let everything = args.name == ["*"];
        let command = match args.state.as_str() {
            "latest" | "dist-upgrade" if everything => {
                let verb = match (args.kind.as_str(), args.state.as_str()) {
                    ("patch", _) => "patch",
                    (_, "dist-upgrade") => "dist-upgrade",
                    _ => "update",
                };
                Some(zypper(&args, host, call, verb)?)
            }
            "dist-upgrade" => return Err(Failure::new("Can not dist-upgrade specific packages.")),
            "absent" | "removed" => absent(&args, host, call)?,
            _ => present(&mut args, host, call)?,
        };
        let refresh = (args.update_cache && !call.check).then(|| zypper(&args, host, call, "refresh")).transpose()?;
        match (command, refresh) {
            (None, None) => Ok(Plan::Done(outcome(&args, None, call))),
            (Some(command), None) if call.check => {
                let told = told(&args, &command, true, |command| query(host, command))?;
                Ok(Plan::Done(outcome(&args, Some((command, told)), call)))
            }
            (command, refresh) => Ok(Plan::Work(Work { args, refresh, command })),
        }
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        Outcome::changed(work.command.is_some())
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { args, refresh, command } = work;
        if let Some(refresh) = refresh {
            let told = told(&args, &refresh, true, |command| execute(host, command))?;
            if told.rc != 0 {
                return Err(told.failure("Zypper refresh run failed.", &refresh));
            }
        }
        let told = match command {
            Some(command) => {
                let told = told(&args, &command, true, |command| execute(host, command))?;
                Some((command, told))
            }
            None => None,
        };
        if let Some((command, told)) = &told
            && ![0, 102].contains(&told.rc)
        {
            return Err(told.failure("Zypper run failed.", command));
        }
        Ok(outcome(&args, told, call))
    }
}

/// A name as given: `-`, `+` or nothing, the package, its version with a sign of comparison.
struct Wanted {
    sign: Option<char>,
    name: String,
    version: String,
}

impl Wanted {
    fn read(text: &str) -> Self {
        let sign = text.chars().next().filter(|c| ['-', '~', '+'].contains(c));
        let text = &text[usize::from(sign.is_some())..];
        let sign = sign.map(|c| if c == '~' { '-' } else { c });
        let is_version = |rest: &str| {
            let number = rest.strip_prefix(['<', '>', '=']).unwrap_or(rest);
            let number = if rest.starts_with('=') { number } else { number.strip_prefix('=').unwrap_or(number) };
            number.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-')
        };
        let at = text.match_indices(['<', '>', '=']).map(|(at, _)| at).find(|at| is_version(&text[*at..]));
        let (name, version) = text.split_at(at.unwrap_or(text.len()));
        Wanted { sign, name: name.to_owned(), version: version.to_owned() }
    }
}

/// Packages, and addresses or files.
fn wanted(args: &Args) -> (Vec<Wanted>, Vec<String>) {
    let (urls, names): (Vec<_>, Vec<_>) =
        args.name.iter().cloned().partition(|n| n.contains("://") || n.ends_with(".rpm"));
    (names.iter().map(|n| Wanted::read(n)).collect(), urls)
}

fn present(args: &mut Args, host: &dyn Observe, call: &Call) -> Result<Option<Command>, Failure> {
    let (mut packages, urls) = wanted(args);
    args.oldpackage |= packages.iter().any(|p| !p.version.is_empty());
    if args.state != "latest" {
        let names: Vec<&str> = packages.iter().filter(|p| p.version.is_empty()).map(|p| p.name.as_str()).collect();
        let there = installed(args, host, call, &names)?;
        packages.retain(|p| (p.sign != Some('-')) != there.contains(&p.name));
    }
    if packages.is_empty() && urls.is_empty() {
        return Ok(None);
    }
    let words = packages.iter().map(|p| format!("{}{}{}", p.sign.unwrap_or('+'), p.name, p.version));
    Ok(Some(zypper(args, host, call, "install")?.arg("--").args(urls).args(words)))
}

fn absent(args: &Args, host: &dyn Observe, call: &Call) -> Result<Option<Command>, Failure> {
    let (mut packages, urls) = wanted(args);
    let fault = if packages.iter().any(|p| p.sign == Some('+')) {
        "Can not combine '+' prefix with state=remove/absent."
    } else if !urls.is_empty() {
        "Can not remove via URL."
    } else if args.kind == "patch" {
        "Can not remove patches."
    } else {
        ""
    };
    if !fault.is_empty() {
        return Err(Failure::new(fault));
    }
    let names: Vec<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let there = installed(args, host, call, &names)?;
    packages.retain(|p| there.contains(&p.name));
    if packages.is_empty() {
        return Ok(None);
    }
    let words = packages.iter().map(|p| format!("{}{}", p.name, p.version));
    Ok(Some(zypper(args, host, call, "remove")?.args(words)))
}

/// Those of the packages that are installed.
fn installed(args: &Args, host: &dyn Observe, call: &Call, names: &[&str]) -> Result<Vec<String>, Failure> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let search = zypper(args, host, call, "search")?
        .args(["--match-exact", "--details", "--installed-only"])
        .args(names.iter().copied());
    let told = told(args, &search, false, |command| query(host, command))?;
    Ok(told.packages.into_iter().map(|p| p.name).collect())
}

/// zypper with the options of one of its commands.
fn zypper(args: &Args, host: &dyn Observe, call: &Call, verb: &str) -> Result<Command, Failure> {
    let installs = ["install", "update", "patch", "dist-upgrade"].contains(&verb);
    let refreshes = verb == "refresh";
    let zypper = required(host, "zypper")?;
    let mut command = if host.exists(Path::new("/usr/sbin/transactional-update")) && has_read_only_root(host) {
        let words = ["--continue", "--drop-if-no-change", "--quiet", "run"];
        Command::new(required(host, "transactional-update")?).args(words).arg(zypper.to_string_lossy())
    } else {
        Command::new(zypper)
    };
    command = command.args(["--non-interactive", "--xmlout"]);
    let flags = |command: Command, flags: &[(bool, &'static str)]| {
        command.args(flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| *flag))
    };
    command = flags(command, &[(args.quiet, "--quiet")]);
    command = command.args(args.extra_args_precommand.iter().flat_map(|words| words.split_whitespace()));
    command = flags(
        command,
        &[
            ((installs || refreshes) && args.disable_gpg_check, "--no-gpg-checks"),
            (installs && args.auto_import_keys, "--gpg-auto-import-keys"),
            (verb == "search", "--disable-repositories"),
        ],
    );
    command = command.arg(verb);
    if !refreshes && !["patch", "dist-upgrade"].contains(&verb) {
        command = command.args(["--type", &args.kind]);
    }
    command = flags(
        command,
        &[
            (call.check && verb != "search", "--dry-run"),
            (installs, "--auto-agree-with-licenses"),
            (installs && args.disable_recommends, "--no-recommends"),
            (installs && args.force, "--force"),
            (installs && args.force_resolution, "--force-resolution"),
            (installs && args.oldpackage, "--oldpackage"),
            (installs && args.replacefiles, "--replacefiles"),
            (verb == "remove" && args.clean_deps, "--clean-deps"),
            (verb == "dist-upgrade" && args.allow_vendor_change, "--allow-vendor-change"),
        ],
    );
    let more = args.extra_args.iter().filter(|words| !words.is_empty()).flat_map(|words| words.split(' '));
    command = command.args(more);
    Ok(["LANG", "LC_ALL", "LC_MESSAGES"].iter().fold(command, |command, name| command.env(name, "C")))
}

fn has_read_only_root(host: &dyn Observe) -> bool {
    let mounts = host.read_text(Path::new("/proc/mounts")).unwrap_or_default();
    let root = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|f| f.get(1) == Some(&"/"));
    root.is_some_and(|f| f.get(2) == Some(&"btrfs") && f.get(3).is_some_and(|o| o.split(',').any(|o| o == "ro")))
}

/// What zypper tells of one package.
struct Told {
    packages: Vec<Package>,
    rc: i32,
    stdout: String,
    stderr: String,
}

struct Package {
    name: String,
    version: String,
    before: String,
    /// What is done with it: `to-install`, `to-upgrade`, ….
    group: String,
}

impl Told {
    fn failure(&self, msg: &str, command: &Command) -> Failure {
        failed(msg, command, self.rc, &self.stdout, &self.stderr)
    }
}

fn failed(msg: &str, command: &Command, rc: i32, stdout: &str, stderr: &str) -> Failure {
    Failure::new(msg).with("rc", rc).with("stdout", stdout).with("stderr", stderr).with("cmd", words(command))
}

fn words(command: &Command) -> Vec<String> {
    std::iter::once(command.program.to_string_lossy().into_owned()).chain(command.args.iter().cloned()).collect()
}

/// Runs zypper, twice where it asks for that, and reads what it tells. What it does not find is a fault where `all` must be
/// found.
fn told(
    args: &Args,
    command: &Command,
    all: bool,
    mut run: impl FnMut(&Command) -> Result<Output, Failure>,
) -> Result<Told, Failure> {
    let mut packages: Vec<Package> = Vec::new();
    for first in [true, false] {
        let out = run(command)?;
        let (rc, mut stdout, stderr) = (out.rc, out.stdout_text(), out.stderr_text());
        let document = match roxmltree::Document::parse(&stdout) {
            Ok(document) => document,
            Err(e) => {
                let msg = format!("Failed to parse zypper xml output: {e}");
                return Err(failed(&msg, command, rc, &stdout, &stderr));
            }
        };
        let messages = || document.descendants().filter(|n| n.has_tag_name("message")).filter_map(|n| n.text());
        if rc == 104 {
            if !all {
                return Ok(Told { packages: Vec::new(), rc, stdout: String::new(), stderr });
            }
            return Err(failed(messages().next_back().unwrap_or_default(), command, rc, &stdout, &stderr));
        }
        let is_done = [0, 102, 103, 106, 107].contains(&rc);
        if is_done {
            for node in document.descendants().filter(|n| n.has_tag_name("solvable")) {
                let text = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
                let group = node.parent_element().map(|n| n.tag_name().name().to_owned()).unwrap_or_default();
                let package =
                    Package { name: text("name"), version: text("edition"), before: text("edition-old"), group };
                match packages.iter_mut().find(|p| p.name == package.name) {
                    Some(old) => *old = package,
                    None => packages.push(package),
                }
            }
            if first && (rc == 103 || rc == 107 && args.skip_post_errors) {
                continue;
            }
        }
        let simple = args.simple_errors.then(|| messages().collect::<Vec<_>>().join(" \n"));
        if let Some(simple) = simple.filter(|text| !text.is_empty()) {
            stdout = simple;
        }
        if !is_done {
            let msg = format!("Zypper run command failed with return code {rc}.");
            return Err(failed(&msg, command, rc, &stdout, &stderr));
        }
        return Ok(Told { packages, rc, stdout, stderr });
    }
    Err(Failure::new("zypper wanted to be run again and again"))
}

fn outcome(args: &Args, told: Option<(Command, Told)>, call: &Call) -> Outcome {
    let mut outcome = Outcome::unchanged()
        .with("name", args.name.clone())
        .with("state", args.state.clone())
        .with("update_cache", args.update_cache)
        .with("rc", told.as_ref().map_or(0, |(_, told)| told.rc));
    let mut prepared = String::new();
    if let Some((command, told)) = told {
        outcome.set("cmd", words(&command));
        outcome.changed = [0, 102].contains(&told.rc) && !told.packages.is_empty();
        for (word, group) in [("installed", "to-install"), ("removed", "to-remove"), ("upgraded", "to-upgrade")] {
            let of_group = told.packages.iter().filter(|p| p.group == group).map(|p| match word {
                "upgraded" => format!("{} ({} => {})", p.name, p.before, p.version),
                _ => p.name.clone(),
            });
            let list: Vec<String> = of_group.collect();
            if !list.is_empty() {
                prepared.push_str(&format!("{word}: {}\n", list.join(", ")));
            }
        }
        if outcome.changed {
            outcome.set("stdout", told.stdout);
            outcome.set("stderr", told.stderr);
        }
    }
    if call.diff {
        outcome.diff.push(Diff { prepared: Some(prepared), ..Diff::default() });
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<Zypper>();
    const FIND: &str = "zypper --non-interactive --xmlout --quiet --disable-repositories search --type package \
                        --match-exact --details --installed-only vim";
    const NONE: &str = "<stream>\n<message type=\"info\">No matching items found.</message>\n</stream>\n";
    const FOUND: &str = "<stream>\n<search-result version=\"0.0\">\n<solvable-list>\n<solvable status=\"installed\" \
                         name=\"vim\" kind=\"package\" edition=\"9.0-1\" arch=\"x86_64\" repository=\"(System \
                         Packages)\"/>\n</solvable-list>\n</search-result>\n</stream>\n";
    const ADDED: &str = "<stream>\n<install-summary packages-to-change=\"1\">\n<to-install><solvable type=\"package\" \
                         name=\"vim\" edition=\"9.0-1\" arch=\"x86_64\"/>\n</to-install>\n</install-summary>\n</stream>\n";
    const GONE: &str = "<stream><install-summary><to-remove><solvable type=\"package\" name=\"vim\" edition=\"9.0-1\"/>\
                        </to-remove></install-summary></stream>";

    fn install(dry: bool) -> String {
        let dry = if dry { "--dry-run " } else { "" };
        format!(
            "zypper --non-interactive --xmlout --quiet install --type package {dry}--auto-agree-with-licenses \
             --no-recommends -- +vim"
        )
    }

    #[test]
    fn there_and_gone() {
        let mut host = Fake::new().answer(FIND, 104, NONE).answer(&install(true), 0, ADDED).effect(
            &install(false),
            0,
            ADDED,
            |h| h.set_answer(FIND, 0, FOUND),
        );
        let out = case(&MODULE, json!({"name": "vim"}), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(out.diff[0].prepared.as_deref(), Some("installed: vim\n"));
        assert_eq!((&out.values["rc"], &out.values["stdout"]), (&json!(0), &json!(ADDED)));
        let remove = "zypper --non-interactive --xmlout --quiet remove --type package";
        let mut host =
            host.answer(&format!("{remove} --dry-run vim"), 0, GONE)
                .effect(&format!("{remove} vim"), 0, GONE, |h| h.set_answer(FIND, 104, NONE));
        let out = case(&MODULE, json!({"name": "vim", "state": "absent"}), &mut host).unwrap();
        assert_eq!(out.diff[0].prepared.as_deref(), Some("removed: vim\n"));
    }

    #[test]
    fn the_repositories_are_read_first() {
        let mut host =
            Fake::new().answer(FIND, 0, FOUND).answer("zypper --non-interactive --xmlout --quiet refresh", 0, "<a/>");
        let out = case(&MODULE, json!({"name": ["vim", ""], "update_cache": true}), &mut host).unwrap();
        assert!(!out.changed && host.executed().len() == 1 && !out.values.contains_key("stdout"));
    }

    #[test]
    fn names_with_signs_and_versions() {
        for (text, sign, name, version) in [
            ("vim", None, "vim", ""),
            ("~vim", Some('-'), "vim", ""),
            ("+docker>=1.10", Some('+'), "docker", ">=1.10"),
            ("apache=2.4-1", None, "apache", "=2.4-1"),
            ("a=b", None, "a=b", ""),
        ] {
            let read = Wanted::read(text);
            assert_eq!((read.sign, read.name.as_str(), read.version.as_str()), (sign, name, version));
        }
    }

    #[test]
    fn what_cannot_be() {
        let unknown = "<stream><message type=\"error\">No provider of '+vim' found.</message></stream>";
        let mut host = Fake::new().answer(FIND, 104, NONE).answer(&install(false), 104, unknown);
        let failure = run(&MODULE, json!({"name": "vim"}), &mut host, false).unwrap_err();
        assert_eq!((failure.msg.as_str(), &failure.values["rc"]), ("No provider of '+vim' found.", &json!(104)));
        let mut host = host.answer(&install(false), 5, "<stream><message>Root it is.</message></stream>");
        let args = json!({"name": "vim", "simple_errors": true});
        let failure = run(&MODULE, args, &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Zypper run command failed with return code 5.");
        assert_eq!(failure.values["stdout"], "Root it is.");
        for (args, message) in [
            (json!({"name": "a", "state": "dist-upgrade"}), "Can not dist-upgrade specific packages."),
            (json!({"name": "a.rpm", "state": "absent"}), "Can not remove via URL."),
            (json!({"name": "a", "type": "patch", "state": "removed"}), "Can not remove patches."),
            (json!({"name": "+a", "state": "absent"}), "Can not combine '+' prefix with state=remove/absent."),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
