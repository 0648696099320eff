//! Programs of lookups that run on the controller: they end when the run is interrupted.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

/// Leaders of the process groups that run now.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn running<T>(act: impl FnOnce(&mut BTreeSet<i32>) -> T) -> T {
    act(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Runs a command to its end, in a process group of its own.
pub fn output(command: &mut Command) -> std::io::Result<Output> {
    let child = command.process_group(0).stdout(Stdio::piped()).spawn()?;
    let id = child.id() as i32;
    running(|all| all.insert(id));
    let output = child.wait_with_output();
    running(|all| all.remove(&id));
    output
}

/// Ends all that still run, and what they started.
pub fn end_all() {
    for id in running(std::mem::take) {
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
        while running(|all| all.is_empty()) && started.elapsed().as_secs() < 10 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        end_all();
        let output = runner.join().expect("no panic").expect("started");
        assert!(output.stdout.is_empty() && started.elapsed().as_secs() < 20);
    }
}
