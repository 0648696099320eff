//! The options that describe a container: where the API keeps each, and how wanted and actual values are compared.

use crate::contract::{Failure, Json, JsonMap};
use std::collections::BTreeMap;

/// What kind of value it is, as far as comparing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Value,
    List,
    /// Order does not matter.
    Set,
    /// Mappings whose order does not matter.
    SetOfDicts,
    Dict,
}

/// Where the API keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Within `Config` of an inspected container, on top of what creates one.
    Config(&'static str),
    /// Within `HostConfig`.
    Host(&'static str),
    /// Something of its own.
    Apart,
}

#[derive(Clone, Copy, Debug)]
pub struct Described {
    pub name: &'static str,
    pub kind: Kind,
    pub place: Place,
    /// A container that runs can be given another value.
    pub updatable: bool,
}

const fn config(name: &'static str, kind: Kind, key: &'static str) -> Described {
    Described { name, kind, place: Place::Config(key), updatable: false }
}
const fn host(name: &'static str, kind: Kind, key: &'static str) -> Described {
    Described { name, kind, place: Place::Host(key), updatable: false }
}
const fn limit(name: &'static str, key: &'static str) -> Described {
    Described { name, kind: Kind::Value, place: Place::Host(key), updatable: true }
}
const fn apart(name: &'static str, kind: Kind) -> Described {
    Described { name, kind, place: Place::Apart, updatable: false }
}

pub const DESCRIBED: &[Described] = &[
    host("auto_remove", Kind::Value, "AutoRemove"),
    limit("blkio_weight", "BlkioWeight"),
    host("capabilities", Kind::Set, "CapAdd"),
    host("cap_drop", Kind::Set, "CapDrop"),
    host("cgroupns_mode", Kind::Value, "CgroupnsMode"),
    host("cgroup_parent", Kind::Value, "CgroupParent"),
    config("command", Kind::List, "Cmd"),
    limit("cpu_period", "CpuPeriod"),
    limit("cpu_quota", "CpuQuota"),
    limit("cpuset_cpus", "CpusetCpus"),
    limit("cpuset_mems", "CpusetMems"),
    limit("cpu_shares", "CpuShares"),
    config("entrypoint", Kind::List, "Entrypoint"),
    host("cpus", Kind::Value, "NanoCpus"),
    apart("detach", Kind::Value),
    apart("interactive", Kind::Value),
    host("devices", Kind::SetOfDicts, "Devices"),
    host("device_read_bps", Kind::SetOfDicts, "BlkioDeviceReadBps"),
    host("device_write_bps", Kind::SetOfDicts, "BlkioDeviceWriteBps"),
    host("device_read_iops", Kind::SetOfDicts, "BlkioDeviceReadIOps"),
    host("device_write_iops", Kind::SetOfDicts, "BlkioDeviceWriteIOps"),
    host("device_requests", Kind::SetOfDicts, "DeviceRequests"),
    host("device_cgroup_rules", Kind::List, "DeviceCgroupRules"),
    host("dns_servers", Kind::List, "Dns"),
    host("dns_opts", Kind::Set, "DnsOptions"),
    host("dns_search_domains", Kind::List, "DnsSearch"),
    config("domainname", Kind::Value, "Domainname"),
    config("env", Kind::Set, "Env"),
    host("etc_hosts", Kind::Set, "ExtraHosts"),
    host("groups", Kind::Set, "GroupAdd"),
    config("healthcheck", Kind::Dict, "Healthcheck"),
    config("hostname", Kind::Value, "Hostname"),
    apart("image", Kind::Value),
    host("init", Kind::Value, "Init"),
    host("ipc_mode", Kind::Value, "IpcMode"),
    limit("kernel_memory", "KernelMemory"),
    config("labels", Kind::Dict, "Labels"),
    host("links", Kind::Set, "Links"),
    apart("log_driver", Kind::Value),
    apart("log_options", Kind::Dict),
    config("mac_address", Kind::Value, "MacAddress"),
    limit("memory", "Memory"),
    limit("memory_reservation", "MemoryReservation"),
    limit("memory_swap", "MemorySwap"),
    host("memory_swappiness", Kind::Value, "MemorySwappiness"),
    config("stop_timeout", Kind::Value, "StopTimeout"),
    host("network_mode", Kind::Value, "NetworkMode"),
    apart("networks", Kind::SetOfDicts),
    host("oom_killer", Kind::Value, "OomKillDisable"),
    host("oom_score_adj", Kind::Value, "OomScoreAdj"),
    host("pid_mode", Kind::Value, "PidMode"),
    host("pids_limit", Kind::Value, "PidsLimit"),
    host("privileged", Kind::Value, "Privileged"),
    host("read_only", Kind::Value, "ReadonlyRootfs"),
    Described { updatable: true, ..apart("restart_policy", Kind::Value) },
    Described { updatable: true, ..apart("restart_retries", Kind::Value) },
    host("runtime", Kind::Value, "Runtime"),
    host("security_opts", Kind::Set, "SecurityOpt"),
    host("shm_size", Kind::Value, "ShmSize"),
    config("stop_signal", Kind::Value, "StopSignal"),
    host("storage_opts", Kind::Dict, "StorageOpt"),
    host("sysctls", Kind::Dict, "Sysctls"),
    host("tmpfs", Kind::Dict, "Tmpfs"),
    config("tty", Kind::Value, "Tty"),
    host("ulimits", Kind::SetOfDicts, "Ulimits"),
    config("user", Kind::Value, "User"),
    host("userns_mode", Kind::Value, "UsernsMode"),
    host("uts", Kind::Value, "UTSMode"),
    host("volume_driver", Kind::Value, "VolumeDriver"),
    host("volumes_from", Kind::Set, "VolumesFrom"),
    config("working_dir", Kind::Value, "WorkingDir"),
    apart("mounts", Kind::SetOfDicts),
    apart("volumes", Kind::Set),
    host("volume_binds", Kind::Set, "Binds"),
    apart("exposed_ports", Kind::Set),
    host("publish_all_ports", Kind::Value, "PublishAllPorts"),
    host("published_ports", Kind::Dict, "PortBindings"),
];

/// Other names under which `comparisons` may name an option.
const ALIASES: &[(&str, &str)] = &[
    ("exposed", "exposed_ports"),
    ("expose", "exposed_ports"),
    ("ports", "published_ports"),
    ("log_opt", "log_options"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Ignore,
    Strict,
    AllowMorePresent,
}

/// How each option is compared.
pub type Methods = BTreeMap<&'static str, Method>;

/// The usual way, then what `comparisons` asks for.
///
/// # Errors
/// It names something that is not compared, or in a way that does not go.
pub fn methods(asked: Option<&JsonMap>, networks_given: bool) -> Result<Methods, Failure> {
    let usual = |d: &Described| match d.kind {
        _ if d.name == "stop_timeout" => Method::Ignore,
        Kind::Value | Kind::List => Method::Strict,
        _ => Method::AllowMorePresent,
    };
    let mut methods: Methods = DESCRIBED.iter().map(|d| (d.name, usual(d))).collect();
    let parse = |value: &Json| match value.as_str() {
        Some("ignore") => Ok(Method::Ignore),
        Some("strict") => Ok(Method::Strict),
        Some("allow_more_present") => Ok(Method::AllowMorePresent),
        _ => Err(Failure::new(format!("Unknown comparison mode '{}'!", crate::contract::python_text(value)))),
    };
    let none = JsonMap::new();
    let asked = asked.unwrap_or(&none);
    if let Some(value) = asked.get("*") {
        let method = parse(value).ok().filter(|m| *m != Method::AllowMorePresent).ok_or_else(|| {
            Failure::new("The wildcard can only be used with comparison modes 'strict' and 'ignore'!")
        })?;
        for (name, of) in &mut methods {
            if *name != "networks" || networks_given {
                *of = method;
            }
        }
    }
    for (key, value) in asked.iter().filter(|(key, _)| *key != "*") {
        let name = ALIASES.iter().find(|(alias, _)| alias == key).map_or(key.as_str(), |(_, name)| name);
        let described = DESCRIBED.iter().find(|d| d.name == name && d.name != "volume_binds");
        let Some(described) = described else {
            return Err(Failure::new(format!("Unknown module option '{key}' in comparisons dict!")));
        };
        let method = parse(value)?;
        if method == Method::AllowMorePresent && described.kind == Kind::Value {
            return Err(Failure::new(format!(
                "Option '{key}' is a value and not a set/list/dict, so its comparison cannot be allow_more_present"
            )));
        }
        methods.insert(described.name, method);
    }
    if let Some(volumes) = methods.get("volumes").copied() {
        methods.insert("volume_binds", volumes);
    }
    Ok(methods)
}

/// Whether the container's value is as wanted.
pub fn same(wanted: &Json, actual: &Json, method: Method, kind: Kind) -> bool {
    let size = |v: &Json| match v {
        Json::Array(list) => list.len(),
        Json::Object(map) => map.len(),
        Json::Null => 0,
        _ => 1,
    };
    if method == Method::Ignore {
        return true;
    }
    if wanted.is_null() || actual.is_null() {
        return match kind {
            _ if wanted == actual => true,
            Kind::Value => false,
            _ if method == Method::AllowMorePresent && wanted.is_null() => true,
            _ => size(wanted) + size(actual) == 0,
        };
    }
    let strict = method == Method::Strict;
    match kind {
        Kind::Value => wanted == actual,
        Kind::List | Kind::Dict if strict => wanted == actual,
        Kind::List => {
            let mut rest = items(actual).into_iter();
            items(wanted).iter().all(|w| rest.any(|a| a == *w))
        }
        Kind::Dict => within(wanted, actual),
        Kind::Set => {
            let (wanted, actual) = (items(wanted), items(actual));
            wanted.iter().all(|w| actual.contains(w)) && (!strict || actual.iter().all(|a| wanted.contains(a)))
        }
        Kind::SetOfDicts => {
            let (wanted, actual) = (items(wanted), items(actual));
            wanted.iter().all(|w| actual.iter().any(|a| within(w, a)))
                && (!strict || actual.iter().all(|a| wanted.iter().any(|w| within(w, a))))
        }
    }
}

/// The members of a list, or the keys of a mapping.
fn items(value: &Json) -> Vec<Json> {
    match value {
        Json::Array(list) => list.clone(),
        Json::Object(map) => map.keys().cloned().map(Json::from).collect(),
        _ => Vec::new(),
    }
}

/// Whether each entry of the one is in the other.
fn within(wanted: &Json, actual: &Json) -> bool {
    let (Some(wanted), Some(actual)) = (wanted.as_object(), actual.as_object()) else { return wanted == actual };
    wanted.iter().all(|(key, value)| actual.get(key) == Some(value))
}

/// A value for the diff: sets come in order.
pub fn shown(value: &Json, kind: Kind) -> Json {
    match (kind, value) {
        (Kind::Set, Json::Array(_) | Json::Object(_)) | (Kind::SetOfDicts, Json::Array(_)) => {
            let mut list = items(value);
            list.sort_by_key(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            list.into()
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn comparing() {
        use Kind::*;
        use Method::*;
        for (wanted, actual, method, kind, expected) in [
            (json!(1), json!(2), Ignore, Value, true),
            (json!(1), json!(null), Strict, Value, false),
            (json!([]), json!(null), Strict, List, true),
            (json!(["a"]), json!(null), AllowMorePresent, Set, false),
            (json!(null), json!(["a"]), AllowMorePresent, Set, true),
            (json!(["a", "c"]), json!(["a", "b", "c"]), AllowMorePresent, List, true),
            (json!(["c", "a"]), json!(["a", "b", "c"]), AllowMorePresent, List, false),
            (json!(["b", "a"]), json!(["a", "b"]), Strict, Set, true),
            (json!(["a"]), json!(["a", "b"]), Strict, Set, false),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), AllowMorePresent, Dict, true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), Strict, Dict, false),
            (json!([{"a": 1}]), json!([{"a": 1, "b": 2}]), Strict, SetOfDicts, true),
            (json!([{"a": 1}]), json!([{"a": 1}, {"a": 2}]), Strict, SetOfDicts, false),
            (json!({"/v": {}}), json!({"/v": {}, "/w": {}}), AllowMorePresent, Set, true),
        ] {
            assert_eq!(same(&wanted, &actual, method, kind), expected, "{wanted} {actual} {method:?} {kind:?}");
        }
    }

    #[test]
    fn asked_comparisons() {
        let asked = |value: Json| methods(value.as_object(), false);
        let all = asked(json!({"*": "ignore", "ports": "strict"})).unwrap();
        assert_eq!(
            (all["env"], all["published_ports"], all["networks"]),
            (Method::Ignore, Method::Strict, Method::AllowMorePresent)
        );
        assert_eq!(asked(json!({"volumes": "strict"})).unwrap()["volume_binds"], Method::Strict);
        assert!(asked(json!({"memory": "allow_more_present"})).is_err());
        assert!(asked(json!({"nothing": "strict"})).is_err());
    }
}
