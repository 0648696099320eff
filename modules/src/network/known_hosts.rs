//! `known_hosts`: one key of a host in a file that ssh reads. `ssh-keygen` finds the lines: it knows hashed names and patterns.

use crate::contract::{Arg, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{Steps, query, required};
use crate::host::{Change, Command, Observe};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use sha1::{Digest, Sha1};
use std::io::Read;
use std::path::{Path, PathBuf};

pub struct KnownHosts;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    key: Option<String>,
    path: PathBuf,
    hash_host: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

/// Bytes of the salt of a hashed name.
const SALT: usize = 20;
/// Block size of SHA-1 in bytes.
const BLOCK: usize = 64;

impl Module for KnownHosts {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: r#"
- name: Know a host by its key
  ansible.builtin.known_hosts:
    name: foo.example.com
    key: foo.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl

- name: Forget all keys of a host
  ansible.builtin.known_hosts:
    name: '[old.example.com]:2222'
    path: /etc/ssh/ssh_known_hosts
    state: absent
"#,
        returns: &[
            Return { name: "name", when: "always", doc: "The host." },
            Return { name: "path", when: "always", doc: "The file." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.known_hosts",
            "Adds or removes host keys of ssh's known hosts.",
            &[
                Arg::str("name").required().aliases(&["host"]).doc("The host; it must be in `key`, too."),
                Arg::str("key").doc("A line of the file: names, type and key. Without it, `absent` removes all keys."),
                Arg::path("path").default(Literal::Str("~/.ssh/known_hosts")).doc("The file."),
                Arg::bool("hash_host").default(Literal::Bool(false)).doc("Hash the name in the file."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the key is there."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let name = args.name.to_lowercase();
        let present = args.state == State::Present;
        let keygen = Keygen { program: required(host, "ssh-keygen")?, host };
        let given = args.key.as_deref().filter(|key| !key.is_empty());
        if given.is_none() && present {
            return Err(Failure::new("No key specified when adding a host"));
        }
        let line = match given {
            Some(key) if args.hash_host => Some(hashed(&name, key, &salt(host)?)?),
            Some(key) => Some(key.to_owned()),
            None => None,
        };
        let line = line.map(|line| if line.ends_with('\n') { line } else { line + "\n" });
        if let Some(line) = &line {
            keygen.check(&name, line)?;
        }
        let found = keygen.search(&name, line.as_deref(), &args.path)?;
        let text = host.read_text(&args.path);
        let (before, before_header) = match &text {
            Ok(text) => (text.as_str(), args.path.to_string_lossy().into_owned()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => ("", "/dev/null".to_owned()),
            Err(_) => ("", args.path.to_string_lossy().into_owned()),
        };
        let drops = found.replace || !present;
        let lines = before.split_inclusive('\n').enumerate();
        let kept = lines.filter(|(at, _)| !drops || found.line != Some(at + 1)).map(|(_, line)| line);
        let adds = present && (found.replace || !found.host);
        let after: String = kept.chain(line.as_deref().filter(|_| adds)).collect();
        let diff =
            Diff { before_header: Some(before_header), ..Diff::text(&args.path.to_string_lossy(), before, &after) };
        let outcome = Outcome::unchanged()
            .with("name", args.name)
            .with("key", args.key)
            .with("path", args.path.to_string_lossy())
            .with("hash_host", args.hash_host)
            .with("state", if present { "present" } else { "absent" })
            .with_diff(diff);
        let is_other = !present && line.is_some() && found.line.is_none();
        if is_other || !(found.replace || found.host != present) {
            return Ok(Plan::Done(outcome));
        }
        let mut work = Steps::new(Outcome { changed: true, ..outcome });
        if !present && line.is_none() {
            let forget = ["-R", &name, "-f", &args.path.to_string_lossy()];
            work.run(Command::new(&keygen.program).args(forget));
        } else {
            work.write(&args.path, after, None);
        }
        Ok(Plan::Work(work))
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// What the file says of the host.
#[derive(Default)]
struct Found {
    host: bool,
    /// It has another key than the one that is given.
    replace: bool,
    /// Number of the line with a key of the same type.
    line: Option<usize>,
}

struct Keygen<'a> {
    program: PathBuf,
    host: &'a dyn Observe,
}

impl Keygen<'_> {
    /// The key must be one of this host's.
    fn check(&self, name: &str, line: &str) -> Result<(), Failure> {
        let listed = name.split(',').collect::<Vec<_>>();
        if listed.len() > 1 && !listed[0].trim().is_empty() {
            return Err(Failure::new(
                "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.",
            ));
        }
        let command = Command::new(&self.program).args(["-F", name, "-f", "/dev/stdin"]).stdin(line);
        if query(self.host, &command)?.stdout.is_empty() {
            return Err(Failure::new("Host parameter does not match hashed host field in supplied key"));
        }
        Ok(())
    }

    fn search(&self, name: &str, line: Option<&str>, path: &Path) -> Result<Found, Failure> {
        if self.host.stat(path).is_err() {
            return Ok(Found::default());
        }
        let out = query(self.host, &Command::new(&self.program).args(["-F", name, "-f", &path.to_string_lossy()]))?;
        let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
        if stdout.is_empty() && stderr.is_empty() && matches!(out.rc, 0 | 1) {
            return Ok(Found::default());
        }
        if out.rc != 0 {
            let rc = out.rc;
            return Err(Failure::new(format!("ssh-keygen failed (rc={rc}, stdout='{stdout}',stderr='{stderr}')")));
        }
        let Some(line) = line else { return Ok(Found { host: true, ..Found::default() }) };
        let wanted = Key::read(line)?;
        let mut at = None;
        for text in stdout.lines().filter(|l| !l.is_empty()) {
            if text.starts_with('#') {
                let number =
                    text.split_once("found: line ").map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
                at = Some(number.and_then(|n| n.parse().ok()).ok_or_else(|| {
                    Failure::new(format!("failed to parse output of ssh-keygen for line number: '{text}'"))
                })?);
                continue;
            }
            let known = Key::read(text)?;
            let is_marked = known.marker.is_some_and(|m| m.starts_with("@cert-authority") || m.starts_with("@revoke"));
            // Two hashes of one name have different salts.
            let same_host = wanted.host == known.host || (wanted.is_hashed() && known.is_hashed());
            let same = same_host && (wanted.marker, wanted.kind, wanted.key) == (known.marker, known.kind, known.key);
            if same {
                return Ok(Found { host: true, replace: false, line: at });
            }
            if !is_marked && wanted.kind == known.kind {
                return Ok(Found { host: true, replace: true, line: at });
            }
        }
        Ok(Found { host: true, replace: true, line: None })
    }
}

/// The fields of a line.
struct Key<'a> {
    /// `@cert-authority` or `@revoked`.
    marker: Option<&'a str>,
    host: &'a str,
    kind: &'a str,
    key: &'a str,
}

impl<'a> Key<'a> {
    fn read(line: &'a str) -> Result<Self, Failure> {
        let mut words = line.split_whitespace().peekable();
        let marker = words.next_if(|word| word.starts_with('@'));
        match (words.next(), words.next(), words.next()) {
            (Some(host), Some(kind), Some(key)) => Ok(Key { marker, host, kind, key }),
            _ => Err(Failure::new(format!("not a line of known hosts: {}", line.trim_end()))),
        }
    }
    fn is_hashed(&self) -> bool {
        self.host.starts_with("|1|")
    }
}

fn salt(host: &dyn Observe) -> Result<[u8; SALT], Failure> {
    let mut salt = [0; SALT];
    let source = Path::new("/dev/urandom");
    let read = host.open(source).and_then(|mut bytes| bytes.read_exact(&mut salt));
    read.map_err(|e| Failure::io(source.display(), &e))?;
    Ok(salt)
}

/// The line with its names hashed, as ssh does it: HMAC-SHA1 of the name under a salt.
fn hashed(name: &str, line: &str, salt: &[u8; SALT]) -> Result<String, Failure> {
    Key::read(line)?;
    let padded = |with: u8| {
        let mut block = [with; BLOCK];
        block.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
        block
    };
    let inner = Sha1::new().chain_update(padded(0x36)).chain_update(name).finalize();
    let digest = Sha1::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
    let host = format!("|1|{}|{}", BASE64_STANDARD.encode(salt), BASE64_STANDARD.encode(digest));
    let words = line.split_whitespace();
    let at = usize::from(line.trim_start().starts_with('@'));
    let words: Vec<&str> = words.enumerate().map(|(i, word)| if i == at { host.as_str() } else { word }).collect();
    Ok(words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<KnownHosts>();
    const FILE: &str = "/root/.ssh/known_hosts";
    const ASK: &str = "/usr/bin/ssh-keygen -F example.org -f /root/.ssh/known_hosts";

    fn host() -> Fake {
        Fake::new()
            .file_mode("/usr/bin/ssh-keygen", "", 0o755)
            .file(FILE, "a.example ssh-rsa AAA\nexample.org ssh-rsa OLD\n")
            .answer("/usr/bin/ssh-keygen -F example.org -f /dev/stdin", 0, "# Host example.org found: line 1\n")
            .answer(ASK, 0, "# Host example.org found: line 2\nexample.org ssh-rsa OLD\n")
    }

    #[test]
    fn a_key_is_replaced_added_and_removed() {
        let set = |key: &str, state: &str| json!({"name": "Example.org", "key": key, "state": state});
        let mut other = host();
        let out = run(&ENTRY, set("example.org ssh-rsa NEW", "present"), &mut other, false).expect("replaced");
        assert!(out.changed);
        assert_eq!(other.text(FILE), "a.example ssh-rsa AAA\nexample.org ssh-rsa NEW\n");
        let mut other = host();
        assert!(!case(&ENTRY, set("example.org ssh-rsa OLD", "present"), &mut other).expect("as it is").changed);
        assert!(!case(&ENTRY, set("example.org ssh-ed25519 X", "absent"), &mut other).expect("not there").changed);
        let out = run(&ENTRY, set("example.org ssh-ed25519 X", "present"), &mut other, true).expect("another type");
        assert_eq!(out.diff[0].after, Some(format!("{}example.org ssh-ed25519 X\n", other.text(FILE)).into()));
        assert!(run(&ENTRY, set("example.org ssh-rsa OLD", "absent"), &mut other, false).expect("removed").changed);
        assert_eq!(other.text(FILE), "a.example ssh-rsa AAA\n");
    }

    #[test]
    fn without_a_key_the_host_is_forgotten() {
        let mut host = host().effect("/usr/bin/ssh-keygen -R example.org -f /root/.ssh/known_hosts", 0, "", |h| {
            h.set_answer(ASK, 1, "");
        });
        assert!(case(&ENTRY, json!({"name": "example.org", "state": "absent"}), &mut host).expect("gone").changed);
        let bare = run(&ENTRY, json!({"name": "example.org"}), &mut host, false).expect_err("no key");
        assert_eq!(bare.msg, "No key specified when adding a host");
        let list = json!({"name": "a,b", "key": "a,b ssh-rsa X"});
        let list = run(&ENTRY, list, &mut host, false).expect_err("two names").msg;
        assert!(list.starts_with("Comma separated list"), "{list}");
    }

    #[test]
    fn names_are_hashed_as_ssh_does() {
        let line =
            hashed("example.org", "@revoked example.org ssh-rsa AAA root@x", b"01234567890123456789").expect("a line");
        assert_eq!(line, "@revoked |1|MDEyMzQ1Njc4OTAxMjM0NTY3ODk=|D7Ox6QEGSMOtpXFD3Xnwjh9acms= ssh-rsa AAA root@x");
    }
}
