//! `script`: runs a script of the controller's on the host.
//!
//! The controller sends, besides the author's arguments, `_content` (the script as a [`Blob`]) and `_basename` (the name it
//! has on the host; the last part of the path on the controller). `_raw_params` (or `cmd`) stays as the author wrote it: its
//! first word is replaced here by the script's place on the host.
//!
//! For modules that are programs it sends `_arguments`, the text of a file that the program gets as its only argument, and
//! `_interpreter`, the words to run it with. Then the exit code decides nothing: the program's output is the controller's to judge.

use super::shared::directory;
use crate::contract::{
    Arg, ArgType, Blob, Call, CheckMode, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, Command as Process, Observe, WriteOptions, quote_word, split_words};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Script;

#[derive(Deserialize)]
pub struct Args {
    _raw_params: Option<String>,
    cmd: Option<String>,
    chdir: Option<String>,
    executable: Option<String>,
    creates: Option<PathBuf>,
    removes: Option<PathBuf>,
    _content: Option<Blob>,
    _basename: Option<String>,
    _interpreter: Option<Vec<String>>,
    _arguments: Option<String>,
}

pub struct Work {
    line: String,
    /// First word of `line`.
    source: String,
    name: String,
    content: Blob,
    executable: Option<String>,
    chdir: Option<PathBuf>,
    conditional: bool,
    /// Interpreter and arguments of a module that is a program.
    program: Option<(Vec<String>, String)>,
}

impl Module for Script {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::Partial,
        kind: Kind::Imperative,
        free_form: Some("_raw_params"),
        rules: &[Rule::RequiredOneOf(&["_raw_params", "cmd"]), Rule::MutuallyExclusive(&["_raw_params", "cmd"])],
        examples: r#"
- name: Run a script with arguments
  ansible.builtin.script: /some/local/script.sh --some-argument 1234

- name: Run a Python script once
  ansible.builtin.script:
    cmd: create_file.py
    executable: python3
    creates: /etc/created
"#,
        returns: &[
            Return { name: "rc", when: "it ran", doc: "Exit code." },
            Return { name: "stdout", when: "it ran", doc: "What it wrote." },
            Return { name: "stderr", when: "it ran", doc: "What it wrote to standard error." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.script",
            "Runs a script of the controller's on the host.",
            &[
                Arg::str("_raw_params").doc("Path of the script on the controller, and its arguments."),
                Arg::str("cmd").doc("Path of the script on the controller, and its arguments."),
                Arg::path("chdir").doc("Directory on the host to run in; absolute."),
                Arg::str("executable").doc("Program to run the script with."),
                Arg::path("creates").doc("Do not run where this file exists."),
                Arg::path("removes").doc("Run only where this file exists."),
                Arg::bool("decrypt").default(Literal::Bool(true)).doc("Decrypt a script that is a vault."),
                Arg::raw("_content"),
                Arg::str("_basename"),
                Arg::list("_interpreter", ArgType::Str),
                Arg::str("_arguments"),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let skip = |msg: String| Ok(Plan::Done(Outcome { skipped: true, ..Outcome::default() }.with("msg", msg)));
        if let Some(path) = args.creates.as_deref().filter(|p| host.stat(p).is_ok()) {
            return skip(format!("{} exists, matching creates option", path.display()));
        }
        if let Some(path) = args.removes.as_deref().filter(|p| host.stat(p).is_err()) {
            return skip(format!("{} does not exist, matching removes option", path.display()));
        }
        let conditional = args.creates.is_some() || args.removes.is_some();
        if call.check && !conditional {
            return skip("Check mode is not supported for this task.".to_owned());
        }
        let chdir = directory(args.chdir);
        if let Some(dir) = chdir.as_deref().filter(|d| !d.is_absolute()) {
            let dir = dir.display();
            return Err(Failure::new(format!("chdir {dir} must be an absolute path for a Unix-aware remote node")));
        }
        let line = args._raw_params.filter(|t| !t.is_empty()).or(args.cmd).unwrap_or_default();
        let line = line.trim().to_owned();
        let source = split_words(&line).map_err(Failure::new)?.into_iter().next();
        let source = source.ok_or_else(|| Failure::new("no script given"))?;
        let content = args._content.ok_or_else(|| Failure::new("the script did not come along"))?;
        let base = Path::new(&source).file_name().map(|n| n.to_string_lossy().into_owned());
        let name = args._basename.or(base).unwrap_or_else(|| "script".to_owned());
        let program = args._arguments.map(|arguments| (args._interpreter.unwrap_or_default(), arguments));
        Ok(Plan::Work(Work { line, source, name, content, executable: args.executable, chdir, conditional, program }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        Outcome::changed(work.conditional)
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let fail = |what: &str| {
            let what = format!("could not put the script on the host: {what}");
            move |e: std::io::Error| Failure::io(what, &e)
        };
        let dir = host.temp_dir(None, ".tightbeam-").map_err(fail("temporary directory"))?;
        let place = dir.join(&work.name);
        let mut content = call.blobs.open(work.content.id).map_err(fail("content"))?;
        let options = WriteOptions { mode: Some(0o700), ..WriteOptions::default() };
        host.write(&place, &mut content, &options).map_err(fail(&work.name))?;
        drop(content);
        if let Some((interpreter, arguments)) = work.program {
            let file = dir.join("args");
            let private = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
            host.write(&file, &mut arguments.as_bytes(), &private).map_err(fail("args"))?;
            let line = interpreter.into_iter().chain([place.to_string_lossy(), file.to_string_lossy()].map(Into::into));
            let line: Vec<String> = line.collect();
            let command = Process::new(&line[0]).args(line[1..].iter().map(String::as_str));
            let out = crate::host::steps::execute(host, &command);
            let _ = host.remove_dir_all(&dir);
            let out = out?;
            return Ok(Outcome::unchanged()
                .with("rc", out.rc)
                .with("stdout", out.stdout_text())
                .with("stderr", out.stderr_text()));
        }
        let place = place.to_string_lossy();
        let line = if work.line.contains(&work.source) {
            work.line.replace(&work.source, &place)
        } else {
            // The first word was quoted in a way that cannot be replaced as text.
            let rest = split_words(&work.line).map_err(Failure::new)?;
            let rest: Vec<String> = rest.iter().skip(1).map(|w| quote_word(w)).collect();
            format!("{place} {}", rest.join(" "))
        };
        let line = match work.executable.as_deref().filter(|e| !e.is_empty()) {
            Some(executable) => format!("{executable} {line}"),
            None => line,
        };
        let mut command = Process::new("/bin/sh").arg("-c").arg(line);
        command.cwd = work.chdir;
        command.live = true;
        let out = crate::host::steps::execute(host, &command)?;
        let _ = host.remove_dir_all(&dir);
        let values =
            [("rc", out.rc.into()), ("stdout", out.stdout_text().into()), ("stderr", out.stderr_text().into())];
        let values = values.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        if out.rc != 0 {
            return Err(Failure { msg: "non-zero return code".into(), changed: true, values, ..Failure::default() });
        }
        Ok(Outcome { changed: true, values, ..Outcome::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{BlobReader, Blobs, Entry, NoBlobs};
    use crate::host::fake::Fake;
    use crate::host::testing::{run, run_with};
    use serde_json::json;
    use std::io::{self, Read};

    struct One;
    impl Blobs for One {
        fn open(&self, _: u32) -> io::Result<BlobReader<'_>> {
            Ok(Box::new(&b"#!/bin/sh\n"[..]))
        }
        fn send(&self, id: u32, content: &mut dyn Read) -> io::Result<u64> {
            NoBlobs.send(id, content)
        }
        fn progress(&self, _: &str) {}
    }

    #[test]
    fn runs_with_its_arguments_and_leaves_nothing() {
        let entry = Entry::of::<Script>();
        let mut host = Fake::new().answer("/bin/sh -c *", 0, "done\n");
        let args = json!({"cmd": "files/run.sh 'a b'", "executable": "bash -e", "_content": {"id": 1, "size": 10, "sha1": ""}});
        let out = run_with(&entry, args, &mut host, false, &One).expect("it runs");
        assert_eq!((&out.values["stdout"], out.changed), (&json!("done\n"), true));
        let line = &host.log().executed[0].args[1];
        assert!(line.starts_with("bash -e /tmp/.tightbeam-") && line.ends_with("/run.sh 'a b'"), "{line}");
        assert!(host.read_dir(Path::new("/tmp")).expect("it is there").is_empty());
        let skipped = run(&entry, json!({"cmd": "x.sh", "creates": "/etc/passwd"}), &mut host, false).expect("skipped");
        assert_eq!(
            (skipped.skipped, &skipped.values["msg"]),
            (true, &json!("/etc/passwd exists, matching creates option"))
        );
        assert!(run(&entry, json!({"cmd": "x.sh"}), &mut host, true).expect("check mode").skipped);
    }
}
