//! The output of ad-hoc commands: `host | CHANGED | rc=0 >>`, or the result as JSON; one line each with `--one-line`.

use super::{Color, Screen, Style, diagnostics, diff, human::host_label, result_text};
use crate::diag::SourceMap;
use crate::event::{Event, Observer, TaskInfo, TaskResult, TaskStatus};
use crate::value::{JsonStyle, Map, Value};

pub struct Minimal {
    screen: Screen,
    style: Style,
    sources: SourceMap,
    one_line: bool,
    /// Takes each host's result as JSON (`--tree`).
    tree: Option<Tree>,
}

/// Takes a host's name and its result.
pub type Tree = Box<dyn FnMut(&str, &str) + Send>;

impl Minimal {
    pub fn new(screen: Screen, style: Style, sources: SourceMap, one_line: bool) -> Self {
        Minimal { screen, style, sources, one_line, tree: None }
    }
    #[must_use]
    pub fn with_tree(mut self, tree: Tree) -> Self {
        self.tree = Some(tree);
        self
    }

    fn result(&mut self, task: &TaskInfo, result: &TaskResult) {
        for warning in &result.warnings {
            let text = self.style.paint.paint(Color::Warning, &format!("[WARNING]: {warning}"));
            self.screen.talk(&text);
        }
        if !result.causes.is_empty() {
            let text = self.style.paint.paint(Color::Failed, &diagnostics::failure(&result.causes, &self.sources));
            self.screen.line(&text);
        }
        if let Some(value) = result.get("diff").filter(|_| result.show_diff) {
            let text = diff::render(value, self.style.diff_context, self.style.paint);
            self.screen.line(&text);
        }
        if let Some(tree) = &mut self.tree {
            let text =
                Value::map((*result.data).clone()).json_text(JsonStyle { sort_keys: true, ..JsonStyle::default() });
            tree(&result.host, &text);
        }
        let (word, color) = match result.status {
            TaskStatus::Ok => ("SUCCESS", Color::Ok),
            TaskStatus::Changed => ("CHANGED", Color::Changed),
            TaskStatus::Skipped => ("SKIPPED", Color::Skipped),
            TaskStatus::Failed if self.one_line || is_command(task) => ("FAILED", Color::Failed),
            TaskStatus::Failed => ("FAILED!", Color::Failed),
            TaskStatus::Unreachable => ("UNREACHABLE!", Color::Unreachable),
        };
        let host = host_label(result);
        if result.status == TaskStatus::Skipped {
            let text = self.style.paint.paint(color, &format!("{host} | SKIPPED"));
            return self.screen.line(&text);
        }
        let failed = matches!(result.status, TaskStatus::Failed | TaskStatus::Unreachable);
        let is_text =
            is_command(task) && result.status != TaskStatus::Unreachable && !result.data.contains_key("ansible_job_id");
        let shown = || if failed { shown(&result.data) } else { result_text::visible(task, result, &self.style) };
        let text = match (is_text, self.one_line) {
            (true, false) => {
                format!("{host} | {word} | rc={} >>\n{}\n", result.data.get("rc").map_or(-1, rc), output(&result.data))
            }
            (true, true) => one_line(&host, word, &result.data),
            (false, true) => {
                let json = Value::map(shown()).json_text(JsonStyle { sort_keys: true, ..JsonStyle::default() });
                format!("{host} | {word} => {}", json.replace('\n', ""))
            }
            (false, false) => {
                let json = result_text::text(&Value::map(shown()), Some(4), &self.style);
                format!("{host} | {word} => {json}")
            }
        };
        let text = self.style.paint.paint(color, &text);
        self.screen.line(&text);
    }
}

fn rc(value: &Value) -> i64 {
    value.as_int().unwrap_or(-1)
}

fn is_command(task: &TaskInfo) -> bool {
    matches!(task.action.rsplit('.').next(), Some("command" | "shell" | "raw" | "script" | "win_command" | "win_shell"))
}

fn text_of<'a>(data: &'a Map, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn output(data: &Map) -> String {
    format!("{}{}{}", text_of(data, "stdout"), text_of(data, "stderr"), text_of(data, "msg"))
}

fn one_line(host: &str, word: &str, data: &Map) -> String {
    let flat = |key| text_of(data, key).replace('\n', "\\n").replace('\r', "\\r");
    let rc = data.get("rc").map_or(-1, rc);
    let stdout = flat("stdout");
    match flat("stderr") {
        stderr if stderr.is_empty() => format!("{host} | {word} | rc={rc} | (stdout) {stdout}"),
        stderr => format!("{host} | {word} | rc={rc} | (stdout) {stdout} (stderr) {stderr}"),
    }
}

fn shown(data: &Map) -> Map {
    data.iter()
        .filter(|(k, _)| {
            k.as_str().is_none_or(|k| {
                !k.starts_with("_ansible_")
                    && !matches!(
                        k,
                        "warnings" | "deprecations" | "exception" | "diff" | "invocation" | "failed" | "skipped"
                    )
            })
        })
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

impl Observer for Minimal {
    fn event(&mut self, event: &Event) {
        match event {
            Event::ItemFinished { task, result } => self.result(task, result),
            Event::TaskFinished { task, result, looped } => {
                self.screen.host_done();
                if !looped {
                    self.result(task, result);
                }
            }
            Event::TaskStarted(task) => self.screen.task(&task.name, 0),
            Event::Warning(diagnostic) => {
                let text = self.style.paint.paint(Color::Warning, &diagnostics::reference(diagnostic, &self.sources));
                self.screen.talk(&text);
            }
            Event::Progress { host, line } => self.screen.live(host, line),
            Event::Debugger(text) => self.screen.line(text),
            Event::RunFinished { .. } | Event::RunAborted => self.screen.end(),
            _ => {}
        }
    }
}
