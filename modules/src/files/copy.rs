//! `copy`: files, from the controller or from elsewhere on the host.
//!
//! What the controller's actions (`copy`, `template`, `assemble`) send besides the author's arguments:
//!
//! * `_content`: a [`Blob`], the new content of one file. `src` and `content` are then left out.
//! * `_original_basename`: the name that the file takes where `dest` is a directory or ends in a slash. Left out for
//!   `content:`, where a directory as `dest` is a failure.
//! * `_mode`: the source's permissions as octal text, for `mode: preserve`.
//! * `_after_header`: heads the new side of the diff (the source's name); `dest` if left out.
//! * `_tree`: in place of `_content`, a whole directory: a list of `{"path": "a/b", "kind": "file", "mode": "0644",
//!   "blob": Blob}`, `{"path": …, "kind": "directory"}` and `{"path": …, "kind": "link", "target": "…"}`, with paths relative
//!   to `dest`. Only blobs that differ are asked for. The result is that of the one file if there is just one, else `dest` and
//!   `changed`.
//!
//! With `remote_src` none of these is needed: `src` is a path on the host. Without any of them `content` is written.

mod put;
mod remote;
mod tree;

use super::shared::text;
use crate::contract::{
    Arg, ArgType, Blob, Call, Diff, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return,
};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe, Wanted, path_info};
use put::{Put, Source};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Copy;

#[derive(Deserialize)]
pub struct Args {
    src: Option<String>,
    content: Option<Json>,
    dest: String,
    backup: bool,
    force: bool,
    validate: Option<String>,
    directory_mode: Option<Json>,
    remote_src: bool,
    local_follow: Option<bool>,
    checksum: Option<String>,
    follow: bool,
    _content: Option<Blob>,
    _original_basename: Option<String>,
    _mode: Option<String>,
    _after_header: Option<String>,
    _tree: Option<Vec<tree::Entry>>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

/// One thing to do.
enum Item {
    Put(Put),
    MakeDir(PathBuf),
    Link { target: PathBuf, link: PathBuf, present: &'static str },
    Attributes(PathBuf, Wanted),
}

pub struct Work {
    items: Vec<Item>,
    /// The file that the result tells of.
    subject: Option<PathBuf>,
    outcome: Outcome,
}

impl Module for Copy {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        examples: r#"
- name: A file of the role
  ansible.builtin.copy:
    src: app.conf
    dest: /etc/app/app.conf
    owner: root
    group: app
    mode: "0640"
    backup: true

- name: A line of text
  ansible.builtin.copy:
    content: "nameserver 10.0.0.2\n"
    dest: /etc/resolv.conf

- name: A file that is on the host already
  ansible.builtin.copy:
    src: /usr/share/doc/app/example.conf
    dest: /etc/app.conf
    remote_src: true
    mode: preserve

- name: New sudoers, checked first
  ansible.builtin.copy:
    src: sudoers
    dest: /etc/sudoers
    validate: visudo -csf %s
"#,
        returns: &[
            Return { name: "dest", when: "always", doc: "The file." },
            Return { name: "checksum", when: "one file", doc: "SHA-1 of the content." },
            Return { name: "md5sum", when: "one file was written", doc: "MD5 of the content." },
            Return { name: "src", when: "remote_src", doc: "The source on the host." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "A dest whose directory does not exist fails in apply only; check mode assumes that an earlier task makes it.",
        ..ModuleSpec::new(
            "ansible.builtin.copy",
            "Copies files to the host, or from one place on the host to another.",
            &[
                Arg::str("src").doc("A file or directory of the controller's, or of the host's with `remote_src`. With a slash at the end of a directory: what is in it."),
                Arg::new("content", ArgType::Raw).no_log().doc("The content itself, instead of `src`; data becomes JSON."),
                Arg::path("dest").required().doc("Where; a directory if it ends in a slash."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("force").default(Literal::Bool(true)).doc("Replace a file that differs."),
                Arg::str("validate").doc("Command that must accept the new file; `%s` stands for it."),
                Arg::raw("directory_mode").doc("Permissions of directories that are made."),
                Arg::bool("remote_src").default(Literal::Bool(false)).doc("`src` is on the host."),
                Arg::bool("local_follow").doc("Follow links in the source tree."),
                Arg::str("checksum").doc("SHA-1 that the source must have."),
                Arg::bool("follow").default(Literal::Bool(false)).doc("Write to what a link at `dest` points to."),
                Arg::bool("decrypt").default(Literal::Bool(true)).doc("Decrypt a source that is a vault."),
                Arg::raw("_content"),
                Arg::str("_original_basename"),
                Arg::str("_mode"),
                Arg::str("_after_header"),
                Arg::raw("_tree"),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if !args.dest.contains('/') {
            args.dest.insert_str(0, "./");
        }
        let mut draft =
            Draft { host, call, items: Vec::new(), changed: false, subject: None, outcome: Outcome::default() };
        if let Some(entries) = args._tree.take() {
            draft.tree(&args, entries)?;
        } else if args.remote_src && args._content.is_none() {
            draft.remote(&args)?;
        } else {
            let source = content_of(&mut args)?;
            let dest = draft.one(&args, source)?;
            draft.outcome.set("dest", dest);
        }
        Ok(draft.finish())
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let mut outcome = work.outcome;
        let told = work.subject.as_deref();
        for item in work.items {
            if let Err(failure) = item.apply(host, call, &mut outcome, told) {
                return Err(Failure { diff: outcome.diff, ..failure });
            }
        }
        if let Some(path) = &work.subject {
            outcome.values.extend(path_info(host.observe(), path));
        }
        Ok(outcome)
    }
}

impl Item {
    /// `told` is the file that the outcome tells of.
    fn apply(
        self,
        host: &mut dyn Change,
        call: &Call,
        outcome: &mut Outcome,
        told: Option<&Path>,
    ) -> Result<(), Failure> {
        match self {
            Item::Put(put) => put.apply(host, call, outcome, told)?,
            Item::MakeDir(path) => match host.create_dir(&path, 0o777) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(Failure::io(format!("could not create directory {}", path.display()), &e));
                }
                _ => {}
            },
            Item::Link { target, link, present } => super::file::replace_link(host, &target, &link, present)?,
            Item::Attributes(path, wanted) => {
                wanted.apply(host, &path)?;
            }
        }
        Ok(())
    }
}

/// What is to be written, for a single file.
fn content_of(args: &mut Args) -> Result<Source, Failure> {
    match (args._content.take(), args.content.take()) {
        (Some(blob), _) => Ok(Source::Blob(blob)),
        (None, Some(Json::String(text))) => Ok(Source::Bytes(text.into_bytes())),
        (None, Some(Json::Null)) | (None, None) => Err(Failure::new("src (or content) is required")),
        (None, Some(data @ (Json::Array(_) | Json::Object(_)))) => Ok(Source::Bytes(data.to_string().into_bytes())),
        (None, Some(other)) => Ok(Source::Bytes(crate::contract::python_text(&other).into_bytes())),
    }
}

/// A plan in the making.
struct Draft<'a> {
    host: &'a dyn Observe,
    call: &'a Call<'a>,
    items: Vec<Item>,
    changed: bool,
    subject: Option<PathBuf>,
    outcome: Outcome,
}

impl Draft<'_> {
    fn finish(mut self) -> Plan<Work> {
        self.outcome.changed = self.changed;
        if self.changed {
            return Plan::Work(Work { items: self.items, subject: self.subject, outcome: self.outcome });
        }
        if let Some(path) = &self.subject {
            self.outcome.values.extend(path_info(self.host, path));
        }
        Plan::Done(self.outcome)
    }

    /// The wish for files: `mode: preserve` means the source's mode.
    fn wanted(&self, args: &Args, path: &Path, source_mode: Option<&str>) -> Result<Wanted, Failure> {
        let mut attrs = args.attrs.clone();
        if attrs.mode.as_ref().and_then(Json::as_str) == Some("preserve") {
            attrs.mode = source_mode.map(Json::from);
        }
        attrs.resolve(self.host, path, self.call)
    }

    /// The wish for directories that are made.
    fn directory_wish(&self, args: &Args, path: &Path) -> Result<Wanted, Failure> {
        let attrs = FileAttrs { mode: args.directory_mode.clone(), ..args.attrs.clone() };
        attrs.resolve(self.host, path, self.call)
    }

    /// Whether a step before makes this directory.
    fn makes(&self, dir: &Path) -> bool {
        // Compared as paths: a slash at the end makes no difference.
        self.items.iter().any(|i| matches!(i, Item::MakeDir(d) if d.components().eq(dir.components())))
    }

    /// Makes a directory and those above it that are missing.
    fn make_dirs(&mut self, args: &Args, dir: &Path) -> Result<(), Failure> {
        let missing: Vec<PathBuf> = dir
            .ancestors()
            .filter(|p| !p.as_os_str().is_empty())
            .take_while(|p| !self.host.is_dir(p) && !self.makes(p))
            .map(Path::to_path_buf)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let wish = self.directory_wish(args, dir)?;
        for dir in missing.into_iter().rev() {
            self.changed = true;
            self.items.push(Item::MakeDir(dir.clone()));
            if !wish.is_empty() {
                self.items.push(Item::Attributes(dir, wish.clone()));
            }
        }
        Ok(())
    }

    /// Attributes of what exists at `path`; told in the diff.
    fn attributes(&mut self, path: &Path, wish: Wanted) -> Result<(), Failure> {
        let differences = wish.differences(self.host, path)?;
        if self.call.diff {
            let side =
                || [("path".to_owned(), Json::from(text(path)))].into_iter().collect::<crate::contract::JsonMap>();
            let (mut before, mut after) = (side(), side());
            differences.tell(&mut before, &mut after);
            self.outcome.diff.push(Diff::data(before, after));
        }
        if differences.any() {
            self.changed = true;
            self.items.push(Item::Attributes(path.to_owned(), wish));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
