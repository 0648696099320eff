//! Facts `hardware`: processors, memory, firmware tables, block devices, mounts, LVM. Needs the platform's architecture, and
//! the programs that each file names.

mod cpu;
mod devices;
mod dmi;
mod lvm;
mod memory;
pub mod mounts;

use super::family::Family;
use super::scene::Scene;
use super::shared::{int, single};
use crate::contract::JsonMap;
use crate::host::Command;

pub const FAMILY: Family = Family::new("hardware", collect)
    .provides(&["processor", "processor_cores", "processor_count", "mounts", "devices"])
    .needs(&["platform"])
    .commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    [dmi::commands, devices::commands, lvm::commands, mounts::commands].iter().flat_map(|part| part(scene)).collect()
}

fn collect(scene: &Scene) -> JsonMap {
    let parts = [cpu::collect, memory::collect, dmi::collect, devices::collect, uptime, lvm::collect, mounts::collect];
    parts.iter().flat_map(|part| part(scene)).collect()
}

fn uptime(scene: &Scene) -> JsonMap {
    let text = scene.text("/proc/uptime");
    let seconds = text.as_deref().and_then(|text| text.split(['.', ' ']).next()).and_then(int);
    seconds.map(|seconds| single("uptime_seconds", seconds)).unwrap_or_default()
}
