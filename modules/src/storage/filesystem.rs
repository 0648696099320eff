//! `community.general.filesystem`: file systems on devices.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, failed_command, query, required};
use crate::host::{Change, Command, FileKind, Observe};
use serde::Deserialize;
use std::path::Path;

pub struct Filesystem;

#[derive(Deserialize)]
pub struct Args {
    state: String,
    fstype: Option<String>,
    dev: String,
    force: bool,
    resizefs: bool,
    opts: Option<String>,
    uuid: Option<String>,
}

/// What is known of one kind of file system.
struct Kind {
    /// As blkid names it; the first as in the arguments, too.
    names: &'static [&'static str],
    mkfs: &'static str,
    force: &'static [&'static str],
    /// Options of mkfs that give a UUID, and those that go with them.
    mkfs_uuid: &'static [&'static str],
    mkfs_uuid_more: &'static [&'static str],
    grow: Option<&'static [&'static str]>,
    /// Bytes that may be left over at the end.
    slack: u64,
    /// Grown at its mount point only.
    mounted: bool,
    /// Program and option that give another UUID.
    change_uuid: Option<(&'static str, &'static str)>,
    size: Option<fn(&dyn Observe, &str) -> Result<u64, Failure>>,
}

const PLAIN: Kind = Kind {
    names: &[],
    mkfs: "",
    force: &[],
    mkfs_uuid: &[],
    mkfs_uuid_more: &[],
    grow: None,
    slack: 0,
    mounted: false,
    change_uuid: None,
    size: None,
};
const EXT: Kind = Kind {
    force: &["-F"],
    mkfs_uuid: &["-U"],
    grow: Some(&["resize2fs"]),
    change_uuid: Some(("tune2fs", "-U")),
    size: Some(ext_size),
    ..PLAIN
};
const KINDS: &[Kind] = &[
    Kind { names: &["ext2"], mkfs: "mkfs.ext2", ..EXT },
    Kind { names: &["ext3"], mkfs: "mkfs.ext3", ..EXT },
    Kind { names: &["ext4", "ext4dev"], mkfs: "mkfs.ext4", ..EXT },
    Kind {
        names: &["xfs"],
        mkfs: "mkfs.xfs",
        force: &["-f"],
        grow: Some(&["xfs_growfs"]),
        // A new allocation group takes 64 blocks.
        slack: 64 * 4096 - 1,
        mounted: true,
        change_uuid: Some(("xfs_admin", "-U")),
        size: Some(xfs_size),
        ..PLAIN
    },
    Kind {
        names: &["btrfs"],
        mkfs: "mkfs.btrfs",
        force: &["-f"],
        grow: Some(&["btrfs", "filesystem", "resize", "max"]),
        mounted: true,
        size: Some(btrfs_size),
        ..PLAIN
    },
    Kind {
        names: &["bcachefs"],
        mkfs: "mkfs.bcachefs",
        force: &["--force"],
        mkfs_uuid: &["-U", "--uuid"],
        grow: Some(&["bcachefs", "device", "resize"]),
        size: Some(bcachefs_size),
        ..PLAIN
    },
    Kind {
        names: &["f2fs"],
        mkfs: "mkfs.f2fs",
        force: &["-f"],
        grow: Some(&["resize.f2fs"]),
        size: Some(f2fs_size),
        ..PLAIN
    },
    Kind {
        names: &["vfat"],
        mkfs: "mkfs.vfat",
        grow: Some(&["fatresize", "-s", "max"]),
        size: Some(vfat_size),
        ..PLAIN
    },
    Kind {
        names: &["LVM2_member", "lvm"],
        mkfs: "pvcreate",
        force: &["-f"],
        mkfs_uuid: &["-u", "--uuid"],
        mkfs_uuid_more: &["--norestorefile"],
        grow: Some(&["pvresize"]),
        change_uuid: Some(("pvchange", "-u")),
        size: Some(lvm_size),
        ..PLAIN
    },
    Kind { names: &["swap"], mkfs: "mkswap", force: &["-f"], ..PLAIN },
    Kind { names: &["ocfs2"], mkfs: "mkfs.ocfs2", force: &["-Fx"], ..PLAIN },
    Kind { names: &["reiserfs"], mkfs: "mkfs.reiserfs", force: &["-q"], ..PLAIN },
];

impl Kind {
    fn of(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|k| k.names.contains(&name))
    }
}

pub struct Work {
    commands: Vec<Command>,
    /// The last command's output is the message.
    told: bool,
    outcome: Outcome,
}

impl Module for Filesystem {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["fstype"], any: false },
            Rule::MutuallyExclusive(&["resizefs", "uuid"]),
        ],
        examples: "- name: A file system for data\n  community.general.filesystem:\n    fstype: ext4\n    dev: /dev/sdb1\n    opts: -m 1\n\n- name: Grow it\n  community.general.filesystem:\n    fstype: ext4\n    dev: /dev/sdb1\n    resizefs: true\n",
        returns: &[Return { name: "msg", when: "resized", doc: "What the program said." }],
        differs: "`ufs` is refused. Check mode tells of a new UUID as of a change.",
        ..ModuleSpec::new(
            "community.general.filesystem",
            "File systems on devices.",
            &[
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Make one, or wipe its signatures."),
                Arg::str("fstype")
                    .aliases(&["type"])
                    .choices(&[
                        "bcachefs", "btrfs", "ext2", "ext3", "ext4", "ext4dev", "f2fs", "lvm", "ocfs2", "reiserfs",
                        "xfs", "vfat", "swap", "ufs",
                    ])
                    .doc("Its kind."),
                Arg::path("dev").required().aliases(&["device"]).doc("Device or file."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Also where there is another file system."),
                Arg::bool("resizefs").default(Literal::Bool(false)).doc("Grow it to the size of the device."),
                Arg::str("opts").doc("Options of mkfs."),
                Arg::str("uuid").doc("Give it this UUID, each time."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let (dev, present) = (args.dev.as_str(), args.state == "present");
        if host.stat(Path::new(dev)).is_err() {
            let msg = format!("Device {dev} not found.");
            return if present {
                Err(Failure::new(msg))
            } else {
                Ok(Plan::Done(Outcome::unchanged().with("msg", msg)))
            };
        }
        let blkid = Command::new(required(host, "blkid")?).args(["-c", "/dev/null", "-o", "value", "-s", "TYPE", dev]);
        let out = query(host, &blkid)?;
        let found = out.stdout_text().trim().to_owned();
        let work =
            |commands: Vec<Command>| Ok(Plan::Work(Work { commands, told: false, outcome: Outcome::changed(true) }));
        if !present {
            if found.is_empty() {
                return Ok(Plan::Done(Outcome::unchanged()));
            }
            return work(vec![Command::new(required(host, "wipefs")?).args(["--all", dev])]);
        }
        let fstype = args.fstype.as_deref().unwrap_or_default();
        let shown = if fstype == "lvm" { "LVM2_member" } else { fstype };
        let unsupported = |what: &str| Failure::new(format!("module does not support {what} ({shown}) yet."));
        let kind = Kind::of(fstype).ok_or_else(|| unsupported("this filesystem"))?;
        if args.uuid.is_some() && kind.change_uuid.is_none() && kind.mkfs_uuid.is_empty() {
            return Err(unsupported("UUID option for this filesystem"));
        }
        let same = kind.names.contains(&found.as_str());
        let given: Vec<&str> = args.opts.as_deref().unwrap_or_default().split_whitespace().collect();
        match &args.uuid {
            _ if same && args.resizefs => return grow(kind, shown, host, dev, call),
            Some(uuid) if same => {
                let Some((program, option)) = kind.change_uuid else {
                    return Err(unsupported("another UUID for this filesystem"));
                };
                let command = Command::new(required(host, program)?).arg(option);
                let command = command.args((program != "pvchange").then_some(uuid)).arg(dev);
                let msg = format!("Changing {shown} filesystem UUID on device {dev}");
                let outcome = Outcome::changed(true).with("msg", msg);
                return Ok(Plan::Work(Work { commands: vec![command], told: true, outcome }));
            }
            _ if same && !args.force => return Ok(Plan::Done(Outcome::unchanged())),
            _ => {}
        }
        if !found.is_empty() && !same && !args.force {
            let msg = format!("'{dev}' is already used as {found}, use force=true to overwrite");
            return Err(Failure::new(msg).with("rc", out.rc).with("err", out.stderr_text()));
        }
        let mut command = Command::new(if call.check { kind.mkfs.into() } else { required(host, kind.mkfs)? })
            .args(kind.force.iter().copied())
            .args(given.iter().copied());
        let mut commands = Vec::new();
        if let Some(uuid) = &args.uuid
            && !kind.mkfs_uuid.iter().any(|o| given.contains(o))
        {
            match (kind.mkfs_uuid.first(), kind.change_uuid) {
                (Some(option), _) => {
                    command = command.args([option, uuid.as_str()]).args(kind.mkfs_uuid_more.iter().copied());
                }
                (None, Some((program, option))) => {
                    let program = if call.check { program.into() } else { required(host, program)? };
                    commands.push(Command::new(program).args([option, uuid, dev]));
                }
                (None, None) => {}
            }
        }
        commands.insert(0, command.arg(dev));
        work(commands)
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let mut outcome = work.outcome;
        for command in &work.commands {
            let out = execute(host, command)?;
            if !out.ok() {
                return Err(failed_command(command, &out, ""));
            }
            if work.told {
                outcome.set("msg", out.stdout_text());
            }
        }
        Ok(outcome)
    }
}

fn grow(kind: &Kind, name: &str, host: &dyn Observe, dev: &str, call: &Call) -> Result<Plan<Work>, Failure> {
    let (Some(grow), Some(size)) = (kind.grow, kind.size) else {
        return Err(Failure::new(format!("module does not support resizing {name} filesystem yet.")));
    };
    let whole = device_size(host, dev)?;
    let class = match name {
        "ext2" => "Ext2",
        "ext3" => "Ext3",
        "ext4" | "ext4dev" => "Ext4",
        "xfs" => "XFS",
        "btrfs" => "Btrfs",
        "bcachefs" => "Bcachefs",
        "f2fs" => "F2fs",
        "vfat" => "VFAT",
        _ => "LVM",
    };
    if size(host, dev)? + kind.slack >= whole {
        let msg = format!("{class} filesystem is using the whole device {dev}");
        return Ok(Plan::Done(Outcome::unchanged().with("msg", msg)));
    }
    let mut target = dev.to_owned();
    if kind.mounted && !call.check {
        target = must_be_mounted(host, dev, class)?;
    }
    let program = required(host, grow[0])?;
    let command = Command::new(program).args(grow[1..].iter().copied()).arg(target);
    let outcome = Outcome::changed(true).with("msg", format!("resizing filesystem {class} on device {dev}"));
    Ok(Plan::Work(Work { commands: vec![command], told: true, outcome }))
}

fn device_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let stat = host.stat(Path::new(dev)).map_err(|e| Failure::io(dev, &e))?;
    match stat.kind {
        FileKind::BlockDevice => {
            let text = said(host, &["blockdev", "--getsize64", dev])?;
            text.trim().parse().map_err(|_| Failure::new(format!("unable to process blockdev output for {dev}")))
        }
        FileKind::File => Ok(stat.size),
        _ => Err(Failure::new(format!("Target device not supported: {dev}"))),
    }
}

fn said(host: &dyn Observe, words: &[&str]) -> Result<String, Failure> {
    let command =
        Command::new(required(host, words[0])?).args(words[1..].iter().copied()).env("LANG", "C").env("LC_ALL", "C");
    let out = query(host, &command)?;
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
}

fn mount_point(host: &dyn Observe, dev: &str) -> Option<String> {
    let text = said(host, &["findmnt", "--mtab", "--noheadings", "--output", "TARGET", "--source", dev]).ok()?;
    text.lines().next().map(str::to_owned)
}

fn must_be_mounted(host: &dyn Observe, dev: &str, class: &str) -> Result<String, Failure> {
    mount_point(host, dev).ok_or_else(|| Failure::new(format!("{dev} needs to be mounted for {class} operations")))
}

fn number(text: &str) -> Option<u64> {
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The number behind `label` in some line.
fn labelled(text: &str, label: &str) -> Option<u64> {
    text.lines().find_map(|line| number(line.split_once(label)?.1))
}

fn unread(program: &str, dev: &str) -> Failure {
    Failure::new(format!("unable to process {program} output for {dev}"))
}

fn ext_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let text = said(host, &["tune2fs", "-l", dev])?;
    let product = labelled(&text, "Block count:").zip(labelled(&text, "Block size:")).map(|(a, b)| a * b);
    product.ok_or_else(|| unread("tune2fs", dev))
}

fn xfs_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let place = mount_point(host, dev).unwrap_or_else(|| dev.to_owned());
    let text = said(host, &["xfs_info", &place])?;
    let data: String = text.lines().filter(|l| l.starts_with("data ")).collect();
    let product = labelled(&data, "bsize=").zip(labelled(&data, "blocks=")).map(|(a, b)| a * b);
    product.ok_or_else(|| unread("xfs_info", dev))
}

fn btrfs_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let place = must_be_mounted(host, dev, "Btrfs")?;
    let text = said(host, &["btrfs", "filesystem", "usage", "-b", &place])?;
    labelled(&text, "Device size:").ok_or_else(|| unread("btrfs", dev))
}

fn bcachefs_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let text = said(host, &["bcachefs", "show-super", dev])?;
    let size = text.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|w| *w == "Size:")?;
        let value: f64 = words.get(at + 1)?.parse().ok()?;
        let unit = *words.get(at + 2)?;
        let binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].iter().position(|u| *u == unit);
        let decimal = ["B", "kB", "MB", "GB", "TB", "PB"].iter().position(|u| *u == unit);
        let factor = match (binary, decimal) {
            (Some(power), _) => 1024_f64.powi(i32::try_from(power).ok()?),
            (None, Some(power)) => 1000_f64.powi(i32::try_from(power).ok()?),
            (None, None) => return None,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes of devices")]
        Some((value * factor) as u64)
    });
    size.ok_or_else(|| unread("bcachefs", dev))
}

fn f2fs_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let text = said(host, &["dump.f2fs", dev])?;
    let product = labelled(&text, "sector size =").zip(labelled(&text, "total FS sectors =")).map(|(a, b)| a * b);
    product.ok_or_else(|| unread("dump.f2fs", dev))
}

fn vfat_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let text = said(host, &["fatresize", "--info", dev])?;
    let size = text.lines().skip(1).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        ["Size", "Cur size"].contains(&name.trim()).then(|| number(value)).flatten()
    });
    size.ok_or_else(|| unread("fatresize", dev))
}

fn lvm_size(host: &dyn Observe, dev: &str) -> Result<u64, Failure> {
    let text = said(host, &["pvs", "--noheadings", "-o", "pv_size", "--units", "b", "--nosuffix", dev])?;
    number(&text).ok_or_else(|| unread("pvs", dev))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const FILESYSTEM: Entry = Entry::of::<Filesystem>();
    const TYPE: &str = "blkid -c /dev/null -o value -s TYPE /img";

    fn host(kind: &str) -> Fake {
        Fake::new().file("/img", "12345678").answer(TYPE, i32::from(kind.is_empty()) * 2, kind)
    }

    #[test]
    fn made_and_wiped() {
        let mut host = host("")
            .effect("mkfs.ext4 -F -m 1 -U 1-2 /img", 0, "", |h| h.set_answer(TYPE, 0, "ext4\n"))
            .effect("wipefs --all /img", 0, "", |h| h.set_answer(TYPE, 2, ""));
        let args = json!({"dev": "/img", "fstype": "ext4", "opts": "-m 1 -U 1-2"});
        assert!(case(&FILESYSTEM, args, &mut host).unwrap().changed);
        assert!(case(&FILESYSTEM, json!({"dev": "/img", "state": "absent"}), &mut host).unwrap().changed);
        let mut host = host.effect("pvcreate -f /img", 0, "", |h| h.set_answer(TYPE, 0, "LVM2_member\n"));
        assert!(case(&FILESYSTEM, json!({"dev": "/img", "type": "lvm"}), &mut host).unwrap().changed);
    }

    #[test]
    fn grown() {
        let mut host = host("ext4\n").answer("tune2fs -l /img", 0, "Block count:  3\nBlock size:  2\n").effect(
            "resize2fs /img",
            0,
            "grown\n",
            |h| {
                h.set_answer("tune2fs -l /img", 0, "Block count: 4\nBlock size: 2\n");
            },
        );
        let args = json!({"dev": "/img", "fstype": "ext4", "resizefs": true});
        assert_eq!(
            run(&FILESYSTEM, args.clone(), &mut host, true).unwrap().values["msg"],
            "resizing filesystem Ext4 on device /img"
        );
        assert_eq!(case(&FILESYSTEM, args.clone(), &mut host).unwrap().values["msg"], "grown\n");
        let msg = "Ext4 filesystem is using the whole device /img";
        assert_eq!(run(&FILESYSTEM, args, &mut host, false).unwrap().values["msg"], msg);
    }

    #[test]
    fn sizes() {
        let mut host = host("xfs\n")
            .answer("findmnt ...", 0, "/mnt\n")
            .answer(
                "xfs_info /mnt",
                0,
                "meta-data=/img isize=512\n         =   sectsz=512\ndata     =      bsize=2  blocks=3, imaxpct=25\n",
            )
            .answer("dump.f2fs /img", 0, "Info: sector size = 512\nInfo: total FS sectors = 102400 (50 MB)\n")
            .answer("fatresize --info /img", 0, "x\nFAT: fat16\nSize: 77\n")
            .answer("bcachefs show-super /img", 0, "Device 0:\n  Size:   1.50 MiB\n");
        let host: &dyn Observe = &mut host;
        let sizes = [xfs_size, f2fs_size, vfat_size, bcachefs_size].map(|f| f(host, "/img").unwrap());
        assert_eq!(sizes, [6, 512 * 102_400, 77, 1_572_864]);
    }

    #[test]
    fn refusals() {
        let failed = |args, mut host| run(&FILESYSTEM, args, &mut host, true).unwrap_err().msg;
        let ext4 = json!({"dev": "/img", "fstype": "ext4"});
        assert_eq!(failed(ext4.clone(), host("swap\n")), "'/img' is already used as swap, use force=true to overwrite");
        assert_eq!(failed(ext4, Fake::new()), "Device /img not found.");
        let msg = "module does not support this filesystem (ufs) yet.";
        assert_eq!(failed(json!({"dev": "/img", "fstype": "ufs"}), host("")), msg);
    }
}
