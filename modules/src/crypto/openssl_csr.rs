//! `community.crypto.openssl_csr`: a certificate signing request in a file.

use super::key::Key;
use super::place::Place;
use super::request::{REQUEST_ARGS, Request, RequestArgs, Wish};
use crate::contract::{Arg, Call, Diff, Failure, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct OpensslCsr;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    force: bool,
    backup: bool,
    return_content: bool,
    #[serde(flatten)]
    request: RequestArgs,
    #[serde(flatten)]
    attrs: FileAttrs,
}

pub struct Work {
    place: Place,
    wish: Wish,
    return_content: bool,
    before: Option<Vec<u8>>,
    task: Task,
}

enum Task {
    /// Makes the request with this key; check mode need not have it.
    Make(Option<Key>),
    Attributes,
    Remove,
}

impl Module for OpensslCsr {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[REQUEST_ARGS, FILE_ARGS],
        diff: true,
        rules: &[
            Rule::RequiredTogether(&["authority_cert_issuer", "authority_cert_serial_number"]),
            Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
            Rule::MutuallyExclusive(&["subject", "subject_ordered"]),
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("present"),
                required: &["privatekey_path", "privatekey_content"],
                any: true,
            },
        ],
        examples: "- name: A request for two names\n  community.crypto.openssl_csr:\n    path: /etc/ssl/example.org.csr\n    privatekey_path: /etc/ssl/private/example.org.pem\n    common_name: example.org\n    subject_alt_name: [DNS:example.org, DNS:www.example.org]\n",
        returns: &[
            Return { name: "privatekey", when: "success", doc: "File of the private key." },
            Return { name: "filename", when: "success", doc: "The file." },
            Return { name: "subject", when: "success", doc: "Parts of the subject, as pairs." },
            Return { name: "subjectAltName", when: "success", doc: "Other names." },
            Return { name: "keyUsage", when: "success", doc: "What the key may be used for." },
            Return { name: "extendedKeyUsage", when: "success", doc: "Further purposes." },
            Return { name: "basicConstraints", when: "success", doc: "Constraints." },
            Return { name: "ocspMustStaple", when: "success", doc: "Whether an OCSP answer must be stapled." },
            Return { name: "csr", when: "return_content", doc: "The request." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "International names are to be given in their ASCII form; other names of the kind `otherName` with hexadecimal content only.",
        ..ModuleSpec::new(
            "community.crypto.openssl_csr",
            "A certificate signing request in a file.",
            &[
                Arg::path("path").required().doc("The file."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Make it anew at each call."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("return_content").default(Literal::Bool(false)).doc("Return the request itself."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let place = Place::new(host, &args.path, args.backup, &args.attrs, None, false)?;
        let wish = Wish::new(args.request)?;
        let before = place.existing(host)?;
        let return_content = args.return_content;
        if args.state == "absent" {
            let there = host.stat(&args.path).is_ok();
            let work = Work { place, wish, return_content, before: None, task: Task::Remove };
            return Ok(if there { Plan::Work(work) } else { Plan::Done(work.told(false, None, None)) });
        }
        let there = before.as_deref().and_then(Request::read);
        // Where a request is made anyway, an earlier task may be about to make the key.
        let task = if call.check && (args.force || there.is_none()) {
            Task::Make(None)
        } else {
            match needed(&wish, host, before.as_deref(), args.force)? {
                Some(key) => Task::Make(Some(key)),
                None => Task::Attributes,
            }
        };
        let idle = matches!(task, Task::Attributes) && !place.differs(host, call)?;
        let work = Work { place, wish, return_content, before, task };
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
            Task::Make(key) => {
                let read;
                let key = match key {
                    Some(key) => key,
                    None => {
                        read = work.wish.key(host.observe())?;
                        &read
                    }
                };
                let content = work.wish.make(key)?;
                let kept = work.place.put(host, &content, call)?;
                (Some(content), kept)
            }
        };
        work.place.settle(host, call)?;
        Ok(work.told(true, content.as_deref(), kept))
    }
}

/// The key to make a new request with, if one is needed.
pub fn needed(wish: &Wish, host: &dyn Observe, before: Option<&[u8]>, force: bool) -> Result<Option<Key>, Failure> {
    let key = wish.key(host)?;
    let fits = match before.and_then(Request::read) {
        Some(request) if !force => wish.fits(&request, &key)?,
        _ => false,
    };
    Ok((!fits).then_some(key))
}

impl Work {
    fn told(&self, changed: bool, content: Option<&[u8]>, kept: Option<String>) -> Outcome {
        let mut outcome = Outcome::changed(changed).with("filename", self.place.name());
        self.wish.told(&mut outcome.values);
        if self.return_content {
            outcome.set("csr", content.map(|c| String::from_utf8_lossy(c).into_owned()));
        }
        if let Some(name) = kept {
            outcome.set("backup_file", name);
        }
        outcome.with_diff(Diff::data(diff_side(self.before.as_deref()), diff_side(content)))
    }
}

/// What a diff tells of a request.
pub fn diff_side(content: Option<&[u8]>) -> JsonMap {
    let mut side = JsonMap::new();
    let Some(content) = content else { return side };
    let request = Request::read(content);
    side.insert("can_parse_csr".to_owned(), request.is_some().into());
    if let Some(request) = request {
        request.describe(true, &mut side);
    }
    side
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json};
    use crate::crypto::{OpensslCsrInfo, testing};
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const CSR: Entry = Entry::of::<OpensslCsr>();
    const INFO: Entry = Entry::of::<OpensslCsrInfo>();

    fn host() -> Fake {
        Fake::new().file("/k/key", testing::EC_KEY).file("/k/rsa", testing::RSA_KEY)
    }

    fn args(more: Json) -> Json {
        let mut args = json!({"path": "/k/csr", "privatekey_path": "/k/key", "common_name": "example.org", "country_name": "DE",
            "subject": {"O": "Ann"}, "subject_alt_name": ["DNS:example.org", "IP:10.0.0.1"], "key_usage": ["digitalSignature", "Key Agreement"],
            "key_usage_critical": true, "extended_key_usage": ["serverAuth", "1.3.6.1.5.5.7.3.2"], "basic_constraints": ["CA:TRUE", "pathlen:0"],
            "ocsp_must_staple": true, "name_constraints_permitted": ["DNS:example.org"], "create_subject_key_identifier": true,
            "authority_key_identifier": "00:11", "crl_distribution_points": [{"full_name": ["URI:https://example.org/x"], "reasons": ["key_compromise"]}]});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    }

    #[test]
    fn a_request_says_what_is_wished_and_is_made_once() {
        let mut host = host();
        let out = case(&CSR, args(json!({})), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["subject"], json!([["C", "DE"], ["CN", "example.org"], ["O", "Ann"]]));
        let info = run(&INFO, json!({"path": "/k/csr"}), &mut host, false).unwrap().values;
        for (key, value) in [
            ("subject", json!({"countryName": "DE", "commonName": "example.org", "organizationName": "Ann"})),
            ("subject_alt_name", json!(["DNS:example.org", "IP:10.0.0.1"])),
            ("key_usage", json!(["Digital Signature", "Key Agreement"])),
            ("key_usage_critical", json!(true)),
            ("extended_key_usage", json!(["TLS Web Client Authentication", "TLS Web Server Authentication"])),
            ("basic_constraints", json!(["CA:TRUE", "pathlen:0"])),
            ("ocsp_must_staple", json!(true)),
            ("name_constraints_permitted", json!(["DNS:example.org"])),
            ("name_constraints_excluded", json!([])),
            ("authority_key_identifier", json!("00:11")),
            ("signature_valid", json!(true)),
            ("public_key_type", json!("ECC")),
        ] {
            assert_eq!(info[key], value, "{key}");
        }
    }

    #[test]
    fn what_differs_makes_it_anew() {
        let mut host = host();
        case(&CSR, args(json!({})), &mut host).unwrap();
        for more in [
            json!({"common_name": "other.org"}),
            json!({"privatekey_path": "/k/rsa"}),
            json!({"subject_alt_name": ["DNS:example.org"]}),
            json!({"subject_alt_name_critical": true}),
            json!({"key_usage": null}),
            json!({"key_usage_critical": false}),
            json!({"extended_key_usage": ["serverAuth"]}),
            json!({"basic_constraints": ["CA:TRUE"]}),
            json!({"ocsp_must_staple": false}),
            json!({"name_constraints_excluded": ["DNS:x"]}),
            json!({"create_subject_key_identifier": false}),
            json!({"authority_key_identifier": "00:12"}),
            json!({"crl_distribution_points": null}),
            json!({"force": true}),
        ] {
            assert!(run(&CSR, args(more.clone()), &mut host, true).unwrap().changed, "{more}");
        }
        // The order of the subject's parts does not matter, that of other names neither.
        let same = json!({"subject": {"CN": "example.org", "O": "Ann"}, "common_name": null, "subject_alt_name": ["IP:10.0.0.1", "DNS:example.org"]});
        assert!(!run(&CSR, args(same), &mut host, true).unwrap().changed);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (more, msg) in [
            (json!({"country_name": "DEU"}), "Attribute's length must be >= 2 and <= 2, but it was 3"),
            (
                json!({"subject_alt_name": ["x"]}),
                "Cannot parse Subject Alternative Name \"x\" (forgot \"DNS:\" prefix?)",
            ),
            (json!({"key_usage": ["x"]}), "Unknown key usage \"x\""),
            (json!({"extended_key_usage": ["x"]}), "Cannot find OID for \"x\""),
            (json!({"basic_constraints": ["x"]}), "Unknown basic constraint \"x\""),
            (json!({"digest": "x"}), "Unsupported digest \"x\""),
            (json!({"privatekey_path": "/k/none"}), "[Errno 2] No such file or directory: '/k/none'"),
            (json!({"privatekey_passphrase": "x"}), "Wrong or empty passphrase provided for private key"),
            (json!({"subject_ordered": [{"CN": "x"}]}), "parameters are mutually exclusive: subject|subject_ordered"),
        ] {
            assert_eq!(run(&CSR, args(more), &mut host(), false).unwrap_err().msg, msg);
        }
    }
}
