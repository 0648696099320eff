//! Calls against a scripted helper.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::remote::transport::scripted::{Peer, Scripted};
use crate::remote::transport::{Exec, Transport};
use std::future::Future;
use tightbeam_modules::contract::Outcome;

/// The helper's side: reads frames, answers.
struct Host {
    peer: Peer,
    buffer: BytesMut,
}

impl Host {
    async fn read(&mut self) -> Option<(FrameKind, u32, Bytes)> {
        loop {
            if let Some(head) = self.buffer.first_chunk::<{ wire::HEADER }>() {
                let (len, kind, call) = wire::header(*head).unwrap();
                if self.buffer.len() >= wire::HEADER + len {
                    self.buffer.advance(wire::HEADER);
                    return Some((kind, call, self.buffer.split_to(len).freeze()));
                }
            }
            self.buffer.extend_from_slice(&self.peer.stdin.recv().await?);
        }
    }
    async fn say(&self, kind: FrameKind, call: u32, payload: &[u8]) {
        self.peer.out(wire::frame(kind, call, payload)).await;
    }
    async fn reply(&self, call: u32, key: &str, value: String) {
        let reply = Reply::Outcome(Outcome::changed(false).with(key, value));
        self.say(FrameKind::Reply, call, &serde_json::to_vec(&reply).unwrap()).await;
    }
}

async fn session<F, R>(script: F) -> Session
where
    F: Fn(Host) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let host = Scripted::new(move |peer| script(Host { peer, buffer: BytesMut::new() }));
    let process = host.exec(Exec { command: String::new(), pty: false }).await.unwrap();
    let hello = serde_json::to_vec(&Hello { version: wire::VERSION, pid: 1, uid: 0 }).unwrap();
    Session::open(process, wire::frame(FrameKind::Hello, 0, &hello)).await.unwrap()
}

fn request(module: &str) -> Request {
    Request { module: module.to_owned(), ..Request::default() }
}

fn value(reply: Reply, key: &str) -> String {
    match reply {
        Reply::Outcome(outcome) => outcome.values[key].as_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order() {
    let session = session(|mut host| async move {
        let mut calls = Vec::new();
        for _ in 0..3 {
            let (_, call, payload) = host.read().await.unwrap();
            let request: Request = serde_json::from_slice(&payload).unwrap();
            calls.push((call, request.module));
        }
        for (call, module) in calls.into_iter().rev() {
            host.reply(call, "name", module).await;
        }
        host.read().await;
    })
    .await;
    let call = |name| session.call(request(name), Content::none());
    let (a, b, c) = tokio::join!(call("a"), call("b"), call("c"));
    for (reply, want) in [(a, "a"), (b, "b"), (c, "c")] {
        assert_eq!(value(reply.unwrap(), "name"), want);
    }
}

#[tokio::test]
async fn content_goes_both_ways_and_lines_are_heard() {
    let session = session(|mut host| async move {
        let (_, call, payload) = host.read().await.unwrap();
        let request: Request = serde_json::from_slice(&payload).unwrap();
        assert_eq!(request.inline.len(), 1, "the small blob travels with the request");
        host.say(FrameKind::Progress, call, b"working").await;
        let mut sizes = Vec::new();
        for blob in [2u32, 3, 9] {
            for offset in [0, 150_000, 300_000] {
                let length = if offset == 300_000 { 1 << 30 } else { 150_000 };
                let want = Want { blob, offset, length };
                host.say(FrameKind::Want, call, &serde_json::to_vec(&want).unwrap()).await;
            }
            let mut size = 0;
            loop {
                let (kind, _, payload) = host.read().await.unwrap();
                if kind == FrameKind::Broken {
                    sizes.push(String::from_utf8_lossy(&payload[4..]).into_owned());
                    break;
                }
                if payload.len() == 4 {
                    sizes.push(size.to_string());
                    break;
                }
                size += payload.len() - 4;
            }
        }
        for chunk in [&b"\0\0\0\x04hello "[..], b"\0\0\0\x04world", b"\0\0\0\x04"] {
            host.say(FrameKind::Chunk, call, chunk).await;
        }
        host.reply(call, "sizes", sizes.join(" ")).await;
        host.read().await;
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("big");
    std::fs::write(&file, vec![7; 1_000_000]).unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut content = Content::none();
    let small = content.bytes(&b"small"[..]);
    assert_eq!((small.id, small.size, small.sha1.len()), (1, 5, 40));
    content.bytes(vec![1u8; 200_000]);
    content.file(&file).unwrap();
    let (sink, mut stream) = tokio::io::duplex(1 << 16);
    assert_eq!(content.sink(Box::new(sink)), 4);
    let heard = lines.clone();
    content.on_progress(Arc::new(move |line| heard.lock().unwrap().push(line.to_owned())));
    let reply = session.call(request("m"), content).await.unwrap();
    assert_eq!(value(reply, "sizes"), "200000 1000000 there is no blob 9 in this call");
    let mut received = String::new();
    stream.read_to_string(&mut received).await.unwrap();
    assert_eq!(received, "hello world");
    assert_eq!(*lines.lock().unwrap(), ["working"]);
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_and_the_session_goes_on() {
    let (heard, mut cancelled) = mpsc::channel(1);
    let session = session(move |mut host| {
        let heard = heard.clone();
        async move {
            while let Some((kind, call, _)) = host.read().await {
                match kind {
                    FrameKind::Cancel => heard.send(call).await.unwrap(),
                    _ if call == 1 => {}
                    _ => host.reply(call, "x", "y".to_owned()).await,
                }
            }
        }
    })
    .await;
    let first = tokio::time::timeout(Duration::from_millis(50), session.call(request("slow"), Content::none())).await;
    assert!(first.is_err());
    assert_eq!(cancelled.recv().await, Some(1));
    session.call(request("quick"), Content::none()).await.unwrap();
    assert!(cancelled.try_recv().is_err(), "an answered call is not cancelled");
}

#[tokio::test]
async fn the_end_of_the_helper_ends_every_call_with_its_last_words() {
    let session = session(|mut host| async move {
        host.read().await;
        host.read().await;
        host.peer.err("out of memory\n").await;
        host.peer.end(Ended::Code(137)).await;
    })
    .await;
    let call = || session.call(request("m"), Content::none());
    let (a, b) = tokio::join!(call(), call());
    let want = RemoteError::Died { msg: "the helper on the host ended (exit status 137): out of memory".to_owned() };
    assert_eq!((a.unwrap_err(), b.unwrap_err()), (want.clone(), want.clone()));
    assert_eq!(call().await.unwrap_err(), want);
}

#[tokio::test]
async fn a_broken_connection_counts_as_unreachable() {
    let session = session(|mut host| async move {
        host.read().await;
        host.peer.end(Ended::Lost("Connection closed by the remote host".to_owned())).await;
    })
    .await;
    let error = session.call(request("m"), Content::none()).await.unwrap_err();
    assert!(error.is_unreachable());
    assert_eq!(error.to_string(), "Failed to connect to the host via ssh: Connection closed by the remote host");
}

#[tokio::test]
async fn leaving_waits_for_the_helpers_end() {
    let ended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = ended.clone();
    let session = session(move |mut host| {
        let flag = flag.clone();
        async move {
            assert!(host.read().await.is_none(), "its input ends");
            tokio::time::sleep(Duration::from_millis(50)).await;
            flag.store(true, Ordering::SeqCst);
            host.peer.end(Ended::Code(0)).await;
        }
    })
    .await;
    Session::leave(Arc::new(session)).await;
    assert!(ended.load(Ordering::SeqCst));
}
