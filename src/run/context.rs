//! What a run is made with: shared by all workers and never changed.

use super::book::Book;
use crate::actions::{Ask, Hosts};
use crate::config::Settings;
use crate::diag::SourceMap;
use crate::files::Files;
use crate::plan::{ModuleCatalogue, Planner, TagFilter};
use crate::remote::ConnectionDefaults;
use crate::template::Engine;
use crate::vars::RunVars;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How the run was asked for.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    /// Hosts worked on at the same time.
    pub forks: usize,
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    pub start_at: Option<String>,
    pub step: bool,
    pub force_handlers: bool,
    /// `--limit`, as patterns.
    pub limit: Vec<String>,
    /// `gathering`: `implicit`, `explicit` or `smart`.
    pub gathering: String,
    /// Strategy of plays that name none.
    pub strategy: String,
    /// An unknown handler is an error, else a warning.
    pub error_on_missing_handler: bool,
    /// The run is an ad-hoc command: no banners, no gathering.
    pub ad_hoc: bool,
    /// After how long a program's lines are told as they come; `None`: never.
    pub live: Option<Duration>,
    /// Every task and item waits for the result of the one before it.
    pub one_by_one: bool,
}

impl RunOptions {
    /// `--tags` and `--skip-tags`.
    pub fn tag_filter(&self) -> TagFilter {
        TagFilter { only: self.tags.clone(), skip: self.skip_tags.clone() }
    }
}

pub struct RunContext {
    pub engine: Arc<Engine>,
    pub hosts: Arc<dyn Hosts>,
    pub files: Arc<dyn Files>,
    pub ask: Arc<dyn Ask>,
    pub planner: Arc<Planner>,
    pub catalogue: Arc<dyn ModuleCatalogue>,
    pub settings: Arc<Settings>,
    pub connection: ConnectionDefaults,
    /// What holds for the whole run: extra variables, magic ones.
    pub vars: Arc<RunVars>,
    pub book: Arc<Book>,
    pub sources: SourceMap,
    pub options: RunOptions,
    pub interrupt: Interrupt,
    /// One permit for each host worked on.
    pub forks: Arc<Semaphore>,
    pub queues: Queues,
}

/// Numbers of queues; none is given twice in a run.
#[derive(Debug, Default)]
pub struct Queues(AtomicU32);

impl Queues {
    pub fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Set by Ctrl-C: no new task is started, running ones are given up (what they started on hosts is ended there).
#[derive(Clone, Debug)]
pub struct Interrupt(Arc<watch::Sender<bool>>);

impl Default for Interrupt {
    fn default() -> Self {
        Interrupt(Arc::new(watch::Sender::new(false)))
    }
}

impl Interrupt {
    pub fn set(&self) {
        self.0.send_replace(true);
    }
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
    /// Returns when it is set.
    pub async fn wait(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|set| *set).await;
    }
}
