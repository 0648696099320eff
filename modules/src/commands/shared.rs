//! What `command` and `shell` share: when to run, running, and the result.

use crate::contract::{Call, Failure, Json, JsonMap, Outcome, Plan};
use crate::files::shared::glob;
use crate::host::{Change, Command, Observe, clock, quote_word};
use std::path::PathBuf;
use std::time::Duration;

/// A command that is to run, in the words of the result.
pub struct Job {
    pub command: Command,
    /// `cmd` in the result: a list for `command`, a text for `shell`.
    pub shown: Json,
    pub creates: Option<String>,
    pub removes: Option<String>,
    pub strip: bool,
    pub warnings: Vec<String>,
}

/// Standard input as given: with a line end added unless that is turned off.
pub fn input(stdin: Option<String>, add_newline: bool) -> Option<Vec<u8>> {
    let text = stdin.filter(|t| !t.is_empty())?;
    Some(if add_newline { text + "\n" } else { text }.into_bytes())
}

/// Every key that a result always has.
fn result(shown: &Json) -> JsonMap {
    let text = |key: &str| (key.to_owned(), Json::from(""));
    let null = |key: &str| (key.to_owned(), Json::Null);
    [
        ("cmd".to_owned(), shown.clone()),
        text("stdout"),
        text("stderr"),
        null("rc"),
        null("start"),
        null("end"),
        null("delta"),
        text("msg"),
    ]
    .into_iter()
    .collect()
}

impl Job {
    /// Looks at `chdir`, `creates` and `removes`.
    ///
    /// # Errors
    /// The directory is not there.
    pub fn plan(self, host: &dyn Observe, call: &Call) -> Result<Plan<Job>, Failure> {
        let values = result(&self.shown);
        if let Some(dir) = &self.command.cwd
            && !(host.is_dir(dir) && host.access(dir, 1))
        {
            let number = match host.stat(dir) {
                Err(_) => "[Errno 2] No such file or directory",
                Ok(_) if host.is_dir(dir) => "[Errno 13] Permission denied",
                Ok(_) => "[Errno 20] Not a directory",
            };
            let msg = "Unable to change directory before execution.";
            let failure = Failure { msg: msg.into(), values, ..Failure::default() };
            return Err(failure.with("exception", format!("{number}: '{}'", dir.display())));
        }
        let here = |pattern: &str| match &self.command.cwd {
            Some(dir) if !pattern.starts_with('/') => glob(host, &dir.join(pattern).to_string_lossy()),
            _ => glob(host, pattern),
        };
        let word = if call.check { "Would" } else { "Did" };
        let reason = match (&self.creates, &self.removes) {
            (Some(path), _) if !here(path).is_empty() => Some((path, "exists")),
            (_, Some(path)) if here(path).is_empty() => Some((path, "does not exist")),
            _ => None,
        };
        if let Some((path, why)) = reason {
            let mut outcome = Outcome { values, warnings: self.warnings, ..Outcome::default() };
            outcome.set("msg", format!("{word} not run command since '{path}' {why}"));
            outcome.set("stdout", format!("skipped, since {path} {why}"));
            outcome.set("rc", 0);
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(self))
    }

    /// In check mode the command counts as skipped, unless `creates` or `removes` told that it would run.
    pub fn preview(&self) -> Outcome {
        let foreseen = self.creates.is_some() || self.removes.is_some();
        let warnings = self.warnings.clone();
        let mut outcome = Outcome { changed: foreseen, skipped: !foreseen, warnings, ..Outcome::default() };
        outcome.values = result(&self.shown);
        outcome.set("rc", 0);
        outcome.set("msg", "Command would have run if not in check mode");
        outcome
    }

    /// Runs it.
    ///
    /// # Errors
    /// It cannot be started, or ends with something else than 0.
    pub fn run(self, host: &mut dyn Change) -> Result<Outcome, Failure> {
        let (start, began) = (clock::local_now(host.observe()), host.now());
        let out = host.execute(&self.command).map_err(|e| {
            let words = std::iter::once(self.command.program.to_string_lossy().into_owned());
            let words = words.chain(self.command.args.iter().cloned()).map(|w| quote_word(&w));
            Failure::new("Error executing command.")
                .with("cmd", words.collect::<Vec<_>>().join(" "))
                .with("rc", e.raw_os_error().unwrap_or(257))
                .with("stdout", "")
                .with("stderr", "")
                .with("exception", format!("{}: {e}", self.command.program.display()))
        })?;
        let (end, took) = (clock::local_now(host.observe()), host.now().duration_since(began).unwrap_or_default());
        let shown = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            if self.strip { text.trim_end_matches(['\r', '\n']).to_owned() } else { text }
        };
        let mut values = result(&self.shown);
        values.insert("rc".into(), out.rc.into());
        values.insert("stdout".into(), shown(&out.stdout).into());
        values.insert("stderr".into(), shown(&out.stderr).into());
        values.insert("start".into(), start.into());
        values.insert("end".into(), end.into());
        values.insert("delta".into(), delta(took).into());
        if out.rc != 0 {
            let warnings = self.warnings;
            return Err(Failure {
                msg: "non-zero return code".into(),
                changed: true,
                values,
                warnings,
                ..Failure::default()
            });
        }
        Ok(Outcome { changed: true, values, warnings: self.warnings, ..Outcome::default() })
    }
}

/// As Python prints a `timedelta`: `0:00:00.008405`, `1 day, 2:03:04`.
pub fn delta(took: Duration) -> String {
    let (seconds, micros) = (took.as_secs(), took.subsec_micros());
    let days = match seconds / 86_400 {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        n => format!("{n} days, "),
    };
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{days}{}:{:02}:{:02}{fraction}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// The directory to run in.
pub fn directory(chdir: Option<String>) -> Option<PathBuf> {
    chdir.filter(|d| !d.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (micros, text) in [(8405, "0:00:00.008405"), (3_723_000_000, "1:02:03"), (90_000_000_000, "1 day, 1:00:00")]
        {
            assert_eq!(delta(Duration::from_micros(micros)), text);
        }
    }
}
