//! libvirt through the host's own `virsh`, and what modules of pools and networks have in common.

use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal, Outcome, Plan};
use crate::host::steps::{execute, plain_english, query, required};
use crate::host::{Change, Command, Observe, Output};
use std::path::PathBuf;

/// Arguments of both.
pub const COMMON_ARGS: &[Arg] = &[
    Arg::str("uri").default(Literal::Str("qemu:///system")).doc("The hypervisor."),
    Arg::str("xml").doc("What is to be defined, in XML."),
    Arg::bool("autostart").doc("Start it with the host; only without `state` and `command`."),
];

/// virsh, for one kind of thing.
pub struct Virsh {
    program: PathBuf,
    uri: String,
    /// `pool` or `net`: how its commands begin.
    prefix: &'static str,
}

impl Virsh {
    pub fn new(host: &dyn Observe, uri: &str, prefix: &'static str) -> Result<Self, Failure> {
        Ok(Virsh { program: required(host, "virsh")?, uri: uri.to_owned(), prefix })
    }

    /// `pool-start` and so on with its arguments.
    pub fn command(&self, verb: &str, words: &[&str]) -> Command {
        let verb = if verb.contains('-') { verb.to_owned() } else { format!("{}-{verb}", self.prefix) };
        let command = Command::new(&self.program).args(["--quiet", "--connect", &self.uri, &verb]);
        plain_english(command.args(words.iter().copied()))
    }

    /// # Errors
    /// In libvirt's words.
    pub fn ask(&self, host: &dyn Observe, verb: &str, words: &[&str]) -> Result<String, Failure> {
        let out = query(host, &self.command(verb, words))?;
        if out.ok() { Ok(out.stdout_text()) } else { Err(said(&out)) }
    }

    /// Names of all, or of those with these flags.
    pub fn names(&self, host: &dyn Observe, flags: &[&str]) -> Result<Vec<String>, Failure> {
        let words: Vec<&str> = flags.iter().copied().chain(["--name"]).collect();
        let text = self.ask(host, "list", &words)?;
        Ok(text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    pub fn look(&self, host: &dyn Observe, name: &str) -> Result<Found, Failure> {
        let has = |flags: &[&str]| Ok::<_, Failure>(self.names(host, flags)?.iter().any(|n| n == name));
        let there = has(&["--all"])?;
        Ok(Found { there, active: there && has(&[])?, autostart: there && has(&["--all", "--autostart"])? })
    }

    /// Lines `Name: value` of its `info`.
    pub fn info(&self, host: &dyn Observe, words: &[&str]) -> Result<JsonMap, Failure> {
        let text = self.ask(host, "info", words)?;
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Ok(pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().into())).collect())
    }
}

/// What there is of one of them.
pub struct Found {
    pub there: bool,
    pub active: bool,
    pub autostart: bool,
}

/// What libvirt says: virsh puts its own view of it on a line before.
fn said(out: &Output) -> Failure {
    let text = out.stderr_text();
    let last = text.rfind("\nerror: ").map(|at| at + 1).unwrap_or_default();
    Failure::new(text[last..].strip_prefix("error: ").unwrap_or(&text[last..]).trim_end())
}

/// Calls of virsh, with what is told of them, for good and in check mode.
pub struct Work {
    pub commands: Vec<Command>,
    pub outcome: Outcome,
    pub preview: Outcome,
}

/// The plan of these calls.
pub fn plan_of(commands: Vec<Command>, outcome: Outcome, preview: Outcome, call: &Call) -> Plan<Work> {
    match (commands.is_empty(), call.check) {
        (true, true) => Plan::Done(preview),
        (true, false) => Plan::Done(outcome),
        _ => Plan::Work(Work { commands, outcome, preview }),
    }
}

pub fn apply(work: Work, host: &mut dyn Change) -> Result<Outcome, Failure> {
    for command in &work.commands {
        let out = execute(host, command)?;
        if !out.ok() {
            return Err(said(&out));
        }
    }
    Ok(work.outcome)
}

/// As libvirt's calls end that went well.
pub fn zero(changed: bool) -> Outcome {
    Outcome::changed(changed).with("msg", 0)
}

/// The argument of a `command` that needs one.
pub fn needed<'a>(value: Option<&'a String>, msg: &str) -> Result<&'a str, Failure> {
    value.map(String::as_str).filter(|v| !v.is_empty()).ok_or_else(|| Failure::new(msg))
}

/// Turns what starts with the host on or off.
pub fn autostart(
    virsh: &Virsh,
    host: &dyn Observe,
    name: &str,
    kind: &str,
    wanted: bool,
    call: &Call,
) -> Result<Plan<Work>, Failure> {
    let found = virsh.look(host, name)?;
    if !found.there {
        return if call.check { Ok(Plan::Done(Outcome::changed(true))) } else { Err(missing(kind, name)) };
    }
    if found.autostart == wanted {
        return Ok(Plan::Done(Outcome::unchanged()));
    }
    let words: &[&str] = if wanted { &[name] } else { &[name, "--disable"] };
    Ok(plan_of(vec![virsh.command("autostart", words)], zero(true), Outcome::changed(true), call))
}

pub fn missing(kind: &str, name: &str) -> Failure {
    Failure::new(format!("{kind} {name} not found"))
}

/// Tells of something by XML.
pub fn define(virsh: &Virsh, name: &str, xml: &str, call: &Call) -> Plan<Work> {
    let command = virsh.command("define", &["/dev/stdin"]).stdin(xml);
    plan_of(vec![command], Outcome::changed(true).with("created", name), Outcome::changed(true), call)
}

/// The text of the first element on a path, or one of its attributes.
pub fn at(document: &roxmltree::Document, path: &[&str], attribute: Option<&str>) -> Option<Json> {
    let mut node = document.root_element();
    for name in path {
        node = node.children().find(|n| n.has_tag_name(*name))?;
    }
    match attribute {
        Some(name) => node.attribute(name).map(Json::from),
        None => node.text().map(Json::from),
    }
}

pub fn parse(xml: &str) -> Result<roxmltree::Document<'_>, Failure> {
    roxmltree::Document::parse(xml).map_err(|e| Failure::new(e.to_string()))
}
