//! Modules for Podman, through the host's own `podman`.

mod image;
mod network;
mod secret;

pub use image::PodmanImage;
pub use network::PodmanNetwork;
pub use secret::PodmanSecret;

use crate::contract::{Arg, Failure, Json, Literal};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output};
use std::path::PathBuf;

const EXECUTABLE: Arg = Arg::str("executable").default(Literal::Str("podman")).doc("The program.");

/// The program, as it was found.
#[derive(Clone)]
struct Podman(PathBuf);

impl Podman {
    fn of(host: &dyn Observe, executable: &str) -> Result<Self, Failure> {
        required(host, executable).map(Podman)
    }

    fn command<S: AsRef<str>>(&self, words: &[S]) -> Command {
        Command::new(&self.0).args(words.iter().map(|w| w.as_ref().to_owned()))
    }

    fn ask<S: AsRef<str>>(&self, host: &dyn Observe, words: &[S]) -> Result<Output, Failure> {
        query(host, &self.command(words))
    }

    /// What a command prints as JSON; null where it fails.
    fn json<S: AsRef<str>>(&self, host: &dyn Observe, words: &[S]) -> Result<Json, Failure> {
        let out = self.ask(host, words)?;
        Ok(if out.ok() { serde_json::from_slice(&out.stdout).unwrap_or_default() } else { Json::Null })
    }

    /// The first of what a command prints as a list; null where there is none.
    fn first<S: AsRef<str>>(&self, host: &dyn Observe, words: &[S]) -> Result<Json, Failure> {
        Ok(match self.json(host, words)? {
            Json::Array(list) => list.into_iter().next().unwrap_or_default(),
            _ => Json::Null,
        })
    }

    fn run<S: AsRef<str>>(&self, host: &mut dyn Change, words: &[S]) -> Result<Output, Failure> {
        execute(host, &self.command(words))
    }

    /// `podman version 4.3.1`, as numbers.
    fn version(&self, host: &dyn Observe) -> Result<Vec<u32>, Failure> {
        let out = self.ask(host, &["--version"])?.stdout_text();
        let (_, version) =
            out.split_once("version").ok_or_else(|| Failure::new(format!("{} run failed!", self.0.display())))?;
        let number = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
        Ok(version.trim().split('.').map(|part| number(part).unwrap_or(0)).collect())
    }

    /// A command as a person would type it.
    fn shown<S: AsRef<str>>(&self, words: &[S]) -> String {
        self.command(words).display()
    }
}
