//! `rpm_key`: keys that rpm trusts.

use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, FileKind, Observe};
use crate::network::http::{self, Request};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};

pub struct RpmKey;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    key: String,
    state: State,
    fingerprint: Option<Vec<String>>,
    validate_certs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

/// The command, and the key that it reads from standard input.
pub struct Work(Command);

/// Where a key comes from.
enum Source {
    File(String),
    Downloaded(Vec<u8>),
}

impl Module for RpmKey {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Trust a vendor's key\n  ansible.builtin.rpm_key:\n    key: https://rpm.example.com/key\n",
        ..ModuleSpec::new(
            "ansible.builtin.rpm_key",
            "Manages the keys that rpm trusts.",
            &[
                Arg::str("key").required().doc("Address, file on the host, or number of the key."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether rpm trusts it."),
                Arg::list("fingerprint", ArgType::Str).doc("Fingerprints that the key must have."),
                Arg::bool("validate_certs").default(Literal::Bool(true)).doc("Check the server's certificate."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let rpm = required(host, "rpm")?;
        let gpg = host.which("gpg").map_or_else(|| required(host, "gpg2"), Ok)?;
        let (id, source) = identify(&args, &gpg, host, call)?;
        let id = id.trim().to_uppercase();
        let id = id.strip_prefix("0X").unwrap_or(&id);
        let imported = is_imported(id, &rpm, &gpg, host)?;
        if imported == (args.state == State::Present) {
            return Ok(Plan::Done(Outcome::unchanged()));
        }
        if args.state == State::Absent {
            let tail = id[id.len().saturating_sub(8)..].to_lowercase();
            let command = Command::new(rpm).args(["--erase", "--allmatches", &format!("gpg-pubkey-{tail}")]);
            return Ok(Plan::Work(Work(command)));
        }
        let source = source.ok_or_else(|| Failure::new("When importing a key, a valid file must be given"))?;
        if let Some(wanted) = &args.fingerprint {
            let wanted: Vec<String> = wanted.iter().map(|f| f.replace(' ', "").to_uppercase()).collect();
            let found = fingerprints(&source, &gpg, host)?;
            if !wanted.iter().all(|f| found.contains(f)) {
                return Err(Failure::new(format!(
                    "The specified fingerprint, '{}', does not match any key fingerprints in '{}'",
                    wanted.join(", "),
                    found.join(", ")
                )));
            }
        }
        let command = Command::new(rpm).arg("--import");
        Ok(Plan::Work(Work(match source {
            Source::File(path) => command.arg(path),
            Source::Downloaded(bytes) => command.arg("-").stdin(bytes),
        })))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let mut command = work.0;
        // rpm reads keys only from files.
        if let Some(bytes) = command.stdin.take() {
            let dir = host.temp_dir(None, "rpm_key").map_err(|e| Failure::io("no temporary directory", &e))?;
            let path = dir.join("key");
            host.write(&path, &mut bytes.as_slice(), &Default::default())
                .map_err(|e| Failure::io(path.display(), &e))?;
            command.args.pop();
            command = command.arg(path.display().to_string());
        }
        let out = execute(host, &command)?;
        if out.ok() { Ok(Outcome::changed(true)) } else { Err(Failure::new(out.stderr_text())) }
    }
}

fn identify(args: &Args, gpg: &Path, host: &dyn Observe, call: &Call) -> Result<(String, Option<Source>), Failure> {
    let key = &args.key;
    let digits = key.strip_prefix("0x").or_else(|| key.strip_prefix("0X")).unwrap_or(key);
    let source = if key.contains("://") {
        let request = Request { validate_certs: args.validate_certs, ..Request::get(key) };
        let fail = |why: String| Failure::new(format!("failed to fetch key at {key} , error was: {why}"));
        let mut response = http::send(host, call, &request).map_err(fail)?;
        if response.status != 200 {
            return Err(fail(response.msg()));
        }
        let mut bytes = Vec::new();
        response.body.read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
        if !String::from_utf8_lossy(&bytes).contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
            return Err(Failure::new(format!("Not a public key: {key}")));
        }
        Source::Downloaded(bytes)
    } else if digits.len() >= 8 && digits.bytes().take(8).all(|b| b.is_ascii_hexdigit()) {
        return Ok((key.clone(), None));
    } else if host.stat(Path::new(key)).is_ok_and(|s| s.kind == FileKind::File) {
        Source::File(key.clone())
    } else {
        return Err(Failure::new(format!("Not a valid key {key}")));
    };
    let text = gpg_says(&source, gpg, &[], host)?;
    let id = text.lines().find(|l| l.trim().starts_with("pub:")).and_then(|l| l.split(':').nth(4));
    let id = id.ok_or_else(|| Failure::new("Unexpected gpg output"))?.to_owned();
    Ok((id, Some(source)))
}

fn gpg_says(source: &Source, gpg: &Path, options: &[&str], host: &dyn Observe) -> Result<String, Failure> {
    let command = Command::new(gpg).args(["--no-tty", "--batch", "--with-colons", "--fixed-list-mode"]);
    let command = command.args(options.iter().copied());
    let command = match source {
        Source::File(path) => command.arg(path),
        Source::Downloaded(bytes) => command.arg("-").stdin(bytes.clone()),
    };
    let out = query(host, &command)?;
    if out.ok() { Ok(out.stdout_text()) } else { Err(Failure::new(out.stderr_text())) }
}

fn fingerprints(source: &Source, gpg: &Path, host: &dyn Observe) -> Result<Vec<String>, Failure> {
    let text = gpg_says(source, gpg, &["--import", "--import-options", "show-only", "--dry-run"], host)?;
    let found: Vec<String> = text
        .lines()
        .filter(|l| l.trim().starts_with("fpr:"))
        .filter_map(|l| l.split(':').nth(9))
        .map(str::to_owned)
        .collect();
    if found.is_empty() { Err(Failure::new("Unexpected gpg output")) } else { Ok(found) }
}

fn is_imported(id: &str, rpm: &Path, gpg: &Path, host: &dyn Observe) -> Result<bool, Failure> {
    let keys = query(host, &Command::new(PathBuf::from(rpm)).args(["-q", "gpg-pubkey", "--qf", "%{description}"]))?;
    if !keys.ok() {
        return Ok(false);
    }
    let text = gpg_says(&Source::Downloaded(keys.stdout), gpg, &[], host)?;
    Ok(text.lines().any(|l| l.split(':').nth(4).is_some_and(|found| found.contains(id))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    #[test]
    fn imports_and_drops() {
        const LIST: &str = "/usr/bin/rpm -q gpg-pubkey --qf %{description}";
        let entry = Entry::of::<RpmKey>();
        let gpg = "/usr/bin/gpg --no-tty --batch --with-colons --fixed-list-mode";
        let mut host = Fake::new()
            .file_mode("/usr/bin/rpm", "", 0o755)
            .file_mode("/usr/bin/gpg", "", 0o755)
            .file("/k", "x")
            .answer(LIST, 1, "package gpg-pubkey is not installed\n")
            .answer(&format!("{gpg} /k"), 0, "pub:-:4096:1:AED4B06F473041FA:1:::-:\n")
            .answer(&format!("{gpg} -"), 0, "pub:-:4096:1:AED4B06F473041FA:1:::-:\n")
            .answer(&format!("{gpg} --import --import-options show-only --dry-run /k"), 0, "fpr:::::::::ABCD:\n")
            .effect("/usr/bin/rpm --import /k", 0, "", |h| h.set_answer(LIST, 0, "key"))
            .effect("/usr/bin/rpm --erase --allmatches gpg-pubkey-473041fa", 0, "", |h| h.set_answer(LIST, 1, ""));
        let failure = run(&entry, json!({"key": "/k", "fingerprint": "12 34"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "The specified fingerprint, '1234', does not match any key fingerprints in 'ABCD'");
        assert!(case(&entry, json!({"key": "/k"}), &mut host).unwrap().changed);
        assert!(case(&entry, json!({"key": "0xaed4b06f473041fa", "state": "absent"}), &mut host).unwrap().changed);
        assert_eq!(run(&entry, json!({"key": "/none"}), &mut host, true).unwrap_err().msg, "Not a valid key /none");
    }
}
