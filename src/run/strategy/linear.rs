//! `linear`: all hosts do a task before any does the next.

use super::round::{Channel, Message, With, throttle};
use super::train::Train;
use crate::event::{Event, TaskStatus};
use crate::names::HostName;
use crate::plan::{Action, Meta, PlannedPlay, PlannedTask};
use crate::playbook::Settings;
use crate::run::batch::Batch;
use crate::run::cursor::{Cursor, End};
use crate::run::debugger::{Edits, Next};
use crate::run::dispatcher::{Run, Stop, percentage, task_flag, while_running};
use crate::run::include::Asked;
use crate::run::scope::{self, TaskFrame};
use crate::run::step::keywords;
use crate::template::Templar;
use std::collections::HashMap;
use std::sync::Arc;

/// What a round came to.
#[derive(Default)]
struct Round {
    failed: Vec<HostName>,
    /// Some host failed or was unreachable.
    trouble: bool,
    results: usize,
}

impl Run {
    pub(super) async fn linear(&mut self, play: &PlannedPlay, batch: &mut Batch) -> Result<bool, Stop> {
        let templar = scope::of_play(&self.ctx, &batch.view)?;
        let max_fail = percentage(&play.play.max_fail_percentage, &templar)?;
        let mut channel = Channel::new();
        let mut train = Train::default();
        while let Some((task, hosts)) = batch.lowest() {
            if self.ctx.interrupt.is_set() {
                return Err(Stop::Interrupted);
            }
            if self.not_started_yet(&task, batch, &hosts) {
                continue;
            }
            if let Action::Meta(meta) = task.action {
                self.meta(batch, meta, &task, &hosts).await?;
                if ends_play(meta) && batch.ended_play {
                    return Ok(false);
                }
                continue;
            }
            let first = &hosts[0];
            let frame = Arc::new(TaskFrame::of(&task));
            let of_first = scope::templar(&self.ctx, &batch.view, Some(first), &frame)?;
            let settings = &task.keywords.settings;
            let run_once = run_once(settings, &of_first)? || crate::actions::runs_once(&task.action);
            let fatal = (task_flag(settings, "any_errors_fatal", &of_first) || run_once)
                && !task_flag(settings, "ignore_errors", &of_first);
            let info = self.info(&task, &of_first);
            if self.stepping && !self.step_into(&info.name).await {
                hosts.iter().for_each(|h| batch.host(h).into_iter().for_each(|r| r.cursor.advance()));
                continue;
            }
            self.tell(Event::TaskStarted(info.clone()));
            let before: Vec<(HostName, Cursor)> = match fatal {
                true => hosts.iter().filter_map(|h| Some((h.clone(), batch.hosts.get(h)?.cursor.clone()))).collect(),
                false => vec![],
            };
            let working = if run_once { &hosts[..1] } else { &hosts[..] };
            let round =
                self.round(batch, (&task, &frame), &info, working, run_once, (&mut channel, &mut train)).await?;
            if run_once {
                // The others are past the task too, unless its failure took them elsewhere.
                for host in &hosts[1..] {
                    if let Some(run) = batch.host(host)
                        && run.cursor.task().is_some_and(|t| t.id == task.id)
                    {
                        run.cursor.advance();
                    }
                }
            }
            if fatal && round.trouble {
                // A task that runs once failed for all already; this is a second failure for the others.
                let failed_for_all = run_once && !round.failed.is_empty();
                for (host, cursor) in before.into_iter().filter(|_| !failed_for_all) {
                    // They fail where they were when the task began.
                    if !round.failed.contains(&host)
                        && let Some(run) = batch.host(&host).filter(|r| r.cursor.end() != Some(End::Stopped))
                    {
                        run.cursor = cursor;
                    }
                }
                for host in batch.active() {
                    if !round.failed.contains(&host) {
                        self.failed.insert(host.clone());
                        batch.failed.insert(host.clone());
                        self.fail_host(batch, &host);
                    }
                }
            }
            if let Some(limit) = max_fail.filter(|_| round.results > 0) {
                let share = 100.0 * batch.failed.len() as f64 / batch.hosts.len() as f64;
                if share > limit {
                    for host in batch.active() {
                        self.failed.insert(host.clone());
                        batch.failed.insert(host.clone());
                        self.fail_host(batch, &host);
                    }
                    // Told twice: that the share is exceeded, and that nobody is left.
                    self.tell(Event::NoHostsRemaining);
                    self.tell(Event::NoHostsRemaining);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn round(
        &mut self,
        batch: &mut Batch,
        (task, frame): (&Arc<PlannedTask>, &Arc<TaskFrame>),
        info: &Arc<crate::event::TaskInfo>,
        hosts: &[HostName],
        run_once: bool,
        (channel, train): (&mut Channel, &mut Train),
    ) -> Result<Round, Stop> {
        let limit = throttle(&self.ctx, batch, &hosts[0], task)?;
        if batch.hosts.len() == 1 {
            self.depart(batch, train, &hosts[0], (task, frame), info, limit.clone(), &channel.send)?;
        } else {
            for host in hosts {
                let with = With { throttle: limit.clone(), ..With::default() };
                self.start(batch, host, (task, frame), info, &channel.send, with);
            }
        }
        let mut round = Round::default();
        let mut asked = Asked::default();
        let mut waiting = hosts.len();
        let mut edits: HashMap<HostName, Edits> = HashMap::new();
        while waiting > 0 {
            let Some(message) = self.next_message(channel).await? else { break };
            match message {
                Message::Event(event) => self.tell(event),
                Message::Sent(host, number) => self.extend(batch, train, &host, number, &channel.send),
                Message::Done(outcome) => {
                    train.arrived(&outcome);
                    let (host, status) = (outcome.host.clone(), outcome.result.status);
                    let halt = self.halt(batch, &outcome);
                    let requests: Vec<_> = outcome.items.iter().filter_map(|i| i.include.clone()).collect();
                    let including = self.apply(batch, *outcome, run_once)?;
                    if let Some(halt) = halt {
                        let edited = edits.entry(host.clone()).or_default();
                        if self.debugger(batch, &halt, edited).await? == Next::Redo {
                            let edited = edited.clone();
                            self.take_back(batch, halt, run_once);
                            batch.refresh_view();
                            let with = With { throttle: limit.clone(), edits: edited, ..With::default() };
                            self.start(batch, &host, (task, frame), info, &channel.send, with);
                            continue;
                        }
                    }
                    waiting -= 1;
                    round.results += 1;
                    if status.is_failure() {
                        round.trouble = true;
                    }
                    if status == TaskStatus::Failed {
                        round.failed.push(host.clone());
                    }
                    if including {
                        asked.add(&[host], requests);
                    }
                }
            }
        }
        if !asked.is_empty() {
            // Groups of one include are met in the order of hosts, not in that in which they answered.
            asked.order(hosts);
            let failed = self.include(batch, (task, info), asked)?;
            round.trouble |= !failed.is_empty();
            round.failed.extend(failed);
        }
        Ok(round)
    }
}

/// `run_once`, rendered for the first host; it decides for all.
fn run_once(settings: &Settings, templar: &Templar) -> Result<bool, Stop> {
    let Some(written) = &settings.run_once else { return Ok(false) };
    templar.render(&written.value).map_err(|e| while_running(e.or_at(Some(written.span))))?;
    Ok(keywords::flag(settings, "run_once", templar).map_err(while_running)?.unwrap_or(false))
}

fn ends_play(meta: Meta) -> bool {
    matches!(meta, Meta::EndPlay | Meta::EndBatch)
}
