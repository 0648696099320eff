//! The sole owner of a run's state: goes through plays and batches, applies what workers return, tells what happened.

use super::batch::{Batch, HostRun};
use super::context::RunContext;
use super::cursor::{Cursor, End};
use super::gather;
use super::handlers::Handlers;
use super::outcome::HostOutcome;
use super::play::PlayView;
use super::roster::Roster;
use super::scope::{self, TaskFrame};
use super::step::keywords;
use super::strategy::Strategy;
use super::vars_files;
use crate::actions::Effect;
use crate::diag::{Code, Diagnostic, Span};
use crate::event::{Event, HostStats, Observer, TaskStatus};
use crate::inventory::Order;
use crate::names::HostName;
use crate::plan::reserved;
use crate::plan::{Plan, PlannedBlock, PlannedPlay, PlannedTask};
use crate::playbook::{Settings, Templated};
use crate::template::{Templar, TemplateError};
use crate::value::{Key, Map, Value};
use indexmap::{IndexMap, IndexSet};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Ok,
    /// Some host failed.
    Failed,
    /// Some host was unreachable.
    Unreachable,
    /// Ctrl-C.
    Interrupted,
}

/// Why a play stops before its end.
pub enum Stop {
    /// `meta: end_play`: this play is over, the next one follows.
    Play,
    Interrupted,
    /// The person at the debugger ends the run.
    Quit,
    /// The author's fault, found while running.
    Fault(Box<Diagnostic>),
}

impl From<Diagnostic> for Stop {
    fn from(d: Diagnostic) -> Self {
        Stop::Fault(Box::new(d))
    }
}
impl From<TemplateError> for Stop {
    fn from(e: TemplateError) -> Self {
        Stop::Fault(Box::new(e.into()))
    }
}

/// Writes the hosts of a playbook that are to be tried again to a file; what is to be told of it.
pub type Retry = Box<dyn Fn(&Path, &[HostName]) -> Event + Send + Sync>;

pub struct Run {
    pub(super) ctx: Arc<RunContext>,
    pub(super) roster: Roster,
    observer: Box<dyn Observer>,
    pub(super) stats: IndexMap<HostName, HostStats>,
    custom: IndexMap<String, Value>,
    pub(super) failed: IndexSet<HostName>,
    pub(super) unreachable: IndexSet<HostName>,
    /// What the last batch came to.
    last: Exit,
    retry: Option<Retry>,
    /// Variables whose names were looked at.
    named: HashSet<usize>,
    pub(super) next_task: usize,
    pub(super) start_at: Option<String>,
    pub(super) stepping: bool,
}

impl Run {
    pub fn new(ctx: Arc<RunContext>, roster: Roster, observer: Box<dyn Observer>) -> Self {
        let (start_at, stepping) = (ctx.options.start_at.clone(), ctx.options.step);
        Run {
            ctx,
            roster,
            observer,
            stats: IndexMap::new(),
            custom: IndexMap::new(),
            failed: IndexSet::new(),
            unreachable: IndexSet::new(),
            last: Exit::Ok,
            retry: None,
            named: HashSet::new(),
            next_task: 0,
            start_at,
            stepping,
        }
    }

    #[must_use]
    pub fn with_retry(self, retry: Option<Retry>) -> Self {
        Run { retry, ..self }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.observer.event(&event);
    }
    pub(super) fn warn(&mut self, message: impl Into<String>) {
        self.tell(Event::Warning(Diagnostic::warning(Code::WARNING, message)));
    }
    fn warn_of_names(&mut self, vars: &Map, span: Option<Span>) {
        reserved::warnings(vars, span).for_each(|warning| self.tell(Event::Warning(warning)));
    }

    /// Warns of names in the command line's variables and in those of the inventory for a play's hosts, once each.
    fn warn_of_given_names(&mut self, view: &PlayView, hosts: &[HostName]) {
        let mut given = Vec::new();
        if self.named.is_empty() {
            given.push(self.ctx.vars.extra.clone());
        }
        for layers in hosts.iter().filter_map(|host| view.hostvars.vars.of(host).ok()) {
            given.extend(layers.maps().cloned());
        }
        for vars in given {
            if self.named.insert(Arc::as_ptr(&vars) as usize) {
                self.warn_of_names(&vars, None);
            }
        }
    }
    pub(super) fn stat(&mut self, host: &HostName) -> &mut HostStats {
        self.stats.entry(host.clone()).or_default()
    }

    /// Runs all plays of a plan, playbook by playbook; one that failed is the last.
    ///
    /// # Errors
    /// A fault of the author's that could be found only while running.
    pub async fn run(&mut self, plan: &Plan) -> Result<Exit, Diagnostic> {
        if plan.playbooks.is_empty() {
            return self.playbook(&plan.plays, None).await;
        }
        let mut exit = Exit::Ok;
        let mut rest = &plan.plays[..];
        for (path, plays) in &plan.playbooks {
            let (now, later) = rest.split_at((*plays).min(rest.len()));
            rest = later;
            self.tell(Event::PlaybookStarted { path: path.clone(), plays: *plays });
            exit = self.playbook(now, Some(path)).await?;
            if exit != Exit::Ok {
                break;
            }
        }
        if let Some(wanted) = self.start_at.take() {
            let text =
                format!("No matching task \"{wanted}\" found. Note: --start-at-task can only follow static includes.");
            self.tell(Event::Warning(Diagnostic::error(Code::OPTION_INVALID, text)));
        }
        Ok(exit)
    }

    async fn playbook(&mut self, plays: &[Arc<PlannedPlay>], path: Option<&Path>) -> Result<Exit, Diagnostic> {
        let mut interrupted = false;
        for play in plays {
            match self.play(play).await {
                Ok(true) | Err(Stop::Play) => {}
                Ok(false) => break,
                Err(Stop::Interrupted) => {
                    interrupted = true;
                    break;
                }
                Err(Stop::Quit) => {
                    self.tell(Event::RunAborted);
                    return Ok(Exit::Interrupted);
                }
                Err(Stop::Fault(diagnostic)) => {
                    self.tell(Event::RunAborted);
                    return Err(*diagnostic);
                }
            }
        }
        let again = self.failed_hosts();
        if let (Some(retry), Some(path), false) = (&self.retry, path, again.is_empty()) {
            let told = retry(path, &again);
            self.tell(told);
        }
        let (stats, custom) = (self.stats.clone(), self.custom.clone());
        self.tell(Event::RunFinished { stats, custom });
        Ok(if interrupted { Exit::Interrupted } else { self.last })
    }

    pub fn stats(&self) -> &IndexMap<HostName, HostStats> {
        &self.stats
    }
    /// Hosts to try again: failed and unreachable ones.
    fn failed_hosts(&self) -> Vec<HostName> {
        self.failed.iter().chain(&self.unreachable).cloned().collect::<IndexSet<_>>().into_iter().collect()
    }

    /// Runs one play; false when no further play is to run.
    async fn play(&mut self, play: &Arc<PlannedPlay>) -> Result<bool, Stop> {
        self.roster.stand_at(&play.dir);
        let (hostvars, warnings) = self.roster.hostvars(&self.ctx);
        let mut view = PlayView::new(play, hostvars);
        self.prompt(&mut view).await?;
        view = vars_files::load(&self.ctx, view)?;
        for warning in warnings {
            self.tell(Event::Warning(warning));
        }
        let templar = scope::of_play(&self.ctx, &view)?;
        own_keywords(play, &templar)?;
        let (patterns, order) = self.hosts_of(play, &templar)?;
        let name = match &play.play.common.name {
            Some(name) if !name.node.is_null() => {
                templar.render(&name.node).map(|v| v.to_string()).unwrap_or_else(|_| name.node.to_string())
            }
            _ => patterns.join(","),
        };
        let refs: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let (hosts, warnings) = self.roster.select(&refs, order)?;
        for warning in warnings {
            self.tell(Event::Warning(warning));
        }
        let check = self.ctx.options.check;
        let started = |hosts, lockstep| Event::PlayStarted { name: name.clone(), hosts, check, lockstep };
        if hosts.is_empty() {
            self.tell(started(vec![], true));
            self.tell(Event::PlayWithoutHosts);
            return Ok(true);
        }
        let strategy = match self.strategy_of(play, &templar) {
            Ok(strategy) => strategy,
            Err(stop) => {
                self.tell(started(hosts, true));
                return Err(stop);
            }
        };
        // Whatever the order in which they are worked on, `ansible_play_hosts` has that of the inventory.
        let hosts_all: Arc<[HostName]> = self.roster.select(&refs, Order::Inventory)?.0.into();
        self.warn_of_given_names(&view, &hosts);
        let sizes = serial(&play.play.serial, &templar, hosts.len())?;
        let mut rest = &hosts[..];
        let mut turn = 0;
        while !rest.is_empty() {
            let size = sizes[turn.min(sizes.len() - 1)].min(rest.len());
            turn += 1;
            let (now, later) = rest.split_at(size);
            rest = later;
            let before = self.failed.len() + self.unreachable.len();
            self.tell(started(now.to_vec(), strategy.lockstep()));
            let mut view = PlayView {
                name: name.as_str().into(),
                hosts_all: hosts_all.clone(),
                hosts: hosts_all.iter().filter(|h| !self.is_out(h)).cloned().collect::<Vec<_>>().into(),
                batch: now.to_vec().into(),
                ..view.clone()
            };
            view.refresh();
            tracing::info!(play = %name, hosts = now.len(), "batch starts");
            let broken = self.batch(view, now, strategy).await?;
            let newly = (self.failed.len() + self.unreachable.len()).saturating_sub(before);
            if broken || newly == now.len() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_out(&self, host: &HostName) -> bool {
        self.failed.contains(host) || self.unreachable.contains(host)
    }

    fn hosts_of(&self, play: &PlannedPlay, templar: &Templar) -> Result<(Vec<String>, Order), Stop> {
        let hosts = match &play.play.hosts {
            Some(hosts) => templar.render(&hosts.node).map_err(|e| e.or_at(Some(hosts.span)))?,
            None => Value::Null,
        };
        let patterns: Vec<String> = match &hosts {
            Value::List(items) => items.iter().map(Value::to_string).collect(),
            Value::Null | Value::Omit => vec![],
            one => vec![one.to_string()],
        };
        let order = match &play.play.order {
            None => Order::Inventory,
            Some(order) => match templar.render(&order.node)? {
                Value::Omit => Order::Inventory,
                text => Order::parse(&text.to_string())
                    .map_err(|e| Diagnostic::error(Code::CONFIG_INVALID, e).at(order.span, ""))?,
            },
        };
        Ok((patterns, order))
    }

    /// Asks for `vars_prompt`.
    async fn prompt(&mut self, view: &mut PlayView) -> Result<(), Stop> {
        let play = view.play.clone();
        if play.play.vars_prompt.is_empty() {
            return Ok(());
        }
        let templar = scope::of_play(&self.ctx, view)?;
        let mut answers = Map::new();
        for prompt in &play.play.vars_prompt {
            if self.ctx.vars.extra.contains_key(&prompt.name) {
                continue;
            }
            let options = match templar.render(&Value::Map(prompt.options.clone()))? {
                Value::Map(map) => map,
                _ => Arc::default(),
            };
            let answer = super::prompt::ask(&*self.ctx.ask, &prompt.name, &options, &templar)
                .await
                .map_err(|e| Diagnostic::error(Code::OPTION_INVALID, e).at(prompt.span, "asked for here"))?;
            if answer.unasked {
                self.warn("Not prompting as we are not in interactive mode");
            }
            answers.insert(&*prompt.name, answer.value);
        }
        Arc::make_mut(&mut view.vars).prompts = Arc::new(answers);
        Ok(())
    }

    /// Runs a play on one batch of hosts; true when the rest of the run is off (max_fail_percentage).
    async fn batch(&mut self, view: PlayView, hosts: &[HostName], strategy: Strategy) -> Result<bool, Stop> {
        let play = view.play.clone();
        let templar = scope::of_play(&self.ctx, &view)?;
        let force = flag(&play.play.force_handlers, &templar)?.unwrap_or(self.ctx.options.force_handlers);
        let blocks = self.select(&play.blocks(force), &templar)?;
        let gather = match gather::wanted(&self.ctx, &play, &templar)? {
            gather::Wanted::No => None,
            wanted => self.select(std::slice::from_ref(&play.gather), &templar)?.pop().map(|block| (block, wanted)),
        };
        let mut runs = IndexMap::new();
        for host in hosts {
            let mut ranked: Vec<(u32, Arc<PlannedBlock>)> = Vec::new();
            if let Some((block, wanted)) = &gather
                && gather::due(&self.ctx, *wanted, host)
            {
                ranked.push((0, block.clone()));
            }
            ranked.extend(blocks.iter().enumerate().map(|(i, b)| (i as u32 + 1, b.clone())));
            let mut run = HostRun::new(Cursor::new(ranked));
            if self.unreachable.contains(host) {
                run.unreachable = true;
                run.cursor.stop(End::Stopped);
            } else if self.failed.contains(host) {
                run.cursor.stop(End::Failed);
            }
            runs.insert(host.clone(), run);
        }
        let view = Arc::new(view);
        let mut handlers = Handlers::default();
        handlers.add(&play.handlers);
        let carried = self.failed.clone();
        let debugging = strategy == Strategy::Debug || self.ctx.settings.bool("ENABLE_TASK_DEBUGGER");
        let mut batch = Batch { view, hosts: runs, handlers, failed: IndexSet::new(), ended_play: false, debugging };
        let broken = self.run_strategy(strategy, &play, &mut batch).await;
        // Failures that an `always` part followed come to their end in it.
        self.failed.extend(batch.hosts.iter().filter(|(_, h)| h.cursor.has_failed()).map(|(name, _)| name.clone()));
        let broken = broken?;
        // Hosts that failed before count where they are no part of this batch; those that are marked as failed, but went on
        // in a rescue part, count from the next play on.
        let failed = batch.hosts.values().any(|h| h.cursor.has_failed())
            || carried.iter().any(|h| !batch.hosts.contains_key(h) && self.failed.contains(h));
        self.last = match () {
            () if broken => Exit::Failed,
            () if !self.unreachable.is_empty() => Exit::Unreachable,
            () if failed => Exit::Failed,
            () => Exit::Ok,
        };
        if batch.ended_play {
            return Err(Stop::Play);
        }
        Ok(broken)
    }

    /// Tasks chosen by tags.
    pub(super) fn select(
        &self,
        blocks: &[Arc<PlannedBlock>],
        templar: &Templar,
    ) -> Result<Vec<Arc<PlannedBlock>>, Stop> {
        let filter = self.ctx.options.tag_filter();
        let render = |value: &Value| templar.render(value).map_err(while_running);
        Ok(filter.select(blocks, &render)?)
    }

    /// Takes in what a worker returned. True when the host goes on after an include that is still to be made.
    pub(super) fn apply(&mut self, batch: &mut Batch, mut outcome: HostOutcome, run_once: bool) -> Result<bool, Stop> {
        let host = outcome.host.clone();
        let task = outcome.task.clone();
        let everyone: Vec<HostName> = if run_once {
            batch.hosts.iter().filter(|(_, h)| !h.unreachable).map(|(n, _)| n.clone()).collect()
        } else {
            vec![host.clone()]
        };
        let status = outcome.result.status;
        let succeeded = matches!(status, TaskStatus::Ok | TaskStatus::Changed);
        if succeeded {
            self.effects(batch, &mut outcome, &everyone)?;
        }
        let result = &outcome.result;
        if let Some(name) = &task.task.register {
            if reserved::is_reserved(&name.node) {
                let warning = reserved::warning(&name.node);
                self.tell(Event::Warning(warning.at(name.span, "")));
            }
            for each in &everyone {
                self.ctx.book.set(each, &name.node, Value::Map(outcome.registered.clone()));
            }
        }
        let including = succeeded && outcome.items.iter().any(|i| i.include.is_some());
        let changed = result.get("changed").is_some_and(Value::truthy);
        let rescuing = status == TaskStatus::Failed
            && !result.ignored
            && batch.hosts.get(&host).is_some_and(|h| h.cursor.would_rescue());
        if rescuing {
            self.stat(&host).rescued += 1;
            let mut vars = Map::new();
            vars.insert("ansible_failed_result", Value::Map(outcome.registered.clone()));
            vars.insert("ansible_failed_task", failed_task(&outcome));
            self.ctx.book.set_all(&host, &vars);
        } else if !(including || succeeded && is_include(&task)) {
            self.stat(&host).count(outcome.result.status, outcome.result.ignored, changed);
        }
        let (failed, unreachable) = match outcome.result.status {
            TaskStatus::Failed => (!outcome.result.ignored, false),
            TaskStatus::Unreachable => (false, !outcome.result.ignored),
            _ => (false, false),
        };
        let status = outcome.result.status;
        tracing::info!(host = %host, task = %outcome.info.name, ?status, "task ended");
        let event = Event::TaskFinished { task: outcome.info.clone(), result: outcome.result, looped: outcome.looped };
        self.tell(event);
        if !matches!(status, TaskStatus::Skipped | TaskStatus::Unreachable)
            && let Some(run) = batch.host(&host)
        {
            run.ran_role(task.role());
        }
        if unreachable {
            self.unreachable.insert(host.clone());
            if let Some(run) = batch.host(&host) {
                run.unreachable = true;
                run.cursor.stop(End::Stopped);
            }
        } else if failed {
            for each in &everyone {
                self.fail_host(batch, each);
            }
        } else if !including && let Some(run) = batch.host(&host) {
            run.cursor.advance();
        }
        if failed || unreachable {
            batch.refresh_view();
        }
        Ok(including)
    }

    /// The host's present task failed.
    pub(super) fn fail_host(&mut self, batch: &mut Batch, host: &HostName) {
        let Some(run) = batch.host(host) else { return };
        let to_come = run.cursor.handlers_to_come();
        run.cursor.fail();
        if !run.cursor.in_handlers() {
            run.left.extend(to_come);
        }
        if run.cursor.end() == Some(End::Failed) {
            self.failed.insert(host.clone());
            batch.failed.insert(host.clone());
        }
    }

    fn effects(&mut self, batch: &mut Batch, outcome: &mut HostOutcome, everyone: &[HostName]) -> Result<(), Stop> {
        let mut inventory_changed = None;
        // What each item of a loop did to the inventory, where it may do so.
        let mut by_item = vec![None; outcome.items.len()];
        let book = self.ctx.book.clone();
        let span = outcome.task.task.span;
        for (item, item_changed) in outcome.items.iter().zip(&mut by_item) {
            let hosts: &[HostName] = item.facts_host.as_ref().map_or(everyone, std::slice::from_ref);
            for effect in &item.effects {
                match effect {
                    Effect::SetFact { facts, cacheable } => {
                        self.warn_of_names(facts, Some(span));
                        for host in hosts {
                            if *cacheable || item.facts_host.is_some() {
                                book.add_facts(host, facts);
                            }
                            book.set_all(host, facts);
                        }
                    }
                    Effect::HostVars(vars) => {
                        self.warn_of_names(vars, Some(span));
                        let merging = self.ctx.vars.merge;
                        hosts.iter().for_each(|host| book.update(host, |state| state.include(vars, merging)));
                    }
                    Effect::Facts(facts) => hosts.iter().for_each(|host| book.add_facts(host, facts)),
                    Effect::AddHost { name, groups, vars } => {
                        let changed = self.roster.add_host(name, groups, vars);
                        let changed = changed.map_err(|e| Diagnostic::error(Code::INVENTORY_INVALID, e))?;
                        *item_changed.get_or_insert(false) |= changed;
                    }
                    Effect::GroupBy { group, parents } => {
                        for host in everyone {
                            let changed = self.roster.group_by(host, group, parents);
                            let changed = changed.map_err(|e| Diagnostic::error(Code::INVENTORY_INVALID, e))?;
                            *item_changed.get_or_insert(false) |= changed;
                        }
                    }
                    Effect::Stats { data, per_host, aggregate } => {
                        self.gather_stats(data, *per_host, *aggregate, everyone)
                    }
                }
            }
            if let Some(changed) = *item_changed {
                *inventory_changed.get_or_insert(false) |= changed;
            }
        }
        if let Some(changed) = inventory_changed {
            if changed {
                self.renew_hosts(batch);
            }
            if outcome.task.task.changed_when.is_empty() {
                let registered = Arc::make_mut(&mut outcome.registered);
                registered.insert("changed", changed);
                if outcome.looped {
                    mark_items(registered, &by_item);
                }
                Arc::make_mut(&mut outcome.result.data).insert("changed", changed);
                outcome.result.status = if changed { TaskStatus::Changed } else { TaskStatus::Ok };
            }
        }
        if outcome.result.get("changed").is_some_and(Value::truthy) {
            for item in &outcome.items {
                self.notify(batch, &outcome.host, &item.notify)?;
            }
        }
        Ok(())
    }

    /// The inventory has changed: workers get the new one from now on.
    pub(super) fn renew_hosts(&mut self, batch: &mut Batch) {
        let (hostvars, warnings) = self.roster.hostvars(&self.ctx);
        for warning in warnings {
            self.tell(Event::Warning(warning));
        }
        batch.view = Arc::new(PlayView { hostvars, ..(*batch.view).clone() });
    }

    /// Ranks of the handlers that a notification means.
    pub(super) fn handlers_of(&mut self, batch: &mut Batch, notification: &str) -> Vec<u32> {
        let (ctx, view) = (&self.ctx, &batch.view);
        let templar = |task: &PlannedTask| scope::templar(ctx, view, None, &TaskFrame::of(task)).ok();
        let mut warnings = Vec::new();
        let ranks = batch.handlers.find(notification, templar, &mut warnings);
        warnings.into_iter().for_each(|warning| self.warn(warning));
        ranks
    }

    fn notify(&mut self, batch: &mut Batch, host: &HostName, names: &[String]) -> Result<(), Stop> {
        for name in names {
            let ranks = self.handlers_of(batch, name);
            if ranks.is_empty() {
                let message = format!(
                    "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
                );
                if self.ctx.options.error_on_missing_handler {
                    return Err(Diagnostic::error(Code::HANDLER_NOT_FOUND, message).into());
                }
                self.warn(message);
                continue;
            }
            let tasks = batch.handlers.tasks(ranks);
            let Some(run) = batch.hosts.get_mut(host) else { continue };
            let in_flush =
                run.cursor.in_handlers() && tasks.iter().all(|(rank, task)| run.cursor.add_handler(*rank, task));
            if !in_flush {
                run.notified.insert(name.clone());
            }
        }
        Ok(())
    }

    fn gather_stats(&mut self, data: &Map, per_host: bool, aggregate: bool, hosts: &[HostName]) {
        let keys: Vec<String> =
            if per_host { hosts.iter().map(|h| h.to_string()).collect() } else { vec!["_run".to_owned()] };
        for key in keys {
            let mut all = match self.custom.get(&key) {
                Some(Value::Map(map)) => (**map).clone(),
                _ => Map::new(),
            };
            for (name, new) in data {
                let merged = match (all.get_key(name), new) {
                    (Some(old), new) if aggregate => aggregate_stat(old, new),
                    _ => Some(new.clone()),
                };
                if let Some(value) = merged {
                    all.insert(name.clone(), value);
                }
            }
            self.custom.insert(key, Value::map(all));
        }
    }
}

/// Adds figures, joins lists and texts, merges dictionaries; `None` where the types differ.
fn aggregate_stat(old: &Value, new: &Value) -> Option<Value> {
    Some(match (old, new) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.saturating_add(*b)),
        (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
        (Value::Str(a), Value::Str(b)) => Value::foreign(format!("{a}{b}")),
        (Value::List(a), Value::List(b)) => Value::list([a.as_slice(), b.as_slice()].concat()),
        (Value::Map(a), Value::Map(b)) => {
            Value::map(crate::value::merge(a, b, crate::value::MergeMode { recursive: true, ..Default::default() }))
        }
        _ => return None,
    })
}

fn is_include(task: &crate::plan::PlannedTask) -> bool {
    matches!(task.action, crate::plan::Action::IncludeTasks | crate::plan::Action::IncludeRole)
}

/// What `ansible_failed_task` tells.
fn failed_task(outcome: &HostOutcome) -> Map {
    let mut map = Map::new();
    map.insert("name", outcome.task.written_name().map(Value::to_string).unwrap_or_default());
    map.insert("action", outcome.info.action.as_str());
    let args: Map = outcome.task.task.args.map.iter().map(|(k, v)| (Key::clone(k), v.clone().distrust())).collect();
    map.insert("args", args);
    map
}

/// A template that no host answers for ends the run.
pub(super) fn while_running(error: impl Into<Diagnostic>) -> Diagnostic {
    Diagnostic { code: Code::RUN_INVALID, ..error.into() }
}

/// Whether a play's own keywords can be rendered and are what they have to be.
fn own_keywords(play: &PlannedPlay, templar: &Templar) -> Result<(), TemplateError> {
    let play = &play.play;
    let all = [
        ("force_handlers", &play.force_handlers),
        ("gather_facts", &play.gather_facts),
        ("max_fail_percentage", &play.max_fail_percentage),
        ("order", &play.order),
        ("serial", &play.serial),
        ("strategy", &play.strategy),
    ];
    all.into_iter().try_for_each(|(name, written)| keywords::own(name, written.as_ref(), templar).map(drop))
}

/// A boolean keyword of a play.
pub(super) fn flag(value: &Option<Templated>, templar: &Templar) -> Result<Option<bool>, TemplateError> {
    match value {
        None => Ok(None),
        Some(v) => {
            let rendered = templar.render(&v.node).map_err(|e| e.or_at(Some(v.span)))?;
            Ok(if rendered.is_null() || rendered.is_omit() {
                None
            } else {
                Some(rendered.as_spelled_bool().unwrap_or_else(|| rendered.truthy()))
            })
        }
    }
}

/// Sizes of the batches; the last one is used for all that follow.
fn serial(value: &Option<Templated>, templar: &Templar, hosts: usize) -> Result<Vec<usize>, Stop> {
    let Some(written) = value else { return Ok(vec![hosts]) };
    let rendered = templar.render(&written.node).map_err(|e| e.or_at(Some(written.span)))?;
    let items: Vec<Value> = match rendered {
        Value::List(items) => items.to_vec(),
        Value::Null | Value::Omit => vec![],
        one => vec![one],
    };
    let mut sizes = Vec::new();
    for item in &items {
        let text = item.to_string();
        let size = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().ok().map(|p| ((p / 100.0 * hosts as f64) as usize).max(1)),
            None => text.trim().parse::<i64>().ok().map(|n| if n <= 0 { hosts } else { n as usize }),
        };
        let size = size.ok_or_else(|| {
            Diagnostic::error(Code::KEYWORD_TYPE, format!("serial must be a number or a percentage, not '{text}'"))
                .at(written.span, "")
        })?;
        sizes.push(size);
    }
    if sizes.is_empty() {
        sizes.push(hosts);
    }
    Ok(sizes)
}

/// A number of a play's keyword (`max_fail_percentage`).
pub(super) fn percentage(value: &Option<Templated>, templar: &Templar) -> Result<Option<f64>, TemplateError> {
    match value {
        None => Ok(None),
        Some(v) => {
            let rendered = templar.render(&v.node).map_err(|e| e.or_at(Some(v.span)))?;
            Ok(rendered.to_string().trim().trim_end_matches('%').parse().ok())
        }
    }
}

/// A task's boolean keyword, rendered for the first host that runs it; the hosts tell of a template that fails.
pub(super) fn task_flag(settings: &Settings, keyword: &str, templar: &Templar) -> bool {
    keywords::flag(settings, keyword, templar).ok().flatten().unwrap_or(false)
}

/// Sets `changed` of a loop's items.
fn mark_items(registered: &mut Map, changed: &[Option<bool>]) {
    let Some(Value::List(items)) = registered.get("results") else { return };
    let marked = items.iter().zip(changed).map(|(item, changed)| match (item, changed) {
        (Value::Map(map), Some(changed)) => {
            let mut map = (**map).clone();
            map.insert("changed", *changed);
            Value::map(map)
        }
        _ => item.clone(),
    });
    let marked: Vec<Value> = marked.collect();
    registered.insert("results", marked);
}
