//! Questions about the whole system, each bounded in time.

use crate::host::{FsUsage, Uname};
use rustix::fs::StatVfs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub(super) fn uname() -> Uname {
    let uname = rustix::system::uname();
    let text = |field: &std::ffi::CStr| field.to_string_lossy().into_owned();
    Uname {
        system: text(uname.sysname()),
        node: text(uname.nodename()),
        release: text(uname.release()),
        version: text(uname.version()),
        machine: text(uname.machine()),
    }
}

/// Each file system is asked in a thread of its own: a thread that hangs in the kernel is left behind.
pub(super) fn fs_usage(paths: &[PathBuf], limit: Duration) -> Vec<io::Result<FsUsage>> {
    let deadline = Instant::now() + limit;
    let (sender, answers) = mpsc::channel();
    let mut results: Vec<io::Result<FsUsage>> = paths.iter().map(|_| Err(io::ErrorKind::TimedOut.into())).collect();
    let mut open = 0;
    for (number, path) in paths.iter().enumerate() {
        let (path, sender) = (path.clone(), sender.clone());
        let ask = move || {
            // Nobody listens any more if the answer comes late.
            let _ = sender.send((number, rustix::fs::statvfs(&path)));
        };
        match std::thread::Builder::new().stack_size(64 << 10).spawn(ask) {
            Ok(_) => open += 1,
            Err(e) => results[number] = Err(e),
        }
    }
    for _ in 0..open {
        match answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((number, answer)) => results[number] = answer.map(usage).map_err(io::Error::from),
            Err(_) => break,
        }
    }
    results
}

fn usage(stat: StatVfs) -> FsUsage {
    FsUsage {
        block_size: stat.f_bsize,
        fragment_size: stat.f_frsize,
        blocks: stat.f_blocks,
        blocks_available: stat.f_bavail,
        inodes: stat.f_files,
        inodes_available: stat.f_favail,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Real, Session};
    use super::*;
    use crate::host::{Command, Observe};

    #[test]
    fn file_systems_answer_in_order_and_on_their_own() {
        let paths = ["/", "/nowhere/at/all", "/proc"].map(PathBuf::from);
        let usages = fs_usage(&paths, Duration::from_secs(10));
        assert!(usages[0].as_ref().is_ok_and(|usage| usage.blocks > 0 && usage.fragment_size > 0), "{usages:?}");
        assert_eq!(usages[1].as_ref().map_err(io::Error::kind), Err(io::ErrorKind::NotFound));
        assert!(usages[2].is_ok(), "{usages:?}");
    }

    #[test]
    fn queries_side_by_side_keep_their_order_and_their_limits() {
        let real = Real::new(Session::default());
        let say = |text: &str| Command::new("/bin/sh").args(["-c", &format!("echo {text}")]);
        let slow = Command::new("/bin/sh").args(["-c", "sleep 60"]).timeout(Duration::from_millis(100));
        let texts = ["a", "bb", "ccc", "dddd", "eeeee", "f", "gg", "hhh", "iiii", "jjjjj"];
        let mut commands: Vec<Command> = texts.iter().map(|text| say(text)).collect();
        commands.push(slow);
        commands.push(Command::new("/nowhere/at/all"));
        let outputs = real.query_all(&commands);
        let said: Vec<String> = outputs
            .iter()
            .take(10)
            .map(|o| o.as_ref().map(|o| o.stdout_text().trim().to_owned()).unwrap_or_default())
            .collect();
        assert_eq!(said, texts);
        assert!(outputs[10].as_ref().is_ok_and(|output| output.timed_out), "{outputs:?}");
        assert!(outputs[11].is_err());
    }

    #[test]
    fn uname_is_this_kernel() {
        assert_eq!(uname().system, "Linux");
        assert_eq!(uname().release, std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim());
    }
}
