//! Commands in a container of this machine, through the engine's own command line.

use super::{Exec, Process, Transport, process};
use crate::remote::{ContainerSettings, RemoteError};
use async_trait::async_trait;
use tokio::process::Command;

/// `connection: docker` and `connection: podman`.
pub(crate) struct Container(pub ContainerSettings);

#[async_trait]
impl Transport for Container {
    async fn exec(&self, exec: Exec) -> Result<Process, RemoteError> {
        let ContainerSettings { program, container, user, extra_args } = &self.0;
        let mut command = Command::new(program);
        command.args(extra_args).args(["exec", "-i"]);
        if let Some(user) = user {
            command.args(["-u", user]);
        }
        command.args([container, "/bin/sh", "-c", &exec.command]);
        process::spawn(command).map_err(|e| {
            RemoteError::unreachable(format!("Failed to run {program} for container {container}: {e}"))
                .hint(format!("the connection `{program}` needs the command `{program}` on this machine"))
        })
    }
    fn broken(&self) -> Option<String> {
        None
    }
    fn has_pty(&self) -> bool {
        false
    }
    async fn close(&self) {}
}
