//! `community.general.pamd`: rules of a PAM service, found by type, control and module.

use crate::contract::python_error;
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::files::shared::{backup, real_path};
use crate::host::{Change, Observe, WriteOptions, clock};
use crate::text::{Flags, Pattern};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Pamd;

const TYPES: &[&str] = &["account", "-account", "auth", "-auth", "password", "-password", "session", "-session"];
const CONTROLS: &[&str] = &["required", "requisite", "sufficient", "optional", "include", "substack", "definitive"];
const VALUES: &[&str] = &[
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
    "default",
];
const ACTIONS: &[&str] = &["ignore", "bad", "die", "ok", "done", "reset"];
const MARK: &str = "# Updated by Ansible";

#[derive(Deserialize)]
pub struct Args {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    control: String,
    module_path: String,
    new_type: Option<String>,
    new_control: Option<String>,
    new_module_path: Option<String>,
    module_arguments: Option<Vec<String>>,
    state: State,
    path: String,
    backup: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Absent,
    After,
    ArgsAbsent,
    ArgsPresent,
    Before,
    Updated,
}

pub struct Work {
    path: PathBuf,
    content: String,
    backup: bool,
    outcome: Outcome,
}

impl Module for Pamd {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("args_present"),
                required: &["module_arguments"],
                any: false,
            },
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("args_absent"),
                required: &["module_arguments"],
                any: false,
            },
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("before"),
                required: &["new_control", "new_type", "new_module_path"],
                any: false,
            },
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("after"),
                required: &["new_control", "new_type", "new_module_path"],
                any: false,
            },
        ],
        examples: r#"
- name: No message of the day from programs
  community.general.pamd:
    name: sshd
    type: session
    control: optional
    module_path: pam_motd.so
    module_arguments: noupdate
    state: args_absent

- name: Ask for a second factor
  community.general.pamd:
    name: common-auth
    type: auth
    control: requisite
    module_path: pam_sss.so
    new_type: auth
    new_control: '[success=1 default=ignore]'
    new_module_path: /lib64/security/pam_duo.so
    state: after
"#,
        returns: &[
            Return { name: "change_count", when: "success", doc: "How many rules were changed." },
            Return { name: "backupdest", when: "success", doc: "Name of the backup; empty if there is none." },
        ],
        differs: "Arguments are added in the order they are given. A line that is no rule is told, not a crash.",
        ..ModuleSpec::new(
            "community.general.pamd",
            "Rules of a PAM service.",
            &[
                Arg::str("name").required().doc("The service: a file name below `path`."),
                Arg::str("type").required().choices(TYPES).doc("Type of the rules meant."),
                Arg::str("control").required().doc("Control of the rules meant, as the file has it."),
                Arg::str("module_path").required().doc("Module of the rules meant."),
                Arg::str("new_type").choices(TYPES).doc("Their type from now on, or that of a new rule."),
                Arg::str("new_control").doc("Their control from now on, or that of a new rule."),
                Arg::str("new_module_path").doc("Their module from now on, or that of a new rule."),
                Arg::list("module_arguments", ArgType::Str).doc("Arguments to set, to add or to take away."),
                Arg::str("state")
                    .choices(&["absent", "after", "args_absent", "args_present", "before", "updated"])
                    .default(Literal::Str("updated"))
                    .doc("Change the rules, their arguments only, take them away, or put a new rule beside each."),
                Arg::path("path").default(Literal::Str("/etc/pam.d")).doc("Where services are kept."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let path = PathBuf::from(format!("{}/{}", args.path.trim_end_matches('/'), args.name));
        let text = host.read_text(&path).map_err(|e| {
            let why = python_error(&e);
            let name = path.display();
            Failure::new(format!("Unable to open/read PAM module file {name} with error {why}: '{name}'."))
        })?;
        let mut service = Service::read(&text)?;
        let count = service.change(&args)?;
        service.check()?;
        let outcome = Outcome::changed(count > 0).with("change_count", count).with("backupdest", "");
        if count == 0 {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { path, content: service.print(host), backup: args.backup, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { path, content, backup: keep, mut outcome } = work;
        if keep {
            outcome.set("backupdest", backup(host, &path)?);
        }
        let target = real_path(host.observe(), &path);
        host.write(&target, &mut content.as_bytes(), &WriteOptions::default())
            .map_err(|e| Failure::io(format!("cannot write {}", path.display()), &e))?;
        Ok(outcome)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Line {
    /// A comment or nothing: looked over when searching for a neighbour.
    Filler(String),
    Include(String),
    Rule(PamRule),
}

#[derive(Clone, Debug, PartialEq)]
struct PamRule {
    kind: String,
    control: String,
    module: String,
    args: Vec<String>,
}

impl PamRule {
    fn new(kind: &str, control: &str, module: &str, args: Vec<String>) -> Self {
        let mut rule = PamRule { kind: kind.into(), control: String::new(), module: module.into(), args };
        rule.set_control(control);
        rule
    }

    fn set_control(&mut self, control: &str) {
        self.control = if control.starts_with('[') {
            format!("[{}]", control.replace(" = ", "=").replace(['[', ']'], ""))
        } else {
            control.to_owned()
        };
    }

    fn fits(&self, kind: &str, control: &str, module: &str) -> bool {
        self.kind == kind && self.control == control && self.module == module
    }

    fn print(&self) -> String {
        let mut line = format!("{: <11}{} {}", self.kind, self.control, self.module);
        for arg in &self.args {
            line.push(' ');
            line.push_str(arg);
        }
        line
    }

    fn check(&self) -> Result<(), Failure> {
        let fail = |what: String| Err(Failure::new(format!("{what}, is not valid in rule {}", self.print())));
        if !TYPES.contains(&self.kind.as_str()) {
            return fail(format!("Rule type, {}", self.kind));
        }
        let Some(inner) = self.control.strip_prefix('[').and_then(|c| c.strip_suffix(']')) else {
            if CONTROLS.contains(&self.control.as_str()) {
                return Ok(());
            }
            return fail(format!("Rule control, {}", self.control));
        };
        for part in inner.split(' ') {
            let Some((value, action)) = part.split_once('=') else {
                return fail(format!("Rule control value, {part}"));
            };
            if !VALUES.contains(&value) {
                return fail(format!("Rule control value, {value}"));
            }
            if !ACTIONS.contains(&action) && action.parse::<u64>().is_err() {
                return fail(format!("Rule control action, {action}"));
            }
        }
        Ok(())
    }
}

/// The lines of a service in a chain, so that rules found first stay found while others come and go. A rule put beside
/// another takes the place of the comments between the two, as the reference has it.
struct Service {
    lines: Vec<Link>,
    head: Option<usize>,
    tail: Option<usize>,
}

struct Link {
    line: Line,
    prev: Option<usize>,
    next: Option<usize>,
}

impl Service {
    fn read(text: &str) -> Result<Self, Failure> {
        let pattern =
            Pattern::new(r"(-?(?:auth|account|session|password))\s+(\[.*\]|\S*)\s+(\S*)\s*(.*)\s*", Flags::default())
                .map_err(Failure::new)?;
        let mut service = Service { lines: Vec::new(), head: None, tail: None };
        for text in text.lines() {
            let start = text.trim_start();
            let line = if start.is_empty() || start.starts_with('#') {
                Line::Filler(text.to_owned())
            } else if start.starts_with("@include") {
                Line::Include(text.to_owned())
            } else {
                let found = pattern.search(text).ok_or_else(|| Failure::new(format!("Rule is not valid {text}")))?;
                let part = |n: usize| found.get(n).map_or("", |m| m.as_str());
                Line::Rule(PamRule::new(part(1), part(2), part(3), words(part(4))))
            };
            let at = service.add(line);
            service.lines[at].prev = service.tail;
            match service.tail {
                Some(tail) => service.lines[tail].next = Some(at),
                None => service.head = Some(at),
            }
            service.tail = Some(at);
        }
        Ok(service)
    }

    fn add(&mut self, line: Line) -> usize {
        self.lines.push(Link { line, prev: None, next: None });
        self.lines.len() - 1
    }

    fn chain(&self) -> impl Iterator<Item = usize> {
        std::iter::successors(self.head, |at| self.lines[*at].next)
    }

    fn rule(&mut self, at: usize) -> Option<&mut PamRule> {
        match &mut self.lines[at].line {
            Line::Rule(rule) => Some(rule),
            _ => None,
        }
    }

    fn fits(&self, at: usize, kind: &str, control: &str, module: &str) -> bool {
        matches!(&self.lines[at].line, Line::Rule(rule) if rule.fits(kind, control, module))
    }

    /// Does what is asked for and counts the rules that changed.
    fn change(&mut self, args: &Args) -> Result<usize, Failure> {
        let found: Vec<usize> =
            self.chain().filter(|at| self.fits(*at, &args.kind, &args.control, &args.module_path)).collect();
        let given = args.module_arguments.as_ref().map(|list| all_words(list));
        let words = given.clone().unwrap_or_default();
        if args.state == State::ArgsPresent && words.iter().any(|w| w.starts_with('[')) {
            let msg = "Unable to process bracketed '[' complex arguments with 'args_present'. Please use 'updated'.";
            return Err(Failure::new(msg));
        }
        let mut count = 0;
        for at in found {
            let changed = match args.state {
                State::Before | State::After => {
                    let (kind, control) = (text(&args.new_type), text(&args.new_control));
                    let new = PamRule::new(kind, control, text(&args.new_module_path), words.clone());
                    self.insert(at, new, control, args.state == State::Before)
                }
                State::Absent => {
                    self.unlink(at);
                    true
                }
                state => self.rule(at).is_some_and(|rule| match state {
                    State::ArgsPresent => add(rule, &words),
                    State::ArgsAbsent => {
                        let before = rule.args.len();
                        rule.args.retain(|a| !words.contains(a));
                        rule.args.len() != before
                    }
                    _ => update(rule, args, given.as_ref()),
                }),
            };
            count += usize::from(changed);
        }
        Ok(count)
    }

    fn unlink(&mut self, at: usize) {
        let Link { prev, next, .. } = self.lines[at];
        match prev {
            Some(prev) => self.lines[prev].next = next,
            None => self.head = next,
        }
        if let Some(next) = next {
            self.lines[next].prev = prev;
        }
    }

    /// Puts a rule beside that at `at`, unless the next one on that side is it already.
    fn insert(&mut self, at: usize, new: PamRule, control: &str, before: bool) -> bool {
        let step = |service: &Self, at: usize| {
            if before { service.lines[at].prev } else { service.lines[at].next }
        };
        let mut beside = step(self, at);
        while let Some(filler) = beside.filter(|b| matches!(self.lines[*b].line, Line::Filler(_))) {
            beside = step(self, filler);
        }
        if beside.is_some_and(|b| self.fits(b, &new.kind, control, &new.module)) {
            return false;
        }
        let new = self.add(Line::Rule(new));
        if before {
            // With no rule before, the comments at the top stay.
            let prev = beside.or(self.lines[at].prev);
            match prev {
                Some(prev) => self.lines[prev].next = Some(new),
                None => self.head = Some(new),
            }
            self.lines[new].prev = prev;
            self.lines[new].next = Some(at);
            self.lines[at].prev = Some(new);
        } else {
            self.lines[at].next = Some(new);
            self.lines[new].prev = if beside.is_some() { Some(at) } else { self.tail };
            self.lines[new].next = beside;
            match beside {
                Some(next) => self.lines[next].prev = Some(new),
                None => self.tail = Some(new),
            }
        }
        true
    }

    fn check(&self) -> Result<(), Failure> {
        for at in self.chain() {
            match &self.lines[at].line {
                Line::Rule(rule) => rule.check()?,
                Line::Filler(text) | Line::Include(text) => {
                    if !text.trim().is_empty() && !text.starts_with(['#', '@']) {
                        return Err(Failure::new(format!("Rule is not valid {text}")));
                    }
                }
            }
        }
        Ok(())
    }

    fn print(&self, host: &dyn Observe) -> String {
        let mut lines: Vec<String> = self
            .chain()
            .map(|at| match &self.lines[at].line {
                Line::Rule(rule) => rule.print(),
                Line::Filler(text) | Line::Include(text) => text.clone(),
            })
            .collect();
        let mark = format!("{MARK} - {}", clock::local_now(host).replacen(' ', "T", 1));
        if lines.len() <= 1 {
            lines.splice(0..0, [String::new(), mark]);
        } else if lines[1].starts_with(MARK) {
            lines[1] = mark;
        } else {
            lines.insert(1, mark);
        }
        lines.join("\n") + "\n"
    }
}

fn text(given: &Option<String>) -> &str {
    given.as_deref().unwrap_or_default()
}

fn update(rule: &mut PamRule, args: &Args, given: Option<&Vec<String>>) -> bool {
    let before = rule.clone();
    let wanted = |new: &Option<String>| new.clone().filter(|n| !n.is_empty());
    let mut changed = false;
    if let Some(kind) = wanted(&args.new_type) {
        rule.kind = kind;
    }
    if let Some(control) = wanted(&args.new_control) {
        changed |= rule.control != control;
        rule.set_control(&control);
    }
    if let Some(module) = wanted(&args.new_module_path) {
        rule.module = module;
    }
    if let Some(given) = given {
        rule.args.clone_from(given);
    }
    changed || *rule != before
}

/// Adds the arguments that are missing; one with a value replaces that of the same name.
fn add(rule: &mut PamRule, words: &[String]) -> bool {
    let before = rule.args.clone();
    for word in words {
        let place = match word.split_once('=') {
            Some((name, _)) => rule.args.iter_mut().rev().find(|a| a.split_once('=').is_some_and(|(n, _)| n == name)),
            None => rule.args.iter_mut().find(|a| *a == word),
        };
        match place {
            Some(old) => old.clone_from(word),
            None => rule.args.push(word.clone()),
        }
    }
    rule.args != before
}

fn all_words(list: &[String]) -> Vec<String> {
    list.iter().flat_map(|item| words(item)).collect()
}

/// Splits at blanks; what begins with a bracket goes up to the last closing one.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let bracket = rest.starts_with('[').then(|| rest.rfind(']')).flatten().map(|i| i + 1);
        let end = bracket.or_else(|| rest.find(char::is_whitespace)).unwrap_or(rest.len());
        out.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json};
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const PAMD: Entry = Entry::of::<Pamd>();
    const FILE: &str = "/etc/pam.d/app";
    const BEFORE: &str = "# top\nauth\trequired pam_a.so x=1 y\n# between\nauth [success=1 default=ignore] pam_b.so [a b]\n@include common\n\nsession optional pam_c.so\n# end\n";

    fn args(more: Json) -> Json {
        let mut args = json!({"name": "app", "type": "auth", "control": "required", "module_path": "pam_a.so"});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    }

    /// The answers are community.general's. The mark that it leaves in the second line is left out here.
    #[test]
    fn rules() {
        let a = "# top\nauth       required pam_a.so x=1 y\n";
        let b = "auth       [success=1 default=ignore] pam_b.so [a b]\n@include common\n\n";
        let c = "session    optional pam_c.so\n# end\n";
        let new = json!({"new_type": "auth", "new_control": "optional", "new_module_path": "n.so"});
        let with = |state: &str, more: Json| {
            let mut args = args(new.clone());
            args["state"] = state.into();
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            args
        };
        let n = "auth       optional n.so\n";
        for (args, after) in [
            (
                args(json!({"new_control": "sufficient"})),
                format!("# top\nauth       sufficient pam_a.so x=1 y\n# between\n{b}{c}"),
            ),
            (
                args(json!({"module_arguments": "q [z z] w"})),
                format!("# top\nauth       required pam_a.so q [z z] w\n# between\n{b}{c}"),
            ),
            (args(json!({"module_arguments": ""})), format!("# top\nauth       required pam_a.so\n# between\n{b}{c}")),
            (
                args(json!({"module_arguments": ["x=2", "z"], "state": "args_present"})),
                format!("# top\nauth       required pam_a.so x=2 y z\n# between\n{b}{c}"),
            ),
            (
                args(json!({"module_arguments": ["y"], "state": "args_absent"})),
                format!("# top\nauth       required pam_a.so x=1\n# between\n{b}{c}"),
            ),
            (args(json!({"state": "absent"})), format!("# top\n# between\n{b}{c}")),
            (with("before", json!({})), format!("# top\n{n}{}# between\n{b}{c}", a.trim_start_matches("# top\n"))),
            (with("after", json!({})), format!("{a}{n}{b}{c}")),
            (
                with("after", json!({"type": "session", "control": "optional", "module_path": "pam_c.so"})),
                format!("{a}# between\n{b}session    optional pam_c.so\n{n}"),
            ),
            (
                with("before", json!({"control": "[success=1 default=ignore]", "module_path": "pam_b.so"})),
                format!("{a}{n}{b}{c}"),
            ),
        ] {
            let mut host = Fake::new().file(FILE, BEFORE);
            let out = case(&PAMD, args.clone(), &mut host).unwrap();
            assert_eq!((out.changed, &out.values["change_count"]), (true, &json!(1)), "{args}");
            let text = host.text(FILE);
            let kept: Vec<&str> = text.split_inclusive('\n').filter(|l| !l.starts_with(MARK)).collect();
            assert_eq!(kept.concat(), after, "{args}");
            assert!(text.lines().nth(1).unwrap().starts_with("# Updated by Ansible - 20"));
        }
    }

    #[test]
    fn nothing_to_do_and_refusals() {
        let mut host = Fake::new().file(FILE, BEFORE);
        for same in
            [json!({}), json!({"module_arguments": ["y"], "state": "args_present"}), json!({"type": "password"})]
        {
            assert!(!case(&PAMD, args(same), &mut host).unwrap().changed);
        }
        assert_eq!(host.text(FILE), BEFORE);
        let mut failed = |more| run(&PAMD, args(more), &mut host, true).unwrap_err().msg;
        assert_eq!(
            failed(json!({"new_control": "maybe"})),
            "Rule control, maybe, is not valid in rule auth       maybe pam_a.so x=1 y"
        );
        assert_eq!(
            failed(json!({"name": "no"})),
            "Unable to open/read PAM module file /etc/pam.d/no with error [Errno 2] No such file or directory: '/etc/pam.d/no'."
        );
        assert!(failed(json!({"state": "args_present", "module_arguments": "[x]"})).starts_with("Unable to process"));
        assert!(failed(json!({"state": "after"})).starts_with("state is after but all of the following"));
    }
}
