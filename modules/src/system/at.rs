//! `ansible.posix.at`: commands that run once, later.

use crate::contract::{Arg, Call, CheckMode, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{Steps, failed_command, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::Path;

pub struct At;

#[derive(Deserialize)]
pub struct Args {
    command: Option<String>,
    script_file: Option<String>,
    count: Option<i64>,
    units: Option<String>,
    state: String,
    unique: bool,
}

impl Module for At {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Imperative,
        check_mode: CheckMode::None,
        rules: &[
            Rule::MutuallyExclusive(&["command", "script_file"]),
            Rule::RequiredOneOf(&["command", "script_file"]),
        ],
        examples: "- name: Look at it in 20 minutes\n  ansible.posix.at:\n    command: ls -d / >/dev/null\n    count: 20\n    units: minutes\n    unique: true\n",
        differs: "A command needs no file: `script_file` is told only where one was given.",
        ..ModuleSpec::new(
            "ansible.posix.at",
            "Commands that run once, later.",
            &[
                Arg::str("command").doc("The command."),
                Arg::str("script_file").doc("A file with commands."),
                Arg::int("count").doc("How many units from now."),
                Arg::str("units").choices(&["minutes", "hours", "days", "weeks"]).doc("Units of time."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Add a job, or remove those with these commands."),
                Arg::bool("unique").default(Literal::Bool(false)).doc("Only if there is no such job."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let at = required(host, "at")?;
        let present = args.state == "present";
        let when = match (args.count.filter(|c| *c != 0), &args.units) {
            (Some(count), Some(units)) => format!("now + {count} {units}"),
            _ if present => return Err(Failure::new("present state requires count and units")),
            _ => String::new(),
        };
        let text = match (&args.command, &args.script_file) {
            (Some(command), _) => format!("{command}\n"),
            (None, file) => {
                let file = file.as_deref().unwrap_or_default();
                host.read_text(Path::new(file)).map_err(|e| Failure::io(format!("cannot read {file}"), &e))?
            }
        };
        let mut steps = Steps::new(Outcome::unchanged().with("state", args.state.as_str()));
        let jobs = if !present || args.unique { matching(host, &at, text.trim())? } else { Vec::new() };
        if present {
            if !jobs.is_empty() {
                return Ok(Plan::Done(steps.outcome));
            }
            steps.run(Command::new(&at).args(when.split(' ')).stdin(text));
            let outcome = std::mem::take(&mut steps.outcome);
            steps.outcome =
                outcome.with("script_file", args.script_file).with("count", args.count).with("units", args.units);
        } else {
            for job in jobs {
                steps.run(Command::new(&at).args(["-r", &job]));
            }
        }
        steps.outcome.changed = !steps.steps.is_empty();
        Ok(steps.plan())
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// Numbers of the jobs whose text holds this one.
fn matching(host: &dyn Observe, at: &Path, text: &str) -> Result<Vec<String>, Failure> {
    let ask = |command: Command| {
        let out = query(host, &command)?;
        if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
    };
    let mut found = Vec::new();
    for line in ask(Command::new(required(host, "atq")?))?.lines() {
        if let Some(job) = line.split_whitespace().next()
            && ask(Command::new(at).args(["-c", job]))?.contains(text)
        {
            found.push(job.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;

    const AT: Entry = Entry::of::<At>();

    #[test]
    fn jobs() {
        let mut host = Fake::new()
            .answer("atq", 0, "3\tSat Nov 21 21:00:00 2026 a root\n")
            .answer("at -c 3", 0, "#!/bin/sh\nls -d / >/dev/null\n")
            .effect("at now + 20 minutes", 0, "", |_| {})
            .effect("at -r 3", 0, "", |_| {});
        let job = |more: serde_json::Value| {
            let mut args = json!({"command": "ls -d / >/dev/null"});
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            args
        };
        let new = job(json!({"count": 20, "units": "minutes"}));
        assert!(run(&AT, new, &mut host, false).unwrap().changed);
        let same = job(json!({"count": 20, "units": "minutes", "unique": true}));
        assert!(!run(&AT, same, &mut host, false).unwrap().changed);
        assert!(run(&AT, job(json!({"state": "absent"})), &mut host, false).unwrap().changed);
        assert_eq!(host.executed(), ["/usr/bin/at now + 20 minutes", "/usr/bin/at -r 3"]);
        let failure = run(&AT, job(json!({})), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "present state requires count and units");
    }
}
