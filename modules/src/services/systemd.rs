//! `systemd_service` (also called `systemd`): units, through systemctl.

use super::shared::{is_chroot, missing, sysv_enabled, sysv_script};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::PathBuf;

/// `systemd_service`.
pub struct Systemd;

/// The same under its older name, `systemd`.
pub struct SystemdAlias;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Started,
    Stopped,
    Restarted,
    Reloaded,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Started => "started",
            State::Stopped => "stopped",
            State::Restarted => "restarted",
            State::Reloaded => "reloaded",
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Args {
    pub name: Option<String>,
    pub state: Option<State>,
    pub enabled: Option<bool>,
    pub force: Option<bool>,
    pub masked: Option<bool>,
    pub daemon_reload: bool,
    pub daemon_reexec: bool,
    pub scope: Scope,
    pub no_block: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    #[default]
    System,
    User,
    Global,
}

/// The arguments that `service` passes on.
pub const ARGS: &[Arg] = &[
    Arg::str("name").aliases(&["service", "unit"]).doc("Name of the unit; `.service` may be left out."),
    Arg::str("state")
        .choices(&["reloaded", "restarted", "started", "stopped"])
        .doc("`restarted` and `reloaded` act each time."),
    Arg::bool("enabled").doc("Whether the unit starts on boot."),
    Arg::bool("force").doc("Overwrite existing links."),
    Arg::bool("masked").doc("Whether the unit is masked: it cannot be started at all."),
    Arg::bool("daemon_reload")
        .aliases(&["daemon-reload"])
        .default(Literal::Bool(false))
        .doc("Read unit files again before anything else."),
    Arg::bool("daemon_reexec")
        .aliases(&["daemon-reexec"])
        .default(Literal::Bool(false))
        .doc("Execute the manager again before anything else."),
    Arg::str("scope")
        .choices(&["system", "user", "global"])
        .default(Literal::Str("system"))
        .doc("Which manager: the system's, the calling user's, or all users'."),
    Arg::bool("no_block").default(Literal::Bool(false)).doc("Do not wait until the operation has finished."),
];

/// What a call does after reloading the manager.
#[derive(Default)]
pub struct Decision {
    /// Command line and the words before its error in the failure's message.
    commands: Vec<(Command, Blame)>,
    outcome: Outcome,
}

enum Blame {
    Mask { found: bool, unit: String, action: &'static str },
    Enable { unit: String, action: &'static str },
    State { unit: String, action: String },
}

pub struct Work {
    args: Args,
    systemctl: Systemctl,
    decision: Decision,
}

impl Module for Systemd {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredOneOf(&["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]),
            Rule::RequiredBy { arg: "state", required: &["name"] },
            Rule::RequiredBy { arg: "enabled", required: &["name"] },
            Rule::RequiredBy { arg: "masked", required: &["name"] },
        ],
        examples: "- name: Run and enable nginx after its unit has changed\n  ansible.builtin.systemd_service:\n    name: nginx\n    state: started\n    enabled: true\n    daemon_reload: true\n",
        returns: &[Return {
            name: "status",
            when: "success",
            doc: "The unit's properties before the change, as `systemctl show` tells them.",
        }],
        ..ModuleSpec::new("ansible.builtin.systemd_service", "Controls systemd units.", ARGS)
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if let Some(name) = &args.name
            && let Some(glob) = ["*", "?", "["].iter().find(|g| name.contains(**g))
        {
            return Err(Failure::new(format!(
                "This module does not currently support using glob patterns, found '{glob}' in service name: {name}"
            )));
        }
        let systemctl = Systemctl::new(&args, host, call)?;
        let reload = args.daemon_reload || args.daemon_reexec;
        if reload && !call.check {
            // Units are looked at after the manager has read them again.
            return Ok(Plan::Work(Work { args, systemctl, decision: Decision::default() }));
        }
        let decision = decide(&args, &systemctl, host)?;
        Ok(if decision.commands.is_empty() {
            Plan::Done(decision.outcome)
        } else {
            Plan::Work(Work { args, systemctl, decision })
        })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.decision.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, systemctl, mut decision } = work;
        let mut warnings = Vec::new();
        for (wanted, what) in [(args.daemon_reload, "daemon-reload"), (args.daemon_reexec, "daemon-reexec")] {
            if !wanted {
                continue;
            }
            let out = execute(host, &systemctl.command(&[what]))?;
            if !out.ok() {
                let stderr = out.stderr_text();
                if !offline(host.observe()) {
                    return Err(Failure::new(format!("failure {} during {what}: {stderr}", out.rc)));
                }
                warnings.push(format!(
                    "{what} failed, but target is a chroot or systemd is offline. Continuing. Error was: {} / {stderr}",
                    out.rc
                ));
            }
        }
        if args.daemon_reload || args.daemon_reexec {
            decision = decide(&args, &systemctl, host.observe())?;
        }
        decision.outcome.warnings.splice(0..0, warnings);
        for (command, blame) in decision.commands {
            let out = execute(host, &command)?;
            if !out.ok() {
                return Err(blame.failure(&out));
            }
        }
        Ok(decision.outcome)
    }
}

impl Module for SystemdAlias {
    const SPEC: ModuleSpec = ModuleSpec {
        name: "ansible.builtin.systemd",
        examples: "- name: Read changed units again\n  ansible.builtin.systemd:\n    daemon_reload: true\n",
        ..Systemd::SPEC
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        Systemd::plan(args, host, call)
    }
    fn preview(work: &Work, call: &Call) -> Outcome {
        Systemd::preview(work, call)
    }
    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        Systemd::apply(work, host, call)
    }
}

impl Blame {
    fn failure(self, out: &Output) -> Failure {
        let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
        match self {
            Blame::Mask { found: false, unit, .. } => missing(&unit, "host"),
            Blame::Mask { unit, action, .. } => {
                Failure::new(format!("Failed to {action} the service ({unit}): {}", stderr.trim()))
            }
            Blame::Enable { unit, action } => {
                Failure::new(format!("Unable to {action} service {unit}: {stdout}{stderr}"))
            }
            Blame::State { unit, action } => Failure::new(format!("Unable to {action} service {unit}: {stderr}")),
        }
    }
}

fn offline(host: &dyn Observe) -> bool {
    is_chroot(host) || host.env("SYSTEMD_OFFLINE").as_deref() == Some("1")
}

/// systemctl with the options that every call of the task has.
struct Systemctl {
    program: PathBuf,
    options: Vec<&'static str>,
    runtime_dir: Option<String>,
}

impl Systemctl {
    fn new(args: &Args, host: &dyn Observe, call: &Call) -> Result<Self, Failure> {
        let mut options = Vec::new();
        match args.scope {
            Scope::System => {}
            Scope::User => options.push("--user"),
            Scope::Global => options.push("--global"),
        }
        if args.no_block {
            options.push("--no-block");
        }
        if args.force == Some(true) {
            options.push("--force");
        }
        let known = call.environment.contains_key("XDG_RUNTIME_DIR") || host.env("XDG_RUNTIME_DIR").is_some();
        let runtime_dir = (!known).then(|| format!("/run/user/{}", host.euid()));
        Ok(Systemctl { program: required(host, "systemctl")?, options, runtime_dir })
    }

    fn command(&self, words: &[&str]) -> Command {
        let command = Command::new(&self.program).args(self.options.iter().copied()).args(words.iter().copied());
        match &self.runtime_dir {
            Some(dir) => command.env("XDG_RUNTIME_DIR", dir.as_str()),
            None => command,
        }
    }
}

/// Reads the output of `systemctl show`. Only values of `Exec*` may span lines.
pub fn parse_show(text: &str) -> JsonMap {
    let mut parsed = JsonMap::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        if let Some((key, mut lines)) = open.take() {
            lines.push(line);
            if line.trim_end().ends_with('}') {
                parsed.insert(key, lines.join("\n").trim().into());
            } else {
                open = Some((key, lines));
            }
        } else if let Some((key, value)) = line.split_once('=') {
            if key.starts_with("Exec") && value.trim_start().starts_with('{') && !value.trim_end().ends_with('}') {
                open = Some((key.to_owned(), vec![value]));
            } else {
                parsed.insert(key.to_owned(), value.trim().into());
            }
        }
    }
    parsed
}

fn ignored(text: &str) -> bool {
    !text.contains('=') && (text.contains("ignoring request") || text.contains("ignoring command"))
}

struct Unit {
    status: JsonMap,
    /// systemd knows it.
    systemd: bool,
}

impl Unit {
    fn property(&self, name: &str) -> Option<&str> {
        self.status.get(name).and_then(Json::as_str)
    }

    fn look(name: &str, systemctl: &Systemctl, host: &dyn Observe) -> Result<Self, Failure> {
        let ask = |words: &[&str]| query(host, &systemctl.command(words));
        let out = ask(&["show", name])?;
        let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
        if out.ok() && !ignored(&stdout) && !ignored(&stderr) {
            let unit = Unit { status: parse_show(&stdout), systemd: false };
            let load = unit.property("LoadState");
            if let (Some(load), Some(error)) = (load, unit.property("LoadError"))
                && load != "not-found"
                && load != "masked"
            {
                return Err(Failure::new(format!("Error loading unit file '{name}': {error}")));
            }
            let systemd = load.is_some_and(|l| l != "not-found");
            return Ok(Unit { systemd, ..unit });
        }
        if out.rc == 1 && stderr.contains("Failed to parse bus message") {
            let mut status = parse_show(&stdout);
            let template = name.split_inclusive('@').next().unwrap_or(name);
            let listed = ask(&["list-unit-files", &format!("{template}*")])?;
            let active = ask(&["is-active", name])?;
            status.insert("ActiveState".to_owned(), active.stdout_text().trim_end_matches('\n').into());
            return Ok(Unit { status, systemd: listed.stdout_text().contains(template) });
        }
        const STATES: &[&str] = &[
            "enabled",
            "enabled-runtime",
            "linked",
            "linked-runtime",
            "masked",
            "masked-runtime",
            "static",
            "indirect",
            "disabled",
            "generated",
            "transient",
        ];
        let enabled = ask(&["is-enabled", name])?;
        let mut systemd = STATES.contains(&enabled.stdout_text().trim());
        if !systemd {
            systemd = ask(&["list-unit-files", name])?.ok();
            if !systemd {
                let alone = ask(&[])?;
                if !alone.ok() {
                    return Err(Failure::new(alone.stderr_text().trim_end().to_owned())
                        .with("rc", alone.rc)
                        .with("stdout", alone.stdout_text())
                        .with("stderr", alone.stderr_text()));
                }
            }
        }
        Ok(Unit { status: JsonMap::new(), systemd })
    }
}

fn decide(args: &Args, systemctl: &Systemctl, host: &dyn Observe) -> Result<Decision, Failure> {
    let mut decision = Decision::default();
    let Some(name) = &args.name else {
        decision.outcome = Outcome::unchanged().with("name", Json::Null).with("status", JsonMap::new());
        return Ok(decision);
    };
    let unit = Unit::look(name, systemctl, host)?;
    let sysv = sysv_script(host, name).is_some();
    let found = unit.systemd || sysv;
    let mut outcome = Outcome::unchanged().with("name", name.as_str()).with("status", unit.status.clone());
    if sysv && !unit.systemd {
        outcome
            .warnings
            .push(format!("The service ({name}) is actually an init script but the system is managed by systemd"));
    }
    if let Some(wanted) = args.masked {
        let now = query(host, &systemctl.command(&["is-enabled", name]))?.stdout_text().trim() == "masked";
        if now != wanted {
            let action = if wanted { "mask" } else { "unmask" };
            let blame = Blame::Mask { found, unit: name.clone(), action };
            decision.commands.push((systemctl.command(&[action, name]), blame));
        }
    }
    if let Some(wanted) = args.enabled {
        if !found {
            return Err(missing(name, "host"));
        }
        let now = is_enabled(args, name, sysv, systemctl, host)?;
        if now != wanted {
            let action = if wanted { "enable" } else { "disable" };
            let blame = Blame::Enable { unit: name.clone(), action };
            decision.commands.push((systemctl.command(&[action, name]), blame));
        }
        outcome.set("enabled", wanted);
    }
    if let Some(wanted) = args.state {
        if !found {
            return Err(missing(name, "host"));
        }
        state(wanted, name, &unit, systemctl, host, &mut decision, &mut outcome)?;
    }
    outcome.changed = !decision.commands.is_empty();
    decision.outcome = outcome;
    Ok(decision)
}

fn is_enabled(args: &Args, name: &str, sysv: bool, systemctl: &Systemctl, host: &dyn Observe) -> Result<bool, Failure> {
    let out = query(host, &systemctl.command(&["is-enabled", name, "-l"]))?;
    let text = out.stdout_text();
    Ok(match out.rc {
        // Enabled until the next boot, indirectly or by an alias only: systemd is to make it so for good.
        0 => !matches!(text.trim_end(), "enabled-runtime" | "indirect" | "alias"),
        1 => {
            args.scope == Scope::System && sysv && !text.trim().ends_with("disabled") && sysv_enabled(host, name, None)
        }
        _ => false,
    })
}

fn state(
    wanted: State,
    name: &str,
    unit: &Unit,
    systemctl: &Systemctl,
    host: &dyn Observe,
    decision: &mut Decision,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    outcome.set("state", wanted.name());
    let Some(active) = unit.property("ActiveState") else {
        if offline(host) {
            outcome.warnings.push("Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.".to_owned());
            return Ok(());
        }
        return Err(Failure::new("Service is in unknown state").with("status", unit.status.clone()));
    };
    let running = matches!(active, "active" | "activating");
    let action = match wanted {
        State::Started => (!running).then_some("start"),
        State::Stopped => (running || active == "deactivating").then_some("stop"),
        State::Restarted | State::Reloaded => {
            outcome.set("state", "started");
            Some(match wanted {
                _ if !running => "start",
                State::Restarted => "restart",
                _ => "reload",
            })
        }
    };
    if let Some(action) = action {
        let blame = Blame::State { unit: name.to_owned(), action: action.to_owned() };
        decision.commands.push((systemctl.command(&[action, name]), blame));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;

    const UNIT: Entry = Entry::of::<Systemd>();

    fn host(show: &str, enabled: &str) -> Fake {
        let rc = i32::from(enabled != "enabled");
        let show_after = show.replace("inactive", "active");
        Fake::new()
            .file_mode("/usr/bin/systemctl", "", 0o755)
            .answer("/usr/bin/systemctl show nginx", 0, show)
            .answer("/usr/bin/systemctl is-enabled nginx -l", rc, &format!("{enabled}\n"))
            .answer("/usr/bin/systemctl is-enabled nginx", rc, &format!("{enabled}\n"))
            .answer("/usr/bin/systemctl daemon-reload", 0, "")
            .answer("/usr/bin/systemctl reload nginx", 0, "")
            .effect("/usr/bin/systemctl enable nginx", 0, "", |h| {
                h.set_answer("/usr/bin/systemctl is-enabled nginx -l", 0, "enabled\n");
            })
            .effect("/usr/bin/systemctl start nginx", 0, "", move |h| {
                h.set_answer("/usr/bin/systemctl show nginx", 0, &show_after);
            })
    }

    #[test]
    fn starts_and_enables_a_stopped_unit() {
        let mut host = host("LoadState=loaded\nActiveState=inactive\nExecStart={ path=/x ;\n two }\n", "disabled");
        let out = case(&UNIT, json!({"name": "nginx", "state": "started", "enabled": true}), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["enabled"], true);
        assert_eq!(out.values["status"]["ActiveState"], "inactive");
        assert_eq!(out.values["status"]["ExecStart"], "{ path=/x ;\n two }");
        assert_eq!(host.executed(), ["/usr/bin/systemctl enable nginx", "/usr/bin/systemctl start nginx"]);
    }

    #[test]
    fn running_unit_is_left_alone() {
        let mut host = host("LoadState=loaded\nActiveState=active\n", "enabled");
        let out = case(&UNIT, json!({"name": "nginx", "state": "started", "enabled": true}), &mut host).unwrap();
        assert!(!out.changed && host.executed().is_empty());
    }

    #[test]
    fn reload_comes_before_everything_and_is_no_change() {
        let mut host = host("LoadState=loaded\nActiveState=active\n", "enabled");
        let out = case(&UNIT, json!({"daemon_reload": true, "name": "nginx", "state": "started"}), &mut host).unwrap();
        assert!(!out.changed);
        assert_eq!(host.executed(), ["/usr/bin/systemctl daemon-reload"]);
        let out = once(&UNIT, json!({"name": "nginx", "state": "reloaded"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["state"]), (true, &json!("started")));
    }

    #[test]
    fn unknown_unit_fails() {
        let mut host = host("LoadState=not-found\nActiveState=inactive\n", "disabled");
        let failure = run(&UNIT, json!({"name": "nginx", "state": "started"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Could not find the requested service nginx: host");
        let failure = run(&UNIT, json!({"state": "started"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "missing parameter(s) required by 'state': name");
    }
}
