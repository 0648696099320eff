//! `community.general.seport`: SELinux types of ports.

use super::shared::{listed, must_be_enabled, semanage};
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::Steps;
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct Seport;

#[derive(Deserialize)]
pub struct Args {
    ports: Vec<String>,
    proto: String,
    setype: String,
    state: String,
    reload: bool,
    local: bool,
    ignore_selinux_state: bool,
}

impl Module for Seport {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Let the web server listen on more ports\n  community.general.seport:\n    ports:\n      - 8888\n      - 10000-10100\n    proto: tcp\n    setype: http_port_t\n    state: present\n",
        returns: &[Return { name: "ports", when: "always", doc: "The ports, as given." }],
        differs: "Works through semanage.",
        ..ModuleSpec::new(
            "community.general.seport",
            "SELinux types of ports.",
            &[
                Arg::list("ports", ArgType::Str).required().doc("Ports and ranges of ports."),
                Arg::str("proto").required().choices(&["tcp", "udp"]).doc("Their protocol."),
                Arg::str("setype").required().doc("The type."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether they have it."),
                Arg::bool("reload").default(Literal::Bool(true)).doc("Load the policy again."),
                Arg::bool("local").default(Literal::Bool(false)).doc("Look at local changes of the policy only."),
                Arg::bool("ignore_selinux_state")
                    .default(Literal::Bool(false))
                    .doc("Change the policy even where SELinux is off."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        must_be_enabled(host, args.ignore_selinux_state)?;
        let mut ask = vec!["port", "-l", "-n"];
        ask.extend(args.local.then_some("-C"));
        let text = listed(host, &ask)?;
        let known = ports(&text, &args.proto);
        let has = |port: &str| known.iter().any(|(kind, p)| *kind == args.setype && *p == port);
        let mut all = None;
        let mut steps = Steps::default();
        for port in &args.ports {
            let present = args.state == "present";
            if has(port) == present {
                continue;
            }
            let verb = if !present {
                "-d"
            } else {
                // One that has another type is changed.
                if args.local && all.is_none() {
                    all = Some(listed(host, &["port", "-l", "-n"])?);
                }
                let known = all.as_deref().map_or_else(|| known.clone(), |text| ports(text, &args.proto));
                if known.iter().any(|(_, p)| p == port) { "-m" } else { "-a" }
            };
            let mut words = vec!["port"];
            words.extend((!args.reload).then_some("-N"));
            words.extend([verb, "-p", &args.proto]);
            if present {
                words.extend(["-t", &args.setype, "-r", "s0"]);
            }
            words.push(port);
            steps.run(semanage(host, &words)?);
        }
        steps.outcome = Outcome::changed(!steps.steps.is_empty())
            .with("ports", args.ports)
            .with("proto", args.proto)
            .with("setype", args.setype)
            .with("state", args.state);
        Ok(steps.plan())
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// Types with their ports, of one protocol: `http_port_t  tcp  80, 443`.
fn ports<'t>(text: &'t str, proto: &str) -> Vec<(&'t str, &'t str)> {
    let mut out = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(kind), Some(p)) = (words.next(), words.next())
            && p == proto
        {
            out.extend(words.map(|port| (kind, port.trim_end_matches(','))));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const SEPORT: Entry = Entry::of::<Seport>();
    const LIST: &str = "semanage port -l -n";

    fn host() -> Fake {
        Fake::new().file("/sys/fs/selinux/enforce", "1").answer(
            LIST,
            0,
            "http_port_t   tcp   80, 443\nhttp_port_t udp 80\nother_t tcp 81, 90-95\n",
        )
    }

    #[test]
    fn comes_and_goes() {
        let mut host = host().effect("semanage port -a -p tcp -t http_port_t -r s0 8080", 0, "", |_| {}).effect(
            "semanage port -m -p tcp -t http_port_t -r s0 90-95",
            0,
            "",
            |h| {
                h.set_answer(LIST, 0, "http_port_t tcp 90-95, 8080, 80, 443\n");
            },
        );
        let args = json!({"ports": ["80", "8080", "90-95"], "proto": "tcp", "setype": "http_port_t"});
        let out = case(&SEPORT, args, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["ports"]), (true, &json!(["80", "8080", "90-95"])));
        let mut host = host
            .effect("semanage port -N -d -p tcp 8080", 0, "", |h| h.set_answer(LIST, 0, "http_port_t tcp 80, 443\n"));
        let args = json!({"ports": 8080, "proto": "tcp", "setype": "http_port_t", "state": "absent", "reload": false});
        assert!(case(&SEPORT, args, &mut host).unwrap().changed);
    }

    #[test]
    fn off() {
        let args = json!({"ports": 1, "proto": "tcp", "setype": "x_t"});
        assert_eq!(run(&SEPORT, args, &mut Fake::new(), true).unwrap_err().msg, "SELinux is disabled on this host.");
    }
}
