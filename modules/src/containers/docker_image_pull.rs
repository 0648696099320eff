//! `community.docker.docker_image_pull`: an image from a registry.

use super::engine::{ENGINE_ARGS, Engine, Hand, Reach};
use super::images;
use super::road::{self, Work};
use crate::contract::{
    Arg, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, Observe};
use serde::Deserialize;
use serde_json::json;

pub struct DockerImagePull;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    tag: String,
    pull: String,
    #[serde(flatten)]
    reach: Reach,
}

impl Module for DockerImagePull {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[Rule::RequiredTogether(&["client_cert", "client_key"])],
        diff: true,
        examples: "- name: The image is there\n  community.docker.docker_image_pull:\n    name: registry.example.org/app:1.2\n    pull: not_present\n",
        returns: &[
            Return { name: "image", when: "always", doc: "What the engine tells of the image." },
            Return { name: "actions", when: "always", doc: "What was done." },
        ],
        differs: "Goes through the engine's API without Python; `platform` and `ssh://` as docker_host are refused.",
        ..ModuleSpec::new(
            "community.docker.docker_image_pull",
            "Pulls images of Docker from registries.",
            &[
                Arg::str("name").required().doc("Name of the image, with or without a tag."),
                Arg::str("tag").default(Literal::Str("latest")).doc("Tag, where the name has none."),
                Arg::str("pull")
                    .choices(&["always", "not_present"])
                    .default(Literal::Str("always"))
                    .doc("Whether an image that is there is pulled again."),
            ],
        )
    };
    type Args = Args;
    type Work = Work<Args>;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work<Args>>, Failure> {
        if images::is_id(&args.name) {
            return Err(Failure::new("Cannot pull an image by ID"));
        }
        if !args.tag.is_empty() && !images::is_tag(&args.tag) {
            return Err(Failure::new(format!("\"{}\" is not a valid docker tag!", args.tag)));
        }
        road::plan(args, host, call, manage)
    }

    fn preview(work: &Work<Args>, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work<Args>, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        road::apply(&work, host, call, manage)
    }
}

/// An image in a diff.
fn shown(image: Option<&Json>) -> JsonMap {
    let (key, value) = image.map_or(("exists", Json::from(false)), |image| ("id", image["Id"].clone()));
    JsonMap::from_iter([(key.to_owned(), value)])
}

fn manage(args: &Args, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let engine = Engine::connect(hand.host(), call, &args.reach)?;
    let (name, tag) = images::split(&args.name);
    let tag = tag.unwrap_or(&args.tag);
    let before = images::find(&engine, hand.host(), name, tag)?;
    let tell = |changed: bool, actions: Json, image: Option<Json>, after: JsonMap| {
        let outcome = Outcome::changed(changed).with("actions", actions).with("image", image.unwrap_or(json!({})));
        outcome.with_diff(Diff::data(shown(before.as_ref()), after))
    };
    if before.is_some() && args.pull == "not_present" {
        return Ok(tell(false, json!([]), before.clone(), shown(before.as_ref())));
    }
    let actions = json!([format!("Pulled image {name}:{tag}")]);
    let Some(host) = hand.change() else {
        let unknown = json!({"Id": "unknown"});
        return Ok(tell(true, actions, before.clone(), shown(Some(&unknown))));
    };
    let (image, changed) = images::pull(&engine, host, name, tag, None)?;
    let after = shown(image.as_ref());
    Ok(tell(changed, actions, image, after))
}
