//! `community.docker.docker_container_info`: what the engine tells of a container.

use super::engine::{ENGINE_ARGS, Engine, Reach, container};
use crate::contract::{Arg, Call, Failure, Kind, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct DockerContainerInfo;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    #[serde(flatten)]
    reach: Reach,
}

impl Module for DockerContainerInfo {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[Rule::RequiredTogether(&["client_cert", "client_key"])],
        kind: Kind::Query,
        examples: "- name: What runs there\n  community.docker.docker_container_info:\n    name: app\n  register: app\n",
        returns: &[
            Return { name: "exists", when: "always", doc: "Whether there is one." },
            Return { name: "container", when: "always", doc: "What the engine tells of it, or null." },
        ],
        differs: "Goes through the engine's API without Python; `ssh://` as docker_host is refused.",
        ..ModuleSpec::new(
            "community.docker.docker_container_info",
            "Tells of a container of Docker.",
            &[Arg::str("name").required().doc("Name, or the beginning of the id.")],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<()>, Failure> {
        let engine = Engine::connect(host, call, &args.reach)?;
        let found = container(&engine, host, &args.name)?;
        Ok(Plan::Done(Outcome::unchanged().with("exists", found.is_some()).with("container", found)))
    }

    fn preview((): &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply((): (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}
