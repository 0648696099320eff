//! `community.general.dpkg_divert`: where dpkg puts a package's version of a file.

use super::diversions::{DpkgDivert, trial, unexpected};
use crate::contract::{Arg, Call, Diff, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, failed_command, query};
use crate::host::{Change, Command, Observe};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

pub struct Divert;

#[derive(Deserialize)]
pub struct Args {
    path: String,
    state: String,
    holder: Option<String>,
    divert: Option<String>,
    rename: bool,
    force: bool,
}

/// One diversion, as dpkg's database and results have it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Diversion {
    path: String,
    state: String,
    divert: Option<String>,
    holder: Option<String>,
}

pub struct Work {
    tool: DpkgDivert,
    /// In the way of a rename that is forced.
    remove: Option<PathBuf>,
    commands: Vec<Command>,
    before: Diversion,
    wanted: Diversion,
    outcome: Outcome,
}

impl Module for Divert {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: "- name: Keep our own screenrc\n  community.general.dpkg_divert:\n    path: /etc/screenrc\n    rename: true\n\n- name: Give the package its file back\n  community.general.dpkg_divert:\n    path: /etc/screenrc\n    state: absent\n    rename: true\n    force: true\n",
        returns: &[
            Return { name: "commands", when: "success", doc: "The commands for it." },
            Return { name: "messages", when: "success", doc: "What dpkg-divert said." },
            Return { name: "diversion", when: "always", doc: "The diversion from now on." },
        ],
        ..ModuleSpec::new(
            "community.general.dpkg_divert",
            "Where dpkg puts a package's version of a file.",
            &[
                Arg::path("path").required().doc("The file, as packages name it."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether there is to be a diversion."),
                Arg::str("holder").doc("The package that may still install the file; none (`LOCAL`) by default."),
                Arg::path("divert").doc("Where others' versions go; `path` with `.distrib` by default."),
                Arg::bool("rename").default(Literal::Bool(false)).doc("Move the file itself, too."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Remove the file that is in the way of a rename."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let tool = DpkgDivert::find(host)?;
        let before = state(&tool, host, &args.path)?;
        let (path, present) = (args.path.as_str(), args.state == "present");
        let target = args.divert.clone().unwrap_or_else(|| format!("{path}.distrib"));
        let holder = args.holder.as_deref().filter(|h| !h.is_empty() && *h != "LOCAL");
        let mut words: Vec<&str> = Vec::new();
        let renaming = |rename: bool| if rename { Some("--rename") } else { tool.no_rename };
        if present {
            match holder {
                Some(holder) => words.extend(["--package", holder]),
                None => words.push("--local"),
            }
            if args.divert.is_some() {
                words.extend(["--divert", &target]);
            }
            words.extend(["--add", path]);
        } else {
            words.extend(["--remove", path]);
        }
        let wanted = Diversion {
            path: path.to_owned(),
            state: args.state.clone(),
            divert: present.then(|| target.clone()),
            holder: present.then(|| holder.unwrap_or("LOCAL").to_owned()),
        };
        let main = |rename: bool| tool.command().args(renaming(rename)).args(words.iter().copied());
        let full = main(args.rename);
        let test = trial(&full);
        let out = query(host, &test)?;
        let fail = |msg: &str| Err(unexpected(msg, &full, &out, json!(before)));
        let there = |path: &str| host.stat(Path::new(path)).is_ok();
        let mut remove = None;
        let mut commands = vec![full.clone()];
        let mut messages = vec![out.stdout_text().trim_end().to_owned()];
        if out.ok() {
        } else if wanted.state != before.state {
            let occupied = if present { there(&target) } else { before.divert.as_deref().is_some_and(there) };
            if !(args.rename && there(path) && occupied) {
                return fail("Unexpected error while changing state of the diversion.");
            }
            if !args.force {
                return fail("Set 'force' param to True to force renaming of files.");
            }
            remove = Some(PathBuf::from(if present { &target } else { path }));
        } else {
            // Holder or place of a diversion that is there: dpkg-divert cannot change them.
            let away = tool.command().args(tool.no_rename).args(["--remove", path]);
            let out = query(host, &trial(&away))?;
            if !out.ok() {
                return Err(failed_command(&away, &out, ""));
            }
            messages = vec![out.stdout_text().trim_end().to_owned(), "Running in check mode".to_owned()];
            commands = vec![away, main(false)];
        }
        let mut outcome = Outcome::changed(wanted != before)
            .with("commands", commands.iter().map(Command::display).collect::<Vec<_>>())
            .with("messages", messages)
            .with("diversion", json!(wanted));
        if call.diff {
            outcome.diff.push(diff(&before, &wanted));
        } else {
            outcome.set("diff", json!({}));
        }
        if wanted == before {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { tool, remove, commands, before, wanted, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { tool, remove, commands, before, wanted, mut outcome } = work;
        if let Some(path) = remove {
            host.remove_file(&path).map_err(|e| Failure::io(format!("Failed to remove {}", path.display()), &e))?;
        }
        let mut messages = Vec::new();
        let mut last = None;
        for command in &commands {
            let out = execute(host, command)?;
            if !out.ok() {
                return Err(failed_command(command, &out, ""));
            }
            messages.push(out.stdout_text().trim_end().to_owned());
            last = Some((command, out));
        }
        // What the old diversion held is not left behind, where it can be moved.
        if let ([_, _], Some(old), Some(new)) = (commands.as_slice(), &before.divert, &wanted.divert)
            && host.stat(Path::new(old)).is_ok()
            && host.stat(Path::new(new)).is_err()
        {
            let _ = host.rename(Path::new(old), Path::new(new));
        }
        let after = state(&tool, host.observe(), &wanted.path)?;
        if let (true, Some((command, out))) = (after != wanted, &last) {
            let msg = "Unexpected error: see stdout and stderr for details.";
            return Err(Failure { changed: after != before, ..unexpected(msg, command, out, json!(after)) });
        }
        outcome.set("messages", messages);
        Ok(outcome)
    }
}

fn state(tool: &DpkgDivert, host: &dyn Observe, path: &str) -> Result<Diversion, Failure> {
    let holder = tool.holder(host, path)?;
    let divert = if holder.is_some() { Some(tool.true_name(host, path)?) } else { None };
    let state = if holder.is_some() { "present" } else { "absent" };
    Ok(Diversion { path: path.to_owned(), state: state.to_owned(), divert, holder })
}

fn diff(before: &Diversion, after: &Diversion) -> Diff {
    let side = |d: &Diversion| match json!(d) {
        Json::Object(map) => map,
        _ => Default::default(),
    };
    Diff::data(side(before), side(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};

    const DIVERT: Entry = Entry::of::<Divert>();
    const LIST: &str = "dpkg-divert --listpackage /etc/rc";
    const NAME: &str = "dpkg-divert --truename /etc/rc";

    fn host(holder: &str, name: &str) -> Fake {
        Fake::new()
            .answer("dpkg-divert --version", 0, "Debian dpkg-divert version 1.21.22 (amd64).\n")
            .answer("dpkg-divert --test ...", 0, "would do\n")
            .answer(LIST, 0, holder)
            .answer(NAME, 0, name)
    }

    fn now(host: &mut Fake, holder: &str, name: &str) {
        host.set_answer(LIST, 0, holder);
        host.set_answer(NAME, 0, name);
    }

    #[test]
    fn comes_and_goes() {
        let mut host = host("", "/etc/rc\n").effect("dpkg-divert --rename --local --add /etc/rc", 0, "Adding\n", |h| {
            now(h, "LOCAL\n", "/etc/rc.distrib\n");
        });
        let out = case(&DIVERT, json!({"path": "/etc/rc", "rename": true}), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["messages"], json!(["Adding"]));
        assert_eq!(out.values["commands"], json!(["/usr/bin/dpkg-divert --rename --local --add /etc/rc"]));
        assert_eq!(
            out.values["diversion"],
            json!({"path": "/etc/rc", "state": "present", "divert": "/etc/rc.distrib", "holder": "LOCAL"})
        );
        let mut host =
            host.effect("dpkg-divert --no-rename --remove /etc/rc", 0, "Removing\n", |h| now(h, "", "/etc/rc\n"));
        assert!(case(&DIVERT, json!({"path": "/etc/rc", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn another_place() {
        let test = "dpkg-divert --test --no-rename --local --divert /etc/rc.o --add /etc/rc";
        let mut host = host("LOCAL\n", "/etc/rc.distrib\n")
            .file("/etc/rc.distrib", "")
            .answer(test, 2, "")
            .effect("dpkg-divert --no-rename --remove /etc/rc", 0, "Removing\n", |h| now(h, "", "/etc/rc\n"))
            .effect("dpkg-divert --no-rename --local --divert /etc/rc.o --add /etc/rc", 0, "Adding\n", move |h| {
                now(h, "LOCAL\n", "/etc/rc.o\n");
                h.set_answer(test, 0, "Leaving\n");
            });
        let out = case(&DIVERT, json!({"path": "/etc/rc", "divert": "/etc/rc.o"}), &mut host).unwrap();
        assert_eq!((host.text("/etc/rc.o").as_str(), out.changed), ("", true));
    }

    #[test]
    fn a_rename_that_something_is_in_the_way_of() {
        let mut host = host("", "/etc/rc\n").file("/etc/rc", "ours").file("/etc/rc.distrib", "theirs").answer_err(
            "dpkg-divert --test ...",
            2,
            "",
            "dpkg-divert: error: rename involves overwriting\n",
        );
        let failure = run(&DIVERT, json!({"path": "/etc/rc", "rename": true}), &mut host, true).unwrap_err();
        assert_eq!(failure.msg, "Set 'force' param to True to force renaming of files.");
        let mut host = host.effect("dpkg-divert --rename --local --add /etc/rc", 0, "", |h| {
            now(h, "LOCAL\n", "/etc/rc.distrib\n");
            h.set_answer("dpkg-divert --test ...", 0, "");
        });
        assert!(case(&DIVERT, json!({"path": "/etc/rc", "rename": true, "force": true}), &mut host).unwrap().changed);
        assert!(host.stat(Path::new("/etc/rc.distrib")).is_err());
    }
}
