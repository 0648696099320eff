//! Modules of the `commands` family, one file each; `shared.rs` holds what they have in common.

pub mod command;
pub mod expect;
pub mod make;
pub mod script;
mod shared;
pub mod shell;
