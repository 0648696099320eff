//! What a connection tells us: the host's key, and its end.

use super::host_key::{Accepted, HostKeys};
use crate::remote::RemoteError;
use russh::client::{DisconnectReason, Handler};
use russh::keys::PublicKeyOrCertificate;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// russh calls this one.
pub(super) struct Client {
    pub keys: Arc<HostKeys>,
    pub seen: Arc<Seen>,
    /// Why the connection ended, once it has.
    pub ended: watch::Sender<Option<String>>,
}

/// What came of the check of the host's key.
#[derive(Default)]
pub(super) struct Seen(Mutex<Option<Result<Accepted, RemoteError>>>);

impl Seen {
    pub(super) fn take(&self) -> Option<Result<Accepted, RemoteError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
    fn set(&self, outcome: Result<Accepted, RemoteError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let keys = self.keys.clone();
        let presented = match presented {
            PublicKeyOrCertificate::PublicKey { key, hash_alg } => {
                PublicKeyOrCertificate::PublicKey { key: key.clone(), hash_alg: *hash_alg }
            }
            PublicKeyOrCertificate::Certificate(certificate) => {
                PublicKeyOrCertificate::Certificate(certificate.clone())
            }
        };
        let outcome = tokio::task::spawn_blocking(move || keys.verify(&presented)).await;
        let outcome = outcome.unwrap_or_else(|e| Err(RemoteError::ssh(format!("the host key check failed: {e}"))));
        let accepted = outcome.is_ok();
        self.seen.set(outcome);
        Ok(accepted)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        let (text, result) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                (format!("Connection closed by the remote host: {}", info.message), Ok(()))
            }
            DisconnectReason::Error(e) => {
                let text = match &e {
                    russh::Error::KeepaliveTimeout => "the host does not answer any more (keepalive)".to_owned(),
                    russh::Error::HUP | russh::Error::Disconnect => "Connection closed by the remote host".to_owned(),
                    russh::Error::IO(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
                        "Connection closed by the remote host".to_owned()
                    }
                    russh::Error::IO(io) => super::stream::words(io),
                    other => other.to_string(),
                };
                (text, Err(e))
            }
        };
        self.ended.send_replace(Some(text));
        result
    }
}
