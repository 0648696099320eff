//! `service`: services of whatever init system runs the host; on systemd it is `systemd_service`.

use super::generic::{self, Generic};
use super::shared::is_systemd;
use super::systemd::{self, Scope, State, Systemd};
use super::sysvinit::{self, Sysvinit};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::Path;

pub struct Service;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    #[serde(rename = "use")]
    manager: String,
    name: Option<String>,
    state: Option<State>,
    enabled: Option<bool>,
    sleep: Option<u64>,
    pattern: Option<String>,
    runlevel: String,
    arguments: String,
    force: Option<bool>,
    masked: Option<bool>,
    daemon_reload: bool,
    daemon_reexec: bool,
    scope: Scope,
    no_block: bool,
}

pub enum Work {
    Systemd(systemd::Work, Vec<String>),
    Sysvinit(sysvinit::Work),
    Generic(generic::Work),
}

impl Module for Service {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[systemd::ARGS],
        rules: &[Rule::RequiredOneOf(&["state", "enabled", "masked", "daemon_reload", "daemon_reexec"])],
        examples: "- name: Run nginx now and on boot\n  ansible.builtin.service:\n    name: nginx\n    state: started\n    enabled: true\n",
        differs: "Chooses by the host itself, without facts.",
        ..ModuleSpec::new(
            "ansible.builtin.service",
            "Controls services with the host's own init system.",
            &[
                Arg::str("use")
                    .default(Literal::Str("auto"))
                    .doc("`auto`, `systemd`, `sysvinit`, `openrc` or `service`."),
                Arg::int("sleep").doc("Pause between stop and start of a restart, in seconds."),
                Arg::str("pattern").doc("Text of a line of `ps` that tells the service is running."),
                Arg::str("runlevel").default(Literal::Str("default")).doc("OpenRC's run level for `enabled`."),
                Arg::str("arguments")
                    .aliases(&["args"])
                    .default(Literal::Str(""))
                    .doc("Further arguments for the script."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let Some(name) = args.name.clone() else {
            return Err(Failure::new("missing required arguments: name"));
        };
        let manager = manager(&args.manager, host)?;
        if manager == Manager::Systemd {
            let warnings = unused(&args);
            let args = systemd::Args {
                name: args.name,
                state: args.state,
                enabled: args.enabled,
                force: args.force,
                masked: args.masked,
                daemon_reload: args.daemon_reload,
                daemon_reexec: args.daemon_reexec,
                scope: args.scope,
                no_block: args.no_block,
            };
            return Ok(match Systemd::plan(args, host, call)? {
                Plan::Done(outcome) => Plan::Done(with_warnings(outcome, warnings)),
                Plan::Work(work) => Plan::Work(Work::Systemd(work, warnings)),
            });
        }
        for (given, option) in [
            (args.masked.is_some(), "masked"),
            (args.daemon_reload, "daemon_reload"),
            (args.daemon_reexec, "daemon_reexec"),
            (args.scope != Scope::System, "scope"),
            (args.no_block, "no_block"),
        ] {
            if given {
                return Err(Failure::new(format!(
                    "Unsupported parameters for (service) module: {option}. This host does not run systemd."
                )));
            }
        }
        if manager == Manager::Sysvinit {
            let args = sysvinit::Args {
                name,
                state: args.state,
                enabled: args.enabled,
                sleep: args.sleep.unwrap_or(1),
                pattern: args.pattern,
                arguments: (!args.arguments.is_empty()).then_some(args.arguments),
                runlevels: None,
                _daemonize: false,
            };
            return Ok(match Sysvinit::plan(args, host, call)? {
                Plan::Done(outcome) => Plan::Done(outcome),
                Plan::Work(work) => Plan::Work(Work::Sysvinit(work)),
            });
        }
        let generic = Generic {
            name,
            state: args.state,
            enabled: args.enabled,
            sleep: args.sleep,
            pattern: args.pattern,
            runlevel: args.runlevel,
            arguments: args.arguments,
        };
        Ok(match generic::plan(generic, host)? {
            Plan::Done(outcome) => Plan::Done(outcome),
            Plan::Work(work) => Plan::Work(Work::Generic(work)),
        })
    }

    fn preview(work: &Work, call: &Call) -> Outcome {
        match work {
            Work::Systemd(work, warnings) => with_warnings(Systemd::preview(work, call), warnings.clone()),
            Work::Sysvinit(work) => Sysvinit::preview(work, call),
            Work::Generic(work) => work.preview(),
        }
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        match work {
            Work::Systemd(work, warnings) => Ok(with_warnings(Systemd::apply(work, host, call)?, warnings)),
            Work::Sysvinit(work) => Sysvinit::apply(work, host, call),
            Work::Generic(work) => work.apply(host),
        }
    }
}

fn with_warnings(mut outcome: Outcome, warnings: Vec<String>) -> Outcome {
    outcome.warnings.splice(0..0, warnings);
    outcome
}

/// Arguments that Ansible drops with a warning where systemd runs the host.
fn unused(args: &Args) -> Vec<String> {
    [
        ("pattern", args.pattern.is_some()),
        ("runlevel", args.runlevel != "default"),
        ("sleep", args.sleep.is_some()),
        ("arguments", !args.arguments.is_empty()),
    ]
    .iter()
    .filter(|(_, given)| *given)
    .map(|(name, _)| format!("Ignoring \"{name}\" as it is not used in \"systemd\""))
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manager {
    Systemd,
    Sysvinit,
    /// OpenRC and anything else with a `service` program or init scripts.
    Generic,
}

/// Chooses as Ansible's `service_mgr` fact does.
fn manager(asked: &str, host: &dyn Observe) -> Result<Manager, Failure> {
    match asked.to_lowercase().rsplit('.').next().unwrap_or_default() {
        "auto" => {}
        "systemd" | "systemd_service" => return Ok(Manager::Systemd),
        "sysvinit" => return Ok(Manager::Sysvinit),
        "service" | "openrc" | "upstart" => return Ok(Manager::Generic),
        _ => {
            return Err(Failure::new(format!(
                "use: {asked} is not supported; the service managers are auto, systemd, sysvinit, openrc and service"
            )));
        }
    }
    let first = host.read_text(Path::new("/proc/1/comm")).unwrap_or_default();
    let first = first.trim();
    // A shell as process 1 is a container's; `init` can be anything.
    let telling = !first.is_empty() && first != "init" && !first.ends_with("sh");
    Ok(match first {
        "systemd" => Manager::Systemd,
        _ if telling => Manager::Generic,
        _ if is_systemd(host) => Manager::Systemd,
        _ if host.which("initctl").is_some() && host.is_dir(Path::new("/etc/init")) => Manager::Generic,
        _ if host.exists(Path::new("/sbin/openrc")) => Manager::Generic,
        _ if systemd_offline(host) => Manager::Systemd,
        _ if host.is_dir(Path::new("/etc/init.d")) => Manager::Sysvinit,
        _ => Manager::Generic,
    })
}

fn systemd_offline(host: &dyn Observe) -> bool {
    host.which("systemctl").is_some()
        && host.read_link(Path::new("/sbin/init")).is_ok_and(|l| l.file_name().is_some_and(|n| n == "systemd"))
}
