//! `containers.podman.podman_network`: a network of Podman's, there or gone.

use super::{EXECUTABLE, Podman};
use crate::contract::{
    Arg, ArgType, Call, CheckMode, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return,
    Rule, python_text,
};
use crate::host::{Change, Observe};
use serde::Deserialize;
use serde_json::json;

pub struct PodmanNetwork;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    state: String,
    disable_dns: Option<bool>,
    dns: Option<Vec<String>>,
    driver: Option<String>,
    force: bool,
    gateway: Option<String>,
    interface_name: Option<String>,
    internal: Option<bool>,
    ip_range: Option<String>,
    ipam_driver: Option<String>,
    ipv6: Option<bool>,
    subnet: Option<String>,
    macvlan: Option<String>,
    opt: Option<JsonMap>,
    route: Option<Vec<String>>,
    net_config: Option<Vec<JsonMap>>,
    recreate: bool,
    executable: String,
}

pub struct Work {
    podman: Podman,
    name: String,
    commands: Vec<(&'static str, Vec<String>)>,
    outcome: Outcome,
}

impl Module for PodmanNetwork {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredBy { arg: "ip_range", required: &["subnet"] },
            Rule::RequiredBy { arg: "gateway", required: &["subnet"] },
            Rule::MutuallyExclusive(&["subnet", "net_config"]),
        ],
        check_mode: CheckMode::None,
        diff: true,
        examples: "- name: A network for the applications\n  containers.podman.podman_network:\n    name: apps\n    subnet: 10.90.0.0/24\n",
        returns: &[
            Return { name: "network", when: "always", doc: "What Podman tells of the network." },
            Return { name: "actions", when: "always", doc: "What was done." },
            Return { name: "podman_actions", when: "always", doc: "Commands that were run." },
        ],
        differs: "Wants Podman 4 or later. Quadlets and `debug` are refused. As in the collection, `driver`, `ip_range` and `macvlan` are not compared with a network that is there.",
        ..ModuleSpec::new(
            "containers.podman.podman_network",
            "Manages networks of Podman.",
            &[
                Arg::str("name").required().doc("Name of the network."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether the network is there."),
                Arg::bool("disable_dns").doc("Without Podman's server of names."),
                Arg::list("dns", ArgType::Str).doc("Servers of names."),
                Arg::str("driver").doc("Driver."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Remove it though it is used."),
                Arg::str("gateway").doc("Address of the gateway."),
                Arg::str("interface_name").doc("Interface on the host."),
                Arg::bool("internal").doc("No way out."),
                Arg::str("ip_range").doc("Addresses to give, as CIDR."),
                Arg::str("ipam_driver").choices(&["host-local", "dhcp", "none"]).doc("Driver that gives addresses."),
                Arg::bool("ipv6").doc("With IPv6."),
                Arg::str("subnet").doc("Subnet, as CIDR."),
                Arg::str("macvlan").doc("Interface of a macvlan."),
                Arg::dict("opt")
                    .options(&[
                        Arg::bool("isolate").doc("Apart from other bridges."),
                        Arg::int("mtu").doc("Largest packet."),
                        Arg::int("metric").doc("Metric of the default route."),
                        Arg::str("mode").doc("Mode."),
                        Arg::str("parent").doc("Interface on the host."),
                        Arg::int("vlan").doc("VLAN."),
                        Arg::int("bclim").doc("Limit of broadcasts."),
                        Arg::str("no_default_route").doc("Without a default route."),
                        Arg::str("vrf").doc("VRF."),
                        Arg::str("bridge_name").doc("Name of the bridge."),
                        Arg::str("driver_mtu").doc("Largest packet, as Docker's option."),
                    ])
                    .doc("Options of the driver."),
                Arg::list("route", ArgType::Str).doc("Routes: DESTINATION,GATEWAY[,METRIC]."),
                Arg::list("net_config", ArgType::Dict)
                    .options(&[
                        Arg::str("subnet").required().doc("Subnet, as CIDR."),
                        Arg::str("gateway").required().doc("Address of the gateway."),
                        Arg::str("ip_range").doc("Addresses to give, as CIDR."),
                    ])
                    .doc("Several subnets."),
                Arg::bool("recreate").default(Literal::Bool(false)).doc("Make it anew in any case."),
                EXECUTABLE,
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let podman = Podman::of(host, &args.executable)?;
        if podman.version(host)? < vec![4] {
            return Err(Failure::new("Podman before version 4 is not supported"));
        }
        let there = podman.first(host, &["network", "inspect", &args.name])?;
        let mut remove = vec!["network".to_owned(), "rm".to_owned(), args.name.clone()];
        remove.extend(args.force.then(|| "--force".to_owned()));
        let create = create(&args);
        let base = |commands: &[(&str, Vec<String>)], action: Option<String>| {
            let shown: Vec<String> = commands.iter().map(|(_, words)| podman.shown(words)).collect();
            Outcome::changed(!commands.is_empty())
                .with("actions", action.into_iter().collect::<Vec<_>>())
                .with("podman_actions", shown)
        };
        let name = &args.name;
        let (commands, outcome) = match (args.state.as_str(), there.is_null()) {
            ("absent", true) => return Ok(Plan::Done(base(&[], None).with("network", json!({})))),
            ("absent", false) => {
                let commands = vec![("delete", remove)];
                let outcome = base(&commands, Some(format!("deleted {name}"))).with("network", json!({}));
                (commands, outcome)
            }
            (_, true) => {
                let commands = vec![("create", create)];
                let outcome = base(&commands, Some(format!("created {name}")));
                (commands, outcome)
            }
            _ => {
                let (before, after) = differences(&args, &there);
                if before.is_empty() && !args.recreate {
                    let done = base(&[], None).with("network", there).with("stdout", "").with("stderr", "");
                    return Ok(Plan::Done(done));
                }
                let commands = vec![("delete", remove), ("create", create)];
                let mut outcome = base(&commands, Some(format!("recreated {name}")));
                if !before.is_empty() {
                    outcome = outcome.with_diff(Diff {
                        before: Some(lines(&before).into()),
                        after: Some(lines(&after).into()),
                        ..Diff::default()
                    });
                }
                (commands, outcome)
            }
        };
        Ok(Plan::Work(Work { podman, name: args.name, commands, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { podman, name, commands, mut outcome } = work;
        let mut last = None;
        for (action, words) in commands {
            let out = podman.run(host, &words)?;
            if !out.ok() {
                return Err(Failure::new(format!("Can't {action} network {name}"))
                    .with("stdout", out.stdout_text())
                    .with("stderr", out.stderr_text()));
            }
            last = Some((action, out));
        }
        if let Some(("create", out)) = last {
            outcome.set("network", podman.first(host.observe(), &["network", "inspect", &name])?);
            outcome.set("stdout", out.stdout_text());
            outcome.set("stderr", out.stderr_text());
        }
        Ok(outcome)
    }
}

/// The command that makes the network; options in the order of their names.
fn create(args: &Args) -> Vec<String> {
    let mut words: Vec<String> = vec!["network".to_owned(), "create".to_owned(), args.name.clone()];
    let flag = |name: &str, value: Option<bool>| {
        value.map(|yes| format!("--{name}={}", if yes { "True" } else { "False" })).into_iter().collect::<Vec<_>>()
    };
    let option = |name: &str, value: &Option<String>| {
        value.iter().flat_map(|v| [format!("--{name}"), v.clone()]).collect::<Vec<_>>()
    };
    let each = |name: &str, values: &Option<Vec<String>>| {
        values.iter().flatten().flat_map(|v| [format!("--{name}"), v.clone()]).collect::<Vec<_>>()
    };
    words.extend(flag("disable-dns", args.disable_dns));
    words.extend(each("dns", &args.dns));
    words.extend(option("driver", &args.driver));
    words.extend(option("gateway", &args.gateway));
    words.extend(option("interface-name", &args.interface_name));
    words.extend(flag("internal", args.internal));
    words.extend(option("ip-range", &args.ip_range));
    words.extend(args.ipam_driver.as_ref().map(|driver| format!("--ipam-driver={driver}")));
    words.extend(flag("ipv6", args.ipv6));
    words.extend(option("macvlan", &args.macvlan));
    for net in args.net_config.iter().flatten() {
        for (key, name) in [("subnet", "subnet"), ("gateway", "gateway"), ("ip_range", "ip-range")] {
            let value = net.get(key).and_then(Json::as_str).filter(|v| !v.is_empty());
            words.extend(value.map(|v| format!("--{name}={v}")));
        }
    }
    for (name, value) in args.opt.iter().flatten().filter(|(_, value)| !value.is_null()) {
        let name = match name.as_str() {
            "bridge_name" => "com.docker.network.bridge.name",
            "driver_mtu" => "com.docker.network.driver.mtu",
            other => other,
        };
        words.extend(["--opt".to_owned(), format!("{name}={}", python_text(value))]);
    }
    words.extend(each("route", &args.route));
    words.extend(option("subnet", &args.subnet));
    words
}

type Sides = (Vec<(&'static str, String)>, Vec<(&'static str, String)>);

/// What differs between the network that is there and the one that is wanted.
fn differences(args: &Args, there: &Json) -> Sides {
    let (mut before, mut after): Sides = (Vec::new(), Vec::new());
    let mut compare = |name: &'static str, was: String, wanted: String| {
        if was != wanted {
            before.push((name, was));
            after.push((name, wanted));
        }
    };
    let flag = |yes: bool| python_text(&Json::from(yes));
    let dns_off = there["dns_enabled"] == false;
    compare("disable_dns", flag(dns_off), flag(args.disable_dns.unwrap_or(dns_off)));
    let sorted = |mut list: Vec<String>| {
        list.sort();
        python_text(&json!(list))
    };
    let texts = |value: &Json| value.as_array().into_iter().flatten().map(python_text).collect::<Vec<_>>();
    compare("dns", sorted(texts(&there["network_dns_servers"])), sorted(args.dns.clone().unwrap_or_default()));
    let subnets = there["subnets"].as_array().cloned().unwrap_or_default();
    let of_subnets = |key: &str| {
        let all: Vec<&str> = subnets.iter().filter_map(|s| s[key].as_str()).collect();
        if subnets.len() > 1 { all.join(",") } else { all.first().copied().unwrap_or_default().to_owned() }
    };
    if let Some(gateway) = args.gateway.as_ref().filter(|g| !g.is_empty()) {
        compare("gateway", of_subnets("gateway"), gateway.clone());
    }
    compare("internal", flag(there["internal"] == true), flag(args.internal.unwrap_or(false)));
    if let Some(driver) = args.ipam_driver.as_ref().filter(|d| !d.is_empty()) {
        compare("ipam_driver", there["ipam_options"]["driver"].as_str().unwrap_or_default().to_owned(), driver.clone());
    }
    if let Some(wanted) = args.net_config.as_ref().filter(|n| !n.is_empty()) {
        let one = |s: &Json| {
            let part = |key: &str| s[key].as_str().unwrap_or_default().to_owned();
            format!("{},{}", part("subnet"), part("gateway")).trim_end_matches(',').to_owned()
        };
        let all = |list: Vec<Json>| {
            let mut all: Vec<String> = list.iter().map(one).collect();
            all.sort();
            all.join(":")
        };
        compare("net_config", all(subnets.clone()), all(wanted.iter().cloned().map(Json::from).collect()));
    }
    let (mut was, mut wanted) = (JsonMap::new(), JsonMap::new());
    for key in ["vlan", "mtu"] {
        let now = there["options"][key].as_str().map(str::to_owned);
        let asked = args.opt.as_ref().and_then(|o| o.get(key)).filter(|v| !v.is_null() && **v != 0).map(python_text);
        if now.is_some() || asked.is_some() {
            was.insert(key.to_owned(), now.unwrap_or_else(|| "None".to_owned()).into());
            wanted.insert(key.to_owned(), asked.unwrap_or_else(|| "None".to_owned()).into());
        }
    }
    compare("opt", python_text(&was.into()), python_text(&wanted.into()));
    let route = |r: &Json| {
        let part = |key: &str| if r[key].is_null() { String::new() } else { python_text(&r[key]) };
        format!("{},{},{}", part("destination"), part("gateway"), part("metric")).trim_end_matches(',').to_owned()
    };
    let routes = there["routes"].as_array().into_iter().flatten().map(route).collect();
    compare("route", sorted(routes), sorted(args.route.clone().unwrap_or_default()));
    if let (Some(subnet), None) = (&args.subnet, args.ipv6) {
        compare("subnet", of_subnets("subnet"), subnet.clone());
    }
    (before, after)
}

fn lines(side: &[(&str, String)]) -> String {
    side.iter().map(|(name, value)| format!("{name} - {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;

    const NETWORK: Entry = Entry::of::<PodmanNetwork>();

    #[test]
    fn networks_come_change_and_go() {
        let there = "[{\"name\": \"n\", \"dns_enabled\": true, \"internal\": false, \"subnets\": [{\"subnet\": \"10.9.0.0/24\", \"gateway\": \"10.9.0.1\"}]}]";
        let other = there.replace("true", "false");
        let host = Fake::new()
            .answer("podman --version", 0, "podman version 4.3.1\n")
            .answer("podman network inspect n", 125, "")
            .effect("podman network create n --subnet 10.9.0.0/24", 0, "n\n", move |h| {
                h.set_answer("podman network inspect n", 0, there);
            })
            .effect("podman network create n --disable-dns=True --subnet 10.9.0.0/24", 0, "n\n", move |h| {
                h.set_answer("podman network inspect n", 0, &other);
            })
            .effect("podman network rm n", 0, "n\n", |h| h.set_answer("podman network inspect n", 125, ""));
        let mut host = host;
        let out = case(&NETWORK, json!({"name": "n", "subnet": "10.9.0.0/24"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["actions"]), (true, &json!(["created n"])));
        let dns = json!({"name": "n", "subnet": "10.9.0.0/24", "disable_dns": true});
        let out = case(&NETWORK, dns, &mut host).unwrap();
        assert_eq!(out.values["actions"], json!(["recreated n"]));
        assert_eq!(out.diff[0].after, Some("disable_dns - True\n".into()));
        let out = case(&NETWORK, json!({"name": "n", "state": "absent"}), &mut host).unwrap();
        assert_eq!(out.values["actions"], json!(["deleted n"]));
    }
}
