//! `wait_for`: until a port answers or is closed, a file is there, holds a text or is gone, or connections have drained.

use super::http::resolve;
use crate::contract::{
    Arg, ArgType, Call, CheckMode, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan,
};
use crate::host::{Change, Observe, path_info};
use crate::text::{Flags, Pattern};
use serde::Deserialize;
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub struct WaitFor;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    host: String,
    timeout: u64,
    connect_timeout: u64,
    delay: u64,
    port: Option<u16>,
    active_connection_states: Vec<String>,
    path: Option<String>,
    search_regex: Option<String>,
    state: State,
    exclude_hosts: Option<Vec<String>>,
    sleep: u64,
    msg: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Drained,
    Present,
    Started,
    Stopped,
}

/// What a successful search found.
#[derive(Default)]
struct Found {
    groups: Vec<Json>,
    named: JsonMap,
}

impl Module for WaitFor {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        kind: Kind::Query,
        examples: "- name: Until ssh answers\n  ansible.builtin.wait_for:\n    port: 22\n    search_regex: OpenSSH\n    timeout: 60\n- name: Until a lock is gone\n  ansible.builtin.wait_for:\n    path: /run/lock/app\n    state: absent\n",
        ..ModuleSpec::new(
            "ansible.builtin.wait_for",
            "Waits for a condition.",
            &[
                Arg::str("host").default(Literal::Str("127.0.0.1")).doc("Name or address to connect to."),
                Arg::int("timeout").default(Literal::Int(300)).doc("Longest wait in seconds."),
                Arg::int("connect_timeout").default(Literal::Int(5)).doc("Longest wait for one connection in seconds."),
                Arg::int("delay").default(Literal::Int(0)).doc("Wait before the first look, in seconds."),
                Arg::int("port").doc("TCP port."),
                Arg::list("active_connection_states", ArgType::Str)
                    .default(Literal::Strs(&[
                        "ESTABLISHED",
                        "FIN_WAIT1",
                        "FIN_WAIT2",
                        "SYN_RECV",
                        "SYN_SENT",
                        "TIME_WAIT",
                    ]))
                    .doc("Connections that count with `drained`."),
                Arg::path("path").doc("A file on the host."),
                Arg::str("search_regex").doc("Text that the file holds or the port sends, in Python's syntax."),
                Arg::str("state")
                    .choices(&["absent", "drained", "present", "started", "stopped"])
                    .default(Literal::Str("started"))
                    .doc("What to wait for."),
                Arg::list("exclude_hosts", ArgType::Str).doc("Peers that do not count with `drained`."),
                Arg::int("sleep").default(Literal::Int(1)).doc("Pause between two looks in seconds."),
                Arg::str("msg").doc("Message of the failure."),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<()>, Failure> {
        let pattern = check(&args)?;
        let start = Instant::now();
        sleep(Duration::from_secs(args.delay));
        let end = start + Duration::from_secs(args.timeout);
        let mut found = Found::default();
        if args.port.is_none() && args.path.is_none() && args.state != State::Drained {
            sleep(Duration::from_secs(args.timeout));
        } else {
            let mut met = false;
            while !met && Instant::now() < end {
                met = look(&args, pattern.as_ref(), host, start, end, &mut found)?;
                if !met {
                    sleep(Duration::from_secs(args.sleep).min(end.saturating_duration_since(Instant::now())));
                }
            }
            if !met {
                let msg = args.msg.clone().unwrap_or_else(|| too_late(&args));
                return Err(Failure::new(msg).with("elapsed", start.elapsed().as_secs()));
            }
        }
        let mut outcome = Outcome::unchanged()
            .with("state", name(args.state))
            .with("port", args.port)
            .with("search_regex", args.search_regex)
            .with("match_groups", found.groups)
            .with("match_groupdict", found.named)
            .with("path", args.path.clone())
            .with("elapsed", start.elapsed().as_secs());
        if let Some(path) = &args.path {
            outcome.values.extend(path_info(host, Path::new(path)));
        }
        Ok(Plan::Done(outcome))
    }

    fn preview((): &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply((): (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}

fn name(state: State) -> &'static str {
    match state {
        State::Absent => "absent",
        State::Drained => "drained",
        State::Present => "present",
        State::Started => "started",
        State::Stopped => "stopped",
    }
}

fn check(args: &Args) -> Result<Option<Pattern>, Failure> {
    let refuse = |msg: String| Err(Failure::new(msg).with("elapsed", 0));
    let pattern = match &args.search_regex {
        None => None,
        Some(regex) => Some(
            Pattern::new(regex, Flags { multiline: true, ascii: true, ..Flags::default() })
                .map_err(|e| Failure::new(format!("Invalid regular expression: {e}")))?,
        ),
    };
    let path = args.path.is_some();
    if path && args.port.is_some() {
        return refuse("port and path parameter can not both be passed to wait_for".to_owned());
    }
    for state in [State::Stopped, State::Drained] {
        if path && args.state == state {
            return refuse(format!(
                "state={} should only be used for checking a port in the wait_for module",
                name(state)
            ));
        }
    }
    if args.exclude_hosts.is_some() && args.state != State::Drained {
        return refuse("exclude_hosts should only be with state=drained".to_owned());
    }
    if let Some(bad) = args.active_connection_states.iter().find(|s| state_id(s).is_none()) {
        return refuse(format!("unknown active_connection_state ({bad}) defined"));
    }
    if args.state == State::Drained && args.port.is_none() {
        return refuse("state=drained needs a port".to_owned());
    }
    Ok(pattern)
}

fn too_late(args: &Args) -> String {
    let place = match (args.port, &args.path) {
        (Some(port), _) => format!("{}:{port}", args.host),
        (None, path) => path.clone().unwrap_or_default(),
    };
    match (args.state, &args.search_regex) {
        (State::Drained, _) => format!("Timeout when waiting for {place} to drain"),
        (State::Absent | State::Stopped, _) if args.port.is_some() => {
            format!("Timeout when waiting for {place} to stop.")
        }
        (State::Absent | State::Stopped, _) => format!("Timeout when waiting for {place} to be absent."),
        (_, Some(regex)) => format!("Timeout when waiting for search string {regex} in {place}"),
        (_, None) if args.port.is_some() => format!("Timeout when waiting for {place}"),
        (_, None) => format!("Timeout when waiting for file {place}"),
    }
}

/// One look: whether the condition is met.
fn look(
    args: &Args,
    pattern: Option<&Pattern>,
    host: &dyn Observe,
    start: Instant,
    end: Instant,
    found: &mut Found,
) -> Result<bool, Failure> {
    let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    match (args.state, &args.path, args.port) {
        (State::Drained, ..) => Ok(active_connections(args, host)? == 0),
        (State::Absent | State::Stopped, Some(path), _) => Ok(host.stat(Path::new(path)).is_err()),
        (State::Absent | State::Stopped, None, Some(port)) => {
            Ok(connect(host, &args.host, port, Duration::from_secs(args.connect_timeout)).is_none())
        }
        (_, Some(path), _) => {
            let path = Path::new(path);
            match host.stat(path) {
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
                Err(e) => {
                    let msg = args.msg.clone().unwrap_or_else(|| format!("Failed to stat {}, {e}", path.display()));
                    Err(Failure::new(msg).with("elapsed", start.elapsed().as_secs()))
                }
                Ok(_) => Ok(match pattern {
                    None => true,
                    Some(pattern) => host.read_text(path).is_ok_and(|text| search(pattern, &text, found)),
                }),
            }
        }
        (_, None, Some(port)) => {
            let limit = Duration::from_secs(args.connect_timeout).min(left);
            let Some(stream) = connect(host, &args.host, port, limit) else { return Ok(false) };
            Ok(match pattern {
                None => true,
                Some(pattern) => listen(stream, pattern, end),
            })
        }
        (_, None, None) => Ok(true),
    }
}

fn search(pattern: &Pattern, text: &str, found: &mut Found) -> bool {
    let Some(captures) = pattern.search(text) else { return false };
    let value = |i: usize| captures.get(i).map_or(Json::Null, |m| m.as_str().into());
    found.groups = (1..captures.len()).map(value).collect();
    found.named = pattern.names().into_iter().map(|(name, i)| (name, value(i))).collect();
    true
}

/// A connection to any of the host's addresses.
fn connect(host: &dyn Observe, name: &str, port: u16, limit: Duration) -> Option<TcpStream> {
    let limit = limit.max(Duration::from_millis(1));
    let addresses = resolve(host, name).ok()?;
    addresses.into_iter().find_map(|ip| TcpStream::connect_timeout(&SocketAddr::new(ip, port), limit).ok())
}

/// Reads until the text appears, the peer closes or time is up.
fn listen(mut stream: TcpStream, pattern: &Pattern, end: Instant) -> bool {
    let mut heard = Vec::new();
    let mut buffer = [0; 1024];
    let mut matched = false;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            break;
        }
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                heard.extend_from_slice(&buffer[..n]);
                matched = pattern.is_match(&String::from_utf8_lossy(&heard));
                if matched {
                    break;
                }
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => break,
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
    matched
}

/// A state's number in `/proc/net/tcp`.
fn state_id(name: &str) -> Option<&'static str> {
    Some(match name {
        "ESTABLISHED" => "01",
        "SYN_SENT" => "02",
        "SYN_RECV" => "03",
        "FIN_WAIT1" => "04",
        "FIN_WAIT2" => "05",
        "TIME_WAIT" => "06",
        _ => return None,
    })
}

/// An address as `/proc/net/tcp` and `tcp6` write it: words of 32 bits in the host's byte order.
fn hex_address(ip: IpAddr) -> String {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    bytes.chunks(4).map(|word| word.iter().rev().map(|b| format!("{b:02X}")).collect::<String>()).collect()
}

const MAPPED: &str = "0000000000000000FFFF0000";

fn active_connections(args: &Args, host: &dyn Observe) -> Result<usize, Failure> {
    let addresses = |name: &str| resolve(host, name).map_err(|e| Failure::new(e).with("elapsed", 0));
    let mut mine: Vec<String> = Vec::new();
    for ip in addresses(&args.host)? {
        mine.push(hex_address(ip));
        if let IpAddr::V4(v4) = ip {
            mine.push(hex_address(IpAddr::V6(v4.to_ipv6_mapped())));
        }
    }
    let any = |length: usize| mine.iter().any(|m| m.len() == length && m.bytes().all(|b| b == b'0'));
    let any_mapped = mine.iter().any(|m| *m == format!("{MAPPED}00000000"));
    let mut excluded = Vec::new();
    for name in args.exclude_hosts.iter().flatten() {
        for ip in addresses(name)? {
            excluded.push(hex_address(ip));
            if let IpAddr::V4(v4) = ip {
                excluded.push(hex_address(IpAddr::V6(v4.to_ipv6_mapped())));
            }
        }
    }
    let states: Vec<&str> = args.active_connection_states.iter().filter_map(|s| state_id(s)).collect();
    let port = format!("{:04X}", args.port.unwrap_or_default());
    let mut count = 0;
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = host.read_text(Path::new(table)).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, remote, state, ..] = fields[..] else { continue };
            let (Some((ip, local_port)), Some((peer, _))) = (local.split_once(':'), remote.split_once(':')) else {
                continue;
            };
            if !states.contains(&state) || local_port != port || excluded.iter().any(|e| e == peer) {
                continue;
            }
            let here = mine.iter().any(|m| m == ip) || any(ip.len()) || (any_mapped && ip.starts_with(MAPPED));
            count += usize::from(here);
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;
    use std::io::Write;
    use std::net::TcpListener;

    const WAIT: Entry = Entry::of::<WaitFor>();

    #[test]
    fn file_with_groups() {
        let mut host = Fake::new().file("/log", "start\nport=80 up\n");
        let args = json!({"path": "/log", "search_regex": "^port=(\\d+) (?P<word>\\w+)"});
        let out = run(&WAIT, args, &mut host, false).unwrap();
        assert_eq!(
            (&out.values["match_groups"], &out.values["match_groupdict"]),
            (&json!(["80", "up"]), &json!({"word": "up"}))
        );
        assert_eq!(out.values["state"], "file");
        let failure = run(&WAIT, json!({"path": "/none", "timeout": 0}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Timeout when waiting for file /none");
        assert!(run(&WAIT, json!({"path": "/none", "state": "absent"}), &mut host, false).is_ok());
    }

    #[test]
    fn port_and_its_banner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"SSH-2.0-OpenSSH_9").unwrap();
        });
        let args = json!({"port": port, "search_regex": "OpenSSH", "timeout": 5});
        assert!(run(&WAIT, args, &mut Fake::new(), false).is_ok());
        server.join().unwrap();
        let out = run(&WAIT, json!({"port": port, "state": "stopped", "timeout": 5}), &mut Fake::new(), false).unwrap();
        assert_eq!((out.changed, &out.values["state"]), (false, &json!("stopped")));
    }

    #[test]
    fn drained_counts_connections_of_the_port() {
        let table = "  sl  local_address rem_address   st\n   0: 0100007F:1F90 0200007F:C350 01 x\n";
        let mut host = Fake::new().file("/proc/net/tcp", table);
        let args = json!({"port": 8080, "state": "drained", "timeout": 1, "sleep": 1});
        let failure = run(&WAIT, args, &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Timeout when waiting for 127.0.0.1:8080 to drain");
        let args = json!({"port": 8080, "state": "drained", "exclude_hosts": ["127.0.0.2"]});
        assert!(run(&WAIT, args, &mut host, false).is_ok());
        let failure = run(&WAIT, json!({"port": 1, "path": "/x"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "port and path parameter can not both be passed to wait_for");
    }
}
