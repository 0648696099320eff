//! The conversation with a running helper: many calls side by side over one pair of streams.
//!
//! A reader task hands frames to the calls they belong to, a writer task sends theirs; both work in bounded memory.

use crate::remote::content::{OnProgress, Sink, Source};
use crate::remote::transport::{Ended, Input, Output, Piece, Process};
use crate::remote::{Content, RemoteError};
use base64::Engine;
use bytes::{Buf, Bytes, BytesMut};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::SeekFrom;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tightbeam_modules::contract::wire::{self, FrameKind, Hello, Reply, Request, Want};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
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
    routes: Arc<Routes>,
    /// Requests and cancellations: small, never held up by content.
    control: mpsc::UnboundedSender<Bytes>,
    /// Content: bounded, so that a slow host slows its readers down.
    bulk: mpsc::Sender<Bytes>,
    next: AtomicU32,
}

enum Inbound {
    Reply(Bytes),
    Want(Want),
    Chunk(u32, Bytes),
    Broken(Bytes),
    Progress(Bytes),
    Ended(RemoteError),
}

/// Which call gets which frames.
#[derive(Default)]
struct Routes {
    table: Mutex<RouteTable>,
    /// Told when the helper has ended.
    gone: Notify,
}

#[derive(Default)]
struct RouteTable {
    calls: HashMap<u32, mpsc::Sender<Inbound>>,
    /// Queues of which a request was sent.
    queues: HashSet<u32>,
    ended: Option<RemoteError>,
}

impl Routes {
    fn lock(&self) -> MutexGuard<'_, RouteTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.gone.notify_one();
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
                return Err(RemoteError::Timeout {
                    msg: format!("Timeout ({secs}s) waiting for the helper's greeting"),
                });
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
        Ok(Session { routes, control, bulk, next: AtomicU32::new(1) })
    }

    /// Lets the helper end, and waits until it has. One that still has calls ends after them.
    pub(crate) async fn leave(session: Arc<Session>) {
        let routes = session.routes.clone();
        if let Some(session) = Arc::into_inner(session) {
            drop(session);
            routes.gone.notified().await;
        }
    }

    /// Why no call can be made any more, if so.
    pub(crate) fn ended(&self) -> Option<RemoteError> {
        self.routes.lock().ended.clone()
    }

    /// Runs one call. Dropping the future cancels the call on the host.
    pub(crate) async fn call(&self, mut request: Request, mut content: Content) -> Result<Reply, RemoteError> {
        let first = content.first.take();
        let sent = content.sent.take();
        let Content { sources, sinks, progress, .. } = content;
        for (id, source) in &sources {
            let bytes = match source {
                Source::Bytes(bytes) if bytes.len() <= INLINE || request.job.is_some() => bytes.clone(),
                // Work in the background cannot ask for it later.
                Source::File(path) if request.job.is_some() => tokio::fs::read(path)
                    .await
                    .map_err(|e| RemoteError::Content { msg: format!("{}: {e}", path.display()) })?
                    .into(),
                Source::Bytes(_) | Source::File(_) => continue,
            };
            request.inline.insert(*id, base64::engine::general_purpose::STANDARD.encode(bytes));
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
            if let Some(queue) = request.queue
                && table.queues.insert(queue.id)
                && first.is_some_and(|may| !may())
            {
                return Err(RemoteError::OutOfTurn);
            }
            table.calls.insert(id, sender);
        }
        let mut call = Call {
            session: self,
            id,
            receiver,
            sinks,
            serving: JoinSet::new(),
            wants: BTreeMap::new(),
            finished: false,
        };
        call.send_control(FrameKind::Request, &payload)?;
        if let Some(sent) = sent {
            sent();
        }
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
    wants: BTreeMap<u32, mpsc::UnboundedSender<Want>>,
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
                Inbound::Want(want) => self.serve(want, &sources),
                Inbound::Broken(payload) => {
                    let reason = String::from_utf8_lossy(payload.get(4..).unwrap_or_default()).into_owned();
                    return Err(RemoteError::Content { msg: format!("the host cannot read what it sends: {reason}") });
                }
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

    /// Answers the parts of one blob in the order in which they are wanted, in a task of its own.
    fn serve(&mut self, want: Want, sources: &BTreeMap<u32, Source>) {
        let blob = want.blob;
        let (call, bulk, serving) = (self.id, &self.session.bulk, &mut self.serving);
        let wants = self.wants.entry(blob).or_insert_with(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            let server = BlobServer { bulk: bulk.clone(), call, blob };
            let source = sources.get(&blob).cloned();
            serving.spawn(async move {
                if let Err(reason) = server.serve(source, receiver).await {
                    server.send(FrameKind::Broken, reason.as_bytes()).await;
                }
            });
            sender
        });
        // A blob that was sent whole, or broke, has no more parts.
        let _ = wants.send(want);
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

/// Sends one blob.
struct BlobServer {
    bulk: mpsc::Sender<Bytes>,
    call: u32,
    blob: u32,
}

impl BlobServer {
    async fn serve(&self, source: Option<Source>, mut wants: mpsc::UnboundedReceiver<Want>) -> Result<(), String> {
        let mut content = match source {
            Some(source) => Opened::open(source).await?,
            None => return Err(format!("there is no blob {} in this call", self.blob)),
        };
        while let Some(Want { offset, length, .. }) = wants.recv().await {
            let mut at = offset;
            let end = offset.saturating_add(length);
            while at < end && at < content.size {
                let most = (end - at).min(wire::CHUNK as u64) as usize;
                let bytes = content.read(at, most).await?;
                if bytes.is_empty() {
                    break;
                }
                at += bytes.len() as u64;
                self.send(FrameKind::Chunk, &bytes).await;
            }
            if at < end || at >= content.size {
                self.send(FrameKind::Chunk, &[]).await;
                return Ok(());
            }
        }
        Ok(())
    }

    async fn send(&self, kind: FrameKind, bytes: &[u8]) {
        let payload = [&self.blob.to_be_bytes()[..], bytes].concat();
        // A session that has ended tells its calls itself.
        let _ = self.bulk.send(wire::frame(kind, self.call, &payload).into()).await;
    }
}

/// The bytes of a blob, by place.
struct Opened {
    size: u64,
    bytes: Either,
}

enum Either {
    Memory(Arc<[u8]>),
    File { file: tokio::fs::File, at: u64, name: String },
}

impl Opened {
    async fn open(source: Source) -> Result<Self, String> {
        let path = match source {
            Source::Bytes(bytes) => return Ok(Opened { size: bytes.len() as u64, bytes: Either::Memory(bytes) }),
            Source::File(path) => path,
        };
        let name = path.display().to_string();
        let file = tokio::fs::File::open(&path).await.map_err(|e| format!("{name}: {e}"))?;
        let size = file.metadata().await.map_err(|e| format!("{name}: {e}"))?.len();
        Ok(Opened { size, bytes: Either::File { file, at: 0, name } })
    }

    /// At most `most` bytes from `offset`; none at the end.
    async fn read(&mut self, offset: u64, most: usize) -> Result<Bytes, String> {
        match &mut self.bytes {
            Either::Memory(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|o| bytes.get(o..)).unwrap_or_default();
                Ok(Bytes::copy_from_slice(&rest[..most.min(rest.len())]))
            }
            Either::File { file, at, name } => {
                if *at != offset {
                    file.seek(SeekFrom::Start(offset)).await.map_err(|e| format!("{name}: {e}"))?;
                }
                let mut buffer = vec![0; most];
                let n = file.read(&mut buffer).await.map_err(|e| format!("{name}: {e}"))?;
                buffer.truncate(n);
                *at = offset + n as u64;
                Ok(buffer.into())
            }
        }
    }
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
                Ok(want) => Inbound::Want(want),
                Err(e) => return routes.end(unreadable("frame", &e)),
            },
            FrameKind::Broken => Inbound::Broken(payload),
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
