//! The helper's loop: frames in, modules run side by side, frames out. A library function, so that tests can drive it.

mod blobs;
pub mod job;
mod queue;
#[cfg(test)]
mod tests;

use crate::contract::wire::{FrameKind, HEADER, Hello, MAX_FRAME, Reply, Request, VERSION, frame, header};
use crate::contract::{Blobs, Call, Entry, Failure};
use crate::host::real::{Cancel, Live, Real, Session};
use blobs::{Part, RequestBlobs, Streams};
use queue::{Queues, Work};
use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From the end of the input to the end of the helper: running processes get SIGTERM, and SIGKILL near its end.
const FAREWELL: Duration = Duration::from_millis(2500);

/// Finds a module by its fully qualified name.
pub type Find = fn(&str) -> Option<&'static Entry>;

/// What runs: request number → how to reach it.
type Running = Arc<Mutex<BTreeMap<u32, Handle>>>;

struct Handle {
    cancel: Cancel,
    streams: Streams,
}

/// The one way out. Frames are written whole.
#[derive(Clone)]
struct Writer(Arc<Mutex<Box<dyn Write + Send>>>);

impl Writer {
    fn send(&self, kind: FrameKind, request: u32, payload: &[u8]) -> io::Result<()> {
        let bytes = frame(kind, request, payload);
        let mut out = lock(&self.0);
        out.write_all(&bytes)?;
        out.flush()
    }

    /// Sends a reply; one that is too long to be sent becomes a failure that says so.
    fn reply(&self, request: u32, reply: &Reply) -> io::Result<()> {
        let mut payload = serde_json::to_vec(reply).map_err(io::Error::other)?;
        if payload.len() > MAX_FRAME {
            let msg = format!(
                "the result is {} bytes long, over the limit of {MAX_FRAME}: make the task return less",
                payload.len()
            );
            payload = serde_json::to_vec(&Reply::Failure(Failure::new(msg))).map_err(io::Error::other)?;
        }
        self.send(FrameKind::Reply, request, &payload)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes panics quiet and remembers where they were, for the [`Reply::Fault`]. For the helper's `main`.
pub fn remember_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        LAST_PANIC.set(Some(format!("{}{place}", panic_text(info.payload()))));
    }));
}

fn panic_text(payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Serves requests until the input ends; then ends what still runs.
///
/// # Errors
/// The output is closed, or the input is not the protocol.
pub fn serve(find: Find, input: &mut dyn Read, output: Box<dyn Write + Send>) -> io::Result<()> {
    let writer = Writer(Arc::new(Mutex::new(output)));
    let hello = Hello { version: VERSION, pid: std::process::id(), uid: rustix::process::geteuid().as_raw() };
    writer.send(FrameKind::Hello, 0, &serde_json::to_vec(&hello).map_err(io::Error::other)?)?;
    let running = Running::default();
    let end = read_frames(find, input, &writer, &running, &Queues::default());
    farewell(&running);
    end
}

fn read_frames(
    find: Find,
    input: &mut dyn Read,
    writer: &Writer,
    running: &Running,
    queues: &Queues,
) -> io::Result<()> {
    loop {
        let mut head = [0; HEADER];
        match input.read_exact(&mut head) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            answer => answer?,
        }
        let (len, kind, request) = header(head).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let mut payload = vec![0; len];
        match input.read_exact(&mut payload) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            answer => answer?,
        }
        match kind {
            FrameKind::Request => start(find, request, &payload, writer, running, queues)?,
            FrameKind::Chunk | FrameKind::Broken => route(kind, request, payload, running),
            FrameKind::Cancel => {
                if let Some(handle) = lock(running).get(&request) {
                    handle.cancel.cancel();
                    lock(&handle.streams).clear();
                }
            }
            FrameKind::Hello | FrameKind::Reply | FrameKind::Want | FrameKind::Progress => {
                let fault = Reply::Fault(format!("the helper does not take frames of kind {kind:?}"));
                writer.reply(request, &fault)?;
            }
        }
    }
}

/// Hands content to the request that asked for it. What nobody waits for any more is dropped.
fn route(kind: FrameKind, request: u32, payload: Vec<u8>, running: &Running) {
    let Some((number, bytes)) = payload.split_at_checked(4) else { return };
    let number = u32::from_be_bytes([number[0], number[1], number[2], number[3]]);
    let running = lock(running);
    let Some(handle) = running.get(&request) else { return };
    let mut streams = lock(&handle.streams);
    let part = match kind {
        FrameKind::Broken => Part::Broken(String::from_utf8_lossy(bytes).into_owned()),
        _ if bytes.is_empty() => Part::End,
        _ => Part::Bytes(bytes.to_vec()),
    };
    // A sender that ignores the window loses its stream; the reader sees it broken.
    if let Some(sender) = streams.get(&number)
        && sender.try_send(part).is_err()
    {
        streams.remove(&number);
    }
}

fn start(
    find: Find,
    number: u32,
    payload: &[u8],
    writer: &Writer,
    running: &Running,
    queues: &Queues,
) -> io::Result<()> {
    let request: Request = match serde_json::from_slice(payload) {
        Ok(request) => request,
        Err(e) => return writer.reply(number, &Reply::Fault(format!("not a request: {e}"))),
    };
    let entry = find(&request.module);
    if entry.is_none() && request.queue.is_none() {
        return writer.reply(number, &unknown(&request.module));
    }
    let (cancel, streams) = (Cancel::default(), Streams::default());
    let handle = Handle { cancel: cancel.clone(), streams: Arc::clone(&streams) };
    if lock(running).insert(number, handle).is_some() {
        return writer.reply(number, &Reply::Fault(format!("request {number} is running already")));
    }
    let (out, all, place) = (writer.clone(), Arc::clone(running), request.queue);
    let work: Work = Box::new(move |passed| {
        let reply = match entry {
            _ if passed => Reply::Passed,
            _ if cancel.is_cancelled() => Reply::Fault("cancelled before its turn came".to_owned()),
            None => unknown(&request.module),
            Some(_) if request.job.is_some() => job::launch(&request),
            Some(entry) => answer(entry, request, number, &out, cancel, streams),
        };
        lock(&all).remove(&number);
        // A closed output means that the controller is gone: the end of the input tells the main loop.
        let _ = out.reply(number, &reply);
        reply.is_failure()
    });
    let thread = std::thread::Builder::new().name(format!("request {number}"));
    let started = match place {
        None => thread.spawn(move || work(false)).map(drop),
        Some(place) => match queues.enter(place, work) {
            // Whoever runs what is before it goes on with it.
            None => return Ok(()),
            Some(first) => {
                let queues = queues.clone();
                thread.spawn(move || queues.work_off(place, first)).map(drop)
            }
        },
    };
    if let Err(e) = started {
        lock(running).remove(&number);
        place.into_iter().for_each(|place| queues.abandon(place));
        writer.reply(number, &Reply::Fault(format!("no thread for the request: {e}")))?;
    }
    Ok(())
}

fn unknown(module: &str) -> Reply {
    Reply::Fault(format!("this helper has no module {module}"))
}

/// Runs one request of the session to its reply.
fn answer(entry: &Entry, request: Request, number: u32, out: &Writer, cancel: Cancel, streams: Streams) -> Reply {
    let blobs = match RequestBlobs::new(number, out.clone(), streams, &request.inline) {
        Ok(blobs) => blobs,
        Err(e) => return Reply::Fault(format!("not a request: {e}")),
    };
    let lines = out.clone();
    let tell = move |line: &str| drop(lines.send(FrameKind::Progress, number, line.as_bytes()));
    let live = request.live.map(|after| Live { after: Duration::from_millis(after.into()), tell: Arc::new(tell) });
    perform(entry, request, &blobs, Session { cancel, live, ..Session::default() })
}

/// Runs a module. A panic ends the request, not the process.
fn perform(entry: &Entry, request: Request, blobs: &dyn Blobs, session: Session) -> Reply {
    let mut host = Real::new(Session { environment: request.environment.clone(), ..session });
    let call = Call {
        check: request.check,
        diff: request.diff,
        verbosity: request.verbosity,
        environment: request.environment,
        blobs,
    };
    match catch_unwind(AssertUnwindSafe(|| (entry.run)(request.args, &mut host, &call))) {
        Ok(Ok(outcome)) => Reply::Outcome(outcome),
        Ok(Err(failure)) => Reply::Failure(failure),
        Err(payload) => {
            let text = LAST_PANIC.take().unwrap_or_else(|| panic_text(payload.as_ref()));
            Reply::Fault(format!("bug: module {} panicked: {text}", entry.spec.name))
        }
    }
}

/// Ends what runs and waits for it, for a bounded time.
fn farewell(running: &Running) {
    let until = Instant::now() + FAREWELL;
    for handle in lock(running).values() {
        handle.cancel.cancel();
        lock(&handle.streams).clear();
    }
    while !lock(running).is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    lock(running).values().for_each(|handle| handle.cancel.kill());
}
