//! `command`: runs a program without a shell.

use super::shared::{Job, directory, input};
use crate::contract::{
    Arg, ArgType, Call, CheckMode, Failure, Json, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, Command as Process, Observe, expand_path, split_words};
use serde::Deserialize;

pub struct Command;

#[derive(Deserialize)]
pub struct Args {
    _raw_params: Option<String>,
    cmd: Option<String>,
    argv: Option<Vec<String>>,
    chdir: Option<String>,
    executable: Option<String>,
    expand_argument_vars: bool,
    creates: Option<String>,
    removes: Option<String>,
    stdin: Option<String>,
    stdin_add_newline: bool,
    strip_empty_ends: bool,
}

/// What `command` and `shell` return.
pub(super) const RETURNS: &[Return] = &[
    Return { name: "cmd", when: "always", doc: "The command that ran." },
    Return { name: "rc", when: "always", doc: "Its exit code; negative: the signal that ended it." },
    Return { name: "stdout", when: "always", doc: "What it wrote." },
    Return { name: "stderr", when: "always", doc: "What it wrote to standard error." },
    Return { name: "start", when: "always", doc: "Local time of its start." },
    Return { name: "end", when: "always", doc: "Local time of its end." },
    Return { name: "delta", when: "always", doc: "How long it ran." },
    Return { name: "msg", when: "always", doc: "Why it did not run, or that it failed." },
];

impl Module for Command {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::Partial,
        kind: Kind::Imperative,
        free_form: Some("_raw_params"),
        rules: &[
            Rule::RequiredOneOf(&["_raw_params", "cmd", "argv"]),
            Rule::MutuallyExclusive(&["_raw_params", "cmd", "argv"]),
        ],
        examples: r#"
- name: Which kernel
  ansible.builtin.command: uname -r
  changed_when: false

- name: Make a database once
  ansible.builtin.command:
    argv: [createdb, "my database"]
    chdir: /srv/app
    creates: /srv/app/.database
"#,
        returns: RETURNS,
        ..ModuleSpec::new(
            "ansible.builtin.command",
            "Runs a program, without a shell.",
            &[
                Arg::str("_raw_params").doc("The command line, as free text."),
                Arg::str("cmd").doc("The command line."),
                Arg::list("argv", ArgType::Str).doc("The command as a list of words."),
                Arg::path("chdir").doc("Directory to run in."),
                Arg::str("executable").doc("Ignored with a warning: there is no shell here."),
                Arg::bool("expand_argument_vars")
                    .default(Literal::Bool(true))
                    .doc("Expand `~` and `$VARS` in the words."),
                Arg::path("creates").doc("Do not run where a file of this name or pattern exists."),
                Arg::path("removes").doc("Run only where a file of this name or pattern exists."),
                Arg::str("stdin").doc("Text for standard input."),
                Arg::bool("stdin_add_newline").default(Literal::Bool(true)).doc("End standard input with a line end."),
                Arg::bool("strip_empty_ends").default(Literal::Bool(true)).doc("Take line ends off the end of output."),
            ],
        )
    };
    type Args = Args;
    type Work = Job;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Job>, Failure> {
        let line = args._raw_params.filter(|t| !t.is_empty()).or(args.cmd);
        let words = match (line, args.argv) {
            (Some(line), _) => split_words(&line).map_err(Failure::new)?,
            (None, argv) => argv.unwrap_or_default(),
        };
        let expanded: Vec<String> = if args.expand_argument_vars {
            words.iter().map(|w| expand_path(host, w)).collect()
        } else {
            words.clone()
        };
        let Some((program, rest)) = expanded.split_first() else {
            return Err(Failure::new("Error executing command.")
                .with("cmd", "")
                .with("rc", 257)
                .with("stdout", "")
                .with("stderr", "")
                .with("exception", "the command is empty"));
        };
        let mut command = Process::new(program.as_str()).args(rest.iter().cloned());
        command.cwd = directory(args.chdir);
        command.stdin = input(args.stdin, args.stdin_add_newline);
        command.live = true;
        let warnings = args.executable.iter().map(|shell| {
            format!(
                "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '{shell}'."
            )
        });
        let job = Job {
            command,
            shown: words.iter().map(|w| Json::from(w.as_str())).collect(),
            creates: args.creates,
            removes: args.removes,
            strip: args.strip_empty_ends,
            warnings: warnings.collect(),
        };
        job.plan(host, call)
    }
    fn preview(job: &Job, _: &Call) -> Outcome {
        job.preview()
    }
    fn apply(job: Job, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        job.run(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<Command>();

    #[test]
    fn words_are_expanded_and_results_are_complete() {
        let mut host = Fake::new().answer("echo /root * $NOPE", 0, "out\r\n\n");
        let out = case(&ENTRY, json!({"_raw_params": "echo $HOME '*' $NOPE"}), &mut host).expect("it runs");
        assert_eq!(out.values["cmd"], json!(["echo", "$HOME", "*", "$NOPE"]));
        assert_eq!((&out.values["stdout"], &out.values["rc"]), (&json!("out"), &json!(0)));
        assert_eq!((&out.values["delta"], &out.values["start"]), (&json!("0:00:00"), &json!("2023-11-14 22:13:20")));
        assert!(out.changed);
    }

    #[test]
    fn failures() {
        let mut host = Fake::new().answer_err("/bin/false", 1, "", "no\n");
        let failed = case(&ENTRY, json!({"cmd": "/bin/false"}), &mut host).expect_err("it fails");
        assert_eq!((failed.msg.as_str(), failed.changed), ("non-zero return code", true));
        assert_eq!((&failed.values["rc"], &failed.values["stderr"]), (&json!(1), &json!("no")));
        let missing = case(&ENTRY, json!({"argv": ["/no where", "x"]}), &mut host).expect_err("not there");
        assert_eq!(
            (missing.msg.as_str(), &missing.values["cmd"]),
            ("Error executing command.", &json!("'/no where' x"))
        );
        let dir = case(&ENTRY, json!({"cmd": "ls", "chdir": "/none"}), &mut host).expect_err("no such directory");
        assert_eq!(
            (dir.msg.as_str(), &dir.values["rc"]),
            ("Unable to change directory before execution.", &Json::Null)
        );
    }

    #[test]
    fn creates_removes_and_check_mode() {
        let mut host = Fake::new().file("/srv/app/done-1", "").answer("make", 0, "");
        let args = json!({"cmd": "make", "chdir": "/srv/app", "creates": "done-*"});
        let out = case(&ENTRY, args, &mut host).expect("not run");
        assert_eq!((out.changed, &out.values["stdout"]), (false, &json!("skipped, since done-* exists")));
        assert_eq!(out.values["msg"], "Did not run command since 'done-*' exists");
        let out = case(&ENTRY, json!({"cmd": "make", "removes": "/nope"}), &mut host).expect("not run");
        assert_eq!(out.values["msg"], "Did not run command since '/nope' does not exist");
        let out = run(&ENTRY, json!({"cmd": "make"}), &mut host, true).expect("check mode");
        assert_eq!((out.skipped, out.changed, &out.values["rc"]), (true, false, &json!(0)));
        let out = run(&ENTRY, json!({"cmd": "make", "creates": "/x"}), &mut host, true).expect("check mode");
        assert_eq!((out.skipped, out.changed), (false, true));
        assert!(host.executed().is_empty());
    }
}
