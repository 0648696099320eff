//! `debops.debops.dpkg_divert`: DebOps' own module for where dpkg puts a package's version of a file.

use super::diversions::{DpkgDivert, trial};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, failed_command, query};
use crate::host::{Change, Command, FileKind, Observe, Output};
use serde::Deserialize;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};

pub struct DebopsDivert;

#[derive(Deserialize)]
pub struct Args {
    path: String,
    state: String,
    package: String,
    divert: Option<String>,
    rename: bool,
    delete: bool,
    force: bool,
}

pub struct Work {
    /// In the way of the file that comes back.
    delete: Option<PathBuf>,
    /// Takes the present diversion away first.
    away: Option<Command>,
    /// What the old diversion holds, and where the new one does.
    carry: Option<(PathBuf, PathBuf)>,
    main: Option<Command>,
    /// Puts the present diversion back if `main` fails.
    restore: Option<Command>,
    outcome: Outcome,
}

impl Module for DebopsDivert {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Divert the original configuration\n  debops.debops.dpkg_divert:\n    path: /etc/screenrc\n\n- name: Put it back\n  debops.debops.dpkg_divert:\n    path: /etc/screenrc\n    state: absent\n    delete: true\n",
        returns: &[
            Return { name: "cmd", when: "always", doc: "The command, or commands." },
            Return { name: "stdout", when: "always", doc: "What dpkg-divert said." },
        ],
        ..ModuleSpec::new(
            "debops.debops.dpkg_divert",
            "Where dpkg puts a package's version of a file, as DebOps has it.",
            &[
                Arg::path("path").required().aliases(&["name"]).doc("The file, as packages name it."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether there is to be a diversion."),
                Arg::str("package")
                    .default(Literal::Str("LOCAL"))
                    .doc("The package that may still install the file; `LOCAL` for none."),
                Arg::path("divert")
                    .doc("Where others' versions go; `path` with `.dpkg-divert`, or with a package `.distrib`."),
                Arg::bool("rename")
                    .default(Literal::Bool(true))
                    .doc("Move the file itself, too, unless something is there."),
                Arg::bool("delete")
                    .default(Literal::Bool(false))
                    .doc("With `absent`: remove the file in place of the diverted one first."),
                Arg::bool("force")
                    .default(Literal::Bool(false))
                    .doc("Change a diversion of another package or to another place."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let tool = DpkgDivert::find(host)?;
        let (path, local, absent) = (args.path.as_str(), args.package == "LOCAL", args.state == "absent");
        let suffix = if local { "dpkg-divert" } else { "distrib" };
        let target = args.divert.clone().unwrap_or_else(|| format!("{path}.{suffix}"));
        let rename = args.rename.then_some("--rename");
        let held = |package: &str| match package {
            "LOCAL" => vec!["--local".to_owned()],
            "" => Vec::new(),
            package => vec!["--package".to_owned(), package.to_owned()],
        };
        let mut main = tool.command().args(held(&args.package));
        if args.divert.is_some() || !args.package.is_empty() {
            main = main.args(["--divert", &target]);
        }
        let verb = if absent { "--remove" } else { "--add" };
        let main = main.args(rename).args([verb, path]);
        let test = trial(&main);
        let holder = tool.holder(host, path)?;
        let out = query(host, &test)?;
        let told = |command: &Command| shown(if call.check { trial(command) } else { command.clone() });
        let Some(holder) = holder.filter(|_| !out.ok() && args.force) else {
            let diverted = !tool.true_name(host, path)?.eq(path);
            let delete = absent && args.delete && diverted;
            let there = host.exists(Path::new(path));
            if !(out.ok() || delete && there) {
                return Err(failed_command(&test, &out, "").with("cmd", told(&main)));
            }
            let said = if delete && there && call.check {
                let whose = if local { " local" } else { "" };
                format!("Deleting {path} and removing{whose} diversion of {path} to {target}")
            } else {
                out.stdout_text()
            };
            let mut outcome = Outcome::changed(is_change(&said)).with("cmd", told(&main));
            tell(&mut outcome, &said, &out);
            if !outcome.changed {
                return Ok(Plan::Done(outcome));
            }
            let delete = (delete && there).then(|| PathBuf::from(path));
            return Ok(Plan::Work(Work { delete, away: None, carry: None, main: Some(main), restore: None, outcome }));
        };
        let away = tool.command().args(rename).args(["--remove", path]);
        let mut outcome = Outcome::changed(true);
        let gone = query(host, &trial(&away))?;
        if absent {
            outcome.set("cmd", told(&away));
            tell(&mut outcome, &gone.stdout_text(), &gone);
            return Ok(Plan::Work(Work {
                delete: None,
                away: None,
                carry: None,
                main: Some(away),
                restore: None,
                outcome,
            }));
        }
        outcome.set("cmd", json!([told(&away), told(&main)]));
        outcome.set("msg", json!([gone.stdout_text(), "*** RUNNING IN CHECK MODE ***", "The next step can't be actually performed - even dry-run - without error (since the previous removal didn't happen) but is supposed to achieve the task."]));
        let old = tool.true_name(host, path)?;
        let file = |path: &str| host.stat(Path::new(path)).is_ok_and(|s| s.kind == FileKind::File);
        let carry = args.rename && file(&old) && !file(&target);
        let restore = tool.command().args(rename).args(held(&holder)).args(["--divert", &old, path]);
        Ok(Plan::Work(Work {
            delete: None,
            away: Some(away),
            carry: carry.then(|| (PathBuf::from(&old), PathBuf::from(&target))),
            main: Some(main),
            restore: Some(restore),
            outcome,
        }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { delete, away, carry, main, restore, mut outcome } = work;
        let run = |command: &Command, host: &mut dyn Change| {
            let out = execute(host, command)?;
            if out.ok() { Ok(out) } else { Err(failed_command(command, &out, "")) }
        };
        if let Some(path) = delete
            && let Err(e) = host.remove_file(&path)
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(Failure::io("unlinking failed", &e).with("path", path.to_string_lossy().into_owned()));
        }
        let mut said = Vec::new();
        if let Some(away) = &away {
            said.push(run(away, host)?.stdout_text());
        }
        let rename = |host: &mut dyn Change, from: &Path, to: &Path| {
            host.rename(from, to).map_err(|e| Failure::io(format!("could not rename {}", from.display()), &e))
        };
        if let Some((old, new)) = &carry
            && host.exists(old)
            && !host.exists(new)
        {
            rename(host, old, new)?;
        }
        let Some(main) = main else { return Ok(outcome) };
        match (run(&main, host), restore) {
            (Ok(out), _) => {
                let text = out.stdout_text();
                outcome.changed = away.is_some() || is_change(&text);
                tell(&mut outcome, &text, &out);
                if away.is_some() {
                    said.push(text);
                    outcome.set("msg", said);
                }
                Ok(outcome)
            }
            (Err(failure), None) => Err(failure),
            (Err(failure), Some(restore)) => {
                if let Some((old, new)) = &carry
                    && host.exists(new)
                    && !host.exists(old)
                {
                    rename(host, new, old)?;
                }
                run(&restore, host)?;
                Err(Failure { changed: true, ..failure })
            }
        }
    }
}

/// The command as the module of DebOps names it.
fn shown(command: Command) -> String {
    format!("/usr/bin/env LC_ALL=C {}", command.display())
}

fn is_change(said: &str) -> bool {
    !said.starts_with("Leaving") && !said.starts_with("No diversion")
}

fn tell(outcome: &mut Outcome, said: &str, out: &Output) {
    outcome.set("stdout", said);
    outcome.set("stderr", out.stderr_text());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};

    const DIVERT: Entry = Entry::of::<DebopsDivert>();
    const ADD: &str = "--local --divert /etc/rc.dpkg-divert --rename --add /etc/rc";
    const REMOVE: &str = "--local --divert /etc/rc.dpkg-divert --rename --remove /etc/rc";
    const LIST: &str = "dpkg-divert --listpackage /etc/rc";
    const NAME: &str = "dpkg-divert --truename /etc/rc";

    fn host(holder: &str, name: &str) -> Fake {
        Fake::new()
            .answer("dpkg-divert --version", 0, "Debian dpkg-divert version 1.21.22 (amd64).\n")
            .answer(LIST, 0, holder)
            .answer(NAME, 0, name)
    }

    #[test]
    fn comes_and_goes() {
        let (test, done) = (format!("dpkg-divert --test {ADD}"), format!("dpkg-divert {ADD}"));
        let mut host =
            host("", "/etc/rc\n").answer(&test, 0, "Adding 'x'\n").effect(&done, 0, "Adding 'x'\n", move |h| {
                h.set_answer(LIST, 0, "LOCAL\n");
                h.set_answer(NAME, 0, "/etc/rc.dpkg-divert\n");
                h.set_answer(&test, 0, "Leaving 'x'\n");
            });
        let out = case(&DIVERT, json!({"name": "/etc/rc"}), &mut host).unwrap();
        assert_eq!(out.values["cmd"], format!("/usr/bin/env LC_ALL=C /usr/bin/dpkg-divert {ADD}"));
        let (test, done) = (format!("dpkg-divert --test {REMOVE}"), format!("dpkg-divert {REMOVE}"));
        let mut host = host.file("/etc/rc", "ours").answer(&test, 2, "").effect(&done, 0, "Removing 'x'\n", move |h| {
            h.set_answer(LIST, 0, "");
            h.set_answer(NAME, 0, "/etc/rc\n");
            h.set_answer(&test, 0, "No diversion 'x'\n");
        });
        let args = json!({"path": "/etc/rc", "state": "absent", "delete": true});
        assert!(run(&DIVERT, json!({"path": "/etc/rc", "state": "absent"}), &mut host.clone(), true).is_err());
        assert!(case(&DIVERT, args, &mut host).unwrap().changed);
    }

    #[test]
    fn another_holder_by_force() {
        let test = format!("dpkg-divert --test {ADD}");
        let mut host = host("other\n", "/etc/rc.distrib\n")
            .file("/etc/rc.distrib", "theirs")
            .answer(&test, 2, "")
            .answer("dpkg-divert --test --rename --remove /etc/rc", 0, "Removing\n")
            .effect("dpkg-divert --rename --remove /etc/rc", 0, "Removing\n", |_| {})
            .effect(&format!("dpkg-divert {ADD}"), 0, "Adding\n", move |h| h.set_answer(&test, 0, "Leaving\n"));
        assert!(run(&DIVERT, json!({"path": "/etc/rc"}), &mut host, true).is_err());
        let out = case(&DIVERT, json!({"path": "/etc/rc", "force": true}), &mut host).unwrap();
        assert_eq!(
            (&out.values["msg"], host.text("/etc/rc.dpkg-divert").as_str()),
            (&json!(["Removing\n", "Adding\n"]), "theirs")
        );
    }
}
