//! A host made of a function, for tests: it reads what the controller writes and says what the host says.

use super::{Ended, Exec, Input, Output, Piece, Process, Transport};
use crate::remote::RemoteError;
use async_trait::async_trait;
use bytes::Bytes;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The host's side of one process.
pub(crate) struct Peer {
    pub stdin: mpsc::Receiver<Bytes>,
    out: mpsc::Sender<Piece>,
}

impl Peer {
    pub(crate) async fn out(&self, bytes: impl Into<Bytes>) {
        let _ = self.out.send(Piece::Out(bytes.into())).await;
    }
    pub(crate) async fn err(&self, text: &str) {
        let _ = self.out.send(Piece::Err(Bytes::copy_from_slice(text.as_bytes()))).await;
    }
    pub(crate) async fn end(&self, ended: Ended) {
        let _ = self.out.send(Piece::End(ended)).await;
    }
}

type Script = dyn Fn(Peer) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// Runs the same function for each command.
pub(crate) struct Scripted {
    script: Arc<Script>,
}

impl Scripted {
    pub(crate) fn new<F, R>(script: F) -> Self
    where
        F: Fn(Peer) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Scripted { script: Arc::new(move |peer| Box::pin(script(peer))) }
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn exec(&self, _: Exec) -> Result<Process, RemoteError> {
        let (stdin, from_controller) = mpsc::channel(64);
        let (out, receiver) = mpsc::channel(64);
        tokio::spawn((self.script)(Peer { stdin: from_controller, out }));
        Ok(Process { input: Box::new(In(Some(stdin))), output: Box::new(Out(receiver)) })
    }
    fn broken(&self) -> Option<String> {
        None
    }
    fn has_pty(&self) -> bool {
        true
    }
    async fn close(&self) {}
}

struct In(Option<mpsc::Sender<Bytes>>);

#[async_trait]
impl Input for In {
    async fn write(&mut self, bytes: Bytes) -> io::Result<()> {
        match &self.0 {
            Some(sender) => sender.send(bytes).await.map_err(|_| io::ErrorKind::BrokenPipe.into()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
    async fn end(&mut self) {
        self.0 = None;
    }
}

struct Out(mpsc::Receiver<Piece>);

#[async_trait]
impl Output for Out {
    async fn next(&mut self) -> Piece {
        self.0.recv().await.unwrap_or_else(|| Piece::End(Ended::Lost("the script ended".to_owned())))
    }
}
