//! A host's processes: the hidden modes of this program, and how they are told where they are.

mod disk;
mod files;
mod init;
mod minimal;
mod mounts;
mod outer;
mod overlay;

use super::SandboxError;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The first argument of the hidden modes.
const HIDDEN: &str = "__sandbox-host";

/// First words of the lines that a host's processes tell the process that started them.
pub(super) mod words {
    /// Something people should know.
    pub const NOTE: &str = "note";
    /// The TCP port on which it answers.
    pub const READY: &str = "ready";
    /// What went wrong, a tab, what to do.
    pub const FAILED: &str = "failed";
}

/// Where a host keeps what, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The sandbox's private directory; the host's files are mounted below it.
    pub directory: PathBuf,
    pub name: String,
    /// Bytes that its files may take.
    pub memory: u64,
}

impl Place {
    /// The arguments of the hidden mode `mode`.
    pub(super) fn arguments(&self, mode: &str) -> [OsString; 5] {
        let texts = [HIDDEN.into(), mode.into(), self.directory.clone().into(), self.name.clone().into()];
        let [a, b, c, d]: [OsString; 4] = texts;
        [a, b, c, d, self.memory.to_string().into()]
    }

    fn read(args: &[OsString]) -> Option<Place> {
        let [directory, name, memory] = args else { return None };
        let memory = memory.to_str()?.parse().ok()?;
        Some(Place { directory: directory.into(), name: name.to_str()?.to_owned(), memory })
    }

    /// Where the host's file system is put together.
    fn base(&self) -> PathBuf {
        self.directory.join(&self.name)
    }
}

/// The hidden modes in which this program is part of a sandbox's host. `args` are the process's own, the program first.
/// `None`: this process is not one of those. To be called before anything else, in particular before any thread is started.
pub fn child_main(args: &[OsString]) -> Option<ExitCode> {
    if args.get(1).is_none_or(|a| a != HIDDEN) {
        return None;
    }
    let place = args.get(3..).and_then(Place::read);
    let result = match (args.get(2).and_then(|m| m.to_str()), place) {
        (Some("outer"), Some(place)) => outer::run(&place),
        (Some("init"), Some(place)) => init::run(&place, false),
        (Some("init-mapped"), Some(place)) => init::run(&place, true),
        (Some("server"), Some(place)) => super::server::run(&place.name),
        _ => Err(SandboxError::new("this is not for people to call", "")),
    };
    if let Err(error) = &result {
        tell(words::FAILED, &format!("{}\t{}", error.message(), error.hint()));
    }
    Some(result.unwrap_or(ExitCode::FAILURE))
}

/// A line for the process that started the host. Nobody listening is no fault: it is about to end us.
pub(super) fn tell(word: &str, rest: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{word} {}", rest.replace('\n', " "));
    let _ = out.flush();
}

/// A fault of the kernel's, or of a file's, with what was attempted.
fn fault(what: impl std::fmt::Display, error: impl std::fmt::Display) -> SandboxError {
    SandboxError::new(format!("{what}: {error}"), "")
}

/// `/a/b` as a path below `root`.
fn below(root: &Path, path: impl AsRef<Path>) -> PathBuf {
    root.join(path.as_ref().strip_prefix("/").unwrap_or(path.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_command_line() {
        let place = Place { directory: "/tmp/x".into(), name: "host1".to_owned(), memory: 7 };
        let args = place.arguments("init");
        assert_eq!(Place::read(&args[2..]), Some(place));
    }

    #[test]
    fn other_command_lines_are_left_alone() {
        let args = |a: &[&str]| a.iter().map(OsString::from).collect::<Vec<_>>();
        assert!(child_main(&args(&["tightbeam"])).is_none());
        assert!(child_main(&args(&["tightbeam", "play", HIDDEN])).is_none());
    }
}
