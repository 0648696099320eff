//! `community.crypto.openssl_dhparam`: Diffie-Hellman parameters in a file, made by the host's `openssl`.

use super::pem;
use super::place::Place;
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, required};
use crate::host::{Change, Command, FILE_ARGS, FileAttrs, Observe};
use der::Decode;
use der::asn1::UintRef;
use serde::Deserialize;
use std::path::PathBuf;

pub struct OpensslDhparam;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    size: u32,
    force: bool,
    backup: bool,
    return_content: bool,
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
    /// With this program.
    Make(PathBuf),
    Attributes,
    Remove,
}

/// The parameters of PKCS #3: the prime, the generator, perhaps the length of private numbers.
#[derive(der::Sequence)]
struct Parameters<'a> {
    prime: UintRef<'a>,
    _generator: UintRef<'a>,
    #[asn1(optional = "true")]
    _length: Option<u32>,
}

/// Bits of the prime in a file.
fn bits(content: &[u8]) -> Option<u32> {
    let block = pem::first(std::str::from_utf8(content).ok()?, &["DH PARAMETERS"])?;
    let parameters = Parameters::from_der(&block.data).ok()?;
    let prime = parameters.prime.as_bytes();
    Some(prime.len() as u32 * 8 - prime.first()?.leading_zeros())
}

impl Module for OpensslDhparam {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        examples: "- name: Parameters of the usual size\n  community.crypto.openssl_dhparam:\n    path: /etc/ssl/dhparams.pem\n    size: 2048\n",
        returns: &[
            Return { name: "size", when: "success", doc: "Bits, as wished." },
            Return { name: "filename", when: "success", doc: "The file." },
            Return { name: "dhparams", when: "return_content", doc: "The parameters." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "Parameters are always made by the host's `openssl`.",
        ..ModuleSpec::new(
            "community.crypto.openssl_dhparam",
            "Diffie-Hellman parameters in a file.",
            &[
                Arg::path("path").required().doc("The file."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::int("size").default(Literal::Int(4096)).doc("Bits of the prime."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Make them anew at each call."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("return_content").default(Literal::Bool(false)).doc("Return the parameters themselves."),
                Arg::str("select_crypto_backend")
                    .choices(&["auto", "cryptography", "openssl"])
                    .default(Literal::Str("auto"))
                    .doc("Does not matter here."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let place = Place::new(host, &args.path, args.backup, &args.attrs, None, true)?;
        let before = place.existing(host)?;
        let task = if args.state == "absent" {
            Task::Remove
        } else if !args.force && before.as_deref().and_then(bits) == Some(args.size) {
            Task::Attributes
        } else {
            Task::Make(required(host, "openssl")?)
        };
        let idle = match task {
            Task::Remove => host.stat(&args.path).is_err(),
            Task::Attributes => !place.differs(host, call)?,
            Task::Make(_) => false,
        };
        let work = Work { args, place, before, task };
        Ok(if idle { Plan::Done(work.told(false, work.before.as_deref(), None)) } else { Plan::Work(work) })
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
            Task::Make(program) => {
                let out = execute(host, &Command::new(program).arg("dhparam").arg(work.args.size.to_string()))?;
                if !out.ok() {
                    return Err(Failure::new(out.stderr_text()));
                }
                let kept = work.place.put(host, &out.stdout, call)?;
                (Some(out.stdout), kept)
            }
        };
        work.place.settle(host, call)?;
        Ok(work.told(true, content.as_deref(), kept))
    }
}

impl Work {
    fn told(&self, changed: bool, content: Option<&[u8]>, kept: Option<String>) -> Outcome {
        let mut outcome = Outcome::changed(changed).with("size", self.args.size).with("filename", self.place.name());
        if let Some(name) = kept {
            outcome.set("backup_file", name);
        }
        if self.args.return_content {
            outcome.set("dhparams", content.map(|c| String::from_utf8_lossy(c).into_owned()));
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::crypto::testing::DH_PARAMETERS;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    #[test]
    fn parameters_of_the_size_are_kept() {
        const DH: Entry = Entry::of::<OpensslDhparam>();
        let mut host = Fake::new().dir("/k").file_mode("/usr/bin/openssl", "", 0o755).answer(
            "/usr/bin/openssl dhparam 512",
            0,
            DH_PARAMETERS,
        );
        let args = json!({"path": "/k/dh", "size": 512, "mode": "0640"});
        assert!(case(&DH, args.clone(), &mut host).unwrap().changed);
        assert_eq!(host.text("/k/dh"), DH_PARAMETERS);
        assert!(!case(&DH, args, &mut host).unwrap().changed);
        assert!(run(&DH, json!({"path": "/k/dh", "size": 1024}), &mut host, true).unwrap().changed);
        let gone = case(&DH, json!({"path": "/k/dh", "size": 512, "state": "absent"}), &mut host).unwrap();
        assert_eq!((gone.changed, &gone.values["size"]), (true, &json!(512)));
    }
}
