//! A small engine for tests: it listens on a socket, keeps containers, networks and volumes, and notes what changed it.

use crate::contract::{Json, JsonMap};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

#[derive(Default)]
struct State {
    containers: Vec<Json>,
    networks: Vec<Json>,
    volumes: Vec<Json>,
    image: Json,
    /// Requests other than GET.
    changes: Vec<String>,
}

pub struct Scripted {
    dir: TempDir,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    /// An engine with one image, `app:1`.
    pub fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let image = json!({"Id": format!("sha256:{}", "a".repeat(64)), "RepoTags": ["app:1"],
            "Config": {"Env": ["PATH=/bin"], "Cmd": ["run"], "Labels": {"of": "image"}}});
        let state = Arc::new(Mutex::new(State { image, ..State::default() }));
        let listener = UnixListener::bind(dir.path().join("engine.sock")).unwrap();
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                serve(stream, &shared);
            }
        });
        Scripted { dir, state }
    }

    /// Arguments with the engine's address.
    pub fn args(&self, args: Json) -> Json {
        let mut args = args;
        args["docker_host"] = format!("unix://{}", self.dir.path().join("engine.sock").display()).into();
        args
    }

    /// What changed the engine since it was last asked.
    pub fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().changes)
    }
}

fn serve(stream: UnixStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(n) = line.to_lowercase().strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let path = target.split('?').next().unwrap().replace("/v1.41", "");
    let name = target.split("name=").nth(1).unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = answer(method, &path, name, &body, &mut state.lock().unwrap());
    let text = if answer.is_null() { String::new() } else { answer.to_string() };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    let _ = (&stream).write_all((head + &text).as_bytes());
}

fn answer(method: &str, path: &str, name: &str, body: &Json, state: &mut State) -> (u16, Json) {
    if method != "GET" {
        state.changes.push(format!("{method} {path}"));
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        (_, ["version"]) => (200, json!({"ApiVersion": "1.41"})),
        (_, ["images", "json"]) => (200, json!([state.image])),
        (_, ["images", ..]) => (200, state.image.clone()),
        ("GET", ["containers", "json"]) => {
            let short = |c: &Json| json!({"Id": c["Id"], "Names": [c["Name"]]});
            (200, state.containers.iter().map(short).collect())
        }
        ("GET", ["containers", id, "json"]) => found(state.containers.iter().find(|c| c["Id"] == *id)),
        ("POST", ["containers", "create"]) => {
            let id = format!("id-{}", state.changes.len());
            state.containers.push(made(&id, name, body, &state.image));
            (201, json!({"Id": id, "Warnings": []}))
        }
        ("POST", ["containers", id, "update"]) => {
            let Some(c) = state.containers.iter_mut().find(|c| c["Id"] == *id) else { return (404, Json::Null) };
            for (key, value) in body.as_object().into_iter().flatten() {
                c["HostConfig"][key] = value.clone();
            }
            (200, json!({"Warnings": []}))
        }
        ("POST", ["containers", id, verb]) => {
            let Some(c) = state.containers.iter_mut().find(|c| c["Id"] == *id) else { return (404, Json::Null) };
            c["State"]["Running"] = (*verb != "stop").into();
            (204, Json::Null)
        }
        ("DELETE", ["containers", id]) => {
            state.containers.retain(|c| c["Id"] != *id);
            (204, Json::Null)
        }
        ("GET", ["networks"]) => (200, state.networks.clone().into()),
        ("GET", ["networks", id]) => found(state.networks.iter().find(|n| n["Id"] == *id)),
        ("POST", ["networks", "create"]) => {
            let mut network = body.clone();
            network["Id"] = body["Name"].clone();
            network["Containers"] = json!({});
            state.networks.push(network);
            (201, json!({"Id": body["Name"], "Warning": ""}))
        }
        ("DELETE", ["networks", id]) => {
            state.networks.retain(|n| n["Id"] != *id);
            (204, Json::Null)
        }
        ("GET", ["volumes"]) => (200, json!({"Volumes": state.volumes})),
        ("POST", ["volumes", "create"]) => {
            let volume = json!({"Name": body["Name"], "Driver": body["Driver"], "Options": body["DriverOpts"], "Labels": body["Labels"]});
            state.volumes.push(volume.clone());
            (201, volume)
        }
        ("DELETE", ["volumes", id]) => {
            state.volumes.retain(|v| v["Name"] != *id);
            (204, Json::Null)
        }
        _ => (404, json!({"message": "page not found"})),
    }
}

fn found(thing: Option<&Json>) -> (u16, Json) {
    thing.map_or((404, json!({"message": "No such thing"})), |thing| (200, thing.clone()))
}

/// A container as the engine shows it, with what it takes from its image.
fn made(id: &str, name: &str, body: &Json, image: &Json) -> Json {
    let mut config = body.clone();
    let mut env: Vec<Json> = image["Config"]["Env"].as_array().cloned().unwrap_or_default();
    env.extend(body["Env"].as_array().cloned().unwrap_or_default());
    config["Env"] = env.into();
    let mut labels: JsonMap = image["Config"]["Labels"].as_object().cloned().unwrap_or_default();
    labels.extend(body["Labels"].as_object().cloned().unwrap_or_default());
    config["Labels"] = labels.into();
    json!({
        "Id": id, "Name": format!("/{name}"), "Image": image["Id"], "Config": config, "HostConfig": body["HostConfig"],
        "State": {"Running": false, "Status": "created"}, "NetworkSettings": {"Networks": {}},
    })
}
