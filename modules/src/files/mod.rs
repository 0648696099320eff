//! Modules of the `files` family, one file each; `shared.rs` holds what they have in common.

pub mod acl;
pub mod archive;
pub mod assemble;
pub mod blockinfile;
pub mod capabilities;
pub mod copy;
pub mod deploy_helper;
pub mod fetch;
pub mod file;
pub mod find;
pub mod ini_file;
pub mod lineinfile;
pub mod patch;
pub mod replace;
pub(crate) mod shared;
pub mod slurp;
pub mod stat;
pub mod synchronize;
pub mod tempfile;
pub mod unarchive;
