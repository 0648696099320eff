//! Hosts and bytes: which host, how it is reached, as whom, and the helper that answers there. Knows nothing of plays.
//!
//! [`Target`] says where (built in one place, from variables); [`Pool`] holds one connection per address and one helper
//! per connection and user; [`Content`] carries the bytes of files both ways. `transport/ssh` is the only door to russh.

mod content;
mod error;
pub mod escalate;
mod helper;
mod pool;
mod quote;
mod raw;
mod secret;
mod target;
pub mod transport;

pub use content::{Content, Sink, Source};
pub use error::RemoteError;
pub use escalate::{Escalation, Method};
pub use pool::{Pool, PoolOptions};
pub use quote::{shell_quote, shell_split};
pub use raw::{RawOptions, RawOutput};
pub use secret::Secret;
pub use target::{Connection, ConnectionDefaults, ContainerSettings, SshSettings, Target, VARIABLES};
pub use transport::Tell;
