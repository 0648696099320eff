//! Data cases of `copy`; the answers are ansible-core's.

use super::*;
use crate::contract::{BlobReader, Blobs, Entry, NoBlobs};
use crate::files::shared::sha1_hex;
use crate::host::fake::Fake;
use crate::host::testing::{case, once, run, run_with};
use serde_json::json;
use std::cell::RefCell;
use std::io::{self, Read};

const ENTRY: Entry = Entry::of::<Copy>();

/// Blobs by number, and which were asked for.
struct Offered(Vec<&'static str>, RefCell<Vec<u32>>);

impl Blobs for Offered {
    fn open(&self, id: u32) -> io::Result<BlobReader<'_>> {
        self.1.borrow_mut().push(id);
        Ok(Box::new(self.0[id as usize].as_bytes()))
    }
    fn send(&self, id: u32, content: &mut dyn Read) -> io::Result<u64> {
        NoBlobs.send(id, content)
    }
    fn progress(&self, _: &str) {}
}

fn blob(id: u32, text: &str) -> Json {
    json!({"id": id, "size": text.len(), "sha1": sha1_hex(text.as_bytes())})
}

#[test]
fn content_then_nothing_then_attributes() {
    let mut host = Fake::new();
    let out = case(&ENTRY, json!({"content": "hello\n", "dest": "/srv-c"}), &mut host).expect("written");
    let expected = json!({
        "checksum": "f572d396fae9206628714fb2ce00f72e94f2258f", "dest": "/srv-c", "md5sum": "b1946ac92492d2347c6235b4d2611184",
        "uid": 0, "gid": 0, "owner": "root", "group": "root", "mode": "0644", "state": "file", "size": 6,
    });
    assert_eq!(Json::Object(out.values), expected);
    let out =
        case(&ENTRY, json!({"content": "hello\n", "dest": "/srv-c", "mode": "0600"}), &mut host).expect("changed");
    assert_eq!((out.changed, &out.values["mode"], out.values.get("md5sum")), (true, &json!("0600"), None));
    assert_eq!(out.diff[0].before, Some(json!({"path": "/srv-c", "mode": "0644"})));
    assert_eq!(out.values["path"], "/srv-c", "what tells of attributes names the path");
    let data = case(&ENTRY, json!({"content": {"a": [1]}, "dest": "/j", "mode": "u=rw,go="}), &mut host).expect("data");
    assert_eq!((host.text("/j").as_str(), &data.values["mode"]), (r#"{"a":[1]}"#, &json!("0600")));
}

#[test]
fn the_diff_shows_both_sides() {
    let mut host = Fake::new().file("/f", "old\n");
    let offered = Offered(vec!["new\n"], RefCell::default());
    let args = json!({"dest": "/f", "_content": blob(0, "new\n"), "_after_header": "/local/f"});
    let out = run_with(&ENTRY, args, &mut host, false, &offered).expect("written");
    let diff = &out.diff[0];
    assert_eq!((&diff.before, &diff.after), (&Some(json!("old\n")), &Some(json!("new\n"))));
    assert_eq!((diff.before_header.as_deref(), diff.after_header.as_deref()), (Some("/f"), Some("/local/f")));
    assert_eq!(*offered.1.borrow(), [0], "asked for once");
    let binary = json!({"dest": "/f", "_content": blob(0, "a\0")});
    let offered = Offered(vec!["a\0"], RefCell::default());
    let out = run_with(&ENTRY, binary, &mut host, false, &offered).expect("written");
    assert_eq!(out.diff[0].prepared.as_deref(), Some("diff skipped: source file appears to be binary\n"));
    let changed = json!({"dest": "/f", "_content": blob(0, "what was announced")});
    let failed = run_with(&ENTRY, changed, &mut host, false, &offered).expect_err("other content arrives");
    assert!(failed.msg.contains("the content changed on its way"), "{}", failed.msg);
}

#[test]
fn where_it_goes() {
    let mut host = Fake::new().dir("/etc/app").file("/srv/real", "old").link("/srv/link", "real");
    let offered = Offered(vec!["new"], RefCell::default());
    let mut go = |args: Json| {
        let mut args = args;
        args["_content"] = blob(0, "new");
        run_with(&ENTRY, args, &mut host, false, &offered).map(|o| o.values["dest"].clone())
    };
    assert_eq!(go(json!({"dest": "/etc/app", "_original_basename": "a"})), Ok(json!("/etc/app/a")));
    assert_eq!(go(json!({"dest": "/opt/x/", "_original_basename": "a"})), Ok(json!("/opt/x/a")));
    assert_eq!(go(json!({"dest": "/srv/link", "follow": true})), Ok(json!("/srv/real")));
    assert_eq!(
        go(json!({"dest": "/none/f"})).expect_err("no directory").msg,
        "Destination directory /none does not exist"
    );
    assert_eq!(go(json!({"dest": "/etc/app"})).expect_err("content").msg, "can not use content with a dir as dest");
    assert_eq!(
        go(json!({"dest": "/etc/new", "checksum": "00"})).expect_err("sum").msg,
        "Copied file does not match the expected checksum. Transfer failed."
    );
    assert_eq!(go(json!({"dest": "/srv/link"})), Ok(json!("/srv/link")), "a link that is not followed is replaced");
    assert!(host.read_link(Path::new("/srv/link")).is_err());
    let ahead = run(&ENTRY, json!({"content": "x", "dest": "/none/f"}), &mut host, true).expect("check mode");
    assert!(ahead.changed, "an earlier task may be about to make the directory");
}

#[test]
fn force_backup_and_validate() {
    let mut host = Fake::new().file("/f", "old").answer("check *", 0, "").answer_err("refuse *", 1, "o", "e");
    let out = case(&ENTRY, json!({"content": "new", "dest": "/f", "force": false}), &mut host).expect("left alone");
    assert_eq!((out.changed, host.text("/f").as_str()), (false, "old"));
    let bad =
        once(&ENTRY, json!({"content": "new", "dest": "/f", "validate": "refuse %s"}), &mut host).expect_err("no");
    assert_eq!((bad.msg.as_str(), &bad.values["exit_status"]), ("failed to validate", &json!(1)));
    assert_eq!(bad.diff[0].before, Some(json!("old")), "a failure tells what would have been changed");
    assert_eq!(host.text("/f"), "old");
    let args = json!({"content": "new", "dest": "/f", "backup": true, "validate": "check %s"});
    let out = case(&ENTRY, args, &mut host).expect("written");
    let name = out.values["backup_file"].as_str().expect("a name").to_owned();
    assert_eq!((host.text(&name).as_str(), host.text("/f").as_str()), ("old", "new"));
}

#[test]
fn a_tree_pulls_only_what_differs() {
    let mut host = Fake::new().file("/srv/t/same", "same");
    let offered = Offered(vec!["same", "new"], RefCell::default());
    let args = json!({"dest": "/srv/t", "directory_mode": "0700", "mode": "preserve", "_tree": [
        {"path": "same", "kind": "file", "mode": "0644", "blob": blob(0, "same")},
        {"path": "sub/x", "kind": "file", "mode": "0755", "blob": blob(1, "new")},
        {"path": "empty", "kind": "directory"},
        {"path": "l", "kind": "link", "target": "same"},
    ]});
    let out = run_with(&ENTRY, args.clone(), &mut host, false, &offered).expect("written");
    assert_eq!((out.changed, Json::Object(out.values)), (true, json!({"dest": "/srv/t/"})));
    assert_eq!(*offered.1.borrow(), [1], "content that is there is not asked for");
    assert_eq!(
        (
            host.stat(Path::new("/srv/t/sub")).expect("made").mode,
            host.stat(Path::new("/srv/t/sub/x")).expect("made").mode
        ),
        (0o700, 0o755)
    );
    assert!(host.is_dir(Path::new("/srv/t/empty")));
    let again = run_with(&ENTRY, args, &mut host, false, &offered).expect("nothing to do");
    assert!(!again.changed, "{again:#?}");
    let out = json!({"dest": "/srv", "_tree": [{"path": "../x", "kind": "directory"}]});
    assert_eq!(case(&ENTRY, out, &mut host).expect_err("out of the tree").msg, "../x leads out of the tree");
}

#[test]
fn from_one_place_on_the_host_to_another() {
    let mut host = Fake::new().file_mode("/src/f", "x", 0o755).file("/src/d/g", "y").dir("/dst").file("/old", "o");
    let out = case(&ENTRY, json!({"src": "/src/f", "dest": "/dst/", "remote_src": true}), &mut host).expect("copied");
    assert_eq!(
        (&out.values["dest"], &out.values["src"], &out.values["mode"]),
        (&json!("/dst/f"), &json!("/src/f"), &json!("0644"))
    );
    let out = case(&ENTRY, json!({"src": "/src/f", "dest": "/old", "remote_src": true}), &mut host).expect("copied");
    assert_eq!((&out.values["mode"], host.text("/old").as_str()), (&json!("0755"), "x"));
    let out = case(&ENTRY, json!({"src": "/src", "dest": "/dst", "remote_src": true, "owner": "nobody"}), &mut host);
    assert!(out.expect("copied").changed);
    assert_eq!(
        (host.text("/dst/src/d/g").as_str(), host.stat(Path::new("/dst/src/d/g")).expect("copied").uid),
        ("y", 65534)
    );
    let out = case(&ENTRY, json!({"src": "/src/", "dest": "/new/", "remote_src": true}), &mut host).expect("copied");
    assert!(out.changed && host.text("/new/d/g") == "y");
    let gone = case(&ENTRY, json!({"src": "/none", "dest": "/x", "remote_src": true}), &mut host).expect_err("gone");
    assert_eq!(gone.msg, "Source /none not found");
}

#[test]
fn unsafe_writes_falls_back_to_the_environment() {
    let mut host = Fake::new().file("/f", "old").with_env("ANSIBLE_UNSAFE_WRITES", "never");
    let refused = once(&ENTRY, json!({"content": "new", "dest": "/f"}), &mut host).expect_err("no boolean");
    assert!(refused.msg.contains("unsafe_writes"), "{}", refused.msg);
    let args = json!({"content": "new", "dest": "/f", "unsafe_writes": false});
    assert!(once(&ENTRY, args, &mut host).expect("said so").changed);
}
