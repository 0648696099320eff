//! Standard output of commands. A reader that has gone (`tightbeam doc -l | head`) ends the program without a word.

use std::io::{ErrorKind, Write};

/// The exit status of a program that a closed pipe ended, as shells show it.
const PIPE_CLOSED: i32 = 141;

pub fn write(text: &str) {
    write_bytes(text.as_bytes());
}

pub fn write_bytes(data: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout.write_all(data).and_then(|()| stdout.flush()) {
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("[ERROR]: standard output cannot be written: {error}");
        }
        std::process::exit(if error.kind() == ErrorKind::BrokenPipe { PIPE_CLOSED } else { 1 });
    }
}

/// `print!` for commands.
macro_rules! out {
    ($($part:tt)*) => { $crate::cli::out::write(&format!($($part)*)) };
}

/// `println!` for commands.
macro_rules! outln {
    ($($part:tt)*) => { $crate::cli::out::write(&(format!($($part)*) + "\n")) };
}

pub(crate) use {out, outln};
