//! `debconf`: answers to the questions that Debian packages ask when configured.

use crate::contract::{Arg, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;

pub struct Debconf;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    question: Option<String>,
    vtype: Option<String>,
    value: Option<Json>,
    unseen: bool,
}

pub struct Work {
    command: Command,
    outcome: Outcome,
}

impl Module for Debconf {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[Rule::RequiredTogether(&["question", "vtype", "value"])],
        examples: "- name: Answer a question before the package is installed\n  ansible.builtin.debconf:\n    name: locales\n    question: locales/default_environment_locale\n    value: en_US.UTF-8\n    vtype: select\n",
        ..ModuleSpec::new(
            "ansible.builtin.debconf",
            "Sets answers to debconf questions.",
            &[
                Arg::str("name").required().aliases(&["pkg"]).doc("Name of the package."),
                Arg::str("question").aliases(&["selection", "setting"]).doc("The question."),
                Arg::str("vtype")
                    .choices(&[
                        "boolean",
                        "error",
                        "multiselect",
                        "note",
                        "password",
                        "seen",
                        "select",
                        "string",
                        "text",
                        "title",
                    ])
                    .doc("Type of the answer."),
                Arg::raw("value").aliases(&["answer"]).doc("The answer."),
                Arg::bool("unseen").default(Literal::Bool(false)).doc("Leave the question to be asked."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let now = selections(&args.name, host)?;
        let (Some(question), Some(vtype), Some(value)) = (&args.question, &args.vtype, &args.value) else {
            return Ok(Plan::Done(Outcome::unchanged().with("msg", "").with("current", now)));
        };
        if let (Json::Array(items), "multiselect") = (value, vtype.as_str())
            && let Some(odd) = items.iter().position(|item| !item.is_string())
        {
            let msg = format!("Invalid value provided for 'multiselect': item {odd} is {}, not a text", items[odd]);
            return Err(Failure::new(msg));
        }
        let wanted = wanted_text(vtype, value);
        let same = match (now.get(question).and_then(Json::as_str), vtype.as_str()) {
            (None, _) => false,
            (Some(is), "boolean") => is.to_lowercase() == wanted,
            (Some(_), "password") => password(&args.name, question, host)?.as_deref() == Some(wanted.as_str()),
            (Some(is), "multiselect") if value.is_array() => sorted(is) == sorted(&wanted),
            (Some(is), _) => is == wanted,
        };
        if same {
            return Ok(Plan::Done(Outcome::unchanged().with("msg", "").with("current", now)));
        }
        let shown = if vtype == "boolean" { Json::from(wanted.as_str()) } else { value.clone() };
        let mut current = JsonMap::new();
        current.insert(question.clone(), shown.clone());
        let previous = match now.get(question) {
            Some(is) => JsonMap::from_iter([(question.clone(), is.clone())]),
            None => {
                let mut all = now;
                all.insert(question.clone(), "".into());
                all
            }
        };
        let mut outcome = Outcome::changed(true).with("msg", "").with("current", current);
        if call.diff {
            let mut after = previous.clone();
            after.insert(question.clone(), shown);
            outcome.diff.push(Diff::data(previous.clone(), after));
        }
        outcome.set("previous", previous);
        let mut command = Command::new(required(host, "debconf-set-selections")?);
        if args.unseen {
            command = command.arg("-u");
        }
        let command = command.stdin(format!("{} {question} {vtype} {wanted}", args.name));
        Ok(Plan::Work(Work { command, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &work.command)?;
        if !out.ok() {
            return Err(Failure::new(out.stderr_text()));
        }
        Ok(work.outcome.with("msg", out.stdout_text()))
    }
}

/// The answer as debconf writes it.
fn wanted_text(vtype: &str, value: &Json) -> String {
    let text = |v: &Json| {
        v.as_str().map_or_else(
            || {
                crate::contract::coerce(crate::contract::ArgType::Str, v.clone())
                    .ok()
                    .and_then(|v| v.as_str().map(str::to_owned))
                    .unwrap_or_default()
            },
            str::to_owned,
        )
    };
    match value {
        Json::Array(items) if vtype == "multiselect" => {
            let mut items: Vec<String> = items.iter().map(text).collect();
            items.sort();
            items.join(", ")
        }
        other if vtype == "boolean" => text(other).to_lowercase(),
        other => text(other),
    }
}

fn sorted(list: &str) -> Vec<&str> {
    let mut items: Vec<&str> = list.split(',').map(str::trim).collect();
    items.sort_unstable();
    items
}

fn selections(package: &str, host: &dyn Observe) -> Result<JsonMap, Failure> {
    let out = query(host, &Command::new(required(host, "debconf-show")?).arg(package))?;
    if !out.ok() {
        return Err(Failure::new(out.stderr_text()));
    }
    Ok(out
        .stdout_text()
        .lines()
        .filter_map(|l| l.split_once(':'))
        .map(|(k, v)| (k.trim_matches('*').trim().to_owned(), v.trim().into()))
        .collect())
}

/// debconf-show hides passwords; debconf-get-selections (of debconf-utils) tells them.
fn password(package: &str, question: &str, host: &dyn Observe) -> Result<Option<String>, Failure> {
    let out = query(host, &Command::new(required(host, "debconf-get-selections")?))?;
    if !out.ok() {
        return Err(Failure::new(format!(
            "Failed to get the value '{question}' from '{package}': {}",
            out.stderr_text()
        )));
    }
    let text = out.stdout_text();
    let mut lines = text.lines().filter(|l| l.starts_with(package)).map(|l| l.split('\t').collect::<Vec<_>>());
    Ok(lines.find(|f| f.len() > 3 && f[1] == question && f[2] == "password").map(|f| f[3].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    #[test]
    fn sets_an_answer_that_differs() {
        let entry = Entry::of::<Debconf>();
        let mut host = Fake::new()
            .file_mode("/usr/bin/debconf-show", "", 0o755)
            .file_mode("/usr/bin/debconf-set-selections", "", 0o755)
            .answer("/usr/bin/debconf-show pkg", 0, "* pkg/on: false\n  pkg/list: b, a\n")
            .effect("/usr/bin/debconf-set-selections", 0, "", |h| {
                h.set_answer("/usr/bin/debconf-show pkg", 0, "* pkg/on: true\n  pkg/list: b, a\n");
            });
        let args = json!({"name": "pkg", "question": "pkg/on", "vtype": "boolean", "value": true});
        let out = case(&entry, args, &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(
            (&out.values["current"], &out.values["previous"]),
            (&json!({"pkg/on": "true"}), &json!({"pkg/on": "false"}))
        );
        let args = json!({"name": "pkg", "question": "pkg/list", "vtype": "multiselect", "value": ["a", "b"]});
        assert!(!case(&entry, args, &mut host).unwrap().changed);
    }
}
