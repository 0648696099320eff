//! `dnf` (also called `yum`): packages through the dnf command line and rpm. Needs no dnf bindings.

mod spec;
#[cfg(test)]
mod tests;
mod transaction;

use super::rpm::{self, Installed};
use crate::contract::{Call, Failure, Json, JsonMap, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::{execute, plain_english, query};
use crate::host::{Change, Command, Observe, Output};
pub use spec::Args;
use spec::State;
use std::cmp::Ordering;
use transaction::Transaction;

pub struct Dnf;
pub struct Dnf5;

pub struct Work {
    commands: Vec<Command>,
    outcome: Outcome,
}

impl Module for Dnf {
    const SPEC: ModuleSpec = spec::DNF;
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        // Ansible's action sets the fact by which it chose this module.
        let facts = JsonMap::from_iter([("pkg_mgr".to_owned(), "dnf".into())]);
        Ok(match plan(args, host, call)? {
            Plan::Done(outcome) => Plan::Done(Outcome { facts: Some(facts), ..outcome }),
            Plan::Work(work) => Plan::Work(Work { outcome: Outcome { facts: Some(facts), ..work.outcome }, ..work }),
        })
    }
    fn preview(work: &Work, _: &Call) -> Outcome {
        preview(work)
    }
    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        apply(work, host)
    }
}

impl Module for Dnf5 {
    const SPEC: ModuleSpec = spec::DNF5;
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        plan(args, host, call)
    }
    fn preview(work: &Work, _: &Call) -> Outcome {
        preview(work)
    }
    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        apply(work, host)
    }
}

fn preview(work: &Work) -> Outcome {
    let mut outcome = work.outcome.clone();
    if outcome.changed {
        outcome.set("msg", "Check mode: No changes made, but would have if not in check mode");
    }
    outcome
}

fn apply(work: Work, host: &mut dyn Change) -> Result<Outcome, Failure> {
    for command in &work.commands {
        let out = execute(host, &Command { live: true, ..command.clone() })?;
        if !out.ok() {
            return Err(explain(&out));
        }
    }
    Ok(work.outcome)
}

/// dnf with the options that every command of the task has.
fn dnf(args: &Args, host: &dyn Observe) -> Result<Command, Failure> {
    let program = ["dnf", "dnf5", "yum"]
        .iter()
        .find_map(|p| host.which(p))
        .ok_or_else(|| Failure::new("dnf was not found on the host").with("results", Json::Array(Vec::new())))?;
    let mut options = vec!["-y".to_owned()];
    let mut add = |text: String| options.push(text);
    if let Some(file) = &args.conf_file {
        add(format!("--config={file}"));
    }
    for (list, name) in [
        (&args.disable_plugin, "disableplugin"),
        (&args.enable_plugin, "enableplugin"),
        (&args.disablerepo, "disablerepo"),
        (&args.enablerepo, "enablerepo"),
        (&args.exclude, "exclude"),
    ] {
        for item in list {
            add(format!("--{name}={item}"));
        }
    }
    for (value, name) in [
        (&args.disable_excludes, "disableexcludes"),
        (&args.download_dir, "downloaddir"),
        (&args.releasever, "releasever"),
    ] {
        if let Some(value) = value {
            add(format!("--{name}={value}"));
        }
    }
    if args.installroot != "/" {
        add(format!("--installroot={}", args.installroot));
    }
    for (on, option) in [
        (args.disable_gpg_check, "--nogpgcheck"),
        (args.cacheonly, "--cacheonly"),
        (args.download_only, "--downloadonly"),
        (args.allowerasing, "--allowerasing"),
        (args.skip_broken, "--skip-broken"),
        (args.security, "--security"),
        (args.bugfix, "--bugfix"),
        (args.update_cache, "--refresh"),
        (args.best == Some(true) || args.nobest == Some(false), "--best"),
        (args.best == Some(false) || args.nobest == Some(true), "--nobest"),
        (!args.install_weak_deps, "--setopt=install_weak_deps=False"),
        (!args.sslverify, "--setopt=sslverify=False"),
    ] {
        if on {
            add(option.to_owned());
        }
    }
    Ok(plain_english(Command::new(program).args(options)))
}

fn answer(changed: bool, msg: &str, results: Vec<String>) -> Outcome {
    Outcome::changed(changed).with("msg", msg).with("results", results).with("rc", 0)
}

fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
    let none = || Json::Array(Vec::new());
    if let Some(what) = &args.list {
        let results = transaction::list(what, &dnf(&args, host)?, &args.installroot, host)?;
        return Ok(Plan::Done(Outcome::unchanged().with("msg", "").with("results", results)));
    }
    if args.update_cache && args.name.is_empty() && !args.autoremove {
        let outcome = answer(false, "Cache updated", Vec::new());
        let command = dnf(&Args { update_cache: false, ..args.clone() }, host)?.args(["--refresh", "makecache"]);
        return Ok(if call.check {
            Plan::Done(outcome)
        } else {
            Plan::Work(Work { commands: vec![command], outcome })
        });
    }
    if host.euid() != 0 && !args.download_only {
        return Err(Failure::new("This command has to be run under the root user.").with("results", none()));
    }
    let mut results = Vec::new();
    let commands = commands(&args, host, &mut results)?;
    let mut transaction = Transaction::default();
    for command in &commands {
        // The same command with a "no" at the end: dnf resolves everything and stops before it changes anything.
        let mut ask = command.clone();
        ask.args[0] = "--assumeno".to_owned();
        let out = query(host, &ask)?;
        let text = out.stdout_text();
        let part = transaction::parse(&text);
        let missing = unmatched(&out);
        if !missing.is_empty() && args.state() != State::Absent && !args.skip_broken {
            let failures: Vec<String> = missing.iter().map(|m| format!("No package {m} available.")).collect();
            return Err(Failure::new("Failed to install some of the specified packages")
                .with("failures", failures)
                .with("results", none())
                .with("rc", 1));
        }
        let quiet = out.ok() || out.stderr_text().contains("Operation aborted") || text.contains("Operation aborted");
        if part.is_empty() && !quiet {
            return Err(explain(&out));
        }
        transaction.merge(part);
    }
    if transaction.is_empty() {
        return Ok(Plan::Done(answer(false, "Nothing to do", results)));
    }
    let verb = if args.download_only { "Downloaded" } else { "Installed" };
    results.extend(transaction.installed.iter().map(|p| format!("{verb}: {}", p.nevra())));
    let mut gone: Vec<String> = transaction.removed.iter().map(Installed::nevra).collect();
    for name in &transaction.replaced {
        gone.extend(rpm::installed(host, &args.installroot, &[name])?.iter().map(Installed::nevra));
    }
    results.extend(gone.into_iter().map(|p| format!("Removed: {p}")));
    Ok(Plan::Work(Work { commands, outcome: answer(true, "", results) }))
}

/// The commands that bring the host to the wanted state, as far as rpm's database shows a need.
fn commands(args: &Args, host: &dyn Observe, results: &mut Vec<String>) -> Result<Vec<Command>, Failure> {
    let names: Vec<&str> = args.name.iter().map(|n| n.trim()).filter(|n| !n.is_empty()).collect();
    let base = || dnf(args, host);
    let keep = if args.autoremove { "True" } else { "False" };
    let removal = |words: &[&str]| -> Result<Command, Failure> {
        Ok(base()?.arg(format!("--setopt=clean_requirements_on_remove={keep}")).args(words.iter().copied()))
    };
    if names.is_empty() {
        return if args.autoremove { Ok(vec![removal(&["autoremove"])?]) } else { Ok(Vec::new()) };
    }
    let state = args.state();
    if names == ["*"] && state == State::Latest {
        return Ok(vec![base()?.arg("upgrade")]);
    }
    let is_file = |n: &str| n.ends_with(".rpm") || n.contains("://");
    let mut install = Vec::new();
    let mut upgrade = Vec::new();
    let mut remove = Vec::new();
    for name in names {
        let whole = name.starts_with('@') || is_file(name);
        if state == State::Absent {
            if is_file(name) {
                return Err(Failure::new("Cannot remove paths -- please specify package name.")
                    .with("results", Json::Array(Vec::new())));
            }
            if whole || !rpm::matching(host, &args.installroot, name)?.is_empty() {
                remove.push(name);
            } else {
                results.push(format!("No match for argument: {name}"));
            }
            continue;
        }
        if whole {
            if is_file(name) {
                results.push(format!("Installed {name}"));
            }
            install.push(name);
            continue;
        }
        let there = !rpm::matching(host, &args.installroot, name)?.is_empty();
        match (state, there) {
            (State::Latest, true) => upgrade.push(name),
            (State::Present, true) if !name.contains('*') => {
                if args.update_only {
                    upgrade.push(name);
                }
            }
            _ if args.update_only => {
                results.push(format!("Packages providing {name} not installed due to update_only specified"));
            }
            _ if newer_is_installed(host, args, name)? && !args.allow_downgrade => {}
            _ => install.push(name),
        }
    }
    let mut commands = Vec::new();
    if !remove.is_empty() {
        commands.push(removal(&[&["remove"], &remove[..]].concat())?);
        if args.autoremove {
            commands.push(removal(&["autoremove"])?);
        }
    }
    for (verb, list) in [("install", install), ("upgrade", upgrade)] {
        if !list.is_empty() {
            commands.push(base()?.arg(verb).args(list));
        }
    }
    Ok(commands)
}

/// Whether `name-version[-release][.arch]` is older than what is installed of `name`.
fn newer_is_installed(host: &dyn Observe, args: &Args, spec: &str) -> Result<bool, Failure> {
    for (dash, _) in spec.match_indices('-').collect::<Vec<_>>().into_iter().rev() {
        let (name, version) = (&spec[..dash], &spec[dash + 1..]);
        if !version.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        if let Some(now) = rpm::installed(host, &args.installroot, &[name])?.first() {
            let version = version.strip_suffix(&format!(".{}", now.arch)).unwrap_or(version);
            return Ok(rpm::compare(&now.evr, version) == Ordering::Greater);
        }
    }
    Ok(false)
}

fn unmatched(out: &Output) -> Vec<String> {
    let text = out.stdout_text() + &out.stderr_text();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|l| l.trim().strip_prefix("No match for argument: "))
        .map(|n| n.trim().to_owned())
        .collect();
    names.dedup();
    names
}

/// dnf's own words about a failure, under Ansible's heading.
fn explain(out: &Output) -> Failure {
    let stderr = out.stderr_text();
    let text = stderr.split_once("Error:").map_or(stderr.as_str(), |(_, t)| t).trim();
    let kind = if text.contains("Problem") || text.contains("conflicting requests") {
        "Depsolve Error occurred"
    } else {
        "Unknown Error occurred"
    };
    Failure::new(format!("{kind}: {text}"))
        .with("failures", Json::Array(Vec::new()))
        .with("results", Json::Array(Vec::new()))
        .with("rc", 1)
}
