//! What is sent before the results of what is ahead of it are known: items of a loop, and tasks of a host that no other host
//! has to wait for. The host does them in order (`modules/PROTOCOL.md`, Queues); each comes out as if it had been sent alone.
//!
//! [`flow`] tells which tasks may go ahead, and which may be followed; a [`guard::Guard`] notices what a template reads that
//! is not known yet: then nothing was sent, and the task is done again when its turn has come.

mod flow;
mod guard;
mod lane;

pub use flow::{Flow, flow, mentions};
pub use guard::Guard;
pub use lane::{Lane, Path, Queued};

/// Items or tasks on their way at once.
pub const WINDOW: usize = 128;
