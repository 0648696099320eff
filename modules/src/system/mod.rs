//! Modules of the `system` family, one file each; `shared.rs` holds what they have in common.

mod async_status;
mod cron;
mod getent;
mod hostname;
mod mount;
mod pam_limits;
pub mod ping;
mod sysctl;

pub use async_status::AsyncStatus;
pub use cron::Cron;
pub use getent::Getent;
pub use hostname::Hostname;
pub use mount::Mount;
pub use pam_limits::PamLimits;
pub use sysctl::Sysctl;
