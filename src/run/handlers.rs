//! Notifications: which handlers a name or topic means, and in which order a flush runs them.

use crate::plan::{Id, PlannedTask, notified};
use crate::template::Templar;
use std::collections::HashMap;
use std::sync::Arc;

/// The handlers of a play, in the order in which they run.
#[derive(Default)]
pub struct Handlers {
    tasks: Vec<Arc<PlannedTask>>,
    /// Rendered names; `None` where there is none or it cannot be rendered without a host.
    names: HashMap<Id, Option<String>>,
}

impl Handlers {
    /// `templar` has the play's variables, of no host.
    pub fn add(&mut self, tasks: &[Arc<PlannedTask>], templar: impl Fn(&PlannedTask) -> Option<Templar>) {
        for task in tasks {
            if self.names.contains_key(&task.id) {
                continue;
            }
            let name = task.written_name().and_then(|n| {
                if n.needs_render() {
                    templar(task)?.render(n).ok().map(|v| v.to_string())
                } else {
                    Some(n.to_string())
                }
            });
            self.names.insert(task.id, name);
            self.tasks.push(task.clone());
        }
    }

    /// Ranks of the handlers that a notification means, in no particular order.
    pub fn find(&self, notification: &str) -> Vec<u32> {
        let found = notified(&self.tasks, notification, &|task| self.names.get(&task.id).cloned().flatten());
        found
            .into_iter()
            .filter_map(|task| self.tasks.iter().position(|t| t.id == task.id))
            .map(|at| at as u32)
            .collect()
    }

    /// The tasks of some ranks, in order.
    pub fn tasks(&self, mut ranks: Vec<u32>) -> Vec<(u32, Arc<PlannedTask>)> {
        ranks.sort_unstable();
        ranks.dedup();
        ranks.into_iter().filter_map(|r| self.tasks.get(r as usize).map(|t| (r, t.clone()))).collect()
    }
}
