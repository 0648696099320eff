//! Work in the background (`async`): a process of its own that outlives the session, and the file that tells of it. The file
//! and its name are as ansible-core's, so that its `async_status` reads it too.

use super::blobs::InlineBlobs;
use super::{Find, perform};
use crate::contract::wire::{Job, Reply, Request};
use crate::contract::{Failure, Json, JsonMap, Outcome, printed};
use crate::host::real::{Cancel, Real, Session, detach};
use crate::host::{Change, Observe, WriteOptions, expand_path};
use serde_json::json;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::Duration;

/// The helper's argument that makes it the process of one job.
pub const ARGUMENT: &str = "job";

/// How long work that was ended has to clear up behind it.
const LAST_STEPS: Duration = Duration::from_secs(1);

/// Starts the process of a job; answers once its file is there.
pub(super) fn launch(request: &Request) -> Reply {
    let started = serde_json::to_vec(request).map_err(io::Error::other).and_then(|bytes| detach(ARGUMENT, &bytes));
    match started {
        Ok(line) => serde_json::from_str(&line)
            .unwrap_or_else(|_| Reply::Failure(Failure::new("the background process ended before it began its work"))),
        Err(e) => Reply::Failure(Failure::io("could not start the background process", &e)),
    }
}

/// The process of one job: reads the request, makes the job's file, answers in one line, works, writes the result.
pub fn run(find: Find, input: &mut dyn Read, output: &mut dyn Write) -> ExitCode {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let (request, job, file) = match begin(input) {
        Ok(begun) => begun,
        Err(failure) => {
            let _ = tell(output, &Reply::Failure(failure));
            return ExitCode::FAILURE;
        }
    };
    let outcome = Outcome::changed(true)
        .with("started", true)
        .with("finished", false)
        .with("ansible_job_id", file.name.as_str())
        .with("results_file", file.path.to_string_lossy());
    // The session may be gone already: the work does not need it.
    let _ = tell(output, &Reply::Outcome(outcome));
    let result = work(find, request, &job, &file.name);
    match file.write(&result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn tell(output: &mut dyn Write, reply: &Reply) -> io::Result<()> {
    let line = serde_json::to_string(reply).map_err(io::Error::other)?;
    writeln!(output, "{line}")?;
    output.flush()
}

fn begin(input: &mut dyn Read) -> Result<(Request, Job, JobFile), Failure> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|e| Failure::io("the request did not arrive", &e))?;
    let request: Request = serde_json::from_slice(&bytes).map_err(|e| Failure::new(format!("not a request: {e}")))?;
    let job = request.job.clone().ok_or_else(|| Failure::new("not a request for background work"))?;
    let file = JobFile::create(&job)?;
    Ok((request, job, file))
}

/// The file of a job.
struct JobFile {
    name: String,
    path: PathBuf,
}

impl JobFile {
    fn create(job: &Job) -> Result<Self, Failure> {
        let mut host = Real::default();
        let dir = PathBuf::from(expand_path(&host, &job.dir));
        let failed = |e: io::Error| {
            let reason = crate::contract::python_error(&e);
            Failure::new(format!("could not create directory: {} - {reason}", dir.display()))
        };
        create_dirs(&mut host, &dir).map_err(failed)?;
        let name = format!("{}.{}", job.id, std::process::id());
        let file = JobFile { path: dir.join(&name), name };
        let state = json!({"started": true, "finished": false, "ansible_job_id": file.name});
        file.write(&state).map_err(|e| Failure::io(file.path.display(), &e))?;
        Ok(file)
    }

    /// Replaces the content at once; nobody else may read it.
    fn write(&self, content: &Json) -> io::Result<()> {
        let options = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
        Real::default().write(&self.path, &mut content.to_string().as_bytes(), &options)
    }
}

fn create_dirs(host: &mut Real, dir: &Path) -> io::Result<()> {
    if host.is_dir(dir) {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        create_dirs(host, parent)?;
    }
    match host.create_dir(dir, 0o700) {
        // Another job was quicker.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && host.is_dir(dir) => Ok(()),
        answer => answer,
    }
}

/// Runs the module until it ends or its time is up; gives what the job's file is to hold.
fn work(find: Find, request: Request, job: &Job, name: &str) -> Json {
    let Some(entry) = find(&request.module) else {
        return failed(name, &format!("this helper has no module {}", request.module));
    };
    let blobs = match InlineBlobs::new(&request.inline) {
        Ok(blobs) => blobs,
        Err(e) => return failed(name, &format!("not a request: {e}")),
    };
    let cancel = Cancel::default();
    let session = Session { cancel: cancel.clone(), ..Session::default() };
    let (module, printed) = (request.module.clone(), job.printed);
    let (sender, receiver) = channel();
    let working = std::thread::Builder::new().name("work".to_owned()).spawn(move || {
        let _ = sender.send(perform(entry, request, &blobs, session));
    });
    if let Err(e) = working {
        return failed(name, &format!("no thread for the work: {e}"));
    }
    match receiver.recv_timeout(Duration::from_secs(job.limit)) {
        Ok(reply) => result(reply, &module, printed, name),
        Err(_) => {
            cancel.kill();
            // As ansible-core: who waits that long for the result is told of its own limit first.
            std::thread::sleep(LAST_STEPS);
            json!({"msg": "Timeout exceeded", "failed": true, "child_pid": std::process::id()})
        }
    }
}

fn failed(name: &str, msg: &str) -> Json {
    json!({"failed": true, "msg": msg, "ansible_job_id": name})
}

/// What a module of Ansible would have printed.
fn result(reply: Reply, module: &str, is_printed: bool, name: &str) -> Json {
    match reply {
        Reply::Outcome(outcome) if is_printed => printed_result(&outcome, name).into(),
        Reply::Outcome(outcome) => outcome.into_printed(module).into(),
        Reply::Failure(failure) => failure.into_printed(module).into(),
        Reply::Fault(text) => failed(name, &text),
        Reply::Passed => failed(name, "it was not run"),
    }
}

/// The result that a program printed.
fn printed_result(run: &Outcome, name: &str) -> JsonMap {
    let text = |key: &str| run.values.get(key).and_then(Json::as_str).unwrap_or_default();
    let (stdout, stderr) = (text("stdout"), text("stderr"));
    let (mut data, junk) = match printed(stdout) {
        Ok(parts) => parts,
        Err(why) => {
            return JsonMap::from_iter(
                [("failed", true.into()), ("msg", why.into()), ("data", stdout.into()), ("stderr", stderr.into())]
                    .into_iter()
                    .chain([("ansible_job_id", name.into())])
                    .map(|(key, value): (&str, Json)| (key.to_owned(), value)),
            );
        }
    };
    if let Some(junk) = junk {
        let warning = Json::from(format!("Module invocation had junk after the JSON data: {junk}"));
        let mut warnings = match data.remove("warnings") {
            Some(Json::Array(warnings)) => warnings,
            other => other.into_iter().collect(),
        };
        warnings.push(warning);
        data.insert("warnings".to_owned(), warnings.into());
    }
    if !stderr.is_empty() {
        data.insert("stderr".to_owned(), stderr.into());
    }
    data
}
