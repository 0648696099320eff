//! `community.docker.docker_host_info`: what an engine tells of itself, its containers, images, networks and volumes.

use super::engine::{ENGINE_ARGS, Engine, Reach};
use crate::contract::{
    Arg, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule, python_text,
};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct DockerHostInfo;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    containers: bool,
    containers_all: bool,
    containers_filters: Option<JsonMap>,
    images: bool,
    images_filters: Option<JsonMap>,
    networks: bool,
    networks_filters: Option<JsonMap>,
    volumes: bool,
    volumes_filters: Option<JsonMap>,
    disk_usage: bool,
    verbose_output: bool,
    #[serde(flatten)]
    reach: Reach,
}

const fn flag(name: &'static str) -> Arg {
    Arg::bool(name).default(Literal::Bool(false))
}

impl Module for DockerHostInfo {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[Rule::RequiredTogether(&["client_cert", "client_key"])],
        kind: Kind::Query,
        examples: "- name: What runs there\n  community.docker.docker_host_info:\n    containers: true\n  register: engine\n",
        returns: &[
            Return { name: "can_talk_to_docker", when: "always", doc: "Whether the engine answers." },
            Return { name: "host_info", when: "success", doc: "What the engine tells of itself." },
            Return { name: "containers", when: "containers=true", doc: "Containers." },
            Return { name: "images", when: "images=true", doc: "Images." },
            Return { name: "networks", when: "networks=true", doc: "Networks." },
            Return { name: "volumes", when: "volumes=true", doc: "Volumes." },
            Return { name: "disk_usage", when: "disk_usage=true", doc: "What takes how much room." },
        ],
        differs: "Goes through the engine's API without Python; `ssh://` as docker_host is refused.",
        ..ModuleSpec::new(
            "community.docker.docker_host_info",
            "Tells of an engine of Docker.",
            &[
                flag("containers").doc("Tell of containers."),
                flag("containers_all").doc("Of those that do not run too."),
                Arg::dict("containers_filters").doc("Filters."),
                flag("images").doc("Tell of images."),
                Arg::dict("images_filters").doc("Filters."),
                flag("networks").doc("Tell of networks."),
                Arg::dict("networks_filters").doc("Filters."),
                flag("volumes").doc("Tell of volumes."),
                Arg::dict("volumes_filters").doc("Filters."),
                flag("disk_usage").doc("Tell what takes room."),
                flag("verbose_output").doc("Tell everything of each."),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<()>, Failure> {
        let engine = Engine::connect(host, call, &args.reach).map_err(|e| e.with("can_talk_to_docker", false))?;
        let failed = |e: &dyn std::fmt::Display| {
            Failure::new(format!("Error inspecting docker host: {e}")).with("can_talk_to_docker", true)
        };
        let info = engine.get(host, "/info", &[]).map_err(|e| failed(&e))?;
        let mut outcome = Outcome::unchanged().with("can_talk_to_docker", true).with("host_info", info);
        if args.disk_usage {
            let usage = engine.get(host, "/system/df", &[]).map_err(|e| failed(&e))?;
            let usage =
                if args.verbose_output { usage } else { serde_json::json!({"LayersSize": usage["LayersSize"]}) };
            outcome.set("disk_usage", usage);
        }
        let all = if args.containers_all { "1" } else { "0" };
        for (name, wanted, filters, path, query, keys) in [
            ("volumes", args.volumes, &args.volumes_filters, "/volumes", &[][..], &["Driver", "Name"][..]),
            ("networks", args.networks, &args.networks_filters, "/networks", &[], &["Id", "Driver", "Name", "Scope"]),
            (
                "containers",
                args.containers,
                &args.containers_filters,
                "/containers/json",
                &[("limit", "-1"), ("all", all), ("size", "0"), ("trunc_cmd", "0")],
                &["Id", "Image", "Command", "Created", "Status", "Ports", "Names"],
            ),
            (
                "images",
                args.images,
                &args.images_filters,
                "/images/json",
                &[("only_ids", "0"), ("all", "0")],
                &["Id", "RepoTags", "Created", "Size"],
            ),
        ] {
            if !wanted {
                continue;
            }
            let filters = filters.as_ref().filter(|f| !f.is_empty()).map(converted);
            let mut query = query.to_vec();
            query.extend(filters.as_deref().map(|f| ("filters", f)));
            let told = engine.get(host, path, &query).map_err(|e| {
                Failure::new(format!("Error inspecting docker host for object '{name}': {e}"))
                    .with("can_talk_to_docker", true)
            })?;
            let list = if name == "volumes" { told["Volumes"].clone() } else { told };
            let short = |item: &Json| -> JsonMap { keys.iter().map(|k| ((*k).to_owned(), item[*k].clone())).collect() };
            let list = match list {
                Json::Array(list) if !args.verbose_output => list.iter().map(short).map(Json::from).collect(),
                Json::Null => Json::Array(Vec::new()),
                list => list,
            };
            outcome.set(name, list);
        }
        Ok(Plan::Done(outcome))
    }

    fn preview((): &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply((): (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}

/// Filters as the API wants them: lists of texts.
fn converted(filters: &JsonMap) -> String {
    let text = |value: &Json| value.as_bool().map_or_else(|| python_text(value), |yes| yes.to_string());
    let list = |value: &Json| match value {
        Json::Array(list) => list.iter().map(text).collect::<Vec<_>>(),
        one => vec![text(one)],
    };
    Json::from(filters.iter().map(|(name, value)| (name.clone(), list(value).into())).collect::<JsonMap>()).to_string()
}
