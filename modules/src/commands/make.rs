//! `community.general.make`: targets of a Makefile.

use crate::contract::python_text;
use crate::contract::{Arg, ArgType, Call, Failure, Json, JsonMap, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, failed_command, query, required};
use crate::host::{Change, Command, Observe, Output, quote_word};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Make;

#[derive(Deserialize)]
pub struct Args {
    target: Option<String>,
    targets: Option<Vec<String>>,
    params: Option<JsonMap>,
    chdir: PathBuf,
    file: Option<String>,
    make: Option<PathBuf>,
    jobs: Option<i64>,
}

pub struct Work {
    command: Command,
    outcome: Outcome,
}

impl Module for Make {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::MutuallyExclusive(&["target", "targets"])],
        examples: "- name: Install what was built\n  community.general.make:\n    chdir: /usr/src/app\n    target: install\n    params:\n      PREFIX: /opt/app\n",
        returns: &[
            Return { name: "command", when: "always", doc: "The command, as for a shell." },
            Return { name: "stdout", when: "always", doc: "What make said." },
            Return { name: "stderr", when: "always", doc: "What make said of faults." },
        ],
        ..ModuleSpec::new(
            "community.general.make",
            "Makes targets of a Makefile that are not up to date.",
            &[
                Arg::str("target").doc("The target."),
                Arg::list("targets", ArgType::Str).doc("The targets."),
                Arg::dict("params").doc("Variables for make; one without a value is given as a word."),
                Arg::path("chdir").required().doc("The directory to run in."),
                Arg::path("file").doc("The Makefile."),
                Arg::path("make").doc("The program."),
                Arg::int("jobs").doc("Jobs that run at the same time."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let program = match args.make.clone().or_else(|| host.which("gmake")) {
            Some(program) => program,
            None => required(host, "make")?,
        };
        let mut words: Vec<String> = Vec::new();
        words.extend(args.jobs.iter().flat_map(|n| ["-j".to_owned(), n.to_string()]));
        words.extend(args.file.iter().flat_map(|f| ["-f".to_owned(), f.clone()]));
        match args.target.as_ref().filter(|t| !t.is_empty()) {
            Some(target) => words.push(target.clone()),
            None => words.extend(args.targets.iter().flatten().cloned()),
        }
        words.extend(args.params.iter().flatten().map(|(key, value)| match value {
            Json::Null => key.clone(),
            value => format!("{key}={}", python_text(value)),
        }));
        let command = Command::new(program).args(words).cwd(&args.chdir);
        let program = command.program.to_string_lossy();
        let shown: Vec<String> =
            std::iter::once(program.as_ref()).chain(command.args.iter().map(String::as_str)).map(quote_word).collect();
        let out = query(host, &command.clone().arg("-q"))?;
        let outcome = said(Outcome::changed(!out.ok()), &out)
            .with("target", args.target)
            .with("targets", args.targets)
            .with("params", args.params.map(Json::Object))
            .with("chdir", args.chdir.to_string_lossy().into_owned())
            .with("file", args.file)
            .with("jobs", args.jobs)
            .with("command", shown.join(" "));
        Ok(if outcome.changed { Plan::Work(Work { command, outcome }) } else { Plan::Done(outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &Command { live: true, ..work.command.clone() })?;
        if !out.ok() {
            return Err(failed_command(&work.command, &out, ""));
        }
        Ok(said(work.outcome, &out))
    }
}

fn said(outcome: Outcome, out: &Output) -> Outcome {
    let text = |bytes: String| bytes.trim_end_matches(['\r', '\n']).to_owned();
    outcome.with("stdout", text(out.stdout_text())).with("stderr", text(out.stderr_text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MAKE: Entry = Entry::of::<Make>();

    #[test]
    fn what_is_not_up_to_date() {
        let mut host = Fake::new().dir("/src").answer("make -j 2 install A=1 B -q", 1, "").effect(
            "make -j 2 install A=1 B",
            0,
            "done\n",
            |h| h.set_answer("make -j 2 install A=1 B -q", 0, ""),
        );
        let args = json!({"chdir": "/src", "target": "install", "jobs": 2, "params": {"A": 1, "B": null}});
        let out = case(&MAKE, args, &mut host).unwrap();
        assert_eq!((&out.values["stdout"], &out.values["targets"]), (&json!("done"), &json!(null)));
        assert_eq!(out.values["command"], "/usr/bin/make -j 2 install A=1 B");
    }

    #[test]
    fn a_fault_of_make() {
        let mut host =
            Fake::new().dir("/src").answer("make no -q", 2, "").answer_err("make no", 2, "", "*** No rule\n");
        let failure = run(&MAKE, json!({"chdir": "/src", "targets": ["no"]}), &mut host, false).unwrap_err();
        assert_eq!((failure.msg.as_str(), &failure.values["rc"]), ("*** No rule", &json!(2)));
    }
}
