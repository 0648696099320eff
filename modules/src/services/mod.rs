//! Modules of the `services` family, one file each; `shared.rs` holds what they have in common.

mod generic;
mod service;
mod shared;
mod supervisorctl;
mod systemd;
mod sysvinit;

pub use service::Service;
pub use shared::is_systemd;
pub use supervisorctl::Supervisorctl;
pub use systemd::{Systemd, SystemdAlias};
pub use sysvinit::Sysvinit;
