//! `ping`: answers, if the helper runs.

use crate::contract::{Arg, Call, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct Ping;

#[derive(Deserialize)]
pub struct Args {
    data: String,
}

impl Module for Ping {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: "
- name: Are you there
  ansible.builtin.ping:
",
        returns: &[Return { name: "ping", when: "always", doc: "The value of `data`." }],
        differs: "`data: crash` fails the task; nothing crashes.",
        ..ModuleSpec::new(
            "ansible.builtin.ping",
            "Answers `pong`.",
            &[Arg::str("data").default(Literal::Str("pong")).doc("What to answer.")],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, _: &dyn Observe, _: &Call) -> Result<Plan<()>, Failure> {
        if args.data == "crash" {
            // As the reference words what a module threw.
            return Err(Failure::new("Task failed: Module failed: boom"));
        }
        Ok(Plan::Done(Outcome::unchanged().with("ping", args.data)))
    }
    fn preview(_: &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }
    fn apply(_: (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}
