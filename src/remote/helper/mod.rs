//! The helper on the host: which binary, how it gets there, and the conversation with it.

mod bootstrap;
mod embedded;
mod session;

pub(super) use bootstrap::start;
pub(super) use embedded::Helpers;
pub(super) use session::Session;
