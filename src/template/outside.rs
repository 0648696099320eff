//! What lookups and filters need of the world, as traits: this part itself reads no file, starts no process, knows no clock.

use crate::files::{Files, Mem};
use crate::value::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Opens and makes vault text.
pub trait Decrypt: Send + Sync {
    /// Plaintext of vault text (`$ANSIBLE_VAULT;…`).
    ///
    /// # Errors
    /// A sentence that says why none of the secrets fits.
    fn decrypt(&self, ciphertext: &str) -> Result<Vec<u8>, String>;
    /// Tells of vault texts that may be asked for, in the order of the file that they stand in.
    fn foresee(&self, _ciphertexts: &[Arc<str>]) {}
    /// Vault text of a plaintext, for the `vault` filter.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn encrypt(&self, plaintext: &[u8], secret: &str, salt: Option<&str>, id: Option<&str>) -> Result<String, String>;
    /// Opens vault text with a given secret, for the `unvault` filter.
    ///
    /// # Errors
    /// Why it cannot be opened.
    fn decrypt_with(&self, ciphertext: &str, secret: &str) -> Result<Vec<u8>, String>;
}

/// A finished command of the `pipe` lookup.
#[derive(Clone, Debug, Default)]
pub struct PipeOutput {
    pub code: i32,
    pub stdout: Vec<u8>,
}

/// A request of the `url` lookup.
#[derive(Clone, Debug, Default)]
pub struct UrlRequest {
    pub url: String,
    pub method: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub validate_certs: bool,
    pub follow_redirects: String,
    pub use_proxy: bool,
    pub timeout_seconds: f64,
    pub ca_path: Option<String>,
    pub http_agent: String,
}

/// Effects of lookups and impure filters. All paths are on the controller.
pub trait Outside: Send + Sync {
    fn files(&self) -> &dyn Files;
    fn env(&self, name: &str) -> Option<String>;
    /// The directory that the program was started in.
    fn cwd(&self) -> std::path::PathBuf;
    /// Runs a shell command in a directory.
    ///
    /// # Errors
    /// Why it could not be started.
    fn pipe(&self, command: &str, directory: &Path) -> Result<PipeOutput, String>;
    /// Lines of a command's output, for the `lines` lookup, are taken from [`Outside::pipe`]; this fetches a URL's body.
    ///
    /// # Errors
    /// Why there is no body.
    fn url(&self, request: &UrlRequest) -> Result<Vec<u8>, String>;
    fn now(&self) -> SystemTime;
    /// Fills a buffer with random bytes fit for passwords.
    fn random(&self, buffer: &mut [u8]);
    /// Creates or replaces a file that only its owner can read, and the directories above it (the `password` lookup).
    ///
    /// # Errors
    /// Those of the file system.
    fn write_private(&self, path: &Path, content: &[u8]) -> std::io::Result<()>;
    /// A setting by its name, for the `config` lookup.
    fn setting(&self, name: &str) -> Option<Value>;
    /// Hosts that a pattern selects, for the `inventory_hostnames` lookup.
    ///
    /// # Errors
    /// Why the pattern is wrong.
    fn hosts(&self, pattern: &str) -> Result<Vec<String>, String>;
    /// Says something that people should see.
    fn warn(&self, message: &str);
    /// Says that something will not work for ever.
    fn deprecated(&self, _message: &str) {}
}

/// No files, no processes, no network, a clock that stands at the epoch, zeros for random bytes: for pure rendering and tests.
#[derive(Clone, Debug, Default)]
pub struct NoOutside {
    pub files: Mem,
    pub env: std::collections::BTreeMap<String, String>,
}

impl Outside for NoOutside {
    fn files(&self) -> &dyn Files {
        &self.files
    }
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
    fn cwd(&self) -> std::path::PathBuf {
        "/".into()
    }
    fn pipe(&self, _: &str, _: &Path) -> Result<PipeOutput, String> {
        Err("processes are not available here".to_owned())
    }
    fn url(&self, _: &UrlRequest) -> Result<Vec<u8>, String> {
        Err("the network is not available here".to_owned())
    }
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
    fn write_private(&self, _: &Path, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "files cannot be written here"))
    }
    fn setting(&self, _: &str) -> Option<Value> {
        None
    }
    fn hosts(&self, _: &str) -> Result<Vec<String>, String> {
        Err("there is no inventory here".to_owned())
    }
    fn warn(&self, _: &str) {}
}
