//! The items of a loop on their way: each starts when the one before it has been sent, where none can tell the difference,
//! else when it has ended. They come out one after the other, in order.

use super::ahead::{self, Guard, Lane, Path, WINDOW};
use super::step::loop_::Control;
use super::worker::{ItemRun, Work};
use crate::template::{Overlay, Templar};
use crate::value::{Map, Value};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::VecDeque;
use std::sync::Arc;
use tightbeam_modules::contract::wire::Queue;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// An item that has ended.
pub(super) struct Arrival {
    pub index: usize,
    pub loop_vars: Map,
    /// The variables of its iteration.
    pub templar: Templar,
    pub run: ItemRun,
}

pub(super) struct Row<'a> {
    work: &'a Work,
    templar: &'a Templar,
    items: &'a [Value],
    control: &'a Control,
    /// What earlier items registered or set: visible to later ones.
    pub carried: Map,
    /// The item that comes out next, and the one that starts next.
    head: usize,
    next: usize,
    flying: VecDeque<Flying>,
    running: FuturesUnordered<BoxFuture<'a, (usize, ItemRun)>>,
    /// The task's lane, or one of its own for the items of a task that has none.
    lane: Option<Arc<Lane>>,
    /// Names that an item may set.
    writes: Arc<[Arc<str>]>,
    /// Items may start before those ahead of them have ended.
    ahead: bool,
    /// The last item that started is on its way.
    underway: bool,
    /// Some item failed without being sent.
    trouble: bool,
    sent: (UnboundedSender<usize>, UnboundedReceiver<usize>),
}

struct Flying {
    loop_vars: Map,
    templar: Templar,
    lane: Option<Arc<Lane>>,
    /// It started before its turn.
    guard: Option<Arc<Guard>>,
    done: Option<ItemRun>,
}

impl<'a> Row<'a> {
    pub fn new(work: &'a Work, templar: &'a Templar, items: &'a [Value], control: &'a Control) -> Self {
        let flow = ahead::flow(&work.task);
        let lane = work.lane.clone().or_else(|| {
            let place = Queue { id: work.ctx.queues.next(), ..Queue::default() };
            let alone = items.len() < 2 || work.ctx.options.one_by_one || !flow.queues();
            (!alone).then(|| Lane::new(place, Arc::new(Path::default()), vec![], Box::new(|| {})))
        });
        Row {
            work,
            templar,
            items,
            control,
            carried: Map::new(),
            head: 0,
            next: 0,
            flying: VecDeque::new(),
            running: FuturesUnordered::new(),
            ahead: lane.is_some(),
            lane,
            writes: flow.writes.into(),
            underway: false,
            trouble: false,
            sent: unbounded_channel(),
        }
    }

    /// The next item in order, once it has ended; `None` after the last.
    pub async fn next(&mut self) -> Option<Arrival> {
        self.settle();
        loop {
            if self.head == self.items.len() || self.work.held() {
                return None;
            }
            while self.may_start() {
                self.start().await;
            }
            if let Some(run) = self.flying.front_mut().and_then(|flying| flying.done.take()) {
                match self.arrive(run).await {
                    Some(arrival) => return Some(arrival),
                    None => continue,
                }
            }
            tokio::select! {
                Some((index, run)) = self.running.next() => self.ended(index, run),
                Some(index) = self.sent.1.recv() => self.on_way(index),
            }
        }
    }

    fn may_start(&self) -> bool {
        let ahead = || {
            let leads_away = self.lane.as_ref().is_some_and(|lane| lane.path.leads_away());
            self.ahead && self.underway && self.next - self.head < WINDOW && leads_away
        };
        self.next < self.items.len() && (self.next == self.head || ahead())
    }

    async fn start(&mut self) {
        let index = self.next;
        if let Some(pause) = self.control.pause.filter(|_| index > 0) {
            tokio::time::sleep(pause).await;
        }
        let loop_vars = self.control.variables(self.items, index);
        // What the task itself has to wait for, the item notices on its own: others of the task may have been sent.
        let task = self.work.lane.as_ref().and_then(|lane| lane.guard()).map(|guard| guard.pending());
        let unknown = || self.writes.iter().cloned().chain(task.unwrap_or_default()).collect();
        let guard = (index > self.head).then(|| Guard::new(unknown()));
        let templar = match &guard {
            None => {
                let mut vars = self.carried.clone();
                vars.extend(loop_vars.iter().map(|(k, v)| (k.clone(), v.clone())));
                self.templar.with(vars)
            }
            Some(guard) => {
                guard.begin(self.templar.variables().clone());
                self.templar.over(guard.clone()).with(loop_vars.clone())
            }
        };
        let lane = self.lane.as_ref().map(|lane| lane.item(guard.clone(), self.listener(index)));
        let (work, theirs, place) = (self.work, templar.clone(), lane.clone());
        self.running.push(Box::pin(async move { (index, work.item(&theirs, None, place.as_ref()).await) }));
        self.flying.push_back(Flying { loop_vars, templar, lane, guard, done: None });
        self.next += 1;
        self.underway = false;
    }

    fn listener(&self, index: usize) -> Box<dyn Fn() + Send + Sync> {
        let sent = self.sent.0.clone();
        Box::new(move || {
            let _ = sent.send(index);
        })
    }

    fn on_way(&mut self, index: usize) {
        if index + 1 == self.next {
            self.underway = true;
        }
        // Behind the last one the next task may start.
        if index + 1 == self.items.len()
            && !self.trouble
            && let Some(lane) = &self.work.lane
        {
            lane.sent();
        }
    }

    fn ended(&mut self, index: usize, run: ItemRun) {
        let Some(flying) = index.checked_sub(self.head).and_then(|at| self.flying.get_mut(at)) else { return };
        if let Some(lane) = &flying.lane
            && !lane.held()
            && !lane.was_sent()
        {
            self.trouble |= run.result.is("failed");
            lane.sent();
        }
        flying.done = Some(run);
    }

    /// Takes in the next item; `None` where it has to be done again, now that its turn has come.
    async fn arrive(&mut self, run: ItemRun) -> Option<Arrival> {
        let flying = self.flying.pop_front()?;
        if let Some(lane) = &self.work.lane {
            lane.turn().await;
        }
        if flying.guard.is_some_and(|guard| guard.held()) {
            // It needs what the one before it gave: from now on each waits for the one before it.
            self.ahead = false;
            self.next = self.head;
            self.flying.clear();
            return None;
        }
        let index = self.head;
        self.head += 1;
        Some(Arrival { index, loop_vars: flying.loop_vars, templar: flying.templar, run })
    }

    /// Whether all items that needed no host went well.
    pub fn well(&self) -> bool {
        !self.trouble
    }

    /// The next item's turn has come: it sees what those before it set.
    fn settle(&mut self) {
        if let Some(guard) = self.flying.front().and_then(|flying| flying.guard.as_ref()) {
            let below = self.templar.variables().clone();
            guard.settle(Arc::new(Overlay { over: self.carried.clone(), below }));
        }
    }
}
