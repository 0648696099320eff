//! The conversation with a running helper: many calls side by side over one pair of streams.
//!
//! A reader task hands frames to the calls they belong to, a writer task sends theirs; both work in bounded memory.

use crate::remote::content::{OnProgress, Sink, Source};
use crate::remote::transport::{Ended, Input, Output, Piece, Process};
use crate::remote::{Content, RemoteError};
use base64::Engine;
use bytes::{Buf, Bytes, BytesMut};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tightbeam_modules::contract::wire::{self, FrameKind, Hello, Reply, Request, Want};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Blobs up to this size travel with the request.
const INLINE: usize = 4 << 10;
/// Frames of one call that wait for it to read them.
const BACKLOG: usize = 64;
/// Limit for the helper's first frame.
const GREETING: Duration = Duration::from_secs(20);
/// The end of what the helper wrote to standard error, in bytes, kept for the message when it dies.
const LAST_WORDS: usize = 2 << 10;

/// A running helper.
pub(crate) struct Session {
    hello: Hello,
    routes: Arc<Routes>,
    /// Requests and cancellations: small, never held up by content.
    control: mpsc::UnboundedSender<Bytes>,
    /// Content: bounded, so that a slow host slows its readers down.
    bulk: mpsc::Sender<Bytes>,
    next: AtomicU32,
}

enum Inbound {
    Reply(Bytes),
    Want(u32),
    Chunk(u32, Bytes),
    Progress(Bytes),
    Ended(RemoteError),
}

/// Which call gets which frames.
#[derive(Default)]
struct Routes(Mutex<RouteTable>);

#[derive(Default)]
struct RouteTable {
    calls: HashMap<u32, mpsc::Sender<Inbound>>,
    ended: Option<RemoteError>,
}

impl Routes {
    fn lock(&self) -> MutexGuard<'_, RouteTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn get(&self, call: u32) -> Option<mpsc::Sender<Inbound>> {
        self.lock().calls.get(&call).cloned()
    }
    fn end(&self, error: RemoteError) {
        let calls = {
            let mut table = self.lock();
            table.ended.get_or_insert(error.clone());
            std::mem::take(&mut table.calls)
        };
        for call in calls.into_values() {
            // A call whose backlog is full sees its channel close instead, and asks `ended`.
            let _ = call.try_send(Inbound::Ended(error.clone()));
        }
    }
}

impl Session {
    /// Takes over a process whose output continues with the helper's frames; `rest` was read already.
    ///
    /// # Errors
    /// No greeting, or one of another version.
    pub(crate) async fn open(process: Process, rest: Vec<u8>) -> Result<Self, RemoteError> {
        let Process { input, mut output } = process;
        let mut frames = Frames { buffer: BytesMut::from(rest.as_slice()), last_words: Vec::new() };
        let first = tokio::time::timeout(GREETING, frames.next(&mut output)).await;
        let (kind, _, payload) = match first {
            Ok(frame) => frame?,
            Err(_) => {
                let secs = GREETING.as_secs();
                return Err(RemoteError::Timeout { msg: format!("Timeout ({secs}s) waiting for the helper's greeting") });
            }
        };
        let hello: Hello = match kind {
            FrameKind::Hello => serde_json::from_slice(&payload).map_err(|e| unreadable("greeting", &e))?,
            other => return Err(RemoteError::Died { msg: format!("the helper began with {other:?}") }),
        };
        if hello.version != wire::VERSION {
            return Err(RemoteError::Died {
                msg: format!("the helper speaks version {} of the protocol, not {}", hello.version, wire::VERSION),
            });
        }
        let routes = Arc::new(Routes::default());
        let (control, control_rx) = mpsc::unbounded_channel();
        let (bulk, bulk_rx) = mpsc::channel(8);
        tokio::spawn(read(frames, output, routes.clone()));
        tokio::spawn(write(input, control_rx, bulk_rx));
        Ok(Session { hello, routes, control, bulk, next: AtomicU32::new(1) })
    }

    pub(crate) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Why no call can be made any more, if so.
    pub(crate) fn ended(&self) -> Option<RemoteError> {
        self.routes.lock().ended.clone()
    }

    /// Runs one call. Dropping the future cancels the call on the host.
    pub(crate) async fn call(&self, mut request: Request, content: Content) -> Result<Reply, RemoteError> {
        let Content { sources, sinks, progress, .. } = content;
        for (id, source) in &sources {
            if let Source::Bytes(bytes) = source
                && bytes.len() <= INLINE
            {
                request.inline.insert(*id, base64::engine::general_purpose::STANDARD.encode(bytes));
            }
        }
        let payload = serde_json::to_vec(&request)
            .map_err(|e| RemoteError::Content { msg: format!("the request cannot be written: {e}") })?;
        if payload.len() > wire::MAX_FRAME {
            let mib = wire::MAX_FRAME >> 20;
            return Err(RemoteError::Content { msg: format!("the module's arguments are larger than {mib} MiB") });
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(BACKLOG);
        {
            let mut table = self.routes.lock();
            if let Some(error) = &table.ended {
                return Err(error.clone());
            }
            table.calls.insert(id, sender);
        }
        let mut call = Call { session: self, id, receiver, sinks, serving: JoinSet::new(), finished: false };
        call.send_control(FrameKind::Request, &payload)?;
        call.converse(sources, progress).await
    }
}

/// One call in flight.
struct Call<'a> {
    session: &'a Session,
    id: u32,
    receiver: mpsc::Receiver<Inbound>,
    sinks: BTreeMap<u32, Sink>,
    /// Blobs on their way to the host; they stop with the call.
    serving: JoinSet<()>,
    finished: bool,
}

impl Call<'_> {
    async fn converse(
        &mut self,
        sources: BTreeMap<u32, Source>,
        progress: Option<OnProgress>,
    ) -> Result<Reply, RemoteError> {
        loop {
            let inbound = match self.receiver.recv().await {
                Some(inbound) => inbound,
                None => Inbound::Ended(self.session.ended().unwrap_or_else(|| lost("the session is closed"))),
            };
            match inbound {
                Inbound::Reply(payload) => {
                    self.finished = true;
                    for sink in self.sinks.values_mut() {
                        sink.shutdown().await.map_err(|e| write_failed(&e))?;
                    }
                    return serde_json::from_slice(&payload).map_err(|e| unreadable("answer", &e));
                }
                Inbound::Want(blob) => self.serve(blob, sources.get(&blob).cloned()),
                Inbound::Chunk(stream, bytes) => {
                    let Some(sink) = self.sinks.get_mut(&stream) else { continue };
                    if bytes.is_empty() {
                        sink.flush().await.map_err(|e| write_failed(&e))?;
                    } else {
                        sink.write_all(&bytes).await.map_err(|e| write_failed(&e))?;
                    }
                }
                Inbound::Progress(line) => {
                    if let Some(listener) = &progress {
                        listener(&String::from_utf8_lossy(&line));
                    }
                }
                Inbound::Ended(error) => {
                    self.finished = true;
                    return Err(error);
                }
            }
        }
    }

    fn send_control(&self, kind: FrameKind, payload: &[u8]) -> Result<(), RemoteError> {
        let frame = wire::frame(kind, self.id, payload);
        self.session
            .control
            .send(frame.into())
            .map_err(|_| self.session.ended().unwrap_or_else(|| lost("the session is closed")))
    }

    fn serve(&mut self, blob: u32, source: Option<Source>) {
        let (call, bulk) = (self.id, self.session.bulk.clone());
        self.serving.spawn(async move {
            let sent = match source {
                Some(Source::Bytes(bytes)) => send_bytes(&bulk, call, blob, &bytes).await,
                Some(Source::File(path)) => match tokio::fs::File::open(&path).await {
                    Ok(file) => send_file(&bulk, call, blob, file).await,
                    Err(e) => Err(format!("{}: {e}", path.display())),
                },
                None => Err(format!("there is no blob {blob} in this call")),
            };
            if let Err(reason) = sent {
                let payload = [&blob.to_be_bytes()[..], reason.as_bytes()].concat();
                let _ = bulk.send(wire::frame(FrameKind::Broken, call, &payload).into()).await;
            }
        });
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.session.routes.lock().calls.remove(&self.id);
        if !self.finished {
            let _ = self.session.control.send(wire::frame(FrameKind::Cancel, self.id, &[]).into());
        }
    }
}

async fn send_bytes(bulk: &mpsc::Sender<Bytes>, call: u32, blob: u32, bytes: &[u8]) -> Result<(), String> {
    for chunk in bytes.chunks(wire::CHUNK) {
        send_chunk(bulk, call, blob, chunk).await;
    }
    send_chunk(bulk, call, blob, &[]).await;
    Ok(())
}

async fn send_file(
    bulk: &mpsc::Sender<Bytes>,
    call: u32,
    blob: u32,
    mut file: tokio::fs::File,
) -> Result<(), String> {
    let mut buffer = vec![0; wire::CHUNK];
    loop {
        let n = file.read(&mut buffer).await.map_err(|e| e.to_string())?;
        // No bytes = end of the blob, in the file's terms and in the protocol's.
        send_chunk(bulk, call, blob, &buffer[..n]).await;
        if n == 0 {
            return Ok(());
        }
    }
}

async fn send_chunk(bulk: &mpsc::Sender<Bytes>, call: u32, blob: u32, bytes: &[u8]) {
    let payload = [&blob.to_be_bytes()[..], bytes].concat();
    // A session that has ended tells its calls itself.
    let _ = bulk.send(wire::frame(FrameKind::Chunk, call, &payload).into()).await;
}

/// Cuts output into frames.
struct Frames {
    buffer: BytesMut,
    last_words: Vec<u8>,
}

impl Frames {
    async fn next(&mut self, output: &mut Box<dyn Output>) -> Result<(FrameKind, u32, Bytes), RemoteError> {
        loop {
            if let Some(head) = self.buffer.first_chunk::<{ wire::HEADER }>() {
                let (len, kind, call) = wire::header(*head).map_err(|e| RemoteError::Died {
                    msg: format!("what the helper said cannot be read: {e}{}", self.said()),
                })?;
                if self.buffer.len() >= wire::HEADER + len {
                    self.buffer.advance(wire::HEADER);
                    return Ok((kind, call, self.buffer.split_to(len).freeze()));
                }
            }
            match output.next().await {
                Piece::Out(bytes) => self.buffer.extend_from_slice(&bytes),
                Piece::Err(bytes) => {
                    self.last_words.extend_from_slice(&bytes);
                    let over = self.last_words.len().saturating_sub(LAST_WORDS);
                    self.last_words.drain(..over);
                }
                Piece::End(ended) => return Err(self.ended(&ended)),
            }
        }
    }

    fn ended(&self, ended: &Ended) -> RemoteError {
        let how = match ended {
            Ended::Lost(reason) => return lost(reason),
            Ended::Code(code) => format!("exit status {code}"),
            Ended::Signal(signal) => format!("signal {signal}"),
        };
        RemoteError::Died { msg: format!("the helper on the host ended ({how}){}", self.said()) }
    }

    fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.last_words);
        let text = text.trim();
        if text.is_empty() { String::new() } else { format!(": {text}") }
    }
}

async fn read(mut frames: Frames, mut output: Box<dyn Output>, routes: Arc<Routes>) {
    loop {
        let (kind, call, payload) = match frames.next(&mut output).await {
            Ok(frame) => frame,
            Err(error) => return routes.end(error),
        };
        let inbound = match kind {
            FrameKind::Reply => Inbound::Reply(payload),
            FrameKind::Progress => Inbound::Progress(payload),
            FrameKind::Want => match serde_json::from_slice::<Want>(&payload) {
                Ok(want) => Inbound::Want(want.blob),
                Err(e) => return routes.end(unreadable("frame", &e)),
            },
            FrameKind::Chunk if payload.len() >= 4 => {
                let mut payload = payload;
                Inbound::Chunk(payload.get_u32(), payload)
            }
            other => {
                return routes.end(RemoteError::Died { msg: format!("the helper sent an unexpected {other:?} frame") });
            }
        };
        if let Some(route) = routes.get(call) {
            // A call that was dropped has no use for its frames.
            let _ = route.send(inbound).await;
        }
    }
}

async fn write(
    mut input: Box<dyn Input>,
    mut control: mpsc::UnboundedReceiver<Bytes>,
    mut bulk: mpsc::Receiver<Bytes>,
) {
    loop {
        let frame = tokio::select! {
            biased;
            frame = control.recv() => frame,
            Some(frame) = bulk.recv() => Some(frame),
        };
        let Some(frame) = frame else { break };
        // The reader sees the end of the process, and why.
        if input.write(frame).await.is_err() {
            break;
        }
    }
    input.end().await;
}

fn lost(reason: &str) -> RemoteError {
    RemoteError::ssh(reason)
}

fn unreadable(what: &str, error: &serde_json::Error) -> RemoteError {
    RemoteError::Died { msg: format!("the helper's {what} cannot be read: {error}") }
}

fn write_failed(error: &std::io::Error) -> RemoteError {
    RemoteError::Content { msg: format!("what the host sent cannot be written: {error}") }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
