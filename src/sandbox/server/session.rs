//! A session channel while its program runs: bytes both ways, signals, and how it ends.

use super::process::{Process, signal_of};
use super::pty::Terminal;
use super::tell_signal;
use bytes::{Bytes, BytesMut};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelWriteHalf};
use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// Bytes of one read, at most.
const CHUNK: usize = 32 << 10;
/// Bytes of input that may wait for a program before the connection is slowed down.
const INPUT_LIMIT: usize = 16 << 20;
/// How long the connection is held up at a time. Not for ever: what the client says about its own window, for which the
/// program's output may be waiting, comes behind its data.
const HOLD_UP: Duration = Duration::from_millis(10);
/// How long a program may take to end after its client has gone.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long a terminal's last words are waited for when its program has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs until the program has ended and its output is through, or until the client has gone.
pub(super) async fn run(mut process: Process, channel: Channel<Msg>, handle: Handle) {
    let id = channel.id();
    let (mut read, write) = channel.split();
    let write = Arc::new(write);
    let input = Input::start(process.child.stdin.take(), process.terminal.clone());
    let mut input = Some(input);
    let mut output = JoinSet::new();
    if let Some(terminal) = process.terminal.clone() {
        output.spawn(copy_terminal(terminal, Arc::clone(&write)));
    }
    if let Some(stdout) = process.child.stdout.take() {
        output.spawn(copy_out(stdout, Arc::clone(&write), None));
    }
    if let Some(stderr) = process.child.stderr.take() {
        output.spawn(copy_out(stderr, Arc::clone(&write), Some(1)));
    }
    let mut ended = false;
    while !(ended && (output.is_empty() || process.terminal.is_some())) {
        tokio::select! {
            status = process.child.wait(), if !ended => {
                ended = true;
                if let Ok(status) = status {
                    if process.terminal.is_some() {
                        let _ = tokio::time::timeout(LAST_WORDS, output.join_next()).await;
                    }
                    tell_end(&handle, &write, status).await;
                }
            }
            _ = output.join_next(), if !output.is_empty() => {}
            message = read.wait() => match message {
                Some(ChannelMsg::Data { data }) => if let Some(input) = &input { input.put(data).await },
                Some(ChannelMsg::Eof) => input = None,
                Some(ChannelMsg::Signal { signal }) => if let Some(signal) = signal_of(&signal) { process.signal(signal) },
                Some(ChannelMsg::WindowChange { col_width, row_height, .. }) => {
                    if let Some(terminal) = &process.terminal { terminal.resize(col_width, row_height) }
                }
                Some(ChannelMsg::Close) | None => {
                    output.abort_all();
                    return leave(process, ended).await;
                }
                Some(_) => {}
            },
        }
    }
    let _ = handle.eof(id).await;
    let _ = handle.close(id).await;
}

/// Ends the program of a client that has gone.
async fn leave(mut process: Process, ended: bool) {
    if ended {
        return;
    }
    process.signal(Signal::HUP);
    process.terminal = None;
    if tokio::time::timeout(FAREWELL, process.child.wait()).await.is_err() {
        process.signal(Signal::KILL);
        let _ = process.child.wait().await;
    }
}

async fn tell_end(handle: &Handle, write: &ChannelWriteHalf<Msg>, status: ExitStatus) {
    match (status.code(), status.signal()) {
        (Some(code), _) => {
            let _ = write.exit_status(code.cast_unsigned()).await;
        }
        (None, Some(signal)) => tell_signal(handle, write.id(), signal, status.core_dumped()).await,
        (None, None) => {}
    }
}

async fn copy_out(mut from: impl AsyncRead + Unpin, to: Arc<ChannelWriteHalf<Msg>>, kind: Option<u32>) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(CHUNK);
        match from.read_buf(&mut buffer).await {
            Ok(n) if n > 0 => {}
            _ => return,
        }
        let bytes = buffer.split().freeze();
        let sent = match kind {
            None => to.data_bytes(bytes).await,
            Some(kind) => to.extended_data_bytes(kind, bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn copy_terminal(from: Terminal, to: Arc<ChannelWriteHalf<Msg>>) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        if to.data_bytes(Bytes::copy_from_slice(&buffer[..n])).await.is_err() {
            return;
        }
    }
}

/// The way to a program's input. Dropping it ends the input.
struct Input {
    queue: UnboundedSender<Bytes>,
    waiting: Arc<AtomicUsize>,
    taken: Arc<Notify>,
}

impl Input {
    fn start(pipe: Option<ChildStdin>, terminal: Option<Terminal>) -> Input {
        let (queue, arriving) = unbounded_channel();
        let input = Input { queue, waiting: Arc::default(), taken: Arc::default() };
        let (waiting, taken) = (Arc::clone(&input.waiting), Arc::clone(&input.taken));
        tokio::spawn(feed(arriving, pipe, terminal, waiting, taken));
        input
    }

    /// Takes bytes for the program, and does not wait for it beyond [`HOLD_UP`].
    async fn put(&self, data: Bytes) {
        let size = data.len();
        let before = self.waiting.fetch_add(size, Ordering::Relaxed);
        // What nobody reads any more is lost, as with sshd.
        if self.queue.send(data).is_err() {
            return;
        }
        if before + size > INPUT_LIMIT {
            let _ = tokio::time::timeout(HOLD_UP, self.taken.notified()).await;
        }
    }
}

async fn feed(
    mut arriving: UnboundedReceiver<Bytes>,
    mut pipe: Option<ChildStdin>,
    terminal: Option<Terminal>,
    waiting: Arc<AtomicUsize>,
    taken: Arc<Notify>,
) {
    while let Some(data) = arriving.recv().await {
        let written = match (&mut pipe, &terminal) {
            (Some(pipe), _) => pipe.write_all(&data).await,
            (None, Some(terminal)) => terminal.write_all(&data).await,
            (None, None) => return,
        };
        if written.is_err() {
            return;
        }
        waiting.fetch_sub(data.len(), Ordering::Relaxed);
        taken.notify_one();
    }
    if let Some(terminal) = terminal {
        let _ = terminal.end_input().await;
    }
}
