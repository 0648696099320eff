//! `community.docker.docker_network`: a network of an engine, there with its containers, or gone.

use super::engine::{self, ENGINE_ARGS, Engine, Hand, Reach, Send, container, named, warnings};
use super::road::{self, Track, Work, entries};
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule, python_text,
};
use crate::host::{Change, Observe};
use serde::Deserialize;
use serde_json::json;
use std::net::IpAddr;

pub struct DockerNetwork;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    state: String,
    config_from: Option<String>,
    config_only: Option<bool>,
    connected: Vec<String>,
    driver: String,
    driver_options: JsonMap,
    force: bool,
    appends: bool,
    ipam_driver: Option<String>,
    ipam_driver_options: Option<JsonMap>,
    ipam_config: Option<Vec<JsonMap>>,
    enable_ipv4: Option<bool>,
    enable_ipv6: Option<bool>,
    internal: Option<bool>,
    labels: JsonMap,
    scope: Option<String>,
    attachable: Option<bool>,
    ingress: Option<bool>,
    #[serde(flatten)]
    reach: Reach,
}

impl Module for DockerNetwork {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS],
        rules: &[Rule::RequiredTogether(&["client_cert", "client_key"])],
        diff: true,
        examples: "- name: A network for the applications\n  community.docker.docker_network:\n    name: apps\n    ipam_config:\n      - subnet: 172.23.27.0/24\n        gateway: 172.23.27.1\n\n- name: Gone with all its connections\n  community.docker.docker_network:\n    name: old\n    state: absent\n",
        returns: &[
            Return { name: "network", when: "state=present", doc: "What the engine tells of the network." },
            Return { name: "actions", when: "check mode or debug", doc: "What would be done." },
        ],
        differs: "Goes through the engine's API without Python; `ssh://` as docker_host is refused.",
        ..ModuleSpec::new(
            "community.docker.docker_network",
            "Manages networks of Docker.",
            &[
                Arg::str("name").required().aliases(&["network_name"]).doc("Name of the network."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the network is there."),
                Arg::str("config_from").doc("Network whose configuration is taken."),
                Arg::bool("config_only").doc("A network that only holds a configuration."),
                Arg::list("connected", ArgType::Str)
                    .aliases(&["containers"])
                    .default(Literal::Strs(&[]))
                    .doc("Containers that are connected."),
                Arg::str("driver").default(Literal::Str("bridge")).doc("Driver."),
                Arg::dict("driver_options").default(Literal::EmptyDict).doc("Options of the driver."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Make it anew."),
                Arg::bool("appends")
                    .aliases(&["incremental"])
                    .default(Literal::Bool(false))
                    .doc("Leave other containers connected."),
                Arg::str("ipam_driver").doc("Driver that gives addresses."),
                Arg::dict("ipam_driver_options").doc("Options of that driver."),
                Arg::list("ipam_config", ArgType::Dict)
                    .options(&[
                        Arg::str("subnet").doc("Subnet, as CIDR."),
                        Arg::str("iprange").doc("Addresses to give, as CIDR."),
                        Arg::str("gateway").doc("Address of the gateway."),
                        Arg::dict("aux_addresses").doc("Addresses that are taken, by name."),
                    ])
                    .doc("Addresses."),
                Arg::bool("enable_ipv4").doc("With IPv4."),
                Arg::bool("enable_ipv6").doc("With IPv6."),
                Arg::bool("internal").doc("No way out."),
                Arg::dict("labels").default(Literal::EmptyDict).doc("Labels."),
                Arg::str("scope").choices(&["local", "global", "swarm"]).doc("Scope."),
                Arg::bool("attachable").doc("Containers of a swarm may be connected by hand."),
                Arg::bool("ingress").doc("The mesh of a swarm's ports."),
            ],
        )
    };
    type Args = Args;
    type Work = Work<Args>;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work<Args>>, Failure> {
        complete(&mut args)?;
        road::plan(args, host, call, manage)
    }

    fn preview(work: &Work<Args>, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work<Args>, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        road::apply(&work, host, call, manage)
    }
}

fn complete(args: &mut Args) -> Result<(), Failure> {
    if args.config_only == Some(true) {
        "null".clone_into(&mut args.driver);
    }
    for config in args.ipam_config.iter().flatten() {
        let subnet = config.get("subnet").map(python_text).unwrap_or_default();
        if network_of(&subnet).is_none() {
            return Err(Failure::new(format!("\"{subnet}\" is not a valid CIDR")));
        }
    }
    args.driver_options = texts(&args.driver_options);
    args.labels = super::labels(&args.labels)?;
    Ok(())
}

/// Values as texts; truth as Go writes it.
fn texts(map: &JsonMap) -> JsonMap {
    let text = |value: &Json| value.as_bool().map_or_else(|| python_text(value), |yes| yes.to_string());
    map.iter().map(|(name, value)| (name.clone(), text(value).into())).collect()
}

fn manage(args: &Args, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let engine = Engine::connect(hand.host(), call, &args.reach)?;
    if args.config_from.is_some() || args.config_only.is_some() || args.scope.is_some() {
        engine.needs("1.30", "config_from, config_only or scope")?;
    }
    if args.enable_ipv4.is_some() {
        engine.needs("1.47", "enable_ipv4")?;
    }
    let mut track = Track::default();
    let there = engine::network(&engine, hand.host(), &args.name)?;
    track.differ("exists", args.state == "present", there.is_some());
    if args.state == "absent" {
        remove(args, hand, &engine, &mut track, there.as_ref())?;
        return Ok(track.outcome(call, args.reach.debug, true));
    }
    let mut differences = Track::default();
    if let Some(there) = &there {
        compare(args, there, &mut differences);
    }
    let before = there.as_ref().map(members).unwrap_or_default();
    let mut there = there;
    if args.force || !differences.differences.is_empty() {
        remove(args, hand, &engine, &mut track, there.as_ref())?;
        there = None;
    }
    if there.is_none() {
        track.act(format!("Created network {} with driver {}", args.name, args.driver));
        if let Some(host) = hand.change() {
            let send = Send { json: Some(creation(args)), ..Send::default() };
            let told = engine.act(host, "POST", "/networks/create", send)?;
            track.warnings.extend(warnings(&told, "Warning"));
            there = engine.find(host.observe(), &named("networks", told["Id"].as_str().unwrap_or(&args.name), ""))?;
        }
    }
    let connected = if args.connected.is_empty() { &before } else { &args.connected };
    let now = there.as_ref().map(members).unwrap_or_default();
    for name in connected.iter().filter(|n| !now.contains(n)) {
        if container(&engine, hand.host(), name)?.is_none() {
            continue;
        }
        track.act(format!("Connected container {name}"));
        track.differ(format!("connected.{name}"), true, false);
        if let Some(host) = hand.change() {
            let json = json!({"Container": name, "EndpointConfig": null});
            let send = Send { json: Some(json), ..Send::default() };
            engine.act(host, "POST", &named("networks", &args.name, "/connect"), send)?;
        }
    }
    if !args.appends {
        for name in now.iter().filter(|n| !connected.contains(n)) {
            disconnect(args, hand, &engine, &mut track, name)?;
        }
    }
    track.differences.extend(differences.differences);
    let network = engine::network(&engine, hand.host(), &args.name)?;
    Ok(track.outcome(call, args.reach.debug, false).with("network", network))
}

fn members(network: &Json) -> Vec<String> {
    let all = network["Containers"].as_object().into_iter().flatten();
    all.filter_map(|(_, c)| c["Name"].as_str().map(str::to_owned)).collect()
}

fn disconnect(
    args: &Args,
    hand: &mut Hand<'_>,
    engine: &Engine<'_>,
    track: &mut Track,
    name: &str,
) -> Result<(), Failure> {
    track.act(format!("Disconnected container {name}"));
    track.differ(format!("connected.{name}"), false, true);
    if let Some(host) = hand.change() {
        let send = Send { json: Some(json!({"Container": name, "Force": true})), ..Send::default() };
        engine.act(host, "POST", &named("networks", &args.name, "/disconnect"), send)?;
    }
    Ok(())
}

fn remove(
    args: &Args,
    hand: &mut Hand<'_>,
    engine: &Engine<'_>,
    track: &mut Track,
    there: Option<&Json>,
) -> Result<(), Failure> {
    let Some(there) = there else { return Ok(()) };
    for name in members(there) {
        disconnect(args, hand, engine, track, &name)?;
    }
    track.act(format!("Removed network {}", args.name));
    if let Some(host) = hand.change() {
        engine.act(host, "DELETE", &named("networks", &args.name, ""), Send::default())?;
        if there["Scope"] == "swarm" {
            // A swarm takes its time.
            for _ in 0..600 {
                if engine::network(engine, host.observe(), &args.name)?.is_none() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        }
    }
    Ok(())
}

fn creation(args: &Args) -> Json {
    let mut data = json!({
        "Name": args.name, "Driver": args.driver, "Options": args.driver_options, "IPAM": null, "CheckDuplicate": null,
        "Labels": args.labels,
    });
    if let Some(from) = &args.config_from {
        data["ConfigFrom"] = json!({"Network": from});
    }
    for (name, value) in [
        ("ConfigOnly", args.config_only),
        ("EnableIPv6", args.enable_ipv6),
        ("EnableIPv4", args.enable_ipv4),
        ("Internal", args.internal.filter(|i| *i)),
        ("Attachable", args.attachable),
        ("Ingress", args.ingress),
    ] {
        if let Some(value) = value {
            data[name] = value.into();
        }
    }
    if let Some(scope) = &args.scope {
        data["Scope"] = scope.clone().into();
    }
    let pool = |config: &JsonMap| {
        let given = |key: &str| config.get(key).cloned().unwrap_or_default();
        json!({"Subnet": given("subnet"), "IPRange": given("iprange"), "Gateway": given("gateway"),
            "AuxiliaryAddresses": given("aux_addresses")})
    };
    let pools: Vec<Json> = args.ipam_config.iter().flatten().map(pool).collect();
    let options = args.ipam_driver_options.as_ref().filter(|o| !o.is_empty());
    if args.ipam_driver.is_some() || options.is_some() || !pools.is_empty() {
        data["IPAM"] = json!({"Driver": args.ipam_driver, "Config": pools, "Options": args.ipam_driver_options});
    }
    data
}

fn compare(args: &Args, there: &Json, track: &mut Track) {
    let mut flag = |name: &str, wanted: Option<bool>, key: &str| {
        let actual = there[key].as_bool().unwrap_or(false);
        if let Some(wanted) = wanted.filter(|w| *w != actual) {
            track.differ(name, wanted, actual);
        }
    };
    flag("config_only", args.config_only, "ConfigOnly");
    flag("enable_ipv4", args.enable_ipv4, "EnableIPv4");
    flag("enable_ipv6", args.enable_ipv6, "EnableIPv6");
    flag("internal", args.internal, "Internal");
    flag("attachable", args.attachable, "Attachable");
    flag("ingress", args.ingress, "Ingress");
    let mut word = |name: &str, wanted: Option<&String>, actual: &Json| {
        if let Some(wanted) = wanted.filter(|w| *actual != w.as_str() && !(w.is_empty() && actual.is_null())) {
            track.differ(name, wanted.clone(), actual.clone());
        }
    };
    word("config_from", args.config_from.as_ref(), &there["ConfigFrom"]["Network"]);
    word("driver", Some(&args.driver), &there["Driver"]);
    word("scope", args.scope.as_ref(), &there["Scope"]);
    word("ipam_driver", args.ipam_driver.as_ref(), &there["IPAM"]["Driver"]);
    entries(track, "driver_options", &args.driver_options, &there["Options"]);
    if let Some(wanted) = &args.ipam_driver_options {
        let actual = there["IPAM"]["Options"].as_object().cloned().unwrap_or_default();
        if actual != *wanted {
            track.differ("ipam_driver_options", wanted.clone(), actual);
        }
    }
    compare_addresses(args, there, track);
    entries(track, "labels", &args.labels, &there["Labels"]);
}

fn compare_addresses(args: &Args, there: &Json, track: &mut Track) {
    let Some(wanted) = args.ipam_config.as_ref().filter(|c| !c.is_empty()) else { return };
    let actual = there["IPAM"]["Config"].as_array().cloned().unwrap_or_default();
    if actual.is_empty() {
        track.differ("ipam_config", json!(wanted), there["IPAM"]["Config"].clone());
        return;
    }
    const KEYS: &[(&str, &str)] = &[
        ("subnet", "Subnet"),
        ("iprange", "IPRange"),
        ("gateway", "Gateway"),
        ("aux_addresses", "AuxiliaryAddresses"),
    ];
    for (i, config) in wanted.iter().enumerate() {
        let given =
            || KEYS.iter().filter_map(|(key, api)| Some((*key, *api, config.get(*key).filter(|v| !v.is_null())?)));
        let fits = |pool: &&Json| given().all(|(key, api, value)| plain(key, value) == plain(key, &pool[api]));
        let pool = actual.iter().find(fits).cloned().unwrap_or_default();
        for (key, api, value) in given().filter(|(key, api, value)| plain(key, value) != plain(key, &pool[*api])) {
            track.differ(format!("ipam_config[{i}].{key}"), value.clone(), pool[api].clone());
        }
    }
}

/// Addresses and networks in their shortest form, so that they compare.
fn plain(key: &str, value: &Json) -> Json {
    match (key, value) {
        ("subnet" | "iprange", Json::String(text)) => network_of(text).unwrap_or_else(|| text.clone()).into(),
        (_, Json::String(text)) => text.parse::<IpAddr>().map_or_else(|_| text.clone(), |ip| ip.to_string()).into(),
        (_, Json::Object(map)) => map.iter().map(|(k, v)| (k.clone(), plain("", v))).collect::<JsonMap>().into(),
        (_, other) => other.clone(),
    }
}

fn network_of(text: &str) -> Option<String> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    (bits <= if address.is_ipv4() { 32 } else { 128 }).then(|| format!("{address}/{bits}"))
}
