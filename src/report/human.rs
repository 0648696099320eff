//! The playbook's output as `ansible-playbook` prints it (the `default` callback of ansible-core 2.19).

use super::{Color, Screen, Style, diagnostics, diff, recap, result_text};
use crate::diag::{Code, SourceMap};
use crate::event::{Event, HostStats, Observer, TaskInfo, TaskResult, TaskStatus};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Writes events as people read them.
pub struct Human {
    screen: Screen,
    style: Style,
    sources: SourceMap,
    /// The task whose banner was printed last.
    banner: Option<usize>,
    hosts: usize,
    /// Banners are printed when their task starts; else with its first result.
    lockstep: bool,
    warned: BTreeSet<String>,
    playing: bool,
    /// The run was announced as one that changes nothing.
    dry: bool,
}

impl Human {
    pub fn new(screen: Screen, style: Style, sources: SourceMap) -> Self {
        Human {
            screen,
            style,
            sources,
            banner: None,
            hosts: 0,
            lockstep: true,
            warned: BTreeSet::new(),
            playing: false,
            dry: false,
        }
    }

    fn banner(&mut self, text: &str) {
        let stars = self.style.columns.saturating_sub(text.chars().count()).max(3);
        self.screen.line(&format!("\n{text} {}", "*".repeat(stars)));
    }

    fn task_banner(&mut self, task: &TaskInfo) {
        if self.banner == Some(task.id) {
            return;
        }
        self.banner = Some(task.id);
        let kind = if task.handler { "RUNNING HANDLER" } else { "TASK" };
        let check = if self.style.check_mode_markers && task.check { " [CHECK MODE]" } else { "" };
        self.banner(&format!(
            "{kind} [{}{}",
            task.name,
            if check.is_empty() { "]".to_owned() } else { format!("]{check}") }
        ));
        if self.style.verbosity >= 2
            && let Some(place) = task.span.and_then(|s| self.sources.location(s))
        {
            let text = format!("task path: {}:{}", place.path.display(), place.line);
            self.screen.line(&self.style.paint.paint(Color::Debug, &text));
        }
    }

    fn show(&mut self, color: Color, text: &str) {
        let text = self.style.paint.paint(color, text);
        self.screen.line(&text);
    }

    fn warnings(&mut self, result: &TaskResult) {
        for warning in &result.warnings {
            if self.warned.insert(warning.clone()) {
                let text = self.style.paint.paint(Color::Warning, &format!("[WARNING]: {warning}"));
                self.screen.talk(&text);
            }
        }
        for note in result.deprecations.iter().filter(|_| self.style.deprecations) {
            if self.warned.insert(note.clone()) {
                let text = self.style.paint.paint(Color::Deprecation, &format!("[DEPRECATION WARNING]: {note}"));
                self.screen.talk(&text);
            }
        }
    }

    fn error(&mut self, result: &TaskResult) {
        if !result.causes.is_empty() {
            let text = diagnostics::failure(&result.causes, &self.sources);
            // Once, however many hosts fail in the same way.
            if self.warned.insert(text.clone()) {
                // A blank line sets the excerpt apart from the result.
                self.show(Color::Failed, &format!("{text}\n"));
            }
        }
    }

    /// What changes; a result that counts as unchanged shows none, whatever it holds.
    fn diffs(&mut self, result: &TaskResult) {
        let changed = result.get("changed").is_some_and(crate::value::Value::truthy);
        if let Some(value) = result.get("diff").filter(|_| result.show_diff && changed) {
            let text = diff::render(value, self.style.diff_context, self.style.paint);
            if !text.is_empty() {
                self.screen.line(&text);
            }
        }
    }

    /// Whether results of this kind are left out.
    fn hides(&self, status: TaskStatus) -> bool {
        match status {
            TaskStatus::Ok => !self.style.display_ok_hosts,
            TaskStatus::Skipped => !self.style.display_skipped_hosts,
            _ => false,
        }
    }

    fn item(&mut self, task: &TaskInfo, result: &TaskResult) {
        if self.hides(result.status) {
            return;
        }
        self.task_banner(task);
        self.warnings(result);
        let (host, label) = (host_label(result), result.item.clone().unwrap_or_default());
        match result.status {
            TaskStatus::Ok | TaskStatus::Changed => {
                self.diffs(result);
                let changed = result.status == TaskStatus::Changed;
                let (word, color) = if changed { ("changed", Color::Changed) } else { ("ok", Color::Ok) };
                let arrow = result_text::arrow(task, result, &self.style);
                self.show(color, &format!("{word}: [{host}] => (item={label}){arrow}"));
            }
            TaskStatus::Skipped => {
                if self.style.display_skipped_hosts {
                    let arrow = result_text::arrow(task, result, &self.style);
                    let host = &result.host;
                    self.show(Color::Skipped, &format!("skipping: [{host}] => (item={label}) {arrow}"));
                }
            }
            TaskStatus::Failed | TaskStatus::Unreachable => {
                self.diffs(result);
                self.error(result);
                let dump = result_text::dump(task, result, &self.style);
                self.show(Color::Failed, &format!("failed: [{host}] (item={label}) => {dump}"));
            }
        }
    }

    fn finished(&mut self, task: &Arc<TaskInfo>, result: &TaskResult, looped: bool) {
        self.screen.host_done();
        let host = host_label(result);
        // An include that was made has its banner all the same.
        if self.hides(result.status) && !(is_include(task) && result.status == TaskStatus::Ok) {
            return;
        }
        match result.status {
            TaskStatus::Ok | TaskStatus::Changed => {
                if looped {
                    return;
                }
                self.task_banner(task);
                if is_include(task) {
                    return;
                }
                self.warnings(result);
                self.diffs(result);
                let changed = result.status == TaskStatus::Changed;
                let (word, color) = if changed { ("changed", Color::Changed) } else { ("ok", Color::Ok) };
                let arrow = result_text::arrow(task, result, &self.style);
                self.show(color, &format!("{word}: [{host}]{arrow}"));
            }
            TaskStatus::Skipped => {
                self.task_banner(task);
                let arrow = if looped { String::new() } else { result_text::arrow(task, result, &self.style) };
                self.show(Color::Skipped, &format!("skipping: [{}]{arrow}", result.host));
            }
            TaskStatus::Failed => {
                self.task_banner(task);
                if !looped {
                    self.warnings(result);
                    self.diffs(result);
                    self.error(result);
                    let dump = result_text::dump(task, result, &self.style);
                    self.show(Color::Failed, &format!("fatal: [{host}]: FAILED! => {dump}"));
                }
                if result.ignored {
                    self.show(Color::Skipped, "...ignoring");
                }
            }
            TaskStatus::Unreachable => {
                self.task_banner(task);
                self.error(result);
                let dump = result_text::dump(task, result, &self.style);
                self.show(Color::Unreachable, &format!("fatal: [{host}]: UNREACHABLE! => {dump}"));
                if result.ignored {
                    self.show(Color::Skipped, "...ignoring");
                }
            }
        }
    }
}

fn is_include(task: &TaskInfo) -> bool {
    matches!(task.action.rsplit('.').next(), Some("include_tasks" | "include_role"))
}

/// `host`, or `host -> delegate`.
pub(super) fn host_label(result: &TaskResult) -> String {
    match &result.delegated_to {
        Some(other) => match &result.delegate_address {
            Some(address) => format!("{} -> {other}({address})", result.host),
            None => format!("{} -> {other}", result.host),
        },
        None => result.host.to_string(),
    }
}

impl Observer for Human {
    fn event(&mut self, event: &Event) {
        match event {
            Event::PlaybookStarted { path, plays } => {
                if self.style.verbosity >= 2 {
                    self.banner(&format!("PLAYBOOK: {}", path.file_name().unwrap_or_default().to_string_lossy()));
                    self.show(Color::Verbose, &format!("{plays} plays in {}", path.display()));
                }
            }
            Event::PlayStarted { name, hosts, check, lockstep } => {
                self.hosts = hosts.len();
                self.lockstep = *lockstep;
                self.banner = None;
                self.playing = true;
                let marked = self.style.check_mode_markers && *check;
                if marked && !self.dry {
                    self.dry = true;
                    self.banner("DRY RUN");
                }
                let check = if marked { " [CHECK MODE]" } else { "" };
                let text = if name.is_empty() { format!("PLAY{check}") } else { format!("PLAY [{name}]{check}") };
                self.banner(&text);
            }
            Event::PlayWithoutHosts => self.show(Color::Skipped, "skipping: no hosts matched"),
            Event::NoHostsRemaining => self.banner("NO MORE HOSTS LEFT"),
            Event::TaskStarted(task) => {
                // Where results are left out, a banner comes with the first that is shown.
                if self.lockstep && self.style.display_ok_hosts && self.style.display_skipped_hosts {
                    self.task_banner(task);
                }
                self.screen.task(&task.name, self.hosts);
            }
            Event::ItemFinished { task, result } => self.item(task, result),
            Event::TaskFinished { task, result, looped } => self.finished(task, result, *looped),
            Event::Retry { task, host, left, result } => {
                self.task_banner(task);
                let arrow = if self.style.verbosity > 2 {
                    format!("Result was: {}", result_text::dump(task, result, &self.style))
                } else {
                    String::new()
                };
                let label = result.delegated_to.as_ref().map_or(host.to_string(), |d| format!("{host} -> {d}"));
                let text = format!("FAILED - RETRYING: [{label}]: {} ({left} retries left).{arrow}", task.name);
                self.show(Color::Debug, &text);
            }
            Event::AsyncPoll { host, job, started, finished } => {
                let truth = |b: &bool| if *b { "True" } else { "False" };
                let (started, finished) = (truth(started), truth(finished));
                let text = format!("ASYNC POLL on {host}: jid={job} started={started} finished={finished}");
                self.show(Color::Debug, &text);
            }
            Event::AsyncFinished { host, job, failed } => {
                let word = if *failed { "FAILED" } else { "OK" };
                let job = job.as_deref().unwrap_or("None");
                self.show(Color::Debug, &format!("ASYNC {word} on {host}: jid={job}"));
            }
            Event::Included { file, hosts, item } => {
                let names: Vec<&str> = hosts.iter().map(|h| h.as_str()).collect();
                let label = item.as_ref().map(|i| format!(" => (item={i})")).unwrap_or_default();
                self.show(Color::Included, &format!("included: {file} for {}{label}", names.join(", ")));
            }
            Event::Warning(diagnostic) if diagnostic.code == Code::DEPRECATED && !self.style.deprecations => {}
            Event::Warning(diagnostic) => {
                let text = diagnostics::reference(diagnostic, &self.sources);
                if self.warned.insert(text.clone()) {
                    let text = self.style.paint.paint(Color::Warning, &text);
                    self.screen.talk(&text);
                }
            }
            Event::Meta(text) => {
                if self.style.verbosity >= 2 {
                    self.show(Color::Verbose, &format!("META: {text}"));
                }
            }
            Event::Debug(text) => self.show(Color::Debug, text),
            Event::Inner(text) => self.show(Color::Verbose, text),
            Event::Asked(question) => self.banner(question),
            Event::Debugger(text) | Event::Told(text) => self.screen.line(text),
            Event::RunAborted => self.screen.end(),
            Event::Progress { host, line } => self.screen.live(host, line),
            Event::RunFinished { stats, custom } => {
                self.screen.end();
                if !self.playing {
                    return;
                }
                self.banner("PLAY RECAP");
                // A host on which no task came to an end is left out.
                let mut hosts: Vec<_> = stats.iter().filter(|(_, s)| **s != HostStats::default()).collect();
                hosts.sort_by(|a, b| a.0.cmp(b.0));
                for (host, stats) in hosts {
                    let text = recap::line(host, stats, self.style.paint);
                    self.screen.line(&text);
                }
                self.screen.line("");
                if self.style.show_custom_stats && !custom.is_empty() {
                    self.banner("CUSTOM STATS:");
                    for (host, value) in custom.iter().filter(|(h, _)| *h != "_run") {
                        let text = result_text::text(value, Some(1), &self.style).replace('\n', "");
                        self.screen.line(&format!("\t{host}: {text}"));
                    }
                    if let Some(value) = custom.get("_run") {
                        let text = result_text::text(value, Some(1), &self.style).replace('\n', "");
                        self.screen.line(&format!("\n\tRUN: {text}"));
                    }
                    self.screen.line("");
                }
                if self.dry {
                    self.banner("DRY RUN");
                }
            }
        }
    }
}
