//! `sysvinit`: services with init scripts, through update-rc.d or chkconfig and the scripts themselves.

use super::shared::{in_process_list, missing, sysv_enabled, sysv_script};
use super::systemd::State;
use crate::contract::{Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, query};
use crate::host::{Change, Command, Observe, Output, split_words};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

pub struct Sysvinit;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    pub name: String,
    pub state: Option<State>,
    pub enabled: Option<bool>,
    pub sleep: u64,
    pub pattern: Option<String>,
    pub arguments: Option<String>,
    pub runlevels: Option<Vec<String>>,
    /// Accepted: a script's children never hold the helper's pipes, so nothing has to be detached.
    #[serde(rename = "daemonize")]
    pub _daemonize: bool,
}

/// Commands for the boot links and for the running service.
pub struct Work {
    args: Args,
    enable: Option<Command>,
    script: PathBuf,
    actions: Vec<&'static str>,
    preview: Outcome,
}

impl Module for Sysvinit {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredOneOf(&["state", "enabled"])],
        examples: "- name: Start apache and enable it in two run levels\n  ansible.builtin.sysvinit:\n    name: apache2\n    state: started\n    enabled: true\n    runlevels: ['3', '5']\n",
        ..ModuleSpec::new(
            "ansible.builtin.sysvinit",
            "Controls services with SysV init scripts.",
            &[
                Arg::str("name").required().aliases(&["service"]).doc("Name of the service."),
                Arg::str("state")
                    .choices(&["started", "stopped", "restarted", "reloaded"])
                    .doc("`restarted` and `reloaded` act each time."),
                Arg::bool("enabled").doc("Whether the service starts on boot."),
                Arg::int("sleep").default(Literal::Int(1)).doc("Pause between stop and start, in seconds."),
                Arg::str("pattern").doc("Text of a line of `ps` that tells the service is running."),
                Arg::str("arguments").aliases(&["args"]).doc("Further arguments for the script."),
                Arg::list("runlevels", ArgType::Str).doc("Run levels to which `enabled` applies."),
                Arg::bool("daemonize").default(Literal::Bool(false)).doc("Accepted; has no effect."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let script = sysv_script(host, &args.name).ok_or_else(|| missing(&args.name, &args.name))?;
        let mut outcome = Outcome::unchanged().with("name", args.name.as_str());
        let running = is_running(&args, host, &mut outcome.warnings)?;
        let levels = args.runlevels.clone().unwrap_or_default();
        let (enable, enable_changes) = match args.enabled {
            Some(wanted) => {
                let differs = if levels.is_empty() {
                    sysv_enabled(host, &args.name, None) != wanted
                } else {
                    levels.iter().any(|l| sysv_enabled(host, &args.name, Some(l)) != wanted)
                };
                (if differs { boot_command(host, &args.name, wanted, &levels) } else { None }, differs)
            }
            None => (None, false),
        };
        let actions: Vec<&'static str> = match args.state {
            None => Vec::new(),
            Some(State::Started) => {
                if running {
                    Vec::new()
                } else {
                    vec!["start"]
                }
            }
            Some(State::Stopped) => {
                if running {
                    vec!["stop"]
                } else {
                    Vec::new()
                }
            }
            Some(State::Restarted) => vec!["stop", "start"],
            Some(State::Reloaded) => vec!["reload"],
        };
        let part = |changed: bool| serde_json::json!({"changed": changed, "rc": null, "stdout": null, "stderr": null});
        let mut status = JsonMap::new();
        status.insert("enabled".to_owned(), part(enable_changes));
        if !levels.is_empty() {
            status["enabled"]["runlevels"] = levels.into();
        }
        if let Some(state) = args.state {
            status.insert(state.name().to_owned(), part(!actions.is_empty()));
        }
        outcome.set("status", status);
        outcome.changed = enable_changes || !actions.is_empty();
        if !outcome.changed {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { args, enable, script, actions, preview: outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, enable, script, actions, mut preview } = work;
        let mut note = |key: &str, out: &Output| {
            if let Some(Json::Object(part)) = preview.values.get_mut("status").and_then(|s| s.get_mut(key)) {
                part.insert("rc".to_owned(), out.rc.into());
                part.insert("stdout".to_owned(), out.stdout_text().into());
                part.insert("stderr".to_owned(), out.stderr_text().into());
            }
        };
        if let Some(command) = enable {
            let out = execute(host, &command)?;
            if out.stderr_text().contains("illegal runlevel specified") {
                return Err(Failure::new(format!(
                    "Illegal runlevel specified for enable operation on service {}",
                    args.name
                )));
            }
            note("enabled", &out);
        }
        for action in &actions {
            let extra = split_words(args.arguments.as_deref().unwrap_or_default()).map_err(Failure::new)?;
            let out = execute(host, &Command::new(&script).arg(*action).args(extra))?;
            if !out.ok() {
                let whole = if actions.len() == 2 { "restart" } else { action };
                return Err(Failure::new(format!("Failed to {whole} service: {}", args.name))
                    .with("rc", out.rc)
                    .with("stdout", out.stdout_text())
                    .with("stderr", out.stderr_text()));
            }
            note(args.state.map_or("", State::name), &out);
            if actions.len() == 2 {
                std::thread::sleep(Duration::from_secs(args.sleep));
            }
        }
        Ok(preview)
    }
}

fn boot_command(host: &dyn Observe, name: &str, enable: bool, levels: &[String]) -> Option<Command> {
    if let Some(tool) = host.which("update-rc.d") {
        let action = match (enable, levels.is_empty()) {
            (true, true) => "defaults",
            (true, false) => "enable",
            (false, _) => "disable",
        };
        return Some(Command::new(tool).args([name, action]).args(levels));
    }
    let tool = host.which("chkconfig")?;
    let command = Command::new(tool);
    let command = if levels.is_empty() { command } else { command.args(["--level".to_owned(), levels.concat()]) };
    Some(command.args([name, if enable { "on" } else { "off" }]))
}

/// Asks `service NAME status` (or the script), and judges by its words before its exit code.
pub fn is_running(args: &Args, host: &dyn Observe, warnings: &mut Vec<String>) -> Result<bool, Failure> {
    if let Some(pattern) = &args.pattern {
        return in_process_list(host, pattern);
    }
    let command = match (host.which("service"), sysv_script(host, &args.name)) {
        (Some(service), _) => Command::new(service).args([args.name.as_str(), "status"]),
        (None, Some(script)) => Command::new(script).arg("status"),
        (None, None) => return Err(Failure::new("Unable to determine service status")),
    };
    let out = query(host, &command)?;
    let stdout = out.stdout_text();
    if args.name == "iptables" && stdout.contains("ACCEPT") {
        return Ok(true);
    }
    if stdout.matches('\n').count() <= 1 {
        let said = stdout.to_lowercase().replace(&args.name.to_lowercase(), "");
        if ["stop", "is dead ", "dead but ", "could not access pid file", "inactive"].iter().any(|w| said.contains(w)) {
            return Ok(false);
        }
        if ["run", "start", "active"].iter().any(|w| said.contains(w)) && !said.contains("not ") {
            return Ok(true);
        }
    }
    match out.rc {
        1..=4 | 69 => Ok(false),
        0 => Ok(true),
        _ if in_process_list(host, &args.name)? => {
            warnings.push(
                "Used ps output to match service name and determine it is up, this is very unreliable".to_owned(),
            );
            Ok(true)
        }
        _ => {
            warnings.push("Unable to determine if service is up, assuming it is down".to_owned());
            Ok(false)
        }
    }
}
