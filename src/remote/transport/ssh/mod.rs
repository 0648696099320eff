//! SSH in this process: the only door to russh. Reads `~/.ssh/config`, verifies host keys, authenticates, connects
//! through jump hosts and proxies.

mod auth;
mod client;
mod config;
mod config_match;
mod connection;
mod host_key;
mod keys;
mod known_hosts;
mod plan;
mod sources;
mod stream;

pub(crate) use connection::Connection;
pub use keys::AskPassphrase;

use super::Transport;
use crate::remote::{RemoteError, SshSettings};
use client::{Client, Seen};
use futures::FutureExt;
use futures::future::BoxFuture;
use host_key::HostKeys;
use keys::KeyRing;
use plan::{Plan, Proxy, Surroundings};
use russh::client::{self as russh_client, Config};
use russh::{Preferred, SshId, cipher, kex, mac};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stream::Stream;
use tokio::sync::{Semaphore, watch};

/// Limit for authentication, which may wait for a slow directory service or a touch of a security key.
const AUTHENTICATION: Duration = Duration::from_secs(90);
/// Longest chain of jump hosts.
const JUMPS: usize = 8;

/// What SSH takes from its surroundings. The default is empty: no agent, no questions.
#[derive(Clone, Default)]
pub struct SshOptions {
    /// The agent's socket (`SSH_AUTH_SOCK`).
    pub agent: Option<PathBuf>,
    /// The user's configuration; `~/.ssh/config` unless given.
    pub user_config: Option<PathBuf>,
    /// The system's configuration; `/etc/ssh/ssh_config` unless given.
    pub system_config: Option<PathBuf>,
    /// Asks for passphrases; without it, encrypted keys serve through an agent only.
    pub passphrase: Option<AskPassphrase>,
    /// Told about host keys that were added, and the like.
    pub warn: Option<Arc<dyn Fn(String) + Send + Sync>>,
    /// Handshakes at a time; 64 unless given.
    pub handshakes: Option<usize>,
}

impl SshOptions {
    /// With the agent of the environment.
    pub fn from_env() -> Self {
        let agent = std::env::var_os("SSH_AUTH_SOCK").filter(|s| !s.is_empty()).map(PathBuf::from);
        SshOptions { agent, ..SshOptions::default() }
    }
}

/// Makes connections; keeps what they share.
pub(crate) struct Door {
    around: Surroundings,
    options: SshOptions,
    handshakes: Semaphore,
    ring: Arc<KeyRing>,
    jumps: Mutex<HashMap<String, JumpSlot>>,
}

type JumpSlot = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

/// A failure and whether trying again may help.
pub(super) enum Fault {
    Temporary(RemoteError),
    Final(RemoteError),
}

impl Fault {
    fn into_error(self) -> RemoteError {
        match self {
            Fault::Temporary(e) | Fault::Final(e) => e,
        }
    }
}

impl Door {
    pub(crate) fn new(options: SshOptions) -> Self {
        let local = sources::local();
        Door {
            around: Surroundings {
                user_config: options.user_config.clone().unwrap_or_else(|| local.home.join(".ssh/config")),
                system_config: options.system_config.clone().unwrap_or_else(|| "/etc/ssh/ssh_config".into()),
                agent: options.agent.clone(),
                local,
            },
            handshakes: Semaphore::new(options.handshakes.unwrap_or(64).max(1)),
            ring: Arc::default(),
            jumps: Mutex::default(),
            options,
        }
    }

    /// Connects and authenticates, trying again as often as the settings say.
    ///
    /// # Errors
    /// [`RemoteError::Unreachable`] with Ansible's words and what to do.
    pub(crate) async fn connect(&self, settings: &SshSettings) -> Result<Connection, RemoteError> {
        let mut attempt = 0;
        loop {
            match self.attempt(settings, 0).await {
                Ok(connection) => return Ok(connection),
                Err(Fault::Temporary(_)) if attempt < settings.retries => {
                    // Ansible's pauses: 0, 1, 3, 7 … at most 30 seconds.
                    let pause = 2u64.saturating_pow(attempt).saturating_sub(1).min(30);
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                    attempt += 1;
                }
                Err(fault) => return Err(fault.into_error()),
            }
        }
    }

    /// Ends the connections to jump hosts.
    pub(crate) async fn close(&self) {
        let slots: Vec<JumpSlot> = {
            let mut jumps = self.jumps.lock().unwrap_or_else(PoisonError::into_inner);
            jumps.drain().map(|(_, slot)| slot).collect()
        };
        for slot in slots {
            if let Ok(mut slot) = slot.try_lock()
                && let Some(connection) = slot.take()
            {
                let _ = tokio::time::timeout(Duration::from_secs(2), connection.close()).await;
            }
        }
    }

    fn attempt<'a>(&'a self, settings: &'a SshSettings, depth: usize) -> BoxFuture<'a, Result<Connection, Fault>> {
        async move {
            let (plan, keys) = self.plan(settings).await?;
            let (stream, via) = self.stream(&plan, depth).await?;
            let _permit = self.handshakes.acquire().await;
            self.handshake(&plan, keys, stream, via).await
        }
        .boxed()
    }

    async fn plan(&self, settings: &SshSettings) -> Result<(Plan, HostKeys), Fault> {
        let (around, settings) = (self.around.clone(), settings.clone());
        let planned = tokio::task::spawn_blocking(move || {
            let plan = Plan::resolve(&around, &settings)?;
            let keys = HostKeys::load(&plan);
            Ok::<_, String>((plan, keys))
        });
        match planned.await {
            Ok(Ok(planned)) => Ok(planned),
            Ok(Err(e)) => Err(Fault::Final(RemoteError::ssh(e))),
            Err(e) => Err(Fault::Final(RemoteError::ssh(e))),
        }
    }

    async fn stream(&self, plan: &Plan, depth: usize) -> Result<(Box<dyn Stream>, Option<Arc<Connection>>), Fault> {
        match &plan.proxy {
            Proxy::None => Ok((Box::new(stream::tcp(plan).await?), None)),
            Proxy::Command(command) => Ok((Box::new(stream::proxy(command)?), None)),
            Proxy::Jump(hops) => {
                if depth + hops.len() > JUMPS {
                    return Err(Fault::Final(RemoteError::ssh(format!("more than {JUMPS} jump hosts in a row"))));
                }
                let jump = self.jump(plan, hops, depth + 1).await?;
                let stream = jump.forward(&plan.hostname, plan.port).await.map_err(|e| {
                    let last = hops.last().map(String::as_str).unwrap_or_default();
                    Fault::Temporary(RemoteError::ssh(format!(
                        "the jump host {last} does not connect to {} port {}: {e}",
                        plan.hostname, plan.port
                    )))
                })?;
                Ok((Box::new(stream), Some(jump)))
            }
        }
    }

    /// The connection to the last of `hops`, through the others; shared by all hosts behind it.
    fn jump<'a>(
        &'a self,
        plan: &'a Plan,
        hops: &'a [String],
        depth: usize,
    ) -> BoxFuture<'a, Result<Arc<Connection>, Fault>> {
        async move {
            let Some((last, before)) = hops.split_last() else {
                return Err(Fault::Final(RemoteError::ssh("ProxyJump names no host")));
            };
            let key = format!("{}\n{}", plan.config_file.as_deref().unwrap_or_default(), hops.join(","));
            let slot = self.jumps.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
            let mut slot = slot.lock().await;
            if let Some(connection) = &*slot
                && connection.broken().is_none()
            {
                return Ok(connection.clone());
            }
            let mut settings = plan.jump(last).map_err(|e| Fault::Final(RemoteError::ssh(e)))?;
            if !before.is_empty() {
                settings.options.push(("proxyjump".to_owned(), before.join(",")));
            }
            let connection = self.attempt(&settings, depth).await.map_err(|fault| through(fault, last))?;
            let connection = Arc::new(connection);
            *slot = Some(connection.clone());
            Ok(connection)
        }
        .boxed()
    }

    async fn handshake(
        &self,
        plan: &Plan,
        keys: HostKeys,
        stream: Box<dyn Stream>,
        via: Option<Arc<Connection>>,
    ) -> Result<Connection, Fault> {
        let mut config = config(plan).map_err(|e| Fault::Final(RemoteError::ssh(e)))?;
        keys.prefer(&mut config);
        let seen = Arc::new(Seen::default());
        let (ended, ended_rx) = watch::channel(None);
        let client = Client { keys: Arc::new(keys), seen: seen.clone(), ended };
        let connecting = russh_client::connect_stream(Arc::new(config), stream, client);
        let connected = match tokio::time::timeout(plan.connect_timeout, connecting).await {
            Ok(connected) => connected,
            Err(_) => {
                let (host, port) = (&plan.hostname, plan.port);
                return Err(Fault::Temporary(
                    RemoteError::ssh(format!("Connection timed out during banner exchange with {host} port {port}"))
                        .hint("the port is open, but no SSH server answered in time"),
                ));
            }
        };
        let verdict = seen.take();
        let mut trusted = true;
        match verdict {
            Some(Err(refused)) => return Err(Fault::Final(refused)),
            Some(Ok(accepted)) => {
                trusted = accepted.trusted;
                if let (Some(warning), Some(warn)) = (accepted.warning, &self.options.warn) {
                    warn(warning);
                }
            }
            None => {}
        }
        let mut handle = connected.map_err(|e| negotiation(plan, &e))?;
        let (ring, ask, for_keys) = (self.ring.clone(), self.options.passphrase.clone(), plan.clone());
        let loaded = tokio::task::spawn_blocking(move || ring.load(&for_keys, ask.as_ref())).await;
        let (files, certificates) = loaded.unwrap_or_default();
        let authentication = auth::authenticate(&mut handle, plan, &files, &certificates, trusted);
        match tokio::time::timeout(AUTHENTICATION, authentication).await {
            Ok(result) => result?,
            Err(_) => {
                let secs = AUTHENTICATION.as_secs();
                return Err(Fault::Temporary(RemoteError::ssh(format!(
                    "{}: the host did not finish authentication within {secs} s",
                    plan.who()
                ))));
            }
        }
        Ok(Connection::new(handle, ended_rx, via))
    }
}

/// Names the jump host in what went wrong with it.
fn through(fault: Fault, hop: &str) -> Fault {
    let name = |e: RemoteError| e.hint(format!("this is about the jump host {hop}"));
    match fault {
        Fault::Temporary(e) => Fault::Temporary(name(e)),
        Fault::Final(e) => Fault::Final(name(e)),
    }
}

/// What went wrong before authentication.
fn negotiation(plan: &Plan, error: &russh::Error) -> Fault {
    let (host, port) = (&plan.hostname, plan.port);
    match error {
        russh::Error::NoCommonAlgo { kind, theirs, .. } => Fault::Final(
            RemoteError::ssh(format!(
                "Unable to negotiate with {host} port {port}: no matching {kind:?} algorithm found. Their offer: {}",
                theirs.join(",")
            ))
            .hint("if the host cannot be updated, allow one of them with -o KexAlgorithms=+…, HostKeyAlgorithms=+…, Ciphers=+… or MACs=+…"),
        ),
        russh::Error::Version => Fault::Final(RemoteError::ssh(format!(
            "what answers on {host} port {port} is not an SSH server"
        ))),
        russh::Error::IO(e) if !hung_up(e) => Fault::Temporary(RemoteError::ssh(
            format!("ssh: connection to {host} port {port}: {}", stream::words(e)),
        )),
        russh::Error::IO(_) | russh::Error::HUP | russh::Error::Disconnect => {
            let error = RemoteError::ssh(format!("Connection closed by {host} port {port} during the handshake"));
            Fault::Temporary(match &plan.proxy {
                Proxy::Command(command) => error.hint(format!("the ProxyCommand was `{command}`; try it by hand")),
                _ => error.hint("the host may limit new connections (MaxStartups) or this address"),
            })
        }
        other => Fault::Temporary(RemoteError::ssh(format!("connection to {host} port {port}: {other}"))),
    }
}

/// Whether the other side closed; what is told of it depends on whether it was met reading or writing.
fn hung_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | BrokenPipe | ConnectionReset | ConnectionAborted)
}

/// russh's settings for a host.
fn config(plan: &Plan) -> Result<Config, String> {
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let ciphers = [cipher::AES_256_GCM, cipher::AES_128_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR];
    let ciphers: Vec<String> =
        ciphers.iter().chain(&[cipher::AES_192_CTR, cipher::AES_128_CTR]).map(|c| c.as_ref().to_owned()).collect();
    let all = |list: &[&'static str]| names(list);
    let all_ciphers: Vec<&'static str> = cipher::ALL_CIPHERS
        .iter()
        .map(|c| AsRef::<str>::as_ref(*c))
        .filter(|c| !matches!(*c, "clear" | "none"))
        .collect();
    let all_kex: Vec<&'static str> =
        kex::ALL_KEX_ALGORITHMS.iter().map(|c| AsRef::<str>::as_ref(*c)).filter(|c| *c != "none").collect();
    let all_macs: Vec<&'static str> =
        mac::ALL_MAC_ALGORITHMS.iter().map(|c| AsRef::<str>::as_ref(*c)).filter(|c| *c != "none").collect();
    let mut preferred = Preferred { cipher: Cow::Owned(chosen(&ciphers)), ..Preferred::DEFAULT };
    if let Some(list) = &plan.ciphers {
        preferred.cipher = Cow::Owned(some("Ciphers", list, plan::algorithms(list, &ciphers, &all(&all_ciphers)))?);
    }
    if let Some(list) = &plan.kex {
        let built_in: Vec<String> = Preferred::DEFAULT.kex.iter().map(|k| k.as_ref().to_owned()).collect();
        let mut everything = all(&all_kex);
        everything.extend(built_in.iter().filter(|k| !all_kex.contains(&k.as_str())).cloned());
        let mut names = plan::algorithms(list, &built_in, &everything);
        // The markers of extensions are no algorithms that a list could leave out.
        names.extend(built_in.iter().filter(|k| k.starts_with("ext-info") || k.starts_with("kex-strict")).cloned());
        names.dedup();
        preferred.kex = Cow::Owned(some("KexAlgorithms", list, names)?);
    }
    if let Some(list) = &plan.macs {
        let built_in: Vec<String> = Preferred::DEFAULT.mac.iter().map(|k| k.as_ref().to_owned()).collect();
        preferred.mac = Cow::Owned(some("MACs", list, plan::algorithms(list, &built_in, &all(&all_macs)))?);
    }
    if let Some(list) = &plan.host_key_algorithms {
        let built_in: Vec<String> = Preferred::DEFAULT.key.iter().map(ToString::to_string).collect();
        let names = plan::algorithms(list, &built_in, &built_in);
        let keys: Vec<_> = Preferred::DEFAULT.key.iter().filter(|k| names.contains(&k.to_string())).cloned().collect();
        if keys.is_empty() {
            return Err(format!("HostKeyAlgorithms `{list}` leaves nothing that is supported"));
        }
        preferred.key = Cow::Owned(keys);
    }
    Ok(Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!("SSH-2.0-Tightbeam_", env!("CARGO_PKG_VERSION")))),
        preferred,
        nodelay: true,
        keepalive_interval: Some(plan.alive_interval),
        keepalive_max: plan.alive_count,
        ..Config::default()
    })
}

fn chosen<T: for<'a> TryFrom<&'a str>>(names: &[String]) -> Vec<T> {
    names.iter().filter_map(|n| T::try_from(n.as_str()).ok()).collect()
}

fn some<T: for<'a> TryFrom<&'a str>>(keyword: &str, list: &str, names: Vec<String>) -> Result<Vec<T>, String> {
    let chosen = chosen(&names);
    if chosen.is_empty() { Err(format!("{keyword} `{list}` leaves nothing that is supported")) } else { Ok(chosen) }
}
