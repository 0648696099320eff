//! `apt_key`: keys that apt trusts, through apt-key and gpg.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, failed_command, plain_english, query, required};
use crate::host::{Change, Command, Observe};
use crate::network::http::{self, Request};
use serde::Deserialize;
use std::io::Read;
use std::path::PathBuf;

pub struct AptKey;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    id: Option<String>,
    url: Option<String>,
    data: Option<String>,
    file: Option<String>,
    keyring: Option<String>,
    validate_certs: bool,
    keyserver: Option<String>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

pub struct Work {
    args: Args,
    id: KeyId,
    /// What was downloaded or given inline.
    data: Option<Vec<u8>>,
    tools: Tools,
    outcome: Outcome,
}

struct Tools {
    apt_key: PathBuf,
    gpg: PathBuf,
}

struct KeyId {
    /// Last eight digits.
    short: String,
    /// Last sixteen digits, as apt-key lists them.
    fingerprint: String,
    full: String,
}

impl KeyId {
    fn parse(text: &str) -> Option<Self> {
        let full = text.trim().to_uppercase();
        let full = full.strip_prefix("0X").unwrap_or(&full).to_owned();
        let sound = !full.is_empty() && full.bytes().all(|b| b.is_ascii_hexdigit());
        if !sound || (full.len() != 8 && full.len() < 16) {
            return None;
        }
        let tail = |n: usize| full[full.len().saturating_sub(n)..].to_owned();
        Some(KeyId { short: tail(8), fingerprint: tail(16), full })
    }
    fn is_short(&self) -> bool {
        self.full.len() == 8
    }
    fn is_in(&self, keys: &[String]) -> bool {
        keys.contains(if self.is_short() { &self.short } else { &self.fingerprint })
    }
}

impl Module for AptKey {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::MutuallyExclusive(&["data", "file", "keyserver", "url"])],
        examples: "- name: A vendor's key\n  ansible.builtin.apt_key:\n    url: https://apt.example.com/key.asc\n    id: 9FED2BCBDCD29CDF762678CBAED4B06F473041FA\n",
        ..ModuleSpec::new(
            "ansible.builtin.apt_key",
            "Manages the keys that apt trusts, where apt-key still exists.",
            &[
                Arg::str("id").doc("Number of the key; found out from the key if absent."),
                Arg::str("url").doc("Where to download the key."),
                Arg::str("data").doc("The key itself."),
                Arg::path("file").doc("A file on the host."),
                Arg::path("keyring").doc("Keyring file other than apt's own."),
                Arg::bool("validate_certs").default(Literal::Bool(true)).doc("Check the server's certificate."),
                Arg::str("keyserver").doc("Keyserver to ask."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the key is there."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let tools = Tools { apt_key: required(host, "apt-key")?, gpg: required(host, "gpg")? };
        let mut data = args.data.clone().map(String::into_bytes);
        let mut id = args.id.clone();
        if id.is_none() {
            if args.keyserver.is_some() {
                return Err(Failure::new("Missing key_id, required with keyserver."));
            }
            if let Some(url) = &args.url {
                data = Some(download(&args, url, host, call)?);
            }
            id = match (&args.file, &data) {
                (Some(file), _) => first_key(&tools, file, None, host)?,
                (None, Some(data)) => first_key(&tools, "-", Some(data), host)?,
                (None, None) => None,
            };
        }
        let Some(key) = id.as_deref().and_then(KeyId::parse) else {
            return Err(Failure::new("Invalid key_id").with("id", id));
        };
        let keys = list(&tools, &args, key.is_short(), host)?;
        let wanted = args.state == State::Present;
        let there = if wanted { key.is_in(&keys) } else { keys.contains(&key.fingerprint) };
        let mut outcome = Outcome::changed(there != wanted)
            .with("id", id)
            .with("short_id", key.short.as_str())
            .with("fp", key.fingerprint.as_str())
            .with("key_id", key.full.as_str())
            .with("before", keys);
        if !outcome.changed {
            outcome.values.shift_remove("after");
            return Ok(Plan::Done(outcome));
        }
        if wanted && data.is_none() && args.file.is_none() && args.keyserver.is_none() {
            match &args.url {
                Some(url) if !call.check => data = Some(download(&args, url, host, call)?),
                Some(_) => {}
                None => return Err(Failure::new("No key to add ... how did i get here?!?!")),
            }
        }
        Ok(Plan::Work(Work { args, id: key, data, tools, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, id, data, tools, outcome } = work;
        let apt_key = || {
            let command = Command::new(&tools.apt_key);
            match &args.keyring {
                Some(ring) => command.args(["--keyring", ring]),
                None => command,
            }
        };
        let (command, failed) = match (args.state, &args.file, &args.keyserver, data) {
            (State::Absent, ..) => {
                (apt_key().args(["del", &id.short]), format!("Unable to remove a key with id {}", id.short))
            }
            (_, Some(file), ..) => (apt_key().args(["add", file]), format!("Unable to add a key from file {file}")),
            (_, None, Some(server), _) => {
                let mut command = apt_key().args(["adv", "--no-tty", "--keyserver", server]);
                let proxy = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"].iter().find_map(|v| host.env(v));
                if let Some(proxy) = proxy {
                    command = command.args(["--keyserver-options".to_owned(), format!("http-proxy={proxy}")]);
                }
                let failed = format!("Error fetching key {} from keyserver: {server}", id.full);
                (plain_english(command.args(["--recv", &id.full])), failed)
            }
            (_, None, None, Some(data)) => {
                (apt_key().args(["add", "-"]).stdin(data), "Unable to add a key from binary data".to_owned())
            }
            _ => return Err(Failure::new("No key to add ... how did i get here?!?!")),
        };
        let attempts = if args.keyserver.is_some() { 5 } else { 1 };
        let mut out = execute(host, &command)?;
        for _ in 1..attempts {
            if !out.ok() {
                out = execute(host, &command)?;
            }
        }
        if !out.ok() {
            return Err(failed_command(&command, &out, &failed));
        }
        let keys = list(&tools, &args, id.is_short(), host.observe())?;
        let (done, problem) = match args.state {
            State::Present => (id.is_in(&keys), "failed to add the key"),
            State::Absent => (!keys.contains(&id.fingerprint), "the key was not removed"),
        };
        if !done {
            return Err(Failure::new(format!(
                "apt-key did not return an error, but {problem} (check that the id is correct and *not* a subkey)"
            )));
        }
        Ok(outcome.with("after", keys))
    }
}

fn download(args: &Args, url: &str, host: &dyn Observe, call: &Call) -> Result<Vec<u8>, Failure> {
    let request = Request { validate_certs: args.validate_certs, ..Request::get(url) };
    let fail = |why: String| Failure::new(format!("Failed to download key at {url}: {why}"));
    let mut response = http::send(host, call, &request).map_err(fail)?;
    if response.status != 200 {
        return Err(fail(response.msg()));
    }
    let mut bytes = Vec::new();
    response.body.read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
    Ok(bytes)
}

/// Key numbers in the output of apt-key or of gpg with colons, expired ones left out.
fn key_ids(text: &str) -> Vec<String> {
    text.lines()
        .filter(|l| (l.starts_with("pub") || l.starts_with("sub")) && !l.contains("expired"))
        .filter_map(|line| {
            let of_apt_key = line.split_whitespace().nth(1).and_then(|code| code.split_once('/')).map(|(_, id)| id);
            of_apt_key.or_else(|| line.split(':').nth(4)).map(str::to_owned)
        })
        .collect()
}

fn first_key(tools: &Tools, file: &str, data: Option<&[u8]>, host: &dyn Observe) -> Result<Option<String>, Failure> {
    let mut command = plain_english(Command::new(&tools.gpg).args(["--with-colons", file]));
    command.stdin = data.map(<[u8]>::to_vec);
    let out = query(host, &command)?;
    if !out.ok() {
        let from = if data.is_some() { "inline data" } else { file };
        return Err(failed_command(&command, &out, &format!("Unable to extract key from '{from}'")));
    }
    Ok(key_ids(&out.stdout_text()).into_iter().next())
}

fn list(tools: &Tools, args: &Args, short: bool, host: &dyn Observe) -> Result<Vec<String>, Failure> {
    let command = Command::new(&tools.apt_key);
    let command = match &args.keyring {
        Some(ring) => command.args(["--keyring", ring]),
        None => command,
    };
    let command = plain_english(command.args(["adv", "--list-public-keys", "--keyid-format=long"]));
    let out = query(host, &command)?;
    if !out.ok() {
        return Err(failed_command(&command, &out, "Unable to list public keys"));
    }
    let keys = key_ids(&out.stdout_text());
    Ok(if short { keys.into_iter().map(|k| k[k.len().saturating_sub(8)..].to_owned()).collect() } else { keys })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const KEY: Entry = Entry::of::<AptKey>();
    const LIST: &str = "/usr/bin/apt-key adv --list-public-keys --keyid-format=long";
    const ONE: &str = "pub   rsa4096/AED4B06F473041FA 2020-01-01 [SC]\n";

    fn host() -> Fake {
        Fake::new()
            .file_mode("/usr/bin/apt-key", "", 0o755)
            .file_mode("/usr/bin/gpg", "", 0o755)
            .file("/tmp/key.asc", "x")
            .answer("/usr/bin/gpg --with-colons /tmp/key.asc", 0, "pub:-:4096:1:AED4B06F473041FA:1:::-:\n")
            .answer(LIST, 0, "")
    }

    #[test]
    fn adds_and_removes_by_the_number_in_the_file() {
        let mut host = host()
            .effect("/usr/bin/apt-key add /tmp/key.asc", 0, "OK", |h| h.set_answer(LIST, 0, ONE))
            .effect("/usr/bin/apt-key del 473041FA", 0, "OK", |h| h.set_answer(LIST, 0, ""));
        let out = case(&KEY, json!({"file": "/tmp/key.asc"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["short_id"]), (true, &json!("473041FA")));
        assert_eq!(out.values["after"], json!(["AED4B06F473041FA"]));
        let gone = json!({"id": "0xAED4B06F473041FA", "state": "absent"});
        assert!(case(&KEY, gone, &mut host).unwrap().changed);
    }

    #[test]
    fn bad_numbers_and_silent_failures_are_told() {
        let mut host = host().answer("/usr/bin/apt-key add /tmp/key.asc", 0, "OK");
        assert_eq!(run(&KEY, json!({"id": "xyz"}), &mut host, false).unwrap_err().msg, "Invalid key_id");
        let failure = run(&KEY, json!({"file": "/tmp/key.asc"}), &mut host, false).unwrap_err();
        assert!(failure.msg.starts_with("apt-key did not return an error, but failed to add the key"));
    }
}
