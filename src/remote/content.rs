//! The bytes that travel with a call: blobs that the host may ask for, streams that it may send, and live output.

use sha1::{Digest, Sha1};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tightbeam_modules::contract::Blob;
use tokio::io::AsyncWrite;

/// Where a blob's bytes are.
#[derive(Clone, Debug)]
pub enum Source {
    Bytes(Arc<[u8]>),
    /// Read when the host asks for it, in chunks.
    File(PathBuf),
}

/// Where bytes from the host go.
pub type Sink = Box<dyn AsyncWrite + Send + Unpin>;

/// A listener to a call's live output, one line each.
pub type OnProgress = Arc<dyn Fn(&str) + Send + Sync>;

/// What a call offers and takes besides its arguments.
#[derive(Default)]
pub struct Content {
    pub(super) sources: BTreeMap<u32, Source>,
    pub(super) sinks: BTreeMap<u32, Sink>,
    pub(super) progress: Option<OnProgress>,
    pub(super) sent: Option<Box<dyn FnOnce() + Send>>,
    pub(super) first: Option<Box<dyn FnOnce() -> bool + Send>>,
    next: u32,
}

impl Content {
    pub fn none() -> Self {
        Content::default()
    }
    /// Offers bytes. The result goes into the module's arguments.
    pub fn bytes(&mut self, bytes: impl Into<Arc<[u8]>>) -> Blob {
        let bytes = bytes.into();
        let sha1 = hex::encode(Sha1::digest(&bytes));
        let blob = Blob { id: self.id(), size: bytes.len() as u64, sha1 };
        self.sources.insert(blob.id, Source::Bytes(bytes));
        blob
    }
    /// Offers a file of the controller's. It is read once now, for its size and checksum, and again if the host asks.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn file(&mut self, path: &Path) -> io::Result<Blob> {
        let (size, sha1) = digest(path)?;
        Ok(self.known_file(path, size, sha1))
    }
    /// Offers a file whose size and SHA-1 are known already (one file for many hosts).
    pub fn known_file(&mut self, path: &Path, size: u64, sha1: String) -> Blob {
        let blob = Blob { id: self.id(), size, sha1 };
        self.sources.insert(blob.id, Source::File(path.to_owned()));
        blob
    }
    /// Opens a stream from the host; the number goes into the module's arguments.
    pub fn sink(&mut self, sink: Sink) -> u32 {
        let id = self.id();
        self.sinks.insert(id, sink);
        id
    }
    /// Listens to live output.
    pub fn on_progress(&mut self, listener: OnProgress) {
        self.progress = Some(listener);
    }
    /// Listens to the moment when the request has been sent. `first`: asked whether it may be the first of its queue that the
    /// session gets.
    pub fn on_sent(&mut self, listener: Box<dyn FnOnce() + Send>, first: Box<dyn FnOnce() -> bool + Send>) {
        self.sent = Some(listener);
        self.first = Some(first);
    }
    /// The request has been sent.
    pub fn told_sent(&mut self) {
        if let Some(listener) = self.sent.take() {
            listener();
        }
    }
    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }
}

/// Size and hexadecimal SHA-1 of a file.
fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha1::new();
    let mut buffer = vec![0; 64 << 10];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, hex::encode(hash.finalize()))),
            n => {
                size += n as u64;
                hash.update(&buffer[..n]);
            }
        }
    }
}
