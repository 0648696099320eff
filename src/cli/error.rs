//! Errors of commands: what is told on stderr, and the exit code (Ansible's).

use crate::diag::{Diagnostic, Diagnostics, Severity, SourceMap};
use crate::report::{Color, Paint, diagnostics};

/// Exit codes, as ansible-core has them.
pub mod code {
    pub const OK: u8 = 0;
    /// Anything that is none of the others.
    pub const ERROR: u8 = 1;
    /// Some host failed.
    pub const HOSTS_FAILED: u8 = 2;
    /// Some host was unreachable; also a playbook that cannot be read, as in ansible-core.
    pub const UNREACHABLE: u8 = 4;
    pub const PARSER: u8 = 4;
    pub const OPTIONS: u8 = 5;
    pub const INTERRUPTED: u8 = 99;
    pub const UNEXPECTED: u8 = 250;
}

/// Why a command ends early.
#[derive(Debug)]
pub struct CommandError {
    exit: u8,
    texts: Vec<(Severity, String)>,
}

impl CommandError {
    /// The author's faults, rendered.
    pub fn author(faults: Diagnostics, sources: &SourceMap, exit: u8) -> Self {
        let texts = faults.iter().map(|d| (d.severity, diagnostics::reference(d, sources))).collect();
        CommandError { exit, texts }
    }
    pub fn one(fault: Diagnostic, sources: &SourceMap, exit: u8) -> Self {
        Self::author(vec![fault], sources, exit)
    }
    /// A wrong use of the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        CommandError { exit: code::OPTIONS, texts: vec![(Severity::Error, format!("[ERROR]: {}", message.into()))] }
    }
    /// The machine refuses something.
    pub fn machine(message: impl Into<String>) -> Self {
        CommandError { exit: code::ERROR, texts: vec![(Severity::Error, format!("[ERROR]: {}", message.into()))] }
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
