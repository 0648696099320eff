//! The log: what the program does, for whoever looks for a fault. Never results, never secrets.

use super::args::LogArgs;
use super::error::CommandError;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// Starts logging where it was asked for.
pub fn start(args: &LogArgs) -> Result<(), CommandError> {
    let Some(level) = &args.log_level else { return Ok(()) };
    let filter = EnvFilter::try_new(level)
        .map_err(|e| CommandError::usage(format!("--log-level {level}: {e}; use error, warn, info, debug or trace")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(true);
    match &args.log_file {
        None => builder.with_writer(std::io::stderr).with_ansi(false).init(),
        Some(path) => {
            let file =
                std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(|e| {
                    CommandError::machine(format!("the log file {} cannot be opened: {e}", path.display()))
                })?;
            builder.with_writer(Mutex::new(file)).with_ansi(false).init();
        }
    }
    Ok(())
}
