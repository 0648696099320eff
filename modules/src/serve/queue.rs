//! Queues: requests that run one after the other, though they came before the answers of those before them were known.

use super::lock;
use crate::contract::wire::Queue;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Runs a request, or passes it over, and replies; whether it failed.
pub(super) type Work = Box<dyn FnOnce(bool) -> bool + Send>;

#[derive(Clone, Default)]
pub(super) struct Queues(Arc<Mutex<HashMap<u32, Row>>>);

#[derive(Default)]
struct Row {
    busy: bool,
    /// The task with which the queue came to its end.
    failed: Option<u32>,
    waiting: VecDeque<(Queue, Work)>,
}

impl Queues {
    /// Puts a request at its queue's end. What is given back is to be run now, by [`Queues::work_off`].
    pub fn enter(&self, place: Queue, work: Work) -> Option<Work> {
        let mut rows = lock(&self.0);
        let row = rows.entry(place.id).or_default();
        if row.busy {
            row.waiting.push_back((place, work));
            return None;
        }
        row.busy = true;
        Some(work)
    }

    /// What [`Queues::enter`] gave back cannot be run.
    pub fn abandon(&self, place: Queue) {
        if let Some(row) = lock(&self.0).get_mut(&place.id) {
            row.busy = false;
            row.failed.get_or_insert(place.task);
        }
    }

    /// Runs a request and all that wait behind it.
    pub fn work_off(&self, place: Queue, first: Work) {
        let mut next = Some((place, first));
        while let Some((place, work)) = next {
            let over = |row: &Row| row.failed.is_some_and(|task| task != place.task);
            let passed = lock(&self.0).get(&place.id).is_some_and(over);
            let failed = work(passed);
            let mut rows = lock(&self.0);
            let row = rows.entry(place.id).or_default();
            if failed && place.stops {
                row.failed.get_or_insert(place.task);
            }
            next = row.waiting.pop_front();
            row.busy = next.is_some();
        }
    }
}
