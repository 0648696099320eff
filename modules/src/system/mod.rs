//! Modules of the `system` family, one file each; `shared.rs` holds what they have in common.

pub mod ping;
