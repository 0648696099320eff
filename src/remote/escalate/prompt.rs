//! The conversation until a command runs as the wanted user: noise, password prompts, refusals, then the marker.

use super::{Escalation, Limit, Method};
use crate::remote::RemoteError;
use crate::remote::transport::{Ended, Piece, Process};
use bytes::Bytes;
use zeroize::Zeroizing;

/// What came of it.
pub(crate) enum Entered {
    /// The marker was seen; what followed it on standard output so far.
    Marker(Vec<u8>),
    /// The program insists on a terminal.
    NeedsTerminal,
}

/// Longest noise before the marker that is kept, in bytes.
const NOISE: usize = 64 << 10;

/// Waits for `marker` on the process's output, and writes the password when it is asked for.
///
/// # Errors
/// A wrong or missing password, a refusal, the end of the process, or silence for `limit`.
pub(crate) async fn enter(
    process: &mut Process,
    escalation: Option<&Escalation>,
    prompt: Option<&str>,
    marker: &str,
    limit: Limit,
) -> Result<Entered, RemoteError> {
    let mut talk = Talk { escalation, prompt, out: Vec::new(), err: Vec::new(), answered: false };
    loop {
        let piece = match tokio::time::timeout(limit.time, process.output.next()).await {
            Ok(piece) => piece,
            Err(_) => return Err(talk.silence(limit)),
        };
        match piece {
            Piece::Out(bytes) => {
                talk.out.extend_from_slice(&bytes);
                if let Some(at) = find(&talk.out, marker.as_bytes()) {
                    return Ok(Entered::Marker(talk.out.split_off(at + marker.len())));
                }
                keep_tail(&mut talk.out);
            }
            Piece::Err(bytes) => {
                talk.err.extend_from_slice(&bytes);
                keep_tail(&mut talk.err);
            }
            Piece::End(ended) => return talk.ended(&ended),
        }
        if let Some(password) = talk.question()? {
            let sent = tokio::time::timeout(limit.time, process.input.write(password)).await;
            if !matches!(sent, Ok(Ok(()))) && !matches!(sent, Ok(Err(_))) {
                return Err(talk.silence(limit));
            }
        }
    }
}

struct Talk<'a> {
    escalation: Option<&'a Escalation>,
    prompt: Option<&'a str>,
    out: Vec<u8>,
    err: Vec<u8>,
    answered: bool,
}

impl Talk<'_> {
    /// The password with its newline, when the output so far ends in a question for it.
    fn question(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let Some(escalation) = self.escalation else { return Ok(None) };
        let asked = match (escalation.method, self.prompt) {
            (Method::Sudo, Some(prompt)) => {
                find(&self.err, prompt.as_bytes()).is_some() || find(&self.out, prompt.as_bytes()).is_some()
            }
            (Method::Sudo, None) => sudo_asks(&self.err) || sudo_asks(&self.out),
            (Method::Su, _) => [&self.err, &self.out].iter().any(|text| su_asks(text, &escalation.prompts)),
        };
        if !asked {
            return Ok(None);
        }
        let Some(password) = &escalation.password else {
            return Err(missing(escalation));
        };
        if self.answered {
            return Err(incorrect(escalation));
        }
        self.answered = true;
        self.out.clear();
        self.err.clear();
        let line = Zeroizing::new(format!("{}\n", password.expose()));
        Ok(Some(Bytes::copy_from_slice(line.as_bytes())))
    }

    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.err).into_owned();
        text.push_str(&String::from_utf8_lossy(&self.out));
        text
    }

    /// The process ended before the marker.
    fn ended(&self, ended: &Ended) -> Result<Entered, RemoteError> {
        if let Ended::Lost(reason) = ended {
            return Err(RemoteError::ssh(reason));
        }
        let text = self.text();
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
        // The program's first complaint; what follows is about itself.
        let complaint = |l: &&str| self.escalation.is_some_and(|e| l.starts_with(&format!("{}: ", e.method.name())));
        let said = lines.clone().find(complaint).or(lines.next_back()).unwrap_or_default().to_owned();
        let code = match ended {
            Ended::Code(code) => format!("exit status {code}"),
            Ended::Signal(signal) => format!("signal {signal}"),
            Ended::Lost(reason) => reason.clone(),
        };
        let Some(escalation) = self.escalation else {
            let said = if said.is_empty() { "it said nothing".to_owned() } else { said };
            return Err(RemoteError::unreachable(format!(
                "the host's login shell did not run a command ({code}): {said}"
            )));
        };
        let has = |needles: &[&str]| needles.iter().any(|n| text.contains(n));
        if has(&["you must have a tty", "must be run from a terminal", "standard in must be a tty"]) {
            return Ok(Entered::NeedsTerminal);
        }
        let refused = has(&["Sorry, try again", "incorrect password attempt", "Authentication failure"])
            || (escalation.method == Method::Su && has(&["incorrect password", "Permission denied"]));
        let asked = has(&["a password is required", "password is required to run", "no tty present and no askpass"])
            || has(&["a terminal is required to read the password"]);
        if asked || (refused && !self.answered && escalation.password.is_none()) {
            return Err(missing(escalation));
        }
        if refused || (self.answered && escalation.method == Method::Su && code == "exit status 1") {
            return Err(incorrect(escalation));
        }
        let said = if said.is_empty() { format!("{} ended with {code}", escalation.method.name()) } else { said };
        let error = RemoteError::escalation(format!("Failed to become {}: {said}", escalation.user));
        Err(if has(&["not in the sudoers file", "is not allowed to"]) {
            error.hint("the user that logs in may not use sudo for this; see /etc/sudoers on the host")
        } else {
            error
        })
    }

    fn silence(&self, limit: Limit) -> RemoteError {
        let said = self.text();
        let said = said.trim();
        let secs = limit.time.as_secs();
        match self.escalation {
            Some(escalation) if limit.local => {
                let or_prompt = escalation.password.is_some() && !self.answered;
                let or_prompt = if or_prompt { " or become password prompt" } else { "" };
                let mut msg = format!("Timed out waiting for become success{or_prompt}.");
                for (name, said) in [("Output", &self.out), ("Error", &self.err)] {
                    if !said.is_empty() {
                        msg += &format!("\n>>> Standard {name}\n{}", String::from_utf8_lossy(said));
                    }
                }
                RemoteError::Timeout { msg }
            }
            Some(_) => RemoteError::Timeout {
                msg: format!("Timeout ({secs}s) waiting for privilege escalation prompt: {said}"),
            },
            None => RemoteError::Timeout { msg: format!("Timeout ({secs}s) waiting for the host's shell: {said}") },
        }
    }
}

fn missing(escalation: &Escalation) -> RemoteError {
    RemoteError::escalation(format!("Missing {} password", escalation.method.name()))
        .hint("give it with --ask-become-pass, or in ansible_become_password")
}

fn incorrect(escalation: &Escalation) -> RemoteError {
    RemoteError::escalation(format!("Incorrect {} password", escalation.method.name()))
        .hint("correct ansible_become_password, or what is typed at --ask-become-pass")
}

/// sudo's own prompt, where it was not told another.
fn sudo_asks(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let last = text.lines().next_back().unwrap_or_default();
    last.starts_with("[sudo]") && last.trim_end().ends_with(':')
}

/// su's prompt: one of those given, else whatever the host's language is, an unfinished line that ends in a colon.
fn su_asks(text: &[u8], prompts: &[String]) -> bool {
    let text = String::from_utf8_lossy(text);
    if !prompts.is_empty() {
        let text = text.to_lowercase();
        let ends = |rest: &str| rest.trim_start().starts_with([':', '：']);
        return prompts.iter().any(|p| text.split(&p.to_lowercase()).skip(1).any(ends));
    }
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default().trim_end();
    last.len() < 80 && (last.ends_with(':') || last.ends_with('：'))
}

fn keep_tail(bytes: &mut Vec<u8>) {
    if bytes.len() > NOISE {
        bytes.drain(..bytes.len() - NOISE / 2);
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
