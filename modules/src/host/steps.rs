//! Work that is a list of steps known when planned, and the failures that running programs shares.

use super::{Change, Command, Observe, Output, WriteOptions};
use crate::contract::{Failure, Outcome, Plan};
use std::io;
use std::path::{Path, PathBuf};

/// One change of the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A program that must end with 0; otherwise the task fails with this message (empty: the program's own stderr).
    Run {
        command: Command,
        failed: String,
    },
    /// Replaces a file.
    Write {
        path: PathBuf,
        content: Vec<u8>,
        mode: Option<u32>,
        owner: Option<(u32, u32)>,
    },
    CreateDir {
        path: PathBuf,
        mode: u32,
        owner: Option<(u32, u32)>,
    },
    Remove(PathBuf),
    RemoveTree(PathBuf),
    Rename(PathBuf, PathBuf),
    Symlink {
        target: PathBuf,
        link: PathBuf,
    },
    Mode(PathBuf, u32),
    Owner(PathBuf, Option<u32>, Option<u32>),
}

/// What a module with a plan of steps hands from `plan` to `apply`.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    pub steps: Vec<Step>,
    /// What is reported when all steps went well.
    pub outcome: Outcome,
}

impl Steps {
    pub fn new(outcome: Outcome) -> Self {
        Steps { steps: Vec::new(), outcome }
    }
    pub fn run(&mut self, command: Command) -> &mut Self {
        self.steps.push(Step::Run { command, failed: String::new() });
        self
    }
    pub fn write(&mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>, mode: Option<u32>) -> &mut Self {
        self.steps.push(Step::Write { path: path.into(), content: content.into(), mode, owner: None });
        self
    }

    /// Work, if the outcome says that something changes.
    pub fn plan(self) -> Plan<Steps> {
        if self.outcome.changed { Plan::Work(self) } else { Plan::Done(self.outcome) }
    }

    /// Takes the steps one by one; the first that fails ends the task.
    ///
    /// # Errors
    /// The failed step, with the program's `rc`, `stdout` and `stderr`.
    pub fn apply(self, host: &mut dyn Change) -> Result<Outcome, Failure> {
        for step in self.steps {
            take(step, host)?;
        }
        Ok(self.outcome)
    }
}

fn take(step: Step, host: &mut dyn Change) -> Result<(), Failure> {
    let fail = |what: &str, path: &Path| {
        let path = path.display().to_string();
        let what = what.to_owned();
        move |e: io::Error| Failure::io(format!("could not {what} {path}"), &e)
    };
    match step {
        Step::Run { command, failed } => {
            let out = execute(host, &command)?;
            if !out.ok() {
                return Err(failed_command(&command, &out, &failed));
            }
        }
        Step::Write { path, content, mode, owner } => {
            let options = WriteOptions { mode, uid: owner.map(|o| o.0), gid: owner.map(|o| o.1), unsafe_writes: false };
            host.write(&path, &mut content.as_slice(), &options).map_err(fail("write", &path))?;
        }
        Step::CreateDir { path, mode, owner } => {
            host.create_dir(&path, mode).map_err(fail("create directory", &path))?;
            if let Some((uid, gid)) = owner {
                host.set_owner(&path, Some(uid), Some(gid), false).map_err(fail("change the owner of", &path))?;
            }
        }
        Step::Remove(path) => host.remove_file(&path).map_err(fail("remove", &path))?,
        Step::RemoveTree(path) => host.remove_dir_all(&path).map_err(fail("remove", &path))?,
        Step::Rename(from, to) => host.rename(&from, &to).map_err(fail("rename", &from))?,
        Step::Symlink { target, link } => host.symlink(&target, &link).map_err(fail("create link", &link))?,
        Step::Mode(path, mode) => host.set_mode(&path, mode).map_err(fail("change the mode of", &path))?,
        Step::Owner(path, uid, gid) => {
            host.set_owner(&path, uid, gid, true).map_err(fail("change the owner of", &path))?;
        }
    }
    Ok(())
}

/// The failure of a program that ended badly: `message`, or what it said itself.
pub fn failed_command(command: &Command, out: &Output, message: &str) -> Failure {
    let msg = if !message.is_empty() {
        message.to_owned()
    } else if out.timed_out {
        format!("{} did not end in time", command.display())
    } else {
        let said = out.stderr_text();
        let said = said.trim_end();
        if said.is_empty() { format!("{} ended with {}", command.display(), out.rc) } else { said.to_owned() }
    };
    Failure::new(msg)
        .with("cmd", command.display())
        .with("rc", out.rc)
        .with("stdout", out.stdout_text())
        .with("stderr", out.stderr_text())
}

/// Runs a program that changes the host.
///
/// # Errors
/// It could not be started.
pub fn execute(host: &mut dyn Change, command: &Command) -> Result<Output, Failure> {
    host.execute(command).map_err(|e| not_started(command, &e))
}

/// Runs a program that only reads.
///
/// # Errors
/// It could not be started.
pub fn query(host: &dyn Observe, command: &Command) -> Result<Output, Failure> {
    host.query(command).map_err(|e| not_started(command, &e))
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    Failure::io(format!("could not run {}", command.program.display()), error)
        .with("cmd", command.display())
        .with("rc", error.raw_os_error().unwrap_or(257))
}

/// Finds a program that the module cannot do without.
///
/// # Errors
/// Ansible's message of `get_bin_path`.
pub fn required(host: &dyn Observe, program: &str) -> Result<PathBuf, Failure> {
    host.which(program).ok_or_else(|| {
        let path = host.env("PATH").unwrap_or_default();
        let mut dirs: Vec<&str> = path.split(':').filter(|d| !d.is_empty()).collect();
        for dir in ["/sbin", "/usr/sbin", "/usr/local/sbin"] {
            if !dirs.contains(&dir) && host.is_dir(Path::new(dir)) {
                dirs.push(dir);
            }
        }
        Failure::new(format!("Failed to find required executable \"{program}\" in paths: {}", dirs.join(":")))
    })
}

/// Environment under which programs speak plain English, for output that is read by a module.
pub fn plain_english(command: Command) -> Command {
    ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANGUAGE"].iter().fold(command, |c, name| c.env(name, "C.UTF-8"))
}
