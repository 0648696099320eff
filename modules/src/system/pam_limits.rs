//! `community.general.pam_limits`: limits of PAM sessions, one line of a file each.

use crate::contract::{Arg, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::files::shared::backup;
use crate::host::{Change, FileKind, Observe, WriteOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct PamLimits;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    domain: String,
    limit_type: String,
    limit_item: String,
    value: String,
    use_max: bool,
    use_min: bool,
    backup: bool,
    dest: PathBuf,
    comment: String,
}

pub struct Work {
    dest: PathBuf,
    content: String,
    backup: bool,
    outcome: Outcome,
}

impl Module for PamLimits {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: "- name: Allow many open files\n  community.general.pam_limits:\n    domain: app\n    limit_type: '-'\n    limit_item: nofile\n    value: 64000\n",
        returns: &[
            Return { name: "msg", when: "success", doc: "The line, as the file has it." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "A backup is made only where the file changes, and not in check mode.",
        ..ModuleSpec::new(
            "community.general.pam_limits",
            "Manages limits of PAM sessions.",
            &[
                Arg::str("domain").required().doc("User, `@group` or wildcard."),
                Arg::str("limit_type").required().choices(&["soft", "hard", "-"]).doc("Which of the two limits."),
                Arg::str("limit_item")
                    .required()
                    .choices(&[
                        "core",
                        "data",
                        "fsize",
                        "memlock",
                        "nofile",
                        "rss",
                        "stack",
                        "cpu",
                        "nproc",
                        "as",
                        "maxlogins",
                        "maxsyslogins",
                        "priority",
                        "locks",
                        "sigpending",
                        "msgqueue",
                        "nice",
                        "rtprio",
                        "chroot",
                    ])
                    .doc("What is limited."),
                Arg::str("value").required().doc("The limit, or `unlimited`, `infinity`, `-1`."),
                Arg::bool("use_max").default(Literal::Bool(false)).doc("Keep the present limit if it is higher."),
                Arg::bool("use_min").default(Literal::Bool(false)).doc("Keep the present limit if it is lower."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::str("dest").default(Literal::Str("/etc/security/limits.conf")).doc("The file."),
                Arg::str("comment").default(Literal::Str("")).doc("Comment behind the limit."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let there = host.stat(&args.dest).is_ok_and(|s| s.kind == FileKind::File);
        if there && !host.access(&args.dest, 2) {
            return Err(Failure::new(format!("{} is not writable. Use sudo", args.dest.display())));
        }
        let dir = args.dest.parent().unwrap_or(Path::new(""));
        if !(there || host.is_dir(dir) && host.access(dir, 2)) {
            let msg = format!("directory {} is not writable (check presence, access rights, use sudo)", dir.display());
            return Err(Failure::new(msg));
        }
        if args.use_max && args.use_min {
            return Err(Failure::new("Cannot use use_min and use_max at the same time."));
        }
        check(&args.limit_item, &args.value, "")?;
        let before = if there {
            host.read_text(&args.dest).map_err(|e| Failure::io(format!("cannot read {}", args.dest.display()), &e))?
        } else {
            String::new()
        };
        let (after, line) = limited(&args, &before)?;
        let mut outcome = Outcome::changed(!there || after != before).with("msg", line);
        outcome.diff.push(Diff { before: Some(before.into()), after: Some(after.clone().into()), ..Diff::default() });
        if !outcome.changed {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { dest: args.dest, content: after, backup: args.backup && there, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { dest, content, backup: keep, mut outcome } = work;
        if keep {
            outcome.set("backup_file", backup(host, &dest)?);
        }
        host.write(&dest, &mut content.as_bytes(), &WriteOptions::default())
            .map_err(|e| Failure::io(format!("cannot write {}", dest.display()), &e))?;
        Ok(outcome)
    }
}

fn unlimited(value: &str) -> bool {
    matches!(value, "unlimited" | "infinity" | "-1")
}

fn check(item: &str, value: &str, prefix: &str) -> Result<(), Failure> {
    let fail = |what: &str| {
        let see = "Refer to the limits.conf(5) manual pages for more details.";
        Err(Failure::new(format!("{prefix} Value of '{value}' for item '{item}' is invalid. {what} {see}")))
    };
    if matches!(item, "nice" | "priority") {
        return match value.trim().parse::<i64>() {
            Ok(-20..=19) => Ok(()),
            _ => fail("Value must be a number in the range -20 to 19 inclusive."),
        };
    }
    if unlimited(value) || !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    fail(
        "Value must either be 'unlimited', 'infinity' or -1, all of which indicate no limit, or a limit of 0 or larger.",
    )
}

/// What the limit becomes where the file has `now`.
fn settled(args: &Args, now: &str) -> String {
    let number = |text: &str| text.trim().parse::<i128>().unwrap_or_default();
    let wanted = args.value.as_str();
    let numbers = |pick: fn(i128, i128) -> i128| pick(number(wanted), number(now)).to_string();
    match (unlimited(now), unlimited(wanted)) {
        (true, _) if args.use_max => now.to_owned(),
        (false, true) if args.use_max => wanted.to_owned(),
        (false, false) if args.use_max => numbers(i128::max),
        (true, false) if args.use_min => wanted.to_owned(),
        (_, true) if args.use_min => now.to_owned(),
        (false, false) if args.use_min => numbers(i128::min),
        _ => wanted.to_owned(),
    }
}

/// The file with the limit, and the limit's line. Where no comment is asked for, the line takes the first that the file
/// has so far.
fn limited(args: &Args, before: &str) -> Result<(String, String), Failure> {
    let mut comment = args.comment.clone();
    let mut value = args.value.clone();
    let mut out = String::new();
    let mut told = None;
    let line_of = |value: &str, comment: &mut String| {
        if !comment.is_empty() {
            *comment = format!("\t#{comment}");
        }
        format!("{}\t{}\t{}\t{value}{comment}\n", args.domain, args.limit_type, args.limit_item)
    };
    for line in before.split_inclusive('\n') {
        let (said, remark) = line.split_once('#').unwrap_or((line, ""));
        if line.starts_with('#') || line.trim().is_empty() {
            out.push_str(line);
            continue;
        }
        if comment.is_empty() {
            remark.clone_into(&mut comment);
        }
        let fields: Vec<&str> = said.split_whitespace().collect();
        let [domain, kind, item, now] = fields[..] else {
            out.push_str(line);
            continue;
        };
        check(item, now, &format!("Invalid configuration found in '{}'.", args.dest.display()))?;
        let ours = domain == args.domain && kind == args.limit_type && item == args.limit_item;
        if !ours {
            out.push_str(line);
            continue;
        }
        let mut new = line.to_owned();
        if args.value != now {
            if args.use_max || args.use_min {
                value = settled(args, now);
            }
            if value != now {
                new = line_of(&value, &mut comment);
            }
        }
        out.push_str(&new);
        told = Some(new);
    }
    let line = match told {
        Some(line) => line,
        None => {
            let new = line_of(&value, &mut comment);
            out.push_str(&new);
            new
        }
    };
    Ok((out, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::{Value, json};

    const LIMITS: Entry = Entry::of::<PamLimits>();

    /// The answers are community.general's.
    #[test]
    fn limits() {
        let nofile = |value: &str, more: Value| {
            let mut args = json!({"domain": "app", "limit_type": "soft", "limit_item": "nofile", "value": value});
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            args
        };
        for (before, args, after, changed) in [
            ("# c\n", nofile("10", json!({})), "# c\napp\tsoft\tnofile\t10\n", true),
            ("app soft nofile 10\n", nofile("10", json!({})), "app soft nofile 10\n", false),
            ("app soft nofile 10 # x\n", nofile("10", json!({"comment": "y"})), "app soft nofile 10 # x\n", false),
            ("app soft nofile 9\n", nofile("10", json!({"comment": "y"})), "app\tsoft\tnofile\t10\t#y\n", true),
            ("app soft nofile 20\n", nofile("10", json!({"use_max": true})), "app soft nofile 20\n", false),
            ("app soft nofile 20\n", nofile("10", json!({"use_min": true})), "app\tsoft\tnofile\t10\n", true),
            ("app soft nofile -1\n", nofile("10", json!({"use_max": true})), "app soft nofile -1\n", false),
            ("app soft nofile 9\n", nofile("-1", json!({"use_min": true})), "app soft nofile 9\n", false),
            ("app hard nofile 9\n", nofile("8", json!({})), "app hard nofile 9\napp\tsoft\tnofile\t8\n", true),
        ] {
            let mut host = Fake::new().file("/etc/security/limits.conf", before);
            let out = case(&LIMITS, args.clone(), &mut host).unwrap();
            assert_eq!((out.changed, host.text("/etc/security/limits.conf").as_str()), (changed, after), "{args}");
        }
    }

    #[test]
    fn a_new_file_and_bad_values() {
        let mut host = Fake::new().dir("/etc/security/limits.d");
        let file = "/etc/security/limits.d/10.conf";
        let mut args = json!({"domain": "*", "limit_type": "hard", "limit_item": "core", "value": "0", "dest": file});
        let out = case(&LIMITS, args.clone(), &mut host).unwrap();
        assert_eq!(
            (host.text(file).as_str(), &out.values["msg"]),
            ("*\thard\tcore\t0\n", &json!("*\thard\tcore\t0\n"))
        );
        args["value"] = "no".into();
        let failure = run(&LIMITS, args, &mut host, true).unwrap_err();
        assert!(failure.msg.starts_with(" Value of 'no' for item 'core' is invalid. Value must either be"));
    }
}
