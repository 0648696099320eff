//! Data cases: files and answers of a fake host → facts.

use super::mount_facts::MountFacts;
use super::service_facts::ServiceFacts;
use super::setup::Setup;
use crate::contract::{Entry, Json, JsonMap, Outcome};
use crate::host::fake::Fake;
use crate::host::testing::{case, run};
use serde_json::json;

fn setup(host: Fake, subset: &[&str]) -> Outcome {
    let mut subset = subset.to_vec();
    if !subset.contains(&"all") {
        subset.extend(["!all", "!min"]);
    }
    let args = json!({"gather_subset": subset});
    case(&Entry::of::<Setup>(), args, &mut host.clone()).expect("facts are gathered whatever the host")
}

fn facts(host: Fake, subset: &[&str]) -> JsonMap {
    setup(host, subset).facts.expect("setup returns facts")
}

/// The expected facts are what ansible-core 2.19.14 makes of the same files.
#[test]
fn distributions_are_told_apart_as_ansible_does() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("distributions.json")).expect("cases are JSON");
    for case in cases {
        let files = case["files"].as_object().expect("files by path");
        let host =
            files.iter().fold(Fake::new(), |host, (path, text)| host.file(path, text.as_str().unwrap_or_default()));
        let found = facts(host, &["distribution"]);
        let ours: JsonMap = found
            .into_iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("ansible_")?.to_owned(), value)))
            .collect();
        assert_eq!(Json::from(ours), case["facts"], "{}", case["name"]);
    }
}

#[test]
fn an_empty_host_has_few_facts_but_no_faults() {
    let outcome = setup(Fake::new(), &["all"]);
    assert_eq!(outcome.warnings, Vec::<String>::new());
    let found = outcome.facts.unwrap_or_default();
    assert_eq!(found["ansible_lvm"], "N/A");
    assert_eq!(found["ansible_virtualization_type"], "NA");
    assert_eq!(found["ansible_date_time"]["epoch"], "1700000000");
    assert_eq!(found["ansible_user_id"], "root");
    assert!(!found.contains_key("ansible_python"), "there is no python on this host");
}

#[test]
fn nothing_is_gathered_where_everything_is_negated() {
    assert_eq!(Json::from(facts(Fake::new(), &[])), json!({"gather_subset": ["!all", "!min"], "module_setup": true}));
}

#[test]
fn filters_leave_out_the_rest() {
    let args = json!({"filter": ["os_family", "ansible_pkg*"], "gather_subset": "!all"});
    let outcome = run(&Entry::of::<Setup>(), args, &mut Fake::new().file("/etc/alpine-release", "3.19.1"), false);
    let found = outcome.expect("it succeeds").facts.unwrap_or_default();
    assert_eq!(Json::from(found), json!({"ansible_os_family": "Alpine", "ansible_pkg_mgr": "unknown"}));
}

#[test]
fn names_of_the_host() {
    let host = |hosts: &str| Fake::new().file("/proc/sys/kernel/hostname", "web1\n").file("/etc/hosts", hosts);
    for (host, fqdn, domain) in [
        (host("127.0.0.1 localhost\n127.0.1.1 web1.example.org web1 # note\n"), "web1.example.org", "example.org"),
        (host("127.0.0.1 localhost web1\n"), "localhost", ""),
        (host("10.0.0.1 a.example.org\n10.0.0.1 web1\n"), "a.example.org", "example.org"),
        (host(""), "web1", ""),
        (
            host("").answer("getent ahosts web1", 0, "10.1.1.1 STREAM web1\n10.1.1.1 DGRAM\n").answer(
                "getent hosts 10.1.1.1",
                0,
                "10.1.1.1       web1.corp.example web1\n",
            ),
            "web1.corp.example",
            "corp.example",
        ),
    ] {
        let found = facts(host, &["platform"]);
        assert_eq!((&found["ansible_fqdn"], &found["ansible_domain"]), (&json!(fqdn), &json!(domain)));
        assert_eq!(found["ansible_hostname"], "web1");
    }
}

#[test]
fn python_is_asked_once() {
    let host = Fake::new().answer("python3 -S -c ...", 0, "/usr/bin/python3\n3.11.2\n3\n11\n2\nfinal\n0\ncpython\n1\n");
    let found = facts(host, &["platform", "python"]);
    assert_eq!(found["ansible_python_version"], "3.11.2");
    assert_eq!(
        found["ansible_python"],
        json!({"version": {"major": 3, "minor": 11, "micro": 2, "releaselevel": "final", "serial": 0},
               "version_info": [3, 11, 2, "final", 0], "executable": "/usr/bin/python3", "has_sslcontext": true, "type": "cpython"})
    );
}

#[test]
fn local_facts_of_every_kind_and_fault() {
    let dir = "/etc/ansible/facts.d";
    let host = Fake::new()
        .file(&format!("{dir}/json.fact"), "{\"a\": [1, null]}")
        .file(&format!("{dir}/ini.fact"), "[general]\nName = x\n")
        .file(&format!("{dir}/words.fact"), "just words\n")
        .file(&format!("{dir}/empty.fact"), "")
        .file(&format!("{dir}/bytes.fact"), b"\xff\xfe")
        .file(&format!("{dir}/other.txt"), "{}")
        .file_mode(&format!("{dir}/run.fact"), "", 0o755)
        .file_mode(&format!("{dir}/fails.fact"), "", 0o755)
        .answer(&format!("{dir}/run.fact"), 0, "{\"ran\": true}")
        .answer_err(&format!("{dir}/fails.fact"), 3, "", "oops\n");
    let outcome = setup(host, &["local"]);
    let words = "error loading facts as JSON or ini - please check content: /etc/ansible/facts.d/words.fact";
    let fails = "Failure executing fact script (/etc/ansible/facts.d/fails.fact), rc: 3, err: oops\n";
    assert_eq!(outcome.warnings, [fails, words]);
    assert_eq!(
        outcome.facts.unwrap_or_default()["ansible_local"],
        json!({"bytes": {}, "empty": {}, "fails": fails, "ini": {"general": {"name": "x"}}, "json": {"a": [1, null]},
               "run": {"ran": true}, "words": words})
    );
}

#[test]
fn disks_with_partitions_and_links() {
    let disk = "/sys/devices/pci0000:00/0000:00:1f.2/ata1/block/sda";
    let host = Fake::new()
        .link("/sys/block/sda", "../devices/pci0000:00/0000:00:1f.2/ata1/block/sda")
        .file(&format!("{disk}/size"), "2048\n")
        .file(&format!("{disk}/removable"), "0\n")
        .file(&format!("{disk}/queue/logical_block_size"), "512\n")
        .file(&format!("{disk}/queue/scheduler"), "none [mq-deadline]\n")
        .file(&format!("{disk}/device/model"), "DISK\n")
        .file(&format!("{disk}/sda1/size"), "1024\n")
        .file(&format!("{disk}/sda1/start"), "1024\n")
        .link("/dev/disk/by-uuid/1-2", "../../sda1")
        .link("/dev/disk/by-id/wwn-0x5", "../../sda")
        .answer("lspci -D", 0, "0000:00:1f.2 SATA controller: Intel\n");
    let found = facts(host, &["hardware"]);
    let sda = &found["ansible_devices"]["sda"];
    assert_eq!(sda["size"], "1.00 MB");
    assert_eq!(sda["host"], "SATA controller: Intel");
    assert_eq!(sda["wwn"], "0x5");
    assert_eq!(sda["model"], "DISK");
    assert_eq!(sda["vendor"], Json::Null);
    assert_eq!(
        sda["partitions"],
        json!({"sda1": {"links": {"ids": [], "uuids": ["1-2"], "labels": [], "masters": []}, "start": "1024", "sectorsize": 512,
                        "sectors": 1024, "size": "512.00 KB", "uuid": "1-2", "holders": []}})
    );
    assert_eq!(found["ansible_device_links"]["uuids"], json!({"sda1": ["1-2"]}));
}

#[test]
fn mounts_of_devices_only() {
    let host = Fake::new()
        .file("/etc/mtab", "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw,relatime 0 1\nnas:/x /mnt/a\\040b nfs rw 0 0\n/dev/sda1 /b ext4 rw 0 0\n")
        .file("/proc/self/mountinfo", "29 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 29 8:1 /dir /b rw - ext4 /dev/sda1 rw\n")
        .answer("lsblk --list ...", 0, "/dev/sda\n/dev/sda1 1-2\n");
    let mounts = facts(host, &["mounts"])["ansible_mounts"].clone();
    assert_eq!(
        mounts,
        json!([
            {"mount": "/", "device": "/dev/sda1", "fstype": "ext4", "options": "rw,relatime", "dump": 0, "passno": 1, "uuid": "1-2"},
            {"mount": "/mnt/a b", "device": "nas:/x", "fstype": "nfs", "options": "rw", "dump": 0, "passno": 0, "uuid": "N/A"},
            {"mount": "/b", "device": "/dev/sda1", "fstype": "ext4", "options": "rw,bind", "dump": 0, "passno": 0, "uuid": "1-2"},
        ])
    );
}

#[test]
fn first_mount_of_a_point_counts() {
    let mut host = Fake::new()
        .file("/etc/fstab", "/dev/sda1 / ext4 ro 0 1\nnas:/x /x nfs rw\n")
        .file("/proc/mounts", "/dev/sda1 / ext4 rw 0 0\ntmpfs /t tmpfs rw 0 0\ntmpfs /t tmpfs ro 0 0\n");
    let entry = Entry::of::<MountFacts>();
    let outcome = case(&entry, json!({}), &mut host).expect("it succeeds");
    let found = outcome.facts.unwrap_or_default();
    let points = found["mount_points"].as_object().expect("a map");
    assert_eq!(points.keys().collect::<Vec<_>>(), ["/", "/t", "/x"]);
    assert_eq!(points["/"]["options"], "rw");
    assert_eq!(points["/"]["ansible_context"]["source_data"], "/dev/sda1 / ext4 rw 0 0");
    assert!(outcome.warnings[0].contains("/proc/mounts (['/', '/t', '/t'])"), "{:?}", outcome.warnings);
    let outcome = case(&entry, json!({"fstypes": ["n*"], "include_aggregate_mounts": true}), &mut host);
    let found = outcome.expect("it succeeds").facts.unwrap_or_default();
    assert_eq!(found["aggregate_mounts"].as_array().map(Vec::len), Some(1));
    for (args, message) in [
        (json!({"timeout": 0}), "argument 'timeout' must be a positive number or null, not 0"),
        (json!({"mount_binary": ["x"]}), "argument 'mount_binary' must be a string or null, not [\"x\"]"),
        (json!({"sources": [""]}), "sources contains an empty string"),
    ] {
        assert_eq!(run(&entry, args, &mut host, false).map_err(|failure| failure.msg), Err(message.to_owned()));
    }
}

#[test]
fn services_of_systemd_and_scripts() {
    let host = Fake::new()
        .dir("/run/systemd/system")
        .answer("service --status-all", 0, " [ + ]  cron\n [ - ]  x y\n [ ? ]  z\n")
        .answer(
            "systemctl list-units ...",
            0,
            "UNIT LOAD ACTIVE SUB DESCRIPTION\ncron.service loaded active running Regular jobs\n\
             bad.service not-found inactive dead bad.service\none.service loaded active exited One failed thing\n",
        )
        .answer(
            "systemctl list-unit-files ...",
            0,
            "UNIT FILE STATE PRESET\ncron.service enabled enabled\nbad.service enabled -\noff.service disabled enabled\n\
             t@.service static -\n",
        )
        .answer("systemctl show --property=ActiveState -- off.service", 0, "ActiveState=inactive\n");
    let outcome = case(&Entry::of::<ServiceFacts>(), json!({}), &mut host.clone()).expect("it succeeds");
    assert_eq!(
        outcome.facts.unwrap_or_default()["services"],
        json!({
            "cron": {"name": "cron", "state": "running", "source": "sysv"},
            "x y": {"name": "x y", "state": "stopped", "source": "sysv"},
            "cron.service": {"name": "cron.service", "state": "running", "status": "enabled", "source": "systemd"},
            "bad.service": {"name": "bad.service", "state": "stopped", "status": "not-found", "source": "systemd"},
            "one.service": {"name": "one.service", "state": "stopped", "status": "failed", "source": "systemd"},
            "off.service": {"name": "off.service", "state": "inactive", "status": "disabled", "source": "systemd"},
            "t@.service": {"name": "t@.service", "state": "unknown", "status": "static", "source": "systemd"},
        })
    );
    let nothing = case(&Entry::of::<ServiceFacts>(), json!({}), &mut Fake::new()).expect("it succeeds");
    assert!(nothing.skipped);
}
