//! A transport whose commands are told to somebody before they run (`-vvv`).

use super::{Exec, Process, Transport};
use crate::names::HostName;
use crate::remote::RemoteError;
use async_trait::async_trait;
use std::sync::Arc;

/// Takes what is done to reach a host, one line each.
pub type Tell = Arc<dyn Fn(&HostName, &str) + Send + Sync>;

/// Another transport, on behalf of a host.
pub(crate) struct Told<'a> {
    pub transport: &'a dyn Transport,
    pub host: &'a HostName,
    pub tell: Option<&'a Tell>,
}

#[async_trait]
impl Transport for Told<'_> {
    async fn exec(&self, exec: Exec) -> Result<Process, RemoteError> {
        if let Some(tell) = self.tell {
            tell(self.host, &format!("EXEC {}", exec.command));
        }
        self.transport.exec(exec).await
    }
    fn broken(&self) -> Option<String> {
        self.transport.broken()
    }
    fn has_pty(&self) -> bool {
        self.transport.has_pty()
    }
    async fn close(&self) {
        self.transport.close().await;
    }
}
