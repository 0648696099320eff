//! `community.general.lvol`: LVM's logical volumes.

use super::shared::{lvm, python_float};
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output, split_words};
use serde::Deserialize;

pub struct Lvol;

#[derive(Deserialize)]
pub struct Args {
    vg: String,
    lv: Option<String>,
    size: Option<String>,
    opts: Option<String>,
    state: String,
    force: bool,
    shrink: bool,
    active: bool,
    snapshot: Option<String>,
    pvs: Option<Vec<String>>,
    resizefs: bool,
    thinpool: Option<String>,
}

pub struct Work {
    action: Option<Action>,
    activation: Option<(Command, String)>,
    /// The volume that was there.
    found: Option<Volume>,
    vg: String,
    /// What a dry run came to.
    tried: Option<Outcome>,
}

struct Action {
    command: Command,
    kind: Kind,
    failed: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Create,
    Remove,
    Resize,
}

#[derive(Clone, Debug, PartialEq)]
struct Volume {
    name: String,
    size: f64,
    active: bool,
    thin_pool: bool,
    thin: bool,
}

impl Module for Lvol {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredOneOf(&["lv", "thinpool"])],
        examples: "- name: A volume of 512 MB\n  community.general.lvol:\n    vg: data\n    lv: logs\n    size: 512\n\n- name: All the space that is left\n  community.general.lvol:\n    vg: data\n    lv: archive\n    size: 100%FREE\n    resizefs: true\n",
        differs: "Volumes are activated and deactivated only where they are not, and never in check mode.",
        ..ModuleSpec::new(
            "community.general.lvol",
            "Manages LVM's logical volumes.",
            &[
                Arg::str("vg").required().doc("The volume group."),
                Arg::str("lv").doc("The volume."),
                Arg::str("size")
                    .doc("Size, in megabytes without a unit, or percentage of `VG`, `PVS`, `FREE` or `ORIGIN`; `+` and `-` change the present one."),
                Arg::str("opts").doc("Further options of lvcreate."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Let it be shrunk or removed."),
                Arg::bool("shrink").default(Literal::Bool(true)).doc("Shrink it where it is larger."),
                Arg::bool("active").default(Literal::Bool(true)).doc("Whether it is visible to the host."),
                Arg::str("snapshot").doc("Name of a snapshot of the volume."),
                Arg::list("pvs", ArgType::Str).doc("Devices that it may take space from."),
                Arg::bool("resizefs").default(Literal::Bool(false)).doc("Resize its file system, too."),
                Arg::str("thinpool").doc("The thin pool of it, or to be made."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        required(host, "lvm")?;
        let size = args.size.as_deref().filter(|s| !s.is_empty());
        let size = size.map(|text| Size::read(text, args.snapshot.is_some())).transpose()?;
        let unit = size.as_ref().filter(|s| s.percent.is_none()).map_or("m", |s| s.unit.as_str()).to_owned();
        let low = unit.to_lowercase();
        let list = |tool: &str, fields: &str, all: Option<&str>| {
            let command = lvm(host, tool)?.args(all);
            let words = ["--noheadings", "--nosuffix", "-o", fields, "--units", &low, "--separator", ";", &args.vg];
            Ok::<Command, Failure>(command.args(words))
        };
        let queries =
            [list("vgs", "vg_name,size,free,vg_extent_size", None)?, list("lvs", "lv_name,size,lv_attr", Some("-a"))?];
        let mut texts = Vec::new();
        for (command, answer) in queries.iter().zip(host.query_all(&queries)) {
            let out = answer.map_err(|e| Failure::io(command.display(), &e))?;
            if !out.ok() {
                let msg = format!("Volume group {} does not exist.", args.vg);
                if args.state == "absent" {
                    return Ok(Plan::Done(Outcome::unchanged().with("stdout", msg)));
                }
                return Err(Failure::new(msg).with("rc", out.rc).with("err", out.stderr_text()));
            }
            texts.push(out.stdout_text());
        }
        let group = Group::read(&texts[0]);
        let volumes: Vec<Volume> = texts[1].lines().filter_map(Volume::read).collect();
        let name = check_name(&args, &volumes)?;
        let bare = name.rsplit('/').next().unwrap_or(&name);
        let found = volumes.iter().find(|v| v.name == name || v.name == bare).cloned();
        let action = match &found {
            None if args.state == "absent" => None,
            None => Some(create(&args, size, &volumes, host)?),
            Some(volume) if args.state == "absent" => Some(remove(&args, volume, host)?),
            Some(volume) => match size {
                None => None,
                Some(size) => resize(&args, &size, volume, &group, &unit, host)?,
            },
        };
        let removed = action.as_ref().is_some_and(|a| a.kind == Kind::Remove);
        let activation = match &found {
            Some(volume) if !removed && volume.active != args.active => {
                let (option, word) = if args.active { ("-ay", "activate") } else { ("-an", "deactivate") };
                let command = lvm(host, "lvchange")?.args([option, &format!("{}/{}", args.vg, volume.name)]);
                Some((command, format!("Failed to {word} logical volume {}", args.lv.as_deref().unwrap_or("None"))))
            }
            _ => None,
        };
        let mut work = Work { action, activation, found, vg: args.vg, tried: None };
        if work.action.is_none() && work.activation.is_none() {
            return Ok(Plan::Done(work.end(false)));
        }
        if call.check {
            work.tried = Some(match &work.action {
                None => work.end(true),
                Some(action) => {
                    let mut command = action.command.clone();
                    let at = command.args.iter().take_while(|a| a.as_str() == "--force").count();
                    command.args.insert(at, "--test".to_owned());
                    match judge(action, &query(host, &command)?)? {
                        Verdict::Changed => work.end(true),
                        Verdict::Unchanged(msg, err) => work.unchanged(msg, err),
                    }
                }
            });
        }
        Ok(Plan::Work(work))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.tried.clone().unwrap_or_default()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        if let Some(action) = &work.action
            && let Verdict::Unchanged(msg, err) = judge(action, &execute(host, &action.command)?)?
        {
            return Ok(work.unchanged(msg, err));
        }
        if let Some((command, failed)) = &work.activation {
            let out = execute(host, command)?;
            if !out.ok() {
                return Err(Failure::new(failed.as_str()).with("rc", out.rc).with("err", out.stderr_text()));
            }
        }
        Ok(work.end(true))
    }
}

impl Work {
    fn end(&self, changed: bool) -> Outcome {
        let outcome = Outcome::changed(changed);
        match (&self.action, &self.found) {
            (Some(Action { kind: Kind::Remove, .. }), _) => outcome,
            (_, Some(volume)) => self.named(outcome, volume),
            _ => outcome.with("msg", ""),
        }
    }
    fn named(&self, outcome: Outcome, volume: &Volume) -> Outcome {
        outcome.with("vg", self.vg.as_str()).with("lv", volume.name.as_str()).with("size", volume.size)
    }
    fn unchanged(&self, msg: Option<&str>, err: String) -> Outcome {
        let mut outcome = Outcome::unchanged();
        if let Some(volume) = &self.found {
            outcome = self.named(outcome, volume);
        }
        match msg {
            Some(msg) => outcome.with("msg", msg).with("err", err),
            None => outcome,
        }
    }
}

enum Verdict {
    Changed,
    /// The tool found nothing to do: a message, and what it said.
    Unchanged(Option<&'static str>, String),
}

fn judge(action: &Action, out: &Output) -> Result<Verdict, Failure> {
    let (text, err) = (out.stdout_text(), out.stderr_text());
    let said = |words: &str| text.contains(words) || err.contains(words);
    let resize = action.kind == Kind::Resize;
    if out.ok() && !(resize && text.contains("Reached maximum COW size")) {
        Ok(Verdict::Changed)
    } else if resize && said("matches existing size") {
        Ok(Verdict::Unchanged(None, err))
    } else if resize && said("not larger than existing size") {
        Ok(Verdict::Unchanged(Some("Original size is larger than requested size"), err))
    } else {
        Err(Failure::new(action.failed.as_str()).with("rc", out.rc).with("err", err))
    }
}

/// A wanted size.
struct Size {
    /// `+` or `-`: relative to the present one.
    operator: Option<char>,
    /// Without operator and unit.
    text: String,
    unit: String,
    percent: Option<(f64, String)>,
}

impl Size {
    fn read(text: &str, snapshot: bool) -> Result<Self, Failure> {
        let operator = text.chars().next().filter(|c| ['+', '-'].contains(c));
        let text = if operator.is_some() { &text[1..] } else { text };
        let bad = || Failure::new(format!("Bad size specification of '{text}'"));
        if let Some((number, whole)) = text.split_once('%') {
            let percent: u32 = number.trim().parse().map_err(|_| bad())?;
            if percent > 100 {
                return Err(Failure::new("Size percentage cannot be larger than 100%"));
            }
            if whole == "ORIGIN" && !snapshot {
                return Err(Failure::new("Percentage of ORIGIN supported only for snapshot volumes"));
            }
            if !["VG", "PVS", "FREE", "ORIGIN"].contains(&whole) {
                return Err(Failure::new("Specify extents as a percentage of VG|PVS|FREE|ORIGIN"));
            }
            let percent = Some((f64::from(percent), whole.to_owned()));
            return Ok(Size { operator, text: text.to_owned(), unit: String::new(), percent });
        }
        let (number, unit) = match text.char_indices().next_back() {
            Some((at, last)) if "bskmgtpe".contains(last.to_ascii_lowercase()) => (&text[..at], last.to_string()),
            _ => (text, "m".to_owned()),
        };
        if !number.starts_with(|c: char| c.is_ascii_digit()) || number.parse::<f64>().is_err() {
            return Err(Failure::new(format!("Bad size specification of '{number}'")));
        }
        Ok(Size { operator, text: number.to_owned(), unit, percent: None })
    }
    fn option(&self) -> &'static str {
        if self.percent.is_some() { "-l" } else { "-L" }
    }
    fn amount(&self) -> String {
        format!("{}{}", self.text, self.unit)
    }
}

/// A volume group, in the unit of the wanted size.
#[derive(Default)]
struct Group {
    size: f64,
    free: f64,
    extent: f64,
}

impl Group {
    fn read(text: &str) -> Self {
        let mut numbers = text.trim().split(';').skip(1).map(|n| n.trim().parse().unwrap_or_default());
        let mut next = || numbers.next().unwrap_or_default();
        Group { size: next(), free: next(), extent: next() }
    }
}

impl Volume {
    fn read(line: &str) -> Option<Self> {
        let parts: Vec<&str> = line.trim().split(';').collect();
        let [name, size, attr] = parts[..] else { return None };
        let letter = |n: usize| attr.as_bytes().get(n).copied();
        Some(Volume {
            name: name.replace(['[', ']'], ""),
            size: size.parse().ok()?,
            active: letter(4) == Some(b'a'),
            thin_pool: letter(0) == Some(b't'),
            thin: letter(0) == Some(b'V'),
        })
    }
}

/// The name of the volume that is meant.
fn check_name(args: &Args, volumes: &[Volume]) -> Result<String, Failure> {
    let (lv, pool) = (args.lv.as_deref(), args.thinpool.as_deref());
    let shown = |name: Option<&str>| name.unwrap_or("None").to_owned();
    if let Some(snapshot) = &args.snapshot {
        let origin = volumes.iter().find(|v| Some(v.name.as_str()) == lv || Some(v.name.as_str()) == pool);
        return match origin {
            None => {
                let lv = shown(lv);
                Err(Failure::new(format!("Snapshot origin LV {lv} does not exist in volume group {}.", args.vg)))
            }
            Some(origin) if origin.thin_pool || pool.is_some() => {
                Err(Failure::new("Snapshots of thin pool LVs are not supported."))
            }
            Some(_) => Ok(snapshot.clone()),
        };
    }
    if let (Some(pool), Some(_)) = (pool, lv)
        && !volumes.iter().any(|v| v.name == pool)
    {
        return Err(Failure::new(format!("Thin pool LV {pool} does not exist in volume group {}.", args.vg)));
    }
    Ok(lv.or(pool).unwrap_or_default().to_owned())
}

fn create(args: &Args, size: Option<Size>, volumes: &[Volume], host: &dyn Observe) -> Result<Action, Failure> {
    if let Some(Size { operator: Some(operator), text, .. }) = &size
        && *operator == '-'
    {
        return Err(Failure::new(format!("Bad size specification of '{operator}{text}' for creating LV")));
    }
    let thin_origin = || args.snapshot.is_some() && volumes.iter().any(|v| Some(&v.name) == args.lv.as_ref() && v.thin);
    if size.is_none() && !thin_origin() {
        return Err(Failure::new("No size given."));
    }
    let opts = split_words(args.opts.as_deref().unwrap_or_default()).map_err(Failure::new)?;
    let vg = args.vg.as_str();
    let lv = args.lv.as_deref();
    let mut words: Vec<String> = vec!["--yes".into()];
    let amount = |option: &str| size.iter().flat_map(|s| [option.to_owned(), s.amount()]).collect::<Vec<String>>();
    let option = size.as_ref().map_or("-L", Size::option);
    if let Some(snapshot) = &args.snapshot {
        words.extend(amount(option));
        words.extend(["-s".into(), "-n".into(), snapshot.clone()]);
        words.extend(opts);
        words.push(format!("{vg}/{}", lv.unwrap_or_default()));
    } else if let Some(pool) = &args.thinpool {
        if lv.is_some() && option == "-l" {
            return Err(Failure::new("Thin volume sizing with percentage not supported."));
        }
        words.extend(lv.into_iter().flat_map(|lv| ["-n".to_owned(), lv.to_owned()]));
        words.extend(amount(if lv.is_some() { "-V" } else { option }));
        words.extend(opts);
        words.extend(["-T".into(), format!("{vg}/{pool}")]);
    } else {
        words.extend(["-n".into(), lv.unwrap_or_default().to_owned()]);
        words.extend(amount(option));
        words.extend(opts);
        words.push(vg.to_owned());
        words.extend(args.pvs.iter().flatten().cloned());
    }
    let failed = format!("Creating logical volume '{}' failed", lv.unwrap_or("None"));
    Ok(Action { command: lvm(host, "lvcreate")?.args(words), kind: Kind::Create, failed })
}

fn remove(args: &Args, volume: &Volume, host: &dyn Observe) -> Result<Action, Failure> {
    if !args.force {
        return Err(Failure::new(format!("Sorry, no removal of logical volume {} without force=true.", volume.name)));
    }
    let command = lvm(host, "lvremove")?.args(["--force", &format!("{}/{}", args.vg, volume.name)]);
    let failed = format!("Failed to remove logical volume {}", args.lv.as_deref().unwrap_or("None"));
    Ok(Action { command, kind: Kind::Remove, failed })
}

fn resize(
    args: &Args,
    size: &Size,
    volume: &Volume,
    group: &Group,
    unit: &str,
    host: &dyn Observe,
) -> Result<Option<Action>, Failure> {
    let name = &volume.name;
    let grow = if let Some((percent, whole)) = &size.percent {
        let base = if whole == "VG" || whole == "PVS" { group.size } else { group.free };
        let mut wanted = percent * base / 100.0;
        match size.operator {
            Some('+') => wanted += volume.size,
            Some(_) => wanted = volume.size - wanted,
            None => {}
        }
        if group.extent > 0.0 {
            wanted -= wanted % group.extent;
        }
        if volume.size < wanted {
            if !(group.free > 0.0 && group.free >= wanted - volume.size) {
                return Err(Failure::new(format!(
                    "Logical Volume {name} could not be extended. Not enough free space left ({}{unit} required / {}{unit} available)",
                    python_float(wanted - volume.size),
                    python_float(group.free)
                )));
            }
            true
        } else if args.shrink && volume.size > wanted + group.extent {
            if wanted < 1.0 {
                return Err(Failure::new(format!("Sorry, no shrinking of {name} to 0 permitted.")));
            }
            if !args.force {
                return Err(Failure::new(format!("Sorry, no shrinking of {name} without force=true")));
            }
            false
        } else {
            return Ok(None);
        }
    } else {
        let wanted: f64 = size.text.parse().unwrap_or_default();
        if wanted > volume.size || size.operator == Some('+') {
            true
        } else if args.shrink && wanted < volume.size || size.operator == Some('-') {
            if wanted == 0.0 {
                return Err(Failure::new(format!("Sorry, no shrinking of {name} to 0 permitted.")));
            }
            if !args.force {
                return Err(Failure::new(format!("Sorry, no shrinking of {name} without force=true.")));
            }
            false
        } else {
            return Ok(None);
        }
    };
    let command = if grow { lvm(host, "lvextend")? } else { lvm(host, "lvreduce")?.arg("--force") };
    let sign = size.operator.map(String::from).unwrap_or_default();
    let command = command
        .args(args.resizefs.then_some("--resizefs"))
        .args([size.option(), &format!("{sign}{}", size.amount()), &format!("{}/{name}", args.vg)])
        .args(args.pvs.iter().flatten().cloned());
    let failed = format!("Unable to resize {} to {}", args.lv.as_deref().unwrap_or("None"), size.amount());
    Ok(Some(Action { command, kind: Kind::Resize, failed }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;

    const LVOL: Entry = Entry::of::<Lvol>();

    fn lvs(host: &mut Fake, list: &str) {
        host.set_answer("lvs ...", 0, list);
    }

    fn host(list: &str) -> Fake {
        Fake::new()
            .answer("lvm", 0, "")
            .answer("vgs ...", 0, "  data;1024.00;512.00;4.00\n")
            .answer("lvs ...", 0, list)
            .answer("lvcreate --test ...", 0, "")
            .answer("lvremove --force --test ...", 0, "")
            .answer("lvextend --test ...", 0, "")
            .answer("lvreduce --force --test ...", 0, "")
    }

    #[test]
    fn made_and_removed() {
        let mut host = host("")
            .effect("lvcreate --yes -n logs -L 512m data /dev/a", 0, "", |h| lvs(h, "  logs;512.00;-wi-a-----\n"))
            .effect("lvremove --force data/logs", 0, "", |h| lvs(h, ""));
        let args = json!({"vg": "data", "lv": "logs", "size": 512, "pvs": "/dev/a"});
        assert!(case(&LVOL, args, &mut host).unwrap().changed);
        let mut args = json!({"vg": "data", "lv": "logs", "state": "absent"});
        let msg = "Sorry, no removal of logical volume logs without force=true.";
        assert_eq!(run(&LVOL, args.clone(), &mut host, true).unwrap_err().msg, msg);
        args["force"] = true.into();
        assert!(case(&LVOL, args, &mut host).unwrap().changed);
    }

    #[test]
    fn resized() {
        let at = |size: &str| format!("  logs;{size};-wi-a-----\n");
        for (args, from, command, to) in [
            (json!({"size": "600m"}), "512.00", "lvextend -L 600m data/logs", "600.00"),
            (json!({"size": "100%VG"}), "512.00", "lvextend -l 100%VG data/logs", "1024.00"),
            (
                json!({"size": 100, "force": true, "resizefs": true}),
                "512.00",
                "lvreduce --force --resizefs -L 100m data/logs",
                "100.00",
            ),
        ] {
            let mut args = args;
            args.as_object_mut().unwrap().extend([("vg".to_owned(), json!("data")), ("lv".to_owned(), json!("logs"))]);
            let after = at(to);
            let mut host = host(&at(from)).effect(command, 0, "", move |h| lvs(h, &after));
            let out = case(&LVOL, args, &mut host).unwrap();
            assert_eq!((out.changed, &out.values["size"]), (true, &json!(512.0)));
        }
        let mut host = host(&at("512.00"));
        host.set_answer("lvextend --test ...", 5, "  New size matches existing size\n");
        let args = json!({"vg": "data", "lv": "logs", "size": "+100%FREE"});
        assert!(!run(&LVOL, args, &mut host, true).unwrap().changed);
        let args = json!({"vg": "data", "lv": "logs", "size": 100});
        let msg = "Sorry, no shrinking of logs without force=true.";
        assert_eq!(run(&LVOL, args, &mut host, true).unwrap_err().msg, msg);
    }

    #[test]
    fn snapshots_thin_volumes_and_activation() {
        let mut host = host("  logs;512.00;-wi-------\n  pool;64.00;twi-a-----\n")
            .effect("lvcreate --yes -L 64m -s -n snap data/logs", 0, "", |_| {})
            .effect("lvcreate --yes -n thin -V 1g -T data/pool", 0, "", |_| {})
            .effect("lvchange -ay data/logs", 0, "", |h| lvs(h, "  logs;512.00;-wi-a-----\n"));
        for args in [
            json!({"vg": "data", "lv": "logs", "size": 64, "snapshot": "snap"}),
            json!({"vg": "data", "lv": "thin", "size": "1g", "thinpool": "pool"}),
        ] {
            assert!(once(&LVOL, args, &mut host).unwrap().changed);
        }
        assert!(case(&LVOL, json!({"vg": "data", "lv": "logs"}), &mut host).unwrap().changed);
    }

    #[test]
    fn refusals() {
        let mut gone = Fake::new().answer("lvm", 0, "").answer("vgs ...", 5, "").answer("lvs ...", 5, "");
        let args = json!({"vg": "none", "lv": "x", "state": "absent"});
        assert_eq!(run(&LVOL, args, &mut gone, true).unwrap().values["stdout"], "Volume group none does not exist.");
        let mut host = host("");
        let mut failed = |args| run(&LVOL, args, &mut host, true).unwrap_err().msg;
        assert_eq!(failed(json!({"vg": "data", "lv": "x"})), "No size given.");
        assert_eq!(failed(json!({"vg": "data", "lv": "x", "size": "x"})), "Bad size specification of 'x'");
        assert_eq!(
            failed(json!({"vg": "data", "lv": "x", "size": "1%ALL"})),
            "Specify extents as a percentage of VG|PVS|FREE|ORIGIN"
        );
    }
}
