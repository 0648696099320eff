//! Gets the helper running on a host: one command looks for a cached one and else takes the bytes on its own input.

use super::embedded::{Helper, Helpers};
use super::session::Session;
use crate::remote::escalate::prompt::{Entered, enter};
use crate::remote::escalate::{Limit, wrap};
use crate::remote::transport::{Ended, Exec, Output, Piece, Process, Transport};
use crate::remote::{RemoteError, Target};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

const SCRIPT: &str = include_str!("bootstrap.sh");
/// Longest silence while the host receives or starts the helper.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the helper that are handed to the transport at once.
const CHUNK: usize = 64 << 10;
/// Hexadecimal digits of the digest in the helper's file name.
const NAME_DIGITS: usize = 16;

/// Starts a session with the helper as the target's user.
pub(crate) async fn start(
    transport: &dyn Transport,
    target: &Target,
    helpers: &Helpers,
) -> Result<Session, RemoteError> {
    let mut helper = helpers.usual()?;
    let mut skip = 0;
    let mut tried = Vec::new();
    let mut pty = false;
    let mut quick = true;
    loop {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let marker = format!("TB-{id} ");
        let script = script(&helper, &marker, skip, target.remote_tmp.as_deref(), pty, quick);
        let escalation = target.escalation.as_deref();
        let wrapped = wrap(escalation, "/bin/sh", &script, &id).map_err(RemoteError::escalation)?;
        let mut process = transport.exec(Exec { command: wrapped.command, pty }).await?;
        // Without a prompt there is only a busy host to wait for.
        let limit = if escalation.is_some() { target.become_limit } else { Limit::of(PATIENCE) };
        let rest = match enter(&mut process, escalation, wrapped.prompt.as_deref(), &marker, limit).await? {
            Entered::Marker(rest) => rest,
            Entered::NeedsTerminal if !pty && transport.has_pty() => {
                pty = true;
                continue;
            }
            Entered::NeedsTerminal => {
                return Err(RemoteError::escalation("becoming another user needs a terminal on this host"));
            }
        };
        match answer(process, rest, &helper, &marker).await? {
            Answer::Running(process, rest) => match Session::open(process, rest).await {
                // What was found does not run: it is damaged, of another machine, or may no longer be executed there.
                Err(RemoteError::Died { .. }) if quick => quick = false,
                opened => return opened,
            },
            Answer::OtherArch(system, arch) => {
                let other = helpers.for_host(&system, &arch)?;
                if Arc::ptr_eq(&other, &helper) {
                    return Err(RemoteError::HelperMissing { system, arch });
                }
                helper = other;
            }
            Answer::Failed(number, reasons) => {
                tried.extend(reasons);
                skip = number.max(skip + 1);
            }
            Answer::Nowhere(reasons) => {
                tried.extend(reasons);
                return Err(RemoteError::NothingExecutable { tried });
            }
        }
    }
}

enum Answer {
    Running(Process, Vec<u8>),
    OtherArch(String, String),
    /// The upload into the directory of this number did not work.
    Failed(usize, Vec<(String, String)>),
    Nowhere(Vec<(String, String)>),
}

/// Reads the script's answer, which starts in `rest`, and sends the helper if asked.
async fn answer(process: Process, rest: Vec<u8>, helper: &Helper, marker: &str) -> Result<Answer, RemoteError> {
    let mut talk = Talk { process, buffer: rest };
    let mut line = talk.line().await?;
    let content = match line.as_str() {
        "need gz" => Some(helper.gz.clone()),
        "need raw" => Some(helper.raw()),
        _ => None,
    };
    if let Some(content) = content {
        line = talk.upload(content, marker).await?;
    }
    let mut words = line.splitn(3, ' ');
    Ok(match (words.next().unwrap_or_default(), words.next(), words.next()) {
        ("ok", ..) => Answer::Running(talk.process, talk.buffer),
        ("arch", Some(system), Some(arch)) => Answer::OtherArch(system.to_owned(), arch.to_owned()),
        ("failed", Some(number), why) => {
            Answer::Failed(number.parse().unwrap_or(usize::MAX), reasons(why.unwrap_or_default()))
        }
        ("none", ..) => Answer::Nowhere(reasons(line.strip_prefix("none").unwrap_or_default())),
        _ => return Err(RemoteError::Died { msg: format!("the host answered the helper's start with `{line}`") }),
    })
}

/// `|DIR=REASON|DIR=REASON`
fn reasons(text: &str) -> Vec<(String, String)> {
    let parts = text.split('|').map(str::trim).filter(|p| !p.is_empty());
    let pair = |part: &str| match part.split_once('=') {
        Some((dir, reason)) => {
            let reason = reason.rsplit(": ").next().filter(|r| !r.is_empty()).unwrap_or("failed");
            (dir.to_owned(), reason.to_owned())
        }
        None => (part.to_owned(), "failed".to_owned()),
    };
    parts.map(pair).collect()
}

struct Talk {
    process: Process,
    buffer: Vec<u8>,
}

impl Talk {
    /// The rest of the present line.
    async fn line(&mut self) -> Result<String, RemoteError> {
        loop {
            if let Some(line) = next_line(&mut self.buffer) {
                return Ok(line);
            }
            let bytes = next_output(&mut self.process.output).await?;
            self.buffer.extend_from_slice(&bytes);
        }
    }

    /// Writes the helper while listening, so that a host that gives up is heard; then waits for the answer.
    async fn upload(&mut self, mut content: Bytes, marker: &str) -> Result<String, RemoteError> {
        let Process { input, output } = &mut self.process;
        while !content.is_empty() {
            let write = input.write(content.split_to(content.len().min(CHUNK)));
            tokio::pin!(write);
            loop {
                tokio::select! {
                    // A failed write shows as the end of the output, with its reason.
                    _ = &mut write => break,
                    bytes = next_output(output) => self.buffer.extend_from_slice(&bytes?),
                }
                if let Some(answer) = next_answer(&mut self.buffer, marker) {
                    return Ok(answer);
                }
            }
        }
        loop {
            if let Some(answer) = next_answer(&mut self.buffer, marker) {
                return Ok(answer);
            }
            let bytes = next_output(output).await?;
            self.buffer.extend_from_slice(&bytes);
        }
    }
}

fn next_line(buffer: &mut Vec<u8>) -> Option<String> {
    let end = buffer.iter().position(|b| *b == b'\n')?;
    let line: Vec<u8> = buffer.drain(..=end).collect();
    Some(String::from_utf8_lossy(&line).trim().to_owned())
}

/// The next line that starts with the marker, without it.
fn next_answer(buffer: &mut Vec<u8>, marker: &str) -> Option<String> {
    while let Some(line) = next_line(buffer) {
        if let Some(answer) = line.strip_prefix(marker) {
            return Some(answer.to_owned());
        }
    }
    None
}

async fn next_output(output: &mut Box<dyn Output>) -> Result<Bytes, RemoteError> {
    loop {
        match tokio::time::timeout(PATIENCE, output.next()).await {
            Ok(Piece::Out(bytes)) => return Ok(bytes),
            Ok(Piece::Err(_)) => {}
            Ok(Piece::End(Ended::Lost(reason))) => return Err(RemoteError::ssh(reason)),
            Ok(Piece::End(_)) => {
                return Err(RemoteError::Died {
                    msg: "the host's shell ended while the helper was starting".to_owned(),
                });
            }
            Err(_) => {
                let secs = PATIENCE.as_secs();
                let msg = format!("Timeout ({secs}s) waiting for the host to start the helper");
                return Err(RemoteError::Timeout { msg });
            }
        }
    }
}

/// The script with its values, in one line. `quick`: a helper that is there is not tried first.
fn script(helper: &Helper, marker: &str, skip: usize, remote_tmp: Option<&str>, pty: bool, quick: bool) -> String {
    const HOME: &str = "\"${HOME:-/nonexistent}/.cache/tightbeam\"";
    const ID: &str = "i=$(id -u)";
    let with_id = |dir: &str| format!("\"{dir}/tightbeam-$i\"");
    let own = remote_tmp.and_then(shell_path).map(|dir| with_id(&dir));
    let common = ["/var/tmp", "/tmp", "/dev/shm"].map(with_id);
    let dirs: Vec<&str> =
        own.iter().map(String::as_str).chain([HOME]).chain(common.iter().map(String::as_str)).collect();
    let dirs = dirs.join(" ");
    let look = match own {
        _ if !quick => ID.to_owned(),
        Some(_) => format!("{ID}; quick {dirs}"),
        None => format!("quick {HOME}; {ID}; quick {}", common.join(" ")),
    };
    let accept = match helper.arch.as_str() {
        "x86_64" => "\"Linux x86_64\"|\"Linux amd64\"".to_owned(),
        "aarch64" => "\"Linux aarch64\"|\"Linux arm64\"".to_owned(),
        arch => format!("\"Linux {arch}\""),
    };
    let lines = SCRIPT.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>().join(" ");
    lines
        .replace("@MARK@", marker.trim_end())
        .replace("@DIGEST@", &helper.digest)
        .replace("@NAME@", &format!("helper-{}", &helper.digest[..NAME_DIGITS]))
        .replace("@SIZE@", &helper.size.to_string())
        .replace("@GZSIZE@", &helper.gz.len().to_string())
        .replace("@SKIP@", &skip.to_string())
        .replace("@ACCEPT@", &accept)
        .replace("@DIRS@", &dirs)
        .replace("@QUICK@", &look)
        .replace("@REDIRECT@", if pty { "2>/dev/null" } else { "" })
}

/// A directory of the host's as it may stand in double quotes; `None` for one that Ansible would use by default or that
/// holds characters with a meaning there.
fn shell_path(dir: &str) -> Option<String> {
    let dir = dir.trim_end_matches('/');
    if matches!(dir, "~/.ansible/tmp" | "$HOME/.ansible/tmp" | "") {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@,".contains(c);
    let (prefix, rest) = match dir.strip_prefix('~').or_else(|| dir.strip_prefix("$HOME")) {
        Some(rest) => ("${HOME:-/nonexistent}", rest),
        None => ("", dir),
    };
    (rest.starts_with('/') && rest.chars().all(plain)).then(|| format!("{prefix}{rest}"))
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
