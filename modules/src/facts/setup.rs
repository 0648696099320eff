//! `ansible.builtin.setup`: gathers facts about the host.

use super::gather::{gather, passes, select};
use super::scene::Scene;
use crate::contract::{Arg, ArgType, Call, Failure, Json, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::time::Duration;

pub struct Setup;

#[derive(Deserialize)]
pub struct Args {
    gather_subset: Vec<String>,
    gather_timeout: i64,
    filter: Vec<String>,
    fact_path: Option<String>,
    #[serde(rename = "_python")]
    python: Option<String>,
}

impl Module for Setup {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: "\
- name: Gather everything
  ansible.builtin.setup:

- name: Only the network and the minimum
  ansible.builtin.setup:
    gather_subset: [\"!all\", network]

- name: Only two facts
  ansible.builtin.setup:
    filter: [ansible_distribution, ansible_eth*]
",
        returns: &[Return { name: "ansible_facts", when: "always", doc: "The facts, with their `ansible_` prefix." }],
        differs: "Needs no Python on the host; where there is none, the facts about Python are absent. A local fact that \
                  cannot be executed is reported as that fact's value instead of failing the task.",
        ..ModuleSpec::new(
            "ansible.builtin.setup",
            "Gathers facts about the host",
            &[
                Arg::list("gather_subset", ArgType::Str)
                    .default(Literal::Strs(&["all"]))
                    .doc("Families to gather: names, `all`, `min`, and names after `!` to leave out."),
                Arg::int("gather_timeout")
                    .default(Literal::Int(10))
                    .doc("Seconds that one program or one file system may take."),
                Arg::list("filter", ArgType::Str)
                    .default(Literal::Strs(&[]))
                    .doc("Shell patterns; only facts whose names fit one are returned."),
                Arg::path("fact_path")
                    .default(Literal::Str("/etc/ansible/facts.d"))
                    .doc("Directory of local facts (`*.fact`)."),
                Arg::str("_python").doc(
                    "Interpreter that the facts about Python describe: `ansible_python_interpreter` where it is set. By \
                     default the one that Ansible would discover.",
                ),
            ],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Self::Work>, Failure> {
        let families = select(&args.gather_subset).map_err(Failure::new)?;
        let limit = Duration::from_secs(u64::try_from(args.gather_timeout).unwrap_or(0).max(1));
        let mut scene = Scene::new(host, call, limit);
        scene.fact_path = args.fact_path.unwrap_or_default();
        scene.interpreter = args.python.filter(|p| !p.is_empty() && !p.starts_with("auto"));
        let mut facts = gather(&families, &mut scene, &args.filter);
        let subset: Json = args.gather_subset.into_iter().collect();
        for (name, value) in [("gather_subset", subset), ("module_setup", true.into())] {
            if passes(name, &args.filter) {
                facts.insert(name.to_owned(), value);
            }
        }
        Ok(Plan::Done(Outcome { facts: Some(facts), warnings: scene.take_warnings(), ..Outcome::unchanged() }))
    }
    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }
    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}
