//! `tightbeam sandbox`: throwaway hosts, and a command that runs on them.

use crate::cli::args::SandboxArgs;
use crate::cli::error::{CommandError, code};
use crate::cli::out::outln;
use crate::sandbox::Sandbox;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

pub fn run(args: &SandboxArgs) -> Result<u8, CommandError> {
    let sandbox = Sandbox::start(usize::from(args.hosts)).map_err(|e| CommandError::machine(e.to_string()))?;
    for note in sandbox.notes() {
        eprintln!("sandbox: {note}");
    }
    let inventory = sandbox.inventory_path().to_owned();
    if args.command.is_empty() {
        outln!("{}", sandbox.inventory_text());
        eprintln!(
            "sandbox: {} hosts are up; use them with `-i {}`, end them with Ctrl-C",
            args.hosts,
            inventory.display()
        );
        sandbox.wait_for_interrupt();
        return Ok(code::OK);
    }
    let first = inside(&args.command, &inventory)?;
    if sandbox.interrupted() {
        return Ok(code::INTERRUPTED);
    }
    if first != 0 || !args.twice {
        return Ok(first);
    }
    eprintln!("\nsandbox: the same again; nothing should change now");
    let (second, changed) = watched(&args.command, &inventory)?;
    if second == code::OK && changed {
        return Err(CommandError::machine("the second run changed something"));
    }
    Ok(second)
}

/// Runs this program with the sandbox's inventory.
fn inside(command: &[String], inventory: &Path) -> Result<u8, CommandError> {
    let status = program(command, inventory)?.status().map_err(not_started)?;
    Ok(exit_code(status))
}

/// As [`inside`]; tells also whether a recap in its output counts changes.
fn watched(command: &[String], inventory: &Path) -> Result<(u8, bool), CommandError> {
    let mut program = program(command, inventory)?;
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        program.env("ANSIBLE_FORCE_COLOR", "1");
    }
    let mut child = program.stdout(Stdio::piped()).spawn().map_err(not_started)?;
    let (mut changed, mut recap) = (false, false);
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).split(b'\n')) {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        outln!("{line}");
        recap |= line.contains("PLAY RECAP");
        changed |= recap && counts_changes(&line);
    }
    let status = child.wait().map_err(not_started)?;
    Ok((exit_code(status), changed))
}

/// Whether a recap's line has `changed=` with a number other than 0.
fn counts_changes(line: &str) -> bool {
    line.split_once("changed=").is_some_and(|(_, rest)| rest.starts_with(|c: char| ('1'..='9').contains(&c)))
}

fn program(command: &[String], inventory: &Path) -> Result<Command, CommandError> {
    let program =
        std::env::current_exe().map_err(|e| CommandError::machine(format!("this program cannot be found: {e}")))?;
    let mut program = Command::new(program);
    program.args(command).env("ANSIBLE_INVENTORY", inventory).stdin(Stdio::inherit());
    Ok(program)
}

fn not_started(error: std::io::Error) -> CommandError {
    CommandError::machine(format!("the command cannot be run: {error}"))
}

fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(code::UNEXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_from_the_recap() {
        assert!(counts_changes("host1    : ok=9    changed=10   unreachable=0"));
        assert!(counts_changes("host1    : ok=9    \u{1b}[0;33mchanged=7   \u{1b}[0m"));
        assert!(!counts_changes("host1    : ok=9    changed=0    unreachable=0"));
    }
}
