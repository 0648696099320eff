//! `community.docker.docker_image`: an image of an engine: pulled, built, loaded, named, pushed or removed.

use super::cli::Cli;
use super::engine::{ENGINE_ARGS, Engine, Hand, Reach, Send, named};
use super::road::{self, Work};
use super::{build, images, logins};
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::steps::execute;
use crate::host::{Change, Observe};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

pub struct DockerImage;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    tag: String,
    state: String,
    source: Option<String>,
    build: Option<Build>,
    force_source: bool,
    force_absent: bool,
    force_tag: bool,
    load_path: Option<PathBuf>,
    pull: Option<Pull>,
    push: bool,
    repository: Option<String>,
    #[serde(flatten)]
    reach: Reach,
}

#[derive(Clone, Debug, Deserialize)]
struct Build {
    rm: Option<bool>,
    container_limits: Option<JsonMap>,
    #[serde(flatten)]
    plan: build::Build,
}

#[derive(Clone, Debug, Deserialize)]
struct Pull {
    platform: Option<String>,
}

impl Module for DockerImage {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[
            Rule::RequiredTogether(&["client_cert", "client_key"]),
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["source"], any: false },
            Rule::RequiredIf { arg: "source", value: Literal::Str("build"), required: &["build"], any: false },
            Rule::RequiredIf { arg: "source", value: Literal::Str("load"), required: &["load_path"], any: false },
        ],
        examples: "- name: An image from a registry\n  community.docker.docker_image:\n    name: registry.example.org/app:1.2\n    source: pull\n\n- name: One that is built on the host\n  community.docker.docker_image:\n    name: app\n    tag: local\n    source: build\n    build:\n      path: /srv/app\n",
        returns: &[
            Return { name: "image", when: "always", doc: "What the engine tells of the image." },
            Return { name: "actions", when: "always", doc: "What was done." },
            Return { name: "stdout", when: "source=build", doc: "What the build said." },
        ],
        differs: "Goes through the engine's API without Python; builds go through the host's `docker build`. `archive_path`, `build.http_timeout`, `build.use_config_proxy` and `ssh://` as docker_host are refused.",
        ..ModuleSpec::new(
            "community.docker.docker_image",
            "Manages images of Docker.",
            &[
                Arg::str("name").required().doc("Name of the image, with or without a tag, or its id."),
                Arg::str("tag").default(Literal::Str("latest")).doc("Tag, where the name has none."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the image is there."),
                Arg::str("source").choices(&["build", "load", "pull", "local"]).doc("Where it comes from."),
                Arg::dict("build")
                    .options(&[
                        Arg::path("path").required().doc("Directory of the build."),
                        Arg::str("dockerfile").doc("File with the instructions, within the directory."),
                        Arg::list("cache_from", ArgType::Str).doc("Images whose layers may be taken."),
                        Arg::dict("container_limits")
                            .options(&[
                                Arg::str("memory").doc("Memory."),
                                Arg::str("memswap").doc("Memory and swap; -1: no limit."),
                                Arg::int("cpushares").doc("Weight of CPU time."),
                                Arg::str("cpusetcpus").doc("CPUs."),
                            ])
                            .doc("Limits of the containers that build."),
                        Arg::str("network").doc("Network of RUN."),
                        Arg::bool("nocache").default(Literal::Bool(false)).doc("Take no layer from the cache."),
                        Arg::bool("pull").default(Literal::Bool(false)).doc("Pull the image on which it builds."),
                        Arg::bool("rm").default(Literal::Bool(true)).doc("Remove the containers that built."),
                        Arg::dict("args").doc("Arguments of the build."),
                        Arg::str("target").doc("Stage at which to stop."),
                        Arg::dict("etc_hosts").doc("Names with addresses."),
                        Arg::str("platform").doc("Platform."),
                        Arg::str("shm_size").doc("Size of /dev/shm."),
                        Arg::dict("labels").doc("Labels."),
                    ])
                    .doc("How it is built."),
                Arg::bool("force_source").default(Literal::Bool(false)).doc("Build, load or pull in any case."),
                Arg::bool("force_absent").default(Literal::Bool(false)).doc("Remove it with all its names."),
                Arg::bool("force_tag").default(Literal::Bool(false)).doc("Name it anew in any case."),
                Arg::path("load_path").doc("Archive on the host from which it is loaded."),
                Arg::dict("pull").options(&[Arg::str("platform").doc("Platform.")]).doc("How it is pulled."),
                Arg::bool("push").default(Literal::Bool(false)).doc("Push it to its registry."),
                Arg::str("repository").doc("Another name that it is given."),
            ],
        )
    };
    type Args = Args;
    type Work = Work<Args>;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work<Args>>, Failure> {
        if !args.tag.is_empty() && !images::is_tag(&args.tag) {
            return Err(Failure::new(format!("\"{}\" is not a valid docker tag!", args.tag)));
        }
        if !images::is_id(&args.name)
            && let (name, Some(tag)) = images::split(&args.name)
        {
            (args.name, args.tag) = (name.to_owned(), tag.to_owned());
        }
        if let Some(repository) = args.repository.as_ref().filter(|r| images::is_id(r)) {
            return Err(Failure::new(format!("`repository` must not be an image ID; got: {repository}")));
        }
        if args.repository.is_none() && args.push && images::is_id(&args.name) {
            return Err(Failure::new(format!(
                "Cannot push an image by ID; specify `repository` to tag and push the image with ID {} instead",
                args.name
            )));
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

impl Args {
    fn full_name(&self) -> String {
        if self.tag.is_empty() || images::is_id(&self.name) {
            self.name.clone()
        } else {
            format!("{}:{}", self.name, self.tag)
        }
    }
    fn find(&self, engine: &Engine<'_>, host: &dyn Observe) -> Result<Option<Json>, Failure> {
        if images::is_id(&self.name) {
            return images::find_by_id(engine, host, &self.name);
        }
        images::find(engine, host, &self.name, &self.tag)
    }
}

/// What the module has done so far.
#[derive(Default)]
struct Done {
    changed: bool,
    actions: Vec<String>,
    image: Option<Json>,
    stdout: Option<String>,
    warnings: Vec<String>,
}

impl Done {
    fn act(&mut self, what: String) {
        self.changed = true;
        self.actions.push(what);
    }
}

fn manage(args: &Args, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let engine = Engine::connect(hand.host(), call, &args.reach)?;
    let mut done = Done::default();
    let there = args.find(&engine, hand.host())?;
    if args.state == "absent" {
        absent(args, hand, &engine, &mut done, there.is_some())?;
    } else {
        if there.is_none() || args.force_source {
            fetch(args, hand, &engine, &mut done, there.as_ref())?;
            let same = there.is_some() && done.image.as_ref().map(|i| &i["Id"]) == there.as_ref().map(|i| &i["Id"]);
            done.changed &= !same;
        } else {
            done.image = there;
        }
        match &args.repository {
            Some(repository) => name(args, hand, &engine, &mut done, repository)?,
            None if args.push => push(args, hand, &engine, &mut done, &args.name, &args.tag)?,
            None => {}
        }
    }
    let mut outcome = Outcome::changed(done.changed)
        .with("actions", done.actions)
        .with("image", done.image.unwrap_or_else(|| json!({})));
    outcome.warnings = done.warnings;
    if let Some(stdout) = done.stdout {
        outcome.set("stdout", stdout);
    }
    Ok(outcome)
}

fn absent(args: &Args, hand: &mut Hand<'_>, engine: &Engine<'_>, done: &mut Done, there: bool) -> Result<(), Failure> {
    if !there {
        return Ok(());
    }
    let name = args.full_name();
    done.act(format!("Removed image {name}"));
    done.image = Some(json!({"state": "Deleted"}));
    let Some(host) = hand.change() else { return Ok(()) };
    let query = [("force", if args.force_absent { "true" } else { "false" })];
    match engine.act(host, "DELETE", &named("images", &name, ""), Send { query: &query, ..Send::default() }) {
        Err(e) if !e.missing() => Err(Failure::new(format!("Error removing image {name} - {e}"))),
        _ => Ok(()),
    }
}

fn fetch(
    args: &Args,
    hand: &mut Hand<'_>,
    engine: &Engine<'_>,
    done: &mut Done,
    there: Option<&Json>,
) -> Result<(), Failure> {
    let source = args.source.as_deref().unwrap_or_default();
    let full = args.full_name();
    if matches!(source, "build" | "pull") && images::is_id(&args.name) {
        return Err(Failure::new(format!(
            "Image name must not be an image ID for source={source}; got: {}",
            args.name
        )));
    }
    match (source, &args.build, &args.load_path) {
        ("build", Some(build), _) => {
            build.plan.check_directory(hand.host())?;
            done.act(format!("Built image {full} from {}", build.plan.path.display()));
            done.stdout = build_image(args, build, hand, &full)?;
        }
        ("load", _, Some(path)) => {
            let path_shown = path.display();
            if !hand.host().stat(path).is_ok_and(|s| s.kind == crate::host::FileKind::File) {
                return Err(Failure::new(format!(
                    "Error loading image {}. Specified path {path_shown} does not exist.",
                    args.name
                )));
            }
            done.act(format!("Loaded image {full} from {path_shown}"));
            load(args, hand, engine, done, path, &full)?;
        }
        ("pull", ..) => {
            done.act(format!("Pulled image {}:{}", args.name, args.tag));
            let platform = args.pull.as_ref().and_then(|p| p.platform.as_deref());
            if let Some(host) = hand.change() {
                done.image = images::pull(engine, host, &args.name, &args.tag, platform)?.0;
                return Ok(());
            }
        }
        _ if there.is_none() => return Err(Failure::new(format!("Cannot find the image {full} locally."))),
        _ => {
            done.image = there.cloned();
            return Ok(());
        }
    }
    if !hand.only_looks() {
        done.image = args.find(engine, hand.host())?;
    }
    Ok(())
}

fn build_image(args: &Args, build: &Build, hand: &mut Hand<'_>, full: &str) -> Result<Option<String>, Failure> {
    let cli = Cli::of(hand.host(), &args.reach.for_cli())?;
    let mut words = vec!["build".to_owned(), "--tag".to_owned(), full.to_owned()];
    if build.rm == Some(false) {
        words.push("--rm=false".to_owned());
    } else {
        words.push("--force-rm".to_owned());
    }
    for (key, option) in [
        ("memory", "--memory"),
        ("memswap", "--memory-swap"),
        ("cpushares", "--cpu-shares"),
        ("cpusetcpus", "--cpuset-cpus"),
    ] {
        if let Some(value) = build.container_limits.as_ref().and_then(|l| l.get(key)).filter(|v| !v.is_null()) {
            words.extend([option.to_owned(), crate::contract::python_text(value)]);
        }
    }
    let env = build.plan.words(&mut words)?;
    let command = env.into_iter().fold(cli.command(words), |c, (name, value)| c.env(&name, value));
    let command = command.env("DOCKER_BUILDKIT", "0");
    let Some(host) = hand.change() else { return Ok(None) };
    let out = execute(host, &command)?;
    if out.ok() {
        return Ok(Some(out.stdout_text()));
    }
    let said = out.stderr_text();
    Err(Failure::new(format!(
        "Error building {} - message: {}, logs: {}",
        args.name,
        said.trim(),
        json!(out.stdout_text().lines().collect::<Vec<_>>())
    )))
}

fn load(
    args: &Args,
    hand: &mut Hand<'_>,
    engine: &Engine<'_>,
    done: &mut Done,
    path: &std::path::Path,
    full: &str,
) -> Result<(), Failure> {
    let Some(host) = hand.change() else { return Ok(()) };
    let headers = vec![("Content-Type".to_owned(), "application/x-tar".to_owned())];
    let send = Send { file: Some(path.to_owned()), headers, ..Send::default() };
    let lines = engine
        .lines(host, "/images/load", send)
        .map_err(|e| Failure::new(format!("Error loading image {} - {e}", args.name)))?;
    let said: Vec<String> = lines
        .iter()
        .filter_map(|l| l.get("stream").or_else(|| l.get("status")).and_then(Json::as_str))
        .flat_map(str::lines)
        .map(str::to_owned)
        .collect();
    let all = |prefix: &str| said.iter().filter_map(|l| l.strip_prefix(prefix)).map(|n| n.trim().to_owned()).collect();
    let (mut names, ids): (Vec<String>, Vec<String>) = (all("Loaded image:"), all("Loaded image ID:"));
    let stdout = said.join("\n");
    if names.is_empty() && ids.is_empty() {
        return Err(Failure::new("Detected no loaded images. Archive potentially corrupt?").with("stdout", stdout));
    }
    let listed = |names: &[String]| {
        let mut all: Vec<String> = names.iter().map(|n| format!("'{n}'")).chain(ids.iter().cloned()).collect();
        all.sort();
        all.join(", ")
    };
    if !names.iter().any(|n| n == full) && !ids.iter().any(|id| id.to_lowercase() == full.to_lowercase()) {
        let found = listed(&names);
        return Err(Failure::new(format!("The archive did not contain image '{full}'. Instead, found {found}."))
            .with("stdout", stdout));
    }
    names.retain(|n| n != full);
    if !names.is_empty() {
        done.warnings.push(format!("The archive contained more images than specified: {}", listed(&names)));
    }
    Ok(())
}

fn name(
    args: &Args,
    hand: &mut Hand<'_>,
    engine: &Engine<'_>,
    done: &mut Done,
    repository: &str,
) -> Result<(), Failure> {
    let (repository, tag) = images::split(repository);
    let tag = tag.or(Some(args.tag.as_str()).filter(|t| !t.is_empty())).unwrap_or("latest");
    let there = images::find(engine, hand.host(), repository, tag)?;
    if there.is_none() || args.force_tag {
        let from = args.full_name();
        done.act(format!("Tagged image {from} to {repository}:{tag}"));
        if let Some(host) = hand.change() {
            let query = [("tag", tag), ("repo", repository), ("force", "true")];
            engine
                .act(host, "POST", &named("images", &from, "/tag"), Send { query: &query, ..Send::default() })
                .map_err(|e| Failure::new(format!("Error: failed to tag image - {e}")))?;
            done.image = images::find(engine, host.observe(), repository, tag)?;
            if there.is_some() && there.as_ref().map(|i| &i["Id"]) == done.image.as_ref().map(|i| &i["Id"]) {
                done.changed = false;
            }
        }
    }
    if args.push { push(args, hand, engine, done, repository, tag) } else { Ok(()) }
}

fn push(
    args: &Args,
    hand: &mut Hand<'_>,
    engine: &Engine<'_>,
    done: &mut Done,
    name: &str,
    tag: &str,
) -> Result<(), Failure> {
    let (registry, repository) = images::registry(name);
    done.act(format!("Pushed image {} to {registry}/{repository}:{tag}", args.name));
    let mut headers = logins::header(hand.host(), &registry)?;
    let Some(host) = hand.change() else { return Ok(()) };
    if headers.is_empty() {
        // `{}`: newer engines want the header in any case.
        headers.push(("X-Registry-Auth".to_owned(), "e30=".to_owned()));
    }
    let query = [("tag", tag)];
    let failed = |why: &str| {
        let place = format!("{registry}/{repository}:{tag}");
        Failure::new(match why {
            _ if !why.contains("unauthorized") => format!("Error pushing image {name}: {why}"),
            _ if why.contains("authentication required") => {
                format!("Error pushing image {place} - {why}. Try logging into {registry} first.")
            }
            _ => format!("Error pushing image {place} - {why}. Does the repository exist?"),
        })
    };
    let lines = engine
        .lines(host, &named("images", name, "/push"), Send { query: &query, headers, ..Send::default() })
        .map_err(|e| failed(&e.text))?;
    done.changed = false;
    let mut status = Json::Null;
    for line in lines {
        if let Some(detail) = line.get("errorDetail") {
            return Err(failed(detail["message"].as_str().unwrap_or_default()));
        }
        status = line.get("status").cloned().unwrap_or_default();
        done.changed |= status == "Pushing" || status == "Pushed";
    }
    let mut image = images::find(engine, host.observe(), name, tag)?.unwrap_or_else(|| json!({}));
    image["push_status"] = status;
    done.image = Some(image);
    Ok(())
}
