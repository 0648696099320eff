//! `community.general.pacman`: packages of Arch Linux, with pacman.

use crate::contract::{Arg, ArgType, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, failed_command, query, required};
use crate::host::{Change, Command, Observe, Output, split_words};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub struct Pacman;

#[derive(Deserialize)]
pub struct Args {
    name: Option<Vec<String>>,
    state: String,
    force: bool,
    remove_nosave: bool,
    executable: String,
    extra_args: String,
    upgrade: Option<bool>,
    upgrade_extra_args: String,
    update_cache: Option<bool>,
    update_cache_extra_args: String,
    reason: Option<String>,
    reason_for: String,
}

pub struct Work {
    /// Reads the repositories, with whether it is always a change.
    refresh: Option<(Command, bool)>,
    list: Command,
    args: Args,
}

const fn flag(name: &'static str) -> Arg {
    Arg::bool(name).default(Literal::Bool(false))
}

impl Module for Pacman {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[
            Rule::RequiredOneOf(&["name", "update_cache", "upgrade"]),
            Rule::MutuallyExclusive(&["name", "upgrade"]),
        ],
        examples: "- name: Packages\n  community.general.pacman:\n    name: [nginx, ./local-1.0-1-any.pkg.tar.zst]\n    update_cache: true\n\n- name: All that is newer\n  community.general.pacman:\n    upgrade: true\n",
        returns: &[
            Return { name: "packages", when: "packages were named or upgraded", doc: "What was changed." },
            Return { name: "cache_updated", when: "`update_cache`", doc: "The repositories had something new." },
            Return { name: "stdout", when: "pacman said something", doc: "What it said." },
        ],
        ..ModuleSpec::new(
            "community.general.pacman",
            "Packages of Arch Linux, with pacman.",
            &[
                Arg::list("name", ArgType::Str)
                    .aliases(&["pkg", "package"])
                    .doc("Packages or groups by name, packages by repository and name, file or address."),
                Arg::str("state")
                    .choices(&["present", "installed", "latest", "absent", "removed"])
                    .default(Literal::Str("present"))
                    .doc("Installed, as new as can be, or removed."),
                flag("force")
                    .doc("Remove without a look at who needs it; read repositories even if they are as before."),
                flag("remove_nosave").doc("Keep no copies of changed files of removed packages."),
                Arg::str("executable").default(Literal::Str("pacman")).doc("The pacman to use."),
                Arg::str("extra_args").default(Literal::Str("")).doc("Further options for installing and removing."),
                Arg::bool("upgrade").doc("Upgrade all that is installed."),
                Arg::str("upgrade_extra_args").default(Literal::Str("")).doc("Further options for that."),
                Arg::bool("update_cache").doc("Read the repositories first."),
                Arg::str("update_cache_extra_args").default(Literal::Str("")).doc("Further options for that."),
                Arg::str("reason").choices(&["explicit", "dependency"]).doc("Why packages are there."),
                Arg::str("reason_for")
                    .choices(&["new", "all"])
                    .default(Literal::Str("new"))
                    .doc("Whose reason is set: that of new ones, or of all."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let pacman = Command::new(required(host, &args.executable)?).env("LC_ALL", "C");
        let list = pacman.clone().args(["--sync", "--list"]);
        let words = |text: &str| split_words(text).map_err(Failure::new);
        let refresh = if args.update_cache == Some(true) {
            let more = words(&args.update_cache_extra_args)?;
            let command = pacman.clone().args(["--sync", "--refresh"]).args(more);
            Some((command.args(args.force.then_some("--refresh")), args.force))
        } else {
            None
        };
        let mut report = Report::default();
        if refresh.is_some() && call.check {
            report.say("Would have updated the package db");
            report.outcome.changed = true;
            report.outcome.set("cache_updated", true);
        }
        if call.check || refresh.is_none() {
            let todo = decide(&args, &pacman, refresh.is_some(), host, call, &mut report)?;
            if todo.is_empty() || call.check {
                return Ok(Plan::Done(report.end()));
            }
        }
        Ok(Plan::Work(Work { refresh, list, args }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { refresh, list, args } = work;
        let pacman = Command { args: Vec::new(), ..list.clone() };
        let mut report = Report::default();
        let refreshes = refresh.is_some();
        if let Some((command, always)) = refresh {
            let known = |host: &mut dyn Change| -> Result<BTreeSet<String>, Failure> {
                Ok(if always { BTreeSet::new() } else { lines(&list, host.observe())?.into_iter().collect() })
            };
            let before = known(host)?;
            let out = execute(host, &command)?;
            let is_new = always || known(host)? != before;
            report.outcome.set("cache_updated", is_new);
            report.outcome.changed = is_new;
            if !out.ok() {
                return Err(report.fail("could not update package db", Some(&command), &out));
            }
            report.say("Updated package db");
            report.add(&out);
        }
        for todo in decide(&args, &pacman, refreshes, host.observe(), call, &mut report)? {
            let out = execute(host, &todo.command)?;
            if !out.ok() {
                return Err(report.fail(todo.failed, Some(&todo.command), &out));
            }
            report.add(&out);
        }
        Ok(report.end())
    }
}

/// One call of pacman that changes the host.
struct Todo {
    command: Command,
    failed: &'static str,
}

/// What is told at the end.
#[derive(Default)]
struct Report {
    outcome: Outcome,
    messages: Vec<String>,
    stdout: Vec<String>,
    stderr: Vec<String>,
    /// Told only if all goes well.
    last: Option<(String, Vec<String>)>,
}

impl Report {
    fn say(&mut self, message: impl Into<String>) {
        self.messages.push(message.into());
    }

    fn add(&mut self, out: &Output) {
        for (list, text) in [(&mut self.stdout, out.stdout_text()), (&mut self.stderr, out.stderr_text())] {
            if !text.is_empty() {
                list.push(text);
            }
        }
    }

    fn finish(&mut self, message: String, packages: Vec<String>) {
        self.last = Some((message, packages));
    }

    fn end(mut self) -> Outcome {
        if let Some((message, packages)) = self.last.take() {
            self.say(message);
            self.outcome.set("packages", packages);
        }
        for (key, list) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !list.is_empty() {
                self.outcome.set(key, list.join("\n"));
            }
        }
        self.outcome.set("msg", self.messages.join("\n"));
        self.outcome
    }

    fn fail(&mut self, message: &str, command: Option<&Command>, out: &Output) -> Failure {
        self.last = None;
        self.say(message);
        self.add(out);
        let mut outcome = std::mem::take(self).end();
        let msg = outcome.values.shift_remove("msg").and_then(|m| m.as_str().map(str::to_owned)).unwrap_or_default();
        let mut failure = Failure { values: outcome.values, diff: outcome.diff, ..Failure::new(msg) };
        if let Some(command) = command {
            let words = std::iter::once(command.program.to_string_lossy().into_owned()).chain(command.args.clone());
            failure = failure.with("cmd", words.collect::<Vec<_>>());
        }
        failure
    }
}

/// Lines of a program that must end well.
fn lines(command: &Command, host: &dyn Observe) -> Result<Vec<String>, Failure> {
    let out = query(host, command)?;
    if !out.ok() {
        return Err(failed_command(command, &out, ""));
    }
    Ok(out.stdout_text().lines().map(str::to_owned).collect())
}

/// What the host has and could have.
struct Inventory {
    /// Package → version.
    installed: BTreeMap<String, String>,
    available: BTreeSet<String>,
    groups: BTreeMap<String, BTreeSet<String>>,
    /// Package, version now, version to come.
    newer: Vec<[String; 3]>,
    reasons: BTreeMap<String, &'static str>,
}

impl Inventory {
    fn read(pacman: &Command, host: &dyn Observe, report: &mut Report) -> Result<Self, Failure> {
        let ask = |words: &[&str]| lines(&pacman.clone().args(words.iter().copied()), host);
        let pair = |line: &String| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [a, b] => Some((a.to_owned(), b.to_owned())),
            _ => None,
        };
        let installed = ask(&["--query"])?.iter().filter_map(pair).collect();
        let available = ask(&["--sync", "--list"])?;
        let available = available.iter().filter_map(|l| l.split_whitespace().nth(1)).map(str::to_owned).collect();
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (group, package) in ask(&["--sync", "--groups", "--groups"])?.iter().filter_map(pair) {
            groups.entry(group).or_default().insert(package);
        }
        let mut reasons = BTreeMap::new();
        for (word, reason) in [("--explicit", "explicit"), ("--deps", "dependency")] {
            let list = ask(&["--query", word])?;
            reasons.extend(list.iter().filter_map(|l| l.split_whitespace().next()).map(|p| (p.to_owned(), reason)));
        }
        Ok(Inventory { installed, available, groups, newer: Self::newer(pacman, host, report)?, reasons })
    }

    fn newer(pacman: &Command, host: &dyn Observe, report: &mut Report) -> Result<Vec<[String; 3]>, Failure> {
        let out = query(host, &pacman.clone().args(["--query", "--upgrades"]))?;
        let text = out.stdout_text();
        let is_hint = |line: &&str| line.contains("Avoid running");
        let said: Vec<&str> =
            text.lines().skip(usize::from(text.lines().next().as_ref().is_some_and(is_hint))).collect();
        if !out.ok() {
            if out.rc == 1 && said.is_empty() {
                return Ok(Vec::new());
            }
            let msg = "Couldn't get list of packages available for upgrade";
            return Err(report.fail(msg, None, &out).with("rc", out.rc));
        }
        let mut newer = Vec::new();
        for line in said.into_iter().map(str::trim).filter(|l| !l.is_empty() && !l.contains("[ignored]") && !is_hint(l))
        {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                [package, now, _, next] => newer.push([package.to_owned(), now.to_owned(), next.to_owned()]),
                _ => return Err(report.fail(&format!("Invalid line: {line}"), None, &Output::default())),
            }
        }
        Ok(newer)
    }
}

/// A package that is named: its name, what pacman is given for it, and whether that is a file or an address.
struct Package {
    name: String,
    source: String,
    is_file: bool,
}

/// Decides what is to be done about upgrades and packages, and reports it as done.
fn decide(
    args: &Args,
    pacman: &Command,
    refreshes: bool,
    host: &dyn Observe,
    call: &Call,
    report: &mut Report,
) -> Result<Vec<Todo>, Failure> {
    let names = args.name.as_ref().filter(|n| !n.is_empty());
    let upgrades = args.upgrade == Some(true);
    if refreshes && names.is_none() && !upgrades {
        return Ok(Vec::new());
    }
    let inventory = Inventory::read(pacman, host, report)?;
    if upgrades {
        return upgrade(args, pacman, &inventory, call, report);
    }
    let Some(names) = names else {
        report.say("Nothing to do");
        return Ok(Vec::new());
    };
    let is_gone = ["absent", "removed"].contains(&args.state.as_str());
    let packages = packages(names, is_gone, pacman, &inventory, host, report)?;
    let plan = Planner { args, pacman, inventory, host, call };
    if is_gone { plan.remove(&packages, report) } else { plan.install(&packages, report) }
}

fn upgrade(
    args: &Args,
    pacman: &Command,
    inventory: &Inventory,
    call: &Call,
    report: &mut Report,
) -> Result<Vec<Todo>, Failure> {
    if inventory.newer.is_empty() {
        report.say("Nothing to upgrade");
        return Ok(Vec::new());
    }
    report.outcome.changed = true;
    let side = |at: usize| inventory.newer.iter().map(|p| format!("{}-{}\n", p[0], p[at])).collect::<String>();
    report.outcome.diff.push(diff(side(1), side(2)));
    let packages = inventory.newer.iter().map(|p| p[0].clone()).collect();
    if call.check {
        report.finish(format!("{} packages would have been upgraded", inventory.newer.len()), packages);
        return Ok(Vec::new());
    }
    report.finish("System upgraded".to_owned(), packages);
    let more = split_words(&args.upgrade_extra_args).map_err(Failure::new)?;
    let command = pacman.clone().args(["--sync", "--sysupgrade", "--quiet", "--noconfirm"]).args(more);
    Ok(vec![Todo { command, failed: "Could not upgrade" }])
}

fn diff(before: String, after: String) -> Diff {
    Diff { before: Some(before.into()), after: Some(after.into()), ..Diff::default() }
}

/// The packages that are meant: groups taken apart, files and addresses asked for their names.
fn packages(
    names: &[String],
    is_gone: bool,
    pacman: &Command,
    inventory: &Inventory,
    host: &dyn Observe,
    report: &mut Report,
) -> Result<Vec<Package>, Failure> {
    let mut packages = Vec::new();
    let plain = |name: &String| Package { name: name.clone(), source: name.clone(), is_file: false };
    for name in names.iter().filter(|n| !n.is_empty()) {
        if let Some(members) = inventory.groups.get(name) {
            packages.extend(members.iter().map(plain));
            continue;
        }
        if inventory.available.contains(name) || inventory.installed.contains_key(name) {
            packages.push(plain(name));
            continue;
        }
        let ask = |verb: &str| pacman.clone().args([verb, "--print-format", "%n", name]);
        let out = query(host, &ask("--sync"))?;
        if out.ok() {
            let found = out.stdout_text().trim().to_owned();
            packages.push(Package { name: found, source: name.clone(), is_file: false });
            continue;
        }
        let out = query(host, &ask("--upgrade"))?;
        if out.ok() {
            let found = out.stdout_text().lines().last().unwrap_or_default().trim().to_owned();
            packages.push(Package { name: found, source: name.clone(), is_file: true });
        } else if !is_gone {
            let msg = format!("Failed to list package {name}");
            return Err(report.fail(&msg, Some(&ask("--upgrade")), &out).with("rc", out.rc));
        }
    }
    Ok(packages)
}

struct Planner<'a> {
    args: &'a Args,
    pacman: &'a Command,
    inventory: Inventory,
    host: &'a dyn Observe,
    call: &'a Call<'a>,
}

impl Planner<'_> {
    fn install(&self, packages: &[Package], report: &mut Report) -> Result<Vec<Todo>, Failure> {
        let (args, inventory) = (self.args, &self.inventory);
        let latest = args.state == "latest";
        let wants_reason = |name: &str| {
            args.reason.as_deref().is_some_and(|wanted| match inventory.reasons.get(name) {
                None => true,
                Some(reason) => args.reason_for == "all" && *reason != wanted,
            })
        };
        let reasons: Vec<&str> = packages.iter().map(|p| p.name.as_str()).filter(|n| wants_reason(n)).collect();
        let is_missing = |p: &Package| {
            !inventory.installed.contains_key(&p.name) || latest && inventory.newer.iter().any(|n| n[0] == p.name)
        };
        let sources = |list: Vec<&Package>| list.iter().map(|p| p.source.clone()).collect::<Vec<_>>();
        let calls: Vec<(&str, Vec<String>)> = [
            ("--sync", sources(packages.iter().filter(|p| !p.is_file && is_missing(p)).collect())),
            ("--upgrade", sources(packages.iter().filter(|p| p.is_file).collect())),
        ]
        .into_iter()
        .filter(|(_, sources)| !sources.is_empty())
        .collect();
        let more = split_words(&args.extra_args).map_err(Failure::new)?;
        let base = self.pacman.clone().args(["--noconfirm", "--noprogressbar", "--needed"]).args(more);
        let mut told: Vec<String> = Vec::new();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (verb, sources) in &calls {
            let dry = base.clone().args([*verb, "--print-format", "%n %v"]).args(sources.iter().cloned());
            for (name, version) in self.dry_run(&dry, report)? {
                let reason = inventory.reasons.get(&name);
                if let Some(old) = inventory.installed.get(&name) {
                    before.push(format!("{name}-{old}-{}", reason.unwrap_or(&"")));
                }
                let reason = args.reason.as_deref().filter(|_| reasons.contains(&name.as_str())).or(reason.copied());
                after.push(reason.map_or_else(|| format!("{name}-{version}"), |r| format!("{name}-{version}-{r}")));
                told.push(name);
            }
        }
        if told.is_empty() && reasons.is_empty() {
            report.finish("package(s) already installed".to_owned(), Vec::new());
            return Ok(Vec::new());
        }
        report.outcome.changed = true;
        let text = |mut list: Vec<String>| {
            list.sort();
            list.iter().map(|l| format!("{l}\n")).collect::<String>()
        };
        report.outcome.diff.push(diff(text(before), text(after)));
        let others: Vec<String> = reasons.iter().map(|r| (*r).to_owned()).filter(|name| !told.contains(name)).collect();
        told.extend(others);
        told.sort();
        let verb = if self.call.check { "Would have installed" } else { "Installed" };
        let unit = if self.call.check { "packages" } else { "package(s)" };
        report.finish(format!("{verb} {} {unit}", told.len()), told);
        let failed = "Failed to install package(s)";
        let mut todo: Vec<Todo> =
            calls.into_iter().map(|(verb, s)| Todo { command: base.clone().arg(verb).args(s), failed }).collect();
        if !reasons.is_empty() {
            let word = if args.reason.as_deref() == Some("dependency") { "--asdeps" } else { "--asexplicit" };
            let command = self.pacman.clone().args(["--noconfirm", "--database", word]).args(reasons);
            todo.push(Todo { command, failed });
        }
        Ok(todo)
    }

    /// Packages and versions that would come.
    fn dry_run(&self, dry: &Command, report: &mut Report) -> Result<Vec<(String, String)>, Failure> {
        let out = query(self.host, dry)?;
        if !out.ok() {
            return Err(report.fail("Failed to list package(s) to install", Some(dry), &out));
        }
        let text = out.stdout_text();
        let noise = ["loading packages", "there is nothing to do", "Avoid running"];
        let lines = text.lines().filter(|line| !noise.iter().any(|words| line.contains(words)));
        lines
            .map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
                [name, version] => Ok((name.to_owned(), version.to_owned())),
                _ => Err(report.fail(&format!("Invalid line: {line}"), Some(dry), &Output::default())),
            })
            .collect()
    }

    fn remove(&self, packages: &[Package], report: &mut Report) -> Result<Vec<Todo>, Failure> {
        let names: Vec<String> =
            packages.iter().map(|p| p.name.clone()).filter(|n| self.inventory.installed.contains_key(n)).collect();
        if names.is_empty() {
            report.finish("package(s) already absent".to_owned(), Vec::new());
            return Ok(Vec::new());
        }
        let more = split_words(&self.args.extra_args).map_err(Failure::new)?;
        let mut base = self.pacman.clone().args(["--remove", "--noconfirm", "--noprogressbar"]).args(more);
        if self.args.force {
            base = base.args(["--nodeps", "--nodeps"]);
        }
        let dry = base.clone().args(["--print-format", "%n-%v"]).args(names.iter().cloned());
        let out = query(self.host, &dry)?;
        if !out.ok() {
            return Err(report.fail("failed to list package(s) to remove", Some(&dry), &out));
        }
        let gone: Vec<String> = out.stdout_text().split_whitespace().map(str::to_owned).collect();
        report.outcome.changed = true;
        report.outcome.diff.push(diff(gone.join("\n") + "\n", String::new()));
        let verb = if self.call.check { "Would have removed" } else { "Removed" };
        let unit = if self.call.check { "packages" } else { "package(s)" };
        report.finish(format!("{verb} {} {unit}", gone.len()), gone);
        let command = base.args(self.args.remove_nosave.then_some("--nosave")).args(names);
        Ok(vec![Todo { command, failed: "failed to remove package(s)" }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<Pacman>();

    fn host() -> Fake {
        Fake::new()
            .answer("pacman --query", 0, "glibc 2.38-1\nlua 5.4-1\n")
            .answer("pacman --sync --list", 0, "core glibc 2.38-1 [installed]\ncore nginx 1.24-1\nextra lua 5.5-1\n")
            .answer("pacman --sync --groups --groups", 0, "web nginx\nweb lua\n")
            .answer("pacman --query --upgrades", 1, "")
            .answer("pacman --query --explicit", 0, "lua 5.4-1\n")
            .answer("pacman --query --deps", 0, "glibc 2.38-1\n")
    }

    const NGINX: &str = "pacman --noconfirm --noprogressbar --needed --sync";

    #[test]
    fn there_and_gone() {
        let mut host = host()
            .answer_argv(
                &["pacman", "--noconfirm", "--noprogressbar", "--needed", "--sync", "--print-format", "%n %v", "nginx"],
                0,
                "pcre 8-1\nnginx 1.24-1\n",
            )
            .effect(&format!("{NGINX} nginx"), 0, "installing nginx...\n", |h| {
                h.set_answer("pacman --query", 0, "glibc 2.38-1\nlua 5.4-1\nnginx 1.24-1\npcre 8-1\n");
            })
            .answer("pacman --remove --noconfirm --noprogressbar --print-format %n-%v nginx", 0, "nginx-1.24-1\n")
            .effect("pacman --remove --noconfirm --noprogressbar --nosave nginx", 0, "", |h| {
                h.set_answer("pacman --query", 0, "glibc 2.38-1\nlua 5.4-1\n");
            });
        let out = case(&MODULE, json!({"name": ["web", ""]}), &mut host).unwrap();
        assert_eq!(out.values["packages"], json!(["nginx", "pcre"]));
        assert_eq!(
            (&out.values["msg"], &out.values["stdout"]),
            (&json!("Installed 2 package(s)"), &json!("installing nginx...\n"))
        );
        assert_eq!(out.diff[0], diff(String::new(), "nginx-1.24-1\npcre-8-1\n".to_owned()));
        let args = json!({"name": "nginx", "state": "absent", "remove_nosave": true});
        let out = case(&MODULE, args, &mut host).unwrap();
        assert_eq!(out.diff[0], diff("nginx-1.24-1\n".to_owned(), String::new()));
        assert_eq!(out.values["msg"], "Removed 1 package(s)");
    }

    #[test]
    fn repositories_and_upgrades() {
        let newer = "lua 5.4-1 -> 5.5-1\nglibc 2.38-1 -> 2.39-1 [ignored]\n";
        let mut host = host()
            .effect("pacman --sync --refresh", 0, "", move |h| h.set_answer("pacman --query --upgrades", 0, newer))
            .effect("pacman --sync --sysupgrade --quiet --noconfirm --ignore x", 0, "", |h| {
                h.set_answer("pacman --query --upgrades", 1, "");
            });
        let args = json!({"update_cache": true, "upgrade": true, "upgrade_extra_args": "--ignore x"});
        let out = run(&MODULE, args, &mut host, false).unwrap();
        assert_eq!((&out.values["packages"], &out.values["cache_updated"]), (&json!(["lua"]), &json!(false)));
        assert_eq!((out.changed, &out.values["msg"]), (true, &json!("Updated package db\nSystem upgraded")));
        let args = json!({"update_cache": true, "force": true});
        let mut host = host.answer("pacman --sync --refresh --refresh", 0, "");
        assert!(run(&MODULE, args.clone(), &mut host, false).unwrap().changed);
        let out = run(&MODULE, args, &mut host, true).unwrap();
        assert_eq!(out.values["msg"], "Would have updated the package db");
    }

    #[test]
    fn reasons() {
        let mut host = host().effect("pacman --noconfirm --database --asdeps lua", 0, "", |h| {
            h.set_answer("pacman --query --explicit", 0, "");
            h.set_answer("pacman --query --deps", 0, "glibc 2.38-1\nlua 5.4-1\n");
        });
        let new = json!({"name": "lua", "reason": "dependency"});
        assert!(!case(&MODULE, new, &mut host).unwrap().changed);
        let all = json!({"name": "lua", "reason": "dependency", "reason_for": "all"});
        assert_eq!(case(&MODULE, all, &mut host).unwrap().values["packages"], json!(["lua"]));
    }

    #[test]
    fn what_cannot_be() {
        let mut host = host()
            .answer_err("pacman --sync --print-format %n none", 1, "", "error: target not found: none\n")
            .answer_err(
                "pacman --upgrade --print-format %n none",
                1,
                "",
                "error: 'none': could not find or read package\n",
            );
        let failure = run(&MODULE, json!({"name": "none"}), &mut host, false).unwrap_err();
        assert_eq!((failure.msg.as_str(), &failure.values["rc"]), ("Failed to list package none", &json!(1)));
        let out = case(&MODULE, json!({"name": "none", "state": "absent"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["msg"]), (false, &json!("package(s) already absent")));
        let failure = run(&MODULE, json!({}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "one of the following is required: name, update_cache, upgrade");
    }
}
