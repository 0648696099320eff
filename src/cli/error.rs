//! Errors of commands: what is told on stderr, and the exit code (Ansible's).

use crate::diag::{Code, Diagnostic, Diagnostics, Severity, SourceMap};
use crate::report::{Color, Paint, diagnostics};

/// Exit codes, as ansible-core has them.
pub mod code {
    pub const OK: u8 = 0;
    /// Anything that is none of the others.
    pub const ERROR: u8 = 1;
    /// Some host failed.
    pub const HOSTS_FAILED: u8 = 2;
    /// The command line cannot be understood (as argparse has it).
    pub const ARGUMENTS: u8 = 2;
    /// Some host was unreachable.
    pub const UNREACHABLE: u8 = 4;
    /// A playbook cannot be read: the same number, as in ansible-core.
    pub const PARSER: u8 = 4;
    pub const OPTIONS: u8 = 5;
    pub const INTERRUPTED: u8 = 99;
    pub const UNEXPECTED: u8 = 250;
}

/// The exit code of a run that ends by an author's fault before or between plays, as ansible-core 2.19 has it.
fn exit_of(fault: Code) -> u8 {
    match fault {
        Code::ROLE_NOT_FOUND
        | Code::FILE_NOT_FOUND
        | Code::HANDLER_NOT_FOUND
        | Code::RUN_INVALID
        | Code::INVENTORY_INVALID
        | Code::PATTERN_INVALID
        | Code::LIMIT_EMPTY
        | Code::OPTION_INVALID
        | Code::VAULT_FORMAT
        | Code::VAULT_DECRYPT => code::ERROR,
        // The reference finds these on the hosts, which fail then.
        Code::ARGS_INVALID => code::HOSTS_FAILED,
        Code::CONFIG_INVALID => code::OPTIONS,
        _ => code::PARSER,
    }
}

/// Why a command ends early.
#[derive(Debug)]
pub struct CommandError {
    exit: u8,
    texts: Vec<(Severity, String)>,
}

impl CommandError {
    /// The author's faults, rendered. The first error's kind decides the exit code.
    pub fn author(faults: Diagnostics, sources: &SourceMap) -> Self {
        let first = faults.iter().find(|d| d.severity == Severity::Error);
        let exit = first.map_or(code::ERROR, |d| exit_of(d.code));
        let texts = faults.iter().map(|d| (d.severity, diagnostics::reference(d, sources))).collect();
        CommandError { exit, texts }
    }
    pub fn one(fault: Diagnostic, sources: &SourceMap) -> Self {
        Self::author(vec![fault], sources)
    }
    /// The command line cannot be understood.
    pub fn arguments(message: impl Into<String>) -> Self {
        CommandError { exit: code::ARGUMENTS, ..Self::usage(message) }
    }
    /// A wrong use of the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        CommandError { exit: code::OPTIONS, texts: vec![(Severity::Error, format!("[ERROR]: {}", message.into()))] }
    }
    /// The machine refuses something.
    pub fn machine(message: impl Into<String>) -> Self {
        CommandError { exit: code::ERROR, texts: vec![(Severity::Error, format!("[ERROR]: {}", message.into()))] }
    }
    /// What is to be said, errors and warnings, without colour.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|(_, text)| text.as_str())
    }
    /// The exit code.
    pub fn exit(&self) -> u8 {
        self.exit
    }
    /// Prints what is to be said and gives the exit code.
    pub fn tell(&self) -> u8 {
        let paint = Paint::new(super::wiring::colors(&std::io::IsTerminal::is_terminal(&std::io::stderr())));
        for (severity, text) in &self.texts {
            let color = if *severity == Severity::Error { Color::Failed } else { Color::Warning };
            eprintln!("{}", paint.paint(color, text));
        }
        self.exit
    }
}
