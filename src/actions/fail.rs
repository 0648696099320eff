//! `fail`: fails with a message.

use super::{ActionCall, ActionResult, text};

pub(super) fn run(call: &ActionCall<'_>) -> ActionResult {
    ActionResult::failed(text(&call.args, "msg").unwrap_or("Failed as requested from task"))
}
