//! Runs a process on a terminal of its own and answers what it asks.

use super::process::Cancel;
use crate::host::{Command, Output, Reply, Talk};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Child;
use std::time::{Duration, Instant};

/// Between two looks at the process and at cancellation.
const TICK: Duration = Duration::from_millis(100);
/// From a question to its answer: programs that turn the echo off throw away what was typed before.
const THINK: Duration = Duration::from_millis(50);
/// How long a process may take to go before it is told so more plainly.
const GRACE: Duration = Duration::from_millis(200);

/// Runs `command` until it ends, its terminal is closed, or the talk is over.
///
/// # Errors
/// The terminal cannot be made, or the process not be started.
pub fn converse(
    command: &Command,
    environment: &BTreeMap<String, String>,
    cancel: &Cancel,
    talk: Talk<'_>,
) -> io::Result<Output> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let theirs = rustix::fs::open(&name, flags, rustix::fs::Mode::empty())?;
    tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })?;
    if !talk.echo {
        let mut modes = tcgetattr(&theirs)?;
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    }
    let mut child = spawn(command, environment, theirs)?;
    cancel.groups().insert(child.id() as i32);
    if cancel.is_cancelled() {
        cancel.kill();
    }
    let listened = listen(&ours, &mut child, cancel, talk);
    drop(ours);
    let status = end(&mut child, cancel)?;
    let (stdout, timed_out) = listened?;
    let rc = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
    Ok(Output { rc, stdout, stderr: Vec::new(), timed_out })
}

fn spawn(command: &Command, environment: &BTreeMap<String, String>, terminal: OwnedFd) -> io::Result<Child> {
    let mut process = std::process::Command::new(&command.program);
    process.args(&command.args).envs(environment).envs(&command.env);
    process.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal);
    if let Some(dir) = &command.cwd {
        process.current_dir(dir);
    }
    // SAFETY: setsid(2) and ioctl(2) are async-signal-safe and run in the forked child only.
    unsafe {
        process.pre_exec(|| {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            Ok(())
        });
    }
    process.spawn()
}

/// Reads and answers until the end. What the terminal showed, and whether the time was up.
fn listen(ours: &OwnedFd, child: &mut Child, cancel: &Cancel, talk: Talk<'_>) -> io::Result<(Vec<u8>, bool)> {
    let (mut shown, mut told) = (Vec::new(), 0);
    let mut buffer = [0; 2000];
    let mut since = Instant::now();
    let mut ended = false;
    loop {
        let left = talk.limit.map(|limit| limit.saturating_sub(since.elapsed()));
        let wait = if ended { Duration::ZERO } else { left.unwrap_or(TICK).min(TICK) };
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
        let ready = match poll(&mut [PollFd::from_borrowed_fd(ours.as_fd(), PollFlags::IN)], Some(&wait)) {
            Ok(number) => number > 0,
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        };
        if !ready {
            if ended || cancel.is_cancelled() {
                return Ok((shown, false));
            }
            // What it wrote last is still to be read.
            ended = cancel.reap(child)?.is_some();
            if !ended && left.is_some_and(|left| left.is_zero()) {
                return Ok((shown, true));
            }
            continue;
        }
        match rustix::io::read(ours, &mut buffer) {
            // EIO: the last to hold the terminal has closed it.
            Ok(0) | Err(rustix::io::Errno::IO) => return Ok((shown, false)),
            Ok(number) => shown.extend_from_slice(&buffer[..number]),
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        }
        loop {
            let news = &shown[told..];
            told = shown.len();
            match (talk.reply)(news) {
                Reply::Wait => break,
                Reply::Stop => return Ok((shown, false)),
                Reply::Say(text) => {
                    std::thread::sleep(THINK);
                    let mut rest = text.as_slice();
                    while !rest.is_empty() {
                        match rustix::io::write(ours, rest) {
                            Ok(number) => rest = &rest[number..],
                            Err(rustix::io::Errno::INTR) => {}
                            Err(_) => break, // it has gone: the next read tells
                        }
                    }
                    since = Instant::now();
                }
            }
        }
    }
}

/// Waits for a process whose terminal is closed, and ends it where it does not go by itself.
fn end(child: &mut Child, cancel: &Cancel) -> io::Result<std::process::ExitStatus> {
    for signal in [None, Some(Signal::HUP), Some(Signal::INT), Some(Signal::KILL)] {
        if let (Some(signal), Some(group)) = (signal, Pid::from_raw(child.id() as i32)) {
            let _ = kill_process_group(group, signal);
        }
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            if let Some(status) = cancel.reap(child)? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let status = child.wait()?;
    cancel.reap(child)?;
    Ok(status)
}
