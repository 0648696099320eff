//! Processes of this machine behind the transport's streams.

use super::{Ended, Input, Output, Piece, Process};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};

/// How long output is still read after the process ended while another process holds its pipes.
const LINGER: Duration = Duration::from_millis(500);

/// Starts a program in a process group of its own.
pub(super) fn spawn(mut command: Command) -> io::Result<Process> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let mut child = command.spawn()?;
    let missing = || io::Error::other("the process has no pipes");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let (pieces, receiver) = mpsc::channel(16);
    let (dropped, mut gone) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let out = tokio::spawn(pump(stdout, pieces.clone(), Piece::Out));
        let err = tokio::spawn(pump(stderr, pieces.clone(), Piece::Err));
        let status = tokio::select! {
            status = child.wait() => status,
            _ = &mut gone => {
                end_group(&child).await;
                child.wait().await
            }
        };
        let (out_stop, err_stop) = (out.abort_handle(), err.abort_handle());
        let both = async { tokio::join!(out, err) };
        if tokio::time::timeout(LINGER, both).await.is_err() {
            out_stop.abort();
            err_stop.abort();
        }
        let ended = match status {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Ended::Code(code),
                (None, signal) => Ended::Signal(signal.unwrap_or_default().to_string()),
            },
            Err(e) => Ended::Lost(e.to_string()),
        };
        let _ = pieces.send(Piece::End(ended)).await;
    });
    Ok(Process {
        input: Box::new(PipeInput(Some(stdin))),
        output: Box::new(PipeOutput { receiver, _dropped: dropped }),
    })
}

/// Ends a process group: first politely.
async fn end_group(child: &tokio::process::Child) {
    let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(id as i32)) else { return };
    let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::TERM);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
}

async fn pump(mut from: impl AsyncRead + Unpin, to: mpsc::Sender<Piece>, wrap: fn(Bytes) -> Piece) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(64 << 10);
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                if to.send(wrap(buffer.split().freeze())).await.is_err() {
                    return;
                }
            }
        }
    }
}

struct PipeInput(Option<ChildStdin>);

#[async_trait]
impl Input for PipeInput {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        let pipe = self.0.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        pipe.write_all(&bytes).await?;
        pipe.flush().await
    }
    async fn end(&mut self) {
        self.0 = None;
    }
}

struct PipeOutput {
    receiver: mpsc::Receiver<Piece>,
    _dropped: oneshot::Sender<()>,
}

#[async_trait]
impl Output for PipeOutput {
    async fn next(&mut self) -> Piece {
        self.receiver.recv().await.unwrap_or_else(|| Piece::End(Ended::Lost("the process is gone".to_owned())))
    }
}
