//! Modules of the `commands` family, one file each; `shared.rs` holds what they have in common.
