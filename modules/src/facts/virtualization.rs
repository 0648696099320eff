//! Facts `virtual`: what the host runs in and what it can run. Needs `dmidecode` and `lscpu` where they tell more.

use super::family::Family;
use super::scene::Scene;
use super::shared::{capture, facts};
use crate::contract::JsonMap;
use crate::host::Command;
use std::collections::BTreeSet;
use std::path::Path;

pub const FAMILY: Family = Family::new("virtual", collect)
    .provides(&["virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host"])
    .commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    scene.tool("dmidecode", &["-s", "system-product-name"]).into_iter().collect()
}

/// What was found so far: every technique, and the first one as the answer.
#[derive(Default)]
struct Found {
    guest: BTreeSet<String>,
    host: BTreeSet<String>,
    answer: Option<(String, &'static str)>,
}

impl Found {
    fn guest(&mut self, technique: &str) {
        self.guest.insert(technique.to_owned());
        self.answer(technique, "guest");
    }
    fn host(&mut self, technique: &str) {
        self.host.insert(technique.to_owned());
        self.answer(technique, "host");
    }
    fn answer(&mut self, technique: &str, role: &'static str) {
        self.answer.get_or_insert_with(|| (technique.to_owned(), role));
    }
}

fn collect(scene: &Scene) -> JsonMap {
    let mut found = Found::default();
    containers(scene, &mut found);
    xen(scene, &mut found);
    firmware(scene, &mut found);
    processors(scene, &mut found);
    kernel_modules(scene, &mut found);
    dmidecode(scene, &mut found);
    if scene.exists("/dev/kvm") {
        found.host("kvm");
    }
    let (technique, role) = found.answer.unwrap_or(("NA".to_owned(), "NA"));
    facts! {
        "virtualization_type" => technique,
        "virtualization_role" => role,
        "virtualization_tech_guest" => Vec::from_iter(found.guest),
        "virtualization_tech_host" => Vec::from_iter(found.host),
    }
}

fn containers(scene: &Scene, found: &mut Found) {
    for line in scene.lines("/proc/1/cgroup") {
        if capture(r"/docker(/|-[0-9a-f]+\.scope)", &line).is_some() {
            found.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
    for variable in scene.text("/proc/1/environ").unwrap_or_default().split('\0') {
        if variable.contains("container=lxc") {
            found.guest("lxc");
        }
        if variable.contains("container=podman") {
            found.guest("podman");
        }
        if variable.strip_prefix("container=").is_some_and(|kind| !kind.is_empty()) {
            found.guest("container");
        }
    }
    if scene.exists("/proc/vz") && !scene.exists("/proc/lve") {
        if scene.exists("/proc/bc") { found.host("openvz") } else { found.guest("openvz") }
    }
    let systemd = scene.text("/run/systemd/container");
    if let Some(kind) = &systemd {
        found.guest(kind);
    }
    if scene.exists("/.dockerenv") || scene.exists("/.dockerinit") {
        found.guest("docker");
    }
    let known = ["docker", "lxc", "podman", "openvz", "containerd"];
    if systemd.is_some() || known.iter().any(|kind| found.guest.contains(*kind)) {
        found.guest.insert("container".to_owned());
    }
}

fn xen(scene: &Scene, found: &mut Found) {
    if !scene.exists("/proc/xen") {
        return;
    }
    if scene.lines("/proc/xen/capabilities").iter().any(|line| line.contains("control_d")) {
        found.host("xen");
    } else {
        found.answer("xen", "guest");
    }
}

fn firmware(scene: &Scene, found: &mut Found) {
    let read = |name: &str| scene.text(Path::new("/sys/devices/virtual/dmi/id").join(name)).unwrap_or_default();
    let (product, vendor, family, bios) =
        (read("product_name"), read("sys_vendor"), read("product_family"), read("bios_vendor"));
    if ["KVM", "KVM Server", "Bochs", "AHV", "CloudStack KVM Hypervisor"].contains(&product.as_str()) {
        found.guest("kvm");
    }
    match (vendor.as_str(), family.as_str(), product.as_str()) {
        ("oVirt", ..) => found.guest("oVirt"),
        ("Red Hat", "RHV", _) => found.guest("RHV"),
        ("Red Hat", _, "RHEV Hypervisor") => found.guest("RHEV"),
        _ => {}
    }
    if product.starts_with("VMware") {
        found.guest("VMware");
    }
    if ["OpenStack Compute", "OpenStack Nova"].contains(&product.as_str()) {
        found.guest("openstack");
    }
    match bios.as_str() {
        "Xen" => found.guest("xen"),
        "innotek GmbH" => found.guest("virtualbox"),
        "Amazon EC2" | "DigitalOcean" | "Hetzner" | "Linode" => found.guest("kvm"),
        _ => {}
    }
    match vendor.as_str() {
        "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix" => found.guest("kvm"),
        "KubeVirt" => found.guest("KubeVirt"),
        "Microsoft Corporation" => found.guest("VirtualPC"),
        "Parallels Software International Inc." => found.guest("parallels"),
        "OpenStack Foundation" => found.guest("openstack"),
        _ => {}
    }
}

fn processors(scene: &Scene, found: &mut Found) {
    for line in scene.lines("/proc/self/status") {
        match line.strip_prefix("VxID:").map(str::trim) {
            Some(id) if id.starts_with('0') => found.host("linux_vserver"),
            Some(id) if id.starts_with(|c: char| c.is_ascii_digit()) => found.guest("linux_vserver"),
            _ => {}
        }
    }
    for line in scene.lines("/proc/cpuinfo") {
        let after = |key: &str, mark: &str| line.strip_prefix(key).is_some_and(|rest| rest.contains(mark));
        if after("model name", "QEMU Virtual CPU") || after("machine", "CHRP IBM pSeries (emulated by qemu)") {
            found.guest("kvm");
        } else if after("vendor_id", "User Mode Linux") || after("model name", "UML") {
            found.guest("uml");
        } else if after("vendor_id", "PowerVM Lx86") {
            found.guest("powervm_lx86");
        } else if after("vendor_id", "IBM/S390") {
            mainframe(scene, found);
        }
    }
}

fn mainframe(scene: &Scene, found: &mut Found) {
    found.guest.insert("PR/SM".to_owned());
    if scene.host.which("lscpu").is_none() {
        found.guest.insert("ibm_systemz".to_owned());
    }
    let printed = scene.ask("lscpu", &[]).unwrap_or_default();
    let hypervisor =
        printed.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == "Hypervisor");
    match hypervisor {
        Some((_, name)) => found.guest(name.trim()),
        None => found.answer("PR/SM", "LPAR"),
    }
}

fn kernel_modules(scene: &Scene, found: &mut Found) {
    let lines = scene.lines("/proc/modules");
    let loaded = |name: &str| lines.iter().any(|line| line.split(' ').next() == Some(name));
    if loaded("kvm") {
        if scene.host.is_dir(Path::new("/rhev")) && runs_vdsm(scene) {
            found.host("RHEV");
        }
        found.host("kvm");
    }
    if loaded("vboxdrv") {
        found.host("virtualbox");
    }
    if loaded("virtio") {
        found.host.insert("kvm".to_owned());
        found.answer("kvm", "guest");
    }
}

fn runs_vdsm(scene: &Scene) -> bool {
    let processes = scene.names("/proc").into_iter().filter(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    let mut names = processes.filter_map(|process| scene.text(format!("/proc/{process}/comm")));
    names.any(|name| name == "vdsm" || name == "vdsmd")
}

fn dmidecode(scene: &Scene, found: &mut Found) {
    let Some(printed) = commands(scene).first().and_then(|command| scene.ask_command(command)) else { return };
    let product: String = printed.lines().filter(|line| !line.starts_with('#')).map(str::trim).collect();
    if product.starts_with("VMware") {
        found.guest("VMware");
    }
    if printed.contains("BHYVE") {
        found.guest("bhyve");
    }
}
