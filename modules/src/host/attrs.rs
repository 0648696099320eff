//! The file attributes that many modules share: owner, group, mode, SELinux context, attributes.

use super::mode::Mode;
use super::{Change, Command, FileKind, Observe, WriteOptions};
use crate::contract::{Arg, ArgType, Call, Failure, Json, JsonMap, coerce};
use serde::Deserialize;
use std::path::Path;

/// Arguments of every module that writes files.
pub const FILE_ARGS: &[Arg] = &[
    Arg::raw("mode").doc("Permissions: octal (`'0644'`, `0644`) or symbolic (`u=rw,g=r`)."),
    Arg::str("owner").doc("Name or number of the owning user."),
    Arg::str("group").doc("Name or number of the owning group."),
    Arg::str("seuser").doc("User part of the SELinux context."),
    Arg::str("serole").doc("Role part of the SELinux context."),
    Arg::str("setype").doc("Type part of the SELinux context."),
    Arg::str("selevel").doc("Level part of the SELinux context."),
    Arg::str("attributes").aliases(&["attr"]).doc("Attributes as `chattr` takes them."),
    Arg::bool("unsafe_writes")
        .doc("Write in place where a rename is impossible. Else what `ANSIBLE_UNSAFE_WRITES` of the environment says."),
];

/// The values of [`FILE_ARGS`]; a module's `Args` takes them with `#[serde(flatten)]`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FileAttrs {
    pub mode: Option<Json>,
    pub owner: Option<String>,
    pub group: Option<String>,
    pub seuser: Option<String>,
    pub serole: Option<String>,
    pub setype: Option<String>,
    pub selevel: Option<String>,
    pub attributes: Option<String>,
    pub unsafe_writes: Option<bool>,
}

/// [`FileAttrs`] with names looked up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    mode: Option<Mode>,
    /// User, role, type, level.
    context: [Option<String>; 4],
    attributes: Option<String>,
    pub unsafe_writes: bool,
}

impl FileAttrs {
    /// Looks up owner and group. In check mode an unknown one is passed over where `path` does not exist yet: an earlier
    /// task may be about to create both.
    ///
    /// # Errors
    /// An unknown user or group, in Ansible's words.
    pub fn resolve(&self, host: &dyn Observe, path: &Path, call: &Call) -> Result<Wanted, Failure> {
        let lenient = call.check && host.stat(path).is_err();
        let lookup = |text: &Option<String>, find: &dyn Fn(&str) -> Option<u32>, what: &str| match text {
            None => Ok(None),
            Some(name) => match name.parse::<i64>() {
                Ok(-1) => Ok(None),
                Ok(number) => u32::try_from(number).map(Some).map_err(|_| format!("{what} {name}")),
                Err(_) => match find(name) {
                    None if !lenient => Err(format!("{what} {name}")),
                    found => Ok(found),
                },
            },
        };
        let fail = |msg: String| failure_at(host, path, msg);
        let uid = lookup(&self.owner, &|n| host.user(n).map(|u| u.uid), "chown failed: failed to look up user");
        let gid = lookup(&self.group, &|n| host.group(n).map(|g| g.gid), "chgrp failed: failed to look up group");
        let context = [&self.seuser, &self.serole, &self.setype, &self.selevel].map(Clone::clone);
        Ok(Wanted {
            uid: uid.map_err(fail)?,
            gid: gid.map_err(fail)?,
            mode: self.mode.as_ref().filter(|m| !m.is_null()).map(Mode::read),
            context,
            attributes: self.attributes.clone(),
            unsafe_writes: match self.unsafe_writes {
                Some(wanted) => wanted,
                None => unsafe_writes_of(host)?,
            },
        })
    }
}

/// What the environment says of `unsafe_writes`.
fn unsafe_writes_of(host: &dyn Observe) -> Result<bool, Failure> {
    let Some(text) = host.env("ANSIBLE_UNSAFE_WRITES") else { return Ok(false) };
    let wanted = coerce(ArgType::Bool, Json::String(text)).map_err(|e| {
        Failure::new(format!("argument 'unsafe_writes' is of type str and we were unable to convert to bool: {e}"))
    })?;
    Ok(wanted.as_bool().unwrap_or(false))
}

/// What differs between a file and the wish: (before, after) of each attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differences {
    pub uid: Option<(u32, u32)>,
    pub gid: Option<(u32, u32)>,
    pub mode: Option<(u32, u32)>,
    pub context: Option<(String, String)>,
    /// Present flags, and the argument for `chattr`.
    pub attributes: Option<(String, String)>,
}

impl Wanted {
    pub fn is_empty(&self) -> bool {
        *self == Wanted { unsafe_writes: self.unsafe_writes, ..Wanted::default() }
    }

    /// A wish for owner and group only.
    pub fn owners(uid: Option<u32>, gid: Option<u32>) -> Self {
        Wanted { uid, gid, ..Wanted::default() }
    }

    /// The same wish with another mode (`directory_mode`).
    pub fn with_mode(&self, mode: Option<&Json>) -> Self {
        Wanted { mode: mode.filter(|m| !m.is_null()).map(Mode::read), ..self.clone() }
    }

    /// The permission bits wished for a file that has `now`; `None` where nothing is wished.
    ///
    /// # Errors
    /// A mode that cannot be read.
    pub fn mode(&self, host: &dyn Observe, path: &Path, now: u32, is_dir: bool) -> Result<Option<u32>, Failure> {
        let Some(mode) = &self.mode else { return Ok(None) };
        match mode.bits(now, is_dir, host.umask()) {
            Err(details) => {
                Err(failure_at(host, path, "mode must be in octal or symbolic form").with("details", details))
            }
            Ok(bits) if bits & !0o7777 != 0 => {
                let msg = "Invalid mode supplied, only permission info is allowed";
                Err(failure_at(host, path, msg).with("details", bits))
            }
            Ok(bits) => Ok(Some(bits)),
        }
    }

    /// How a new content of `path` is to be written, so that no reader ever sees it wider than wished.
    ///
    /// # Errors
    /// A mode that cannot be read.
    pub fn write_options(&self, host: &dyn Observe, path: &Path) -> Result<WriteOptions, Failure> {
        let now = host.lstat(path).ok().filter(|s| s.kind == FileKind::File).map(|s| s.mode);
        let now = now.unwrap_or(0o666 & !host.umask());
        let mode = self.mode(host, path, now, false)?;
        Ok(WriteOptions { mode, uid: self.uid, gid: self.gid, unsafe_writes: self.unsafe_writes })
    }

    /// Compares with what is at `path`. A link itself is looked at: resolve it first if it is to be followed.
    ///
    /// # Errors
    /// A mode that cannot be read, or nothing at `path`.
    pub fn differences(&self, host: &dyn Observe, path: &Path) -> Result<Differences, Failure> {
        if self.is_empty() {
            return Ok(Differences::default());
        }
        let stat = host.lstat(path).map_err(|e| Failure::io(path.display(), &e).with("path", text(path)))?;
        let mut found = Differences::default();
        let differ = |now: u32, wanted: Option<u32>| wanted.filter(|w| *w != now).map(|w| (now, w));
        found.uid = differ(stat.uid, self.uid);
        found.gid = differ(stat.gid, self.gid);
        if stat.kind != FileKind::Symlink {
            found.mode = differ(stat.mode, self.mode(host, path, stat.mode, stat.kind == FileKind::Directory)?);
        }
        found.context = self.context_difference(host, path);
        found.attributes = self.attributes_difference(host, path);
        Ok(found)
    }

    /// What will differ on a file or directory that is yet to be made with the permissions `base` (less the umask).
    ///
    /// # Errors
    /// A mode that cannot be read.
    pub fn differences_of_new(&self, host: &dyn Observe, path: &Path, base: u32) -> Result<Differences, Failure> {
        let differ = |now: u32, wanted: Option<u32>| wanted.filter(|w| *w != now).map(|w| (now, w));
        let now = base & !host.umask();
        Ok(Differences {
            uid: differ(host.euid(), self.uid),
            gid: differ(host.egid(), self.gid),
            mode: differ(now, self.mode(host, path, now, base & 0o111 != 0)?),
            ..Differences::default()
        })
    }

    fn context_difference(&self, host: &dyn Observe, path: &Path) -> Option<(String, String)> {
        if self.context.iter().all(Option::is_none) {
            return None;
        }
        let now = selinux_context(host, path)?;
        let parts: Vec<&str> = now.splitn(4, ':').collect();
        let default = self.context.iter().flatten().any(|p| p == "_default").then(|| default_context(host, path));
        let default = default.flatten().unwrap_or_else(|| now.clone());
        let defaults: Vec<&str> = default.splitn(4, ':').collect();
        let wanted: Vec<&str> = parts
            .iter()
            .enumerate()
            .map(|(i, part)| match self.context.get(i).and_then(Option::as_deref) {
                Some("_default") => defaults.get(i).unwrap_or(part),
                Some(wish) => wish,
                None => part,
            })
            .collect();
        let wanted = wanted.join(":");
        (wanted != now).then_some((now, wanted))
    }

    fn attributes_difference(&self, host: &dyn Observe, path: &Path) -> Option<(String, String)> {
        let wish = self.attributes.as_deref()?;
        let (operator, flags) = match wish.split_at_checked(1) {
            Some((op @ ("+" | "-"), flags)) => (op, flags),
            _ => ("=", wish),
        };
        let now = file_flags(host, path, false).map(|f| f.flags).unwrap_or_default();
        let differs = !flags.is_empty() && (now != flags || operator == "-");
        differs.then(|| (now, format!("{operator}{flags}")))
    }

    /// Brings `path` in line and tells what was different.
    ///
    /// # Errors
    /// What the host refuses, in Ansible's words.
    pub fn apply(&self, host: &mut dyn Change, path: &Path) -> Result<Differences, Failure> {
        let found = self.differences(host.observe(), path)?;
        found.apply(host, path)?;
        if found.uid.is_some() || found.gid.is_some() {
            // The kernel cleared set-id bits that may be wished for.
            self.differences(host.observe(), path)?.apply(host, path)?;
        }
        Ok(found)
    }
}

impl Differences {
    pub fn any(&self) -> bool {
        *self != Differences::default()
    }

    /// Adds to a diff's two sides, in Ansible's words.
    pub fn tell(&self, before: &mut JsonMap, after: &mut JsonMap) {
        let mut add = |key: &str, pair: Option<(Json, Json)>| {
            if let Some((old, new)) = pair {
                before.insert(key.to_owned(), old);
                after.insert(key.to_owned(), new);
            }
        };
        let parts = |c: &String| c.splitn(4, ':').collect::<Json>();
        add("secontext", self.context.as_ref().map(|(old, new)| (parts(old), parts(new))));
        add("owner", self.uid.map(|(old, new)| (old.into(), new.into())));
        add("group", self.gid.map(|(old, new)| (old.into(), new.into())));
        add("mode", self.mode.map(|(old, new)| (octal(old).into(), octal(new).into())));
        add("attributes", self.attributes.as_ref().map(|(o, n)| (o.as_str().into(), n.as_str().into())));
    }

    /// Changes what differs: context, owner, group, mode, attributes, in this order (a change of owner clears set-id bits).
    ///
    /// # Errors
    /// What the host refuses, in Ansible's words.
    pub fn apply(&self, host: &mut dyn Change, path: &Path) -> Result<(), Failure> {
        if let Some((_, context)) = &self.context {
            run_tool(host, path, "chcon", &["-h", context], "set selinux context failed")?;
        }
        if self.uid.is_some() || self.gid.is_some() {
            let (uid, gid) = (self.uid.map(|u| u.1), self.gid.map(|g| g.1));
            let msg = if uid.is_some() { "chown failed" } else { "chgrp failed" };
            host.set_owner(path, uid, gid, false)
                .map_err(|e| failure_at(host.observe(), path, msg).with("exception", e.to_string()))?;
        }
        if let Some((_, mode)) = self.mode {
            host.set_mode(path, mode)
                .map_err(|e| failure_at(host.observe(), path, "chmod failed").with("details", e.to_string()))?;
        }
        if let Some((_, change)) = &self.attributes {
            run_tool(host, path, "chattr", &[change], "chattr failed")?;
        }
        Ok(())
    }
}

fn run_tool(host: &mut dyn Change, path: &Path, tool: &str, args: &[&str], msg: &str) -> Result<(), Failure> {
    let fail = |host: &dyn Observe, details: String| failure_at(host, path, msg).with("details", details);
    let Some(program) = host.which(tool) else {
        return Err(fail(host.observe(), format!("{tool} is not on the host")));
    };
    let command = Command::new(program).args(args.iter().copied()).arg(text(path));
    match host.execute(&command) {
        Ok(out) if out.ok() && out.stderr.is_empty() => Ok(()),
        Ok(out) => Err(fail(host.observe(), format!("{}{}", out.stdout_text(), out.stderr_text()))),
        Err(e) => Err(fail(host.observe(), e.to_string())),
    }
}

/// The SELinux context of a file; `None` where the host does without SELinux.
pub fn selinux_context(host: &dyn Observe, path: &Path) -> Option<String> {
    if !host.exists(Path::new("/sys/fs/selinux/enforce")) {
        return None;
    }
    let label = host.xattr(path, "security.selinux").ok()??;
    Some(String::from_utf8_lossy(&label).trim_end_matches('\0').to_owned())
}

fn default_context(host: &dyn Observe, path: &Path) -> Option<String> {
    let out = host.query(&Command::new(host.which("matchpathcon")?).arg("-n").arg(text(path))).ok()?;
    out.ok().then(|| out.stdout_text().trim().to_owned())
}

/// What `lsattr` tells of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFlags {
    pub version: Option<String>,
    /// Letters without the dashes.
    pub flags: String,
}

/// `None` where there is no `lsattr` or the file system has no attributes.
pub fn file_flags(host: &dyn Observe, path: &Path, version: bool) -> Option<FileFlags> {
    let command = Command::new(host.which("lsattr")?).arg(if version { "-vd" } else { "-d" }).arg(text(path));
    let out = host.query(&command).ok().filter(super::Output::ok)?.stdout_text();
    let mut fields = out.split_whitespace();
    let version = if version { Some(fields.next()?.to_owned()) } else { None };
    Some(FileFlags { version, flags: fields.next()?.replace('-', "") })
}

/// `0644`.
pub fn octal(mode: u32) -> String {
    format!("0{mode:03o}")
}

pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The name of what is at `path`, as results have it: `absent link directory hard file`.
pub fn state_of(host: &dyn Observe, path: &Path) -> &'static str {
    match host.lstat(path) {
        Err(_) => "absent",
        Ok(stat) => match stat.kind {
            FileKind::Symlink => "link",
            FileKind::Directory => "directory",
            _ if stat.nlink > 1 => "hard",
            _ => "file",
        },
    }
}

/// What Ansible adds to every result that names a file: uid, gid, owner, group, mode, state, size (secontext). Empty where
/// nothing is there, or only a dangling link.
pub fn path_info(host: &dyn Observe, path: &Path) -> JsonMap {
    let mut info = JsonMap::new();
    let (Ok(stat), true) = (host.lstat(path), host.stat(path).is_ok()) else { return info };
    let owner = host.user_by_id(stat.uid).map_or_else(|| stat.uid.to_string(), |u| u.name);
    let group = host.group_by_id(stat.gid).map_or_else(|| stat.gid.to_string(), |g| g.name);
    info.insert("uid".into(), stat.uid.into());
    info.insert("gid".into(), stat.gid.into());
    info.insert("owner".into(), owner.into());
    info.insert("group".into(), group.into());
    info.insert("mode".into(), octal(stat.mode).into());
    info.insert("state".into(), state_of(host, path).into());
    if let Some(context) = selinux_context(host, path) {
        info.insert("secontext".into(), context.into());
    }
    info.insert("size".into(), stat.size.into());
    info
}

/// A failure about a file, with what is known of it.
pub fn failure_at(host: &dyn Observe, path: &Path, msg: impl Into<String>) -> Failure {
    let mut failure = Failure::new(msg).with("path", text(path));
    failure.values.extend(path_info(host, path));
    failure
}
