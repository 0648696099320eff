//! `iptables`: one rule, a chain, a policy or a flush, with `iptables` and `ip6tables`.

use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::steps::{Steps, failed_command, query, required};
use crate::host::{Change, Command, Observe};
use std::path::Path;

pub struct Iptables;

impl Module for Iptables {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::MutuallyExclusive(&["set_dscp_mark", "set_dscp_mark_class"]),
            Rule::MutuallyExclusive(&["flush", "policy"]),
            Rule::RequiredBy { arg: "set_dscp_mark", required: &["jump"] },
            Rule::RequiredBy { arg: "set_dscp_mark_class", required: &["jump"] },
            Rule::RequiredIf { arg: "jump", value: Literal::Str("TEE"), required: &["gateway"], any: false },
            Rule::RequiredIf { arg: "jump", value: Literal::Str("tee"), required: &["gateway"], any: false },
            Rule::RequiredIf { arg: "flush", value: Literal::Bool(false), required: &["chain"], any: false },
        ],
        examples: r#"
- name: Block one address
  ansible.builtin.iptables:
    chain: INPUT
    source: 8.8.8.8
    jump: DROP

- name: Let in answers to what was asked
  ansible.builtin.iptables:
    chain: INPUT
    ctstate: [ESTABLISHED, RELATED]
    jump: ACCEPT

- name: Drop what no rule lets through
  ansible.builtin.iptables:
    chain: FORWARD
    policy: DROP
"#,
        returns: &[
            Return { name: "rule", when: "always", doc: "The rule as words of the command line." },
            Return { name: "chain", when: "always", doc: "The chain." },
            Return { name: "table", when: "always", doc: "The table." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.iptables",
            "Manages rules of the kernel's packet filter.",
            &[
                Arg::str("table")
                    .choices(&["filter", "nat", "mangle", "raw", "security"])
                    .default(Literal::Str("filter"))
                    .doc("The table."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the rule, or without a rule the chain, is there."),
                Arg::str("action")
                    .choices(&["append", "insert"])
                    .default(Literal::Str("append"))
                    .doc("Where a new rule goes."),
                Arg::str("ip_version")
                    .choices(&["ipv4", "ipv6", "both"])
                    .default(Literal::Str("ipv4"))
                    .doc("Which of the two filters."),
                Arg::str("chain").doc("The chain: `INPUT`, `FORWARD`, … or one of your own."),
                Arg::str("rule_num").doc("Number before which the rule is inserted."),
                Arg::str("protocol").doc("Protocol, by name or number; `!` in front: any other."),
                Arg::str("wait").doc("Seconds to wait for the lock."),
                Arg::str("source").doc("Source address, network or name."),
                Arg::str("to_source").doc("New source address, with `SNAT`."),
                Arg::str("destination").doc("Destination address, network or name."),
                Arg::str("to_destination").doc("New destination address, with `DNAT`."),
                Arg::list("match", ArgType::Str).default(Literal::Strs(&[])).doc("Extension modules to load."),
                Arg::dict("tcp_flags")
                    .options(&[
                        Arg::list("flags", ArgType::Str).doc("Flags to look at."),
                        Arg::list("flags_set", ArgType::Str).doc("Those that are to be set."),
                    ])
                    .doc("Flags of TCP."),
                Arg::str("jump").doc("Target of the rule."),
                Arg::str("gateway").doc("Where a copy goes, with `TEE`."),
                Arg::str("log_prefix").doc("Prefix in the log; the target is `LOG`."),
                Arg::str("log_level")
                    .choices(&[
                        "0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice",
                        "info", "debug",
                    ])
                    .doc("Level in the log; the target is `LOG`."),
                Arg::str("goto").doc("Chain to go on in, without return."),
                Arg::str("in_interface").doc("Interface by which a packet came."),
                Arg::str("out_interface").doc("Interface by which it leaves."),
                Arg::str("fragment").doc("Only further fragments."),
                Arg::str("set_counters").doc("First values of the rule's counters."),
                Arg::str("source_port").doc("Source port or range."),
                Arg::str("destination_port").doc("Destination port or range."),
                Arg::list("destination_ports", ArgType::Str)
                    .default(Literal::Strs(&[]))
                    .doc("Several destination ports or ranges."),
                Arg::str("to_ports").doc("New port, with `REDIRECT`."),
                Arg::str("set_dscp_mark").doc("DSCP value to set."),
                Arg::str("set_dscp_mark_class").doc("DSCP class to set."),
                Arg::str("comment").doc("Comment of the rule."),
                Arg::list("ctstate", ArgType::Str).default(Literal::Strs(&[])).doc("States of the connection."),
                Arg::str("src_range").doc("Range of source addresses."),
                Arg::str("dst_range").doc("Range of destination addresses."),
                Arg::str("match_set").doc("Name of a set of addresses."),
                Arg::str("match_set_flags")
                    .choices(&["src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"])
                    .doc("Which addresses the set is asked for."),
                Arg::str("limit").doc("Greatest rate of matches."),
                Arg::str("limit_burst").doc("Matches before the rate counts."),
                Arg::str("uid_owner").doc("User whose packets are meant; `!` in front: any other."),
                Arg::str("gid_owner").doc("Group whose packets are meant; `!` in front: any other."),
                Arg::str("reject_with").doc("Answer to what is rejected; the target is `REJECT`."),
                Arg::str("icmp_type").doc("Type of ICMP."),
                Arg::str("syn")
                    .choices(&["ignore", "match", "negate"])
                    .default(Literal::Str("ignore"))
                    .doc("Only packets that open a connection, or only others."),
                Arg::bool("flush").default(Literal::Bool(false)).doc("Remove all rules of the chain or table."),
                Arg::str("policy").choices(&["ACCEPT", "DROP", "QUEUE", "RETURN"]).doc("Policy of the chain."),
                Arg::bool("chain_management")
                    .default(Literal::Bool(false))
                    .doc("Create or delete the chain where no rule is given."),
                Arg::bool("numeric").default(Literal::Bool(false)).doc("Do not look up names when listing."),
            ],
        )
    };
    type Args = JsonMap;
    type Work = Steps;

    fn plan(args: JsonMap, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let programs: &[&str] = match args.text("ip_version") {
            Some("both") => &["iptables", "ip6tables"],
            Some("ipv6") => &["ip6tables"],
            _ => &["iptables"],
        };
        let outcome = ["ip_version", "table", "chain", "flush", "state", "chain_management", "wait"]
            .iter()
            .fold(Outcome::unchanged(), |out, name| out.with(name, args.get(*name).cloned().unwrap_or_default()))
            .with("rule", rule(&args).join(" "));
        let has_rule = !rule(&args).is_empty();
        let paths = programs.iter().map(|program| required(host, program)).collect::<Result<Vec<_>, _>>()?;
        let mut args = args;
        let mut work = Steps::new(outcome);
        for path in &paths {
            if args.text("log_prefix").or(args.text("log_level")).is_some_and(|t| !t.is_empty()) {
                match args.text("jump") {
                    None => drop(args.insert("jump".to_owned(), "LOG".into())),
                    Some("LOG") => {}
                    Some(_) => return Err(Failure::new("Logging options can only be used with the LOG jump target.")),
                }
            }
            args.insert("wait".to_owned(), wait(host, path, args.text("wait"))?);
            let program = Program { path, args: &args, host };
            work.outcome.changed |= program.plan(has_rule, &mut work.steps)?;
        }
        Ok(if work.outcome.changed { Plan::Work(work) } else { Plan::Done(work.outcome) })
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// Arguments by name.
trait Given {
    fn text(&self, name: &str) -> Option<&str>;
    fn list(&self, name: &str) -> Vec<&str>;
    fn flag(&self, name: &str) -> bool;
}

impl Given for JsonMap {
    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_str)
    }
    fn list(&self, name: &str) -> Vec<&str> {
        self.get(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
    }
    fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Json::as_bool).unwrap_or(false)
    }
}

/// What `-w` is given: versions before 1.6 wait without a limit and before 1.4.20 not at all.
fn wait(host: &dyn Observe, path: &Path, wanted: Option<&str>) -> Result<Json, Failure> {
    let said = checked(host, &Command::new(path).arg("--version"))?;
    let version = said.split('v').nth(1).unwrap_or_default();
    let numbers = version.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse::<u32>().ok()).take(3);
    let numbers: Vec<u32> = numbers.collect();
    Ok(match numbers {
        n if n >= vec![1, 6, 0] => wanted.into(),
        n if n >= vec![1, 4, 20] => "".into(),
        _ => Json::Null,
    })
}

/// What a program says that must end well.
fn checked(host: &dyn Observe, command: &Command) -> Result<String, Failure> {
    let out = query(host, command)?;
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(command, &out, "")) }
}

/// One of the two programs.
struct Program<'a> {
    path: &'a Path,
    args: &'a JsonMap,
    host: &'a dyn Observe,
}

impl Program<'_> {
    /// Adds what is to be done; true where something is to change.
    fn plan(&self, has_rule: bool, steps: &mut Vec<crate::host::steps::Step>) -> Result<bool, Failure> {
        let (args, present) = (self.args, self.args.text("state") != Some("absent"));
        let mut run = |command: Command| steps.push(crate::host::steps::Step::Run { command, failed: String::new() });
        if args.flag("flush") {
            run(self.command("-F", false));
            return Ok(true);
        }
        if let Some(policy) = args.text("policy") {
            let said = checked(self.host, &self.list())?;
            let head = said.lines().next().unwrap_or_default();
            let now = head.split_once("(policy ").map(|(_, rest)| rest.split([' ', ')']).next().unwrap_or_default());
            let now = now.filter(|n| !n.is_empty()).ok_or_else(|| Failure::new("Can't detect current policy"))?;
            if now != policy {
                run(self.command("-P", false).arg(policy));
            }
            return Ok(now != policy);
        }
        if !has_rule {
            let there = query(self.host, &self.list())?.ok();
            if there != present && args.flag("chain_management") {
                run(self.command(if present { "-N" } else { "-X" }, false));
            }
            return Ok(there != present);
        }
        let there = query(self.host, &self.command("-C", true))?.ok();
        if there != present {
            let insert = args.text("action") == Some("insert");
            run(self.command(
                if !present {
                    "-D"
                } else if insert {
                    "-I"
                } else {
                    "-A"
                },
                true,
            ));
        }
        Ok(there != present)
    }

    fn list(&self) -> Command {
        let command = self.command("-L", false);
        if self.args.flag("numeric") { command.arg("--numeric") } else { command }
    }

    fn command(&self, action: &str, with_rule: bool) -> Command {
        let text = |name: &str| self.args.text(name).filter(|t| !t.is_empty());
        let mut command = Command::new(self.path).args(["-t", text("table").unwrap_or("filter"), action]);
        command = command.args(text("chain"));
        if action == "-I" {
            command = command.args(text("rule_num"));
        }
        if let Some(seconds) = text("wait") {
            command = command.args(["-w", seconds]);
        }
        if with_rule { command.args(rule(self.args)) } else { command }
    }
}

/// The rule's words, in the order in which the reference gives them: extensions before their own options.
fn rule(args: &JsonMap) -> Vec<String> {
    let mut words = Words { args, out: Vec::new() };
    let given = |name: &str| args.text(name).is_some_and(|t| !t.is_empty());
    words.options(&[("protocol", "-p"), ("source", "-s"), ("destination", "-d")]);
    args.list("match").into_iter().for_each(|name| words.option(name, "-m"));
    if let Some(Json::Object(flags)) = args.get("tcp_flags")
        && ["flags", "flags_set"].iter().all(|name| flags.get(*name).is_some_and(Json::is_array))
    {
        words.push(&["--tcp-flags", &flags.list("flags").join(","), &flags.list("flags_set").join(",")]);
    }
    words.options(&[("jump", "-j")]);
    let jump = args.text("jump").unwrap_or_default().to_lowercase();
    if jump == "tee" {
        words.options(&[("gateway", "--gateway")]);
    }
    words.options(&[("log_prefix", "--log-prefix"), ("log_level", "--log-level")]);
    words.options(&[("to_destination", "--to-destination")]);
    if !args.list("destination_ports").is_empty() {
        words.push(&["-m", "multiport"]);
        words.joined("destination_ports", "--dports");
    }
    words.options(&[
        ("to_source", "--to-source"),
        ("goto", "-g"),
        ("in_interface", "-i"),
        ("out_interface", "-o"),
        ("fragment", "-f"),
        ("set_counters", "-c"),
        ("source_port", "--source-port"),
        ("destination_port", "--destination-port"),
        ("to_ports", "--to-ports"),
    ]);
    for (name, flag) in [("set_dscp_mark", "--set-dscp"), ("set_dscp_mark_class", "--set-dscp-class")] {
        words.options(&[(name, flag)]);
        if given(name) && jump != "dscp" {
            words.push(&["-j", "DSCP"]);
        }
    }
    match args.text("syn") {
        Some("match") => words.push(&["--syn"]),
        Some("negate") => words.push(&["!", "--syn"]),
        _ => {}
    }
    words.extensions();
    if args.text("jump").is_none() && given("reject_with") {
        words.push(&["-j", "REJECT"]);
    }
    words.options(&[("reject_with", "--reject-with")]);
    let icmp = match args.text("ip_version") {
        Some("ipv6") => "--icmpv6-type",
        Some("both") => "--icmp-type --icmpv6-type",
        _ => "--icmp-type",
    };
    words.options(&[("icmp_type", icmp)]);
    words.loaded("comment", &["comment"]);
    words.options(&[("comment", "--comment")]);
    words.out
}

struct Words<'a> {
    args: &'a JsonMap,
    out: Vec<String>,
}

impl Words<'_> {
    fn push(&mut self, words: &[&str]) {
        self.out.extend(words.iter().map(|word| (*word).to_owned()));
    }
    /// `!` in front of a value belongs in front of the option.
    fn option(&mut self, value: &str, flag: &str) {
        match value.strip_prefix('!') {
            Some(rest) => self.push(&["!", flag, rest]),
            None => self.push(&[flag, value]),
        }
    }
    fn options(&mut self, options: &[(&str, &str)]) {
        for (name, flag) in options {
            if let Some(value) = self.args.text(name) {
                self.option(value, flag);
            }
        }
    }
    fn joined(&mut self, name: &str, flag: &str) {
        let list = self.args.list(name);
        if !list.is_empty() {
            self.push(&[flag, &list.join(",")]);
        }
    }
    /// Loads an extension if one of these options is given.
    fn loaded(&mut self, extension: &str, options: &[&str]) {
        if options.iter().any(|name| self.args.text(name).is_some_and(|t| !t.is_empty())) {
            self.push(&["-m", extension]);
        }
    }

    /// Options of extensions that are loaded by the author, else by themselves.
    fn extensions(&mut self) {
        let loaded: Vec<String> = self.args.list("match").into_iter().map(str::to_owned).collect();
        let is_loaded = |name: &str| loaded.iter().any(|l| l == name);
        if is_loaded("conntrack") {
            self.joined("ctstate", "--ctstate");
        } else if is_loaded("state") {
            self.joined("ctstate", "--state");
        } else if !self.args.list("ctstate").is_empty() {
            self.push(&["-m", "conntrack"]);
            self.joined("ctstate", "--ctstate");
        }
        if !is_loaded("iprange") {
            self.loaded("iprange", &["src_range", "dst_range"]);
        }
        self.options(&[("src_range", "--src-range"), ("dst_range", "--dst-range")]);
        if !is_loaded("set") {
            self.loaded("set", &["match_set"]);
        }
        if let Some(set) = self.args.text("match_set") {
            self.option(set, "--match-set");
            if let Some(flags) = self.args.text("match_set_flags") {
                self.push(&[flags]);
            }
        }
        self.loaded("limit", &["limit", "limit_burst"]);
        self.options(&[("limit", "--limit"), ("limit_burst", "--limit-burst")]);
        for (name, flag) in [("uid_owner", "--uid-owner"), ("gid_owner", "--gid-owner")] {
            self.loaded("owner", &[name]);
            self.options(&[(name, flag)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, validate};
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<Iptables>();

    fn words(args: Json) -> String {
        let Json::Object(args) = args else { panic!("arguments are an object") };
        rule(&validate(&Iptables::SPEC, args).expect("they fit")).join(" ")
    }

    #[test]
    fn rules_as_words() {
        for (args, expected) in [
            (json!({"chain": "X"}), ""),
            (json!({"chain": "X", "source": "!8.8.8.8", "jump": "DROP"}), "! -s 8.8.8.8 -j DROP"),
            (
                json!({"chain": "X", "protocol": "tcp", "destination_ports": [80, "8081:8083"], "jump": "ACCEPT"}),
                "-p tcp -j ACCEPT -m multiport --dports 80,8081:8083",
            ),
            (json!({"chain": "X", "ctstate": "NEW,RELATED"}), "-m conntrack --ctstate NEW,RELATED"),
            (json!({"chain": "X", "match": "state", "ctstate": "NEW"}), "-m state --state NEW"),
            (
                json!({"chain": "X", "tcp_flags": {"flags": ["SYN", "ACK"], "flags_set": ["SYN"]}, "syn": "negate"}),
                "--tcp-flags SYN,ACK SYN ! --syn",
            ),
            (
                json!({"chain": "X", "limit": "2/second", "comment": "c d"}),
                "-m limit --limit 2/second -m comment --comment c d",
            ),
            (json!({"chain": "X", "reject_with": "tcp-reset"}), "-j REJECT --reject-with tcp-reset"),
            (
                json!({"chain": "X", "src_range": "1-2", "match_set": "s", "match_set_flags": "src"}),
                "-m iprange --src-range 1-2 -m set --match-set s src",
            ),
        ] {
            assert_eq!(words(args.clone()), expected, "{args}");
        }
    }

    #[test]
    fn a_rule_comes_and_goes() {
        let ask = "/usr/sbin/iptables -t filter -C INPUT -w 5 -s 8.8.8.8 -j DROP";
        let mut host = Fake::new()
            .file_mode("/usr/sbin/iptables", "", 0o755)
            .answer("/usr/sbin/iptables --version", 0, "iptables v1.8.9 (nf_tables)\n")
            .answer(ask, 1, "")
            .effect("/usr/sbin/iptables -t filter -A INPUT -w 5 -s 8.8.8.8 -j DROP", 0, "", move |h| {
                h.set_answer(ask, 0, "")
            })
            .effect("/usr/sbin/iptables -t filter -D INPUT -w 5 -s 8.8.8.8 -j DROP", 0, "", move |h| {
                h.set_answer(ask, 1, "")
            });
        let args =
            |state: &str| json!({"chain": "INPUT", "source": "8.8.8.8", "jump": "DROP", "wait": "5", "state": state});
        let out = case(&ENTRY, args("present"), &mut host).expect("it is added");
        assert_eq!((out.changed, &out.values["rule"]), (true, &json!("-s 8.8.8.8 -j DROP")));
        assert!(case(&ENTRY, args("absent"), &mut host).expect("it is removed").changed);
        let refused = run(&ENTRY, json!({"chain": "X", "jump": "DROP", "log_prefix": "x"}), &mut host, false);
        assert_eq!(refused.expect_err("no LOG").msg, "Logging options can only be used with the LOG jump target.");
    }

    #[test]
    fn chains_and_policies() {
        let list = "/usr/sbin/iptables -t filter -L MINE";
        let mut host = Fake::new()
            .file_mode("/usr/sbin/iptables", "", 0o755)
            .answer("/usr/sbin/iptables --version", 0, "iptables v1.8.9\n")
            .answer(list, 1, "")
            .effect("/usr/sbin/iptables -t filter -N MINE", 0, "", move |h| h.set_answer(list, 0, "Chain MINE\n"))
            .answer("/usr/sbin/iptables -t filter -L INPUT", 0, "Chain INPUT (policy ACCEPT)\n");
        assert!(case(&ENTRY, json!({"chain": "MINE", "chain_management": true}), &mut host).expect("made").changed);
        assert!(!case(&ENTRY, json!({"chain": "INPUT", "policy": "ACCEPT"}), &mut host).expect("as it is").changed);
        assert_eq!(
            run(&ENTRY, json!({"chain": "MINE", "policy": "DROP"}), &mut host, false).expect_err("none").msg,
            "Can't detect current policy"
        );
    }
}
