//! Scripted hosts: they answer a few modules as a real machine would, without one. `down…` hosts, and
//! ssh to port 9, are unreachable.
//!
//! `command` and `shell` know `true`, `false`, `echo WORDS`, `printenv NAME`, `whoami` and `sleep SECONDS`.

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};
use tightbeam::actions::Hosts;
use tightbeam::remote::{Connection, Content, RawOptions, RawOutput, RemoteError, Target};
use tightbeam_modules::contract::wire::{Reply, Request};
use tightbeam_modules::contract::{Failure, Outcome};

#[derive(Default)]
pub struct Scripted;

#[async_trait]
impl Hosts for Scripted {
    async fn call(&self, target: &Target, request: Request, _: Content) -> Result<Reply, RemoteError> {
        let port_9 = |o: &(String, String)| o.0 == "port" && o.1 == "9";
        let closed = matches!(&*target.connection, Connection::Ssh(ssh) if ssh.options.iter().any(port_9));
        if closed || target.host.to_string().starts_with("down") {
            return Err(unreachable("Connection refused"));
        }
        let module = request.module.rsplit('.').next().unwrap_or_default();
        Ok(match module {
            "ping" => ping(&request),
            "setup" => Reply::Outcome(Outcome { facts: Some(facts(&request.args)), ..Outcome::default() }),
            "command" | "shell" => command(target, &request).await,
            other => Reply::Fault(format!("a scripted host has no module {other}")),
        })
    }
    async fn raw(&self, target: &Target, _: &str, _: RawOptions) -> Result<RawOutput, RemoteError> {
        Err(unreachable(&format!("{}: a scripted host has no shell", target.host)))
    }
    async fn reset(&self, _: &Target) {}
    async fn close(&self) {}
}

fn unreachable(reason: &str) -> RemoteError {
    RemoteError::Unreachable { msg: reason.to_owned(), hints: vec![] }
}

fn map(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

/// Which facts were asked for, and local facts from the directory that was named.
fn facts(args: &Map<String, Json>) -> Map<String, Json> {
    let files = args.get("fact_path").and_then(Json::as_str).and_then(|dir| std::fs::read_dir(dir).ok());
    let paths = files.into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
    let local: Map<String, Json> = paths
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            Some((path.file_stem()?.to_str()?.to_owned(), serde_json::from_str(&text).ok()?))
        })
        .collect();
    map(json!({"gather_subset": args.get("gather_subset"), "ansible_local": local}))
}

fn ping(request: &Request) -> Reply {
    let data = request.args.get("data").cloned().unwrap_or_else(|| json!("pong"));
    Reply::Outcome(Outcome { values: map(json!({"ping": data})), ..Outcome::default() })
}

async fn command(target: &Target, request: &Request) -> Reply {
    let text = request.args.get("_raw_params").or_else(|| request.args.get("cmd")).and_then(Json::as_str);
    let argv = request.args.get("argv").and_then(Json::as_array);
    let words: Vec<String> = match (text, argv) {
        (Some(text), _) => text.split_whitespace().map(str::to_owned).collect(),
        (None, Some(argv)) => argv.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        (None, None) => vec![],
    };
    if request.check {
        let values = map(
            json!({"msg": "Command would have run if not in check mode", "cmd": words, "rc": 0, "stdout": "", "stderr": ""}),
        );
        return Reply::Outcome(Outcome { values, skipped: true, ..Outcome::default() });
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (rc, stdout) = match words.as_slice() {
        ["true"] => (0, String::new()),
        ["false"] => (1, String::new()),
        ["echo", rest @ ..] => (0, rest.join(" ")),
        ["printenv", name] => match request.environment.get(*name) {
            Some(value) => (0, value.clone()),
            None => (1, String::new()),
        },
        ["whoami"] => (0, target.escalation.as_ref().map_or("root".to_owned(), |e| e.user.to_string())),
        ["sleep", seconds] => {
            tokio::time::sleep(std::time::Duration::from_secs_f64(seconds.parse().unwrap_or(0.0))).await;
            (0, String::new())
        }
        other => return Reply::Fault(format!("a scripted host has no command {other:?}")),
    };
    let values = map(json!({"cmd": words, "rc": rc, "stdout": stdout, "stderr": "", "msg": ""}));
    if rc == 0 {
        Reply::Outcome(Outcome { changed: true, values, ..Outcome::default() })
    } else {
        let msg = "non-zero return code".to_owned();
        Reply::Failure(Failure { msg, changed: true, values, diff: vec![], warnings: vec![] })
    }
}
