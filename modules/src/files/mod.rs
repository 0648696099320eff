//! Modules of the `files` family, one file each; `shared.rs` holds what they have in common.

pub mod blockinfile;
pub mod copy;
pub mod file;
pub mod lineinfile;
pub mod replace;
pub(crate) mod shared;
pub mod slurp;
pub mod stat;
pub mod tempfile;
