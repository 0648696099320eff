//! `community.crypto.openssl_csr_info`: what a certificate signing request asks for.

use super::request::Request;
use super::x509_certificate_info::{UNREADABLE, check_encoding, read};
use super::{BACKEND, NAME_ENCODING};
use crate::contract::{Arg, Call, Failure, JsonMap, Kind, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct OpensslCsrInfo;

#[derive(Deserialize)]
pub struct Args {
    path: Option<PathBuf>,
    content: Option<String>,
    name_encoding: String,
}

impl Module for OpensslCsrInfo {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        rules: &[Rule::RequiredOneOf(&["path", "content"]), Rule::MutuallyExclusive(&["path", "content"])],
        examples: "- name: Whom the request is for\n  community.crypto.openssl_csr_info:\n    path: /etc/ssl/example.org.csr\n  register: request\n",
        returns: &[
            Return { name: "subject", when: "success", doc: "Attributes of the subject; subject_ordered as pairs." },
            Return { name: "signature_valid", when: "success", doc: "Whether its own key signed it." },
            Return {
                name: "public_key",
                when: "success",
                doc: "The key as PEM; public_key_type, _data and _fingerprints tell more.",
            },
            Return {
                name: "extensions_by_oid",
                when: "success",
                doc: "All extensions; the known ones stand under their own names too.",
            },
        ],
        differs: "Names are told as the request has them: name_encoding other than `ignore` is refused.",
        ..ModuleSpec::new(
            "community.crypto.openssl_csr_info",
            "What a certificate signing request asks for.",
            &[
                Arg::path("path").doc("The file."),
                Arg::str("content").doc("The request itself."),
                NAME_ENCODING,
                BACKEND,
            ],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Self::Work>, Failure> {
        check_encoding(&args.name_encoding)?;
        let content = read(host, args.content.as_deref(), args.path.as_deref(), "CSR")?;
        let request = Request::read(&content).ok_or_else(|| Failure::new(UNREADABLE))?;
        let mut values = JsonMap::new();
        request.describe(false, &mut values);
        if !request.is_valid() {
            return Err(Failure { values, ..Failure::new("CSR signature is invalid!") });
        }
        Ok(Plan::Done(Outcome { values, ..Outcome::default() }))
    }

    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }

    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}
