//! The wire format between controller and helper. `PROTOCOL.md` tells it field by field.
//!
//! A frame is: payload length (u32, big endian), kind (u8), request number (u32, big endian), payload. Requests of one
//! session run side by side; frames of different requests may interleave, those of one request keep their order.

use super::{Failure, Json, JsonMap, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Raised with every change of the format; the helper's file name on the host carries its own digest besides.
pub const VERSION: u32 = 1;
/// Longest payload of one frame in bytes.
pub const MAX_FRAME: usize = 64 << 20;
/// Size of the chunks in which content travels, in bytes.
pub const CHUNK: usize = 64 << 10;
/// Most bytes of one blob that are asked for and not yet used.
pub const WINDOW: u64 = 4 << 20;
/// Bytes of a frame before its payload.
pub const HEADER: usize = 9;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// helper → controller, once: [`Hello`] as JSON, request number 0.
    Hello = 0,
    /// controller → helper: [`Request`] as JSON.
    Request = 1,
    /// helper → controller: [`Reply`] as JSON; the last frame of a request.
    Reply = 2,
    /// helper → controller: [`Want`] as JSON: send me this part of a blob. Answered with [`FrameKind::Chunk`]s, in order.
    Want = 3,
    /// both ways: blob number (u32, big endian) and at most [`CHUNK`] bytes; no bytes = end of the blob.
    Chunk = 4,
    /// helper → controller: one line of live output, UTF-8.
    Progress = 5,
    /// controller → helper: end the processes of this request.
    Cancel = 6,
    /// both ways: a blob cannot be sent any more (blob number, then a UTF-8 reason).
    Broken = 7,
}

impl FrameKind {
    pub fn from_byte(byte: u8) -> Option<Self> {
        use FrameKind::*;
        [Hello, Request, Reply, Want, Chunk, Progress, Cancel, Broken].into_iter().find(|k| *k as u8 == byte)
    }
}

/// The first frame of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub pid: u32,
    /// Effective user id the helper runs as.
    pub uid: u32,
}

/// One call of a module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Fully qualified module name.
    pub module: String,
    /// Validated arguments.
    pub args: JsonMap,
    #[serde(default)]
    pub check: bool,
    #[serde(default)]
    pub diff: bool,
    #[serde(default)]
    pub verbosity: u8,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Small blobs travel with the request, Base64: number → content. Others are asked for with [`Want`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inline: BTreeMap<u32, String>,
    /// Present: lines of programs are told as they come, once a program has run for so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<u32>,
    /// Present: the work outlives the session; it is started, and the answer tells its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Present: it waits for those that came before it in its queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
}

/// A request's place among those that are sent before the answers of earlier ones are known. Requests of one queue run one
/// after the other, in the order in which they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub id: u32,
    /// Requests of one task (items of its loop) have the same number.
    pub task: u32,
    /// When this request fails, requests of other tasks behind it are [`Reply::Passed`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stops: bool,
}

/// Work in the background (`async`). All its blobs are inline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The job's name without the process id that the host adds: `j123456789012`.
    pub id: String,
    /// Directory for the job's file; a leading `~` is the user's home on the host.
    pub dir: String,
    /// Seconds after which the work is ended.
    pub limit: u64,
    /// The module is a program: what it prints is the result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub printed: bool,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Outcome(Outcome),
    Failure(Failure),
    /// The helper's own fault: an unknown module, a bad frame, a panic in a module.
    Fault(String),
    /// Not run: a request of another task, before it in its queue, failed.
    Passed,
}

impl Reply {
    /// Whether the task has failed with it, as long as no condition of the task says otherwise.
    pub fn is_failure(&self) -> bool {
        let Reply::Outcome(outcome) = self else { return *self != Reply::Passed };
        match (outcome.values.get("failed"), outcome.values.get("rc")) {
            (Some(failed), _) => !matches!(failed, Json::Null | Json::Bool(false)),
            (None, Some(rc)) => rc.as_i64() != Some(0) && rc.as_str() != Some("0"),
            (None, None) => false,
        }
    }
}

/// Asks for the bytes `offset .. offset + length` of a blob. The helper asks for as much as it is willing to hold
/// ([`WINDOW`] bytes at most are on their way at any time), so a slow disk on the host holds up the sender of this blob and
/// nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    pub blob: u32,
    /// Bytes from the blob's start; a multiple of what was asked for before.
    pub offset: u64,
    /// Bytes. Where the blob ends within or exactly at the end of this part, an empty chunk follows its last bytes.
    pub length: u64,
}

/// Builds one frame.
pub fn frame(kind: FrameKind, request: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + payload.len());
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.push(kind as u8);
    out.extend_from_slice(&request.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// Reads a frame's header: (payload length, kind, request number).
///
/// # Errors
/// An unknown kind or a length over [`MAX_FRAME`], in words.
pub fn header(bytes: [u8; HEADER]) -> Result<(usize, FrameKind, u32), String> {
    let len = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let kind = FrameKind::from_byte(bytes[4]).ok_or_else(|| format!("unknown frame kind {}", bytes[4]))?;
    if len > MAX_FRAME {
        return Err(format!("a frame of {len} bytes is over the limit of {MAX_FRAME}"));
    }
    Ok((len, kind, u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]])))
}
