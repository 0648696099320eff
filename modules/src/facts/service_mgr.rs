//! Facts `service_mgr`: what starts services here. Needs platform and distribution.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::JsonMap;
use std::path::Path;

pub const FAMILY: Family = Family::minimal("service_mgr", collect).needs(&["platform", "distribution"]);

/// Whether systemd runs the host: its tools are there and it left its mark at boot.
pub fn systemd_booted(scene: &Scene) -> bool {
    scene.host.which("systemctl").is_some()
        && ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"].iter().any(|mark| scene.exists(mark))
}

fn systemd_installed(scene: &Scene) -> bool {
    scene.host.which("systemctl").is_some() && scene.link_name("/sbin/init").as_deref() == Some("systemd")
}

fn collect(scene: &Scene) -> JsonMap {
    let first = first_process(scene);
    let name = match first.as_deref() {
        Some("procd") => "openwrt_init",
        Some("runit-init") => "runit",
        Some("svscan") => "svc",
        Some("openrc-init") => "openrc",
        Some(other) => other,
        None => by_files(scene),
    };
    single("service_mgr", name)
}

/// The program of process 1, unless its name tells nothing: many things are called `init`, and a shell is a container's.
fn first_process(scene: &Scene) -> Option<String> {
    let name = match scene.text("/proc/1/comm") {
        Some(comm) => comm.rsplit('/').next().unwrap_or_default().trim().to_owned(),
        None => scene.link_name("/sbin/init")?,
    };
    (!name.is_empty() && name != "init" && !name.ends_with("sh")).then_some(name)
}

fn by_files(scene: &Scene) -> &'static str {
    match scene.fact("distribution") {
        "OpenWrt" => "openwrt_init",
        "SMGL" => "simpleinit_msb",
        _ if systemd_booted(scene) => "systemd",
        _ if scene.host.which("initctl").is_some() && scene.exists("/etc/init/") => "upstart",
        _ if scene.exists("/sbin/openrc") => "openrc",
        _ if systemd_installed(scene) => "systemd",
        _ if scene.host.is_dir(Path::new("/etc/init.d")) => "sysvinit",
        _ if scene.host.is_dir(Path::new("/etc/dinit.d")) => "dinit",
        _ => "service",
    }
}
