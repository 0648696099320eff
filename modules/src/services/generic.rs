//! Services through OpenRC, `service` and init scripts: hosts that run neither systemd nor plain SysV init.

use super::shared::{in_process_list, links, missing, sysv_enabled, sysv_script};
use super::systemd::State;
use crate::contract::{Failure, Outcome, Plan};
use crate::host::steps::{execute, plain_english, query};
use crate::host::{Change, Command, Observe, Output, split_words};
use std::path::PathBuf;
use std::time::Duration;

pub struct Generic {
    pub name: String,
    pub state: Option<State>,
    pub enabled: Option<bool>,
    pub sleep: Option<u64>,
    pub pattern: Option<String>,
    pub runlevel: String,
    pub arguments: String,
}

/// How the host's services are driven.
enum Control {
    OpenRc {
        service: PathBuf,
        update: PathBuf,
    },
    /// `service NAME ACTION`, or the script itself.
    Script {
        program: PathBuf,
        with_name: bool,
        enable: Option<PathBuf>,
    },
}

pub struct Work {
    args: Generic,
    control: Control,
    enable: Vec<Command>,
    actions: Vec<&'static str>,
    outcome: Outcome,
}

fn control(args: &Generic, host: &dyn Observe) -> Result<Control, Failure> {
    if let (Some(service), Some(update)) = (host.which("rc-service"), host.which("rc-update")) {
        return Ok(Control::OpenRc { service, update });
    }
    let script = sysv_script(host, &args.name);
    let enable = ["update-rc.d", "chkconfig"].iter().find_map(|t| host.which(t));
    if script.is_none() || enable.is_none() {
        return Err(missing(&args.name, "host"));
    }
    match (host.which("service"), script) {
        (Some(program), _) => Ok(Control::Script { program, with_name: true, enable }),
        (None, Some(program)) => Ok(Control::Script { program, with_name: false, enable }),
        (None, None) => Err(missing(&args.name, "host")),
    }
}

impl Control {
    fn command(&self, args: &Generic, action: &str) -> Result<Command, Failure> {
        let extra = split_words(&args.arguments).map_err(Failure::new)?;
        let command = match self {
            Control::OpenRc { service, .. } => Command::new(service).arg(&args.name),
            Control::Script { program, with_name: true, .. } => Command::new(program).arg(&args.name),
            Control::Script { program, with_name: false, .. } => Command::new(program),
        };
        Ok(plain_english(command.arg(action).args(extra)))
    }
}

/// Whether the service runs, from its `status`: exit code first, then words.
fn is_running(args: &Generic, control: &Control, host: &dyn Observe) -> Result<bool, Failure> {
    if let Some(pattern) = &args.pattern {
        return in_process_list(host, pattern);
    }
    let out = query(host, &control.command(args, "status")?)?;
    let stdout = out.stdout_text();
    if let Control::OpenRc { .. } = control {
        return Ok(stdout.contains("started"));
    }
    if matches!(out.rc, 1..=4 | 69) {
        return Ok(false);
    }
    if stdout.matches('\n').count() <= 1 {
        let said = stdout.to_lowercase().replace(&args.name.to_lowercase(), "");
        if said.contains("stop") {
            return Ok(false);
        }
        if said.contains("run") {
            return Ok(!said.contains("not "));
        }
        if said.contains("start") && !said.contains("not ") {
            return Ok(true);
        }
        let dead = [
            "could not access pid file",
            "is dead and pid file exists",
            "dead but subsys locked",
            "dead but pid file exists",
        ];
        if dead.iter().any(|d| said.contains(d)) {
            return Ok(false);
        }
    }
    if out.rc == 0 || (args.name == "iptables" && stdout.contains("ACCEPT")) {
        return Ok(true);
    }
    Err(Failure::new("failed determining service state, possible typo of service name?"))
}

/// The commands that make the service start on boot, or not; none where it is so already.
fn enable(args: &Generic, control: &Control, wanted: bool, host: &dyn Observe) -> Result<Vec<Command>, Failure> {
    let name = args.name.as_str();
    match control {
        Control::OpenRc { update, .. } => {
            let out = query(host, &Command::new(update).arg("show"))?;
            let stdout = out.stdout_text();
            let levels = stdout.lines().filter_map(|l| l.split_once('|')).find(|(n, _)| n.trim() == name);
            let now = levels.is_some_and(|(_, l)| l.split_whitespace().any(|l| l == args.runlevel));
            let action = if wanted { "add" } else { "delete" };
            Ok(if now == wanted {
                Vec::new()
            } else {
                vec![Command::new(update).args([action, name, args.runlevel.as_str()])]
            })
        }
        Control::Script { enable: Some(tool), .. } if tool.ends_with("update-rc.d") => {
            if sysv_enabled(host, name, None) == wanted {
                return Ok(Vec::new());
            }
            let mut commands = Vec::new();
            let stopped = "0123456789S".chars().any(|l| !links(host, &l.to_string(), 'K', name).is_empty());
            if wanted && !stopped {
                commands.push(Command::new(tool).args([name, "defaults"]));
            }
            commands.push(Command::new(tool).args([name, if wanted { "enable" } else { "disable" }]));
            Ok(commands)
        }
        Control::Script { enable: Some(tool), .. } => {
            let action = if wanted { "on" } else { "off" };
            let out = query(host, &plain_english(Command::new(tool).args(["--list", name])))?;
            let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
            let mut commands = Vec::new();
            if stderr.contains(&format!("chkconfig --add {name}")) {
                commands.push(Command::new(tool).args(["--add", name]));
            } else if !stdout.contains(name) {
                return Err(Failure::new(format!("service {name} does not support chkconfig")));
            }
            if stdout.contains(&format!("3:{action}")) && stdout.contains(&format!("5:{action}")) {
                return Ok(commands);
            }
            commands.push(Command::new(tool).args([name, action]));
            Ok(commands)
        }
        Control::Script { enable: None, .. } => Err(Failure::new(format!(
            "cannot detect command to enable service {name}, typo or init system potentially unknown"
        ))),
    }
}

pub fn plan(args: Generic, host: &dyn Observe) -> Result<Plan<Work>, Failure> {
    let control = control(&args, host)?;
    let mut outcome = Outcome::unchanged().with("name", args.name.as_str());
    let enable = match args.enabled {
        Some(wanted) => {
            outcome.set("enabled", wanted);
            enable(&args, &control, wanted, host)?
        }
        None => Vec::new(),
    };
    let mut actions = Vec::new();
    if let Some(state) = args.state {
        let running = is_running(&args, &control, host)?;
        actions = match (state, running) {
            (State::Started, false) | (State::Reloaded, false) => vec!["start"],
            (State::Stopped, true) => vec!["stop"],
            (State::Reloaded, true) => vec!["reload"],
            (State::Restarted, _) if matches!(control, Control::OpenRc { .. }) => vec!["restart"],
            (State::Restarted, _) => vec!["stop", "start"],
            _ => Vec::new(),
        };
        outcome.set("state", if state == State::Stopped { "stopped" } else { "started" });
    }
    outcome.changed = !enable.is_empty() || !actions.is_empty();
    if !outcome.changed {
        return Ok(Plan::Done(outcome));
    }
    Ok(Plan::Work(Work { args, control, enable, actions, outcome }))
}

impl Work {
    pub fn preview(&self) -> Outcome {
        self.outcome.clone()
    }

    pub fn apply(self, host: &mut dyn Change) -> Result<Outcome, Failure> {
        for command in &self.enable {
            let out = execute(host, command)?;
            if !out.ok() {
                return Err(Failure::new(said(&out)));
            }
        }
        let (mut last, mut words) = (0, String::new());
        for (i, action) in self.actions.iter().enumerate() {
            if i > 0
                && let Some(seconds) = self.args.sleep
            {
                std::thread::sleep(Duration::from_secs(seconds));
            }
            let out = execute(host, &self.control.command(&self.args, action)?)?;
            // A stop that fails before a start that succeeds is no failure.
            last = out.rc;
            words = said(&out);
        }
        if last != 0 && !words.contains("Job is already running") {
            return Err(Failure::new(words));
        }
        Ok(self.outcome)
    }
}

fn said(out: &Output) -> String {
    let stderr = out.stderr_text();
    if stderr.is_empty() { out.stdout_text() } else { stderr }
}
