//! `community.crypto.openssh_keypair`: a private key and its public key, made by the host's `ssh-keygen`.

use crate::contract::{Arg, Call, Diff, Failure, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, failed_command, query, required};
use crate::host::{Change, Command, FILE_ARGS, FileAttrs, Observe, WriteOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct OpensshKeypair;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    path: PathBuf,
    state: State,
    #[serde(rename = "type")]
    kind: String,
    size: Option<i64>,
    force: bool,
    comment: Option<String>,
    passphrase: Option<String>,
    private_key_format: String,
    backend: String,
    regenerate: Regenerate,
    #[serde(flatten)]
    attrs: FileAttrs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Regenerate {
    Never,
    Fail,
    PartialIdempotence,
    FullIdempotence,
    Always,
}

pub struct Work {
    args: Args,
    size: i64,
    keygen: PathBuf,
    before: Pair,
    task: Task,
}

/// What is to be done about the two files; attributes are brought in line after it.
enum Task {
    Generate,
    /// Writes the public key that belongs to the private one, then its comment.
    Restore(String),
    Attributes,
    Remove,
}

impl Module for OpensshKeypair {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        examples: "- name: A key for deployments\n  community.crypto.openssh_keypair:\n    path: /home/deploy/.ssh/id_ed25519\n    type: ed25519\n    owner: deploy\n    comment: deploy\n",
        returns: &[
            Return { name: "size", when: "success", doc: "Bits of the key." },
            Return { name: "type", when: "success", doc: "Its kind." },
            Return { name: "filename", when: "success", doc: "File of the private key." },
            Return { name: "fingerprint", when: "success", doc: "Fingerprint of the key." },
            Return { name: "public_key", when: "success", doc: "The public key without its comment." },
            Return { name: "comment", when: "success", doc: "The comment." },
        ],
        differs: "Keys are made by `ssh-keygen` only: `passphrase`, `backend: cryptography` and formats other than `auto` are refused.",
        ..ModuleSpec::new(
            "community.crypto.openssh_keypair",
            "Manages a pair of OpenSSH keys.",
            &[
                Arg::path("path").required().doc("File of the private key; the public one has `.pub` behind it."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether the two files are there."),
                Arg::str("type")
                    .choices(&["rsa", "dsa", "rsa1", "ecdsa", "ed25519"])
                    .default(Literal::Str("rsa"))
                    .doc("Kind of the key."),
                Arg::int("size").doc("Bits of the key."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Make a new key at each call."),
                Arg::str("comment").doc("Comment of the public key."),
                Arg::str("passphrase").no_log().doc("Passphrase of the private key."),
                Arg::str("private_key_format")
                    .choices(&["auto", "pkcs1", "pkcs8", "ssh"])
                    .default(Literal::Str("auto"))
                    .doc("Format of the private key."),
                Arg::str("backend")
                    .choices(&["auto", "cryptography", "opensshbin"])
                    .default(Literal::Str("auto"))
                    .doc("What makes the keys."),
                Arg::str("regenerate")
                    .choices(&["never", "fail", "partial_idempotence", "full_idempotence", "always"])
                    .default(Literal::Str("partial_idempotence"))
                    .doc("When a key that is there is replaced."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let size = size_of(&args)?;
        check_place(&args, host)?;
        if args.passphrase.is_some() || args.backend == "cryptography" {
            return Err(Failure::new(
                "passphrase and backend=cryptography are not supported: keys are made by ssh-keygen",
            ));
        }
        if args.private_key_format != "auto" {
            let msg = "'auto' is the only valid option for 'private_key_format' when 'backend' is not 'cryptography'";
            return Err(Failure::new(msg));
        }
        let keygen = required(host, "ssh-keygen")?;
        let before = Pair::load(host, &keygen, &args.path)?;
        let public = public_path(&args.path);
        if args.state == State::Absent {
            let there = host.stat(&args.path).is_ok() || host.stat(&public).is_ok();
            let work = Work { args, size, keygen, before, task: Task::Remove };
            return Ok(if there { Plan::Work(work) } else { Plan::Done(work.told(None, false, call)) });
        }
        let task = task(&args, size, host, &keygen, &before)?;
        let mut changed = !matches!(task, Task::Attributes);
        for path in [&args.path, &public] {
            changed |= match host.stat(path) {
                Ok(_) => args.attrs.resolve(host, path, call)?.differences(host, path)?.any(),
                Err(_) => true,
            };
        }
        let work = Work { args, size, keygen, before, task };
        if changed { Ok(Plan::Work(work)) } else { Ok(Plan::Done(work.told(Some(&work.before), false, call))) }
    }

    fn preview(work: &Work, call: &Call) -> Outcome {
        let after = (!matches!(work.task, Task::Remove)).then_some(&work.before);
        work.told(after, true, call)
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let private = work.args.path.clone();
        let public = public_path(&private);
        match &work.task {
            Task::Remove => {
                for path in [&private, &public] {
                    if host.stat(path).is_ok() {
                        host.remove_file(path)
                            .map_err(|e| Failure::io(format!("cannot remove {}", path.display()), &e))?;
                    }
                }
                return Ok(work.told(None, true, call));
            }
            Task::Generate => generate(&work, host)?,
            Task::Restore(key) => {
                put(host, &public, format!("{key}\n").as_bytes(), 0o644)?;
                if let Some(comment) = work.args.comment.as_deref().filter(|c| !c.is_empty()) {
                    set_comment(host, &work.keygen, &private, comment)?;
                }
            }
            Task::Attributes => {}
        }
        let after = Pair::load(host.observe(), &work.keygen, &private)?;
        for path in [&private, &public] {
            work.args.attrs.resolve(host.observe(), path, call)?.apply(host, path)?;
        }
        Ok(work.told(Some(&after), true, call))
    }
}

impl Work {
    fn told(&self, after: Option<&Pair>, changed: bool, call: &Call) -> Outcome {
        let shown =
            |pick: fn(&Pair) -> Option<String>| after.and_then(pick).or_else(|| pick(&self.before)).unwrap_or_default();
        let mut outcome = Outcome::changed(changed)
            .with("size", self.size)
            .with("type", self.args.kind.clone())
            .with("filename", self.args.path.display().to_string())
            .with("fingerprint", shown(|p| p.private.as_ref().map(|k| k.fingerprint.clone())))
            .with("public_key", shown(|p| p.public.as_ref().map(Public::key)))
            .with("comment", shown(|p| p.public.as_ref().map(|k| k.comment.clone())));
        if call.diff {
            outcome.diff.push(Diff::data(self.before.data(), after.map(Pair::data).unwrap_or_default()));
        }
        outcome
    }
}

/// The keys that two files hold, as far as they can be read.
#[derive(Clone, Debug, Default)]
struct Pair {
    private: Option<Private>,
    public: Option<Public>,
}

#[derive(Clone, Debug)]
struct Private {
    size: i64,
    kind: String,
    fingerprint: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Public {
    kind: String,
    data: String,
    comment: String,
}

impl Public {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim_matches([' ', '\n']).splitn(3, ' ');
        let (kind, data) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Public { kind, data, comment: parts.next().unwrap_or_default().to_owned() })
    }

    fn key(&self) -> String {
        format!("{} {}", self.kind, self.data)
    }
}

impl Private {
    /// A line of `ssh-keygen -l`: size, fingerprint, comment, kind in brackets.
    fn read(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let kind = words.last()?.trim_start_matches('(').trim_end_matches(')').to_lowercase();
        Some(Private { size: words[0].parse().ok()?, kind, fingerprint: (*words.get(1)?).to_owned() })
    }
}

impl Pair {
    fn load(host: &dyn Observe, keygen: &Path, path: &Path) -> Result<Self, Failure> {
        let mut pair = Pair::default();
        if host.stat(path).is_ok() {
            let out = query(host, &Command::new(keygen).args(["-l", "-f"]).arg(path.to_string_lossy()))?;
            pair.private = Private::read(&out.stdout_text()).filter(|_| out.ok());
        }
        pair.public = host.read_text(&public_path(path)).ok().and_then(|text| Public::read(&text));
        Ok(pair)
    }

    fn data(&self) -> JsonMap {
        let mut map = JsonMap::new();
        if let Some(key) = &self.private {
            map.insert("size".to_owned(), key.size.into());
            map.insert("type".to_owned(), key.kind.clone().into());
            map.insert("fingerprint".to_owned(), key.fingerprint.clone().into());
            map.insert("format".to_owned(), "".into());
        }
        if let Some(key) = &self.public {
            map.insert("comment".to_owned(), key.comment.clone().into());
            map.insert("public_key".to_owned(), key.data.clone().into());
        }
        map
    }
}

fn public_path(private: &Path) -> PathBuf {
    let mut name = private.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn size_of(args: &Args) -> Result<i64, Failure> {
    let (default, fits, msg): (i64, fn(i64) -> bool, &str) = match args.kind.as_str() {
        "rsa" | "rsa1" => (
            4096,
            |s| s >= 1024,
            "For RSA keys, the minimum size is 1024 bits and the default is 4096 bits. Attempting to use bit lengths under 1024 will cause the module to fail.",
        ),
        "dsa" => (1024, |s| s == 1024, "DSA keys must be exactly 1024 bits as specified by FIPS 186-2."),
        "ecdsa" => (
            256,
            |s| matches!(s, 256 | 384 | 521),
            "For ECDSA keys, size determines the key length by selecting from one of three elliptic curve sizes: 256, 384 or 521 bits. Attempting to use bit lengths other than these three values for ECDSA keys will cause this module to fail.",
        ),
        _ => return Ok(256),
    };
    let size = args.size.unwrap_or(default);
    if fits(size) { Ok(size) } else { Err(Failure::new(msg)) }
}

fn check_place(args: &Args, host: &dyn Observe) -> Result<(), Failure> {
    let dir = args.path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !host.is_dir(dir) {
        let dir = dir.display().to_string();
        let msg = format!("The directory {dir} does not exist or the file is not a directory");
        return Err(Failure::new(msg).with("name", dir));
    }
    if host.is_dir(&args.path) {
        let msg = format!("{} is a directory. Please specify a path to a file.", args.path.display());
        return Err(Failure::new(msg));
    }
    Ok(())
}

fn task(args: &Args, size: i64, host: &dyn Observe, keygen: &Path, before: &Pair) -> Result<Task, Failure> {
    use Regenerate::{Always, Fail, FullIdempotence, Never, PartialIdempotence};
    let regenerate = if args.force { Always } else { args.regenerate };
    let ask = Command::new(keygen).args(["-P", "", "-y", "-f"]).arg(args.path.to_string_lossy());
    let mut belonging = None;
    if host.stat(&args.path).is_ok() && regenerate != Always {
        let out = query(host, &ask)?;
        let said = out.stderr_text();
        let readable = out.rc != 255
            && !["is not a public key file", "incorrect passphrase", "load failed"].iter().any(|s| said.contains(s));
        if regenerate != FullIdempotence && (before.private.is_none() || !readable) {
            return Err(Failure::new(
                "Unable to read the key. The key is protected with a passphrase or broken. Will not proceed. To force regeneration, call the module with `generate` set to `full_idempotence` or `always`, or with `force=true`.",
            ));
        }
        belonging = Some(out);
    }
    let Some(private) = &before.private else { return Ok(Task::Generate) };
    let fits = private.size == size && private.kind == args.kind;
    match regenerate {
        Always => return Ok(Task::Generate),
        PartialIdempotence | FullIdempotence if !fits => return Ok(Task::Generate),
        Fail if !fits => {
            return Err(Failure::new(
                "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.",
            ));
        }
        Never | Fail | PartialIdempotence | FullIdempotence => {}
    }
    let out = belonging.unwrap_or_default();
    let Some(key) = Public::read(&out.stdout_text()).filter(|_| out.ok()) else {
        return Err(failed_command(&ask, &out, ""));
    };
    let same = before.public.as_ref().is_some_and(|p| {
        p.kind == key.kind && p.data == key.data && args.comment.as_ref().is_none_or(|c| *c == p.comment)
    });
    Ok(if same { Task::Attributes } else { Task::Restore(key.key()) })
}

fn generate(work: &Work, host: &mut dyn Change) -> Result<(), Failure> {
    let dir = host.temp_dir(None, "keypair-").map_err(|e| Failure::io("cannot make a temporary directory", &e))?;
    let made = dir.join("key");
    let command = Command::new(&work.keygen)
        .args(["-q", "-N", "", "-b"])
        .arg(work.size.to_string())
        .args(["-t", &work.args.kind, "-f"])
        .arg(made.to_string_lossy())
        .arg("-C")
        .arg(work.args.comment.as_deref().unwrap_or_default());
    let out = execute(host, &command)?;
    if !out.ok() {
        return Err(failed_command(&command, &out, ""));
    }
    for (from, to, mode) in
        [(made.clone(), work.args.path.clone(), 0o600), (public_path(&made), public_path(&work.args.path), 0o644)]
    {
        let content = host.read(&from).map_err(|e| Failure::io(format!("cannot read {}", from.display()), &e))?;
        put(host, &to, &content, mode)?;
    }
    Ok(())
}

/// Writes a file that keeps its mode if it is there.
fn put(host: &mut dyn Change, path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let mode = host.stat(path).is_err().then_some(mode);
    let options = WriteOptions { mode, ..WriteOptions::default() };
    host.write(path, &mut &*content, &options).map_err(|e| Failure::io(format!("cannot write {}", path.display()), &e))
}

fn set_comment(host: &mut dyn Change, keygen: &Path, private: &Path, comment: &str) -> Result<(), Failure> {
    if !host.access(private, 2) {
        host.set_mode(private, 0o600)
            .map_err(|e| Failure::io(format!("The private key at {} is not writeable", private.display()), &e))?;
    }
    let command = Command::new(keygen).args(["-q", "-c", "-C", comment, "-f"]).arg(private.to_string_lossy());
    let out = execute(host, &command)?;
    if out.ok() { Ok(()) } else { Err(failed_command(&command, &out, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const KEYPAIR: Entry = Entry::of::<OpensshKeypair>();
    const KEYGEN: &str = "/usr/bin/ssh-keygen";

    fn host() -> Fake {
        Fake::new()
            .file_mode(KEYGEN, "", 0o755)
            .file_mode("/k/id", "PRIVATE", 0o600)
            .file("/k/id.pub", "ssh-ed25519 AAA ann\n")
            .answer("/usr/bin/ssh-keygen -l -f /k/id", 0, "256 SHA256:xyz ann (ED25519)\n")
            .answer_argv(&[KEYGEN, "-P", "", "-y", "-f", "/k/id"], 0, "ssh-ed25519 AAA ann\n")
    }

    #[test]
    fn a_key_that_fits_is_kept_and_described() {
        let out = case(&KEYPAIR, json!({"path": "/k/id", "type": "ed25519"}), &mut host()).unwrap();
        assert!(!out.changed);
        let expected = json!({"size": 256, "type": "ed25519", "filename": "/k/id", "fingerprint": "SHA256:xyz",
            "public_key": "ssh-ed25519 AAA", "comment": "ann"});
        assert_eq!(json!(out.values), expected);
        let failure = run(&KEYPAIR, json!({"path": "/k/id", "regenerate": "fail"}), &mut host(), false).unwrap_err();
        assert!(failure.msg.starts_with("Key has wrong type and/or size."));
        assert!(run(&KEYPAIR, json!({"path": "/k/id"}), &mut host(), true).unwrap().changed);
    }

    #[test]
    fn comment_mode_and_removal() {
        let mut host = host().effect("/usr/bin/ssh-keygen -q -c -C bob -f /k/id", 0, "", |h| {
            h.set_file("/k/id.pub", "ssh-ed25519 AAA bob\n", 0o644);
        });
        let args = json!({"path": "/k/id", "type": "ed25519", "comment": "bob", "mode": "0640"});
        let out = case(&KEYPAIR, args, &mut host).unwrap();
        assert_eq!(out.values["comment"], "bob");
        assert_eq!(host.stat(Path::new("/k/id")).unwrap().mode, 0o640);
        assert_eq!(host.stat(Path::new("/k/id.pub")).unwrap().mode, 0o640);
        assert!(case(&KEYPAIR, json!({"path": "/k/id", "state": "absent"}), &mut host).unwrap().changed);
        assert!(!host.exists(Path::new("/k/id")) && !host.exists(Path::new("/k/id.pub")));
    }

    #[test]
    fn places_and_sizes_are_checked() {
        for (args, msg) in [
            (json!({"path": "/no/id"}), "The directory /no does not exist or the file is not a directory"),
            (json!({"path": "/k"}), "/k is a directory. Please specify a path to a file."),
            (
                json!({"path": "/k/i", "type": "dsa", "size": 2048}),
                "DSA keys must be exactly 1024 bits as specified by FIPS 186-2.",
            ),
        ] {
            assert_eq!(run(&KEYPAIR, args, &mut host(), true).unwrap_err().msg, msg);
        }
    }
}
