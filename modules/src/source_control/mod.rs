//! Modules of the `source_control` family, one file each; `shared.rs` holds what they have in common.
