//! Modules of the `source_control` family, one file or directory each.

pub mod git;
pub mod subversion;
