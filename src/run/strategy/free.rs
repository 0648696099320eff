//! `free` and `host_pinned`: each host goes through the play as fast as it can.

use super::round::{Channel, Message, With, throttle};
use super::train::Train;
use crate::actions::runs_once;
use crate::diag::{Code, Diagnostic};
use crate::event::{Event, TaskInfo};
use crate::names::HostName;
use crate::plan::{Action, Id};
use crate::run::batch::Batch;
use crate::run::debugger::{Edits, Next};
use crate::run::dispatcher::{Run, Stop, task_flag};
use crate::run::include::Asked;
use crate::run::scope::{self, TaskFrame};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Tasks that some host has begun: how they are called, and what throttles them.
type Begun = HashMap<Id, (Arc<TaskInfo>, Arc<TaskFrame>, Option<Arc<Semaphore>>)>;

impl Run {
    pub(super) async fn free(&mut self, batch: &mut Batch) -> Result<bool, Stop> {
        let mut channel = Channel::new();
        let mut begun: Begun = HashMap::new();
        let mut busy = 0;
        let mut edits: HashMap<HostName, Edits> = HashMap::new();
        let mut trains: HashMap<HostName, Train> = HashMap::new();
        let names: Vec<HostName> = batch.hosts.keys().cloned().collect();
        loop {
            for host in &names {
                // What runs comes to its end all the same.
                if !batch.ended_play
                    && batch.hosts.get(host).is_some_and(|h| !h.busy)
                    && self.proceed(batch, host, &mut begun, &channel, trains.entry(host.clone()).or_default()).await?
                {
                    busy += 1;
                }
            }
            if busy == 0 {
                break;
            }
            match self.next_message(&mut channel).await? {
                None => break,
                Some(Message::Event(event)) => self.tell(event),
                Some(Message::Sent(host, number)) => {
                    if let Some(train) = trains.get_mut(&host) {
                        self.extend(batch, train, &host, number, &channel.send);
                    }
                }
                Some(Message::Done(outcome)) => {
                    busy -= 1;
                    if let Some(train) = trains.get_mut(&outcome.host) {
                        train.arrived(&outcome);
                    }
                    let (host, task) = (outcome.host.clone(), outcome.task.clone());
                    let halt = self.halt(batch, &outcome);
                    if let Some(run) = batch.host(&host) {
                        run.busy = false;
                    }
                    let requests: Vec<_> = outcome.items.iter().filter_map(|i| i.include.clone()).collect();
                    let including = self.apply(batch, *outcome, false)?;
                    if let Some(halt) = halt {
                        let edited = edits.entry(host.clone()).or_default();
                        if self.debugger(batch, &halt, edited).await? == Next::Redo
                            && let Some((info, frame, limit)) = begun.get(&task.id).cloned()
                        {
                            let edited = edited.clone();
                            self.take_back(batch, halt, false);
                            if let Some(run) = batch.host(&host) {
                                run.busy = true;
                            }
                            let with = With { throttle: limit, edits: edited, ..With::default() };
                            self.start(batch, &host, (&task, &frame), &info, &channel.send, with);
                            busy += 1;
                            continue;
                        }
                    }
                    edits.remove(&host);
                    if including && let Some((info, ..)) = begun.get(&task.id).cloned() {
                        let mut asked = Asked::default();
                        asked.add(std::slice::from_ref(&host), requests);
                        self.include(batch, (&task, &info), asked)?;
                    }
                }
            }
        }
        Ok(false)
    }

    /// Starts a host's next task; false where there is none.
    async fn proceed(
        &mut self,
        batch: &mut Batch,
        host: &HostName,
        begun: &mut Begun,
        channel: &Channel,
        train: &mut Train,
    ) -> Result<bool, Stop> {
        while let Some(task) = batch.next_of(host) {
            if let Action::Meta(meta) = task.action {
                self.meta(batch, meta, &task, std::slice::from_ref(host)).await?;
                if batch.ended_play {
                    return Ok(false);
                }
                continue;
            }
            let (info, frame, limit) = match begun.get(&task.id) {
                Some(known) => known.clone(),
                None => {
                    let frame = Arc::new(TaskFrame::of(&task));
                    let templar = scope::templar(&self.ctx, &batch.view, Some(host), &frame)?;
                    if runs_once(&task.action) {
                        let name = task.task.action.node.to_string();
                        let message = format!(
                            "The '{name}' module bypasses the host loop, which is currently not supported in the free strategy and would instead execute for every host in the inventory list."
                        );
                        return Err(Diagnostic::error(Code::RUN_INVALID, message).at(task.span(), "").into());
                    }
                    if task_flag(&task.keywords.settings, "run_once", &templar) {
                        self.warn("Using run_once with the free strategy is not currently supported. This task will still be executed for every host in the inventory list.");
                    }
                    let info = self.info(&task, &templar);
                    let limit = throttle(&self.ctx, batch, host, &task)?;
                    self.tell(Event::TaskStarted(info.clone()));
                    begun.entry(task.id).or_insert((info, frame, limit)).clone()
                }
            };
            if let Some(run) = batch.host(host) {
                run.busy = true;
            }
            self.depart(batch, train, host, (&task, &frame), &info, limit, &channel.send)?;
            return Ok(true);
        }
        Ok(false)
    }
}
