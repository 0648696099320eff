//! What the modules of RabbitMQ share: `rabbitmqctl`.

use crate::contract::Failure;
use crate::host::steps::{failed_command, query, required};
use crate::host::{Command, Observe, Output};
use std::path::PathBuf;

/// `rabbitmqctl` of the host, for one node.
pub(super) struct Ctl {
    program: PathBuf,
    node: String,
}

impl Ctl {
    /// # Errors
    /// It is missing, or the broker is to be reached in another way.
    pub fn find(host: &dyn Observe, node: &str, login_host: Option<&str>) -> Result<Self, Failure> {
        if login_host.is_some() {
            return Err(Failure::new(
                "login_host is not supported: the broker is reached through rabbitmqctl on its own host",
            ));
        }
        Ok(Ctl { program: required(host, "rabbitmqctl")?, node: node.to_owned() })
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let command = Command::new(&self.program).arg("-q");
        let node = (!self.node.is_empty()).then_some(["-n", self.node.as_str()]);
        command.args(node.into_iter().flatten()).args(words.iter().copied())
    }

    /// # Errors
    /// rabbitmqctl cannot be run.
    pub fn try_ask(&self, host: &dyn Observe, words: &[&str]) -> Result<Output, Failure> {
        query(host, &self.command(words))
    }

    /// # Errors
    /// rabbitmqctl cannot be run, or refuses.
    pub fn ask(&self, host: &dyn Observe, words: &[&str]) -> Result<String, Failure> {
        let out = self.try_ask(host, words)?;
        if out.ok() {
            return Ok(out.stdout_text());
        }
        let msg = format!("rabbitmqctl exited with non-zero code: {}", out.stderr_text());
        Err(failed_command(&self.command(words), &out, &msg))
    }
}
