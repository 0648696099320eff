//! `ansible.posix.sysctl`: kernel parameters, now and in a file.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, FILE_ARGS, FileAttrs, Observe, Output, WriteOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Sysctl;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    value: Option<String>,
    state: State,
    reload: bool,
    sysctl_set: bool,
    ignoreerrors: bool,
    sysctl_file: String,
    #[serde(flatten)]
    attrs: FileAttrs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

pub struct Work {
    args: Args,
    sysctl: PathBuf,
    set: Option<String>,
    content: Option<String>,
}

impl Module for Sysctl {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        rules: &[Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["value"], any: false }],
        examples: "- name: Forward packets, now and after a boot\n  ansible.posix.sysctl:\n    name: net.ipv4.ip_forward\n    value: '1'\n    sysctl_set: true\n    sysctl_file: /etc/sysctl.d/99-forward.conf\n",
        ..ModuleSpec::new(
            "ansible.posix.sysctl",
            "Manages kernel parameters.",
            &[
                Arg::str("name").required().aliases(&["key"]).doc("Name of the parameter."),
                Arg::str("value").aliases(&["val"]).doc("Its value."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether the file has it."),
                Arg::bool("reload").default(Literal::Bool(true)).doc("Run `sysctl -p` after a change."),
                Arg::bool("sysctl_set").default(Literal::Bool(false)).doc("Compare and set the present value too."),
                Arg::bool("ignoreerrors").default(Literal::Bool(false)).doc("Pass over unknown parameters."),
                Arg::path("sysctl_file").default(Literal::Str("/etc/sysctl.conf")).doc("The file."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let name = args.name.trim().to_owned();
        let wanted = normal(args.value.as_deref().unwrap_or_default());
        let present = args.state == State::Present;
        for (bad, what) in [(name.is_empty(), "name"), (present && args.value.as_deref() == Some(""), "value")] {
            if bad {
                return Err(Failure::new(format!("{what} cannot be blank")));
            }
        }
        let sysctl = required(host, "sysctl")?;
        let out = query(host, &plain(Command::new(&sysctl).args(["-e", "-n", &name])))?;
        let now = out.ok().then(|| out.stdout_text());
        let same = now.as_deref().is_some_and(|n| n.split_whitespace().eq(wanted.split_whitespace()));
        let path = Path::new(&args.sysctl_file);
        let text = host.read_text(path).unwrap_or_default();
        let in_file = entries(&text).filter(|(k, _)| *k == name).last().map(|(_, v)| v.to_owned());
        let write = match (&in_file, present) {
            (None, true) => true,
            (None, false) => false,
            (Some(v), false) => !v.is_empty(),
            (Some(v), true) => *v != wanted,
        };
        let mut changed = write || in_file.is_some() && present && args.reload && !same;
        let mut set = None;
        if args.sysctl_set && present && !same {
            changed = true;
            set = now.is_some().then(|| wanted.clone());
        }
        if host.stat(path).is_ok() {
            changed |= args.attrs.resolve(host, path, call)?.differences(host, path)?.any();
        }
        if !changed {
            return Ok(Plan::Done(Outcome::unchanged()));
        }
        let content = write.then(|| fixed(&text, &name, present.then_some(wanted.as_str())));
        Ok(Plan::Work(Work { args: Args { name, ..args }, sysctl, set, content }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { args, sysctl, set, content } = work;
        let path = Path::new(&args.sysctl_file);
        let lenient: &[&str] = if args.ignoreerrors { &["-e"] } else { &[] };
        if let Some(value) = set {
            let pair = format!("{}={value}", args.name);
            let out = execute(host, &plain(Command::new(&sysctl).args(lenient.iter().copied()).args(["-w", &pair])))?;
            if refused(&out) {
                return Err(Failure::new(format!("setting {} failed: {}", args.name, said(&out))));
            }
        }
        if let Some(text) = content {
            host.write(path, &mut text.as_bytes(), &WriteOptions::default())
                .map_err(|e| Failure::io(format!("Failed to write to file {}", path.display()), &e))?;
        }
        if host.stat(path).is_ok() {
            args.attrs.resolve(host.observe(), path, call)?.apply(host, path)?;
        }
        if args.reload {
            let command = Command::new(&sysctl).args(lenient.iter().copied()).args(["-p", &args.sysctl_file]);
            let out = execute(host, &plain(command))?;
            if refused(&out) {
                return Err(Failure::new(format!("Failed to reload sysctl: {}", said(&out))));
            }
        }
        Ok(Outcome::changed(true))
    }
}

fn plain(command: Command) -> Command {
    ["LANG", "LC_ALL", "LC_MESSAGES"].iter().fold(command, |c, n| c.env(n, "C"))
}

fn said(out: &Output) -> String {
    out.stdout_text() + &out.stderr_text()
}

/// sysctl may fail to set a value and end with 0 all the same.
fn refused(out: &Output) -> bool {
    let stderr = out.stderr_text();
    !out.ok()
        || stderr.lines().any(|l| {
            l.starts_with("sysctl: setting key \"")
                && (l.ends_with(": Invalid argument") || l.ends_with(": Read-only file system"))
        })
}

fn normal(value: &str) -> String {
    match value.to_lowercase().as_str() {
        "y" | "yes" | "on" | "1" | "true" | "t" => "1".to_owned(),
        "n" | "no" | "off" | "0" | "false" | "f" => "0".to_owned(),
        _ => value.trim().to_owned(),
    }
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    line.split_once('=').map(|(k, v)| (k.trim(), v.trim()))
}

fn entries(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(entry)
}

/// The file with the parameter set or gone; each parameter stays once, written `key=value`.
fn fixed(text: &str, name: &str, value: Option<&str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut out = String::new();
    for line in text.lines() {
        match entry(line) {
            None => out.push_str(line.trim()),
            Some((key, _)) if seen.contains(&key) => continue,
            Some((key, old)) => {
                seen.push(key);
                match (key == name, value) {
                    (true, None) => continue,
                    (true, Some(value)) => out.push_str(&format!("{key}={value}")),
                    (false, _) => out.push_str(&format!("{key}={old}")),
                }
            }
        }
        out.push('\n');
    }
    if let (Some(value), false) = (value, seen.contains(&name)) {
        out.push_str(&format!("{name}={value}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const SYSCTL: Entry = Entry::of::<Sysctl>();
    const ASK: &str = "/usr/sbin/sysctl -e -n vm.swappiness";

    fn host() -> Fake {
        Fake::new()
            .file_mode("/usr/sbin/sysctl", "", 0o755)
            .file("/etc/sysctl.conf", "# c\nvm.swappiness = 60\na.b = 1\nvm.swappiness=50\n")
            .answer(ASK, 0, "60\n")
            .effect("/usr/sbin/sysctl -p /etc/sysctl.conf", 0, "", |h| h.set_answer(ASK, 0, "10\n"))
            .effect("/usr/sbin/sysctl -w vm.swappiness=10", 0, "", |h| h.set_answer(ASK, 0, "10\n"))
    }

    #[test]
    fn sets_in_the_file_and_reloads() {
        let mut host = host();
        let out = case(&SYSCTL, json!({"name": "vm.swappiness", "value": 10, "sysctl_set": true}), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(host.text("/etc/sysctl.conf"), "# c\nvm.swappiness=10\na.b=1\n");
        assert_eq!(host.executed().len(), 2);
        assert!(case(&SYSCTL, json!({"name": "vm.swappiness", "state": "absent"}), &mut host).unwrap().changed);
        assert_eq!(host.text("/etc/sysctl.conf"), "# c\na.b=1\n");
    }

    #[test]
    fn refusal_of_the_kernel_fails() {
        let mut host = host().answer_err(
            "/usr/sbin/sysctl -p /etc/sysctl.conf",
            0,
            "",
            "sysctl: setting key \"vm.swappiness\": Invalid argument\n",
        );
        let failure = run(&SYSCTL, json!({"name": "vm.swappiness", "value": "x"}), &mut host, false).unwrap_err();
        assert!(failure.msg.starts_with("Failed to reload sysctl: "), "{}", failure.msg);
    }
}
