//! The command line: arguments, the commands, and the place where the program is put together.

pub mod args;
mod ask;
mod children;
mod commands;
mod error;
mod fact_cache;
mod http;
mod limits;
mod logging;
mod out;
mod outside;
mod rejected;
mod secrets;
mod wiring;

use args::{
    Ansible, AnsibleConfig, AnsibleDoc, AnsibleInventory, AnsiblePlaybook, AnsiblePull, AnsibleVault, Cli, Command,
    LogArgs,
};
use clap::Parser;
pub use commands::play::{Stage, play};
pub use error::CommandError;
pub use wiring::{Base, Project};

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with the process's arguments. The name it is called by decides which command line it understands.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = crate::sandbox::child_main(&arguments) {
        return code;
    }
    let name = arguments.first().map(std::path::Path::new).and_then(|p| p.file_name()).unwrap_or_default();
    let (log, command) = match &*name.to_string_lossy() {
        "ansible-playbook" => {
            let parsed = AnsiblePlaybook::parse();
            (parsed.log, Command::Play(parsed.args))
        }
        "ansible" => {
            let parsed = Ansible::parse();
            (parsed.log, Command::Run(parsed.args))
        }
        "ansible-inventory" => {
            let parsed = AnsibleInventory::parse();
            (parsed.log, Command::Inventory(parsed.args))
        }
        "ansible-vault" => {
            let parsed = AnsibleVault::parse();
            (parsed.log, Command::Vault(parsed.args))
        }
        "ansible-doc" => {
            let parsed = AnsibleDoc::parse();
            (parsed.log, Command::Doc(parsed.args))
        }
        "ansible-config" => {
            let parsed = AnsibleConfig::parse();
            (parsed.log, Command::Config(parsed.args))
        }
        "ansible-pull" => {
            let parsed = AnsiblePull::parse();
            (parsed.log, Command::Pull(parsed.args))
        }
        _ => {
            let parsed = Cli::parse();
            (parsed.log, parsed.command)
        }
    };
    match run(&log, command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => ExitCode::from(error.tell()),
    }
}

fn run(log: &LogArgs, command: Command) -> Result<u8, CommandError> {
    logging::start(log)?;
    match command {
        Command::Play(args) => block_on(commands::play::run(args)),
        Command::Run(args) => block_on(commands::run::run(args)),
        Command::Facts(args) => block_on(commands::facts::run(args)),
        Command::Inventory(args) => commands::inventory::run(args),
        Command::Doc(args) => commands::doc::run(&args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Sandbox(args) => commands::sandbox::run(&args),
        Command::Vault(args) => commands::vault::run(args),
        Command::Config(args) => commands::config::run(&args.action),
        Command::Pull(args) => commands::pull::run(&args),
    }
}

fn block_on<T>(future: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Templates recurse: some filters have many branches.
        .thread_stack_size(8 << 20)
        .build()
        .map_err(|e| CommandError::machine(format!("the runtime cannot be started: {e}")))?;
    let result = runtime.block_on(future);
    // A blocked read of the terminal must not hold up the end.
    runtime.shutdown_background();
    result
}
