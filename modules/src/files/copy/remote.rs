//! `remote_src`: from one place on the host to another.

use super::put::{Kept, Put, file_source};
use super::{Args, Draft, Item};
use crate::contract::Failure;
use crate::files::shared::{checksum, real_path, text};
use crate::host::{FileKind, Wanted, octal};
use std::path::{Path, PathBuf};

impl Draft<'_> {
    pub(super) fn remote(&mut self, args: &Args) -> Result<(), Failure> {
        let host = self.host;
        let src = args
            .src
            .as_deref()
            .filter(|s| !s.is_empty())
            .ok_or_else(|| Failure::new("src (or content) is required"))?;
        let expanded = crate::host::expand_path(host, src);
        let path = Path::new(&expanded);
        let stat = host.stat(path).map_err(|_| Failure::new(format!("Source {expanded} not found")))?;
        if !host.access(path, 4) {
            return Err(Failure::new(format!("Source {expanded} not readable")));
        }
        self.outcome.set("src", expanded.as_str());
        match stat.kind {
            FileKind::Directory => return self.remote_directory(args, &expanded),
            FileKind::File => {}
            _ => return Err(Failure::new(format!("Cannot copy invalid source '{expanded}': not a file"))),
        }
        let source = file_source(host, path)?;
        let sha1 = source.sha1();
        if args.checksum.as_ref().is_some_and(|c| !c.is_empty() && *c != sha1) {
            return Err(Failure::new("Copied file does not match the expected checksum. Transfer failed.")
                .with("checksum", sha1)
                .with("expected_checksum", args.checksum.clone()));
        }
        let name = args._original_basename.clone().filter(|n| !n.is_empty());
        let mut dest = PathBuf::from(&args.dest);
        if args.dest.ends_with('/') {
            if let Some(name) = &name {
                dest.push(name);
            }
            let dir = if name.is_some() { dest.parent().unwrap_or(&dest).to_owned() } else { dest.clone() };
            self.make_dirs(args, &dir)?;
        }
        if host.is_dir(&dest) || self.makes(&dest) {
            dest.push(name.map_or_else(|| path.file_name().unwrap_or_default().to_owned(), Into::into));
        }
        let existed = host.exists(&dest);
        if host.stat(&dest).is_ok() && !args.force {
            self.outcome.set("msg", "file already exists");
            self.outcome.set("dest", text(&dest));
            self.subject = Some(dest);
            return Ok(());
        }
        let mode = octal(stat.mode);
        self.put(args, source, dest, false, Some(&mode))?;
        // A file that is replaced takes the source's mode, a new one the default; both take its times.
        let owner = existed.then(|| (host.euid(), host.egid()));
        let keep = Kept { mode: existed.then_some(stat.mode), owner, atime: stat.atime, mtime: stat.mtime };
        if let Some(Item::Put(put)) = self.items.last_mut() {
            put.keep = Some(keep);
        }
        if let Some(dest) = &self.subject {
            self.outcome.set("dest", text(dest));
        }
        // Ansible's module tells no diff here.
        self.outcome.diff.clear();
        self.outcome.set("md5sum", checksum(host, path, "md5").map_err(|e| Failure::io(path.display(), &e))?);
        Ok(())
    }

    fn remote_directory(&mut self, args: &Args, src: &str) -> Result<(), Failure> {
        let host = self.host;
        let base =
            if src.ends_with('/') { PathBuf::new() } else { Path::new(src).file_name().unwrap_or_default().into() };
        let dest = PathBuf::from(&args.dest);
        let parent_missing = dest.parent().is_some_and(|p| !p.as_os_str().is_empty() && !host.is_dir(p));
        if args.dest.ends_with('/') {
            self.make_dirs(args, &dest)?;
        } else if parent_missing && !self.call.check {
            let parent = dest.parent().unwrap_or(Path::new("/"));
            return Err(Failure::new(format!("Destination directory {} does not exist", parent.display())));
        }
        if host.stat(&dest).is_ok() && !host.is_dir(&dest) && !args.force {
            self.outcome.set("msg", "file already exists");
            self.outcome.set("dest", text(&dest));
            self.subject = Some(dest);
            return Ok(());
        }
        if host.exists(&dest) && !host.is_dir(&dest) {
            return Err(Failure::new(format!("{} already exists and is no directory", dest.display())));
        }
        let existed = host.is_dir(&dest) || self.makes(&dest);
        let to = if base.as_os_str().is_empty() { dest.clone() } else { dest.join(&base) };
        let shown = if existed { dest.join(&base) } else { dest };
        let source_mode = host.stat(Path::new(src)).map(|s| octal(s.mode)).ok();
        let wish = self.wanted(args, &shown, source_mode.as_deref())?;
        let owners = Wanted::owners(wish.uid, wish.gid);
        self.subtree(args, Path::new(src), &to, &owners, &mut Vec::new())?;
        if !wish.is_empty() && host.exists(&shown) {
            let differences = wish.differences(host, &shown)?;
            if differences.any() {
                self.changed = true;
                self.items.push(Item::Attributes(shown.clone(), wish));
            }
        } else if !wish.is_empty() {
            self.items.push(Item::Attributes(shown.clone(), wish));
        }
        self.outcome.set("dest", text(&shown));
        self.outcome.set("checksum", crate::contract::Json::Null);
        self.outcome.set("md5sum", crate::contract::Json::Null);
        self.subject = Some(shown);
        self.outcome.diff.clear();
        Ok(())
    }

    /// Copies what is missing or different below `from`. What is only in `to` stays.
    fn subtree(
        &mut self,
        args: &Args,
        from: &Path,
        to: &Path,
        owners: &Wanted,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), Failure> {
        let host = self.host;
        let real = real_path(host, from);
        if above.contains(&real) {
            return Err(Failure::new(format!("{} is a link to a directory above it", from.display())));
        }
        above.push(real);
        let fail = |e: std::io::Error| Failure::io(from.display(), &e);
        let stat = host.stat(from).map_err(fail)?;
        let present = host.is_dir(to);
        if !present {
            self.make_dirs_plain(to);
            let mode = crate::contract::Json::from(octal(stat.mode));
            self.items.push(Item::Attributes(to.to_owned(), owners.with_mode(Some(&mode))));
        } else if owners.differences(host, to)?.any() {
            self.changed = true;
            self.items.push(Item::Attributes(to.to_owned(), owners.clone()));
        }
        let mut names = host.read_dir(from).map_err(fail)?;
        names.sort();
        let follow = args.local_follow == Some(true);
        for name in names {
            let (source, target) = (from.join(&name), to.join(&name));
            let stat = host.lstat(&source).map_err(fail)?;
            let stat = if stat.kind == FileKind::Symlink && follow { host.stat(&source).map_err(fail)? } else { stat };
            match stat.kind {
                FileKind::Directory => self.subtree(args, &source, &target, owners, above)?,
                FileKind::Symlink => {
                    let points = host.read_link(&source).map_err(fail)?;
                    if !host.exists(&target) {
                        self.changed = true;
                        self.items.push(Item::Link { target: points, link: target.clone(), present: "absent" });
                        if !owners.is_empty() {
                            self.items.push(Item::Attributes(target, owners.clone()));
                        }
                    }
                }
                FileKind::File => {
                    let source = file_source(host, &source)?;
                    let old = checksum(host, &target, "sha1").ok();
                    if old.as_deref() == Some(source.sha1().as_str()) {
                        if owners.differences(host, &target)?.any() {
                            self.changed = true;
                            self.items.push(Item::Attributes(target, owners.clone()));
                        }
                        continue;
                    }
                    self.changed = true;
                    let keep = Kept { mode: Some(stat.mode), owner: None, atime: stat.atime, mtime: stat.mtime };
                    self.items.push(Item::Put(Put::new(source, target, args, owners.clone(), Some(keep))));
                }
                _ => {}
            }
        }
        above.pop();
        Ok(())
    }

    fn make_dirs_plain(&mut self, path: &Path) {
        self.changed = true;
        let missing: Vec<&Path> = path.ancestors().take_while(|p| !self.host.is_dir(p) && !self.makes(p)).collect();
        for dir in missing.into_iter().rev().filter(|p| !p.as_os_str().is_empty()) {
            self.items.push(Item::MakeDir(dir.to_owned()));
        }
    }
}
