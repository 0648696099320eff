//! Ways to run a command on a host: one trait, one file per way. Nothing here knows what the command is for.

mod container;
mod local;
mod process;
#[cfg(test)]
pub(crate) mod scripted;
pub mod ssh;
pub mod ssh_args;
mod told;

pub(crate) use container::Container;
pub(crate) use local::Local;
pub use told::Tell;
pub(crate) use told::Told;

use super::RemoteError;
use async_trait::async_trait;
use bytes::Bytes;
use std::io;

/// A command line for the login shell of the host.
#[derive(Clone, Debug)]
pub struct Exec {
    pub command: String,
    /// Whether the command gets a terminal (in raw mode, output and errors in one stream).
    pub pty: bool,
}

/// A piece of a process's life, in order.
#[derive(Debug)]
pub enum Piece {
    Out(Bytes),
    Err(Bytes),
    /// The last piece.
    End(Ended),
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Code(i32),
    /// Killed by the signal of that name (`TERM`) or number.
    Signal(String),
    /// The connection broke; why, in words.
    Lost(String),
}

/// A process's standard input.
#[async_trait]
pub trait Input: Send {
    /// Writes all of it. Waits while the other side does not read; fails when the connection or the process ends.
    async fn write(&mut self, bytes: Bytes) -> io::Result<()>;
    /// End of input.
    async fn end(&mut self);
}

/// A process's output and end. Dropping it ends the process.
#[async_trait]
pub trait Output: Send {
    /// The next piece. May be cancelled without loss. After [`Piece::End`] it is not called again.
    async fn next(&mut self) -> Piece;
}

/// A running process.
pub struct Process {
    pub input: Box<dyn Input>,
    pub output: Box<dyn Output>,
}

/// A way to one host, as one user.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Starts a command. Returns once it was handed over.
    async fn exec(&self, exec: Exec) -> Result<Process, RemoteError>;
    /// Why no command can be started any more, if so.
    fn broken(&self) -> Option<String>;
    /// Whether [`Exec::pty`] is possible.
    fn has_pty(&self) -> bool;
    /// Ends the connection.
    async fn close(&self);
}
