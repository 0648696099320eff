//! `community.rabbitmq.rabbitmq_plugin`: plugins of RabbitMQ.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{Steps, failed_command, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct RabbitmqPlugin;

#[derive(Deserialize)]
pub struct Args {
    names: String,
    new_only: bool,
    state: String,
    broker_state: String,
    prefix: Option<String>,
}

impl Module for RabbitmqPlugin {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: The management plugin, beside those that are on\n  community.rabbitmq.rabbitmq_plugin:\n    names: rabbitmq_management\n    new_only: true\n",
        returns: &[
            Return { name: "enabled", when: "always", doc: "Plugins that were enabled." },
            Return { name: "disabled", when: "always", doc: "Plugins that were disabled." },
        ],
        ..ModuleSpec::new(
            "community.rabbitmq.rabbitmq_plugin",
            "Plugins of RabbitMQ.",
            &[
                Arg::str("names").required().aliases(&["name"]).doc("The plugins, separated by commas."),
                Arg::bool("new_only").default(Literal::Bool(false)).doc("Leave other plugins on."),
                Arg::str("state").choices(&["enabled", "disabled"]).default(Literal::Str("enabled")).doc("On or off."),
                Arg::str("broker_state")
                    .choices(&["online", "offline"])
                    .default(Literal::Str("online"))
                    .doc("Whether the broker runs."),
                Arg::str("prefix").doc("Where RabbitMQ is installed."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let program = match args.prefix.as_deref().filter(|p| !p.is_empty()) {
            None => required(host, "rabbitmq-plugins")?,
            Some(prefix) => {
                let dirs = ["bin", "sbin"].map(|dir| Path::new(prefix).join(dir));
                let dir = dirs.iter().find(|dir| host.is_dir(dir));
                let dir: &PathBuf = dir.ok_or_else(|| Failure::new(format!("No binary folder in prefix {prefix}")))?;
                dir.join("rabbitmq-plugins")
            }
        };
        let ask = Command::new(&program).args(["list", "-E", "-m"]);
        let out = query(host, &ask)?;
        if !out.ok() {
            return Err(failed_command(&ask, &out, ""));
        }
        let text = out.stdout_text();
        let on: Vec<&str> = text.lines().take_while(|l| !l.is_empty()).collect();
        let names: Vec<&str> = args.names.split(',').collect();
        let wanted_on = args.state == "enabled";
        let disabled: Vec<&str> = match (wanted_on, args.new_only) {
            (true, true) => Vec::new(),
            // A line with blanks is a message.
            (true, false) => on.iter().filter(|p| !p.contains(' ') && !names.contains(p)).copied().collect(),
            (false, _) => on.iter().filter(|p| names.contains(p)).copied().collect(),
        };
        let enabled: Vec<&str> = names.iter().filter(|n| wanted_on && !on.contains(n)).copied().collect();
        let broker = format!("--{}", args.broker_state);
        let mut steps = Steps::default();
        for (verb, list) in [("disable", &disabled), ("enable", &enabled)] {
            for plugin in list {
                steps.run(Command::new(&program).args([verb, &broker, plugin]));
            }
        }
        steps.outcome = Outcome::changed(!steps.steps.is_empty()).with("enabled", enabled).with("disabled", disabled);
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
    use crate::host::testing::case;
    use serde_json::json;

    const PLUGIN: Entry = Entry::of::<RabbitmqPlugin>();
    const LIST: &str = "rabbitmq-plugins list -E -m";

    #[test]
    fn on_and_off() {
        let mut host = Fake::new()
            .answer(LIST, 0, "a\nb\n")
            .effect("rabbitmq-plugins enable --online c", 0, "", |h| h.set_answer(LIST, 0, "a\nb\nc\n"))
            .effect("rabbitmq-plugins disable --online b", 0, "", |h| h.set_answer(LIST, 0, "a\nc\n"))
            .effect("rabbitmq-plugins disable --offline a", 0, "", |h| h.set_answer(LIST, 0, "c\n"));
        let out = case(&PLUGIN, json!({"name": "c", "new_only": true}), &mut host).unwrap();
        assert_eq!((&out.values["enabled"], &out.values["disabled"]), (&json!(["c"]), &json!([])));
        let out = case(&PLUGIN, json!({"names": "a,c"}), &mut host).unwrap();
        assert_eq!((&out.values["enabled"], &out.values["disabled"]), (&json!([]), &json!(["b"])));
        let args = json!({"names": "a", "state": "disabled", "broker_state": "offline"});
        assert!(case(&PLUGIN, args, &mut host).unwrap().changed);
    }
}
