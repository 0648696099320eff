//! `ansible.posix.seboolean`: switches of SELinux's policy.

use super::shared::{is_enabled, listed, must_be_enabled, policy, semanage};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{Step, Steps, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::Path;

pub struct Seboolean;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    state: bool,
    persistent: bool,
    ignore_selinux_state: bool,
}

impl Module for Seboolean {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Let the web server connect to databases\n  ansible.posix.seboolean:\n    name: httpd_can_network_connect_db\n    state: true\n    persistent: true\n",
        returns: &[
            Return { name: "name", when: "always", doc: "The boolean, as given." },
            Return { name: "state", when: "always", doc: "The wanted state." },
            Return { name: "persistent", when: "always", doc: "Whether it is kept." },
        ],
        differs: "Works through setsebool and semanage, and needs no Python bindings. Without semanage the kept value of a boolean that was never set is taken to be the present one.",
        ..ModuleSpec::new(
            "ansible.posix.seboolean",
            "Switches of SELinux's policy.",
            &[
                Arg::str("name").required().doc("The boolean."),
                Arg::bool("state").required().doc("On or off."),
                Arg::bool("persistent").default(Literal::Bool(false)).doc("Keep it after a restart."),
                Arg::bool("ignore_selinux_state")
                    .default(Literal::Bool(false))
                    .doc("Change the kept value even where SELinux is off."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        must_be_enabled(host, args.ignore_selinux_state)?;
        let name = true_name(host, &args.name);
        let outcome = Outcome::unchanged()
            .with("name", args.name.as_str())
            .with("persistent", args.persistent)
            .with("state", args.state);
        let enabled = is_enabled(host);
        let now = match (args.persistent, enabled) {
            (true, _) => kept(host, &name, enabled)?,
            (false, true) => active(host, &name)?,
            (false, false) => args.state,
        };
        if now == args.state {
            return Ok(Plan::Done(outcome));
        }
        let word = if args.state { "on" } else { "off" };
        let command = if enabled {
            Command::new(required(host, "setsebool")?).args(args.persistent.then_some("-P")).args([name.as_str(), word])
        } else {
            semanage(host, &["boolean", "-N", "-m", &format!("--{word}"), &name])?
        };
        let failed = if args.persistent {
            format!("Failed to manage policy for boolean {name}")
        } else {
            format!("Failed to set boolean {name} to {}", i32::from(args.state))
        };
        let mut steps = Steps::new(Outcome { changed: true, ..outcome });
        steps.steps.push(Step::Run { command, failed });
        Ok(Plan::Work(steps))
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// The name that the policy has for a boolean that was renamed.
fn true_name(host: &dyn Observe, name: &str) -> String {
    let path = format!("/etc/selinux/{}/booleans.subs_dist", policy(host));
    let text = host.read_text(Path::new(&path)).unwrap_or_default();
    let new = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(name)).then(|| words.next()).flatten()
    });
    new.unwrap_or(name).to_owned()
}

/// The value in force.
fn active(host: &dyn Observe, name: &str) -> Result<bool, Failure> {
    let path = format!("/sys/fs/selinux/booleans/{name}");
    let text = host
        .read_text(Path::new(&path))
        .map_err(|_| Failure::new(format!("Failed to determine current state for boolean {name}")))?;
    Ok(text.split_whitespace().next() == Some("1"))
}

/// The value that holds after a restart.
fn kept(host: &dyn Observe, name: &str, enabled: bool) -> Result<bool, Failure> {
    let missing = || Failure::new(format!("SELinux boolean {name} is not defined in persistent policy"));
    if host.which("semanage").is_some() || !enabled {
        // `name  (on   ,   off)  what it does`: now and kept.
        let text = listed(host, &["boolean", "-l", "-n"])?;
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).ok_or_else(missing)?;
        let states = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).ok_or_else(missing)?.0;
        return Ok(states.rsplit(',').next().is_some_and(|kept| kept.trim() == "on"));
    }
    let path = format!("/var/lib/selinux/{}/active/booleans.local", policy(host));
    let text = host.read_text(Path::new(&path)).unwrap_or_default();
    let local = text.lines().filter_map(|l| l.split_once('=')).find(|(n, _)| n.trim() == name);
    match local {
        Some((_, value)) => Ok(matches!(value.trim(), "1" | "true" | "on")),
        None => active(host, name).map_err(|_| missing()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const SEBOOLEAN: Entry = Entry::of::<Seboolean>();
    const ACTIVE: &str = "/sys/fs/selinux/booleans/http_db";

    fn host() -> Fake {
        Fake::new().file("/sys/fs/selinux/enforce", "1").file(ACTIVE, "0 0")
    }

    #[test]
    fn now_and_for_good() {
        let mut host = host().effect("setsebool http_db on", 0, "", |h| h.set_file(ACTIVE, "1 1", 0o644));
        let out = case(&SEBOOLEAN, json!({"name": "http_db", "state": true}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["persistent"]), (true, &json!(false)));
        let list = "semanage boolean -l -n";
        let mut host = host.answer(list, 0, "other (off , off) x\nhttp_db   (on   ,  off)  Let it\n").effect(
            "setsebool -P http_db on",
            0,
            "",
            move |h| h.set_answer(list, 0, "http_db (on , on) x\n"),
        );
        let args = json!({"name": "http_db", "state": true, "persistent": true});
        assert!(case(&SEBOOLEAN, args, &mut host).unwrap().changed);
    }

    #[test]
    fn a_renamed_one_and_refusals() {
        let local = "/var/lib/selinux/targeted/active/booleans.local";
        let mut host =
            host().file("/etc/selinux/targeted/booleans.subs_dist", "old_db http_db\n").file(local, "http_db=1\n");
        let args = json!({"name": "old_db", "state": true, "persistent": true});
        assert!(!case(&SEBOOLEAN, args, &mut host).unwrap().changed);
        let failed = |args, mut host| run(&SEBOOLEAN, args, &mut host, true).unwrap_err().msg;
        let none = json!({"name": "none", "state": true});
        assert_eq!(failed(none.clone(), host), "Failed to determine current state for boolean none");
        assert_eq!(failed(none, Fake::new()), "SELinux is disabled on this host.");
    }
}
