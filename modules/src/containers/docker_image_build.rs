//! `community.docker.docker_image_build`: builds an image by the host's `docker buildx`.

use super::build::Build;
use super::cli::{CLI_ARGS, Cli, CliArgs};
use super::images;
use crate::contract::{Arg, ArgType, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, query};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use serde_json::json;

pub struct DockerImageBuild;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    tag: String,
    rebuild: String,
    #[serde(flatten)]
    cli: CliArgs,
    #[serde(flatten)]
    build: Build,
}

pub struct Work {
    cli: Cli,
    image: String,
    before: Option<Json>,
    words: Vec<String>,
    command: Command,
}

impl Module for DockerImageBuild {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[CLI_ARGS],
        rules: &[
            Rule::MutuallyExclusive(&["docker_host", "cli_context"]),
            Rule::RequiredTogether(&["client_cert", "client_key"]),
        ],
        examples: "- name: Build the application's image\n  community.docker.docker_image_build:\n    name: app\n    tag: v1\n    path: /srv/app\n    rebuild: always\n",
        returns: &[
            Return { name: "image", when: "success", doc: "What the engine tells of the image." },
            Return { name: "command", when: "it was built", doc: "The words of the command." },
            Return { name: "stdout", when: "it was built", doc: "Its standard output." },
            Return { name: "stderr", when: "it was built", doc: "Its standard error." },
        ],
        differs: "Values of build arguments go by the environment of the program, so `command` shows their names only. `secrets` and `outputs` are refused.",
        ..ModuleSpec::new(
            "community.docker.docker_image_build",
            "Builds images of Docker by buildx.",
            &[
                Arg::str("name").required().doc("Name of the image, with or without a tag."),
                Arg::str("tag").default(Literal::Str("latest")).doc("Tag, where the name has none."),
                Arg::path("path").required().doc("Directory of the build."),
                Arg::str("dockerfile").doc("File with the instructions, within the directory."),
                Arg::list("cache_from", ArgType::Str).doc("Images whose layers may be taken."),
                Arg::bool("pull").default(Literal::Bool(false)).doc("Pull the image on which it builds."),
                Arg::str("network").doc("Network of RUN."),
                Arg::bool("nocache").default(Literal::Bool(false)).doc("Take no layer from the cache."),
                Arg::dict("etc_hosts").doc("Names with addresses."),
                Arg::dict("args").doc("Arguments of the build."),
                Arg::str("target").doc("Stage at which to stop."),
                Arg::list("platform", ArgType::Str).doc("Platforms."),
                Arg::str("shm_size").doc("Size of /dev/shm."),
                Arg::dict("labels").doc("Labels."),
                Arg::str("rebuild")
                    .choices(&["never", "always"])
                    .default(Literal::Str("never"))
                    .doc("Whether an image that is there is built again."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let cli = Cli::of(host, &args.cli)?;
        if cli.plugin(host, "buildx")?.is_none() {
            let program = cli.program.display();
            return Err(Failure::new(format!("Docker CLI {program} does not have the buildx plugin installed")));
        }
        if !host.is_dir(&args.build.path) {
            return Err(Failure::new(format!("\"{}\" is not an existing directory", args.build.path.display())));
        }
        args.build.check_file(host)?;
        if !args.tag.is_empty() && !images::is_tag(&args.tag) {
            return Err(Failure::new(format!("\"{}\" is not a valid docker tag", args.tag)));
        }
        if images::is_id(&args.name) {
            return Err(Failure::new("Image name must not be a digest"));
        }
        if let (name, Some(tag)) = images::split(&args.name) {
            (args.name, args.tag) = (name.to_owned(), tag.to_owned());
        }
        if images::is_id(&args.tag) {
            return Err(Failure::new("Image name must not contain a digest, but have a tag"));
        }
        let image = format!("{}:{}", args.name, args.tag);
        let before = inspect(host, &cli, &image)?;
        if before.is_some() && args.rebuild == "never" {
            return Ok(Plan::Done(Outcome::unchanged().with("actions", json!([])).with("image", before)));
        }
        let mut words: Vec<String> =
            ["buildx", "build", "--progress", "plain", "--tag", &image].map(str::to_owned).to_vec();
        let env = args.build.words(&mut words)?;
        let command = cli.command(words.iter().cloned());
        let command = env.into_iter().fold(command, |c, (name, value)| c.env(&name, value));
        Ok(Plan::Work(Work { cli, image, before, words, command }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        let image = work.before.clone().unwrap_or_else(|| json!({}));
        Outcome::changed(true).with("actions", json!([])).with("image", image)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { cli, image, words, command, .. } = work;
        let out = execute(host, &command)?;
        if !out.ok() {
            return Err(Failure::new(format!("Building {image} failed"))
                .with("stdout", out.stdout_text())
                .with("stderr", out.stderr_text())
                .with("command", words));
        }
        let image = inspect(host.observe(), &cli, &image)?.unwrap_or_else(|| json!({}));
        Ok(Outcome::changed(true)
            .with("actions", json!([]))
            .with("stdout", out.stdout_text())
            .with("stderr", out.stderr_text())
            .with("image", image)
            .with("command", words))
    }
}

/// What the program tells of an image; `None` where there is none.
fn inspect(host: &dyn Observe, cli: &Cli, image: &str) -> Result<Option<Json>, Failure> {
    let out = query(host, &cli.command(["image", "inspect", image]))?;
    if !out.ok() && !out.stderr_text().to_lowercase().contains("no such image") {
        return Err(Failure::new(format!("Error inspecting image {image} - {}", out.stderr_text().trim())));
    }
    Ok(serde_json::from_slice::<Vec<Json>>(&out.stdout).ok().and_then(|list| list.into_iter().next()))
}
