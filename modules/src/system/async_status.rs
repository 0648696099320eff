//! `async_status`: what has become of a job in the background, from its file.
//!
//! What the job's module gave is under `job`; the controller makes the result of it.

use crate::contract::{Arg, Call, Failure, Json, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct AsyncStatus;

#[derive(Deserialize)]
pub struct Args {
    jid: String,
    mode: String,
    _async_dir: PathBuf,
}

pub struct Erase {
    job: String,
    file: PathBuf,
}

impl Erase {
    fn outcome(&self) -> Outcome {
        Outcome::unchanged().with("ansible_job_id", self.job.as_str()).with("erased", self.file.to_string_lossy())
    }
}

impl Module for AsyncStatus {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Imperative,
        examples: r#"
- name: Wait for a job to end
  ansible.builtin.async_status:
    jid: "{{ upgrade.ansible_job_id }}"
  register: job
  until: job is finished
  retries: 100
  delay: 10

- name: Remove the file of a job
  ansible.builtin.async_status:
    jid: "{{ upgrade.ansible_job_id }}"
    mode: cleanup
"#,
        returns: &[
            Return { name: "ansible_job_id", when: "always", doc: "The job." },
            Return { name: "started", when: "always", doc: "Whether it has begun." },
            Return { name: "finished", when: "always", doc: "Whether it has ended." },
            Return { name: "results_file", when: "`mode` is `status`", doc: "The job's file." },
            Return { name: "erased", when: "`mode` is `cleanup`", doc: "The file that was removed." },
        ],
        differs: "In check mode `cleanup` removes nothing.",
        ..ModuleSpec::new(
            "ansible.builtin.async_status",
            "Tells what has become of an asynchronous task.",
            &[
                Arg::str("jid").required().doc("The job: `ansible_job_id` of the task that started it."),
                Arg::str("mode")
                    .choices(&["status", "cleanup"])
                    .default(Literal::Str("status"))
                    .doc("`cleanup` removes the job's file, without waiting for the job's end."),
                Arg::path("_async_dir").default(Literal::Str("~/.ansible_async")),
            ],
        )
    };
    type Args = Args;
    type Work = Erase;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Erase>, Failure> {
        let file = args._async_dir.join(&args.jid);
        let cleanup = args.mode == "cleanup";
        let place = if cleanup { "erased" } else { "results_file" };
        let job = args.jid;
        if host.stat(&file).is_err() {
            return Err(Failure::new("could not find job")
                .with("ansible_job_id", job)
                .with("started", true)
                .with("finished", true)
                .with(place, file.to_string_lossy()));
        }
        if cleanup {
            return Ok(Plan::Work(Erase { job, file }));
        }
        let known = Outcome::unchanged()
            .with("ansible_job_id", job.as_str())
            .with(place, file.to_string_lossy())
            .with("started", true);
        let text = host.read_text(&file).unwrap_or_default();
        let mut data = match serde_json::from_str::<Json>(&text) {
            Ok(Json::Object(data)) => data,
            Ok(other) => {
                return Err(Failure::new(format!("Could not parse job output: {other}"))
                    .with("ansible_job_id", job)
                    .with("results_file", file.to_string_lossy())
                    .with("started", true)
                    .with("finished", true));
            }
            // Not all of it is written yet.
            Err(_) => return Ok(Plan::Done(known.with("finished", false))),
        };
        if !data.contains_key("started") {
            data.insert("finished".to_owned(), true.into());
            data.insert("ansible_job_id".to_owned(), job.into());
        } else if !data.contains_key("finished") {
            data.insert("finished".to_owned(), false.into());
        }
        Ok(Plan::Done(known.with("job", data)))
    }

    fn preview(work: &Erase, _: &Call) -> Outcome {
        work.outcome()
    }

    fn apply(work: Erase, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        host.remove_file(&work.file).map_err(|e| Failure::io(work.file.display(), &e))?;
        Ok(work.outcome())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::once;
    use serde_json::json;

    #[test]
    fn a_job_runs_ends_and_is_cleared_away() {
        let entry = Entry::of::<AsyncStatus>();
        let status = |host: &mut Fake, jid: &str, mode: &str| {
            once(&entry, json!({"jid": jid, "mode": mode, "_async_dir": "~/.ansible_async"}), host)
        };
        let mut host = Fake::new()
            .file("/root/.ansible_async/j1.1", r#"{"started": true, "finished": false, "ansible_job_id": "j1.1"}"#)
            .file("/root/.ansible_async/j2.2", r#"{"changed": true, "rc": 0}"#)
            .file("/root/.ansible_async/j3.3", r#"{"chan"#);
        let running = status(&mut host, "j1.1", "status").expect("it runs");
        assert_eq!(running.values["job"]["finished"], json!(false));
        assert_eq!(running.values["results_file"], json!("/root/.ansible_async/j1.1"));
        let ended = status(&mut host, "j2.2", "status").expect("it has ended");
        assert_eq!(ended.values["job"], json!({"changed": true, "rc": 0, "finished": true, "ansible_job_id": "j2.2"}));
        let half = status(&mut host, "j3.3", "status").expect("half written");
        assert_eq!((&half.values["finished"], half.values.get("job")), (&json!(false), None));
        let erased = status(&mut host, "j2.2", "cleanup").expect("cleared away");
        assert_eq!(erased.values["erased"], json!("/root/.ansible_async/j2.2"));
        let gone = status(&mut host, "j2.2", "status").expect_err("it is not there");
        assert_eq!((gone.msg.as_str(), &gone.values["finished"]), ("could not find job", &json!(true)));
    }
}
