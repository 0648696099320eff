//! `meta` tasks: the dispatcher's own actions.

use super::batch::Batch;
use super::condition;
use super::cursor::End;
use super::dispatcher::{Run, Stop};
use super::scope::{self, TaskFrame};
use crate::event::TaskStatus;
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
                let skipped = !task.implicit && !self.holds(batch, task, host)?;
                self.meta_on(batch, meta, task, host, skipped).await?;
            }
            batch.refresh_view();
            return Ok(());
        }
        // The others happen once, for all, if the first host's condition holds.
        let holds = self.holds(batch, task, &hosts[0])?;
        for host in hosts {
            if let Some(run) = batch.host(host) {
                run.cursor.advance();
            }
        }
        if !holds {
            return Ok(());
        }
        match meta {
            Meta::RefreshInventory => {
                self.roster.refresh()?;
                self.renew_hosts(batch);
            }
            Meta::ClearFacts => {
                batch.hosts.keys().for_each(|host| self.ctx.book.clear_facts(host));
            }
            Meta::ClearHostErrors => {
                for host in batch.hosts.keys() {
                    self.failed.shift_remove(host);
                    self.unreachable.shift_remove(host);
                }
                batch.failed.clear();
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

    fn holds(&self, batch: &Batch, task: &PlannedTask, host: &HostName) -> Result<bool, Stop> {
        if task.keywords.when.is_empty() {
            return Ok(true);
        }
        let templar = scope::templar(&self.ctx, &batch.view, Some(host), &TaskFrame::of(task))?;
        Ok(condition::all_hold(&task.keywords.when, &templar)?.is_ok())
    }

    async fn meta_on(
        &mut self,
        batch: &mut Batch,
        meta: Meta,
        task: &Arc<PlannedTask>,
        host: &HostName,
        skipped: bool,
    ) -> Result<(), Stop> {
        if !task.implicit && skipped {
            self.stat(host).count(TaskStatus::Skipped, false, false);
        }
        let Some(run) = batch.hosts.get_mut(host) else { return Ok(()) };
        match meta {
            Meta::FlushHandlers if !skipped => {
                let names: IndexSet<String> = std::mem::take(&mut run.notified);
                let ranks = names.iter().flat_map(|n| batch.handlers.find(n)).collect();
                run.cursor.handlers(batch.handlers.tasks(ranks));
            }
            Meta::EndHost if !skipped => run.cursor.stop(End::Stopped),
            Meta::EndRole if !skipped => {
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
            Meta::ResetConnection if !skipped => {
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
        if task.implicit {
            return false;
        }
        if tags::is_start(task, wanted) {
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
        let answer = self.ctx.ask.line(&prompt, true, None).await.unwrap_or_default();
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
