//! `community.rabbitmq.rabbitmq_policy`: policies of RabbitMQ.

use super::shared::Ctl;
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::Steps;
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct RabbitmqPolicy;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    vhost: String,
    pattern: Option<String>,
    apply_to: String,
    tags: Option<JsonMap>,
    priority: String,
    node: String,
    state: String,
    login_host: Option<String>,
}

impl Module for RabbitmqPolicy {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Queues on all nodes\n  community.rabbitmq.rabbitmq_policy:\n    name: HA\n    pattern: .*\n    tags:\n      ha-mode: all\n",
        differs: "Works through rabbitmqctl only: login_host is refused.",
        ..ModuleSpec::new(
            "community.rabbitmq.rabbitmq_policy",
            "Policies of RabbitMQ.",
            &[
                Arg::str("name").required().doc("Its name."),
                Arg::str("vhost").default(Literal::Str("/")).doc("The virtual host."),
                Arg::str("pattern").doc("A regular expression of names that it is for."),
                Arg::str("apply_to")
                    .choices(&["all", "exchanges", "queues", "classic_queues", "quorum_queues", "streams"])
                    .default(Literal::Str("all"))
                    .doc("The kind of what it is for."),
                Arg::dict("tags").doc("What it says."),
                Arg::str("priority").default(Literal::Str("0")).doc("The greater, the more it counts."),
                Arg::str("node").default(Literal::Str("rabbit")).doc("Erlang node name of the broker."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::str("login_user").no_log().doc("For login_host."),
                Arg::str("login_password").no_log().doc("For login_host."),
                Arg::str("login_host").doc("The management API; refused."),
                Arg::str("login_port").default(Literal::Str("15672")).doc("For login_host."),
                Arg::str("login_protocol")
                    .choices(&["http", "https"])
                    .default(Literal::Str("http"))
                    .doc("For login_host."),
                Arg::path("ca_cert").doc("For login_host."),
                Arg::path("client_cert").doc("For login_host."),
                Arg::path("client_key").doc("For login_host."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let ctl = Ctl::find(host, &args.node, args.login_host.as_deref())?;
        let version = version(&ctl.ask(host, &["status"])?);
        let mut steps = Steps::default();
        if args.state == "present" {
            let (Some(pattern), Some(tags)) = (&args.pattern, &args.tags) else {
                return Err(Failure::new("pattern and tags are required for state=present"));
            };
            if !list(&ctl, &args, version, host)?.iter().any(|policy| policy.is(&args, pattern, tags)) {
                let definition = Json::from(tags.clone()).to_string();
                let mut words = vec!["set_policy", "-p", &args.vhost, &args.name, pattern, &definition];
                words.extend(["--priority", &args.priority]);
                if args.apply_to != "all" {
                    words.extend(["--apply-to", &args.apply_to]);
                }
                steps.run(ctl.command(&words));
            }
        } else if list(&ctl, &args, version, host)?.iter().any(|policy| policy.name == args.name) {
            steps.run(ctl.command(&["clear_policy", "-p", &args.vhost, &args.name]));
        }
        steps.outcome =
            Outcome::changed(!steps.steps.is_empty()).with("name", args.name.as_str()).with("state", args.state);
        Ok(if steps.outcome.changed { Plan::Work(steps) } else { Plan::Done(steps.outcome) })
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// The broker's version in what it says of itself, in its old and its new form.
fn version(status: &str) -> Option<Vec<u64>> {
    let text = status.lines().find_map(|line| match line.split_once("RabbitMQ version: ") {
        Some((_, version)) => Some(version),
        None => line.split_once("{rabbit,\"")?.1.rsplit_once("\"}")?.0.rsplit('"').next(),
    })?;
    Some(text.trim().split('.').map_while(|n| n.parse().ok()).collect())
}

struct Policy {
    name: String,
    apply_to: String,
    pattern: String,
    definition: String,
    priority: String,
}

impl Policy {
    fn is(&self, args: &Args, pattern: &str, tags: &JsonMap) -> bool {
        let same = serde_json::from_str::<JsonMap>(&self.definition).is_ok_and(|is| is == *tags);
        same && self.name == args.name
            && self.apply_to == args.apply_to
            && self.priority == args.priority
            && self.pattern.replace("\\\\", "\\") == pattern
    }
}

fn list(ctl: &Ctl, args: &Args, version: Option<Vec<u64>>, host: &dyn Observe) -> Result<Vec<Policy>, Failure> {
    let text = ctl.ask(host, &["list_policies", "-p", &args.vhost])?;
    let at_least = |wanted: &[u64]| version.as_ref().is_some_and(|v| v.as_slice() >= wanted);
    // The first line names the columns since 3.7.9, two of which changed places in 3.7.
    let (kind, pattern) = if at_least(&[3, 7, 0]) { (3, 2) } else { (2, 3) };
    let rows = text.lines().skip(usize::from(at_least(&[3, 7, 9])));
    Ok(rows
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let cell = |at: usize| cells.get(at).map(|c| (*c).to_owned());
            Some(Policy {
                name: cell(1)?,
                apply_to: cell(kind)?,
                pattern: cell(pattern)?,
                definition: cell(4)?,
                priority: cell(5)?,
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<RabbitmqPolicy>();
    const LIST: &str = "rabbitmqctl -q -n rabbit list_policies -p /";
    const HEAD: &str = "vhost\tname\tpattern\tapply-to\tdefinition\tpriority\n";

    #[test]
    fn comes_and_goes() {
        let set = "rabbitmqctl -q -n rabbit set_policy -p / HA ^a\\.b {\"ha-mode\":\"all\",\"n\":2} --priority 1 --apply-to queues";
        let mut host = Fake::new()
            .answer("rabbitmqctl -q -n rabbit status", 0, "RabbitMQ version: 3.10.8\n")
            .answer(LIST, 0, HEAD)
            .effect(set, 0, "", |h| {
                let row = "/\tHA\t^a\\\\.b\tqueues\t{\"n\":2,\"ha-mode\":\"all\"}\t1\n";
                h.set_answer(LIST, 0, &format!("{HEAD}{row}"));
            })
            .effect("rabbitmqctl -q -n rabbit clear_policy -p / HA", 0, "", |h| h.set_answer(LIST, 0, HEAD));
        let args = json!({"name": "HA", "pattern": "^a\\.b", "tags": {"ha-mode": "all", "n": 2}, "priority": 1,
            "apply_to": "queues"});
        let out = case(&MODULE, args, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["name"]), (true, &json!("HA")));
        assert!(case(&MODULE, json!({"name": "HA", "state": "absent"}), &mut host).unwrap().changed);
        let failure = run(&MODULE, json!({"name": "HA", "pattern": "x"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "pattern and tags are required for state=present");
    }

    #[test]
    fn brokers_of_old() {
        assert_eq!(version("{rabbit,x}"), None);
        assert_eq!(version(" [{rabbit,\"RabbitMQ\",\"3.6.10\"}\n"), Some(vec![3, 6, 10]));
        let mut host = Fake::new()
            .answer("rabbitmqctl -q -n rabbit status", 0, "{rabbit,\"RabbitMQ\",\"3.6.10\"}\n")
            .answer(LIST, 0, "/\tHA\tall\t.*\t{\"a\":1}\t0\n");
        let args = json!({"name": "HA", "pattern": ".*", "tags": {"a": 1}});
        assert!(!case(&MODULE, args, &mut host).unwrap().changed);
    }
}
