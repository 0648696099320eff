//! Modules of the `source_control` family, one file or directory each.

pub mod git;
mod git_config;
pub mod subversion;

pub use git_config::GitConfig;
