//! Commands on this machine, through a shell.

use super::{Exec, Process, Transport, process};
use crate::remote::RemoteError;
use async_trait::async_trait;
use tokio::process::Command;

/// `connection: local`.
pub(crate) struct Local;

#[async_trait]
impl Transport for Local {
    async fn exec(&self, exec: Exec) -> Result<Process, RemoteError> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&exec.command);
        process::spawn(command)
            .map_err(|e| RemoteError::unreachable(format!("Failed to start a process on this machine: {e}")))
    }
    fn broken(&self) -> Option<String> {
        None
    }
    fn has_pty(&self) -> bool {
        false
    }
    async fn close(&self) {}
}
