//! One task on one host, from its variables to its result. Reads shared state, changes none; what is to change is returned.

use super::ahead::{Lane, Queued};
use super::condition;
use super::context::RunContext;
use super::debugger::Edits;
use super::outcome::{HostOutcome, IncludeRequest, ItemOutcome};
use super::play::PlayView;
use super::row::{Arrival, Row};
use super::scope::{self, TaskFrame};
use super::step::background::{Background, Reach};
use super::step::{args, delegate, failure, judge, keywords, loop_};
use crate::actions::{self, ActionCall, ActionResult};
use crate::diag::Diagnostic;
use crate::event::{Cause, Event, TaskInfo, TaskResult, TaskStatus};
use crate::names::HostName;
use crate::plan::{Action, ActionKind, PlannedTask, Resolved, RoleRequest, takes_free_form};
use crate::remote::Target;
use crate::template::{ErrorKind, Templar, TemplateError};
use crate::value::{Key, Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Sends events to the dispatcher while the task runs.
pub type Emit = UnboundedSender<Event>;

/// What a worker needs; cheap to clone.
#[derive(Clone)]
pub struct Work {
    pub ctx: Arc<RunContext>,
    pub view: Arc<PlayView>,
    pub host: HostName,
    pub task: Arc<PlannedTask>,
    pub frame: Arc<TaskFrame>,
    pub info: Arc<TaskInfo>,
    pub emit: Emit,
    /// Changes that were made in the debugger.
    pub edits: Edits,
    /// Its place in a queue, where it has one.
    pub lane: Option<Arc<Lane>>,
}

/// Variables that hold the connection password.
const PASSWORDS: [&str; 2] = ["ansible_password", "ansible_ssh_pass"];

/// What a result without a message says that a condition of the task made a failure.
const UNKNOWN_ERROR: (&str, &str) = ("Task failed: Action failed: ", "Unknown error.");

/// Where a result carries the address of the host that it was delegated to, on its way from the action.
const ADDRESS: &str = "_ansible_delegate_address";

/// One item's run.
pub(super) struct ItemRun {
    pub(super) result: ActionResult,
    no_log: bool,
    keywords: Option<keywords::Keywords>,
    include: Option<IncludeRequest>,
}

impl Work {
    pub async fn run(self) -> HostOutcome {
        let templar = match scope::templar(&self.ctx, &self.view, Some(&self.host), &self.frame) {
            Ok(templar) if self.edits.vars.is_empty() => templar,
            Ok(templar) => templar.with(self.edits.vars.clone()),
            Err(diagnostic) => return self.without_variables(&diagnostic),
        };
        let templar = match self.lane.as_ref().and_then(|lane| lane.guard()) {
            None => templar,
            Some(guard) => {
                guard.begin(templar.variables().clone());
                templar.over(guard.clone())
            }
        };
        let items = match loop_::items(&self.task.task.looping, &templar) {
            Ok(None) => return self.once(&templar, None).await,
            Ok(Some(items)) => items,
            // A condition may still skip the task.
            Err(error) if error.kind == ErrorKind::Undefined => return self.once(&templar, Some(error)).await,
            Err(error) => {
                self.turn(false).await;
                return self.broken(failure::of_loop(&error));
            }
        };
        self.looped(&templar, &items).await
    }

    /// Whether the task started before its turn, and cannot be done before it.
    pub(super) fn held(&self) -> bool {
        self.lane.as_ref().is_some_and(|lane| lane.held())
    }

    /// Waits for the task's turn. `well`: what needs no host went well, so that others may start behind it.
    async fn turn(&self, well: bool) {
        if let Some(lane) = &self.lane {
            if well {
                lane.sent();
            }
            lane.turn().await;
        }
    }

    /// The host's variable files cannot be read.
    fn without_variables(&self, diagnostic: &Diagnostic) -> HostOutcome {
        self.broken(connection_failure(diagnostic))
    }

    /// Failed before any item ran, or between them.
    fn broken(&self, result: ActionResult) -> HostOutcome {
        let run = ItemRun { result, no_log: false, keywords: None, include: None };
        let (item, result, registered) = self.finish(run, None);
        self.outcome(result, registered, vec![item])
    }

    fn outcome(&self, result: TaskResult, registered: Arc<Map>, items: Vec<ItemOutcome>) -> HostOutcome {
        HostOutcome {
            host: self.host.clone(),
            task: self.task.clone(),
            info: self.info.clone(),
            result,
            registered,
            looped: false,
            items,
        }
    }

    async fn once(&self, templar: &Templar, loop_error: Option<TemplateError>) -> HostOutcome {
        let run = self.item(templar, loop_error, self.lane.as_ref()).await;
        self.turn(!run.result.is("failed")).await;
        let (item, result, registered) = self.finish(run, None);
        self.outcome(result, registered, vec![item])
    }

    async fn looped(&self, templar: &Templar, items: &[Value]) -> HostOutcome {
        let control = match loop_::control(&self.task.task.loop_control, templar) {
            Ok(control) => control,
            Err(error) => {
                self.turn(false).await;
                return self.broken(failure::of_loop(&error));
            }
        };
        let mut outcomes = Vec::with_capacity(items.len());
        let mut results: Vec<Value> = Vec::with_capacity(items.len());
        let mut summary = Summary::default();
        let mut row = Row::new(self, templar, items, &control);
        while let Some(Arrival { index, loop_vars, templar, mut run }) = row.next().await {
            for (key, value) in &loop_vars {
                run.result.data.insert(key.clone(), value.clone());
            }
            if let Some(name) = &self.task.task.register {
                row.carried.insert(&*name.node, Value::map(run.result.data.clone()));
            }
            let label = self.label(&templar.with(row.carried.clone()), &items[index], &mut run);
            for effect in &run.result.effects {
                if let actions::Effect::SetFact { facts, .. } | actions::Effect::HostVars(facts) = effect {
                    row.carried.extend(facts.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
            }
            let (item, result, registered) = self.finish(run, Some(label));
            summary.add(&result);
            let included = item.include.is_some();
            let done_in_silence = included || matches!(self.task.action, Action::Meta(_));
            if !done_in_silence {
                drop(self.emit.send(Event::ItemFinished { task: self.info.clone(), result }));
            }
            if let Some(name) = &self.task.task.register {
                row.carried.insert(&*name.node, Value::Map(registered.clone()));
            }
            results.push(Value::Map(registered));
            outcomes.push(item);
            if !self.task.task.loop_control.break_when.is_empty() {
                let after = templar.with(row.carried.clone());
                match condition::all_hold(&self.task.task.loop_control.break_when, &after) {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) => {}
                    Err(error) => return self.broken(failure::of_loop(&error)),
                }
            }
        }
        self.turn(row.well()).await;
        let (result, registered) = summary.result(&self.host, results);
        HostOutcome {
            host: self.host.clone(),
            task: self.task.clone(),
            info: self.info.clone(),
            result,
            registered,
            looped: true,
            items: outcomes,
        }
    }

    /// The item's label; a label that cannot be rendered fails the item.
    fn label(&self, templar: &Templar, item: &Value, run: &mut ItemRun) -> String {
        if run.no_log {
            return "(censored due to no_log)".to_owned();
        }
        match &self.task.task.loop_control.label {
            None => item.to_string(),
            Some(label) => match templar.render(&label.node) {
                Ok(value) => value.to_string(),
                Err(e) => {
                    run.result.data.insert("failed", true);
                    run.result.data.insert("msg", format!("Failed to template loop_control.label: {}", e.message));
                    item.to_string()
                }
            },
        }
    }

    pub(super) async fn item(
        &self,
        templar: &Templar,
        loop_error: Option<TemplateError>,
        lane: Option<&Arc<Lane>>,
    ) -> ItemRun {
        let no_log = keywords::no_log(&self.task.keywords, templar, &self.ctx).unwrap_or(true);
        let quiet = |result| ItemRun { result, no_log, keywords: None, include: None };
        let known = self.connection_facts(templar);
        let templar = known.as_ref().unwrap_or(templar);
        let delegated = match keywords::delegate(&self.task.keywords, templar) {
            Ok(name) => name,
            Err(e) => return quiet(failure::template(&e, &[])),
        };
        match condition::all_hold(&self.task.keywords.when, templar) {
            Ok(Ok(())) => {}
            Ok(Err(condition)) => {
                let mut run = quiet(
                    ActionResult::default()
                        .with("changed", false)
                        .with("skipped", true)
                        .with("skip_reason", "Conditional result was False")
                        .with("false_condition", condition.clone()),
                );
                run.keywords = keywords::render(&self.task, templar, &self.ctx).ok();
                return run;
            }
            Err(e) => {
                let e = loop_error.unwrap_or(e);
                return quiet(failure::template(&e, &[]));
            }
        }
        if let Some(e) = loop_error {
            return quiet(failure::template(&e, &[]));
        }
        let keywords = match keywords::render(&self.task, templar, &self.ctx) {
            Ok(keywords) => keywords,
            Err(e) => return quiet(failure::template(&e, &[])),
        };
        let (result, include) = match &self.task.action {
            Action::IncludeTasks | Action::IncludeRole => self.include(templar),
            Action::Meta(meta) => (ActionResult::failed(format!("meta: {} in a loop", meta.name())), None),
            Action::Run(resolved) => (self.act(resolved, templar, &keywords, delegated, lane).await, None),
            Action::Template(name) => match self.late_action(name, templar) {
                Ok(resolved) => (self.act(&resolved, templar, &keywords, delegated, lane).await, None),
                Err(result) => (result, None),
            },
        };
        ItemRun { result, no_log, keywords: Some(keywords), include }
    }

    /// The variables with what is known of the connection: the password of the command line, where the host has none of its
    /// own, and its address.
    fn connection_facts(&self, templar: &Templar) -> Option<Templar> {
        let unknown = |name: &str| matches!(templar.variable(name), Ok(None));
        let mut vars = Map::new();
        if let Some(password) = self.ctx.connection.password.as_ref()
            && PASSWORDS.iter().all(|name| unknown(name))
        {
            // What was typed is never a template.
            vars.extend(PASSWORDS.iter().map(|name| (Key::from(*name), Value::foreign(password.expose()))));
        }
        if unknown("ansible_host") {
            vars.insert("ansible_host", self.host.as_str());
        }
        (!vars.is_empty()).then(|| templar.with(vars))
    }

    fn late_action(&self, name: &crate::playbook::Templated, templar: &Templar) -> Result<Resolved, ActionResult> {
        let rendered = templar.render(&name.node).map_err(|e| failure::template(&e.or_at(Some(name.span)), &[]))?;
        let text = rendered.to_string();
        let found = crate::plan::resolve::resolve(&*self.ctx.catalogue, &text, &self.task.keywords.collections);
        found.ok_or_else(|| {
            failure::failed(vec![Cause {
                message: format!("Cannot resolve {} to an action or module.", crate::value::repr_str(&text)),
                span: Some(name.span),
            }])
        })
    }

    /// Renders the arguments, finds the target, runs the action until it is done, judges its result.
    async fn act(
        &self,
        resolved: &Resolved,
        templar: &Templar,
        keywords: &keywords::Keywords,
        delegated: Option<HostName>,
        lane: Option<&Arc<Lane>>,
    ) -> ActionResult {
        if self.task.task.args.raw_params().is_some_and(|raw| raw.truthy() && !raw.needs_render())
            && !takes_free_form(resolved)
        {
            let message = format!("Action '{}' does not support raw params.", resolved.name);
            return failure::failed(vec![Cause { message, span: Some(self.task.task.action.span) }]);
        }
        let args = match args::render(&self.task, &resolved.name, templar, &self.ctx.planner, self.edits.args.as_ref())
        {
            Ok(args) => args,
            Err(result) => return result,
        };
        let background = match Background::of(&self.task, templar, &self.ctx) {
            Ok(background) => background,
            Err(e) => return failure::template(&e, &[]),
        };
        let (mut environment, warnings) = match args::environment(&self.task, &resolved.name, templar) {
            Ok(environment) => environment,
            Err(e) => return failure::template(&e, &[]),
        };
        let address = delegated.as_ref().and_then(|to| self.address_of(to));
        let own = (delegated.is_some() && actions::works_between_hosts(resolved))
            .then(|| self.target(resolved, templar, None))
            .transpose();
        let (target, own) = match (self.target(resolved, templar, delegated), own) {
            (Ok(target), Ok(own)) => (target, own),
            (Err(diagnostic), _) | (_, Err(diagnostic)) => return connection_failure(&diagnostic),
        };
        let defaults =
            |action: &str| args::defaults(&self.task, action, templar, &self.ctx.planner).unwrap_or_default();
        let collections = &self.task.keywords.collections;
        let resolve = |name: &str| crate::plan::resolve::resolve(&*self.ctx.catalogue, name, collections);
        let facts_modules = self.ctx.settings.list("FACTS_MODULES");
        let tries = match judge::tries(&self.task, templar) {
            Ok(tries) => tries,
            Err(e) => return failure::template(&e, &[]),
        };
        let host = self.host.clone();
        let emit = self.emit.clone();
        let progress: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(move |line: &str| {
            drop(emit.send(Event::Progress { host: host.clone(), line: line.to_owned() }));
        });
        if let Some(background) = &background {
            environment.insert("ANSIBLE_ASYNC_DIR".to_owned(), background.dir.clone());
        }
        let queued = lane.map(|lane| Queued { hosts: &*self.ctx.hosts, lane });
        let hosts = queued.as_ref().map_or(&*self.ctx.hosts, |queued| queued as &dyn actions::Hosts);
        for attempt in 1..=tries.count {
            let job = background.as_ref().map(Background::job);
            let call = ActionCall {
                host: &self.host,
                task: &self.task,
                args: args.clone(),
                templar,
                target: &target,
                own: own.as_ref(),
                hosts,
                files: &*self.ctx.files,
                managed: self.ctx.settings.text("DEFAULT_MANAGED_STR"),
                loader: &self.ctx.planner.loader,
                merge_hashes: self.ctx.vars.merge,
                ask: &*self.ctx.ask,
                check: keywords.check,
                diff: keywords.diff,
                verbosity: self.ctx.options.verbosity,
                environment: environment.clone(),
                kind: &resolved.kind,
                job: job.as_ref(),
                async_dir: self.ctx.settings.text("sh.async_dir"),
                facts_modules: &facts_modules,
                resolve: &resolve,
                defaults: &defaults,
                search: &self.task.frame.search_path,
                playbook_dir: &self.view.play.dir,
                progress: (!keywords.no_log).then(|| progress.clone()),
                live: self.ctx.options.live.filter(|_| !keywords.no_log),
            };
            let run = actions::run(resolved, call);
            let mut result = match keywords.timeout {
                None => run.await,
                Some(limit) => tokio::time::timeout(limit, run).await.unwrap_or_else(|_| timed_out(limit)),
            };
            if let Some(background) = &background {
                let reach = Reach { hosts: &*self.ctx.hosts, target: &target, environment: &environment };
                let tell = |event| drop(self.emit.send(event));
                result = background.attend(result, &self.host, &reach, &tell).await;
            }
            if let Some(address) = address.as_ref().filter(|_| !result.is("unreachable")) {
                result.data.insert(ADDRESS, address.clone());
            }
            if let Some(lane) = lane {
                // What is judged by other variables is judged when they are known.
                lane.turn().await;
            }
            self.foresee(&mut result);
            let last = judge::judge(&mut result, &self.task, templar, attempt, &tries);
            if last {
                result.warnings.extend(warnings);
                return result;
            }
            self.tell_retry(&result, keywords, attempt, &tries);
            tokio::time::sleep(tries.delay).await;
        }
        ActionResult::failed("no attempt was made")
    }

    /// Whether the inventory is about to change: conditions of the task want to know.
    fn foresee(&self, result: &mut ActionResult) {
        if self.task.task.changed_when.is_empty() && self.task.task.failed_when.is_empty() {
            return;
        }
        let inventory = self.view.hostvars.vars.inventory();
        for effect in &result.effects {
            let changes = match effect {
                actions::Effect::AddHost { name, groups, vars } => inventory.would_add_host(name, groups, vars),
                actions::Effect::GroupBy { group, parents } => inventory.would_group(&self.host, group, parents),
                _ => continue,
            };
            result.data.insert("changed", changes);
        }
    }

    fn tell_retry(&self, result: &ActionResult, keywords: &keywords::Keywords, attempt: i64, tries: &judge::Tries) {
        let (result, no_log) = (result.clone(), keywords.no_log);
        let run = ItemRun { result, no_log, keywords: Some(keywords.clone()), include: None };
        let (_, shown, _) = self.finish(run, None);
        drop(self.emit.send(Event::Retry {
            task: self.info.clone(),
            host: self.host.clone(),
            left: tries.count - attempt,
            result: shown,
        }));
    }

    fn target(
        &self,
        resolved: &Resolved,
        templar: &Templar,
        delegated: Option<HostName>,
    ) -> Result<Target, Diagnostic> {
        if !actions::touches_host(resolved) {
            return Ok(Target::local(&self.host));
        }
        let implicit = |host: &HostName| {
            self.view.hostvars.vars.inventory().known_host(host).is_none()
                && crate::inventory::LOCALHOST.contains(&host.as_str())
        };
        match delegated {
            None => delegate::target(&self.host, &self.task, templar, templar, &self.ctx, implicit(&self.host)),
            Some(other) => {
                let theirs = scope::templar(&self.ctx, &self.view, Some(&other), &self.frame)?;
                delegate::target(&other, &self.task, &theirs, templar, &self.ctx, implicit(&other))
            }
        }
    }

    /// `ansible_host` of the host that a task is delegated to.
    fn address_of(&self, delegate: &HostName) -> Option<Value> {
        let theirs = scope::templar(&self.ctx, &self.view, Some(delegate), &self.frame).ok()?;
        theirs.variable("ansible_host").ok().flatten()
    }

    fn include(&self, templar: &Templar) -> (ActionResult, Option<IncludeRequest>) {
        let name = match self.task.action {
            Action::IncludeRole => "ansible.builtin.include_role",
            _ => "ansible.builtin.include_tasks",
        };
        let args = match args::render(&self.task, name, templar, &self.ctx.planner, self.edits.args.as_ref()) {
            Ok(args) => args,
            Err(result) => return (result, None),
        };
        // The iteration's variables travel with the included tasks.
        let vars = Arc::new(self.iteration(templar));
        let label = if self.task.task.looping.is_once() { None } else { self.iteration_label(templar) };
        let text = |name: &str| args.get(name).filter(|v| !v.is_null()).map(Value::to_string);
        let flag = |name: &str| args.get(name).and_then(Value::as_spelled_bool);
        if matches!(self.task.action, Action::IncludeTasks) {
            return match text("_raw_params").or_else(|| text("file")) {
                None => (ActionResult::failed("No include file was specified to the include"), None),
                Some(file) => {
                    let result = ActionResult::ok().with("include", file.as_str());
                    (result, Some(IncludeRequest::Tasks { file, vars, label }))
                }
            };
        }
        let Some(role) = text("name").or_else(|| text("role")) else {
            return (ActionResult::failed("'name' is a required field for include_role."), None);
        };
        let request = RoleRequest {
            tasks_from: text("tasks_from"),
            vars_from: text("vars_from"),
            defaults_from: text("defaults_from"),
            handlers_from: text("handlers_from"),
            public: flag("public"),
            allow_duplicates: flag("allow_duplicates").unwrap_or(true),
            rolespec_validate: flag("rolespec_validate").unwrap_or(true),
            vars,
            ..RoleRequest::new(role.as_str())
        };
        (ActionResult::ok().with("include", role), Some(IncludeRequest::Role { request: Box::new(request), label }))
    }

    fn iteration(&self, templar: &Templar) -> Map {
        if self.task.task.looping.is_once() {
            return Map::new();
        }
        let mut vars = Map::new();
        let mut take = |name: &str| {
            if let Ok(Some(value)) = templar.variable(name) {
                vars.insert(name, value);
            }
        };
        take("ansible_loop_var");
        take("ansible_index_var");
        take("ansible_loop");
        for name in ["ansible_loop_var", "ansible_index_var"] {
            if let Ok(Some(value)) = templar.variable(name) {
                take(&value.to_string());
            }
        }
        vars
    }

    fn iteration_label(&self, templar: &Templar) -> Option<String> {
        if let Some(label) = &self.task.task.loop_control.label {
            return templar.render(&label.node).ok().map(|v| v.to_string());
        }
        let name = templar.variable("ansible_loop_var").ok()??;
        templar.variable(&name.to_string()).ok()?.map(|v| v.to_string())
    }

    /// The item's result for people, for `register`, and what it asks of the dispatcher.
    fn finish(&self, run: ItemRun, label: Option<String>) -> (ItemOutcome, TaskResult, Arc<Map>) {
        let ItemRun { mut result, no_log, keywords, include } = run;
        let invocation = result.data.remove("invocation");
        let address = result.data.remove(ADDRESS).map(|address| address.to_string());
        let status = judge::status(&result);
        let failed = status == TaskStatus::Failed;
        let no_log = no_log || result.secret;
        if result.is("failed") {
            if !result.data.contains_key("changed") {
                result.data.insert("changed", false);
            }
            if !result.data.contains_key("exception") {
                result.data.insert("exception", judge::NO_TRACEBACK);
            }
        }
        if failed && result.condemned && !result.data.contains_key("msg") {
            result.data.insert("msg", format!("{}{}", UNKNOWN_ERROR.0, UNKNOWN_ERROR.1));
        }
        for (key, list) in [("warnings", &result.warnings), ("deprecations", &result.deprecations)] {
            if !list.is_empty() {
                result.data.insert(key, list.iter().map(|t| Value::from(t.as_str())).collect::<Vec<_>>());
            }
        }
        let registered = Arc::new(result.data);
        let data = match invocation {
            _ if no_log => Arc::new(judge::censored(&registered)),
            None => registered.clone(),
            Some(invocation) => {
                let mut shown = (*registered).clone();
                shown.insert("invocation", invocation);
                Arc::new(shown)
            }
        };
        let mut causes = Vec::new();
        if status.is_failure() {
            causes.push(Cause { message: "Task failed".to_owned(), span: Some(self.task.span()) });
            if no_log {
                causes.clear();
            } else if result.causes.is_empty() {
                let msg = registered.get("msg").map(Value::to_string).unwrap_or_default();
                let kind = match &self.task.action {
                    // What a condition of the task makes a failure is none of the module's.
                    Action::Run(Resolved { kind: ActionKind::Native(_), .. }) if !result.condemned => "Module failed",
                    _ => "Action failed",
                };
                let message = match status {
                    TaskStatus::Unreachable => msg,
                    _ if msg.is_empty() => format!("{kind}."),
                    _ => format!("{kind}: {}", msg.strip_prefix(UNKNOWN_ERROR.0).unwrap_or(&msg)),
                };
                causes.push(Cause { message, span: None });
            } else {
                causes.extend(result.causes);
            }
        }
        let keywords_ref = keywords.as_ref();
        let ignored = match status {
            TaskStatus::Failed => keywords_ref.is_some_and(|k| k.ignore_errors) || self.ignores_errors(keywords_ref),
            TaskStatus::Unreachable => keywords_ref.is_some_and(|k| k.ignore_unreachable),
            _ => false,
        };
        let delegated_to = keywords_ref.and_then(|k| k.delegate_to.clone()).filter(|d| *d != self.host);
        let delegate_address = address.filter(|a| delegated_to.as_ref().is_some_and(|d| d.as_str() != a));
        let facts_host = keywords_ref.filter(|k| k.delegate_facts).and_then(|k| k.delegate_to.clone());
        let show_diff = keywords_ref.is_some_and(|k| k.diff) && !no_log;
        let shown = TaskResult {
            host: self.host.clone(),
            delegated_to,
            delegate_address,
            status,
            ignored,
            data,
            verbose: result.verbose && !no_log,
            item: label,
            causes,
            warnings: if no_log { vec![] } else { result.warnings },
            deprecations: result.deprecations,
            show_diff,
        };
        let item = ItemOutcome {
            changed: registered.get("changed").is_some_and(Value::truthy),
            failed,
            skipped: status == TaskStatus::Skipped,
            effects: result.effects,
            notify: keywords.map(|k| k.notify).unwrap_or_default(),
            include,
            facts_host,
        };
        (item, shown, registered)
    }

    /// `ignore_errors` of a task that failed before its keywords were rendered.
    fn ignores_errors(&self, rendered: Option<&keywords::Keywords>) -> bool {
        if rendered.is_some() {
            return false;
        }
        let settings = &self.task.keywords.settings;
        let Ok(templar) = scope::templar(&self.ctx, &self.view, Some(&self.host), &self.frame) else { return false };
        match keywords::flag(settings, "ignore_errors", &templar) {
            Ok(flag) => flag.unwrap_or(false),
            Err(_) => settings.ignore_errors.as_ref().is_some_and(|s| s.value.truthy()),
        }
    }
}

fn connection_failure(diagnostic: &Diagnostic) -> ActionResult {
    failure::failed(vec![Cause { message: diagnostic.message.clone(), span: diagnostic.span() }])
}

/// The task's own `timeout` was up.
fn timed_out(limit: Duration) -> ActionResult {
    let seconds = limit.as_secs();
    let message = format!("Timed out after {seconds} second(s).");
    let mut timedout = Map::new();
    timedout.insert("frame", "Configure `DISPLAY_TRACEBACK` to see a traceback on timeout errors.");
    timedout.insert("period", seconds as i64);
    failure::failed(vec![Cause { message, span: None }]).with("timedout", timedout).with("changed", false)
}

/// The result of a whole loop.
#[derive(Default)]
struct Summary {
    changed: bool,
    failed: bool,
    unreachable: bool,
    any_done: bool,
    ignored: bool,
    no_log: bool,
    warnings: Vec<String>,
}

impl Summary {
    fn add(&mut self, item: &TaskResult) {
        self.changed |= item.get("changed").is_some_and(Value::truthy);
        self.any_done |= item.status != TaskStatus::Skipped;
        self.no_log |= item.data.contains_key("censored");
        match item.status {
            TaskStatus::Failed => {
                self.ignored = item.ignored && (self.ignored || !self.failed);
                self.failed = true;
            }
            TaskStatus::Unreachable => {
                self.ignored = item.ignored && (self.ignored || !self.unreachable);
                self.unreachable = true;
            }
            _ => {}
        }
        self.warnings.extend(item.warnings.iter().cloned());
    }

    fn result(self, host: &HostName, results: Vec<Value>) -> (TaskResult, Arc<Map>) {
        let mut data = Map::new();
        let empty = results.is_empty();
        let status = match () {
            () if self.unreachable => TaskStatus::Unreachable,
            () if self.failed => TaskStatus::Failed,
            () if empty || !self.any_done => TaskStatus::Skipped,
            () if self.changed => TaskStatus::Changed,
            () => TaskStatus::Ok,
        };
        data.insert("changed", self.changed);
        if empty {
            data.insert("skipped", true);
            data.insert("skipped_reason", "No items in the list");
        } else {
            data.insert("skipped", !self.any_done);
            let msg = match status {
                TaskStatus::Failed => "One or more items failed",
                TaskStatus::Skipped => "All items skipped",
                _ => "All items completed",
            };
            if self.failed {
                data.insert("failed", true);
            }
            if self.unreachable {
                data.insert("unreachable", true);
            }
            data.insert("msg", msg);
        }
        data.insert("results", results);
        let registered = Arc::new(data);
        let data = if self.no_log { Arc::new(judge::censored(&registered)) } else { registered.clone() };
        let result = TaskResult {
            host: host.clone(),
            delegated_to: None,
            delegate_address: None,
            status,
            ignored: status.is_failure() && self.ignored,
            data,
            verbose: false,
            item: None,
            causes: vec![],
            warnings: vec![],
            deprecations: vec![],
            show_diff: false,
        };
        (result, registered)
    }
}
