//! Work in the background (`async`, `poll`): started on the host, then asked for until it has ended or its time is up.

use super::keywords;
use crate::actions::{ActionResult, Hosts, JobQuery, async_dir, reply_result};
use crate::event::{Cause, Event};
use crate::names::HostName;
use crate::plan::PlannedTask;
use crate::playbook::Templated;
use crate::remote::{RemoteError, Target};
use crate::run::RunContext;
use crate::template::{Templar, TemplateError};
use crate::value::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tightbeam_modules::contract::wire::Job;

/// Seconds between polls where neither task nor settings say otherwise.
const POLL: i64 = 15;

/// `async` and `poll` of a task, rendered.
#[derive(Clone, Debug)]
pub struct Background {
    /// Seconds that the work may take.
    limit: i64,
    /// Seconds between polls; 0: the work is left to itself.
    poll: i64,
    /// Directory of the jobs' files on the host.
    pub dir: String,
}

/// How the host is asked.
pub struct Reach<'a> {
    pub hosts: &'a dyn Hosts,
    pub target: &'a Target,
    pub environment: &'a BTreeMap<String, String>,
}

impl Background {
    /// `None` for a task that is waited for.
    ///
    /// # Errors
    /// When a keyword or the directory cannot be rendered, or a keyword is no number.
    pub fn of(task: &PlannedTask, templar: &Templar, ctx: &RunContext) -> Result<Option<Self>, TemplateError> {
        let number = |keyword: &str, written: &Option<Templated>| -> Result<Option<i64>, TemplateError> {
            let value = keywords::own(keyword, written.as_ref(), templar)?;
            Ok(value.and_then(|v| v.to_string().trim().parse::<f64>().ok()).map(|seconds| seconds as i64))
        };
        let limit = number("async", &task.task.async_)?.unwrap_or(0);
        let poll = number("poll", &task.task.poll)?;
        if limit <= 0 {
            return Ok(None);
        }
        let usual = || ctx.settings.int("DEFAULT_POLL_INTERVAL").unwrap_or(POLL);
        let dir = async_dir(templar, ctx.settings.text("sh.async_dir"))?;
        Ok(Some(Background { limit, poll: poll.unwrap_or_else(usual).max(0), dir }))
    }

    /// A job of its own for each attempt.
    pub fn job(&self) -> Job {
        let number = uuid::Uuid::new_v4().as_u128() % 999_999_999_999;
        Job { id: format!("j{number}"), dir: self.dir.clone(), limit: self.limit.unsigned_abs(), printed: false }
    }

    /// Waits for work that has begun; gives its result, or that of its beginning where nobody waits.
    pub async fn attend(
        &self,
        mut begun: ActionResult,
        host: &HostName,
        reach: &Reach<'_>,
        tell: &(dyn Fn(Event) + Send + Sync),
    ) -> ActionResult {
        // The arguments that `-vvv` shows belong to what the work gave.
        let invocation = begun.data.remove("invocation");
        if self.poll == 0 || begun.is("skipped") || begun.is("failed") || begun.is("unreachable") {
            return begun;
        }
        let Some(job) = begun.data.get("ansible_job_id").map(Value::to_string) else {
            return ActionResult::failed("No job id was returned by the async task");
        };
        let query = JobQuery {
            hosts: reach.hosts,
            target: reach.target,
            environment: reach.environment,
            dir: &self.dir,
            job: &job,
        };
        let result = match self.poll_until_ended(&query, host, tell).await {
            Ok(mut last) if last.is("finished") => {
                // What is left of the job is in the result; a file that stays behind does no harm.
                drop(query.erase(false).await);
                if let Some(invocation) = invocation {
                    last.data.insert("invocation", invocation);
                }
                last
            }
            Ok(last) => {
                let seconds = self.limit;
                let msg = format!("async task did not complete within the requested time - {seconds}s");
                let cause = Cause { message: format!("Action failed: {msg}"), span: None };
                let mut result = ActionResult::default().with("failed", true).with("msg", msg);
                result.data.insert("async_result", last.data);
                result.causes = vec![cause];
                result
            }
            Err(error) => return reply_result(Err(error)),
        };
        tell(Event::AsyncFinished { host: host.clone(), job: Some(job), failed: result.is("failed") });
        result
    }

    /// The last answer. A host that cannot be asked for a while is asked again.
    async fn poll_until_ended(
        &self,
        query: &JobQuery<'_>,
        host: &HostName,
        tell: &(dyn Fn(Event) + Send + Sync),
    ) -> Result<ActionResult, RemoteError> {
        let mut left = self.limit;
        loop {
            tokio::time::sleep(Duration::from_secs(self.poll.unsigned_abs())).await;
            let answer = query.status().await;
            left -= self.poll;
            match answer {
                Ok(result) => {
                    if result.is("finished") || result.is("failed") || result.is("skipped") {
                        return Ok(result);
                    }
                    tell(Event::AsyncPoll {
                        host: host.clone(),
                        job: query.job.to_owned(),
                        started: result.is("started"),
                        finished: false,
                    });
                    if left <= 0 {
                        return Ok(result);
                    }
                }
                Err(error) if left <= 0 => return Err(error),
                Err(_) => query.hosts.reset(query.target).await,
            }
        }
    }
}
