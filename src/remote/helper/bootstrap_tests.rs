//! The script under a real shell of this machine, with a stand-in for the helper.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::names::HostName;
use crate::remote::helper::embedded::Helper;
use crate::remote::transport::Local;
use async_trait::async_trait;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A "helper" that answers `--version`, and else prints a Hello frame and copies its input.
fn stand_in(pad: &str) -> Helper {
    let hello = "{\"version\":1,\"pid\":1,\"uid\":0}";
    let script = format!(
        "#!/bin/sh\n# {pad}\n[ \"$1\" = --version ] && exit 0\nprintf '\\000\\000\\000\\{:03o}\\000\\000\\000\\000\\000{hello}'\nexec cat\n",
        hello.len()
    );
    let arch = String::from_utf8(std::process::Command::new("uname").arg("-m").output().unwrap().stdout).unwrap();
    Helper::from_raw(arch.trim(), script.into_bytes()).unwrap()
}

/// This machine with another home directory and a prelude before each command.
struct Home {
    home: String,
    prelude: &'static str,
}

#[async_trait]
impl Transport for Home {
    async fn exec(&self, exec: Exec) -> Result<Process, RemoteError> {
        let command = format!("HOME={}; export HOME; {}\n{}", self.home, self.prelude, exec.command);
        Local.exec(Exec { command, pty: exec.pty }).await
    }
    fn broken(&self) -> Option<String> {
        None
    }
    fn has_pty(&self) -> bool {
        false
    }
    async fn close(&self) {}
}

async fn begin(home: &Path, prelude: &'static str, helper: &Arc<Helper>) -> Result<Session, RemoteError> {
    let transport = Home { home: home.display().to_string(), prelude };
    let helpers = Helpers::only(helper.clone());
    start(&transport, &Target::local(&HostName::new("h")), &helpers).await
}

#[test]
fn script_survives_any_login_shell() {
    for (quick, remote_tmp) in [(true, Some("~/x")), (true, None), (false, None)] {
        let text = script(&stand_in(""), "TB-1 ", 0, remote_tmp, true, quick);
        assert!(!text.contains(['\'', '\\', '!', '\n']), "{text}");
        assert!(!text.contains('@'), "{text}");
    }
}

#[test]
fn remote_tmp_is_used_when_it_is_set_and_harmless() {
    let cases = [
        ("~/.ansible/tmp", None),
        ("~/t/", Some("${HOME:-/nonexistent}/t")),
        ("/opt/t", Some("/opt/t")),
        ("$HOME/x", Some("${HOME:-/nonexistent}/x")),
        ("/a;rm", None),
        ("relative", None),
    ];
    for (dir, want) in cases {
        assert_eq!(shell_path(dir).as_deref(), want, "{dir}");
    }
}

#[tokio::test]
async fn first_start_uploads_and_second_finds_it() {
    let home = tempfile::tempdir().unwrap();
    let helper = Arc::new(stand_in("cached"));
    begin(home.path(), "echo motd; echo more >&2", &helper).await.unwrap();
    let name = format!("helper-{}", &helper.digest[..16]);
    let file = home.path().join(".cache/tightbeam").join(name);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o700);
    let before = std::fs::metadata(&file).unwrap().modified().unwrap();
    begin(home.path(), "", &helper).await.unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), before);
    // A damaged one is replaced.
    std::fs::write(&file, vec![b'#'; helper.size]).unwrap();
    begin(home.path(), "", &helper).await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), helper.raw());
}

#[tokio::test]
async fn one_that_is_there_starts_without_another_process() {
    let home = tempfile::tempdir().unwrap();
    let helper = Arc::new(stand_in("quick"));
    begin(home.path(), "", &helper).await.unwrap();
    // Nothing but the helper can be started.
    begin(home.path(), "PATH=/nonexistent; export PATH; exec 2>/dev/null", &helper).await.unwrap();
}

#[tokio::test]
async fn one_that_no_longer_runs_is_found_out() {
    let home = tempfile::tempdir().unwrap();
    let helper = Arc::new(stand_in("stale"));
    begin(home.path(), "", &helper).await.unwrap();
    let file = home.path().join(".cache/tightbeam").join(format!("helper-{}", &helper.digest[..16]));
    for content in [&b"#!/bin/sh\nexit 3\n"[..], b"\x7fELF and no more"] {
        std::fs::write(&file, content).unwrap();
        begin(home.path(), "", &helper).await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), helper.raw());
    }
}

#[tokio::test]
async fn without_gzip_the_raw_bytes_are_sent() {
    let home = tempfile::tempdir().unwrap();
    let helper = Arc::new(stand_in("raw"));
    let prelude = "d=$HOME/bin; mkdir -p $d; for c in sh uname id ls wc mkdir chmod head rm mv find cat sha256sum; do \
                   ln -sf $(command -v $c) $d/$c; done; PATH=$d; export PATH";
    begin(home.path(), prelude, &helper).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_others_can_write_is_passed_over() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".cache/tightbeam");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let helper = Arc::new(stand_in("shared"));
    begin(home.path(), "", &helper).await.unwrap();
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    let name = format!("helper-{}", &helper.digest[..16]);
    for base in ["/var/tmp", "/tmp", "/dev/shm"] {
        let uid = rustix::process::geteuid().as_raw();
        let _ = std::fs::remove_file(format!("{base}/tightbeam-{uid}/{name}"));
    }
}

#[tokio::test]
async fn nowhere_to_go_tells_each_reason() {
    let home = tempfile::tempdir().unwrap();
    let helper = Arc::new(stand_in("nowhere"));
    let prelude = "d=$HOME/bin; mkdir -p $d; for c in sh uname id ls wc chmod head rm mv find cat; do ln -sf \
                   $(command -v $c) $d/$c; done; rm -rf $HOME/.cache; HOME=/nonexistent; \
                   printf \"#!/bin/sh\\necho mkdir: x: Read-only file system >&2; exit 1\\n\" > $d/mkdir; \
                   chmod +x $d/mkdir; PATH=$d; export PATH";
    match begin(home.path(), prelude, &helper).await {
        Err(RemoteError::NothingExecutable { tried }) => {
            assert_eq!(tried.len(), 4, "{tried:?}");
            assert_eq!(tried[0], ("/nonexistent/.cache/tightbeam".to_owned(), "Read-only file system".to_owned()));
        }
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn a_full_disk_is_told_for_each_directory() {
    let home = tempfile::tempdir().unwrap();
    let helper = Arc::new(stand_in("full"));
    let prelude = "d=$HOME/bin; mkdir -p $d; printf \"#!/bin/sh\\necho gzip: stdout: No space left on device >&2; exit 1\\n\" \
                   > $d/gzip; chmod +x $d/gzip; PATH=$d:$PATH; export PATH";
    match begin(home.path(), prelude, &helper).await {
        Err(error @ RemoteError::NothingExecutable { .. }) => {
            let text = error.to_string();
            let first =
                format!("tried {}/.cache/tightbeam (No space left on device), /var/tmp/", home.path().display());
            assert!(text.contains(&first) && text.matches("No space left").count() == 4, "{text}");
        }
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(std::fs::read_dir(home.path().join(".cache/tightbeam")).unwrap().count(), 0, "something is left behind");
}

#[tokio::test]
async fn another_architecture_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let helper = Arc::new(stand_in("arch"));
    let prelude = "d=$HOME/bin; mkdir -p $d; printf \"#!/bin/sh\\n[ \\$1 = -m ] && echo s390x || echo Linux\\n\" > \
                   $d/uname; chmod +x $d/uname; PATH=$d:$PATH; export PATH";
    let error = begin(home.path(), prelude, &helper).await.err().unwrap();
    assert_eq!(error, RemoteError::HelperMissing { system: "Linux".into(), arch: "s390x".into() });
    assert!(error.hints()[0].contains("s390x-unknown-linux-musl"));
}
