//! A task's, or an item's, place in a queue of its host, and the hosts as seen from there.

use super::Guard;
use crate::actions::Hosts;
use crate::event::TaskInfo;
use crate::remote::{Connection, Content, Escalation, RawOptions, RawOutput, RemoteError, Target};
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tightbeam_modules::contract::wire::{Queue, Reply, Request};

/// The way that all of one queue take: to one machine as one user. The first to be sent sets it.
#[derive(Default)]
pub struct Path(OnceLock<(Arc<Connection>, Option<Arc<Escalation>>)>);

impl Path {
    fn takes(&self, target: &Target) -> bool {
        let (connection, escalation) = self.0.get_or_init(|| (target.connection.clone(), target.escalation.clone()));
        *connection == target.connection && *escalation == target.escalation
    }

    /// Whether something may be sent ahead on it: the files of the machine at its end are not the controller's own.
    pub fn leads_away(&self) -> bool {
        match self.0.get().map(|(connection, _)| &**connection) {
            None | Some(Connection::Local) => false,
            Some(Connection::Container(_)) => true,
            Some(Connection::Ssh(ssh)) => {
                let port = ssh.options.iter().find(|(name, _)| name == "port").map_or("22", |(_, port)| port);
                !(matches!(ssh.address.as_str(), "localhost" | "127.0.0.1" | "::1") && port == "22")
            }
        }
    }
}

pub struct Lane {
    pub place: Queue,
    pub path: Arc<Path>,
    /// The task's guard and the item's, where there are such.
    guards: Vec<Arc<Guard>>,
    told: AtomicBool,
    on_sent: Box<dyn Fn() + Send + Sync>,
    /// How the task is called, once its turn has come.
    info: OnceLock<Arc<TaskInfo>>,
}

impl Lane {
    /// `on_sent`: called once, when something may be sent behind it.
    pub fn new(
        place: Queue,
        path: Arc<Path>,
        guards: Vec<Arc<Guard>>,
        on_sent: Box<dyn Fn() + Send + Sync>,
    ) -> Arc<Self> {
        let (told, info) = (AtomicBool::new(false), OnceLock::new());
        Arc::new(Lane { place, path, guards, told, on_sent, info })
    }

    /// The lane of one of the task's items; its own guard is needed while items before it are on their way.
    pub fn item(&self, guard: Option<Arc<Guard>>, on_sent: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        let guards: Vec<_> = self.guards.iter().cloned().chain(guard).collect();
        Lane::new(self.place, self.path.clone(), guards, on_sent)
    }

    /// Its request has been sent, or it has none: the next may start.
    pub fn sent(&self) {
        if !self.held() && !self.told.swap(true, Ordering::Relaxed) {
            (self.on_sent)();
        }
    }
    pub fn was_sent(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }
    pub fn guard(&self) -> Option<&Arc<Guard>> {
        self.guards.last()
    }
    pub fn held(&self) -> bool {
        self.guards.iter().any(|g| g.held())
    }
    /// For what only its turn allows: it is held where that has not come.
    fn in_turn(&self) -> bool {
        self.guards.iter().for_each(|g| g.hold());
        !self.held()
    }
    pub fn settled(&self) -> bool {
        self.guards.iter().all(|g| g.settled())
    }
    /// Returns when its turn has come, or when it is held.
    pub async fn turn(&self) {
        for guard in &self.guards {
            guard.turn().await;
        }
    }
    pub fn call(&self, info: Arc<TaskInfo>) {
        let _ = self.info.set(info);
    }
    pub fn info(&self) -> Option<&Arc<TaskInfo>> {
        self.info.get()
    }
}

/// The hosts, for an action in a lane.
pub struct Queued<'a> {
    pub hosts: &'a dyn Hosts,
    pub lane: &'a Arc<Lane>,
}

impl Queued<'_> {
    fn in_turn(&self) -> Result<(), RemoteError> {
        if self.lane.in_turn() { Ok(()) } else { Err(RemoteError::OutOfTurn) }
    }
}

#[async_trait]
impl Hosts for Queued<'_> {
    async fn call(&self, target: &Target, mut request: Request, mut content: Content) -> Result<Reply, RemoteError> {
        if !self.lane.path.takes(target) || self.lane.was_sent() {
            // Another way, or a second call: nothing of the queue goes with it.
            self.in_turn()?;
            return self.hosts.call(target, request, content).await;
        }
        if self.lane.held() {
            return Err(RemoteError::OutOfTurn);
        }
        request.queue = Some(self.lane.place);
        let (lane, same) = (self.lane.clone(), self.lane.clone());
        content.on_sent(Box::new(move || lane.sent()), Box::new(move || same.in_turn()));
        self.hosts.call(target, request, content).await
    }
    async fn raw(&self, target: &Target, command: &str, options: RawOptions) -> Result<RawOutput, RemoteError> {
        self.in_turn()?;
        self.hosts.raw(target, command, options).await
    }
    async fn leave(&self, target: &Target, user: &str) {
        self.hosts.leave(target, user).await;
    }
    async fn reset(&self, target: &Target) {
        if self.in_turn().is_ok() {
            self.hosts.reset(target).await;
        }
    }
    async fn close(&self) {
        self.hosts.close().await;
    }
}
