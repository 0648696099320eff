//! `async_status`: what has become of work in the background; also what polls of a task's own work ask.

use super::{ActionCall, ActionResult, Hosts, module, printed_result, reply_result, shared, text};
use crate::remote::{Content, RemoteError, Target};
use crate::template::{Templar, TemplateError};
use crate::value::{Map, Value};
use std::collections::BTreeMap;
use tightbeam_modules::contract::wire::Request;
use tightbeam_modules::contract::{JsonMap, validate};

const MODULE: &str = "ansible.builtin.async_status";

/// The directory for the files of background work on the host: the variable, else the setting.
///
/// # Errors
/// When the variable cannot be rendered.
pub fn async_dir(templar: &Templar, setting: &str) -> Result<String, TemplateError> {
    let named = templar.variable("ansible_async_dir")?.filter(|v| !v.is_null() && !v.is_omit());
    Ok(named.map_or_else(|| setting.to_owned(), |v| v.to_string()))
}

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let dir = match async_dir(call.templar, call.async_dir) {
        Ok(dir) => dir,
        Err(e) => return shared::template_failure(&e),
    };
    let args = match module::validated(&super::specs::ASYNC_STATUS, call.args.to_json()) {
        Ok(args) => args,
        Err(result) => return shared::told(result, ""),
    };
    let args: Map = args.into();
    let query = JobQuery {
        hosts: call.hosts,
        target: call.target,
        environment: &call.environment,
        dir: &dir,
        job: text(&args, "jid").unwrap_or_default(),
    };
    let answer = match text(&args, "mode") {
        Some("cleanup") => query.erase(call.check).await,
        _ => query.status().await,
    };
    answer.unwrap_or_else(|e| reply_result(Err(e)))
}

/// Asks a host about one job.
pub struct JobQuery<'a> {
    pub hosts: &'a dyn Hosts,
    pub target: &'a Target,
    pub environment: &'a BTreeMap<String, String>,
    pub dir: &'a str,
    pub job: &'a str,
}

impl JobQuery<'_> {
    /// Whether it has ended, and with what.
    ///
    /// # Errors
    /// The host cannot be asked.
    pub async fn status(&self) -> Result<ActionResult, RemoteError> {
        self.ask("status", false).await
    }

    /// Removes the job's file.
    ///
    /// # Errors
    /// The host cannot be asked.
    pub async fn erase(&self, check: bool) -> Result<ActionResult, RemoteError> {
        self.ask("cleanup", check).await
    }

    async fn ask(&self, mode: &str, check: bool) -> Result<ActionResult, RemoteError> {
        let given = [("jid", self.job), ("mode", mode), ("_async_dir", self.dir)];
        let given: JsonMap = given.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        let spec = tightbeam_modules::catalogue::find(MODULE).map(|entry| entry.spec);
        let Some(Ok(args)) = spec.map(|spec| validate(spec, given)) else {
            return Ok(ActionResult::failed("the helper has no module `async_status`"));
        };
        let environment = self.environment.clone();
        let request = Request { module: MODULE.to_owned(), args, check, environment, ..Request::default() };
        let answer = reply_result(Ok(self.hosts.call(self.target, request, Content::none()).await?));
        Ok(self.result(answer))
    }

    /// What the job's module gave, over what is known of the job.
    fn result(&self, answer: ActionResult) -> ActionResult {
        let empty = || Value::from(Vec::<Value>::new());
        let mut known = Map::new();
        known.insert("started", false);
        known.insert("finished", false);
        for (stream, lines) in [("stdout", "stdout_lines"), ("stderr", "stderr_lines")] {
            known.insert(stream, "");
            known.insert(lines, empty());
        }
        known.insert("ansible_job_id", self.job);
        let mut answer = answer;
        let job = match answer.data.remove("job") {
            Some(Value::Map(data)) => Some((*data).clone()),
            _ => None,
        };
        if !answer.is("failed") {
            // Whether the job changed something is for its own result to say.
            answer.data.remove("changed");
        }
        known.extend(answer.data);
        let mut result = ActionResult { warnings: answer.warnings, ..ActionResult::default() };
        if let Some(job) = job {
            let job = printed_result(job);
            known.extend(job.data);
            result.effects = job.effects;
            result.warnings.extend(job.warnings);
            result.deprecations = job.deprecations;
        }
        for key in ["started", "finished"] {
            let truth = known.get(key).is_some_and(Value::truthy);
            known.insert(key, truth);
        }
        result.data = known;
        if result.is("failed") { shared::told(result, "Module failed: ") } else { result }
    }
}
