//! What Compose says on its standard error while it works: a value of JSON a line.

use crate::contract::Json;
use serde_json::json;

const DONE: &[&str] = &[
    "Started",
    "Healthy",
    "Exited",
    "Restarted",
    "Running",
    "Created",
    "Stopped",
    "Killed",
    "Removed",
    "Recreated",
    "Pulled",
    "Built",
];
const WORKING: &[&str] =
    &["Creating", "Starting", "Restarting", "Stopping", "Killing", "Removing", "Recreate", "Pulling", "Building"];
const LAYER_DONE: &[&str] = &["Already exists", "Download complete", "Pull complete"];
const LAYER_WORKING: &[&str] =
    &["Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Extracting", "Working"];

#[derive(Debug, Default)]
struct Event {
    what: &'static str,
    id: Option<String>,
    status: Option<String>,
    msg: Option<String>,
}

#[derive(Debug, Default)]
pub struct Events(Vec<Event>);

impl Events {
    pub fn parse(stderr: &str) -> Self {
        Events(stderr.lines().filter_map(event).collect())
    }

    /// Whether something changed; pulls by `up`, and builds if so asked, do not count alone.
    pub fn changed(&self, ignore_pulls: bool, ignore_builds: bool) -> bool {
        self.0.iter().any(|event| match event.status.as_deref() {
            Some("Pulling") if event.what != "image-layer" => !ignore_pulls,
            Some("Building") => !ignore_builds,
            Some(status) if event.what == "image-layer" => LAYER_WORKING.contains(&status),
            Some(status) => WORKING.contains(&status),
            None => false,
        })
    }

    pub fn actions(&self) -> Vec<Json> {
        let mut actions: Vec<Json> = Vec::new();
        for event in &self.0 {
            let layer = event.what == "image-layer";
            let words = if layer { LAYER_WORKING } else { WORKING };
            if !event.status.as_deref().is_some_and(|s| words.contains(&s)) {
                continue;
            }
            let action = json!({"what": event.what, "id": event.id, "status": event.status});
            if !layer || !actions.contains(&action) {
                actions.push(action);
            }
        }
        actions
    }

    pub fn warnings(&self) -> Vec<String> {
        let warns = |e: &&Event| e.status.as_deref() == Some("Warning") || (e.status.is_none() && e.msg.is_some());
        let none = || "None".to_owned();
        let told = |e: &Event| {
            let (id, msg) = (e.id.clone().unwrap_or_else(none), e.msg.clone().unwrap_or_else(none));
            format!("Docker compose: {} {id}: {msg}", e.what)
        };
        self.0.iter().filter(warns).map(told).collect()
    }

    pub fn errors(&self) -> Vec<String> {
        let told = |event: &Event| {
            let said = event.msg.as_deref().unwrap_or("Error");
            match (event.what, event.id.as_deref()) {
                (_, None) | ("unknown", Some("")) => format!("General error: {said}"),
                ("unknown", Some(id)) => format!("Error when processing {id}: {said}"),
                (what, Some(id)) => format!("Error when processing {what} {id}: {said}"),
            }
        };
        self.0.iter().filter(|e| e.status.as_deref() == Some("Error")).map(told).collect()
    }
}

fn event(line: &str) -> Option<Event> {
    let line = line.trim();
    if let Some(said) = line.strip_prefix("Warning: ") {
        return Some(Event { what: "unknown", status: own("Warning"), msg: own(said), ..Event::default() });
    }
    let json: Json = serde_json::from_str(line).ok().filter(Json::is_object)?;
    let text = |key: &str| json[key].as_str().map(str::to_owned);
    let truth = |key: &str| json[key] == true || json[key].as_str().is_some_and(|t| !t.is_empty());
    if truth("tail") {
        let said = text("text").unwrap_or_default();
        let lower = said.to_lowercase();
        let (status, msg) = match lower.strip_prefix("warning:") {
            Some(_) => ("Warning", said["warning:".len()..].trim_start().to_owned()),
            None => ("Error", said),
        };
        return Some(Event { what: "unknown", status: own(status), msg: Some(msg), id: None });
    }
    if truth("error") {
        return Some(Event { what: "unknown", id: text("id"), status: own("Error"), msg: text("message") });
    }
    let (mut id, mut status, mut said) = (text("id"), text("status"), text("text"));
    let (level, msg) = (text("level"), text("msg"));
    if id.as_deref() == Some(" ")
        && let Some(service) = said.as_deref().and_then(|t| t.strip_prefix("build service "))
    {
        id = Some(format!("Service {service}"));
        said = own("Building");
    }
    let starts = |text: &Option<String>, with: &str| text.as_deref().is_some_and(|t| t.starts_with(with));
    let arrow = id.as_deref().is_some_and(|i| i.ends_with("==>"));
    if arrow && (starts(&said, "==> writing image ") || starts(&said, "naming to ")) {
        return None;
    }
    let is = |text: &Option<String>, words: &[&str]| text.as_deref().is_some_and(|t| words.contains(&t));
    let mut what = "unknown";
    let parent = text("parent_id").and_then(|p| p.strip_prefix("Image ").map(str::to_owned));
    if let Some(image) = parent.filter(|_| is(&status, &["Working", "Done"])) {
        (what, id) = ("image-layer", Some(image));
    } else if let Some((kind, rest)) = id.as_deref().and_then(|i| i.split_once(' ')) {
        what = match kind {
            "Network" => "network",
            "Image" => "image",
            "Volume" => "volume",
            "Container" => "container",
            "Service" => "service",
            _ => "unknown",
        };
        id = own(rest);
    } else if is(&said, &["Pulled", "Pulling"]) {
        what = "image";
        std::mem::swap(&mut status, &mut said);
    } else if is(&said, LAYER_DONE) || is(&said, LAYER_WORKING) {
        what = "image-layer";
        std::mem::swap(&mut status, &mut said);
    } else if status.is_none() && starts(&said, "Skipped - ") {
        status = own("Skipped");
        said = said.map(|t| t["Skipped - ".len()..].to_owned());
    } else if let (Some(level), Some(_)) = (level.as_deref(), &msg) {
        match level {
            "warning" => (status, said) = (own("Warning"), msg),
            "error" => (status, said) = (own("Error"), msg),
            _ => {}
        }
    }
    let known = |text: &Option<String>| {
        is(text, DONE) || is(text, WORKING) || is(text, &["Pulled", "Error", "Waiting", "Warning"])
    };
    if !known(&status) && known(&said) {
        std::mem::swap(&mut status, &mut said);
    }
    Some(Event { what, id, status, msg: said })
}

fn own(text: &str) -> Option<String> {
    Some(text.to_owned())
}
