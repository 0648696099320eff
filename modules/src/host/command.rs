//! A process to run on the host, and what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A process. Built with the chaining methods; never goes through a shell unless the program is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Command {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// Added to the helper's environment, after the task's own `environment`.
    pub env: BTreeMap<String, String>,
    pub cwd: Option<PathBuf>,
    pub stdin: Option<Vec<u8>>,
    pub timeout: Option<Duration>,
    pub umask: Option<u32>,
    /// argv[0], where it differs from the program (login shells).
    pub arg0: Option<String>,
    /// Each line of output is also sent to the controller while the process runs.
    pub live: bool,
}

impl Command {
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Command { program: program.into(), ..Self::default() }
    }
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }
    /// The command as a person would type it (for `cmd` in results; not for running).
    pub fn display(&self) -> String {
        std::iter::once(self.program.to_string_lossy().into_owned())
            .chain(self.args.iter().cloned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A finished process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Exit code; `-N` when ended by signal N, as Python's subprocess has it.
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub timed_out: bool,
}

impl Output {
    pub fn ok(&self) -> bool {
        self.rc == 0 && !self.timed_out
    }
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// A conversation with a program on a terminal.
pub struct Talk<'a> {
    /// Whether the terminal shows what is typed.
    pub echo: bool,
    /// How long to wait for the next question, or for the end; `None`: as long as it takes.
    pub limit: Option<Duration>,
    /// Told what the program has written since it was last asked; after an answer, asked again with nothing new.
    pub reply: &'a mut dyn FnMut(&[u8]) -> Reply,
}

/// What to do about what a program on a terminal has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to answer yet.
    Wait,
    /// Type this.
    Say(Vec<u8>),
    /// End the program.
    Stop,
}
