//! Data cases of `file`; the answers are ansible-core's.

use super::*;
use crate::contract::Entry;
use crate::host::fake::Fake;
use crate::host::testing::{case, once, run};
use serde_json::json;

const ENTRY: Entry = Entry::of::<File>();

fn ok(args: Json, host: &mut Fake) -> Outcome {
    case(&ENTRY, args, host).expect("no failure")
}
fn refused(args: Json, host: &mut Fake) -> String {
    case(&ENTRY, args, host).expect_err("a failure").msg
}

#[test]
fn a_directory_with_its_parents() {
    let mut host = Fake::new().account("www", 33);
    let out = ok(json!({"path": "/srv/a/b", "state": "directory", "mode": "0750", "owner": "www"}), &mut host);
    assert_eq!(out.values, *json!({"path": "/srv/a/b", "uid": 33, "gid": 0, "owner": "www", "group": "root", "mode": "0750", "state": "directory", "size": 4096}).as_object().expect("a map"));
    let stat = host.stat(Path::new("/srv/a")).expect("it is there");
    assert_eq!((stat.mode, stat.uid), (0o750, 33), "parents that are made get the same attributes");
    assert_eq!(host.stat(Path::new("/srv")).expect("it is there").uid, 33);
    let diff = &out.diff[0];
    assert_eq!(diff.before, Some(json!({"path": "/srv/a/b", "state": "absent", "owner": 0, "mode": "0755"})));
    assert_eq!(diff.after, Some(json!({"path": "/srv/a/b", "state": "directory", "owner": 33, "mode": "0750"})));
    assert_eq!(
        refused(json!({"path": "/etc/passwd", "state": "directory"}), &mut host),
        "/etc/passwd already exists as a file"
    );
}

#[test]
fn attributes_of_what_is_there() {
    let mut host = Fake::new().file("/srv/f", "").link("/srv/l", "f");
    let out = ok(json!({"path": "/srv/l", "mode": "u+x,o="}), &mut host);
    assert_eq!((out.changed, &out.values["dest"]), (true, &json!("/srv/l")));
    assert_eq!(host.stat(Path::new("/srv/f")).expect("it is there").mode, 0o740);
    let out = ok(json!({"path": "/srv/f", "mode": "0740"}), &mut host);
    assert!(!out.changed);
    assert_eq!(out.diff[0].before, Some(json!({"path": "/srv/f"})));
    assert_eq!(
        refused(json!({"path": "/srv/f", "owner": "nosuch"}), &mut host),
        "chown failed: failed to look up user nosuch"
    );
    let bad = case(&ENTRY, json!({"path": "/srv/f", "mode": "u=rwq"}), &mut host).expect_err("a bad mode");
    assert_eq!(
        (bad.msg.as_str(), &bad.values["details"]),
        ("mode must be in octal or symbolic form", &json!("bad symbolic permission for mode: u=rwq"))
    );
    assert_eq!(refused(json!({"path": "/nope"}), &mut host), "file (/nope) is absent, cannot continue");
}

#[test]
fn recursion_reaches_files_and_followed_links() {
    let mut host =
        Fake::new().file("/srv/d/x/f", "").file("/opt/g", "").link("/srv/d/l", "/opt/g").link("/srv/d/dead", "/nope");
    let out = ok(json!({"path": "/srv/d", "state": "directory", "recurse": true, "mode": "u=rwX,g=rX,o="}), &mut host);
    assert!(out.changed);
    for (path, mode) in [("/srv/d", 0o750), ("/srv/d/x", 0o750), ("/srv/d/x/f", 0o640), ("/opt/g", 0o640)] {
        assert_eq!(host.stat(Path::new(path)).expect("it is there").mode, mode, "{path}");
    }
    assert_eq!(
        refused(json!({"path": "/opt/g", "recurse": true}), &mut host),
        "recurse option requires state to be 'directory'"
    );
}

#[test]
fn links() {
    let mut host = Fake::new().file("/srv/f", "").file("/srv/old", "").dir("/srv/empty");
    let out = ok(json!({"dest": "/srv/l", "src": "f", "state": "link", "owner": "nobody"}), &mut host);
    assert_eq!(
        (&out.values["dest"], &out.values["src"], &out.values["state"]),
        (&json!("/srv/l"), &json!("f"), &json!("link"))
    );
    assert_eq!(host.stat(Path::new("/srv/f")).expect("it is there").uid, 65534, "owner goes to the target");
    let out = ok(json!({"path": "/srv/l", "src": "/srv/old", "state": "link"}), &mut host);
    assert_eq!(out.diff[0].before, Some(json!({"path": "/srv/l", "src": "f"})));
    assert_eq!(
        refused(json!({"path": "/srv/n", "src": "/none", "state": "link"}), &mut host),
        "src file does not exist, use 'force=yes' if you really want to create the link: /none"
    );
    assert_eq!(
        refused(json!({"path": "/srv/old", "src": "f", "state": "link"}), &mut host),
        "refusing to convert from file to symlink for /srv/old"
    );
    assert!(
        ok(json!({"path": "/srv/empty", "src": "/none", "state": "link", "force": true, "follow": false}), &mut host)
            .changed
    );
    assert_eq!(
        refused(json!({"path": "/srv/x", "state": "link"}), &mut host),
        "src is required for creating new symlinks"
    );
    assert_eq!(
        refused(json!({"path": "/srv/f", "src": "/srv/old"}), &mut host),
        "src option requires state to be 'link' or 'hard'"
    );
}

#[test]
fn hard_links() {
    let mut host = Fake::new().file("/srv/f", "x").file("/srv/g", "y");
    assert!(ok(json!({"path": "/srv/h", "src": "/srv/f", "state": "hard"}), &mut host).changed);
    assert_eq!(host.stat(Path::new("/srv/h")).expect("it is there").nlink, 2);
    assert_eq!(
        refused(json!({"path": "/srv/h", "src": "/srv/g", "state": "hard"}), &mut host),
        "Cannot link, different hard link exists at destination"
    );
    assert!(ok(json!({"path": "/srv/h", "src": "/srv/g", "state": "hard", "force": true}), &mut host).changed);
}

#[test]
fn touch_and_times() {
    let mut host = Fake::new().file("/srv/f", "x").modified("/srv/f", 1.0);
    assert!(once(&ENTRY, json!({"path": "/srv/f", "state": "touch"}), &mut host).expect("touched").changed);
    let keep = json!({"path": "/srv/f", "state": "touch", "modification_time": "preserve", "access_time": "preserve"});
    assert!(!ok(keep, &mut host).changed);
    let at = json!({"path": "/srv/f", "modification_time": "202007051205.09", "state": "file"});
    assert!(ok(at, &mut host).changed);
    assert_eq!(host.stat(Path::new("/srv/f")).expect("it is there").mtime, 1_593_950_709.0);
    assert!(
        refused(json!({"path": "/srv/f", "access_time": "yesterday"}), &mut host)
            .starts_with("Error while obtaining timestamp")
    );
    let out = once(&ENTRY, json!({"path": "/srv/new", "state": "touch", "mode": "0600"}), &mut host).expect("made");
    assert_eq!((&out.values["mode"], &out.values["size"]), (&json!("0600"), &json!(0)));
}

#[test]
fn check_mode_tells_no_attributes_of_what_is_not_there() {
    let mut host = Fake::new();
    let out = run(&ENTRY, json!({"path": "/srv/d", "state": "directory", "mode": "0750"}), &mut host, true);
    assert_eq!(out.expect("foreseen").diff[0].after, Some(json!({"path": "/srv/d", "state": "directory"})));
    let out = run(&ENTRY, json!({"path": "/srv/f", "state": "touch", "mode": "0640"}), &mut host, true);
    assert_eq!(out.expect("foreseen").diff, []);
}

#[test]
fn absent() {
    let mut host = Fake::new().file("/srv/d/e/f", "").link("/srv/l", "/srv/d");
    assert!(ok(json!({"path": "/srv/l", "state": "absent"}), &mut host).changed);
    let out = ok(json!({"path": "/srv/d", "state": "absent"}), &mut host);
    assert_eq!(out.values, *json!({"state": "absent", "path": "/srv/d"}).as_object().expect("a map"));
    assert_eq!(
        out.diff[0].before,
        Some(
            json!({"path": "/srv/d", "state": "directory", "path_content": {"directories": ["/srv/d/e"], "files": ["/srv/d/e/f"]}})
        )
    );
    assert!(ok(json!({"path": "/srv/d", "state": "absent"}), &mut host).diff.is_empty());
}

#[test]
fn check_mode_passes_over_accounts_that_are_yet_to_come() {
    let args = json!({"path": "/srv/app", "state": "directory", "owner": "app", "group": "app"});
    let out = run(&ENTRY, args, &mut Fake::new(), true).expect("no failure");
    assert_eq!((out.changed, out.warnings.len()), (true, 2));
}
