//! The helper: reads frames on stdin, runs modules, writes frames on stdout. stdout belongs to the protocol.

use std::process::ExitCode;
use tightbeam_modules::contract::wire;
use tightbeam_modules::{catalogue, serve};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!("tightbeam-helper {} (wire {})", env!("CARGO_PKG_VERSION"), wire::VERSION);
            return ExitCode::SUCCESS;
        }
        Some(serve::job::ARGUMENT) => {
            let _ = rustix::process::setsid();
            serve::remember_panics();
            return serve::job::run(catalogue::find, &mut std::io::stdin(), &mut std::io::stdout());
        }
        Some(other) => {
            eprintln!(
                "tightbeam-helper: unknown argument {other}; it is started by tightbeam and speaks frames on stdin"
            );
            return ExitCode::from(2);
        }
    }
    // Without a controlling terminal no process can stop to ask its user something. Fails where we lead a group already.
    let _ = rustix::process::setsid();
    serve::remember_panics();
    let mut input = std::io::BufReader::with_capacity(64 << 10, std::io::stdin());
    match serve::serve(catalogue::find, &mut input, Box::new(std::io::stdout())) {
        // Threads of requests that do not end are left behind on purpose.
        Ok(()) => std::process::exit(0),
        Err(e) => {
            eprintln!("tightbeam-helper: {e}");
            std::process::exit(1)
        }
    }
}
