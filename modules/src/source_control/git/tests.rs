//! With the git of this machine, in temporary directories.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::contract::{Entry, NoBlobs, validate};
use crate::host::Command;
use crate::host::real::Real;
use serde_json::json;

fn sh(script: &str, dir: &Path) {
    let command = Command::new("/bin/sh").args(["-ec", script]).cwd(dir);
    let command = ["GIT_AUTHOR", "GIT_COMMITTER"]
        .iter()
        .fold(command, |c, who| c.env(&format!("{who}_NAME"), "a").env(&format!("{who}_EMAIL"), "a@example.com"));
    let out = Real::default().execute(&command).unwrap();
    assert!(out.ok(), "{}", out.stderr_text());
}

fn git(args: Json, check: bool) -> Result<Outcome, Failure> {
    let entry = Entry::of::<Git>();
    let Json::Object(args) = args else { panic!("arguments are an object") };
    let args = validate(entry.spec, args).unwrap();
    let call = Call { check, diff: true, verbosity: 0, environment: Default::default(), blobs: &NoBlobs };
    (entry.run)(args, &mut Real::default(), &call)
}

#[test]
fn a_checkout_follows_its_repository() {
    if Real::default().which("git").is_none() {
        return;
    }
    let mut host = Real::default();
    let dir = host.temp_dir(None, "git").unwrap();
    sh("git init -q -b main from && cd from && echo 1 > a && git add a && git commit -qm 1 && git tag one", &dir);
    let dest = dir.join("deep/to");
    let args = |more: Json| {
        let mut all = json!({"repo": dir.join("from"), "dest": dest});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let told = git(args(json!({})), true).unwrap();
    assert!(told.changed && !dest.exists(), "check mode: {told:?}");
    let done = git(args(json!({})), false).unwrap();
    assert_eq!(
        (done.changed, &done.values["before"], &done.values["after"]),
        (true, &Json::Null, &told.values["after"])
    );
    let again = git(args(json!({})), false).unwrap();
    assert_eq!((again.changed, &again.values["remote_url_changed"]), (false, &json!(false)));

    sh("echo 2 > a && git commit -qam 2", &dir.join("from"));
    assert!(git(args(json!({})), true).unwrap().changed);
    let second = git(args(json!({})), false).unwrap();
    assert!(second.changed && second.diff[0].prepared.as_ref().unwrap().contains("+2"), "{second:?}");

    sh("echo mine > a", &dest);
    let refused = git(args(json!({})), false).unwrap_err();
    assert!(refused.msg.starts_with("Local modifications exist in the destination"), "{}", refused.msg);
    assert!(git(args(json!({"force": true})), false).unwrap().changed);

    let tag = git(args(json!({"version": "one", "archive": dir.join("a.tar")})), false).unwrap();
    assert!(tag.changed && tag.values["after"] == done.values["after"] && dir.join("a.tar").exists());
    let unknown = git(args(json!({"version": "none"})), false).unwrap_err();
    assert_eq!(unknown.msg, "Failed to checkout none");
    let moved = git(args(json!({"separate_git_dir": dir.join("apart")})), false).unwrap();
    assert!(moved.changed && dir.join("apart/config").exists());
    std::fs::remove_dir_all(&dir).unwrap();
}
