//! `community.general.capabilities`: what a program may do beyond its user's rights.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Capabilities;

#[derive(Deserialize)]
pub struct Args {
    path: String,
    capability: String,
    state: String,
}

pub struct Work {
    setcap: PathBuf,
    path: String,
    state: String,
    caps: Vec<Capability>,
}

/// `cap_net_raw+ep`: name, operator with flags.
#[derive(Clone, Debug, PartialEq)]
struct Capability {
    name: String,
    flags: String,
}

impl Module for Capabilities {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Let a program take low ports\n  community.general.capabilities:\n    path: /opt/app/bin/app\n    capability: cap_net_bind_service+ep\n",
        returns: &[
            Return { name: "msg", when: "changed", doc: "What was done." },
            Return { name: "stdout", when: "changed, not in check mode", doc: "What `setcap` said." },
            Return { name: "state", when: "not in check mode, or unchanged", doc: "The wanted state." },
        ],
        ..ModuleSpec::new(
            "community.general.capabilities",
            "What a program may do beyond its user's rights.",
            &[
                Arg::str("path").required().aliases(&["key"]).doc("The program."),
                Arg::str("capability").required().aliases(&["cap"]).doc("The capability, with operator and flags."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the program has it."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let path = args.path.trim();
        let (getcap, setcap) = (required(host, "getcap")?, required(host, "setcap")?);
        let present = args.state == "present";
        let text = args.capability.trim().to_lowercase();
        let wanted = match parse(&text) {
            Err(_) if !present => Capability { name: text, flags: String::new() },
            parsed => parsed?,
        };
        let mut caps = current(path, &Command::new(getcap).args(["-v", path]), host)?;
        let done = match present {
            true => caps.contains(&wanted),
            false => caps.iter().all(|c| c.name != wanted.name),
        };
        if done {
            return Ok(Plan::Done(Outcome::unchanged().with("state", args.state)));
        }
        caps.retain(|c| c.name != wanted.name);
        caps.extend(present.then_some(wanted));
        Ok(Plan::Work(Work { setcap, path: path.to_owned(), state: args.state, caps }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true).with("msg", "capabilities changed")
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let caps: Vec<String> = work.caps.iter().map(|c| format!("{}{}", c.name, c.flags)).collect();
        let out = execute(host, &Command::new(&work.setcap).args([caps.join(" ").as_str(), &work.path]))?;
        if !out.ok() {
            return Err(Failure::new(format!("Unable to set capabilities of {}", work.path))
                .with("stdout", out.stdout_text())
                .with("stderr", out.stderr_text()));
        }
        Ok(Self::preview(&work, call).with("state", work.state).with("stdout", out.stdout_text()))
    }
}

fn parse(text: &str) -> Result<Capability, Failure> {
    let at = ['=', '-', '+'].iter().find_map(|op| text.find(*op));
    let at = at.ok_or_else(|| Failure::new("Couldn't find operator (one of: ('=', '-', '+'))"))?;
    Ok(Capability { name: text[..at].to_owned(), flags: text[at..].to_owned() })
}

/// `PATH`, `PATH = a,b+ep c+i` of older versions, `PATH a,b=ep` of newer ones.
fn current(path: &str, command: &Command, host: &dyn Observe) -> Result<Vec<Capability>, Failure> {
    let out = query(host, command)?;
    let stdout = out.stdout_text();
    let told = stdout.trim();
    let refused = || {
        Err(Failure::new(format!("Unable to get capabilities of {path}"))
            .with("stdout", told)
            .with("stderr", out.stderr_text()))
    };
    if !out.ok() || !out.stderr.is_empty() {
        return refused();
    }
    if told == path {
        return Ok(Vec::new());
    }
    let words = match (told.split_once(" ="), told.strip_prefix(path)) {
        (Some((_, words)), _) => words,
        (None, _) if told.ends_with(')') => return refused(),
        (None, Some(words)) => words,
        (None, None) => return refused(),
    };
    let mut caps = Vec::new();
    for word in words.split_whitespace().map(str::to_lowercase) {
        let group = parse(&word)?;
        caps.extend(group.name.split(',').map(|name| Capability { name: name.to_owned(), flags: group.flags.clone() }));
    }
    Ok(caps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const CAPABILITIES: Entry = Entry::of::<Capabilities>();
    const GET: &str = "getcap -v /opt/app";

    #[test]
    fn gives_and_takes() {
        let mut host = Fake::new().answer(GET, 0, "/opt/app cap_chown,cap_kill=ep\n").answer("setcap", 0, "");
        for (args, set, after) in [
            (
                json!({"path": "/opt/app", "cap": "CAP_KILL+i"}),
                "cap_chown=ep cap_kill+i",
                "/opt/app = cap_chown=ep cap_kill+i\n",
            ),
            (
                json!({"path": "/opt/app", "cap": "cap_kill", "state": "absent"}),
                "cap_chown=ep",
                "/opt/app cap_chown=ep\n",
            ),
        ] {
            host = host.effect("setcap ...", 0, "", move |h| h.set_answer(GET, 0, after));
            host.clear_log();
            assert!(case(&CAPABILITIES, args, &mut host).unwrap().changed);
            assert_eq!(host.executed(), [format!("/usr/bin/setcap {set} /opt/app")]);
        }
    }

    #[test]
    fn refusals() {
        let mut host = Fake::new().answer(GET, 0, "/opt/app (No such file or directory)\n").answer("setcap", 0, "");
        let mut failed =
            |cap: &str| run(&CAPABILITIES, json!({"path": "/opt/app", "cap": cap}), &mut host, false).unwrap_err().msg;
        assert_eq!(failed("cap_kill+ep"), "Unable to get capabilities of /opt/app");
        assert_eq!(failed("cap_kill"), "Couldn't find operator (one of: ('=', '-', '+'))");
    }
}
