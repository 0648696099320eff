//! `community.general.ufw`: the uncomplicated firewall.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output, split_words};
use serde::Deserialize;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

pub struct Ufw;

#[derive(Clone, Deserialize)]
pub struct Args {
    state: Option<String>,
    default: Option<String>,
    logging: Option<String>,
    direction: Option<String>,
    delete: bool,
    route: bool,
    insert: Option<i64>,
    insert_relative_to: String,
    rule: Option<String>,
    interface: Option<String>,
    interface_in: Option<String>,
    interface_out: Option<String>,
    log: bool,
    from_ip: String,
    from_port: Option<String>,
    to_ip: String,
    to_port: Option<String>,
    proto: Option<String>,
    name: Option<String>,
    comment: Option<String>,
}

pub struct Work {
    ufw: String,
    grep: String,
    /// Commands of `ufw`, without the program.
    todo: Vec<String>,
    /// Commands run so far, as they are reported.
    done: Vec<String>,
    state: String,
    rules: String,
    changed: bool,
}

const RULES: &str = "/lib/ufw/user.rules /lib/ufw/user6.rules /etc/ufw/user.rules /etc/ufw/user6.rules /var/lib/ufw/user.rules /var/lib/ufw/user6.rules";

impl Module for Ufw {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::MutuallyExclusive(&["name", "proto", "logging"]),
            Rule::MutuallyExclusive(&["direction", "interface_in"]),
            Rule::MutuallyExclusive(&["direction", "interface_out"]),
            Rule::RequiredOneOf(&["state", "default", "rule", "logging"]),
            Rule::RequiredBy { arg: "interface", required: &["direction"] },
        ],
        examples: "- name: Let in what comes to SSH\n  community.general.ufw:\n    rule: allow\n    port: ssh\n    proto: tcp\n\n- name: Refuse the rest and start\n  community.general.ufw:\n    state: enabled\n    policy: deny\n",
        returns: &[
            Return { name: "commands", when: "always", doc: "The commands that were run." },
            Return { name: "msg", when: "not in check mode", doc: "The status afterwards." },
        ],
        ..ModuleSpec::new(
            "community.general.ufw",
            "The uncomplicated firewall.",
            &[
                Arg::str("state")
                    .choices(&["enabled", "disabled", "reloaded", "reset"])
                    .doc("Whether it runs; `reset` takes all rules away."),
                Arg::str("default")
                    .aliases(&["policy"])
                    .choices(&["allow", "deny", "reject"])
                    .doc("What is done with what no rule names."),
                Arg::str("logging").choices(&["full", "high", "low", "medium", "off", "on"]).doc("What is logged."),
                Arg::str("direction")
                    .choices(&["in", "incoming", "out", "outgoing", "routed"])
                    .doc("Direction of a rule or of the default."),
                Arg::bool("delete").default(Literal::Bool(false)).doc("Take the rule away."),
                Arg::bool("route").default(Literal::Bool(false)).doc("The rule is for what is passed on."),
                Arg::int("insert").doc("Number that the rule gets."),
                Arg::str("insert_relative_to")
                    .choices(&["zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"])
                    .default(Literal::Str("zero"))
                    .doc("What the number counts from."),
                Arg::str("rule").choices(&["allow", "deny", "limit", "reject"]).doc("What the rule does."),
                Arg::str("interface").aliases(&["if"]).doc("Interface of the direction."),
                Arg::str("interface_in").aliases(&["if_in"]).doc("Interface for what comes in."),
                Arg::str("interface_out").aliases(&["if_out"]).doc("Interface for what goes out."),
                Arg::bool("log").default(Literal::Bool(false)).doc("Log new connections that the rule fits."),
                Arg::str("from_ip").aliases(&["from", "src"]).default(Literal::Str("any")).doc("Where it comes from."),
                Arg::str("from_port").doc("Port that it comes from."),
                Arg::str("to_ip").aliases(&["dest", "to"]).default(Literal::Str("any")).doc("Where it goes."),
                Arg::str("to_port").aliases(&["port"]).doc("Port that it goes to."),
                Arg::str("proto")
                    .aliases(&["protocol"])
                    .choices(&["ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp", "vrrp"])
                    .doc("Protocol."),
                Arg::str("name").aliases(&["app"]).doc("Profile of an application."),
                Arg::str("comment").doc("A comment on the rule."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let path = |p: PathBuf| p.to_string_lossy().into_owned();
        let (ufw, grep) = (path(required(host, "ufw")?), path(required(host, "grep")?));
        let mut work = Work {
            ufw,
            grep,
            todo: Vec::new(),
            done: Vec::new(),
            state: String::new(),
            rules: String::new(),
            changed: false,
        };
        work.state = work.ask("status verbose", host)?;
        work.rules = work.current_rules(host)?;
        if let Some(state) = &args.state {
            work.changed |= state == "reloaded" || state == "reset";
            let active = work.state.contains(" active");
            if call.check {
                work.changed |= state == "disabled" && active || state == "enabled" && !active;
            } else {
                let verb = match state.as_str() {
                    "enabled" => "enable",
                    "disabled" => "disable",
                    "reloaded" => "reload",
                    _ => "reset",
                };
                work.todo.push(format!("-f {verb}"));
            }
        }
        if let Some(policy) = &args.default {
            let direction = args.direction.as_deref();
            if !matches!(direction, None | Some("outgoing" | "incoming" | "routed")) {
                let msg = "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be specified.";
                return Err(Failure::new(msg));
            }
            if call.check {
                let now = default_of(&work.state, direction.unwrap_or("incoming"));
                work.changed |= now.is_none_or(|now| now != policy && now != "disabled");
            } else {
                let direction = direction.map(|d| format!(" {d}")).unwrap_or_default();
                work.todo.push(format!("default {policy}{direction}"));
            }
        }
        if let Some(rule) = &args.rule {
            let text = work.rule(rule, &args, host)?;
            if call.check {
                let told = work.ask(&format!("--dry-run {text}"), host)?;
                work.changed |= args.would_change(&told, &work.rules);
            } else {
                work.todo.push(text);
            }
        }
        if let Some(level) = &args.logging {
            work.changed |= logging_changes(&work.state, level);
            if !call.check {
                work.todo.push(format!("logging {level}"));
            }
        }
        Ok(Plan::Work(work))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        Outcome::changed(work.changed).with("commands", work.done.clone())
    }

    fn apply(mut work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        for text in std::mem::take(&mut work.todo) {
            let command = work.command(&format!("{} {text}", work.ufw.clone()))?;
            let out = execute(host, &command)?;
            work.said(out)?;
        }
        let state = work.ask("status verbose", host.observe())?;
        if !work.changed {
            work.changed = work.current_rules(host.observe())? != work.rules || state != work.state;
        }
        Ok(Outcome::changed(work.changed).with("commands", work.done).with("msg", state.trim_end()))
    }
}

impl Work {
    /// The command of a text, noted down.
    fn command(&mut self, text: &str) -> Result<Command, Failure> {
        self.done.push(text.to_owned());
        let words = split_words(text).map_err(Failure::new)?;
        let (program, args) = words.split_first().ok_or_else(|| Failure::new("an empty command"))?;
        Ok(Command::new(program).args(args.iter().cloned()).env("LANG", "C"))
    }

    fn said(&self, out: Output) -> Result<String, Failure> {
        if out.ok() {
            return Ok(out.stdout_text());
        }
        let told = out.stderr_text();
        let told = if told.is_empty() { out.stdout_text() } else { told };
        Err(Failure::new(told).with("commands", self.done.clone()))
    }

    fn ask(&mut self, text: &str, host: &dyn Observe) -> Result<String, Failure> {
        let command = self.command(&format!("{} {text}", self.ufw.clone()))?;
        self.said(query(host, &command)?)
    }

    fn current_rules(&mut self, host: &dyn Observe) -> Result<String, Failure> {
        let command = self.command(&format!("{} -h '^### tuple' {RULES}", self.grep.clone()))?;
        Ok(query(host, &command)?.stdout_text())
    }

    /// A rule in `ufw`'s long form.
    fn rule(&mut self, rule: &str, args: &Args, host: &dyn Observe) -> Result<String, Failure> {
        if !matches!(args.direction.as_deref(), None | Some("in" | "out")) {
            let msg = "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.";
            return Err(Failure::new(msg));
        }
        if !args.route && given(&args.interface_in).is_some() && given(&args.interface_out).is_some() {
            return Err(Failure::new("Only route rules can combine interface_in and interface_out"));
        }
        let mut words: Vec<String> = Vec::new();
        words.extend(args.route.then(|| "route".to_owned()));
        words.extend(args.delete.then(|| "delete".to_owned()));
        if let Some(number) = args.insert.filter(|_| !args.delete) {
            words.extend(self.place(number, &args.insert_relative_to, host)?.map(|n| format!("insert {n}")));
        }
        words.push(rule.to_owned());
        let mut word = |value: Option<&str>, before: &str, quote: &str| {
            words.extend(value.map(|v| format!("{before}{quote}{v}{quote}")));
        };
        word(given(&args.direction), "", "");
        word(given(&args.interface), "on ", "");
        word(given(&args.interface_in), "in on ", "");
        word(given(&args.interface_out), "out on ", "");
        word(args.log.then_some("log"), "", "");
        word(Some(args.from_ip.as_str()).filter(|v| !v.is_empty()), "from ", "");
        word(given(&args.from_port), "port ", "");
        word(Some(args.to_ip.as_str()).filter(|v| !v.is_empty()), "to ", "");
        word(given(&args.to_port), "port ", "");
        word(given(&args.proto), "proto ", "");
        word(given(&args.name), "app ", "'");
        let version = self.ask("--version", host)?;
        if comments(&version).ok_or_else(|| Failure::new("Failed to get ufw version.").with("rc", 0))? {
            word(given(&args.comment), "comment ", "'");
        }
        Ok(words.join(" "))
    }

    /// The number for `insert`; none where the rule goes to the end.
    fn place(&self, number: i64, relative: &str, host: &dyn Observe) -> Result<Option<i64>, Failure> {
        if relative == "zero" {
            return Ok(Some(number));
        }
        let out = query(host, &Command::new(&self.ufw).args(["status", "numbered"]))?.stdout_text();
        let of = |line: &str| line.strip_prefix('[')?.split_once("] ")?.0.trim().parse::<i64>().ok();
        let rules: Vec<(i64, bool)> = out.lines().filter_map(|l| Some((of(l)?, l.contains("(v6)")))).collect();
        let last = rules.iter().map(|r| r.0).max().unwrap_or(0);
        let last_of_4 = rules.iter().filter(|r| !r.1).map(|r| r.0).max();
        let start = match relative {
            "last-ipv4" => last_of_4.unwrap_or(1),
            "first-ipv6" => last_of_4.map_or(1, |n| n + 1),
            "last-ipv6" if rules.iter().any(|r| r.1) => last,
            "last-ipv6" => last + 1,
            _ => 1,
        };
        Ok(Some(number + start).filter(|n| *n <= last))
    }
}

impl Args {
    /// What a dry run tells against the rules that are there; it shows only those of one family.
    fn would_change(&self, told: &str, rules: &str) -> bool {
        let skipped = told.lines().filter(|l| l.contains("Skipping")).count();
        if skipped > 0 && skipped == told.lines().count() {
            return false;
        }
        let wanted = told.lines().filter(|l| l.starts_with("### tuple"));
        let of = |fits: fn(&str) -> bool| {
            let has = move |l: &&str| l.split_whitespace().any(fits);
            !wanted.clone().filter(has).eq(rules.lines().filter(has))
        };
        let any = |fits: fn(&str) -> bool| fits(&self.from_ip) || fits(&self.to_ip);
        if any(is_v4) {
            of(is_v4)
        } else if any(is_v6) {
            of(is_v6)
        } else {
            !wanted.clone().eq(rules.lines())
        }
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|t| !t.is_empty())
}

fn address(word: &str) -> &str {
    word.split('/').next().unwrap_or_default()
}

fn is_v4(word: &str) -> bool {
    address(word).parse::<Ipv4Addr>().is_ok()
}

fn is_v6(word: &str) -> bool {
    address(word).parse::<Ipv6Addr>().is_ok()
}

/// Whether this version takes comments (0.35 and later); none where it cannot be read.
fn comments(version: &str) -> Option<bool> {
    let line = version.lines().find(|l| !l.trim().is_empty())?.strip_prefix("ufw")?;
    let number = line.split_whitespace().find(|w| w.contains('.') && w.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut parts = number.split(|c: char| !c.is_ascii_digit()).map(|p| p.parse::<u32>().ok());
    let (major, minor) = (parts.next()??, parts.next()??);
    Some(major > 0 || minor >= 35)
}

/// The policy in `Default: deny (incoming), allow (outgoing), disabled (routed)`.
fn default_of<'a>(state: &'a str, direction: &str) -> Option<&'a str> {
    let line = state.lines().find_map(|l| l.strip_prefix("Default: "))?;
    line.split(", ").find_map(|p| p.strip_suffix(')')?.strip_suffix(direction)?.strip_suffix(" ("))
}

fn logging_changes(state: &str, level: &str) -> bool {
    let Some(now) = state.lines().find_map(|l| l.strip_prefix("Logging: ")) else { return true };
    let on = now.starts_with("on");
    let now_level = now.split_once('(').and_then(|(_, l)| l.strip_suffix(')'));
    match level {
        "off" => on,
        "on" => !on,
        level => !on || now_level != Some(level),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const UFW: Entry = Entry::of::<Ufw>();
    const STATUS: &str = "Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\nNew profiles: skip\n";
    const TUPLE: &str = "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n";

    fn host(rules: &str) -> Fake {
        Fake::new()
            .answer("ufw status verbose", 0, STATUS)
            .answer("ufw --version", 0, "ufw 0.36.2\nCopyright\n")
            .answer("grep ...", 0, rules)
    }

    #[test]
    fn a_rule() {
        let mut host = host("")
            .answer("ufw --dry-run allow from any to any port 22 proto tcp comment Shell", 0, TUPLE)
            .effect("ufw allow from any to any port 22 proto tcp comment Shell", 0, "", |h| {
                h.set_answer("grep ...", 0, TUPLE)
            });
        let args = json!({"rule": "allow", "port": 22, "proto": "tcp", "comment": "Shell"});
        let preview = run(&UFW, args.clone(), &mut host, true).unwrap();
        assert!(preview.changed && !preview.values.contains_key("msg"));
        let out = case(&UFW, args.clone(), &mut host).unwrap();
        assert_eq!(out.values["commands"][3], "/usr/bin/ufw allow from any to any port 22 proto tcp comment 'Shell'");
        assert_eq!(out.values["msg"], STATUS.trim_end());
        assert!(out.changed && !run(&UFW, args, &mut host, true).unwrap().changed);
    }

    #[test]
    fn places_for_rules() {
        let numbered = "Status: active\n\n[ 1] 22 ALLOW IN Anywhere\n[ 2] 80 ALLOW IN Anywhere\n[ 3] 22 (v6) ALLOW IN Anywhere (v6)\n";
        for (relative, insert, text) in [
            ("zero", 9, "insert 9 "),
            ("first-ipv4", 0, "insert 1 "),
            ("last-ipv4", 0, "insert 2 "),
            ("first-ipv6", 0, "insert 3 "),
            ("last-ipv6", 1, ""),
        ] {
            let mut host = host("").answer("ufw status numbered", 0, numbered).effect("ufw ...", 0, "", |_| {});
            for (command, out) in
                [("ufw status verbose", STATUS), ("ufw status numbered", numbered), ("ufw --version", "ufw 0.36\n")]
            {
                host.set_answer(command, 0, out);
            }
            let args = json!({"rule": "deny", "insert": insert, "insert_relative_to": relative, "route": true});
            run(&UFW, args, &mut host, false).unwrap();
            assert_eq!(host.executed(), [format!("/usr/bin/ufw route {text}deny from any to any")]);
        }
    }

    #[test]
    fn states_in_check_mode() {
        for (args, changed) in [
            (json!({"state": "enabled"}), false),
            (json!({"state": "disabled"}), true),
            (json!({"state": "reloaded"}), true),
            (json!({"policy": "deny"}), false),
            (json!({"policy": "deny", "direction": "outgoing"}), true),
            (json!({"policy": "deny", "direction": "routed"}), false),
            (json!({"logging": "on"}), false),
            (json!({"logging": "low"}), false),
            (json!({"logging": "high"}), true),
            (json!({"logging": "off"}), true),
        ] {
            assert_eq!(run(&UFW, args.clone(), &mut host(""), true).unwrap().changed, changed, "{args}");
        }
    }

    #[test]
    fn refusals() {
        let failed = |args| run(&UFW, args, &mut host(""), false).unwrap_err().msg;
        assert!(failed(json!({"policy": "deny", "direction": "in"})).starts_with("For default, direction must be"));
        assert!(failed(json!({"rule": "deny", "direction": "routed"})).starts_with("For rules, direction must be"));
        let args = json!({"rule": "deny", "if_in": "a", "if_out": "b"});
        assert_eq!(failed(args), "Only route rules can combine interface_in and interface_out");
    }
}
