//! `community.general.alternatives`: which of several programs a general name stands for.

use crate::contract::{Arg, ArgType, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome};
use crate::contract::{Plan, Return, Rule};
use crate::host::steps::{Steps, query, required};
use crate::host::{Change, Command, Observe};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

pub struct Alternatives;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    path: Option<String>,
    family: Option<String>,
    link: Option<String>,
    priority: Option<i64>,
    state: State,
    subcommands: Option<Vec<Subcommand>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Selected,
    Auto,
    Absent,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Subcommand {
    name: String,
    path: String,
    link: Option<String>,
}

impl Module for Alternatives {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[Rule::RequiredOneOf(&["path", "family"])],
        examples: "- name: Edit with vim\n  community.general.alternatives:\n    name: editor\n    path: /usr/bin/vim.basic\n\n- name: Offer a program under a general name, without selecting it\n  community.general.alternatives:\n    name: app\n    link: /usr/bin/app\n    path: /opt/app-2/bin/app\n    priority: 20\n    state: present\n",
        returns: &[Return { name: "msg", when: "always", doc: "What was done." }],
        differs: "Negative priorities are read too, so a second run changes nothing.",
        ..ModuleSpec::new(
            "community.general.alternatives",
            "Which of several programs a general name stands for.",
            &[
                Arg::str("name").required().doc("The general name."),
                Arg::path("path").doc("What the name is to stand for."),
                Arg::str("family").doc("A group of alternatives that belong together (Red Hat)."),
                Arg::path("link").doc("The link that stands for the name."),
                Arg::int("priority").doc("Priority; 50 for a new alternative."),
                Arg::str("state")
                    .choices(&["present", "selected", "absent", "auto"])
                    .default(Literal::Str("selected"))
                    .doc("Installed, selected, chosen by priority, or gone."),
                Arg::list("subcommands", ArgType::Dict)
                    .aliases(&["slaves"])
                    .options(&[
                        Arg::str("name").required().doc("Its general name."),
                        Arg::path("path").required().doc("What it stands for."),
                        Arg::path("link").required().doc("Its link."),
                    ])
                    .doc("Links that follow this one."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Steps>, Failure> {
        let tool = required(host, "update-alternatives")?;
        let command = || Command::new(&tool).env("LC_ALL", "C");
        let out = query(host, &command().args(["--display", &args.name]))?;
        let now = if out.ok() { Display::read(&out.stdout_text(), &args) } else { Display::default() };
        let mut steps = Steps::default();
        let mut messages: Vec<String> = Vec::new();
        let mut after = JsonMap::new();
        let name = args.name.as_str();
        let present = args.path.as_ref().and_then(|path| now.alternatives.get(path));
        match (&args.path, args.state) {
            (Some(path), State::Absent) if present.is_some() => {
                steps.run(command().args(["--remove", name, path]));
                messages.push(format!("Remove alternative '{path}' from '{name}'."));
                after = JsonMap::from_iter([("state".to_owned(), "absent".into())]);
            }
            (_, State::Absent) => {}
            (path, _) => {
                if let Some(path) = path
                    && present.is_none_or(|p| p.differs(&args))
                {
                    steps.run(now.install(command(), path, &args, host, &mut after)?);
                    messages.push(format!("Install alternative '{path}' for '{name}'."));
                }
                if args.state == State::Selected && !now.is_selected(&args) {
                    let chosen = path.as_ref().or(args.family.as_ref()).map(String::as_str).unwrap_or_default();
                    steps.run(command().args(["--set", name, chosen]));
                    messages.push(format!("Set alternative '{chosen}' for '{name}'."));
                    after.insert("state".to_owned(), "selected".into());
                }
                if args.state == State::Auto && now.mode.as_deref() == Some("manual") {
                    steps.run(command().args(["--auto", name]));
                    messages.push(format!("Set alternative to auto for '{name}'."));
                    after.insert("state".to_owned(), "present".into());
                }
            }
        }
        let changed = !steps.steps.is_empty();
        let mut outcome = Outcome::changed(changed).with("msg", messages.join(" "));
        outcome.diff.push(if call.diff { Diff::data(now.before(&args, out.ok()), after) } else { empty() });
        steps.outcome = outcome;
        Ok(if changed { Plan::Work(steps) } else { Plan::Done(steps.outcome) })
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

fn empty() -> Diff {
    Diff::data(JsonMap::new(), JsonMap::new())
}

/// What `update-alternatives --display` tells.
#[derive(Debug, Default, PartialEq)]
struct Display {
    mode: Option<String>,
    path: Option<String>,
    link: Option<String>,
    alternatives: BTreeMap<String, Alternative>,
}

#[derive(Debug, Default, PartialEq)]
struct Alternative {
    family: Option<String>,
    priority: i64,
    subcommands: Vec<Subcommand>,
}

impl Alternative {
    fn differs(&self, args: &Args) -> bool {
        let all_in = |a: &[Subcommand], b: &[Subcommand]| a.iter().all(|s| b.contains(s));
        args.priority.is_some_and(|p| p != self.priority)
            || args
                .subcommands
                .as_ref()
                .is_some_and(|wanted| !all_in(wanted, &self.subcommands) || !all_in(&self.subcommands, wanted))
    }
}

impl Display {
    fn read(text: &str, args: &Args) -> Self {
        let mut now = Display::default();
        let mut links: BTreeMap<&str, &str> = BTreeMap::new();
        let mut last: Option<String> = None;
        for line in text.lines() {
            let rest = line.trim();
            let follower = rest.strip_prefix("slave ").or_else(|| rest.strip_prefix("follower "));
            if let Some(follower) = follower {
                if let Some((name, link)) = follower.split_once(" is ") {
                    links.insert(name, link);
                } else if let (Some((name, path)), Some(at)) = (follower.rsplit_once(": "), &last)
                    && path != "(null)"
                    && let Some(alternative) = now.alternatives.get_mut(at)
                {
                    let sub = Subcommand { name: name.to_owned(), path: path.to_owned(), link: None };
                    alternative.subcommands.push(sub);
                }
            } else if let Some(path) = rest.strip_prefix("link currently points to ") {
                now.path.get_or_insert_with(|| path.to_owned());
            } else if let Some((_, link)) =
                rest.strip_prefix("link ").and_then(|r| r.split_once(" is ")).filter(|(word, _)| !word.contains(' '))
            {
                now.link.get_or_insert_with(|| link.to_owned());
            } else if let Some((path, about)) = line.rsplit_once(" - ") {
                match alternative(about).filter(|_| path.starts_with('/')) {
                    Some(found) => {
                        now.alternatives.insert(path.to_owned(), found);
                        last = Some(path.to_owned());
                    }
                    None if now.mode.is_none() => now.mode = mode(about),
                    None => {}
                }
            }
        }
        if now.mode.is_none() {
            return Display::default();
        }
        // Displays of some versions leave the links of followers out: those given hold then.
        if links.is_empty() {
            let given = args.subcommands.iter().flatten();
            links.extend(given.filter_map(|s| Some((s.name.as_str(), s.link.as_deref()?))));
        }
        for sub in now.alternatives.values_mut().flat_map(|a| &mut a.subcommands) {
            sub.link = links.get(sub.name.as_str()).map(|l| (*l).to_owned());
        }
        now
    }

    fn is_selected(&self, args: &Args) -> bool {
        let Some(path) = &self.path else { return false };
        let family = self.alternatives.get(path).and_then(|a| a.family.as_ref());
        args.path.as_ref() == Some(path) || family.is_some() && family == args.family.as_ref()
    }

    fn install(
        &self,
        command: Command,
        path: &str,
        args: &Args,
        host: &dyn Observe,
        after: &mut JsonMap,
    ) -> Result<Command, Failure> {
        if host.stat(Path::new(path)).is_err() {
            return Err(Failure::new(format!("Specified path {path} does not exist")));
        }
        let Some(link) = args.link.as_ref().or(self.link.as_ref()).filter(|l| !l.is_empty()) else {
            let msg = "Needed to install the alternative, but unable to do so as we are missing the link";
            return Err(Failure::new(msg));
        };
        let old = self.alternatives.get(path);
        let priority = args.priority.or(old.map(|a| a.priority)).unwrap_or(50);
        let mut command = command.args(["--install", link, &args.name, path, &priority.to_string()]);
        if let Some(family) = &args.family {
            command = command.args(["--family", family]);
        }
        for sub in args.subcommands.iter().flatten() {
            command = command.args(["--slave", sub.link.as_deref().unwrap_or_default(), &sub.name, &sub.path]);
        }
        after.extend([
            ("state".to_owned(), "present".into()),
            ("path".to_owned(), path.into()),
            ("family".to_owned(), args.family.clone().into()),
            ("priority".to_owned(), priority.into()),
            ("link".to_owned(), link.as_str().into()),
        ]);
        let subs = args.subcommands.as_ref().or(old.map(|a| &a.subcommands)).filter(|s| !s.is_empty());
        after.extend(subs.map(|s| ("subcommands".to_owned(), list(s))));
        Ok(command)
    }

    /// The state before, for the diff; empty where the name is not known.
    fn before(&self, args: &Args, known: bool) -> JsonMap {
        let mut before = JsonMap::new();
        if !known || self.mode.is_none() {
            return before;
        }
        let Some((path, now)) = args.path.as_ref().and_then(|p| self.alternatives.get_key_value(p)) else {
            before.insert("state".to_owned(), "absent".into());
            return before;
        };
        let other = self.mode.as_deref() == Some("manual") && self.path.as_ref() != Some(path);
        before.extend([
            ("state".to_owned(), if other { "selected" } else { "present" }.into()),
            ("path".to_owned(), path.as_str().into()),
            ("priority".to_owned(), now.priority.into()),
            ("link".to_owned(), self.link.clone().into()),
        ]);
        if !now.subcommands.is_empty() {
            before.insert("subcommands".to_owned(), list(&now.subcommands));
        }
        before
    }
}

fn list(subcommands: &[Subcommand]) -> Json {
    serde_json::to_value(subcommands).unwrap_or_default()
}

/// `[family NAME] priority N`.
fn alternative(about: &str) -> Option<Alternative> {
    let mut words = about.split_whitespace();
    let mut family = None;
    let mut word = words.next()?;
    if word == "family" {
        family = words.next().map(str::to_owned);
        word = words.next()?;
    }
    let priority = (word == "priority").then(|| words.next())??.trim_end_matches('.').parse().ok()?;
    Some(Alternative { family, priority, subcommands: Vec::new() })
}

/// `auto mode`, `status is auto.`
fn mode(about: &str) -> Option<String> {
    let about = about.strip_prefix("status is ").unwrap_or(about);
    let word = about.strip_suffix(" mode").or_else(|| about.strip_suffix('.'))?;
    (!word.contains(' ')).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const ALTERNATIVES: Entry = Entry::of::<Alternatives>();
    const SHOW: &str = "update-alternatives --display app";
    const ONE: &str = "app - auto mode\n  link best version is /opt/a\n  link currently points to /opt/a\n  link app is /usr/bin/app\n  slave app.1 is /usr/share/man/app.1\n/opt/a - priority 10\n  slave app.1: /opt/a.1\n";

    fn manual(current: &str) -> String {
        format!(
            "app - manual mode\n  link best version is /opt/a\n  link currently points to {current}\n  link app is /usr/bin/app\n/opt/a - priority 10\n/opt/b - priority 5\n"
        )
    }

    fn host() -> Fake {
        Fake::new().file("/opt/a", "").file("/opt/b", "").answer(SHOW, 0, ONE)
    }

    #[test]
    fn installs_and_selects() {
        let mut host = host().effect("update-alternatives --install /usr/bin/app app /opt/b 5", 0, "", |_| {}).effect(
            "update-alternatives --set app /opt/b",
            0,
            "",
            |h| h.set_answer(SHOW, 0, &manual("/opt/b")),
        );
        let out = case(&ALTERNATIVES, json!({"name": "app", "path": "/opt/b", "priority": 5}), &mut host).unwrap();
        assert_eq!(out.values["msg"], "Install alternative '/opt/b' for 'app'. Set alternative '/opt/b' for 'app'.");
        let side = |s: &Option<Json>| s.clone().unwrap();
        assert_eq!(side(&out.diff[0].before), json!({"state": "absent"}));
        assert_eq!(
            side(&out.diff[0].after),
            json!({"state": "selected", "path": "/opt/b", "family": null, "priority": 5, "link": "/usr/bin/app"})
        );
    }

    #[test]
    fn back_to_auto_and_away() {
        let mut host = host()
            .answer(SHOW, 0, &manual("/opt/b"))
            .effect("update-alternatives --auto app", 0, "", |h| h.set_answer(SHOW, 0, ONE));
        let args = json!({"name": "app", "path": "/opt/a", "state": "auto"});
        assert_eq!(case(&ALTERNATIVES, args, &mut host).unwrap().values["msg"], "Set alternative to auto for 'app'.");
        let mut host = host.effect("update-alternatives --remove app /opt/a", 0, "", |h| h.set_answer(SHOW, 2, ""));
        let args = json!({"name": "app", "path": "/opt/a", "state": "absent"});
        assert!(case(&ALTERNATIVES, args, &mut host).unwrap().changed);
    }

    #[test]
    fn followers_that_are_the_same() {
        let sub = json!([{"name": "app.1", "path": "/opt/a.1", "link": "/usr/share/man/app.1"}]);
        let args = json!({"name": "app", "path": "/opt/a", "slaves": sub});
        assert!(!case(&ALTERNATIVES, args, &mut host()).unwrap().changed);
    }

    #[test]
    fn what_is_missing() {
        let mut host = host().answer(SHOW, 2, "");
        let mut failed = |path: &str| {
            let args = json!({"name": "app", "path": path});
            run(&ALTERNATIVES, args, &mut host, false).unwrap_err().msg
        };
        assert_eq!(failed("/opt/z"), "Specified path /opt/z does not exist");
        assert!(failed("/opt/b").ends_with("missing the link"));
    }
}
