//! `user`: accounts, through useradd, usermod, userdel and chage.

mod after;
mod commands;
mod password;
#[cfg(test)]
mod tests;

use super::shared::is_local;
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::execute;
use crate::host::{Change, Command, Observe, PasswdEntry};
use after::After;
use serde::Deserialize;

pub struct User;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    pub name: String,
    pub state: State,
    pub uid: Option<i64>,
    pub non_unique: bool,
    pub group: Option<String>,
    pub groups: Option<Vec<String>>,
    pub comment: Option<String>,
    pub home: Option<String>,
    pub shell: Option<String>,
    pub password: Option<String>,
    pub password_expire_max: Option<i64>,
    pub password_expire_min: Option<i64>,
    pub password_expire_warn: Option<i64>,
    pub password_expire_account_disable: Option<i64>,
    pub seuser: Option<String>,
    pub force: bool,
    pub remove: bool,
    pub create_home: bool,
    pub skeleton: Option<String>,
    pub system: bool,
    pub move_home: bool,
    pub append: bool,
    pub generate_ssh_key: Option<bool>,
    pub ssh_key_bits: i64,
    pub ssh_key_type: String,
    pub ssh_key_file: Option<String>,
    pub ssh_key_comment: Option<String>,
    pub ssh_key_passphrase: Option<String>,
    pub update_password: UpdatePassword,
    /// Seconds since the epoch; negative takes the date away.
    pub expires: Option<f64>,
    pub password_lock: Option<bool>,
    pub local: Option<bool>,
    pub umask: Option<String>,
    pub uid_min: Option<i64>,
    pub uid_max: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Present,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdatePassword {
    Always,
    OnCreate,
}

impl Args {
    fn is_local(&self) -> bool {
        self.local == Some(true)
    }
    /// The wanted further groups, without empty names.
    fn group_names(&self) -> Option<Vec<&str>> {
        self.groups.as_ref().map(|g| g.iter().map(|g| g.trim()).filter(|g| !g.is_empty()).collect())
    }
}

pub struct Work {
    args: Args,
    stage: Stage,
    preview: Outcome,
}

enum Stage {
    Remove(Command),
    Create,
    Modify { commands: Vec<Command>, after: After },
}

const NO: Literal = Literal::Bool(false);

impl Module for User {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: A deploy user with sudo\n  ansible.builtin.user:\n    name: deploy\n    groups: [sudo]\n    append: true\n    shell: /bin/bash\n- name: No such user\n  ansible.builtin.user:\n    name: old\n    state: absent\n    remove: true\n",
        returns: &[
            Return { name: "uid", when: "the user exists", doc: "Its number." },
            Return { name: "group", when: "the user exists", doc: "Number of its primary group." },
            Return { name: "home", when: "the user exists", doc: "Its home directory." },
            Return { name: "ssh_public_key", when: "generate_ssh_key", doc: "The public key." },
        ],
        differs: "hidden, login_class, profile, authorization and role are accepted and have no effect on Linux, as in Ansible. password_expire_account_disable is compared before it is set.",
        ..ModuleSpec::new(
            "ansible.builtin.user",
            "Manages user accounts.",
            &[
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the account exists."),
                Arg::str("name").required().aliases(&["user"]).doc("Name of the user."),
                Arg::int("uid").doc("Number of the user."),
                Arg::bool("non_unique").default(NO).doc("Allow a number that another user has."),
                Arg::str("group").doc("Primary group, by name or number."),
                Arg::list("groups", ArgType::Str).doc("Further groups; an empty string takes all away."),
                Arg::str("comment").doc("The GECOS field."),
                Arg::path("home").doc("Home directory."),
                Arg::path("shell").doc("Login shell."),
                Arg::str("password").no_log().doc("Password hash; `*` or `!` for none that works."),
                Arg::str("login_class").doc("Accepted; has no effect on Linux."),
                Arg::int("password_expire_max").doc("Days until the password must be changed."),
                Arg::int("password_expire_min").doc("Days until it may be changed again."),
                Arg::int("password_expire_warn").doc("Days of warning before that."),
                Arg::bool("hidden").doc("Accepted; has no effect on Linux."),
                Arg::str("seuser").doc("SELinux user."),
                Arg::bool("force").default(NO).doc("With `absent`: even if logged in. With a key: overwrite it."),
                Arg::bool("remove").default(NO).doc("With `absent`: remove home and mail too."),
                Arg::bool("create_home")
                    .aliases(&["createhome"])
                    .default(Literal::Bool(true))
                    .doc("Create the home directory where it is missing."),
                Arg::str("skeleton").doc("Directory whose content a new home gets."),
                Arg::bool("system").default(NO).doc("Create it with a number of the system's range."),
                Arg::bool("move_home").default(NO).doc("Move the home directory if `home` changes."),
                Arg::bool("append").default(NO).doc("Add to `groups`, take none away."),
                Arg::bool("generate_ssh_key").doc("Generate an SSH key if there is none."),
                Arg::int("ssh_key_bits").default(Literal::Int(0)).doc("Size of the key; 0 is ssh-keygen's own."),
                Arg::str("ssh_key_type").default(Literal::Str("rsa")).doc("Kind of the key."),
                Arg::path("ssh_key_file").doc("Its file, relative to the home directory."),
                Arg::str("ssh_key_comment").doc("Its comment; `ansible-generated on HOST` without."),
                Arg::str("ssh_key_passphrase").no_log().doc("Its passphrase."),
                Arg::str("update_password")
                    .choices(&["always", "on_create"])
                    .default(Literal::Str("always"))
                    .doc("When the password is set."),
                Arg::float("expires").doc("When the account expires, in seconds since the epoch; negative for never."),
                Arg::bool("password_lock").doc("Lock or unlock the password."),
                Arg::bool("local").doc("Use the `l…` programs of libuser, for hosts with a directory."),
                Arg::str("profile").doc("Accepted; has no effect on Linux."),
                Arg::str("authorization").doc("Accepted; has no effect on Linux."),
                Arg::str("role").doc("Accepted; has no effect on Linux."),
                Arg::str("umask").doc("umask for the new home directory."),
                Arg::int("password_expire_account_disable")
                    .doc("Days after the password expired until the account is disabled."),
                Arg::int("uid_min").doc("Lowest number for a new user."),
                Arg::int("uid_max").doc("Highest number for a new user."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if args.is_local() {
            for (given, name) in [
                (args.umask.is_some(), "umask"),
                (args.uid_min.is_some(), "uid_min"),
                (args.uid_max.is_some(), "uid_max"),
            ] {
                if given {
                    return Err(Failure::new(format!("'{name}' can not be used with 'local'")));
                }
            }
        }
        let mut base = Outcome::unchanged();
        if args.append && args.groups.is_none() {
            base.warnings.push("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.This will change to an error in Ansible 2.14.".to_owned());
        }
        if args.password.as_deref().is_some_and(password::looks_plain) {
            base.warnings.push("The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.".to_owned());
        }
        let work = |args, stage, preview| Ok(Plan::Work(Work { args, stage, preview }));
        let entry = find(&args, host)?;
        match (args.state, entry) {
            (State::Absent, None) => Ok(Plan::Done(base.with("name", args.name.as_str()).with("state", "absent"))),
            (State::Absent, Some(_)) => {
                let command = commands::remove(&args, host)?;
                work(args, Stage::Remove(command), Outcome { changed: true, ..base })
            }
            (State::Present, None) => {
                // In check mode the user's groups may be ones that an earlier task would have made.
                if !call.check {
                    commands::create(&args, host)?;
                }
                work(args, Stage::Create, Outcome { changed: true, ..base })
            }
            (State::Present, Some(entry)) => {
                let commands = commands::modify(&args, &entry, host)?;
                let mut outcome = base
                    .with("name", args.name.as_str())
                    .with("state", "present")
                    .with("append", args.append)
                    .with("move_home", args.move_home);
                let home = args.home.clone().unwrap_or_else(|| entry.home.clone());
                let mut after = after::look(&args, &entry, &home, host)?;
                outcome.warnings.append(&mut after.warnings);
                outcome.changed = !commands.is_empty() || after.changes();
                outcome = describe(&args, &entry, outcome);
                after.report(host, &mut outcome)?;
                if outcome.changed {
                    work(args, Stage::Modify { commands, after }, outcome)
                } else {
                    Ok(Plan::Done(outcome))
                }
            }
        }
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, stage, preview } = work;
        let warnings = preview.warnings.clone();
        let mut said = (String::new(), String::new());
        match stage {
            Stage::Remove(command) => {
                run(&args, host, &command, &mut said)?;
                let outcome = Outcome { changed: true, warnings, ..Outcome::default() }
                    .with("name", args.name.as_str())
                    .with("state", "absent")
                    .with("force", args.force)
                    .with("remove", args.remove);
                Ok(with_output(outcome, said))
            }
            Stage::Create => {
                let parentless = args.create_home
                    && args
                        .home
                        .as_ref()
                        .is_some_and(|h| std::path::Path::new(h).parent().is_some_and(|p| !host.is_dir(p)));
                if let (true, Some(home)) = (parentless, &args.home) {
                    after::create_home(&args, home, None, host)?;
                }
                for command in commands::create(&args, host.observe())? {
                    run(&args, host, &command, &mut said)?;
                }
                let entry = host
                    .user(&args.name)
                    .ok_or_else(|| Failure::new(format!("failed to look up user name: {}", args.name)))?;
                let home = args.home.clone().unwrap_or_else(|| entry.home.clone());
                if parentless {
                    after::own_tree(host, std::path::Path::new(&home), entry.uid, entry.gid)?;
                }
                let after = after::look(&args, &entry, &home, host.observe())?;
                let outcome = Outcome { changed: true, warnings, ..Outcome::default() }
                    .with("name", args.name.as_str())
                    .with("state", "present")
                    .with("system", args.system)
                    .with("create_home", args.create_home);
                finish(&args, &entry, after, outcome, said, host)
            }
            Stage::Modify { commands, after } => {
                for command in &commands {
                    run(&args, host, command, &mut said)?;
                }
                let entry = host
                    .user(&args.name)
                    .ok_or_else(|| Failure::new(format!("failed to look up user name: {}", args.name)))?;
                finish(&args, &entry, after, preview, said, host)
            }
        }
    }
}

/// What follows once the account is as wanted: home, SSH key, ages of the password, and the report.
fn finish(
    args: &Args,
    entry: &PasswdEntry,
    mut after: After,
    outcome: Outcome,
    said: (String, String),
    host: &mut dyn Change,
) -> Result<Outcome, Failure> {
    let mut outcome = with_output(describe(args, entry, outcome), said);
    outcome.warnings.append(&mut after.warnings);
    after.apply(args, entry, host)?;
    after.report(host.observe(), &mut outcome)?;
    Ok(outcome)
}

fn find(args: &Args, host: &dyn Observe) -> Result<Option<PasswdEntry>, Failure> {
    if args.is_local() && !is_local(host, "/etc/passwd", "account", &args.name)? {
        return Ok(None);
    }
    Ok(host.user(&args.name))
}

fn run(args: &Args, host: &mut dyn Change, command: &Command, said: &mut (String, String)) -> Result<(), Failure> {
    let out = execute(host, command)?;
    if !out.ok() {
        return Err(Failure::new(out.stderr_text()).with("name", args.name.as_str()).with("rc", out.rc));
    }
    said.0.push_str(&out.stdout_text());
    said.1.push_str(&out.stderr_text());
    Ok(())
}

fn with_output(mut outcome: Outcome, (stdout, stderr): (String, String)) -> Outcome {
    for (key, text) in [("stdout", stdout), ("stderr", stderr)] {
        if !text.is_empty() {
            outcome.set(key, text);
        }
    }
    outcome
}

fn describe(args: &Args, entry: &PasswdEntry, mut outcome: Outcome) -> Outcome {
    if args.password.is_some() {
        outcome.set("password", "NOT_LOGGING_PASSWORD");
    }
    outcome.set("uid", entry.uid);
    outcome.set("group", entry.gid);
    outcome.set("comment", entry.gecos.as_str());
    outcome.set("home", entry.home.as_str());
    outcome.set("shell", entry.shell.as_str());
    if let Some(groups) = &args.groups {
        outcome.set("groups", groups.join(","));
    }
    outcome
}
