//! The helper's loop over pipes, with modules made for it.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::contract::wire::{CHUNK, WINDOW, Want};
use crate::contract::{Json, JsonMap, ModuleSpec, Outcome};
use crate::host::{Change, Command};
use serde_json::json;
use std::io::{PipeReader, PipeWriter};

const SPEC: ModuleSpec = ModuleSpec::new("t.t.any", "", &[]);

fn find(name: &str) -> Option<&'static Entry> {
    static PANIC: Entry = Entry { spec: &SPEC, run: |_, _, _| panic!("on purpose") };
    static SLEEP: Entry = Entry { spec: &SPEC, run: sleep };
    static PULL: Entry = Entry { spec: &SPEC, run: pull };
    static ECHO: Entry = Entry {
        spec: &SPEC,
        run: |args, _, call| {
            call.blobs.progress("working");
            Ok(Outcome { values: args, ..Outcome::changed(call.check) })
        },
    };
    Some(match name {
        "panic" => &PANIC,
        "sleep" => &SLEEP,
        "pull" => &PULL,
        "echo" => &ECHO,
        _ => return None,
    })
}

fn sleep(_: JsonMap, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
    let out = host.execute(&Command::new("/bin/sleep").arg("60")).map_err(|e| Failure::io("sleep", &e))?;
    Ok(Outcome::unchanged().with("rc", out.rc))
}

/// Reads blob 7 and sends it back as stream 8.
fn pull(_: JsonMap, _: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
    let fail = |e| Failure::io("pull", &e);
    let mut content = call.blobs.open(7).map_err(fail)?;
    let sent = call.blobs.send(8, &mut content).map_err(fail)?;
    Ok(Outcome::unchanged().with("sent", sent))
}

struct Session {
    to: Option<PipeWriter>,
    from: PipeReader,
    end: std::thread::JoinHandle<io::Result<()>>,
}

impl Session {
    fn start() -> Self {
        let (mut input, to) = io::pipe().unwrap();
        let (from, output) = io::pipe().unwrap();
        let end = std::thread::spawn(move || serve(find, &mut input, Box::new(output)));
        let mut session = Session { to: Some(to), from, end };
        let (kind, _, payload) = session.next();
        assert_eq!(kind, FrameKind::Hello);
        assert_eq!(serde_json::from_slice::<Hello>(&payload).unwrap().version, VERSION);
        session
    }
    fn send(&mut self, kind: FrameKind, request: u32, payload: &[u8]) {
        self.to.as_mut().unwrap().write_all(&frame(kind, request, payload)).unwrap();
    }
    fn request(&mut self, number: u32, request: Json) {
        self.send(FrameKind::Request, number, request.to_string().as_bytes());
    }
    fn next(&mut self) -> (FrameKind, u32, Vec<u8>) {
        let mut head = [0; HEADER];
        self.from.read_exact(&mut head).unwrap();
        let (len, kind, number) = header(head).unwrap();
        let mut payload = vec![0; len];
        self.from.read_exact(&mut payload).unwrap();
        (kind, number, payload)
    }
    fn reply(&mut self) -> (u32, Reply) {
        loop {
            if let (FrameKind::Reply, number, payload) = self.next() {
                return (number, serde_json::from_slice(&payload).unwrap());
            }
        }
    }
    fn close(mut self) -> io::Result<()> {
        self.to = None;
        self.end.join().unwrap()
    }
}

#[test]
fn bytes_of_the_protocol() {
    let mut session = Session::start();
    let request = br#"{"module":"echo","args":{"a":1}}"#;
    let golden = [&[0, 0, 0, 32, 1, 0, 0, 1, 2][..], request].concat();
    session.to.as_mut().unwrap().write_all(&golden).unwrap();
    let progress = [&[0, 0, 0, 7, 5, 0, 0, 1, 2][..], b"working"].concat();
    let reply = [&[0, 0, 0, 46, 2, 0, 0, 1, 2][..], br#"{"outcome":{"changed":false,"values":{"a":1}}}"#].concat();
    let expected = [progress, reply].concat();
    let mut answer = vec![0; expected.len()];
    session.from.read_exact(&mut answer).unwrap();
    assert_eq!(answer, expected);
    session.close().unwrap();
}

#[test]
fn a_panic_an_unknown_module_and_nonsense_are_faults_and_the_session_lives() {
    let mut session = Session::start();
    session.request(1, json!({"module": "panic", "args": {}}));
    let (number, Reply::Fault(text)) = session.reply() else { panic!("no fault") };
    assert!(number == 1 && text.contains("panicked: on purpose"), "{text}");
    session.request(2, json!({"module": "no.such", "args": {}}));
    assert!(matches!(session.reply(), (2, Reply::Fault(_))));
    session.send(FrameKind::Request, 3, b"{");
    assert!(matches!(session.reply(), (3, Reply::Fault(_))));
    session.request(4, json!({"module": "echo", "args": {}, "check": true}));
    assert_eq!(session.reply(), (4, Reply::Outcome(Outcome::changed(true))));
    session.close().unwrap();
}

#[test]
fn requests_run_side_by_side_and_cancel_ends_one() {
    let mut session = Session::start();
    session.request(1, json!({"module": "sleep", "args": {}}));
    session.request(2, json!({"module": "echo", "args": {}}));
    assert_eq!(session.reply().0, 2);
    session.send(FrameKind::Cancel, 1, &[]);
    match session.reply() {
        // Asked to end, then made to, where the machine is too busy for it to end in time.
        (1, Reply::Outcome(outcome)) => assert!([json!(-15), json!(-9)].contains(&outcome.values["rc"])),
        (1, Reply::Failure(_)) => {} // cancelled before its process began
        other => panic!("{other:?}"),
    }
    session.close().unwrap();
}

#[test]
fn requests_of_a_queue_run_in_order_and_a_failure_passes_over_those_of_other_tasks() {
    let mut session = Session::start();
    let rows = [
        ("sleep", json!({"id": 3, "task": 1})),
        ("echo", json!({"id": 3, "task": 1, "stops": true})),
        // A failure of a request that does not stop is none of the queue's.
        ("panic", json!({"id": 3, "task": 2})),
        ("panic", json!({"id": 3, "task": 3, "stops": true})),
        ("echo", json!({"id": 3, "task": 3, "stops": true})),
        ("nothing", json!({"id": 3, "task": 4, "stops": true})),
        ("echo", json!({"id": 3, "task": 5})),
        // Another queue does not wait.
        ("echo", json!({"id": 4, "task": 9, "stops": true})),
    ];
    for (i, (module, queue)) in rows.into_iter().enumerate() {
        session.request(i as u32 + 1, json!({"module": module, "args": {}, "queue": queue}));
    }
    let mut replies = Vec::new();
    while replies.len() < 8 {
        replies.push(session.reply());
        if replies.len() == 1 {
            session.send(FrameKind::Cancel, 1, &[]);
        }
    }
    let shown: Vec<(u32, &str)> = replies
        .iter()
        .map(|(number, reply)| {
            let word = match reply {
                // It may be cancelled before its process runs.
                _ if *number == 1 => "ended",
                Reply::Outcome(_) => "done",
                Reply::Fault(_) | Reply::Failure(_) => "failed",
                Reply::Passed => "passed",
            };
            (*number, word)
        })
        .collect();
    let wanted = [
        (8, "done"),
        (1, "ended"),
        (2, "done"),
        (3, "failed"),
        (4, "failed"),
        (5, "done"),
        (6, "passed"),
        (7, "passed"),
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn the_end_of_input_ends_running_processes() {
    let mut session = Session::start();
    session.request(1, json!({"module": "sleep", "args": {}}));
    let started = Instant::now();
    session.close().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn content_travels_in_windows() {
    let mut session = Session::start();
    session.request(1, json!({"module": "pull", "args": {}}));
    let blob: Vec<u8> = (0..WINDOW * 3 + 1234).map(|i| (i % 251) as u8).collect();
    let (mut back, mut asked) = (Vec::new(), 0);
    loop {
        match session.next() {
            (FrameKind::Want, 1, payload) => {
                let want: Want = serde_json::from_slice(&payload).unwrap();
                assert_eq!((want.blob, want.offset), (7, asked));
                asked += want.length;
                assert!(asked <= back.len() as u64 + WINDOW + CHUNK as u64, "more than a window on its way");
                let end = blob.len().min(asked as usize);
                let part = blob[blob.len().min(want.offset as usize)..end].to_vec();
                for chunk in part.chunks(CHUNK) {
                    session.send(FrameKind::Chunk, 1, &[&7_u32.to_be_bytes(), chunk].concat());
                }
                if end == blob.len() {
                    session.send(FrameKind::Chunk, 1, &7_u32.to_be_bytes());
                }
            }
            (FrameKind::Chunk, 1, payload) => {
                assert_eq!(payload[..4], 8_u32.to_be_bytes());
                back.extend_from_slice(&payload[4..]);
            }
            (FrameKind::Reply, 1, payload) => {
                let reply: Reply = serde_json::from_slice(&payload).unwrap();
                let expected = Outcome::unchanged().with("sent", blob.len());
                assert_eq!(reply, Reply::Outcome(expected));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(back == blob);
    session.close().unwrap();
}

#[test]
fn a_broken_blob_is_an_error_and_inline_blobs_need_no_asking() {
    let mut session = Session::start();
    session.request(1, json!({"module": "pull", "args": {}}));
    assert_eq!(session.next().0, FrameKind::Want);
    session.send(FrameKind::Broken, 1, &[&7_u32.to_be_bytes()[..], b"file vanished"].concat());
    let (_, Reply::Failure(failure)) = session.reply() else { panic!("no failure") };
    assert_eq!(failure.msg, "pull: file vanished");
    session.request(2, json!({"module": "pull", "args": {}, "inline": {"7": "aGVsbG8="}}));
    let (kind, _, payload) = session.next();
    assert_eq!((kind, &payload[4..]), (FrameKind::Chunk, &b"hello"[..]));
    session.close().unwrap();
}

/// Runs a job here and now: what it answers, and what is in its file in the end.
fn job(request: Json) -> (Json, Json) {
    let dir = tempfile::tempdir().unwrap();
    let mut request = request;
    request["job"]["id"] = json!("j5");
    request["job"]["dir"] = json!(dir.path().join("a/b"));
    let mut answer = Vec::new();
    job::run(find, &mut request.to_string().as_bytes(), &mut answer);
    let answer: Json = serde_json::from_slice(&answer).unwrap();
    let name = format!("j5.{}", std::process::id());
    assert_eq!(answer["outcome"]["values"]["ansible_job_id"], json!(name));
    let text = std::fs::read_to_string(dir.path().join("a/b").join(name)).unwrap();
    (answer, serde_json::from_str(&text).unwrap())
}

#[test]
fn a_job_leaves_its_result_in_its_file() {
    let (answer, result) = job(json!({"module": "echo", "args": {"a": 1}, "job": {"limit": 60}}));
    assert_eq!(
        (&answer["outcome"]["values"]["started"], &answer["outcome"]["values"]["finished"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(result, json!({"a": 1, "changed": false}));
    let (_, result) = job(json!({"module": "panic", "args": {}, "job": {"limit": 60}}));
    assert!(result["failed"] == true && result["msg"].as_str().unwrap().contains("on purpose"), "{result}");
    let blob = json!({"module": "pull", "args": {}, "job": {"limit": 60}});
    assert_eq!(job(blob).1["msg"], "pull: no blob 7 in this call");
}

#[test]
fn what_a_program_prints_is_the_result_of_its_job() {
    let print = |stdout: &str, stderr: &str| {
        let args = json!({"rc": 0, "stdout": stdout, "stderr": stderr});
        job(json!({"module": "echo", "args": args, "job": {"limit": 60, "printed": true}})).1
    };
    let junk = "Module invocation had junk after the JSON data: bye";
    assert_eq!(
        print("hello\n{\"changed\": true, \"warnings\": [\"w\"]}\nbye\n", "oh"),
        json!({"changed": true, "warnings": ["w", junk], "stderr": "oh"})
    );
    let none = print("hello\n", "oh");
    assert_eq!(
        (&none["failed"], &none["data"], &none["msg"]),
        (&json!(true), &json!("hello\n"), &json!("No start of json char found"))
    );
}

#[test]
fn the_time_of_a_job_is_limited() {
    let started = Instant::now();
    let (_, result) = job(json!({"module": "sleep", "args": {}, "job": {"limit": 1}}));
    assert_eq!((&result["msg"], &result["failed"]), (&json!("Timeout exceeded"), &json!(true)));
    assert!(started.elapsed() < Duration::from_secs(20));
}
