//! A small API server for tests: it keeps objects, tries with `dryRun`, and notes what changed it.

use crate::contract::Json;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct State {
    /// Path and object.
    objects: Vec<(String, Json)>,
    version: u64,
    log: Vec<String>,
}

pub struct Scripted {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Scripted {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                serve(stream, &shared);
            }
        });
        Scripted { url, state }
    }

    /// Arguments with the server's address and a token.
    pub fn args(&self, args: Json) -> Json {
        let mut args = args;
        args["host"] = self.url.as_str().into();
        args["api_key"] = "s3cret".into();
        args
    }

    /// A kubeconfig in which a program gives the token.
    pub fn kubeconfig(&self) -> String {
        format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\nclusters: [{{name: k, cluster: {{server: '{}/'}}}}]\nusers: [{{name: u, user: {{exec: {{command: give-token, args: [now]}}}}}}]\n",
            self.url
        )
    }

    pub fn object(&self, path: &str) -> Option<Json> {
        self.state.lock().unwrap().objects.iter().find(|(p, _)| p == path).map(|(_, o)| o.clone())
    }

    /// What was asked other than to read, since it was last asked.
    pub fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let (mut length, mut kind, mut token) = (0, String::new(), false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim();
        match line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value)) {
            Some((name, value)) if name == "content-length" => length = value.parse().unwrap(),
            Some((name, value)) if name == "content-type" => value.clone_into(&mut kind),
            Some((name, value)) if name == "authorization" => token = value == "Bearer s3cret",
            _ => {}
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let body: Json = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = if token {
        answer(method, target, &kind, &body, &mut state.lock().unwrap())
    } else {
        (401, json!({"message": "Unauthorized"}))
    };
    let text = answer.to_string();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    let _ = (&stream).write_all((head + &text).as_bytes());
}

fn answer(method: &str, target: &str, kind: &str, body: &Json, state: &mut State) -> (u16, Json) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let kinds = |list: &[(&str, &str, bool)]| {
        let one = |(name, kind, namespaced): &(&str, &str, bool)| {
            json!({"name": name, "kind": kind, "namespaced": namespaced, "verbs": ["get"],
                "singularName": kind.to_lowercase(), "shortNames": [&name[..2]]})
        };
        (200, json!({"resources": list.iter().map(one).collect::<Vec<_>>()}))
    };
    match path {
        "/api/v1" => return kinds(&[("configmaps", "ConfigMap", true), ("namespaces", "Namespace", false)]),
        "/apis" => return (200, json!({"groups": [{"versions": [{"version": "v1", "groupVersion": "apps/v1"}]}]})),
        "/apis/apps/v1" => return kinds(&[("deployments", "Deployment", true)]),
        _ => {}
    }
    let dry = query.contains("dryRun=All");
    if method != "GET" {
        let kind = kind.trim_start_matches("application/");
        state.log.push(format!("{method} {path}{}{kind}", if dry { " tried " } else { " " }));
    }
    let name = body["metadata"]["name"].as_str().unwrap_or_default();
    let place = if method == "POST" { format!("{path}/{name}") } else { path.to_owned() };
    let at = state.objects.iter().position(|(p, _)| *p == place);
    let old = at.map(|at| state.objects[at].1.clone());
    let gone = (404, json!({"kind": "Status", "reason": "NotFound", "code": 404}));
    if kind.contains("strategic") && path.contains("deployments") {
        return (415, json!({"message": "unsupported"}));
    }
    let mut new = match (method, &old) {
        ("GET", Some(found)) => return (200, found.clone()),
        ("GET", None) if path.ends_with('s') => {
            let inside = format!("{path}/");
            let items: Vec<&Json> =
                state.objects.iter().filter(|(p, _)| p.starts_with(&inside)).map(|(_, o)| o).collect();
            return (200, json!({"kind": "ConfigMapList", "apiVersion": "v1", "items": items}));
        }
        ("DELETE", Some(_)) => {
            if let (Some(at), false) = (at, dry) {
                state.objects.remove(at);
            }
            return (200, json!({"kind": "Status", "status": "Success"}));
        }
        ("POST", None) | ("PUT", Some(_)) => body.clone(),
        ("POST", Some(_)) => return (409, json!({"message": "exists"})),
        ("PATCH", Some(old)) => super::merge::merged(old, body),
        _ => return gone,
    };
    if name == "bad" {
        return (422, json!({"message": "it is bad"}));
    }
    if old.as_ref() != Some(&new) {
        new["metadata"]["resourceVersion"] = (state.version + 1).to_string().into();
    }
    if !dry {
        state.version += 1;
        state.objects.retain(|(p, _)| *p != place);
        state.objects.push((place, new.clone()));
    }
    (200, new)
}
