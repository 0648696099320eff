//! `ansible.posix.firewalld`: what a zone of firewalld lets through, through `firewall-cmd`.

use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Firewalld;

#[derive(Deserialize)]
pub struct Args {
    service: Option<String>,
    protocol: Option<String>,
    port: Option<String>,
    port_forward: Option<Vec<Forward>>,
    rich_rule: Option<String>,
    source: Option<String>,
    interface: Option<String>,
    icmp_block: Option<String>,
    icmp_block_inversion: Option<bool>,
    zone: Option<String>,
    permanent: bool,
    immediate: bool,
    state: String,
    timeout: i64,
    forward: Option<bool>,
    masquerade: Option<bool>,
    offline: bool,
    target: Option<String>,
}

#[derive(Deserialize)]
struct Forward {
    port: String,
    proto: String,
    toport: String,
    toaddr: Option<String>,
}

const OPTIONS: &[&str] = &[
    "icmp_block",
    "icmp_block_inversion",
    "service",
    "protocol",
    "port",
    "port_forward",
    "rich_rule",
    "interface",
    "forward",
    "masquerade",
    "source",
    "target",
];
/// What `firewall-cmd` ends with where no daemon runs.
const NOT_RUNNING: i32 = 252;
const INVALID_SERVICE: i32 = 101;

/// What is to be there or not.
struct Subject {
    kind: Kind,
    wanted: bool,
    /// Told after a change.
    told: Option<String>,
}

enum Kind {
    /// `service=http`, `masquerade`: queried, added and removed under one name.
    Plain(String),
    Interface(String),
    Target(String),
    Zone(String),
}

impl Subject {
    /// Arguments that ask whether it is there.
    fn query(&self) -> String {
        match &self.kind {
            Kind::Plain(what) => format!("--query-{what}"),
            Kind::Interface(name) => format!("--query-interface={name}"),
            Kind::Target(_) => "--get-target".to_owned(),
            Kind::Zone(_) => "--get-zones".to_owned(),
        }
    }
    /// Arguments that make it so.
    fn set(&self) -> String {
        match (&self.kind, self.wanted) {
            (Kind::Plain(what), true) => format!("--add-{what}"),
            (Kind::Plain(what), false) => format!("--remove-{what}"),
            (Kind::Interface(name), true) => format!("--change-interface={name}"),
            (Kind::Interface(name), false) => format!("--remove-interface={name}"),
            (Kind::Target(target), true) => format!("--set-target={target}"),
            (Kind::Target(_), false) => "--set-target=default".to_owned(),
            (Kind::Zone(zone), true) => format!("--new-zone={zone}"),
            (Kind::Zone(zone), false) => format!("--delete-zone={zone}"),
        }
    }
    fn is_there(&self, out: &Output) -> Result<bool, Failure> {
        let text = out.stdout_text();
        match &self.kind {
            // An unknown service is not there; adding it will fail.
            Kind::Plain(_) | Kind::Interface(_) if matches!(out.rc, 0 | 1 | INVALID_SERVICE) => Ok(out.ok()),
            Kind::Target(target) if out.ok() => Ok(text.trim().trim_matches('%') == target.trim_matches('%')),
            Kind::Zone(zone) if out.ok() => Ok(text.split_whitespace().any(|z| z == zone)),
            _ => Err(refused(out, &[])),
        }
    }
    fn zone_wide(&self) -> bool {
        matches!(self.kind, Kind::Target(_) | Kind::Zone(_))
    }
}

/// What firewalld refused, as the reference tells it.
fn refused(out: &Output, messages: &[String]) -> Failure {
    let said = out.stderr_text();
    let said = said.trim().trim_start_matches("Error: ");
    let mut messages = messages.to_vec();
    if said.contains("INVALID_SERVICE") {
        let hint =
            "Services are defined by port/tcp relationship and named as they are in /etc/services (on most systems)";
        messages.push(hint.to_owned());
    }
    // What firewall-cmd finds wrong by itself does not come from the daemon.
    let from = if said.starts_with("INVALID_RULE") { "" } else { "org.fedoraproject.FirewallD1.Exception: " };
    let more = if messages.is_empty() { String::new() } else { format!(" {}", messages.join(", ")) };
    Failure::new(format!("ERROR: Exception caught: {from}{said}{more}"))
}

/// The program to call: the daemon's, or the one for files alone.
struct Tool {
    program: PathBuf,
    offline: bool,
    zone: Option<String>,
}

impl Tool {
    fn command(&self, subject: &Subject, permanent: bool, word: String) -> Command {
        let command = Command::new(&self.program).env("LC_ALL", "C");
        let command = command.args((permanent && !self.offline).then_some("--permanent"));
        let zone = self.zone.as_ref().filter(|_| !matches!(subject.kind, Kind::Zone(_)));
        command.args(zone.map(|z| format!("--zone={z}"))).arg(word)
    }
}

pub struct Work {
    commands: Vec<Command>,
    /// What failures and results tell first.
    messages: Vec<String>,
    told: Vec<String>,
}

impl Module for Firewalld {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredBy { arg: "interface", required: &["zone"] },
            Rule::RequiredBy { arg: "target", required: &["zone"] },
            Rule::RequiredBy { arg: "source", required: &["permanent"] },
            Rule::MutuallyExclusive(OPTIONS),
        ],
        examples: r#"
- name: Let HTTPS in, now and after a restart
  ansible.posix.firewalld:
    service: https
    permanent: true
    immediate: true
    state: enabled

- name: A zone of our own
  ansible.posix.firewalld:
    zone: backend
    permanent: true
    state: present

- name: One port
  ansible.posix.firewalld:
    zone: backend
    port: 8081/tcp
    permanent: true
    state: disabled
"#,
        returns: &[Return { name: "msg", when: "not in check mode", doc: "What was done, where." }],
        differs: "Works through firewall-cmd and needs no Python bindings: an interface that NetworkManager controls gets its permanent zone from NetworkManager.",
        ..ModuleSpec::new(
            "ansible.posix.firewalld",
            "What a zone of firewalld lets through.",
            &[
                Arg::str("service").doc("A service that firewalld knows."),
                Arg::str("protocol").doc("An IP protocol."),
                Arg::str("port").doc("Port or range with protocol: `80/tcp`."),
                Arg::list("port_forward", ArgType::Dict)
                    .options(&[
                        Arg::str("port").required().doc("Where traffic comes to."),
                        Arg::str("proto").required().choices(&["udp", "tcp"]).doc("Its protocol."),
                        Arg::str("toport").required().doc("Where it is sent to."),
                        Arg::str("toaddr").doc("On which address."),
                    ])
                    .doc("One port to be forwarded."),
                Arg::str("rich_rule").doc("A rule in firewalld's rich language."),
                Arg::str("source").doc("Network whose traffic belongs to the zone."),
                Arg::str("interface").doc("Interface whose traffic belongs to the zone."),
                Arg::str("icmp_block").doc("An ICMP type to be blocked."),
                Arg::bool("icmp_block_inversion").doc("Block all ICMP types but those."),
                Arg::str("zone").doc("The zone; the default one if not given."),
                Arg::bool("permanent").default(Literal::Bool(false)).doc("Change what is loaded from now on."),
                Arg::bool("immediate")
                    .default(Literal::Bool(false))
                    .doc("Change what holds now; so anyway without `permanent`."),
                Arg::str("state")
                    .required()
                    .choices(&["absent", "disabled", "enabled", "present"])
                    .doc("In force or not; for a zone itself, there or not."),
                Arg::int("timeout").default(Literal::Int(0)).doc("Seconds after which an immediate change ends."),
                Arg::bool("forward").doc("Forward packets within the zone."),
                Arg::bool("masquerade").doc("Masquerade."),
                Arg::bool("offline")
                    .default(Literal::Bool(false))
                    .doc("Where firewalld does not run, a permanent change is enough."),
                Arg::str("target").choices(&["default", "ACCEPT", "DROP", "%%REJECT%%"]).doc("The zone's target."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let mut tool = Tool { program: required(host, "firewall-cmd")?, offline: false, zone: args.zone.clone() };
        if args.offline && !args.permanent {
            return Err(Failure::new("offline cannot be enabled unless permanent changes are allowed"));
        }
        let mut immediate = args.immediate || !args.permanent;
        let Some(subject) = subject(&args)? else {
            return Ok(Plan::Done(Outcome::unchanged().with("msg", "")));
        };
        if subject.zone_wide() && immediate {
            return Err(Failure::new(
                "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or the 'immediate' flag to 'true'.",
            ));
        }
        let places =
            |immediate: bool| [args.permanent.then_some(true), immediate.then_some(false)].into_iter().flatten();
        let queries: Vec<Command> =
            places(immediate).map(|permanent| tool.command(&subject, permanent, subject.query())).collect();
        let mut answers: Vec<Output> = Vec::new();
        for answer in host.query_all(&queries) {
            answers.push(answer.map_err(|e| Failure::io("could not run firewall-cmd", &e))?);
        }
        if answers.iter().any(|a| a.rc == NOT_RUNNING) {
            immediate &= !args.offline;
            if immediate {
                return Err(Failure::new(
                    "firewall is not currently running, unable to perform immediate actions without a running firewall daemon",
                ));
            }
            tool = Tool { program: required(host, "firewall-offline-cmd")?, offline: true, ..tool };
            answers = vec![query(host, &tool.command(&subject, true, subject.query()))?];
        }
        let mut commands = Vec::new();
        for (permanent, answer) in places(immediate).zip(&answers) {
            if subject.is_there(answer)? != subject.wanted {
                let command = tool.command(&subject, permanent, subject.set());
                let limited = !permanent && subject.wanted && args.timeout > 0 && args.is_timed();
                commands.push(command.args(limited.then(|| format!("--timeout={}", args.timeout))));
            }
        }
        let about = match (args.permanent, immediate) {
            (true, true) => "Permanent and Non-Permanent(immediate) operation",
            (true, false) => "Permanent operation",
            _ => "Non-permanent operation",
        };
        let messages = vec![about.to_owned()];
        let offline = tool.offline.then(|| "(offline operation: only on-disk configs were altered)".to_owned());
        if commands.is_empty() {
            let all: Vec<String> = messages.into_iter().chain(offline).collect();
            return Ok(Plan::Done(Outcome::unchanged().with("msg", all.join(", "))));
        }
        let mut told: Vec<String> = Vec::new();
        if !call.check {
            told.extend(about_zone(&args, &subject, &tool, host)?);
        }
        told.extend(subject.told);
        told.extend(offline);
        Ok(Plan::Work(Work { commands, messages, told }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { commands, mut messages, told } = work;
        for command in &commands {
            let out = execute(host, command)?;
            if !out.ok() {
                return Err(refused(&out, &messages));
            }
        }
        messages.extend(told);
        Ok(Outcome::changed(true).with("msg", messages.join(", ")))
    }
}

impl Args {
    /// Whether firewalld can let the immediate form end after some time.
    fn is_timed(&self) -> bool {
        self.service.is_some()
            || self.protocol.is_some()
            || self.port.is_some()
            || self.port_forward.is_some()
            || self.rich_rule.is_some()
            || self.icmp_block.is_some()
    }
}

/// What the arguments speak of; nothing where they name no more than a state.
fn subject(args: &Args) -> Result<Option<Subject>, Failure> {
    let state = args.state.as_str();
    let on = state == "enabled";
    let zone_wide = ["absent", "present"].contains(&state);
    let plain = |what: String, told: String| {
        let told = Some(format!("Changed {told} to {state}"));
        Subject { kind: Kind::Plain(what), wanted: on, told }
    };
    let switch = |name: &str, given: bool| Subject { kind: Kind::Plain(name.into()), wanted: on == given, told: None };
    let found = if let Some(block) = &args.icmp_block {
        plain(format!("icmp-block={block}"), format!("icmp-block {block}"))
    } else if let Some(given) = args.icmp_block_inversion {
        let word = if given { "True" } else { "False" };
        let told = Some(format!("Changed icmp-block-inversion {word} to {state}"));
        Subject { told, ..switch("icmp-block-inversion", given) }
    } else if let Some(service) = &args.service {
        plain(format!("service={service}"), format!("service {service}"))
    } else if let Some(protocol) = &args.protocol {
        plain(format!("protocol={protocol}"), format!("protocol {protocol}"))
    } else if let Some(source) = &args.source {
        Subject { kind: Kind::Plain(format!("source={source}")), wanted: on, told: None }
    } else if let Some(port) = &args.port {
        let port = port.trim();
        if port.split_once('/').is_none_or(|(_, protocol)| protocol.is_empty()) {
            return Err(Failure::new("improper port format (missing protocol?)"));
        }
        plain(format!("port={port}"), format!("port {port}"))
    } else if let Some(forwards) = &args.port_forward {
        let [Forward { port, proto, toport, toaddr }] = forwards.as_slice() else {
            return Err(Failure::new("Only one port forward supported at a time"));
        };
        let toaddr = toaddr.as_deref().unwrap_or_default();
        let text = format!("port={port}:proto={proto}:toport={toport}:toaddr={toaddr}");
        plain(format!("forward-port={text}"), format!("port_forward {text}"))
    } else if let Some(rule) = &args.rich_rule {
        plain(format!("rich-rule={rule}"), format!("rich_rule {rule}"))
    } else if let Some(interface) = &args.interface {
        Subject { kind: Kind::Interface(interface.clone()), wanted: on, told: None }
    } else if let Some(given) = args.forward {
        switch("forward", given)
    } else if let Some(given) = args.masquerade {
        switch("masquerade", given)
    } else if let Some(target) = &args.target {
        let wanted = on || state == "present";
        return Ok(Some(Subject { kind: Kind::Target(target.clone()), wanted, told: None }));
    } else if let Some(zone) = args.zone.as_ref().filter(|_| zone_wide) {
        let told = Some(format!("Changed zone {zone} to {state}"));
        return Ok(Some(Subject { kind: Kind::Zone(zone.clone()), wanted: state == "present", told }));
    } else if zone_wide {
        return Err(Failure::new("zone is needed where no other option but state is given"));
    } else {
        return Ok(None);
    };
    if zone_wide {
        return Err(Failure::new("absent and present state can only be used in zone level operations"));
    }
    Ok(Some(found))
}

/// What some changes tell with the zone's name.
fn about_zone(args: &Args, subject: &Subject, tool: &Tool, host: &dyn Observe) -> Result<Option<String>, Failure> {
    let what = match &subject.kind {
        Kind::Plain(what) => match what.strip_prefix("source=") {
            Some(source) => source,
            None if ["forward", "masquerade"].contains(&what.as_str()) => what.as_str(),
            None => return Ok(None),
        },
        Kind::Interface(name) => name.as_str(),
        Kind::Target(target) => target.as_str(),
        Kind::Zone(zone) => zone.as_str(),
    };
    let zone = match &args.zone {
        Some(zone) => zone.clone(),
        None => {
            let command = Command::new(&tool.program).env("LC_ALL", "C").arg("--get-default-zone");
            query(host, &command)?.stdout_text().trim().to_owned()
        }
    };
    Ok(Some(match (&subject.kind, subject.wanted) {
        (Kind::Interface(_), true) => format!("Changed {what} to zone {zone}"),
        (Kind::Target(_), true) => format!("Set zone {zone} target to {what}"),
        (Kind::Target(_), false) => format!("Reset zone {zone} target to default"),
        (Kind::Zone(_), true) => format!("Added zone {zone}"),
        (Kind::Zone(_), false) => format!("Removed zone {zone}"),
        (_, true) => format!("Added {what} to zone {zone}"),
        (_, false) => format!("Removed {what} from zone {zone}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const FIREWALLD: Entry = Entry::of::<Firewalld>();

    fn now(host: &mut Fake, command: &str, rc: i32) {
        host.set_answer(command, rc, if rc == 0 { "yes\n" } else { "no\n" });
    }

    #[test]
    fn a_service_now_and_from_now_on() {
        let (kept, held) = ("firewall-cmd --permanent --query-service=https", "firewall-cmd --query-service=https");
        let mut host = Fake::new()
            .answer(kept, 1, "no\n")
            .answer(held, 1, "no\n")
            .effect("firewall-cmd --permanent --add-service=https", 0, "success\n", move |h| now(h, kept, 0))
            .effect("firewall-cmd --add-service=https --timeout=9", 0, "success\n", move |h| now(h, held, 0));
        let args = json!({"service": "https", "permanent": true, "immediate": true, "state": "enabled", "timeout": 9});
        let out = case(&FIREWALLD, args, &mut host).unwrap();
        let msg = "Permanent and Non-Permanent(immediate) operation, Changed service https to enabled";
        assert_eq!(out.values["msg"], msg);
        let mut host = host.effect("firewall-cmd --remove-service=https", 0, "success\n", move |h| now(h, held, 1));
        let out = case(&FIREWALLD, json!({"service": "https", "state": "disabled"}), &mut host).unwrap();
        assert_eq!(out.values["msg"], "Non-permanent operation, Changed service https to disabled");
    }

    #[test]
    fn zones_targets_and_switches() {
        let mut host = Fake::new()
            .answer("firewall-cmd --permanent --get-zones", 0, "public work\n")
            .effect("firewall-cmd --permanent --new-zone=own", 0, "success\n", |h| {
                h.set_answer("firewall-cmd --permanent --get-zones", 0, "own public work\n");
            })
            .answer("firewall-cmd --permanent --zone=own --get-target", 0, "default\n")
            .effect("firewall-cmd --permanent --zone=own --set-target=%%REJECT%%", 0, "success\n", |h| {
                h.set_answer("firewall-cmd --permanent --zone=own --get-target", 0, "REJECT\n");
            })
            .answer("firewall-cmd --get-default-zone", 0, "public\n")
            .answer("firewall-cmd --permanent --query-masquerade", 0, "yes\n")
            .effect("firewall-cmd --permanent --remove-masquerade", 0, "success\n", |h| {
                now(h, "firewall-cmd --permanent --query-masquerade", 1);
            });
        for (args, msg) in [
            (
                json!({"zone": "own", "state": "present"}),
                "Permanent operation, Added zone own, Changed zone own to present",
            ),
            (
                json!({"zone": "own", "state": "enabled", "target": "%%REJECT%%"}),
                "Permanent operation, Set zone own target to %%REJECT%%",
            ),
            (
                json!({"masquerade": false, "state": "enabled"}),
                "Permanent operation, Removed masquerade from zone public",
            ),
        ] {
            let mut args = args;
            args["permanent"] = true.into();
            assert_eq!(case(&FIREWALLD, args, &mut host).unwrap().values["msg"], msg);
        }
        let failure = run(&FIREWALLD, json!({"zone": "x", "state": "present"}), &mut host, true).unwrap_err();
        assert!(failure.msg.starts_with("Zone operations must be permanent."));
    }

    #[test]
    fn without_a_daemon() {
        let ask = "firewall-offline-cmd --zone=work --query-port=80/tcp";
        let mut host = Fake::new()
            .answer_err("firewall-cmd ...", 252, "", "FirewallD is not running\n")
            .answer(ask, 1, "no\n")
            .effect("firewall-offline-cmd --zone=work --add-port=80/tcp", 0, "success\n", move |h| now(h, ask, 0));
        let mut args = json!({"zone": "work", "port": "80/tcp", "state": "enabled", "permanent": true});
        let out = case(&FIREWALLD, args.clone(), &mut host).unwrap();
        assert!(
            out.values["msg"].as_str().unwrap().ends_with("(offline operation: only on-disk configs were altered)")
        );
        args["immediate"] = true.into();
        assert!(
            run(&FIREWALLD, args.clone(), &mut host, true).unwrap_err().msg.starts_with("firewall is not currently")
        );
        args["offline"] = true.into();
        assert!(!run(&FIREWALLD, args, &mut host, true).unwrap().changed);
    }

    #[test]
    fn refusals() {
        let ask = "firewall-cmd --query-service=x";
        let mut host = Fake::new()
            .answer_err(ask, 101, "", "Error: INVALID_SERVICE: x\n")
            .answer_err("firewall-cmd --zone=none ...", 112, "", "Error: INVALID_ZONE: none\n")
            .effect("firewall-cmd --add-service=x", 101, "", |_| {});
        let mut failed = |args, check| run(&FIREWALLD, args, &mut host, check).unwrap_err().msg;
        assert!(failed(json!({"service": "x", "state": "enabled"}), false).starts_with("ERROR: Exception caught:"));
        assert_eq!(
            failed(json!({"service": "ssh", "zone": "none", "state": "enabled"}), true),
            "ERROR: Exception caught: org.fedoraproject.FirewallD1.Exception: INVALID_ZONE: none"
        );
        assert_eq!(failed(json!({"port": "80", "state": "enabled"}), true), "improper port format (missing protocol?)");
        assert_eq!(
            failed(json!({"service": "x", "state": "present"}), true),
            "absent and present state can only be used in zone level operations"
        );
    }
}
