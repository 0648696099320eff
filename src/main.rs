//! The command `tightbeam`. Everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    tightbeam::sandbox::child_main(&args).unwrap_or(ExitCode::SUCCESS)
}
