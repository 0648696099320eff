//! What can go wrong between controller and host: data for a task's result, in the words Ansible uses where it has them.

use std::fmt;

/// A call that did not reach its module, or whose module never answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteError {
    /// No connection: name, network, host key, authentication, or the connection broke. `msg` is one line as Ansible words
    /// it (`Failed to connect to the host via ssh: …`); `hints` say what to do.
    Unreachable { msg: String, hints: Vec<String> },
    /// The connection carries as many sessions as the host allows on it; another one may take more.
    Full { msg: String },
    /// The connection stands, but becoming the other user failed.
    Become { msg: String, hints: Vec<String> },
    /// The host has an architecture or a system for which there is no helper.
    HelperMissing { system: String, arch: String },
    /// No directory of the host takes an executable: each with the reason.
    NothingExecutable { tried: Vec<(String, String)> },
    /// The helper ended without an answer, while the connection stands.
    Died { msg: String },
    /// The host did not answer in time.
    Timeout { msg: String },
    /// A file of the controller's that the host asked for cannot be read, or one from the host cannot be written.
    Content { msg: String },
    /// It was to be sent before its turn, behind something that is no longer on its way.
    OutOfTurn,
    /// The command cannot be run over this kind of connection.
    Unsupported { msg: String },
}

impl RemoteError {
    /// `Failed to connect to the host via ssh: …`
    pub(crate) fn ssh(reason: impl fmt::Display) -> Self {
        let msg = format!("Failed to connect to the host via ssh: {reason}");
        let files = msg.contains("(os error 24)");
        let hint = "raise the limit of open files (`ulimit -n`), or take fewer hosts at a time with `serial`";
        RemoteError::Unreachable { msg, hints: files.then(|| hint.to_owned()).into_iter().collect() }
    }
    pub(crate) fn unreachable(msg: impl Into<String>) -> Self {
        RemoteError::Unreachable { msg: msg.into(), hints: vec![] }
    }
    pub(crate) fn escalation(msg: impl Into<String>) -> Self {
        RemoteError::Become { msg: msg.into(), hints: vec![] }
    }
    /// Adds what the user can do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let RemoteError::Unreachable { hints, .. } | RemoteError::Become { hints, .. } = &mut self {
            hints.push(hint.into());
        }
        self
    }
    /// Whether the host counts as unreachable (else the task counts as failed).
    pub fn is_unreachable(&self) -> bool {
        matches!(self, RemoteError::Unreachable { .. } | RemoteError::Full { .. } | RemoteError::Timeout { .. })
    }
    /// What to do about it, one sentence each.
    pub fn hints(&self) -> Vec<String> {
        match self {
            RemoteError::Unreachable { hints, .. } | RemoteError::Become { hints, .. } => hints.clone(),
            RemoteError::HelperMissing { arch, .. } => vec![
                format!(
                    "build it: `cargo build --release -p tightbeam-modules --bin tightbeam-helper --target {}`, with a \
                     linker for that target (add `-C target-feature=+crt-static` for a gnu target)",
                    rust_target(arch)
                ),
                format!(
                    "then put it at $TIGHTBEAM_HELPERS_DIR/{arch}/tightbeam-helper, and set TIGHTBEAM_HELPERS_DIR when \
                     tightbeam runs"
                ),
                "the `raw` module works without a helper".to_owned(),
            ],
            RemoteError::NothingExecutable { .. } => vec![
                "name a private directory on a file system that allows execution, with free space: \
                 ansible_remote_tmp=/some/dir"
                    .to_owned(),
                "the `raw` module works without a helper".to_owned(),
            ],
            _ => vec![],
        }
    }
}

/// Rust's name of the static target for what `uname -m` prints.
fn rust_target(arch: &str) -> String {
    let arch = match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "armv7l" | "armv8l" => return "armv7-unknown-linux-musleabihf".to_owned(),
        "armv6l" => return "arm-unknown-linux-musleabihf".to_owned(),
        "i386" | "i486" | "i586" | "i686" => "i686",
        "riscv64" => "riscv64gc",
        "ppc64le" => "powerpc64le",
        other => other,
    };
    format!("{arch}-unknown-linux-musl")
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoteError::Unreachable { msg, .. }
            | RemoteError::Full { msg }
            | RemoteError::Become { msg, .. }
            | RemoteError::Died { msg }
            | RemoteError::Timeout { msg }
            | RemoteError::Content { msg }
            | RemoteError::Unsupported { msg } => f.write_str(msg),
            RemoteError::OutOfTurn => f.write_str("it was not its turn"),
            RemoteError::HelperMissing { system, arch } => {
                write!(f, "the host runs {system} on {arch}, and this tightbeam has no helper for it")
            }
            RemoteError::NothingExecutable { tried } => {
                f.write_str("the host takes no executable helper; tried ")?;
                for (i, (dir, reason)) in tried.iter().enumerate() {
                    write!(f, "{}{dir} ({reason})", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for RemoteError {}
