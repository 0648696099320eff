//! Content between a module and the controller: windows of a blob on their way in, streams on their way out.

use super::{Writer, lock};
use crate::contract::wire::{CHUNK, FrameKind, WINDOW, Want};
use crate::contract::{BlobReader, Blobs, NoBlobs};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

/// What arrives for one blob.
pub(super) enum Part {
    Bytes(Vec<u8>),
    End,
    Broken(String),
}

/// The blobs that a request reads: number → where its parts go.
pub(super) type Streams = Arc<Mutex<BTreeMap<u32, SyncSender<Part>>>>;

/// Half of the window is asked for anew whenever half of it was used.
const HALF: u64 = WINDOW / 2;

fn decoded(inline: &BTreeMap<u32, String>) -> Result<BTreeMap<u32, Vec<u8>>, String> {
    let decode = |(id, text): (&u32, &String)| match BASE64_STANDARD.decode(text) {
        Ok(bytes) => Ok((*id, bytes)),
        Err(e) => Err(format!("inline blob {id}: {e}")),
    };
    inline.iter().map(decode).collect()
}

/// What a request without a session brings along.
pub(super) struct InlineBlobs(BTreeMap<u32, Vec<u8>>);

impl InlineBlobs {
    /// # Errors
    /// A blob is not Base64.
    pub(super) fn new(inline: &BTreeMap<u32, String>) -> Result<Self, String> {
        decoded(inline).map(InlineBlobs)
    }
}

impl Blobs for InlineBlobs {
    fn open(&self, id: u32) -> io::Result<BlobReader<'_>> {
        match self.0.get(&id) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => NoBlobs.open(id),
        }
    }
    fn send(&self, id: u32, content: &mut dyn Read) -> io::Result<u64> {
        NoBlobs.send(id, content)
    }
    fn progress(&self, _: &str) {}
}

pub(super) struct RequestBlobs {
    request: u32,
    writer: Writer,
    streams: Streams,
    inline: BTreeMap<u32, Vec<u8>>,
}

impl RequestBlobs {
    /// # Errors
    /// An inline blob is not Base64.
    pub(super) fn new(
        request: u32,
        writer: Writer,
        streams: Streams,
        inline: &BTreeMap<u32, String>,
    ) -> Result<Self, String> {
        Ok(RequestBlobs { request, writer, streams, inline: decoded(inline)? })
    }

    fn chunk(&self, kind: FrameKind, id: u32, bytes: &[u8]) -> io::Result<()> {
        let mut payload = id.to_be_bytes().to_vec();
        payload.extend_from_slice(bytes);
        self.writer.send(kind, self.request, &payload)
    }
}

impl Blobs for RequestBlobs {
    fn open(&self, id: u32) -> io::Result<BlobReader<'_>> {
        if let Some(bytes) = self.inline.get(&id) {
            return Ok(Box::new(bytes.as_slice()));
        }
        // Room for a full window, its end marks and a reason why it broke.
        let (sender, parts) = sync_channel(WINDOW as usize / CHUNK + 8);
        if lock(&self.streams).insert(id, sender).is_some() {
            return Err(io::Error::other(format!("blob {id} is being read already")));
        }
        let stream =
            BlobStream { blobs: self, id, parts, asked: 0, arrived: 0, buffer: Vec::new(), used: 0, ended: false };
        Ok(Box::new(stream))
    }

    fn send(&self, id: u32, content: &mut dyn Read) -> io::Result<u64> {
        let mut buffer = vec![0; CHUNK];
        let mut sent = 0;
        loop {
            match content.read(&mut buffer) {
                Ok(0) => {
                    self.chunk(FrameKind::Chunk, id, &[])?;
                    return Ok(sent);
                }
                Ok(n) => {
                    self.chunk(FrameKind::Chunk, id, &buffer[..n])?;
                    sent += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.chunk(FrameKind::Broken, id, e.to_string().as_bytes())?;
                    return Err(e);
                }
            }
        }
    }

    fn progress(&self, line: &str) {
        let _ = self.writer.send(FrameKind::Progress, self.request, line.as_bytes());
    }
}

struct BlobStream<'a> {
    blobs: &'a RequestBlobs,
    id: u32,
    parts: Receiver<Part>,
    /// Bytes asked for and bytes arrived, from the blob's start.
    asked: u64,
    arrived: u64,
    buffer: Vec<u8>,
    used: usize,
    ended: bool,
}

impl Read for BlobStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.used == self.buffer.len() && !self.ended {
            while self.asked < self.arrived + WINDOW - HALF + 1 {
                let want = Want { blob: self.id, offset: self.asked, length: HALF };
                let payload = serde_json::to_vec(&want).map_err(io::Error::other)?;
                self.blobs.writer.send(FrameKind::Want, self.blobs.request, &payload)?;
                self.asked += HALF;
            }
            match self.parts.recv() {
                Ok(Part::Bytes(bytes)) => {
                    self.arrived += bytes.len() as u64;
                    (self.buffer, self.used) = (bytes, 0);
                }
                Ok(Part::End) => self.ended = true,
                Ok(Part::Broken(reason)) => return Err(io::Error::other(reason)),
                Err(_) => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the content broke off")),
            }
        }
        let n = into.len().min(self.buffer.len() - self.used);
        into[..n].copy_from_slice(&self.buffer[self.used..self.used + n]);
        self.used += n;
        Ok(n)
    }
}

impl Drop for BlobStream<'_> {
    fn drop(&mut self) {
        lock(&self.blobs.streams).remove(&self.id);
    }
}
