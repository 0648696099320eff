//! `community.crypto.openssl_pkcs12`: a private key and certificates in one PKCS #12 file, or taken out of one. The host's
//! `openssl` packs and unpacks: keys go through its pipes, the passphrase through its environment.

use super::BACKEND;
use super::certificate::Certificate;
use super::key::{Format, Key};
use super::pem::{self, Block};
use super::place::Place;
use super::public::Public;
use super::request::read_file;
use super::x509_certificate_info::UNREADABLE;
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, FILE_ARGS, FileAttrs, Observe, octal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub struct OpensslPkcs12;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    action: String,
    force: bool,
    backup: bool,
    return_content: bool,
    src: Option<PathBuf>,
    passphrase: Option<String>,
    friendly_name: Option<String>,
    encryption_level: String,
    iter_size: Option<u32>,
    privatekey_path: Option<PathBuf>,
    privatekey_content: Option<String>,
    privatekey_passphrase: Option<String>,
    certificate_path: Option<PathBuf>,
    certificate_content: Option<String>,
    other_certificates: Option<Vec<PathBuf>>,
    other_certificates_content: Option<Vec<String>>,
    other_certificates_parse_all: bool,
    #[serde(flatten)]
    attrs: FileAttrs,
}

pub struct Work {
    args: Args,
    place: Place,
    before: Option<Vec<u8>>,
    task: Task,
}

enum Task {
    /// Packs this with the program.
    Pack(PathBuf, Box<Contents>),
    /// Writes what was unpacked.
    Unpack(Zeroizing<Vec<u8>>),
    Attributes,
    Remove,
}

/// What a PKCS #12 file holds.
#[derive(Default)]
struct Contents {
    key: Option<Key>,
    /// In DER.
    certificate: Option<Vec<u8>>,
    others: Vec<Vec<u8>>,
    name: Option<String>,
}

/// The variable of the program's environment that holds the passphrase.
const VARIABLE: &str = "TIGHTBEAM_PASSPHRASE";
const ITERATIONS: u32 = 20_000;
const OLD_ITERATIONS: u32 = 50_000;

impl Module for OpensslPkcs12 {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        rules: &[
            Rule::RequiredIf { arg: "action", value: Literal::Str("parse"), required: &["src"], any: false },
            Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
            Rule::MutuallyExclusive(&["certificate_path", "certificate_content"]),
            Rule::MutuallyExclusive(&["other_certificates", "other_certificates_content"]),
        ],
        examples: "- name: Key and certificate in one file\n  community.crypto.openssl_pkcs12:\n    path: /etc/ssl/example.org.p12\n    friendly_name: example.org\n    privatekey_path: /etc/ssl/private/example.org.pem\n    certificate_path: /etc/ssl/example.org.crt\n    passphrase: changeme\n",
        returns: &[
            Return { name: "filename", when: "success", doc: "The file." },
            Return { name: "privatekey_path", when: "it is given", doc: "File of the private key." },
            Return { name: "mode", when: "success", doc: "Permissions of the file." },
            Return { name: "pkcs12", when: "return_content", doc: "The file's content, base64." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "Files are packed and unpacked by the host's `openssl`.",
        ..ModuleSpec::new(
            "community.crypto.openssl_pkcs12",
            "A private key and certificates in one PKCS #12 file.",
            &[
                Arg::path("path").required().doc("The file."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::str("action")
                    .choices(&["export", "parse"])
                    .default(Literal::Str("export"))
                    .doc("Pack, or unpack `src` as PEM."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Write it at each call."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("return_content").default(Literal::Bool(false)).doc("Return the content itself."),
                Arg::path("src").doc("The file to unpack."),
                Arg::str("passphrase").no_log().doc("Passphrase of the PKCS #12 file."),
                Arg::str("friendly_name").aliases(&["name"]).doc("Name of the key in it."),
                Arg::str("encryption_level")
                    .choices(&["auto", "compatibility2022"])
                    .default(Literal::Str("auto"))
                    .doc("`compatibility2022` is for old programs that read it."),
                Arg::int("iter_size").doc("Rounds over the passphrase, for compatibility2022."),
                Arg::int("maciter_size").doc("Does not matter."),
                Arg::path("privatekey_path").doc("File of the private key."),
                Arg::str("privatekey_content").no_log().doc("The private key itself."),
                Arg::str("privatekey_passphrase").no_log().doc("Its passphrase."),
                Arg::path("certificate_path").doc("File of the certificate."),
                Arg::str("certificate_content").doc("The certificate itself."),
                Arg::list("other_certificates", ArgType::Path)
                    .aliases(&["ca_certificates"])
                    .doc("Files of further certificates."),
                Arg::list("other_certificates_content", ArgType::Str).doc("Further certificates themselves."),
                Arg::bool("other_certificates_parse_all")
                    .default(Literal::Bool(false))
                    .doc("Take all certificates of each, not only the first."),
                BACKEND,
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let wanted = Contents::wanted(&args, host)?;
        let place = Place::new(host, &args.path, args.backup, &args.attrs, Some("0400"), true)?;
        let before = place.existing(host)?;
        let task = task(&args, wanted, host, before.as_deref())?;
        let idle = match task {
            Task::Remove => host.stat(&args.path).is_err(),
            Task::Attributes => !place.differs(host, call)?,
            _ => false,
        };
        let work = Work { args, place, before, task };
        if !idle {
            return Ok(Plan::Work(work));
        }
        let outcome = work.told(false, work.before.as_deref(), None);
        Ok(Plan::Done(if call.check { outcome } else { with_mode(outcome, host, &work.place.path) }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.told(true, work.before.as_deref(), None)
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let (content, kept) = match &work.task {
            Task::Remove => {
                let kept = work.place.remove(host)?;
                return Ok(work.told(true, None, kept));
            }
            Task::Attributes => (work.before.clone(), None),
            Task::Unpack(content) => (Some(content.to_vec()), work.place.put(host, content, call)?),
            Task::Pack(program, contents) => {
                let command = pack(&work.args, program, contents)?;
                let out = execute(host, &command)?;
                if !out.ok() {
                    return Err(Failure::new(out.stderr_text().trim_end().to_owned()));
                }
                let kept = work.place.put(host, &out.stdout, call)?;
                (Some(out.stdout), kept)
            }
        };
        work.place.settle(host, call)?;
        let outcome = work.told(true, content.as_deref(), kept);
        Ok(with_mode(outcome, host.observe(), &work.place.path))
    }
}

fn with_mode(outcome: Outcome, host: &dyn Observe, path: &Path) -> Outcome {
    match host.stat(path) {
        Ok(stat) => outcome.with("mode", octal(stat.mode)),
        Err(_) => outcome,
    }
}

impl Work {
    fn told(&self, changed: bool, content: Option<&[u8]>, kept: Option<String>) -> Outcome {
        let mut outcome = Outcome::changed(changed).with("filename", self.place.name());
        if let Some(path) = &self.args.privatekey_path {
            outcome.set("privatekey_path", path.display().to_string());
        }
        if let Some(name) = kept {
            outcome.set("backup_file", name);
        }
        if self.args.return_content {
            outcome.set("pkcs12", content.map(|c| STANDARD.encode(c)));
        }
        outcome
    }
}

fn task(args: &Args, wanted: Contents, host: &dyn Observe, before: Option<&[u8]>) -> Result<Task, Failure> {
    if args.state == "absent" {
        return Ok(Task::Remove);
    }
    let program = required(host, "openssl")?;
    if args.action == "parse" {
        let source = read_file(host, args.src.as_deref().unwrap_or(Path::new("")))?;
        let content = unpack(args, host, &program, &source)?.dump()?;
        let same = !args.force && before == Some(content.as_slice());
        return Ok(if same { Task::Attributes } else { Task::Unpack(content) });
    }
    let same = !args.force
        && before.is_some_and(|before| unpack(args, host, &program, before).is_ok_and(|there| there.holds(&wanted)));
    if same {
        return Ok(Task::Attributes);
    }
    if args.friendly_name.as_deref().is_none_or(str::is_empty) {
        return Err(Failure::new("Friendly_name is required"));
    }
    Ok(Task::Pack(program, Box::new(wanted)))
}

fn certificates(text: &[u8], all: bool) -> Result<Vec<Vec<u8>>, Failure> {
    let text = String::from_utf8_lossy(text);
    let mut found: Vec<Vec<u8>> =
        pem::blocks(&text).into_iter().filter(|b| b.label == "CERTIFICATE").map(|b| b.data).collect();
    if found.is_empty() && !all {
        return Err(Failure::new(UNREADABLE));
    }
    found.truncate(if all { found.len() } else { 1 });
    Ok(found)
}

impl Contents {
    /// What the arguments tell.
    fn wanted(args: &Args, host: &dyn Observe) -> Result<Self, Failure> {
        let file = |path: &Option<PathBuf>, content: &Option<String>| match (content, path) {
            (Some(content), _) => Ok(Some(content.clone().into_bytes())),
            (None, Some(path)) => read_file(host, path).map(Some),
            (None, None) => Ok(None),
        };
        let key = file(&args.privatekey_path, &args.privatekey_content)?.map(Zeroizing::new);
        let certificate = file(&args.certificate_path, &args.certificate_content)?;
        let mut others = Vec::new();
        for path in args.other_certificates.iter().flatten() {
            others.extend(certificates(&read_file(host, path)?, args.other_certificates_parse_all)?);
        }
        for content in args.other_certificates_content.iter().flatten() {
            others.extend(certificates(content.as_bytes(), args.other_certificates_parse_all)?);
        }
        if args.state == "absent" || args.action == "parse" {
            return Ok(Contents::default());
        }
        let passphrase = args.privatekey_passphrase.as_deref();
        let key = key.map(|key| Key::read(&key, passphrase).map_err(|e| Failure::new(e.message()))).transpose()?;
        let certificate = certificate.map(|c| certificates(&c, false)).transpose()?.and_then(|mut c| c.pop());
        Ok(Contents { key, certificate, others, name: args.friendly_name.clone() })
    }

    /// As OpenSSL writes it in PEM.
    fn of_text(text: &str) -> Result<Self, Failure> {
        let mut found = Contents::default();
        for block in pem::blocks(text) {
            match block.label.as_str() {
                "CERTIFICATE" => found.others.push(block.data),
                label if label.ends_with("PRIVATE KEY") => {
                    let text = Zeroizing::new(block.text());
                    let key = Key::read(text.as_bytes(), None).map_err(|e| Failure::new(e.message()))?;
                    found.key = Some(key);
                }
                _ => {}
            }
        }
        if let Some(public) = found.key.as_ref().and_then(Key::public) {
            let of_key = |der: &Vec<u8>| -> Option<Public> { Certificate::of_der(der)?.public };
            let place = found.others.iter().position(|der| of_key(der).as_ref() == Some(&public));
            found.certificate = place.map(|place| found.others.remove(place));
        }
        let name = text.lines().find_map(|line| line.trim_start().strip_prefix("friendlyName: "));
        found.name = name.map(str::to_owned);
        Ok(found)
    }

    /// Whether it holds the same.
    fn holds(&self, wanted: &Contents) -> bool {
        let text = |key: &Option<Key>| key.as_ref().and_then(|k| k.write(Format::Pkcs8, None));
        let set = |all: &[Vec<u8>]| -> BTreeSet<Vec<u8>> { all.iter().cloned().collect() };
        // Without a key no certificate is the one of the key.
        let mut others = self.others.clone();
        let mut certificate = self.certificate.clone();
        if self.key.is_none() && wanted.key.is_none() && certificate.is_none() {
            certificate = wanted.certificate.clone().filter(|c| others.contains(c));
            others.retain(|c| Some(c) != certificate.as_ref());
        }
        text(&self.key) == text(&wanted.key)
            && certificate == wanted.certificate
            && set(&others) == set(&wanted.others)
            && (self.key.is_none()
                || self.name.as_deref().unwrap_or_default() == wanted.name.as_deref().unwrap_or_default())
    }

    /// Key, certificate and further certificates as PEM.
    fn dump(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut out = Zeroizing::new(Vec::new());
        if let Some(key) = &self.key {
            let text = key.write(Format::Pkcs1, None).or_else(|| key.write(Format::Pkcs8, None));
            out.extend_from_slice(&text.ok_or_else(|| Failure::new("cannot write the key"))?);
        }
        for der in self.certificate.iter().chain(&self.others) {
            out.extend_from_slice(Block::new("CERTIFICATE", der.clone()).text().as_bytes());
        }
        Ok(out)
    }
}

/// Tells the program the passphrase.
fn secret(command: Command, option: &str, passphrase: Option<&str>) -> Command {
    match passphrase.filter(|p| !p.is_empty()) {
        Some(passphrase) => command.args([option, &format!("env:{VARIABLE}")]).env(VARIABLE, passphrase),
        None => command.args([option, "pass:"]),
    }
}

fn unpack(args: &Args, host: &dyn Observe, program: &Path, content: &[u8]) -> Result<Contents, Failure> {
    let command = Command::new(program).args(["pkcs12", "-nodes"]).stdin(content);
    let out = query(host, &secret(command, "-passin", args.passphrase.as_deref()))?;
    if !out.ok() {
        return Err(Failure::new("Invalid password or PKCS12 data"));
    }
    Contents::of_text(&Zeroizing::new(out.stdout_text()))
}

fn pack(args: &Args, program: &Path, contents: &Contents) -> Result<Command, Failure> {
    let name = args.friendly_name.as_deref().unwrap_or_default();
    let input = contents.dump()?;
    let mut command = Command::new(program).args(["pkcs12", "-export", "-name", name]).stdin(input.to_vec());
    let passphrase = args.passphrase.as_deref().filter(|p| !p.is_empty());
    let (cipher, mac, rounds) = match args.encryption_level.as_str() {
        _ if passphrase.is_none() => ("NONE", None, 1),
        "auto" => ("AES-256-CBC", Some("sha256"), ITERATIONS),
        _ => ("PBE-SHA1-3DES", Some("sha1"), args.iter_size.unwrap_or(OLD_ITERATIONS)),
    };
    command = command.args(["-keypbe", cipher, "-certpbe", cipher]);
    command = match mac {
        Some(mac) => command.args(["-macalg", mac, "-iter", &rounds.to_string()]),
        None => command.arg("-nomac"),
    };
    if contents.key.is_none() {
        command = command.arg("-nokeys");
    } else if contents.certificate.is_none() && contents.others.is_empty() {
        command = command.arg("-nocerts");
    }
    Ok(secret(command, "-passout", args.passphrase.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::crypto::testing::{RSA_CERTIFICATE, RSA_KEY};
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const PKCS12: Entry = Entry::of::<OpensslPkcs12>();
    const READ: &str = "/usr/bin/openssl pkcs12 -nodes -passin env:TIGHTBEAM_PASSPHRASE";

    fn host() -> Fake {
        let unpacked = format!(
            "Bag Attributes\n    friendlyName: ann\n{RSA_CERTIFICATE}Bag Attributes\n    friendlyName: ann\n{RSA_KEY}"
        );
        Fake::new()
            .file_mode("/usr/bin/openssl", "", 0o755)
            .file("/k/key", RSA_KEY)
            .file("/k/crt", RSA_CERTIFICATE)
            .answer(READ, 0, &unpacked)
            .answer("/usr/bin/openssl pkcs12 -export -name ann -keypbe AES-256-CBC -certpbe AES-256-CBC -macalg sha256 -iter 20000 -passout env:TIGHTBEAM_PASSPHRASE", 0, "PACKED")
    }

    #[test]
    fn packed_once_and_unpacked() {
        let mut host = host();
        let mut args = json!({"path": "/k/p12", "privatekey_path": "/k/key", "certificate_path": "/k/crt", "friendly_name": "ann",
            "passphrase": "geheim", "return_content": true});
        let out = case(&PKCS12, args.clone(), &mut host).unwrap();
        assert_eq!(
            (out.changed, &out.values["mode"], &out.values["pkcs12"]),
            (true, &json!("0400"), &json!("UEFDS0VE"))
        );
        assert!(!case(&PKCS12, args.clone(), &mut host).unwrap().changed);
        args["friendly_name"] = "bob".into();
        assert!(run(&PKCS12, args, &mut host, true).unwrap().changed);
        let parse = json!({"path": "/k/pem", "src": "/k/p12", "action": "parse", "passphrase": "geheim"});
        assert!(case(&PKCS12, parse, &mut host).unwrap().changed);
        assert_eq!(host.text("/k/pem"), format!("{RSA_KEY}{RSA_CERTIFICATE}"));
        let nameless = json!({"path": "/k/x", "privatekey_path": "/k/key", "certificate_path": "/k/crt"});
        assert_eq!(run(&PKCS12, nameless, &mut host, false).unwrap_err().msg, "Friendly_name is required");
    }
}
