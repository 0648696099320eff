//! Strategies: in which order hosts do their tasks. `linear` keeps hosts together, `free` lets each run ahead.

mod free;
mod linear;
mod round;

use super::batch::Batch;
use super::dispatcher::{Run, Stop};
use crate::diag::{Code, Diagnostic};
use crate::plan::PlannedPlay;

impl Run {
    /// Runs a batch to its end; true when the rest of the run is off.
    pub(super) async fn run_strategy(
        &mut self,
        name: &str,
        play: &PlannedPlay,
        batch: &mut Batch,
    ) -> Result<bool, Stop> {
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "linear" => self.linear(play, batch).await,
            "free" | "host_pinned" => self.free(batch).await,
            other => {
                let span = play.play.strategy.as_ref().map(|s| s.span);
                Err(Diagnostic::error(Code::UNSUPPORTED, format!("Invalid play strategy specified: {other}"))
                    .at(span, "known are linear, free and host_pinned")
                    .into())
            }
        }
    }
}
