//! The state of one batch of a play's hosts: where each stands and what it was notified of. The dispatcher alone changes it.

use super::cursor::{Cursor, End};
use super::handlers::Handlers;
use super::play::PlayView;
use crate::names::HostName;
use crate::plan::{PlannedTask, RoleContext};
use indexmap::{IndexMap, IndexSet};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

pub struct HostRun {
    pub cursor: Cursor,
    /// Names and topics notified since the last flush.
    pub notified: IndexSet<String>,
    /// Handlers that a flush did not come to because one before them failed; the next flush runs them.
    pub left: Vec<(u32, Arc<PlannedTask>)>,
    pub unreachable: bool,
    /// Identities of the roles that this host has completed.
    completed: HashSet<Arc<str>>,
    /// Identities of the roles of which this host has run a task.
    begun: HashSet<Arc<str>>,
    /// Running a task now (strategy free).
    pub busy: bool,
}

impl HostRun {
    pub fn new(cursor: Cursor) -> Self {
        HostRun {
            cursor,
            notified: IndexSet::new(),
            left: vec![],
            unreachable: false,
            completed: HashSet::new(),
            begun: HashSet::new(),
            busy: false,
        }
    }

    /// Steps over tasks of roles that this host has completed before.
    fn skip_completed_roles(&mut self) {
        while let Some(task) = self.cursor.task() {
            if !self.is_over(task) {
                return;
            }
            self.cursor.advance();
        }
    }

    /// Whether a task is one of a role that this host has completed before.
    pub fn is_over(&self, task: &PlannedTask) -> bool {
        // A role's handlers run after it has completed.
        task.role()
            .is_some_and(|role| !task.handler && !role.allow_duplicates && self.completed.contains(&role.identity))
    }

    pub fn ran_role(&mut self, role: Option<&Arc<RoleContext>>) {
        if let Some(role) = role {
            self.begun.insert(role.identity.clone());
        }
    }

    pub fn completed_role(&mut self, role: Option<&Arc<RoleContext>>) {
        if let Some(role) = role
            && self.begun.contains(&role.identity)
        {
            self.completed.insert(role.identity.clone());
        }
    }
}

pub struct Batch {
    pub view: Arc<PlayView>,
    pub hosts: IndexMap<HostName, HostRun>,
    pub handlers: Handlers,
    /// Hosts that failed in this batch.
    pub failed: IndexSet<HostName>,
    /// `meta: end_batch` or `end_play` was met.
    pub ended_play: bool,
    /// A task that fails starts the debugger.
    pub debugging: bool,
}

impl Batch {
    /// The task that comes first in the play among those that hosts are at, and the hosts that are at it.
    pub fn lowest(&mut self) -> Option<(Arc<PlannedTask>, Vec<HostName>)> {
        for host in self.hosts.values_mut() {
            host.skip_completed_roles();
        }
        let mut at: Vec<(&HostName, &Cursor)> = Vec::new();
        for (name, host) in &self.hosts {
            if host.cursor.task().is_none() {
                continue;
            }
            match at.first().map(|(_, lowest)| host.cursor.compare(lowest)) {
                None | Some(Ordering::Equal) => at.push((name, &host.cursor)),
                Some(Ordering::Less) => at = vec![(name, &host.cursor)],
                Some(Ordering::Greater) => {}
            }
        }
        let task = at.first()?.1.task()?.clone();
        // Equal positions hold the same task, except where hosts included different files at one place.
        let hosts =
            at.into_iter().filter(|(_, c)| c.task().is_some_and(|t| t.id == task.id)).map(|(n, _)| n.clone()).collect();
        Some((task, hosts))
    }

    /// What a host is to do next (strategy free).
    pub fn next_of(&mut self, host: &HostName) -> Option<Arc<PlannedTask>> {
        let host = self.hosts.get_mut(host)?;
        host.skip_completed_roles();
        host.cursor.task().cloned()
    }

    pub fn host(&mut self, name: &HostName) -> Option<&mut HostRun> {
        self.hosts.get_mut(name)
    }

    /// Hosts that are still in the play.
    pub fn active(&self) -> Vec<HostName> {
        self.hosts.iter().filter(|(_, h)| h.cursor.end().is_none()).map(|(n, _)| n.clone()).collect()
    }

    /// Hosts that have neither failed for good nor become unreachable nor left the play.
    fn well(&self) -> Vec<HostName> {
        self.hosts
            .iter()
            .filter(|(name, h)| {
                let gone = h.unreachable || h.cursor.has_failed() || h.cursor.end() == Some(End::Stopped);
                !gone && !self.failed.contains(*name)
            })
            .map(|(n, _)| n.clone())
            .collect()
    }

    /// `ansible_play_hosts` follows the hosts that drop out.
    pub fn refresh_view(&mut self) {
        let well = self.well();
        let old = &self.view;
        if self.hosts.len() != well.len() && old.batch.iter().any(|h| !well.contains(h)) {
            let dropped: HashSet<&HostName> = self.hosts.keys().filter(|h| !well.contains(h)).collect();
            let hosts: Vec<HostName> = old.hosts.iter().filter(|h| !dropped.contains(h)).cloned().collect();
            let batch: Vec<HostName> = old.batch.iter().filter(|h| !dropped.contains(h)).cloned().collect();
            let mut view = PlayView { hosts: hosts.into(), batch: batch.into(), ..(**old).clone() };
            view.refresh();
            self.view = Arc::new(view);
        }
    }
}
