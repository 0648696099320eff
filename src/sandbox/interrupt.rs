//! Signals while a sandbox is up: they are noted and passed on to commands of this process, and never skip the teardown.

use super::SandboxError;
use rustix::process::{Pid, Signal, kill_process};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    seen: bool,
    /// The sandbox is gone: signals have their usual effect again.
    over: bool,
    /// Processes that are not signalled: the hosts.
    spared: Vec<u32>,
}

/// The watch for SIGINT, SIGTERM and SIGHUP.
pub(super) struct Interrupts {
    shared: Arc<Shared>,
}

impl Interrupts {
    /// Starts watching, on a thread of its own.
    pub(super) fn watch() -> Result<Interrupts, SandboxError> {
        let failed = |e: std::io::Error| SandboxError::new(format!("signals cannot be watched: {e}"), "");
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let (ready, started) = std::sync::mpsc::channel();
        let watch = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().build() {
                Ok(runtime) => runtime,
                Err(e) => return drop(ready.send(Err(e))),
            };
            runtime.block_on(async {
                let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
                let [Ok(mut int), Ok(mut term), Ok(mut hup)] = kinds.map(signal) else {
                    return drop(ready.send(Err(std::io::Error::other("no handler can be set"))));
                };
                let _ = ready.send(Ok(()));
                loop {
                    let got = tokio::select! {
                        _ = int.recv() => Signal::INT,
                        _ = term.recv() => Signal::TERM,
                        _ = hup.recv() => Signal::HUP,
                    };
                    for_thread.arrived(got);
                }
            });
        };
        std::thread::Builder::new().name("sandbox-signals".to_owned()).spawn(watch).map_err(failed)?;
        started.recv().unwrap_or_else(|e| Err(std::io::Error::other(e))).map_err(failed)?;
        Ok(Interrupts { shared })
    }

    /// Children of this process that are hosts and get no signals.
    pub(super) fn spare(&self, process: u32) {
        self.shared.lock().spared.push(process);
    }

    pub(super) fn seen(&self) -> bool {
        self.shared.lock().seen
    }

    pub(super) fn wait(&self) {
        let mut state = self.shared.lock();
        while !state.seen {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.shared.lock().over = true;
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, signal: Signal) {
        let mut state = self.lock();
        if state.over {
            std::process::exit(128 + signal.as_raw());
        }
        state.seen = true;
        self.changed.notify_all();
        // A terminal signals its whole foreground group by itself; a second SIGINT would mean "at once" to most programs.
        if signal == Signal::INT && in_foreground() {
            return;
        }
        for child in children().filter(|c| !state.spared.contains(c)) {
            if let Some(pid) = i32::try_from(child).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// Whether this process belongs to the foreground of its terminal.
fn in_foreground() -> bool {
    std::fs::File::open("/dev/tty")
        .ok()
        .and_then(|tty| rustix::termios::tcgetpgrp(&tty).ok())
        .is_some_and(|group| group == rustix::process::getpgrp())
}

/// The processes that this one has started and not yet waited for.
fn children() -> impl Iterator<Item = u32> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok());
    lists.flat_map(|l| l.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<u32>>())
}
