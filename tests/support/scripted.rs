//! Scripted hosts: they answer a few modules as a real machine would, without one. `down…` hosts, and
//! ssh to port 9, are unreachable.
//!
//! `command` and `shell` know `true`, `false`, `echo WORDS`, `printenv NAME`, `whoami` and `sleep SECONDS`.

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tightbeam::actions::Hosts;
use tightbeam::remote::{Connection, Content, RawOptions, RawOutput, RemoteError, Target};
use tightbeam_modules::contract::wire::{Job, Reply, Request};
use tightbeam_modules::contract::{Failure, Outcome};

#[derive(Default)]
pub struct Scripted {
    jobs: Jobs,
    queues: Queues,
    done: Mutex<BTreeMap<String, Vec<String>>>,
}

/// Requests that run one after the other; each holds the task with which its queue came to its end.
type Queues = Mutex<HashMap<u32, Arc<tokio::sync::Mutex<Option<u32>>>>>;

/// Work in the background: what it gave, once it has ended.
type Jobs = Arc<Mutex<HashMap<String, Option<Reply>>>>;

#[async_trait]
impl Hosts for Scripted {
    async fn call(&self, target: &Target, request: Request, mut content: Content) -> Result<Reply, RemoteError> {
        let port_9 = |o: &(String, String)| o.0 == "port" && o.1 == "9";
        let closed = matches!(&*target.connection, Connection::Ssh(ssh) if ssh.options.iter().any(port_9));
        if closed || target.host.to_string().starts_with("down") {
            return Err(unreachable("Connection refused"));
        }
        if let Some(place) = request.queue {
            let queue = self.queues.lock().unwrap_or_else(PoisonError::into_inner).entry(place.id).or_default().clone();
            let mut turn = Box::pin(queue.lock_owned());
            let come = futures::poll!(&mut turn);
            content.told_sent();
            let mut ended = match come {
                std::task::Poll::Ready(turn) => turn,
                std::task::Poll::Pending => turn.await,
            };
            if ended.is_some_and(|task| task != place.task) {
                return Ok(Reply::Passed);
            }
            self.note(target, &request);
            let reply = module(target, &request).await;
            if place.stops && reply.is_failure() {
                ended.get_or_insert(place.task);
            }
            return Ok(reply);
        }
        self.note(target, &request);
        Ok(match &request.job {
            Some(job) => self.begin(job.clone(), target.clone(), request),
            None if request.module == "ansible.builtin.async_status" => self.status(&request),
            None => module(target, &request).await,
        })
    }
    async fn raw(&self, target: &Target, _: &str, _: RawOptions) -> Result<RawOutput, RemoteError> {
        Err(unreachable(&format!("{}: a scripted host has no shell", target.host)))
    }
    async fn reset(&self, _: &Target) {}
    async fn close(&self) {}
}

fn lock(jobs: &Jobs) -> MutexGuard<'_, HashMap<String, Option<Reply>>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scripted {
    /// What was run on each host, in order.
    #[allow(dead_code, reason = "not every test asks")]
    pub fn done(&self) -> BTreeMap<String, Vec<String>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, target: &Target, request: &Request) {
        let line = format!("{} {} {:?}", request.module, Json::Object(request.args.clone()), request.environment);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.entry(target.host.to_string()).or_default().push(line);
    }

    fn begin(&self, job: Job, target: Target, request: Request) -> Reply {
        let (name, jobs) = (format!("{}.1", job.id), self.jobs.clone());
        lock(&jobs).insert(name.clone(), None);
        let begun = json!({"started": true, "finished": false, "ansible_job_id": name});
        tokio::spawn(async move {
            let limit = std::time::Duration::from_secs(job.limit);
            let ended = tokio::time::timeout(limit, module(&target, &request)).await;
            if let Ok(reply) = ended {
                lock(&jobs).insert(name, Some(reply));
            }
        });
        Reply::Outcome(Outcome { values: map(begun), ..Outcome::default() })
    }

    fn status(&self, request: &Request) -> Reply {
        let name = request.args["jid"].as_str().unwrap_or_default();
        let mut jobs = lock(&self.jobs);
        let Some(ended) = jobs.get(name).cloned() else {
            let msg = "could not find job".to_owned();
            return Reply::Failure(Failure { msg, values: map(json!({"finished": true})), ..Failure::default() });
        };
        if request.args["mode"] == "cleanup" {
            jobs.remove(name);
            return Reply::Outcome(Outcome::unchanged());
        }
        let mut data = match ended {
            None => map(json!({"started": true, "finished": false})),
            Some(Reply::Outcome(outcome)) => outcome.into_printed(""),
            Some(Reply::Failure(failure)) => failure.into_printed(""),
            Some(Reply::Fault(text)) => map(json!({"failed": true, "msg": text})),
            Some(Reply::Passed) => map(json!({"failed": true, "msg": "not run"})),
        };
        data.entry("finished").or_insert(true.into());
        Reply::Outcome(Outcome { values: map(json!({"started": true, "job": data})), ..Outcome::default() })
    }
}

async fn module(target: &Target, request: &Request) -> Reply {
    match request.module.rsplit('.').next().unwrap_or_default() {
        "ping" => ping(request),
        "setup" => Reply::Outcome(Outcome { facts: Some(facts(&request.args)), ..Outcome::default() }),
        "command" | "shell" => command(target, request).await,
        other => Reply::Fault(format!("a scripted host has no module {other}")),
    }
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
