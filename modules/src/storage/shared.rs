//! What the modules of storage share.

use crate::contract::Failure;
use crate::host::steps::{plain_english, required};
use crate::host::{Command, Observe};

/// A tool of LVM, or another whose output is read.
///
/// # Errors
/// It is missing.
pub(super) fn lvm(host: &dyn Observe, tool: &str) -> Result<Command, Failure> {
    Ok(plain_english(Command::new(required(host, tool)?)))
}

/// A number as Python prints a float.
pub(super) fn python_float(number: f64) -> String {
    format!("{number:?}")
}
