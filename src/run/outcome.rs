//! What a worker gives back for one task on one host. The dispatcher turns it into changes of state and events.

use crate::actions::Effect;
use crate::event::{TaskInfo, TaskResult};
use crate::names::HostName;
use crate::plan::{PlannedTask, RoleRequest};
use crate::value::Map;
use std::sync::Arc;

/// A task that ended on a host.
#[derive(Debug)]
pub struct HostOutcome {
    pub host: HostName,
    pub task: Arc<PlannedTask>,
    pub info: Arc<TaskInfo>,
    /// The whole task's result, fit to be shown.
    pub result: TaskResult,
    /// The whole task's result as `register` gives it.
    pub registered: Arc<Map>,
    /// It ran over items, each of which was reported.
    pub looped: bool,
    /// One for each item; one in all without a loop.
    pub items: Vec<ItemOutcome>,
}

/// What one item asks for.
#[derive(Debug, Default)]
pub struct ItemOutcome {
    pub changed: bool,
    pub failed: bool,
    pub skipped: bool,
    pub effects: Vec<Effect>,
    /// Rendered.
    pub notify: Vec<String>,
    pub include: Option<IncludeRequest>,
    /// The host that facts go to instead (`delegate_facts`).
    pub facts_host: Option<HostName>,
}

/// `include_tasks` or `include_role`, rendered for a host and item.
#[derive(Clone, Debug)]
pub enum IncludeRequest {
    Tasks { file: String, vars: Arc<Map>, label: Option<String> },
    Role { request: Box<RoleRequest>, label: Option<String> },
}
