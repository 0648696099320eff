//! The real host: the only door to `std::fs` and to processes. One value serves one request.

mod process;
mod replace;
mod system;
mod terminal;

pub use process::{Cancel, Live, detach};

use super::{
    Change, Command, FileKind, FsUsage, GroupEntry, Observe, Output, PasswdEntry, Stat, Talk, Uname, WriteOptions,
};
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

/// What a request brings along.
#[derive(Clone, Default)]
pub struct Session {
    /// `environment:` of the task, for every process and for [`Observe::env`].
    pub environment: BTreeMap<String, String>,
    pub cancel: Cancel,
    /// Receives the lines of processes that run with [`Command::live`].
    pub live: Option<Live>,
}

/// This machine. Temporary directories that it made are removed when it is dropped.
#[derive(Default)]
pub struct Real {
    session: Session,
    temporary: Vec<PathBuf>,
}

impl Real {
    pub fn new(session: Session) -> Self {
        Real { session, temporary: Vec::new() }
    }

    fn run(&self, command: &Command) -> io::Result<Output> {
        process::run(command, &self.session.environment, &self.session.cancel, self.session.live.as_ref())
    }

    /// The answer of `getent DATABASE KEY`; `None` where there is no getent or no such entry.
    fn getent(&self, database: &str, key: &str) -> Option<String> {
        let getent = self.which("getent")?;
        let output = self.run(&Command::new(getent).arg(database).arg("--").arg(key)).ok()?;
        output.ok().then(|| output.stdout_text())
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        for dir in &self.temporary {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

fn stat_of(meta: &std::fs::Metadata) -> Stat {
    let seconds = |whole: i64, nanos: i64| whole as f64 + 1e-9 * nanos as f64;
    let kind = meta.file_type();
    Stat {
        kind: match kind {
            k if k.is_dir() => FileKind::Directory,
            k if k.is_symlink() => FileKind::Symlink,
            k if k.is_fifo() => FileKind::Fifo,
            k if k.is_socket() => FileKind::Socket,
            k if k.is_char_device() => FileKind::CharDevice,
            k if k.is_block_device() => FileKind::BlockDevice,
            _ => FileKind::File,
        },
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.size(),
        inode: meta.ino(),
        dev: meta.dev(),
        rdev: meta.rdev(),
        nlink: meta.nlink(),
        atime: seconds(meta.atime(), meta.atime_nsec()),
        mtime: seconds(meta.mtime(), meta.mtime_nsec()),
        ctime: seconds(meta.ctime(), meta.ctime_nsec()),
        blocks: meta.blocks(),
        block_size: meta.blksize(),
    }
}

impl Observe for Real {
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        std::fs::metadata(path).map(|m| stat_of(&m))
    }
    fn lstat(&self, path: &Path) -> io::Result<Stat> {
        std::fs::symlink_metadata(path).map(|m| stat_of(&m))
    }
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::BufReader::with_capacity(64 << 10, std::fs::File::open(path)?)))
    }
    fn access(&self, path: &Path, mode: u32) -> bool {
        let wanted = rustix::fs::Access::from_bits_truncate(mode & 7);
        match rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS) {
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => rustix::fs::access(path, wanted).is_ok(),
            answer => answer.is_ok(),
        }
    }
    fn xattr(&self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut value = vec![0; 64 << 10];
        match rustix::fs::lgetxattr(path, name, &mut value[..]) {
            Ok(len) => {
                value.truncate(len);
                Ok(Some(value))
            }
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOTSUP) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        self.run(command)
    }
    /// At most eight at a time.
    fn query_all(&self, commands: &[Command]) -> Vec<io::Result<Output>> {
        let next = AtomicUsize::new(0);
        let work = || {
            let numbers = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
            let ours = numbers.map_while(|number| Some((number, self.run(commands.get(number)?))));
            ours.collect::<Vec<_>>()
        };
        let mut all: Vec<(usize, io::Result<Output>)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..commands.len().min(8)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("a command that runs does not panic")).collect()
        });
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, output)| output).collect()
    }
    fn uname(&self) -> Uname {
        system::uname()
    }
    fn fs_usage(&self, paths: &[PathBuf], limit: Duration) -> Vec<io::Result<FsUsage>> {
        system::fs_usage(paths, limit)
    }
    fn env(&self, name: &str) -> Option<String> {
        self.session.environment.get(name).cloned().or_else(|| std::env::var(name).ok())
    }
    fn euid(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }
    fn egid(&self) -> u32 {
        rustix::process::getegid().as_raw()
    }
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    /// From `/proc`: asking the system call would mean changing it, for all threads.
    fn umask(&self) -> u32 {
        static UMASK: OnceLock<u32> = OnceLock::new();
        *UMASK.get_or_init(|| {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let line = status.lines().find_map(|l| l.strip_prefix("Umask:"));
            line.and_then(|l| u32::from_str_radix(l.trim(), 8).ok()).unwrap_or(0o022)
        })
    }
    /// Asked of `date` once: the static binary does not read the time zone database.
    fn utc_offset(&self) -> i64 {
        static OFFSET: OnceLock<i64> = OnceLock::new();
        *OFFSET.get_or_init(|| {
            let zone = std::fs::canonicalize("/etc/localtime");
            let is_utc = match &zone {
                Ok(file) => file.ends_with("UTC") || file.ends_with("UCT"),
                Err(_) => true,
            };
            if is_utc && std::env::var_os("TZ").is_none() {
                return 0;
            }
            let answer = self.run(&Command::new("date").arg("+%z"));
            answer.ok().and_then(|out| super::clock::parse_offset(&out.stdout_text())).unwrap_or(0)
        })
    }
    fn which(&self, program: &str) -> Option<PathBuf> {
        super::search_path(self, program)
    }
    fn user(&self, name: &str) -> Option<PasswdEntry> {
        let text = self.read_text(Path::new("/etc/passwd")).unwrap_or_default();
        let found = text.lines().filter_map(PasswdEntry::parse).find(|e| e.name == name);
        found.or_else(|| PasswdEntry::parse(&self.getent("passwd", name)?).filter(|e| e.name == name))
    }
    fn user_by_id(&self, uid: u32) -> Option<PasswdEntry> {
        let text = self.read_text(Path::new("/etc/passwd")).unwrap_or_default();
        let found = text.lines().filter_map(PasswdEntry::parse).find(|e| e.uid == uid);
        found.or_else(|| PasswdEntry::parse(&self.getent("passwd", &uid.to_string())?).filter(|e| e.uid == uid))
    }
    fn group(&self, name: &str) -> Option<GroupEntry> {
        let text = self.read_text(Path::new("/etc/group")).unwrap_or_default();
        let found = text.lines().filter_map(GroupEntry::parse).find(|e| e.name == name);
        found.or_else(|| GroupEntry::parse(&self.getent("group", name)?).filter(|e| e.name == name))
    }
    fn group_by_id(&self, gid: u32) -> Option<GroupEntry> {
        let text = self.read_text(Path::new("/etc/group")).unwrap_or_default();
        let found = text.lines().filter_map(GroupEntry::parse).find(|e| e.gid == gid);
        found.or_else(|| GroupEntry::parse(&self.getent("group", &gid.to_string())?).filter(|e| e.gid == gid))
    }
}

fn timespec(seconds: Option<f64>) -> Timespec {
    match seconds {
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        Some(s) => {
            let whole = s.floor();
            Timespec { tv_sec: whole as i64, tv_nsec: (((s - whole) * 1e9).round() as i64).min(999_999_999) as _ }
        }
    }
}

impl Change for Real {
    fn observe(&self) -> &dyn Observe {
        self
    }
    fn write(&mut self, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
        replace::write(path, content, options, self.umask())
    }
    fn copy(&mut self, from: &Path, to: &Path, options: &WriteOptions) -> io::Result<()> {
        replace::write(to, &mut std::fs::File::open(from)?, options, self.umask())
    }
    fn create_dir(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        std::fs::DirBuilder::new().mode(mode).create(path)
    }
    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
    fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }
    fn remove_dir_all(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }
    fn symlink(&mut self, target: &Path, link: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, link)
    }
    fn hard_link(&mut self, target: &Path, link: &Path) -> io::Result<()> {
        std::fs::hard_link(target, link)
    }
    /// The file is opened without following links first, so that nobody can swap it for a link in between.
    fn set_mode(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let fd = rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        let handle = std::fs::File::from(fd);
        if handle.metadata()?.file_type().is_symlink() {
            return Ok(()); // Linux keeps no permissions for links
        }
        let door = format!("/proc/self/fd/{}", handle.as_raw_fd());
        match std::fs::set_permissions(&door, std::fs::Permissions::from_mode(mode)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            }
            answer => answer,
        }
    }
    fn set_owner(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>, follow: bool) -> io::Result<()> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        rustix::fs::chownat(CWD, path, uid.map(Uid::from_raw), gid.map(Gid::from_raw), flags)?;
        Ok(())
    }
    fn set_times(&mut self, path: &Path, atime: Option<f64>, mtime: Option<f64>) -> io::Result<()> {
        let times = Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) };
        rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?;
        Ok(())
    }
    fn touch(&mut self, path: &Path) -> io::Result<()> {
        let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let times = Timestamps { last_access: now, last_modification: now };
        rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?;
        Ok(())
    }
    fn temp_dir(&mut self, parent: Option<&Path>, prefix: &str) -> io::Result<PathBuf> {
        let parent = parent.map_or_else(|| self.env("TMPDIR").map_or("/tmp".into(), PathBuf::from), Path::to_path_buf);
        let path = parent.join(format!("{prefix}{}", replace::unforeseen()));
        self.create_dir(&path, 0o700)?;
        self.temporary.push(path.clone());
        Ok(path)
    }
    fn execute(&mut self, command: &Command) -> io::Result<Output> {
        self.run(command)
    }
    fn converse(&mut self, command: &Command, talk: Talk<'_>) -> io::Result<Output> {
        terminal::converse(command, &self.session.environment, &self.session.cancel, talk)
    }
}

#[cfg(test)]
#[path = "real_tests.rs"]
mod tests;
