//! Mounted devices with sizes and UUIDs. Needs `lsblk` for UUIDs; a file system that does not answer in time gets a note.

use crate::contract::{Json, JsonMap};
use crate::facts::scene::Scene;
use crate::facts::shared::{facts, int, single, unescape_octal};
use crate::host::{Command, FsUsage};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

pub fn commands(scene: &Scene) -> Vec<Command> {
    // Floppy disks (2) are too slow to be asked.
    let args = ["--list", "--noheadings", "--paths", "--output", "NAME,UUID", "--exclude", "2"];
    scene.tool("lsblk", &args).into_iter().collect()
}

struct Mount {
    device: String,
    point: String,
    kind: String,
    options: String,
    dump: i64,
    pass: i64,
}

pub fn collect(scene: &Scene) -> JsonMap {
    let mounts = table(scene);
    let bound = bind_mounts(scene);
    let uuids = block_uuids(scene);
    let points: Vec<PathBuf> = mounts.iter().map(|mount| PathBuf::from(&mount.point)).collect();
    let usages = scene.host.fs_usage(&points, scene.limit);
    let all: Vec<Json> = mounts
        .into_iter()
        .zip(usages)
        .map(|(mount, usage)| {
            let uuid = uuids.get(&mount.device).cloned().or_else(|| udev_uuid(scene, &mount.device));
            let bind = if bound.contains(&mount.point) { ",bind" } else { "" };
            let mut facts = facts! {
                "mount" => mount.point.as_str(),
                "device" => mount.device,
                "fstype" => mount.kind,
                "options" => mount.options + bind,
                "dump" => mount.dump,
                "passno" => mount.pass,
            };
            if matches!(&usage, Err(e) if e.kind() == io::ErrorKind::TimedOut) {
                scene.warn(format!("Timeout exceeded when getting mount info for {}", mount.point));
                facts.insert("note".to_owned(), "Could not get extra information due to timeout".into());
            } else {
                facts.extend(usage.map(|usage| sizes(&usage)).unwrap_or_default());
                facts.insert("uuid".to_owned(), uuid.unwrap_or_else(|| "N/A".to_owned()).into());
            }
            facts.into()
        })
        .collect();
    single("mounts", all)
}

/// What `statvfs` says of a mount, under Ansible's names.
pub fn sizes(usage: &FsUsage) -> JsonMap {
    facts! {
        "size_total" => usage.fragment_size * usage.blocks,
        "size_available" => usage.fragment_size * usage.blocks_available,
        "block_size" => usage.block_size,
        "block_total" => usage.blocks,
        "block_available" => usage.blocks_available,
        "block_used" => usage.blocks.saturating_sub(usage.blocks_available),
        "inode_total" => usage.inodes,
        "inode_available" => usage.inodes_available,
        "inode_used" => usage.inodes.saturating_sub(usage.inodes_available),
    }
}

/// Mounts of devices and of remote file systems; of several at one point the last one, in the place of the first.
fn table(scene: &Scene) -> Vec<Mount> {
    let path = if scene.exists("/etc/mtab") { "/etc/mtab" } else { "/proc/mounts" };
    let mut mounts: Vec<Mount> = Vec::new();
    for line in scene.lines(path) {
        let fields: Vec<String> = line.split_whitespace().map(unescape_octal).collect();
        let [device, point, kind, options, rest @ ..] = &fields[..] else { continue };
        let is_device = device.starts_with(['/', '\\']) || device.contains(":/");
        if !is_device || kind == "none" {
            continue;
        }
        let number = |at: usize| rest.get(at).and_then(|n| int(n)).unwrap_or(0);
        let mount = Mount {
            device: device.clone(),
            point: point.clone(),
            kind: kind.clone(),
            options: options.clone(),
            dump: number(0),
            pass: number(1),
        };
        match mounts.iter_mut().find(|known| known.point == mount.point) {
            Some(known) => *known = mount,
            None => mounts.push(mount),
        }
    }
    mounts
}

/// Mount points that show a directory of their file system other than its root.
fn bind_mounts(scene: &Scene) -> BTreeSet<String> {
    let lines = scene.lines("/proc/self/mountinfo");
    let fields = lines.iter().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.filter(|f| f.len() > 4 && f[3] != "/").map(|f| unescape_octal(f[4])).collect()
}

fn block_uuids(scene: &Scene) -> BTreeMap<String, String> {
    let printed = commands(scene).first().and_then(|command| scene.ask_command(command)).unwrap_or_default();
    let mut uuids = BTreeMap::new();
    for line in printed.lines() {
        if let Some((device, uuid)) = line.trim().rsplit_once(char::is_whitespace) {
            uuids.entry(device.trim().to_owned()).or_insert_with(|| uuid.to_owned());
        }
    }
    uuids
}

/// The UUID that udev knows for a device node.
pub fn udev_uuid(scene: &Scene, device: &str) -> Option<String> {
    let number = scene.host.stat(Path::new(device)).ok()?.rdev;
    let (major, minor) = ((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
    let lines = scene.lines(format!("/run/udev/data/b{major}:{minor}"));
    lines.iter().find_map(|line| line.strip_prefix("E:ID_FS_UUID=")).map(str::to_owned)
}
