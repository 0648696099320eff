//! Notifications: which handlers a name or topic means, and in which order a flush runs them.

use crate::plan::{Id, PlannedTask, notified};
use crate::template::{Templar, TemplateError};
use crate::value::Value;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The handlers of a play, in the order in which they run.
#[derive(Default)]
pub struct Handlers {
    tasks: Vec<Arc<PlannedTask>>,
    known: HashSet<Id>,
    /// Names that could be rendered so far.
    names: HashMap<Id, String>,
}

impl Handlers {
    pub fn add(&mut self, tasks: &[Arc<PlannedTask>]) {
        for task in tasks {
            if self.known.insert(task.id) {
                self.tasks.push(task.clone());
            }
        }
    }

    /// Ranks of the handlers that a notification means, in no particular order. Names are rendered when they are looked
    /// at: `templar` has the play's variables, of no host. Those that cannot be are told in `warnings`.
    pub fn find(
        &mut self,
        notification: &str,
        templar: impl Fn(&PlannedTask) -> Option<Templar>,
        warnings: &mut Vec<String>,
    ) -> Vec<u32> {
        let (names, warnings) = (RefCell::new(&mut self.names), RefCell::new(warnings));
        let name_of = |task: &PlannedTask| {
            if let Some(known) = names.borrow().get(&task.id) {
                return Some(known.clone());
            }
            let written = task.written_name()?;
            let name = if written.needs_render() {
                match templar(task)?.render(written) {
                    Ok(name) => name.to_string(),
                    Err(e) if task.listen.is_empty() => {
                        warnings.borrow_mut().push(unusable(written, &e));
                        return None;
                    }
                    Err(_) => return None,
                }
            } else {
                written.to_string()
            };
            names.borrow_mut().insert(task.id, name.clone());
            Some(name)
        };
        let found = notified(&self.tasks, notification, &name_of);
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

fn unusable(name: &Value, error: &TemplateError) -> String {
    format!(
        "Handler '{name}' is unusable because it has no listen topics and the name could not be templated (host-specific variables are not supported in handler names). The error: {}",
        error.message
    )
}
