//! `state: link` and `state: hard`.

use super::{Args, Draft, Step};
use crate::contract::{Failure, python_error};
use crate::files::shared::{normal_path, real_path, text};
use crate::host::{Change, failure_at, state_of};
use std::path::{Path, PathBuf};

impl Draft<'_> {
    pub(super) fn symlink(&mut self, args: &Args) -> Result<(), Failure> {
        self.key = "dest";
        let (host, path) = (self.host, self.path.clone());
        let present = state_of(host, &path);
        let mut src = args.src.clone();
        if src.is_none() && args.follow && present == "link" && host.stat(&path).is_ok() {
            src = host.read_link(&path).ok();
        }
        let fail = |msg: String| Err(failure_at(host, &path, msg));
        let base = if present == "directory" { path.as_path() } else { path.parent().unwrap_or(Path::new("")) };
        let place = src.as_ref().map(|s| base.join(s));
        if let Some(place) = place.as_ref().filter(|p| !args.force && host.stat(p).is_err()) {
            let msg = format!(
                "src file does not exist, use 'force=yes' if you really want to create the link: {}",
                place.display()
            );
            return Err(failure_at(host, &path, msg).with("src", src.as_deref().map(text)));
        }
        match present {
            "directory" | "file" | "hard" if !args.force => {
                return fail(format!("refusing to convert from {present} to symlink for {}", path.display()));
            }
            "directory" if !host.read_dir(&path).unwrap_or_default().is_empty() => {
                return fail(format!("the directory {} is not empty, refusing to convert it", path.display()));
            }
            _ => {}
        }
        self.start_diff("link", present);
        self.outcome.set("src", src.as_deref().map(text));
        let make = match (present, &src) {
            ("link", None) => false,
            ("link", Some(src)) => {
                let old = host.read_link(&path).unwrap_or_default();
                if old != *src {
                    self.before.insert("src".into(), text(&old).into());
                    self.after.insert("src".into(), text(src).into());
                }
                old != *src
            }
            (_, Some(_)) => true,
            (_, None) => return fail("src is required for creating new symlinks".to_owned()),
        };
        if make && let Some(target) = src {
            self.changed = true;
            self.steps.push(Step::Link { target, link: path.clone(), hard: false, present });
        }
        self.link_attributes(args, make, place)
    }

    /// Owner and mode of what the link points to, or of the link itself where links are not followed.
    fn link_attributes(&mut self, args: &Args, make: bool, place: Option<PathBuf>) -> Result<(), Failure> {
        if self.wanted.is_empty() && !self.times.explicit() {
            return Ok(());
        }
        let target = if make { place.map(|p| real_path(self.host, &normal_path(&p))) } else { None };
        let target = target.unwrap_or_else(|| real_path(self.host, &self.path));
        match (args.follow, self.host.stat(&target).is_ok()) {
            (true, true) => self.attributes(&target, true),
            (true, false) => {
                let warning = "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.";
                self.outcome.warnings.push(warning.to_owned());
                Ok(())
            }
            (false, _) if make => {
                let path = self.path.clone();
                self.steps.push(Step::Attributes(path));
                Ok(())
            }
            (false, _) => {
                let path = self.path.clone();
                self.attributes(&path, true)
            }
        }
    }

    pub(super) fn hard_link(&mut self, args: &Args) -> Result<(), Failure> {
        self.key = "dest";
        let (host, path) = (self.host, self.path.clone());
        let present = state_of(host, &path);
        let fail = |msg: &str| {
            let mut failure = failure_at(host, &path, msg);
            failure.values.shift_remove("path");
            Err(failure.with("dest", text(&path)).with("src", args.src.as_deref().map(text)))
        };
        if present != "hard" && args.src.is_none() {
            return Err(Failure::new("src is required for creating new hardlinks"));
        }
        let target = match &args.src {
            Some(src) if host.stat(src).is_err() => return fail("src does not exist"),
            Some(src) => Some(host.stat(src).map_err(|e| Failure::io(src.display(), &e))?.inode),
            None => None,
        };
        self.start_diff("hard", present);
        let inode = host.stat(&path).ok().map(|s| s.inode);
        let make = match present {
            "absent" => true,
            "link" => {
                let old = host.read_link(&path).unwrap_or_default();
                let src = args.src.clone().unwrap_or_default();
                if old != src {
                    self.before.insert("src".into(), text(&old).into());
                    self.after.insert("src".into(), text(&src).into());
                }
                old != src
            }
            "hard" if target.is_none() || inode == target => false,
            "hard" if !args.force => {
                return fail("Cannot link, different hard link exists at destination");
            }
            "file" if !args.force => return fail("Cannot link, file exists at destination"),
            "directory" if inode == target => {
                self.key = "path";
                self.tells_diff = false;
                return Ok(());
            }
            "directory" => return fail("Cannot link: different hard link exists at destination"),
            _ => true,
        };
        self.outcome.set("src", args.src.as_deref().map(text));
        if make && let Some(src) = &args.src {
            self.changed = true;
            let target = if args.follow && present == "absent" { real_path(host, src) } else { src.clone() };
            self.steps.push(Step::Link { target: target.clone(), link: path.clone(), hard: true, present });
            // The link shares owner and mode with what it links to.
            let differences = self.wanted.differences(host, &target)?;
            if differences.any() {
                differences.tell(&mut self.before, &mut self.after);
                self.steps.push(Step::Attributes(path));
            }
            return Ok(());
        }
        self.attributes(&path, true)
    }
}

/// Makes a link; what is at its place goes away in the same moment.
pub(super) fn make(
    host: &mut dyn Change,
    target: &Path,
    link: &Path,
    hard: bool,
    present: &str,
) -> Result<(), Failure> {
    let create =
        |host: &mut dyn Change, at: &Path| if hard { host.hard_link(target, at) } else { host.symlink(target, at) };
    if present == "absent" {
        return create(host, link)
            .map_err(|e| failure_at(host.observe(), link, format!("Error while linking: {}", python_error(&e))));
    }
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let beside = link.with_file_name(format!(".{}.{name}.tmp", std::process::id()));
    let replaced = (|| {
        if present == "directory" {
            host.remove_dir(link)?;
        }
        create(host, &beside)?;
        host.rename(&beside, link)
    })();
    replaced.map_err(|e| {
        let _ = host.remove_file(&beside);
        failure_at(host.observe(), link, format!("Error while replacing: {}", python_error(&e)))
    })
}
