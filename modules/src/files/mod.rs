//! Modules of the `files` family, one file each; `shared.rs` holds what they have in common.
