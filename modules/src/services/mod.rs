//! Modules of the `services` family, one file each; `shared.rs` holds what they have in common.
