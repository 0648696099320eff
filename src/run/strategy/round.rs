//! One task on several hosts side by side: workers are started, their events told, their outcomes taken in.

use crate::actions::ActionResult;
use crate::diag::{Code, Diagnostic};
use crate::event::{Cause, Event, TaskInfo, TaskResult, TaskStatus};
use crate::names::HostName;
use crate::plan::PlannedTask;
use crate::run::RunContext;
use crate::run::ahead::Lane;
use crate::run::batch::Batch;
use crate::run::debugger::Edits;
use crate::run::dispatcher::{Run, Stop};
use crate::run::outcome::{HostOutcome, ItemOutcome};
use crate::run::scope::{self, TaskFrame};
use crate::run::step::keywords;
use crate::run::worker::Work;
use crate::template::Templar;
use crate::value::{Value, repr_str};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

/// What workers send while they run.
pub(super) enum Message {
    Event(Event),
    Done(Box<HostOutcome>),
    /// Something may be sent behind the host's task of this number.
    Sent(HostName, u32),
}

/// The road from workers to the dispatcher.
pub(super) struct Channel {
    pub send: UnboundedSender<Message>,
    pub receive: UnboundedReceiver<Message>,
}

impl Channel {
    pub fn new() -> Self {
        let (send, receive) = unbounded_channel();
        Channel { send, receive }
    }
}

impl Run {
    /// What reports call a task; its name is rendered with a host's variables.
    pub(in crate::run) fn info(&mut self, task: &PlannedTask, templar: &Templar) -> Arc<TaskInfo> {
        let id = self.next_task;
        self.next_task += 1;
        let name = task.written_name().map(|n| templar.render_shown(n).unwrap_or_else(|_| n.clone()).to_string());
        let settings = &task.keywords.settings;
        Arc::new(TaskInfo {
            id,
            name: task.display_name(name.as_deref()),
            action: templar
                .render_shown(&task.task.action.node)
                .unwrap_or_else(|_| task.task.action.node.clone())
                .to_string(),
            handler: task.handler,
            span: (!task.implicit).then(|| task.span()),
            check: keywords::flag(settings, "check_mode", templar).ok().flatten().unwrap_or(self.ctx.options.check),
            has_loop: !task.task.looping.is_once(),
            no_log: keywords::no_log(&task.keywords, templar, &self.ctx).unwrap_or(true),
        })
    }

    /// What workers have to say next; stops when the run is interrupted.
    pub(super) async fn next_message(&self, channel: &mut Channel) -> Result<Option<Message>, Stop> {
        tokio::select! {
            biased;
            () = self.ctx.interrupt.wait() => Err(Stop::Interrupted),
            message = channel.receive.recv() => Ok(message),
        }
    }

    /// Starts a task on a host.
    pub(super) fn start(
        &self,
        batch: &Batch,
        host: &HostName,
        (task, frame): (&Arc<PlannedTask>, &Arc<TaskFrame>),
        info: &Arc<TaskInfo>,
        send: &UnboundedSender<Message>,
        with: With,
    ) -> AbortHandle {
        let With { throttle, edits, lane, fork } = with;
        let send = send.clone();
        tracing::debug!(host = %host, task = %info.name, "task starts");
        let (emit, mut events) = unbounded_channel();
        let work = Work {
            ctx: self.ctx.clone(),
            view: batch.view.clone(),
            host: host.clone(),
            task: task.clone(),
            frame: frame.clone(),
            info: info.clone(),
            emit,
            edits,
            lane: lane.clone(),
        };
        let ctx: Arc<RunContext> = self.ctx.clone();
        // Hosts queue up in the order in which they are started.
        let mut turn = throttle.map(Turn::new);
        let mut place = match &turn {
            Some(Turn::Waiting(_)) => None,
            _ if fork.initialized() => None,
            _ => Some(Turn::new(ctx.forks.clone())),
        };
        let work = async move {
            let _turn = match turn.take() {
                Some(turn) => turn.come().await,
                None => None,
            };
            let come = || place.take().unwrap_or_else(|| Turn::new(ctx.forks.clone())).come();
            let _fork = fork.get_or_init(come).await;
            let (host, task, info) = (work.host.clone(), work.task.clone(), work.info.clone());
            let run = AssertUnwindSafe(work.run()).catch_unwind();
            tokio::pin!(run);
            let mut early = vec![];
            let outcome = loop {
                tokio::select! {
                    biased;
                    // What is told before the task's turn waits for it.
                    Some(event) = events.recv() => {
                        early.push(event);
                        if lane.as_ref().is_none_or(|lane| lane.settled()) {
                            early.drain(..).for_each(|event| drop(send.send(Message::Event(named(event, lane.as_deref())))));
                        }
                    }
                    outcome = &mut run => break outcome,
                    // Given up: what it waits for is dropped, and with that ended on the host.
                    () = ctx.interrupt.wait() => return,
                }
            };
            if lane.as_ref().is_some_and(|lane| lane.held()) {
                // It is done again in its turn.
                return;
            }
            while let Ok(event) = events.try_recv() {
                early.push(event);
            }
            early.drain(..).for_each(|event| drop(send.send(Message::Event(named(event, lane.as_deref())))));
            let info = lane.as_ref().and_then(|lane| lane.info().cloned()).unwrap_or(info);
            let outcome = outcome.unwrap_or_else(|panic| bug(host, task, info.clone(), &*panic));
            drop(send.send(Message::Done(Box::new(HostOutcome { info, ..outcome }))));
        };
        tokio::spawn(work).abort_handle()
    }
}

/// What a start may come with.
#[derive(Default)]
pub(super) struct With {
    /// Holds back more than so many hosts at once.
    pub throttle: Option<Arc<Semaphore>>,
    /// What the debugger changed.
    pub edits: Edits,
    /// Its place in a queue of the host.
    pub lane: Option<Arc<Lane>>,
    /// The host's permit, shared by all that is on its way there.
    pub fork: Fork,
}

/// A host's permit to be worked on.
pub(super) type Fork = Arc<OnceCell<Option<OwnedSemaphorePermit>>>;

/// An event of a task that started before its turn, with what the task is called now.
fn named(event: Event, lane: Option<&Lane>) -> Event {
    let Some(info) = lane.and_then(|lane| lane.info()) else { return event };
    match event {
        Event::ItemFinished { result, .. } => Event::ItemFinished { task: info.clone(), result },
        Event::Retry { host, left, result, .. } => Event::Retry { task: info.clone(), host, left, result },
        other => other,
    }
}

/// A place in the queue of a semaphore, taken at once.
enum Turn {
    Come(Option<OwnedSemaphorePermit>),
    Waiting(BoxFuture<'static, Option<OwnedSemaphorePermit>>),
}

impl Turn {
    fn new(semaphore: Arc<Semaphore>) -> Self {
        let mut waiting = async move { semaphore.acquire_owned().await.ok() }.boxed();
        match (&mut waiting).now_or_never() {
            Some(permit) => Turn::Come(permit),
            None => Turn::Waiting(waiting),
        }
    }
    async fn come(self) -> Option<OwnedSemaphorePermit> {
        match self {
            Turn::Come(permit) => permit,
            Turn::Waiting(waiting) => waiting.await,
        }
    }
}

/// A panic in a worker: a bug of ours, told as such; the other hosts go on.
fn bug(host: HostName, task: Arc<PlannedTask>, info: Arc<TaskInfo>, panic: &(dyn std::any::Any + Send)) -> HostOutcome {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    let message = format!("this is a bug in tightbeam, please report it: {text}");
    let data = Arc::new(ActionResult::failed(message.as_str()).data);
    let causes =
        vec![Cause { message: "Task failed".to_owned(), span: Some(task.span()) }, Cause { message, span: None }];
    let result = TaskResult {
        host: host.clone(),
        delegated_to: None,
        delegate_address: None,
        status: TaskStatus::Failed,
        ignored: false,
        data: data.clone(),
        verbose: false,
        item: None,
        causes,
        warnings: vec![],
        deprecations: vec![],
        show_diff: false,
    };
    let items = vec![ItemOutcome { failed: true, ..ItemOutcome::default() }];
    HostOutcome { host, task, info, result, registered: data, looped: false, items }
}

/// Hosts at once that the task's `throttle` allows.
pub(super) fn throttle(
    ctx: &RunContext,
    batch: &Batch,
    host: &HostName,
    task: &PlannedTask,
) -> Result<Option<Arc<Semaphore>>, Stop> {
    let Some(setting) = &task.keywords.settings.throttle else { return Ok(None) };
    let templar = scope::templar(ctx, &batch.view, Some(host), &TaskFrame::of(task))?;
    let wrong = |reason: String| {
        let message = format!("Failed to convert the throttle value to an integer: {reason}");
        Diagnostic::error(Code::RUN_INVALID, message).at(setting.span, "")
    };
    let limit = match templar.render(&setting.value).map_err(|e| wrong(e.message))? {
        Value::Omit | Value::Null => 0,
        value => integer(&value).map_err(wrong)?,
    };
    Ok((limit > 0).then(|| Arc::new(Semaphore::new(limit as usize))))
}

/// As Python's `int` reads a value.
fn integer(value: &Value) -> Result<i64, String> {
    match value {
        Value::Int(n) => Ok(*n),
        Value::Bool(b) => Ok(i64::from(*b)),
        Value::Float(f) => Ok(*f as i64),
        other => {
            let text = other.to_string();
            let digits = text.trim().replace('_', "");
            digits.parse().map_err(|_| format!("invalid literal for int() with base 10: {}", repr_str(&text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_come_in_the_order_of_asking() {
        let semaphore = Arc::new(Semaphore::new(1));
        let (first, second, third) =
            (Turn::new(semaphore.clone()), Turn::new(semaphore.clone()), Turn::new(semaphore.clone()));
        let order = std::sync::Mutex::new(vec![]);
        let wait = |name: u8, turn: Turn| {
            let order = &order;
            async move {
                let _permit = turn.come().await;
                order.lock().expect("no panic").push(name);
            }
        };
        tokio::join!(wait(3, third), wait(2, second), wait(1, first));
        assert_eq!(*order.lock().expect("no panic"), [1, 2, 3]);
    }
}
