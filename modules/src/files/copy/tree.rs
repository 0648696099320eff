//! A whole directory from the controller in one request.

use super::put::Source;
use super::{Args, Draft, Item};
use crate::contract::{Blob, Failure};
use crate::host::state_of;
use serde::Deserialize;
use std::path::{Component, Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    File,
    Directory,
    Link,
}

/// One entry of `_tree`.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// Relative to `dest`.
    pub path: PathBuf,
    pub kind: EntryKind,
    /// The source's permissions as octal text; used with `mode: preserve`.
    pub mode: Option<String>,
    /// Content of a file.
    pub blob: Option<Blob>,
    /// Where a link points.
    pub target: Option<PathBuf>,
}

impl Draft<'_> {
    pub(super) fn tree(&mut self, args: &Args, entries: Vec<Entry>) -> Result<(), Failure> {
        let dest = format!("{}/", args.dest.trim_end_matches('/'));
        let files = entries.iter().filter(|e| e.kind == EntryKind::File).count();
        for entry in &entries {
            if !entry.path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir)) {
                return Err(Failure::new(format!("{} leads out of the tree", entry.path.display())));
            }
        }
        let mut only = None;
        for entry in entries {
            let path = Path::new(&dest).join(&entry.path);
            match entry.kind {
                EntryKind::File => {
                    let blob = entry.blob.ok_or_else(|| Failure::new(format!("no content for {}", path.display())))?;
                    self.put(args, Source::Blob(blob), path, true, entry.mode.as_deref())?;
                    only = self.subject.clone();
                }
                EntryKind::Directory => self.directory(args, &path)?,
                EntryKind::Link => {
                    let target =
                        entry.target.ok_or_else(|| Failure::new(format!("no target for {}", path.display())))?;
                    self.link(args, &path, target)?;
                }
            }
        }
        if files == 1 && only.is_some() {
            self.subject = only.clone();
            self.outcome.set("dest", only.map_or(dest, |p| super::text(&p)));
        } else {
            self.subject = None;
            self.outcome.values.shift_remove("checksum");
            self.outcome.values.shift_remove("path");
            self.outcome.set("dest", dest);
        }
        Ok(())
    }

    fn directory(&mut self, args: &Args, path: &Path) -> Result<(), Failure> {
        if self.host.is_dir(path) {
            let wish = self.directory_wish(args, path)?;
            if wish.differences(self.host, path)?.any() {
                self.attributes(path, wish)?;
            }
            return Ok(());
        }
        match state_of(self.host, path) {
            "absent" => self.make_dirs(args, path),
            present => Err(Failure::new(format!("{} already exists as a {present}", path.display()))),
        }
    }

    fn link(&mut self, args: &Args, path: &Path, target: PathBuf) -> Result<(), Failure> {
        let present = state_of(self.host, path);
        if present == "link" && self.host.read_link(path).is_ok_and(|t| t == target) {
            return Ok(());
        }
        if present == "directory" && !self.host.read_dir(path).unwrap_or_default().is_empty() {
            let msg = format!("the directory {} is not empty, refusing to convert it", path.display());
            return Err(Failure::new(msg));
        }
        if let Some(parent) = path.parent() {
            self.make_dirs(args, parent)?;
        }
        self.changed = true;
        self.items.push(Item::Link { target, link: path.to_owned(), present });
        Ok(())
    }
}
