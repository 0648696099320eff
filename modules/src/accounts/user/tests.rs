//! Data cases of `user`.

use super::User;
use crate::contract::Entry;
use crate::host::fake::Fake;
use crate::host::testing::{case, once, run};
use serde_json::json;

const USER: Entry = Entry::of::<User>();
const HASH: &str = "$6$salt$kkPWAtjj14nCDoyZzgwLqOZjJoaWmRlM0D9ARW8dCIQtHqPPPxa0ccsa1BkMQKxFdfr5Cyy8E2mnSSSN5eTZF1";

fn host() -> Fake {
    ["useradd", "usermod", "userdel", "chage"]
        .iter()
        .fold(Fake::new(), |h, p| h.file_mode(&format!("/usr/sbin/{p}"), "", 0o755))
        .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n")
        .file("/etc/group", "root:x:0:\nann:x:1000:\nsudo:x:27:\nadm:x:4:ann\n")
        .file("/etc/shadow", format!("ann:{HASH}:19000:0:99999:7:::\n"))
        .dir("/home/ann")
}

fn add_bob(host: &mut Fake) {
    let passwd = host.text("/etc/passwd");
    host.set_file("/etc/passwd", format!("{passwd}bob:x:1001:1001::/home/bob:/bin/bash\n"), 0o644);
    let shadow = host.text("/etc/shadow");
    host.set_file("/etc/shadow", format!("{shadow}bob:!:19000:0:99999:7:::\n"), 0o600);
    *host = host.clone().dir("/home/bob");
}

#[test]
fn creates_an_account() {
    let mut host = host().effect("/usr/sbin/useradd -G sudo,adm -s /bin/bash -m bob", 0, "", |h| {
        add_bob(h);
        h.set_file("/etc/group", "root:x:0:\nann:x:1000:\nsudo:x:27:bob\nadm:x:4:ann,bob\n", 0o644);
    });
    let out = case(&USER, json!({"name": "bob", "groups": "sudo,adm", "shell": "/bin/bash"}), &mut host).unwrap();
    assert!(out.changed);
    assert_eq!((&out.values["uid"], &out.values["groups"]), (&json!(1001), &json!("sudo,adm")));
    assert_eq!((&out.values["create_home"], &out.values["system"]), (&json!(true), &json!(false)));
}

#[test]
fn changes_only_what_differs() {
    let mut host = host().effect("/usr/sbin/usermod -a -G sudo -s /bin/bash ann", 0, "", |h| {
        h.set_file("/etc/passwd", "ann:x:1000:1000:Ann:/home/ann:/bin/bash\n", 0o644);
        h.set_file("/etc/group", "ann:x:1000:\nsudo:x:27:ann\nadm:x:4:ann\n", 0o644);
    });
    let args = json!({"name": "ann", "comment": "Ann", "groups": ["sudo"], "append": true, "shell": "/bin/bash", "password": HASH});
    let out = case(&USER, args, &mut host).unwrap();
    assert!(out.changed);
    assert_eq!(out.values["password"], "NOT_LOGGING_PASSWORD");
    assert_eq!(out.values["shell"], "/bin/bash");
}

#[test]
fn groups_without_append_are_exact_and_empty_means_none() {
    let mut host = host().answer_argv(&["/usr/sbin/usermod", "-G", "", "ann"], 0, "");
    assert!(once(&USER, json!({"name": "ann", "groups": ""}), &mut host).unwrap().changed);
    host.set_file("/etc/group", "ann:x:1000:\nsudo:x:27:\nadm:x:4:\n", 0o644);
    assert!(!case(&USER, json!({"name": "ann", "groups": []}), &mut host).unwrap().changed);
}

#[test]
fn password_and_its_ages() {
    let mut host = host()
        .effect("/usr/sbin/usermod -L ann", 0, "", |h| {
            h.set_file("/etc/shadow", format!("ann:!{HASH}:19000:0:99999:7:::\n"), 0o600);
        })
        .effect("/usr/sbin/chage -M 90 ann", 0, "", |h| {
            h.set_file("/etc/shadow", format!("ann:!{HASH}:19000:0:90:7:::\n"), 0o600);
        });
    let args = json!({"name": "ann", "password_lock": true, "password_expire_max": 90, "password": HASH});
    assert!(case(&USER, args, &mut host).unwrap().changed);
    let out =
        run(&USER, json!({"name": "ann", "password": "secret", "update_password": "on_create"}), &mut host, false);
    let out = out.unwrap();
    assert!(!out.changed && out.warnings[0].starts_with("The input password appears not to have been hashed"));
}

#[test]
fn expiry_by_date() {
    let mut host = host().effect("/usr/sbin/usermod -e 2026-01-01 ann", 0, "", |h| {
        h.set_file("/etc/shadow", format!("ann:{HASH}:19000:0:99999:7::20454:\n"), 0o600);
    });
    assert!(case(&USER, json!({"name": "ann", "expires": 1_767_225_600}), &mut host).unwrap().changed);
}

#[test]
fn missing_home_is_made_from_the_skeleton() {
    let mut host = host().file("/etc/skel/.profile", "x").file("/etc/login.defs", "UMASK 022\nHOME_MODE\t0700\n");
    host = host.effect("/usr/sbin/usermod -d /srv/ann ann", 0, "", |h| {
        h.set_file("/etc/passwd", "ann:x:1000:1000:Ann:/srv/ann:/bin/sh\n", 0o644);
    });
    assert!(case(&USER, json!({"name": "ann", "home": "/srv/ann"}), &mut host).unwrap().changed);
    assert_eq!(host.text("/srv/ann/.profile"), "x");
}

#[test]
fn a_home_that_usermod_moved_is_not_made_again() {
    let mut host = host().file("/etc/skel/.profile", "x");
    host = host.effect("/usr/sbin/usermod -d /srv/ann -m ann", 0, "", |h| {
        h.set_file("/etc/passwd", "ann:x:1000:1000:Ann:/srv/ann:/bin/sh\n", 0o644);
        *h = h.clone().dir("/srv/ann");
    });
    assert!(case(&USER, json!({"name": "ann", "home": "/srv/ann", "move_home": true}), &mut host).unwrap().changed);
    assert!(!crate::host::Observe::exists(&host, std::path::Path::new("/srv/ann/.profile")));
}

#[test]
fn unknown_group_is_refused_and_removal_is_told() {
    let mut host = host().effect("/usr/sbin/userdel -r ann", 0, "", |h| {
        h.set_file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", 0o644);
    });
    let failure = run(&USER, json!({"name": "bob", "group": "nosuch"}), &mut host, false).unwrap_err();
    assert_eq!(failure.msg, "Group nosuch does not exist");
    let out = case(&USER, json!({"name": "ann", "state": "absent", "remove": true}), &mut host).unwrap();
    assert_eq!((out.changed, &out.values["remove"]), (true, &json!(true)));
}
