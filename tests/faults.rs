//! Faults as people see them: the whole output of a run and its exit code, one snapshot each (`tests/faults/*.snap`).
//! The exit codes are those of ansible-core 2.19.14 for the same playbooks.
#![allow(clippy::unwrap_used)]

#[path = "support/sshd.rs"]
#[allow(dead_code)]
mod sshd;

use fancy_regex::Regex;
use sshd::{Sshd, keygen};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tightbeam::sandbox::Sandbox;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tightbeam");
/// Two hosts that are this machine.
const LOCAL: &str = "[web]\nweb1 ansible_connection=local\nweb2 ansible_connection=local\n";

/// A directory with an inventory and playbooks, and runs of the program in it.
struct Project {
    dir: TempDir,
    /// What differs from run to run, and what stands for it in snapshots.
    names: Vec<(String, String)>,
}

impl Project {
    fn new(inventory: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("tightbeam-faults").tempdir().unwrap();
        let names = vec![(dir.path().display().to_string(), "DIR".to_owned())];
        let project = Project { dir, names };
        project.write("hosts.ini", inventory);
        project
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }
    fn call(&mut self, what: impl ToString, name: &str) {
        self.names.insert(0, (what.to_string(), name.to_owned()));
    }
    fn server(&mut self, server: &Sshd, name: &str) {
        self.call(format!("port {}", server.port()), &format!("port {name}_PORT"));
        self.call(format!("-p {}", server.port()), &format!("-p {name}_PORT"));
        self.call(format!("]:{}", server.port()), &format!("]:{name}_PORT"));
        self.call(server.dir().display(), &format!("{name}_DIR"));
    }
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).current_dir(self.dir.path()).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", self.dir.path()).env("LANG", "C.UTF-8");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
    /// Plays a playbook on its hosts.
    fn play(&self, playbook: &str) -> Output {
        self.write("site.yml", playbook);
        self.run(&["play", "-i", "hosts.ini", "site.yml"])
    }
    fn show(&self, output: &Output) -> String {
        let mut text = format!("exit code {}\n", output.status.code().unwrap_or(-1));
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                write!(text, "---- {name}\n{}", String::from_utf8_lossy(bytes)).unwrap();
            }
        }
        for (what, name) in &self.names {
            text = text.replace(what.as_str(), name);
        }
        let varying = [
            ("SHA256:[A-Za-z0-9+/]{43}", "SHA256:FINGERPRINT"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", "TIME"),
            (r"\d+:\d\d:\d\d\.\d{6}", "DELTA"),
            (r"\.ansible_tmp[A-Za-z0-9_.]*", ".ansible_tmpRANDOM"),
        ];
        for (pattern, name) in varying {
            text = Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
        }
        // Spaces at line ends belong to the recap's layout, but editors and reviews lose them.
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let sections = lines.chunk_by(|_, next| !next.starts_with("TASK [") && !next.starts_with("PLAY "));
        sections.flat_map(by_host).collect::<Vec<_>>().join("\n")
    }
}

/// The lines of one task with its hosts' results in the order of their names: they come as the hosts answer.
fn by_host<'t>(section: &[&'t str]) -> Vec<&'t str> {
    let is_result =
        |line: &&str| ["ok: [", "changed: [", "skipping: [", "fatal: ["].iter().any(|word| line.starts_with(word));
    let end = section.iter().rposition(is_result).map_or(0, |last| last + 1);
    let (mut results, said): (Vec<&str>, Vec<&str>) = section[..end].iter().partition(|line| is_result(line));
    results.sort_by_key(|line| line.split(['[', ']']).nth(1));
    [said, results, section[end..].to_vec()].concat()
}

/// Compares a run with its snapshot, after its exit code.
#[track_caller]
fn check(name: &str, project: &Project, output: &Output, exit: i32) {
    let text = project.show(output);
    assert_eq!(output.status.code(), Some(exit), "{text}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("faults");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A play without facts on the hosts `web`.
fn tasks(tasks: &str) -> String {
    format!("- hosts: web\n  gather_facts: false\n  tasks:\n{tasks}")
}

/// A fault of the author's, on hosts that are this machine.
#[track_caller]
fn author(name: &str, playbook: &str, exit: i32) {
    let project = Project::new(LOCAL);
    let output = project.play(playbook);
    check(name, &project, &output, exit);
}

/// An inventory of `web1`, which has extra variables, and `web2`, both reached over SSH.
fn over_ssh(first: &Sshd, extra: &str, second: &Sshd) -> String {
    let line = |name: &str, server: &Sshd, extra: &str| {
        let mut vars: Vec<String> = server.vars().iter().map(|(k, v)| format!("{k}={v:?}")).collect();
        vars.push(extra.to_owned());
        format!("{name} {}\n", vars.join(" "))
    };
    format!("[web]\n{}{}", line("web1", first, extra), line("web2", second, ""))
}

const PING: &str = "    - name: Answer\n      ping:\n    - name: Carry on\n      command: echo still here\n";

#[test]
fn yaml_that_cannot_be_read() {
    author("yaml_colon", &tasks("    - name: Install: nginx\n      ping:\n"), 4);
    author("yaml_template_without_quotes", &tasks("    - debug:\n        msg: {{ greeting }}\n"), 4);
    author("yaml_quote_left_open", &tasks("    - debug:\n        msg: \"left open\n    - ping:\n"), 4);
    author("yaml_tab", &tasks("    - ping:\n\t- ping:\n"), 4);
}

#[test]
fn a_keyword_that_is_none() {
    author("keyword_of_a_task", &tasks("    - name: Say it\n      debug:\n        msg: hello\n      wen: true\n"), 4);
    author("keyword_of_a_play", "- hosts: web\n  gather_fact: false\n  tasks:\n    - ping:\n", 4);
    author("two_actions", &tasks("    - ping:\n      command: id\n"), 4);
}

#[test]
fn an_argument_that_the_module_does_not_have() {
    author("argument", &tasks("    - name: Make\n      file:\n        path: /nowhere\n        stat: directory\n"), 2);
}

#[test]
fn a_module_that_does_not_exist() {
    author("module", &tasks("    - name: Put\n      coppy:\n        src: a\n        dest: b\n"), 4);
}

#[test]
fn roles_and_files_that_do_not_exist() {
    author("role", "- hosts: web\n  roles:\n    - webserver\n", 1);
    author("task_file", &tasks("    - import_tasks: more.yml\n"), 1);
}

#[test]
fn a_variable_that_is_not_defined() {
    let greet = "    - name: Greet\n      debug:\n        msg: \"Hello {{ user_nam }}\"\n      when: inventory_hostname == 'web1'\n    - name: Carry on\n      ping:\n";
    author("undefined", &tasks(greet), 2);
    author("undefined_on_every_host", &tasks("    - name: Ask\n      ping:\n      when: retries > 3\n"), 2);
}

#[test]
fn a_command_that_fails() {
    let command = "    - name: Fail\n      command: /bin/false\n      when: inventory_hostname == 'web1'\n    - name: Carry on\n      ping:\n";
    author("command", &tasks(command), 2);
}

#[test]
fn a_host_that_refuses_connections() {
    let Some(server) = Sshd::start() else { return };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut project = Project::new(&over_ssh(&server, &format!("ansible_port={free}"), &server));
    project.call(format!("port {free}"), "port CLOSED_PORT");
    project.call(format!("is {free} its port"), "is CLOSED_PORT its port");
    project.server(&server, "WEB");
    let output = project.play(&tasks(PING));
    check("refused", &project, &output, 4);
}

#[test]
fn a_key_that_is_not_authorized() {
    let Some(server) = Sshd::start() else { return };
    let other = server.dir().join("other");
    keygen(&["-t", "ed25519", "-N", "", "-f"], &other);
    let key = format!("ansible_ssh_private_key_file={}", other.display());
    let mut project = Project::new(&over_ssh(&server, &key, &server));
    project.call(format!("{}@127", sshd::user()), "USER@127");
    project.call(format!("authorized_keys of {}", sshd::user()), "authorized_keys of USER");
    project.server(&server, "WEB");
    let output = project.play(&tasks(PING));
    check("wrong_key", &project, &output, 4);
}

#[test]
fn a_host_key_that_has_changed() {
    let Some(server) = Sshd::start() else { return };
    let other = server.dir().join("other");
    keygen(&["-t", "ed25519", "-N", "", "-f"], &other);
    let public = std::fs::read_to_string(other.with_extension("pub")).unwrap();
    let known = server.dir().join("known_hosts");
    std::fs::write(&known, format!("# hosts\n[127.0.0.1]:{} {public}", server.port())).unwrap();
    let args =
        format!("ansible_ssh_common_args=\"-o StrictHostKeyChecking=yes -o UserKnownHostsFile={}\"", known.display());
    let mut project = Project::new(&over_ssh(&server, &args, &server));
    project.server(&server, "WEB");
    let output = project.play(&tasks(PING));
    let text = String::from_utf8_lossy(&output.stdout);
    for key in [other.with_extension("pub"), server.dir().join("host_ed25519.pub")] {
        let shown = Command::new("ssh-keygen").arg("-lf").arg(&key).output().unwrap().stdout;
        let shown = String::from_utf8(shown).unwrap();
        let fingerprint = shown.split(' ').nth(1).unwrap();
        assert!(text.contains(fingerprint), "{fingerprint} of {} in {text}", key.display());
    }
    check("changed_host_key", &project, &output, 4);
}

/// A stand-in for sudo, which asks for the password `right-sudo-word` three times.
fn sudo(dir: &Path) -> PathBuf {
    let sudo = dir.join("sudo");
    let script = "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in -p) prompt=$2; shift 2;; -u) shift 2;; -n) quiet=1; shift;; -*) shift;; *) break;; esac; done\n\
        [ -z \"$quiet\" ] || { echo 'sudo: a password is required' >&2; exit 1; }\n\
        n=0; while [ $n -lt 3 ]; do printf %s \"$prompt\" >&2; read -r line || exit 1\n\
        [ \"$line\" = right-sudo-word ] && exec \"$@\"; echo 'Sorry, try again.' >&2; n=$((n+1)); done\n\
        echo 'sudo: 3 incorrect password attempts' >&2; exit 1\n";
    std::fs::write(&sudo, script).unwrap();
    sshd::run("chmod", &["755", &sudo.display().to_string()]);
    sudo
}

fn become_project(server: &Sshd, password: &str) -> Project {
    let extra = format!(
        "ansible_become=true ansible_become_user=daemon ansible_become_exe={} {password}",
        sudo(server.dir()).display()
    );
    let mut project = Project::new(&over_ssh(server, &extra, server));
    project.server(server, "WEB");
    project
}

#[test]
fn a_wrong_password_for_sudo() {
    let Some(server) = Sshd::start() else { return };
    let project = become_project(&server, "ansible_become_password=wrong-sudo-word");
    let output = project.play(&tasks(PING));
    check("wrong_sudo_password", &project, &output, 2);
}

#[test]
fn no_password_for_sudo() {
    let Some(server) = Sshd::start() else { return };
    let project = become_project(&server, "");
    let output = project.play(&tasks(PING));
    check("missing_sudo_password", &project, &output, 2);
}

#[test]
fn a_host_whose_disk_is_full() {
    let sandbox = match Sandbox::start_with(2, Path::new(PROGRAM)) {
        Ok(sandbox) => sandbox,
        Err(error) if !rustix::process::geteuid().is_root() => return eprintln!("not tested: {error}"),
        Err(error) => panic!("{error}"),
    };
    let project = Project::new(&sandbox.inventory_text());
    let prepare = "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: mkdir /srv/site && mount -t tmpfs -o size=64k tmpfs /srv/site\n      when: inventory_hostname == 'host1'\n    - shell: mkdir -p /srv/site && echo old > /srv/site/page\n";
    let prepared = project.play(prepare);
    assert!(prepared.status.success(), "{}", project.show(&prepared));
    let output = project.play(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: Put the page\n      copy:\n        content: \"{{ 'x' * 300000 }}\"\n        dest: /srv/site/page\n    - name: Carry on\n      command: wc -c /srv/site/page\n",
    );
    check("full_disk", &project, &output, 2);
    let left =
        project.run(&["run", "host1", "-i", "hosts.ini", "-m", "shell", "-a", "ls -A /srv/site; cat /srv/site/page"]);
    assert_eq!(String::from_utf8_lossy(&left.stdout), "host1 | CHANGED | rc=0 >>\npage\nold\n");
}

/// Waits for a file that a task makes.
fn wait_for(path: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        assert!(Instant::now() < until, "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_host_that_dies_in_the_middle_of_a_task() {
    let (Some(dying), Some(other)) = (Sshd::start(), Sshd::start()) else { return };
    let mut project = Project::new(&over_ssh(&dying, "", &other));
    project.server(&dying, "DYING");
    let mark = project.path("started");
    let long = format!(
        "    - name: Long work\n      shell: touch {}; exec sleep 300\n      when: inventory_hostname == 'web1'\n    - name: Carry on\n      ping:\n",
        mark.display()
    );
    project.write("site.yml", &tasks(&long));
    let child = project.command(&["play", "-i", "hosts.ini", "--forks", "2", "site.yml"]).spawn().unwrap();
    wait_for(&mark);
    let died = Instant::now();
    dying.kill_sessions();
    let output = child.wait_with_output().unwrap();
    assert!(died.elapsed() < Duration::from_secs(20), "{:?}", died.elapsed());
    check("dies", &project, &output, 4);
}

#[test]
fn ctrl_c_ends_a_long_task_and_the_run() {
    let Some(server) = Sshd::start() else { return };
    for strategy in ["linear", "free"] {
        let project = Project::new(&over_ssh(&server, "", &server));
        let (mark, pid) = (project.path("started"), project.path("pid"));
        let long = format!(
            "    - name: Quick work\n      ping:\n    - name: Long work\n      shell: echo $$ > {}; touch {}; exec sleep 300\n      when: inventory_hostname == 'web1'\n",
            pid.display(),
            mark.display()
        );
        project.write("site.yml", &tasks(&long).replace("  tasks", &format!("  strategy: {strategy}\n  tasks")));
        let child = project.command(&["play", "-i", "hosts.ini", "--forks", "1", "site.yml"]).spawn().unwrap();
        wait_for(&mark);
        let asked = Instant::now();
        sshd::run("kill", &["-INT", &child.id().to_string()]);
        let output = child.wait_with_output().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        let text = project.show(&output);
        assert_eq!(output.status.code(), Some(99), "{text}");
        assert!(text.contains("[ERROR]: User interrupted execution"), "{text}");
        assert!(text.contains("PLAY RECAP") && text.contains("web1                       : ok=1 "), "{text}");
        let process = format!("/proc/{}", std::fs::read_to_string(&pid).unwrap().trim());
        let until = Instant::now() + Duration::from_secs(5);
        while Path::new(&process).exists() {
            assert!(Instant::now() < until, "the task's process is left on the host");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn secrets_stay_out_of_all_that_is_said() {
    let Some(server) = Sshd::start() else { return };
    let secret = [
        "    - name: Set\n      command: echo no-log-word\n      no_log: true\n",
        "    - name: Fail\n      command: cat /no-log-word\n      no_log: true\n      ignore_errors: true\n",
        "    - name: Loop\n      command: echo {{ item }}\n      loop: [no-log-word]\n      no_log: true\n",
        "    - name: Undefined\n      command: echo no-log-word {{ nothing }}\n      no_log: true\n      ignore_errors: true\n",
        "    - name: Account\n      user:\n        name: root\n        password: no-log-word\n        update_password: on_create\n      check_mode: true\n",
        "    - name: Wrong\n      ping:\n      vars:\n        ansible_become_password: wrong-sudo-word\n",
    ]
    .concat();
    let project = become_project(&server, "ansible_become_password=right-sudo-word");
    project.write("vault-pass", "vault-pass-word\n");
    let vault =
        project.run(&["vault", "encrypt_string", "--vault-password-file", "vault-pass", "-n", "key", "no-log-word"]);
    let vault = String::from_utf8(vault.stdout).unwrap().replace('\n', "\n    ");
    project
        .write("site.yml", &tasks(&secret).replace("  tasks", &format!("  vars:\n    {}\n  tasks", vault.trim_end())));
    let with = ["play", "-vvv", "--diff", "-i", "hosts.ini", "--vault-password-file", "vault-pass", "site.yml"];
    let output = project.run(&with);
    let text = project.show(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("Incorrect sudo password"), "{text}");
    for word in ["no-log-word", "right-sudo-word", "wrong-sudo-word", "vault-pass-word"] {
        let line = text.lines().find(|l| l.contains(word));
        assert_eq!(line, None, "{word} in {text}");
    }
}

#[test]
fn what_counts_as_unchanged_shows_no_diff() {
    for (rest, shown) in [("", true), ("      changed_when: false\n", false)] {
        let project = Project::new(LOCAL);
        let copy = format!("    - copy: {{content: new-text, dest: {}}}\n{rest}", project.path("file").display());
        project.write("site.yml", &tasks(&copy));
        let output = project.run(&["play", "-i", "web,", "-c", "local", "--diff", "site.yml"]);
        let text = project.show(&output);
        assert!(output.status.success(), "{text}");
        assert_eq!(text.contains("+new-text"), shown, "{text}");
    }
}

#[test]
fn encrypted_files_never_show_in_excerpts() {
    let project = Project::new(LOCAL);
    project.write("vault-pass", "vault-pass-word\n");
    let seal = |path: &str, text: &str| {
        project.write(path, text);
        let done = project.run(&["vault", "encrypt", "--vault-password-file", "vault-pass", path]);
        assert!(done.status.success(), "{}", project.show(&done));
    };
    seal("undefined.yml", "key: hidden-word\nbroken: \"{{ nothing }} hidden-word\"\n");
    seal("wrong.yml", "key: hidden-word\n bad: : hidden-word\n");
    seal("tasks.yml", "- debug: {msg: hidden-word}\n- debug: {mgs: hidden-word, msg: \"{{ nothing }}\"}\n");
    let play = |rest: &str| format!("- hosts: all\n  connection: local\n  gather_facts: false\n{rest}");
    for (rest, shows_place) in [
        ("  vars_files: [undefined.yml]\n  tasks:\n    - debug: {msg: \"{{ broken }}\"}\n", true),
        ("  vars_files: [wrong.yml]\n  tasks:\n    - debug:\n", true),
        ("  tasks:\n    - include_vars: wrong.yml\n", false),
        ("  tasks:\n    - import_tasks: tasks.yml\n", true),
    ] {
        project.write("site.yml", &play(rest));
        let output = project.run(&["play", "-i", "h,", "--vault-password-file", "vault-pass", "site.yml"]);
        let text = project.show(&output);
        assert!(!output.status.success(), "{text}");
        assert_eq!(text.contains("(source not shown: content encrypted)"), shows_place, "{rest}{text}");
        assert!(!text.contains("hidden-word"), "{rest}{text}");
    }
}

#[test]
fn command_lines_and_inventories() {
    let play = tasks("    - name: Answer\n      ping:\n");
    let cases: &[(&str, &[&str], i32)] = &[
        ("syntax_check", &["-i", "hosts.ini", "--syntax-check", "site.yml"], 0),
        ("list_tasks", &["-i", "hosts.ini", "--list-tasks", "site.yml"], 0),
        ("list_hosts", &["-i", "hosts.ini", "--list-hosts", "site.yml"], 0),
        ("no_inventory", &["site.yml"], 0),
        ("inventory_not_there", &["-i", "nowhere.ini", "site.yml"], 0),
        ("inventory_invalid", &["-i", "bad.ini", "site.yml"], 0),
        ("option_unknown", &["-i", "hosts.ini", "--bogus", "site.yml"], 2),
        ("forks_zero", &["-i", "hosts.ini", "--forks", "0", "site.yml"], 2),
        ("limit_empty", &["-i", "hosts.ini", "--limit", "zebra", "site.yml"], 1),
        ("limit_file_not_there", &["-i", "hosts.ini", "--limit", "@nowhere", "site.yml"], 1),
        ("playbook_not_there", &["-i", "hosts.ini", "nowhere.yml"], 1),
        ("extra_vars_not_there", &["-i", "hosts.ini", "-e", "@nowhere.yml", "site.yml"], 1),
        ("extra_vars_invalid", &["-i", "hosts.ini", "-e", "{port: 1", "site.yml"], 4),
        ("vault_without_password", &["-i", "hosts.ini", "secret.yml"], 1),
    ];
    let project = Project::new(LOCAL);
    project.write("site.yml", &play);
    project.write("bad.ini", "web1 port\n");
    project.write("secret.yml", "$ANSIBLE_VAULT;1.1;AES256\n3132\n");
    for (name, args, exit) in cases {
        let output = project.run(&[&["play"], *args].concat());
        check(&format!("cli_{name}"), &project, &output, *exit);
    }
}
