//! `community.crypto.openssl_publickey`: the public key of a private one, in a file.

use super::BACKEND;
use super::digest;
use super::place::Place;
use super::public::Public;
use super::request::load_key;
use crate::contract::{
    Arg, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct OpensslPublickey;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    force: bool,
    backup: bool,
    return_content: bool,
    format: String,
    privatekey_path: Option<PathBuf>,
    privatekey_content: Option<String>,
    privatekey_passphrase: Option<String>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

pub struct Work {
    args: Args,
    place: Place,
    before: Option<Vec<u8>>,
    /// The public key, where one is wished.
    wanted: Option<Wanted>,
    /// The file gets new content.
    writes: bool,
}

struct Wanted {
    public: Public,
    content: Vec<u8>,
}

impl Module for OpensslPublickey {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        rules: &[
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("present"),
                required: &["privatekey_path", "privatekey_content"],
                any: true,
            },
            Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
        ],
        examples: "- name: The public key, as OpenSSH writes it\n  community.crypto.openssl_publickey:\n    path: /home/deploy/.ssh/id.pub\n    privatekey_path: /home/deploy/.ssh/id\n    format: OpenSSH\n",
        returns: &[
            Return { name: "privatekey", when: "success", doc: "File of the private key." },
            Return { name: "filename", when: "success", doc: "The file." },
            Return { name: "format", when: "success", doc: "Its layout." },
            Return { name: "fingerprint", when: "success", doc: "Fingerprints of the key, by digest." },
            Return { name: "publickey", when: "return_content", doc: "The public key." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "Keys of the kinds DSA, Ed448 and X448 and on curves other than secp256r1, secp384r1 and secp521r1 cannot be read.",
        ..ModuleSpec::new(
            "community.crypto.openssl_publickey",
            "The public key of a private one, in a file.",
            &[
                Arg::path("path").required().doc("The file."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Write it at each call."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("return_content").default(Literal::Bool(false)).doc("Return the key itself."),
                Arg::str("format").choices(&["OpenSSH", "PEM"]).default(Literal::Str("PEM")).doc("Layout of the file."),
                Arg::path("privatekey_path").doc("File of the private key."),
                Arg::str("privatekey_content").no_log().doc("The private key itself."),
                Arg::str("privatekey_passphrase").no_log().doc("Passphrase of the private key."),
                BACKEND,
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let place = Place::new(host, &args.path, args.backup, &args.attrs, None, true)?;
        let before = place.existing(host)?;
        if args.state == "absent" {
            let there = host.stat(&args.path).is_ok();
            let work = Work { args, place, before: None, wanted: None, writes: false };
            return Ok(if there { Plan::Work(work) } else { Plan::Done(work.told(false, None, None)) });
        }
        let path = args.privatekey_path.as_deref();
        if let Some(path) = path.filter(|p| host.stat(p).is_err()) {
            // Check mode: an earlier task may be about to make it.
            if call.check {
                let work = Work { args, place, before, wanted: None, writes: true };
                return Ok(Plan::Done(work.foretold(true)));
            }
            return Err(Failure::new(format!("The private key {} does not exist", path.display())));
        }
        let (content, passphrase) = (args.privatekey_content.as_deref(), args.privatekey_passphrase.as_deref());
        let public = load_key(host, path, content, passphrase)?.public();
        let content = public.as_ref().and_then(|public| match args.format.as_str() {
            "OpenSSH" => public.ssh(),
            _ => public.pem(),
        });
        let (Some(public), Some(content)) = (public, content.map(String::into_bytes)) else {
            return Err(Failure::new("this kind of key has no such layout"));
        };
        let same = before.as_deref().is_some_and(|before| holds(&args.format, before, &content));
        let writes = args.force || !same;
        let idle = !writes && !place.differs(host, call)?;
        let work = Work { args, place, before, wanted: Some(Wanted { public, content }), writes };
        if !idle {
            return Ok(Plan::Work(work));
        }
        Ok(Plan::Done(if call.check { work.foretold(false) } else { work.told(false, work.before.as_deref(), None) }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.foretold(true)
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Some(wanted) = &work.wanted else {
            let kept = work.place.remove(host)?;
            return Ok(work.told(true, None, kept));
        };
        let kept = if work.writes { work.place.put(host, &wanted.content, call)? } else { None };
        work.place.settle(host, call)?;
        let content = if work.writes { Some(wanted.content.as_slice()) } else { work.before.as_deref() };
        Ok(work.told(true, content, kept))
    }
}

/// Whether a file holds this key; a comment behind it does not matter, nor how PEM is broken into lines.
fn holds(format: &str, there: &[u8], wanted: &[u8]) -> bool {
    if format != "OpenSSH" {
        return Public::read(there).and_then(|p| p.pem()).is_some_and(|pem| pem.as_bytes() == wanted);
    }
    let words = |text: &[u8]| -> Vec<String> {
        String::from_utf8_lossy(text).split_whitespace().take(2).map(str::to_owned).collect()
    };
    words(there) == words(wanted)
}

impl Work {
    /// Check mode tells nothing of the keys, as the collection's.
    fn foretold(&self, changed: bool) -> Outcome {
        let mut outcome = self.told(changed, self.before.as_deref(), None);
        outcome.set("fingerprint", JsonMap::new());
        outcome.diff = vec![Diff::data(JsonMap::new(), JsonMap::new())];
        outcome
    }

    fn told(&self, changed: bool, content: Option<&[u8]>, kept: Option<String>) -> Outcome {
        let prints = self.wanted.as_ref().and_then(|w| w.public.der()).map(|der| digest::fingerprints(&der));
        let mut outcome = Outcome::changed(changed)
            .with("privatekey", self.args.privatekey_path.as_ref().map(|p| p.display().to_string()))
            .with("filename", self.place.name())
            .with("format", self.args.format.clone())
            .with("fingerprint", prints.unwrap_or_default());
        if self.args.return_content {
            outcome.set("publickey", content.map(|c| String::from_utf8_lossy(c).into_owned()));
        }
        if let Some(name) = kept {
            outcome.set("backup_file", name);
        }
        outcome.with_diff(Diff::data(side(self.before.as_deref()), side(content)))
    }
}

fn side(content: Option<&[u8]>) -> JsonMap {
    let mut side = JsonMap::new();
    let Some(content) = content else { return side };
    let public = Public::read(content);
    side.insert("can_parse_key".to_owned(), public.is_some().into());
    if let Some(public) = public {
        let (kind, data) = public.described();
        side.insert("fingerprints".to_owned(), public.fingerprints(true));
        side.insert("type".to_owned(), kind.into());
        side.insert("public_data".to_owned(), Json::from(data));
    }
    side
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::crypto::testing;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const PUBLIC: Entry = Entry::of::<OpensslPublickey>();

    #[test]
    fn public_keys_of_both_layouts() {
        let mut host = Fake::new().file("/k/rsa", testing::RSA_KEY).file("/k/ec", testing::EC_KEY);
        let pem = json!({"path": "/k/pem", "privatekey_path": "/k/rsa", "return_content": true});
        let out = case(&PUBLIC, pem.clone(), &mut host).unwrap();
        assert_eq!(out.values["fingerprint"]["sha1"], testing::RSA_SHA1);
        assert_eq!(out.values["publickey"], host.text("/k/pem"));
        assert!(host.text("/k/pem").starts_with("-----BEGIN PUBLIC KEY-----\n"));
        let ssh = json!({"path": "/k/ssh", "privatekey_path": "/k/ec", "format": "OpenSSH"});
        assert!(case(&PUBLIC, ssh.clone(), &mut host).unwrap().changed);
        assert_eq!(host.text("/k/ssh"), testing::EC_SSH);
        host.set_file("/k/ssh", format!("{} ann\n", testing::EC_SSH), 0o644);
        assert!(!case(&PUBLIC, ssh, &mut host).unwrap().changed);
        let mut other = pem;
        other["privatekey_path"] = "/k/ec".into();
        assert!(run(&PUBLIC, other, &mut host, true).unwrap().changed);
        let failure =
            run(&PUBLIC, json!({"path": "/k/x", "privatekey_path": "/k/none"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "The private key /k/none does not exist");
        assert!(case(&PUBLIC, json!({"path": "/k/pem", "state": "absent"}), &mut host).unwrap().changed);
    }
}
