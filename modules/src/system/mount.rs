//! `ansible.posix.mount`: entries of fstab and what is mounted.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::files::shared::{backup, make_parents};
use crate::host::steps::{execute, required};
use crate::host::{Change, Command, Observe, WriteOptions};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub struct Mount;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    boot: bool,
    dump: String,
    fstab: Option<String>,
    fstype: Option<String>,
    path: String,
    opts: Option<String>,
    passno: String,
    src: Option<String>,
    backup: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Absent,
    AbsentFromFstab,
    AbsentMount,
    Mounted,
    Present,
    Unmounted,
    Remounted,
    Ephemeral,
}

/// What to do with the mount point itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    None,
    Mount,
    Remount,
    Unmount,
    UnmountAndRemove,
    RemoveDir,
}

pub struct Work {
    args: Args,
    /// Content of fstab before and after.
    table: Option<(String, String)>,
    act: Act,
    preview: Outcome,
}

const NEEDS: &[&str] = &["src", "fstype"];

impl Module for Mount {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredIf { arg: "state", value: Literal::Str("mounted"), required: NEEDS, any: false },
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: NEEDS, any: false },
            Rule::RequiredIf { arg: "state", value: Literal::Str("ephemeral"), required: NEEDS, any: false },
        ],
        examples: "- name: A data disk\n  ansible.posix.mount:\n    path: /srv/data\n    src: UUID=b3e48f45-f933-4c8e-a700-22a159ec9077\n    fstype: xfs\n    opts: noatime\n    state: mounted\n",
        ..ModuleSpec::new(
            "ansible.posix.mount",
            "Manages mount points and their entries in fstab.",
            &[
                Arg::path("path").required().aliases(&["name"]).doc("The mount point; `none` for swap."),
                Arg::str("state")
                    .required()
                    .choices(&[
                        "absent",
                        "absent_from_fstab",
                        "absent_mount",
                        "mounted",
                        "present",
                        "unmounted",
                        "remounted",
                        "ephemeral",
                    ])
                    .doc("`mounted` and `present` write fstab; `ephemeral` does not."),
                Arg::path("src").doc("Device or other source."),
                Arg::str("fstype").doc("Type of the file system."),
                Arg::str("opts").doc("Mount options; `defaults` without."),
                Arg::bool("opts_no_log").default(Literal::Bool(false)).doc("The options hold a secret."),
                Arg::str("dump").default(Literal::Str("0")).doc("Fifth field of fstab."),
                Arg::str("passno").default(Literal::Str("0")).doc("Sixth field of fstab."),
                Arg::str("fstab").doc("File, if not `/etc/fstab`."),
                Arg::bool("boot").default(Literal::Bool(true)).doc("Mount on boot; otherwise `noauto` is added."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old fstab beside it."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let mut warnings = Vec::new();
        let mut opts: Vec<String> = args.opts.as_deref().unwrap_or("defaults").split(',').map(str::to_owned).collect();
        let noauto = opts.iter().any(|o| o == "noauto");
        if args.boot && noauto {
            warnings.push("Ignore the 'boot' due to 'opts' contains 'noauto'.".to_owned());
        } else if !args.boot {
            opts.push("noauto".to_owned());
        }
        args.opts = Some(opts.join(","));
        let text = host.read_text(Path::new(args.fstab())).unwrap_or_default();
        let mounts = Mounts::read(host);
        let name = args.path.clone();
        let mounted = mounts.is_mounted(host, &name);
        let (after, act) = match args.state {
            State::Present => (with_entry(&args, &text), Act::None),
            State::Mounted => {
                let after = with_entry(&args, &text);
                let act = match (mounted || mounts.bound_from(&name, args.src.as_deref()), after.is_some()) {
                    (false, _) => Act::Mount,
                    (true, true) => Act::Remount,
                    (true, false) => Act::None,
                };
                (after, act)
            }
            State::AbsentFromFstab => (without_entry(&args, &text), Act::None),
            State::Absent | State::AbsentMount => {
                let after = without_entry(&args, &text);
                let there = host.exists(Path::new(&name)) && args.state == State::Absent;
                let act = match (after.is_some(), mounted, there) {
                    (false, ..) => Act::None,
                    (true, true, true) => Act::UnmountAndRemove,
                    (true, true, false) => Act::Unmount,
                    (true, false, true) => Act::RemoveDir,
                    (true, false, false) => Act::None,
                };
                (after, act)
            }
            State::Unmounted => (None, if mounted { Act::Unmount } else { Act::None }),
            State::Remounted => (None, Act::Remount),
            State::Ephemeral if mounted => {
                if !mounts.comes_from(&name, args.src.as_deref().unwrap_or_default()) {
                    return Err(Failure::new(
                        "Ephemeral mount point is already mounted with a different source than the specified one. Failing in order to prevent an unwanted unmount or override operation. Try replacing this command with a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different destination path.",
                    ));
                }
                (None, Act::Remount)
            }
            State::Ephemeral => (None, Act::Mount),
        };
        let mut outcome = args.describe();
        outcome.changed = after.is_some() || act != Act::None;
        outcome.warnings = warnings;
        if !outcome.changed {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { args, table: after.map(|a| (text, a)), act, preview: outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, table, act, mut preview } = work;
        let name = Path::new(&args.path);
        let mut made: Vec<PathBuf> = Vec::new();
        if act == Act::Mount && !host.exists(name) {
            made = make_parents(host, name).map_err(|e| Failure::io(format!("Error making dir {}", args.path), &e))?;
            host.create_dir(name, 0o755).map_err(|e| Failure::io(format!("Error making dir {}", args.path), &e))?;
            made.push(name.to_owned());
        }
        let fstab = PathBuf::from(args.fstab());
        if let Some((_, after)) = &table {
            if args.backup && host.exists(&fstab) {
                let copy = backup(host, &fstab)?;
                preview.set("backup_file", copy);
            }
            write(host, &fstab, after)?;
        }
        let result = match act {
            Act::None => Ok(()),
            Act::Mount => {
                let command = args.mount_command(host.observe(), None)?;
                run(host, command)
            }
            Act::Remount => remount(&args, host)?,
            Act::Unmount | Act::UnmountAndRemove => {
                unmount(&args, host)?.map_err(|m| Failure::new(format!("Error unmounting {}: {m}", args.path)))?;
                Ok(())
            }
            Act::RemoveDir => Ok(()),
        };
        if let Err(said) = result {
            // A line that cannot be mounted may keep the host from booting.
            if let Some((before, _)) = &table {
                let _ = write(host, &fstab, before);
            }
            for dir in made.iter().rev() {
                let _ = host.remove_dir(dir);
            }
            let verb = if args.state == State::Remounted { "remounting" } else { "mounting" };
            return Err(Failure::new(format!("Error {verb} {}: {said}", args.path)));
        }
        if matches!(act, Act::UnmountAndRemove | Act::RemoveDir) {
            host.remove_dir(name).map_err(|e| Failure::io(format!("Error rmdir {}", args.path), &e))?;
        }
        Ok(preview)
    }
}

impl Args {
    fn fstab(&self) -> &str {
        self.fstab.as_deref().unwrap_or("/etc/fstab")
    }

    fn opts(&self) -> &str {
        self.opts.as_deref().unwrap_or("defaults")
    }

    fn describe(&self) -> Outcome {
        let mut outcome = Outcome::unchanged()
            .with("name", self.path.as_str())
            .with("opts", self.opts())
            .with("dump", self.dump.as_str())
            .with("passno", self.passno.as_str())
            .with("fstab", self.fstab())
            .with("boot", if self.boot || self.opts().split(',').all(|o| o != "noauto") { "yes" } else { "no" })
            .with("backup_file", "");
        for (key, value) in [("src", &self.src), ("fstype", &self.fstype)] {
            if let Some(value) = value {
                outcome.set(key, value.as_str());
            }
        }
        outcome
    }

    /// `mount` by fstab, or with everything on the command line; `options` go before.
    fn mount_command(&self, host: &dyn Observe, options: Option<String>) -> Result<Command, Failure> {
        let mut command = Command::new(required(host, "mount")?);
        if let Some(options) = options {
            command = command.args(["-o".to_owned(), options]);
        }
        if self.state == State::Ephemeral {
            command = command.args(["-t", self.fstype.as_deref().unwrap_or("auto")]);
            if self.opts() != "defaults" {
                command = command.args(["-o", self.opts()]);
            }
            command = command.args(&self.src);
        } else if self.fstab() != "/etc/fstab" {
            command = command.args(["-T", self.fstab()]);
        }
        Ok(command.arg(&self.path))
    }
}

/// `Err` holds what the program said.
fn run(host: &mut dyn Change, command: Command) -> Result<(), String> {
    match execute(host, &command) {
        Ok(out) if out.ok() => Ok(()),
        Ok(out) => Err(out.stdout_text() + &out.stderr_text()),
        Err(failure) => Err(failure.msg),
    }
}

fn unmount(args: &Args, host: &mut dyn Change) -> Result<Result<(), String>, Failure> {
    let command = Command::new(required(host.observe(), "umount")?).arg(&args.path);
    Ok(run(host, command))
}

/// Remounts; where that does not work, unmounts and mounts.
fn remount(args: &Args, host: &mut dyn Change) -> Result<Result<(), String>, Failure> {
    let given = args.state == State::Remounted && args.opts() != "defaults";
    let options = if given { format!("remount,{}", args.opts()) } else { "remount".to_owned() };
    let command = args.mount_command(host.observe(), Some(options))?;
    if run(host, command).is_ok() {
        return Ok(Ok(()));
    }
    if given {
        return Err(Failure::new(
            "Options were specified with remounted, but the remount command failed. Failing in order to prevent an unexpected mount result. Try replacing this command with a \"state: unmounted\" followed by a \"state: mounted\" using the full desired mount options instead.",
        ));
    }
    if let Err(said) = unmount(args, host)? {
        return Ok(Err(said));
    }
    let command = args.mount_command(host.observe(), None)?;
    Ok(run(host, command))
}

fn write(host: &mut dyn Change, fstab: &Path, text: &str) -> Result<(), Failure> {
    make_parents(host, fstab).map_err(|e| Failure::io(format!("Failed to open {}", fstab.display()), &e))?;
    let target = host.canonicalize(fstab).unwrap_or_else(|_| fstab.to_owned());
    host.write(&target, &mut text.as_bytes(), &WriteOptions::default())
        .map_err(|e| Failure::io(format!("Failed to open {}", fstab.display()), &e))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\134").replace(' ', "\\040").replace('&', "\\046")
}

/// The fields of a line of fstab; the last two may be missing.
fn fields(line: &str) -> Option<[&str; 6]> {
    if line.trim().is_empty() || line.trim().starts_with('#') {
        return None;
    }
    let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
    match words[..] {
        [src, name, kind, opts] => Some([src, name, kind, opts, "0", "0"]),
        [src, name, kind, opts, dump] => Some([src, name, kind, opts, dump, "0"]),
        [src, name, kind, opts, dump, pass] => Some([src, name, kind, opts, dump, pass]),
        _ => None,
    }
}

/// Whether the line is the one that is meant; a swap is told by its source.
fn is_meant(args: &Args, fields: &[&str; 6]) -> bool {
    let other_swap = fields[1] == "none" && fields[2] == "swap" && args.src.as_deref().is_some_and(|s| s != fields[0]);
    fields[1] == escape(&args.path) && !other_swap
}

/// fstab with the entry; `None` where it stands there already.
fn with_entry(args: &Args, text: &str) -> Option<String> {
    let escaped = |v: &Option<String>| escape(v.as_deref().unwrap_or_default());
    let wanted = [
        escaped(&args.src),
        escape(&args.path),
        escaped(&args.fstype),
        escape(args.opts()),
        escape(&args.dump),
        escape(&args.passno),
    ];
    let line = format!("{}\n", wanted.join(" "));
    let (mut out, mut found, mut changed) = (String::new(), false, false);
    for old in text.lines() {
        if let Some(now) = fields(old).filter(|f| is_meant(args, f)) {
            found = true;
            if now.iter().zip(&wanted).any(|(n, w)| n != w) {
                changed = true;
                out.push_str(&line);
                continue;
            }
        }
        out.push_str(old);
        out.push('\n');
    }
    if !found {
        out.push_str(&line);
        changed = true;
    }
    changed.then_some(out)
}

/// fstab without the entry; `None` where it has none. Lines without all six fields are left alone, as in Ansible.
fn without_entry(args: &Args, text: &str) -> Option<String> {
    let meant = |line: &str| line.split_whitespace().count() == 6 && fields(line).is_some_and(|f| is_meant(args, &f));
    text.lines().any(meant).then(|| text.lines().filter(|l| !meant(l)).map(|l| format!("{l}\n")).collect())
}

/// What `/proc/self/mountinfo` tells: the source of each mount point, for bind mounts the directory.
struct Mounts(HashMap<String, (String, String)>);

impl Mounts {
    fn read(host: &dyn Observe) -> Self {
        let text = host.read_text(Path::new("/proc/self/mountinfo")).unwrap_or_default();
        let mut rows: HashMap<u64, (u64, String, String, String)> = HashMap::new();
        let mut order = Vec::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.len() < 9 {
                continue;
            }
            let (Ok(id), Ok(parent)) = (words[0].parse(), words[1].parse()) else { continue };
            let unescape = |s: &str| s.replace("\\040", " ").replace("\\134", "\\");
            rows.insert(id, (parent, unescape(words[3]), unescape(words[4]), words[words.len() - 2].to_owned()));
            order.push(id);
        }
        let mut mounts = HashMap::new();
        for id in order {
            let (parent, root, target, device) = &rows[&id];
            let mut bound = device.clone();
            if let Some((_, above, above_target, _)) = rows.get(parent).filter(|_| *parent != 1) {
                let root = match root.strip_prefix(above.as_str()) {
                    Some(rest) if above.len() > 1 && rest.starts_with('/') => rest,
                    _ => root,
                };
                bound = if above_target == "/" { root.to_owned() } else { format!("{above_target}{root}") };
            }
            mounts.insert(target.clone(), (bound, device.clone()));
        }
        Mounts(mounts)
    }

    fn is_mounted(&self, host: &dyn Observe, path: &str) -> bool {
        let real = host.canonicalize(Path::new(path)).map(|p| p.display().to_string());
        self.0.contains_key(path.trim_end_matches('/')) || real.is_ok_and(|p| self.0.contains_key(&p))
    }

    fn bound_from(&self, path: &str, src: Option<&str>) -> bool {
        self.0.get(path).is_some_and(|(bound, _)| Some(bound.as_str()) == src)
    }

    fn comes_from(&self, path: &str, src: &str) -> bool {
        self.0.get(path).is_some_and(|(bound, device)| bound == src || device == src)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;

    const MOUNT: Entry = Entry::of::<Mount>();
    const INFO: &str = "/proc/self/mountinfo";
    const ROOT: &str = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n";

    fn host() -> Fake {
        Fake::new()
            .file_mode("/usr/bin/mount", "", 0o755)
            .file_mode("/usr/bin/umount", "", 0o755)
            .file("/etc/fstab", "# c\n/dev/sda1 / ext4 defaults 0 1\nUUID=x none swap sw 0 0\n")
            .file(INFO, ROOT)
            .effect("/usr/bin/mount /mnt/d", 0, "", |h| {
                h.set_file(INFO, format!("{ROOT}30 22 8:2 / /mnt/d rw - xfs /dev/sdb1 rw\n"), 0o444);
            })
            .effect("/usr/bin/umount /mnt/d", 0, "", |h| h.set_file(INFO, ROOT, 0o444))
    }

    #[test]
    fn mounts_and_unmounts() {
        let mut host = host();
        let args =
            json!({"path": "/mnt/d", "src": "/dev/sdb1", "fstype": "xfs", "opts": "noatime", "state": "mounted"});
        let out = case(&MOUNT, args.clone(), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["boot"]), (true, &json!("yes")));
        assert!(host.text("/etc/fstab").ends_with("/dev/sdb1 /mnt/d xfs noatime 0 0\n"));
        let mut remounted = host.clone().answer("/usr/bin/mount -o remount /mnt/d", 0, "");
        let mut other = args.clone();
        other["opts"] = json!("ro");
        assert!(case(&MOUNT, other, &mut remounted).unwrap().changed);
        assert!(case(&MOUNT, json!({"path": "/mnt/d", "state": "unmounted"}), &mut host).unwrap().changed);
        assert!(case(&MOUNT, json!({"path": "/mnt/d", "state": "absent"}), &mut host).unwrap().changed);
        assert!(!host.exists(Path::new("/mnt/d")) && !host.text("/etc/fstab").contains("/mnt/d"));
    }

    #[test]
    fn failed_mount_takes_everything_back() {
        let mut host = host().answer_err("/usr/bin/mount /mnt/bad", 32, "", "mount: no\n");
        let before = host.text("/etc/fstab");
        let args = json!({"path": "/mnt/bad", "src": "/dev/no", "fstype": "xfs", "state": "mounted"});
        let failure = run(&MOUNT, args, &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Error mounting /mnt/bad: mount: no\n");
        assert!(!host.exists(Path::new("/mnt/bad")));
        assert_eq!(host.text("/etc/fstab"), before);
    }

    #[test]
    fn swap_is_told_by_its_source() {
        let mut host = host();
        let args = json!({"path": "none", "src": "/dev/sdc", "fstype": "swap", "opts": "sw", "boot": false, "state": "present"});
        assert!(case(&MOUNT, args, &mut host).unwrap().changed);
        assert!(host.text("/etc/fstab").ends_with("UUID=x none swap sw 0 0\n/dev/sdc none swap sw,noauto 0 0\n"));
        let args = json!({"path": "none", "src": "UUID=x", "state": "absent", "fstype": "swap"});
        assert!(once(&MOUNT, args, &mut host).unwrap().changed);
        assert!(!host.text("/etc/fstab").contains("UUID=x"));
    }
}
