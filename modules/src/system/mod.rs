//! Modules of the `system` family, one file each; `shared.rs` holds what they have in common.

mod alternatives;
mod async_status;
mod at;
mod cron;
mod crypttab;
mod dconf;
mod getent;
mod hostname;
mod locale_gen;
mod modprobe;
mod mount;
mod nagios;
mod pam_limits;
mod pamd;
pub mod ping;
mod sysctl;
mod timezone;

pub use alternatives::Alternatives;
pub use async_status::AsyncStatus;
pub use at::At;
pub use cron::Cron;
pub use crypttab::Crypttab;
pub use dconf::Dconf;
pub use getent::Getent;
pub use hostname::Hostname;
pub use locale_gen::LocaleGen;
pub use modprobe::Modprobe;
pub use mount::Mount;
pub use nagios::Nagios;
pub use pam_limits::PamLimits;
pub use pamd::Pamd;
pub use sysctl::Sysctl;
pub use timezone::Timezone;
