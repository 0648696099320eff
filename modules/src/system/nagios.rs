//! `community.general.nagios`: commands to Nagios by its pipe.

use crate::contract::{
    Arg, ArgType, Call, CheckMode, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::steps::execute;
use crate::host::{Change, Command, FileKind, Observe};
use serde::Deserialize;
use std::path::Path;
use std::time::UNIX_EPOCH;

pub struct Nagios;

#[derive(Deserialize)]
pub struct Args {
    action: String,
    author: String,
    comment: String,
    host: Option<String>,
    servicegroup: Option<String>,
    start: Option<String>,
    minutes: i64,
    cmdfile: Option<String>,
    services: Option<Vec<String>>,
    command: Option<String>,
}

pub struct Work {
    file: String,
    lines: Vec<String>,
}

const fn needs(action: &'static str, required: &'static [&'static str]) -> Rule {
    Rule::RequiredIf { arg: "action", value: Literal::Str(action), required, any: false }
}

/// Where the configuration may be, by kind of system.
const CONFIGURATIONS: &[&str] = &[
    "/etc/nagios/nagios.cfg",
    "/etc/nagios3/nagios.cfg",
    "/etc/nagios2/nagios.cfg",
    "/usr/local/etc/nagios/nagios.cfg",
    "/usr/local/groundwork/nagios/etc/nagios.cfg",
    "/omd/sites/oppy/tmp/nagios/nagios.cfg",
    "/usr/local/nagios/etc/nagios.cfg",
    "/usr/local/nagios/nagios.cfg",
    "/opt/nagios/etc/nagios.cfg",
    "/opt/nagios/nagios.cfg",
    "/etc/icinga/icinga.cfg",
    "/usr/local/icinga/etc/icinga.cfg",
];

impl Module for Nagios {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        kind: Kind::Imperative,
        rules: &[
            needs("downtime", &["host", "services"]),
            needs("delete_downtime", &["host", "services"]),
            needs("silence", &["host"]),
            needs("unsilence", &["host"]),
            needs("enable_alerts", &["host", "services"]),
            needs("disable_alerts", &["host", "services"]),
            needs("command", &["command"]),
            needs("servicegroup_host_downtime", &["host", "servicegroup"]),
            needs("servicegroup_service_downtime", &["host", "servicegroup"]),
            needs("acknowledge", &["host", "services"]),
            needs("forced_check", &["host", "services"]),
        ],
        examples: "- name: No alarms for a while\n  community.general.nagios:\n    action: downtime\n    host: web1\n    services: host\n    minutes: 30\n",
        returns: &[Return { name: "nagios_commands", when: "always", doc: "What Nagios was told." }],
        differs: "`acknowledge` of the services `all` is refused: Nagios has no such command.",
        ..ModuleSpec::new(
            "community.general.nagios",
            "Commands to Nagios by its pipe.",
            &[
                Arg::str("action")
                    .required()
                    .choices(&[
                        "downtime",
                        "delete_downtime",
                        "silence",
                        "unsilence",
                        "enable_alerts",
                        "disable_alerts",
                        "silence_nagios",
                        "unsilence_nagios",
                        "command",
                        "servicegroup_host_downtime",
                        "servicegroup_service_downtime",
                        "acknowledge",
                        "forced_check",
                    ])
                    .doc("What to tell it."),
                Arg::str("author").default(Literal::Str("Ansible")).doc("Who tells."),
                Arg::str("comment").default(Literal::Str("Scheduling downtime")).doc("Why."),
                Arg::str("host").doc("The host that it is about."),
                Arg::str("servicegroup").doc("The group of services that it is about."),
                Arg::str("start").doc("When a downtime starts, in seconds since the epoch; by default now."),
                Arg::int("minutes").default(Literal::Int(30)).doc("How long a downtime is."),
                Arg::str("cmdfile").doc("The pipe; by default that of the configuration."),
                Arg::list("services", ArgType::Str)
                    .aliases(&["service"])
                    .doc("The services that it is about, or `host` or `all`."),
                Arg::str("command").doc("A command in Nagios' words."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let file = args.cmdfile.clone().or_else(|| configured(host)).filter(|f| !f.is_empty());
        let file = file.ok_or_else(|| Failure::new("unable to locate nagios.cfg"))?;
        if args.action == "acknowledge" && args.services.as_deref() == Some(&["all".to_owned()]) {
            return Err(Failure::new("Nagios has no command to acknowledge all problems of a host: name the services"));
        }
        let start = args.start.as_ref().map(|text| {
            text.trim().parse::<i64>().map_err(|_| Failure::new(format!("start is no number of seconds: {text}")))
        });
        let now = host.now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let now = i64::try_from(now).unwrap_or_default();
        let commands = commands(&args, now, start.transpose()?);
        let lines: Vec<String> = commands.into_iter().map(|c| format!("[{now}] {c}")).collect();
        if !lines.is_empty() {
            let told = |msg: &str| Failure::new(msg).with("cmdfile", file.clone());
            let stat = host.stat(Path::new(&file)).map_err(|_| told("nagios command file does not exist"))?;
            if stat.kind != FileKind::Fifo {
                return Err(told("nagios command file is not a fifo file"));
            }
        }
        Ok(Plan::Work(Work { file, lines }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        for line in &work.lines {
            let shell =
                Command::new("/bin/sh").args(["-c", "exec cat > \"$0\"", &work.file]).stdin(format!("{line}\n"));
            if !execute(host, &shell)?.ok() {
                let failure = Failure::new("unable to write to nagios command file");
                return Err(failure.with("cmdfile", work.file));
            }
        }
        Ok(Outcome::changed(true).with("nagios_commands", work.lines))
    }
}

fn configured(host: &dyn Observe) -> Option<String> {
    CONFIGURATIONS.iter().find_map(|path| {
        let text = host.read_text(Path::new(path)).ok()?;
        let line = text.lines().find(|line| line.starts_with("command_file"))?;
        line.split('=').nth(1).map(|file| file.trim().to_owned())
    })
}

/// The commands, without the time before them.
fn commands(args: &Args, now: i64, start: Option<i64>) -> Vec<String> {
    let host = args.host.as_deref().unwrap_or_default();
    let group = args.servicegroup.as_deref().filter(|g| !g.is_empty());
    let services = args.services.clone().unwrap_or_default();
    let whole = match services.as_slice() {
        [one] if one == "host" || one == "all" => Some(one == "host"),
        _ => None,
    };
    let (author, comment) = (&args.author, &args.comment);
    let begin = start.unwrap_or(now);
    let seconds = args.minutes * 60;
    let downtime = format!("{begin};{};1;0;{seconds};{author};{comment}", begin + seconds);
    let check = (now + 3).to_string();
    // A command for the host, for all services of the host, and for a service.
    let by_service = |names: [&str; 3], rest: &str| -> Vec<String> {
        let rest = if rest.is_empty() { String::new() } else { format!(";{rest}") };
        match whole {
            Some(true) => vec![format!("{};{host}{rest}", names[0])],
            Some(false) => vec![format!("{};{host}{rest}", names[1])],
            None => services.iter().map(|service| format!("{};{host};{service}{rest}", names[2])).collect(),
        }
    };
    match args.action.as_str() {
        "downtime" => {
            by_service(["SCHEDULE_HOST_DOWNTIME", "SCHEDULE_HOST_SVC_DOWNTIME", "SCHEDULE_SVC_DOWNTIME"], &downtime)
        }
        "acknowledge" => by_service(
            ["ACKNOWLEDGE_HOST_PROBLEM", "ACKNOWLEDGE_HOST_PROBLEM", "ACKNOWLEDGE_SVC_PROBLEM"],
            &format!("0;1;0;{author};{comment}"),
        ),
        "forced_check" => by_service(
            ["SCHEDULE_FORCED_HOST_CHECK", "SCHEDULE_FORCED_HOST_SVC_CHECKS", "SCHEDULE_FORCED_SVC_CHECK"],
            &check,
        ),
        "enable_alerts" => {
            by_service(["ENABLE_HOST_NOTIFICATIONS", "ENABLE_HOST_SVC_NOTIFICATIONS", "ENABLE_SVC_NOTIFICATIONS"], "")
        }
        "disable_alerts" => by_service(
            ["DISABLE_HOST_NOTIFICATIONS", "DISABLE_HOST_SVC_NOTIFICATIONS", "DISABLE_SVC_NOTIFICATIONS"],
            "",
        ),
        "delete_downtime" => {
            let one = |service: &str, comment: &str| format!("DEL_DOWNTIME_BY_HOST_NAME;{host};{service};;{comment}");
            match whole {
                Some(true) => vec![one("", &args.comment)],
                Some(false) => vec![one("", "")],
                None => services.iter().map(|service| one(service, &args.comment)).collect(),
            }
        }
        "servicegroup_host_downtime" => {
            group.iter().map(|g| format!("SCHEDULE_SERVICEGROUP_HOST_DOWNTIME;{g};{downtime}")).collect()
        }
        "servicegroup_service_downtime" => {
            group.iter().map(|g| format!("SCHEDULE_SERVICEGROUP_SVC_DOWNTIME;{g};{downtime}")).collect()
        }
        "silence" | "unsilence" => {
            let word = if args.action == "silence" { "DISABLE" } else { "ENABLE" };
            ["HOST_SVC", "HOST"].iter().map(|what| format!("{word}_{what}_NOTIFICATIONS;{host}")).collect()
        }
        "silence_nagios" => vec!["DISABLE_NOTIFICATIONS".to_owned()],
        "unsilence_nagios" => vec!["ENABLE_NOTIFICATIONS".to_owned()],
        _ => vec![args.command.clone().unwrap_or_default()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json, validate};
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;

    const MODULE: Entry = Entry::of::<Nagios>();

    fn told(args: Json) -> Vec<String> {
        let args = validate(MODULE.spec, args.as_object().cloned().unwrap()).unwrap();
        commands(&serde_json::from_value(args.into()).unwrap(), 1000, None)
    }

    #[test]
    fn what_nagios_is_told() {
        let downtime = "1000;2800;1;0;1800;Ansible;Scheduling downtime";
        for (args, lines) in [
            (json!({"action": "downtime", "services": "host"}), vec![format!("SCHEDULE_HOST_DOWNTIME;web;{downtime}")]),
            (
                json!({"action": "downtime", "service": "all"}),
                vec![format!("SCHEDULE_HOST_SVC_DOWNTIME;web;{downtime}")],
            ),
            (
                json!({"action": "downtime", "services": ["a", "b"]}),
                vec![
                    format!("SCHEDULE_SVC_DOWNTIME;web;a;{downtime}"),
                    format!("SCHEDULE_SVC_DOWNTIME;web;b;{downtime}"),
                ],
            ),
            (
                json!({"action": "delete_downtime", "services": "all"}),
                vec!["DEL_DOWNTIME_BY_HOST_NAME;web;;;".to_owned()],
            ),
            (
                json!({"action": "delete_downtime", "services": "a", "comment": "x"}),
                vec!["DEL_DOWNTIME_BY_HOST_NAME;web;a;;x".to_owned()],
            ),
            (
                json!({"action": "forced_check", "services": "a"}),
                vec!["SCHEDULE_FORCED_SVC_CHECK;web;a;1003".to_owned()],
            ),
            (
                json!({"action": "acknowledge", "services": "a", "author": "me", "comment": "x"}),
                vec!["ACKNOWLEDGE_SVC_PROBLEM;web;a;0;1;0;me;x".to_owned()],
            ),
            (
                json!({"action": "silence"}),
                vec!["DISABLE_HOST_SVC_NOTIFICATIONS;web".to_owned(), "DISABLE_HOST_NOTIFICATIONS;web".to_owned()],
            ),
            (json!({"action": "enable_alerts", "services": "a"}), vec!["ENABLE_SVC_NOTIFICATIONS;web;a".to_owned()]),
            (
                json!({"action": "command", "command": "START_EXECUTING_HOST_CHECKS"}),
                vec!["START_EXECUTING_HOST_CHECKS".to_owned()],
            ),
        ] {
            let mut args = args;
            args["host"] = "web".into();
            assert_eq!(told(args), lines);
        }
    }

    #[test]
    fn what_cannot_be() {
        let configuration = "log_file=/l\ncommand_file=/run/nagios.cmd\n";
        let mut host = Fake::new().file("/etc/nagios3/nagios.cfg", configuration).file("/plain", "");
        for (args, message) in [
            (json!({"action": "silence_nagios"}), "nagios command file does not exist"),
            (json!({"action": "silence_nagios", "cmdfile": "/plain"}), "nagios command file is not a fifo file"),
            (json!({"action": "silence"}), "action is silence but all of the following are missing: host"),
            (
                json!({"action": "acknowledge", "host": "a", "services": "all"}),
                "Nagios has no command to acknowledge all problems of a host: name the services",
            ),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
        let failure = run(&MODULE, json!({"action": "silence_nagios"}), &mut Fake::new(), false).unwrap_err();
        assert_eq!(failure.msg, "unable to locate nagios.cfg");
    }
}
