//! The language, as cases: a playbook and scripted hosts → the events of the run, which `language/record.py` took from
//! ansible-core 2.19.
//!
//! A file of `language/` is a YAML list of cases: `name`, `hosts` (an INI inventory; `h1` if
//! left out), `options`, `environment`, `files` (path → text), `play` (the playbook), `covers` (keywords that it shows, as
//! `level.keyword`), `differs` (why its events are not the reference's) and `events`.

#![allow(clippy::unwrap_used)]

#[path = "support/scene.rs"]
mod scene;

use scene::Scene;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tightbeam::event::{Event, HostStats, Observer, TaskInfo, TaskResult, TaskStatus};
use tightbeam::playbook::KEYWORDS;
use tightbeam::value::Value;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    hosts: Option<String>,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    environment: indexmap::IndexMap<String, String>,
    #[serde(default)]
    files: indexmap::IndexMap<String, String>,
    play: String,
    #[serde(default)]
    events: String,
    /// Why the events are not the reference's.
    #[allow(dead_code)]
    #[serde(default)]
    differs: Option<String>,
    /// What the case shows: `level.keyword`.
    #[serde(default)]
    covers: Vec<String>,
}

/// Writes events as lines; those of one task are sorted, as hosts answer in any order.
#[derive(Default)]
struct Lines {
    done: String,
    group: Vec<String>,
}

impl Lines {
    fn head(&mut self, line: &str) {
        self.group.sort_by_key(|line| line.split(':').next().map(|h| h.rsplit(' ').next().map(str::to_owned)));
        for line in self.group.drain(..) {
            let _ = writeln!(self.done, "  {line}");
        }
        if !line.is_empty() {
            let _ = writeln!(self.done, "{}", line.trim_end());
        }
    }
    fn result(&mut self, task: &TaskInfo, result: &TaskResult, looped: bool) {
        let status = match result.status {
            TaskStatus::Ok => "ok",
            TaskStatus::Changed => "changed",
            TaskStatus::Skipped => "skipped",
            TaskStatus::Failed if result.ignored && result.item.is_none() => "ignored",
            TaskStatus::Failed => "failed",
            TaskStatus::Unreachable => "unreachable",
        };
        let mut line = format!("{status} {}:", result.host);
        if let Some(to) = &result.delegated_to {
            let _ = write!(line, " -> {to}");
        }
        if let Some(item) = &result.item {
            let _ = write!(line, " [{item}]");
        }
        if !looped {
            let _ = write!(line, " {}", detail(task, result));
        }
        self.group.push(line.trim_end().to_owned());
    }
}

/// What a result says: the output of a command, the message of a failure, what `debug` shows.
fn detail(task: &TaskInfo, result: &TaskResult) -> String {
    let text = |key: &str| result.get(key).filter(|v| v.truthy()).map(|v| v.to_json().to_string());
    if result.status == TaskStatus::Unreachable {
        return String::new();
    }
    if task.action.rsplit('.').next() == Some("debug") && result.status == TaskStatus::Ok {
        let hidden = ["changed", "failed", "skip_reason", "false_condition", "warnings", "deprecations"];
        let shown = result.data.iter().filter_map(|(k, v)| Some((k.as_str()?, v)));
        let shown = shown.filter(|(k, _)| !hidden.contains(k) && !k.starts_with('_'));
        let map = serde_json::Value::Object(shown.map(|(k, v)| (k.to_owned(), v.to_json())).collect());
        return map.to_string();
    }
    match result.status {
        TaskStatus::Failed => text("msg").unwrap_or_default(),
        _ => text("stdout").unwrap_or_default(),
    }
}

struct Recorder(Arc<Mutex<Lines>>);

impl Observer for Recorder {
    fn event(&mut self, event: &Event) {
        let mut lines = self.0.lock().unwrap();
        match event {
            Event::PlayStarted { name, .. } => lines.head(&format!("PLAY {name}")),
            Event::PlayWithoutHosts => lines.head("NO HOSTS"),
            Event::NoHostsRemaining => lines.head("NO HOSTS LEFT"),
            Event::TaskStarted(task) => {
                let kind = if task.handler { "HANDLER" } else { "TASK" };
                lines.head(&format!("{kind} {}", task.name));
            }
            Event::ItemFinished { task, result } => lines.result(task, result, false),
            Event::TaskFinished { task, result, looped } => lines.result(task, result, *looped),
            Event::Retry { host, .. } => lines.group.push(format!("retry {host}:")),
            Event::Included { file, hosts, .. } => {
                let file = Path::new(file).file_name().unwrap_or_default().to_string_lossy().into_owned();
                let hosts: Vec<&str> = hosts.iter().map(|h| &**h).collect();
                lines.group.push(format!("included {}: {file}", hosts.join(",")));
            }
            Event::AsyncPoll { .. } | Event::AsyncFinished { .. } => {}
            Event::Warning(_)
            | Event::Progress { .. }
            | Event::Meta(_)
            | Event::Debug(_)
            | Event::Inner(_)
            | Event::Debugger(_)
            | Event::Asked(_)
            | Event::Told(_) => {}
            Event::PlaybookStarted { .. } | Event::RunAborted => {}
            Event::RunFinished { stats, custom } => {
                lines.head("RECAP");
                // As recaps have it: a host on which no task came to an end is left out.
                let mut all: Vec<_> = stats.iter().filter(|(_, s)| **s != HostStats::default()).collect();
                all.sort_by_key(|(host, _)| host.to_string());
                for (host, s) in all {
                    let line = format!(
                        "{host}: ok={} changed={} unreachable={} failed={} skipped={} rescued={} ignored={}",
                        s.ok, s.changed, s.unreachable, s.failed, s.skipped, s.rescued, s.ignored
                    );
                    lines.group.push(line);
                }
                lines.head("");
                if !custom.is_empty() {
                    let custom: serde_json::Map<_, _> =
                        custom.iter().map(|(k, v): (&String, &Value)| (k.clone(), v.to_json())).collect();
                    lines.head(&format!("STATS {}", serde_json::Value::Object(custom)));
                }
            }
        }
    }
}

fn run(case: &Case) -> String {
    let lines = Arc::new(Mutex::new(Lines::default()));
    let pairs = |map| indexmap::IndexMap::iter(map).map(|(k, v): (&String, &String)| (k.as_str(), v.as_str()));
    let scene = Scene {
        hosts: case.hosts.as_deref(),
        play: &case.play,
        files: pairs(&case.files).collect(),
        environment: [("ANSIBLE_TRANSPORT", "local")].into_iter().chain(pairs(&case.environment)).collect(),
        options: case.options.iter().map(String::as_str).collect(),
    };
    let ran = scene.run(Box::new(Recorder(lines.clone())));
    let mut lines = lines.lock().unwrap();
    lines.head("");
    let exit = match &ran.ended {
        Ok(code) => *code,
        Err(error) => {
            if let Some(recap) = lines.done.find("RECAP\n") {
                lines.done.truncate(recap);
            }
            let first = error.texts().find(|t| t.starts_with("[ERROR]: ")).unwrap_or_default();
            let first = first.lines().next().unwrap_or_default().replace("[ERROR]: ", "ERROR ");
            lines.head(&first);
            error.exit()
        }
    };
    lines.head(&format!("EXIT {exit}"));
    ran.plain(&lines.done)
}

fn cases() -> Vec<(PathBuf, Vec<Case>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "yml"));
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let cases = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path, cases)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn events_are_those_of_the_reference() {
    let only = std::env::var("CASE").ok();
    let files = cases();
    let chosen = |case: &&Case| only.as_ref().is_none_or(|only| case.name.contains(only));
    let all: Vec<(&PathBuf, &Case)> =
        files.iter().flat_map(|(path, cases)| cases.iter().filter(chosen).map(move |case| (path, case))).collect();
    let (count, next, wrong) = (all.len(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((path, case)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let got = run(case);
            if got.trim() != case.events.trim() {
                let file = path.file_name().unwrap().to_string_lossy();
                let expected = case.events.trim();
                let text = format!("== {file}: {}\n-- expected\n{expected}\n-- got\n{got}", case.name);
                wrong.lock().unwrap().push(text);
            }
        }
    };
    // Most of the time some case waits.
    std::thread::scope(|scope| (0..16).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(count > 0, "no case was run");
    assert!(wrong.is_empty(), "{} of {count} cases differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_keyword_has_a_case_on_every_level() {
    let covered: BTreeSet<String> = cases().into_iter().flat_map(|(_, cases)| cases).flat_map(|c| c.covers).collect();
    let known: BTreeSet<String> = KEYWORDS
        .iter()
        .flat_map(|k| k.levels.iter().map(|level| format!("{}.{}", level.title().replace(' ', "_"), k.name)))
        .collect();
    let missing: Vec<&String> = known.difference(&covered).collect();
    let unknown: Vec<&String> = covered.difference(&known).collect();
    assert!(unknown.is_empty(), "covered but no keyword: {unknown:?}");
    assert!(missing.is_empty(), "{} without a case: {missing:?}", missing.len());
}
