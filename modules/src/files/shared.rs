//! What the modules of files share: edits of one file, digests, backups, validation, file name patterns.

use crate::contract::{Call, Diff, Failure, Json, JsonMap, Outcome, Plan, python_error};
use crate::host::{
    Change, Command, Differences, FileAttrs, Observe, Wanted, clock, expand_path, failure_at, fnmatch, path_info,
    split_words,
};
use md5::Md5;
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Lossy text of a path, for results.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A file's content as text, so that patterns can be applied: UTF-8, or else one character for each byte.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub text: String,
    bytewise: bool,
}

impl Decoded {
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Decoded { text, bytewise: false },
            Err(e) => Decoded { text: e.as_bytes().iter().map(|b| char::from(*b)).collect(), bytewise: true },
        }
    }
    /// Text from the arguments, made comparable with this content.
    pub fn foreign(&self, text: &str) -> String {
        if self.bytewise { text.bytes().map(char::from).collect() } else { text.to_owned() }
    }
    /// Back to bytes.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        if self.bytewise { text.chars().map(|c| c as u8).collect() } else { text.as_bytes().to_vec() }
    }
}

/// Hexadecimal digest.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn sha1_hex(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

fn digest_of<D: Digest>(reader: &mut dyn Read) -> io::Result<String> {
    let mut digest = D::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hex(&digest.finalize())),
            Ok(n) => digest.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Names of digests that `checksum_algorithm` may have.
pub const ALGORITHMS: &[&str] = &["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

/// Digest of a file by one of [`ALGORITHMS`].
///
/// # Errors
/// The file cannot be read.
pub fn checksum(host: &dyn Observe, path: &Path, algorithm: &str) -> io::Result<String> {
    let mut reader = host.open(path)?;
    match algorithm {
        "md5" => digest_of::<Md5>(&mut reader),
        "sha224" => digest_of::<Sha224>(&mut reader),
        "sha256" => digest_of::<Sha256>(&mut reader),
        "sha384" => digest_of::<Sha384>(&mut reader),
        "sha512" => digest_of::<Sha512>(&mut reader),
        _ => digest_of::<Sha1>(&mut reader),
    }
}

/// The path with all links resolved, as Python's `realpath`: parts that do not exist stay as they are.
pub fn real_path(host: &dyn Observe, path: &Path) -> PathBuf {
    if let Ok(real) = host.canonicalize(path) {
        return real;
    }
    // A dangling link: where it points is what will be written.
    if let (Ok(target), Some(parent)) = (host.read_link(path), path.parent()) {
        return parent.join(target);
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => real_path(host, parent).join(name),
        _ => path.to_owned(),
    }
}

/// Python's `os.path.normpath`.
pub fn normal_path(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() && !out.ends_with("..") => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// Creates the directories above `path` that are missing, and tells which.
///
/// # Errors
/// The host refuses one.
pub fn make_parents(host: &mut dyn Change, path: &Path) -> io::Result<Vec<PathBuf>> {
    let missing: Vec<PathBuf> = path
        .ancestors()
        .skip(1)
        .filter(|p| !p.as_os_str().is_empty())
        .take_while(|p| !host.is_dir(p))
        .map(Path::to_path_buf)
        .collect();
    for dir in missing.iter().rev() {
        match host.create_dir(dir, 0o777) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
    }
    Ok(missing.into_iter().rev().collect())
}

/// Copies a file beside itself under a name with process number and time, keeping owner, mode and times.
///
/// # Errors
/// The copy cannot be made.
pub fn backup(host: &mut dyn Change, path: &Path) -> Result<String, Failure> {
    let (now, _) = clock::Civil::now(host.observe());
    let name = format!("{}.{}.{}@{}~", path.display(), std::process::id(), now.date(), now.time());
    let fail = |e: &io::Error| Failure::new(format!("Could not make backup of {} to {name}: {e}", path.display()));
    let stat = host.stat(path).map_err(|e| fail(&e))?;
    let options = crate::host::WriteOptions { mode: Some(stat.mode), ..Default::default() };
    host.copy(path, Path::new(&name), &options).map_err(|e| fail(&e))?;
    let _ = host.set_owner(Path::new(&name), Some(stat.uid), Some(stat.gid), false);
    let _ = host.set_times(Path::new(&name), Some(stat.atime), Some(stat.mtime));
    Ok(name)
}

/// Runs `validate` on a file that holds the new content.
///
/// # Errors
/// No `%s` in it, or the command cannot be run.
pub fn run_validation(host: &mut dyn Change, validate: &str, candidate: &Path) -> Result<crate::host::Output, Failure> {
    if !validate.contains("%s") {
        return Err(Failure::new(format!("validate must contain %s: {validate}")));
    }
    let line = validate.replacen("%s", &text(candidate), 1).replace("%%", "%");
    let words = split_words(&line).map_err(Failure::new)?;
    let words: Vec<String> = words.iter().map(|w| expand_path(host.observe(), w)).collect();
    let Some((program, args)) = words.split_first() else { return Err(Failure::new("validate is empty")) };
    let command = Command::new(program.as_str()).args(args.iter().cloned());
    crate::host::steps::execute(host, &command)
}

/// One file to get new content and attributes: what `lineinfile`, `blockinfile`, `replace` and `ini_file` plan.
pub struct Edit {
    path: PathBuf,
    /// Where the content goes: links resolved.
    target: PathBuf,
    existed: bool,
    after: Option<Vec<u8>>,
    backup: bool,
    /// The return value that names the backup.
    backup_key: &'static str,
    validate: Option<String>,
    wanted: Wanted,
    outcome: Outcome,
    /// The result tells owner, mode and so on.
    describe: bool,
}

/// What an [`Edit`] is made from.
pub struct Draft<'a> {
    pub path: &'a Path,
    /// `None` where the file does not exist.
    pub before: Option<Vec<u8>>,
    pub after: Vec<u8>,
    pub attrs: &'a FileAttrs,
    pub backup: bool,
    pub backup_key: &'static str,
    pub validate: Option<String>,
    /// Message of the result if the content changes.
    pub msg: String,
    /// Return values besides `msg`.
    pub outcome: Outcome,
    pub style: Style,
}

/// How an edit tells what it did, and what it does with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `lineinfile`, `blockinfile`: a diff of the content and one of the attributes, both told in `msg`.
    Text,
    /// `replace`: a diff of the content under the file's bare name.
    Replace,
    /// `ini_file`, `assemble`: `msg` stays, the result describes the file. A link is replaced unless it is to be followed.
    Whole { follow: bool },
}

impl Edit {
    /// Compares and decides.
    ///
    /// # Errors
    /// An unknown owner or group, a bad mode.
    pub fn plan(draft: Draft, host: &dyn Observe, call: &Call) -> Result<Plan<Edit>, Failure> {
        let Draft { path, before, after, attrs, backup, backup_key, validate, mut msg, mut outcome, style } = draft;
        let follow = style != Style::Whole { follow: false };
        let target = if follow { real_path(host, path) } else { path.to_owned() };
        let path = if matches!(style, Style::Whole { .. }) { target.as_path() } else { path };
        let existed = before.is_some();
        let changed = before.as_deref() != Some(after.as_slice());
        let wanted = attrs.resolve(host, path, call)?;
        let differences =
            if existed { wanted.differences(host, path)? } else { wanted.differences_of_new(host, path, 0o666)? };
        // Check mode tells nothing of the attributes of what is not there.
        let told = existed || !call.check;
        if call.diff {
            let (old, new) =
                (String::from_utf8_lossy(before.as_deref().unwrap_or_default()), String::from_utf8_lossy(&after));
            let suffix = if style == Style::Replace { "" } else { " (content)" };
            if changed || style != Style::Replace {
                outcome.diff.push(Diff::text(&format!("{}{suffix}", path.display()), &old, &new));
            }
            if style == Style::Text && told {
                outcome.diff.push(attribute_diff(path, &differences));
            }
        }
        let describe = matches!(style, Style::Whole { .. });
        if differences.any() && told && !describe {
            if changed {
                msg.push_str(" and ");
            }
            msg.push_str("ownership, perms or SE linux context changed");
        }
        outcome.changed = changed || differences.any();
        outcome.set("msg", msg);
        if !outcome.changed {
            if describe {
                outcome.values.extend(path_info(host, path));
            }
            return Ok(Plan::Done(outcome));
        }
        let after = changed.then_some(after);
        let path = path.to_owned();
        Ok(Plan::Work(Edit { path, target, existed, after, backup, backup_key, validate, wanted, outcome, describe }))
    }

    pub fn preview(&self) -> Outcome {
        self.outcome.clone()
    }

    /// # Errors
    /// What the host refuses.
    pub fn apply(mut self, host: &mut dyn Change) -> Result<Outcome, Failure> {
        if let Some(after) = &self.after {
            make_parents(host, &self.target)
                .map_err(|e| Failure::new(format!("Error creating {} ({})", self.path.display(), python_error(&e))))?;
            if self.backup && self.existed {
                let name = backup(host, &self.path)?;
                self.outcome.set(self.backup_key, name);
            }
            if let Some(validate) = self.validate.as_deref().filter(|v| !v.is_empty()) {
                validate_content(host, validate, after)?;
            }
            // Attributes belong to the named path: where that is a link, the file behind it keeps its own.
            let options = if self.path == self.target {
                self.wanted.write_options(host.observe(), &self.target)?
            } else {
                crate::host::WriteOptions { unsafe_writes: self.wanted.unsafe_writes, ..Default::default() }
            };
            host.write(&self.target, &mut after.as_slice(), &options)
                .map_err(|e| write_failure(host.observe(), &self.target, &e))?;
        }
        self.wanted.apply(host, &self.path)?;
        if self.describe {
            self.outcome.values.extend(path_info(host.observe(), &self.path));
        }
        Ok(self.outcome)
    }
}

fn validate_content(host: &mut dyn Change, validate: &str, content: &[u8]) -> Result<(), Failure> {
    let dir = host.temp_dir(None, ".tightbeam-").map_err(|e| Failure::io("temporary directory", &e))?;
    let candidate = dir.join("content");
    host.write(&candidate, &mut &*content, &Default::default()).map_err(|e| Failure::io(candidate.display(), &e))?;
    let out = run_validation(host, validate, &candidate)?;
    let _ = host.remove_dir_all(&dir);
    if out.ok() {
        return Ok(());
    }
    Err(Failure::new(format!("failed to validate: rc:{} error:{}", out.rc, out.stderr_text())))
}

/// A file could not be written.
pub fn write_failure(host: &dyn Observe, path: &Path, error: &io::Error) -> Failure {
    failure_at(host, path, format!("Could not replace file {}: {}", path.display(), python_error(error)))
}

/// The second entry of an edit's diff.
pub fn attribute_diff(path: &Path, differences: &Differences) -> Diff {
    let header = format!("{} (file attributes)", path.display());
    let (mut before, mut after) = (JsonMap::new(), JsonMap::new());
    differences.tell(&mut before, &mut after);
    let side = |map: JsonMap| (!map.is_empty()).then_some(Json::Object(map));
    Diff {
        before: side(before),
        after: side(after),
        before_header: Some(header.clone()),
        after_header: Some(header),
        prepared: None,
    }
}

/// Paths that fit a shell pattern, as Python's `glob.glob`: wildcards do not match a leading dot. A pattern without
/// wildcards fits what exists, a dangling link included.
pub(crate) fn glob(host: &dyn Observe, pattern: &str) -> Vec<PathBuf> {
    let wild = |part: &str| part.contains(['*', '?', '[']);
    let path = Path::new(pattern);
    let mut found = vec![if path.is_absolute() { PathBuf::from("/") } else { PathBuf::new() }];
    for part in path.components() {
        let part = match part {
            Component::RootDir | Component::Prefix(_) => continue,
            other => other.as_os_str().to_string_lossy().into_owned(),
        };
        found = found
            .into_iter()
            .flat_map(|base| {
                if !wild(&part) {
                    return Some(base.join(&part)).into_iter().filter(|p| host.exists(p)).collect::<Vec<_>>();
                }
                let dir = if base.as_os_str().is_empty() { Path::new(".") } else { &base };
                let names = host.read_dir(dir).unwrap_or_default();
                let names = names.into_iter().map(|n| n.to_string_lossy().into_owned());
                let fits = |n: &String| fnmatch(n, &part) && (part.starts_with('.') || !n.starts_with('.'));
                names.filter(fits).map(|n| base.join(n)).collect()
            })
            .collect();
    }
    found.sort();
    found
}
