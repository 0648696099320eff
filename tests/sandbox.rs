//! A sandbox of two hosts, reached as people reach it: through the OpenSSH client.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tightbeam::sandbox::Sandbox;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tightbeam");
/// Tells `holder` that it is to hold a sandbox.
const HOLD: &str = "TIGHTBEAM_TEST_HOLD";

/// A sandbox, or `None` where this user may not have one. Root always may.
fn sandbox(n: usize) -> Option<Sandbox> {
    match Sandbox::start_with(n, Path::new(PROGRAM)) {
        Ok(sandbox) => Some(sandbox),
        Err(error) if !rustix::process::geteuid().is_root() => {
            not_tested(&error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Says what this machine does not allow. Where CI runs, all of it must be allowed.
fn not_tested(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "not tested: {why}");
    eprintln!("not tested: {why}");
}

/// The command line of `ssh` for a host of an inventory.
fn ssh(inventory: &str, host: &str, options: &[&str], command: &str) -> Command {
    let value = |name: &str| {
        let line = inventory.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("{name} in {inventory}"))
    };
    let port = inventory.lines().find_map(|l| l.strip_prefix(host)?.strip_prefix(" ansible_port=")).expect("a port");
    let mut ssh = Command::new("ssh");
    ssh.args(value("ansible_ssh_common_args").split(' '))
        .args(["-o", "BatchMode=yes", "-i", value("ansible_ssh_private_key_file"), "-p", port, "-l", "root"])
        .args(options)
        .args(["127.0.0.1", command]);
    ssh
}

fn run(sandbox: &Sandbox, host: &str, command: &str) -> Output {
    ssh(&sandbox.inventory_text(), host, &[], command).stdin(Stdio::null()).output().expect("ssh runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn have_ssh() -> bool {
    let there = Command::new("ssh").arg("-V").stderr(Stdio::null()).status().is_ok();
    if !there {
        not_tested("no ssh client");
    }
    there
}

/// Processes whose command line names that directory.
fn processes_of(directory: &Path) -> Vec<String> {
    let wanted = directory.display().to_string();
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let ids = all.filter_map(|e| e.file_name().into_string().ok()).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
    ids.filter(|id| std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|c| text(&c).contains(&wanted))).collect()
}

fn mounted(directory: &Path) -> bool {
    let wanted = directory.display().to_string();
    std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo").contains(&wanted)
}

#[test]
fn commands_run_as_with_any_ssh_server() {
    if !have_ssh() {
        return;
    }
    let Some(sandbox) = sandbox(1) else { return };
    let out = run(&sandbox, "host1", "echo to-out; echo to-err >&2; exit 7");
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(7), "to-out\n".to_owned()), "{out:?}");
    assert_eq!(text(&out.stderr), "to-err\n");
    assert_eq!(text(&run(&sandbox, "host1", "hostname; id -u; pwd; echo $HOME").stdout), "host1\n0\n/root\n/root\n");
    // The client's way to say that a signal ended the command.
    assert_eq!(run(&sandbox, "host1", "kill -TERM $$").status.code(), Some(255));
    // No input is the end of input.
    assert_eq!(text(&run(&sandbox, "host1", "wc -c").stdout), "0\n");
    // A terminal: one stream, line ends of a terminal, its size.
    let pty = ssh(&sandbox.inventory_text(), "host1", &["-tt"], "test -t 0 && test -t 1 && tty; echo err >&2; exit 3")
        .stdin(Stdio::null())
        .output()
        .expect("ssh runs");
    assert_eq!((pty.status.code(), text(&pty.stdout)), (Some(3), "/dev/pts/0\r\nerr\r\n".to_owned()), "{pty:?}");
    // What outlives its session is reaped.
    assert!(run(&sandbox, "host1", "(sleep 0.2 &) >/dev/null 2>&1 </dev/null").status.success());
    std::thread::sleep(Duration::from_millis(500));
    let states = run(&sandbox, "host1", "cat /proc/[0-9]*/stat | cut -d' ' -f3 | sort | uniq -c");
    assert!(!text(&states.stdout).contains('Z'), "{states:?}");
}

#[test]
fn ten_megabytes_go_there_and_back() {
    if !have_ssh() {
        return;
    }
    let Some(sandbox) = sandbox(1) else { return };
    let mut state: u32 = 1;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(10 << 20)
    .collect();
    let mut child = ssh(&sandbox.inventory_text(), "host1", &[], "cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ssh runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let sent = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&sent));
    let out = child.wait_with_output().expect("ssh ends");
    writer.join().expect("the writer lives").expect("everything is taken");
    assert!(out.status.success());
    assert!(out.stdout == bytes, "{} of {} bytes came back, or others", out.stdout.len(), bytes.len());
}

#[test]
fn hosts_are_apart_from_each_other_and_from_the_machine() {
    if !have_ssh() {
        return;
    }
    let Some(sandbox) = sandbox(2) else { return };
    let name = format!("tightbeam-test-{}", std::process::id());
    let places = ["/etc", "/var/lib", "/opt", "/tmp", "/root", "/usr/local/bin", "/srv", "/run", "/dev/shm"];
    for place in places {
        let file = format!("{place}/{name}");
        let made = run(&sandbox, "host1", &format!("echo mine > {file} && cat {file}"));
        assert_eq!(text(&made.stdout), "mine\n", "{made:?}");
        assert!(!Path::new(&file).exists(), "{file} is on the machine");
        assert_eq!(run(&sandbox, "host2", &format!("test -e {file}")).status.code(), Some(1), "{file} on host2");
    }
    let processes = text(&run(&sandbox, "host1", "ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm").stdout);
    let (count, first) = processes.trim().split_once('\n').expect("two lines");
    assert!(count.parse::<u32>().expect("a number") < 12, "{processes}");
    assert_eq!(first, "init");
    // The kernel's settings are the machine's, and so are its disks.
    assert!(!run(&sandbox, "host1", "echo 1 > /proc/sys/vm/overcommit_memory").status.success());
    assert!(!run(&sandbox, "host1", "mknod /root/disk b 8 0").status.success());
    let private = sandbox.inventory_path().parent().expect("a directory").display().to_string();
    assert!(!run(&sandbox, "host1", &format!("ls {private}/client_key")).status.success());
}

#[test]
fn packages_are_removed_on_one_host_only() {
    let whole = rustix::process::geteuid().is_root() && Path::new("/var/lib/dpkg/status").exists();
    if !have_ssh() || !whole {
        return;
    }
    let Some(sandbox) = sandbox(1) else { return };
    let before = std::fs::read("/var/lib/dpkg/status").expect("dpkg's database");
    // A package that every Debian has, that nothing here needs, and that needs no download.
    let out = run(&sandbox, "host1", "dpkg --purge --force-all tzdata 2>&1; dpkg -s tzdata");
    assert!(!out.status.success(), "{out:?}");
    assert_eq!(std::fs::read("/var/lib/dpkg/status").expect("dpkg's database"), before);
}

#[test]
fn nothing_is_left_when_it_is_dropped() {
    let Some(sandbox) = sandbox(2) else { return };
    let directory: PathBuf = sandbox.inventory_path().parent().expect("a directory").to_owned();
    assert_eq!(processes_of(&directory).len(), 6, "three processes per host");
    assert!(!mounted(&directory), "the machine sees no mount of the hosts");
    drop(sandbox);
    assert_eq!(processes_of(&directory), Vec::<String>::new());
    assert!(!directory.exists());
}

/// Not a test by itself: the process that `nothing_is_left_when_its_holder_is_killed` kills.
#[test]
fn holder() {
    if std::env::var_os(HOLD).is_none() {
        return;
    }
    let Some(sandbox) = sandbox(1) else { return };
    println!("\nheld {}", sandbox.inventory_path().display());
    sandbox.wait_for_interrupt();
    println!("let go");
}

fn hold() -> (std::process::Child, BufReader<std::process::ChildStdout>, Option<PathBuf>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["holder", "--exact", "--nocapture"])
        .env(HOLD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.starts_with("held ") {
        line.clear();
        if out.read_line(&mut line).expect("text") == 0 {
            return (child, out, None);
        }
    }
    let directory = Path::new(line[5..].trim()).parent().expect("a directory").to_owned();
    (child, out, Some(directory))
}

#[test]
fn nothing_is_left_when_its_holder_is_killed() {
    let (mut child, _out, Some(directory)) = hold() else { return not_tested("no sandbox to hold") };
    assert_eq!(processes_of(&directory).len(), 3);
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end && (directory.exists() || !processes_of(&directory).is_empty()) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(processes_of(&directory), Vec::<String>::new());
    assert!(!directory.exists());
}

#[test]
fn a_signal_ends_it_in_good_order() {
    let (mut child, mut out, Some(directory)) = hold() else { return not_tested("no sandbox to hold") };
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be signalled");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).expect("text");
    assert!(rest.contains("let go"), "{rest}");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(processes_of(&directory), Vec::<String>::new());
    assert!(!directory.exists());
}
