//! Modules of the `services` family, one file each; `shared.rs` holds what they have in common.

mod apache2_module;
mod generic;
mod service;
mod shared;
mod supervisorctl;
mod systemd;
mod sysvinit;

pub use apache2_module::Apache2Module;
pub use service::Service;
pub use shared::is_systemd;
pub use supervisorctl::Supervisorctl;
pub use systemd::{Systemd, SystemdAlias};
pub use sysvinit::Sysvinit;
