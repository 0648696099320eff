//! `community.rabbitmq.rabbitmq_vhost`: virtual hosts of RabbitMQ.

use super::shared::Ctl;
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::Steps;
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct RabbitmqVhost;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    tracing: bool,
    state: String,
    node: String,
    login_host: Option<String>,
}

impl Module for RabbitmqVhost {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: A virtual host\n  community.rabbitmq.rabbitmq_vhost:\n    name: /app\n    state: present\n",
        differs: "Works through rabbitmqctl only: login_host is refused.",
        ..ModuleSpec::new(
            "community.rabbitmq.rabbitmq_vhost",
            "Virtual hosts of RabbitMQ.",
            &[
                Arg::str("name").required().aliases(&["vhost"]).doc("Its name."),
                Arg::bool("tracing").aliases(&["trace"]).default(Literal::Bool(false)).doc("Trace messages."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::str("node").default(Literal::Str("rabbit")).doc("Erlang node name of the broker."),
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
        let name = args.name.as_str();
        let list = ctl.ask(host, &["list_vhosts", "name", "tracing"])?;
        let tracing =
            list.lines().filter_map(|l| l.split_once('\t')).find(|(n, _)| *n == name).map(|(_, t)| t == "true");
        let mut steps = Steps::default();
        match (tracing, args.state.as_str()) {
            (Some(_), "absent") => {
                steps.run(ctl.command(&["delete_vhost", name]));
            }
            (_, "absent") => {}
            (now, _) => {
                if now.is_none() {
                    steps.run(ctl.command(&["add_vhost", name]));
                }
                if now.unwrap_or(false) != args.tracing {
                    let verb = if args.tracing { "trace_on" } else { "trace_off" };
                    steps.run(ctl.command(&[verb, "-p", name]));
                }
            }
        }
        steps.outcome = Outcome::changed(!steps.steps.is_empty()).with("name", name).with("state", args.state);
        Ok(steps.plan())
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const VHOST: Entry = Entry::of::<RabbitmqVhost>();
    const LIST: &str = "rabbitmqctl -q -n rabbit list_vhosts name tracing";

    #[test]
    fn comes_changes_and_goes() {
        let mut host = Fake::new()
            .answer(LIST, 0, "name\ttracing\n/\tfalse\n")
            .effect("rabbitmqctl -q -n rabbit add_vhost /app", 0, "", |h| h.set_answer(LIST, 0, "/app\tfalse\n"))
            .effect("rabbitmqctl -q -n rabbit trace_on -p /app", 0, "", |h| h.set_answer(LIST, 0, "/app\ttrue\n"))
            .effect("rabbitmqctl -q -n rabbit delete_vhost /app", 0, "", |h| h.set_answer(LIST, 0, ""));
        assert!(case(&VHOST, json!({"name": "/app"}), &mut host).unwrap().changed);
        assert!(case(&VHOST, json!({"name": "/app", "tracing": true}), &mut host).unwrap().changed);
        assert!(case(&VHOST, json!({"name": "/app", "state": "absent"}), &mut host).unwrap().changed);
        let failure = run(&VHOST, json!({"name": "/app", "login_host": "x"}), &mut host, true).unwrap_err();
        assert!(failure.msg.starts_with("login_host is not supported"));
    }
}
