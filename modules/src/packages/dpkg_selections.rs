//! `dpkg_selections`: whether dpkg is to hold a package, through `dpkg --set-selections`.

use crate::contract::{Arg, Call, Failure, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::{Steps, failed_command, plain_english, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;

pub struct DpkgSelections;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    selection: String,
}

impl Module for DpkgSelections {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Keep a package at its version\n  ansible.builtin.dpkg_selections:\n    name: python3\n    selection: hold\n",
        ..ModuleSpec::new(
            "ansible.builtin.dpkg_selections",
            "Manages dpkg's selections of packages.",
            &[
                Arg::str("name").required().doc("Name of the package."),
                Arg::str("selection")
                    .required()
                    .choices(&["install", "hold", "deinstall", "purge"])
                    .doc("The wanted selection."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let dpkg = required(host, "dpkg")?;
        let ask = plain_english(Command::new(&dpkg).args(["--get-selections", &args.name]));
        let out = query(host, &ask)?;
        if !out.ok() {
            return Err(failed_command(&ask, &out, ""));
        }
        if out.stderr_text().contains("no packages found matching") {
            return Err(Failure::new(format!(
                "Failed to find package '{}' to perform selection '{}'.",
                args.name, args.selection
            )));
        }
        let stdout = out.stdout_text();
        let before = stdout.split_whitespace().nth(1).unwrap_or("not present");
        let changed = before != args.selection;
        let outcome = Outcome::changed(changed).with("before", before).with("after", args.selection.as_str());
        if !changed {
            return Ok(Plan::Done(outcome));
        }
        let mut steps = Steps::new(outcome);
        let line = format!("{} {}", args.name, args.selection);
        steps.run(plain_english(Command::new(dpkg).arg("--set-selections")).stdin(line));
        Ok(Plan::Work(steps))
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    #[test]
    fn holds_a_package() {
        const GET: &str = "/usr/bin/dpkg --get-selections vim";
        let entry = Entry::of::<DpkgSelections>();
        let mut host = Fake::new()
            .file_mode("/usr/bin/dpkg", "", 0o755)
            .answer(GET, 0, "vim\t\tinstall\n")
            .answer_err("/usr/bin/dpkg --get-selections no", 0, "", "dpkg: no packages found matching no\n")
            .effect("/usr/bin/dpkg --set-selections", 0, "", |h| h.set_answer(GET, 0, "vim\t\thold\n"));
        let out = case(&entry, json!({"name": "vim", "selection": "hold"}), &mut host).unwrap();
        assert_eq!(
            (out.changed, &out.values["before"], &out.values["after"]),
            (true, &json!("install"), &json!("hold"))
        );
        let failure = run(&entry, json!({"name": "no", "selection": "hold"}), &mut host, true).unwrap_err();
        assert_eq!(failure.msg, "Failed to find package 'no' to perform selection 'hold'.");
    }
}
