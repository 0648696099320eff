//! Facts: one file per family, each says what it provides and what it needs; and the modules that gather facts.

mod apparmor;
mod caps;
mod chroot;
mod cmdline;
mod date_time;
mod distribution;
mod dns;
mod dpkg;
mod ec2_metadata;
mod env;
mod facter;
mod family;
mod fibre_channel_wwn;
mod fips;
mod gather;
mod hardware;
pub(crate) mod ini;
mod iscsi;
mod loadavg;
mod local;
mod lsb;
pub mod mount_facts;
mod mount_sources;
mod network;
mod nvme;
mod ohai;
mod os_release;
pub mod package_facts;
mod pkg_mgr;
mod platform;
mod python;
mod scene;
mod selinux;
pub mod service_facts;
mod service_mgr;
pub mod setup;
mod shared;
mod ssh_pub_keys;
mod systemd;
mod time_zone;
mod user;
mod virtualization;

pub use ec2_metadata::Ec2MetadataFacts;
pub use python::find_python;

use family::Family;

/// All families, each after those that it needs.
static FAMILIES: &[Family] = &[
    platform::FAMILY,
    distribution::FAMILY,
    lsb::FAMILY,
    selinux::FAMILY,
    apparmor::FAMILY,
    chroot::FAMILY,
    fips::FAMILY,
    python::FAMILY,
    caps::FAMILY,
    pkg_mgr::FAMILY,
    service_mgr::FAMILY,
    cmdline::FAMILY,
    date_time::FAMILY,
    env::FAMILY,
    loadavg::FAMILY,
    ssh_pub_keys::FAMILY,
    user::FAMILY,
    systemd::FAMILY,
    virtualization::FAMILY,
    hardware::FAMILY,
    dns::FAMILY,
    fibre_channel_wwn::FAMILY,
    network::FAMILY,
    iscsi::FAMILY,
    nvme::FAMILY,
    local::FAMILY,
    facter::FAMILY,
    ohai::FAMILY,
];

#[cfg(test)]
mod tests;
