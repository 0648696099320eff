//! What a task wants of a container, in the API's words: for creating one, and for comparing with one that is there.

use super::mounts::{self, Taken, plain_texts};
use super::options::{DESCRIBED, Place};
use super::{Args, ports};
use crate::containers::engine::{Engine, container, filter, network};
use crate::containers::labels;
use crate::contract::{Failure, Json, JsonMap, python_text, size_in_bytes};
use crate::host::{Observe, split_words};
use serde_json::json;
use std::collections::BTreeMap;

/// Values by option, each as the API has it. What is absent is not asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub values: BTreeMap<&'static str, Json>,
    /// Ports that are opened, published ones among them.
    exposed: JsonMap,
    /// The option `networks`, each with its `id`.
    pub networks: Option<Vec<JsonMap>>,
    pub warnings: Vec<String>,
}

impl Wanted {
    /// Reads the arguments.
    ///
    /// # Errors
    /// A value is not what the option wants, or names something that is not there.
    pub fn of(args: &Args, host: &dyn Observe, engine: &Engine<'_>) -> Result<Self, Failure> {
        let mut wanted = Wanted::default();
        let given = |name: &str| args.options.get(name).filter(|v| !v.is_null());
        for described in DESCRIBED {
            if let Some(value) = given(described.name) {
                wanted.values.insert(described.name, value.clone());
            }
        }
        wanted.networks_of(args, host, engine)?;
        wanted.words("command", args.command_handling == "correct")?;
        wanted.words("entrypoint", args.command_handling == "correct")?;
        wanted.env(args, host)?;
        wanted.sizes()?;
        for (name, change) in CHANGES {
            if let Some(value) = wanted.values.remove(name) {
                let value = change(&value).map_err(|why| Failure::new(format!("{name}: {why}")))?;
                wanted.values.insert(name, value);
            }
        }
        if let Some(Json::Object(given)) = wanted.values.get("labels") {
            let labels = labels(given)?;
            wanted.values.insert("labels", labels.into());
        }
        if let Some(links) = wanted.values.get("links").and_then(Json::as_array) {
            let link = |link: &Json| {
                let link = python_text(link);
                let (from, to) = link.split_once(':').unwrap_or((&link, &link));
                Json::from(format!("/{from}:/{}/{to}", args.name))
            };
            let links: Vec<Json> = links.iter().map(link).collect();
            wanted.values.insert("links", links.into());
        }
        for name in ["ipc_mode", "pid_mode", "network_mode"] {
            wanted.other_container(name, host, engine)?;
        }
        wanted.log()?;
        wanted.volumes(host)?;
        wanted.ports(args, host, engine)?;
        Ok(wanted)
    }

    fn take_list(&mut self, name: &str) -> Option<Vec<Json>> {
        match self.values.remove(name) {
            Some(Json::Array(list)) => Some(list),
            _ => None,
        }
    }

    fn networks_of(&mut self, args: &Args, host: &dyn Observe, engine: &Engine<'_>) -> Result<(), Failure> {
        let Some(list) = self.take_list("networks") else { return Ok(()) };
        let mut networks: Vec<JsonMap> = list.into_iter().filter_map(|n| n.as_object().cloned()).collect();
        let first = networks.first().and_then(|n| n.get("name")).cloned();
        if let Some(first) = first
            && args.networks_cli_compatible
            && !self.values.contains_key("network_mode")
        {
            self.values.insert("network_mode", first);
        }
        for network in &mut networks {
            if network.get("mac_address").is_some_and(|m| !m.is_null()) {
                engine.needs("1.44", "networks.mac_address")?;
                let mac = network.get("mac_address").map(python_text).unwrap_or_default();
                network.insert("mac_address".to_owned(), mac.replace('-', ":").into());
            }
            let name = network.get("name").map(python_text).unwrap_or_default();
            let filters = filter("name", &name);
            let list = engine
                .get(host, "/networks", &[("filters", filters.as_str())])
                .map_err(|e| Failure::new(format!("Error getting network id for {name} - {e}")))?;
            let found = list.as_array().into_iter().flatten().find(|n| n["Name"] == name.as_str());
            let id = found.and_then(|n| n["Id"].as_str()).ok_or_else(|| {
                Failure::new(format!("Parameter error: network named {name} could not be found. Does it exist?"))
            })?;
            network.insert("id".to_owned(), id.into());
        }
        self.networks = Some(networks);
        Ok(())
    }

    /// A command line in words, whether it is given as one text or as a list.
    fn words(&mut self, name: &'static str, correct: bool) -> Result<(), Failure> {
        let Some(value) = self.values.remove(name) else { return Ok(()) };
        let split = |text: &str| split_words(text).map_err(|e| Failure::new(format!("{name}: {e}")));
        let words = match &value {
            Json::Array(list) if correct => list.iter().map(python_text).collect(),
            Json::Array(list) => split(&list.iter().map(python_text).collect::<Vec<_>>().join(" "))?,
            other => split(&python_text(other))?,
        };
        if correct || !words.is_empty() {
            self.values.insert(name, words.into());
        }
        Ok(())
    }

    fn env(&mut self, args: &Args, host: &dyn Observe) -> Result<(), Failure> {
        let mut env: Vec<(String, String)> = Vec::new();
        let mut set = |name: &str, value: String| match env.iter_mut().find(|(n, _)| n == name) {
            Some(entry) => entry.1 = value,
            None => env.push((name.to_owned(), value)),
        };
        let mut given = false;
        if let Some(path) = &args.env_file {
            given = true;
            let fail = |e: std::io::Error| Failure::io(format!("cannot read {}", path.display()), &e);
            for line in host.read_text(path).map_err(fail)?.lines().filter(|l| !l.starts_with('#')) {
                match line.trim().split_once('=') {
                    Some((name, value)) => set(name, value.to_owned()),
                    None if line.trim().is_empty() => {}
                    None => {
                        let place = path.display();
                        return Err(Failure::new(format!("Invalid line in environment file {place}:\n{line}")));
                    }
                }
            }
        }
        if let Some(Json::Object(map)) = self.values.remove("env") {
            given = true;
            for (name, value) in &map {
                let Json::String(text) = value else {
                    return Err(Failure::new(format!(
                        "Non-string value found for env option. Ambiguous env options must be wrapped in quotes to avoid them being interpreted. Key: {name}"
                    )));
                };
                set(name, text.clone());
            }
        }
        if given {
            let list: Vec<String> = env.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            self.values.insert("env", list.into());
        }
        Ok(())
    }

    fn sizes(&mut self) -> Result<(), Failure> {
        for name in ["memory", "memory_reservation", "memory_swap", "kernel_memory", "shm_size"] {
            let Some(text) = self.values.get(name).map(python_text) else { continue };
            let unlimited = name == "memory_swap" && (text == "unlimited" || text == "-1");
            let bytes = if unlimited { Some(-1) } else { size_in_bytes(&text) };
            let bytes = bytes.ok_or_else(|| {
                Failure::new(format!(
                    "Failed to convert {name} to bytes: human_to_bytes() can't interpret following string: {text}"
                ))
            })?;
            self.values.insert(name, bytes.into());
        }
        Ok(())
    }

    /// `container:NAME` names it by its id.
    fn other_container(&mut self, name: &'static str, host: &dyn Observe, engine: &Engine<'_>) -> Result<(), Failure> {
        let Some(other) = self.values.get(name).and_then(Json::as_str).and_then(|v| v.strip_prefix("container:"))
        else {
            return Ok(());
        };
        match container(engine, host, other)? {
            Some(found) => {
                let mode = format!("container:{}", found["Id"].as_str().unwrap_or(other));
                self.values.insert(name, mode.into());
            }
            None => self.warnings.push(format!("Cannot find a container with name or ID \"{other}\"")),
        }
        Ok(())
    }

    fn log(&mut self) -> Result<(), Failure> {
        if !self.values.contains_key("log_driver") {
            self.values.remove("log_options");
            return Ok(());
        }
        if let Some(Json::Object(map)) = self.values.remove("log_options") {
            let mut options = JsonMap::new();
            for (name, value) in &map {
                let text = python_text(value);
                if !value.is_string() {
                    self.warnings.push(format!("Non-string value found for log_options option '{name}'. The value is automatically converted to '{text}'. If this is not correct, or you want to avoid such warnings, please quote the value."));
                }
                options.insert(name.clone(), text.into());
            }
            self.values.insert("log_options", options.into());
        }
        Ok(())
    }

    fn volumes(&mut self, host: &dyn Observe) -> Result<(), Failure> {
        let mut taken = Taken::default();
        if let Some(list) = self.take_list("mounts") {
            self.values.insert("mounts", mounts::mounts(&list, &mut taken)?.into());
        }
        if let Some(list) = self.take_list("volumes") {
            let (anonymous, binds) = mounts::volumes(host, &list, &mut taken)?;
            self.values.insert("volumes", anonymous.into());
            self.values.insert("volume_binds", binds.into());
        }
        Ok(())
    }

    fn ports(&mut self, args: &Args, host: &dyn Observe, engine: &Engine<'_>) -> Result<(), Failure> {
        let published = match self.take_list("published_ports") {
            Some(list) => Some(ports::bindings(&list, &|| self.default_ip(args, host, engine))?),
            None => None,
        };
        let exposed = self.take_list("exposed_ports").unwrap_or_default();
        self.exposed = ports::exposed(&exposed, published.as_ref())?;
        if let Some(published) = published {
            self.values.insert("published_ports", published.into());
        }
        Ok(())
    }

    /// The address at which ports are published that name none.
    fn default_ip(&self, args: &Args, host: &dyn Observe, engine: &Engine<'_>) -> Result<String, Failure> {
        if let Some(ip) = &args.default_host_ip {
            let bare = ip.trim_start_matches('[').trim_end_matches(']');
            return match bare.parse::<std::net::IpAddr>() {
                Ok(_) => Ok(bare.to_owned()),
                Err(_) if ip.is_empty() => Ok(String::new()),
                Err(_) => Err(Failure::new(format!(
                    "The value of default_host_ip must be an empty string, an IPv4 address, or an IPv6 address. Got \"{ip}\" instead."
                ))),
            };
        }
        for wanted in self.networks.iter().flatten() {
            let name = wanted.get("name").map(python_text).unwrap_or_default();
            let found = network(engine, host, &name)?.ok_or_else(|| {
                Failure::new(format!("Cannot inspect the network '{name}' to determine the default IP"))
            })?;
            let ip = &found["Options"]["com.docker.network.bridge.host_binding_ipv4"];
            if let Some(ip) = ip.as_str().filter(|ip| !ip.is_empty() && found["Driver"] == "bridge") {
                return Ok(ip.to_owned());
            }
        }
        Ok("0.0.0.0".to_owned())
    }

    /// What creates the container.
    pub fn for_creation(&self, image: &str) -> Json {
        let mut config = JsonMap::new();
        let mut host = JsonMap::new();
        for described in DESCRIBED {
            let Some(value) = self.values.get(described.name) else { continue };
            match described.place {
                Place::Config(key) => drop(config.insert(key.to_owned(), value.clone())),
                Place::Host(key) => drop(host.insert(key.to_owned(), value.clone())),
                Place::Apart => {}
            }
        }
        let attached = self.values.get("detach").is_none_or(|d| d == false);
        let interactive = self.values.get("interactive").cloned().unwrap_or_default();
        for key in ["AttachStdout", "AttachStderr"] {
            config.insert(key.to_owned(), attached.into());
        }
        for key in ["AttachStdin", "StdinOnce"] {
            config.insert(key.to_owned(), (attached && interactive == true).into());
        }
        config.insert("OpenStdin".to_owned(), interactive);
        if let Some(driver) = self.values.get("log_driver") {
            let options = self.values.get("log_options").cloned().unwrap_or_else(|| json!({}));
            host.insert("LogConfig".to_owned(), json!({"Type": driver, "Config": options}));
        }
        if let Some(policy) = self.restart_policy() {
            host.insert("RestartPolicy".to_owned(), policy);
        }
        if let Some(mounts) = self.values.get("mounts") {
            host.insert("Mounts".to_owned(), mounts::for_api(mounts));
        }
        if let Some(Json::Array(volumes)) = self.values.get("volumes") {
            let map: JsonMap = volumes.iter().map(|v| (python_text(v), json!({}))).collect();
            config.insert("Volumes".to_owned(), map.into());
        }
        config.insert("ExposedPorts".to_owned(), self.exposed.clone().into());
        if !host.is_empty() {
            config.insert("HostConfig".to_owned(), host.into());
        }
        config.insert("Image".to_owned(), image.into());
        config.into()
    }

    fn restart_policy(&self) -> Option<Json> {
        let name = self.values.get("restart_policy")?;
        Some(json!({"Name": name, "MaximumRetryCount": self.values.get("restart_retries")}))
    }

    /// What gives a container other limits.
    pub fn for_update(&self) -> JsonMap {
        let mut out = JsonMap::new();
        for described in DESCRIBED.iter().filter(|d| d.updatable) {
            if let (Place::Host(key), Some(value)) = (described.place, self.values.get(described.name)) {
                out.insert(key.to_owned(), value.clone());
            }
        }
        out.extend(self.restart_policy().map(|policy| ("RestartPolicy".to_owned(), policy)));
        out
    }

    /// What the container is expected to show, with what its image brings.
    pub fn expected(&self, name: &str, image: Option<&Json>, ignore_image_labels: bool) -> Option<Json> {
        let config = |key: &str| image.map(|i| &i["Config"][key]).filter(|v| !v.is_null());
        let value = self.values.get(name);
        match name {
            "image" | "networks" => None,
            "command" if value.and_then(Json::as_array).is_some_and(Vec::is_empty) => {
                config("Cmd").filter(|c| c.as_array().is_some_and(|l| !l.is_empty())).or(value).cloned()
            }
            "env" => {
                let mut env: BTreeMap<String, String> = BTreeMap::new();
                for list in [config("Env"), value].into_iter().flatten() {
                    let pairs = list.as_array().into_iter().flatten().filter_map(Json::as_str);
                    env.extend(pairs.filter_map(|p| p.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())));
                }
                Some(env.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().into())
            }
            "labels" => {
                let mut labels = JsonMap::new();
                if let Some(Json::Object(of_image)) = config("Labels").filter(|_| ignore_image_labels) {
                    labels.extend(of_image.clone());
                }
                labels.extend(value?.as_object()?.clone());
                Some(labels.into())
            }
            "volumes" => {
                let mut volumes = config("Volumes").and_then(Json::as_object).cloned().unwrap_or_default();
                volumes
                    .extend(value.and_then(Json::as_array).into_iter().flatten().map(|v| (python_text(v), json!({}))));
                Some(volumes.into()).filter(|v: &Json| *v != json!({}))
            }
            "volume_binds" => Some(value.cloned().unwrap_or_else(|| json!([]))),
            "exposed_ports" => {
                let mut ports = config("ExposedPorts").map(ports::listed).unwrap_or_default();
                ports.extend(self.exposed.keys().cloned());
                ports.sort();
                ports.dedup();
                Some(ports.into())
            }
            _ => value.cloned(),
        }
    }
}

/// What an inspected container shows for an option.
pub fn actual(name: &str, place: Place, container: &Json) -> Json {
    let (config, host) = (&container["Config"], &container["HostConfig"]);
    match (name, place) {
        ("healthcheck", _) => {
            let check = &config["Healthcheck"];
            if check.is_null() || check["Test"] == json!(["NONE"]) { json!({"Test": ["NONE"]}) } else { check.clone() }
        }
        ("detach", _) => {
            let attached = |key: &str| config[key] == true;
            Json::from(!(attached("AttachStderr") && attached("AttachStdout")))
        }
        ("interactive", _) => Json::from(config["OpenStdin"] == true),
        ("log_driver", _) => host["LogConfig"]["Type"].clone(),
        ("log_options", _) => host["LogConfig"]["Config"].clone(),
        ("restart_policy", _) => host["RestartPolicy"]["Name"].clone(),
        ("restart_retries", _) => host["RestartPolicy"]["MaximumRetryCount"].clone(),
        ("mounts", _) => mounts::of_container(&host["Mounts"]),
        ("volumes", _) => config["Volumes"].clone(),
        ("exposed_ports", _) => ports::listed(&config["ExposedPorts"]).into(),
        (_, Place::Config(key)) => config[key].clone(),
        (_, Place::Host(key)) => host[key].clone(),
        (_, Place::Apart) => Json::Null,
    }
}

type Changed = Result<Json, String>;

/// Values that the API has in another form than the option.
const CHANGES: &[(&str, fn(&Json) -> Changed)] = &[
    ("cpus", |v| {
        let cpus = v.as_f64().ok_or("not a number")?;
        Ok(Json::from((cpus * 1e9).round() as i64))
    }),
    ("devices", |v| each_text(v, device)),
    ("device_read_bps", |v| rates(v, true)),
    ("device_write_bps", |v| rates(v, true)),
    ("device_read_iops", |v| rates(v, false)),
    ("device_write_iops", |v| rates(v, false)),
    ("device_requests", |v| {
        let one = |r: &Json| json!({"Driver": r["driver"], "Count": r["count"], "DeviceIDs": r["device_ids"], "Capabilities": r["capabilities"], "Options": r["options"]});
        Ok(v.as_array().into_iter().flatten().map(one).collect())
    }),
    ("etc_hosts", |v| {
        let one = |(name, ip): (&String, &Json)| Json::from(format!("{name}:{}", python_text(ip)));
        Ok(v.as_object().into_iter().flatten().map(one).collect())
    }),
    ("healthcheck", healthcheck),
    ("mac_address", |v| Ok(python_text(v).replace('-', ":").into())),
    ("storage_opts", |v| Ok(plain_texts(v))),
    ("sysctls", |v| {
        let one = |(name, value): (&String, &Json)| (name.clone(), Json::from(python_text(value)));
        Ok(v.as_object().into_iter().flatten().map(one).collect::<JsonMap>().into())
    }),
    ("tmpfs", |v| {
        let one = |text: &Json| {
            let text = python_text(text);
            let (place, options) = text.split_once(':').unwrap_or((&text, ""));
            (place.to_owned(), Json::from(options))
        };
        Ok(v.as_array().into_iter().flatten().map(one).collect::<JsonMap>().into())
    }),
    ("ulimits", |v| each_text(v, ulimit)),
];

fn each_text(list: &Json, change: fn(&str) -> Changed) -> Changed {
    list.as_array().into_iter().flatten().map(|v| change(&python_text(v))).collect()
}

fn device(text: &str) -> Changed {
    let parts: Vec<&str> = text.split(':').collect();
    let (outer, inner, rights) = match parts.as_slice() {
        [one] => (*one, *one, "rwm"),
        [outer, inner] => (*outer, *inner, "rwm"),
        [outer, inner, rights, ..] => (*outer, *inner, *rights),
        [] => return Err("no device".to_owned()),
    };
    Ok(json!({"CgroupPermissions": rights, "PathInContainer": inner, "PathOnHost": outer}))
}

fn ulimit(text: &str) -> Changed {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |t: &str| t.parse::<i64>().map_err(|_| format!("{text} is not NAME:SOFT or NAME:SOFT:HARD"));
    match parts.as_slice() {
        [name, soft] => Ok(json!({"Name": name, "Soft": number(soft)?, "Hard": number(soft)?})),
        [name, soft, hard] => Ok(json!({"Name": name, "Soft": number(soft)?, "Hard": number(hard)?})),
        _ => Err(format!("{text} is not NAME:SOFT or NAME:SOFT:HARD")),
    }
}

fn rates(list: &Json, sizes: bool) -> Changed {
    let one = |device: &Json| {
        let rate = python_text(&device["rate"]);
        let number = if sizes { size_in_bytes(&rate) } else { rate.parse().ok() };
        let number = number.ok_or_else(|| format!("{rate} is no rate"))?;
        Ok(json!({"Path": device["path"], "Rate": number}))
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

fn healthcheck(given: &Json) -> Changed {
    let mut out = JsonMap::new();
    let compatible = given["test_cli_compatible"] == true;
    let test = &given["test"];
    let empty = match test {
        Json::Array(list) => list.is_empty(),
        Json::String(text) => text.is_empty(),
        other => other.is_null(),
    };
    if empty && !(compatible && test.is_null()) {
        return Ok(json!({"Test": ["NONE"]}));
    }
    match test {
        Json::Null => {}
        Json::Array(list) => drop(out.insert("Test".to_owned(), list.iter().map(python_text).collect())),
        other => drop(out.insert("Test".to_owned(), json!(["CMD-SHELL", python_text(other)]))),
    }
    for (name, key) in [
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start_period", "StartPeriod"),
        ("start_interval", "StartInterval"),
    ] {
        let Some(text) = given[name].as_str() else { continue };
        let nanoseconds = duration(text).ok_or_else(|| format!("Invalid time duration - {text}"))?;
        if nanoseconds != 0 {
            out.insert(key.to_owned(), nanoseconds.into());
        }
    }
    if let Some(retries) = given["retries"].as_i64().filter(|r| *r != 0) {
        out.insert("Retries".to_owned(), retries.into());
    }
    Ok(out.into())
}

/// `1h30m5s` in nanoseconds; the parts stand in this order.
fn duration(text: &str) -> Option<i64> {
    const UNITS: &[(&str, i64)] =
        &[("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    let (mut rest, mut total, mut next) = (text, 0, 0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (at, (_, size)) = UNITS.iter().enumerate().find(|(_, (unit, _))| *unit == &tail[..end])?;
        if at < next {
            return None;
        }
        next = at + 1;
        total += number.checked_mul(*size)?;
        rest = &tail[end..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_checks() {
        for (text, expected) in [
            ("1m30s", Some(90_000_000_000)),
            ("5ms2us", Some(5_002_000)),
            ("", Some(0)),
            ("5", None),
            ("1s1m", None),
            ("1x", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
        assert_eq!(
            healthcheck(&json!({"test": "curl x", "interval": "5s", "retries": 3})).unwrap(),
            json!({"Test": ["CMD-SHELL", "curl x"], "Interval": 5_000_000_000_i64, "Retries": 3})
        );
        assert_eq!(healthcheck(&json!({"test": null})).unwrap(), json!({"Test": ["NONE"]}));
        assert_eq!(
            device("/dev/a:/dev/b:r").unwrap(),
            json!({"CgroupPermissions": "r", "PathInContainer": "/dev/b", "PathOnHost": "/dev/a"})
        );
        assert_eq!(ulimit("nofile:1:2").unwrap(), json!({"Name": "nofile", "Soft": 1, "Hard": 2}));
    }
}
