//! `community.libvirt.virt_net`: networks of libvirt.

use super::virsh::{COMMON_ARGS, Virsh, Work, apply, at, autostart, define, missing, needed, parse, plan_of, zero};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct VirtNet;

#[derive(Deserialize)]
pub struct Args {
    name: Option<String>,
    state: Option<String>,
    command: Option<String>,
    uri: String,
    xml: Option<String>,
    autostart: Option<bool>,
}

const KIND: &str = "network";

impl Module for VirtNet {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[COMMON_ARGS],
        examples: "- name: A network\n  community.libvirt.virt_net:\n    name: lab\n    state: present\n    xml: |\n      <network><name>lab</name><bridge name='virbr7'/></network>\n\n- name: Start it with the host\n  community.libvirt.virt_net:\n    name: lab\n    autostart: true\n",
        returns: &[
            Return { name: "created", when: "a network was defined", doc: "Its name." },
            Return { name: "modified", when: "`command: modify` of one that is there", doc: "Its name." },
            Return {
                name: "ansible_facts",
                when: "`command: facts`",
                doc: "`ansible_libvirt_networks`: all that is known of each.",
            },
            Return { name: "networks", when: "`command: info`", doc: "The same." },
        ],
        differs: "Goes through the host's `virsh` instead of a library of Python. `facts` and `info` refuse to tell of networks that have given addresses away. Check mode changes nothing at all.",
        ..ModuleSpec::new(
            "community.libvirt.virt_net",
            "Networks of libvirt.",
            &[
                Arg::str("name").aliases(&["network"]).doc("The network."),
                Arg::str("state")
                    .choices(&["active", "inactive", "present", "absent"])
                    .doc("In use, not in use, known, or not known."),
                Arg::str("command")
                    .choices(&[
                        "create",
                        "status",
                        "start",
                        "stop",
                        "undefine",
                        "destroy",
                        "get_xml",
                        "define",
                        "modify",
                        "list_nets",
                        "facts",
                        "info",
                    ])
                    .doc("Something to do or to tell, whatever the state."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let virsh = Virsh::new(host, &args.uri, "net")?;
        match (&args.state, &args.command) {
            (Some(state), Some(command)) if command == "list_nets" => {
                let names = match state.as_str() {
                    "active" => virsh.names(host, &[])?,
                    "inactive" => virsh.names(host, &["--inactive"])?,
                    _ => Vec::new(),
                };
                Ok(Plan::Done(Outcome::unchanged().with("list_nets", names)))
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
            let msg = format!("network '{name}' not present, but xml not specified");
            Ok(define(virsh, name, needed(args.xml.as_ref(), &msg)?, call))
        }
        "inactive" if found.active => Ok(plan_of(vec![virsh.command("destroy", &[name])], zero(true), changed, call)),
        "absent" if found.there => {
            let destroy = found.active.then(|| virsh.command("destroy", &[name]));
            let commands = destroy.into_iter().chain([virsh.command("undefine", &[name])]).collect();
            let preview = if found.active { changed } else { zero(true) };
            Ok(plan_of(commands, zero(true), preview, call))
        }
        _ => same,
    }
}

fn run(virsh: &Virsh, host: &dyn Observe, command: &str, args: &Args, call: &Call) -> Result<Plan<Work>, Failure> {
    match command {
        "list_nets" => {
            let names = virsh.names(host, &["--all"])?;
            return Ok(Plan::Done(Outcome::unchanged().with(command, names)));
        }
        "info" => {
            let all = facts(virsh, host, virsh.names(host, &["--all"])?)?;
            return Ok(Plan::Done(Outcome::unchanged().with("networks", all)));
        }
        "facts" => {
            let names = match args.name.as_ref().filter(|n| !n.is_empty()) {
                Some(name) => vec![name.clone()],
                None => virsh.names(host, &["--all"])?,
            };
            let all = facts(virsh, host, names)?;
            let facts = JsonMap::from_iter([("ansible_libvirt_networks".to_owned(), all.into())]);
            return Ok(Plan::Done(Outcome { facts: Some(facts), ..Outcome::default() }));
        }
        _ => {}
    }
    let name = needed(args.name.as_ref(), &format!("{command} requires 1 argument: name"))?;
    let xml = match command {
        "define" | "modify" => needed(args.xml.as_ref(), &format!("{command} requires xml argument"))?,
        _ => "",
    };
    let found = virsh.look(host, name)?;
    let told = |value: Json| Outcome::unchanged().with(command, value);
    let changed = Outcome::changed(true);
    if !found.there {
        return match command {
            "define" | "modify" => Ok(define(virsh, name, xml, call)),
            "create" | "start" if call.check => Ok(Plan::Done(changed)),
            "undefine" if call.check => Ok(Plan::Done(Outcome::unchanged())),
            "undefine" => Ok(Plan::Done(told(Json::Null))),
            "status" if call.check => Ok(Plan::Done(told("unknown".into()))),
            "stop" | "destroy" if call.check => Ok(Plan::Done(told(Json::Null))),
            _ => Err(missing(KIND, name)),
        };
    }
    let state = if found.active { "active" } else { "inactive" };
    match command {
        "define" => Ok(Plan::Done(Outcome::unchanged())),
        "modify" => modify(virsh, host, name, xml, found.active, call),
        "status" => Ok(Plan::Done(told(state.into()))),
        "get_xml" => Ok(Plan::Done(told(virsh.ask(host, "dumpxml", &[name])?.into()))),
        "create" | "start" if found.active => Ok(Plan::Done(told(Json::Null))),
        "create" | "start" => Ok(plan_of(vec![virsh.command("start", &[name])], told(0.into()), changed, call)),
        "undefine" => Ok(plan_of(vec![virsh.command("undefine", &[name])], told(0.into()), told(0.into()), call)),
        _ if !found.active => Ok(Plan::Done(told(Json::Null))),
        _ => Ok(plan_of(vec![virsh.command("destroy", &[name])], told(0.into()), changed, call)),
    }
}

/// A host of the network's DHCP, new or changed; nothing else can be.
fn modify(
    virsh: &Virsh,
    host: &dyn Observe,
    name: &str,
    xml: &str,
    active: bool,
    call: &Call,
) -> Result<Plan<Work>, Failure> {
    let wanted = parse(xml)?;
    let wanted = wanted.root_element();
    if !wanted.has_tag_name("host") {
        return Err(Failure::new(format!("updating this is not supported yet {xml}")));
    }
    let there = virsh.ask(host, "dumpxml", &[name])?;
    let there = parse(&there)?;
    let old = there.descendants().filter(|n| n.has_tag_name("host")).find(|n| {
        let in_dhcp = n.parent_element().is_some_and(|p| p.has_tag_name("dhcp"));
        in_dhcp && n.attribute("mac") == wanted.attribute("mac")
    });
    let same = |n: &roxmltree::Node| ["name", "ip"].iter().all(|a| n.attribute(*a) == wanted.attribute(*a));
    let told = |changed: bool| Outcome::changed(changed).with("modified", name);
    let verb = match &old {
        Some(old) if same(old) => return Ok(Plan::Done(told(false))),
        Some(_) => "modify",
        None => "add-last",
    };
    let mut words = vec![name, verb, "ip-dhcp-host", xml.trim(), "--config"];
    if active {
        words.push("--live");
    }
    Ok(plan_of(vec![virsh.command("update", &words)], told(true), told(true), call))
}

/// All that is known of networks.
fn facts(virsh: &Virsh, host: &dyn Observe, names: Vec<String>) -> Result<JsonMap, Failure> {
    names.into_iter().map(|name| Ok((name.clone(), fact(virsh, host, &name)?.into()))).collect()
}

fn fact(virsh: &Virsh, host: &dyn Observe, name: &str) -> Result<JsonMap, Failure> {
    if !virsh.look(host, name)?.there {
        return Err(missing(KIND, name));
    }
    let info = virsh.info(host, &[name])?;
    let xml = virsh.ask(host, "dumpxml", &[name])?;
    let document = parse(&xml)?;
    let said = |key: &str| info.get(key).cloned().unwrap_or_default();
    let is_active = said("Active") == "yes";
    if is_active && !virsh.ask(host, "net-dhcp-leases", &[name])?.trim().is_empty() {
        return Err(Failure::new(format!("the addresses that network {name} has given away cannot be told")));
    }
    let mut map = JsonMap::new();
    let mut put = |key: &str, value: Json| drop(map.insert(key.to_owned(), value));
    put("autostart", said("Autostart"));
    put("persistent", said("Persistent"));
    put("state", if is_active { "active" } else { "inactive" }.into());
    put("bridge", said("Bridge"));
    put("uuid", said("UUID"));
    put("dhcp_leases", Vec::<Json>::new().into());
    for (key, element, attribute) in
        [("forward_mode", "forward", "mode"), ("domain", "domain", "name"), ("macaddress", "mac", "address")]
    {
        if let Some(value) = at(&document, &[element], Some(attribute)) {
            put(key, value);
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<VirtNet>();
    const V: &str = "virsh --quiet --connect qemu:///system";
    const XML: &str = "<network><name>lab</name><forward mode='nat'/><ip address='10.9.0.1'><dhcp>\
                       <host mac='52:54:00:00:00:01' name='a' ip='10.9.0.2'/></dhcp></ip></network>";

    fn set(host: &mut Fake, all: &str, active: &str, autostart: &str) {
        host.set_answer(&format!("{V} net-list --all --name"), 0, all);
        host.set_answer(&format!("{V} net-list --name"), 0, active);
        host.set_answer(&format!("{V} net-list --all --autostart --name"), 0, autostart);
    }

    fn host(all: &str, active: &str) -> Fake {
        let mut host = Fake::new().answer(&format!("{V} net-dumpxml lab"), 0, XML);
        set(&mut host, all, active, "\n");
        host
    }

    #[test]
    fn through_its_states() {
        let mut host = host("\n", "\n")
            .effect(&format!("{V} net-define /dev/stdin"), 0, "", |h| set(h, "lab\n\n", "\n", "\n"))
            .effect(&format!("{V} net-start lab"), 0, "", |h| set(h, "lab\n\n", "lab\n\n", "\n"))
            .effect(&format!("{V} net-autostart lab"), 0, "", |h| set(h, "lab\n\n", "lab\n\n", "lab\n"))
            .effect(&format!("{V} net-destroy lab"), 0, "", |h| set(h, "lab\n\n", "\n", "\n"))
            .effect(&format!("{V} net-undefine lab"), 0, "", |h| set(h, "\n", "\n", "\n"));
        for args in [
            json!({"name": "lab", "state": "present", "xml": XML}),
            json!({"name": "lab", "state": "active"}),
            json!({"name": "lab", "autostart": true}),
            json!({"name": "lab", "state": "absent"}),
        ] {
            assert!(case(&MODULE, args, &mut host).unwrap().changed);
        }
        assert_eq!(host.executed().len(), 5);
    }

    #[test]
    fn hosts_of_its_dhcp() {
        let mut host = host("lab\n", "lab\n");
        let same = json!({"name": "lab", "command": "modify", "xml": "<host mac='52:54:00:00:00:01' name='a' ip='10.9.0.2'/>"});
        let out = case(&MODULE, same, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["modified"]), (false, &json!("lab")));
        for (xml, verb) in [
            ("<host mac='52:54:00:00:00:01' name='b' ip='10.9.0.2'/>", "modify"),
            ("<host mac='52:54:00:00:00:02' name='c' ip='10.9.0.3'/>", "add-last"),
        ] {
            let mut host = host.clone().answer(&format!("{V} net-update lab {verb} ip-dhcp-host ..."), 0, "");
            let args = json!({"name": "lab", "command": "modify", "xml": xml});
            assert!(run(&MODULE, args, &mut host, false).unwrap().changed);
            assert!(host.executed()[0].ends_with("--config --live"));
        }
    }

    #[test]
    fn what_is_known() {
        let mut host = host("lab\n", "lab\n")
            .answer(
                &format!("{V} net-info lab"),
                0,
                "Name:           lab\nUUID:           1-2\nActive:         yes\nPersistent:     yes\nAutostart:      no\nBridge:         virbr7\n",
            )
            .answer(&format!("{V} net-dhcp-leases lab"), 0, "\n");
        let out = run(&MODULE, json!({"command": "facts"}), &mut host, false).unwrap();
        assert_eq!(
            out.facts.unwrap()["ansible_libvirt_networks"]["lab"],
            json!({"autostart": "no", "persistent": "yes", "state": "active", "bridge": "virbr7", "uuid": "1-2",
                "dhcp_leases": [], "forward_mode": "nat"})
        );
    }

    #[test]
    fn what_cannot_be() {
        let mut host = host("lab\n", "\n");
        for (args, message) in [
            (json!({"name": "b", "state": "active"}), "network b not found"),
            (json!({"name": "b", "state": "present"}), "network 'b' not present, but xml not specified"),
            (json!({"name": "lab", "command": "modify", "xml": "<dns/>"}), "updating this is not supported yet <dns/>"),
            (json!({"name": "lab", "command": "define"}), "define requires xml argument"),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
