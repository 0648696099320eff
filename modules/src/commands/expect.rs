//! `expect`: runs a program on a terminal and answers its questions.

use super::shared::{delta, directory};
use crate::contract::{
    Arg, ArgType, Call, CheckMode, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return,
    coerce, python_error, python_text,
};
use crate::host::{Change, Command, Observe, Reply, Talk, clock};
use crate::text::{Flags, Pattern};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

pub struct Expect;

#[derive(Deserialize)]
pub struct Args {
    command: String,
    chdir: Option<String>,
    creates: Option<String>,
    removes: Option<String>,
    responses: JsonMap,
    timeout: Json,
    echo: bool,
}

/// A question as a pattern, and what to answer.
struct Question {
    asked: String,
    pattern: Pattern,
    answers: Answers,
}

enum Answers {
    /// The same each time.
    Same(Vec<u8>),
    /// One after the other.
    Rest(std::vec::IntoIter<Vec<u8>>),
}

pub struct Work {
    command: Command,
    line: String,
    questions: Vec<Question>,
    limit: Option<Duration>,
    echo: bool,
}

impl Module for Expect {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        diff: false,
        kind: Kind::Imperative,
        examples: r#"
- name: Set a password
  ansible.builtin.expect:
    command: passwd deploy
    responses:
      (?i)password: "{{ deploy_password }}"
  no_log: true

- name: One answer after the other
  ansible.builtin.expect:
    command: /opt/app/install
    chdir: /opt/app
    creates: /opt/app/installed
    timeout: 120
    responses:
      Question: [first, second]
      '^Go on\?': "yes"
"#,
        returns: &[
            Return { name: "cmd", when: "always", doc: "The command line." },
            Return { name: "rc", when: "always", doc: "Its exit code; none where it was ended." },
            Return { name: "stdout", when: "always", doc: "What the terminal showed." },
            Return { name: "start", when: "it ran", doc: "Local time of its start." },
            Return { name: "end", when: "it ran", doc: "Local time of its end." },
            Return { name: "delta", when: "it ran", doc: "How long it ran." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.expect",
            "Runs a program on a terminal and answers its questions.",
            &[
                Arg::str("command").required().doc("The command line; no shell reads it."),
                Arg::path("chdir").doc("Directory to run in."),
                Arg::path("creates").doc("Do not run where this file exists."),
                Arg::path("removes").doc("Run only where this file exists."),
                Arg::dict("responses").required().doc(
                    "Questions as regular expressions, each with its answer, or with a list of answers for one time each.",
                ),
                Arg::raw("timeout")
                    .default(Literal::Int(30))
                    .doc("Seconds to wait for the next question or the end; null: as long as it takes."),
                Arg::bool("echo").default(Literal::Bool(false)).doc("Show the answers in the output."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let limit = limit(args.timeout)?;
        let questions: Vec<Question> =
            args.responses.into_iter().map(|(asked, answer)| question(asked, &answer)).collect::<Result<_, _>>()?;
        if args.command.trim().is_empty() {
            return Err(Failure::new("no command given").with("rc", 256));
        }
        let cwd = directory(args.chdir);
        if let Some(dir) = &cwd
            && !host.is_dir(dir)
        {
            let why = host.stat(dir).map_or_else(|e| python_error(&e), |_| "[Errno 20] Not a directory".to_owned());
            return Err(Failure::new(format!("{why}: '{}'", dir.display())));
        }
        let there = |path: &String| match &cwd {
            Some(dir) => host.stat(&dir.join(path)).is_ok(),
            None => host.stat(Path::new(path)).is_ok(),
        };
        let reason = match (&args.creates, &args.removes) {
            (Some(path), _) if there(path) => Some(format!("skipped, since {path} exists")),
            (_, Some(path)) if !there(path) => Some(format!("skipped, since {path} does not exist")),
            _ => None,
        };
        if let Some(reason) = reason {
            let mut outcome = Outcome::default();
            outcome.set("cmd", args.command);
            outcome.set("stdout", reason);
            outcome.set("rc", 0);
            return Ok(Plan::Done(outcome));
        }
        let words = words(&args.command);
        let (name, rest) = words.split_first().ok_or_else(|| Failure::new("no command given").with("rc", 256))?;
        let program = host
            .which(name)
            .ok_or_else(|| Failure::new(format!("The command was not found or was not executable: {name}.")))?;
        let mut command = Command::new(program).args(rest.iter().cloned());
        command.cwd = cwd;
        Ok(Plan::Work(Work { command, line: args.command, questions, limit, echo: args.echo }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome { skipped: true, ..Outcome::default() }
    }

    fn apply(mut work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let (start, began) = (clock::local_now(host.observe()), host.now());
        let mut heard = Vec::new();
        let mut unanswered = None;
        let mut reply = |news: &[u8]| {
            heard.extend_from_slice(news);
            let Some((number, end)) = first(&work.questions, &heard) else { return Reply::Wait };
            let rest = heard.split_off(end);
            let seen = std::mem::replace(&mut heard, rest);
            let question = &mut work.questions[number];
            let answer = match &mut question.answers {
                Answers::Same(text) => Some(text.clone()),
                Answers::Rest(texts) => texts.next(),
            };
            match answer {
                Some(text) => Reply::Say(text),
                None => {
                    let seen = String::from_utf8_lossy(&seen);
                    unanswered = Some(format!("No remaining responses for '{}', output was '{seen}'", question.asked));
                    Reply::Stop
                }
            }
        };
        let out = host
            .converse(&work.command, Talk { echo: work.echo, limit: work.limit, reply: &mut reply })
            .map_err(|e| Failure::new(format!("{}: '{}'", python_error(&e), work.command.program.display())))?;
        if let Some(msg) = unanswered {
            return Err(Failure::new(msg));
        }
        let (end, took) = (clock::local_now(host.observe()), host.now().duration_since(began).unwrap_or_default());
        let stdout = String::from_utf8(out.stdout).map_err(|_| {
            Failure::new("Module result deserialization failed: Refusing to deserialize an invalid UTF8 string value.")
        })?;
        let rc = Some(out.rc).filter(|rc| *rc >= 0 && !out.timed_out);
        let mut outcome = Outcome { changed: true, ..Outcome::default() };
        outcome.set("cmd", work.line);
        outcome.set("stdout", stdout.trim_end_matches(['\r', '\n']));
        outcome.set("rc", rc.map_or(Json::Null, Json::from));
        outcome.set("start", start);
        outcome.set("end", end);
        outcome.set("delta", delta(took));
        let msg = match rc {
            Some(0) => return Ok(outcome),
            Some(_) => "non-zero return code",
            None => "command exceeded timeout",
        };
        Err(Failure { msg: msg.into(), changed: true, values: outcome.values, ..Failure::default() })
    }
}

/// Seconds, a text of seconds, or nothing.
fn limit(given: Json) -> Result<Option<Duration>, Failure> {
    if given.is_null() {
        return Ok(None);
    }
    let kind = match &given {
        Json::String(_) => "str",
        Json::Number(_) => "float",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
        Json::Bool(_) | Json::Null => "bool",
    };
    let seconds = coerce(ArgType::Int, given).map_err(|why| {
        Failure::new(format!("argument 'timeout' is of type {kind} and we were unable to convert to int: {why}"))
    })?;
    Ok(Some(Duration::from_secs(seconds.as_i64().and_then(|s| u64::try_from(s).ok()).unwrap_or(0))))
}

fn question(asked: String, answer: &Json) -> Result<Question, Failure> {
    // A terminal sends its lines in pieces, as bytes; `.` means line ends, too.
    let flags = Flags { dotall: true, ascii: true, ..Flags::default() };
    let pattern = Pattern::new(&asked, flags).map_err(Failure::new)?;
    let typed = |value: &Json| format!("{}\n", python_text(value).trim_end_matches('\n')).into_bytes();
    let answers = match answer {
        Json::Array(all) => Answers::Rest(all.iter().map(typed).collect::<Vec<_>>().into_iter()),
        one => Answers::Same(typed(one)),
    };
    Ok(Question { asked, pattern, answers })
}

/// The question that is asked first in what was heard (of two at one place, the first in the list), and where it ends.
fn first(questions: &[Question], heard: &[u8]) -> Option<(usize, usize)> {
    let text = String::from_utf8_lossy(heard);
    let found = questions.iter().enumerate().filter_map(|(number, question)| {
        let whole = question.pattern.search(&text)?.get(0)?;
        Some((whole.start(), number, whole.end()))
    });
    let (_, number, end) = found.min_by_key(|(start, number, _)| (*start, *number))?;
    Some((number, byte_at(heard, end)))
}

/// The place in `bytes` of a place in their text, where each piece that is not UTF-8 is one replacement character.
fn byte_at(bytes: &[u8], place: usize) -> usize {
    let (mut text, mut at) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        if place <= text + chunk.valid().len() {
            return at + place - text;
        }
        text += chunk.valid().len();
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            text += char::REPLACEMENT_CHARACTER.len_utf8();
            at += chunk.invalid().len();
        }
    }
    at
}

/// The words of a command line: blanks between words, quotes around blanks, a backslash before any character outside quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.get_or_insert_default().extend(characters.next()),
            '\'' | '"' => {
                word.get_or_insert_default().extend(characters.by_ref().take_while(|c| *c != character));
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<Expect>();

    fn host() -> Fake {
        Fake::new().file_mode("/bin/ask", "", 0o755).answer("/bin/ask", 0, "Name? Again: Name? \r\n")
    }

    #[test]
    fn questions_are_answered_in_the_order_they_come() {
        let mut host = host();
        let args = json!({"command": "/bin/ask", "responses": {"(?i)again.": ["yes\n"], "Name\\?": ["a", 7]}});
        let out = case(&ENTRY, args, &mut host).expect("it runs");
        assert_eq!(host.log().said, ["a\n", "yes\n", "7\n"]);
        assert_eq!((&out.values["rc"], &out.values["stdout"]), (&json!(0), &json!("Name? Again: Name? ")));
        let few = json!({"command": "/bin/ask", "responses": {"Name": ["a"]}});
        let failed = case(&ENTRY, few, &mut host).expect_err("no answer is left");
        assert_eq!(failed.msg, "No remaining responses for 'Name', output was '? Again: Name'");
    }

    #[test]
    fn what_keeps_it_from_running() {
        let mut host = host();
        let mut failure = |change: Json| {
            let mut args = json!({"command": "/bin/ask", "responses": {"a": "b"}});
            for (name, value) in change.as_object().expect("arguments") {
                args[name] = value.clone();
            }
            run(&ENTRY, args, &mut host, false).expect_err("it does not run")
        };
        let empty = failure(json!({"command": " "}));
        assert_eq!((empty.msg.as_str(), &empty.values["rc"]), ("no command given", &json!(256)));
        assert_eq!(failure(json!({"command": "/none"})).msg, "The command was not found or was not executable: /none.");
        assert!(failure(json!({"timeout": "soon"})).msg.starts_with("argument 'timeout' is of type str and"));
        let out = run(&ENTRY, json!({"command": "/bin/ask", "responses": {}, "creates": "/bin/ask"}), &mut host, false);
        assert_eq!(out.expect("skipped").values["stdout"], "skipped, since /bin/ask exists");
    }

    #[test]
    fn places_in_text_that_is_not_utf8() {
        let bytes = b"a\xe8b\xc3\xa9?";
        let text = String::from_utf8_lossy(bytes);
        let place = |needle| byte_at(bytes, text.find(needle).expect("it is there"));
        assert_eq!((place('b'), place('?')), (2, 5));
    }

    #[test]
    fn words_of_command_lines() {
        for (line, expected) in [
            ("a  b", vec!["a", "b"]),
            (r#"/bin/sh -c 'pwd && sleep 1'"#, vec!["/bin/sh", "-c", "pwd && sleep 1"]),
            (r#"a\ b "c\d"e '' "#, vec!["a b", r"c\de", ""]),
        ] {
            assert_eq!(words(line), expected);
        }
    }
}
