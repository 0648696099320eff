//! Modules of the `packages` family, one file each; `shared.rs` holds what they have in common.

mod apt;

pub use apt::Apt;
