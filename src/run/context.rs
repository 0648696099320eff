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
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

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
    pub forks: Semaphore,
}

/// Set by Ctrl-C: no new task is started, running ones are waited for (a second Ctrl-C ends the program).
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
