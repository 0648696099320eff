//! `ansible.posix.acl`: who may do what with a file, beyond owner, group and others.

use super::shared::text;
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, failed_command, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Acl;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    entry: Option<String>,
    entity: String,
    etype: Option<String>,
    permissions: Option<String>,
    state: State,
    follow: bool,
    default: bool,
    recursive: bool,
    recalculate_mask: String,
    use_nfsv4_acls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Present,
    Query,
}

pub struct Work {
    args: Args,
    command: Command,
    outcome: Outcome,
}

impl Module for Acl {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Let joe read a file\n  ansible.posix.acl:\n    path: /etc/app.conf\n    entity: joe\n    etype: user\n    permissions: r\n    state: present\n\n- name: Let joe write what will be made in a directory\n  ansible.posix.acl:\n    path: /srv/shared\n    entry: default:user:joe:rw-\n    state: present\n",
        returns: &[
            Return { name: "acl", when: "always", doc: "The entries, after changes." },
            Return { name: "msg", when: "always", doc: "What is there." },
        ],
        differs: "With `recursive`, one file that is as wanted does not hide that others are not.",
        ..ModuleSpec::new(
            "ansible.posix.acl",
            "Access control lists of files.",
            &[
                Arg::path("path").required().aliases(&["name"]).doc("The file."),
                Arg::str("entry").doc("The entry as text, `[default:]TYPE:NAME[:PERMISSIONS]`."),
                Arg::str("entity").default(Literal::Str("")).doc("The user or group."),
                Arg::str("etype").choices(&["group", "mask", "other", "user"]).doc("Type of the entry."),
                Arg::str("permissions").doc("Any of `r`, `w`, `x` and `X`."),
                Arg::str("state")
                    .choices(&["absent", "present", "query"])
                    .default(Literal::Str("query"))
                    .doc("Whether the entry is there; `query` only looks."),
                Arg::bool("follow").default(Literal::Bool(true)).doc("Follow links."),
                Arg::bool("default").default(Literal::Bool(false)).doc("The entry is for what will be made in it."),
                Arg::bool("recursive").aliases(&["recurse"]).default(Literal::Bool(false)).doc("All that is in it."),
                Arg::str("recalculate_mask")
                    .choices(&["default", "mask", "no_mask"])
                    .default(Literal::Str("default"))
                    .doc("Whether the mask is worked out again."),
                Arg::bool("use_nfsv4_acls").default(Literal::Bool(false)).doc("Lists of NFSv4."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        if host.stat(&args.path).is_err() {
            return Err(Failure::new("Path not found or not accessible."));
        }
        args.check()?;
        if let Some(entry) = args.entry.take().filter(|e| !e.is_empty()) {
            args.split(&entry)?;
        }
        let (verb, told) = match args.state {
            State::Query => {
                let outcome = Outcome::unchanged().with("msg", "current acl").with("acl", args.list(host)?);
                return Ok(Plan::Done(outcome));
            }
            State::Present => (if args.use_nfsv4_acls { "-a" } else { "-m" }, "present"),
            State::Absent => ("-x", "absent"),
        };
        let entry = args.text();
        let command = args.command(host, &[verb, &entry])?;
        let mut probe = command.clone();
        probe.args.insert(0, "--test".to_owned());
        let lines = lines(&succeeded(&probe, query(host, &probe)?)?);
        let changed = match args.use_nfsv4_acls {
            // The entry stands on top of those that are there.
            true => lines.iter().filter(|l| **l == entry).count() != 2,
            false => lines.is_empty() || lines.iter().any(|l| !l.ends_with("*,*")),
        };
        let outcome = Outcome::changed(changed).with("msg", format!("{entry} is {told}")).with("acl", args.list(host)?);
        Ok(if changed { Plan::Work(Work { args, command, outcome }) } else { Plan::Done(outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &work.command)?;
        if work.args.state == State::Present {
            succeeded(&work.command, out)?;
        }
        Ok(work.outcome.with("acl", work.args.list(host.observe())?))
    }
}

impl Args {
    /// The rules of arguments that belong together, in the reference's words.
    fn check(&self) -> Result<(), Failure> {
        let refuse = |msg: &str| Err(Failure::new(msg));
        let given = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
        let state = match self.state {
            State::Absent => "absent",
            State::Present => "present",
            State::Query => "query",
        };
        if self.state == State::Query {
            if self.recursive {
                return refuse("'recursive' MUST NOT be set when 'state=query'.");
            }
            if self.recalculate_mask != "default" {
                return refuse("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.");
            }
        }
        let Some(entry) = self.entry.as_ref().filter(|e| !e.is_empty()) else {
            if self.state == State::Absent && given(&self.permissions) && !self.use_nfsv4_acls {
                return refuse("'permissions' MUST NOT be set when 'state=absent'.");
            }
            if self.state == State::Absent && self.entity.is_empty() {
                return refuse("'entity' MUST be set when 'state=absent'.");
            }
            if self.state != State::Query && self.etype.is_none() {
                return refuse(&format!("'etype' MUST be set when 'state={state}'."));
            }
            return Ok(());
        };
        if self.etype.is_some() || !self.entity.is_empty() || given(&self.permissions) {
            return refuse("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.");
        }
        let colons = entry.matches(':').count();
        match self.state {
            State::Present if ![2, 3].contains(&colons) => {
                refuse("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.")
            }
            State::Absent if ![1, 2].contains(&colons) => {
                refuse("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.")
            }
            State::Query => refuse("'entry' MUST NOT be set when 'state=query'."),
            _ => Ok(()),
        }
    }

    /// Takes type, name and permissions from an entry.
    fn split(&mut self, entry: &str) -> Result<(), Failure> {
        let mut parts: Vec<&str> = entry.split(':').collect();
        if entry.to_lowercase().starts_with('d') {
            self.default = true;
            parts.remove(0);
        }
        let (kind, entity, permissions) = match parts[..] {
            [kind, entity] => (kind, entity, None),
            [kind, entity, permissions] => (kind, entity, Some(permissions)),
            _ => return Err(Failure::new(format!("'entry' is not an entry: {entry}"))),
        };
        let kinds = [('u', "user"), ('g', "group"), ('m', "mask"), ('o', "other")];
        let kind = kinds.iter().find(|(c, _)| kind.to_lowercase().starts_with(*c));
        let Some((_, kind)) = kind else {
            return Err(Failure::new(format!("'entry' has no type that is known: {entry}")));
        };
        self.etype = Some((*kind).to_owned());
        entity.clone_into(&mut self.entity);
        self.permissions = permissions.map(str::to_owned);
        Ok(())
    }

    /// The entry as the tools take it.
    fn text(&self) -> String {
        let kind = self.etype.as_deref().unwrap_or_default();
        let permissions = self.permissions.as_deref().unwrap_or_default();
        if self.use_nfsv4_acls {
            let group = if kind == "group" { "g" } else { "" };
            return format!("A:{group}:{}:{permissions}tcy", self.entity);
        }
        if permissions.is_empty() || self.state == State::Absent {
            return format!("{kind}:{}", self.entity);
        }
        format!("{kind}:{}:{permissions}", self.entity)
    }

    fn command(&self, host: &dyn Observe, verb: &[&str]) -> Result<Command, Failure> {
        let (nfs, set) = (self.use_nfsv4_acls, !verb.is_empty());
        let tool = match (nfs, set) {
            (true, true) => "nfs4_setfacl",
            (false, true) => "setfacl",
            (true, false) => "nfs4_getfacl",
            (false, false) => "getfacl",
        };
        let mut words: Vec<&str> = Vec::new();
        if self.default {
            words.push("-d");
        }
        words.extend(verb);
        if !set {
            if !nfs {
                words.push("--absolute-names");
            }
            words.push("--omit-header");
        }
        if self.recursive && !nfs {
            words.push("--recursive");
        }
        match self.recalculate_mask.as_str() {
            "mask" if set => words.push("--mask"),
            "no_mask" if set => words.push("--no-mask"),
            _ => {}
        }
        if !self.follow && !nfs {
            words.push("--physical");
        }
        Ok(Command::new(required(host, tool)?).args(words).arg(text(&self.path)))
    }

    /// The entries that are there.
    fn list(&self, host: &dyn Observe) -> Result<Vec<String>, Failure> {
        let command = self.command(host, &[])?;
        Ok(lines(&succeeded(&command, query(host, &command)?)?))
    }
}

fn succeeded(command: &Command, out: Output) -> Result<String, Failure> {
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(command, &out, "")) }
}

/// Lines that are no comments, without an empty one at the end.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().filter(|l| !l.starts_with('#')).map(|l| l.trim().to_owned()).collect();
    lines.pop_if(|last| last.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const ACL: Entry = Entry::of::<Acl>();
    const GET: &str = "getfacl --absolute-names --omit-header /srv";

    #[test]
    fn sets_and_takes_away() {
        const PUT: &str = "setfacl --test -m user:joe:rw /srv";
        const TAKE: &str = "setfacl --test -x user:joe /srv";
        let mut host = Fake::new()
            .dir("/srv")
            .answer(GET, 0, "user::rwx\ngroup::r-x\nother::r-x\n\n")
            .answer(PUT, 0, "/srv: u::rwx,u:joe:rw-,g::r-x,m::rwx,o::r-x,*\n")
            .answer(TAKE, 0, "/srv: u::rwx,g::r-x,o::r-x,*\n")
            .effect("setfacl -m user:joe:rw /srv", 0, "", |h| {
                h.set_answer(PUT, 0, "/srv: *,*\n");
                h.set_answer(GET, 0, "user::rwx\nuser:joe:rw-\ngroup::r-x\nmask::rwx\nother::r-x\n\n");
            })
            .effect("setfacl -x user:joe /srv", 0, "", |h| h.set_answer(TAKE, 0, "/srv: *,*\n"));
        let args = json!({"name": "/srv", "entity": "joe", "etype": "user", "permissions": "rw", "state": "present"});
        let out = case(&ACL, args, &mut host).unwrap();
        assert_eq!(out.values["msg"], "user:joe:rw is present");
        assert_eq!(out.values["acl"][1], "user:joe:rw-");
        let args = json!({"path": "/srv", "entry": "u:joe", "state": "absent"});
        assert_eq!(case(&ACL, args, &mut host).unwrap().values["msg"], "user:joe is absent");
    }

    #[test]
    fn entries_for_what_will_be_made() {
        let mut host = Fake::new()
            .dir("/srv")
            .answer("getfacl -d --absolute-names --omit-header --recursive --physical /srv", 0, "\n")
            .answer("setfacl --test -d -m group:web:rX --recursive --mask --physical /srv", 0, "/srv: *,*\n");
        let args = json!({"path": "/srv", "entry": "default:group:web:rX", "state": "present", "recurse": true,
            "recalculate_mask": "mask", "follow": false});
        let out = case(&ACL, args, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["acl"]), (false, &json!([])));
    }

    #[test]
    fn arguments_that_do_not_fit() {
        for (args, msg) in [
            (json!({"path": "/no"}), "Path not found or not accessible."),
            (json!({"path": "/srv", "recursive": true}), "'recursive' MUST NOT be set when 'state=query'."),
            (json!({"path": "/srv", "state": "absent"}), "'entity' MUST be set when 'state=absent'."),
            (json!({"path": "/srv", "state": "present"}), "'etype' MUST be set when 'state=present'."),
            (
                json!({"path": "/srv", "state": "present", "entry": "u:joe"}),
                "'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.",
            ),
        ] {
            assert_eq!(run(&ACL, args, &mut Fake::new().dir("/srv"), false).unwrap_err().msg, msg);
        }
    }
}
