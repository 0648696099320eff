//! Becoming another user on the host (`become`): what is asked for, and the command line that does it.
//!
//! The command is run through a POSIX shell as that user. Passwords never stand on a command line: they are written to
//! stdin once the prompt has been seen.

mod command;
pub(crate) mod prompt;

pub(crate) use command::wrap;

use super::Secret;

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
    /// sudo only: the directory to change to before.
    pub chdir: Option<String>,
}
