//! `community.general.parted`: partitions of disks, with parted.

use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

pub struct Parted;

#[derive(Deserialize)]
pub struct Args {
    device: String,
    align: String,
    number: Option<i64>,
    unit: String,
    label: String,
    part_type: String,
    part_start: String,
    part_end: String,
    fs_type: Option<String>,
    name: Option<String>,
    flags: Option<Vec<String>>,
    state: String,
    resize: bool,
}

pub struct Work {
    args: Args,
    tool: Tool,
    script: Vec<String>,
    preview: Outcome,
}

const UNITS: &[&str] = &["B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "s", "%", "cyl", "chs", "compact"];

impl Module for Parted {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["number"], any: false },
            Rule::RequiredIf { arg: "state", value: Literal::Str("absent"), required: &["number"], any: false },
        ],
        examples: "- name: One partition\n  community.general.parted:\n    device: /dev/sdb\n    number: 1\n    label: gpt\n    part_start: 1MiB\n    part_end: 100%\n    flags: [lvm]\n    state: present\n",
        returns: &[
            Return { name: "disk", when: "always", doc: "Size, label and blocks of the disk." },
            Return {
                name: "partitions",
                when: "always",
                doc: "Number, begin, end, size, file system, name and flags of each.",
            },
            Return { name: "script", when: "always", doc: "What parted was told." },
        ],
        differs: "The units `cyl` and `chs` are refused, and parted before 3.1. In check mode a partition that is not there is not told as removed.",
        ..ModuleSpec::new(
            "community.general.parted",
            "Partitions of disks, with parted.",
            &[
                Arg::str("device").required().doc("The disk."),
                Arg::str("align")
                    .choices(&["cylinder", "minimal", "none", "optimal", "undefined"])
                    .default(Literal::Str("optimal"))
                    .doc("Where new partitions may begin."),
                Arg::int("number").doc("The partition."),
                Arg::str("unit").choices(UNITS).default(Literal::Str("KiB")).doc("The unit of what is told."),
                Arg::str("label")
                    .choices(&["aix", "amiga", "bsd", "dvh", "gpt", "loop", "mac", "msdos", "pc98", "sun"])
                    .default(Literal::Str("msdos"))
                    .doc("The kind of partition table; another one is replaced, and all partitions with it."),
                Arg::str("part_type")
                    .choices(&["extended", "logical", "primary"])
                    .default(Literal::Str("primary"))
                    .doc("The kind of a new partition; its name on gpt."),
                Arg::str("part_start").default(Literal::Str("0%")).doc("Where it begins, with a unit."),
                Arg::str("part_end").default(Literal::Str("100%")).doc("Where it ends, with a unit."),
                Arg::str("fs_type").doc("The file system that the table tells of."),
                Arg::str("name").doc("Its name, on gpt and the like."),
                Arg::list("flags", ArgType::Str).doc("The flags that it has, and no other."),
                Arg::str("state")
                    .choices(&["absent", "info", "present"])
                    .default(Literal::Str("info"))
                    .doc("There, gone, or only told of."),
                Arg::bool("resize").default(Literal::Bool(false)).doc("Move its end to `part_end`."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let program = required(host, "parted")?;
        if args.number.is_some_and(|n| n < 1) {
            return Err(Failure::new("The partition number must be greater then 0."));
        }
        for (name, value) in [("part_start", &args.part_start), ("part_end", &args.part_end)] {
            let (size, unit) = size(value, "")?;
            if !UNITS.contains(&unit.as_str()) {
                let msg =
                    format!("The argument '{name}' doesn't respect required format.The size unit is case sensitive.");
                return Err(Failure::new(msg).with("err", json!([size, unit])));
            }
        }
        if ["cyl", "chs"].contains(&args.unit.as_str()) {
            return Err(Failure::new(format!("the unit {} is not supported", args.unit)));
        }
        let tool = Tool::find(program, &args, host)?;
        let disk = tool.look(host)?;
        let mut script = Vec::new();
        let outcome = |changed: bool, disk: Disk, script: &[String]| {
            Outcome::changed(changed)
                .with("disk", disk.about)
                .with("partitions", disk.partitions)
                .with("script", script)
        };
        match args.state.as_str() {
            "info" => {
                script.extend(["unit".to_owned(), args.unit.clone(), "print".to_owned()]);
                return Ok(Plan::Done(outcome(false, disk, &script)));
            }
            "absent" if disk.partition(args.number).is_some() => {
                script.extend(["rm".to_owned(), number(&args)]);
            }
            "present" => script = make(&args, &disk)?,
            _ => {}
        }
        let mut all = script.clone();
        if args.state == "present" {
            let empty = JsonMap::new();
            let part = disk.partition(args.number).filter(|_| script.is_empty()).unwrap_or(&empty);
            all.extend(adorn(&args, part));
        }
        let told = outcome(!all.is_empty(), disk, &all);
        Ok(if all.is_empty() || call.check {
            Plan::Done(told)
        } else {
            Plan::Work(Work { args, tool, script, preview: told })
        })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, tool, mut script, .. } = work;
        if !script.is_empty() {
            tool.run(host, &script)?;
        }
        if args.state == "present" {
            let disk = tool.look(host.observe())?;
            let more = disk.partition(args.number).map(|part| adorn(&args, part)).unwrap_or_default();
            if !more.is_empty() {
                tool.run(host, &more)?;
                script.extend(more);
            }
        }
        let disk = tool.look(host.observe())?;
        let outcome = Outcome::changed(true).with("disk", disk.about).with("partitions", disk.partitions);
        Ok(outcome.with("script", script))
    }
}

fn number(args: &Args) -> String {
    args.number.unwrap_or_default().to_string()
}

/// What makes table and partition.
fn make(args: &Args, disk: &Disk) -> Result<Vec<String>, Failure> {
    let mut script: Vec<String> = Vec::new();
    let new_table = disk.about.get("table").and_then(Json::as_str) != Some(&args.label);
    if new_table {
        script.extend(["mklabel".to_owned(), args.label.clone()]);
    }
    let there = disk.partition(args.number);
    if new_table || there.is_none() {
        script.extend(["mkpart".to_owned(), args.part_type.clone()]);
        script.extend(args.fs_type.clone());
        script.extend([args.part_start.clone(), args.part_end.clone()]);
    }
    if !script.is_empty() {
        script.splice(0..0, ["unit".to_owned(), args.unit.clone()]);
    }
    if let Some(part) = there.filter(|_| args.resize) {
        let number_of = |map: &JsonMap, key: &str| map.get(key).and_then(Json::as_f64).unwrap_or_default();
        let end = in_bytes(number_of(part, "end"), &args.unit);
        let (mut wanted, mut unit) = size(&args.part_end, &args.unit)?;
        if unit == "%" {
            wanted = (number_of(&disk.about, "size").trunc() * wanted / 100.0).trunc();
            unit.clone_from(&args.unit);
        }
        if end != in_bytes(wanted, &unit) {
            script.extend(["resizepart".to_owned(), number(args), args.part_end.clone()]);
        }
    }
    Ok(script)
}

/// What gives a partition its name and its flags.
fn adorn(args: &Args, part: &JsonMap) -> Vec<String> {
    let mut script = Vec::new();
    if let Some(name) = args.name.as_ref().filter(|name| part.get("name").and_then(Json::as_str) != Some(name)) {
        script.extend(["name".to_owned(), number(args), format!("\"{name}\"")]);
    }
    if let Some(mut wanted) = args.flags.clone().filter(|f| !f.is_empty()) {
        // parted takes the one for the other.
        if wanted.iter().any(|f| f == "esp") && !wanted.iter().any(|f| f == "boot") {
            wanted.push("boot".to_owned());
        }
        let has: Vec<&str> =
            part.get("flags").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let mut set = |flag: &str, word: &str| {
            script.extend(["set".to_owned(), number(args), flag.to_owned(), word.to_owned()]);
        };
        wanted.iter().filter(|f| !has.contains(&f.as_str())).for_each(|f| set(f, "on"));
        has.iter().filter(|f| !wanted.iter().any(|w| w == *f)).for_each(|f| set(f, "off"));
    }
    if !script.is_empty() {
        script.splice(0..0, ["unit".to_owned(), args.unit.clone()]);
    }
    script
}

/// A number and its unit.
fn size(text: &str, unit: &str) -> Result<(f64, String), Failure> {
    let fault = || Failure::new(format!("Error interpreting parted size output: '{text}'"));
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let end = end + (text.len() - digits.len());
    let own = text[end..].trim_start_matches(' ');
    if !own.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '%') {
        return Err(fault());
    }
    let number = text[..end].parse().map_err(|_| fault())?;
    Ok((number, if own.is_empty() { unit } else { own }.to_owned()))
}

fn in_bytes(size: f64, unit: &str) -> i64 {
    let power = |units: &[&str], base: f64, more: i32| {
        let at = units.iter().position(|u| *u == unit)?;
        i32::try_from(at).ok().map(|at| base.powi(at + more))
    };
    let si = || power(&["B", "KB", "MB", "GB", "TB"], 1000.0, 0);
    let iec = || power(&["KiB", "MiB", "GiB", "TiB"], 1024.0, 1);
    let multiplier = si().or_else(iec).unwrap_or(if ["", "compact"].contains(&unit) { 1e6 } else { 1.0 });
    (size * multiplier) as i64
}

struct Disk {
    about: JsonMap,
    partitions: Vec<Json>,
}

impl Disk {
    fn partition(&self, number: Option<i64>) -> Option<&JsonMap> {
        self.partitions.iter().filter_map(Json::as_object).find(|p| p.get("num").and_then(Json::as_i64) == number)
    }

    /// What `parted -m … print` tells: the unit, the disk, the partitions, a line for each.
    fn read(text: &str, unit: &str) -> Result<Self, Failure> {
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.trim_end_matches(';').split(':').collect())
            .collect();
        let fault = || Failure::new(format!("Error interpreting parted output: '{text}'"));
        let number = |text: &str| text.parse::<i64>().map_err(|_| fault());
        let [dev, whole, _, logical, physical, table, model, ..] = rows.get(1).ok_or_else(fault)?.as_slice() else {
            return Err(fault());
        };
        let (total, unit) = size(whole, unit)?;
        let unit = unit.to_lowercase();
        let about = json!({"dev": dev, "size": total, "unit": unit, "table": table, "model": model,
            "logical_block": number(logical)?, "physical_block": number(physical)?});
        let one = |row: &Vec<&str>| {
            let [num, begin, end, length, fstype, name, flags, ..] = row.as_slice() else { return Err(fault()) };
            let flags: Vec<&str> = flags.split(", ").filter(|f| !f.is_empty()).map(str::trim).collect();
            Ok(json!({"num": number(num)?, "begin": size(begin, "")?.0, "end": size(end, "")?.0,
                "size": size(length, "")?.0, "fstype": fstype, "name": name, "flags": flags, "unit": unit}))
        };
        let partitions = rows[2..].iter().map(one).collect::<Result<_, _>>()?;
        Ok(Disk { about: about.as_object().cloned().unwrap_or_default(), partitions })
    }
}

/// parted and the disk.
struct Tool {
    program: PathBuf,
    device: String,
    unit: String,
    align: String,
    /// It repairs tables without being asked to.
    fixes: bool,
}

impl Tool {
    fn find(program: PathBuf, args: &Args, host: &dyn Observe) -> Result<Self, Failure> {
        let mut tool = Tool {
            program,
            device: args.device.clone(),
            unit: args.unit.clone(),
            align: args.align.clone(),
            fixes: false,
        };
        let out = query(host, &tool.command(&["--version"]))?;
        let text = out.stdout_text();
        let first = text.lines().find(|l| l.starts_with("parted")).filter(|_| out.ok()).unwrap_or_default();
        let version: Vec<u32> = first
            .rsplit(' ')
            .next()
            .unwrap_or_default()
            .split(|c: char| !c.is_ascii_digit())
            .map_while(|n| n.parse().ok())
            .collect();
        if version.len() < 2 {
            return Err(failed("Failed to get parted version.", &out));
        }
        if version < vec![3, 1] {
            return Err(Failure::new("parted before 3.1 is not supported"));
        }
        tool.fixes = version >= vec![3, 4, 64];
        Ok(tool)
    }

    fn command(&self, words: &[&str]) -> Command {
        let command = Command::new(&self.program).args(words.iter().copied());
        ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE"].iter().fold(command, |command, name| command.env(name, "C"))
    }

    fn look(&self, host: &dyn Observe) -> Result<Disk, Failure> {
        let command = self.command(&["-s", "-m", &self.device, "--", "unit", &self.unit, "print"]);
        let out = query(host, &command)?;
        if !out.ok() && !out.stderr_text().contains("unrecognised disk label") {
            let msg = format!("Error while getting device information with parted script: '{}'", command.display());
            return Err(failed(&msg, &out));
        }
        Disk::read(&out.stdout_text(), &self.unit)
    }

    fn run(&self, host: &mut dyn Change, script: &[String]) -> Result<(), Failure> {
        let mut words = vec!["-s"];
        words.extend(self.fixes.then_some("-f"));
        words.push("-m");
        if self.align != "undefined" {
            words.extend(["-a", &self.align]);
        }
        words.extend([self.device.as_str(), "--"]);
        words.extend(script.iter().map(String::as_str));
        let command = self.command(&words);
        let out = execute(host, &command)?;
        if out.ok() {
            return Ok(());
        }
        Err(failed(&format!("Error while running parted script: {}", command.display().trim()), &out))
    }
}

fn failed(msg: &str, out: &Output) -> Failure {
    Failure::new(msg).with("rc", out.rc).with("out", out.stdout_text()).with("err", out.stderr_text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};

    const MODULE: Entry = Entry::of::<Parted>();
    const PRINT: &str = "parted -s -m /dev/sdb -- unit KiB print";
    const BARE: &str = "BYT;\n/dev/sdb:1048576kiB:loop:512:512:unknown:Loopback device:;\n";

    fn table(flags: &str) -> String {
        let disk = "BYT;\n/dev/sdb:1048576kiB:loop:512:512:gpt:Loopback device:;\n";
        format!("{disk}1:1024kiB:1047552kiB:1046528kiB:ext4:data:{flags};\n")
    }

    #[test]
    fn there_and_gone() {
        let make = "parted -s -f -m -a optimal /dev/sdb -- unit KiB mklabel gpt mkpart primary ext4 1MiB 100%";
        let adorn = "parted -s -f -m -a optimal /dev/sdb -- unit KiB name 1 \"data\" set 1 esp on set 1 boot on";
        let mut host = Fake::new()
            .answer("parted --version", 0, "parted (GNU parted) 3.5\nCopyright\n")
            .answer_err(PRINT, 1, BARE, "Error: /dev/sdb: unrecognised disk label\n")
            .effect(make, 0, "", |h| h.set_answer(PRINT, 0, &table("").replace("data", "primary")))
            .effect(adorn, 0, "", |h| h.set_answer(PRINT, 0, &table("boot, esp")))
            .effect("parted -s -f -m -a optimal /dev/sdb -- rm 1", 0, "", |h| h.set_answer(PRINT, 0, BARE));
        let args = json!({"device": "/dev/sdb", "number": 1, "label": "gpt", "part_start": "1MiB", "fs_type": "ext4",
            "name": "data", "flags": ["esp"], "state": "present"});
        let out = case(&MODULE, args, &mut host).unwrap();
        assert_eq!(
            out.values["disk"],
            json!({"dev": "/dev/sdb", "size": 1048576.0, "unit": "kib", "table": "gpt",
            "model": "Loopback device", "logical_block": 512, "physical_block": 512})
        );
        assert_eq!(
            out.values["partitions"],
            json!([{"num": 1, "begin": 1024.0, "end": 1047552.0, "size": 1046528.0,
            "fstype": "ext4", "name": "data", "flags": ["boot", "esp"], "unit": "kib"}])
        );
        assert_eq!(out.values["script"].as_array().map(Vec::len), Some(22));
        assert!(
            case(&MODULE, json!({"device": "/dev/sdb", "number": 1, "state": "absent"}), &mut host).unwrap().changed
        );
    }

    #[test]
    fn a_new_end() {
        let mut host = Fake::new()
            .answer("parted --version", 0, "parted (GNU parted) 3.4\n")
            .answer(PRINT, 0, &table(""))
            .answer("parted -s -m /dev/sdb -- resizepart 1 2GB", 0, "");
        let args = |end: &str| {
            json!({"device": "/dev/sdb", "number": 1, "label": "gpt", "state": "present", "resize": true, "part_end": end,
                "align": "undefined"})
        };
        assert!(!run(&MODULE, args("1047552KiB"), &mut host, false).unwrap().changed);
        let out = run(&MODULE, args("2GB"), &mut host, false).unwrap();
        assert_eq!((out.changed, &out.values["script"]), (true, &json!(["resizepart", "1", "2GB"])));
    }

    #[test]
    fn what_cannot_be() {
        let mut host = Fake::new().answer("parted --version", 0, "parted (GNU parted) 3.5\n").answer_err(
            PRINT,
            1,
            "",
            "Error: Could not stat device /dev/sdb - No such file or directory.\n",
        );
        for (args, message) in [
            (json!({"device": "/dev/sdb", "number": 0}), "The partition number must be greater then 0."),
            (
                json!({"device": "/dev/sdb", "state": "present"}),
                "state is present but all of the following are missing: number",
            ),
            (
                json!({"device": "/dev/sdb", "part_end": "1gb"}),
                "The argument 'part_end' doesn't respect required format.The size unit is case sensitive.",
            ),
            (json!({"device": "/dev/sdb", "part_end": "all"}), "Error interpreting parted size output: 'all'"),
            (json!({"device": "/dev/sdb", "unit": "chs"}), "the unit chs is not supported"),
            (
                json!({"device": "/dev/sdb"}),
                "Error while getting device information with parted script: '/usr/bin/parted -s -m /dev/sdb -- unit KiB print'",
            ),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
