//! Includes at run time: what hosts asked for, grouped, planned once for each group, and put into their way.

use super::batch::Batch;
use super::dispatcher::{Run, Stop};
use super::outcome::IncludeRequest;
use super::scope::{self, TaskFrame};
use crate::actions::ActionResult;
use crate::diag::{Code, Diagnostic};
use crate::event::{Event, TaskInfo, TaskResult, TaskStatus};
use crate::names::HostName;
use crate::plan::{Included, PlannedBlock, PlannedPlay, PlannedTask};
use indexmap::IndexMap;
use std::collections::HashMap;
use std::sync::Arc;

/// What hosts asked one task to include.
#[derive(Default)]
pub struct Asked {
    by_host: IndexMap<HostName, Vec<IncludeRequest>>,
}

struct Group {
    request: IncludeRequest,
    hosts: Vec<HostName>,
}

impl Asked {
    pub fn add(&mut self, hosts: &[HostName], requests: Vec<IncludeRequest>) {
        for host in hosts {
            self.by_host.entry(host.clone()).or_default().extend(requests.iter().cloned());
        }
    }
    pub fn is_empty(&self) -> bool {
        self.by_host.is_empty()
    }
    /// Puts the hosts into the order of the play.
    pub fn order(&mut self, hosts: &[HostName]) {
        let rank: HashMap<&HostName, usize> = hosts.iter().enumerate().map(|(i, h)| (h, i)).collect();
        self.by_host.sort_by_key(|host, _| rank.get(host).copied().unwrap_or(usize::MAX));
    }

    /// Equal requests of several hosts together, in the order in which they are met. One host's equal requests stay apart.
    fn groups(self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        // Requests by what they name, so that many items do not compare with each other.
        let mut index: HashMap<String, Vec<usize>> = HashMap::new();
        for (host, requests) in self.by_host {
            for request in requests {
                let known = index.entry(request.key()).or_default();
                let found = known
                    .iter()
                    .copied()
                    .find(|i| !groups[*i].hosts.contains(&host) && groups[*i].request.same_as(&request));
                match found {
                    Some(i) => groups[i].hosts.push(host.clone()),
                    None => {
                        known.push(groups.len());
                        groups.push(Group { request, hosts: vec![host.clone()] });
                    }
                }
            }
        }
        groups
    }
}

impl IncludeRequest {
    fn key(&self) -> String {
        match self {
            IncludeRequest::Tasks { file, label, .. } => format!("{file}\0{}", label.as_deref().unwrap_or_default()),
            IncludeRequest::Role { request, label } => {
                format!("{}\0{}", request.name, label.as_deref().unwrap_or_default())
            }
        }
    }
    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (IncludeRequest::Tasks { file, vars, .. }, IncludeRequest::Tasks { file: file2, vars: vars2, .. }) => {
                file == file2 && vars == vars2
            }
            (IncludeRequest::Role { request: a, .. }, IncludeRequest::Role { request: b, .. }) => {
                a.name == b.name
                    && a.tasks_from == b.tasks_from
                    && a.vars_from == b.vars_from
                    && a.defaults_from == b.defaults_from
                    && a.handlers_from == b.handlers_from
                    && a.public == b.public
                    && a.vars == b.vars
            }
            _ => false,
        }
    }
    fn label(&self) -> Option<String> {
        match self {
            IncludeRequest::Tasks { label, .. } | IncludeRequest::Role { label, .. } => label.clone(),
        }
    }
}

impl Run {
    /// Plans what hosts asked for and sends them there; the hosts that asked for something that is not there.
    pub(super) fn include(
        &mut self,
        batch: &mut Batch,
        (task, info): (&Arc<PlannedTask>, &Arc<TaskInfo>),
        asked: Asked,
    ) -> Result<Vec<HostName>, Stop> {
        let hosts: Vec<HostName> = asked.by_host.keys().cloned().collect();
        let mut ways: HashMap<HostName, Vec<(u32, Arc<PlannedBlock>)>> = HashMap::new();
        let mut failed: Vec<HostName> = Vec::new();
        let mut rank = 0;
        for group in asked.groups() {
            match self.plan_include(&batch.view.play.clone(), task, &group.request) {
                Ok(included) => {
                    for warning in &included.warnings {
                        self.tell(Event::Warning(warning.clone()));
                    }
                    for host in &group.hosts {
                        self.stat(host).ok += 1;
                    }
                    let file = match &group.request {
                        IncludeRequest::Role { request, .. } => request.name.clone(),
                        IncludeRequest::Tasks { .. } => included.path.display().to_string(),
                    };
                    let (hosts, item) = (group.hosts.clone(), group.request.label());
                    self.tell(Event::Included { file, hosts, item });
                    self.adopt(batch, &included);
                    let templar = scope::templar(&self.ctx, &batch.view, None, &TaskFrame::of(task))?;
                    for block in self.select(&included.blocks, &templar)? {
                        for host in &group.hosts {
                            ways.entry(host.clone()).or_default().push((rank, block.clone()));
                        }
                        rank += 1;
                    }
                }
                // A file that is not there, or no list, fails the hosts; tasks that are wrong end the run.
                Err(faults) => {
                    let missing = faults
                        .iter()
                        .all(|d| matches!(d.code, Code::FILE_NOT_FOUND | Code::ROLE_NOT_FOUND | Code::NOT_TASKS));
                    let Some(fault) = faults.into_iter().next() else { continue };
                    if !missing {
                        return Err(fault.into());
                    }
                    self.tell(Event::Warning(fault.clone()));
                    for host in &group.hosts {
                        self.tell_include_failure(info, &group.request, host, &fault);
                        if !failed.contains(host) {
                            failed.push(host.clone());
                        }
                    }
                }
            }
        }
        for host in hosts {
            if failed.contains(&host) {
                self.fail_host(batch, &host);
            } else if let Some(run) = batch.host(&host) {
                run.cursor.include(ways.remove(&host).unwrap_or_default());
            }
        }
        batch.refresh_view();
        Ok(failed)
    }

    fn plan_include(
        &self,
        play: &PlannedPlay,
        task: &PlannedTask,
        request: &IncludeRequest,
    ) -> Result<Included, Vec<Diagnostic>> {
        match request {
            IncludeRequest::Tasks { file, vars, .. } => self.ctx.planner.include_tasks(play, task, file, vars),
            IncludeRequest::Role { request, .. } => self.ctx.planner.include_role(play, task, request),
        }
    }

    /// Handlers of an included role join the play's; a public role's variables too.
    fn adopt(&mut self, batch: &mut Batch, included: &Included) {
        let view = batch.view.clone();
        batch.handlers.add(&included.handlers);
        if included.roles.is_empty() && included.role.is_none() {
            return;
        }
        let mut next = (*view).clone();
        next.add_roles(included.roles.iter().chain(&included.role));
        batch.view = Arc::new(next);
    }

    fn tell_include_failure(
        &mut self,
        info: &Arc<TaskInfo>,
        request: &IncludeRequest,
        host: &HostName,
        fault: &Diagnostic,
    ) {
        self.stat(host).failed += 1;
        let mut data = ActionResult::default().with("changed", false).with("failed", true).data;
        if let IncludeRequest::Tasks { file, .. } = request {
            data.insert("include", file.as_str());
        }
        data.insert("reason", fault.message.as_str());
        let result = TaskResult {
            host: host.clone(),
            delegated_to: None,
            delegate_address: None,
            status: TaskStatus::Failed,
            ignored: false,
            data: Arc::new(data),
            verbose: false,
            item: None,
            causes: vec![],
            warnings: vec![],
            deprecations: vec![],
            show_diff: false,
        };
        self.tell(Event::TaskFinished { task: info.clone(), result, looped: false });
    }
}
