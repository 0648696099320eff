//! `blockinfile`: a block of lines between two marker lines.

use super::shared::{Decoded, Draft, Edit, Style};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use crate::text::Pattern;
use serde::Deserialize;
use std::path::PathBuf;

pub struct Blockinfile;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    marker: String,
    block: String,
    insertafter: Option<String>,
    insertbefore: Option<String>,
    create: bool,
    backup: bool,
    validate: Option<String>,
    marker_begin: String,
    marker_end: String,
    append_newline: bool,
    prepend_newline: bool,
    #[serde(flatten)]
    attrs: FileAttrs,
}

impl Module for Blockinfile {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        rules: &[Rule::MutuallyExclusive(&["insertbefore", "insertafter"])],
        examples: r#"
- name: Hosts of the cluster
  ansible.builtin.blockinfile:
    path: /etc/hosts
    marker: '# {mark} cluster'
    block: |
      10.0.0.1 one
      10.0.0.2 two
"#,
        returns: &[
            Return { name: "msg", when: "always", doc: "What was done." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.blockinfile",
            "A block of lines between two marker lines.",
            &[
                Arg::path("path").required().aliases(&["dest", "destfile", "name"]).doc("The file."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the block is to be there."),
                Arg::str("marker")
                    .default(Literal::Str("# {mark} ANSIBLE MANAGED BLOCK"))
                    .doc("The marker lines; `{mark}` becomes `marker_begin` and `marker_end`."),
                Arg::str("block")
                    .default(Literal::Str(""))
                    .aliases(&["content"])
                    .doc("The lines; none removes the block."),
                Arg::str("insertafter").doc("Where a new block goes: after the last line that fits, or `EOF`."),
                Arg::str("insertbefore").doc("Where a new block goes: before the last line that fits, or `BOF`."),
                Arg::bool("create").default(Literal::Bool(false)).doc("Make the file if it is not there."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::str("validate").doc("Command that must accept the new file; `%s` stands for it."),
                Arg::str("marker_begin").default(Literal::Str("BEGIN")).doc("`{mark}` of the first marker line."),
                Arg::str("marker_end").default(Literal::Str("END")).doc("`{mark}` of the last marker line."),
                Arg::bool("append_newline").default(Literal::Bool(false)).doc("A blank line after the block."),
                Arg::bool("prepend_newline").default(Literal::Bool(false)).doc("A blank line before the block."),
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
        if !exists && !args.create {
            return Err(Failure::new(format!("Path {} does not exist !", args.path.display())).with("rc", 257));
        }
        if !exists && args.state == "absent" {
            let msg = format!("File {} not present", args.path.display());
            return Ok(Plan::Done(Outcome::unchanged().with("msg", msg)));
        }
        let before =
            if exists { Some(host.read(&args.path).map_err(|e| Failure::io(args.path.display(), &e))?) } else { None };
        let content = Decoded::new(before.clone().unwrap_or_default());
        let (after, has_block) = rewrite(&args, &content)?;
        let after = content.encode(&after);
        let msg = match &before {
            Some(before) if *before == after => "",
            None => "File created",
            Some(_) if has_block => "Block inserted",
            Some(_) => "Block removed",
        };
        let draft = Draft {
            path: &args.path,
            before,
            after,
            attrs: &args.attrs,
            backup: args.backup,
            backup_key: "backup_file",
            validate: args.validate.clone(),
            msg: msg.to_owned(),
            outcome: Outcome::default(),
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

/// Lines with their ends, as Python's `bytes.splitlines(True)`: `\n`, `\r` and `\r\n` end a line.
fn split_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line.push(c);
        if c == '\n' || c == '\r' && chars.peek() != Some(&'\n') {
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The new content, and whether there is a block in it.
fn rewrite(args: &Args, content: &Decoded) -> Result<(String, bool), Failure> {
    let mut lines = split_lines(&content.text);
    let present = args.state == "present";
    let marker = content.foreign(&args.marker);
    let marker_line = |mark: &str| format!("{}\n", marker.replace("{mark}", &content.foreign(mark)));
    let (first, last) = (marker_line(&args.marker_begin), marker_line(&args.marker_end));
    let mut block = Vec::new();
    if present && !args.block.is_empty() {
        let mut text = content.foreign(&args.block);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        block.push(first.clone());
        block.extend(split_lines(&text));
        block.push(last.clone());
    }
    let begin = lines.iter().rposition(|l| *l == first);
    let end = lines.iter().rposition(|l| *l == last);
    let mut at = match (begin, end) {
        (Some(begin), Some(end)) => {
            let (low, high) = (begin.min(end), begin.max(end));
            lines.drain(low..=high);
            low
        }
        _ => place(args, content, &lines)?,
    };
    if at > 0 && !lines[at - 1].ends_with('\n') {
        lines[at - 1].push('\n');
    }
    if args.prepend_newline && present && at != 0 && lines[at - 1] != "\n" {
        lines.insert(at, "\n".to_owned());
        at += 1;
    }
    let behind = at + block.len();
    let has_block = !block.is_empty();
    lines.splice(at..at, block);
    if args.append_newline && present && lines.get(behind).is_some_and(|l| l != "\n") {
        lines.insert(behind, "\n".to_owned());
    }
    Ok((lines.concat(), has_block))
}

/// Where a block goes that is not there yet: the number of lines before it.
fn place(args: &Args, content: &Decoded, lines: &[String]) -> Result<usize, Failure> {
    let (after, before) = (args.insertafter.as_deref(), args.insertbefore.as_deref());
    let pattern = match (after, before) {
        (None | Some("EOF"), None) => return Ok(lines.len()),
        (Some("EOF"), Some(_)) => return Ok(lines.len()),
        (None, Some("BOF")) => return Ok(0),
        (Some(pattern), _) | (None, Some(pattern)) => pattern,
    };
    let regexp = Pattern::bytes(&content.foreign(pattern)).map_err(Failure::new)?;
    let found = if regexp.multiline {
        let found = regexp.search(&content.text).and_then(|c| c.get(0).map(|m| (m.start(), m.end())));
        found.map(|(start, end)| {
            let upto = if after.is_some() { end } else { start };
            content.text[..upto].matches('\n').count()
        })
    } else {
        lines.iter().rposition(|l| regexp.is_match(l))
    };
    Ok(match found {
        None => lines.len(),
        Some(line) if after.is_some() => (line + 1).min(lines.len()),
        Some(line) => line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json};
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<Blockinfile>();

    /// Content and message after the run; the answers are ansible-core's. `B` and `E` stand for the marker lines.
    #[test]
    fn blocks() {
        for (before, mut args, after, msg) in [
            ("x\n", json!({"block": "a\nb"}), "x\nB\na\nb\nE\n", "Block inserted"),
            ("x", json!({"block": "a\n"}), "x\nB\na\nE\n", "Block inserted"),
            ("x\nB\nold\nE\ny\n", json!({"block": "new"}), "x\nB\nnew\nE\ny\n", "Block inserted"),
            ("x\nB\na\nE\ny\n", json!({"block": "a"}), "x\nB\na\nE\ny\n", ""),
            ("x\nB\na\nE\ny\n", json!({"state": "absent"}), "x\ny\n", "Block removed"),
            ("x\nB\na\nE\ny\n", json!({"block": ""}), "x\ny\n", "Block removed"),
            ("x\ny\n", json!({"block": "a", "insertafter": "^x"}), "x\nB\na\nE\ny\n", "Block inserted"),
            ("x\ny\n", json!({"block": "a", "insertbefore": "^y"}), "x\nB\na\nE\ny\n", "Block inserted"),
            ("x\ny\n", json!({"block": "a", "insertbefore": "BOF"}), "B\na\nE\nx\ny\n", "Block inserted"),
            ("x\ny\n", json!({"block": "a", "insertafter": "^none"}), "x\ny\nB\na\nE\n", "Block inserted"),
            ("x\ny\nz\n", json!({"block": "a", "insertafter": "(?m)^x\ny$"}), "x\ny\nB\na\nE\nz\n", "Block inserted"),
            (
                "x\ny\n",
                json!({"block": "a", "insertafter": "^x", "prepend_newline": true, "append_newline": true}),
                "x\n\nB\na\nE\n\ny\n",
                "Block inserted",
            ),
        ] {
            let mark = |t: &str| {
                t.replace("B\n", "# BEGIN ANSIBLE MANAGED BLOCK\n").replace("E\n", "# END ANSIBLE MANAGED BLOCK\n")
            };
            let mut host = Fake::new().file("/f", mark(before));
            args["path"] = "/f".into();
            let out = case(&ENTRY, args.clone(), &mut host).expect("no failure");
            assert_eq!((host.text("/f"), &out.values["msg"]), (mark(after), &Json::from(msg)), "{args} on {before:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_there() {
        let mut host = Fake::new();
        let missing = case(&ENTRY, json!({"path": "/f", "block": "a"}), &mut host).expect_err("it is not there");
        assert_eq!((missing.msg.as_str(), &missing.values["rc"]), ("Path /f does not exist !", &json!(257)));
        let args = json!({"path": "/d/f", "block": "a", "create": true, "mode": "0600", "marker": "; {mark}", "marker_end": "STOP"});
        let out = case(&ENTRY, args, &mut host).expect("made");
        assert_eq!(
            (host.text("/d/f").as_str(), &out.values["msg"]),
            ("; BEGIN\na\n; STOP\n", &json!("File created and ownership, perms or SE linux context changed"))
        );
    }
}
