//! `community.docker.docker_compose_v2`: the services of a Compose project, by the host's `docker compose`.

mod events;

use super::cli::{CLI_ARGS, Cli, CliArgs};
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule, python_text,
};
use crate::host::steps::{execute, query};
use crate::host::{Change, Command, Observe, Output, quote_word};
use events::Events;
use serde::Deserialize;
use serde_json::json;
use std::path::{Path, PathBuf};

pub struct DockerComposeV2;

/// The first version that tells what it does as JSON.
const OLDEST: (u32, u32) = (2, 29);
const FILES: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    state: State,
    project_src: Option<PathBuf>,
    project_name: Option<String>,
    files: Option<Vec<PathBuf>>,
    definition: Option<JsonMap>,
    env_files: Option<Vec<PathBuf>>,
    profiles: Option<Vec<String>>,
    check_files_existing: bool,
    dependencies: bool,
    pull: String,
    build: String,
    recreate: String,
    renew_anon_volumes: bool,
    remove_images: Option<String>,
    remove_volumes: bool,
    remove_orphans: bool,
    timeout: Option<i64>,
    services: Option<Vec<String>>,
    scale: Option<JsonMap>,
    wait: bool,
    wait_timeout: Option<i64>,
    ignore_build_events: bool,
    #[serde(flatten)]
    cli: CliArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Present,
    Stopped,
    Restarted,
}

const fn flag(name: &'static str, default: bool) -> Arg {
    Arg::bool(name).default(Literal::Bool(default))
}

impl Module for DockerComposeV2 {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[CLI_ARGS],
        rules: &[
            Rule::MutuallyExclusive(&["docker_host", "cli_context"]),
            Rule::MutuallyExclusive(&["definition", "project_src"]),
            Rule::MutuallyExclusive(&["definition", "files"]),
            Rule::RequiredTogether(&["client_cert", "client_key"]),
            Rule::RequiredOneOf(&["definition", "project_src"]),
            Rule::RequiredBy { arg: "definition", required: &["project_name"] },
        ],
        examples: "- name: The project runs\n  community.docker.docker_compose_v2:\n    project_src: /srv/app\n    pull: always\n",
        returns: &[
            Return { name: "containers", when: "success", doc: "Containers of the project." },
            Return { name: "images", when: "success", doc: "Their images." },
            Return { name: "actions", when: "success", doc: "What was done to what." },
        ],
        differs: "Wants Compose 2.29 or later. A `definition` goes to Compose's standard input instead of a file. `assume_yes` is refused.",
        ..ModuleSpec::new(
            "community.docker.docker_compose_v2",
            "Manages projects of Docker Compose.",
            &[
                Arg::str("state")
                    .choices(&["absent", "present", "stopped", "restarted"])
                    .default(Literal::Str("present"))
                    .doc("What is wanted of the services."),
                Arg::path("project_src").doc("Directory of the project."),
                Arg::str("project_name").doc("Name of the project."),
                Arg::list("files", ArgType::Path).doc("Files of the project, within its directory."),
                Arg::dict("definition").doc("The project itself, as in a file."),
                Arg::list("env_files", ArgType::Path).doc("Files with variables."),
                Arg::list("profiles", ArgType::Str).doc("Profiles that are on."),
                flag("check_files_existing", true).doc("Fail where the directory has no file of Compose's."),
                flag("dependencies", true).doc("Start what the services depend on."),
                Arg::str("pull")
                    .choices(&["always", "missing", "never", "policy"])
                    .default(Literal::Str("policy"))
                    .doc("When images are pulled."),
                Arg::str("build")
                    .choices(&["always", "never", "policy"])
                    .default(Literal::Str("policy"))
                    .doc("When images are built."),
                Arg::str("recreate")
                    .choices(&["always", "never", "auto"])
                    .default(Literal::Str("auto"))
                    .doc("When containers are made anew."),
                flag("renew_anon_volumes", false).doc("Do not keep anonymous volumes."),
                Arg::str("remove_images").choices(&["all", "local"]).doc("Images that go with the project."),
                flag("remove_volumes", false).doc("Volumes go with the project."),
                flag("remove_orphans", false).doc("Remove containers of services that are no more."),
                Arg::int("timeout").doc("Seconds until containers are killed when stopped."),
                Arg::list("services", ArgType::Str).doc("Services; all where there are none."),
                Arg::dict("scale").doc("How many containers of a service."),
                flag("wait", false).doc("Wait until they run and are healthy."),
                Arg::int("wait_timeout").doc("Seconds to wait."),
                flag("ignore_build_events", true).doc("A build alone is no change."),
            ],
        )
    };
    type Args = Args;
    type Work = Project;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Project>, Failure> {
        let mut project = Project::of(args, host)?;
        if call.check {
            // Compose itself tells what it would do.
            return Ok(Plan::Done(project.run(&mut |command| query(host, command), true)?));
        }
        Ok(Plan::Work(project))
    }

    fn preview(_: &Project, _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply(mut project: Project, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        project.run(&mut |command| execute(host, command), false)
    }
}

pub struct Project {
    args: Args,
    cli: Cli,
    dir: PathBuf,
    changed: bool,
    actions: Vec<Json>,
    stdout: Vec<String>,
    stderr: Vec<String>,
    warnings: Vec<String>,
}

type Runner<'a> = &'a mut dyn FnMut(&Command) -> Result<Output, Failure>;

impl Project {
    fn of(args: Args, host: &dyn Observe) -> Result<Self, Failure> {
        let cli = Cli::of(host, &args.cli)?;
        let version = version(&cli, host)?;
        if version < OLDEST {
            let (program, (major, minor)) = (cli.program.display(), version);
            return Err(Failure::new(format!(
                "Docker CLI {program} has the compose plugin with version {major}.{minor}; need version {}.{}.0 or later",
                OLDEST.0, OLDEST.1
            )));
        }
        for (name, count) in args.scale.iter().flatten() {
            let shown = python_text(count);
            match shown.parse::<i64>() {
                Err(_) => {
                    return Err(Failure::new(format!("The value '{shown}' for `scale['{name}']` is not an integer")));
                }
                Ok(count) if count < 0 => {
                    return Err(Failure::new(format!("The value {count} for `scale['{name}']` is negative")));
                }
                Ok(_) => {}
            }
        }
        let dir = args.project_src.clone().unwrap_or_else(|| PathBuf::from("/"));
        let shown = dir.display();
        if !host.is_dir(&dir) {
            return Err(Failure::new(format!("\"{shown}\" is not a directory")));
        }
        let has = |file: &Path| host.exists(&dir.join(file));
        match &args.files {
            Some(files) if !files.is_empty() => {
                if let Some(missing) = files.iter().find(|f| !has(f)) {
                    return Err(Failure::new(format!(
                        "Cannot find Compose file \"{}\" relative to project directory \"{shown}\"",
                        missing.display()
                    )));
                }
            }
            _ if args.definition.is_some() || !args.check_files_existing => {}
            _ if FILES.iter().any(|f| has(Path::new(f))) => {}
            _ => {
                return Err(Failure::new(format!(
                    "\"{shown}\" does not contain compose.yaml, compose.yml, docker-compose.yaml, or docker-compose.yml"
                )));
            }
        }
        Ok(Project {
            args,
            cli,
            dir,
            changed: false,
            actions: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            warnings: Vec::new(),
        })
    }

    fn words(&self, command: &[&str]) -> Vec<String> {
        let args = &self.args;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut words: Vec<String> = ["compose", "--ansi", "never", "--progress", "json"].map(str::to_owned).to_vec();
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        option("--project-directory", text(&self.dir));
        args.project_name.iter().for_each(|name| option("--project-name", name.clone()));
        if args.definition.is_some() {
            option("--file", "-".to_owned());
        }
        args.files.iter().flatten().for_each(|file| option("--file", text(file)));
        args.env_files.iter().flatten().for_each(|file| option("--env-file", text(file)));
        args.profiles.iter().flatten().for_each(|profile| option("--profile", profile.clone()));
        words.extend(command.iter().map(|w| (*w).to_owned()));
        words
    }

    fn command(&self, words: &[String]) -> Command {
        let command = self.cli.command(words.iter().cloned()).cwd(&self.dir);
        match &self.args.definition {
            // JSON is YAML too.
            Some(definition) => command.stdin(Json::from(definition.clone()).to_string()),
            None => command,
        }
    }

    fn ending(&self, words: &mut Vec<String>, dry: bool) {
        if let Some(timeout) = self.args.timeout {
            words.extend(["--timeout".to_owned(), timeout.to_string()]);
        }
        words.extend(dry.then(|| "--dry-run".to_owned()));
        words.push("--".to_owned());
        words.extend(self.args.services.iter().flatten().cloned());
    }

    fn up(&self, dry: bool, no_start: bool) -> Vec<String> {
        let args = &self.args;
        let mut words = self.words(&["up", "--detach", "--no-color", "--quiet-pull"]);
        if args.pull != "policy" {
            words.extend(["--pull".to_owned(), args.pull.clone()]);
        }
        let mut counts: Vec<(&String, String)> =
            args.scale.iter().flatten().map(|(n, c)| (n, python_text(c))).collect();
        counts.sort();
        for (name, count) in counts {
            words.extend(["--scale".to_owned(), format!("{name}={count}")]);
        }
        for (asked, word) in [
            (args.remove_orphans, "--remove-orphans"),
            (args.recreate == "always", "--force-recreate"),
            (args.recreate == "never", "--no-recreate"),
            (args.renew_anon_volumes, "--renew-anon-volumes"),
            (!args.dependencies, "--no-deps"),
            (args.build == "always", "--build"),
            (args.build == "never", "--no-build"),
            (args.wait, "--wait"),
            (no_start, "--no-start"),
        ] {
            words.extend(asked.then(|| word.to_owned()));
        }
        if let Some(limit) = args.wait_timeout.filter(|_| args.wait) {
            words.extend(["--wait-timeout".to_owned(), limit.to_string()]);
        }
        self.ending(&mut words, dry);
        words
    }

    fn run(&mut self, runner: Runner<'_>, dry: bool) -> Result<Outcome, Failure> {
        match self.args.state {
            State::Present => self.step(runner, self.up(dry, false), true)?,
            State::Restarted => {
                let mut words = self.words(&["restart"]);
                words.extend((!self.args.dependencies).then(|| "--no-deps".to_owned()));
                self.ending(&mut words, dry);
                self.step(runner, words, false)?;
            }
            State::Absent => {
                let mut words = self.words(&["down"]);
                words.extend(self.args.remove_orphans.then(|| "--remove-orphans".to_owned()));
                if let Some(which) = &self.args.remove_images {
                    words.extend(["--rmi".to_owned(), which.clone()]);
                }
                words.extend(self.args.remove_volumes.then(|| "--volumes".to_owned()));
                self.ending(&mut words, dry);
                self.step(runner, words, false)?;
            }
            State::Stopped => {
                // Compose claims to stop what is stopped already.
                self.step(runner, self.up(dry, true), true)?;
                let still =
                    |c: &Json| !matches!(c["State"].as_str(), Some("created" | "exited" | "stopped" | "killed"));
                if self.containers(runner)?.iter().any(still) {
                    let mut words = self.words(&["stop"]);
                    self.ending(&mut words, dry);
                    self.step(runner, words, false)?;
                }
            }
        }
        let containers: Vec<Json> = self.containers(runner)?.into_iter().map(told).collect();
        let images = self.json(runner, &self.words(&["images", "--format", "json"]))?;
        let images: Vec<Json> = match images.into_iter().next() {
            Some(Json::Array(list)) => list,
            Some(Json::Object(map)) => map.into_iter().map(|(_, image)| image).collect(),
            _ => Vec::new(),
        };
        let mut outcome = Outcome::changed(self.changed)
            .with("actions", std::mem::take(&mut self.actions))
            .with("containers", containers)
            .with("images", images);
        outcome.warnings = std::mem::take(&mut self.warnings);
        for (name, texts) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let texts: Vec<&str> = texts.iter().map(String::as_str).filter(|t| !t.is_empty()).collect();
            if !texts.is_empty() {
                outcome.set(name, texts.join("\n"));
            }
        }
        Ok(outcome)
    }

    /// One command that does something, and what it says it did.
    fn step(&mut self, runner: Runner<'_>, words: Vec<String>, up: bool) -> Result<(), Failure> {
        let out = runner(&self.command(&words))?;
        let events = Events::parse(&out.stderr_text());
        self.warnings.extend(events.warnings());
        self.changed |= events.changed(up, up && self.args.ignore_build_events);
        self.actions.extend(events.actions());
        self.stdout.push(out.stdout_text());
        self.stderr.push(out.stderr_text());
        if out.ok() { Ok(()) } else { Err(self.failure(&words, &out, &events)) }
    }

    fn failure(&self, words: &[String], out: &Output, events: &Events) -> Failure {
        let mut errors = events.errors();
        if errors.is_empty() {
            errors.push(format!("Return code {} is non-zero", out.rc));
        }
        let program = self.cli.program.to_string_lossy().into_owned();
        let cmd: Vec<String> = std::iter::once(&program).chain(words).map(|word| quote_word(word)).collect();
        let mut failure = Failure::new(errors.join("\n"))
            .with("cmd", cmd.join(" "))
            .with("stdout", out.stdout_text())
            .with("stderr", out.stderr_text())
            .with("rc", out.rc)
            .with("actions", self.actions.clone());
        failure.changed = self.changed;
        failure.warnings.clone_from(&self.warnings);
        failure
    }

    /// The values that a command prints, one after the other.
    fn json(&self, runner: Runner<'_>, words: &[String]) -> Result<Vec<Json>, Failure> {
        let out = runner(&self.command(words))?;
        if !out.ok() {
            return Err(self.failure(words, &out, &Events::parse(&out.stderr_text())));
        }
        Ok(serde_json::Deserializer::from_slice(&out.stdout).into_iter().map_while(Result::ok).collect())
    }

    fn containers(&self, runner: Runner<'_>) -> Result<Vec<Json>, Failure> {
        let all = self.json(runner, &self.words(&["ps", "--format", "json", "--all", "--no-trunc"]))?;
        Ok(all
            .into_iter()
            .flat_map(|value| match value {
                Json::Array(list) => list,
                one => vec![one],
            })
            .filter(Json::is_object)
            .collect())
    }
}

/// A container as the module returns it: lists and mappings instead of texts.
fn told(mut container: Json) -> Json {
    let list = |text: &str| json!(text.split(',').collect::<Vec<_>>());
    let labels: JsonMap = container["Labels"]
        .as_str()
        .filter(|l| !l.is_empty())
        .into_iter()
        .flat_map(|l| l.split(','))
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let name = container["Name"].as_str().unwrap_or_default().to_owned();
    container["Labels"] = labels.into();
    container["Names"] = list(container["Names"].as_str().unwrap_or(&name));
    container["Networks"] = list(container["Networks"].as_str().unwrap_or_default());
    if container["Publishers"].is_null() {
        container["Publishers"] = json!([]);
    }
    container
}

fn version(cli: &Cli, host: &dyn Observe) -> Result<(u32, u32), Failure> {
    let out = query(host, &cli.command(["compose", "version", "--format", "json"]))?;
    let told: Json = serde_json::from_slice(&out.stdout).unwrap_or_default();
    let version = match told["version"].as_str().filter(|v| out.ok() && *v != "dev") {
        Some(version) => version.trim_start_matches('v').to_owned(),
        None => cli.plugin(host, "compose")?.ok_or_else(|| {
            let program = cli.program.display();
            Failure::new(format!("Docker CLI {program} does not have the compose plugin installed"))
        })?,
    };
    let mut numbers = version.split('.').map(|n| n.parse().unwrap_or(0));
    Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;

    const COMPOSE: Entry = Entry::of::<DockerComposeV2>();
    const BASE: &str = "docker --host unix:///var/run/docker.sock compose";

    fn host(version: &str) -> Fake {
        let project = "--ansi never --progress json --project-directory /srv/app";
        Fake::new()
            .file("/srv/app/compose.yaml", "services: {}\n")
            .answer(&format!("{BASE} version --format json"), 0, &format!("{{\"version\": \"{version}\"}}"))
            .answer(
                &format!("{BASE} {project} ps --format json --all --no-trunc"),
                0,
                "{\"Name\": \"app-web-1\", \"State\": \"running\", \"Labels\": \"a=b,c\", \"Networks\": \"n\"}\n",
            )
            .answer(&format!("{BASE} {project} images --format json"), 0, "[{\"ID\": \"sha256:1\"}]")
    }

    #[test]
    fn a_project_runs() {
        let told = "{\"id\":\"Container app-web-1\",\"status\":\"Working\",\"text\":\"Creating\"}\n{\"id\":\"Container app-web-1\",\"status\":\"Done\",\"text\":\"Started\"}\n{\"level\":\"warning\",\"msg\":\"old\",\"time\":\"1\"}\n";
        let up = format!(
            "{BASE} --ansi never --progress json --project-directory /srv/app up --detach --no-color --quiet-pull --pull always --no-deps --dry-run -- web"
        );
        let args = json!({"project_src": "/srv/app", "pull": "always", "dependencies": false, "services": ["web"]});
        let mut fake = host("2.39.1").answer_err(&up, 0, "", told);
        let out = run(&COMPOSE, args.clone(), &mut fake, true).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["actions"], json!([{"what": "container", "id": "app-web-1", "status": "Creating"}]));
        assert_eq!(out.values["containers"][0]["Labels"], json!({"a": "b", "c": ""}));
        assert_eq!(out.values["containers"][0]["Names"], json!(["app-web-1"]));
        assert_eq!(out.warnings, ["Docker compose: unknown None: old"]);
        let quiet = up.replace("--dry-run ", "");
        let mut fake = host("2.39.1").answer_err(
            &quiet,
            0,
            "",
            "{\"id\":\"Container app-web-1\",\"status\":\"Done\",\"text\":\"Running\"}\n",
        );
        assert!(!run(&COMPOSE, args.clone(), &mut fake, false).unwrap().changed);
        let mut fake =
            host("2.39.1").answer_err(&quiet, 1, "", "{\"error\":true,\"message\":\"no such service: web\"}\n");
        let failure = run(&COMPOSE, args.clone(), &mut fake, false).unwrap_err();
        assert_eq!(failure.msg, "General error: no such service: web");
        let failure = run(&COMPOSE, args, &mut host("v2.17.2"), false).unwrap_err();
        assert!(failure.msg.ends_with("version 2.17; need version 2.29.0 or later"), "{}", failure.msg);
    }
}
