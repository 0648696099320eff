//! `community.general.timezone`: the time zone of the system, and of the clock in the hardware.

use crate::contract::{Arg, Call, Diff, Failure, JsonMap, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{failed_command, query, required};
use crate::host::{Change, Command, FileKind, Observe, Output, WriteOptions};
use serde::Deserialize;
use std::path::Path;

pub struct Timezone;

#[derive(Clone, Deserialize)]
pub struct Args {
    name: Option<String>,
    hwclock: Option<String>,
}

/// How a system keeps its zone.
#[derive(Clone)]
enum Keeper {
    Systemd(Command),
    Files(Files),
}

/// Systems without a working `timedatectl`.
#[derive(Clone)]
struct Files {
    zone_file: &'static str,
    /// Key of the zone in its file; without one the file holds only the zone.
    zone_key: Option<&'static str>,
    clock_file: &'static str,
    update: Vec<Command>,
    hwclock: Command,
}

#[derive(Clone, PartialEq)]
struct Values {
    name: Option<String>,
    hwclock: Option<String>,
}

pub struct Work {
    keeper: Keeper,
    before: Values,
    wanted: Values,
}

const LOCALTIME: &str = "/etc/localtime";
const ZONES: &str = "/usr/share/zoneinfo/";

impl Module for Timezone {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[Rule::RequiredOneOf(&["hwclock", "name"])],
        examples: "- name: Keep Dutch time\n  community.general.timezone:\n    name: Europe/Amsterdam\n",
        returns: &[Return { name: "msg", when: "something was done", doc: "What was done." }],
        ..ModuleSpec::new(
            "community.general.timezone",
            "The time zone of the system, and of the clock in the hardware.",
            &[
                Arg::str("name").doc("The zone, as `Europe/Amsterdam`."),
                Arg::str("hwclock")
                    .aliases(&["rtc"])
                    .choices(&["local", "UTC"])
                    .doc("Which time the clock in the hardware shows."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let works = |tool: &Command| host.query(tool).is_ok_and(|out| out.ok());
        let timedatectl = host.which("timedatectl").map(Command::new).filter(works);
        if let Some(zone) = &args.name
            && !host.stat(Path::new(&format!("{ZONES}{zone}"))).is_ok_and(|s| s.kind == FileKind::File)
        {
            return Err(abort(format!("given timezone \"{zone}\" is not available"), &[]));
        }
        let keeper = match timedatectl {
            Some(tool) => Keeper::Systemd(tool),
            None => Keeper::Files(Files::find(args.name.as_deref(), host)?),
        };
        let before = keeper.look(&args, host)?;
        let wanted = Values { name: args.name, hwclock: args.hwclock };
        if before == wanted {
            return Ok(Plan::Done(Outcome::unchanged().with_diff(diff(&before, &wanted))));
        }
        Ok(Plan::Work(Work { keeper, before, wanted }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        Outcome::changed(true).with_diff(diff(&work.before, &work.wanted))
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let mut done: Vec<String> = Vec::new();
        let Work { keeper, before, wanted } = &work;
        if let Some(value) = wanted.hwclock.as_ref().filter(|_| before.hwclock != wanted.hwclock) {
            keeper.set_hwclock(value, host, &mut done)?;
        }
        if let Some(value) = wanted.name.as_ref().filter(|_| before.name != wanted.name) {
            keeper.set_name(value, host, &mut done)?;
        }
        let args = Args { name: wanted.name.clone(), hwclock: wanted.hwclock.clone() };
        let after = keeper.look(&args, host.observe())?;
        if after != *wanted {
            let text = |v: &Values| crate::contract::python_text(&v.data().into());
            let (planned, after) = (text(wanted), text(&after));
            let msg = format!("still not desired state, though changes have made - planned: {planned}, after: {after}");
            return Err(abort(msg, &done));
        }
        let mut outcome = Self::preview(&work, call);
        if !done.is_empty() {
            outcome.set("msg", done.join("\n"));
        }
        Ok(outcome)
    }
}

impl Values {
    fn data(&self) -> JsonMap {
        let pairs = [("hwclock", &self.hwclock), ("name", &self.name)];
        pairs.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v.as_ref()?.as_str().into()))).collect()
    }
}

fn diff(before: &Values, after: &Values) -> Diff {
    Diff::data(before.data(), after.data())
}

fn abort(msg: String, done: &[String]) -> Failure {
    let mut lines = vec!["Error message:", &msg];
    if !done.is_empty() {
        lines.push("Other message(s):");
        lines.extend(done.iter().map(String::as_str));
    }
    Failure::new(lines.join("\n"))
}

fn succeeded(command: &Command, out: Output) -> Result<String, Failure> {
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(command, &out, "")) }
}

fn run(command: &Command, host: &mut dyn Change) -> Result<(), Failure> {
    let out = crate::host::steps::execute(host, command)?;
    succeeded(command, out).map(drop)
}

impl Keeper {
    fn look(&self, args: &Args, host: &dyn Observe) -> Result<Values, Failure> {
        match self {
            Keeper::Systemd(tool) => {
                let command = tool.clone().arg("status");
                let status = succeeded(&command, query(host, &command)?)?;
                let field = |names: &[&str]| {
                    let found =
                        status.lines().filter_map(|l| l.split_once(':')).find(|(k, _)| names.contains(&k.trim()));
                    let value = found.and_then(|(_, v)| v.split_whitespace().next());
                    value.ok_or_else(|| abort(format!("timedatectl does not tell {}", names[0]), &[]))
                };
                let mut values = Values { name: None, hwclock: None };
                if args.name.is_some() {
                    values.name = Some(field(&["Time zone", "Timezone"])?.to_owned());
                }
                if args.hwclock.is_some() {
                    let local = field(&["RTC in local TZ"])? == "yes";
                    values.hwclock = Some(if local { "local" } else { "UTC" }.to_owned());
                }
                Ok(values)
            }
            Keeper::Files(files) => Ok(Values {
                name: args.name.as_deref().map(|zone| files.zone(zone, host)).transpose()?,
                hwclock: args.hwclock.as_deref().map(|clock| files.clock(clock, host)).transpose()?,
            }),
        }
    }

    fn set_name(&self, zone: &str, host: &mut dyn Change, done: &mut Vec<String>) -> Result<(), Failure> {
        match self {
            Keeper::Systemd(tool) => logged(tool.clone().args(["set-timezone", zone]), host, done),
            Keeper::Files(files) => {
                let line = match files.zone_key {
                    Some(key) => format!("{key}=\"{zone}\"\n"),
                    None => format!("{zone}\n"),
                };
                edit("name", files.zone_file, |l| files.zone_in(l).is_some(), line, host, done)?;
                files.update.iter().try_for_each(|command| run(command, host))
            }
        }
    }

    fn set_hwclock(&self, clock: &str, host: &mut dyn Change, done: &mut Vec<String>) -> Result<(), Failure> {
        let local = clock == "local";
        match self {
            Keeper::Systemd(tool) => {
                logged(tool.clone().args(["set-local-rtc", if local { "yes" } else { "no" }]), host, done)
            }
            Keeper::Files(files) => {
                let line = format!("UTC={}\n", if local { "no" } else { "yes" });
                edit("hwclock", files.clock_file, |l| keyed("UTC", l).is_some(), line, host, done)?;
                let option = if local { "--localtime" } else { "--utc" };
                logged(files.hwclock.clone().args(["--systohc", option]), host, done)
            }
        }
    }
}

fn logged(command: Command, host: &mut dyn Change, done: &mut Vec<String>) -> Result<(), Failure> {
    run(&command, host)?;
    done.push(format!("executed `{}`", command.display()));
    Ok(())
}

/// The first word after `KEY =`, without quotes.
fn keyed<'a>(key: &str, line: &'a str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim_start();
    let value = if key == "UTC" { value } else { value.strip_prefix('"').unwrap_or(value) };
    let end = |c: char| c.is_whitespace() || c == '"' && key != "UTC";
    value.split(end).next().filter(|v| !v.is_empty())
}

/// Puts the line in place of those that fit, or at the top.
fn edit(
    what: &str,
    file: &str,
    fits: impl Fn(&str) -> bool,
    new: String,
    host: &mut dyn Change,
    done: &mut Vec<String>,
) -> Result<(), Failure> {
    let path = Path::new(file);
    let fault = |verb: &str, done: &[String]| {
        abort(format!("tried to configure {what} using a file \"{file}\", but could not {verb} it"), done)
    };
    let text = match host.read_text(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(_) => return Err(fault("read", done)),
    };
    let at = text.lines().position(&fits).unwrap_or(0);
    let mut lines: Vec<String> = text.split_inclusive('\n').filter(|l| !fits(l)).map(str::to_owned).collect();
    let gone = text.lines().count() - lines.len();
    lines.insert(at, new);
    host.write(path, &mut lines.concat().as_bytes(), &WriteOptions::default()).map_err(|_| fault("write to", done))?;
    done.push(format!("Added 1 line and deleted {gone} line(s) on {file}"));
    Ok(())
}

impl Files {
    fn find(zone: Option<&str>, host: &dyn Observe) -> Result<Self, Failure> {
        let source = format!("{ZONES}{}", zone.unwrap_or_default());
        let named = zone.is_some();
        let mut update = Vec::new();
        if named {
            update.push(Command::new(required(host, "cp")?).args(["--remove-destination", &source, LOCALTIME]));
        }
        let hwclock = Command::new(required(host, "hwclock")?);
        let os = host.read_text(Path::new("/etc/os-release")).unwrap_or_default();
        let id = os.lines().find_map(|l| l.strip_prefix("ID=")).unwrap_or_default().trim_matches('"').to_owned();
        let mut files =
            Files { zone_file: "/etc/timezone", zone_key: None, clock_file: "/etc/default/rcS", update, hwclock };
        if let Some(reconfigure) = host.which("dpkg-reconfigure") {
            if named {
                files.update = vec![
                    Command::new(required(host, "ln")?).args(["-sf", &source, LOCALTIME]),
                    Command::new(reconfigure).args(["--frontend", "noninteractive", "tzdata"]),
                ];
            }
        } else if id == "alpine" || id == "gentoo" {
            files.clock_file = "/etc/conf.d/hwclock";
            if id == "alpine" {
                let setup = Command::new(required(host, "setup-timezone")?);
                files.update = vec![setup.args(["-z", zone.unwrap_or_default()])];
            }
        } else {
            let is_link = host.lstat(Path::new(LOCALTIME)).is_ok_and(|s| s.kind == FileKind::Symlink);
            if let Some(tool) = host.which("tzdata-update").filter(|_| !is_link) {
                files.update = vec![Command::new(tool)];
            }
            (files.zone_file, files.clock_file) = ("/etc/sysconfig/clock", "/etc/sysconfig/clock");
            let has_key = |t: &str| {
                t.lines().any(|l| l.strip_prefix("TIMEZONE").is_some_and(|r| r.trim_start().starts_with('=')))
            };
            let suse = match host.read_text(Path::new(files.zone_file)) {
                Ok(text) => has_key(&text),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => id.starts_with("sle") || id.contains("suse"),
                Err(_) => return Err(abort(format!("could not read configuration file \"{}\"", files.zone_file), &[])),
            };
            files.zone_key = Some(if suse { "TIMEZONE" } else { "ZONE" });
        }
        Ok(files)
    }

    fn zone_in<'a>(&self, line: &'a str) -> Option<&'a str> {
        match self.zone_key {
            Some(key) => keyed(key, line),
            None => line.split(char::is_whitespace).next().filter(|w| !w.is_empty()),
        }
    }

    /// The zone of the file, and of the local time where the file has the wanted one already.
    fn zone(&self, wanted: &str, host: &dyn Observe) -> Result<String, Failure> {
        let text = config("name", self.zone_file, host)?;
        let found = text.as_ref().and_then(|text| text.lines().find_map(|l| self.zone_in(l)));
        let told = found.unwrap_or("n/a").to_owned();
        if told != wanted {
            return Ok(told);
        }
        let local = Path::new(LOCALTIME);
        let none = || "n/a".to_owned();
        if host.lstat(local).is_ok_and(|s| s.kind == FileKind::Symlink) {
            let target = host.read_link(local).unwrap_or_default().to_string_lossy().into_owned();
            let zone = ["/usr/share/zoneinfo/", "/etc/zoneinfo/"].iter().find_map(|d| target.split_once(d));
            return Ok(match zone {
                Some((_, zone)) if host.stat(local).is_ok() => zone.to_owned(),
                _ => none(),
            });
        }
        let same = match (host.read(local), host.read(Path::new(&format!("{ZONES}{wanted}")))) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        };
        Ok(if same { told } else { none() })
    }

    /// What the file says of the clock; where that is as wanted, what `/etc/adjtime` says.
    fn clock(&self, wanted: &str, host: &dyn Observe) -> Result<String, Failure> {
        let text = config("hwclock", self.clock_file, host)?.unwrap_or_default();
        let told = match text.lines().find_map(|l| keyed("UTC", l)).map(str::to_lowercase).as_deref() {
            None => "n/a",
            Some("y" | "yes" | "on" | "1" | "true" | "t" | "1.0") => "UTC",
            Some(_) => "local",
        };
        if told != wanted {
            return Ok(told.to_owned());
        }
        let adjust = config("hwclock", "/etc/adjtime", host)?.unwrap_or_default();
        let local = adjust.lines().find(|l| ["UTC", "LOCAL"].contains(l)) == Some("LOCAL");
        Ok(if local { "local" } else { "UTC" }.to_owned())
    }
}

/// A file that need not be there.
fn config(what: &str, file: &str, host: &dyn Observe) -> Result<Option<String>, Failure> {
    match host.read_text(Path::new(file)) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(abort(format!("tried to configure {what} using a file \"{file}\", but could not read it"), &[])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const TIMEZONE: Entry = Entry::of::<super::Timezone>();
    const TOKYO: &str = "/usr/share/zoneinfo/Asia/Tokyo";

    fn status(zone: &str) -> String {
        format!("      Local time: x\n       Time zone: {zone} (X, +0000)\n RTC in local TZ: no\n")
    }

    #[test]
    fn by_systemd() {
        let mut host = Fake::new()
            .file(TOKYO, "T")
            .answer("timedatectl", 0, "")
            .answer("timedatectl status", 0, &status("Etc/UTC"))
            .effect("timedatectl set-timezone Asia/Tokyo", 0, "", |h| {
                h.set_answer("timedatectl status", 0, &status("Asia/Tokyo"))
            });
        let out = case(&TIMEZONE, json!({"name": "Asia/Tokyo", "rtc": "UTC"}), &mut host).unwrap();
        assert_eq!(out.values["msg"], "executed `/usr/bin/timedatectl set-timezone Asia/Tokyo`");
        assert_eq!(out.diff[0].before, Some(json!({"hwclock": "UTC", "name": "Etc/UTC"})));
        assert_eq!(out.diff[0].after, Some(json!({"hwclock": "UTC", "name": "Asia/Tokyo"})));
        let failure = run(&TIMEZONE, json!({"name": "No/Where"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Error message:\ngiven timezone \"No/Where\" is not available");
    }

    #[test]
    fn of_debian_without_systemd() {
        let put = |h: &mut Fake| {
            h.unset_file(LOCALTIME);
            *h = std::mem::take(h).link(LOCALTIME, TOKYO);
        };
        let mut host = Fake::new()
            .file(TOKYO, "T")
            .dir("/etc/default")
            .file("/etc/timezone", "Etc/UTC\n")
            .answer("timedatectl", 1, "")
            .answer("hwclock", 0, "")
            .answer("cp", 0, "")
            .effect("hwclock --systohc --utc", 0, "", |h| h.set_file("/etc/adjtime", "0\n0\nUTC\n", 0o644))
            .effect("dpkg-reconfigure --frontend noninteractive tzdata", 0, "", |_| {})
            .effect("ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime", 0, "", put);
        let out = case(&TIMEZONE, json!({"name": "Asia/Tokyo", "hwclock": "UTC"}), &mut host).unwrap();
        assert_eq!(out.diff[0].before, Some(json!({"hwclock": "n/a", "name": "Etc/UTC"})));
        assert_eq!(
            (host.text("/etc/timezone"), host.text("/etc/default/rcS")),
            ("Asia/Tokyo\n".into(), "UTC=yes\n".into())
        );
        assert!(out.values["msg"].as_str().unwrap().ends_with("Added 1 line and deleted 1 line(s) on /etc/timezone"));
    }

    #[test]
    fn of_red_hat_without_systemd() {
        let mut host = Fake::new()
            .file(TOKYO, "T")
            .file("/etc/os-release", "ID=\"centos\"\n")
            .file("/etc/sysconfig/clock", "# c\nZONE=\"Etc/UTC\"\nUTC=yes\n")
            .answer("hwclock", 0, "")
            .effect("cp --remove-destination /usr/share/zoneinfo/Asia/Tokyo /etc/localtime", 0, "", |h| {
                h.set_file(LOCALTIME, "T", 0o644)
            });
        assert!(case(&TIMEZONE, json!({"name": "Asia/Tokyo"}), &mut host).unwrap().changed);
        assert_eq!(host.text("/etc/sysconfig/clock"), "# c\nZONE=\"Asia/Tokyo\"\nUTC=yes\n");
    }
}
