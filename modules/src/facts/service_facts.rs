//! `ansible.builtin.service_facts`: services and their states, from sysvinit, upstart, chkconfig, OpenRC and systemd.

use super::scene::Scene;
use super::shared::{captures, facts, single};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Kind, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Command, Observe, Output};
use fancy_regex::Regex;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

pub struct ServiceFacts;

#[derive(Deserialize)]
pub struct Args {}

/// For one program; scripts that ask every service for its status are slow.
const LIMIT: Duration = Duration::from_secs(120);

/// States in which a unit's file has nothing to say.
const BAD_STATES: [&str; 3] = ["not-found", "masked", "failed"];

impl Module for ServiceFacts {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: "\
- name: Learn which services there are
  ansible.builtin.service_facts:
",
        returns: &[Return {
            name: "ansible_facts",
            when: "always",
            doc: "`services`: name → `name`, `state`, `status`, `source`.",
        }],
        ..ModuleSpec::new("ansible.builtin.service_facts", "Tells services and their states as facts", ARGS)
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(_: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Self::Work>, Failure> {
        let scene = Scene::new(host, call, LIMIT);
        let mut services = JsonMap::new();
        scan_scripts(&scene, &mut services);
        scan_systemd(&scene, &mut services)?;
        let warnings = scene.take_warnings();
        let outcome = if services.is_empty() {
            let msg = "Failed to find any services. This can be due to privileges or some other configuration issue.";
            Outcome { skipped: true, warnings, ..Outcome::unchanged() }.with("msg", msg)
        } else {
            Outcome { facts: Some(single("services", services)), warnings, ..Outcome::unchanged() }
        };
        Ok(Plan::Done(outcome))
    }
    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }
    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}

const ARGS: &[Arg] = &[];

fn run(scene: &Scene, command: Option<Command>) -> Output {
    command.and_then(|command| scene.run(&command)).unwrap_or(Output { rc: 1, ..Output::default() })
}

fn scan_scripts(scene: &Scene, services: &mut JsonMap) {
    let has = |program: &str| scene.host.which(program).is_some();
    let (chkconfig, rc_status) = (has("chkconfig"), has("rc-status"));
    if has("service") && !chkconfig && !rc_status {
        sysvinit(scene, services);
    }
    if has("initctl") && !chkconfig {
        upstart(scene, services);
    } else if chkconfig {
        red_hat(scene, services);
    } else if rc_status && has("rc-update") {
        openrc(scene, services);
    }
}

fn sysvinit(scene: &Scene, services: &mut JsonMap) {
    let output = run(scene, scene.tool("service", &["--status-all"]));
    if output.rc == 4 && !scene.exists("/etc/init.d") {
        return;
    }
    if output.rc != 0 {
        scene.warn(format!("Unable to query 'service' tool ({}): {}", output.rc, output.stderr_text()));
    }
    for line in output.stdout_text().lines() {
        let Some((state, name)) = line.trim_start().strip_prefix("[ ").and_then(|rest| rest.split_once(" ]")) else {
            continue;
        };
        let state = match state {
            "+" => "running",
            "-" => "stopped",
            _ => continue,
        };
        let name = name.trim_start();
        services.insert(name.to_owned(), facts! { "name" => name, "state" => state, "source" => "sysv" }.into());
    }
}

fn upstart(scene: &Scene, services: &mut JsonMap) {
    let output = run(scene, scene.tool("initctl", &["list"]));
    if !output.ok() {
        scene.warn(format!("Unable to query upstart for service data: {}", output.stderr_text()));
        return;
    }
    let Ok(pattern) = Regex::new(r"^\s?(.*)\s(\w+)/(\w+)(?:,\sprocess\s[0-9]+)?\s*$") else { return };
    for line in output.stdout_text().replace('\r', "").lines() {
        let Ok(Some(found)) = pattern.captures(line) else { continue };
        let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
        let service = facts! { "name" => part(1), "state" => part(3), "goal" => part(2), "source" => "upstart" };
        services.insert(part(1).to_owned(), service.into());
    }
}

fn red_hat(scene: &Scene, services: &mut JsonMap) {
    let levels = r"\s+0:(?:on|off)\s+1:(?:on|off)\s+2:(?:on|off)\s+3:(on|off)\s";
    let Ok(pattern) = Regex::new(&format!("^(.*?){levels}")) else { return };
    let mut output = run(scene, scene.tool("chkconfig", &[]));
    let listed = |output: &Output| output.stdout_text().lines().any(|line| pattern.is_match(line).unwrap_or(false));
    if !listed(&output) {
        if !captures(r"(?m)^.*?\s+(on|off)", &output.stdout_text()).is_empty() {
            // SLES 11
            output = run(scene, scene.tool("chkconfig", &["-l", "--allservices"]));
        } else if output.stderr_text().contains("--list") {
            // RHEL 5
            output = run(scene, scene.tool("chkconfig", &["--list"]));
        }
    }
    for line in output.stdout_text().lines() {
        let Ok(Some(found)) = pattern.captures(line) else { continue };
        let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
        let name = part(1);
        let asked = run(scene, scene.tool("service", &[name, "status"]));
        let complaint = asked.stderr_text().to_lowercase();
        let refused = ["root", "permission", "not in sudoers"].iter().any(|word| complaint.contains(word));
        let state = match asked.rc {
            0 => Json::from("running"),
            rc if refused => {
                scene.warn(format!("Insufficient permissions to query sysV service \"{name}\" and their states"));
                rc.into()
            }
            _ => "stopped".into(),
        };
        let status = if part(2) == "on" { "enabled" } else { "disabled" };
        let service = facts! { "name" => name, "state" => state, "status" => status, "source" => "sysv" };
        services.insert(name.to_owned(), service.into());
    }
}

fn openrc(scene: &Scene, services: &mut JsonMap) {
    let levels = run(scene, scene.tool("rc-update", &["show", "-v"])).stdout_text();
    let levels: JsonMap = levels
        .lines()
        .filter_map(|line| {
            let (name, levels) = line.split_once('|')?;
            let levels: Vec<&str> = levels.split('|').next()?.split_whitespace().collect();
            Some((name.trim().to_owned(), if levels.is_empty() { Json::Null } else { levels.into() }))
        })
        .collect();
    let states = run(scene, scene.tool("rc-status", &["-a", "-s", "-m"])).stdout_text();
    for line in states.lines().filter(|line| line.starts_with(' ')) {
        let line = line.replace(['[', ']'], "");
        let mut words = line.split_whitespace();
        let (Some(name), Some(state)) = (words.next(), words.next()) else { continue };
        if name == "*" {
            continue;
        }
        let Some(runlevels) = levels.get(name) else {
            scene.warn(format!("Service {name} not found in the service list"));
            continue;
        };
        let service =
            facts! { "name" => name, "runlevels" => runlevels.clone(), "state" => state, "source" => "openrc" };
        services.insert(name.to_owned(), service.into());
    }
}

/// Whether systemd is in charge, as Ansible's service modules decide it.
fn systemd_runs(scene: &Scene) -> bool {
    super::service_mgr::systemd_booted(scene)
        || scene.host.which("systemctl").is_some()
            && scene.text(Path::new("/proc/1/comm")).as_deref() == Some("systemd")
}

fn scan_systemd(scene: &Scene, services: &mut JsonMap) -> Result<(), Failure> {
    if !systemd_runs(scene) {
        return Ok(());
    }
    let list = |what: &str, more: &[&str]| {
        let args: Vec<&str> = [what, "--no-pager", "--type", "service", "--all"].iter().chain(more).copied().collect();
        scene.tool("systemctl", &args)
    };
    let (units, files) = (list("list-units", &["--plain"]), list("list-unit-files", &[]));
    scene.prepare(units.iter().chain(&files).cloned().collect());
    let (units, files) = (run(scene, units), run(scene, files));
    if units.ok() {
        for line in units.stdout_text().lines().filter(|line| line.contains(".service")) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [name, _, active, sub, ..] = fields[..] else { continue };
            // The last word belongs to the description.
            let bad = BAD_STATES.into_iter().find(|state| fields[..fields.len() - 1].contains(state));
            let state = if sub == "running" { "running" } else { "stopped" };
            put_unit(services, name, state, bad.unwrap_or(active));
        }
    } else {
        scene.warn(format!("Could not list units from systemd: {}", units.stderr_text()));
    }
    if !files.ok() {
        scene.warn(format!("Could not get unit files data from systemd: {}", files.stderr_text()));
        return Ok(());
    }
    let text = files.stdout_text();
    let listed: Result<Vec<(&str, &str)>, Failure> = text
        .lines()
        .filter(|line| line.contains(".service"))
        .map(|line| {
            let mut words = line.split_whitespace();
            let pair = words.next().zip(words.next());
            pair.ok_or_else(|| {
                Failure::new(format!("Malformed output discovered from systemd list-unit-files: {line}"))
            })
        })
        .collect();
    let listed = listed?;
    let unknown: Vec<&str> =
        listed.iter().map(|(name, _)| *name).filter(|name| !services.contains_key(*name)).collect();
    let states = active_states(scene, &unknown);
    for (name, status) in listed {
        match services.get_mut(name) {
            None => {
                let state = unknown.iter().position(|unit| *unit == name).and_then(|at| states.get(at));
                put_unit(services, name, state.map_or("unknown", String::as_str), status);
            }
            Some(service) if !BAD_STATES.iter().any(|bad| service["status"] == *bad) => {
                service["status"] = status.into()
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// `ActiveState` of units, in order; one call for all of them instead of one each. Templates, which cannot be shown, are
/// `unknown`.
fn active_states(scene: &Scene, units: &[&str]) -> Vec<String> {
    let is_template = |unit: &str| unit.contains("@.");
    let shown: Vec<&str> = units.iter().copied().filter(|unit| !is_template(unit)).collect();
    let mut answers = Vec::new();
    if !shown.is_empty() {
        let args: Vec<&str> = ["show", "--property=ActiveState", "--"].iter().chain(&shown).copied().collect();
        let output = run(scene, scene.tool("systemctl", &args));
        answers = captures(r"(?m)^ActiveState=(.*)$", &output.stdout_text());
    }
    // One answer for each unit, or else it is not known which is whose.
    let mut answers = answers.into_iter();
    let complete = answers.len() == shown.len();
    let answer = |unit: &&str| {
        let known = if complete && !is_template(unit) { answers.next() } else { None };
        known.unwrap_or_else(|| "unknown".to_owned())
    };
    units.iter().map(answer).collect()
}

fn put_unit(services: &mut JsonMap, name: &str, state: &str, status: &str) {
    let unit = facts! { "name" => name, "state" => state, "status" => status, "source" => "systemd" };
    services.insert(name.to_owned(), unit.into());
}
