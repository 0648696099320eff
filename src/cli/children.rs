//! Programs of lookups that run on the controller: they end when the run is interrupted.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Leaders of the process groups that run now.
#[derive(Default)]
struct Children {
    running: BTreeSet<i32>,
    /// The run was interrupted: nothing more is started.
    over: bool,
}

static CHILDREN: Mutex<Children> = Mutex::new(Children { running: BTreeSet::new(), over: false });

fn children() -> MutexGuard<'static, Children> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a command to its end, in a process group of its own.
///
/// # Errors
/// Where it cannot be started, or may not be any more.
pub fn output(command: &mut Command) -> std::io::Result<Output> {
    let child = {
        // Held while it starts, so that an interruption sees it or keeps it from starting.
        let mut children = children();
        if children.over {
            return Err(std::io::Error::new(std::io::ErrorKind::Interrupted, "the run was interrupted"));
        }
        let child = command.process_group(0).stdout(Stdio::piped()).spawn()?;
        children.running.insert(child.id() as i32);
        child
    };
    let id = child.id() as i32;
    let output = child.wait_with_output();
    children().running.remove(&id);
    output
}

/// Ends all that still run, and what they started; nothing is started from now on.
pub fn end_all() {
    let mut children = children();
    children.over = true;
    for id in std::mem::take(&mut children.running) {
        if let Some(group) = Pid::from_raw(id) {
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_end_with_the_run() {
        let runner = std::thread::spawn(|| output(Command::new("/bin/sh").args(["-c", "sleep 30; echo late"])));
        let started = std::time::Instant::now();
        while children().running.is_empty() && started.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        end_all();
        let output = runner.join().expect("no panic").expect("started");
        assert!(output.stdout.is_empty() && started.elapsed().as_secs() < 20);
        assert!(super::output(&mut Command::new("true")).is_err(), "nothing is started any more");
    }
}
