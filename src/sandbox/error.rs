//! Why a sandbox cannot be had, and what to do about it.

use std::fmt;

/// The machine does not let us make hosts, or one of them did not come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxError {
    message: String,
    hint: String,
}

impl SandboxError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        SandboxError { message: message.into(), hint: hint.into() }
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do; empty where nothing is known.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for SandboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for SandboxError {}
