//! A host in memory, for tests: files with owners, modes and links, and programs whose answers are scripted.

use super::{Change, Command, FileKind, GroupEntry, Observe, Output, PasswdEntry, Reply, Stat, Talk, WriteOptions};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

/// The fake's clock, in seconds since the epoch. It stands still.
pub const NOW: f64 = 1_700_000_000.0;

/// A host in memory. Built by chaining: `Fake::new().file("/etc/hosts", "…").answer("systemctl is-active x", 0, "active\n")`.
///
/// The constructors want correct paths and panic otherwise: they are for tests.
#[derive(Clone)]
pub struct Fake {
    names: BTreeMap<PathBuf, u64>,
    inodes: BTreeMap<u64, Node>,
    next_inode: u64,
    answers: Vec<Answer>,
    refused: BTreeMap<PathBuf, i32>,
    env: BTreeMap<String, String>,
    log: RefCell<Log>,
    pub uid: u32,
    pub gid: u32,
    pub mask: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct Node {
    body: Body,
    mode: u32,
    uid: u32,
    gid: u32,
    atime: f64,
    mtime: f64,
    xattrs: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Body {
    File(Vec<u8>),
    Directory,
    Symlink(PathBuf),
}

type Effect = Rc<dyn Fn(&mut Fake)>;

#[derive(Clone)]
struct Answer {
    /// Words of the command; `*` stands for one word, a last `…` for any further ones.
    pattern: Vec<String>,
    output: Output,
    effect: Option<Effect>,
}

/// What was done to the host, in order.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Commands run with [`Change::execute`].
    pub executed: Vec<Command>,
    /// Commands run with [`Observe::query`].
    pub queried: Vec<Command>,
    /// One line for each write to the file system: `write /etc/hosts`.
    pub writes: Vec<String>,
    /// Answers given in [`Change::converse`].
    pub said: Vec<String>,
}

impl Default for Fake {
    fn default() -> Self {
        Self::new()
    }
}

impl Fake {
    /// An empty host, seen as root: `/etc/passwd` and `/etc/group` with root and nobody, `/tmp`, `/root`, `/usr/bin`.
    pub fn new() -> Self {
        let mut fake = Fake {
            names: BTreeMap::new(),
            inodes: BTreeMap::new(),
            next_inode: 1,
            answers: Vec::new(),
            refused: BTreeMap::new(),
            env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into()), ("HOME".into(), "/root".into())]),
            log: RefCell::default(),
            uid: 0,
            gid: 0,
            mask: 0o022,
        };
        fake.put("/".into(), Body::Directory, 0o755);
        fake.dir("/usr/bin")
            .dir("/root")
            .file_mode(
                "/etc/passwd",
                "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
                0o644,
            )
            .file_mode("/etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644)
            .dir_mode("/tmp", 0o1777)
    }

    /// A file of root's with mode 0644; its directories are made.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_mode(path, content, 0o644)
    }
    pub fn file_mode(mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        self.set_file(path, content, mode);
        self
    }
    /// As [`Fake::file`], for effects of commands.
    pub fn set_file(&mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) {
        self.parents(path);
        self.put(path.into(), Body::File(content.as_ref().to_vec()), mode);
    }
    /// Takes a file or an empty directory away, for effects of commands.
    pub fn unset_file(&mut self, path: &str) {
        self.names.remove(Path::new(path));
    }
    pub fn dir(self, path: &str) -> Self {
        self.dir_mode(path, 0o755)
    }
    pub fn dir_mode(mut self, path: &str, mode: u32) -> Self {
        self.parents(path);
        self.put(path.into(), Body::Directory, mode);
        self
    }
    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.parents(path);
        self.put(path.into(), Body::Symlink(target.into()), 0o777);
        self
    }
    /// Changes the owner of what is at `path`.
    pub fn owned(mut self, path: &str, uid: u32, gid: u32) -> Self {
        let node = self.node_mut(Path::new(path), false).expect("the path was made before");
        (node.uid, node.gid) = (uid, gid);
        self
    }
    /// Sets the modification time, in seconds since the epoch.
    pub fn modified(mut self, path: &str, mtime: f64) -> Self {
        self.node_mut(Path::new(path), false).expect("the path was made before").mtime = mtime;
        self
    }
    pub fn with_xattr(mut self, path: &str, name: &str, value: &[u8]) -> Self {
        let node = self.node_mut(Path::new(path), false).expect("the path was made before");
        node.xattrs.insert(name.into(), value.into());
        self
    }
    /// An account with a group of the same name and number.
    pub fn account(mut self, name: &str, id: u32) -> Self {
        self.append("/etc/passwd", &format!("{name}:x:{id}:{id}::/home/{name}:/bin/sh\n"));
        self.append("/etc/group", &format!("{name}:x:{id}:\n"));
        self
    }
    pub fn with_group(mut self, name: &str, gid: u32) -> Self {
        self.append("/etc/group", &format!("{name}:x:{gid}:\n"));
        self
    }
    /// The user that the helper runs as.
    pub fn running_as(mut self, uid: u32, gid: u32) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }
    /// Every write at `path` fails with this error number (28 = disk full).
    pub fn refuse(mut self, path: &str, errno: i32) -> Self {
        self.refused.insert(path.into(), errno);
        self
    }

    /// Scripts a program. `command` is split at blanks; `*` stands for one word, a last `...` for any further words; the
    /// first word matches a program's path or its base name. The newest answer that matches wins. The program comes to
    /// exist in `/usr/bin` if nothing of that name is in `PATH`.
    pub fn answer(mut self, command: &str, rc: i32, stdout: &str) -> Self {
        self.set_answer(command, rc, stdout);
        self
    }
    /// As [`Fake::answer`], for effects of commands.
    pub fn set_answer(&mut self, command: &str, rc: i32, stdout: &str) {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        self.add_answer(words, Output { rc, stdout: stdout.into(), ..Output::default() }, None);
    }
    /// As [`Fake::answer`], with standard error.
    pub fn answer_err(mut self, command: &str, rc: i32, stdout: &str, stderr: &str) -> Self {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let output = Output { rc, stdout: stdout.into(), stderr: stderr.into(), ..Output::default() };
        self.add_answer(words, output, None);
        self
    }
    /// As [`Fake::answer`], by words (for arguments with blanks).
    pub fn answer_argv(mut self, argv: &[&str], rc: i32, stdout: &str) -> Self {
        let words = argv.iter().map(|w| (*w).to_owned()).collect();
        self.add_answer(words, Output { rc, stdout: stdout.into(), ..Output::default() }, None);
        self
    }
    /// A program that changes the host. Running it as a query is an error.
    pub fn effect(mut self, command: &str, rc: i32, stdout: &str, effect: impl Fn(&mut Fake) + 'static) -> Self {
        let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        self.add_answer(words, Output { rc, stdout: stdout.into(), ..Output::default() }, Some(Rc::new(effect)));
        self
    }

    /// The content of a file as text; panics if there is none.
    pub fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.read(Path::new(path)).unwrap_or_else(|e| panic!("{path}: {e}"))).into_owned()
    }
    /// Commands that changed the host, as a person would type them.
    pub fn executed(&self) -> Vec<String> {
        self.log.borrow().executed.iter().map(Command::display).collect()
    }
    pub fn log(&self) -> Log {
        self.log.borrow().clone()
    }
    pub fn clear_log(&mut self) {
        self.log = RefCell::default();
    }
    /// Whether both hosts hold the same files. Access times do not count.
    pub fn same_files(&self, other: &Fake) -> bool {
        let view = |fake: &Fake| -> Vec<(PathBuf, Node)> {
            let still = |node: &Node| Node { atime: 0.0, ..node.clone() };
            fake.names.iter().map(|(path, inode)| (path.clone(), still(&fake.inodes[inode]))).collect()
        };
        view(self) == view(other)
    }

    fn append(&mut self, path: &str, text: &str) {
        let node = self.node_mut(Path::new(path), true).expect("every fake has it");
        if let Body::File(bytes) = &mut node.body {
            bytes.extend_from_slice(text.as_bytes());
        }
    }

    fn add_answer(&mut self, pattern: Vec<String>, output: Output, effect: Option<Effect>) {
        let program = pattern.first().expect("a command has a program").clone();
        if program.starts_with('/') {
            if !self.exists(Path::new(&program)) {
                self.set_file(&program, "", 0o755);
            }
        } else if program != "*" && self.which(&program).is_none() {
            self.set_file(&format!("/usr/bin/{program}"), "", 0o755);
        }
        self.answers.push(Answer { pattern, output, effect });
    }

    fn find_answer(&self, command: &Command) -> io::Result<Answer> {
        let found = self.answers.iter().rev().find(|a| matches(&a.pattern, command)).cloned();
        found.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("the fake host has no answer for: {}", command.display()))
        })
    }

    fn parents(&mut self, path: &str) {
        let missing: Vec<PathBuf> = Path::new(path)
            .ancestors()
            .skip(1)
            .filter(|p| !self.names.contains_key(*p))
            .map(Path::to_path_buf)
            .collect();
        for dir in missing.into_iter().rev() {
            self.put(dir, Body::Directory, 0o755);
        }
    }

    fn put(&mut self, path: PathBuf, body: Body, mode: u32) {
        let node = Node { body, mode, uid: self.uid, gid: self.gid, atime: NOW, mtime: NOW, xattrs: BTreeMap::new() };
        self.inodes.insert(self.next_inode, node);
        self.names.insert(path, self.next_inode);
        self.next_inode += 1;
    }

    /// The path with links resolved: all of them, or all but the last.
    fn resolve(&self, path: &Path, last: bool) -> io::Result<PathBuf> {
        let mut pending: Vec<OsString> = components(path);
        pending.reverse();
        let (mut at, mut hops) = (PathBuf::from("/"), 0);
        while let Some(part) = pending.pop() {
            if part == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&part);
            match self.names.get(&next).map(|i| &self.inodes[i].body) {
                Some(Body::Symlink(target)) if last || !pending.is_empty() => {
                    hops += 1;
                    if hops > 40 {
                        return Err(errno(40));
                    }
                    if target.is_absolute() {
                        at = "/".into();
                    }
                    pending.extend(components(target).into_iter().rev());
                }
                Some(Body::File(_)) if !pending.is_empty() => return Err(errno(20)),
                None if !pending.is_empty() => return Err(errno(2)),
                _ => at = next,
            }
        }
        Ok(at)
    }

    fn inode(&self, path: &Path, follow: bool) -> io::Result<u64> {
        self.names.get(&self.resolve(path, follow)?).copied().ok_or_else(|| errno(2))
    }
    fn node(&self, path: &Path, follow: bool) -> io::Result<&Node> {
        Ok(&self.inodes[&self.inode(path, follow)?])
    }
    fn node_mut(&mut self, path: &Path, follow: bool) -> io::Result<&mut Node> {
        let inode = self.inode(path, follow)?;
        self.inodes.get_mut(&inode).ok_or_else(|| errno(2))
    }

    fn children(&self, dir: &Path) -> BTreeSet<PathBuf> {
        self.names.keys().filter(|p| p.parent() == Some(dir)).cloned().collect()
    }

    fn stat_node(&self, path: &Path, follow: bool) -> io::Result<Stat> {
        let inode = self.inode(path, follow)?;
        let node = &self.inodes[&inode];
        let (kind, size) = match &node.body {
            Body::File(bytes) => (FileKind::File, bytes.len() as u64),
            Body::Directory => (FileKind::Directory, 4096),
            Body::Symlink(target) => (FileKind::Symlink, target.as_os_str().len() as u64),
        };
        Ok(Stat {
            kind,
            mode: node.mode,
            uid: node.uid,
            gid: node.gid,
            size,
            inode,
            dev: 1,
            rdev: 0,
            nlink: self.names.values().filter(|i| **i == inode).count() as u64,
            atime: node.atime,
            mtime: node.mtime,
            ctime: node.mtime,
            blocks: size.div_ceil(512),
            block_size: 4096,
        })
    }

    /// Notes a write; refuses it where the test wants so, and where the directory is missing.
    fn note(&mut self, what: &str, path: &Path) -> io::Result<PathBuf> {
        let place = self.resolve(path, false)?;
        if let Some(number) = self.refused.get(&place) {
            return Err(errno(*number));
        }
        let parent = place.parent().unwrap_or(Path::new("/"));
        if self.node(parent, true)?.body != Body::Directory {
            return Err(errno(20));
        }
        self.log.get_mut().writes.push(format!("{what} {}", path.display()));
        Ok(place)
    }
}

fn components(path: &Path) -> Vec<OsString> {
    path.components()
        .filter_map(|c| match c {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

fn matches(pattern: &[String], command: &Command) -> bool {
    let open = pattern.last().is_some_and(|w| w == "...");
    let wanted = if open { &pattern[..pattern.len() - 1] } else { pattern };
    let program = command.program.to_string_lossy();
    let base = command.program.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    let fits = |word: &str, given: &str| word == "*" || word == given;
    (fits(&wanted[0], &program) || fits(&wanted[0], &base))
        && (wanted.len() - 1 == command.args.len() || open && wanted.len() - 1 <= command.args.len())
        && wanted[1..].iter().zip(&command.args).all(|(w, a)| fits(w, a))
}

impl Observe for Fake {
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.stat_node(path, true)
    }
    fn lstat(&self, path: &Path) -> io::Result<Stat> {
        self.stat_node(path, false)
    }
    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.node(path, false)?.body {
            Body::Symlink(target) => Ok(target.clone()),
            _ => Err(errno(22)),
        }
    }
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        let place = self.resolve(path, true)?;
        if self.names.contains_key(&place) { Ok(place) } else { Err(errno(2)) }
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let place = self.canonicalize(path)?;
        if self.node(&place, true)?.body != Body::Directory {
            return Err(errno(20));
        }
        Ok(self.children(&place).iter().filter_map(|p| p.file_name().map(OsStr::to_owned)).collect())
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        match &self.node(path, true)?.body {
            Body::File(bytes) => Ok(Box::new(bytes.as_slice())),
            _ => Err(errno(21)),
        }
    }
    fn access(&self, path: &Path, mode: u32) -> bool {
        let Ok(node) = self.node(path, true) else { return false };
        if self.uid == 0 {
            return mode & 1 == 0 || node.mode & 0o111 != 0 || node.body == Body::Directory;
        }
        let shift = if node.uid == self.uid {
            6
        } else if node.gid == self.gid {
            3
        } else {
            0
        };
        node.mode >> shift & mode == mode
    }
    fn xattr(&self, path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.node(path, false)?.xattrs.get(name).cloned())
    }
    fn query(&self, command: &Command) -> io::Result<Output> {
        self.log.borrow_mut().queried.push(command.clone());
        let answer = self.find_answer(command)?;
        if answer.effect.is_some() {
            return Err(io::Error::other(format!("a query would change the host: {}", command.display())));
        }
        Ok(answer.output)
    }
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
    fn euid(&self) -> u32 {
        self.uid
    }
    fn egid(&self) -> u32 {
        self.gid
    }
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(NOW)
    }
    fn umask(&self) -> u32 {
        self.mask
    }
    fn which(&self, program: &str) -> Option<PathBuf> {
        super::search_path(self, program)
    }
    fn user(&self, name: &str) -> Option<PasswdEntry> {
        self.text("/etc/passwd").lines().filter_map(PasswdEntry::parse).find(|e| e.name == name)
    }
    fn user_by_id(&self, uid: u32) -> Option<PasswdEntry> {
        self.text("/etc/passwd").lines().filter_map(PasswdEntry::parse).find(|e| e.uid == uid)
    }
    fn group(&self, name: &str) -> Option<GroupEntry> {
        self.text("/etc/group").lines().filter_map(GroupEntry::parse).find(|e| e.name == name)
    }
    fn group_by_id(&self, gid: u32) -> Option<GroupEntry> {
        self.text("/etc/group").lines().filter_map(GroupEntry::parse).find(|e| e.gid == gid)
    }
}

impl Change for Fake {
    fn observe(&self) -> &dyn Observe {
        self
    }
    fn write(&mut self, path: &Path, content: &mut dyn Read, options: &WriteOptions) -> io::Result<()> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let place = self.note("write", path)?;
        let old = self.node(&place, false).ok().cloned();
        if old.as_ref().is_some_and(|n| n.body == Body::Directory) {
            return Err(errno(21));
        }
        let old = old.filter(|n| matches!(n.body, Body::File(_)));
        let mode = options.mode.or(old.as_ref().map(|n| n.mode)).unwrap_or(0o666 & !self.mask);
        let (uid, gid) = (self.uid, self.gid);
        self.put(place.clone(), Body::File(bytes), mode);
        let node = self.node_mut(&place, false)?;
        node.uid = options.uid.or(old.as_ref().map(|n| n.uid)).unwrap_or(uid);
        node.gid = options.gid.or(old.as_ref().map(|n| n.gid)).unwrap_or(gid);
        node.xattrs = old.map(|n| n.xattrs).unwrap_or_default();
        Ok(())
    }
    fn create_dir(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let place = self.note("create_dir", path)?;
        if self.names.contains_key(&place) {
            return Err(errno(17));
        }
        let mode = mode & !self.mask;
        self.put(place, Body::Directory, mode);
        Ok(())
    }
    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        let place = self.note("remove_file", path)?;
        if self.node(&place, false)?.body == Body::Directory {
            return Err(errno(21));
        }
        self.names.remove(&place);
        Ok(())
    }
    fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        let place = self.note("remove_dir", path)?;
        if self.node(&place, false)?.body != Body::Directory {
            return Err(errno(20));
        }
        if !self.children(&place).is_empty() {
            return Err(errno(39));
        }
        self.names.remove(&place);
        Ok(())
    }
    fn remove_dir_all(&mut self, path: &Path) -> io::Result<()> {
        let place = self.note("remove_dir_all", path)?;
        if self.node(&place, false)?.body != Body::Directory {
            return Err(errno(20));
        }
        self.names.retain(|p, _| !p.starts_with(&place));
        Ok(())
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let from = self.note("rename", from)?;
        let to = self.note("to", to)?;
        self.node(&from, false)?;
        let moved: Vec<PathBuf> = self.names.keys().filter(|p| p.starts_with(&from)).cloned().collect();
        for path in moved {
            let inode = self.names.remove(&path).ok_or_else(|| errno(2))?;
            let tail = path.strip_prefix(&from).map_err(io::Error::other)?;
            self.names.insert(if tail.as_os_str().is_empty() { to.clone() } else { to.join(tail) }, inode);
        }
        Ok(())
    }
    fn symlink(&mut self, target: &Path, link: &Path) -> io::Result<()> {
        let place = self.note("symlink", link)?;
        if self.names.contains_key(&place) {
            return Err(errno(17));
        }
        self.put(place, Body::Symlink(target.into()), 0o777);
        Ok(())
    }
    fn hard_link(&mut self, target: &Path, link: &Path) -> io::Result<()> {
        let place = self.note("hard_link", link)?;
        if self.names.contains_key(&place) {
            return Err(errno(17));
        }
        let inode = self.inode(target, false)?;
        self.names.insert(place, inode);
        Ok(())
    }
    fn set_mode(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let place = self.note("set_mode", path)?;
        let node = self.node_mut(&place, false)?;
        if !matches!(node.body, Body::Symlink(_)) {
            node.mode = mode & 0o7777;
        }
        Ok(())
    }
    fn set_owner(&mut self, path: &Path, uid: Option<u32>, gid: Option<u32>, follow: bool) -> io::Result<()> {
        let place = self.note("set_owner", path)?;
        let node = self.node_mut(&place, follow)?;
        node.uid = uid.unwrap_or(node.uid);
        node.gid = gid.unwrap_or(node.gid);
        Ok(())
    }
    fn set_times(&mut self, path: &Path, atime: Option<f64>, mtime: Option<f64>) -> io::Result<()> {
        let place = self.note("set_times", path)?;
        let node = self.node_mut(&place, true)?;
        node.atime = atime.unwrap_or(node.atime);
        node.mtime = mtime.unwrap_or(node.mtime);
        Ok(())
    }
    fn touch(&mut self, path: &Path) -> io::Result<()> {
        let now = self.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.set_times(path, Some(now), Some(now))
    }
    /// Directories are numbered, so that results are the same at each run.
    fn temp_dir(&mut self, parent: Option<&Path>, prefix: &str) -> io::Result<PathBuf> {
        let path = parent.unwrap_or(Path::new("/tmp")).join(format!("{prefix}{}", self.next_inode));
        let place = self.note("temp_dir", &path)?;
        self.put(place, Body::Directory, 0o700);
        Ok(path)
    }
    fn execute(&mut self, command: &Command) -> io::Result<Output> {
        self.log.get_mut().executed.push(command.clone());
        let answer = self.find_answer(command)?;
        if let Some(effect) = answer.effect {
            effect(self);
        }
        Ok(answer.output)
    }
    /// The program writes all of its output at once, then reads as many answers as there are; `Log::said` keeps them.
    fn converse(&mut self, command: &Command, talk: Talk<'_>) -> io::Result<Output> {
        let mut output = self.execute(command)?;
        let mut news = output.stdout.as_slice();
        loop {
            match (talk.reply)(std::mem::take(&mut news)) {
                Reply::Wait => break,
                Reply::Say(text) => self.log.get_mut().said.push(String::from_utf8_lossy(&text).into_owned()),
                Reply::Stop => {
                    output.rc = -1;
                    break;
                }
            }
        }
        Ok(output)
    }
}
