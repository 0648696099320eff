//! Modules of the `network` family, one file each; `shared.rs` holds what they have in common.

pub mod http;
