//! `lineinfile`: one line of a text file.

use super::shared::{Decoded, Draft, Edit, Style};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use crate::text::{Pattern, Template};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Lineinfile;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    regexp: Option<String>,
    search_string: Option<String>,
    line: Option<String>,
    insertafter: Option<String>,
    insertbefore: Option<String>,
    backrefs: bool,
    create: bool,
    backup: bool,
    firstmatch: bool,
    validate: Option<String>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

impl Module for Lineinfile {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        rules: &[
            Rule::MutuallyExclusive(&["insertbefore", "insertafter"]),
            Rule::MutuallyExclusive(&["regexp", "search_string"]),
            Rule::MutuallyExclusive(&["backrefs", "search_string"]),
        ],
        examples: r#"
- name: No root over SSH
  ansible.builtin.lineinfile:
    path: /etc/ssh/sshd_config
    regexp: '^#?PermitRootLogin'
    line: PermitRootLogin no
    validate: sshd -t -f %s

- name: Not this host
  ansible.builtin.lineinfile:
    path: /etc/hosts
    regexp: 'oldhost$'
    state: absent

- name: Keep the value, change the key
  ansible.builtin.lineinfile:
    path: /etc/app.conf
    regexp: '^old_key = (.*)$'
    line: 'new_key = \1'
    backrefs: true
"#,
        returns: &[
            Return { name: "msg", when: "always", doc: "What was done." },
            Return { name: "found", when: "state is absent", doc: "Number of lines removed." },
            Return { name: "backup", when: "always", doc: "Name of the backup; empty if there is none." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.lineinfile",
            "One line of a text file.",
            &[
                Arg::path("path").required().aliases(&["dest", "destfile", "name"]).doc("The file."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the line is to be there."),
                Arg::str("regexp").aliases(&["regex"]).doc("The line to replace or remove: the last one that fits."),
                Arg::str("search_string").doc("As `regexp`, as plain text."),
                Arg::str("line").aliases(&["value"]).doc("The line."),
                Arg::str("insertafter").doc("Where a new line goes: after the last line that fits, or `EOF`."),
                Arg::str("insertbefore").doc("Where a new line goes: before the last line that fits, or `BOF`."),
                Arg::bool("backrefs")
                    .default(Literal::Bool(false))
                    .doc("Fill groups of `regexp` into `line`; nothing is added where it does not fit."),
                Arg::bool("create").default(Literal::Bool(false)).doc("Make the file if it is not there."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("firstmatch").default(Literal::Bool(false)).doc("The first line that fits, not the last."),
                Arg::str("validate").doc("Command that must accept the new file; `%s` stands for it."),
            ],
        )
    };
    type Args = Args;
    type Work = Edit;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Edit>, Failure> {
        if host.is_dir(&args.path) {
            return Err(Failure::new(format!("Path {} is a directory !", args.path.display())).with("rc", 256));
        }
        let exists = host.stat(&args.path).is_ok();
        let present = args.state == "present";
        if present && args.backrefs && args.regexp.is_none() {
            return Err(Failure::new("regexp is required with backrefs=true"));
        }
        if present && args.line.is_none() {
            return Err(Failure::new("line is required with state=present"));
        }
        if !present && args.regexp.is_none() && args.search_string.is_none() && args.line.is_none() {
            return Err(Failure::new("one of line, search_string, or regexp is required with state=absent"));
        }
        if !exists && !present {
            return Ok(Plan::Done(Outcome::unchanged().with("msg", "file not present")));
        }
        if !exists && !args.create {
            let msg = format!("Destination {} does not exist !", args.path.display());
            return Err(Failure::new(msg).with("rc", 257));
        }
        let before =
            if exists { Some(host.read(&args.path).map_err(|e| Failure::io(args.path.display(), &e))?) } else { None };
        let content = Decoded::new(before.clone().unwrap_or_default());
        let mut lines: Vec<String> = content.text.split_inclusive('\n').map(str::to_owned).collect();
        let mut outcome = Outcome::default();
        outcome.warnings.extend(empty_pattern_warning(&args));
        let msg = if present {
            let msg = insert(&args, &content, &mut lines)?;
            outcome.set("msg", msg.as_str());
            outcome.set("backup", "");
            msg
        } else {
            let found = remove(&args, &content, &mut lines)?;
            outcome.set("found", found);
            outcome.set("msg", "");
            outcome.set("backup", "");
            if found > 0 { format!("{found} line(s) removed") } else { String::new() }
        };
        let after = content.encode(&lines.concat());
        let before = if !exists && after.is_empty() { Some(Vec::new()) } else { before };
        let draft = Draft {
            path: &args.path,
            before,
            after,
            attrs: &args.attrs,
            backup: args.backup,
            backup_key: "backup",
            validate: args.validate.clone(),
            msg,
            outcome,
            style: Style::Text,
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

fn empty_pattern_warning(args: &Args) -> Option<String> {
    let (name, hint) = if args.regexp.as_deref() == Some("") {
        let hint = " If this is desired, use '^' to match every line in the file and avoid this warning.";
        ("regular expression", hint)
    } else if args.search_string.as_deref() == Some("") {
        ("search string", "")
    } else {
        return None;
    };
    Some(format!(
        "The {name} is an empty string, which will match every line in the file. This may have unintended consequences, such as replacing the last line in the file rather than appending.{hint}"
    ))
}

fn compile(content: &Decoded, pattern: &str) -> Result<Pattern, Failure> {
    Pattern::bytes(&content.foreign(pattern)).map_err(Failure::new)
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// Puts the line in and tells what was done; empty if it was there.
fn insert(args: &Args, content: &Decoded, lines: &mut Vec<String>) -> Result<String, Failure> {
    let line = content.foreign(args.line.as_deref().unwrap_or_default());
    let regexp = args.regexp.as_deref().map(|p| compile(content, p)).transpose()?;
    let search = args.search_string.as_deref().map(|s| content.foreign(s));
    let (after, before) = match (args.insertafter.as_deref(), args.insertbefore.as_deref()) {
        (None, None) => (Some("EOF"), None),
        given => given,
    };
    // An empty text is no place.
    let (after, before) = (after.filter(|a| !a.is_empty()), before.filter(|b| !b.is_empty()));
    let place = match (after, before) {
        (Some(pattern), _) if pattern != "BOF" && pattern != "EOF" => Some(compile(content, pattern)?),
        (_, Some(pattern)) if pattern != "BOF" => Some(compile(content, pattern)?),
        _ => None,
    };
    let fits = |current: &str| match (&regexp, &search) {
        (Some(regexp), _) => regexp.is_match(current),
        (None, Some(search)) => current.contains(search.as_str()),
        _ => false,
    };
    let mut hits = lines.iter().enumerate().filter(|(_, current)| fits(current)).map(|(i, _)| i);
    let matched = if args.firstmatch { hits.next() } else { hits.next_back() };
    let (mut exact, mut at) = (None, None);
    if matched.is_none() {
        for (i, current) in lines.iter().enumerate() {
            if bare(current) == line {
                exact = Some(i);
            } else if place.as_ref().is_some_and(|p| p.is_match(current)) {
                at = Some(if after.is_some() { i + 1 } else { i });
                if args.firstmatch {
                    break;
                }
            }
        }
    }
    let ended = |text: &str| if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    if let Some(index) = matched.or(exact) {
        let new = match (&regexp, matched) {
            (Some(regexp), Some(_)) if args.backrefs => {
                let template = Template::new(&line, regexp).map_err(Failure::new)?;
                regexp.search(&lines[index]).map_or_else(|| line.clone(), |c| template.expand(&c))
            }
            _ => line,
        };
        let new = ended(&new);
        if lines[index] == new {
            return Ok(String::new());
        }
        lines[index] = new;
        return Ok("line replaced".to_owned());
    }
    if args.backrefs {
        return Ok(String::new());
    }
    if after == Some("BOF") || before == Some("BOF") {
        lines.insert(0, line + "\n");
        return Ok("line added".to_owned());
    }
    match at {
        Some(index) if after.is_some() => {
            let there = if index == lines.len() { lines.get(index - 1) } else { lines.get(index) };
            if there.is_some_and(|l| bare(l) == line) {
                return Ok(String::new());
            }
            if index == lines.len()
                && let Some(last) = lines.last_mut()
            {
                *last = ended(last);
            }
            lines.insert(index, line + "\n");
        }
        Some(index) => lines.insert(index, line + "\n"),
        None => {
            if let Some(last) = lines.last_mut().filter(|l| !l.ends_with(['\n', '\r'])) {
                last.push('\n');
            }
            lines.push(line + "\n");
        }
    }
    Ok("line added".to_owned())
}

/// Takes lines out and counts them.
fn remove(args: &Args, content: &Decoded, lines: &mut Vec<String>) -> Result<usize, Failure> {
    let count = lines.len();
    if let Some(pattern) = &args.regexp {
        let regexp = compile(content, pattern)?;
        lines.retain(|l| !regexp.is_match(l));
    } else if let Some(search) = &args.search_string {
        let search = content.foreign(search);
        lines.retain(|l| !l.contains(&search));
    } else {
        let line = content.foreign(args.line.as_deref().unwrap_or_default());
        lines.retain(|l| bare(l) != line);
    }
    Ok(count - lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json};
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;
    use std::path::Path;

    const ENTRY: Entry = Entry::of::<Lineinfile>();

    /// Content and message after the run; the answers are ansible-core's.
    #[test]
    fn lines() {
        for (before, mut args, after, msg) in [
            ("a\nb\n", json!({"line": "c"}), "a\nb\nc\n", "line added"),
            ("a\nb", json!({"line": "c"}), "a\nb\nc\n", "line added"),
            ("a\nc\n", json!({"line": "c"}), "a\nc\n", ""),
            ("#P 1\nP 2\nx\n", json!({"regexp": "^#?P", "line": "P 3"}), "#P 1\nP 3\nx\n", "line replaced"),
            (
                "#P 1\nP 2\n",
                json!({"regexp": "^#?P", "line": "P 3", "firstmatch": true}),
                "P 3\nP 2\n",
                "line replaced",
            ),
            (
                "old = v\n",
                json!({"regexp": r"^old( ?)= (.*)$", "line": r"new\1= \g<2>", "backrefs": true}),
                "new = v\n",
                "line replaced",
            ),
            ("x\n", json!({"regexp": "^y", "line": r"\1", "backrefs": true}), "x\n", ""),
            ("[a]\n[b]\n", json!({"line": "k=1", "insertafter": r"^\[a\]"}), "[a]\nk=1\n[b]\n", "line added"),
            (
                "[a]\nk=1\n[b]\n",
                json!({"line": "k=1", "insertafter": r"^\[a\]", "regexp": "^k="}),
                "[a]\nk=1\n[b]\n",
                "",
            ),
            ("[a]\n[b]", json!({"line": "k=1", "insertafter": r"^\[b\]"}), "[a]\n[b]\nk=1\n", "line added"),
            ("[a]\n[b]\n", json!({"line": "k=1", "insertbefore": r"^\[b\]"}), "[a]\nk=1\n[b]\n", "line added"),
            ("a\n", json!({"line": "first", "insertbefore": "BOF"}), "first\na\n", "line added"),
            ("a\n", json!({"line": "z", "insertafter": "^nothing"}), "a\nz\n", "line added"),
            ("a.b\na+b\n", json!({"search_string": "a+b", "line": "c"}), "a.b\nc\n", "line replaced"),
            ("a\r\nb\n", json!({"line": "a"}), "a\nb\n", "line replaced"),
            ("a\nb\na\n", json!({"line": "a", "state": "absent"}), "b\n", "2 line(s) removed"),
            ("foo 1\nbar\n", json!({"regexp": "^foo", "state": "absent"}), "bar\n", "1 line(s) removed"),
            ("bar\n", json!({"regexp": "^foo", "state": "absent"}), "bar\n", ""),
            (
                "server {\n}\n",
                json!({"line": "  listen 80;", "insertafter": "^server {$"}),
                "server {\n  listen 80;\n}\n",
                "line added",
            ),
        ] {
            let mut host = Fake::new().file("/f", before);
            args["path"] = "/f".into();
            let out = case(&ENTRY, args.clone(), &mut host).expect("no failure");
            assert_eq!(
                (host.text("/f").as_str(), &out.values["msg"]),
                (after, &Json::from(msg)),
                "{args} on {before:?}"
            );
        }
    }

    #[test]
    fn attributes_backup_and_diff() {
        let mut host = Fake::new().file("/srv/c", "hello2\n").link("/etc/c", "/srv/c");
        let args = json!({"path": "/srv/c", "line": "x=1", "regexp": "^x=", "mode": "0600", "backup": true});
        let out = case(&ENTRY, args, &mut host).expect("no failure");
        assert_eq!(out.values["msg"], "line added and ownership, perms or SE linux context changed");
        assert!(out.values["backup"].as_str().is_some_and(|b| b.starts_with("/srv/c.") && b.ends_with('~')));
        assert_eq!(out.diff[0].before_header.as_deref(), Some("/srv/c (content)"));
        assert_eq!(
            (&out.diff[1].before, &out.diff[1].after),
            (&Some(json!({"mode": "0644"})), &Some(json!({"mode": "0600"})))
        );
        case(&ENTRY, json!({"path": "/etc/c", "line": "y"}), &mut host).expect("no failure");
        assert_eq!(host.text("/srv/c"), "hello2\nx=1\ny\n", "the file behind a link is edited");
        assert!(host.read_link(Path::new("/etc/c")).is_ok());
    }

    #[test]
    fn missing_files_bytes_and_validation() {
        let mut host = Fake::new().file("/b", b"caf\xe9=1\nx\n");
        let missing = case(&ENTRY, json!({"path": "/n/f", "line": "x"}), &mut host).expect_err("it is not there");
        assert_eq!((missing.msg.as_str(), &missing.values["rc"]), ("Destination /n/f does not exist !", &json!(257)));
        let args = json!({"path": "/n/f", "line": "x", "create": true, "mode": "0600"});
        let ahead = run(&ENTRY, args.clone(), &mut host, true).expect("foreseen");
        assert_eq!((&ahead.values["msg"], ahead.diff.len()), (&json!("line added"), 1), "no file, no attributes");
        assert!(case(&ENTRY, args, &mut host).expect("made").changed);
        case(&ENTRY, json!({"path": "/b", "regexp": "^x", "line": "é"}), &mut host).expect("no failure");
        assert_eq!(host.read(Path::new("/b")).expect("it is there"), b"caf\xe9=1\n\xc3\xa9\n");
        let mut host = host.answer_err("check *", 1, "", "bad\n");
        let bad =
            once(&ENTRY, json!({"path": "/b", "line": "y", "validate": "check %s"}), &mut host).expect_err("invalid");
        assert_eq!(bad.msg, "failed to validate: rc:1 error:bad\n");
        assert!(!host.text("/b").contains('y'));
    }
}
