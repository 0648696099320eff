//! `containers.podman.podman_secret`: a secret of Podman's, there or gone. What it is goes by standard input.

use super::{EXECUTABLE, Podman};
use crate::contract::{
    Arg, Call, CheckMode, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
    python_text,
};
use crate::host::steps::execute;
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct PodmanSecret;

#[derive(Clone, Deserialize)]
pub struct Args {
    executable: String,
    state: String,
    name: String,
    data: Option<String>,
    env: Option<String>,
    path: Option<PathBuf>,
    force: bool,
    skip_existing: bool,
    driver: Option<String>,
    driver_opts: Option<JsonMap>,
    labels: Option<JsonMap>,
}

pub struct Work {
    podman: Podman,
    args: Args,
    removes: bool,
    /// It is known to be another than the one that is there.
    differs: bool,
    /// What is kept.
    content: Option<Vec<u8>>,
}

impl Module for PodmanSecret {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("present"),
                required: &["path", "env", "data"],
                any: true,
            },
            Rule::MutuallyExclusive(&["path", "env", "data"]),
        ],
        check_mode: CheckMode::None,
        examples: "- name: A secret for the application\n  containers.podman.podman_secret:\n    name: app-password\n    data: secret\n",
        returns: &[Return { name: "diff", when: "it changed", doc: "That it did." }],
        differs: "`debug` is refused. Before version 4.7 Podman does not show what it keeps: a secret that is there fails unless `force` or `skip_existing` is set, as in the collection.",
        ..ModuleSpec::new(
            "containers.podman.podman_secret",
            "Manages secrets of Podman.",
            &[
                EXECUTABLE,
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the secret is there."),
                Arg::str("name").required().doc("Name of the secret."),
                Arg::str("data").no_log().doc("The secret."),
                Arg::str("env").doc("Variable that holds it."),
                Arg::path("path").doc("File on the host that holds it."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Make it anew."),
                Arg::bool("skip_existing").default(Literal::Bool(false)).doc("Leave one that is there as it is."),
                Arg::str("driver").doc("Driver."),
                Arg::dict("driver_opts").doc("Options of the driver."),
                Arg::dict("labels").doc("Labels."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let podman = Podman::of(host, &args.executable)?;
        if args.state == "absent" {
            let removes = exists(&podman, host, &args.name)?;
            return Ok(if removes {
                Plan::Work(Work { podman, args, removes, differs: false, content: None })
            } else {
                Plan::Done(Outcome::unchanged())
            });
        }
        let content = content(&args, host)?;
        let there = exists(&podman, host, &args.name)?;
        let shows = podman.version(host)? >= vec![4, 7];
        let (keeps, removes) = match there {
            false => (false, false),
            true if args.skip_existing && !args.force => (true, false),
            true if shows => (!differs(&args, &podman, host, &content)?, true),
            true => (false, args.force),
        };
        if keeps {
            return Ok(Plan::Done(Outcome::unchanged()));
        }
        Ok(Plan::Work(Work { podman, args, removes, differs: there && shows, content: Some(content) }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { podman, args, removes, differs, content } = work;
        if removes {
            let out = podman.run(host, &["secret", "rm", &args.name])?;
            if !out.ok() && !out.stderr_text().contains("no such secret") {
                return Err(Failure::new(format!("Unable to remove secret: {}", out.stderr_text())));
            }
        }
        let mut outcome = Outcome::changed(true);
        if let Some(content) = content {
            let (before, after) = if differs { ("<secret>\n", "<different-secret>\n") } else { ("\n", "\n") };
            let side = |text: &str| Some(text.into());
            outcome = outcome.with_diff(Diff { before: side(before), after: side(after), ..Diff::default() });
            let mut words = vec!["secret".to_owned(), "create".to_owned()];
            let pair = |(name, value): (&String, &Json)| format!("{name}={}", python_text(value));
            words.extend(args.driver.iter().flat_map(|d| ["--driver".to_owned(), d.clone()]));
            if let Some(options) = args.driver_opts.as_ref().filter(|o| !o.is_empty()) {
                let all: Vec<String> = options.iter().map(pair).collect();
                words.extend(["--driver-opts".to_owned(), all.join(",")]);
            }
            for label in args.labels.iter().flatten().map(pair) {
                words.extend(["--label".to_owned(), label]);
            }
            words.extend([args.name.clone(), "-".to_owned()]);
            let out = execute(host, &podman.command(&words).stdin(content))?;
            if !out.ok() {
                return Err(Failure::new(format!("Unable to create secret: {}", out.stderr_text())));
            }
        }
        Ok(outcome)
    }
}

fn exists(podman: &Podman, host: &dyn Observe, name: &str) -> Result<bool, Failure> {
    let out = podman.ask(host, &["secret", "ls", "--format", "{{.Name}}"])?;
    Ok(out.stdout_text().lines().any(|line| line.trim() == name))
}

fn content(args: &Args, host: &dyn Observe) -> Result<Vec<u8>, Failure> {
    if let Some(data) = &args.data {
        return Ok(data.clone().into_bytes());
    }
    if let Some(path) = &args.path {
        return host.read(path).map_err(|e| Failure::io(format!("cannot read {}", path.display()), &e));
    }
    let name = args.env.as_deref().unwrap_or_default();
    let value = host.env(name).ok_or_else(|| Failure::new(format!("Environment variable {name} is not set")))?;
    Ok(value.into_bytes())
}

/// Whether the secret that is there is another.
fn differs(args: &Args, podman: &Podman, host: &dyn Observe, content: &[u8]) -> Result<bool, Failure> {
    let there = podman.first(host, &["secret", "inspect", "--showsecret", &args.name])?;
    let spec = &there["Spec"];
    let other = |wanted: Option<&JsonMap>, actual: &Json| {
        wanted.into_iter().flatten().any(|(name, value)| actual[name].as_str() != Some(&python_text(value)))
    };
    Ok(there["SecretData"].as_str().map(str::as_bytes) != Some(content)
        || args.driver.as_ref().is_some_and(|driver| spec["Driver"]["Name"] != driver.as_str())
        || other(args.driver_opts.as_ref(), &spec["Driver"]["Options"])
        || other(args.labels.as_ref(), &spec["Labels"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;

    const SECRET: Entry = Entry::of::<PodmanSecret>();

    #[test]
    fn secrets_are_kept_and_forgotten() {
        let mut host = Fake::new()
            .answer("podman --version", 0, "podman version 5.4.0\n")
            .answer("podman secret ls --format {{.Name}}", 0, "")
            .effect("podman secret create s -", 0, "id\n", |h| {
                h.set_answer("podman secret ls --format {{.Name}}", 0, "s\n");
                h.set_answer("podman secret inspect --showsecret s", 0, "[{\"SecretData\": \"top\", \"Spec\": {}}]");
            })
            .effect("podman secret rm s", 0, "id\n", |h| h.set_answer("podman secret ls --format {{.Name}}", 0, ""));
        let args = |data: &str| json!({"name": "s", "data": data});
        assert!(run(&SECRET, args("top"), &mut host, false).unwrap().changed);
        assert_eq!(host.executed(), ["/usr/bin/podman secret create s -"]);
        assert!(!run(&SECRET, args("top"), &mut host, false).unwrap().changed);
        assert!(run(&SECRET, args("other"), &mut host, false).unwrap().changed);
        assert!(run(&SECRET, json!({"name": "s", "state": "absent"}), &mut host, false).unwrap().changed);
        assert!(!run(&SECRET, json!({"name": "s", "state": "absent"}), &mut host, false).unwrap().changed);
    }
}
