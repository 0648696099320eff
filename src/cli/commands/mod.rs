//! The commands, one file each.

pub mod config;
pub mod doc;
pub mod explain;
pub mod facts;
pub mod inventory;
pub mod play;
pub mod pull;
pub mod run;
pub mod sandbox;
mod shared;
pub mod vault;
