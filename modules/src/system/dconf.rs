//! `community.general.dconf`: settings of a user's desktop.

use crate::contract::{Arg, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::Path;

pub struct Dconf;

#[derive(Deserialize)]
pub struct Args {
    state: String,
    key: String,
    value: Option<Json>,
}

pub struct Work {
    command: Command,
    failed: String,
}

impl Module for Dconf {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["value"], any: false }],
        examples: "- name: Two keyboard layouts\n  community.general.dconf:\n    key: /org/gnome/desktop/input-sources/sources\n    value: \"[('xkb', 'us'), ('xkb', 'se')]\"\n\n- name: Back to the default\n  community.general.dconf:\n    key: /org/gnome/desktop/input-sources/sources\n    state: absent\n",
        returns: &[Return { name: "value", when: "state is read", doc: "The value, or null." }],
        differs: "Needs no Python libraries: values are compared without regard to how they are written.",
        ..ModuleSpec::new(
            "community.general.dconf",
            "Settings of a user's desktop.",
            &[
                Arg::str("state")
                    .choices(&["present", "absent", "read"])
                    .default(Literal::Str("present"))
                    .doc("Set, back to the default, or only read."),
                Arg::str("key").required().doc("The setting's path."),
                Arg::raw("value").doc("The value, as GVariant text."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let dconf = required(host, "dconf")?;
        let key = args.key.as_str();
        let out = query(host, &Command::new(&dconf).args(["read", key]))?;
        if !out.ok() {
            let msg = format!("dconf failed while reading the value with error: {}", out.stderr_text());
            return Err(Failure::new(msg).with("out", out.stdout_text()).with("err", out.stderr_text()));
        }
        let text = out.stdout_text();
        let now = Some(text.trim_end_matches('\n')).filter(|_| !text.is_empty());
        let dconf = dconf.display().to_string();
        let (words, failed) = match (args.state.as_str(), now) {
            ("read", now) => return Ok(Plan::Done(Outcome::unchanged().with("value", now))),
            ("absent", None) => return Ok(Plan::Done(Outcome::unchanged())),
            ("absent", Some(_)) => {
                (vec![dconf, "reset".into(), key.into()], "dconf failed while resetting the value with error: ".into())
            }
            (_, now) => {
                let value = match args.value {
                    Some(Json::String(text)) => text,
                    Some(other) => other.to_string(),
                    None => String::new(),
                };
                if now.is_some_and(|now| same(now, &value)) {
                    return Ok(Plan::Done(Outcome::unchanged()));
                }
                let failed = format!("dconf failed while writing key {key}, value {value} with error: ");
                (vec![dconf, "write".into(), key.into(), value], failed)
            }
        };
        Ok(Plan::Work(Work { command: in_session(host, words)?, failed }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &work.command)?;
        if out.ok() {
            return Ok(Outcome::changed(true));
        }
        let err = out.stderr_text();
        Err(Failure::new(work.failed + &err).with("out", out.stdout_text()).with("err", err))
    }
}

/// The command in the user's D-Bus session, or in one of its own.
fn in_session(host: &dyn Observe, words: Vec<String>) -> Result<Command, Failure> {
    if let (Some(address), Some(program)) = (session(host), words.first()) {
        let command = Command::new(program).args(words[1..].iter().cloned());
        return Ok(command.env("DBUS_SESSION_BUS_ADDRESS", address));
    }
    Ok(Command::new(required(host, "dbus-run-session")?).args(words))
}

/// The address of a session of this user's that answers.
fn session(host: &dyn Observe) -> Option<String> {
    let uid = host.euid();
    let send = host.which("dbus-send")?;
    let mut candidates: Vec<String> = Vec::new();
    let bus = format!("/run/user/{uid}/bus");
    if host.exists(Path::new(&bus)) {
        candidates.push(format!("unix:path={bus}"));
    }
    for pid in host.read_dir(Path::new("/proc")).unwrap_or_default() {
        let dir = Path::new("/proc").join(&pid);
        let ours =
            pid.to_string_lossy().bytes().all(|b| b.is_ascii_digit()) && host.stat(&dir).is_ok_and(|s| s.uid == uid);
        let Some(environment) = ours.then(|| host.read_text(&dir.join("environ")).ok()).flatten() else { continue };
        let address = environment.split('\0').find_map(|v| v.strip_prefix("DBUS_SESSION_BUS_ADDRESS="));
        if let Some(address) = address.map(str::to_owned).filter(|a| !candidates.contains(a)) {
            candidates.push(address);
        }
    }
    candidates.into_iter().find(|address| {
        // A socket that takes what is sent may still have nobody behind it: a reply is asked for.
        let (to, call) = (format!("--address={address}"), "org.freedesktop.DBus.GetId");
        let ask = Command::new(&send).args([to.as_str(), "--print-reply", "--dest=org.freedesktop.DBus", "/", call]);
        host.query(&ask).is_ok_and(|out| out.ok())
    })
}

/// Whether two texts stand for the same value: `@as []` is `[]`, `uint32 5` is `5`, `"a"` is `'a'`.
fn same(now: &str, wanted: &str) -> bool {
    match (tokens(now), tokens(wanted)) {
        (Some(a), Some(b)) => a == b,
        _ => now == wanted,
    }
}

#[derive(PartialEq)]
enum Token {
    Mark(char),
    Text(String),
    Word(String),
    Number(f64),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    const TYPES: &[&str] =
        &["boolean", "byte", "int16", "uint16", "int32", "uint32", "handle", "int64", "uint64", "double", "string"];
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mut used = first.len_utf8();
        if "[](){}<>,:".contains(first) {
            out.push(Token::Mark(first));
        } else if first == '@' {
            used = rest.find(char::is_whitespace)?;
        } else if first == '\'' || first == '"' {
            let mut content = String::new();
            let mut chars = rest.char_indices().skip(1);
            loop {
                let (at, c) = chars.next()?;
                used = at + c.len_utf8();
                match c {
                    c if c == first => break,
                    '\\' => match chars.next()?.1 {
                        'n' => content.push('\n'),
                        't' => content.push('\t'),
                        'r' => content.push('\r'),
                        c if c == '\\' || c == '\'' || c == '"' => content.push(c),
                        _ => return None,
                    },
                    c => content.push(c),
                }
            }
            out.push(Token::Text(content));
        } else {
            used = rest.find(|c: char| c.is_whitespace() || "[](){}<>,:'\"".contains(c)).unwrap_or(rest.len());
            let word = &rest[..used];
            let hex = word.strip_prefix("0x").and_then(|h| u64::from_str_radix(h, 16).ok());
            #[expect(clippy::cast_precision_loss, reason = "only compared")]
            match hex.map(|n| n as f64).or_else(|| word.parse::<f64>().ok()) {
                Some(number) => out.push(Token::Number(number)),
                None if TYPES.contains(&word) => {}
                None => out.push(Token::Word(word.to_owned())),
            }
        }
        rest = rest[used..].trim_start();
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const DCONF: Entry = Entry::of::<Dconf>();
    const READ: &str = "dconf read /a/b";

    #[test]
    fn values() {
        for (now, wanted, equal) in [
            ("'a'", "\"a\"", true),
            ("[('xkb', 'us')]", "[ ('xkb','us') ]", true),
            ("@as []", "[]", true),
            ("uint32 300", "300", true),
            ("1.0", "1", true),
            ("true", "false", false),
            ("'a'", "'b'", false),
            ("'it\\'s'", "\"it's\"", true),
        ] {
            assert_eq!(same(now, wanted), equal, "{now} {wanted}");
        }
    }

    #[test]
    fn set_and_reset() {
        let mut host = Fake::new()
            .answer(READ, 0, "")
            .effect("dbus-run-session /usr/bin/dconf write /a/b true", 0, "", |h| h.set_answer(READ, 0, "true\n"))
            .effect("dbus-run-session /usr/bin/dconf reset /a/b", 0, "", |h| h.set_answer(READ, 0, ""));
        assert!(case(&DCONF, json!({"key": "/a/b", "value": true}), &mut host).unwrap().changed);
        let read = run(&DCONF, json!({"key": "/a/b", "state": "read"}), &mut host, false).unwrap();
        assert_eq!(read.values["value"], "true");
        assert!(case(&DCONF, json!({"key": "/a/b", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn a_session_that_is_there() {
        let mut host = Fake::new()
            .answer(READ, 0, "'x'\n")
            .file("/run/user/0/bus", "")
            .answer("dbus-send --address=unix:path=/run/user/0/bus ...", 0, "")
            .effect("dconf write /a/b 'y'", 0, "", |h| h.set_answer(READ, 0, "'y'\n"));
        assert!(case(&DCONF, json!({"key": "/a/b", "value": "'y'"}), &mut host).unwrap().changed);
    }
}
