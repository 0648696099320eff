//! Modules of the `files` family, one file each; `shared.rs` holds what they have in common.

pub(crate) mod shared;
pub mod slurp;
pub mod stat;
pub mod tempfile;
