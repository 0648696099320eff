//! `community.general.haproxy`: servers of HAProxy, by its admin socket.

use super::unix::ask;
use crate::contract::{Arg, Call, CheckMode, Failure, Json, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

pub struct Haproxy;

#[derive(Deserialize)]
pub struct Args {
    state: String,
    host: String,
    backend: Option<String>,
    weight: Option<String>,
    socket: PathBuf,
    shutdown_sessions: bool,
    fail_on_not_found: bool,
    health: bool,
    agent: bool,
    wait: bool,
    wait_retries: i64,
    wait_interval: u64,
    drain: bool,
}

const fn flag(name: &'static str) -> Arg {
    Arg::bool(name).default(Literal::Bool(false))
}

impl Module for Haproxy {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        kind: Kind::Imperative,
        examples: "- name: No more work for a server\n  community.general.haproxy:\n    state: disabled\n    host: web1\n    backend: www\n    socket: /run/haproxy/admin.sock\n    wait: true\n    drain: true\n",
        returns: &[
            Return { name: "state_before", when: "always", doc: "The server's status, weight and sessions." },
            Return { name: "state_after", when: "always", doc: "The same, at the end." },
            Return { name: "command", when: "HAProxy was told something", doc: "What." },
            Return { name: "output", when: "HAProxy was told something", doc: "What it answered." },
        ],
        ..ModuleSpec::new(
            "community.general.haproxy",
            "Servers of HAProxy, by its admin socket.",
            &[
                Arg::str("state")
                    .required()
                    .choices(&["enabled", "disabled", "drain"])
                    .doc("In use, not in use, or left to those who use it already."),
                Arg::str("host").required().doc("The server."),
                Arg::str("backend").doc("Its backend; by default all that have it."),
                Arg::str("weight").doc("Its weight, once enabled."),
                Arg::path("socket").default(Literal::Str("/var/run/haproxy.sock")).doc("The admin socket."),
                flag("shutdown_sessions").doc("End its sessions when it is disabled."),
                flag("fail_on_not_found").doc("Fail where it is unknown."),
                flag("health").doc("Its health checks too."),
                flag("agent").doc("Its agent checks too."),
                flag("wait").doc("Until it is as wanted."),
                Arg::int("wait_retries").default(Literal::Int(25)).doc("How often to look."),
                Arg::int("wait_interval").default(Literal::Int(5)).doc("Seconds between looks."),
                flag("drain").doc("Wait until it has no more sessions, and drain it before it is disabled."),
            ],
        )
    };
    type Args = Args;
    type Work = Args;

    fn plan(args: Args, _: &dyn Observe, _: &Call) -> Result<Plan<Args>, Failure> {
        Ok(Plan::Work(args))
    }

    fn preview(_: &Args, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(args: Args, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let mut proxy = Proxy { args: &args, commands: Vec::new(), answers: Vec::new() };
        let before = proxy.state(args.backend.as_deref())?;
        match args.state.as_str() {
            "enabled" => proxy.enable()?,
            "disabled" if !args.drain => proxy.disable()?,
            state => proxy.drain(state == "disabled")?,
        }
        let after = proxy.state(args.backend.as_deref())?;
        let mut outcome = Outcome::changed(before != after).with("state_before", before).with("state_after", after);
        if !proxy.commands.is_empty() {
            outcome.set("command", proxy.commands);
            outcome.set("output", proxy.answers);
        }
        Ok(outcome)
    }
}

struct Proxy<'a> {
    args: &'a Args,
    commands: Vec<String>,
    answers: Vec<String>,
}

impl Proxy<'_> {
    fn ask(&self, command: &str) -> Result<String, Failure> {
        let socket = &self.args.socket;
        ask(socket, &format!("{command}\n")).map_err(|e| Failure::io(format!("could not ask {}", socket.display()), &e))
    }

    /// The table of `show stat`: its cells by the names of their columns.
    fn table(&self) -> Result<Vec<Vec<(String, String)>>, Failure> {
        let text = self.ask("show stat")?;
        let mut lines = text.trim_start_matches(['#', ' ']).lines().filter(|line| !line.is_empty());
        let head = lines.next().map(cells).unwrap_or_default();
        Ok(lines.map(|line| head.iter().cloned().zip(cells(line)).collect()).collect())
    }

    /// How the server is in the backend, or in all; null where it is in none.
    fn state(&self, backend: Option<&str>) -> Result<Json, Failure> {
        let table = self.table()?;
        let rows = table.iter().filter(|row| {
            cell(row, "svname") == self.args.host && backend.is_none_or(|name| cell(row, "pxname") == name)
        });
        let told: Vec<Json> = rows
            .map(|row| json!({"status": cell(row, "status"), "weight": cell(row, "weight"), "scur": cell(row, "scur")}))
            .collect();
        Ok(if told.is_empty() { Json::Null } else { told.into() })
    }

    /// Tells the server's backends; `$` stands for backend and server.
    fn tell(&mut self, command: &str, wanted: &str) -> Result<(), Failure> {
        let args = self.args;
        let backends = match &args.backend {
            Some(name) => vec![name.clone()],
            None => {
                let table = self.table()?;
                let all = table.iter().filter(|row| cell(row, "svname") == "BACKEND");
                all.map(|row| cell(row, "pxname").to_owned()).collect()
            }
        };
        for backend in backends {
            let state = self.state(Some(&backend))?;
            let place = format!("{backend}/{}", args.host);
            if state.is_null() {
                if args.fail_on_not_found {
                    return Err(Failure::new(format!("The specified backend '{place}' was not found!")));
                }
                continue;
            }
            let command = command.replace('$', &place);
            let answer = self.ask(&command)?;
            self.commands.push(command);
            self.answers.push(answer.trim().to_owned());
            if args.wait && !(wanted == "DRAIN" && state == "DOWN") {
                self.wait(&backend, wanted)?;
            }
        }
        Ok(())
    }

    fn wait(&self, backend: &str, wanted: &str) -> Result<(), Failure> {
        let args = self.args;
        for _ in 1..args.wait_retries {
            let state = self.state(Some(backend))?;
            let is_there = state[0]["status"].as_str().is_some_and(|status| status.contains(wanted));
            if is_there && (!args.drain || state[0]["scur"] == "0") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_secs(args.wait_interval));
        }
        let (host, retries) = (&args.host, args.wait_retries);
        Err(Failure::new(format!("server {backend}/{host} not status '{wanted}' after {retries} retries. Aborting.")))
    }

    fn enable(&mut self) -> Result<(), Failure> {
        let args = self.args;
        let mut command = "get weight $; enable server $".to_owned();
        if args.agent {
            command.push_str("; enable agent $");
        }
        if args.health {
            command.push_str("; enable health $");
        }
        if let Some(weight) = args.weight.as_ref().filter(|w| !w.is_empty()) {
            command.push_str(&format!("; set weight $ {weight}"));
        }
        self.tell(&command, "UP")
    }

    fn disable(&mut self) -> Result<(), Failure> {
        let args = self.args;
        let mut command = "get weight $".to_owned();
        for (wanted, more) in [
            (args.agent, "; disable agent $"),
            (args.health, "; disable health $"),
            (true, "; disable server $"),
            (args.shutdown_sessions, "; shutdown sessions server $"),
        ] {
            if wanted {
                command.push_str(more);
            }
        }
        self.tell(&command, "MAINT")
    }

    /// Since HAProxy 1.5; where it is older nothing is done.
    fn drain(&mut self, then_disable: bool) -> Result<(), Failure> {
        let info = self.ask("show info")?;
        let version = info.lines().find_map(|line| line.split_once("Version:")).map(|(_, version)| version.trim());
        let mut numbers = version.unwrap_or_default().split('.').map(|n| n.parse::<u32>().ok());
        if let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next())
            && (major, minor) >= (1, 5)
        {
            self.tell("set server $ state drain", "DRAIN")?;
            if then_disable {
                self.disable()?;
            }
        }
        Ok(())
    }
}

fn cell<'a>(row: &'a [(String, String)], name: &str) -> &'a str {
    row.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

/// A line of comma-separated values.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = cells.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cells[last].extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells[last].push(c),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;
    use std::sync::{Arc, Mutex};

    const MODULE: Entry = Entry::of::<Haproxy>();

    /// A proxy with a server `web1` in `www` and `api`; what it was told.
    fn proxy(dir: &std::path::Path) -> Arc<Mutex<Vec<String>>> {
        let listener = UnixListener::bind(dir.join("sock")).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = told.clone();
        std::thread::spawn(move || {
            let mut status = "UP";
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).unwrap();
                let row = |name: &str| format!("{name},web1,{status},10,\"a,\"\"b\"\n{name},BACKEND,UP,10,\n");
                let answer = match line.trim() {
                    "show stat" => format!("# pxname,svname,status,weight,desc\n{}{}\n", row("www"), row("api")),
                    "show info" => "Name: HAProxy\nVersion: 2.6.12\n".to_owned(),
                    command => {
                        status = if command.contains("disable") { "MAINT" } else { "DRAIN" };
                        log.lock().unwrap().push(command.to_owned());
                        "\n".to_owned()
                    }
                };
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        told
    }

    #[test]
    fn servers() {
        let dir = tempfile::TempDir::new().unwrap();
        let told = proxy(dir.path());
        let call = |more: Json| {
            let mut args = json!({"host": "web1", "socket": dir.path().join("sock"), "state": "disabled"});
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            run(&MODULE, args, &mut Fake::new(), false)
        };
        let out = call(json!({"wait": true, "shutdown_sessions": true})).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["state_before"][0], json!({"status": "UP", "weight": "10", "scur": ""}));
        assert_eq!(out.values["command"].as_array().map(Vec::len), Some(2));
        assert_eq!(
            std::mem::take(&mut *told.lock().unwrap()),
            ["www", "api"]
                .map(|b| format!("get weight {b}/web1; disable server {b}/web1; shutdown sessions server {b}/web1"))
        );
        assert!(!call(json!({"backend": "www"})).unwrap().changed);
        assert!(call(json!({"backend": "www", "state": "drain"})).unwrap().changed);
        let out = call(json!({"backend": "none"})).unwrap();
        assert_eq!((out.changed, &out.values["state_after"]), (false, &Json::Null));
        for (args, message) in [
            (json!({"backend": "none", "fail_on_not_found": true}), "The specified backend 'none/web1' was not found!"),
            (
                json!({"backend": "www", "state": "enabled", "wait": true, "wait_retries": 2, "wait_interval": 0}),
                "server www/web1 not status 'UP' after 2 retries. Aborting.",
            ),
        ] {
            assert_eq!(call(args).unwrap_err().msg, message);
        }
    }
}
