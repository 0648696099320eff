//! `ansible.posix.patch`: changes of files, by the program `patch`.
//!
//! The controller's action sends `_content` (the patch as a [`Blob`]) for patches of its own.

use crate::contract::{Arg, Blob, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, query};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::io::Read;
use std::path::Path;

pub struct Patch;

#[derive(Deserialize)]
pub struct Args {
    src: String,
    dest: Option<String>,
    basedir: Option<String>,
    strip: i64,
    backup: bool,
    binary: bool,
    ignore_whitespace: bool,
    state: String,
    _content: Option<Blob>,
}

impl Module for Patch {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredOneOf(&["dest", "basedir"])],
        examples: "- name: Patch one file\n  ansible.posix.patch:\n    src: index.html.patch\n    dest: /var/www/index.html\n\n- name: Patch a tree\n  ansible.posix.patch:\n    src: /tmp/app.patch\n    remote_src: true\n    basedir: /srv/app\n    strip: 1\n",
        ..ModuleSpec::new(
            "ansible.posix.patch",
            "Applies patches to files.",
            &[
                Arg::path("src").required().aliases(&["patchfile"]).doc("The patch."),
                Arg::path("dest").aliases(&["originalfile"]).doc("The file to patch."),
                Arg::path("basedir").doc("The directory that the patch's names are in."),
                Arg::int("strip").default(Literal::Int(0)).doc("Leading directories to take off the names."),
                Arg::bool("remote_src").default(Literal::Bool(false)).doc("The patch is on the host."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep old files under numbered names."),
                Arg::bool("binary").default(Literal::Bool(false)).doc("Leave line ends as they are."),
                Arg::bool("ignore_whitespace").default(Literal::Bool(false)).doc("Blanks may differ."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Applied, or taken back."),
                Arg::raw("_content"),
            ],
        )
    };
    type Args = Args;
    type Work = Command;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Command>, Failure> {
        let unread = || Failure::new(format!("src {} doesn't exist or not readable", args.src));
        let patch = match &args._content {
            Some(blob) => {
                let mut bytes = Vec::new();
                let fail = |e| Failure::io("could not get the patch from the controller", &e);
                call.blobs.open(blob.id).map_err(fail)?.read_to_end(&mut bytes).map_err(fail)?;
                bytes
            }
            None => host.read(Path::new(&args.src)).map_err(|_| unread())?,
        };
        if let Some(dest) = args.dest.as_deref().filter(|d| !host.access(Path::new(d), 2)) {
            return Err(Failure::new(format!("dest {dest} doesn't exist or not writable")));
        }
        if let Some(dir) = args.basedir.as_deref().filter(|d| host.stat(Path::new(d)).is_err()) {
            return Err(Failure::new(format!("basedir {dir} doesn't exist")));
        }
        let above = args.dest.as_deref().and_then(|d| Path::new(d).parent()).map(|p| p.display().to_string());
        let base = args.basedir.clone().filter(|b| !b.is_empty()).or(above).unwrap_or_default();
        let program = host.which("patch").ok_or_else(|| Failure::new("patch command not found"))?;
        let present = args.state == "present";
        let command = |first: &[&str], last: &[&str], reverse: bool| {
            Command::new(&program)
                .args(first.iter().copied())
                .args([format!("--strip={}", args.strip), format!("--directory={base}")])
                .args(args.binary.then_some("--binary"))
                .args(args.ignore_whitespace.then_some("--ignore-whitespace"))
                .args(last.iter().copied())
                .args(reverse.then_some("--reverse"))
                .args(args.dest.clone())
                .stdin(patch.clone())
        };
        let done = query(host, &command(&["--quiet", "--forward"], &["--dry-run"], present))?;
        if done.ok() {
            return Ok(Plan::Done(Outcome::unchanged()));
        }
        let first = ["--quiet", "--forward", "--batch", "--reject-file=-"];
        refuse(&query(host, &command(&first, &["--dry-run"], !present))?)?;
        let backup: &[&str] = if args.backup { &["--backup", "--version-control=numbered"] } else { &[] };
        Ok(Plan::Work(command(&first, backup, !present)))
    }

    fn preview(_: &Command, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Command, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        refuse(&execute(host, &work)?)?;
        Ok(Outcome::changed(true))
    }
}

/// What `patch` does not apply, in its own words.
fn refuse(out: &Output) -> Result<(), Failure> {
    if out.ok() {
        return Ok(());
    }
    let err = out.stderr_text();
    Err(Failure::new(if err.is_empty() { out.stdout_text() } else { err }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const PATCH: Entry = Entry::of::<Patch>();
    const DONE: &str = "patch --quiet --forward --strip=1 --directory=/srv --dry-run --reverse";
    const TRY: &str = "patch --quiet --forward --batch --reject-file=- --strip=1 --directory=/srv --dry-run";

    #[test]
    fn applied_once() {
        let mut host = Fake::new()
            .file("/tmp/p", "diff")
            .dir("/srv")
            .answer(DONE, 1, "")
            .answer(TRY, 0, "")
            .effect(
                "patch --quiet --forward --batch --reject-file=- --strip=1 --directory=/srv --backup --version-control=numbered",
                0,
                "",
                |h| h.set_answer(DONE, 0, ""),
            );
        let args = json!({"src": "/tmp/p", "remote_src": true, "basedir": "/srv", "strip": 1, "backup": true});
        assert!(case(&PATCH, args, &mut host).unwrap().changed);
    }

    #[test]
    fn refusals() {
        let mut host = Fake::new().file("/tmp/p", "diff").dir("/srv").answer(DONE, 1, "").answer(
            TRY,
            1,
            "1 out of 1 hunk FAILED\n",
        );
        let mut failed = |args| run(&PATCH, args, &mut host, true).unwrap_err().msg;
        let args = json!({"src": "/tmp/p", "basedir": "/srv", "strip": 1});
        assert_eq!(failed(args), "1 out of 1 hunk FAILED\n");
        assert_eq!(failed(json!({"src": "/no", "basedir": "/srv"})), "src /no doesn't exist or not readable");
        assert_eq!(failed(json!({"src": "/tmp/p", "dest": "/no"})), "dest /no doesn't exist or not writable");
        assert_eq!(failed(json!({"src": "/tmp/p", "basedir": "/no"})), "basedir /no doesn't exist");
    }
}
