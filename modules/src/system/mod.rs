//! Modules of the `system` family, one file each; `shared.rs` holds what they have in common.

mod getent;
mod hostname;
pub mod ping;

pub use getent::Getent;
pub use hostname::Hostname;
