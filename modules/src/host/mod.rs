//! The host as modules see it. [`Observe`] reads, [`Change`] writes; `real` is the only door to `std::fs` and processes,
//! `fake` is a host in memory for tests.

mod accounts;
mod attrs;
pub mod clock;
mod command;
pub mod fake;
mod hand;
mod mode;
mod paths;
pub mod real;
pub mod steps;
mod system;
#[cfg(test)]
pub mod testing;
mod words;

pub use accounts::{GroupEntry, PasswdEntry};
pub use attrs::{
    Differences, FILE_ARGS, FileAttrs, FileFlags, Wanted, failure_at, file_flags, octal, path_info, selinux_context,
    state_of,
};
pub use command::{Command, Output, Reply, Talk};
pub use hand::Hand;
pub use mode::Mode;
pub(crate) use paths::expand_arguments;
pub use paths::expand_path;
pub use system::{FsUsage, Uname};
pub use words::{fnmatch, quote_word, split_words};

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

/// What `stat(2)` tells of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    pub kind: FileKind,
    /// Permission bits, `0o7777`.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    pub inode: u64,
    pub dev: u64,
    pub rdev: u64,
    pub nlink: u64,
    /// Seconds since the epoch, with fraction.
    pub atime: f64,
    pub mtime: f64,
    pub ctime: f64,
    pub blocks: u64,
    pub block_size: u64,
}

/// Reads the host. Nothing here changes it.
pub trait Observe {
    /// Follows links. A missing file is an error of kind `NotFound`.
    fn stat(&self, path: &Path) -> io::Result<Stat>;
    /// Does not follow links.
    fn lstat(&self, path: &Path) -> io::Result<Stat>;
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// Absolute path with all links resolved.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;
    /// Names of the entries, unsorted.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>>;
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>>;
    /// Whether this process may do it: any of `r`, `w`, `x` as bits 4, 2, 1 (`access(2)` with effective ids).
    fn access(&self, path: &Path, mode: u32) -> bool;
    /// An extended attribute, of a link itself; `None` where there is none or the file system has none.
    fn xattr(&self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Runs a program that only reads (`dpkg-query`, `systemctl show`).
    fn query(&self, command: &Command) -> io::Result<Output>;
    /// An environment variable: the task's `environment` first, then the helper's process.
    fn env(&self, name: &str) -> Option<String>;
    fn euid(&self) -> u32;
    fn egid(&self) -> u32;
    fn now(&self) -> SystemTime;
    fn umask(&self) -> u32;
    /// Seconds that local time is ahead of UTC at present.
    fn utc_offset(&self) -> i64 {
        0
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
    /// UTF-8 text; bytes that are not UTF-8 are replaced.
    fn read_text(&self, path: &Path) -> io::Result<String> {
        Ok(match String::from_utf8(self.read(path)?) {
            Ok(text) => text,
            Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
        })
    }
    /// Whether something is there, a dangling link included.
    fn exists(&self, path: &Path) -> bool {
        self.lstat(path).is_ok()
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.stat(path).is_ok_and(|s| s.kind == FileKind::Directory)
    }
    /// Finds a program in `PATH`, then in the sbin directories, as Ansible's `get_bin_path`.
    fn which(&self, program: &str) -> Option<PathBuf>;
    /// The account of that name, from `/etc/passwd`, else from `getent`. Never through the static binary's NSS.
    fn user(&self, name: &str) -> Option<PasswdEntry>;
    fn user_by_id(&self, uid: u32) -> Option<PasswdEntry>;
    fn group(&self, name: &str) -> Option<GroupEntry>;
    fn group_by_id(&self, gid: u32) -> Option<GroupEntry>;

    /// The helper's whole environment.
    fn environment(&self) -> BTreeMap<String, String> {
        let bytes = self.read(Path::new("/proc/self/environ")).unwrap_or_default();
        String::from_utf8_lossy(&bytes)
            .split('\0')
            .filter_map(|entry| entry.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
    fn uname(&self) -> Uname {
        let kernel = |name: &str| {
            let text = self.read_text(&Path::new("/proc/sys/kernel").join(name)).unwrap_or_default();
            text.trim().to_owned()
        };
        let machine = kernel("arch");
        Uname {
            system: kernel("ostype"),
            node: kernel("hostname"),
            release: kernel("osrelease"),
            version: kernel("version"),
            machine: if machine.is_empty() { std::env::consts::ARCH.to_owned() } else { machine },
        }
    }
    /// Sizes of the file systems at `paths`, asked side by side: one that does not answer within `limit` (a dead NFS
    /// server) is an error of kind `TimedOut` and holds up nothing else.
    fn fs_usage(&self, paths: &[PathBuf], limit: Duration) -> Vec<io::Result<FsUsage>> {
        let _ = limit;
        paths.iter().map(|_| Err(io::ErrorKind::Unsupported.into())).collect()
    }
    /// Runs programs that only read, side by side where the host can; answers in the order of `commands`.
    fn query_all(&self, commands: &[Command]) -> Vec<io::Result<Output>> {
        commands.iter().map(|command| self.query(command)).collect()
    }
}

/// Writes the host. Only `Module::apply` gets one, and never in check mode.
pub trait Change: Observe {
    /// This host for reading.
    fn observe(&self) -> &dyn Observe;
    /// Replaces a file's content atomically: a temporary file beside it that nobody else can read, synced, given the old
    /// file's owner, mode and extended attributes (SELinux label, ACL), or `0o666 & !umask` when new, then renamed. A link
    /// at `path` is replaced, not followed. Where the directory does not allow that and `unsafe_writes` is set, the file
    /// is written in place. `mode` and `owner` apply before the rename, so no reader sees a wider file.
    fn write(&mut self, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()>;
    /// Copies a file of the host's own to another place, as [`Change::write`] writes. Follows a link at `from`.
    fn copy(&mut self, from: &Path, to: &Path, options: &WriteOptions) -> io::Result<()> {
        let content = self.read(from)?;
        self.write(to, &mut content.as_slice(), options)
    }
    fn create_dir(&mut self, path: &Path, mode: u32) -> io::Result<()>;
    fn remove_file(&mut self, path: &Path) -> io::Result<()>;
    fn remove_dir(&mut self, path: &Path) -> io::Result<()>;
    fn remove_dir_all(&mut self, path: &Path) -> io::Result<()>;
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    fn symlink(&mut self, target: &Path, link: &Path) -> io::Result<()>;
    fn hard_link(&mut self, target: &Path, link: &Path) -> io::Result<()>;
    /// Does not follow links where the system allows it.
    fn set_mode(&mut self, path: &Path, mode: u32) -> io::Result<()>;
    /// `follow` = change what a link points at.
    fn set_owner(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>, follow: bool) -> io::Result<()>;
    /// Seconds since the epoch with fraction; `None` keeps the present value.
    fn set_times(&mut self, path: &Path, atime: Option<f64>, mtime: Option<f64>) -> io::Result<()>;
    /// Sets both times to now; who may write the file may do this too.
    fn touch(&mut self, path: &Path) -> io::Result<()>;
    /// A private directory (0700) under the system's temporary directory or `parent`; removed when the call ends.
    fn temp_dir(&mut self, parent: Option<&Path>, prefix: &str) -> io::Result<PathBuf>;
    /// Runs a program that changes the host.
    fn execute(&mut self, command: &Command) -> io::Result<Output>;
    /// Runs a program that changes the host on a terminal of its own and answers what it asks. All that the terminal shows
    /// is in `stdout`; `timed_out` tells that nothing that could be answered came within the limit.
    fn converse(&mut self, command: &Command, talk: Talk<'_>) -> io::Result<Output>;
}

/// How [`Change::write`] writes.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Permission bits; `None` keeps the old file's, or `0o666 & !umask` for a new one.
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub unsafe_writes: bool,
}

/// Finds an executable file in `PATH`, then in the sbin directories. A name with a slash is looked up as it is.
fn search_path(host: &dyn Observe, program: &str) -> Option<PathBuf> {
    let runnable =
        |p: &Path| host.stat(p).is_ok_and(|s| s.kind == FileKind::File && s.mode & 0o111 != 0) && host.access(p, 1);
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|p| runnable(p));
    }
    let path = host.env("PATH").unwrap_or_else(|| "/usr/bin:/bin".to_owned());
    let dirs = path.split(':').filter(|d| !d.is_empty()).chain(["/sbin", "/usr/sbin", "/usr/local/sbin"]);
    dirs.map(|dir| Path::new(dir).join(program)).find(|p| runnable(p))
}
