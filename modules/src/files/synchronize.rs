//! `ansible.posix.synchronize`: one run of rsync. The controller's action says from where to where and how to get there.

use crate::contract::{Arg, ArgType, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::files::shared::normal_path;
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output, quote_word, split_words};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Synchronize;

/// Stands before each line of rsync's that tells of a change.
const MARKER: &str = "<<CHANGED>>";

#[derive(Deserialize)]
pub struct Args {
    src: String,
    dest: String,
    dest_port: Option<i64>,
    archive: bool,
    checksum: bool,
    compress: bool,
    existing_only: bool,
    delete: bool,
    dirs: bool,
    recursive: Option<bool>,
    links: Option<bool>,
    copy_links: bool,
    perms: Option<bool>,
    times: Option<bool>,
    owner: Option<bool>,
    group: Option<bool>,
    rsync_path: Option<String>,
    rsync_timeout: i64,
    ssh_connection_multiplexing: bool,
    rsync_opts: Vec<String>,
    partial: bool,
    verify_host: bool,
    private_key: Option<String>,
    link_dest: Option<Vec<String>>,
    delay_updates: bool,
    _local_rsync_path: String,
    _local_rsync_password: Option<String>,
    _substitute_controller: bool,
    _ssh_args: Option<String>,
}

pub struct Work {
    command: Command,
    /// The command as it is told.
    line: String,
    links: bool,
    warnings: Vec<String>,
    /// What a dry run said.
    tried: Option<Outcome>,
}

impl Module for Synchronize {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: r#"
- name: Send a tree
  ansible.posix.synchronize:
    src: site/
    dest: /srv/site
    delete: true
    rsync_opts:
      - --exclude=.git

- name: Fetch one
  ansible.posix.synchronize:
    src: /srv/site
    dest: backup/
    mode: pull
"#,
        returns: &[
            Return { name: "msg", when: "always", doc: "What rsync said: a line for each change." },
            Return { name: "stdout_lines", when: "success", doc: "The same in lines." },
            Return { name: "cmd", when: "always", doc: "The command." },
            Return { name: "rc", when: "always", doc: "What rsync ended with." },
        ],
        differs: "A password reaches sshpass in its environment. Becoming another user at the far end is sudo's work; other methods are refused, unless rsync_path says how.",
        ..ModuleSpec::new(
            "ansible.posix.synchronize",
            "Copies trees with rsync.",
            &[
                Arg::path("src").required().doc("Where from: on the controller, with `pull` on the host."),
                Arg::path("dest").required().doc("Where to."),
                Arg::int("dest_port").doc("SSH port of the host."),
                Arg::str("mode")
                    .choices(&["pull", "push"])
                    .default(Literal::Str("push"))
                    .doc("To the host or from it."),
                Arg::bool("archive")
                    .default(Literal::Bool(true))
                    .doc("Recursive, with links, permissions, times, owner, group and devices."),
                Arg::bool("checksum").default(Literal::Bool(false)).doc("Compare content, not time and size."),
                Arg::bool("compress").default(Literal::Bool(true)).doc("Compress on the way."),
                Arg::bool("existing_only").default(Literal::Bool(false)).doc("Create no new files."),
                Arg::bool("delete").default(Literal::Bool(false)).doc("Delete what is not in the source."),
                Arg::bool("dirs").default(Literal::Bool(false)).doc("Directories without what is in them."),
                Arg::bool("recursive").doc("Go into directories; as `archive` if not given."),
                Arg::bool("links").doc("Copy links as links; as `archive` if not given."),
                Arg::bool("copy_links").default(Literal::Bool(false)).doc("Copy what links point at."),
                Arg::bool("perms").doc("Keep permissions; as `archive` if not given."),
                Arg::bool("times").doc("Keep modification times; as `archive` if not given."),
                Arg::bool("owner").doc("Keep owners; as `archive` if not given."),
                Arg::bool("group").doc("Keep groups; as `archive` if not given."),
                Arg::str("rsync_path").doc("Command that starts rsync at the far end."),
                Arg::int("rsync_timeout")
                    .default(Literal::Int(0))
                    .doc("Seconds without a byte after which rsync ends."),
                Arg::bool("set_remote_user").default(Literal::Bool(true)).doc("Name the user for the far end."),
                Arg::bool("ssh_connection_multiplexing")
                    .default(Literal::Bool(false))
                    .doc("Let SSH share connections as its settings say."),
                Arg::list("rsync_opts", ArgType::Str).default(Literal::Strs(&[])).doc("Further options of rsync."),
                Arg::bool("partial").default(Literal::Bool(false)).doc("Keep what was sent of a file when broken off."),
                Arg::bool("verify_host").default(Literal::Bool(false)).doc("Check the host key."),
                Arg::path("private_key").doc("Key for the connection."),
                Arg::list("link_dest", ArgType::Path).doc("Link files that are equal in these directories."),
                Arg::bool("delay_updates").default(Literal::Bool(true)).doc("Put all files in place at the end."),
                Arg::bool("use_ssh_args")
                    .default(Literal::Bool(false))
                    .doc("Connect with the inventory's SSH options."),
                Arg::path("_local_rsync_path").default(Literal::Str("rsync")),
                Arg::str("_local_rsync_password").no_log(),
                Arg::bool("_substitute_controller").default(Literal::Bool(false)),
                Arg::str("_ssh_args"),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let mut work = compose(&args, host, call.check)?;
        if call.check {
            let out = query(host, &work.command)?;
            work.tried = Some(work.judge(&out, call)?);
        }
        Ok(Plan::Work(work))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.tried.clone().unwrap_or_default()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &work.command)?;
        work.judge(&out, call)
    }
}

impl Work {
    fn judge(&self, out: &Output, call: &Call) -> Result<Outcome, Failure> {
        if !out.ok() {
            let failure = Failure::new(out.stderr_text()).with("rc", out.rc).with("cmd", self.line.as_str());
            return Err(Failure { warnings: self.warnings.clone(), ..failure });
        }
        let text = out.stdout_text();
        // With links a leading period means no change.
        let changed = if self.links { !text.contains(&format!("{MARKER}.")) } else { text.contains(MARKER) };
        let clean = text.replace(MARKER, "");
        let lines: Vec<&str> = clean.split('\n').filter(|l| !l.is_empty()).collect();
        let mut outcome = Outcome::changed(changed)
            .with("stdout_lines", lines)
            .with("msg", clean.as_str())
            .with("rc", out.rc)
            .with("cmd", self.line.as_str());
        outcome.warnings.clone_from(&self.warnings);
        if call.diff {
            outcome.diff.push(Diff { prepared: Some(clean), ..Diff::default() });
        }
        Ok(outcome)
    }
}

fn compose(args: &Args, host: &dyn Observe, dry: bool) -> Result<Work, Failure> {
    let (source, dest) = (local_name(args, host, &args.src)?, local_name(args, host, &args.dest)?);
    let program = if args._local_rsync_path.contains('/') {
        PathBuf::from(&args._local_rsync_path)
    } else {
        required(host, &args._local_rsync_path)?
    };
    let mut words: Vec<String> = Vec::new();
    if args._local_rsync_password.is_some() {
        if host.which("sshpass").is_none() {
            let msg = "to use rsync connection with passwords, you must install the sshpass program";
            return Err(Failure::new(msg));
        }
        words.extend(["sshpass", "-e"].map(str::to_owned));
    }
    words.push(program.display().to_string());
    let mut add = |on: bool, option: &str| {
        if on {
            words.push(option.to_owned());
        }
    };
    add(args.delay_updates, "--delay-updates");
    add(args.delay_updates, "-F");
    add(args.compress, "--compress");
    add(args.rsync_timeout != 0, &format!("--timeout={}", args.rsync_timeout));
    add(dry, "--dry-run");
    add(args.delete, "--delete-after");
    add(args.existing_only, "--existing");
    add(args.checksum, "--checksum");
    add(args.copy_links, "--copy-links");
    add(args.archive, "--archive");
    for (name, given) in [
        ("recursive", args.recursive),
        ("links", args.links),
        ("perms", args.perms),
        ("times", args.times),
        ("owner", args.owner),
        ("group", args.group),
    ] {
        add(args.archive && given == Some(false), &format!("--no-{name}"));
        add(!args.archive && given == Some(true), &format!("--{name}"));
    }
    add(args.dirs, "--dirs");
    let daemon = |path: &str| path.starts_with("rsync://");
    if daemon(&source) && daemon(&dest) {
        return Err(Failure::new("either src or dest must be a localhost").with("rc", 1));
    }
    let remote = !daemon(&source) && !daemon(&dest) && (source.contains(':') || dest.contains(':'));
    if remote && !args.rsync_opts.iter().any(|o| o.contains("--rsh")) {
        words.push(format!("--rsh={}", quote_word(&shell(args, host)?)));
    }
    words.extend(args.rsync_path.iter().filter(|p| !p.is_empty()).map(|p| format!("--rsync-path={}", quote_word(p))));
    words.extend(args.rsync_opts.iter().cloned());
    let mut warnings = Vec::new();
    if args.rsync_opts.iter().any(String::is_empty) {
        warnings.push("The empty string is present in rsync_opts which will cause rsync to transfer the current working directory. If this is intended, use \".\" instead to get rid of this warning. If this is unintended, check for problems in your playbook leading to empty string in rsync_opts.".to_owned());
    }
    if args.partial {
        words.push("--partial".to_owned());
    }
    let links = args.link_dest.as_ref().is_some_and(|l| !l.is_empty());
    if links {
        words.extend(["-H", "-vv"].map(str::to_owned));
        let above = normal_path(Path::new(&dest).parent().unwrap_or(Path::new("")));
        for link in args.link_dest.iter().flatten() {
            let link = normal_path(Path::new(link));
            let (above, link) = (above.to_string_lossy(), link.to_string_lossy());
            if above.starts_with(&*link) {
                return Err(Failure::new(format!(
                    "Hardlinking into a subdirectory of the source would cause recursion. {above} and {dest}"
                )));
            }
            words.push(format!("--link-dest={link}"));
        }
    }
    words.push(format!("--out-format={}", quote_word(&format!("{MARKER}%i %n%L"))));
    words.extend([quote_word(&source), quote_word(&dest)]);
    let line = words.join(" ");
    let argv = split_words(&line).map_err(Failure::new)?;
    let mut command = Command::new(&argv[0]).args(argv[1..].iter().cloned());
    if let Some(password) = &args._local_rsync_password {
        command = command.env("SSHPASS", password.as_str());
    }
    Ok(Work { command, line, links, warnings, tried: None })
}

/// The remote shell, as one line.
fn shell(args: &Args, host: &dyn Observe) -> Result<String, Failure> {
    let mut words = vec![required(host, "ssh")?.display().to_string()];
    let mut add = |more: &[&str]| words.extend(more.iter().map(|w| (*w).to_owned()));
    if !args.ssh_connection_multiplexing {
        add(&["-S", "none"]);
    }
    if let Some(key) = &args.private_key {
        add(&["-i", key]);
    }
    if let Some(port) = args.dest_port {
        add(&["-o", &format!("Port={port}")]);
    }
    if !args.verify_host {
        add(&["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
    }
    let mut line: Vec<String> = words.iter().map(|w| quote_word(w)).collect();
    line.extend(args._ssh_args.iter().filter(|a| !a.is_empty()).cloned());
    Ok(line.join(" "))
}

/// A path of `localhost:`, seen from this host: the machine that it was reached from.
fn local_name(args: &Args, host: &dyn Observe, path: &str) -> Result<String, Failure> {
    if !args._substitute_controller {
        return Ok(path.to_owned());
    }
    let client = ["SSH_CLIENT", "SSH_CONNECTION"].iter().find_map(|name| host.env(name));
    let client = client.as_deref().and_then(|c| c.split_whitespace().next());
    match (path.strip_prefix("localhost:"), client) {
        (_, None) => Err(Failure::new("Could not determine controller hostname for rsync to send to")),
        (Some(rest), Some(client)) => Ok(format!("{client}:{rest}")),
        (None, _) => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{once, run};
    use serde_json::json;

    const SYNCHRONIZE: Entry = Entry::of::<Synchronize>();

    #[test]
    fn between_hosts() {
        let mut host = Fake::new()
            .answer("ssh", 0, "")
            .answer("rsync --delay-updates -F --compress --dry-run ...", 0, "<<CHANGED>><f+++++++++ a\n")
            .effect("rsync ...", 0, "<<CHANGED>><f+++++++++ a\n<<CHANGED>>*deleting b\n", |_| {});
        host.set_answer("rsync --delay-updates -F --compress --dry-run ...", 0, "<<CHANGED>><f+++++++++ a\n");
        let args = json!({"src": "/a b/", "dest": "me@h:/c", "dest_port": 22, "private_key": "/k", "perms": false,
            "rsync_path": "sudo -u root rsync", "rsync_opts": ["--exclude='x y'"], "delete": true});
        let out = once(&SYNCHRONIZE, args, &mut host).unwrap();
        assert_eq!(
            out.values["cmd"],
            "/usr/bin/rsync --delay-updates -F --compress --delete-after --archive --no-perms --rsh='/usr/bin/ssh -S none -i /k -o Port=22 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null' --rsync-path='sudo -u root rsync' --exclude='x y' --out-format='<<CHANGED>>%i %n%L' '/a b/' me@h:/c"
        );
        assert_eq!(out.values["stdout_lines"], json!(["<f+++++++++ a", "*deleting b"]));
        assert_eq!(out.diff[0].prepared.as_deref(), Some("<f+++++++++ a\n*deleting b\n"));
        assert!(host.executed()[0].contains("--exclude=x y"));
    }

    #[test]
    fn nothing_new_and_refusals() {
        let mut host = Fake::new().effect("rsync ...", 0, "", |_| {});
        let out = run(&SYNCHRONIZE, json!({"src": "/a", "dest": "/b"}), &mut host, false).unwrap();
        assert!(!out.changed && out.values["msg"] == "");
        let mut failed = |args| run(&SYNCHRONIZE, args, &mut host, false).unwrap_err().msg;
        assert_eq!(failed(json!({"src": "rsync://a", "dest": "rsync://b"})), "either src or dest must be a localhost");
        let args = json!({"src": "/a", "dest": "/b/c", "link_dest": ["/b"]});
        assert!(failed(args).starts_with("Hardlinking into a subdirectory"));
        let args = json!({"src": "/a", "dest": "h:/b", "_local_rsync_password": "pw"});
        assert!(failed(args).starts_with("to use rsync connection with passwords"));
    }
}
