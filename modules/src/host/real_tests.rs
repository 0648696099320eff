//! The real host, in a temporary directory.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::host::Reply;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn sh(script: &str) -> Command {
    Command::new("/bin/sh").arg("-c").arg(script)
}

#[test]
fn output_input_environment_and_exit_code() {
    let session = Session { environment: [("GREETING".to_owned(), "hi".to_owned())].into(), ..Session::default() };
    let mut host = Real::new(session);
    let big = "x".repeat(300_000);
    let out =
        host.execute(&sh("cat; echo $GREETING $MORE >&2; exit 3").stdin(big.clone()).env("MORE", "there")).unwrap();
    assert_eq!((out.rc, out.stdout_text() == big, out.stderr_text().as_str()), (3, true, "hi there\n"));
    let killed = host.execute(&sh("kill -9 $$")).unwrap();
    assert_eq!(killed.rc, -9);
    let masked = host.execute(&Command { umask: Some(0o027), cwd: Some("/".into()), ..sh("umask; pwd") }).unwrap();
    assert_eq!(masked.stdout_text(), "0027\n/\n");
}

#[test]
fn a_program_just_written_runs_while_others_start() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|threads| {
        for n in 0..4 {
            let path = dir.path().join(format!("program{n}"));
            threads.spawn(move || {
                let mut host = Real::default();
                let options = WriteOptions { mode: Some(0o700), ..WriteOptions::default() };
                for _ in 0..25 {
                    host.write(&path, &mut "#!/bin/sh\nexit 0\n".as_bytes(), &options).unwrap();
                    let out = host.execute(&Command::new(path.to_str().unwrap())).unwrap();
                    assert_eq!(out.rc, 0);
                }
            });
        }
    });
}

#[test]
fn timeout_ends_the_whole_group() {
    let started = Instant::now();
    let out =
        Real::default().query(&sh("echo first; sleep 30 & sleep 30").timeout(Duration::from_millis(200))).unwrap();
    assert!(out.timed_out && out.stdout_text() == "first\n", "{out:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_daemon_that_keeps_the_pipe_does_not_hold_the_task() {
    let started = Instant::now();
    let out = Real::default().query(&sh("sleep 20 & echo up")).unwrap();
    assert_eq!(out.stdout_text(), "up\n");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn cancel_ends_a_running_process_and_live_lines_arrive() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (seen, cancel) = (Arc::clone(&lines), Cancel::default());
    let by_line = cancel.clone();
    let tell = move |line: &str| {
        seen.lock().unwrap().push(line.to_owned());
        by_line.cancel();
    };
    let live = Some(Live { after: Duration::ZERO, tell: Arc::new(tell) });
    let mut host = Real::new(Session { cancel, live, ..Session::default() });
    let out = host.execute(&Command { live: true, ..sh("echo ready; sleep 30") }).unwrap();
    assert_eq!(out.rc, -15);
    assert_eq!(*lines.lock().unwrap(), ["ready"]);
    assert!(host.execute(&sh("true")).is_err(), "a cancelled request starts nothing more");
}

#[test]
fn a_program_that_takes_its_time_tells_all_its_lines() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let tell = move |line: &str| seen.lock().unwrap().push(line.to_owned());
    let live = Some(Live { after: Duration::from_millis(700), tell: Arc::new(tell) });
    let mut host = Real::new(Session { live, ..Session::default() });
    host.execute(&Command { live: true, ..sh("echo quick") }).unwrap();
    assert!(lines.lock().unwrap().is_empty());
    host.execute(&Command { live: true, ..sh("echo one; sleep 1.2; printf two") }).unwrap();
    assert_eq!(*lines.lock().unwrap(), ["one", "two"]);
}

#[test]
fn write_keeps_mode_and_attributes_and_leaves_no_temporary_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut host = Real::default();
    host.write(&path, &mut &b"one"[..], &WriteOptions::default()).unwrap();
    assert_eq!(host.stat(&path).unwrap().mode, 0o666 & !host.umask());
    host.set_mode(&path, 0o640).unwrap();
    let _ = rustix::fs::setxattr(&path, "user.note", b"kept", rustix::fs::XattrFlags::empty());
    let note = host.xattr(&path, "user.note").unwrap();
    host.write(&path, &mut &b"two"[..], &WriteOptions::default()).unwrap();
    assert_eq!(host.read_text(&path).unwrap(), "two");
    assert_eq!((host.stat(&path).unwrap().mode, host.xattr(&path, "user.note").unwrap()), (0o640, note));
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(28))
        }
    }
    let full = host.write(&path, &mut Broken, &WriteOptions::default()).unwrap_err();
    assert_eq!(full.raw_os_error(), Some(28));
    assert_eq!(host.read_text(&path).unwrap(), "two");
    assert_eq!(host.read_dir(dir.path()).unwrap(), ["f"]);
}

#[test]
fn accounts_come_from_the_files() {
    let host = Real::default();
    assert_eq!(host.user("root").map(|u| u.uid), Some(0));
    assert_eq!(host.group_by_id(0).map(|g| g.name), Some("root".into()));
    assert_eq!(host.user("no-such-user-here"), None);
    assert!(host.which("sh").is_some() && host.which("no-such-program").is_none());
}

#[test]
fn a_program_on_a_terminal_is_answered() {
    let mut heard = Vec::new();
    let mut reply = |news: &[u8]| {
        heard.extend_from_slice(news);
        let asked = heard.ends_with(b"name: ");
        if asked {
            heard.clear()
        }
        if asked { Reply::Say(b"Ann\n".to_vec()) } else { Reply::Wait }
    };
    let limit = Some(Duration::from_secs(10));
    let script = sh("test -t 0 && printf 'name: ' >/dev/tty; read who; echo hi $who; exit 4");
    let out = Real::default().converse(&script, Talk { echo: false, limit, reply: &mut reply }).unwrap();
    assert_eq!((out.rc, out.stdout_text().as_str(), out.timed_out), (4, "name: hi Ann\r\n", false));

    let started = Instant::now();
    let limit = Some(Duration::from_millis(200));
    let silent = Talk { echo: true, limit, reply: &mut |_| Reply::Wait };
    let out = Real::default().converse(&sh("echo first; sleep 30"), silent).unwrap();
    assert!(out.timed_out && out.stdout_text() == "first\r\n", "{out:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}
