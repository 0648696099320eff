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
