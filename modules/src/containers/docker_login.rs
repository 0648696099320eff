//! `community.docker.docker_login`: logs in to a registry and out of it. The password goes to the engine in the body of a
//! request, and into the file or the helper program that keeps it.

use super::engine::{ENGINE_ARGS, Engine, Hand, Reach, Send};
use super::logins::{INDEX_URL, Login, Logins, default_path, encoded, from_helper, tell_helper};
use super::road::{self, Work};
use crate::contract::{Arg, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe, WriteOptions};
use serde::Deserialize;
use serde_json::json;
use std::path::{Path, PathBuf};

pub struct DockerLogin;

#[derive(Clone, Deserialize)]
pub struct Args {
    registry_url: String,
    username: Option<String>,
    password: Option<String>,
    reauthorize: bool,
    state: String,
    config_path: PathBuf,
    #[serde(flatten)]
    reach: Reach,
}

impl Module for DockerLogin {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[
            Rule::RequiredTogether(&["client_cert", "client_key"]),
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("present"),
                required: &["username", "password"],
                any: false,
            },
        ],
        examples: "- name: Log in\n  community.docker.docker_login:\n    registry_url: registry.example.org\n    username: deploy\n    password: secret\n",
        returns: &[Return { name: "login_result", when: "state=present", doc: "What the registry says." }],
        differs: "Goes through the engine's API without Python; `ssh://` as docker_host is refused.",
        ..ModuleSpec::new(
            "community.docker.docker_login",
            "Logs in to registries of images.",
            &[
                Arg::str("registry_url")
                    .aliases(&["registry", "url"])
                    .default(Literal::Str(INDEX_URL))
                    .doc("The registry."),
                Arg::str("username").doc("Name there."),
                Arg::str("password").no_log().doc("Password there."),
                Arg::bool("reauthorize")
                    .aliases(&["reauth"])
                    .default(Literal::Bool(false))
                    .doc("Log in even if the login is kept already."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the login is kept."),
                Arg::path("config_path")
                    .aliases(&["dockercfg_path"])
                    .default(Literal::Str("~/.docker/config.json"))
                    .doc("File in which logins are kept."),
            ],
        )
    };
    type Args = Args;
    type Work = Work<Args>;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work<Args>>, Failure> {
        road::plan(args, host, call, manage)
    }

    fn preview(work: &Work<Args>, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work<Args>, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        road::apply(&work, host, call, manage)
    }
}

fn manage(args: &Args, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let engine = Engine::connect(hand.host(), call, &args.reach)?;
    let registry = args.registry_url.as_str();
    let logins = Logins::read(hand.host(), &args.config_path);
    let helper = logins.helper(registry);
    let kept = match &helper {
        Some(program) => from_helper(hand.host(), program, registry)?,
        None => logins.kept(registry),
    };
    if args.state == "absent" {
        if kept.is_some() {
            keep(args, hand, helper.as_deref(), logins, None)?;
        }
        return Ok(Outcome::changed(kept.is_some()).with("login_result", json!({})));
    }
    let wanted =
        Login { user: args.username.clone().unwrap_or_default(), password: args.password.clone().unwrap_or_default() };
    // Where the file is not there yet, a login that the usual one knows counts.
    let usual = || Logins::read(hand.host(), &default_path(hand.host())).login(registry);
    let known = match helper {
        Some(_) => kept.clone(),
        None if hand.host().exists(&args.config_path) => logins.login(registry),
        None => usual(),
    };
    let same = kept.as_ref() == Some(&wanted) && !args.reauthorize;
    let result = match known {
        // A login that is kept with this password needs no asking.
        Some(known) if known == wanted && !args.reauthorize => {
            json!({"username": known.user, "email": null, "serveraddress": registry})
        }
        _ => ask(args, hand, &engine, &wanted)?,
    };
    if !same {
        keep(args, hand, helper.as_deref(), logins, Some(&wanted))?;
    }
    Ok(Outcome::changed(!same).with("login_result", result))
}

/// Asks the registry, by way of the engine; it asks even when the module only looks, since that changes nothing.
fn ask(args: &Args, hand: &mut Hand<'_>, engine: &Engine<'_>, login: &Login) -> Result<Json, Failure> {
    let registry = args.registry_url.as_str();
    let data = json!({"username": login.user, "password": login.password, "email": null, "serveraddress": registry});
    engine
        .check_login(hand.host(), Send { json: Some(data), ..Send::default() })
        .map_err(|e| Failure::new(format!("Logging into {registry} for user {} failed - {e}", login.user)))
}

/// Keeps the login, or forgets it.
fn keep(
    args: &Args,
    hand: &mut Hand<'_>,
    helper: Option<&str>,
    mut logins: Logins,
    login: Option<&Login>,
) -> Result<(), Failure> {
    let registry = args.registry_url.as_str();
    let Some(host) = hand.change() else { return Ok(()) };
    if let Some(program) = helper {
        return tell_helper(host, program, registry, login);
    }
    let auths = logins.content.entry("auths").or_insert_with(|| json!({}));
    if let Json::Object(auths) = auths {
        match login {
            Some(login) => drop(auths.insert(registry.to_owned(), encoded(login))),
            None => drop(auths.remove(registry)),
        }
    }
    write(host, &args.config_path, &Json::from(logins.content))
}

fn write(host: &mut dyn Change, path: &Path, content: &Json) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::io(format!("cannot write {}", path.display()), &e);
    if let Some(dir) = path.parent().filter(|dir| !host.exists(dir)) {
        let missing: Vec<&Path> = dir.ancestors().take_while(|d| !host.exists(d)).collect();
        for dir in missing.into_iter().rev() {
            host.create_dir(dir, 0o755).map_err(failed)?;
        }
    }
    let mut sorted = content.clone();
    sorted.sort_all_objects();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut text = Vec::new();
    serde::Serialize::serialize(&sorted, &mut serde_json::Serializer::with_formatter(&mut text, formatter))
        .map_err(|e| Failure::new(format!("cannot write {}: {e}", path.display())))?;
    let mode = if host.exists(path) { None } else { Some(0o600) };
    host.write(path, &mut text.as_slice(), &WriteOptions { mode, ..WriteOptions::default() }).map_err(failed)
}
