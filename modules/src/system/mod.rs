//! Modules of the `system` family, one file each; `shared.rs` holds what they have in common.

mod async_status;
mod cron;
mod getent;
mod hostname;
mod mount;
pub mod ping;
mod sysctl;

pub use async_status::AsyncStatus;
pub use cron::Cron;
pub use getent::Getent;
pub use hostname::Hostname;
pub use mount::Mount;
pub use sysctl::Sysctl;
