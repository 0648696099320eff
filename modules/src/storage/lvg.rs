//! `community.general.lvg`: LVM's volume groups.

use super::shared::lvm;
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::files::shared::real_path;
use crate::host::steps::{Step, Steps, failed_command, query};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::Path;

pub struct Lvg;

#[derive(Deserialize)]
pub struct Args {
    vg: String,
    pvs: Option<Vec<String>>,
    pesize: String,
    pv_options: String,
    pvresize: bool,
    vg_options: String,
    state: String,
    force: bool,
    reset_vg_uuid: bool,
    reset_pv_uuid: bool,
    remove_extra_pvs: bool,
}

const AUTOACTIVATION: &str = "--setautoactivation";

impl Module for Lvg {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredIf { arg: "reset_pv_uuid", value: Literal::Bool(true), required: &["pvs"], any: false }],
        examples: "- name: A volume group on two devices\n  community.general.lvg:\n    vg: data\n    pvs:\n      - /dev/sdb1\n      - /dev/sdc5\n\n- name: Away with it\n  community.general.lvg:\n    vg: data\n    state: absent\n",
        ..ModuleSpec::new(
            "community.general.lvg",
            "Manages LVM's volume groups.",
            &[
                Arg::str("vg").required().doc("The volume group."),
                Arg::list("pvs", ArgType::Str).doc("Its devices."),
                Arg::str("pesize").default(Literal::Str("4")).doc("Size of an extent, in megabytes without a unit."),
                Arg::str("pv_options").default(Literal::Str("")).doc("Further options of pvcreate."),
                Arg::bool("pvresize").default(Literal::Bool(false)).doc("Let it use devices that grew."),
                Arg::str("vg_options").default(Literal::Str("")).doc("Further options of vgcreate."),
                Arg::str("state")
                    .choices(&["absent", "present", "active", "inactive"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is there, and its volumes are visible."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Remove it with its volumes."),
                Arg::bool("reset_vg_uuid").default(Literal::Bool(false)).doc("Give it another UUID, each time."),
                Arg::bool("reset_pv_uuid").default(Literal::Bool(false)).doc("Give its devices others, each time."),
                Arg::bool("remove_extra_pvs").default(Literal::Bool(true)).doc("Take out devices not in `pvs`."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Steps>, Failure> {
        let vg = args.vg.as_str();
        let list = said(
            host,
            lvm(host, "vgs")?.args(["--noheadings", "-o", "vg_name,pv_count,lv_count", "--separator", ";"]),
        )?;
        let volumes = list.lines().find_map(|line| {
            let parts: Vec<&str> = line.trim().split(';').collect();
            (parts.first() == Some(&vg)).then(|| parts.get(2).and_then(|n| n.parse::<u64>().ok()).unwrap_or_default())
        });
        let mut steps = Steps::default();
        let given: Vec<&String> = args.pvs.iter().flatten().collect();
        let devices: Vec<String> =
            given.iter().map(|d| real_path(host, Path::new(d)).to_string_lossy().into_owned()).collect();
        if args.state == "absent" {
            if let Some(volumes) = volumes {
                if volumes > 0 && !args.force && !call.check {
                    let msg = format!("Refuse to remove non-empty volume group {vg} without force=true");
                    return Err(Failure::new(msg));
                }
                let failed = format!("Failed to remove volume group {vg}");
                push(&mut steps, lvm(host, "vgremove")?.args(["--force", vg]), failed);
            }
            return Ok(end(steps));
        }
        if volumes.is_none() && devices.is_empty() {
            return Err(Failure::new("No physical volumes given."));
        }
        if let Some(missing) = devices.iter().find(|d| host.stat(Path::new(d)).is_err()) {
            return Err(Failure::new(format!("Device {missing} not found.")));
        }
        let all = physical(host, &args, &devices, &given)?;
        if let Some((name, other)) = all.iter().find(|(n, v)| devices.contains(n) && !v.is_empty() && v != vg) {
            return Err(Failure::new(format!("Device {name} is already in {other} volume group.")));
        }
        let create = |steps: &mut Steps, device: &str| {
            let command = lvm(host, "pvcreate")?.args(args.pv_options.split_whitespace()).args(["-f", device]);
            push(steps, command, format!("Creating physical volume '{device}' failed"));
            Ok::<(), Failure>(())
        };
        if volumes.is_none() {
            for device in &devices {
                create(&mut steps, device)?;
            }
            let vgcreate = lvm(host, "vgcreate")?;
            let mut options: Vec<String> = args.vg_options.split_whitespace().map(str::to_owned).collect();
            if args.state != "present" && !options.iter().any(|o| o == AUTOACTIVATION) && automatic(host, "vgcreate")? {
                options.extend([AUTOACTIVATION.to_owned(), flag(args.state == "active")]);
            }
            let command = vgcreate.args(options).args(["-s", &args.pesize, vg]).args(devices);
            push(&mut steps, command, format!("Creating volume group '{vg}' failed"));
            return Ok(end(steps));
        }
        if args.state != "present" {
            activate(&mut steps, host, vg, args.state == "active")?;
        }
        if args.reset_vg_uuid {
            steps.run(lvm(host, "vgchange")?.args(["-u", vg]));
        }
        if !devices.is_empty() {
            let current: Vec<String> = all
                .iter()
                .filter(|(_, v)| v == vg)
                .map(|(n, _)| real_path(host, Path::new(n)).to_string_lossy().into_owned())
                .collect();
            for device in &current {
                if args.pvresize && has_grown(host, device)? {
                    push(&mut steps, lvm(host, "pvresize")?.arg(device), "Failed executing pvresize command.".into());
                }
                if args.reset_pv_uuid {
                    let failed = format!("PV ({device}) UUID change failed");
                    push(&mut steps, lvm(host, "pvchange")?.args(["-u", device]), failed);
                }
            }
            let more: Vec<&String> = devices.iter().filter(|d| !current.contains(d)).collect();
            if !more.is_empty() {
                for device in &more {
                    create(&mut steps, device)?;
                }
                let names: Vec<&str> = more.iter().map(|d| d.as_str()).collect();
                let failed = format!("Unable to extend {vg} by {}.", names.join(" "));
                push(&mut steps, lvm(host, "vgextend")?.arg(vg).args(names), failed);
            }
            let fewer: Vec<&str> = current.iter().filter(|d| !devices.contains(d)).map(String::as_str).collect();
            if args.remove_extra_pvs && !fewer.is_empty() {
                let failed = format!("Unable to reduce {vg} by {}.", fewer.join(" "));
                push(&mut steps, lvm(host, "vgreduce")?.args(["--force", vg]).args(fewer), failed);
            }
        }
        Ok(end(steps))
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

fn end(mut steps: Steps) -> Plan<Steps> {
    steps.outcome = Outcome::changed(!steps.steps.is_empty());
    steps.plan()
}

fn push(steps: &mut Steps, command: Command, failed: String) {
    steps.steps.push(Step::Run { command, failed });
}

fn said(host: &dyn Observe, command: Command) -> Result<String, Failure> {
    let out = query(host, &command)?;
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
}

fn flag(on: bool) -> String {
    if on { "y" } else { "n" }.to_owned()
}

/// Whether this version knows of autoactivation.
fn automatic(host: &dyn Observe, tool: &str) -> Result<bool, Failure> {
    Ok(said(host, lvm(host, tool)?.arg("--help"))?.contains(AUTOACTIVATION))
}

/// The devices that matter, each with its volume group.
fn physical(
    host: &dyn Observe,
    args: &Args,
    devices: &[String],
    given: &[&String],
) -> Result<Vec<(String, String)>, Failure> {
    let mut command = lvm(host, "pvs")?.args(["--noheadings", "-o", "pv_name,vg_name", "--separator", ";"]);
    if !devices.is_empty() {
        let names: Vec<String> =
            devices.iter().chain(given.iter().copied()).map(|d| format!("pv_name = {d}")).collect();
        command = command.args(["--select", &format!("{} || vg_name = {}", names.join(" || "), args.vg)]);
    }
    let out = query(host, &command)?;
    if !out.ok() {
        let failure = Failure::new("Failed executing pvs command.");
        return Err(failure.with("rc", out.rc).with("err", out.stderr_text()));
    }
    let mut found = Vec::new();
    for line in out.stdout_text().lines() {
        let Some((name, vg)) = line.trim().split_once(';') else { continue };
        let mut name = name.to_owned();
        if name.starts_with("/dev/dm-") {
            let ask = lvm(host, "dmsetup")?.args(["info", "-C", "--noheadings", "-o", "name", &name]);
            name = format!("/dev/mapper/{}", said(host, ask)?.trim_end());
        }
        found.push((name, vg.to_owned()));
    }
    Ok(found)
}

fn activate(steps: &mut Steps, host: &dyn Observe, vg: &str, active: bool) -> Result<(), Failure> {
    let automatic = automatic(host, "vgchange")?;
    let fields = if automatic { "lv_attr,autoactivation" } else { "lv_attr" };
    let list = said(host, lvm(host, "vgs")?.args(["--noheadings", "-o", fields, "--separator", ";", vg]))?;
    let (mut on, mut off, mut enabled) = (0, 0, false);
    for line in list.lines() {
        let mut parts = line.trim().split(';');
        match parts.next().and_then(|attr| attr.as_bytes().get(4).copied()) {
            Some(b'a') => on += 1,
            Some(_) => off += 1,
            None => {}
        }
        enabled |= parts.next() == Some("enabled");
    }
    if automatic && active != enabled {
        steps.run(lvm(host, "vgchange")?.args([AUTOACTIVATION, &flag(active), vg]));
    }
    if active && off > 0 || !active && on > 0 {
        steps.run(lvm(host, "vgchange")?.args(["--activate", &flag(active), vg]));
    }
    Ok(())
}

/// Whether a device is larger than what LVM uses of it, by more than an extent.
fn has_grown(host: &dyn Observe, device: &str) -> Result<bool, Failure> {
    let fields = "dev_size,pv_size,pe_start,vg_extent_size";
    let ask = lvm(host, "pvdisplay")?.arg(device).args([
        "--units",
        "b",
        "--columns",
        "--noheadings",
        "--nosuffix",
        "--separator",
        ";",
        "-o",
        fields,
    ]);
    let text = said(host, ask)?;
    let numbers: Vec<i64> = text.trim().split(';').filter_map(|n| n.trim().parse().ok()).collect();
    let [whole, used, start, extent] = numbers[..] else {
        return Err(Failure::new(format!("unable to process pvdisplay output for {device}")));
    };
    Ok(whole - (start + used) > extent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const LVG: Entry = Entry::of::<Lvg>();
    const GROUPS: &str = "vgs --noheadings -o vg_name,pv_count,lv_count --separator ;";

    fn host(groups: &str, devices: &str) -> Fake {
        Fake::new().file("/dev/a", "").file("/dev/b", "").answer(GROUPS, 0, groups).answer("pvs ...", 0, devices)
    }

    #[test]
    fn made_changed_and_removed() {
        let mut host = host("", "")
            .effect("pvcreate -f /dev/a", 0, "", |_| {})
            .effect("vgcreate -s 4 data /dev/a", 0, "", |h| {
                h.set_answer(GROUPS, 0, "  data;1;0\n");
                h.set_answer("pvs ...", 0, "  /dev/a;data\n");
            })
            .effect("pvcreate -f /dev/b", 0, "", |_| {})
            .effect("vgextend data /dev/b", 0, "", |_| {})
            .effect("vgreduce --force data /dev/a", 0, "", |h| h.set_answer("pvs ...", 0, "  /dev/b;data\n"))
            .effect("vgremove --force data", 0, "", |h| h.set_answer(GROUPS, 0, ""));
        assert!(case(&LVG, json!({"vg": "data", "pvs": "/dev/a"}), &mut host).unwrap().changed);
        assert!(case(&LVG, json!({"vg": "data", "pvs": "/dev/b"}), &mut host).unwrap().changed);
        assert!(case(&LVG, json!({"vg": "data", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn activation_and_growth() {
        let attrs = "vgs --noheadings -o lv_attr,autoactivation --separator ; data";
        let shown = "pvdisplay /dev/a ...";
        let mut host = host("  data;1;1\n", "  /dev/a;data\n")
            .answer(attrs, 0, "  -wi-------;\n")
            .answer("vgchange --help", 0, "--setautoactivation y|n")
            .effect("vgchange --setautoactivation y data", 0, "", |_| {})
            .effect("vgchange --activate y data", 0, "", move |h| h.set_answer(attrs, 0, "  -wi-a-----;enabled\n"))
            .answer(shown, 0, "  100;50;10;4\n")
            .effect("pvresize /dev/a", 0, "", move |h| h.set_answer(shown, 0, "  100;88;10;4\n"));
        let args = json!({"vg": "data", "state": "active", "pvs": "/dev/a", "pvresize": true});
        assert!(case(&LVG, args, &mut host).unwrap().changed);
        assert_eq!(host.executed().len(), 3);
    }

    #[test]
    fn refusals() {
        let mut host = host("  data;1;2\n", "  /dev/a;other\n");
        let mut failed = |args| run(&LVG, args, &mut host, false).unwrap_err().msg;
        assert_eq!(failed(json!({"vg": "new"})), "No physical volumes given.");
        assert_eq!(failed(json!({"vg": "new", "pvs": "/dev/no"})), "Device /dev/no not found.");
        assert_eq!(failed(json!({"vg": "new", "pvs": "/dev/a"})), "Device /dev/a is already in other volume group.");
        let msg = "Refuse to remove non-empty volume group data without force=true";
        assert_eq!(failed(json!({"vg": "data", "state": "absent"})), msg);
    }
}
