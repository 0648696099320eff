//! `hostname`: the name of the host, now and after a boot.

use crate::contract::{Arg, Call, Diff, Failure, Json, JsonMap, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{Steps, query, required};
use crate::host::{Change, Command, Observe};
use crate::services::is_systemd;
use serde::Deserialize;
use std::path::Path;

pub struct Hostname;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    #[serde(rename = "use")]
    strategy: Option<String>,
}

/// How a system keeps its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    Systemd,
    /// A file that holds only the name.
    File(&'static str),
    /// The same, and `hostname -F` for the present name.
    Alpine,
    /// `HOSTNAME=` in `/etc/sysconfig/network`.
    RedHat,
    /// `hostname=` in `/etc/conf.d/hostname`.
    OpenRc,
    /// Nothing that lasts.
    Generic,
}

impl Module for Hostname {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: "- name: Name the host as the inventory does\n  ansible.builtin.hostname:\n    name: web01.example.com\n",
        returns: &[Return { name: "ansible_facts", when: "always", doc: "The host's name in the facts that tell it." }],
        ..ModuleSpec::new(
            "ansible.builtin.hostname",
            "Manages the host's name.",
            &[
                Arg::str("name").required().doc("The name."),
                Arg::str("use")
                    .choices(&[
                        "alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc",
                        "redhat", "sles", "solaris", "systemd",
                    ])
                    .doc("How the name is kept; found out without."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let strategy = strategy(&args, host)?;
        let name = args.name.as_str();
        let mut steps = Steps::default();
        let (current, permanent) = match strategy {
            Strategy::Systemd => systemd(name, host, &mut steps)?,
            Strategy::File(path) => {
                let now = host.read_text(Path::new(path)).unwrap_or_default().trim().to_owned();
                if now != name {
                    steps.write(path, format!("{name}\n"), None);
                }
                (now.clone(), now)
            }
            Strategy::Alpine => {
                let now = host.read_text(Path::new("/etc/hostname")).unwrap_or_default().trim().to_owned();
                if now != name {
                    steps.write("/etc/hostname", format!("{name}\n"), None);
                    steps.run(Command::new(required(host, "hostname")?).args(["-F", "/etc/hostname"]));
                }
                (now.clone(), now)
            }
            Strategy::RedHat => keyed("/etc/sysconfig/network", "HOSTNAME", name, host, &mut steps)?,
            Strategy::OpenRc => keyed("/etc/conf.d/hostname", "hostname", name, host, &mut steps)?,
            Strategy::Generic => {
                let hostname = required(host, "hostname")?;
                let now = query(host, &Command::new(&hostname))?.stdout_text().trim().to_owned();
                if now != name {
                    steps.run(Command::new(hostname).arg(name));
                }
                (now.clone(), now)
            }
        };
        let changed = !steps.steps.is_empty();
        let mut outcome = Outcome::changed(changed).with("name", name);
        outcome.facts = Some(facts(name, host));
        if changed {
            let before = if name == current { permanent } else { current };
            outcome.diff.push(Diff {
                before: Some(format!("hostname = {before}\n").into()),
                after: Some(format!("hostname = {name}\n").into()),
                ..Diff::default()
            });
        }
        steps.outcome = outcome;
        Ok(if changed { Plan::Work(steps) } else { Plan::Done(steps.outcome) })
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let name = work.outcome.values["name"].as_str().unwrap_or_default().to_owned();
        let mut outcome = work.apply(host)?;
        outcome.facts = Some(facts(&name, host.observe()));
        Ok(outcome)
    }
}

fn strategy(args: &Args, host: &dyn Observe) -> Result<Strategy, Failure> {
    let release = host.read_text(Path::new("/etc/os-release")).unwrap_or_default();
    let ids: Vec<&str> = release
        .lines()
        .filter_map(|l| l.strip_prefix("ID=").or_else(|| l.strip_prefix("ID_LIKE=")))
        .flat_map(|v| v.trim_matches('"').split_whitespace())
        .collect();
    Ok(match args.strategy.as_deref() {
        Some("systemd" | "debian") => Strategy::Systemd,
        Some("alpine") => Strategy::Alpine,
        Some("redhat") => Strategy::RedHat,
        Some("openrc") => Strategy::OpenRc,
        Some("sles") => Strategy::File("/etc/HOSTNAME"),
        Some("generic") => Strategy::Generic,
        Some(other) => return Err(Failure::new(format!("use: {other} is not for Linux"))),
        None if is_systemd(host) => Strategy::Systemd,
        None if ids.contains(&"alpine") => Strategy::Alpine,
        None if ids.contains(&"gentoo") => Strategy::OpenRc,
        None if ids.iter().any(|i| matches!(*i, "rhel" | "centos" | "fedora")) => Strategy::RedHat,
        None if ids.iter().any(|i| matches!(*i, "debian" | "ubuntu")) => Strategy::File("/etc/hostname"),
        None if ids.iter().any(|i| matches!(*i, "sles" | "suse")) => Strategy::File("/etc/HOSTNAME"),
        None => {
            let distribution = ids.first().unwrap_or(&"unknown");
            return Err(Failure::new(format!("hostname module cannot be used on platform Linux ({distribution})")));
        }
    })
}

/// The permanent name first: NetworkManager does not like it the other way round.
fn systemd(name: &str, host: &dyn Observe, steps: &mut Steps) -> Result<(String, String), Failure> {
    let hostnamectl = required(host, "hostnamectl")?;
    let ask = |kind: &str| -> Result<String, Failure> {
        let out = query(host, &Command::new(&hostnamectl).args([kind, "status"]))?;
        if out.ok() {
            return Ok(out.stdout_text().trim().to_owned());
        }
        let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
        Err(Failure::new(format!("Command failed rc={}, out={stdout}, err={stderr}", out.rc)))
    };
    let (current, permanent) = (ask("--transient")?, ask("--static")?);
    if name.len() > 64 && (current != name || permanent != name) {
        return Err(Failure::new("name cannot be longer than 64 characters on systemd servers, try a shorter name"));
    }
    if permanent != name {
        steps.run(Command::new(&hostnamectl).args(["--pretty", "--static", "set-hostname", name]));
    }
    if current != name {
        steps.run(Command::new(&hostnamectl).args(["--transient", "set-hostname", name]));
    }
    Ok((current, permanent))
}

/// A file in which the name is one variable among others.
fn keyed(
    path: &str,
    key: &str,
    name: &str,
    host: &dyn Observe,
    steps: &mut Steps,
) -> Result<(String, String), Failure> {
    let text = host.read_text(Path::new(path)).map_err(|e| Failure::io("failed to read hostname", &e))?;
    let is_key = |line: &str| line.trim().split('=').next().is_some_and(|k| k.trim() == key);
    let quote = if key == "hostname" { "\"" } else { "" };
    let value = text.lines().find(|l| is_key(l)).and_then(|l| l.split_once('=')).map(|(_, v)| v.trim());
    let now = value.unwrap_or_default().trim_matches(['"', '\'']).to_owned();
    if now != name {
        let line = format!("{key}={quote}{name}{quote}\n");
        let mut out: String = text.lines().map(|l| if is_key(l) { line.clone() } else { format!("{l}\n") }).collect();
        if value.is_none() {
            out.push_str(&line);
        }
        steps.write(path, out, None);
    }
    Ok((now.clone(), now))
}

/// The facts that a new name changes; the full name as the host's resolver has it.
fn facts(name: &str, host: &dyn Observe) -> JsonMap {
    let node = host.uname().node;
    let found = host.query(&Command::new("getent").args(["hosts", &node])).ok().filter(|o| o.ok());
    let names = found.map(|o| o.stdout_text()).unwrap_or_default();
    let full = names.split_whitespace().skip(1).find(|n| n.contains('.')).unwrap_or(&node).to_owned();
    let domain = full.split_once('.').map_or("", |(_, d)| d).to_owned();
    let short = name.split('.').next().unwrap_or_default();
    [("ansible_hostname", short), ("ansible_nodename", name), ("ansible_fqdn", &full), ("ansible_domain", &domain)]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), Json::from(v)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    const HOSTNAME: Entry = Entry::of::<Hostname>();

    #[test]
    fn systemd_sets_the_permanent_name_first() {
        let ctl = "/usr/bin/hostnamectl";
        let mut host = Fake::new()
            .file_mode(ctl, "", 0o755)
            .file_mode("/usr/bin/systemctl", "", 0o755)
            .dir("/run/systemd/system")
            .answer("/usr/bin/hostnamectl --transient status", 0, "old\n")
            .answer("/usr/bin/hostnamectl --static status", 0, "old\n")
            .effect("/usr/bin/hostnamectl --pretty --static set-hostname web.x", 0, "", |h| {
                h.set_answer("/usr/bin/hostnamectl --static status", 0, "web.x\n");
            })
            .effect("/usr/bin/hostnamectl --transient set-hostname web.x", 0, "", |h| {
                h.set_answer("/usr/bin/hostnamectl --transient status", 0, "web.x\n");
            });
        let out = case(&HOSTNAME, json!({"name": "web.x"}), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(out.facts.unwrap()["ansible_hostname"], "web");
        assert_eq!(out.diff[0].before, Some("hostname = old\n".into()));
        assert!(host.executed()[0].contains("--static"));
    }

    #[test]
    fn debian_without_systemd_keeps_a_file() {
        let mut host = Fake::new().file("/etc/os-release", "ID=debian\n").file("/etc/hostname", "old\n");
        assert!(case(&HOSTNAME, json!({"name": "new"}), &mut host).unwrap().changed);
        assert_eq!(host.text("/etc/hostname"), "new\n");
    }
}
