//! Playbooks that check themselves with `assert`, on this machine as it is (`connection: local`), in a directory of their
//! own (`{{ here }}`). Each passes with ansible-core 2.19 too.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn playbooks_that_check_themselves() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/local");
    let mut books: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    books.retain(|p| p.extension().is_some_and(|e| e == "yml"));
    books.sort();
    assert!(!books.is_empty());
    for book in books {
        let here = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tightbeam"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ANSIBLE_")) {
            command.env_remove(name);
        }
        let out = command
            .args(["play", "-i", "h,", "-c", "local", "-e"])
            .arg(format!("here={}", here.path().display()))
            .arg(&book)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(out.status.success(), "{}\n{text}", book.display());
    }
}

#[test]
fn live_lines_come_on_standard_error_and_secrets_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let book = dir.path().join("play.yml");
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo seen; printf rest\n    \
                - ansible.builtin.shell: echo hidden\n      no_log: true\n";
    std::fs::write(&book, play).unwrap();
    for (live, expected) in [(&["--live"][..], "h | seen\nh | rest\n"), (&[], "")] {
        let out = Command::new(env!("CARGO_BIN_EXE_tightbeam"))
            .args(["play", "-i", "h,", "-c", "local"])
            .args(live)
            .arg(&book)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(out.status.success());
        assert_eq!(String::from_utf8_lossy(&out.stderr), expected);
        assert!(!String::from_utf8_lossy(&out.stdout).contains("seen"));
    }
}
