//! `ini_file`: options of an INI file.

use super::shared::{Draft, Edit, Style, text};
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct IniFile;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    section: Option<String>,
    option: Option<String>,
    value: Option<String>,
    values: Option<Vec<String>>,
    state: String,
    exclusive: bool,
    backup: bool,
    no_extra_spaces: bool,
    ignore_spaces: bool,
    allow_no_value: bool,
    modify_inactive_option: bool,
    create: bool,
    follow: bool,
    #[serde(flatten)]
    attrs: FileAttrs,
}

impl Module for IniFile {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        rules: &[Rule::MutuallyExclusive(&["value", "values"])],
        examples: r#"
- name: Set an option
  community.general.ini_file:
    path: /etc/app.ini
    section: drinks
    option: fav
    value: lemonade
    mode: "0600"

- name: Drop a section
  community.general.ini_file:
    path: /etc/app.ini
    section: old
    state: absent
"#,
        returns: &[
            Return { name: "path", when: "always", doc: "The file." },
            Return { name: "msg", when: "always", doc: "What was done." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "`section_has_values` is not supported.",
        ..ModuleSpec::new(
            "community.general.ini_file",
            "Options of an INI file.",
            &[
                Arg::path("path").required().aliases(&["dest"]).doc("The file."),
                Arg::str("section").doc("The section; before the first one if not given."),
                Arg::str("option").doc("The option; the whole section if not given."),
                Arg::str("value").doc("Its value."),
                Arg::list("values", ArgType::Str).doc("Its values, one line each."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the option is to be there."),
                Arg::bool("exclusive").default(Literal::Bool(true)).doc("Take other lines of this option out."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("no_extra_spaces").default(Literal::Bool(false)).doc("No blanks around the equals sign."),
                Arg::bool("ignore_spaces").default(Literal::Bool(false)).doc("Other blanks are no difference."),
                Arg::bool("allow_no_value").default(Literal::Bool(false)).doc("Options may stand without a value."),
                Arg::bool("modify_inactive_option")
                    .default(Literal::Bool(true))
                    .doc("Put the option in place of a commented one."),
                Arg::bool("create").default(Literal::Bool(true)).doc("Make the file if it is not there."),
                Arg::bool("follow").default(Literal::Bool(false)).doc("Write to what a link points to."),
            ],
        )
    };
    type Args = Args;
    type Work = Edit;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Edit>, Failure> {
        let values = match (&args.value, &args.values) {
            (Some(value), _) => vec![value.clone()],
            (None, Some(values)) => values.clone(),
            (None, None) => Vec::new(),
        };
        if args.state == "present" && !args.allow_no_value && values.is_empty() {
            let msg = "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.";
            return Err(Failure::new(msg));
        }
        let exists = host.stat(&args.path).is_ok();
        if !exists && !args.create {
            return Err(Failure::new(format!("Destination {} does not exist!", args.path.display())).with("rc", 257));
        }
        let before =
            if exists { Some(host.read(&args.path).map_err(|e| Failure::io(args.path.display(), &e))?) } else { None };
        let old = String::from_utf8(before.clone().unwrap_or_default())
            .map_err(|_| Failure::new(format!("{} is not UTF-8", args.path.display())))?;
        let (new, msg) = rewrite(&args, values, old.trim_start_matches('\u{feff}'));
        let draft = Draft {
            path: &args.path,
            // An absent section of an absent file is no reason to make the file.
            before: if !exists && new.is_empty() { Some(Vec::new()) } else { before },
            after: if msg.is_none() { old.into_bytes() } else { new.into_bytes() },
            attrs: &args.attrs,
            backup: args.backup,
            backup_key: "backup_file",
            validate: None,
            msg: msg.unwrap_or("OK").to_owned(),
            outcome: Outcome::default().with("path", text(&args.path)),
            style: Style::Whole { follow: args.follow },
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

const BLANKS: [char; 2] = [' ', '\t'];

/// A line that sets an option.
struct Setting<'a> {
    commented: bool,
    value: &'a str,
}

/// Reads a line as `option = value`, commented out or not.
fn setting<'a>(line: &'a str, option: &str, commented: bool) -> Option<Setting<'a>> {
    let rest = line.trim_start_matches(BLANKS);
    let (inactive, rest) = match rest.strip_prefix(['#', ';']) {
        Some(rest) if commented => (true, rest.trim_start_matches(BLANKS)),
        _ => (false, rest),
    };
    let rest = rest.strip_prefix(option)?.trim_start_matches(BLANKS);
    let bare = rest.strip_suffix('\n').unwrap_or(rest);
    if bare.is_empty() {
        return Some(Setting { commented: inactive, value: "" });
    }
    let value = bare.strip_prefix('=')?.trim_start_matches(BLANKS);
    Some(Setting { commented: inactive, value })
}

fn is_header(line: &str, section: &str) -> bool {
    let inner = line.strip_prefix('[').map(str::trim_start).and_then(|l| l.strip_prefix(section.trim()));
    inner.is_some_and(|l| l.trim_start().starts_with(']'))
}

fn is_blank_or_comment(line: &str) -> bool {
    let rest = line.trim_start_matches(BLANKS);
    rest.trim_end_matches('\n').is_empty() || rest.starts_with(['#', ';'])
}

/// The new text, and what was done to it if anything was.
fn rewrite(args: &Args, values: Vec<String>, old: &str) -> (String, Option<&'static str>) {
    let mut lines: Vec<String> = old.split_inclusive('\n').map(str::to_owned).collect();
    let mut done = None;
    match lines.last_mut() {
        None => lines.push("\n".to_owned()),
        Some(last) if !last.ends_with('\n') => {
            last.push('\n');
            done = Some("OK");
        }
        Some(_) => {}
    }
    let section = args.section.as_deref().filter(|s| !s.is_empty());
    let start = match section {
        None => Some(0),
        Some(name) => lines.iter().position(|l| is_header(l, name)),
    };
    // The lines before the first section have no header of their own.
    let header = usize::from(section.is_some());
    let Some(start) = start else {
        if args.state == "absent" {
            return (if old.is_empty() { String::new() } else { lines.concat() }, done);
        }
        let mut unique: Vec<String> = Vec::new();
        values.into_iter().for_each(|v| {
            if !unique.contains(&v) {
                unique.push(v)
            }
        });
        lines.push(format!("[{}]\n", section.unwrap_or_default()));
        let msg = match &args.option {
            Some(option) if !unique.is_empty() => {
                lines.extend(unique.iter().map(|v| assignment(args, option, v)));
                "section and option added"
            }
            Some(option) if args.allow_no_value => {
                lines.push(format!("{option}\n"));
                "section and option added"
            }
            _ => "only section added",
        };
        return (lines.concat(), Some(msg));
    };
    let end =
        lines[start + header..].iter().position(|l| l.starts_with('[')).map_or(lines.len(), |i| start + header + i);
    let mut body: Vec<String> = lines[start + header..end].to_vec();
    let told = if args.state == "present" {
        set(args, values, &mut body)
    } else {
        match &args.option {
            Some(option) => unset(args, &values, option, &mut body),
            None if start < end => {
                lines.drain(start..end);
                return (lines.concat(), Some("section removed"));
            }
            None => None,
        }
    };
    lines.splice(start + header..end, body);
    (lines.concat(), told.or(done))
}

fn assignment(args: &Args, option: &str, value: &str) -> String {
    if args.no_extra_spaces { format!("{option}={value}\n") } else { format!("{option} = {value}\n") }
}

/// Brings the lines of a section in line with the values.
fn set(args: &Args, values: Vec<String>, body: &mut Vec<String>) -> Option<&'static str> {
    let option = args.option.as_deref()?;
    let mut told = None;
    let mut left: Vec<String> = Vec::new();
    values.into_iter().for_each(|v| {
        if !left.contains(&v) {
            left.push(v)
        }
    });
    let mut settled = vec![false; body.len()];
    let find =
        |line: &str| setting(line, option, args.modify_inactive_option).map(|s| (s.commented, s.value.to_owned()));
    let mut put = |line: &mut String, new: String| {
        let same_value = args.ignore_spaces
            && setting(line, option, true).is_some_and(|old| {
                !old.commented && setting(&new, option, true).is_some_and(|new| new.value == old.value)
            });
        if !same_value && *line != new {
            *line = new;
            told = Some("option changed");
        }
    };
    let mut bare_option = false;
    // Lines that have one of the values already.
    for (i, line) in body.iter_mut().enumerate() {
        let Some((_, value)) = find(line) else { continue };
        if let Some(at) = left.iter().position(|v| *v == value) {
            let new = if value.is_empty() && args.allow_no_value {
                bare_option = true;
                format!("{option}\n")
            } else {
                assignment(args, option, &value)
            };
            put(line, new);
            settled[i] = true;
            left.remove(at);
        } else if left.is_empty() && args.allow_no_value {
            put(line, format!("{option}\n"));
            settled[i] = true;
            bare_option = true;
            break;
        }
    }
    if args.exclusive && !args.allow_no_value {
        // Other lines of the option take the values that are left; the rest of them goes.
        for (i, line) in body.iter_mut().enumerate() {
            if !left.is_empty() && !settled[i] && find(line).is_some() {
                put(line, assignment(args, option, &left.remove(0)));
                settled[i] = true;
            }
        }
        let mut i = 0;
        body.retain(|line| {
            i += 1;
            settled[i - 1] || find(line).is_none()
        });
        if body.len() < settled.len() {
            told = Some("option changed");
        }
    }
    // What is still missing goes behind the last line that says something.
    let at = body.iter().rposition(|l| !is_blank_or_comment(l)).map_or(0, |i| i + 1);
    let missing: Vec<String> = if !left.is_empty() {
        left.iter().map(|v| assignment(args, option, v)).collect()
    } else if args.allow_no_value && !bare_option && settled.iter().all(|s| !s) {
        vec![format!("{option}\n")]
    } else {
        Vec::new()
    };
    if !missing.is_empty() {
        body.splice(at..at, missing);
        told = Some("option added");
    }
    told
}

/// Takes an option out of the lines of a section.
fn unset(args: &Args, values: &[String], option: &str, body: &mut Vec<String>) -> Option<&'static str> {
    let count = body.len();
    body.retain(|line| match setting(line, option, false) {
        Some(found) => !args.exclusive && !values.iter().any(|v| v == found.value),
        None => true,
    });
    (body.len() < count).then_some("option changed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json};
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    /// Content and message after the run; the answers are community.general's.
    #[test]
    fn options() {
        for (before, mut args, after, msg) in [
            (None, json!({"section": "s", "option": "o", "value": "v"}), "\n[s]\no = v\n", "section and option added"),
            (Some("[s]\no = v\n"), json!({"section": "s", "option": "o", "value": "v"}), "[s]\no = v\n", "OK"),
            (
                Some("[s]\no=1\n[t]\no=2\n"),
                json!({"section": "t", "option": "o", "value": "3", "no_extra_spaces": true}),
                "[s]\no=1\n[t]\no=3\n",
                "option changed",
            ),
            (
                Some("[s]\n;o = 1\nx = 1\n"),
                json!({"section": "s", "option": "o", "value": "2"}),
                "[s]\no = 2\nx = 1\n",
                "option changed",
            ),
            (
                Some("[s]\n#o = 1\nx = 1\n"),
                json!({"section": "s", "option": "o", "value": "2", "modify_inactive_option": false}),
                "[s]\n#o = 1\nx = 1\no = 2\n",
                "option added",
            ),
            (
                Some("[s]\na = 1\n\n[t]\n"),
                json!({"section": "s", "option": "b", "value": "2"}),
                "[s]\na = 1\nb = 2\n\n[t]\n",
                "option added",
            ),
            (
                Some("[s]\no = 1\no = 2\n"),
                json!({"section": "s", "option": "o", "value": "3"}),
                "[s]\no = 3\n",
                "option changed",
            ),
            (
                Some("[s]\no = 1\n"),
                json!({"section": "s", "option": "o", "values": ["1", "2"]}),
                "[s]\no = 1\no = 2\n",
                "option added",
            ),
            (
                Some("[s]\no=1\n"),
                json!({"section": "s", "option": "o", "value": "1", "ignore_spaces": true}),
                "[s]\no=1\n",
                "OK",
            ),
            (
                Some("[s]\no = 1\nx = 1\n"),
                json!({"section": "s", "option": "o", "state": "absent"}),
                "[s]\nx = 1\n",
                "option changed",
            ),
            (Some("[s]\no = 1\n[t]\n"), json!({"section": "s", "state": "absent"}), "[t]\n", "section removed"),
            (Some("[t]\n"), json!({"section": "s", "option": "o", "state": "absent"}), "[t]\n", "OK"),
            (
                Some("a = 1\n[t]\nb = 1\n"),
                json!({"option": "b", "value": "2"}),
                "a = 1\nb = 2\n[t]\nb = 1\n",
                "option added",
            ),
            (
                Some("[mysqld]\nx = 1\n"),
                json!({"section": "mysqld", "option": "skip-networking", "allow_no_value": true}),
                "[mysqld]\nx = 1\nskip-networking\n",
                "option added",
            ),
        ] {
            let mut host = Fake::new().dir("/etc");
            if let Some(before) = before {
                host.set_file("/etc/x.ini", before, 0o644);
            }
            args["path"] = "/etc/x.ini".into();
            let out = case(&Entry::of::<IniFile>(), args.clone(), &mut host).expect("no failure");
            assert_eq!(
                (host.text("/etc/x.ini").as_str(), &out.values["msg"]),
                (after, &Json::from(msg)),
                "{args} on {before:?}"
            );
            assert_eq!((&out.values["path"], &out.values["state"]), (&json!("/etc/x.ini"), &json!("file")));
        }
    }

    #[test]
    fn a_value_is_needed() {
        let args = json!({"path": "/x", "section": "s", "option": "o"});
        let failure = case(&Entry::of::<IniFile>(), args, &mut Fake::new()).expect_err("no value");
        assert_eq!(failure.msg, "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.");
    }
}
