//! `apt`: Debian packages through apt-get, apt-cache and dpkg. Needs no python-apt.

mod deb;
mod decide;
mod dpkg;
mod policy;
#[cfg(test)]
mod tests;
pub(super) mod update;

use crate::contract::{Arg, ArgType, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, failed_command, plain_english, query, required};
use crate::host::{Change, Command, Observe, Output, split_words};
use deb::Debs;
use decide::{Operation, Tools, decide};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use update::Patience;

pub struct Apt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Present,
    Latest,
    Absent,
    BuildDep,
    Fixed,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    pub state: State,
    pub update_cache: Option<bool>,
    pub update_cache_retries: u32,
    pub update_cache_retry_max_delay: u64,
    pub cache_valid_time: u64,
    pub purge: bool,
    pub package: Option<Vec<String>>,
    pub deb: Option<String>,
    pub default_release: Option<String>,
    pub install_recommends: Option<bool>,
    pub force: bool,
    pub upgrade: String,
    pub dpkg_options: String,
    pub autoremove: bool,
    pub autoclean: bool,
    pub fail_on_autoremove: bool,
    pub policy_rc_d: Option<i64>,
    pub only_upgrade: bool,
    pub force_apt_get: bool,
    pub clean: bool,
    pub allow_unauthenticated: bool,
    pub allow_downgrade: bool,
    pub allow_change_held_packages: bool,
    pub lock_timeout: i64,
}

impl Args {
    fn packages(&self) -> &[String] {
        self.package.as_deref().unwrap_or_default()
    }
    fn upgrade_mode(&self) -> Option<&str> {
        (self.upgrade != "no").then_some(self.upgrade.as_str())
    }
    fn patience(&self) -> Patience {
        Patience {
            retries: self.update_cache_retries,
            max_delay: self.update_cache_retry_max_delay,
            lock_timeout: self.lock_timeout.max(0) as u64,
        }
    }
    /// Packages, an upgrade or a file to install, besides list updates and cleaning.
    fn has_packages(&self) -> bool {
        !self.packages().is_empty() || self.upgrade_mode().is_some() || self.deb.is_some()
    }
}

/// What is left to do.
pub struct Work {
    args: Args,
    tools: Tools,
    update: bool,
    todo: Todo,
    preview: Outcome,
}

enum Todo {
    /// Ends after the lists are updated or the cache is cleaned.
    Stop,
    Operation(Operation),
    Debs(Debs),
}

const NO: Literal = Literal::Bool(false);

impl Module for Apt {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::MutuallyExclusive(&["deb", "package", "upgrade"]),
            Rule::RequiredOneOf(&["autoremove", "deb", "package", "update_cache", "upgrade"]),
        ],
        diff: true,
        examples: "- name: Install nginx\n  ansible.builtin.apt:\n    name: nginx\n    state: present\n    update_cache: true\n    cache_valid_time: 3600\n- name: Remove two packages with their configuration\n  ansible.builtin.apt:\n    pkg: [foo, bar=1.2*]\n    state: absent\n    purge: true\n",
        returns: &[
            Return { name: "cache_updated", when: "success, in some cases", doc: "Whether the lists were updated." },
            Return {
                name: "cache_update_time",
                when: "success, in some cases",
                doc: "When they were, in seconds since the epoch.",
            },
            Return { name: "stdout", when: "a program ran", doc: "Its output." },
            Return { name: "stderr", when: "a program ran", doc: "Its errors." },
        ],
        differs: "Works without python-apt; auto_install_module_deps has no effect.",
        ..ModuleSpec::new(
            "ansible.builtin.apt",
            "Manages Debian packages with apt.",
            &[
                Arg::str("state")
                    .choices(&["absent", "build-dep", "fixed", "latest", "present"])
                    .default(Literal::Str("present"))
                    .doc("The wanted state of the packages."),
                Arg::bool("update_cache").aliases(&["update-cache"]).doc("Run `apt-get update` first."),
                Arg::int("update_cache_retries").default(Literal::Int(5)).doc("Attempts at updating the lists."),
                Arg::int("update_cache_retry_max_delay")
                    .default(Literal::Int(12))
                    .doc("Longest pause between attempts, in seconds."),
                Arg::int("cache_valid_time")
                    .default(Literal::Int(0))
                    .doc("Update the lists only if they are older than this, in seconds."),
                Arg::bool("purge").default(NO).doc("Remove configuration files too."),
                Arg::list("package", ArgType::Str)
                    .aliases(&["pkg", "name"])
                    .doc("Names, `name=version`, `name>=version`, shell patterns."),
                Arg::path("deb").doc("Path or URL of a .deb file; several paths with commas between."),
                Arg::str("default_release").aliases(&["default-release"]).doc("`-t` of apt-get."),
                Arg::bool("install_recommends")
                    .aliases(&["install-recommends"])
                    .doc("Whether recommended packages are installed; without it apt's own setting holds."),
                Arg::bool("force").default(NO).doc("`--force-yes`: removes signature checks and allows downgrades."),
                Arg::str("upgrade")
                    .choices(&["dist", "full", "no", "safe", "yes"])
                    .default(Literal::Str("no"))
                    .doc("Upgrade all packages."),
                Arg::str("dpkg_options")
                    .default(Literal::Str("force-confdef,force-confold"))
                    .doc("Options for dpkg, with commas between."),
                Arg::bool("autoremove").default(NO).doc("Remove dependencies that nothing needs any more."),
                Arg::bool("autoclean").default(NO).doc("Remove package files that cannot be downloaded any more."),
                Arg::bool("fail_on_autoremove").default(NO).doc("`--no-remove`: fail if a package would be removed."),
                Arg::int("policy_rc_d").doc("Exit code of `/usr/sbin/policy-rc.d` while packages are installed."),
                Arg::bool("only_upgrade").default(NO).doc("Only packages that are installed already."),
                Arg::bool("force_apt_get").default(NO).doc("Use apt-get where aptitude is installed."),
                Arg::bool("clean").default(NO).doc("Remove all downloaded package files."),
                Arg::bool("allow_unauthenticated")
                    .aliases(&["allow-unauthenticated"])
                    .default(NO)
                    .doc("Ignore signatures."),
                Arg::bool("allow_downgrade")
                    .aliases(&["allow-downgrade", "allow_downgrades", "allow-downgrades"])
                    .default(NO)
                    .doc("Allow older versions."),
                Arg::bool("allow_change_held_packages").default(NO).doc("Change packages that are on hold."),
                Arg::int("lock_timeout").default(Literal::Int(60)).doc("How long to wait for apt's lock, in seconds."),
                Arg::bool("auto_install_module_deps").default(Literal::Bool(true)).doc("Accepted; has no effect."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let tools = Tools {
            apt_get: required(host, "apt-get")?.display().to_string(),
            aptitude: host.which("aptitude").map(|p| p.display().to_string()),
        };
        let only_clean = args.clean && !args.has_packages();
        let stamp = update::stamp(host);
        let update = !only_clean && update::is_due(&args, host);
        let asked = args.update_cache == Some(true) || args.cache_valid_time > 0;
        let base = |outcome: Outcome| outcome.with("cache_updated", update).with("cache_update_time", stamp);
        if only_clean {
            let preview = Outcome::changed(true);
            return Ok(Plan::Work(Work { args, tools, update, todo: Todo::Stop, preview }));
        }
        if asked && !args.has_packages() {
            let preview = base(Outcome::changed(update));
            return Ok(if update {
                Plan::Work(Work { args, tools, update, todo: Todo::Stop, preview })
            } else {
                Plan::Done(preview)
            });
        }
        let todo = match &args.deb {
            Some(_) => Todo::Debs(deb::examine(&args, host, call)?),
            None => match decide(&args, host, &tools, call.check) {
                Ok(operation) => Todo::Operation(operation),
                // The lists may lack what the update would bring: decided again after it.
                Err(_) if update && !call.check => Todo::Operation(Operation::Nothing { mark: Vec::new() }),
                Err(failure) => return Err(with_cache(failure, update, stamp)),
            },
        };
        let preview = match &todo {
            _ if !call.check => Outcome::changed(true),
            Todo::Operation(operation) => match operation.line() {
                Some(line) => {
                    let command = command(line)?;
                    let out = query(host, &command)?;
                    judge(operation, &args, &tools, line, &out, call)?
                }
                None => Outcome::unchanged(),
            },
            Todo::Debs(debs) => debs.preview(&args, &tools, host, call)?,
            Todo::Stop => Outcome::unchanged(),
        };
        let preview = if reports_cache(&todo, &args) { base(preview) } else { preview };
        let idle = match &todo {
            Todo::Operation(Operation::Nothing { mark }) => mark.is_empty(),
            Todo::Debs(debs) => debs.is_empty(),
            _ => false,
        };
        if idle && !update && !args.clean {
            return Ok(Plan::Done(Outcome { changed: false, ..preview }));
        }
        Ok(Plan::Work(Work { args, tools, update, todo, preview }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { args, tools, update, mut todo, .. } = work;
        if args.clean {
            let outcome = clean(host, &tools, call)?;
            if matches!(todo, Todo::Stop) {
                return Ok(outcome);
            }
        }
        let before = update::stamp(host.observe());
        let mut updated = false;
        let mut warnings = Vec::new();
        if update {
            update::run(args.patience(), &tools.apt_get, host, &mut warnings)?;
            updated = update::stamp(host.observe()) != before;
            if let Todo::Operation(_) = todo {
                let stamp = update::stamp(host.observe());
                todo = Todo::Operation(
                    decide(&args, host.observe(), &tools, false).map_err(|f| with_cache(f, updated, stamp))?,
                );
            }
        }
        let stamp = update::stamp(host.observe());
        let report = reports_cache(&todo, &args);
        let mut outcome = match todo {
            Todo::Stop => Outcome::changed(updated),
            Todo::Operation(operation) => {
                operate(operation, &args, &tools, host, call).map_err(|f| with_cache(f, updated, stamp))?
            }
            Todo::Debs(debs) => debs.install(&args, &tools, host, call)?,
        };
        if report {
            outcome = outcome.with("cache_updated", updated).with("cache_update_time", stamp);
        }
        outcome.warnings.splice(0..0, warnings);
        Ok(outcome)
    }
}

/// Ansible tells of the lists only when it installs, or only updates.
fn reports_cache(todo: &Todo, args: &Args) -> bool {
    match todo {
        Todo::Stop => !args.clean,
        Todo::Operation(Operation::Nothing { .. } | Operation::Install { .. }) => args.state != State::Absent,
        _ => false,
    }
}

fn with_cache(failure: Failure, updated: bool, stamp: i64) -> Failure {
    let reports = failure.msg.starts_with("no available installation candidate")
        || (failure.values.contains_key("rc") && failure.msg.contains(" install "));
    if reports { failure.with("cache_updated", updated).with("cache_update_time", stamp) } else { failure }
}

/// A command line of apt as a process with apt's environment.
fn command(line: &str) -> Result<Command, Failure> {
    let mut words = split_words(line).map_err(Failure::new)?;
    let program = words.remove(0);
    let command = plain_english(Command::new(program).args(words))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("DEBIAN_PRIORITY", "critical");
    Ok(command)
}

fn operate(
    operation: Operation,
    args: &Args,
    tools: &Tools,
    host: &mut dyn Change,
    call: &Call,
) -> Result<Outcome, Failure> {
    let outcome = match operation.line() {
        Some(line) => {
            let out = run_guarded(args, host, &command(line)?)?;
            judge(&operation, args, tools, line, &out, call)?
        }
        None => Outcome::unchanged(),
    };
    if let Operation::Install { mark, .. } | Operation::Nothing { mark } = &operation {
        return mark_manual(outcome, mark, host);
    }
    Ok(outcome)
}

/// Marks packages as wanted by a person, as Ansible does after every install.
fn mark_manual(mut outcome: Outcome, names: &[String], host: &mut dyn Change) -> Result<Outcome, Failure> {
    if names.is_empty() {
        return Ok(outcome);
    }
    let Some(apt_mark) = host.which("apt-mark") else {
        outcome.warnings.push("Could not find apt-mark binary, not marking package(s) as manually installed.".into());
        return Ok(outcome);
    };
    let command = plain_english(Command::new(apt_mark).arg("manual").args(names));
    let out = execute(host, &command)?;
    if out.ok() {
        return Ok(outcome);
    }
    let message = format!("'{}' failed: {}", command.display(), out.stderr_text());
    Err(failed_command(&command, &out, &message))
}

/// The outcome of a finished (or simulated) operation.
fn judge(
    operation: &Operation,
    args: &Args,
    tools: &Tools,
    line: &str,
    out: &Output,
    call: &Call,
) -> Result<Outcome, Failure> {
    const NONE: &str = "\n0 upgraded, 0 newly installed, 0 to remove";
    const NONE_APTITUDE: &str = "\n0 packages upgraded, 0 newly installed, 0 to remove";
    let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
    let fail = |msg: String| {
        Failure::new(msg).with("stdout", stdout.as_str()).with("stderr", stderr.as_str()).with("rc", out.rc)
    };
    let mut outcome = Outcome::changed(true);
    match operation {
        Operation::Nothing { .. } => return Ok(Outcome::unchanged()),
        Operation::Install { build_dep, .. } => {
            if !out.ok() {
                return Err(fail(format!("'{line}' failed: {stderr}")));
            }
            outcome.changed = !build_dep || !stdout.contains(NONE);
        }
        Operation::Remove { packages, .. } => {
            if !out.ok() {
                return Err(fail(format!("'apt-get remove {packages}' failed: {stderr}")));
            }
        }
        Operation::Upgrade { tool, command, .. } => {
            if !out.ok() {
                return Err(fail(format!("'{tool} {command}' failed: {stderr}")));
            }
            let none = if *tool == tools.apt_get { NONE } else { NONE_APTITUDE };
            outcome.changed = !stdout.contains(none);
            outcome.set("msg", stdout.as_str());
            if *tool != tools.apt_get {
                for (set, option, name) in [
                    (args.fail_on_autoremove, "--no-remove", "fail_on_autoremove"),
                    (args.allow_downgrade, "--allow-downgrades", "allow_downgrade"),
                ] {
                    if set {
                        outcome
                            .warnings
                            .push(format!("APTITUDE does not support '{option}', ignoring the '{name}' parameter."));
                    }
                }
            }
        }
        Operation::CleanUp { what, .. } => {
            if !out.ok() {
                return Err(fail(format!("'apt-get {what}' failed: {stderr}")));
            }
            outcome.changed = stdout.contains(match *what {
                "autoremove" => "The following packages will be REMOVED",
                _ => "Del ",
            });
        }
    }
    // What is cleaned up is told in any case.
    if call.diff && (outcome.changed || matches!(operation, Operation::CleanUp { .. })) {
        outcome.diff.push(prepared(&stdout));
    }
    Ok(outcome.with("stdout", stdout).with("stderr", stderr))
}

/// apt's own words between reading its state and the summary line.
fn prepared(stdout: &str) -> Diff {
    let lines: Vec<&str> = stdout.lines().collect();
    let start = ["Resolving dependencies...", "Reading state information..."]
        .iter()
        .find_map(|marker| lines.iter().position(|l| l == marker))
        .map_or(0, |i| i + 1);
    let summary = |line: &&str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < line.len() && (rest.starts_with(" upgraded") || rest.starts_with(" packages upgraded"))
    };
    let end = lines.iter().position(summary).map_or(lines.len(), |i| i + 1);
    Diff { prepared: Some(lines.get(start..end).unwrap_or_default().join("\n")), ..Diff::default() }
}

/// `clean`: never in check mode.
fn clean(host: &mut dyn Change, tools: &Tools, call: &Call) -> Result<Outcome, Failure> {
    let out = execute(host, &command(&format!("{} clean", tools.apt_get))?)?;
    let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
    if !out.ok() || !stderr.is_empty() {
        let msg = if out.ok() { format!("apt-get clean failed: {stderr}") } else { "apt-get clean failed".to_owned() };
        return Err(Failure::new(msg).with("stdout", stdout).with("stderr", stderr).with("rc", out.rc));
    }
    let outcome = Outcome::changed(true)
        .with("msg", stdout.as_str())
        .with("stdout", stdout.as_str())
        .with("stderr", stderr.as_str());
    Ok(if call.diff { outcome.with_diff(prepared(&stdout)) } else { outcome })
}

/// Runs apt or dpkg, with `/usr/sbin/policy-rc.d` ending in `policy_rc_d` meanwhile.
fn run_guarded(args: &Args, host: &mut dyn Change, command: &Command) -> Result<Output, Failure> {
    let command = Command { live: true, ..command.clone() };
    let Some(code) = args.policy_rc_d else { return execute(host, &command) };
    let path = Path::new("/usr/sbin/policy-rc.d");
    let old = match (host.read(path), host.stat(path)) {
        (Ok(content), Ok(stat)) => Some((content, stat.mode)),
        _ => None,
    };
    write_policy(host, path, format!("#!/bin/sh\nexit {code}\n").as_bytes(), 0o770)
        .map_err(|_| Failure::new("Failed to create or chmod /usr/sbin/policy-rc.d"))?;
    let result = execute(host, &command);
    match old {
        Some((content, mode)) => write_policy(host, path, &content, mode),
        None => host.remove_file(path),
    }
    .map_err(|e| Failure::io("Fail to remove /usr/sbin/policy-rc.d (after package manipulation)", &e))?;
    result
}

fn write_policy(host: &mut dyn Change, path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    let options = crate::host::WriteOptions { mode: Some(mode), ..Default::default() };
    let mut content = content;
    host.write(&PathBuf::from(path), &mut content, &options)
}
