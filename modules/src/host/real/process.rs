//! Runs processes: own process group, bounded waits, live lines, cancellation. No shell, no NSS.

use crate::host::{Command, Output};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// Longest sleep between two looks at deadlines and cancellation.
const TICK: Duration = Duration::from_millis(500);
/// How long pipes that outlive their process may stay silent before they are given up, as ansible-core's `run_command`.
const QUIET: Duration = Duration::from_secs(1);
/// From SIGTERM to SIGKILL when a request is cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// Held while a process is made: until it runs its program it has a copy of every descriptor of ours.
static FORK: RwLock<()> = RwLock::new(());

/// While this lives no process is made. Who writes a program holds it until the file is closed; else a process made in
/// between would keep the file open for writing, and the program could not be run ("Text file busy").
pub(super) fn no_fork() -> RwLockReadGuard<'static, ()> {
    FORK.read().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the processes of one request from another thread.
#[derive(Clone, Default)]
pub struct Cancel(Arc<CancelState>);

#[derive(Default)]
struct CancelState {
    cancelled: AtomicBool,
    groups: Mutex<BTreeSet<i32>>,
}

impl Cancel {
    /// Sends SIGTERM to every process group of the request; what is still there after two seconds gets SIGKILL.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.signal(Signal::TERM);
    }
    /// Ends every process group of the request at once.
    pub fn kill(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.signal(Signal::KILL);
    }
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }
    fn signal(&self, signal: Signal) {
        for group in self.groups().iter() {
            if let Some(pid) = Pid::from_raw(*group) {
                let _ = kill_process_group(pid, signal);
            }
        }
    }
    pub(super) fn groups(&self) -> MutexGuard<'_, BTreeSet<i32>> {
        self.0.groups.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
    /// Reaps the child if it has ended. The lock keeps a signal from reaching a recycled process id.
    pub(super) fn reap(&self, child: &mut Child) -> io::Result<Option<std::process::ExitStatus>> {
        let mut groups = self.groups();
        let status = child.try_wait()?;
        if status.is_some() {
            groups.remove(&(child.id() as i32));
        }
        Ok(status)
    }
}

/// Where lines of programs go while they run.
#[derive(Clone)]
pub struct Live {
    /// A program that ends sooner tells nothing.
    pub after: Duration,
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
}

/// One pipe from the process, and what it has said so far.
struct Pipe {
    fd: Option<OwnedFd>,
    bytes: Vec<u8>,
    /// Where the next live line begins.
    told: usize,
}

impl Pipe {
    fn new(fd: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(fd) = &fd {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(Pipe { fd, bytes: Vec::new(), told: 0 })
    }

    fn drain(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        while let Some(fd) = &self.fd {
            match rustix::io::read(fd, &mut *buffer) {
                Ok(0) => self.fd = None,
                Ok(n) => self.bytes.extend_from_slice(&buffer[..n]),
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Tells the lines that have come since it was last asked; `all`: also one without an end.
    fn tell(&mut self, live: &Live, all: bool) {
        while let Some(end) = self.bytes[self.told..].iter().position(|b| *b == b'\n') {
            (live.tell)(&String::from_utf8_lossy(&self.bytes[self.told..self.told + end]));
            self.told += end + 1;
        }
        if all && self.told < self.bytes.len() {
            (live.tell)(&String::from_utf8_lossy(&self.bytes[self.told..]));
            self.told = self.bytes.len();
        }
    }
}

/// Runs `command` to its end.
///
/// # Errors
/// The process could not be started. A process that fails, is killed or times out is an [`Output`].
pub fn run(
    command: &Command,
    environment: &BTreeMap<String, String>,
    cancel: &Cancel,
    live: Option<&Live>,
) -> io::Result<Output> {
    if cancel.is_cancelled() {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "the task was cancelled"));
    }
    let started = Instant::now();
    let mut child = spawn(command, environment)?;
    cancel.groups().insert(child.id() as i32);
    if cancel.is_cancelled() {
        cancel.kill();
    }
    let result = attend(command, &mut child, started, cancel, live.filter(|_| command.live));
    if result.is_err() {
        end_group(&child, Signal::KILL);
        while cancel.reap(&mut child)?.is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    result
}

fn spawn(command: &Command, environment: &BTreeMap<String, String>) -> io::Result<Child> {
    let mut process = std::process::Command::new(&command.program);
    process.args(&command.args).envs(environment).envs(&command.env).process_group(0);
    process.stdin(if command.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    process.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(dir) = &command.cwd {
        process.current_dir(dir);
    }
    if let Some(arg0) = &command.arg0 {
        process.arg0(arg0);
    }
    if let Some(mask) = command.umask {
        // SAFETY: umask(2) is async-signal-safe and runs in the forked child only.
        unsafe {
            process.pre_exec(move || {
                rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
                Ok(())
            });
        }
    }
    let _alone = FORK.write().unwrap_or_else(PoisonError::into_inner);
    process.spawn()
}

/// Starts this program once more, on its own: it reads `input`, tells one line and goes on. Gives that line.
///
/// # Errors
/// It could not be started, or does not take its input.
pub fn detach(argument: &str, input: &[u8]) -> io::Result<String> {
    let mut process = std::process::Command::new("/proc/self/exe");
    process.arg0("tightbeam-helper").arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = {
        let _alone = FORK.write().unwrap_or_else(PoisonError::into_inner);
        process.spawn()?
    };
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // Whoever outlives the other: it must not stay behind as a zombie.
    std::thread::Builder::new().name("job".to_owned()).spawn(move || child.wait())?;
    if let Some(mut stdin) = stdin {
        stdin.write_all(input)?;
    }
    let mut line = String::new();
    if let Some(stdout) = stdout {
        io::BufReader::new(stdout).read_line(&mut line)?;
    }
    Ok(line)
}

fn end_group(child: &Child, signal: Signal) {
    if let Some(pid) = Pid::from_raw(child.id() as i32) {
        let _ = kill_process_group(pid, signal);
    }
}

/// Feeds stdin, collects output and waits.
fn attend(
    command: &Command,
    child: &mut Child,
    started: Instant,
    cancel: &Cancel,
    live: Option<&Live>,
) -> io::Result<Output> {
    let mut stdin = child.stdin.take();
    if let Some(fd) = &stdin {
        rustix::io::ioctl_fionbio(fd, true)?;
    }
    let mut rest: &[u8] = command.stdin.as_deref().unwrap_or_default();
    let mut out = Pipe::new(child.stdout.take().map(OwnedFd::from))?;
    let mut err = Pipe::new(child.stderr.take().map(OwnedFd::from))?;
    let ended = Pid::from_raw(child.id() as i32).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut buffer = vec![0; 64 << 10];
    let (mut status, mut timed_out, mut cancelled_at) = (None, false, None::<Instant>);
    let mut last_heard = Instant::now();
    loop {
        if let Some(pipe) = &mut stdin {
            match pipe.write(rest) {
                Ok(n) => rest = &rest[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock || e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => rest = &[], // the process does not read its input: its own affair
            }
            if rest.is_empty() {
                stdin = None;
            }
        }
        let before = out.bytes.len() + err.bytes.len();
        out.drain(&mut buffer)?;
        err.drain(&mut buffer)?;
        let now = Instant::now();
        let live = live.filter(|live| now - started >= live.after);
        if let Some(live) = live {
            out.tell(live, false);
            err.tell(live, false);
        }
        if out.bytes.len() + err.bytes.len() > before {
            last_heard = now;
        }
        if status.is_none() {
            status = cancel.reap(child)?;
            if status.is_some() {
                last_heard = now;
                continue; // what it wrote last is still in the pipes
            }
        }
        let silent = out.fd.is_none() && err.fd.is_none();
        if status.is_some() && (silent || timed_out || now - last_heard >= QUIET) {
            if let Some(live) = live {
                out.tell(live, true);
                err.tell(live, true);
            }
            break;
        }
        if status.is_none() && command.timeout.is_some_and(|limit| now - started >= limit) && !timed_out {
            timed_out = true;
            end_group(child, Signal::KILL);
        }
        if cancel.is_cancelled() {
            let since = *cancelled_at.get_or_insert(now);
            if now - since >= GRACE {
                end_group(child, Signal::KILL);
            }
        }
        let mut wait = if status.is_some() { QUIET.saturating_sub(now - last_heard) } else { TICK };
        if let (Some(limit), false) = (command.timeout, timed_out) {
            wait = wait.min(limit.saturating_sub(now - started));
        }
        if ended.is_none() && silent {
            wait = wait.min(Duration::from_millis(10));
        }
        sleep_until_something(&stdin, &out, &err, ended.as_ref().filter(|_| status.is_none()), wait)?;
    }
    let rc = status.map_or(-1, |s| s.code().unwrap_or_else(|| -s.signal().unwrap_or(1)));
    Ok(Output { rc, stdout: out.bytes, stderr: err.bytes, timed_out })
}

fn sleep_until_something(
    stdin: &Option<std::process::ChildStdin>,
    out: &Pipe,
    err: &Pipe,
    ended: Option<&OwnedFd>,
    wait: Duration,
) -> io::Result<()> {
    let mut fds = Vec::with_capacity(4);
    if let Some(fd) = stdin {
        fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::OUT));
    }
    for fd in [out.fd.as_ref(), err.fd.as_ref(), ended].into_iter().flatten() {
        fds.push(PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN));
    }
    let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
    match poll(&mut fds, Some(&wait)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
