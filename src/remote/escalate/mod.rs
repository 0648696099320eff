//! Becoming another user on the host (`become`): what is asked for, and the command line that does it.
//!
//! The command is run through a POSIX shell as that user. Passwords never stand on a command line: they are written to
//! stdin once the prompt has been seen.

mod command;
pub(crate) mod prompt;

pub(crate) use command::wrap;

use super::Secret;
use std::time::Duration;

/// How another user is become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Sudo,
    Su,
}

impl Method {
    /// # Errors
    /// Names the methods that there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "sudo" => Ok(Method::Sudo),
            "su" => Ok(Method::Su),
            _ => Err(format!("the become method `{name}` is not supported; sudo and su are")),
        }
    }
    pub fn name(self) -> &'static str {
        match self {
            Method::Sudo => "sudo",
            Method::Su => "su",
        }
    }
}

/// How long becoming another user may take without a word from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub time: Duration,
    /// On this machine; Ansible words the end of its patience differently there.
    pub local: bool,
}

impl Limit {
    pub fn of(time: Duration) -> Self {
        Limit { time, local: false }
    }
}

/// Whom to become, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Escalation {
    pub method: Method,
    /// `root` unless told otherwise.
    pub user: String,
    pub password: Option<Secret>,
    /// The program; the method's name unless told otherwise.
    pub exe: Option<String>,
    /// Its options; `-H -S -n` for sudo, none for su.
    pub flags: Option<String>,
    /// su only: its prompts, without the colon; without any, a prompt in whatever language is recognised.
    pub prompts: Vec<String>,
    /// sudo only: the directory to change to before.
    pub chdir: Option<String>,
}
