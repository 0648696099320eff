//! Whether a play gathers facts, and on which hosts.

use super::context::RunContext;
use super::dispatcher::{Stop, flag};
use crate::names::HostName;
use crate::plan::PlannedPlay;
use crate::template::Templar;
use crate::vars::HostStates;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    No,
    Always,
    /// Only on hosts without facts (`gathering = smart`).
    Smart,
}

/// What `gather_facts` of the play and the setting `gathering` say.
pub fn wanted(ctx: &RunContext, play: &PlannedPlay, templar: &Templar) -> Result<Wanted, Stop> {
    if ctx.options.ad_hoc {
        return Ok(Wanted::No);
    }
    let keyword = flag(&play.play.gather_facts, templar)?;
    Ok(match (ctx.options.gathering.as_str(), keyword) {
        (_, Some(false)) | ("explicit", None) => Wanted::No,
        ("smart", _) => Wanted::Smart,
        _ => Wanted::Always,
    })
}

/// Whether this host is to be asked.
pub fn due(ctx: &RunContext, wanted: Wanted, host: &HostName) -> bool {
    match wanted {
        Wanted::No => false,
        Wanted::Always => true,
        Wanted::Smart => ctx.book.state(host).facts().is_empty(),
    }
}
