//! Runs a plan: the dispatcher owns the run's state, workers run one task on one host, strategies say who runs what next.
//! Never prints: everything it has to say is an [`Event`](crate::event::Event).

mod ahead;
mod batch;
mod book;
mod condition;
mod context;
mod cursor;
mod debugger;
mod dispatcher;
mod gather;
mod handlers;
mod include;
mod meta;
mod outcome;
mod play;
mod prompt;
mod roster;
mod row;
mod scope;
mod step;
mod strategy;
mod vars_files;
mod worker;

pub use book::{Book, FactStore};
pub use context::{Interrupt, Queues, RunContext, RunOptions};
pub use cursor::{Cursor, End};
pub use dispatcher::{Exit, Retry, Run};
pub use outcome::{HostOutcome, IncludeRequest, ItemOutcome};
pub use roster::{Reload, Roster};
