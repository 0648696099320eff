//! `community.crypto.openssl_privatekey`: a private key in a file.

use super::BACKEND;
use super::curve::Curve;
use super::digest;
use super::key::{Format, Key, Unreadable, format_of};
use super::openssl_privatekey_info::describe;
use super::place::Place;
use crate::contract::{
    Arg, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::path::PathBuf;

pub struct OpensslPrivatekey;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    force: bool,
    backup: bool,
    return_content: bool,
    size: i64,
    #[serde(rename = "type")]
    kind: String,
    curve: Option<String>,
    passphrase: Option<String>,
    cipher: String,
    format: String,
    format_mismatch: String,
    regenerate: Regenerate,
    #[serde(flatten)]
    attrs: FileAttrs,
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
    place: Place,
    before: Option<Vec<u8>>,
    /// The key that is there, if it can be read.
    key: Option<Key>,
    task: Task,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Generate,
    /// Writes the same key in another layout.
    Convert,
    Attributes,
    Remove,
}

/// Curves that the collection knows and this module does not.
const OTHER_CURVES: &str = "is not supported: only secp256r1, secp384r1 and secp521r1 are";

impl Module for OpensslPrivatekey {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        rules: &[Rule::RequiredIf { arg: "type", value: Literal::Str("ECC"), required: &["curve"], any: false }],
        examples: "- name: A key of the default kind and size\n  community.crypto.openssl_privatekey:\n    path: /etc/ssl/private/example.org.pem\n\n- name: A key on an elliptic curve\n  community.crypto.openssl_privatekey:\n    path: /etc/ssl/private/example.org.pem\n    type: ECC\n    curve: secp384r1\n    owner: www-data\n",
        returns: &[
            Return { name: "size", when: "success", doc: "Bits, as wished." },
            Return { name: "type", when: "success", doc: "Kind of key, as wished." },
            Return { name: "curve", when: "type is ECC", doc: "The curve." },
            Return { name: "filename", when: "success", doc: "The file." },
            Return { name: "fingerprint", when: "success", doc: "Fingerprints of the public key, by digest." },
            Return { name: "privatekey", when: "return_content", doc: "The key; base64 of it where it is raw." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "Keys of the kinds DSA, Ed448 and X448 and on curves other than secp256r1, secp384r1 and secp521r1 are refused.",
        ..ModuleSpec::new(
            "community.crypto.openssl_privatekey",
            "A private key in a file.",
            &[
                Arg::path("path").required().doc("The file."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Make a new key at each call."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("return_content").default(Literal::Bool(false)).doc("Return the key itself."),
                Arg::int("size").default(Literal::Int(4096)).doc("Bits of an RSA key."),
                Arg::str("type")
                    .choices(&["DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448"])
                    .default(Literal::Str("RSA"))
                    .doc("Kind of key."),
                Arg::str("curve")
                    .choices(&[
                        "secp224r1",
                        "secp256k1",
                        "secp256r1",
                        "secp384r1",
                        "secp521r1",
                        "secp192r1",
                        "brainpoolP256r1",
                        "brainpoolP384r1",
                        "brainpoolP512r1",
                        "sect163k1",
                        "sect163r2",
                        "sect233k1",
                        "sect233r1",
                        "sect283k1",
                        "sect283r1",
                        "sect409k1",
                        "sect409r1",
                        "sect571k1",
                        "sect571r1",
                    ])
                    .doc("Curve of an ECC key."),
                Arg::str("passphrase").no_log().doc("Passphrase of the key."),
                Arg::str("cipher").default(Literal::Str("auto")).doc("Cipher under the passphrase: only `auto`."),
                Arg::str("format")
                    .choices(&["pkcs1", "pkcs8", "raw", "auto", "auto_ignore"])
                    .default(Literal::Str("auto_ignore"))
                    .doc("Layout of the file; `auto_ignore` leaves that of a key that is there."),
                Arg::str("format_mismatch")
                    .choices(&["regenerate", "convert"])
                    .default(Literal::Str("regenerate"))
                    .doc("What is done about another layout."),
                BACKEND,
                Arg::str("regenerate")
                    .choices(&["never", "fail", "partial_idempotence", "full_idempotence", "always"])
                    .default(Literal::Str("full_idempotence"))
                    .doc("When a key that is there is replaced."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let place = Place::new(host, &args.path, args.backup, &args.attrs, Some("0600"), false)?;
        let before = place.existing(host)?;
        if args.state == "absent" {
            let there = host.stat(&args.path).is_ok();
            let work = Work { args, place, before: None, key: None, task: Task::Remove };
            return Ok(if there { Plan::Work(work) } else { Plan::Done(work.told(false, None, None)) });
        }
        let read = before.as_deref().map(|content| load(&args, content));
        let task = task(&args, before.as_deref(), read.as_ref())?;
        let work = Work { place, before, key: read.and_then(Result::ok), task, args };
        if work.task == Task::Attributes && !work.place.differs(host, call)? {
            return Ok(Plan::Done(work.told(false, work.key.as_ref(), work.before.as_deref())));
        }
        Ok(Plan::Work(work))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.told(true, work.key.as_ref(), work.before.as_deref())
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let made;
        let (key, kept, content) = match work.task {
            Task::Remove => {
                let kept = work.place.remove(host)?;
                return Ok(with_backup(work.told(true, None, None), kept));
            }
            Task::Attributes => (work.key.as_ref(), None, work.before.clone()),
            Task::Convert | Task::Generate => {
                let key = match (&work.key, work.task) {
                    (Some(key), Task::Convert) => key,
                    _ => {
                        made = generate(&work.args)?;
                        &made
                    }
                };
                let format = &work.args.format;
                let content =
                    key.write(wanted_format(&work.args), work.args.passphrase.as_deref()).ok_or_else(|| {
                        let msg = "Cryptography backend cannot serialize the private key in the required format";
                        Failure::new(format!("{msg} \"{format}\""))
                    })?;
                let kept = work.place.put(host, &content, call)?;
                (Some(key), kept, Some(content.to_vec()))
            }
        };
        work.place.settle(host, call)?;
        Ok(with_backup(work.told(true, key, content.as_deref()), kept))
    }
}

fn with_backup(outcome: Outcome, kept: Option<String>) -> Outcome {
    match kept {
        Some(name) => outcome.with("backup_file", name),
        None => outcome,
    }
}

impl Work {
    fn told(&self, changed: bool, key: Option<&Key>, content: Option<&[u8]>) -> Outcome {
        let args = &self.args;
        let public = key.and_then(Key::public).and_then(|p| p.der());
        let mut outcome = Outcome::changed(changed)
            .with("type", args.kind.clone())
            .with("size", args.size)
            .with("fingerprint", public.map(|der| Json::from(digest::fingerprints(&der))).unwrap_or_default())
            .with("filename", self.place.name());
        if args.kind == "ECC" {
            outcome.set("curve", args.curve.clone());
        }
        if args.return_content {
            outcome.set(
                "privatekey",
                content.map(|content| match format_of(content) {
                    Some(Format::Raw) => STANDARD.encode(content),
                    _ => String::from_utf8_lossy(content).into_owned(),
                }),
            );
        }
        let side =
            |content: Option<&[u8]>| content.map(|c| diff_side(c, args.passphrase.as_deref())).unwrap_or_default();
        outcome.with_diff(Diff::data(side(self.before.as_deref()), side(content)))
    }
}

fn diff_side(content: &[u8], passphrase: Option<&str>) -> JsonMap {
    let mut side = JsonMap::new();
    side.insert("can_parse_key".to_owned(), false.into());
    side.insert("key_is_consistent".to_owned(), Json::Null);
    if let Ok(key) = Key::read(content, passphrase) {
        side.insert("can_parse_key".to_owned(), true.into());
        describe(&key, true, &mut side);
    }
    side
}

fn load(args: &Args, content: &[u8]) -> Result<Key, Unreadable> {
    if format_of(content) == Some(Format::Raw) {
        return Key::raw(content, args.kind != "Ed25519").ok_or(Unreadable::Broken);
    }
    Key::read(content, args.passphrase.as_deref())
}

fn wanted_format(args: &Args) -> Format {
    match (args.format.as_str(), args.kind.as_str()) {
        ("pkcs1", _) => Format::Pkcs1,
        ("pkcs8", _) | (_, "Ed25519" | "X25519") if args.format != "raw" => Format::Pkcs8,
        ("raw", _) => Format::Raw,
        _ => Format::Pkcs1,
    }
}

/// Whether the key is of the wished kind and size.
fn fits(args: &Args, key: &Key) -> bool {
    args.kind == key.kind()
        && match key {
            Key::Rsa(_) => key.size() == Some(args.size),
            Key::Ec(curve, _) => args.curve.as_deref() == Some(curve.name()),
            _ => true,
        }
}

fn task(args: &Args, before: Option<&[u8]>, read: Option<&Result<Key, Unreadable>>) -> Result<Task, Failure> {
    use Regenerate::{Always, Fail, FullIdempotence, Never, PartialIdempotence};
    let generate = || {
        if matches!(args.kind.as_str(), "DSA" | "Ed448" | "X448") {
            return Err(Failure::new(format!("type={} is not supported", args.kind)));
        }
        if let Some(curve) = args.curve.as_deref().filter(|c| args.kind == "ECC" && Curve::named(c).is_none()) {
            return Err(Failure::new(format!("curve={curve} {OTHER_CURVES}")));
        }
        if args.cipher != "auto" && !args.cipher.is_empty() && args.passphrase.as_deref().is_some_and(|p| !p.is_empty())
        {
            return Err(Failure::new("Cryptography backend can only use \"auto\" for cipher option."));
        }
        Ok(Task::Generate)
    };
    let regenerate = if args.force { Always } else { args.regenerate };
    let (Some(before), Some(read)) = (before, read) else { return generate() };
    if regenerate == Always {
        return generate();
    }
    let raw = format_of(before) == Some(Format::Raw);
    let key = match read {
        Ok(key) if !raw || args.passphrase.is_none() => key,
        _ if regenerate == FullIdempotence => return generate(),
        _ => {
            return Err(Failure::new(
                "Unable to read the key. The key is protected with a another passphrase / no passphrase or broken. Will not proceed. To force regeneration, call the module with `generate` set to `full_idempotence` or `always`, or with `force=true`.",
            ));
        }
    };
    let differs = |msg: &str| match regenerate {
        PartialIdempotence | FullIdempotence => generate(),
        _ => Err(Failure::new(msg)),
    };
    if regenerate != Never && !fits(args, key) {
        return differs(
            "Key has wrong type and/or size. Will not proceed. To force regeneration, call the module with `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.",
        );
    }
    if args.format == "auto_ignore" || format_of(before) == Some(wanted_format(args)) {
        return Ok(Task::Attributes);
    }
    match (args.format_mismatch.as_str(), regenerate) {
        ("convert", _) => Ok(Task::Convert),
        (_, Never) => Ok(Task::Attributes),
        (_, Fail | PartialIdempotence | FullIdempotence | Always) => differs(
            "Key has wrong format. Will not proceed. To force regeneration, call the module with `generate` set to `partial_idempotence`, `full_idempotence` or `always`, or with `force=true`. To convert the key, set `format_mismatch` to `convert`.",
        ),
    }
}

fn generate(args: &Args) -> Result<Key, Failure> {
    let key = match args.kind.as_str() {
        "Ed25519" => Key::ed25519(),
        "X25519" => Key::x25519(),
        "ECC" => args.curve.as_deref().and_then(Curve::named).and_then(Key::ec),
        _ => usize::try_from(args.size).ok().and_then(Key::rsa),
    };
    key.ok_or_else(|| Failure::new(format!("cannot make a key of type {} and size {}", args.kind, args.size)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::crypto::testing;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;
    use std::path::Path;

    const KEY: Entry = Entry::of::<OpensslPrivatekey>();

    #[test]
    fn keys_of_each_kind_are_made_once() {
        let mut host = Fake::new().dir("/k");
        for (args, label) in [
            (json!({"path": "/k/a", "size": 1024}), "-----BEGIN RSA PRIVATE KEY-----\n"),
            (json!({"path": "/k/b", "type": "ECC", "curve": "secp256r1"}), "-----BEGIN EC PRIVATE KEY-----\n"),
            (
                json!({"path": "/k/c", "type": "ECC", "curve": "secp521r1", "passphrase": "geheim"}),
                "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,",
            ),
            (
                json!({"path": "/k/d", "type": "Ed25519", "passphrase": "geheim"}),
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
            ),
            (json!({"path": "/k/e", "type": "X25519"}), "-----BEGIN PRIVATE KEY-----\n"),
            (
                json!({"path": "/k/f", "type": "ECC", "curve": "secp384r1", "format": "pkcs8"}),
                "-----BEGIN PRIVATE KEY-----\n",
            ),
        ] {
            let out = case(&KEY, args.clone(), &mut host).unwrap();
            assert!(out.changed, "{args}");
            assert_eq!(out.values["fingerprint"].as_object().unwrap().len(), 14);
            let path = args["path"].as_str().unwrap();
            assert!(host.text(path).starts_with(label), "{args}: {}", host.text(path));
            assert_eq!(host.stat(Path::new(path)).unwrap().mode, 0o600);
        }
    }

    #[test]
    fn what_differs_is_made_anew_or_refused() {
        let host = || Fake::new().file_mode("/k/a", testing::RSA_KEY, 0o600);
        let args = |more: serde_json::Value| {
            let mut args = json!({"path": "/k/a", "size": 1024});
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            args
        };
        for (more, changed) in [
            (json!({}), false),
            (json!({"size": 2048}), true),
            (json!({"type": "Ed25519"}), true),
            (json!({"passphrase": "geheim"}), true),
            (json!({"format": "pkcs8"}), true),
            (json!({"format": "auto"}), false),
            (json!({"size": 2048, "regenerate": "never"}), false),
            (json!({"force": true}), true),
            (json!({"mode": "0640"}), true),
        ] {
            assert_eq!(run(&KEY, args(more.clone()), &mut host(), true).unwrap().changed, changed, "{more}");
        }
        let mut kept = host();
        let out = case(
            &KEY,
            args(json!({"format": "pkcs8", "format_mismatch": "convert", "backup": true, "return_content": true})),
            &mut kept,
        )
        .unwrap();
        assert_eq!(out.values["privatekey"], kept.text("/k/a"));
        assert_eq!(kept.text(out.values["backup_file"].as_str().unwrap()), testing::RSA_KEY);
        let sha256 = |diff: &Json| diff["public_key_fingerprints"].clone();
        assert_eq!(sha256(out.diff[0].before.as_ref().unwrap()), sha256(out.diff[0].after.as_ref().unwrap()));
        for (more, msg) in [
            (json!({"size": 2048, "regenerate": "fail"}), "Key has wrong type and/or size."),
            (json!({"passphrase": "x", "regenerate": "partial_idempotence"}), "Unable to read the key."),
            (json!({"type": "DSA"}), "type=DSA is not supported"),
            (json!({"type": "ECC", "curve": "secp256k1"}), "curve=secp256k1 is not supported"),
            (json!({"type": "ECC"}), "type is ECC but all of the following are missing: curve"),
            (json!({"path": "/no/x"}), "The directory /no does not exist or the file is not a directory"),
        ] {
            let failure = run(&KEY, args(more), &mut host(), false).unwrap_err();
            assert!(failure.msg.starts_with(msg), "{}", failure.msg);
        }
        let mut gone = host();
        let out = once(&KEY, args(json!({"state": "absent"})), &mut gone).unwrap();
        assert!(out.changed && !gone.exists(Path::new("/k/a")));
    }
}
