//! The helper binaries that this controller can push: the one built into it, and those of `TIGHTBEAM_HELPERS_DIR`.

use crate::remote::RemoteError;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/helper.gz"));
/// What `uname -m` prints where the embedded helper runs.
const EMBEDDED_ARCH: &str = env!("TIGHTBEAM_HELPER_ARCH");

const EMBEDDED_DIGEST: &str = env!("TIGHTBEAM_HELPER_DIGEST");
const EMBEDDED_SIZE: &str = env!("TIGHTBEAM_HELPER_SIZE");

/// One helper binary.
pub(crate) struct Helper {
    pub arch: String,
    pub gz: Bytes,
    /// Bytes of the helper itself.
    pub size: usize,
    /// Hexadecimal SHA-256 of the helper itself.
    pub digest: String,
    raw: OnceLock<Bytes>,
}

impl Helper {
    pub(crate) fn from_raw(arch: &str, raw: Vec<u8>) -> io::Result<Self> {
        let mut gz = Vec::new();
        GzEncoder::new(raw.as_slice(), Compression::default()).read_to_end(&mut gz)?;
        let digest = hex::encode(Sha256::digest(&raw));
        Ok(Helper {
            arch: arch.to_owned(),
            gz: gz.into(),
            size: raw.len(),
            digest,
            raw: OnceLock::from(Bytes::from(raw)),
        })
    }

    fn embedded() -> Option<Self> {
        Some(Helper {
            arch: EMBEDDED_ARCH.to_owned(),
            gz: Bytes::from_static(EMBEDDED),
            size: EMBEDDED_SIZE.parse().ok().filter(|size| *size > 0)?,
            digest: EMBEDDED_DIGEST.to_owned(),
            raw: OnceLock::new(),
        })
    }

    /// The helper uncompressed, for hosts without gzip.
    pub(crate) fn raw(&self) -> Bytes {
        let unpack = || {
            let mut raw = Vec::with_capacity(self.size);
            GzDecoder::new(&*self.gz).read_to_end(&mut raw).expect("build.rs compressed it");
            raw.into()
        };
        self.raw.get_or_init(unpack).clone()
    }
}

/// All of them, loaded when first needed.
pub(crate) struct Helpers {
    dir: Option<PathBuf>,
    loaded: Mutex<HashMap<String, Arc<Helper>>>,
}

impl Helpers {
    pub(crate) fn new(dir: Option<PathBuf>) -> Self {
        Helpers { dir, loaded: Mutex::default() }
    }
    /// Another helper than the embedded one, for tests.
    #[cfg(test)]
    pub(crate) fn only(helper: Arc<Helper>) -> Self {
        let all = HashMap::from([(helper.arch.clone(), helper)]);
        Helpers { dir: None, loaded: Mutex::new(all) }
    }
    /// The helper to try first.
    pub(crate) fn usual(&self) -> Result<Arc<Helper>, RemoteError> {
        self.for_host("Linux", EMBEDDED_ARCH)
    }
    /// The helper for what `uname` says.
    ///
    /// # Errors
    /// [`RemoteError::HelperMissing`].
    pub(crate) fn for_host(&self, system: &str, arch: &str) -> Result<Arc<Helper>, RemoteError> {
        let missing = || RemoteError::HelperMissing { system: system.to_owned(), arch: arch.to_owned() };
        if system != "Linux" {
            return Err(missing());
        }
        let name = match arch {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            other => other,
        };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') || name.is_empty() {
            return Err(missing());
        }
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(helper) = loaded.get(name) {
            return Ok(helper.clone());
        }
        let helper = Arc::new(self.load(name).map_err(|e| match e {
            Some(e) => RemoteError::Content { msg: format!("the helper for {name} cannot be read: {e}") },
            None => missing(),
        })?);
        loaded.insert(name.to_owned(), helper.clone());
        Ok(helper)
    }
    /// `Err(None)` = there is none.
    fn load(&self, arch: &str) -> Result<Helper, Option<io::Error>> {
        if let Some(dir) = &self.dir {
            match std::fs::read(dir.join(arch).join("tightbeam-helper")) {
                Ok(raw) => return Helper::from_raw(arch, raw).map_err(Some),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(Some(e)),
            }
        }
        Helper::embedded().filter(|helper| helper.arch == arch).ok_or(None)
    }
}
