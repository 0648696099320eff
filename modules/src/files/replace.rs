//! `replace`: every match of a pattern in a file.

use super::shared::{Decoded, Draft, Edit, Style};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use crate::text::{Flags, Pattern, Template};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Replace;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    regexp: String,
    replace: String,
    after: Option<String>,
    before: Option<String>,
    backup: bool,
    validate: Option<String>,
    encoding: String,
    #[serde(flatten)]
    attrs: FileAttrs,
}

impl Module for Replace {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        examples: r#"
- name: The new host name everywhere
  ansible.builtin.replace:
    path: /etc/hosts
    regexp: '(\s+)old\.host\.name(\s+.*)?$'
    replace: '\1new.host.name\2'

- name: Only inside one section
  ansible.builtin.replace:
    path: /etc/apache2/sites-available/default.conf
    after: '<VirtualHost [*]>'
    before: '</VirtualHost>'
    regexp: '^(.+)$'
    replace: '# \1'
"#,
        returns: &[
            Return { name: "msg", when: "always", doc: "How many replacements were made." },
            Return { name: "rc", when: "always", doc: "0." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "`encoding` may be utf-8, ascii or latin-1.",
        ..ModuleSpec::new(
            "ansible.builtin.replace",
            "Replaces every match of a pattern in a file.",
            &[
                Arg::path("path").required().aliases(&["dest", "destfile", "name"]).doc("The file."),
                Arg::str("regexp").required().doc("What to replace; `^` and `$` match at every line."),
                Arg::str("replace").default(Literal::Str("")).doc(r"What with; `\1` and `\g<name>` stand for groups."),
                Arg::str("after").doc("Only what comes after a match of this (dots match line ends)."),
                Arg::str("before").doc("Only what comes before a match of this (dots match line ends)."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::str("validate").doc("Command that must accept the new file; `%s` stands for it."),
                Arg::str("encoding").default(Literal::Str("utf-8")).doc("The file's encoding."),
            ],
        )
    };
    type Args = Args;
    type Work = Edit;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Edit>, Failure> {
        let shown = args.path.display();
        if host.is_dir(&args.path) {
            return Err(Failure::new(format!("Path {shown} is a directory !")).with("rc", 256));
        }
        if host.stat(&args.path).is_err() {
            return Err(Failure::new(format!("Path {shown} does not exist !")).with("rc", 257));
        }
        let encoding = args.encoding.to_lowercase().replace('_', "-");
        if !["utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1"].contains(&encoding.as_str()) {
            return Err(Failure::new(format!("encoding {} is not supported", args.encoding)));
        }
        let before = host.read(&args.path).map_err(|e| Failure::io(shown, &e))?;
        let content = Decoded::new(before.clone());
        let mut outcome = Outcome::default().with("rc", 0);
        let Some((from, to)) = section(&args, &content)? else {
            let pattern = section_pattern(&args).unwrap_or_default();
            outcome.set("msg", format!("Pattern for before/after params did not match the given file: {pattern}"));
            return Ok(Plan::Done(outcome));
        };
        let pattern = Pattern::new(&content.foreign(&args.regexp), Flags { multiline: true, ..Flags::default() });
        let pattern = pattern.map_err(Failure::new)?;
        let unable = |e| Failure::new(format!("Unable to process replace due to error: {e}"));
        let template = Template::new(&content.foreign(&args.replace), &pattern).map_err(unable)?;
        let (new, count) = pattern.replace_all(&content.text[from..to], &template).map_err(unable)?;
        let changed = count > 0 && new != content.text[from..to];
        let msg = if changed { format!("{count} replacements made") } else { String::new() };
        let after = content.encode(&format!("{}{new}{}", &content.text[..from], &content.text[to..]));
        let draft = Draft {
            path: &args.path,
            before: Some(before),
            after,
            attrs: &args.attrs,
            backup: args.backup,
            backup_key: "backup_file",
            validate: args.validate.clone(),
            msg,
            outcome,
            style: Style::Replace,
        };
        Edit::plan(draft, host, call)
    }
    fn preview(edit: &Edit, _: &Call) -> Outcome {
        edit.preview()
    }
    fn apply(edit: Edit, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        edit.apply(host)
    }
}

fn section_pattern(args: &Args) -> Option<String> {
    let given = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
    match (given(&args.after), given(&args.before)) {
        (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
        (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
        (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
        (None, None) => None,
    }
}

/// The part of the text to work on; `None` where `after` and `before` do not fit.
fn section(args: &Args, content: &Decoded) -> Result<Option<(usize, usize)>, Failure> {
    let Some(pattern) = section_pattern(args) else { return Ok(Some((0, content.text.len()))) };
    let flags = Flags { dotall: true, ..Flags::default() };
    let regexp = Pattern::new(&content.foreign(&pattern), flags).map_err(Failure::new)?;
    let found = regexp.search(&content.text);
    Ok(found.and_then(|c| c.name("subsection").map(|m| (m.start(), m.end()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json};
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once};
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<Replace>();

    /// Content and message after the run; the answers are ansible-core's.
    #[test]
    fn replacements() {
        for (before, mut args, after, msg) in [
            ("a b\na\n", json!({"regexp": "^a$", "replace": "A"}), "a b\nA\n", "1 replacements made"),
            (
                "k=1\nj=2\n",
                json!({"regexp": r"^(\w)=", "replace": r"\g<1> = "}),
                "k = 1\nj = 2\n",
                "2 replacements made",
            ),
            ("x\n\n\ny\n", json!({"regexp": r"\n+\n", "replace": "\n"}), "x\ny\n", "1 replacements made"),
            ("x\n", json!({"regexp": "none", "replace": "y"}), "x\n", ""),
            (
                "a\n[s]\na\n[t]\na\n",
                json!({"regexp": "^a", "replace": "b", "after": r"\[s\]", "before": r"\[t\]"}),
                "a\n[s]\nb\n[t]\na\n",
                "1 replacements made",
            ),
            (
                "a\n",
                json!({"regexp": "a", "after": "none"}),
                "a\n",
                "Pattern for before/after params did not match the given file: none(?P<subsection>.*)",
            ),
        ] {
            let mut host = Fake::new().file("/f", before);
            args["path"] = "/f".into();
            let out = case(&ENTRY, args.clone(), &mut host).expect("no failure");
            assert_eq!(
                (host.text("/f").as_str(), &out.values["msg"], &out.values["rc"]),
                (after, &Json::from(msg), &json!(0)),
                "{args}"
            );
        }
    }

    #[test]
    fn a_bad_group_is_a_failure_and_only_attributes_may_change() {
        let mut host = Fake::new().file("/f", "a\n");
        let bad = once(&ENTRY, json!({"path": "/f", "regexp": "a", "replace": r"\2"}), &mut host).expect_err("bad");
        assert_eq!(bad.msg, "Unable to process replace due to error: invalid group reference 2 at position 1");
        let out = case(&ENTRY, json!({"path": "/f", "regexp": "x", "mode": "0600"}), &mut host).expect("no failure");
        assert_eq!((&out.values["msg"], out.changed), (&json!("ownership, perms or SE linux context changed"), true));
    }
}
