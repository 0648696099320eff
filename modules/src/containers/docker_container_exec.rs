//! `community.docker.docker_container_exec`: runs a command in a container.

use super::engine::{ApiError, ENGINE_ARGS, Engine, Reach, Send, named, separated};
use crate::contract::{
    Arg, ArgType, Call, CheckMode, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return,
    Rule,
};
use crate::host::{Change, Observe, split_words};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

pub struct DockerContainerExec;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    container: String,
    argv: Option<Vec<String>>,
    command: Option<String>,
    chdir: Option<String>,
    detach: bool,
    user: Option<String>,
    strip_empty_ends: bool,
    tty: bool,
    env: Option<JsonMap>,
    #[serde(flatten)]
    reach: Reach,
}

impl Module for DockerContainerExec {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[
            Rule::RequiredTogether(&["client_cert", "client_key"]),
            Rule::MutuallyExclusive(&["argv", "command"]),
            Rule::RequiredOneOf(&["argv", "command"]),
        ],
        check_mode: CheckMode::None,
        kind: Kind::Imperative,
        examples: "- name: Reload the web server\n  community.docker.docker_container_exec:\n    container: web\n    command: nginx -s reload\n",
        returns: &[
            Return { name: "stdout", when: "detach=false", doc: "Standard output." },
            Return { name: "stderr", when: "detach=false", doc: "Standard error." },
            Return { name: "rc", when: "detach=false", doc: "Exit status." },
            Return { name: "exec_id", when: "detach=true", doc: "Id of what runs." },
        ],
        differs: "Goes through the engine's API without Python; `stdin` and `ssh://` as docker_host are refused.",
        ..ModuleSpec::new(
            "community.docker.docker_container_exec",
            "Runs a command in a container of Docker.",
            &[
                Arg::str("container").required().doc("Name of the container."),
                Arg::list("argv", ArgType::Str).doc("Command in words."),
                Arg::str("command").doc("Command as one text."),
                Arg::str("chdir").doc("Directory in which it runs."),
                Arg::bool("detach").default(Literal::Bool(false)).doc("Do not wait for it to end."),
                Arg::str("user").doc("User that it runs as."),
                Arg::bool("strip_empty_ends").default(Literal::Bool(true)).doc("Strip newlines from its output."),
                Arg::bool("tty").default(Literal::Bool(false)).doc("With a terminal."),
                Arg::dict("env").doc("Variables; values are texts."),
            ],
        )
    };
    type Args = Args;
    type Work = Args;

    fn plan(args: Args, _: &dyn Observe, _: &Call) -> Result<Plan<Args>, Failure> {
        if let Some((name, _)) = args.env.iter().flatten().find(|(_, value)| !value.is_string()) {
            return Err(Failure::new(format!(
                "Non-string value found for env option. Ambiguous env options must be wrapped in quotes to avoid them being interpreted. Key: {name}"
            )));
        }
        Ok(Plan::Work(args))
    }

    fn preview(_: &Args, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(args: Args, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let engine = Engine::connect(host.observe(), call, &args.reach)?;
        run(&args, &engine, host).map_err(|e| match e.status {
            404 => Failure::new(format!("Could not find container \"{}\"", args.container)),
            409 => Failure::new(format!("The container \"{}\" has been paused ({e})", args.container)),
            _ => e.into(),
        })
    }
}

fn run(args: &Args, engine: &Engine<'_>, host: &mut dyn Change) -> Result<Outcome, ApiError> {
    let words = match (&args.argv, &args.command) {
        (Some(argv), _) => argv.clone(),
        (None, command) => split_words(command.as_deref().unwrap_or_default()).map_err(|e| ApiError {
            status: 0,
            explanation: e.clone(),
            text: e,
        })?,
    };
    let env = args.env.as_ref().map(|env| {
        env.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>()
    });
    let mut data = json!({
        "Container": args.container, "User": args.user.clone().unwrap_or_default(), "Privileged": false,
        "Tty": false, "AttachStdin": false, "AttachStdout": true, "AttachStderr": true, "Cmd": words, "Env": env,
    });
    if let Some(dir) = &args.chdir {
        data["WorkingDir"] = dir.clone().into();
    }
    let path = named("containers", &args.container, "/exec");
    let made = engine.act(host, "POST", &path, Send { json: Some(data), ..Send::default() })?;
    let id = made["Id"].as_str().unwrap_or_default().to_owned();
    let send = Send {
        json: Some(json!({"Tty": args.tty, "Detach": args.detach})),
        patience: Some(Duration::from_secs(7 * 24 * 3600)),
        ..Send::default()
    };
    let bytes = engine.act_bytes(host, "POST", &named("exec", &id, "/start"), send)?;
    if args.detach {
        return Ok(Outcome::changed(true).with("exec_id", id));
    }
    let told: Json = engine.get(host.observe(), &named("exec", &id, "/json"), &[])?;
    let (out, err) = if args.tty { (bytes, Vec::new()) } else { separated(&bytes) };
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if args.strip_empty_ends { text.trim_end_matches(['\r', '\n']).to_owned() } else { text }
    };
    Ok(Outcome::changed(true)
        .with("stdout", text(out))
        .with("stderr", text(err))
        .with("rc", told["ExitCode"].as_i64().unwrap_or(0)))
}
