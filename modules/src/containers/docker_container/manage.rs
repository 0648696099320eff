//! Brings a container into the wanted state, or tells what that would take.

use super::options::{DESCRIBED, Kind, Method, Methods, same, shown};
use super::wanted::{Wanted, actual};
use super::{Args, State};
use crate::containers::engine::{Answer, Engine, Hand, Send, container, container_by_id, named, separated, warnings};
use crate::containers::images;
use crate::containers::road::Track;
use crate::contract::{Call, Failure, Json, JsonMap, Outcome, python_text};
use crate::host::Change;
use serde_json::json;
use std::thread::sleep;
use std::time::Duration;

/// What differs: name, wanted, actual.
type Differences = Vec<(String, Json, Json)>;

/// Brings the container into the wanted state.
///
/// # Errors
/// The engine does not answer or refuses, the arguments do not go, or the container ends badly.
pub fn manage(args: &Args, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let engine = Engine::connect(hand.host(), call, &args.reach)?;
    let networks_given = args.options.get("networks").is_some_and(|n| !n.is_null());
    let methods = super::options::methods(args.comparisons.as_ref(), networks_given)?;
    let mut wanted = Wanted::default();
    if args.state != State::Absent {
        wanted = Wanted::of(args, hand.host(), &engine)?;
    }
    let track = Track { warnings: std::mem::take(&mut wanted.warnings), ..Track::default() };
    Manager { args, call, engine, hand, methods, wanted, track, status: None }.run()
}

struct Manager<'a, 'b, 'h> {
    args: &'a Args,
    call: &'a Call<'a>,
    engine: Engine<'a>,
    hand: &'b mut Hand<'h>,
    methods: Methods,
    wanted: Wanted,
    track: Track,
    /// Of a container that was waited for.
    status: Option<i64>,
}

impl Manager<'_, '_, '_> {
    fn run(mut self) -> Result<Outcome, Failure> {
        let facts = match self.args.state {
            State::Absent => {
                self.absent()?;
                None
            }
            _ => self.present()?,
        };
        let mut outcome = self.track.outcome(self.call, self.args.reach.debug, false);
        if let Some(facts) = facts {
            outcome.set("container", facts);
        }
        if let Some(status) = self.status {
            outcome.set("status", status);
            if status != 0 {
                let msg = outcome.values.get("container").and_then(|c| c["Output"].as_str()).unwrap_or_default();
                let msg = msg.to_owned();
                let Outcome { values, diff, warnings, .. } = outcome;
                return Err(Failure { msg, changed: true, values, diff, warnings });
            }
        }
        Ok(outcome)
    }

    fn present(&mut self) -> Result<Option<Json>, Failure> {
        let args = self.args;
        let mut current = container(&self.engine, self.hand.host(), &args.name)?;
        let was_running = current.as_ref().is_some_and(running);
        let was_paused = current.as_ref().is_some_and(paused);
        let (image, mut compare_with) = self.images(current.as_ref())?;
        let mut created = false;
        match current.clone() {
            Some(there) if !removing(&there) => {
                let differences = self.configuration_differs(&there, compare_with.as_ref())?;
                let mut different = !differences.is_empty();
                let mut other_image = false;
                if self.methods["image"] == Method::Strict {
                    other_image = self.image_differs(image.as_ref(), &there);
                    if let Some(name) = args.image.as_deref().filter(|n| there["Config"]["Image"] != *n)
                        && args.image_name_mismatch == "recreate"
                    {
                        different = true;
                        self.track.differ("image_name", name, there["Config"]["Image"].clone());
                    }
                }
                if other_image || different || args.recreate {
                    self.track.differences.extend(differences);
                    let own = there["Image"].as_str().map(str::to_owned);
                    let name = args.image.clone().or(own).ok_or_else(|| {
                        Failure::new("Cannot recreate container when image is not specified or cannot be extracted from current container!")
                    })?;
                    let id = id_of(&there);
                    if running(&there) {
                        self.stop(&id)?;
                    }
                    self.remove(&id, false)?;
                    self.wait_until_gone(&id)?;
                    if let Some(new) = self.create(&name)? {
                        current = Some(new);
                    }
                    created = true;
                    compare_with = image;
                }
            }
            there => {
                let name = args
                    .image
                    .clone()
                    .ok_or_else(|| Failure::new("Cannot create container when image is not specified!"))?;
                self.track.differ("exists", true, false);
                if let Some(there) = there {
                    self.wait_until_gone(&id_of(&there))?;
                }
                current = self.create(&name)?;
                created = true;
            }
        }
        let Some(mut now) = current else { return Ok(None) };
        now = self.update_limits(now, compare_with.as_ref())?;
        now = self.update_networks(now, created)?;
        now = self.run_state(now, was_running)?;
        now = self.pause(now, was_paused)?;
        if args.state == State::Healthy && !self.hand.only_looks() {
            now = self.wait_until_healthy(&id_of(&now))?;
        }
        Ok(Some(now))
    }

    fn run_state(&mut self, now: Json, was_running: bool) -> Result<Json, Failure> {
        let wants_running = matches!(self.args.state, State::Started | State::Healthy);
        let id = id_of(&now);
        if wants_running && !running(&now) {
            self.track.differ("running", true, was_running);
            return self.start(now);
        }
        if wants_running && self.args.restart {
            self.track.differ("running", true, was_running);
            self.track.differ("restarted", true, false);
            return self.restart(now);
        }
        if self.args.state == State::Stopped && running(&now) {
            self.track.differ("running", false, was_running);
            self.stop(&id)?;
            return self.again(now);
        }
        Ok(now)
    }

    fn pause(&mut self, now: Json, was_paused: bool) -> Result<Json, Failure> {
        let wants_running = matches!(self.args.state, State::Started | State::Healthy);
        let Some(pause) = self.args.paused.filter(|p| wants_running && *p != paused(&now)) else { return Ok(now) };
        self.track.differ("paused", pause, was_paused);
        self.track.act(json!({"set_paused": pause}));
        let id = id_of(&now);
        let (verb, doing) = if pause { ("/pause", "pausing") } else { ("/unpause", "unpausing") };
        if let Some(host) = self.hand.change() {
            self.engine
                .act(host, "POST", &named("containers", &id, verb), Send::default())
                .map_err(|e| Failure::new(format!("Error {doing} container {id}: {e}")))?;
        }
        self.again(now)
    }

    fn absent(&mut self) -> Result<(), Failure> {
        let Some(there) = container(&self.engine, self.hand.host(), &self.args.name)? else { return Ok(()) };
        let id = id_of(&there);
        if running(&there) {
            self.track.differ("running", false, true);
            self.stop(&id)?;
        }
        self.track.differ("exists", false, true);
        self.remove(&id, false)
    }

    /// What the engine tells of the container now.
    fn again(&self, before: Json) -> Result<Json, Failure> {
        if self.hand.only_looks() {
            return Ok(before);
        }
        Ok(container(&self.engine, self.hand.host(), &id_of(&before))?.unwrap_or_default())
    }

    /// The image that is asked for, and the one to compare with.
    fn images(&mut self, current: Option<&Json>) -> Result<(Option<Json>, Option<Json>), Failure> {
        let args = self.args;
        let Some(name) = &args.image else {
            return Ok((None, self.image_of(current)?));
        };
        let image = if images::is_id(name) {
            let found = images::find_by_id(&self.engine, self.hand.host(), name)?;
            Some(found.ok_or_else(|| Failure::new(format!("Cannot find image with ID {name}")))?)
        } else {
            self.named_image(name)?
        };
        let current_one = args.image_comparison == "current-image";
        let compare_with = if current_one { self.image_of(current)? } else { image.clone() };
        Ok((image, compare_with))
    }

    fn named_image(&mut self, name: &str) -> Result<Option<Json>, Failure> {
        let (repository, tag) = images::split(name);
        let tag = tag.filter(|t| !t.is_empty()).unwrap_or("latest");
        let pull = self.args.pull();
        let found = images::find(&self.engine, self.hand.host(), repository, tag)?;
        if found.is_none() && pull == "never" {
            return Err(Failure::new(format!("Cannot find image with name {repository}:{tag}, and pull=never")));
        }
        if found.is_some() && pull != "always" {
            return Ok(found);
        }
        let full = format!("{repository}:{tag}");
        match self.hand.change() {
            Some(host) => {
                let (image, changed) = images::pull(&self.engine, host, repository, tag, None)?;
                self.track.act(json!({"pulled_image": full, "changed": changed}));
                self.track.changed = changed;
                Ok(image)
            }
            None => {
                if found.is_none() {
                    self.track.act(json!({"pulled_image": full, "changed": true}));
                } else if self.args.pull_check_mode_behavior == "always" {
                    self.track.act(json!({"pulled_image": full}));
                }
                Ok(found)
            }
        }
    }

    fn image_of(&self, current: Option<&Json>) -> Result<Option<Json>, Failure> {
        let Some(name) = current.filter(|c| !removing(c)).and_then(|c| c["Image"].as_str()) else { return Ok(None) };
        if images::is_id(name) {
            return images::find_by_id(&self.engine, self.hand.host(), name);
        }
        let (repository, tag) = images::split(name);
        images::find(&self.engine, self.hand.host(), repository, tag.unwrap_or("latest"))
    }

    fn image_differs(&mut self, image: Option<&Json>, there: &Json) -> bool {
        let Some(id) = image.map(|i| i["Id"].clone()).filter(|id| !id.is_null()) else { return false };
        if there["Image"].is_null() || id == there["Image"] {
            return false;
        }
        self.track.differ("image", id, there["Image"].clone());
        true
    }

    fn compare(&self, there: &Json, image: Option<&Json>, updatable: bool) -> Result<Differences, Failure> {
        let mut found = Vec::new();
        let ignore_labels = self.args.image_label_mismatch == "ignore";
        for described in DESCRIBED.iter().filter(|d| d.updatable == updatable) {
            let Some(wanted) = self.wanted.expected(described.name, image, ignore_labels) else { continue };
            let actual = actual(described.name, described.place, there);
            let method = self.methods.get(described.name).copied().unwrap_or(Method::Strict);
            if same(&wanted, &actual, method, described.kind) {
                continue;
            }
            if described.name == "labels" {
                self.refuse_labels_of_image(method, image)?;
            }
            // Since its version 26.1 the engine shows what `default` stands for.
            if described.name == "network_mode" && wanted == "default" && actual == "bridge" {
                continue;
            }
            found.push((described.name.to_owned(), shown(&wanted, described.kind), shown(&actual, described.kind)));
        }
        Ok(found)
    }

    fn refuse_labels_of_image(&self, method: Method, image: Option<&Json>) -> Result<(), Failure> {
        if method != Method::Strict || self.args.image_label_mismatch != "fail" {
            return Ok(());
        }
        let wanted = self.wanted.values.get("labels").and_then(Json::as_object);
        let of_image = image.and_then(|i| i["Config"]["Labels"].as_object());
        let extra = of_image
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .filter(|n| !wanted.is_some_and(|w| w.contains_key(*n)));
        let names: Vec<String> = extra.map(|n| format!("\"{n}\"")).collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "Some labels should be removed but are present in the base image. You can set image_label_mismatch to 'ignore' to ignore this error. Labels: {}",
            names.join(", ")
        )))
    }

    /// What only another container can give; limits count where something else differs too.
    fn configuration_differs(&self, there: &Json, image: Option<&Json>) -> Result<Differences, Failure> {
        let mut differences = self.compare(there, image, false)?;
        if !differences.is_empty() {
            differences.extend(self.compare(there, image, true)?);
        }
        Ok(differences)
    }

    fn update_limits(&mut self, now: Json, image: Option<&Json>) -> Result<Json, Failure> {
        let differences = self.compare(&now, image, true)?;
        if differences.is_empty() {
            return Ok(now);
        }
        self.track.differences.extend(differences);
        let update = self.wanted.for_update();
        let id = id_of(&now);
        self.track.act(json!({"updated": id, "update_parameters": update}));
        if let Some(host) = self.hand.change() {
            let send = Send { json: Some(update.into()), ..Send::default() };
            let told = self
                .engine
                .act(host, "POST", &named("containers", &id, "/update"), send)
                .map_err(|e| Failure::new(format!("Error updating container {id}: {e}")))?;
            self.track.warnings.extend(warnings(&told, "Warnings"));
        }
        self.again(now)
    }

    fn update_networks(&mut self, now: Json, created: bool) -> Result<Json, Failure> {
        let method = self.methods["networks"];
        let Some(networks) = self.wanted.networks.clone() else { return Ok(now) };
        let id = id_of(&now);
        let connected = now["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
        let mut touched = false;
        if method != Method::Ignore || created {
            for network in &networks {
                let name = network.get("name").map(python_text).unwrap_or_default();
                let there = connected.get(&name);
                if there.is_some_and(|there| endpoint_fits(network, there)) {
                    continue;
                }
                touched = true;
                let actual = there.map_or(Json::Null, |there| endpoint_shown(&name, there));
                self.track.differ(format!("network.{name}"), network.clone(), actual);
                let target = network.get("id").map(python_text).unwrap_or_default();
                if there.is_some() {
                    self.disconnect(&id, &name, &target)?;
                }
                self.connect(&id, &name, &target, network)?;
            }
        }
        if method == Method::Strict {
            for (name, there) in &connected {
                if networks.iter().any(|n| n.get("name").is_some_and(|n| n == name)) {
                    continue;
                }
                touched = true;
                self.track.differ(
                    format!("network.{name}"),
                    Json::Null,
                    json!({"name": name, "id": there["NetworkID"]}),
                );
                self.disconnect(&id, name, name)?;
            }
        }
        if touched { self.again(now) } else { Ok(now) }
    }

    fn connect(&mut self, id: &str, name: &str, network: &str, wanted: &JsonMap) -> Result<(), Failure> {
        self.track.act(json!({"added_to_network": name, "network_parameters": wanted}));
        let Some(host) = self.hand.change() else { return Ok(()) };
        let body = json!({"Container": id, "EndpointConfig": endpoint(wanted)});
        let send = Send { json: Some(body), ..Send::default() };
        self.engine
            .act(host, "POST", &named("networks", network, "/connect"), send)
            .map(drop)
            .map_err(|e| Failure::new(format!("Error connecting container to network {name} - {e}")))
    }

    fn disconnect(&mut self, id: &str, name: &str, network: &str) -> Result<(), Failure> {
        self.track.act(json!({"removed_from_network": name}));
        let Some(host) = self.hand.change() else { return Ok(()) };
        let send = Send { json: Some(json!({"Container": id})), ..Send::default() };
        self.engine
            .act(host, "POST", &named("networks", network, "/disconnect"), send)
            .map(drop)
            .map_err(|e| Failure::new(format!("Error disconnecting container from network {name} - {e}")))
    }

    fn create(&mut self, image: &str) -> Result<Option<Json>, Failure> {
        let mut body = self.wanted.for_creation(image);
        let mut networks = JsonMap::new();
        let wanted = self.wanted.networks.as_deref().unwrap_or_default();
        let count = if self.engine.at_least("1.44") { wanted.len() } else { 1 };
        if self.args.networks_cli_compatible {
            for network in wanted.iter().take(count) {
                networks.insert(network.get("name").map(python_text).unwrap_or_default(), endpoint(network));
            }
        }
        self.track.act(json!({"created": "Created container", "create_parameters": body, "networks": networks}));
        let Some(host) = self.hand.change() else { return Ok(None) };
        body["NetworkingConfig"] = json!({"EndpointsConfig": networks});
        let query = [("name", self.args.name.as_str())];
        let send = Send { query: &query, json: Some(body), ..Send::default() };
        let told = self
            .engine
            .act(host, "POST", "/containers/create", send)
            .map_err(|e| Failure::new(format!("Error creating container: {e}")))?;
        self.track.warnings.extend(warnings(&told, "Warnings"));
        container(&self.engine, self.hand.host(), told["Id"].as_str().unwrap_or(&self.args.name))
    }

    fn start(&mut self, now: Json) -> Result<Json, Failure> {
        let id = id_of(&now);
        self.track.act(json!({"started": id}));
        let Some(host) = self.hand.change() else { return Ok(now) };
        self.engine
            .act(host, "POST", &named("containers", &id, "/start"), Send::default())
            .map_err(|e| Failure::new(format!("Error starting container {id}: {e}")))?;
        if self.wanted.values.get("detach").is_none_or(|d| d != false) {
            return self.again(now);
        }
        self.wait(now)
    }

    /// Waits for a container that is not detached, and gives its output.
    fn wait(&mut self, now: Json) -> Result<Json, Failure> {
        let id = id_of(&now);
        let Some(host) = self.hand.change() else { return Ok(now) };
        let patience = Some(Duration::from_secs(7 * 24 * 3600));
        let told =
            self.engine.act(host, "POST", &named("containers", &id, "/wait"), Send { patience, ..Send::default() })?;
        let output = if self.wanted.values.get("auto_remove").is_some_and(|a| a == true) {
            "Cannot retrieve result as auto_remove is enabled".to_owned()
        } else {
            self.output(&id)?
        };
        self.status = told["StatusCode"].as_i64();
        if self.args.cleanup {
            self.remove(&id, true)?;
        }
        let mut after = self.again(now)?;
        if after.is_null() {
            after = json!({});
        }
        after["Output"] = output.into();
        Ok(after)
    }

    fn output(&self, id: &str) -> Answer<String> {
        let config = self.engine.get(self.hand.host(), &named("containers", id, "/json"), &[])?;
        let driver = config["HostConfig"]["LogConfig"]["Type"].as_str().unwrap_or_default();
        if !matches!(driver, "json-file" | "journald" | "local") {
            return Ok(format!("Result logged using `{driver}` driver"));
        }
        let query = [("stderr", "1"), ("stdout", "1"), ("timestamps", "0"), ("follow", "0"), ("tail", "all")];
        let bytes = self.engine.bytes(self.hand.host(), &named("containers", id, "/logs"), &query)?;
        let text = if config["Config"]["Tty"] == true { bytes } else { in_order(&bytes) };
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn restart(&mut self, now: Json) -> Result<Json, Failure> {
        let id = id_of(&now);
        let limit = self.stop_timeout();
        self.track.act(json!({"restarted": id, "timeout": limit}));
        if let Some(host) = self.hand.change() {
            let seconds = limit.filter(|s| *s != 0).unwrap_or(10);
            timed(&self.engine, host, &named("containers", &id, "/restart"), Some(seconds), seconds)
                .map_err(|e| Failure::new(format!("Error restarting container {id}: {e}")))?;
        }
        self.again(now)
    }

    fn stop_timeout(&self) -> Option<i64> {
        self.wanted.values.get("stop_timeout").or_else(|| self.args.options.get("stop_timeout")).and_then(Json::as_i64)
    }

    fn stop(&mut self, id: &str) -> Result<(), Failure> {
        if self.args.force_kill {
            self.track.act(json!({"killed": id, "signal": self.args.kill_signal}));
            let Some(host) = self.hand.change() else { return Ok(()) };
            let query: Vec<(&str, &str)> = self.args.kill_signal.iter().map(|s| ("signal", s.as_str())).collect();
            return self
                .engine
                .act(host, "POST", &named("containers", id, "/kill"), Send { query: &query, ..Send::default() })
                .map(drop)
                .map_err(|e| Failure::new(format!("Error killing container {id}: {e}")));
        }
        let limit = self.stop_timeout();
        self.track.act(json!({"stopped": id, "timeout": limit}));
        let limit = limit.filter(|s| *s != 0);
        self.unpausing(id, "stopping", |engine, host| {
            timed(engine, host, &named("containers", id, "/stop"), limit, limit.unwrap_or(10)).map(drop)
        })
    }

    fn remove(&mut self, id: &str, force: bool) -> Result<(), Failure> {
        let volumes = !self.args.keep_volumes;
        self.track.act(json!({"removed": id, "volume_state": volumes, "link": false, "force": force}));
        let word = |yes: bool| if yes { "true" } else { "false" };
        self.unpausing(id, "removing", |engine, host| {
            let query = [("v", word(volumes)), ("link", "false"), ("force", word(force))];
            let path = named("containers", id, "");
            match engine.act(host, "DELETE", &path, Send { query: &query, ..Send::default() }) {
                Err(e) if e.missing() => Ok(()),
                Err(e) if e.explanation.contains("is already in progress") => Ok(()),
                other => other.map(drop),
            }
        })
    }

    /// Engines do not stop or remove what is paused: it is woken, and it is tried again.
    fn unpausing(
        &mut self,
        id: &str,
        doing: &str,
        act: impl Fn(&Engine<'_>, &mut dyn Change) -> Answer<()>,
    ) -> Result<(), Failure> {
        let Some(host) = self.hand.change() else { return Ok(()) };
        let failed = |e: &dyn std::fmt::Display| Failure::new(format!("Error {doing} container {id}: {e}"));
        for _ in 0..3 {
            match act(&self.engine, host) {
                Err(e) if e.explanation.contains("Unpause the container before stopping or killing") => {
                    let path = named("containers", id, "/unpause");
                    self.engine
                        .act(host, "POST", &path, Send::default())
                        .map_err(|e| failed(&format!("{e} [while unpausing]")))?;
                }
                other => return other.map_err(|e| failed(&e)),
            }
        }
        act(&self.engine, host).map_err(|e| failed(&format!("{e} [tried to unpause three times]")))
    }

    fn wait_until_gone(&mut self, id: &str) -> Result<(), Failure> {
        if self.hand.only_looks() {
            return Ok(());
        }
        self.wait_for(id, self.args.removal_wait_timeout, |there| match there {
            None => Ok(true),
            Some(there) if removing(there) => Ok(false),
            Some(there) => Err(there["State"]["Status"].clone()),
        })
        .map(drop)
    }

    fn wait_until_healthy(&mut self, id: &str) -> Result<Json, Failure> {
        let limit = Some(self.args.healthy_wait_timeout).filter(|t| *t > 0.0);
        let last = self.wait_for(id, limit, |there| {
            let Some(there) = there else { return Err(Json::Null) };
            match there["State"]["Health"]["Status"].as_str() {
                None | Some("healthy") => Ok(true),
                Some("starting" | "unhealthy") => Ok(false),
                Some(other) => Err(other.into()),
            }
        })?;
        Ok(last.unwrap_or_default())
    }

    /// Looks again and again, ever more slowly, until the state is the one that is waited for.
    fn wait_for(
        &self,
        id: &str,
        limit: Option<f64>,
        done: impl Fn(Option<&Json>) -> Result<bool, Json>,
    ) -> Result<Option<Json>, Failure> {
        let (mut pause, mut waited) = (1.0_f64, 0.0_f64);
        loop {
            let there = container_by_id(&self.engine, self.hand.host(), id)?;
            match done(there.as_ref()) {
                Ok(true) => return Ok(there),
                Ok(false) => {}
                Err(_) if there.is_none() => {
                    return Err(Failure::new(format!(
                        "Encontered vanished container while waiting for container \"{id}\""
                    )));
                }
                Err(state) => {
                    let state = python_text(&state);
                    let msg = format!("Encontered unexpected state \"{state}\" while waiting for container \"{id}\"");
                    return Err(Failure::new(msg).with("container", there));
                }
            }
            if let Some(limit) = limit {
                if waited >= limit {
                    let limit = python_text(&json!(limit));
                    let msg = format!("Timeout of {limit} seconds exceeded while waiting for container \"{id}\"");
                    return Err(Failure::new(msg).with("container", there));
                }
                pause = pause.min(limit - waited);
            }
            sleep(Duration::from_secs_f64(pause.max(0.001)));
            waited += pause;
            pause = (pause * 1.1).min(10.0);
        }
    }
}

/// What the engine does after a time that it is told, with patience for that time.
fn timed(engine: &Engine<'_>, host: &mut dyn Change, path: &str, limit: Option<i64>, patience: i64) -> Answer<Json> {
    let seconds = limit.map(|s| s.to_string());
    let query: Vec<(&str, &str)> = seconds.iter().map(|s| ("t", s.as_str())).collect();
    let patience = Some(Duration::from_secs(u64::try_from(patience).unwrap_or(10)));
    engine.act(host, "POST", path, Send { query: &query, patience, ..Send::default() })
}

/// A network's part of a container, as the API wants it.
fn endpoint(wanted: &JsonMap) -> Json {
    let mut out = JsonMap::new();
    let given = |key: &str| {
        let empty = |v: &Json| v.is_null() || *v == "" || v.as_array().is_some_and(Vec::is_empty);
        wanted.get(key).filter(|v| !empty(v)).cloned()
    };
    if let Some(links) = given("links").as_ref().and_then(Json::as_array) {
        let mut links: Vec<String> = links.iter().map(link).collect();
        links.sort();
        out.insert("Links".to_owned(), links.into());
    }
    for (key, name) in [("aliases", "Aliases"), ("mac_address", "MacAddress")] {
        out.extend(given(key).map(|value| (name.to_owned(), value)));
    }
    let mut addresses = JsonMap::new();
    for (key, name) in [("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address")] {
        addresses.extend(given(key).map(|value| (name.to_owned(), value)));
    }
    if !addresses.is_empty() {
        out.insert("IPAMConfig".to_owned(), addresses.into());
    }
    out.into()
}

/// `name:alias`
fn link(link: &Json) -> String {
    let link = python_text(link);
    if link.contains(':') { link } else { format!("{link}:{link}") }
}

fn endpoint_fits(wanted: &JsonMap, there: &Json) -> bool {
    let given = |key: &str| wanted.get(key).filter(|v| !v.is_null());
    let address = |value: &Json| {
        let text = value.as_str().unwrap_or_default();
        text.parse::<std::net::IpAddr>().map_or_else(|_| text.to_owned(), |ip| ip.to_string())
    };
    let same_address = |key: &str, name: &str| {
        given(key).filter(|v| **v != "").is_none_or(|w| address(w) == address(&there["IPAMConfig"][name]))
    };
    let all_in = |wanted: Json, there: &Json| same(&wanted, there, Method::AllowMorePresent, Kind::Set);
    let links = given("links").and_then(Json::as_array).map(|l| l.iter().map(link).collect::<Vec<_>>());
    same_address("ipv4_address", "IPv4Address")
        && same_address("ipv6_address", "IPv6Address")
        && given("aliases").is_none_or(|w| all_in(w.clone(), &there["Aliases"]))
        && links.is_none_or(|l| all_in(l.into(), &there["Links"]))
        && given("mac_address").is_none_or(|w| *w == there["MacAddress"])
}

fn endpoint_shown(name: &str, there: &Json) -> Json {
    json!({
        "name": name,
        "ipv4_address": there["IPAMConfig"]["IPv4Address"],
        "ipv6_address": there["IPAMConfig"]["IPv6Address"],
        "aliases": there["Aliases"],
        "links": there["Links"],
        "mac_address": there["MacAddress"],
    })
}

/// Standard output and error as they came, one after the other.
fn in_order(stream: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = stream;
    while rest.len() >= 8 {
        let size = u32::from_be_bytes([rest[4], rest[5], rest[6], rest[7]]) as usize;
        let end = (8 + size).min(rest.len());
        let (out, err) = separated(&rest[..end]);
        all.extend(out);
        all.extend(err);
        rest = &rest[end..];
    }
    all
}

fn id_of(container: &Json) -> String {
    container["Id"].as_str().unwrap_or_default().to_owned()
}
fn running(container: &Json) -> bool {
    container["State"]["Running"] == true && container["State"]["Ghost"] != true
}
fn paused(container: &Json) -> bool {
    container["State"]["Paused"] == true
}
fn removing(container: &Json) -> bool {
    container["State"]["Status"] == "removing"
}
