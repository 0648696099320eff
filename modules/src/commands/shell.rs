//! `shell`: runs a command line in a shell.

use super::command::RETURNS;
use super::shared::{Job, directory, input};
use crate::contract::{Arg, Call, CheckMode, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::{Change, Command as Process, Observe};
use serde::Deserialize;

pub struct Shell;

#[derive(Deserialize)]
pub struct Args {
    _raw_params: Option<String>,
    cmd: Option<String>,
    chdir: Option<String>,
    executable: Option<String>,
    creates: Option<String>,
    removes: Option<String>,
    stdin: Option<String>,
    stdin_add_newline: bool,
    strip_empty_ends: bool,
}

impl Module for Shell {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::Partial,
        kind: Kind::Imperative,
        free_form: Some("_raw_params"),
        rules: &[Rule::RequiredOneOf(&["_raw_params", "cmd"]), Rule::MutuallyExclusive(&["_raw_params", "cmd"])],
        examples: r#"
- name: Count users
  ansible.builtin.shell: grep -c /bin/bash /etc/passwd || true
  changed_when: false

- name: A pipe that fails where its first part fails
  ansible.builtin.shell:
    cmd: set -o pipefail; make 2>&1 | tee make.log
    chdir: /srv/app
    executable: /bin/bash
"#,
        returns: RETURNS,
        ..ModuleSpec::new(
            "ansible.builtin.shell",
            "Runs a command line in a shell.",
            &[
                Arg::str("_raw_params").doc("The command line, as free text."),
                Arg::str("cmd").doc("The command line."),
                Arg::path("chdir").doc("Directory to run in."),
                Arg::str("executable").doc("The shell; `/bin/sh` if not given."),
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
        let line = args._raw_params.filter(|t| !t.is_empty()).or(args.cmd).unwrap_or_default();
        let shell = args.executable.filter(|e| !e.is_empty()).unwrap_or_else(|| "/bin/sh".to_owned());
        let mut command = Process::new(shell).arg("-c").arg(line.as_str());
        command.cwd = directory(args.chdir);
        command.stdin = input(args.stdin, args.stdin_add_newline);
        command.live = true;
        let job = Job {
            command,
            shown: line.into(),
            creates: args.creates,
            removes: args.removes,
            strip: args.strip_empty_ends,
            warnings: Vec::new(),
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
    use crate::host::testing::case;
    use serde_json::json;

    #[test]
    fn the_line_goes_to_the_shell_as_it_is() {
        let line = "echo \"a  b\" | cat";
        let mut host = Fake::new().dir("/srv").answer_argv(&["/bin/bash", "-c", line], 0, "a  b\n");
        let args =
            json!({"cmd": line, "executable": "/bin/bash", "chdir": "/srv", "stdin": "x", "strip_empty_ends": false});
        let out = case(&Entry::of::<Shell>(), args, &mut host).expect("it runs");
        assert_eq!((&out.values["cmd"], &out.values["stdout"]), (&json!(line), &json!("a  b\n")));
        let ran = &host.log().executed[0];
        assert_eq!((ran.stdin.as_deref(), ran.cwd.as_deref()), (Some(&b"x\n"[..]), Some("/srv".as_ref())));
    }
}
