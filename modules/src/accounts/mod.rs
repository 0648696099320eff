//! Modules of the `accounts` family, one file each; `shared.rs` holds what they have in common.
