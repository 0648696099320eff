//! `subversion`: a working copy, or an exported tree, of a Subversion repository.

use crate::contract::{Arg, Call, Failure, Json, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, failed_command, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Subversion;

#[derive(Clone, Deserialize)]
pub struct Args {
    repo: String,
    dest: Option<PathBuf>,
    revision: String,
    force: bool,
    in_place: bool,
    username: Option<String>,
    password: Option<String>,
    executable: Option<PathBuf>,
    checkout: bool,
    update: bool,
    export: bool,
    switch: bool,
    validate_certs: bool,
}

pub struct Work {
    svn: Svn,
    dest: String,
    args: Args,
    task: Task,
}

enum Task {
    Export,
    Checkout,
    /// Over what is there already.
    InPlace,
    Update {
        before: [String; 2],
        modified: bool,
        /// Revisions of the working copy and of the repository, in check mode.
        foreseen: Option<[String; 2]>,
    },
}

/// The program, and what each call of it takes.
#[derive(Clone)]
struct Svn {
    program: PathBuf,
    options: Vec<String>,
    /// The password, for versions that read it there.
    stdin: Option<String>,
}

impl Module for Subversion {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Imperative,
        examples: r#"
- name: A working copy of trunk
  ansible.builtin.subversion:
    repo: svn+ssh://an.example.org/path/to/repo/trunk
    dest: /src/checkout

- name: An exported tree
  ansible.builtin.subversion:
    repo: svn+ssh://an.example.org/path/to/repo/trunk
    dest: /src/export
    export: true
"#,
        returns: &[
            Return { name: "before", when: "an update", doc: "Revision and address before." },
            Return { name: "after", when: "not an export", doc: "Revision and address now." },
        ],
        differs: "Modified files fail the task before anything was switched.",
        ..ModuleSpec::new(
            "ansible.builtin.subversion",
            "Checks out, updates or exports a Subversion repository.",
            &[
                Arg::str("repo").required().aliases(&["name", "repository"]).doc("Address of the repository."),
                Arg::path("dest").doc("Directory on the host."),
                Arg::str("revision").default(Literal::Str("HEAD")).aliases(&["rev", "version"]).doc("The revision."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Discard modified files."),
                Arg::bool("in_place")
                    .default(Literal::Bool(false))
                    .doc("Check out over a directory that is no working copy."),
                Arg::str("username").doc("User name for the repository."),
                Arg::str("password").no_log().doc("Password for the repository."),
                Arg::path("executable").doc("The program `svn`."),
                Arg::bool("checkout").default(Literal::Bool(true)).doc("Check out where there is nothing yet."),
                Arg::bool("update").default(Literal::Bool(true)).doc("Fetch new revisions."),
                Arg::bool("export").default(Literal::Bool(false)).doc("Export instead."),
                Arg::bool("switch").default(Literal::Bool(true)).doc("Switch to the address before the update."),
                Arg::bool("validate_certs").default(Literal::Bool(false)).doc("Check the server's certificate."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let dest = args.dest.as_deref().map(|d| d.to_string_lossy().into_owned()).filter(|d| !d.is_empty());
        if dest.is_none() && (args.checkout || args.update || args.export) {
            return Err(Failure::new(
                "the destination directory must be specified unless checkout=no, update=no, and export=no",
            ));
        }
        let (svn, warnings) = Svn::new(&args, host)?;
        let done = |outcome: Outcome| Ok(Plan::Done(Outcome { warnings: warnings.clone(), ..outcome }));
        let Some(dest) = dest.filter(|_| args.export || args.update || args.checkout) else {
            let (revision, _) = svn.info(host, &[&args.repo], "Unable to get remote revision")?;
            return done(Outcome::unchanged().with("after", revision));
        };
        let modified_fails = || Failure::new("ERROR: modified files exist in the repository.");
        let task = if args.export {
            Task::Export
        } else if host.stat(Path::new(&dest)).is_err() {
            if !args.checkout {
                return done(Outcome::unchanged());
            }
            Task::Checkout
        } else if query(host, &svn.command(&["info", &dest]))?.ok() {
            if !args.update {
                return done(Outcome::unchanged());
            }
            let modified = svn.modified(host, &dest)?;
            if modified && !args.force {
                return Err(modified_fails());
            }
            let (revision, url) = svn.info(host, &[&dest], "Unable to get revision")?;
            let mut foreseen = None;
            if call.check {
                let (there, _) = svn.info(host, &["-r", &args.revision, &dest], "Unable to get revision")?;
                if number(&revision)? >= number(&there)? {
                    return done(Outcome::unchanged().with("before", revision).with("after", there));
                }
                foreseen = Some([revision.clone(), there]);
            }
            Task::Update { before: [revision, url], modified, foreseen }
        } else if args.in_place {
            Task::InPlace
        } else {
            let msg = format!("ERROR: {dest} folder already exists, but its not a subversion repository.");
            return Err(Failure::new(msg));
        };
        Ok(Plan::Work(Work { svn, dest, args, task }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        match &work.task {
            Task::Update { foreseen: Some([before, after]), .. } => {
                Outcome::changed(true).with("before", before.as_str()).with("after", after.as_str())
            }
            _ => Outcome::changed(true),
        }
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { svn, dest, args, task } = work;
        let fetch = |verb: &'static str, force: bool| {
            let mut words = vec![verb];
            words.extend(force.then_some("--force"));
            words.extend(["-r", &args.revision, &args.repo, &dest]);
            svn.command(&words)
        };
        let (mut changed, mut before) = (true, Json::Null);
        match task {
            Task::Export => {
                run(host, &fetch("export", args.force))?;
                return Ok(Outcome::changed(true));
            }
            Task::Checkout => drop(run(host, &fetch("checkout", false))?),
            Task::InPlace => {
                run(host, &fetch("checkout", true))?;
                if svn.modified(host.observe(), &dest)? && args.force {
                    run(host, &svn.command(&["revert", "-R", &dest]))?;
                }
            }
            Task::Update { before: old, modified, .. } => {
                before = old.to_vec().into();
                changed = modified;
                if args.switch {
                    changed |= touched(&run(
                        host,
                        &svn.command(&["switch", "--revision", &args.revision, &args.repo, &dest]),
                    )?);
                }
                if modified {
                    run(host, &svn.command(&["revert", "-R", &dest]))?;
                }
                changed |= touched(&run(host, &svn.command(&["update", "-r", &args.revision, &dest]))?);
            }
        }
        let (revision, url) = svn.info(host.observe(), &[&dest], "Unable to get revision")?;
        Ok(Outcome::changed(changed).with("before", before).with("after", vec![revision, url]))
    }
}

impl Svn {
    /// The program with its options, and what is to be said of them.
    fn new(args: &Args, host: &dyn Observe) -> Result<(Self, Vec<String>), Failure> {
        let program = match &args.executable {
            Some(path) => path.clone(),
            None => required(host, "svn")?,
        };
        let mut svn = Svn { program, options: vec!["--non-interactive".into(), "--no-auth-cache".into()], stdin: None };
        let mut warnings = Vec::new();
        if !args.validate_certs {
            svn.options.push("--trust-server-cert".into());
        }
        if let Some(name) = args.username.as_deref().filter(|n| !n.is_empty()) {
            svn.options.extend(["--username".into(), name.into()]);
        }
        if let Some(password) = args.password.as_deref().filter(|p| !p.is_empty()) {
            let version = checked(&Command::new(&svn.program).args(["--version", "--quiet"]), |c| query(host, c))?;
            let mut numbers = version.trim().split('.').map_while(|n| n.parse::<u32>().ok());
            if (numbers.next(), numbers.next()) >= (Some(1), Some(10)) {
                svn.options.push("--password-from-stdin".into());
                svn.stdin = Some(password.into());
            } else {
                warnings.push(
                    "The authentication provided will be used on the svn command line and is not secure. To securely \
                     pass credentials, upgrade svn to version 1.10.0 or greater."
                        .to_owned(),
                );
                svn.options.extend(["--password".into(), password.into()]);
            }
        }
        Ok((svn, warnings))
    }

    fn command(&self, words: &[&str]) -> Command {
        let command = Command::new(&self.program).args(self.options.iter().map(String::as_str));
        let command = command.args(words.iter().copied()).env("LANG", "C.UTF-8").env("LC_MESSAGES", "C.UTF-8");
        match &self.stdin {
            Some(text) => command.stdin(text.as_str()),
            None => command,
        }
    }

    /// The lines that tell revision and address.
    fn info(&self, host: &dyn Observe, words: &[&str], unknown: &str) -> Result<(String, String), Failure> {
        let said = checked(&self.command(&[&["info"], words].concat()), |c| query(host, c))?;
        let line = |fits: &dyn Fn(&str) -> bool, unknown: &str| {
            said.lines().find(|line| fits(line)).unwrap_or(unknown).to_owned()
        };
        let url = |line: &str| line.strip_prefix("URL").is_some_and(|l| l.trim_start().starts_with(':'));
        Ok((line(&|line| revision(line).is_some(), unknown), line(&url, "Unable to get URL")))
    }

    /// Whether files under revision are added or modified.
    fn modified(&self, host: &dyn Observe, dest: &str) -> Result<bool, Failure> {
        let said = checked(&self.command(&["status", "--quiet", "--ignore-externals", dest]), |c| query(host, c))?;
        Ok(said.lines().any(|line| !line.is_empty() && !line.starts_with(['?', 'X'])))
    }
}

/// `Revision: 1889134`, in whatever language.
fn revision(line: &str) -> Option<i64> {
    let (word, number) = line.split_once(':')?;
    let word = word.strip_suffix(char::is_whitespace).unwrap_or(word);
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    number.starts_with(char::is_whitespace).then(|| number.trim_start().parse().ok()).flatten().filter(|_| is_word)
}

fn number(line: &str) -> Result<i64, Failure> {
    revision(line).ok_or_else(|| Failure::new(line))
}

/// Whether files were added, broken, deleted, updated, merged, in conflict or there before.
fn touched(said: &str) -> bool {
    said.lines().any(|line| {
        let mut chars = line.chars();
        chars.next().is_some_and(|c| "ABDUCGE".contains(c)) && chars.next().is_some_and(char::is_whitespace)
    })
}

fn run(host: &mut dyn Change, command: &Command) -> Result<String, Failure> {
    checked(command, |c| execute(host, c))
}

/// What a call that must end well says.
fn checked(command: &Command, run: impl FnOnce(&Command) -> Result<Output, Failure>) -> Result<String, Failure> {
    let out = run(command)?;
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(command, &out, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{once, run};
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<Subversion>();

    fn svn(words: &str) -> String {
        format!("/usr/bin/svn --non-interactive --no-auth-cache --trust-server-cert {words}")
    }

    fn info(revision: u32) -> String {
        format!("Path: x\nURL: svn://r/trunk\nRevision: {revision}\nLast Changed Rev: 1\n")
    }

    #[test]
    fn a_working_copy_is_made_and_updated() {
        let args = || json!({"repo": "svn://r/trunk", "dest": "/src/x"});
        let mut host = Fake::new()
            .file_mode("/usr/bin/svn", "", 0o755)
            .dir("/src")
            .answer(&svn("info /src/x"), 0, &info(7))
            .answer(&svn("info -r HEAD /src/x"), 0, &info(9))
            .answer(&svn("status --quiet --ignore-externals /src/x"), 0, "X    ext\n")
            .effect(&svn("checkout -r HEAD svn://r/trunk /src/x"), 0, "A    /src/x/a\n", |h| {
                *h = h.clone().dir("/src/x");
            })
            .effect(&svn("switch --revision HEAD svn://r/trunk /src/x"), 0, "At revision 9.\n", |_| {})
            .effect(&svn("update -r HEAD /src/x"), 0, "U    /src/x/a\n", |h| {
                h.set_answer(&svn("info /src/x"), 0, &info(9));
            });
        let made = once(&ENTRY, args(), &mut host).expect("checked out");
        assert_eq!(
            (&made.values["before"], &made.values["after"]),
            (&json!(null), &json!(["Revision: 7", "URL: svn://r/trunk"]))
        );
        let updated = once(&ENTRY, args(), &mut host).expect("updated");
        assert_eq!((updated.changed, &updated.values["after"][0]), (true, &json!("Revision: 9")));
        let mut dirty = host.clone().answer(&svn("status --quiet --ignore-externals /src/x"), 0, "M    a\n");
        let modified = run(&ENTRY, args(), &mut dirty, false).expect_err("modified");
        assert_eq!(modified.msg, "ERROR: modified files exist in the repository.");
    }

    #[test]
    fn passwords_go_to_standard_input() {
        let line = "/usr/bin/svn --non-interactive --no-auth-cache --username me --password-from-stdin export -r 5 svn://r /src/x";
        let mut host = Fake::new()
            .file_mode("/usr/bin/svn", "", 0o755)
            .answer("/usr/bin/svn --version --quiet", 0, "1.14.2\n")
            .effect(line, 0, "", |_| {});
        let args = json!({"repo": "svn://r", "dest": "/src/x", "export": true, "revision": "5", "username": "me",
            "password": "secret", "validate_certs": true});
        assert!(run(&ENTRY, args, &mut host, false).expect("exported").changed);
        assert_eq!(host.log().executed[0].stdin.as_deref(), Some(&b"secret"[..]));
    }
}
