//! The tasks of one host that are on their way: the one whose turn it is, and those that were sent behind it.

use super::round::{Fork, Message, With};
use crate::diag::Diagnostic;
use crate::event::{Event, TaskInfo, TaskStatus};
use crate::names::HostName;
use crate::plan::{Action, Id, Meta, PlannedTask};
use crate::run::HostOutcome;
use crate::run::ahead::{Flow, Guard, Lane, Path, WINDOW, flow, mentions};
use crate::run::batch::Batch;
use crate::run::cursor::Cursor;
use crate::run::dispatcher::{Run, Stop};
use crate::run::scope::{self, TaskFrame};
use crate::value::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use tightbeam_modules::contract::wire::Queue;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::AbortHandle;

const READS: &str = "it reads what they may set";

/// From here on it is told what travels together.
const VERBOSE: u8 = 3;

#[derive(Default)]
pub(super) struct Train {
    flights: VecDeque<Flight>,
    queue: u32,
    path: Arc<Path>,
    fork: Fork,
    /// Where the host will stand at the last of them, if all goes well.
    cursor: Option<Cursor>,
    /// Roles that will have ended by then.
    ended: Vec<Arc<str>>,
    /// Tasks so far.
    count: u32,
    /// The task of which was told last whether it travels.
    told: Option<(Id, &'static str)>,
}

struct Flight {
    task: Arc<PlannedTask>,
    flow: Flow,
    number: u32,
    lane: Option<Arc<Lane>>,
    /// It started before its turn: given up when it is dropped.
    early: Option<Early>,
}

struct Early {
    frame: Arc<TaskFrame>,
    guard: Arc<Guard>,
    work: AbortHandle,
}

impl Drop for Early {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Train {
    /// The task whose turn it was has ended. What was sent behind one that failed is not done.
    pub fn arrived(&mut self, outcome: &HostOutcome) {
        let Some(flight) = self.flights.pop_front() else { return };
        let status = outcome.result.status;
        if status == TaskStatus::Unreachable || status == TaskStatus::Failed && flight.flow.stops {
            self.flights.clear();
        }
    }
}

impl Run {
    /// Starts the host's task, or goes on with it where it is on its way already.
    #[expect(clippy::too_many_arguments, reason = "all of them differ from call to call")]
    pub(super) fn depart(
        &mut self,
        batch: &mut Batch,
        train: &mut Train,
        host: &HostName,
        (task, frame): (&Arc<PlannedTask>, &Arc<TaskFrame>),
        info: &Arc<TaskInfo>,
        throttle: Option<Arc<Semaphore>>,
        send: &UnboundedSender<Message>,
    ) -> Result<(), Stop> {
        if self.call_up(batch, train, host, task, info)? {
            let last = train.flights.back();
            if let Some(number) = last.filter(|f| f.lane.as_ref().is_some_and(|l| l.was_sent())).map(|f| f.number) {
                self.extend(batch, train, host, number, send);
            }
            return Ok(());
        }
        if train.flights.front().is_some_and(|flight| flight.task.id == task.id) {
            self.tell_travel(train, host, task, "has waited for the tasks before it, because", READS);
        }
        let flow = flow(task);
        let may = !self.ctx.options.one_by_one
            && !self.stepping
            && self.start_at.is_none()
            && !batch.debugging
            && batch.view.late_files.is_empty();
        *train = Train { queue: self.ctx.queues.next(), told: train.told, ..Train::default() };
        let lane = (may && flow.queues()).then(|| {
            let place = Queue { id: train.queue, task: 0, stops: flow.stops };
            Lane::new(place, train.path.clone(), vec![], signal(host, 0, send))
        });
        train.cursor = batch.host(host).map(|run| run.cursor.clone());
        train.flights.push_back(Flight { task: task.clone(), flow, number: 0, lane: lane.clone(), early: None });
        let with = With { throttle, lane, fork: train.fork.clone(), ..With::default() };
        self.start(batch, host, (task, frame), info, send, with);
        Ok(())
    }

    /// Whether the task was on its way; its turn has come.
    fn call_up(
        &mut self,
        batch: &Batch,
        train: &Train,
        host: &HostName,
        task: &Arc<PlannedTask>,
        info: &Arc<TaskInfo>,
    ) -> Result<bool, Diagnostic> {
        let Some(Flight { lane: Some(lane), early: Some(early), .. }) =
            train.flights.front().filter(|flight| flight.task.id == task.id)
        else {
            return Ok(false);
        };
        let vars = scope::templar(&self.ctx, &batch.view, Some(host), &early.frame)?.variables().clone();
        lane.call(info.clone());
        Ok(early.guard.settle(vars))
    }

    /// Starts the task behind the last one, which has been sent.
    pub(super) fn extend(
        &mut self,
        batch: &mut Batch,
        train: &mut Train,
        host: &HostName,
        number: u32,
        send: &UnboundedSender<Message>,
    ) {
        let last = train.flights.back().is_some_and(|flight| flight.number == number);
        if !last || !train.path.leads_away() || train.flights.len() >= WINDOW {
            return;
        }
        let Some((task, cursor)) = self.behind(batch, train, host) else { return };
        let names: Vec<Arc<str>> = train.flights.iter().flat_map(|flight| flight.flow.writes.iter().cloned()).collect();
        let flow = flow(&task);
        if let Some(why) = flow.alone {
            return self.tell_travel(train, host, &task, "waits for the tasks before it, because", why);
        }
        if mentions(&task, &names) {
            return self.tell_travel(train, host, &task, "waits for the tasks before it, because", READS);
        }
        train.count += 1;
        let number = train.count;
        let guard = Guard::new(names.into());
        let place = Queue { id: train.queue, task: number, stops: flow.stops };
        let lane = Lane::new(place, train.path.clone(), vec![guard.clone()], signal(host, number, send));
        let frame = Arc::new(TaskFrame::of(&task));
        // What it is called is told when its turn has come.
        let info = Arc::new(TaskInfo { name: task.display_name(None), ..TaskInfo::default() });
        let with = With { lane: Some(lane.clone()), fork: train.fork.clone(), ..With::default() };
        let work = self.start(batch, host, (&task, &frame), &info, send, with);
        self.tell_travel(train, host, &task, "travels with the tasks before it", "");
        let early = Some(Early { frame, guard, work });
        train.flights.push_back(Flight { task, flow, number, lane: Some(lane), early });
        train.cursor = Some(cursor);
    }

    /// The task that follows the last of a train if all goes well, and where the host stands then.
    fn behind(&mut self, batch: &mut Batch, train: &mut Train, host: &HostName) -> Option<(Arc<PlannedTask>, Cursor)> {
        let last = train.flights.back()?;
        if let Some(why) = last.flow.barrier {
            let task = last.task.clone();
            self.tell_travel(train, host, &task, "is waited for, because", why);
            return None;
        }
        let mut cursor = train.cursor.clone()?;
        if !self.handlers_known(batch, &last.task) || cursor.in_handlers() && notifies(&last.task) {
            return None;
        }
        cursor.advance();
        let mut ended = train.ended.clone();
        loop {
            let task = cursor.task()?.clone();
            let role = task.role().map(|role| role.identity.clone());
            match &task.action {
                Action::Meta(Meta::RoleComplete) => ended.extend(role),
                Action::Meta(_) => return None,
                _ if role.is_some_and(|role| ended.contains(&role)) => return None,
                _ if batch.host(host)?.is_over(&task) => {}
                _ => {
                    train.ended = ended;
                    return Some((task, cursor));
                }
            }
            cursor.advance();
        }
    }

    /// With `-vvv`: what travels together, and why not.
    fn tell_travel(&mut self, train: &mut Train, host: &HostName, task: &PlannedTask, how: &'static str, why: &str) {
        let known = train.told.replace((task.id, how)) == Some((task.id, how));
        if self.ctx.options.verbosity >= VERBOSE && !known {
            let name = task.written_name().map(Value::to_string);
            let text = format!("<{host}> TASK [{}] {how} {why}", task.display_name(name.as_deref()));
            self.tell(Event::Inner(text.trim_end().to_owned()));
        }
    }

    /// Whether a task's notifications cannot end the run.
    fn handlers_known(&self, batch: &mut Batch, task: &PlannedTask) -> bool {
        let Some(names) = &task.keywords.settings.notify else { return true };
        let known = |name: &Value| {
            let templar = |task: &PlannedTask| scope::templar(&self.ctx, &batch.view, None, &TaskFrame::of(task)).ok();
            !batch.handlers.find(&name.to_string(), templar, &mut vec![]).is_empty()
        };
        match &names.value {
            Value::List(names) => names.iter().all(known),
            name => std::iter::once(name).all(known),
        }
    }
}

fn notifies(task: &PlannedTask) -> bool {
    task.keywords.settings.notify.is_some()
}

fn signal(host: &HostName, number: u32, send: &UnboundedSender<Message>) -> Box<dyn Fn() + Send + Sync> {
    let (host, send) = (host.clone(), send.clone());
    Box::new(move || drop(send.send(Message::Sent(host.clone(), number))))
}
