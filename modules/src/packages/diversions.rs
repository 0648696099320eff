//! What the modules of dpkg's diversions share: the tool and what it tells.

use crate::contract::{Failure, Json};
use crate::host::steps::{failed_command, query, required};
use crate::host::{Command, Observe, Output};
use std::path::PathBuf;

/// `dpkg-divert` of the host.
pub(super) struct DpkgDivert {
    program: PathBuf,
    /// The option for leaving files in place, where this version knows it.
    pub no_rename: Option<&'static str>,
}

impl DpkgDivert {
    /// # Errors
    /// It is missing, or too old.
    pub fn find(host: &dyn Observe) -> Result<Self, Failure> {
        let program = required(host, "dpkg-divert")?;
        let mut tool = DpkgDivert { program, no_rename: None };
        let text = tool.ask(host, &["--version"])?;
        let version = text.split_whitespace().find(|w| w.contains('.') && w.starts_with(|c: char| c.is_ascii_digit()));
        let numbers: Vec<u32> = version.unwrap_or_default().split('.').map_while(|n| n.parse().ok()).collect();
        if numbers < vec![1, 15] {
            return Err(Failure::new("Unsupported dpkg version (<1.15.0)."));
        }
        tool.no_rename = (numbers >= vec![1, 19, 1]).then_some("--no-rename");
        Ok(tool)
    }

    pub fn command(&self) -> Command {
        Command::new(&self.program).env("LC_ALL", "C")
    }

    fn ask(&self, host: &dyn Observe, words: &[&str]) -> Result<String, Failure> {
        let command = self.command().args(words.iter().copied());
        let out = query(host, &command)?;
        if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
    }

    /// Who holds the diversion of `path`; none where there is none.
    ///
    /// # Errors
    /// dpkg-divert refuses the path.
    pub fn holder(&self, host: &dyn Observe, path: &str) -> Result<Option<String>, Failure> {
        let text = self.ask(host, &["--listpackage", path])?;
        Ok(Some(text.trim_end().to_owned()).filter(|t| !t.is_empty()))
    }

    /// Where dpkg puts `path`.
    ///
    /// # Errors
    /// dpkg-divert refuses the path.
    pub fn true_name(&self, host: &dyn Observe, path: &str) -> Result<String, Failure> {
        Ok(self.ask(host, &["--truename", path])?.trim_end().to_owned())
    }
}

/// The command that only tries.
pub(super) fn trial(command: &Command) -> Command {
    let mut command = command.clone();
    command.args.insert(0, "--test".to_owned());
    command
}

/// A failure that tells the diversion too.
pub(super) fn unexpected(msg: &str, command: &Command, out: &Output, diversion: Json) -> Failure {
    Failure { msg: msg.to_owned(), ..failed_command(command, out, "") }.with("diversion", diversion)
}
