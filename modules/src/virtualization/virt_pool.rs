//! `community.libvirt.virt_pool`: storage pools of libvirt.

use super::virsh::{COMMON_ARGS, Virsh, Work, apply, at, autostart, define, missing, needed, parse, plan_of, zero};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct VirtPool;

#[derive(Deserialize)]
pub struct Args {
    name: Option<String>,
    state: Option<String>,
    command: Option<String>,
    uri: String,
    xml: Option<String>,
    autostart: Option<bool>,
    mode: Option<String>,
}

const KIND: &str = "storage pool";

impl Module for VirtPool {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[COMMON_ARGS],
        examples: "- name: A pool\n  community.libvirt.virt_pool:\n    name: vms\n    state: present\n    xml: |\n      <pool type='dir'><name>vms</name><target><path>/srv/vms</path></target></pool>\n\n- name: In use\n  community.libvirt.virt_pool:\n    name: vms\n    state: active\n",
        returns: &[
            Return { name: "created", when: "a pool was defined", doc: "Its name." },
            Return {
                name: "ansible_facts",
                when: "`command: facts`",
                doc: "`ansible_libvirt_pools`: all that is known of each.",
            },
            Return { name: "pools", when: "`command: info`", doc: "The same." },
        ],
        differs: "Goes through the host's `virsh` instead of a library of Python. `mode` of `delete` can only be `normal`, that of `build` `new`, `overwrite` or `no_overwrite`. Check mode changes nothing at all.",
        ..ModuleSpec::new(
            "community.libvirt.virt_pool",
            "Storage pools of libvirt.",
            &[
                Arg::str("name").aliases(&["pool"]).doc("The pool."),
                Arg::str("state")
                    .choices(&["active", "inactive", "present", "absent", "undefined", "deleted"])
                    .doc("In use, not in use, known, not known, or not known with its content gone."),
                Arg::str("command")
                    .choices(&[
                        "create",
                        "status",
                        "start",
                        "stop",
                        "build",
                        "delete",
                        "undefine",
                        "destroy",
                        "get_xml",
                        "define",
                        "refresh",
                        "list_pools",
                        "facts",
                        "info",
                    ])
                    .doc("Something to do or to tell, whatever the state."),
                Arg::str("mode")
                    .choices(&["new", "repair", "resize", "no_overwrite", "overwrite", "normal", "zeroed"])
                    .doc("How to build or delete."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let virsh = Virsh::new(host, &args.uri, "pool")?;
        match (&args.state, &args.command) {
            (Some(state), Some(command)) if command == "list_pools" => {
                let names = virsh.names(host, flags_of(state))?;
                let names = if ["active", "inactive"].contains(&state.as_str()) { names } else { Vec::new() };
                Ok(Plan::Done(Outcome::unchanged().with("list_pools", names)))
            }
            (Some(state), _) => {
                let name = needed(args.name.as_ref(), "state change requires a specified name")?;
                to_state(&virsh, host, name, state, &args, call)
            }
            (None, Some(command)) => run(&virsh, host, command, &args, call),
            (None, None) => {
                let msg = "expected state or command parameter to be specified";
                let wanted = args.autostart.ok_or_else(|| Failure::new(msg))?;
                let name = needed(args.name.as_ref(), "state change requires a specified name")?;
                autostart(&virsh, host, name, KIND, wanted, call)
            }
        }
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        apply(work, host)
    }
}

fn flags_of(state: &str) -> &'static [&'static str] {
    if state == "inactive" { &["--inactive"] } else { &[] }
}

fn to_state(
    virsh: &Virsh,
    host: &dyn Observe,
    name: &str,
    state: &str,
    args: &Args,
    call: &Call,
) -> Result<Plan<Work>, Failure> {
    let found = virsh.look(host, name)?;
    let same = Ok(Plan::Done(Outcome::unchanged()));
    let changed = Outcome::changed(true);
    match state {
        "active" if found.active => same,
        "active" if !found.there && !call.check => Err(missing(KIND, name)),
        "active" => Ok(plan_of(vec![virsh.command("start", &[name])], zero(true), changed, call)),
        "present" if found.there => same,
        "present" => {
            let msg = format!("storage pool '{name}' not present, but xml not specified");
            Ok(define(virsh, name, needed(args.xml.as_ref(), &msg)?, call))
        }
        "inactive" if found.active => Ok(plan_of(vec![virsh.command("destroy", &[name])], zero(true), changed, call)),
        _ if state == "inactive" || !found.there => same,
        _ => {
            let deletes = state == "deleted";
            let mut commands = Vec::new();
            if found.active {
                commands.push(virsh.command("destroy", &[name]));
            }
            if deletes {
                check_delete(args)?;
                commands.push(virsh.command("delete", &[name]));
            }
            commands.push(virsh.command("undefine", &[name]));
            let preview = if found.active || deletes { changed } else { changed.with("msg", Json::Null) };
            Ok(plan_of(commands, zero(true), preview, call))
        }
    }
}

fn check_delete(args: &Args) -> Result<(), Failure> {
    if args.mode.as_deref() == Some("zeroed") {
        return Err(Failure::new("mode zeroed is not supported: virsh deletes pools without it"));
    }
    Ok(())
}

fn run(virsh: &Virsh, host: &dyn Observe, command: &str, args: &Args, call: &Call) -> Result<Plan<Work>, Failure> {
    match command {
        "list_pools" => {
            let names = virsh.names(host, &["--all"])?;
            return Ok(Plan::Done(Outcome::unchanged().with(command, names)));
        }
        "info" => return Ok(Plan::Done(Outcome::unchanged().with("pools", facts(virsh, host)?))),
        "facts" => {
            let all = facts(virsh, host)?;
            let facts = JsonMap::from_iter([("ansible_libvirt_pools".to_owned(), all.into())]);
            return Ok(Plan::Done(Outcome { facts: Some(facts), ..Outcome::default() }));
        }
        _ => {}
    }
    let name = needed(args.name.as_ref(), &format!("{command} requires 1 argument: name"))?;
    if command == "define" {
        let xml = needed(args.xml.as_ref(), "define requires xml argument")?;
        let there = virsh.look(host, name)?.there;
        return Ok(if there { Plan::Done(Outcome::unchanged()) } else { define(virsh, name, xml, call) });
    }
    let found = virsh.look(host, name)?;
    let told = |changed: bool, value: Json| Outcome::changed(changed).with(command, value);
    let changed = Outcome::changed(true);
    if !found.there {
        let foreseen = call.check && ["create", "start", "build", "delete"].contains(&command);
        return match command {
            _ if foreseen => Ok(Plan::Done(changed)),
            "status" if call.check => Ok(Plan::Done(told(false, "unknown".into()))),
            _ => Err(missing(KIND, name)),
        };
    }
    let state = if found.active { "active" } else { "inactive" };
    let (verb, words): (&str, Vec<&str>) = match command {
        "status" => return Ok(Plan::Done(told(false, state.into()))),
        "get_xml" => return Ok(Plan::Done(told(false, virsh.ask(host, "dumpxml", &[name])?.into()))),
        "create" => ("start", vec![name]),
        "stop" => ("destroy", vec![name]),
        "delete" => {
            check_delete(args)?;
            ("delete", vec![name])
        }
        "build" => match args.mode.as_deref() {
            Some("overwrite") => ("build", vec![name, "--overwrite"]),
            Some("no_overwrite") => ("build", vec![name, "--no-overwrite"]),
            Some(mode @ ("repair" | "resize")) => {
                return Err(Failure::new(format!("mode {mode} is not supported: virsh builds pools without it")));
            }
            _ => ("build", vec![name]),
        },
        other => (other, vec![name]),
    };
    let preview = match command {
        "create" | "start" if !found.active => changed,
        "stop" | "destroy" if found.active => changed,
        "delete" => changed,
        "build" => told(true, Json::Null),
        "refresh" => told(false, 0.into()),
        _ => told(false, Json::Null),
    };
    let outcome = told(["build", "delete"].contains(&command), 0.into());
    Ok(plan_of(vec![virsh.command(verb, &words)], outcome, preview, call))
}

/// All that is known of each pool.
fn facts(virsh: &Virsh, host: &dyn Observe) -> Result<JsonMap, Failure> {
    let active = virsh.names(host, &[])?;
    virsh
        .names(host, &["--all"])?
        .into_iter()
        .map(|name| Ok((name.clone(), fact(virsh, host, &name, &active)?.into())))
        .collect()
}

fn fact(virsh: &Virsh, host: &dyn Observe, name: &str, active: &[String]) -> Result<JsonMap, Failure> {
    let info = virsh.info(host, &[name])?;
    let xml = virsh.ask(host, "dumpxml", &[name])?;
    let document = parse(&xml)?;
    let is_active = active.iter().any(|n| n == name);
    let mut map = JsonMap::new();
    let mut put = |key: &str, value: Json| drop(map.insert(key.to_owned(), value));
    let said = |key: &str| info.get(key).cloned();
    put("status", said("State").unwrap_or_else(|| "unknown".into()));
    // What virsh does not show of pools that are not in use stands here all the same.
    for (key, element) in [("size_total", "capacity"), ("size_used", "allocation"), ("size_available", "available")] {
        put(key, at(&document, &[element], None).unwrap_or_else(|| "0".into()));
    }
    put("autostart", said("Autostart").unwrap_or_default());
    put("persistent", said("Persistent").unwrap_or_default());
    put("state", if is_active { "active" } else { "inactive" }.into());
    put("type", document.root_element().attribute("type").map(Json::from).unwrap_or_default());
    put("uuid", said("UUID").unwrap_or_default());
    if is_active {
        let volumes = volumes(virsh, host, name)?;
        put("volume_count", volumes.len().into());
        put("volumes", volumes.into());
    } else {
        put("volume_count", (-1).into());
    }
    for (key, path, attribute) in [
        ("path", &["target", "path"], None),
        ("host", &["source", "host"], Some("name")),
        ("source_path", &["source", "dir"], Some("path")),
        ("format", &["source", "format"], Some("type")),
    ] {
        if let Some(value) = at(&document, path, attribute) {
            put(key, value);
        }
    }
    let source = document.root_element().children().find(|n| n.has_tag_name("source"));
    let devices: Vec<Json> = source
        .iter()
        .flat_map(|s| s.children().filter(|n| n.has_tag_name("device")))
        .map(|n| n.attribute("path").map(Json::from).unwrap_or_default())
        .collect();
    if !devices.is_empty() {
        put("devices", devices.into());
    }
    Ok(map)
}

/// The names of a pool's volumes: the first column of a table.
fn volumes(virsh: &Virsh, host: &dyn Observe, name: &str) -> Result<Vec<String>, Failure> {
    let mut command = virsh.command("vol-list", &[name]);
    command.args.retain(|word| word != "--quiet");
    let out = crate::host::steps::query(host, &command)?;
    let text = out.stdout_text();
    let mut lines = text.lines();
    let width = lines.next().and_then(|head| head.find("Path")).unwrap_or_default();
    let cut = |line: &str| line.chars().take(width).collect::<String>().trim().to_owned();
    Ok(lines.skip(1).map(cut).filter(|name| !name.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<VirtPool>();
    const V: &str = "virsh --quiet --connect qemu:///system";

    fn host(all: &str, active: &str, autostart: &str) -> Fake {
        let mut host = Fake::new();
        set(&mut host, all, active, autostart);
        host
    }

    fn set(host: &mut Fake, all: &str, active: &str, autostart: &str) {
        host.set_answer(&format!("{V} pool-list --all --name"), 0, all);
        host.set_answer(&format!("{V} pool-list --name"), 0, active);
        host.set_answer(&format!("{V} pool-list --all --autostart --name"), 0, autostart);
    }

    #[test]
    fn through_its_states() {
        let mut host = host("\n", "\n", "\n")
            .effect(&format!("{V} pool-define /dev/stdin"), 0, "", |h| set(h, "vms\n\n", "\n", "\n"))
            .effect(&format!("{V} pool-start vms"), 0, "", |h| set(h, "vms\n\n", "vms\n\n", "\n"))
            .effect(&format!("{V} pool-autostart vms"), 0, "", |h| set(h, "vms\n\n", "vms\n\n", "vms\n"))
            .effect(&format!("{V} pool-destroy vms"), 0, "", |h| set(h, "vms\n\n", "\n", "\n"))
            .effect(&format!("{V} pool-delete vms"), 0, "", |_| {})
            .effect(&format!("{V} pool-undefine vms"), 0, "", |h| set(h, "\n", "\n", "\n"));
        let out = case(&MODULE, json!({"name": "vms", "state": "present", "xml": "<pool/>"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["created"]), (true, &json!("vms")));
        let out = case(&MODULE, json!({"name": "vms", "state": "active"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["msg"]), (true, &json!(0)));
        assert!(case(&MODULE, json!({"name": "vms", "autostart": true}), &mut host).unwrap().changed);
        let out = run(&MODULE, json!({"name": "vms", "command": "status"}), &mut host, false).unwrap();
        assert_eq!(out.values["status"], "active");
        assert!(case(&MODULE, json!({"name": "vms", "state": "deleted"}), &mut host).unwrap().changed);
        assert_eq!(host.executed().len(), 6);
        assert!(!case(&MODULE, json!({"name": "vms", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn what_is_known() {
        let xml = "<pool type='logical'><capacity unit='bytes'>100</capacity><allocation unit='bytes'>40</allocation>\
                   <available unit='bytes'>60</available><source><device path='/dev/sdb'/><format type='lvm2'/></source>\
                   <target><path>/dev/vg</path></target></pool>";
        let mut host = host("vg\n", "vg\n", "\n")
            .answer(
                &format!("{V} pool-info vg"),
                0,
                "Name:           vg\nUUID:           1-2\nState:          running\nPersistent:     yes\nAutostart:      \
                 no\n",
            )
            .answer(&format!("{V} pool-dumpxml vg"), 0, xml)
            .answer(
                "virsh --connect qemu:///system vol-list vg",
                0,
                " Name    Path\n------------------\n a b     /dev/vg/a b\n\n",
            );
        let out = run(&MODULE, json!({"command": "info"}), &mut host, false).unwrap();
        assert_eq!(
            out.values["pools"]["vg"],
            json!({"status": "running", "size_total": "100", "size_used": "40", "size_available": "60", "autostart": "no",
                "persistent": "yes", "state": "active", "type": "logical", "uuid": "1-2", "volume_count": 1,
                "volumes": ["a b"], "path": "/dev/vg", "format": "lvm2", "devices": ["/dev/sdb"]})
        );
    }

    #[test]
    fn what_cannot_be() {
        let mut host = host("a\n", "\n", "\n").answer_err(
            &format!("{V} pool-start a"),
            1,
            "",
            "error: Failed to start pool a\nerror: cannot open directory '/srv/a': No such file or directory\n",
        );
        for (args, message) in [
            (json!({"name": "a", "state": "active"}), "cannot open directory '/srv/a': No such file or directory"),
            (json!({"name": "b", "state": "active"}), "storage pool b not found"),
            (json!({"name": "b", "state": "present"}), "storage pool 'b' not present, but xml not specified"),
            (json!({"state": "present"}), "state change requires a specified name"),
            (
                json!({"name": "a", "state": "deleted", "mode": "zeroed"}),
                "mode zeroed is not supported: virsh deletes pools without it",
            ),
            (json!({"command": "start"}), "start requires 1 argument: name"),
            (json!({"name": "a"}), "expected state or command parameter to be specified"),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
