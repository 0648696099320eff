//! Facts `selinux`: whether SELinux is on, and how. Needs nothing: reads selinuxfs and `/etc/selinux/config`.

use super::family::Family;
use super::scene::Scene;
use super::shared::{facts, int};
use crate::contract::{Json, JsonMap};

pub const FAMILY: Family = Family::minimal("selinux", collect);

fn collect(scene: &Scene) -> JsonMap {
    // Ansible tells whether its Python could load libselinux; without it, it knows nothing more.
    if !has_library(scene) {
        return facts! {
            "selinux" => facts! { "status" => "Missing selinux Python library" },
            "selinux_python_present" => false,
        };
    }
    facts! { "selinux_python_present" => true, "selinux" => status(scene) }
}

fn has_library(scene: &Scene) -> bool {
    let machine = scene.host.uname().machine;
    let multiarch = format!("{machine}-linux-gnu");
    ["/lib", "/usr/lib", "/lib64", "/usr/lib64"]
        .iter()
        .flat_map(|dir| [format!("{dir}/{multiarch}"), (*dir).to_owned()])
        .any(|dir| scene.exists(format!("{dir}/libselinux.so.1")))
}

fn status(scene: &Scene) -> JsonMap {
    let config = scene.text("/etc/selinux/config");
    let mounted = ["/sys/fs/selinux", "/selinux"].into_iter().find(|dir| scene.exists(format!("{dir}/policyvers")));
    let (Some(config), Some(dir)) = (config, mounted) else {
        return facts! { "status" => "disabled" };
    };
    let setting = |name: &str| {
        let lines = config.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, v)| v.trim().to_owned())
    };
    let policy = scene.text(format!("{dir}/policyvers")).and_then(|v| int(&v));
    let mode = match scene.text(format!("{dir}/enforce")).as_deref() {
        Some("1") => "enforcing",
        Some("0") => "permissive",
        _ => "unknown",
    };
    let configured = match setting("SELINUX").map(|v| v.to_lowercase()).as_deref() {
        Some(mode @ ("enforcing" | "permissive" | "disabled")) => mode.to_owned(),
        _ => "unknown".to_owned(),
    };
    facts! {
        "status" => "enabled",
        "policyvers" => policy.map_or(Json::from("unknown"), Json::from),
        "config_mode" => configured,
        "mode" => mode,
        "type" => setting("SELINUXTYPE").unwrap_or_else(|| "unknown".to_owned()),
    }
}
