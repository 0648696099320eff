//! The command `tightbeam`. Everything is in the library.

fn main() -> std::process::ExitCode {
    tightbeam::cli::main()
}
