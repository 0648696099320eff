//! A program of a session: its environment, how it is started, its signals.

use super::pty::{self, Request, Terminal};
use russh::Sig;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::mem::discriminant;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// What a client asks to be run.
pub(super) enum Program {
    /// A login shell.
    Shell,
    /// A command for `/bin/sh -c`.
    Command(Vec<u8>),
}

/// The variables of a program.
pub(super) struct Environment(BTreeMap<String, String>);

impl Environment {
    pub(super) fn of_root() -> Environment {
        let fixed =
            [("PATH", super::PATH), ("HOME", "/root"), ("USER", "root"), ("LOGNAME", "root"), ("SHELL", shell())];
        Environment(fixed.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    /// Takes a variable from the client: those that sshd takes on most systems.
    pub(super) fn offered(&mut self, name: &str, value: &str) -> bool {
        let taken = name == "LANG" || name.starts_with("LC_");
        if taken && !value.contains('\0') && !name.contains(['\0', '=']) {
            self.0.insert(name.to_owned(), value.to_owned());
        }
        taken
    }

    pub(super) fn connection(&mut self, peer: SocketAddr, local: SocketAddr) {
        let client = format!("{} {} {}", peer.ip(), peer.port(), local.port());
        let connection = format!("{} {} {} {}", peer.ip(), peer.port(), local.ip(), local.port());
        self.0.insert("SSH_CLIENT".to_owned(), client);
        self.0.insert("SSH_CONNECTION".to_owned(), connection);
    }
}

/// A running program; it leads a session and a process group of its own.
pub(super) struct Process {
    pub child: Child,
    /// Its terminal, if it has one instead of pipes.
    pub terminal: Option<Terminal>,
}

impl Process {
    /// Signals the whole process group, if its leader is still there.
    pub(super) fn signal(&self, signal: Signal) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

/// Starts a program in root's home directory.
pub(super) fn start(program: &Program, environment: Environment, pty: Option<Request>) -> std::io::Result<Process> {
    let mut command = std::process::Command::new(if matches!(program, Program::Shell) { shell() } else { "/bin/sh" });
    match program {
        Program::Shell => {
            command.arg0(if shell().ends_with("bash") { "-bash" } else { "-sh" });
        }
        Program::Command(text) => {
            if text.contains(&0) {
                return Err(std::io::Error::other("a command cannot contain a NUL byte"));
            }
            command.arg("-c").arg(OsStr::from_bytes(text));
        }
    }
    command.env_clear().envs(environment.0);
    command.current_dir(if std::path::Path::new("/root").is_dir() { "/root" } else { "/" });
    let terminal = match pty {
        Some(request) => {
            let (terminal, slave) = pty::open(&request)?;
            command.env("TERM", &request.term).env("SSH_TTY", terminal.name());
            command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
            Some(terminal)
        }
        None => {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            None
        }
    };
    let controls = terminal.is_some();
    let lead = move || {
        rustix::process::setsid()?;
        if controls {
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        }
        Ok(())
    };
    // SAFETY: two system calls, which is what may be done between fork and exec.
    unsafe { command.pre_exec(lead) };
    let child = Command::from(command).spawn()?;
    Ok(Process { child, terminal })
}

fn shell() -> &'static str {
    if std::path::Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" }
}

/// The names that SSH has for signals, with their numbers (RFC 4254, 6.10).
const SIGNALS: [(Signal, Sig); 12] = [
    (Signal::ABORT, Sig::ABRT),
    (Signal::ALARM, Sig::ALRM),
    (Signal::FPE, Sig::FPE),
    (Signal::HUP, Sig::HUP),
    (Signal::ILL, Sig::ILL),
    (Signal::INT, Sig::INT),
    (Signal::KILL, Sig::KILL),
    (Signal::PIPE, Sig::PIPE),
    (Signal::QUIT, Sig::QUIT),
    (Signal::SEGV, Sig::SEGV),
    (Signal::TERM, Sig::TERM),
    (Signal::USR1, Sig::USR1),
];

/// The name of a signal for the client.
pub(super) fn signal_name(number: i32) -> Sig {
    let known = SIGNALS.iter().find(|(s, _)| s.as_raw() == number).map(|(_, name)| name.clone());
    known.unwrap_or_else(|| Sig::Custom(format!("{number}@tightbeam")))
}

/// The signal that a client names.
pub(super) fn signal_of(name: &Sig) -> Option<Signal> {
    match name {
        Sig::Custom(other) if other == "USR2" => Some(Signal::USR2),
        known => SIGNALS.iter().find(|(_, n)| discriminant(n) == discriminant(known)).map(|(s, _)| *s),
    }
}
