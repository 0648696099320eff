//! `community.general.archive`: files packed into one. Tar archives and compressed files are made by the host's own programs,
//! so that nothing of their content is held in memory; zip archives are made here.

use super::shared::{text, write_failure};
use crate::contract::{Arg, ArgType, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, failed_command, plain_english, required};
use crate::host::{Change, Command, FILE_ARGS, FileAttrs, FileKind, Observe, WriteOptions, fnmatch, path_info};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

pub struct Archive;

#[derive(Deserialize)]
pub struct Args {
    path: Vec<String>,
    dest: Option<PathBuf>,
    format: Format,
    exclude_path: Vec<String>,
    exclusion_patterns: Option<Vec<String>>,
    force_archive: bool,
    remove: bool,
    #[serde(flatten)]
    attrs: FileAttrs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Bz2,
    Gz,
    Tar,
    Xz,
    Zip,
}

pub struct Work {
    format: Format,
    dest: PathBuf,
    root: String,
    paths: Vec<String>,
    /// What goes into the archive: the path, and its name there.
    members: Vec<(String, String)>,
    /// One file that is only compressed.
    single: bool,
    remove: bool,
    attrs: FileAttrs,
    /// Check mode would say so.
    foreseen: bool,
    outcome: Outcome,
    final_state: &'static str,
    /// Nothing is packed, owner, mode and so on apart.
    idle: bool,
}

impl Module for Archive {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        check_mode: crate::contract::CheckMode::Partial,
        examples: "- name: Pack a directory\n  community.general.archive:\n    path: /srv/app\n    dest: /var/backups/app.tgz\n    exclusion_patterns: [\"*.log\"]\n",
        returns: &[
            Return { name: "dest", when: "success", doc: "The archive." },
            Return { name: "dest_state", when: "success", doc: "`archive`, `compress`, `incomplete` or `absent`." },
            Return { name: "archived", when: "success", doc: "What was packed." },
            Return { name: "arcroot", when: "success", doc: "Where the names in the archive begin." },
            Return { name: "missing", when: "success", doc: "Paths that are not there." },
            Return { name: "expanded_paths", when: "success", doc: "The paths, patterns replaced." },
            Return { name: "expanded_exclude_paths", when: "success", doc: "The same of exclude_path." },
        ],
        differs: "Archives other than zip are made by the host's GNU tar, gzip, bzip2 and xz.",
        ..ModuleSpec::new(
            "community.general.archive",
            "Packs files into one.",
            &[
                Arg::list("path", ArgType::Path).required().doc("Files, directories, or patterns of them."),
                Arg::path("dest").doc("The archive. For one file, its name and the format if not given."),
                Arg::str("format")
                    .choices(&["bz2", "gz", "tar", "xz", "zip"])
                    .default(Literal::Str("gz"))
                    .doc("How it is packed."),
                Arg::list("exclude_path", ArgType::Path).default(Literal::Strs(&[])).doc("Paths to leave out."),
                Arg::list("exclusion_patterns", ArgType::Path).doc("Patterns of what to leave out."),
                Arg::bool("force_archive").default(Literal::Bool(false)).doc("Make an archive of one file too."),
                Arg::bool("remove").default(Literal::Bool(false)).doc("Remove what was packed."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let (expanded, globs) = expand(host, &args.path);
        let (excluded, _) = expand(host, &args.exclude_path);
        let paths: BTreeSet<String> = expanded.iter().filter(|p| !excluded.contains(p)).cloned().collect();
        let paths: Vec<String> = paths.into_iter().collect();
        let Some(first) = paths.first() else {
            return Err(Failure::new("Error, no source paths were found")
                .with("path", args.path.join(", "))
                .with("expanded_paths", expanded.join(", "))
                .with("expanded_exclude_paths", excluded.join(", ")));
        };
        let archives = args.force_archive || globs || host.is_dir(Path::new(first)) || paths.len() > 1;
        let format = match args.format {
            Format::Bz2 => "bz2",
            Format::Gz => "gz",
            Format::Tar => "tar",
            Format::Xz => "xz",
            Format::Zip => "zip",
        };
        let dest = match args.dest {
            Some(dest) => dest,
            None if !archives => PathBuf::from(format!("{first}.{format}")),
            None => {
                let msg = "Error, must specify \"dest\" when archiving multiple files or trees";
                return Err(Failure::new(msg).with("dest", Json::Null).with("path", args.path.join(", ")));
            }
        };
        if args.remove && paths.iter().any(|p| host.is_dir(Path::new(p)) && dest.starts_with(p) && dest != Path::new(p))
        {
            let msg = "Error, created archive can not be contained in source paths when remove=true";
            return Err(Failure::new(msg).with("path", paths.join(", ")));
        }
        let root = common_root(&paths);
        let (there, missing): (Vec<String>, Vec<String>) =
            paths.iter().cloned().partition(|p| host.exists(Path::new(p)));
        let exists = host.stat(&dest).is_ok();
        let single = !archives && !matches!(args.format, Format::Zip | Format::Tar);
        let patterns = args.exclusion_patterns.unwrap_or_default();
        let mut members = Vec::new();
        for path in &there {
            if archives {
                walk(host, path, &mut members)?;
            } else {
                members.push(path.clone());
            }
        }
        let members: Vec<(String, String)> = members
            .into_iter()
            .map(|path| {
                let name = path.strip_prefix(&root).unwrap_or(&path).to_owned();
                (path, name)
            })
            .filter(|(path, name)| {
                let told = if args.format == Format::Zip { path } else { name };
                single || !patterns.iter().any(|p| fnmatch(told, p))
            })
            .collect();
        let idle = there.is_empty();
        let final_state = match (idle, exists) {
            (true, false) => "absent",
            (true, true) if is_archive(&dest) => "archive",
            (true, true) => "compress",
            _ if single => "compress",
            _ if archives && !missing.is_empty() => "incomplete",
            _ => "archive",
        };
        let outcome = Outcome::default()
            .with("archived", Vec::<String>::new())
            .with("dest", text(&dest))
            .with("dest_state", if idle { final_state } else { "absent" })
            .with("arcroot", root.clone())
            .with("missing", missing)
            .with("expanded_paths", expanded)
            .with("expanded_exclude_paths", excluded);
        let differs = exists && args.attrs.resolve(host, &dest, call)?.differences(host, &dest)?.any();
        let foreseen = differs || !idle && (archives || !exists);
        if !idle {
            match args.format {
                Format::Zip => {}
                Format::Tar => drop(required(host, "tar")?),
                format => {
                    required(host, compressor(format))?;
                    if !single {
                        required(host, "tar")?;
                    }
                }
            }
        }
        let work = Work {
            format: args.format,
            dest,
            root,
            paths,
            members,
            single,
            remove: args.remove,
            attrs: args.attrs,
            foreseen,
            outcome,
            final_state,
            idle,
        };
        if idle && !differs || call.check && !foreseen {
            return Ok(Plan::Done(work.described(host)));
        }
        Ok(Plan::Work(work))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        Outcome { changed: work.foreseen, ..work.outcome.clone() }
    }

    fn apply(mut work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        if !work.idle {
            let before = work.content(host.observe());
            work.pack(host)?;
            work.outcome.changed = before.is_none() || before != work.content(host.observe());
            let archived: Vec<&str> = work.members.iter().map(|(path, _)| path.as_str()).collect();
            work.outcome.set("archived", archived);
            work.outcome.set("dest_state", work.final_state);
            if work.remove {
                work.remove_sources(host)?;
            }
        }
        if host.stat(&work.dest).is_ok() {
            let wanted = work.attrs.resolve(host.observe(), &work.dest, call)?;
            work.outcome.changed |= wanted.apply(host, &work.dest)?.any();
        }
        Ok(work.described(host.observe()))
    }
}

impl Work {
    fn described(&self, host: &dyn Observe) -> Outcome {
        let mut outcome = self.outcome.clone();
        outcome.values.extend(path_info(host, &self.dest));
        outcome
    }

    /// What the archive holds, as far as it matters whether it is the same: names, sizes, times, or a checksum.
    fn content(&self, host: &dyn Observe) -> Option<Vec<u8>> {
        host.stat(&self.dest).ok()?;
        let dest = text(&self.dest);
        if self.format == Format::Zip {
            let bytes = host.read(&self.dest).ok()?;
            let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
            let mut all = BTreeSet::new();
            for index in 0..archive.len() {
                let member = archive.by_index_raw(index).ok()?;
                all.insert(format!("{} {:08x}\n", member.name(), member.crc32()));
            }
            return Some(all.into_iter().collect::<String>().into_bytes());
        }
        let command = if self.single {
            let script = format!("{} -dc < \"$1\" | cksum", compressor(self.format));
            Command::new("/bin/sh").args(["-c", &script, "sh", &dest])
        } else {
            let tar = host.which("tar")?;
            let list = Command::new(tar).args(["--list", "--verbose", "--verbose", "--numeric-owner", "--full-time"]);
            list.args(flag(self.format)).args(["--file", &dest])
        };
        let out = host.query(&plain_english(command)).ok()?;
        out.ok().then_some(out.stdout)
    }

    fn pack(&self, host: &mut dyn Change) -> Result<(), Failure> {
        match self.format {
            Format::Zip => self.pack_zip(host),
            _ if self.single => self.compress(host),
            _ => self.pack_tar(host),
        }
    }

    fn compress(&self, host: &mut dyn Change) -> Result<(), Failure> {
        let source = self.members.first().map(|(path, _)| path.as_str()).unwrap_or_default();
        let dest = text(&self.dest);
        let script = format!("{} -c < \"$1\" > \"$2\"", compressor(self.format));
        let command = Command::new("/bin/sh").args(["-c", &script, "sh", source, &dest]);
        let out = execute(host, &plain_english(command))?;
        if out.ok() {
            return Ok(());
        }
        let msg = format!("Unable to write to compressed file: {}", out.stderr_text().trim_end());
        Err(Failure::new(msg).with("path", source).with("dest", dest))
    }

    fn pack_tar(&self, host: &mut dyn Change) -> Result<(), Failure> {
        let tar = required(host.observe(), "tar")?;
        let mut list = Vec::new();
        for (_, name) in &self.members {
            list.extend_from_slice(name.as_bytes());
            list.push(0);
        }
        let root = if self.root.is_empty() { "." } else { &self.root };
        let command = Command::new(tar)
            .args(["--create", "--file", &text(&self.dest)])
            .args(flag(self.format))
            .args(["--directory", root, "--no-recursion", "--null", "--files-from=-"])
            .stdin(list);
        let out = execute(host, &plain_english(command.clone()))?;
        // 1: a file changed while it was read.
        if out.rc == 0 || out.rc == 1 {
            return Ok(());
        }
        let msg =
            format!("Error when writing tar archive at {}: {}", self.dest.display(), out.stderr_text().trim_end());
        Err(failed_command(&command, &out, &msg))
    }

    fn pack_zip(&self, host: &mut dyn Change) -> Result<(), Failure> {
        let fail = |e: String| Failure::new(format!("Error when writing zip archive at {}: {e}", self.dest.display()));
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, name) in &self.members {
            let stat = host.stat(Path::new(path)).map_err(|e| fail(format!("{path}: {e}")))?;
            let options = SimpleFileOptions::default()
                .unix_permissions(stat.mode)
                .last_modified_time(moment(stat.mtime as i64 + host.utc_offset()))
                .large_file(stat.size > u64::from(u32::MAX));
            if stat.kind == FileKind::Directory {
                writer.add_directory(name.as_str(), options).map_err(|e| fail(e.to_string()))?;
                continue;
            }
            let content = host.read(Path::new(path)).map_err(|e| fail(format!("{path}: {e}")))?;
            writer.start_file(name.as_str(), options).map_err(|e| fail(e.to_string()))?;
            writer.write_all(&content).map_err(|e| fail(e.to_string()))?;
        }
        let bytes = writer.finish().map_err(|e| fail(e.to_string()))?.into_inner();
        host.write(&self.dest, &mut bytes.as_slice(), &WriteOptions::default())
            .map_err(|e| write_failure(host.observe(), &self.dest, &e))
    }

    fn remove_sources(&self, host: &mut dyn Change) -> Result<(), Failure> {
        let mut left = Vec::new();
        let all = self.members.iter().map(|(path, _)| path).chain(&self.paths);
        for path in all {
            let place = Path::new(path);
            let gone = match host.lstat(place).map(|s| s.kind) {
                Err(_) => Ok(()),
                Ok(FileKind::Directory) => host.remove_dir_all(place),
                Ok(_) => host.remove_file(place),
            };
            if gone.is_err() {
                left.push(path.clone());
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let failure = Failure::new("Error deleting some source files: ");
        Err(failure.with("dest", text(&self.dest)).with("files", left))
    }
}

fn compressor(format: Format) -> &'static str {
    match format {
        Format::Bz2 => "bzip2",
        Format::Xz => "xz",
        _ => "gzip",
    }
}

/// Tar's option for the compression.
fn flag(format: Format) -> Option<&'static str> {
    match format {
        Format::Bz2 => Some("--bzip2"),
        Format::Gz => Some("--gzip"),
        Format::Xz => Some("--xz"),
        Format::Tar | Format::Zip => None,
    }
}

/// A time of day as zip keeps it.
fn moment(seconds: i64) -> zip::DateTime {
    let c = crate::host::clock::Civil::from_seconds(seconds);
    let year = u16::try_from(c.year).unwrap_or(1980);
    zip::DateTime::from_date_and_time(year, c.month as u8, c.day as u8, c.hour as u8, c.minute as u8, c.second as u8)
        .unwrap_or_default()
}

/// What is below a directory, each directory before what it holds; or the path itself.
fn walk(host: &dyn Observe, path: &str, out: &mut Vec<String>) -> Result<(), Failure> {
    if !host.is_dir(Path::new(path)) {
        out.push(path.to_owned());
        return Ok(());
    }
    let names = host.read_dir(Path::new(path)).map_err(|e| Failure::io(path, &e))?;
    let (mut dirs, mut files) = (Vec::new(), Vec::new());
    for name in names {
        let full = text(&Path::new(path).join(name));
        if host.is_dir(Path::new(&full)) { dirs.push(full) } else { files.push(full) }
    }
    out.extend(dirs.iter().cloned());
    out.extend(files);
    for dir in dirs {
        if host.lstat(Path::new(&dir)).is_ok_and(|s| s.kind == FileKind::Directory) {
            walk(host, &dir, out)?;
        }
    }
    Ok(())
}

/// The paths with patterns replaced by what they match, and whether there was a pattern.
fn expand(host: &dyn Observe, paths: &[String]) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    let mut globs = false;
    for path in paths {
        if path.contains(['*', '?']) {
            globs = true;
            found.extend(glob(host, path));
        } else {
            found.push(path.clone());
        }
    }
    (found, globs)
}

fn glob(host: &dyn Observe, pattern: &str) -> Vec<String> {
    let mut places = vec![if pattern.starts_with('/') { "/".to_owned() } else { String::new() }];
    let parts: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty()).collect();
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let join = |place: &str, name: &str| text(&Path::new(place).join(name));
        places = places
            .iter()
            .flat_map(|place| -> Vec<String> {
                if !part.contains(['*', '?', '[']) {
                    return vec![join(place, part)];
                }
                let dir = if place.is_empty() { Path::new(".") } else { Path::new(place) };
                let names = host.read_dir(dir).unwrap_or_default();
                let names = names.into_iter().map(|n| n.to_string_lossy().into_owned());
                let hidden = part.starts_with('.');
                names.filter(|n| (hidden || !n.starts_with('.')) && fnmatch(n, part)).map(|n| join(place, &n)).collect()
            })
            .filter(|place| if last { host.exists(Path::new(place)) } else { host.is_dir(Path::new(place)) })
            .collect();
    }
    places
}

/// The directory that holds all of them, with a slash at its end.
fn common_root(paths: &[String]) -> String {
    let dirs: Vec<String> = paths
        .iter()
        .map(|p| match p.rfind('/') {
            None => String::new(),
            Some(0) => "/".to_owned(),
            Some(end) => format!("{}/", p[..end].trim_end_matches('/')),
        })
        .collect();
    let Some(first) = dirs.first() else { return String::new() };
    let shared = dirs
        .iter()
        .fold(first.len(), |n, dir| first.bytes().zip(dir.bytes()).take(n).take_while(|(a, b)| a == b).count());
    first[..shared].rfind('/').map_or(String::new(), |end| first[..=end].to_owned())
}

fn is_archive(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".zip"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::real::Real;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const ARCHIVE: Entry = Entry::of::<Archive>();

    #[test]
    fn a_zip_archive_once() {
        let mut host = Fake::new().file("/s/a/x", "1").file("/s/a/y.log", "2").file("/s/b", "3").dir("/d");
        let args = json!({"path": ["/s/*"], "dest": "/d/s.zip", "format": "zip", "exclusion_patterns": ["*.log"]});
        let out = run(&ARCHIVE, args.clone(), &mut host, false).unwrap();
        assert!(out.changed);
        assert_eq!((&out.values["arcroot"], &out.values["dest_state"]), (&json!("/s/"), &json!("archive")));
        assert_eq!(out.values["archived"], json!(["/s/a/x", "/s/b"]));
        assert!(!run(&ARCHIVE, args.clone(), &mut host, false).unwrap().changed);
        host.set_file("/s/b", "4", 0o644);
        assert!(run(&ARCHIVE, args, &mut host, false).unwrap().changed);
        for (args, msg) in [
            (json!({"path": "/s/none*", "dest": "/d/x"}), "Error, no source paths were found"),
            (json!({"path": "/s"}), "Error, must specify \"dest\" when archiving multiple files or trees"),
            (
                json!({"path": "/s", "dest": "/s/x.zip", "format": "zip", "remove": true}),
                "Error, created archive can not be contained in source paths when remove=true",
            ),
        ] {
            assert_eq!(run(&ARCHIVE, args, &mut host, false).unwrap_err().msg, msg);
        }
        let out = case(&ARCHIVE, json!({"path": "/none", "dest": "/d/none.gz"}), &mut host).unwrap();
        assert_eq!(
            (out.changed, &out.values["dest_state"], &out.values["missing"]),
            (false, &json!("absent"), &json!(["/none"]))
        );
    }

    /// On this machine, with its own tar.
    #[test]
    fn tar_archives_and_compressed_files() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        std::fs::create_dir_all(at("s/sub")).unwrap();
        std::fs::write(at("s/sub/f"), "text").unwrap();
        std::fs::write(at("s/-odd name"), "text").unwrap();
        let call = |args: Json| {
            let args = crate::contract::validate(ARCHIVE.spec, args.as_object().unwrap().clone()).unwrap();
            let environment = Default::default();
            let call = Call { check: false, diff: false, verbosity: 0, environment, blobs: &crate::contract::NoBlobs };
            (ARCHIVE.run)(args, &mut Real::default(), &call).unwrap()
        };
        let args = json!({"path": at("s"), "dest": at("s.tgz"), "mode": "0600"});
        assert!(call(args.clone()).changed);
        let again = call(args);
        assert_eq!((again.changed, &again.values["mode"]), (false, &json!("0600")));
        let single = json!({"path": at("s/sub/f"), "remove": true});
        let out = call(single);
        assert_eq!((out.changed, &out.values["dest_state"]), (true, &json!("compress")));
        assert!(!Path::new(&at("s/sub/f")).exists() && Path::new(&at("s/sub/f.gz")).exists());
        let all = call(json!({"path": at("s"), "dest": at("all.tar"), "format": "tar", "remove": true}));
        assert_eq!(all.values["arcroot"], format!("{}/", dir.path().display()));
        assert!(!Path::new(&at("s")).exists());
    }

    #[test]
    fn roots() {
        for (paths, root) in
            [(vec!["/a/b"], "/a/"), (vec!["/a/b/c", "/a/bc"], "/a/"), (vec!["/a", "/b/c"], "/"), (vec!["a"], "")]
        {
            let paths: Vec<String> = paths.into_iter().map(str::to_owned).collect();
            assert_eq!(common_root(&paths), root);
        }
    }
}
