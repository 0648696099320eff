//! Commands over an established connection.

use super::client::Client;
use crate::remote::RemoteError;
use crate::remote::transport::{Ended, Exec, Input, Output, Piece, Process, Transport};
use async_trait::async_trait;
use bytes::Bytes;
use russh::client::{Handle, Msg};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect, Pty};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Limit for opening a channel on a live connection.
const OPEN: Duration = Duration::from_secs(30);
/// A terminal that changes nothing: no echo, no line editing, no translation of newlines, no signals.
const RAW: &[(Pty, u32)] = &[
    (Pty::ECHO, 0),
    (Pty::ECHOE, 0),
    (Pty::ECHOK, 0),
    (Pty::ICANON, 0),
    (Pty::ISIG, 0),
    (Pty::IEXTEN, 0),
    (Pty::ICRNL, 0),
    (Pty::INLCR, 0),
    (Pty::IGNCR, 0),
    (Pty::IXON, 0),
    (Pty::IXOFF, 0),
    (Pty::ISTRIP, 0),
    (Pty::OPOST, 0),
    (Pty::ONLCR, 0),
    (Pty::CS8, 1),
];

/// An authenticated connection.
pub(crate) struct Connection {
    handle: Handle<Client>,
    ended: watch::Receiver<Option<String>>,
    /// Sessions that were asked for and not refused.
    sessions: AtomicUsize,
    /// The connection that this one runs through.
    _via: Option<Arc<Connection>>,
}

impl Connection {
    pub(super) fn new(
        handle: Handle<Client>,
        ended: watch::Receiver<Option<String>>,
        via: Option<Arc<Connection>>,
    ) -> Self {
        Connection { handle, ended, sessions: AtomicUsize::new(0), _via: via }
    }

    /// A stream to `host:port` as seen from the other end.
    pub(super) async fn forward(&self, host: &str, port: u16) -> Result<russh::ChannelStream<Msg>, String> {
        let open = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        match tokio::time::timeout(OPEN, open).await {
            Ok(Ok(channel)) => Ok(channel.into_stream()),
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => Err(format!("{reason:?}")),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err("Connection timed out".to_owned()),
        }
    }

    /// A session was refused: there are others on this connection, or the host allows none at all.
    fn refused(&self, why: &str) -> RemoteError {
        match (self.sessions.fetch_sub(1, Ordering::Relaxed), RemoteError::ssh(why)) {
            (0 | 1, alone) => alone,
            (_, full) => RemoteError::Full { msg: full.to_string() },
        }
    }

    fn why_ended(&self) -> String {
        self.ended.borrow().clone().unwrap_or_else(|| "Connection closed by the remote host".to_owned())
    }
}

#[async_trait]
impl Transport for Connection {
    async fn exec(&self, exec: Exec) -> Result<Process, RemoteError> {
        let broken = |e: &russh::Error| match e {
            russh::Error::ChannelOpenFailure(reason) => self.refused(&format!(
                "the host opens no more sessions on this connection ({reason:?}; see MaxSessions in its sshd_config)"
            )),
            _ => RemoteError::ssh(self.why_ended()),
        };
        self.sessions.fetch_add(1, Ordering::Relaxed);
        let start = async {
            let channel = self.handle.channel_open_session().await?;
            if exec.pty {
                channel.request_pty(false, "dumb", 80, 24, 0, 0, RAW).await?;
            }
            channel.exec(true, exec.command.as_bytes()).await?;
            Ok(channel)
        };
        let channel = match tokio::time::timeout(OPEN, start).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(e)) => return Err(broken(&e)),
            Err(_) => return Err(RemoteError::ssh("the host does not open a session (Connection timed out)")),
        };
        let (read, write) = channel.split();
        let write = Arc::new(write);
        Ok(Process {
            input: Box::new(ChannelInput { write: write.clone(), ended: self.ended.clone() }),
            output: Box::new(ChannelOutput {
                read,
                write,
                connection: self.ended.clone(),
                status: None,
                closed: false,
            }),
        })
    }

    fn broken(&self) -> Option<String> {
        if self.handle.is_closed() { Some(self.why_ended()) } else { self.ended.borrow().clone() }
    }

    fn has_pty(&self) -> bool {
        true
    }

    async fn close(&self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

struct ChannelInput {
    write: Arc<ChannelWriteHalf<Msg>>,
    ended: watch::Receiver<Option<String>>,
}

#[async_trait]
impl Input for ChannelInput {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        // A write that waits for the peer's window would never return on a dead connection.
        tokio::select! {
            written = self.write.data_bytes(bytes) => written.map_err(io::Error::other),
            ended = self.ended.wait_for(Option::is_some) => {
                let why = ended.ok().and_then(|e| e.clone()).unwrap_or_default();
                Err(io::Error::new(io::ErrorKind::BrokenPipe, why))
            }
        }
    }
    async fn end(&mut self) {
        let _ = tokio::time::timeout(OPEN, self.write.eof()).await;
    }
}

struct ChannelOutput {
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    connection: watch::Receiver<Option<String>>,
    status: Option<Ended>,
    closed: bool,
}

impl ChannelOutput {
    fn end(&mut self) -> Piece {
        Piece::End(self.status.clone().unwrap_or_else(|| {
            let why = self.connection.borrow().clone();
            Ended::Lost(why.unwrap_or_else(|| "the host closed the session without an exit status".to_owned()))
        }))
    }
}

#[async_trait]
impl Output for ChannelOutput {
    async fn next(&mut self) -> Piece {
        loop {
            match self.read.wait().await {
                Some(ChannelMsg::Data { data }) => return Piece::Out(data),
                Some(ChannelMsg::ExtendedData { data, .. }) => return Piece::Err(data),
                Some(ChannelMsg::ExitStatus { exit_status }) => self.status = Some(Ended::Code(exit_status as i32)),
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    let name = format!("{signal_name:?}");
                    self.status =
                        Some(Ended::Signal(name.trim_start_matches("Custom(").trim_matches(['"', ')']).to_owned()));
                }
                Some(ChannelMsg::Failure) => {
                    self.status =
                        Some(Ended::Lost("the host refuses to run commands (exec request failed)".to_owned()));
                    return self.end();
                }
                Some(ChannelMsg::Close) => {
                    self.closed = true;
                    return self.end();
                }
                None => {
                    // The session's end and its reason come from the same task; wait for the reason.
                    if self.status.is_none() {
                        let wait = self.connection.wait_for(Option::is_some);
                        let _ = tokio::time::timeout(Duration::from_millis(200), wait).await;
                    }
                    self.closed = true;
                    return self.end();
                }
                Some(_) => {}
            }
        }
    }
}

impl Drop for ChannelOutput {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        // Closing the channel ends the process on the host.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let write = self.write.clone();
            runtime.spawn(async move { tokio::time::timeout(OPEN, write.close()).await });
        }
    }
}
