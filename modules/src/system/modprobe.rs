//! `community.general.modprobe`: a module of the kernel, loaded now and after a boot.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, python_error};
use crate::host::steps::{Step, Steps, execute, query, required};
use crate::host::{Change, Command, FileKind, Observe, Output, split_words};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub struct Modprobe;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    state: String,
    params: String,
    persistent: String,
}

pub struct Work {
    modprobe: PathBuf,
    name: String,
    /// Words after the name where the module is to be loaded.
    load: Option<Vec<String>>,
    unload: bool,
    files: Steps,
}

const LOAD_DIR: &str = "/etc/modules-load.d";
const OPTIONS_DIR: &str = "/etc/modprobe.d";

impl Module for Modprobe {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Load dummy with two devices, now and after a boot\n  community.general.modprobe:\n    name: dummy\n    state: present\n    params: numdummies=2\n    persistent: present\n",
        returns: &[
            Return { name: "name", when: "always", doc: "The module of the kernel." },
            Return { name: "params", when: "always", doc: "Its parameters." },
            Return { name: "state", when: "always", doc: "The wanted state." },
        ],
        differs: "Lines that `persistent` comments out get no blank lines between them.",
        ..ModuleSpec::new(
            "community.general.modprobe",
            "Loads and unloads modules of the kernel.",
            &[
                Arg::str("name").required().doc("Name of the module of the kernel."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is loaded."),
                Arg::str("params").default(Literal::Str("")).doc("Its parameters."),
                Arg::str("persistent")
                    .choices(&["disabled", "present", "absent"])
                    .default(Literal::Str("disabled"))
                    .doc("Whether it is loaded at each boot; `disabled` leaves that as it is."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let modprobe = required(host, "modprobe")?;
        let outcome = Outcome::default()
            .with("name", args.name.as_str())
            .with("params", args.params.as_str())
            .with("state", args.state.as_str());
        let mut work =
            Work { modprobe, name: args.name.clone(), load: None, unload: false, files: Steps::new(outcome) };
        let is_loaded = loaded(&args.name, host).map_err(|failure| work.told(failure))?;
        if args.state == "present" && !is_loaded {
            work.load = Some(split_words(&args.params).map_err(Failure::new)?);
        }
        work.unload = args.state == "absent" && is_loaded;
        if let (true, Some(command)) = (call.check, work.command()) {
            succeeded(query(host, &command.arg("-n"))?, &work)?;
        }
        match args.persistent.as_str() {
            "present" => keep(&args, host, &mut work.files)?,
            "absent" => {
                comment_out(LOAD_DIR, host, &mut work.files, |line| names(line, &args.name))?;
                comment_out(OPTIONS_DIR, host, &mut work.files, |line| option(line, &args.name).is_some())?;
            }
            _ => {}
        }
        let changed = work.load.is_some() || work.unload || !work.files.steps.is_empty();
        work.files.outcome.changed = changed;
        Ok(if changed { Plan::Work(work) } else { Plan::Done(work.files.outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.files.outcome.clone()
    }

    fn apply(mut work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        if let Some(command) = work.command() {
            succeeded(execute(host, &command)?, &work)?;
        }
        if let Some(params) = work.load.take()
            && !loaded(&work.name, host.observe()).map_err(|failure| work.told(failure))?
        {
            work.files.outcome.changed = !work.files.steps.is_empty();
            let again = Command::new(&work.modprobe).args(["-n", "--first-time", &work.name]).args(params);
            let out = query(host.observe(), &again)?;
            if !out.ok() {
                work.files.outcome.warnings.push(out.stderr_text());
            }
        }
        work.files.apply(host)
    }
}

impl Work {
    /// The failure with what is always reported.
    fn told(&self, mut failure: Failure) -> Failure {
        failure.values.extend(self.files.outcome.values.clone());
        failure
    }
    fn command(&self) -> Option<Command> {
        let command = Command::new(&self.modprobe);
        match &self.load {
            Some(params) => Some(command.arg(&self.name).args(params.iter().map(String::as_str))),
            None if self.unload => Some(command.args(["-r", &self.name])),
            None => None,
        }
    }
}

fn succeeded(out: Output, work: &Work) -> Result<(), Failure> {
    if out.ok() {
        return Ok(());
    }
    let failure = Failure::new(out.stderr_text());
    let failure = failure.with("rc", out.rc).with("stdout", out.stdout_text()).with("stderr", out.stderr_text());
    Err(work.told(failure))
}

/// Whether the kernel has the module, loaded or built in.
fn loaded(name: &str, host: &dyn Observe) -> Result<bool, Failure> {
    let read = |path: &str| {
        host.read_text(Path::new(path)).map_err(|e| Failure::new(format!("{}: '{path}'", python_error(&e))))
    };
    let line_start = name.replace('-', "_") + " ";
    if read("/proc/modules")?.lines().any(|l| l.starts_with(&line_start)) {
        return Ok(true);
    }
    let built_in = read(&format!("/lib/modules/{}/modules.builtin", host.uname().release))?;
    let file = format!("/{name}.ko");
    Ok(built_in.lines().any(|l| l.trim_end().ends_with(&file)))
}

/// The text before a comment.
fn code(line: &str) -> &str {
    line.split(['#', ';']).next().unwrap_or_default().trim_end_matches(['\n', ' '])
}

/// Whether a line of `modules-load.d` names the module.
fn names(line: &str, name: &str) -> bool {
    code(line).trim_start_matches(' ') == name
}

/// The parameter that a line of `modprobe.d` sets for the module.
fn option<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix("options ")?.strip_prefix(name)?.strip_prefix(' ')?;
    let rest = rest.trim_end_matches('\n');
    let (param, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    let tail = tail.trim_start_matches(' ');
    let (key, value) = param.split_once('=')?;
    let is_word = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_word && !value.is_empty() && (tail.is_empty() || tail.starts_with(['#', ';']))).then_some(param)
}

/// The files of a directory with their text, by name.
fn texts(dir: &str, host: &dyn Observe) -> Result<Vec<(PathBuf, String)>, Failure> {
    let Ok(mut entries) = host.read_dir(Path::new(dir)) else { return Ok(Vec::new()) };
    entries.sort();
    let paths = entries.into_iter().map(|name| Path::new(dir).join(name));
    paths
        .filter(|path| host.stat(path).is_ok_and(|s| s.kind == FileKind::File))
        .map(|path| match host.read_text(&path) {
            Ok(text) => Ok((path, text)),
            Err(e) => Err(Failure::io(path.display(), &e)),
        })
        .collect()
}

/// The module and its parameters in files of its own; other files' parameters are commented out.
fn keep(args: &Args, host: &dyn Observe, steps: &mut Steps) -> Result<(), Failure> {
    let name = &args.name;
    if !texts(LOAD_DIR, host)?.iter().any(|(_, text)| text.lines().any(|l| names(l, name))) {
        steps.write(format!("{LOAD_DIR}/{name}.conf"), format!("{name}\n"), None);
    }
    let wanted: BTreeSet<&str> = args.params.split_whitespace().collect();
    let files = texts(OPTIONS_DIR, host)?;
    let now: BTreeSet<&str> = files.iter().flat_map(|(_, t)| t.lines()).filter_map(|l| option(l, name)).collect();
    if now != wanted {
        comment_out(OPTIONS_DIR, host, steps, |line| option(line, name).is_some())?;
        let own = PathBuf::from(format!("{OPTIONS_DIR}/{name}.conf"));
        steps.steps.retain(|step| !matches!(step, Step::Write { path, .. } if *path == own));
        let lines: Vec<String> = args.params.split_whitespace().map(|p| format!("options {name} {p}")).collect();
        steps.write(own, lines.join("\n") + "\n", None);
    }
    Ok(())
}

fn comment_out(
    dir: &str,
    host: &dyn Observe,
    steps: &mut Steps,
    is_ours: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    for (path, text) in texts(dir, host)? {
        if text.lines().any(&is_ours) {
            let mark = |line: &str| if is_ours(line) { format!("#{line}") } else { line.to_owned() };
            steps.write(path, text.split_inclusive('\n').map(mark).collect::<String>(), None);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODPROBE: Entry = Entry::of::<Modprobe>();

    fn host(modules: &str) -> Fake {
        let put = |text: &'static str| move |h: &mut Fake| h.set_file("/proc/modules", text, 0o444);
        let fake = Fake::new().file("/proc/modules", modules);
        let release = fake.uname().release;
        fake.file(&format!("/lib/modules/{release}/modules.builtin"), "kernel/fs/ext4/ext4.ko\n")
            .dir(LOAD_DIR)
            .file("/etc/modprobe.d/old.conf", "# mine\noptions dummy numdummies=1 # one\n")
            .answer("modprobe dummy numdummies=2 -n", 0, "")
            .answer("modprobe -r dummy -n", 0, "")
            .effect("modprobe dummy numdummies=2", 0, "", put("dummy 16384 0 - Live 0x0\n"))
            .effect("modprobe -r dummy", 0, "", put(""))
    }

    #[test]
    fn loads_for_now_and_later() {
        let mut host = host("");
        let args = json!({"name": "dummy", "params": "numdummies=2", "persistent": "present"});
        let out = case(&MODPROBE, args, &mut host).unwrap();
        assert!(out.changed && out.values["params"] == "numdummies=2");
        assert_eq!(host.text("/etc/modules-load.d/dummy.conf"), "dummy\n");
        assert_eq!(host.text("/etc/modprobe.d/dummy.conf"), "options dummy numdummies=2\n");
        assert_eq!(host.text("/etc/modprobe.d/old.conf"), "# mine\n#options dummy numdummies=1 # one\n");
        let args = json!({"name": "dummy", "state": "absent", "persistent": "absent"});
        assert!(case(&MODPROBE, args, &mut host).unwrap().changed);
        assert_eq!(host.text("/etc/modules-load.d/dummy.conf"), "#dummy\n");
        assert_eq!(host.text("/etc/modprobe.d/dummy.conf"), "#options dummy numdummies=2\n");
    }

    #[test]
    fn built_in_is_loaded() {
        assert!(!case(&MODPROBE, json!({"name": "ext4"}), &mut host("")).unwrap().changed);
    }

    #[test]
    fn refusal_is_told() {
        let mut host = host("").answer_err("modprobe nosuch", 1, "", "modprobe: FATAL: Module nosuch not found\n");
        let failure = run(&MODPROBE, json!({"name": "nosuch"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "modprobe: FATAL: Module nosuch not found\n");
        assert_eq!((&failure.values["rc"], &failure.values["name"]), (&json!(1), &json!("nosuch")));
    }
}
