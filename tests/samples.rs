//! The sample playbooks on sandbox hosts, over SSH: a check changes nothing, a run works, a second run changes nothing.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use tightbeam::sandbox::Sandbox;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tightbeam");

/// Hosts, or `None` where this user may not have them. Root always may.
fn sandbox(hosts: usize) -> Option<Sandbox> {
    match Sandbox::start_with(hosts, Path::new(PROGRAM)) {
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

fn tightbeam(sandbox: &Sandbox, args: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ANSIBLE_")) {
        command.env_remove(name);
    }
    command
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("ANSIBLE_INVENTORY", sandbox.inventory_path())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("tightbeam runs")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A number of each host's line in the recap.
fn recap(output: &Output, name: &str) -> Vec<usize> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, lines) = stdout.split_once("PLAY RECAP").unwrap_or_else(|| panic!("no recap in {}", text(output)));
    let key = format!("{name}=");
    let number = |line: &str| line.split_whitespace().find_map(|w| w.strip_prefix(&key)?.parse().ok());
    lines.lines().filter_map(number).collect()
}

/// What `script` prints on each host.
fn on_hosts(sandbox: &Sandbox, script: &str) -> String {
    let out = tightbeam(sandbox, &["run", "all", "-m", "raw", "-a", script, "-f", "1"]);
    assert!(out.status.success(), "{}", text(&out));
    // Hosts answer in any order.
    let mut answers: Vec<String> =
        String::from_utf8_lossy(&out.stdout).split("\n\n").map(|a| a.trim().to_owned()).collect();
    answers.sort();
    answers.join("\n\n")
}

/// Every file that samples might touch: type, mode, owner and size, and what is in it.
fn digest(sandbox: &Sandbox) -> String {
    on_hosts(
        sandbox,
        "for d in /etc /srv /home /var/www /var/lib/dpkg; do [ -e $d ] || continue; \
         find $d -xdev -printf '%y %m %u:%g %s %p %l\\n'; find $d -xdev -type f -exec sha256sum {} +; \
         done | LC_ALL=C sort | sha256sum",
    )
}

/// Check mode, a run, a second run. The last one's and the first one's output, to look closer.
fn converges(sandbox: &Sandbox, playbook: &str, extra: &[&str]) {
    let args = |options: &[&'static str]| [&["play"], options, &[playbook], extra].concat();
    let before = digest(sandbox);
    let check = tightbeam(sandbox, &args(&["--check", "--diff"]));
    assert!(check.status.success(), "check mode: {}", text(&check));
    assert_eq!(digest(sandbox), before, "check mode changed a host: {}", text(&check));

    let first = tightbeam(sandbox, &args(&[]));
    assert!(first.status.success(), "first run: {}", text(&first));
    assert!(recap(&first, "failed").iter().all(|n| *n == 0), "{}", text(&first));
    assert!(recap(&first, "changed").iter().any(|n| *n > 0), "{}", text(&first));

    let second = tightbeam(sandbox, &args(&[]));
    assert!(second.status.success(), "second run: {}", text(&second));
    let changed = recap(&second, "changed");
    assert!(!changed.is_empty() && changed.iter().all(|n| *n == 0), "second run: {}", text(&second));
}

#[test]
fn site_converges() {
    let Some(sandbox) = sandbox(3) else { return };
    converges(&sandbox, "playbooks/site.yml", &[]);
    assert_eq!(on_hosts(&sandbox, "cat /srv/site/state/published").matches("about.html").count(), 3);
}

#[test]
fn users_converge() {
    let Some(sandbox) = sandbox(2) else { return };
    converges(&sandbox, "playbooks/users.yml", &[]);
    let keys = on_hosts(&sandbox, "stat -c '%a %U' /home/ada/.ssh/authorized_keys; id -nG grace");
    assert_eq!(keys.matches("600 ada").count(), 2, "{keys}");
    assert_eq!(keys.matches("grace staff_db").count(), 2, "{keys}");
}

#[test]
fn rolling_update_drains_one_host_after_the_other() {
    let Some(sandbox) = sandbox(3) else { return };
    converges(&sandbox, "playbooks/rolling.yml", &[]);
    assert_eq!(on_hosts(&sandbox, "cat /srv/app/release").matches("2.4.1").count(), 3);
    // All back ends are known to the first host only.
    let balancer = on_hosts(&sandbox, "cat /srv/balancer/* 2>/dev/null || true");
    assert_eq!(balancer.matches(" up").count(), 3, "{balancer}");

    // A host that cannot be updated stays out and ends the update: the batches after it are not touched.
    let limited = ["run", "host2", "-m", "raw", "-a", "rm -r /srv/app; touch /srv/app"];
    assert!(tightbeam(&sandbox, &limited).status.success());
    let failed = tightbeam(&sandbox, &["play", "playbooks/rolling.yml", "-e", "release=3.0"]);
    assert_eq!(failed.status.code(), Some(2), "{}", text(&failed));
    let releases =
        on_hosts(&sandbox, "cat /srv/app/release 2>/dev/null || true; grep -h . /srv/balancer/host2 || true");
    assert!(releases.contains("server host2 drained"), "{releases}");
    assert_eq!(releases.matches("3.0").count(), 1, "{releases}");
}

#[test]
fn facts_are_reported_on_the_controller() {
    let Some(sandbox) = sandbox(2) else { return };
    let folder = tempfile::tempdir().expect("a directory");
    let report = folder.path().join("report.md");
    let variable = format!("report={}", report.display());
    converges(&sandbox, "playbooks/facts.yml", &["-e", &variable]);
    let report = std::fs::read_to_string(&report).expect("the report");
    assert!(report.contains("| host1 | ") && report.contains("| host2 | "), "{report}");
}

#[test]
fn web_server_serves_its_page() {
    let Some(sandbox) = sandbox(1) else { return };
    let reachable = tightbeam(
        &sandbox,
        &[
            "run",
            "all",
            "-m",
            "raw",
            "-a",
            "apt-get update -q >/dev/null && apt-get install -qs nginx-light >/dev/null",
        ],
    );
    if !reachable.status.success() {
        return not_tested("apt cannot install nginx here");
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let port_is = format!("webserver_port={port}");
    converges(&sandbox, "playbooks/webserver.yml", &["-e", &port_is]);
    assert!(page(port).contains("Served by host1"), "{}", page(port));

    // Restarted only when its configuration changed.
    let process = "cat /run/nginx.pid";
    let before = on_hosts(&sandbox, process);
    let play = |extra: &str| {
        let out = tightbeam(&sandbox, &["play", "playbooks/webserver.yml", "-e", &port_is, "-e", extra]);
        assert!(out.status.success(), "{}", text(&out));
        out
    };
    let page_only = play("webserver_title=Other");
    assert_eq!(recap(&page_only, "changed"), [1], "{}", text(&page_only));
    assert_eq!(on_hosts(&sandbox, process), before);
    assert!(page(port).contains("Other"), "{}", page(port));
    let moved = play("webserver_root=/var/www/elsewhere");
    assert!(String::from_utf8_lossy(&moved.stdout).contains("RUNNING HANDLER"), "{}", text(&moved));
    assert_ne!(on_hosts(&sandbox, process), before);
    assert!(page(port).contains("Served by host1"), "{}", page(port));
}

/// The page that a server on loopback answers with.
fn page(port: u16) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a web server");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a limit");
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("a request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
