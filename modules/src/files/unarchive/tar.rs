//! Tar archives, by the host's GNU tar: it knows every compression that the host knows.

use super::{Args, Comparison};
use crate::contract::{Failure, JsonMap};
use crate::files::shared::text;
use crate::host::steps::{execute, plain_english, query};
use crate::host::{Change, Command, Observe, Output, fnmatch};
use std::path::{Path, PathBuf};

pub(super) struct Tar {
    program: PathBuf,
    /// The option for the compression.
    flag: Option<&'static str>,
    handler: &'static str,
    src: PathBuf,
    files: Vec<String>,
}

/// What Ansible tries, in its order.
const KINDS: &[(&str, Option<&str>)] = &[
    ("TgzArchive", Some("-z")),
    ("TarArchive", None),
    ("TarBzipArchive", Some("-j")),
    ("TarXzArchive", Some("-J")),
    ("TarZstdArchive", Some("--use-compress-program=zstd")),
];

/// The kind that the first bytes tell, so that the others need not be tried.
fn likely(host: &dyn Observe, src: &Path) -> Option<&'static str> {
    let mut head = [0; 262];
    let mut file = host.open(src).ok()?;
    let mut got = 0;
    while got < head.len() {
        match std::io::Read::read(&mut file, &mut head[got..]) {
            Ok(n) if n > 0 => got += n,
            _ => break,
        }
    }
    let kinds: [(usize, &[u8], &str); 5] = [
        (0, b"\x1f\x8b", "TgzArchive"),
        (0, b"BZh", "TarBzipArchive"),
        (0, b"\xfd7zXZ\0", "TarXzArchive"),
        (0, b"\x28\xb5\x2f\xfd", "TarZstdArchive"),
        (257, b"ustar", "TarArchive"),
    ];
    kinds.iter().find(|(at, magic, _)| head[*at..].starts_with(magic)).map(|(_, _, name)| *name)
}

impl Tar {
    /// # Errors
    /// No GNU tar on the host, or not an archive that it can read.
    pub fn open(src: &Path, args: &Args, host: &dyn Observe) -> Result<Self, Failure> {
        let fail = |why: String| {
            Failure::new(format!(
                "Failed to find handler for \"{}\". Make sure the required command to extract the file is installed.\n{why}",
                src.display()
            ))
        };
        let program = host.which("gtar").or_else(|| host.which("tar"));
        let program =
            program.ok_or_else(|| fail("Unable to find required 'gtar' or 'tar' binary in the path".into()))?;
        let version = query(host, &Command::new(&program).arg("--version"))?.stdout_text();
        if !(version.starts_with("tar") && version.contains("GNU")) {
            let kind = if version.starts_with("bsdtar") { "bsd" } else { "None" };
            let program = program.display();
            return Err(fail(format!("Command \"{program}\" detected as tar type {kind}. GNU tar required.")));
        }
        let guess = likely(host, src);
        let mut reasons = Vec::new();
        for (handler, flag) in KINDS.iter().filter(|(name, _)| guess.is_none_or(|g| g == *name)) {
            let mut tar =
                Tar { program: program.clone(), flag: *flag, handler, src: src.to_owned(), files: Vec::new() };
            let command = tar.command("--list", args, false);
            let out = query(host, &command)?;
            if !out.ok() {
                let said = out.stderr_text();
                let program = tar.program.display();
                reasons.push(format!(
                    "Command \"{program}\" could not handle archive: Unable to list files in the archive: {said}"
                ));
                continue;
            }
            let excluded = |name: &str| args.exclude.iter().any(|e| fnmatch(name, e.trim_end_matches('/')));
            let names = out.stdout_text();
            let names = names.lines().map(|l| unescape(l.strip_prefix('/').unwrap_or(l)));
            tar.files = names.filter(|n| !excluded(n)).collect();
            if tar.files.is_empty() {
                let program = tar.program.display();
                reasons.push(format!(
                    "Command \"{program}\" found no files in archive. Empty archive files are not supported."
                ));
                continue;
            }
            return Ok(tar);
        }
        Err(fail(reasons.join("\n")))
    }

    fn command(&self, action: &str, args: &Args, attributes: bool) -> Command {
        let mut words = vec![action.to_owned(), "-C".into(), text(&args.dest)];
        words.extend(self.flag.map(str::to_owned));
        if !args.extra_opts.is_empty() {
            words.push("--show-transformed-names".into());
            words.extend(args.extra_opts.iter().cloned());
        }
        if attributes {
            words.extend(args.attrs.owner.as_ref().map(|o| format!("--owner={o}")));
            words.extend(args.attrs.group.as_ref().map(|g| format!("--group={g}")));
            if args.keep_newer {
                words.push("--keep-newer-files".into());
            }
        }
        words.extend(args.exclude.iter().map(|e| format!("--exclude={}", e.trim_end_matches('/'))));
        words.extend(["-f".into(), text(&self.src)]);
        words.extend(args.include.iter().cloned());
        plain_english(Command::new(&self.program).args(words).cwd(&args.dest))
    }

    /// Asks tar what differs, and passes over what is set afterwards anyway.
    pub fn compare(&self, args: &Args, host: &dyn Observe) -> Result<Comparison, Failure> {
        let out = query(host, &self.command("--diff", args, true))?;
        let root = host.euid() == 0;
        let said = out.stdout_text() + &out.stderr_text();
        let mode_given = args.attrs.mode.as_ref().is_some_and(|m| !m.is_null());
        let counts = |line: &str| {
            if line.ends_with(": : Warning: Cannot stat: No such file or directory") {
                return false;
            }
            line.ends_with(": Uid differs") && root && args.attrs.owner.is_none()
                || line.ends_with(": Gid differs") && root && args.attrs.group.is_none()
                || line.ends_with(": Mode differs") && !mode_given
                || [
                    ": Mod time differs",
                    ": Warning: Cannot stat: No such file or directory",
                    ": Symlink differs",
                    ": Contents differ",
                    ": Size differs",
                ]
                .iter()
                .any(|end| line.ends_with(end))
                || line.contains(": Invalid owner")
                || line.contains(": Invalid group")
        };
        let differs = said.lines().any(counts);
        Ok(Comparison { handler: self.handler, files: self.files.clone(), differs, diff: None })
    }

    /// Unpacks, and tells the command and what it said.
    pub fn extract(&self, args: &Args, host: &mut dyn Change) -> Result<JsonMap, Failure> {
        let command = self.command("--extract", args, true);
        let out = execute(host, &command)?;
        Ok(results(&command, &out))
    }
}

pub(super) fn results(command: &Command, out: &Output) -> JsonMap {
    let mut words = vec![text(&command.program)];
    words.extend(command.args.iter().cloned());
    let mut map = JsonMap::new();
    map.insert("cmd".into(), words.into());
    map.insert("rc".into(), out.rc.into());
    map.insert("out".into(), out.stdout_text().into());
    map.insert("err".into(), out.stderr_text().into());
    map
}

/// A name as tar prints it, with bytes outside ASCII as `\303`.
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            [b'n', after @ ..] => {
                bytes.push(b'\n');
                rest = after;
            }
            [b'\\', after @ ..] => {
                bytes.push(b'\\');
                rest = after;
            }
            _ => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
