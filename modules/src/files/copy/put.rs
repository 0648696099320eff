//! One file's new content: compared, fetched if it differs, checked, written.

use super::{Args, Draft, Item};
use crate::contract::{Blob, Call, Diff, Failure, Outcome};
use crate::files::shared::{backup, checksum, hex, real_path, run_validation, sha1_hex, text, write_failure};
use crate::host::{Change, FileKind, Observe, Wanted, WriteOptions};
use md5::Md5;
use sha1::{Digest, Sha1};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files over this many bytes are not shown in diffs, as ansible-core's `MAX_FILE_SIZE_FOR_DIFF`.
const LONGEST_DIFF: u64 = 104_448;

pub(super) enum Source {
    Blob(Blob),
    Bytes(Vec<u8>),
    /// A file of the host's.
    File {
        path: PathBuf,
        size: u64,
        sha1: String,
    },
}

impl Source {
    pub fn sha1(&self) -> String {
        match self {
            Source::Blob(blob) => blob.sha1.clone(),
            Source::Bytes(bytes) => sha1_hex(bytes),
            Source::File { sha1, .. } => sha1.clone(),
        }
    }
    fn size(&self) -> u64 {
        match self {
            Source::Blob(blob) => blob.size,
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::File { size, .. } => *size,
        }
    }
}

/// A file to write.
pub(super) struct Put {
    source: Source,
    sha1: String,
    pub dest: PathBuf,
    backup: bool,
    validate: Option<String>,
    pub wanted: Wanted,
    /// Mode, owner and times of the source, where a copy on the host takes them along.
    pub keep: Option<Kept>,
}

#[derive(Clone, Copy)]
pub(super) struct Kept {
    pub mode: Option<u32>,
    pub owner: Option<(u32, u32)>,
    pub atime: f64,
    pub mtime: f64,
}

/// Hashes what passes, and fails at the end if it is not what was announced.
struct Checked<'a> {
    inner: &'a mut dyn Read,
    sha1: Sha1,
    md5: Md5,
    expected: &'a str,
}

impl Read for Checked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        if n == 0 && !into.is_empty() && hex(&self.sha1.clone().finalize()) != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the content changed on its way"));
        }
        self.sha1.update(&into[..n]);
        self.md5.update(&into[..n]);
        Ok(n)
    }
}

impl Draft<'_> {
    /// Plans one file and returns `dest` for the result.
    pub(super) fn one(&mut self, args: &Args, source: Source) -> Result<String, Failure> {
        let host = self.host;
        let name = args._original_basename.as_deref().filter(|n| !n.is_empty());
        let mut dest = PathBuf::from(&args.dest);
        let is_content = name.is_none() && !matches!(source, Source::File { .. });
        if args.dest.ends_with('/') {
            match name {
                Some(name) => dest.push(name),
                None if is_content => return Err(Failure::new("can not use content with a dir as dest")),
                None => {}
            }
        }
        if host.is_dir(&dest) {
            match name {
                Some(name) => dest.push(Path::new(name).file_name().unwrap_or_default()),
                None => return Err(Failure::new("can not use content with a dir as dest")),
            }
        }
        let make = args.dest.ends_with('/');
        self.put(args, source, dest.clone(), make, args._mode.as_deref())?;
        let shown = self.subject.clone().unwrap_or(dest);
        Ok(text(&shown))
    }

    /// Plans a file at exactly `dest`. `make` = directories above it may be made.
    pub(super) fn put(
        &mut self,
        args: &Args,
        source: Source,
        mut dest: PathBuf,
        make: bool,
        source_mode: Option<&str>,
    ) -> Result<(), Failure> {
        let host = self.host;
        let is_link = host.lstat(&dest).is_ok_and(|s| s.kind == FileKind::Symlink);
        let exists = host.stat(&dest).is_ok();
        if is_link && args.follow && exists {
            dest = real_path(host, &dest);
        }
        if exists && !args.force {
            self.outcome.set("dest", text(&dest));
            return Ok(());
        }
        self.subject = Some(dest.clone());
        let sha1 = source.sha1();
        let wanted = self.wanted(args, &dest, source_mode)?;
        let present = host.stat(&dest).ok();
        let regular = present.as_ref().is_some_and(|s| s.kind == FileKind::File);
        let old_sha1 = if regular && (!is_link || args.follow) { checksum(host, &dest, "sha1").ok() } else { None };
        self.outcome.set("checksum", sha1.as_str());
        if old_sha1.as_deref() == Some(sha1.as_str()) {
            if !args.remote_src {
                self.outcome.set("path", text(&dest));
            }
            return self.attributes(&dest, wanted);
        }
        if args.checksum.as_ref().is_some_and(|c| !c.is_empty() && *c != sha1) {
            return Err(Failure::new("Copied file does not match the expected checksum. Transfer failed.")
                .with("checksum", sha1)
                .with("expected_checksum", args.checksum.clone()));
        }
        let source = if self.call.diff { self.tell_diff(args, source, &dest, regular)? } else { source };
        // A failure tells what would have been written, too.
        if let Err(failure) = self.check_place(args, &dest, &sha1, make, &wanted) {
            return Err(Failure { diff: std::mem::take(&mut self.outcome.diff), ..failure });
        }
        self.changed = true;
        self.items.push(Item::Put(Put {
            source,
            sha1,
            dest,
            backup: args.backup,
            validate: args.validate.clone().filter(|v| !v.is_empty()),
            wanted,
            keep: None,
        }));
        Ok(())
    }

    /// Whether the content can be written at `dest`; plans the directories above it with `make`.
    fn check_place(
        &mut self,
        args: &Args,
        dest: &Path,
        sha1: &str,
        make: bool,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        let host = self.host;
        let parent = dest.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        if make {
            self.make_dirs(args, &parent)?;
        } else if !self.call.check && !self.makes(&parent) {
            if !host.exists(&parent) {
                let failure = Failure::new(format!("Destination directory {} does not exist", parent.display()));
                return Err(if args.remote_src { failure } else { failure.with("checksum", sha1) });
            }
            if !host.access(&parent, 2) && !wanted.unsafe_writes {
                return Err(self.refuse(sha1, format!("Destination {} not writable", parent.display())));
            }
        }
        if args.validate.as_ref().is_some_and(|v| !v.is_empty() && !v.contains("%s")) {
            let validate = args.validate.as_deref().unwrap_or_default();
            return Err(self.refuse(sha1, format!("validate must contain %s: {validate}")));
        }
        wanted.write_options(host, dest).map(|_| ())
    }

    fn refuse(&self, sha1: &str, msg: String) -> Failure {
        Failure::new(msg).with("checksum", sha1)
    }

    /// Adds the diff. Content that had to be fetched for it is kept for the write.
    fn tell_diff(&mut self, args: &Args, source: Source, dest: &Path, regular: bool) -> Result<Source, Failure> {
        if matches!(source, Source::File { .. }) {
            return Ok(source);
        }
        let shown = text(dest);
        let mut diff = Diff {
            after_header: Some(args._after_header.clone().unwrap_or_else(|| shown.clone())),
            before_header: regular.then_some(shown),
            ..Diff::default()
        };
        let binary = |bytes: &[u8]| bytes.iter().take(8192).any(|b| *b == 0);
        let skipped = |which: &str, why: &str| Some(format!("diff skipped: {which} {why}\n"));
        let too_long = format!("file size is greater than {LONGEST_DIFF}");
        let old_size = if regular { self.host.stat(dest).map_or(0, |s| s.size) } else { 0 };
        if old_size > LONGEST_DIFF {
            diff.prepared = skipped("destination", &too_long);
        } else if source.size() > LONGEST_DIFF {
            diff.prepared = skipped("source", &too_long);
        }
        if diff.prepared.is_some() {
            self.outcome.diff.push(diff);
            return Ok(source);
        }
        let bytes = match source {
            Source::Blob(blob) => fetch(self.call, &blob)?,
            Source::Bytes(bytes) => bytes,
            other => return Ok(other),
        };
        let old = if regular { self.host.read(dest).unwrap_or_default() } else { Vec::new() };
        if binary(&old) {
            diff.prepared = skipped("destination", "file appears to be binary");
        } else if binary(&bytes) {
            diff.prepared = skipped("source", "file appears to be binary");
        } else {
            diff.before = Some(String::from_utf8_lossy(&old).into());
            diff.after = Some(String::from_utf8_lossy(&bytes).into());
        }
        self.outcome.diff.push(diff);
        Ok(Source::Bytes(bytes))
    }
}

fn fetch(call: &Call, blob: &Blob) -> Result<Vec<u8>, Failure> {
    let fail = |e| Failure::io("could not get the content from the controller", &e);
    let mut bytes = Vec::new();
    call.blobs.open(blob.id).map_err(fail)?.read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

impl Put {
    pub fn new(source: Source, dest: PathBuf, args: &Args, wanted: Wanted, keep: Option<Kept>) -> Self {
        let validate = args.validate.clone().filter(|v| !v.is_empty());
        Put { sha1: source.sha1(), source, dest, backup: args.backup, validate, wanted, keep }
    }

    /// Writes the file; `told` is the file that the result tells of.
    pub fn apply(
        self,
        host: &mut dyn Change,
        call: &Call,
        outcome: &mut Outcome,
        told: Option<&Path>,
    ) -> Result<(), Failure> {
        let told = told == Some(self.dest.as_path());
        if self.backup && host.stat(&self.dest).is_ok() {
            let name = backup(host, &self.dest)?;
            if told {
                outcome.set("backup_file", name);
            }
        }
        let mut options = self.wanted.write_options(host.observe(), &self.dest)?;
        if let Some(kept) = self.keep {
            options.mode = options.mode.or(kept.mode);
            options.uid = options.uid.or(kept.owner.map(|o| o.0));
            options.gid = options.gid.or(kept.owner.map(|o| o.1));
        }
        let md5 = match &self.validate {
            Some(validate) => self.write_validated(host, call, validate, &options)?,
            None => self.write(host, call, &self.dest, &options)?,
        };
        if let Some(kept) = self.keep {
            let _ = host.set_times(&self.dest, Some(kept.atime), Some(kept.mtime));
        }
        self.wanted.apply(host, &self.dest)?;
        if told {
            outcome.set("md5sum", md5);
        }
        Ok(())
    }

    /// Streams the content to `to` and returns its MD5.
    fn write(&self, host: &mut dyn Change, call: &Call, to: &Path, options: &WriteOptions) -> Result<String, Failure> {
        let mut reader: Box<dyn Read + '_> = match &self.source {
            Source::Blob(blob) => call
                .blobs
                .open(blob.id)
                .map_err(|e| Failure::io("could not get the content from the controller", &e))?,
            Source::Bytes(bytes) => Box::new(bytes.as_slice()),
            Source::File { path, .. } => {
                host.copy(path, to, options).map_err(|e| write_failure(host.observe(), to, &e))?;
                return checksum(host.observe(), to, "md5").map_err(|e| Failure::io(to.display(), &e));
            }
        };
        let mut checked = Checked { inner: &mut reader, sha1: Sha1::new(), md5: Md5::new(), expected: &self.sha1 };
        host.write(to, &mut checked, options).map_err(|e| write_failure(host.observe(), to, &e))?;
        Ok(hex(&checked.md5.finalize()))
    }

    /// Writes to a private directory first and runs the command on it. The name keeps its extension, which some checkers
    /// look at.
    fn write_validated(
        &self,
        host: &mut dyn Change,
        call: &Call,
        validate: &str,
        options: &WriteOptions,
    ) -> Result<String, Failure> {
        let dir = host.temp_dir(None, ".tightbeam-").map_err(|e| Failure::io("temporary directory", &e))?;
        let extension = self.dest.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
        let candidate = dir.join(format!("source{extension}"));
        let private = WriteOptions { unsafe_writes: false, ..options.clone() };
        let md5 = self.write(host, call, &candidate, &private)?;
        let out = run_validation(host, validate, &candidate)?;
        if !out.ok() {
            return Err(Failure::new("failed to validate")
                .with("exit_status", out.rc)
                .with("stdout", out.stdout_text())
                .with("stderr", out.stderr_text())
                .with("checksum", self.sha1.as_str()));
        }
        host.copy(&candidate, &self.dest, options).map_err(|e| write_failure(host.observe(), &self.dest, &e))?;
        let _ = host.remove_dir_all(&dir);
        Ok(md5)
    }
}

/// A file of the host's as a source.
///
/// # Errors
/// It cannot be read.
pub(super) fn file_source(host: &dyn Observe, path: &Path) -> Result<Source, Failure> {
    let fail = |e: io::Error| Failure::io(format!("Unable to read {}", path.display()), &e);
    let size = host.stat(path).map_err(fail)?.size;
    Ok(Source::File { path: path.to_owned(), size, sha1: checksum(host, path, "sha1").map_err(fail)? })
}
