//! `community.general.git_config`: settings of git.

use crate::contract::{Arg, Call, Diff, DiffSide, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, plain_english, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use serde_json::json;

pub struct GitConfig;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    repo: Option<String>,
    file: Option<String>,
    add_mode: String,
    scope: Option<String>,
    state: String,
    value: Option<String>,
}

pub struct Work {
    command: Command,
    outcome: Outcome,
}

impl Module for GitConfig {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[
            Rule::RequiredIf { arg: "scope", value: Literal::Str("local"), required: &["repo"], any: false },
            Rule::RequiredIf { arg: "scope", value: Literal::Str("file"), required: &["file"], any: false },
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["value"], any: false },
        ],
        examples: "- name: An alias for everybody\n  community.general.git_config:\n    name: alias.ci\n    scope: system\n    value: commit\n\n- name: Our address in one repository\n  community.general.git_config:\n    name: user.email\n    repo: /srv/app\n    scope: local\n    value: root@example.com\n",
        returns: &[Return { name: "msg", when: "always", doc: "Whether the setting changed." }],
        ..ModuleSpec::new(
            "community.general.git_config",
            "Settings of git.",
            &[
                Arg::str("name").required().doc("The setting."),
                Arg::path("repo").doc("The repository, for the scope `local`."),
                Arg::path("file").doc("The file, for the scope `file`."),
                Arg::str("add_mode")
                    .choices(&["add", "replace-all"])
                    .default(Literal::Str("replace-all"))
                    .doc("Beside the values that are there, or in their place."),
                Arg::str("scope")
                    .choices(&["file", "local", "global", "system"])
                    .doc("Whose setting; the system's if not given."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is set."),
                Arg::str("value").doc("The value."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let unset = args.state == "absent";
        let value = args.value.unwrap_or_default();
        if !unset && value.is_empty() {
            return Err(Failure::new(
                "If state=present, a value must be specified. Use the community.general.git_config_info module to read a config value.",
            ));
        }
        let scope = args.scope.as_deref().unwrap_or("system");
        let place = match scope {
            "file" => vec!["-f".to_owned(), args.file.unwrap_or_default()],
            scope => vec![format!("--{scope}")],
        };
        // Elsewhere than in a repository, so that its settings do not get in.
        let cwd = args.repo.filter(|_| scope == "local").unwrap_or_else(|| "/".to_owned());
        let git = Command::new(required(host, "git")?).args(["config", "--includes"]).args(place).cwd(cwd);
        let git = plain_english(git);
        let ask = git.clone().args(["--get-all", &args.name]);
        let out = query(host, &ask)?;
        // 1: not set.
        if out.rc >= 2 {
            return Err(Failure::new(out.stderr_text()).with("rc", out.rc).with("cmd", ask.display()));
        }
        let text = out.stdout_text();
        let old: Vec<&str> = text.trim_end().lines().collect();
        if unset && text.is_empty() {
            return Ok(Plan::Done(Outcome::unchanged().with("msg", "no setting to unset")));
        }
        let add = args.add_mode == "add";
        if !unset && old.contains(&value.as_str()) && (old.len() == 1 || add) {
            return Ok(Plan::Done(Outcome::unchanged().with("msg", "")));
        }
        let command = if unset {
            git.args(["--unset-all", &args.name])
        } else {
            git.args([&format!("--{}", args.add_mode), &args.name, &value])
        };
        let after: Vec<&str> = match (unset, add) {
            (true, _) => Vec::new(),
            (false, true) => old.iter().copied().chain([value.as_str()]).collect(),
            (false, false) => vec![&value],
        };
        let mut outcome = Outcome::changed(true).with("msg", "setting changed");
        outcome.diff.push(Diff {
            before: Some(side(&old)),
            after: Some(side(&after)),
            before_header: Some(command.display()),
            after_header: Some(command.display()),
            prepared: None,
        });
        Ok(Plan::Work(Work { command, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &work.command)?;
        let err = out.stderr_text();
        if !out.ok() || !err.is_empty() {
            let cmd: Vec<String> = std::iter::once(work.command.program.display().to_string())
                .chain(work.command.args.iter().cloned())
                .collect();
            return Err(Failure::new(err).with("rc", out.rc).with("cmd", cmd));
        }
        Ok(work.outcome)
    }
}

fn side(values: &[&str]) -> DiffSide {
    match values {
        [] => json!("\n"),
        [one] => json!(format!("{one}\n")),
        more => json!(more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};

    const CONFIG: Entry = Entry::of::<GitConfig>();

    #[test]
    fn set_added_and_unset() {
        let get = "git config --includes --global --get-all core.editor";
        let mut host = Fake::new()
            .answer(get, 1, "")
            .effect("git config --includes --global --replace-all core.editor vim", 0, "", move |h| {
                h.set_answer(get, 0, "vim\n");
            })
            .effect("git config --includes --global --add core.editor ed", 0, "", move |h| {
                h.set_answer(get, 0, "vim\ned\n");
            })
            .effect("git config --includes --global --unset-all core.editor", 0, "", move |h| h.set_answer(get, 1, ""));
        let args = |value: &str, mode: &str| json!({"name": "core.editor", "scope": "global", "value": value, "add_mode": mode});
        let out = case(&CONFIG, args("vim", "replace-all"), &mut host).unwrap();
        assert_eq!((&out.diff[0].before, &out.values["msg"]), (&Some(json!("\n")), &json!("setting changed")));
        let out = case(&CONFIG, args("ed", "add"), &mut host).unwrap();
        assert_eq!(out.diff[0].after, Some(json!(["vim", "ed"])));
        let gone = json!({"name": "core.editor", "scope": "global", "state": "absent"});
        assert!(case(&CONFIG, gone.clone(), &mut host).unwrap().changed);
        assert_eq!(run(&CONFIG, gone, &mut host, false).unwrap().values["msg"], "no setting to unset");
    }

    #[test]
    fn refusals() {
        let mut host = Fake::new().answer_err("git ...", 128, "", "fatal: no\n");
        let mut failed = |args| run(&CONFIG, args, &mut host, true).unwrap_err().msg;
        assert_eq!(failed(json!({"name": "a.b", "value": "c"})), "fatal: no\n");
        assert!(failed(json!({"name": "a.b", "value": ""})).starts_with("If state=present, a value must"));
        assert_eq!(
            failed(json!({"name": "a.b", "value": "c", "scope": "local"})),
            "scope is local but all of the following are missing: repo"
        );
    }
}
