//! The circumstances of one call of a module: modes, environment, and the content that the controller offers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// How a module is called. It never says on which host: the module sees only the host it runs on.
pub struct Call<'a> {
    pub check: bool,
    pub diff: bool,
    pub verbosity: u8,
    /// `environment:` of the task; every process that the module starts gets it.
    pub environment: BTreeMap<String, String>,
    pub blobs: &'a dyn Blobs,
}

/// A reference, inside a request's arguments, to content that the controller holds (`copy`'s file, a script). The host asks
/// for the bytes only if it needs them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    pub id: u32,
    /// Size in bytes.
    pub size: u64,
    /// Hexadecimal SHA-1 of the content: what Ansible reports as `checksum`.
    pub sha1: String,
}

/// A stream of one blob's bytes.
pub type BlobReader<'a> = Box<dyn Read + 'a>;

/// Where a module gets the bytes of a [`Blob`], and where it sends bytes to the controller (`fetch`).
pub trait Blobs {
    /// The bytes of blob `id`, streamed from the controller in bounded memory.
    fn open(&self, id: u32) -> io::Result<BlobReader<'_>>;
    /// Streams bytes to the controller under stream number `id`, chosen by the controller in the arguments.
    fn send(&self, id: u32, content: &mut dyn Read) -> io::Result<u64>;
    /// Sends a line of live output to the controller. Results do not depend on it.
    fn progress(&self, line: &str);
}

/// For calls that carry no content.
pub struct NoBlobs;

impl Blobs for NoBlobs {
    fn open(&self, id: u32) -> io::Result<BlobReader<'_>> {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("no blob {id} in this call")))
    }
    fn send(&self, id: u32, _: &mut dyn Read) -> io::Result<u64> {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("no stream {id} in this call")))
    }
    fn progress(&self, _: &str) {}
}
