//! `meta` tasks: the dispatcher's own actions.

use super::batch::Batch;
use super::condition;
use super::cursor::End;
use super::dispatcher::{Run, Stop, while_running};
use super::scope::{self, TaskFrame};
use crate::actions::ActionResult;
use crate::diag::{Code, Diagnostic};
use crate::event::{Event, TaskInfo, TaskResult, TaskStatus};
use crate::names::HostName;
use crate::plan::{Meta, PlannedTask, tags};
use indexmap::IndexSet;
use std::sync::Arc;

impl Run {
    /// Carries out a meta task for hosts that are at it; all of them are past it afterwards.
    pub(super) async fn meta(
        &mut self,
        batch: &mut Batch,
        meta: Meta,
        task: &Arc<PlannedTask>,
        hosts: &[HostName],
    ) -> Result<(), Stop> {
        let per_host = matches!(
            meta,
            Meta::FlushHandlers
                | Meta::Noop
                | Meta::EndHost
                | Meta::EndRole
                | Meta::ResetConnection
                | Meta::RoleComplete
        );
        if per_host {
            for host in hosts {
                let (info, holds) = self.meta_starts(batch, meta, task, host)?;
                self.meta_on(batch, meta, task, host, holds).await?;
                self.meta_ends(meta, task, host, info, holds);
            }
            batch.refresh_view();
            return Ok(());
        }
        // The others happen once, for all, if the first host's condition holds.
        let first = &hosts[0];
        let (info, holds) = self.meta_starts(batch, meta, task, first)?;
        if holds {
            self.meta_for_all(batch, meta)?;
        }
        for host in hosts {
            if let Some(run) = batch.host(host) {
                run.cursor.advance();
            }
        }
        self.meta_ends(meta, task, first, info, holds);
        Ok(())
    }

    fn meta_for_all(&mut self, batch: &mut Batch, meta: Meta) -> Result<(), Stop> {
        match meta {
            Meta::RefreshInventory => {
                let known: Vec<HostName> = batch.active().into_iter().filter(|h| self.roster.knows(h)).collect();
                self.roster.refresh()?;
                known.iter().filter(|h| !self.roster.knows(h)).for_each(|gone| stop(batch, gone));
                self.renew_hosts(batch);
            }
            Meta::ClearFacts => {
                batch.hosts.keys().for_each(|host| self.ctx.book.clear_facts(host));
            }
            Meta::ClearHostErrors => {
                for host in batch.view.hosts_all.iter() {
                    self.failed.shift_remove(host);
                    self.unreachable.shift_remove(host);
                }
                batch.failed.clear();
                batch.hosts.values_mut().for_each(|run| run.cursor.clear_failures());
            }
            Meta::EndBatch => batch.active().iter().for_each(|h| stop(batch, h)),
            Meta::EndPlay => {
                batch.active().iter().for_each(|h| stop(batch, h));
                batch.ended_play = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Announces a meta task that an author wrote; whether its condition holds.
    fn meta_starts(
        &mut self,
        batch: &Batch,
        meta: Meta,
        task: &PlannedTask,
        host: &HostName,
    ) -> Result<(Option<Arc<TaskInfo>>, bool), Stop> {
        if task.implicit {
            return Ok((None, true));
        }
        let templar = scope::templar(&self.ctx, &batch.view, Some(host), &TaskFrame::of(task))?;
        let info = self.info(task, &templar);
        self.tell(Event::TaskStarted(info.clone()));
        if matches!(meta, Meta::Noop | Meta::RefreshInventory | Meta::ResetConnection) {
            if !task.keywords.when.is_empty() {
                self.warn(format!("{} task does not support when conditional", meta.name()));
            }
            return Ok((Some(info), true));
        }
        let holds = condition::all_hold(&task.keywords.when, &templar).map_err(while_running)?;
        Ok((Some(info), holds.is_ok()))
    }

    fn meta_ends(&mut self, meta: Meta, task: &PlannedTask, host: &HostName, info: Option<Arc<TaskInfo>>, holds: bool) {
        let Some(info) = info else { return };
        let role = task.role().map(|r| r.full_name()).unwrap_or_default();
        if holds {
            self.tell(Event::Meta(done(meta, host, &role)));
            return;
        }
        let reason = format!("{} conditional evaluated to False{}", meta.name(), not_done(meta, host, &role));
        self.tell(Event::Meta(reason.clone()));
        let msg = match meta {
            Meta::EndHost => format!("end_host conditional evaluated to false, continuing execution for {host}"),
            _ => meta.name().to_owned(),
        };
        let data = ActionResult::default().with("msg", msg).with("skipped", true).with("skip_reason", reason).data;
        let result = TaskResult {
            host: host.clone(),
            delegated_to: None,
            delegate_address: None,
            status: TaskStatus::Skipped,
            ignored: false,
            data: Arc::new(data),
            verbose: false,
            item: None,
            causes: vec![],
            warnings: vec![],
            deprecations: vec![],
            show_diff: false,
        };
        self.tell(Event::TaskFinished { task: info, result, looped: false });
    }

    async fn meta_on(
        &mut self,
        batch: &mut Batch,
        meta: Meta,
        task: &Arc<PlannedTask>,
        host: &HostName,
        holds: bool,
    ) -> Result<(), Stop> {
        let Some(run) = batch.hosts.get_mut(host) else { return Ok(()) };
        match meta {
            Meta::FlushHandlers if holds => {
                if run.cursor.in_handlers() {
                    let message = "flush_handlers cannot be used as a handler";
                    return Err(Diagnostic::error(Code::RUN_INVALID, message).at(task.span(), "").into());
                }
                let names: IndexSet<String> = std::mem::take(&mut run.notified);
                if task.implicit && !names.is_empty() && self.ctx.settings.bool("DEFAULT_DEBUG") {
                    self.tell(Event::Debug(format!("META: {}", done(meta, host, ""))));
                }
                let ranks = names.iter().flat_map(|n| self.handlers_of(batch, n)).collect();
                let mut tasks = batch.handlers.tasks(ranks);
                if let Some(run) = batch.host(host) {
                    tasks.append(&mut run.left);
                    tasks.sort_by_key(|(rank, _)| *rank);
                    tasks.dedup_by_key(|(rank, _)| *rank);
                    run.cursor.handlers(tasks);
                }
            }
            Meta::EndHost if holds => run.cursor.stop(End::Stopped),
            Meta::EndRole if holds => {
                let role = task.role().map(|r| r.id);
                run.cursor.advance();
                if let Some(role) = role {
                    run.cursor.end_role(role);
                }
            }
            Meta::RoleComplete => {
                run.completed_role(task.role());
                run.cursor.advance();
            }
            Meta::ResetConnection => {
                run.cursor.advance();
                let templar = scope::templar(&self.ctx, &batch.view, Some(host), &TaskFrame::of(task))?;
                let target = super::step::delegate::target(host, task, &templar, &templar, &self.ctx, false)?;
                self.ctx.hosts.reset(&target).await;
            }
            _ => run.cursor.advance(),
        }
        Ok(())
    }

    /// Whether `--start-at-task` still looks for its task: hosts step over the present one.
    pub(super) fn not_started_yet(&mut self, task: &PlannedTask, batch: &mut Batch, hosts: &[HostName]) -> bool {
        let Some(wanted) = &self.start_at else { return false };
        // A play without the task does nothing at all, a play with it gathers facts first.
        if task.implicit && tags::has_start(&batch.view.play, wanted) {
            return false;
        }
        if !task.implicit && tags::is_start(task, wanted) {
            self.start_at = None;
            return false;
        }
        for host in hosts {
            if let Some(run) = batch.host(host) {
                run.cursor.advance();
            }
        }
        true
    }

    /// `--step`: asks; `c` runs all that follows.
    pub(super) async fn step_into(&mut self, name: &str) -> bool {
        let prompt = format!("Perform task: TASK: {name} (N)o/(y)es/(c)ontinue: ");
        let answer = self.ctx.ask.command(&prompt).await.unwrap_or_default();
        self.tell(Event::Asked(prompt.trim_end().to_owned()));
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => true,
            "c" | "continue" => {
                self.stepping = false;
                true
            }
            _ => false,
        }
    }
}

fn stop(batch: &mut Batch, host: &HostName) {
    if let Some(run) = batch.host(host) {
        run.cursor.stop(End::Stopped);
    }
}

/// What a meta task did.
fn done(meta: Meta, host: &HostName, role: &str) -> String {
    match meta {
        Meta::FlushHandlers => format!("triggered running handlers for {host}"),
        Meta::RefreshInventory => "inventory successfully refreshed".to_owned(),
        Meta::ClearFacts => "facts cleared".to_owned(),
        Meta::ClearHostErrors => "cleared host errors".to_owned(),
        Meta::EndHost => format!("ending play for {host}"),
        Meta::EndPlay => "ending play".to_owned(),
        Meta::EndBatch => "ending batch".to_owned(),
        Meta::EndRole => format!("ending role {role} for {host}"),
        Meta::ResetConnection => "reset connection".to_owned(),
        Meta::Noop | Meta::RoleComplete => meta.name().to_owned(),
    }
}

/// What a meta task left as it was, its condition being false.
fn not_done(meta: Meta, host: &HostName, role: &str) -> String {
    match meta {
        Meta::FlushHandlers => format!(", not running handlers for {host}"),
        Meta::ClearFacts => format!(", not clearing facts and fact cache for {host}"),
        Meta::ClearHostErrors => format!(", not clearing host error state for {host}"),
        Meta::EndHost => format!(", continuing execution for {host}"),
        Meta::EndPlay => ", continuing play".to_owned(),
        Meta::EndBatch => ", continuing current batch".to_owned(),
        Meta::EndRole => format!("continuing role {role} for {host}"),
        _ => String::new(),
    }
}
