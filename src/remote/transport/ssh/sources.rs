//! The controller's own files and environment as the SSH configuration sees them.

use super::config::{Local, Source};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Files on disk, commands through a shell.
pub(super) struct Disk;

impl Source for Disk {
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(e),
        }
    }
    fn glob(&self, pattern: &Path) -> Vec<PathBuf> {
        glob(pattern)
    }
    fn succeeds(&self, command: &str) -> bool {
        Command::new("/bin/sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    }
}

/// Existing paths that match a pattern, sorted; wildcards may stand in any component.
pub(super) fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let part = part.as_os_str();
        let text = part.to_string_lossy();
        if !text.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|p| p.push(part));
            continue;
        }
        let Ok(matcher) = globset::Glob::new(&text).map(|g| g.compile_matcher()) else { return Vec::new() };
        found = found.iter().flat_map(|dir| matching(dir, &matcher)).collect();
    }
    found.retain(|p| p.exists());
    found.sort();
    found
}

fn matching(dir: &Path, matcher: &globset::GlobMatcher) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let names = entries.flatten().map(|e| e.file_name());
    names.filter(|n| !n.to_string_lossy().starts_with('.') && matcher.is_match(n)).map(|n| dir.join(n)).collect()
}

/// The user who runs the program.
pub(super) fn local() -> Local {
    let uid = rustix::process::getuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = passwd.lines().map(|l| l.split(':').collect::<Vec<_>>());
    let mut entry = entry.filter(|f| f.len() >= 6 && f[2].parse() == Ok(uid));
    let entry = entry.next().map(|f| (f[0].to_owned(), f[5].to_owned()));
    let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let user = entry.as_ref().map(|e| e.0.clone()).or_else(|| env("USER")).or_else(|| env("LOGNAME"));
    let home = env("HOME").or_else(|| entry.map(|e| e.1));
    Local {
        home: home.unwrap_or_else(|| "/".to_owned()).into(),
        user: user.unwrap_or_else(|| uid.to_string()),
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        uid,
    }
}
