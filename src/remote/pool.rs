//! Connections and helper sessions, made when first needed and kept for the whole run.

use super::helper::{self, Helpers, Session};
use super::raw::{self, RawOptions, RawOutput};
use super::transport::ssh::{Door, SshOptions};
use super::transport::{Container, Local, Tell, Told, Transport};
use super::{Connection, Content, Escalation, RemoteError, Target};
use std::collections::HashMap;
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tightbeam_modules::contract::wire::{Reply, Request};

/// Longest wait for a helper to end.
const LEAVING: Duration = Duration::from_secs(2);

/// What the pool takes from its surroundings.
#[derive(Clone, Default)]
pub struct PoolOptions {
    /// Helpers for other architectures: `DIR/ARCH/tightbeam-helper`, `ARCH` as `uname -m` prints it.
    pub helpers_dir: Option<PathBuf>,
    pub ssh: SshOptions,
    /// Hears of connections and of commands that run over them; never of passwords.
    pub tell: Option<Tell>,
}

impl PoolOptions {
    /// From `HOME`, `USER`, `SSH_AUTH_SOCK` and `TIGHTBEAM_HELPERS_DIR`.
    pub fn from_env() -> Self {
        PoolOptions {
            helpers_dir: std::env::var_os("TIGHTBEAM_HELPERS_DIR").filter(|d| !d.is_empty()).map(PathBuf::from),
            ssh: SshOptions::from_env(),
            tell: None,
        }
    }
}

/// All connections of a run. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    helpers: Helpers,
    door: Door,
    tell: Option<Tell>,
    connections: Slots<Connection, dyn Transport>,
    sessions: Slots<SessionKey, Session>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct SessionKey {
    connection: Arc<Connection>,
    escalation: Option<Arc<Escalation>>,
}

/// One of each, made by the first who needs it while others of the same key wait.
struct Slots<K, V: ?Sized>(Mutex<HashMap<K, Slot<V>>>);
type Slot<V> = Arc<tokio::sync::Mutex<Option<Arc<V>>>>;

impl<K: Eq + Hash, V: ?Sized> Slots<K, V> {
    fn new() -> Self {
        Slots(Mutex::default())
    }
    fn slot(&self, key: K) -> Slot<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone()
    }
    fn remove(&self, drop_it: impl Fn(&K) -> bool) -> Vec<Slot<V>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.extract_if(|k, _| drop_it(k)).map(|(_, slot)| slot).collect()
    }
}

impl Pool {
    pub fn new(options: PoolOptions) -> Self {
        Pool {
            inner: Arc::new(Inner {
                helpers: Helpers::new(options.helpers_dir),
                door: Door::new(options.ssh),
                tell: options.tell,
                connections: Slots::new(),
                sessions: Slots::new(),
            }),
        }
    }

    /// Runs a module through the helper on the target. Calls run side by side; dropping the future cancels the call.
    ///
    /// # Errors
    /// Whatever keeps the module from answering. A module's own failure is a [`Reply`].
    pub async fn call(&self, target: &Target, request: Request, content: Content) -> Result<Reply, RemoteError> {
        self.session(target).await?.call(request, content).await
    }

    /// Runs a command without a helper, as the target's user.
    ///
    /// # Errors
    /// Whatever keeps the command from running. Its exit status is data.
    pub async fn raw(&self, target: &Target, command: &str, options: RawOptions) -> Result<RawOutput, RemoteError> {
        let tell = self.inner.tell.as_ref().filter(|_| !options.quiet);
        loop {
            let transport = self.transport(target).await?;
            let id = uuid::Uuid::new_v4().simple().to_string();
            let told = Told { transport: &*transport, host: &target.host, tell };
            let output = raw::run(&told, target, command, &options, &id).await;
            if !self.again(target, &transport, output.as_ref().err()).await {
                return output;
            }
        }
    }

    /// Connects, without running anything.
    ///
    /// # Errors
    /// Whatever keeps it from connecting.
    pub async fn connect(&self, target: &Target) -> Result<(), RemoteError> {
        self.transport(target).await.map(|_| ())
    }

    /// Drops the connection to the target and its sessions; the next call makes new ones (`meta: reset_connection`).
    pub async fn reset(&self, target: &Target) {
        let sessions = self.inner.sessions.remove(|k| k.connection == target.connection);
        let connections = self.inner.connections.remove(|k| *k == *target.connection);
        drop(sessions);
        close(connections).await;
    }

    /// Ends the idle helpers that became `user` on the target's machine, so that nothing of that user runs there because of
    /// us; the next call as that user starts another.
    pub async fn leave(&self, target: &Target, user: &str) {
        let other = |key: &SessionKey| {
            key.connection == target.connection
                && key.escalation != target.escalation
                && key.escalation.as_ref().is_some_and(|e| e.user == user)
        };
        for slot in self.inner.sessions.remove(other) {
            if let Some(session) = slot.lock().await.take() {
                let _ = tokio::time::timeout(LEAVING, Session::leave(session)).await;
            }
        }
    }

    /// Ends everything.
    pub async fn close(&self) {
        drop(self.inner.sessions.remove(|_| true));
        close(self.inner.connections.remove(|_| true)).await;
        self.inner.door.close().await;
    }

    async fn session(&self, target: &Target) -> Result<Arc<Session>, RemoteError> {
        let key = SessionKey { connection: target.connection.clone(), escalation: target.escalation.clone() };
        let slot = self.inner.sessions.slot(key);
        let mut slot = slot.lock().await;
        if let Some(session) = &*slot
            && session.ended().is_none()
        {
            return Ok(session.clone());
        }
        loop {
            let transport = self.transport(target).await?;
            let told = Told { transport: &*transport, host: &target.host, tell: self.inner.tell.as_ref() };
            let started = helper::start(&told, target, &self.inner.helpers).await;
            if !self.again(target, &transport, started.as_ref().err()).await {
                let session = Arc::new(started?);
                *slot = Some(session.clone());
                return Ok(session);
            }
        }
    }

    /// After work over a connection: whether to do it again over a new one, because this one carries all it can. A connection
    /// that does not answer is given up.
    async fn again(&self, target: &Target, transport: &Arc<dyn Transport>, error: Option<&RemoteError>) -> bool {
        if error.is_some_and(RemoteError::is_unreachable) {
            self.forget(target, transport).await;
        }
        matches!(error, Some(RemoteError::Full { .. }))
    }

    /// Takes no more work to a connection that did not answer or takes none, though it has not broken: the next call makes a
    /// new one.
    async fn forget(&self, target: &Target, transport: &Arc<dyn Transport>) {
        let slot = self.inner.connections.slot((*target.connection).clone());
        let mut slot = slot.lock().await;
        if slot.as_ref().is_some_and(|t| Arc::ptr_eq(t, transport)) {
            *slot = None;
        }
    }

    async fn transport(&self, target: &Target) -> Result<Arc<dyn Transport>, RemoteError> {
        let slot = self.inner.connections.slot((*target.connection).clone());
        let mut slot = slot.lock().await;
        if let Some(transport) = &*slot
            && transport.broken().is_none()
        {
            return Ok(transport.clone());
        }
        if let Some(tell) = &self.inner.tell {
            tell(&target.host, &target.connection.greeting());
        }
        let transport: Arc<dyn Transport> = match &*target.connection {
            Connection::Local => Arc::new(Local),
            Connection::Container(settings) => Arc::new(Container(settings.clone())),
            Connection::Ssh(settings) => Arc::new(self.inner.door.connect(settings).await?),
        };
        *slot = Some(transport.clone());
        Ok(transport)
    }
}

async fn close(slots: Vec<Slot<dyn Transport>>) {
    let each = slots.into_iter().map(|slot| async move {
        // Whoever is still connecting will drop what it gets.
        if let Ok(mut slot) = slot.try_lock()
            && let Some(transport) = slot.take()
        {
            let _ = tokio::time::timeout(Duration::from_secs(2), transport.close()).await;
        }
    });
    futures::future::join_all(each).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::names::HostName;

    #[tokio::test]
    async fn what_is_run_is_told_unless_it_is_secret() {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = lines.clone();
        let tell: Tell = Arc::new(move |host, line| heard.lock().unwrap().push(format!("{host}: {line}")));
        let pool = Pool::new(PoolOptions { tell: Some(tell), ..PoolOptions::default() });
        let target = Target::local(&HostName::new("h"));
        for quiet in [false, true] {
            let options = RawOptions { quiet, ..RawOptions::default() };
            assert_eq!(pool.raw(&target, "echo a", options).await.unwrap().rc, 0);
        }
        let lines = lines.lock().unwrap();
        assert!(lines[0].starts_with("h: ESTABLISH LOCAL CONNECTION FOR USER: "), "{lines:?}");
        assert_eq!(lines[1..], ["h: EXEC /bin/sh -c 'echo a'"]);
    }
}
