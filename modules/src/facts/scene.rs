//! What a fact family sees while it gathers: the host, the answers of programs, the facts gathered so far.

use crate::contract::{Call, Json, JsonMap};
use crate::host::{Command, Observe, Output};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long programs that the host's owner wrote (local facts, facter, ohai) may take at least.
const FOREIGN_LIMIT: Duration = Duration::from_secs(60);

pub struct Scene<'a> {
    pub host: &'a dyn Observe,
    /// For one program or one file system.
    pub limit: Duration,
    /// Directory of local facts.
    pub fact_path: String,
    /// The interpreter that the Python facts describe, if the caller named one.
    pub interpreter: Option<String>,
    environment: BTreeMap<String, String>,
    answers: RefCell<Vec<(Command, Option<Output>)>>,
    warnings: RefCell<Vec<String>>,
    gathered: JsonMap,
}

impl<'a> Scene<'a> {
    pub fn new(host: &'a dyn Observe, call: &Call, limit: Duration) -> Self {
        Scene {
            host,
            limit,
            fact_path: String::new(),
            interpreter: None,
            environment: call.environment.clone(),
            answers: RefCell::default(),
            warnings: RefCell::default(),
            gathered: JsonMap::new(),
        }
    }

    /// A file's text without surrounding blanks; none if it is empty, unreadable or not UTF-8.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = String::from_utf8(self.host.read(path.as_ref()).ok()?).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.replace("\r\n", "\n"))
    }
    /// The lines of [`Scene::text`].
    pub fn lines(&self, path: impl AsRef<Path>) -> Vec<String> {
        self.text(path).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
    }
    /// [`Scene::text`] as a fact: null if there is none.
    pub fn text_fact(&self, path: impl AsRef<Path>) -> Json {
        self.text(path).map_or(Json::Null, Json::String)
    }
    /// Whether something is there, links followed.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.host.stat(path.as_ref()).is_ok()
    }
    /// Names in a directory in the system's own order; none if it cannot be read.
    pub fn names(&self, dir: impl AsRef<Path>) -> Vec<String> {
        let names = self.host.read_dir(dir.as_ref()).unwrap_or_default();
        names.into_iter().filter_map(|name| name.into_string().ok()).collect()
    }
    /// The last component of what a link points at.
    pub fn link_name(&self, path: impl AsRef<Path>) -> Option<String> {
        let target = self.host.read_link(path.as_ref()).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    /// A program of the host with its arguments, if it is installed. It speaks plain English and has the usual time limit.
    pub fn tool(&self, program: &str, args: &[&str]) -> Option<Command> {
        let path = self.host.which(program)?;
        Some(self.program(path).args(args.iter().copied()))
    }
    pub fn program(&self, path: impl Into<PathBuf>) -> Command {
        self.plain(path, self.limit).env("LC_ALL", "C").env("LANG", "C")
    }
    /// A program that somebody else wrote for this host: its own language, more time.
    pub fn foreign(&self, path: impl Into<PathBuf>) -> Command {
        self.plain(path, self.limit.max(FOREIGN_LIMIT))
    }
    fn plain(&self, path: impl Into<PathBuf>, limit: Duration) -> Command {
        let mut command = Command::new(path).stdin("").timeout(limit);
        command.env = self.environment.clone();
        command
    }
    /// Runs programs side by side and keeps their answers.
    pub fn prepare(&self, commands: Vec<Command>) {
        let mut fresh: Vec<Command> = Vec::new();
        for command in commands {
            if !fresh.contains(&command) && self.known(&command).is_none() {
                fresh.push(command);
            }
        }
        let outputs = self.host.query_all(&fresh);
        self.answers.borrow_mut().extend(fresh.into_iter().zip(outputs.into_iter().map(Result::ok)));
    }
    fn known(&self, command: &Command) -> Option<Option<Output>> {
        self.answers.borrow().iter().find(|(c, _)| c == command).map(|(_, output)| output.clone())
    }
    /// A program's answer; none if it could not be started. Each program runs once.
    pub fn run(&self, command: &Command) -> Option<Output> {
        if let Some(known) = self.known(command) {
            return known;
        }
        let output = self.host.query(command).ok();
        self.answers.borrow_mut().push((command.clone(), output.clone()));
        output
    }
    /// What a program printed, if it is installed and succeeded.
    pub fn ask(&self, program: &str, args: &[&str]) -> Option<String> {
        self.ask_command(&self.tool(program, args)?)
    }
    pub fn ask_command(&self, command: &Command) -> Option<String> {
        self.run(command).filter(Output::ok).map(|output| output.stdout_text())
    }

    /// An environment variable as programs of this call see it.
    pub fn env(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned().or_else(|| self.host.env(name))
    }
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut all = self.host.environment();
        all.extend(self.environment.clone());
        all
    }

    pub fn warn(&self, text: impl Into<String>) {
        self.warnings.borrow_mut().push(text.into());
    }
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// A text fact of a family that this one needs; empty if there is none.
    pub fn fact(&self, name: &str) -> &str {
        self.gathered.get(name).and_then(Json::as_str).unwrap_or_default()
    }
    /// Makes a family's facts known to the ones after it.
    pub fn remember(&mut self, facts: &JsonMap) {
        self.gathered.extend(facts.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}
