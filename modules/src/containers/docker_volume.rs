//! `community.docker.docker_volume`: a volume of an engine, there or gone.

use super::engine::{ENGINE_ARGS, Engine, Hand, Reach, Send, named};
use super::road::{self, Track, Work};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;
use serde_json::json;

pub struct DockerVolume;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    volume_name: String,
    state: String,
    driver: String,
    driver_options: JsonMap,
    labels: Option<JsonMap>,
    recreate: String,
    #[serde(flatten)]
    reach: Reach,
}

impl Module for DockerVolume {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[Rule::RequiredTogether(&["client_cert", "client_key"])],
        diff: true,
        examples: "- name: A volume for the data\n  community.docker.docker_volume:\n    name: app-data\n",
        returns: &[
            Return { name: "volume", when: "state=present", doc: "What the engine tells of the volume." },
            Return { name: "actions", when: "check mode or debug", doc: "What would be done." },
        ],
        differs: "Goes through the engine's API without Python; `ssh://` as docker_host is refused.",
        ..ModuleSpec::new(
            "community.docker.docker_volume",
            "Manages volumes of Docker.",
            &[
                Arg::str("volume_name").required().aliases(&["name"]).doc("Name of the volume."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the volume is there."),
                Arg::str("driver").default(Literal::Str("local")).doc("Driver."),
                Arg::dict("driver_options").default(Literal::EmptyDict).doc("Options of the driver."),
                Arg::dict("labels").doc("Labels."),
                Arg::str("recreate")
                    .choices(&["always", "never", "options-changed"])
                    .default(Literal::Str("never"))
                    .doc("When it is made anew, without what was in it."),
            ],
        )
    };
    type Args = Args;
    type Work = Work<Args>;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work<Args>>, Failure> {
        args.labels = args.labels.as_ref().map(super::labels).transpose()?;
        road::plan(args, host, call, manage)
    }

    fn preview(work: &Work<Args>, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work<Args>, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        road::apply(&work, host, call, manage)
    }
}

fn find(engine: &Engine<'_>, host: &dyn Observe, name: &str) -> Result<Option<Json>, Failure> {
    let all = engine.get(host, "/volumes", &[]).map_err(|e| Failure::new(e.text))?;
    Ok(all["Volumes"].as_array().into_iter().flatten().find(|v| v["Name"] == name).cloned())
}

fn manage(args: &Args, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let engine = Engine::connect(hand.host(), call, &args.reach)?;
    let mut track = Track::default();
    let name = args.volume_name.as_str();
    let mut there = find(&engine, hand.host(), name)?;
    track.differ("exists", args.state == "present", there.is_some());
    let mut differences = Track::default();
    if let Some(there) = there.as_ref().filter(|_| args.state == "present") {
        compare(args, there, &mut differences);
    }
    let anew = match args.recreate.as_str() {
        "always" => true,
        "options-changed" => !differences.differences.is_empty(),
        _ => false,
    };
    if (args.state == "absent" || anew) && there.take().is_some() {
        track.act(format!("Removed volume {name}"));
        if let Some(host) = hand.change() {
            engine
                .act(host, "DELETE", &named("volumes", name, ""), Send::default())
                .map_err(|e| Failure::new(e.text))?;
        }
    }
    if args.state == "absent" {
        return Ok(track.outcome(call, args.reach.debug, true));
    }
    if there.is_none() {
        track.act(format!("Created volume {name} with driver {}", args.driver));
        if let Some(host) = hand.change() {
            let mut data = json!({"Name": name, "Driver": args.driver, "DriverOpts": args.driver_options});
            if let Some(labels) = &args.labels {
                data["Labels"] = labels.clone().into();
            }
            let send = Send { json: Some(data), ..Send::default() };
            engine.act(host, "POST", "/volumes/create", send).map_err(|e| Failure::new(e.text))?;
        }
    }
    track.differences.extend(differences.differences);
    let volume = find(&engine, hand.host(), name)?;
    Ok(track.outcome(call, args.reach.debug, false).with("volume", volume))
}

fn compare(args: &Args, there: &Json, track: &mut Track) {
    if there["Driver"] != args.driver.as_str() {
        track.differ("driver", args.driver.clone(), there["Driver"].clone());
    }
    road::entries(track, "driver_options", &args.driver_options, &there["Options"]);
    let actual = there["Labels"].as_object().cloned().unwrap_or_default();
    for (name, value) in args.labels.iter().flatten().filter(|(name, value)| actual.get(*name) != Some(value)) {
        track.differ(format!("labels.{name}"), value.clone(), actual.get(name).cloned().unwrap_or_default());
    }
}
