//! `file`: state and attributes of files, directories and links.

mod links;
mod times;

use super::shared::{real_path, text};
use crate::contract::{
    Arg, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, python_error,
};
use crate::host::{
    Change, FILE_ARGS, FileAttrs, FileKind, Observe, Wanted, WriteOptions, failure_at, path_info, state_of,
};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use times::{Times, When};

pub struct File;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: Option<String>,
    src: Option<PathBuf>,
    recurse: bool,
    force: bool,
    follow: bool,
    modification_time: Option<String>,
    modification_time_format: String,
    access_time: Option<String>,
    access_time_format: String,
    _original_basename: Option<String>,
    _diff_peek: Option<bool>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

/// One change, known when planned.
enum Step {
    MakeDir(PathBuf),
    MakeFile(PathBuf),
    /// Brings owner, mode and so on in line.
    Attributes(PathBuf),
    Times(PathBuf, When, When),
    RemoveFile(PathBuf),
    RemoveTree(PathBuf),
    /// Makes a link, in place of what is there.
    Link {
        target: PathBuf,
        link: PathBuf,
        hard: bool,
        present: &'static str,
    },
}

pub struct Work {
    path: PathBuf,
    steps: Vec<Step>,
    wanted: Wanted,
    outcome: Outcome,
    /// What check mode tells of the file besides: its present state.
    info: JsonMap,
}

impl Module for File {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        examples: r#"
- name: A directory
  ansible.builtin.file:
    path: /srv/app
    state: directory
    owner: root
    mode: "0755"

- name: A link
  ansible.builtin.file:
    src: /srv/app/releases/42
    dest: /srv/app/current
    state: link

- name: Nothing there
  ansible.builtin.file:
    path: /etc/nginx/sites-enabled/default
    state: absent

- name: Right down to the last file
  ansible.builtin.file:
    path: /srv/app
    state: directory
    recurse: true
    mode: u=rwX,g=rX,o=
"#,
        returns: &[
            Return { name: "path", when: "state is absent, directory or file", doc: "The file." },
            Return { name: "dest", when: "state is touch, hard or link", doc: "The file." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.file",
            "State and attributes of files, directories and links.",
            &[
                Arg::path("path").required().aliases(&["dest", "name"]).doc("The file."),
                Arg::str("state")
                    .choices(&["absent", "directory", "file", "hard", "link", "touch"])
                    .doc("What is to be there; what is there already if not given, else `file` (`directory` with `recurse`)."),
                Arg::path("src").doc("What a link points to."),
                Arg::bool("recurse").default(Literal::Bool(false)).doc("Attributes for everything below a directory."),
                Arg::bool("force")
                    .default(Literal::Bool(false))
                    .doc("Link to what does not exist, and in place of files and empty directories."),
                Arg::bool("follow").default(Literal::Bool(true)).doc("Work on what a link points to."),
                Arg::str("modification_time").doc("A time, `preserve` or `now`."),
                Arg::str("modification_time_format")
                    .default(Literal::Str("%Y%m%d%H%M.%S"))
                    .doc("How `modification_time` is written (`strftime`)."),
                Arg::str("access_time").doc("A time, `preserve` or `now`."),
                Arg::str("access_time_format")
                    .default(Literal::Str("%Y%m%d%H%M.%S"))
                    .doc("How `access_time` is written (`strftime`)."),
                Arg::str("_original_basename"),
                Arg::bool("_diff_peek"),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if args._diff_peek.is_some() {
            return Ok(Plan::Done(peek(&args.path, host)));
        }
        let state = settle(&mut args, host)?;
        let times = Times::read(&args, state, host)?;
        let mut warnings =
            if call.check && state != "absent" { missing_accounts(&args.attrs, host) } else { Vec::new() };
        let wanted = args.attrs.resolve(host, &args.path, call).map_err(|mut failure| {
            failure.warnings.append(&mut warnings);
            failure
        })?;
        let mut draft = Draft::new(host, &args.path, wanted, times);
        draft.check = call.check;
        draft.outcome.warnings = warnings;
        let drafted = match state {
            "absent" => {
                draft.absent();
                Ok(())
            }
            "directory" => draft.directory(&args),
            "touch" => draft.touch(&args),
            "link" => draft.symlink(&args),
            "hard" => draft.hard_link(&args),
            _ => draft.file(&args),
        };
        match drafted {
            Ok(()) => Ok(draft.finish(call)),
            Err(mut failure) => {
                failure.warnings.append(&mut draft.outcome.warnings);
                Err(failure)
            }
        }
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        let mut outcome = work.outcome.clone();
        outcome.values.extend(work.info.clone());
        outcome
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        for step in &work.steps {
            if let Err(failure) = take(step, &work, host) {
                // A file that was made for this is not left behind without its owner or mode.
                if let Some(Step::MakeFile(made)) = work.steps.first() {
                    let _ = host.remove_file(made);
                }
                return Err(failure);
            }
        }
        let mut outcome = work.outcome;
        outcome.values.extend(path_info(host.observe(), &work.path));
        Ok(outcome)
    }
}

/// Puts a symbolic link in place of what is there (`copy` of a tree).
///
/// # Errors
/// What the host refuses.
pub(super) fn replace_link(host: &mut dyn Change, target: &Path, link: &Path, present: &str) -> Result<(), Failure> {
    links::make(host, target, link, false, present)
}

/// Whether a file looks binary: what Ansible's own actions ask before they show a difference.
fn peek(path: &Path, host: &dyn Observe) -> Outcome {
    let start = host.read(path).unwrap_or_default();
    let binary = start.iter().take(8192).any(|byte| *byte == 0);
    let mut outcome = Outcome::unchanged().with("path", text(path)).with("appears_binary", binary);
    outcome.values.extend(path_info(host, path));
    outcome
}

/// Settles path and state as Ansible does: a file inside a directory that was named, the state that is there.
fn settle(args: &mut Args, host: &dyn Observe) -> Result<&'static str, Failure> {
    if !matches!(args.state.as_deref(), Some("link" | "absent")) && host.is_dir(&args.path) {
        let from_src = args.src.as_ref().and_then(|s| s.file_name()).map(|n| n.to_string_lossy().into_owned());
        if let Some(name) = args._original_basename.clone().filter(|n| !n.is_empty()).or(from_src) {
            args.path = args.path.join(name);
        }
    }
    let state = match args.state.as_deref() {
        Some("absent") => "absent",
        Some("directory") => "directory",
        Some("touch") => "touch",
        Some("link") => "link",
        Some("hard") => "hard",
        Some(_) => "file",
        None => match state_of(host, &args.path) {
            "absent" if args.recurse => "directory",
            "absent" => "file",
            present => present,
        },
    };
    if args.recurse && state != "directory" {
        return Err(failure_at(host, &args.path, "recurse option requires state to be 'directory'"));
    }
    if args.src.is_some() && !matches!(state, "link" | "hard") {
        return Err(failure_at(host, &args.path, "src option requires state to be 'link' or 'hard'"));
    }
    Ok(state)
}

fn missing_accounts(attrs: &FileAttrs, host: &dyn Observe) -> Vec<String> {
    let mut warnings = Vec::new();
    let tail = "Create";
    if let Some(owner) = attrs.owner.as_deref() {
        match owner.parse::<u32>() {
            Ok(uid) if host.user_by_id(uid).is_none() => warnings
                .push(format!("failed to look up user with uid {uid}. {tail} user up to this point in real play")),
            Err(_) if host.user(owner).is_none() => {
                warnings.push(format!("failed to look up user {owner}. {tail} user up to this point in real play"));
            }
            _ => {}
        }
    }
    if let Some(group) = attrs.group.as_deref() {
        match group.parse::<u32>() {
            Ok(gid) if host.group_by_id(gid).is_none() => warnings
                .push(format!("failed to look up group with gid {gid}. {tail} group up to this point in real play")),
            Err(_) if host.group(group).is_none() => {
                warnings.push(format!("failed to look up group {group}. {tail} group up to this point in real play"));
            }
            _ => {}
        }
    }
    warnings
}

fn take(step: &Step, work: &Work, host: &mut dyn Change) -> Result<(), Failure> {
    match step {
        Step::MakeDir(path) => match host.create_dir(path, 0o777) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && host.is_dir(path) => Ok(()),
            answer => answer.map_err(|e| {
                let msg = format!("There was an issue creating {} as requested: {}", path.display(), python_error(&e));
                failure_at(host.observe(), &work.path, msg)
            }),
        },
        Step::MakeFile(path) => host.write(path, &mut &b""[..], &WriteOptions::default()).map_err(|e| {
            failure_at(host.observe(), path, "Error, could not touch target.").with("exception", python_error(&e))
        }),
        Step::Attributes(path) => work.wanted.apply(host, path).map(|_| ()),
        Step::Times(path, mtime, atime) => times::set(host, path, *mtime, *atime),
        Step::RemoveFile(path) => match host.remove_file(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            answer => answer
                .map_err(|e| failure_at(host.observe(), path, "Unlinking failed.").with("exception", python_error(&e))),
        },
        Step::RemoveTree(path) => host
            .remove_dir_all(path)
            .map_err(|e| Failure::new(format!("rmtree failed: {}: '{}'", python_error(&e), path.display()))),
        Step::Link { target, link, hard, present } => links::make(host, target, link, *hard, present),
    }
}

/// A plan in the making.
struct Draft<'a> {
    host: &'a dyn Observe,
    path: PathBuf,
    /// `path` or `dest` in the result.
    key: &'static str,
    steps: Vec<Step>,
    wanted: Wanted,
    times: Times,
    changed: bool,
    before: JsonMap,
    after: JsonMap,
    tells_diff: bool,
    check: bool,
    outcome: Outcome,
}

impl<'a> Draft<'a> {
    fn new(host: &'a dyn Observe, path: &Path, wanted: Wanted, times: Times) -> Self {
        Draft {
            host,
            path: path.to_owned(),
            key: "path",
            steps: Vec::new(),
            wanted,
            times,
            changed: false,
            before: JsonMap::new(),
            after: JsonMap::new(),
            tells_diff: true,
            check: false,
            outcome: Outcome::default(),
        }
    }

    fn finish(mut self, call: &Call) -> Plan<Work> {
        self.outcome.changed = self.changed;
        self.outcome.set(self.key, text(&self.path));
        if call.diff && self.tells_diff {
            self.outcome.diff.push(Diff::data(self.before, self.after));
        }
        let info = path_info(self.host, &self.path);
        if !self.changed {
            self.outcome.values.extend(info);
            return Plan::Done(self.outcome);
        }
        Plan::Work(Work { path: self.path, steps: self.steps, wanted: self.wanted, outcome: self.outcome, info })
    }

    fn start_diff(&mut self, state: &str, present: &str) {
        for side in [&mut self.before, &mut self.after] {
            side.insert("path".into(), text(&self.path).into());
        }
        if state != present {
            self.before.insert("state".into(), present.into());
            self.after.insert("state".into(), state.into());
        }
    }

    /// Attributes and times of what exists at `path`.
    fn attributes(&mut self, path: &Path, tell: bool) -> Result<(), Failure> {
        let differences = self.wanted.differences(self.host, path)?;
        if differences.any() {
            self.changed = true;
            self.steps.push(Step::Attributes(path.to_owned()));
            if tell {
                differences.tell(&mut self.before, &mut self.after);
            }
        }
        if let Some(step) = self.times.step(self.host, path, tell.then_some((&mut self.before, &mut self.after)))? {
            self.changed = true;
            self.steps.push(step);
        }
        Ok(())
    }

    /// Attributes and times of what a step before makes at `path`.
    fn attributes_of_new(&mut self, path: &Path, base: u32) -> Result<(), Failure> {
        if !self.wanted.is_empty() {
            let differences = self.wanted.differences_of_new(self.host, path, base)?;
            // Check mode tells nothing of what is not there.
            if !self.check {
                differences.tell(&mut self.before, &mut self.after);
            }
            self.steps.push(Step::Attributes(path.to_owned()));
        }
        if self.times.explicit() {
            self.steps.push(Step::Times(path.to_owned(), self.times.mtime, self.times.atime));
        }
        Ok(())
    }

    fn followed(&self, follow: bool) -> PathBuf {
        if follow && state_of(self.host, &self.path) == "link" {
            real_path(self.host, &self.path)
        } else {
            self.path.clone()
        }
    }

    fn absent(&mut self) {
        let present = state_of(self.host, &self.path);
        self.outcome.set("state", "absent");
        if present == "absent" {
            self.tells_diff = false;
            return;
        }
        self.start_diff("absent", present);
        self.changed = true;
        if present == "directory" {
            let (mut directories, mut files) = (Vec::new(), Vec::new());
            for path in walk(self.host, &self.path) {
                let is_dir = self.host.is_dir(&path);
                if is_dir { &mut directories } else { &mut files }.push(Json::from(text(&path)));
            }
            let content = [("directories".to_owned(), directories.into()), ("files".to_owned(), files.into())];
            self.before.insert("path_content".into(), JsonMap::from_iter(content).into());
            self.steps.push(Step::RemoveTree(self.path.clone()));
        } else {
            self.steps.push(Step::RemoveFile(self.path.clone()));
        }
    }

    fn file(&mut self, args: &Args) -> Result<(), Failure> {
        self.path = self.followed(args.follow);
        let present = state_of(self.host, &self.path);
        if !matches!(present, "file" | "hard") {
            let msg = format!("file ({}) is {present}, cannot continue", self.path.display());
            let failure = failure_at(self.host, &self.path, msg);
            return Err(failure.with("state", present));
        }
        self.start_diff("file", present);
        let path = self.path.clone();
        self.attributes(&path, true)
    }

    fn touch(&mut self, args: &Args) -> Result<(), Failure> {
        self.key = "dest";
        let present = state_of(self.host, &self.path);
        self.start_diff("touch", present);
        if present == "absent" {
            self.changed = true;
            self.tells_diff = !self.check;
            self.steps.push(Step::MakeFile(self.path.clone()));
            let path = self.path.clone();
            return self.attributes_of_new(&path, 0o666);
        }
        let path = self.followed(args.follow);
        self.attributes(&path, true)
    }

    fn directory(&mut self, args: &Args) -> Result<(), Failure> {
        self.path = self.followed(args.follow);
        let present = state_of(self.host, &self.path);
        self.start_diff("directory", present);
        let path = self.path.clone();
        match present {
            "absent" => {
                self.changed = true;
                let missing: Vec<PathBuf> = path
                    .ancestors()
                    .filter(|p| !p.as_os_str().is_empty())
                    .take_while(|p| self.host.stat(p).is_err())
                    .map(Path::to_path_buf)
                    .collect();
                for dir in missing.into_iter().rev() {
                    self.steps.push(Step::MakeDir(dir.clone()));
                    self.attributes_of_new(&dir, 0o777)?;
                }
                Ok(())
            }
            "directory" => {
                self.attributes(&path, true)?;
                if args.recurse { self.below(&path, args.follow, &mut BTreeSet::new()) } else { Ok(()) }
            }
            present => Err(failure_at(self.host, &path, format!("{} already exists as a {present}", path.display()))),
        }
    }

    /// Attributes of everything below a directory. What links point to counts where links are followed.
    fn below(&mut self, dir: &Path, follow: bool, seen: &mut BTreeSet<PathBuf>) -> Result<(), Failure> {
        if !seen.insert(real_path(self.host, dir)) {
            return Ok(());
        }
        for path in walk(self.host, dir) {
            let is_link = self.host.lstat(&path).is_ok_and(|s| s.kind == FileKind::Symlink);
            if !is_link || self.host.stat(&path).is_ok() {
                self.attributes(&path, false)?;
            } else {
                let differences = self.wanted.differences(self.host, &path)?;
                if differences.any() {
                    self.changed = true;
                    self.steps.push(Step::Attributes(path.clone()));
                }
            }
            if is_link && follow && self.host.stat(&path).is_ok() {
                let target = real_path(self.host, &path);
                if self.host.is_dir(&target) {
                    self.below(&target, follow, seen)?;
                }
                self.attributes(&target, false)?;
            }
        }
        Ok(())
    }
}

/// Everything below `dir`, directories before what they hold. Links are not followed; what cannot be read is left out.
fn walk(host: &dyn Observe, dir: &Path) -> Vec<PathBuf> {
    let mut names = host.read_dir(dir).unwrap_or_default();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let path = dir.join(name);
        let is_dir = host.lstat(&path).is_ok_and(|s| s.kind == FileKind::Directory);
        found.push(path.clone());
        if is_dir {
            found.extend(walk(host, &path));
        }
    }
    found
}

#[cfg(test)]
mod tests;
