//! This process's side of the hosts: their private directory, starting them, waiting until they answer, ending them.

use super::SandboxError;
use super::host::{Place, words};
use super::interrupt::Interrupts;
use super::server::keys;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long hosts may take to come up, all together.
const COME_UP: Duration = Duration::from_secs(60);
/// How long a host may take to end by itself before it is killed.
const GO_DOWN: Duration = Duration::from_secs(5);

/// One running host.
pub(super) struct Host {
    pub name: String,
    pub port: u16,
    /// `ssh-ed25519 AAAA…`.
    pub public_key: String,
    child: Child,
    /// Its other end is the host's reason to live.
    lifeline: Option<ChildStdin>,
    log: PathBuf,
}

impl Host {
    pub(super) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        end(std::slice::from_mut(self));
    }
}

/// What [`launch`] gives.
pub(super) struct Launched {
    pub hosts: Vec<Host>,
    pub notes: Vec<String>,
    /// The file of the one key that opens the hosts.
    pub client_key: PathBuf,
    pub directory: tempfile::TempDir,
}

/// What a host's processes say on their standard output, a line each.
enum Said {
    Note(String),
    Ready(u16),
    Failed(SandboxError),
    /// The output ended.
    Silent,
}

/// Starts `n` hosts at once. On failure those that came up are ended, and the directory is removed.
pub(super) fn launch(n: usize, program: &Path, interrupts: &Interrupts) -> Result<Launched, SandboxError> {
    let directory = private_directory()?;
    let client_key = directory.path().join("client_key");
    let client = keys::generate("sandbox")?;
    write(&client_key, client.private.as_bytes(), 0o600)?;
    write(&directory.path().join("client_key.pub"), client.public.as_bytes(), 0o600)?;
    let (said, hear) = channel();
    let memory = memory_per_host(n);
    let mut hosts = Vec::with_capacity(n);
    for index in 0..n {
        let host = spawn(program, directory.path(), &format!("host{}", index + 1), memory)?;
        interrupts.spare(host.0.process_id());
        listen(index, host.1, said.clone())?;
        hosts.push(host.0);
    }
    drop(said);
    let mut notes = Vec::new();
    let (mut waiting, end) = (n, Instant::now() + COME_UP);
    while waiting > 0 {
        if interrupts.seen() {
            return Err(SandboxError::new("interrupted while the hosts were coming up", ""));
        }
        let wait = end.saturating_duration_since(Instant::now()).min(Duration::from_millis(100));
        match hear.recv_timeout(wait) {
            Ok((index, Said::Ready(port))) => {
                hosts[index].port = port;
                waiting -= 1;
            }
            Ok((_, Said::Note(note))) if !notes.contains(&note) => notes.push(note),
            Ok((_, Said::Note(_))) => {}
            Ok((_, Said::Failed(error))) => return Err(error),
            Ok((index, Said::Silent)) if hosts[index].port == 0 => return Err(hosts[index].unexplained()),
            Ok((_, Said::Silent)) => {}
            Err(_) if Instant::now() >= end => {
                return Err(SandboxError::new(format!("{waiting} of {n} hosts do not come up"), "start fewer of them"));
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
    Ok(Launched { hosts, notes, client_key, directory })
}

/// Ends hosts: first all are asked, then all are waited for.
pub(super) fn end(hosts: &mut [Host]) {
    for host in hosts.iter_mut() {
        host.lifeline = None;
    }
    let patience = Instant::now() + GO_DOWN;
    for host in hosts {
        while Instant::now() < patience && matches!(host.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = host.child.kill();
        let _ = host.child.wait();
    }
}

/// Writes a new file with that mode.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), SandboxError> {
    let open = || std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    open()
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| SandboxError::new(format!("{} cannot be written: {e}", path.display()), ""))
}

/// A directory of mode 0700 whose path needs no quoting in inventories and SSH options.
fn private_directory() -> Result<tempfile::TempDir, SandboxError> {
    let plain = |p: &Path| {
        p.is_absolute()
            && p.to_str().is_some_and(|s| s.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b)))
    };
    let parent = Some(std::env::temp_dir()).filter(|d| plain(d)).unwrap_or_else(|| PathBuf::from("/tmp"));
    tempfile::Builder::new()
        .prefix("tightbeam-sandbox-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(&parent)
        .map_err(|e| {
            SandboxError::new(
                format!("no directory can be made in {}: {e}", parent.display()),
                "set TMPDIR to one that can be written",
            )
        })
}

/// Bytes of memory that one host's files may take: half of what is free, shared out, within bounds.
fn memory_per_host(n: usize) -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kib: u64 = line.and_then(|l| l.split_whitespace().next()).and_then(|k| k.parse().ok()).unwrap_or(1 << 20);
    (kib * 1024 / 2 / n as u64).clamp(512 << 20, 8 << 30)
}

fn spawn(program: &Path, directory: &Path, name: &str, memory: u64) -> Result<(Host, ChildStdout), SandboxError> {
    let failed = |e: std::io::Error| SandboxError::new(format!("{name} cannot be started: {e}"), "");
    let key = keys::generate(name)?;
    write(&directory.join(format!("{name}.key")), key.private.as_bytes(), 0o600)?;
    let log = directory.join(format!("{name}.log"));
    let errors = std::fs::File::create(&log).map_err(failed)?;
    let place = Place { directory: directory.to_owned(), name: name.to_owned(), memory };
    let mut child = Command::new(program)
        .args(place.arguments("outer"))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let lifeline = child.stdin.take();
    let output = child.stdout.take();
    let host =
        Host { name: name.to_owned(), port: 0, public_key: key.public.trim_end().to_owned(), child, lifeline, log };
    let output = output.ok_or_else(|| failed(std::io::Error::other("it has no output")))?;
    Ok((host, output))
}

/// Hands on what a host says, from a thread that ends with the host's words.
fn listen(index: usize, output: ChildStdout, said: Sender<(usize, Said)>) -> Result<(), SandboxError> {
    let read = move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let heard = match word {
                words::NOTE => Said::Note(rest.to_owned()),
                words::READY => Said::Ready(rest.parse().unwrap_or_default()),
                words::FAILED => {
                    let (message, hint) = rest.split_once('\t').unwrap_or((rest, ""));
                    Said::Failed(SandboxError::new(message, hint))
                }
                _ => continue,
            };
            if said.send((index, heard)).is_err() {
                return;
            }
        }
        let _ = said.send((index, Said::Silent));
    };
    let thread = std::thread::Builder::new().name("sandbox-host".to_owned()).spawn(read);
    thread.map(drop).map_err(|e| SandboxError::new(format!("no thread can be started: {e}"), ""))
}

impl Host {
    /// The fault of a host that ended without a word: the end of what it wrote to its log.
    fn unexplained(&self) -> SandboxError {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(3).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        let why = if last.is_empty() { "it said nothing".to_owned() } else { last.join(" / ") };
        SandboxError::new(format!("{} ended while it came up: {why}", self.name), "this is a fault of tightbeam")
    }
}
