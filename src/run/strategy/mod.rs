//! Strategies: in which order hosts do their tasks. `linear` keeps hosts together, `free` lets each run ahead.

mod free;
mod linear;
mod round;
mod train;

use super::batch::Batch;
use super::dispatcher::{Run, Stop};
use crate::diag::{Code, Diagnostic};
use crate::plan::PlannedPlay;
use crate::template::Templar;

/// The order in which a play's hosts do its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    /// All hosts do a task before any does the next.
    Linear,
    /// Each host goes ahead as fast as it can (`free`, `host_pinned`).
    Free,
    /// As `Linear`, with a debugger for each task that fails.
    Debug,
}

impl Strategy {
    pub(super) fn lockstep(self) -> bool {
        self != Strategy::Free
    }
}

impl Run {
    pub(super) fn strategy_of(&self, play: &PlannedPlay, templar: &Templar) -> Result<Strategy, Stop> {
        let written = match &play.play.strategy {
            Some(s) => Some(templar.render(&s.node)?).filter(|v| !v.is_omit()).map(|v| v.to_string()),
            None => None,
        };
        let name = written.as_deref().unwrap_or(&self.ctx.options.strategy);
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "linear" => Ok(Strategy::Linear),
            "debug" => Ok(Strategy::Debug),
            "free" | "host_pinned" => Ok(Strategy::Free),
            other => {
                let span = play.play.strategy.as_ref().map(|s| s.span);
                Err(Diagnostic::error(Code::RUN_INVALID, format!("Invalid play strategy specified: {other}"))
                    .at(span, "known are linear, debug, free and host_pinned")
                    .into())
            }
        }
    }

    /// Runs a batch to its end; true when the rest of the run is off.
    pub(super) async fn run_strategy(
        &mut self,
        strategy: Strategy,
        play: &PlannedPlay,
        batch: &mut Batch,
    ) -> Result<bool, Stop> {
        match strategy {
            Strategy::Linear | Strategy::Debug => self.linear(play, batch).await,
            Strategy::Free => self.free(batch).await,
        }
    }
}
