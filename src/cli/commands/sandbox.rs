//! `tightbeam sandbox`: throwaway hosts, and a command that runs on them.

use crate::cli::args::SandboxArgs;
use crate::cli::error::{CommandError, code};
use crate::sandbox::Sandbox;
use std::path::Path;
use std::process::{Command, Stdio};

pub fn run(args: &SandboxArgs) -> Result<u8, CommandError> {
    let sandbox = Sandbox::start(usize::from(args.hosts)).map_err(|e| CommandError::machine(e.to_string()))?;
    for note in sandbox.notes() {
        eprintln!("sandbox: {note}");
    }
    let inventory = sandbox.inventory_path().to_owned();
    if args.command.is_empty() {
        println!("{}", sandbox.inventory_text());
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
    inside(&args.command, &inventory)
}

/// Runs this program with the sandbox's inventory.
fn inside(command: &[String], inventory: &Path) -> Result<u8, CommandError> {
    let program =
        std::env::current_exe().map_err(|e| CommandError::machine(format!("this program cannot be found: {e}")))?;
    let status = Command::new(program)
        .args(command)
        .env("ANSIBLE_INVENTORY", inventory)
        .stdin(Stdio::inherit())
        .status()
        .map_err(|e| CommandError::machine(format!("the command cannot be started: {e}")))?;
    Ok(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(code::UNEXPECTED))
}
