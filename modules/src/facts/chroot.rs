//! Facts `chroot`: whether the root directory is another one than that of process 1. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::JsonMap;
use std::path::Path;

pub const FAMILY: Family = Family::new("chroot", collect).provides(&["is_chroot"]);

fn collect(scene: &Scene) -> JsonMap {
    single("is_chroot", is_chroot(scene))
}

fn is_chroot(scene: &Scene) -> bool {
    if scene.env("debian_chroot").is_some_and(|name| !name.is_empty()) {
        return true;
    }
    let Ok(own) = scene.host.stat(Path::new("/")) else { return false };
    if let Ok(first) = scene.host.stat(Path::new("/proc/1/root/.")) {
        return (own.inode, own.dev) != (first.inode, first.dev);
    }
    // Without the right to look at process 1: a file system's own root has a well-known inode number.
    let root_inode = match root_type(scene).as_deref() {
        Some("btrfs") => 256,
        Some("xfs") => 128,
        _ => 2,
    };
    own.inode != root_inode
}

fn root_type(scene: &Scene) -> Option<String> {
    let mounts = scene.lines("/proc/mounts");
    let root =
        mounts.iter().rev().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|f| f.get(1) == Some(&"/"))?;
    root.get(2).map(|kind| (*kind).to_owned())
}
