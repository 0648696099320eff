//! `group`: local groups, through groupadd, groupmod and groupdel.

use super::shared::{all_groups, is_local};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;

pub struct Group;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    state: State,
    force: bool,
    gid: Option<i64>,
    system: bool,
    local: bool,
    non_unique: bool,
    gid_min: Option<i64>,
    gid_max: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

pub struct Work {
    args: Args,
    command: Command,
    preview: Outcome,
}

const NO: Literal = Literal::Bool(false);

impl Module for Group {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredIf { arg: "non_unique", value: Literal::Bool(true), required: &["gid"], any: false }],
        examples: "- name: A system group\n  ansible.builtin.group:\n    name: web\n    gid: 900\n    system: true\n",
        ..ModuleSpec::new(
            "ansible.builtin.group",
            "Manages groups.",
            &[
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the group exists."),
                Arg::str("name").required().doc("Name of the group."),
                Arg::bool("force").default(NO).doc("Remove it even if it is a user's primary group."),
                Arg::int("gid").doc("Number of the group."),
                Arg::bool("system").default(NO).doc("Create it with a number of the system's range."),
                Arg::bool("local").default(NO).doc("Use the `l…` programs of libuser, for hosts with a directory."),
                Arg::bool("non_unique").default(NO).doc("Allow a number that another group has."),
                Arg::int("gid_min").doc("Lowest number for a new group."),
                Arg::int("gid_max").doc("Highest number for a new group."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        if args.local {
            if args.force {
                return Err(Failure::new(
                    "force is not a valid option for local, force=True and local=True are mutually exclusive",
                ));
            }
            for (given, name) in [(args.gid_min.is_some(), "gid_min"), (args.gid_max.is_some(), "gid_max")] {
                if given {
                    return Err(Failure::new(format!("'{name}' can not be used with 'local'")));
                }
            }
        }
        let exists = if args.local {
            is_local(host, "/etc/group", "group", &args.name)?
        } else {
            host.group(&args.name).is_some()
        };
        let words = match (args.state, exists) {
            (State::Absent, false) => None,
            (State::Absent, true) => Some(("groupdel", if args.force { vec!["-f".to_owned()] } else { Vec::new() })),
            (State::Present, false) => Some(("groupadd", add_words(&args, host)?)),
            (State::Present, true) => {
                let now = host.group(&args.name).map(|g| i64::from(g.gid));
                match args.gid {
                    Some(gid) if now != Some(gid) => Some(("groupmod", gid_words(&args, host, gid)?)),
                    _ => None,
                }
            }
        };
        let Some((program, words)) = words else {
            return Ok(Plan::Done(report(&args, host, Outcome::unchanged())));
        };
        let program = if args.local { format!("l{program}") } else { program.to_owned() };
        let command = Command::new(required(host, &program)?).args(words).arg(&args.name);
        let preview = if exists && args.state == State::Present {
            report(&args, host, Outcome::changed(true))
        } else {
            Outcome::changed(true)
        };
        Ok(Plan::Work(Work { args, command, preview }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &work.command)?;
        if !out.ok() {
            return Err(Failure::new(out.stderr_text()).with("name", work.args.name));
        }
        let mut outcome = Outcome::changed(true);
        for (key, text) in [("stdout", out.stdout_text()), ("stderr", out.stderr_text())] {
            if !text.is_empty() {
                outcome.set(key, text);
            }
        }
        Ok(report(&work.args, host.observe(), outcome))
    }
}

fn gid_words(args: &Args, host: &dyn Observe, gid: i64) -> Result<Vec<String>, Failure> {
    if args.local
        && let Some(other) = all_groups(host)?.iter().find(|g| i64::from(g.gid) == gid && g.name != args.name)
    {
        return Err(Failure::new(format!("GID '{gid}' already exists with group '{}'", other.name)));
    }
    let mut words = vec!["-g".to_owned(), gid.to_string()];
    if args.non_unique {
        words.push("-o".to_owned());
    }
    Ok(words)
}

fn add_words(args: &Args, host: &dyn Observe) -> Result<Vec<String>, Failure> {
    let mut words = args.gid.map_or(Ok(Vec::new()), |gid| gid_words(args, host, gid))?;
    if args.system {
        words.push("-r".to_owned());
    }
    for (value, name) in [(args.gid_min, "GID_MIN"), (args.gid_max, "GID_MAX")] {
        if let Some(value) = value {
            words.extend(["-K".to_owned(), format!("{name}={value}")]);
        }
    }
    Ok(words)
}

fn report(args: &Args, host: &dyn Observe, outcome: Outcome) -> Outcome {
    let state = if args.state == State::Present { "present" } else { "absent" };
    let mut outcome = outcome.with("name", args.name.as_str()).with("state", state);
    if let Some(group) = host.group(&args.name) {
        outcome.set("system", args.system);
        outcome.set("gid", group.gid);
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

    const GROUP: Entry = Entry::of::<Group>();

    fn host() -> Fake {
        ["groupadd", "groupmod", "groupdel"]
            .iter()
            .fold(Fake::new(), |h, p| h.file_mode(&format!("/usr/sbin/{p}"), "", 0o755))
            .with_group("web", 900)
    }

    #[test]
    fn creates_changes_and_removes() {
        let mut host = host()
            .effect("/usr/sbin/groupadd -g 901 -r ops", 0, "", |h| *h = h.clone().with_group("ops", 901))
            .effect("/usr/sbin/groupmod -g 902 web", 0, "", |h| {
                h.set_file("/etc/group", "web:x:902:\nops:x:901:\n", 0o644);
            })
            .effect("/usr/sbin/groupdel web", 0, "", |h| h.set_file("/etc/group", "ops:x:901:\n", 0o644));
        let out = case(&GROUP, json!({"name": "ops", "gid": 901, "system": true}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["gid"], &out.values["system"]), (true, &json!(901), &json!(true)));
        assert!(case(&GROUP, json!({"name": "web", "gid": 902}), &mut host).unwrap().changed);
        assert!(case(&GROUP, json!({"name": "web", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn failure_carries_the_words_of_groupadd() {
        let mut host =
            host().answer_err("/usr/sbin/groupadd -g 900 ops", 4, "", "groupadd: GID '900' already exists\n");
        let failure = run(&GROUP, json!({"name": "ops", "gid": 900}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "groupadd: GID '900' already exists\n");
    }
}
