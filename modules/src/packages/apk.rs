//! `community.general.apk`: packages of Alpine Linux, with apk.

use crate::contract::{
    Arg, ArgType, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule, python_text,
};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Apk;

#[derive(Deserialize)]
pub struct Args {
    name: Option<Vec<String>>,
    state: String,
    no_cache: bool,
    repository: Option<Vec<String>>,
    update_cache: bool,
    upgrade: bool,
    available: bool,
    world: PathBuf,
}

pub struct Work {
    args: Args,
    apk: Command,
}

const fn flag(name: &'static str) -> Arg {
    Arg::bool(name).default(Literal::Bool(false))
}

impl Module for Apk {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredOneOf(&["name", "update_cache", "upgrade"]),
            Rule::MutuallyExclusive(&["name", "upgrade"]),
        ],
        examples: "- name: Packages\n  community.general.apk:\n    name: [nginx, bash]\n    update_cache: true\n\n- name: All that is newer\n  community.general.apk:\n    upgrade: true\n    available: true\n",
        returns: &[
            Return { name: "packages", when: "apk was asked for a change", doc: "What apk changed." },
            Return { name: "msg", when: "always", doc: "What was done." },
            Return { name: "stdout", when: "apk was asked for a change", doc: "What apk said." },
        ],
        differs: "Check mode does not read the repositories anew.",
        ..ModuleSpec::new(
            "community.general.apk",
            "Packages of Alpine Linux, with apk.",
            &[
                Arg::list("name", ArgType::Str).doc("Packages."),
                Arg::str("state")
                    .choices(&["present", "installed", "absent", "removed", "latest"])
                    .default(Literal::Str("present"))
                    .doc("Installed, as new as can be, or removed."),
                flag("no_cache").doc("Keep no copy of the repositories' lists."),
                Arg::list("repository", ArgType::Str).doc("Repositories to use instead of those of the host."),
                flag("update_cache").doc("Read the repositories first."),
                flag("upgrade").doc("Upgrade all that is installed."),
                flag("available").doc("An upgrade takes what the repositories have, older or newer."),
                Arg::str("world").default(Literal::Str("/etc/apk/world")).doc("The file of wanted packages."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if args.name.iter().flatten().any(|name| name.trim().is_empty()) {
            return Err(Failure::new("Package name(s) cannot be empty or whitespace-only"));
        }
        let mut apk = ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE"]
            .iter()
            .fold(Command::new(required(host, "apk")?), |command, name| command.env(name, "C"));
        apk = apk.args(args.no_cache.then_some("--no-cache"));
        for repository in args.repository.iter().flatten() {
            apk = apk.args(["--repository", repository, "--repositories-file", "/dev/null"]);
        }
        if args.update_cache && !call.check {
            return Ok(Plan::Work(Work { args, apk }));
        }
        if args.update_cache && args.name.is_none() && !args.upgrade {
            let msg = "updated repository indexes";
            return Ok(Plan::Done(Outcome::changed(true).with("msg", msg)));
        }
        match decide(&args, &apk, host, call.check)? {
            Decision::Done(outcome) => Ok(Plan::Done(outcome)),
            Decision::Call(todo) if call.check => {
                let out = query(host, &todo.command)?;
                todo.told(&out).map(Plan::Done)
            }
            Decision::Call(_) => Ok(Plan::Work(Work { args, apk })),
        }
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { args, apk } = work;
        if args.update_cache {
            let out = execute(host, &apk.clone().arg("update"))?;
            let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
            if !out.ok() {
                let failure = Failure::new("could not update package db");
                return Err(failure.with("stdout", stdout).with("stderr", stderr));
            }
            if args.name.as_ref().is_none_or(Vec::is_empty) && !args.upgrade {
                let outcome = Outcome::changed(true).with("msg", "updated repository indexes");
                return Ok(outcome.with("stdout", stdout).with("stderr", stderr));
            }
        }
        let todo = match decide(&args, &apk, host.observe(), call.check)? {
            Decision::Done(outcome) => return Ok(outcome),
            Decision::Call(todo) => todo,
        };
        let mut out = execute(host, &todo.command)?;
        if todo.removes {
            let stays = |name: &String| is_installed(&apk, name, host.observe());
            let stay = todo.names.iter().map(stays).collect::<Result<Vec<_>, _>>()?;
            out.rc = if stay.contains(&true) { 1 } else { out.rc };
        }
        todo.told(&out)
    }
}

enum Decision {
    Done(Outcome),
    Call(Todo),
}

struct Todo {
    command: Command,
    names: Vec<String>,
    removes: bool,
}

impl Todo {
    fn told(&self, out: &Output) -> Result<Outcome, Failure> {
        let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
        let changed: Vec<String> = stdout.lines().filter_map(changed_package).map(str::to_owned).collect();
        let names = python_text(&Json::from(self.names.clone()));
        let (failed, done) = if self.names.is_empty() {
            ("failed to upgrade packages".to_owned(), "upgraded packages".to_owned())
        } else if self.removes {
            (format!("failed to remove {names} package(s)"), format!("removed {names} package(s)"))
        } else {
            (format!("failed to install {names}"), format!("installed {names} package(s)"))
        };
        let is_idle = self.names.is_empty() && stdout.starts_with("OK");
        if !out.ok() {
            return Err(Failure::new(failed).with("stdout", stdout).with("stderr", stderr).with("packages", changed));
        }
        let msg = if is_idle { "packages already upgraded".to_owned() } else { done };
        let outcome = Outcome::changed(!is_idle).with("msg", msg).with("stdout", stdout).with("stderr", stderr);
        Ok(outcome.with("packages", changed))
    }
}

/// The package of a line like `(1/2) Installing nginx (1.24.0-r1)`.
fn changed_package(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let count = words.next()?.strip_prefix('(')?.strip_suffix(')')?;
    let (at, all) = count.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (line.starts_with('(') && is_number(at) && is_number(all)).then(|| words.nth(1)).flatten()
}

fn decide(args: &Args, apk: &Command, host: &dyn Observe, check: bool) -> Result<Decision, Failure> {
    let dry = check.then_some("--simulate");
    if args.upgrade {
        let available = args.available.then_some("--available");
        let command = apk.clone().arg("upgrade").args(dry).args(available);
        return Ok(Decision::Call(Todo { command, names: Vec::new(), removes: false }));
    }
    let names = args.name.clone().unwrap_or_default();
    let done = |msg: &str| Ok(Decision::Done(Outcome::unchanged().with("msg", msg)));
    if ["absent", "removed"].contains(&args.state.as_str()) {
        let mut there = Vec::new();
        for name in names {
            if is_installed(apk, &name, host)? {
                there.push(name);
            }
        }
        if there.is_empty() {
            return done("package(s) already removed");
        }
        let command = apk.clone().args(["del", "--purge"]).args(dry).args(there.iter().cloned());
        return Ok(Decision::Call(Todo { command, names: there, removes: true }));
    }
    let latest = args.state == "latest";
    let (mut missing, mut old) = (Vec::new(), Vec::new());
    for name in names {
        let told = query(host, &apk.clone().args(["-v", "info", "--description", &name]))?.stdout_text();
        if told.starts_with(&format!("{name}: virtual meta package")) {
            let told = query(host, &apk.clone().args(["-v", "info", "--depends", &name]))?.stdout_text();
            for part in told.split_whitespace().skip(1) {
                if latest && is_old(apk, part, host)? {
                    old.push(part.to_owned());
                }
            }
        } else if !is_wanted(&args.world, &name, host)? {
            missing.push(name);
        } else if latest && is_old(apk, &name, host)? {
            old.push(name);
        }
    }
    if missing.is_empty() && old.is_empty() {
        return done("package(s) already installed");
    }
    let upgrade = (!old.is_empty()).then_some("--upgrade");
    missing.append(&mut old);
    let command = apk.clone().arg("add").args(upgrade).args(dry).args(missing.iter().cloned());
    Ok(Decision::Call(Todo { command, names: missing, removes: false }))
}

fn is_installed(apk: &Command, name: &str, host: &dyn Observe) -> Result<bool, Failure> {
    Ok(query(host, &apk.clone().args(["-v", "info", "--installed", name]))?.ok())
}

/// Whether apk knows of a newer version.
fn is_old(apk: &Command, name: &str, host: &dyn Observe) -> Result<bool, Failure> {
    let told = query(host, &apk.clone().args(["version", name]))?.stdout_text();
    let is_version = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    let found = told.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let version = words.next()?.strip_prefix(name)?.strip_prefix('-')?;
        let (version, release) = version.split_once('-')?;
        (is_version(version) && is_version(release)).then(|| words.next())?
    });
    Ok(found == Some("<"))
}

/// Whether the file of wanted packages has this one, with whatever version.
fn is_wanted(world: &Path, name: &str, host: &dyn Observe) -> Result<bool, Failure> {
    let text = host.read_text(world).map_err(|e| Failure::io(format!("could not read {}", world.display()), &e))?;
    let is_it = |word: &str| {
        word.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.len() > 1 && rest.starts_with(['@', '=', '<', '>', '~']))
    };
    Ok(text.split_whitespace().any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<Apk>();
    const ADDED: &str =
        "(1/2) Installing pcre (8.45-r3)\n(2/2) Installing nginx (1.24.0-r14)\nOK: 12 MiB in 18 packages\n";

    fn host() -> Fake {
        Fake::new()
            .file("/etc/apk/world", "alpine-base\nlua5.4>5\n")
            .answer("apk -v info --description *", 0, "nginx-1.24.0-r14 description:\nHTTP server\n\n")
            .answer("apk -v info --installed nginx", 1, "")
            .answer("apk add --simulate nginx", 0, ADDED)
            .effect("apk add nginx", 0, ADDED, |h| {
                h.set_file("/etc/apk/world", "alpine-base\nlua5.4>5\nnginx\n", 0o644);
                h.set_answer("apk -v info --installed nginx", 0, "nginx\n");
            })
            .answer("apk del --purge --simulate nginx", 0, "(1/1) Purging nginx (1.24.0-r14)\n")
            .effect("apk del --purge nginx", 0, "(1/1) Purging nginx (1.24.0-r14)\n", |h| {
                h.set_file("/etc/apk/world", "alpine-base\nlua5.4>5\n", 0o644);
                h.set_answer("apk -v info --installed nginx", 1, "");
            })
    }

    #[test]
    fn there_and_gone() {
        let mut host = host();
        let out = case(&MODULE, json!({"name": ["nginx", "lua5.4"]}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["msg"]), (true, &json!("installed ['nginx'] package(s)")));
        assert_eq!(out.values["packages"], json!(["pcre", "nginx"]));
        let out = case(&MODULE, json!({"name": "nginx", "state": "absent"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["packages"]), (true, &json!(["nginx"])));
        let mut host = host.answer("apk del --purge nginx", 0, "").answer("apk -v info --installed nginx", 0, "");
        let failure = run(&MODULE, json!({"name": "nginx", "state": "absent"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "failed to remove ['nginx'] package(s)");
    }

    #[test]
    fn as_new_as_can_be() {
        let older = "Installed:                                Available:\nlua5.4-5.4.4-r6                         < 5.4.6-r0 \n";
        let mut host = host()
            .answer("apk version lua5.4", 0, older)
            .answer("apk add --upgrade --simulate lua5.4", 0, "")
            .effect("apk add --upgrade lua5.4", 0, "", |h| h.set_answer("apk version lua5.4", 0, ""));
        assert!(case(&MODULE, json!({"name": "lua5.4", "state": "latest"}), &mut host).unwrap().changed);
        let mut host = host
            .answer("apk upgrade --simulate --available", 0, "(1/1) Upgrading a (1-r0 -> 2-r0)\nOK: 1 MiB\n")
            .effect("apk upgrade --available", 0, "(1/1) Upgrading a (1-r0 -> 2-r0)\nOK: 1 MiB\n", |h| {
                h.set_answer("apk upgrade --available", 0, "OK: 1 MiB\n");
            });
        let out = case(&MODULE, json!({"upgrade": true, "available": true}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["packages"]), (true, &json!(["a"])));
    }

    #[test]
    fn parts_of_a_virtual_package() {
        let mut host = host().answer("apk -v info --description .deps", 0, ".deps: virtual meta package\n").answer(
            "apk -v info --depends .deps",
            0,
            ".deps-0 depends on:\nlua5.4\n",
        );
        assert!(!case(&MODULE, json!({"name": ".deps"}), &mut host).unwrap().changed);
    }

    #[test]
    fn repositories_first() {
        let mut host = host()
            .answer("apk --no-cache --repository http://a --repositories-file /dev/null update", 0, "OK\n")
            .answer("apk --no-cache --repository http://a --repositories-file /dev/null -v info ...", 0, "");
        let args = json!({"update_cache": true, "no_cache": true, "repository": "http://a", "name": "lua5.4"});
        let out = run(&MODULE, args.clone(), &mut host, false).unwrap();
        assert_eq!((out.changed, &out.values["msg"]), (false, &json!("package(s) already installed")));
        assert_eq!(host.executed().len(), 1);
        let mut host = host.answer_err("apk update", 1, "", "no\n");
        let failure = run(&MODULE, json!({"update_cache": true}), &mut host, false).unwrap_err();
        assert_eq!((failure.msg.as_str(), &failure.values["stderr"]), ("could not update package db", &json!("no\n")));
    }

    #[test]
    fn what_cannot_be() {
        let mut host = host().answer_err("apk add none", 1, "ERROR: unable\n", "");
        for (args, message) in [
            (json!({"name": "none"}), "failed to install ['none']"),
            (json!({"name": ["a", " "]}), "Package name(s) cannot be empty or whitespace-only"),
            (json!({"name": "a", "upgrade": true}), "parameters are mutually exclusive: name|upgrade"),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
