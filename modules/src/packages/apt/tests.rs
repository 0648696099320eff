//! Data cases of `apt`: arguments and a scripted host → commands and outcome.

use super::Apt;
use crate::contract::Entry;
use crate::host::fake::Fake;
use crate::host::testing::{case, once, run};
use serde_json::json;

const APT: Entry = Entry::of::<Apt>();
const BASE: &str = "/usr/bin/apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=60";
const STATUS: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\nPackage: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88-1\n\nPackage: mawk\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.3\nProvides: awk\n\nPackage: old\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n";
const POLICY: &str = "nginx:\n  Installed: (none)\n  Candidate: 1.22-1\n  Version table:\n     1.22-1 500\n        500 http://deb main\n     1.20-1 500\n        500 http://deb main\n";
const INSTALLED: &str = "Reading state information...\nThe following NEW packages\n0 upgraded, 1 newly installed, 0 to remove\nInst nginx\n";

fn host() -> Fake {
    Fake::new()
        .file_mode("/usr/bin/apt-get", "", 0o755)
        .file_mode("/usr/bin/apt-mark", "", 0o755)
        .file("/var/lib/dpkg/status", STATUS)
        .file("/var/lib/dpkg/info/old.list", "/etc/old\n")
        .dir("/var/lib/apt/lists")
        .modified("/var/lib/apt/lists", 1000.7)
        .answer("apt-cache policy nginx", 0, POLICY)
        .answer("apt-cache policy nosuch", 0, "")
        .answer("apt-cache policy awk", 0, "awk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n")
        .answer("apt-cache showpkg awk", 0, "Package: awk\nReverse Provides: \nmawk 1.3 (= )\n")
        .answer("/usr/bin/apt-mark manual nginx", 0, "")
        .answer("/usr/bin/apt-mark manual curl nginx", 0, "")
}

fn add_nginx(host: &mut Fake) {
    host.set_file(
        "/var/lib/dpkg/status",
        format!("{STATUS}Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22-1\n"),
        0o644,
    );
}

#[test]
fn installs_what_is_missing_in_one_call() {
    let mut host = host().answer(&format!("{BASE} --simulate install nginx=1.22-1"), 0, INSTALLED).effect(
        &format!("{BASE} install nginx=1.22-1"),
        0,
        INSTALLED,
        add_nginx,
    );
    let out = case(&APT, json!({"name": ["curl", "nginx"]}), &mut host).unwrap();
    assert!(out.changed);
    assert_eq!(out.values["cache_updated"], false);
    assert_eq!(
        out.diff[0].prepared.as_deref(),
        Some("The following NEW packages\n0 upgraded, 1 newly installed, 0 to remove")
    );
    assert_eq!(host.executed()[1], "/usr/bin/apt-mark manual curl nginx");
}

#[test]
fn a_clean_up_with_nothing_to_do_tells_so() {
    let said = "Reading state information...\n0 upgraded, 0 newly installed, 0 to remove and 1 not upgraded.\n";
    let line = format!("{BASE} autoremove");
    let mut host = host().answer(&line, 0, said).answer(&format!("{line} --simulate"), 0, said);
    let out = case(&APT, json!({"autoremove": true}), &mut host).unwrap();
    assert!(!out.changed);
    assert_eq!(out.diff[0].prepared.as_deref(), Some("0 upgraded, 0 newly installed, 0 to remove and 1 not upgraded."));
}

#[test]
fn installed_packages_and_met_virtual_ones_need_no_apt_get() {
    let mut host = host();
    let out = case(&APT, json!({"name": "curl,awk"}), &mut host).unwrap();
    assert!(!out.changed && host.executed().is_empty());
    assert_eq!(out.values["cache_update_time"], 1000);
}

#[test]
fn versions_by_pattern() {
    let mut host = host().answer(&format!("{BASE} --simulate install nginx=1.20-1"), 0, INSTALLED).answer(
        &format!("{BASE} install nginx=1.20-1"),
        0,
        INSTALLED,
    );
    assert!(once(&APT, json!({"name": "nginx=1.20*"}), &mut host).unwrap().changed);
    let failure = run(&APT, json!({"name": "nginx=3"}), &mut host, false).unwrap_err();
    assert_eq!(failure.msg, "no available installation candidate for nginx=3");
}

#[test]
fn unknown_packages_fail_and_absent_ones_are_fine() {
    let mut host = host();
    let failure = run(&APT, json!({"name": "nosuch"}), &mut host, true).unwrap_err();
    assert_eq!(failure.msg, "No package matching 'nosuch' is available");
    assert!(!case(&APT, json!({"name": ["nosuch", "old"], "state": "absent"}), &mut host).unwrap().changed);
}

#[test]
fn purge_removes_what_only_left_files() {
    let line = "/usr/bin/apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=60 --purge";
    let mut host = host().answer(&format!("{line} --simulate remove old"), 0, "").effect(
        &format!("{line} remove old"),
        0,
        "",
        |h| h.unset_file("/var/lib/dpkg/info/old.list"),
    );
    assert!(case(&APT, json!({"name": "old", "state": "absent", "purge": true}), &mut host).unwrap().changed);
}

#[test]
fn updates_lists_only_when_they_are_old() {
    let update = "/usr/bin/apt-get update -q -o APT::Update::Error-Mode=any";
    let mut host = host().effect(update, 0, "", |h| *h = h.clone().modified("/var/lib/apt/lists", 4_000_000_000.0));
    let out = case(&APT, json!({"update_cache": true, "cache_valid_time": 3600}), &mut host).unwrap();
    assert!(out.changed);
    assert_eq!(
        (&out.values["cache_updated"], &out.values["cache_update_time"]),
        (&json!(true), &json!(4_000_000_000_i64))
    );
    assert_eq!(host.executed(), [update]);
}

#[test]
fn failing_install_reports_the_command() {
    let mut host = host().answer_err(&format!("{BASE} install nginx=1.22-1"), 100, "", "E: Unmet\n");
    let failure = run(&APT, json!({"name": "nginx"}), &mut host, false).unwrap_err();
    assert!(failure.msg.starts_with("'/usr/bin/apt-get -y -o \"Dpkg::Options::=--force-confdef\""), "{}", failure.msg);
    assert!(failure.msg.ends_with("install 'nginx=1.22-1'' failed: E: Unmet\n"), "{}", failure.msg);
    assert_eq!(failure.values["rc"], 100);
}
