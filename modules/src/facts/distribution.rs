//! Facts `distribution`: name, version, release and family of the distribution. Needs `lsb_release` where it is installed.
//!
//! The files, their order and the names that they lead to are ansible-core's.

use super::family::Family;
use super::lsb;
use super::os_release::{Guess, guess};
use super::scene::Scene;
use super::shared::{capture, facts};
use crate::contract::JsonMap;
use crate::host::FileKind;
use std::path::Path;

pub const FAMILY: Family = Family::minimal("distribution", collect)
    .provides(&["distribution_version", "distribution_release", "distribution_major_version", "os_family"])
    .commands(lsb::commands);

/// How a release file is read; `variety` is Ansible's name for the reading.
struct Source {
    path: &'static str,
    variety: &'static str,
    read: fn(&Reading) -> Option<JsonMap>,
}

/// One release file, and what is known besides.
struct Reading<'a> {
    scene: &'a Scene<'a>,
    guess: &'a Guess,
    variety: &'static str,
    path: &'static str,
    text: &'a str,
}

const fn source(path: &'static str, variety: &'static str, read: fn(&Reading) -> Option<JsonMap>) -> Source {
    Source { path, variety, read }
}

/// In the order in which they are tried; the first that can be read decides.
const SOURCES: [Source; 23] = [
    source("/etc/altlinux-release", "Altlinux", |r| marked(r, "ALT")),
    source("/etc/oracle-release", "OracleLinux", |r| marked(r, "Oracle Linux")),
    source("/etc/slackware-version", "Slackware", slackware),
    source("/etc/centos-release", "CentOS", centos),
    source("/etc/redhat-release", "RedHat", |r| marked(r, "Red Hat")),
    source("/etc/vmware-release", "VMwareESX", no_content),
    source("/etc/openwrt_release", "OpenWrt", |r| quoted_lsb(r, "OpenWrt")),
    source("/etc/os-release", "Amazon", amazon),
    source("/etc/system-release", "Amazon", amazon),
    source("/etc/alpine-release", "Alpine", |r| Some(facts! { "distribution_version" => r.text })),
    source("/etc/arch-release", "Archlinux", no_content),
    source("/etc/os-release", "Archlinux", |r| r.text.contains("Arch Linux").then(JsonMap::new)),
    source("/etc/os-release", "SUSE", suse),
    source("/etc/SuSE-release", "SUSE", suse),
    source("/etc/gentoo-release", "Gentoo", |_| None),
    source("/etc/os-release", "Debian", debian),
    source("/etc/lsb-release", "Debian", debian),
    source("/etc/lsb-release", "Mandriva", |r| quoted_lsb(r, "Mandriva")),
    source("/etc/sourcemage-release", "SMGL", |r| marked(r, "Source Mage GNU/Linux")),
    source("/usr/lib/os-release", "ClearLinux", clear_linux),
    source("/etc/coreos/update.conf", "Coreos", coreos),
    source("/etc/os-release", "Flatcar", flatcar),
    source("/etc/os-release", "NA", unknown),
];

fn collect(scene: &Scene) -> JsonMap {
    let guess = guess(scene);
    let or_na = |text: &str| if text.is_empty() { "NA".to_owned() } else { text.to_owned() };
    let version = or_na(&guess.version);
    let mut facts = facts! {
        "distribution" => or_na(&guess.name),
        "distribution_release" => guess.codename.clone().unwrap_or_else(|| "NA".to_owned()),
        "distribution_major_version" => or_na(version.split('.').next().unwrap_or_default()),
        "distribution_version" => version,
    };
    if let Some((source, found)) = SOURCES.iter().find_map(|source| Some((source, read(scene, &guess, source)?))) {
        facts.insert("distribution".to_owned(), source.variety.into());
        facts.insert("distribution_file_path".to_owned(), source.path.into());
        facts.insert("distribution_file_variety".to_owned(), source.variety.into());
        if !takes_empty(source) {
            facts.insert("distribution_file_parsed".to_owned(), true.into());
        }
        facts.extend(found);
    }
    let name = facts["distribution"].as_str().unwrap_or_default().to_owned();
    facts.insert("os_family".to_owned(), os_family(&name).into());
    facts
}

/// These files count by being there.
fn takes_empty(source: &Source) -> bool {
    matches!(source.path, "/etc/vmware-release" | "/etc/arch-release")
}

fn read(scene: &Scene, guess: &Guess, source: &Source) -> Option<JsonMap> {
    let is_file = scene.host.stat(Path::new(source.path)).is_ok_and(|stat| stat.kind == FileKind::File);
    if takes_empty(source) {
        return is_file.then(JsonMap::new);
    }
    let text = if is_file { scene.text(source.path)? } else { return None };
    let text = text.trim_matches(['\'', '"', '\\']);
    (source.read)(&Reading { scene, guess, variety: source.variety, path: source.path, text })
}

fn no_content(_: &Reading) -> Option<JsonMap> {
    Some(JsonMap::new())
}

/// A file that names its distribution, or else another one of the family by its first word (`Rocky Linux release 9.3`).
fn marked(r: &Reading, mark: &str) -> Option<JsonMap> {
    if r.text.contains(mark) {
        return Some(facts! { "distribution" => r.variety, "distribution_file_search_string" => mark });
    }
    Some(facts! { "distribution" => r.text.split_whitespace().next()? })
}

fn slackware(r: &Reading) -> Option<JsonMap> {
    let mut facts = r.text.contains("Slackware").then(JsonMap::new)?;
    if let Some(version) = capture(r"(\w+[.]\w+\+?)", r.text) {
        facts.insert("distribution_version".to_owned(), version.into());
    }
    Some(facts)
}

fn centos(r: &Reading) -> Option<JsonMap> {
    if r.text.contains("CentOS Stream") {
        Some(facts! { "distribution_release" => "Stream" })
    } else {
        r.text.contains("TencentOS Server").then(|| facts! { "distribution" => "TencentOS" })
    }
}

fn quoted_lsb(r: &Reading, mark: &str) -> Option<JsonMap> {
    let mut facts = r.text.contains(mark).then(JsonMap::new)?;
    set(&mut facts, "distribution_version", capture(r#"DISTRIB_RELEASE="(.*)""#, r.text));
    set(&mut facts, "distribution_release", capture(r#"DISTRIB_CODENAME="(.*)""#, r.text));
    Some(facts)
}

fn set(facts: &mut JsonMap, name: &str, value: Option<String>) {
    if let Some(value) = value {
        facts.insert(name.to_owned(), value.into());
    }
}

fn first_part(version: &str) -> String {
    version.split('.').next().unwrap_or_default().to_owned()
}

fn amazon(r: &Reading) -> Option<JsonMap> {
    let mut facts = r.text.contains("Amazon").then(JsonMap::new)?;
    if r.path != "/etc/os-release" {
        let number = r.text.split_whitespace().find(|word| word.chars().all(|c| c.is_ascii_digit()));
        facts.insert("distribution_version".to_owned(), number.unwrap_or("NA").into());
    } else if let Some(version) = capture(r#"VERSION_ID="(.*)""#, r.text) {
        let minor = version.split('.').nth(1).unwrap_or("NA").to_owned();
        facts.insert("distribution_major_version".to_owned(), first_part(&version).into());
        facts.insert("distribution_minor_version".to_owned(), minor.into());
        facts.insert("distribution_version".to_owned(), version.into());
    }
    Some(facts)
}

fn suse(r: &Reading) -> Option<JsonMap> {
    let lower = r.text.to_lowercase();
    let mut facts = lower.contains("suse").then(JsonMap::new)?;
    if r.path == "/etc/os-release" {
        set(
            &mut facts,
            "distribution",
            capture("(?m)^NAME=(.*)", r.text).map(|name| name.trim_matches('"').to_owned()),
        );
        if let Some(version) = capture(r#"(?m)^VERSION_ID="?([0-9]+\.?[0-9]*)"?"#, r.text) {
            facts.insert("distribution_major_version".to_owned(), first_part(&version).into());
            facts.insert("distribution_version".to_owned(), version.into());
        }
        let minor = capture(r#"(?m)^VERSION_ID="?[0-9]+\.?([0-9]*)"?"#, r.text);
        if lower.contains("open") {
            set(&mut facts, "distribution_release", minor);
        } else if lower.contains("enterprise") {
            let minor = minor.map(|minor| if minor.is_empty() { "0".to_owned() } else { minor });
            set(&mut facts, "distribution_release", minor);
        }
    } else if lower.contains("open") {
        set(&mut facts, "distribution", r.text.split_whitespace().next().map(str::to_owned));
        let name = capture(r"CODENAME *= *([^\n]+)", r.text).map(|name| name.trim().to_owned());
        set(&mut facts, "distribution_release", name);
    } else if lower.contains("enterprise") {
        let name = ["Server", "Desktop"].iter().zip(["SLES", "SLED"]).find(|(word, _)| r.text.contains(**word));
        set(&mut facts, "distribution", name.map(|(_, name)| name.to_owned()));
        if let Some(level) = capture("PATCHLEVEL = ([0-9]+)", r.text) {
            facts.insert("distribution_version".to_owned(), format!("{}.{level}", r.guess.version).into());
            facts.insert("distribution_release".to_owned(), level.into());
        }
    }
    set(&mut facts, "distribution", suse_variant(r));
    Some(facts)
}

/// SLES for SAP and SUSE Linux Micro say so in `VARIANT_ID`, older ones by the product that is installed.
fn suse_variant(r: &Reading) -> Option<String> {
    if let Some(variant) = capture(r#"(?m)^VARIANT_ID="?([^"\n]*)"?"#, r.text) {
        return match variant.as_str() {
            "server-sap" | "sles-sap" => Some("SLES_SAP".to_owned()),
            "transactional" => Some("SL-Micro".to_owned()),
            _ => None,
        };
    }
    let product = r.scene.host.canonicalize(Path::new("/etc/products.d/baseproduct")).ok()?;
    match product.to_string_lossy() {
        p if p.ends_with("SLES_SAP.prod") => Some("SLES_SAP".to_owned()),
        p if p.ends_with("SL-Micro.prod") => Some("SL-Micro".to_owned()),
        _ => None,
    }
}

fn debian(r: &Reading) -> Option<JsonMap> {
    let has = |words: &[&str]| words.iter().any(|word| r.text.contains(word));
    let mut facts = JsonMap::new();
    let mut name = |name: &str| facts.insert("distribution".to_owned(), name.into());
    if has(&["Debian", "Raspbian"]) {
        name("Debian");
        set(&mut facts, "distribution_release", capture(r"PRETTY_NAME=[^(]+ \(?([^)]+?)\)", r.text));
        let minor =
            r.scene.lines("/etc/debian_version").iter().filter_map(|line| capture(r"\d+\.(\d+)", line)).next_back();
        set(&mut facts, "distribution_minor_version", minor);
    } else if has(&["Ubuntu"]) {
        name("Ubuntu");
    } else if has(&["SteamOS"]) {
        name("SteamOS");
    } else if has(&["Kali", "Parrot"]) {
        name(if has(&["Kali"]) { "Kali" } else { "Parrot" });
        set(&mut facts, "distribution_release", capture("DISTRIB_RELEASE=(.*)", r.text));
    } else if has(&["Devuan"]) {
        name("Devuan");
        set(&mut facts, "distribution_release", capture(r#"PRETTY_NAME="?[^("]+ \(?([^) "]+)\)?"#, r.text));
        let version = capture(r#"VERSION_ID="(.*)""#, r.text);
        set(&mut facts, "distribution_major_version", version.clone());
        set(&mut facts, "distribution_version", version);
    } else if has(&["Cumulus"]) {
        name("Cumulus Linux");
        let version = capture("VERSION_ID=(.*)", r.text);
        set(&mut facts, "distribution_major_version", version.as_deref().map(first_part));
        set(&mut facts, "distribution_version", version);
        set(&mut facts, "distribution_release", capture(r#"VERSION="(.*)""#, r.text));
    } else if has(&["Mint"]) {
        name("Linux Mint");
        versioned(&mut facts, r);
    } else if has(&["UOS", "Uos", "uos", "Deepin", "deepin"]) {
        name(if has(&["UOS", "Uos", "uos"]) { "Uos" } else { "Deepin" });
        set(&mut facts, "distribution_release", capture(r#"VERSION_CODENAME="?([^"]+)"?"#, r.text));
        versioned(&mut facts, r);
    } else if has(&["LMDE"]) {
        name("Linux Mint Debian Edition");
    } else {
        return None;
    }
    Some(facts)
}

fn versioned(facts: &mut JsonMap, r: &Reading) {
    let version = capture(r#"VERSION_ID="(.*)""#, r.text);
    set(facts, "distribution_major_version", version.as_deref().map(first_part));
    set(facts, "distribution_version", version);
}

fn clear_linux(r: &Reading) -> Option<JsonMap> {
    let mut facts = JsonMap::new();
    let name = capture(r#"NAME="(.*)""#, r.text);
    if name.as_ref().is_some_and(|name| !name.contains("Clear Linux")) {
        return None;
    }
    set(&mut facts, "distribution", name);
    let version = capture("VERSION_ID=(.*)", r.text);
    set(&mut facts, "distribution_major_version", version.clone());
    set(&mut facts, "distribution_version", version);
    set(&mut facts, "distribution_release", capture("ID=(.*)", r.text));
    Some(facts)
}

fn coreos(r: &Reading) -> Option<JsonMap> {
    let mut facts = (r.guess.name.to_lowercase() == "coreos").then(JsonMap::new)?;
    let group = capture("^GROUP=(.*)", r.text).map(|group| group.trim_matches('"').to_owned());
    set(&mut facts, "distribution_release", group);
    Some(facts)
}

fn flatcar(r: &Reading) -> Option<JsonMap> {
    let mut facts = (r.guess.name.to_lowercase() == "flatcar").then(JsonMap::new)?;
    let version = capture("VERSION=(.*)", r.text).map(|version| version.trim_matches('"').to_owned());
    set(&mut facts, "distribution_major_version", version.as_deref().map(first_part));
    set(&mut facts, "distribution_version", version);
    Some(facts)
}

fn unknown(r: &Reading) -> Option<JsonMap> {
    let mut facts = JsonMap::new();
    let last = |pattern| r.text.lines().filter_map(|line| capture(pattern, line)).next_back();
    set(&mut facts, "distribution", last("^NAME=(.*)").map(|name| name.trim_matches('"').to_owned()));
    if r.guess.version.is_empty() {
        let version = last("^VERSION=(.*)").map(|version| version.trim_matches('"').to_owned());
        set(&mut facts, "distribution_version", version);
    }
    Some(facts)
}

/// The family that a distribution belongs to; one that is in none is its own.
fn os_family(distribution: &str) -> &str {
    match distribution {
        "RedHat"
        | "RHEL"
        | "Fedora"
        | "CentOS"
        | "Scientific"
        | "SLC"
        | "Ascendos"
        | "CloudLinux"
        | "PSBM"
        | "OracleLinux"
        | "OVS"
        | "OEL"
        | "Amazon"
        | "Amzn"
        | "Virtuozzo"
        | "XenServer"
        | "Alibaba"
        | "EulerOS"
        | "openEuler"
        | "AlmaLinux"
        | "Rocky"
        | "TencentOS"
        | "EuroLinux"
        | "Kylin Linux Advanced Server"
        | "MIRACLE" => "RedHat",
        "Debian"
        | "Ubuntu"
        | "Raspbian"
        | "Neon"
        | "KDE neon"
        | "Linux Mint"
        | "SteamOS"
        | "Devuan"
        | "Kali"
        | "Cumulus Linux"
        | "Pop!_OS"
        | "Parrot"
        | "Pardus GNU/Linux"
        | "Uos"
        | "Deepin"
        | "OSMC"
        | "Linux Mint Debian Edition" => "Debian",
        "SuSE"
        | "SLES"
        | "SLED"
        | "openSUSE"
        | "openSUSE Tumbleweed"
        | "SLES_SAP"
        | "SUSE_LINUX"
        | "openSUSE Leap"
        | "ALP-Dolomite"
        | "SL-Micro"
        | "openSUSE MicroOS" => "Suse",
        "Archlinux" | "Antergos" | "Manjaro" => "Archlinux",
        "Mandrake" | "Mandriva" => "Mandrake",
        "Gentoo" | "Funtoo" => "Gentoo",
        "Clear Linux OS" | "Clear Linux Mix" => "ClearLinux",
        other => other,
    }
}
