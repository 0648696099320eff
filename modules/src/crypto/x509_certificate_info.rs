//! `community.crypto.x509_certificate_info`: what a certificate says.

use super::certificate::Certificate;
use super::pem;
use super::time::Moment;
use super::{BACKEND, NAME_ENCODING};
use crate::contract::{Arg, Call, Failure, JsonMap, Kind, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub struct X509CertificateInfo;

#[derive(Deserialize)]
pub struct Args {
    path: Option<PathBuf>,
    content: Option<String>,
    valid_at: Option<JsonMap>,
    name_encoding: String,
}

impl Module for X509CertificateInfo {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        rules: &[Rule::RequiredOneOf(&["path", "content"]), Rule::MutuallyExclusive(&["path", "content"])],
        examples: "- name: How long the certificate is valid\n  community.crypto.x509_certificate_info:\n    path: /etc/ssl/example.org.pem\n    valid_at:\n      next_week: +1w\n  register: certificate\n",
        returns: &[
            Return { name: "subject", when: "success", doc: "Attributes of the subject." },
            Return { name: "subject_ordered", when: "success", doc: "The same as pairs, in their order." },
            Return { name: "issuer", when: "success", doc: "Attributes of the issuer; issuer_ordered as pairs." },
            Return { name: "not_before", when: "success", doc: "First moment, as `20301231235959Z`." },
            Return { name: "not_after", when: "success", doc: "Last moment." },
            Return { name: "expired", when: "success", doc: "Whether it is past." },
            Return { name: "valid_at", when: "success", doc: "Whether it is valid at each of the given moments." },
            Return { name: "serial_number", when: "success", doc: "Its number." },
            Return { name: "version", when: "success", doc: "1 or 3." },
            Return { name: "fingerprints", when: "success", doc: "Fingerprints, by digest." },
            Return {
                name: "public_key",
                when: "success",
                doc: "The key as PEM; public_key_type, _data and _fingerprints tell more.",
            },
            Return { name: "signature_algorithm", when: "success", doc: "How it is signed." },
            Return {
                name: "extensions_by_oid",
                when: "success",
                doc: "All extensions; the known ones stand under their own names too.",
            },
        ],
        differs: "Names are told as the certificate has them: name_encoding other than `ignore` is refused.",
        ..ModuleSpec::new(
            "community.crypto.x509_certificate_info",
            "What a certificate says.",
            &[
                Arg::path("path").doc("The file, PEM or DER."),
                Arg::str("content").doc("The certificate itself, as PEM."),
                Arg::dict("valid_at").doc("Moments by name: `+1w`, `20301231235959Z`."),
                NAME_ENCODING,
                BACKEND,
            ],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Self::Work>, Failure> {
        check_encoding(&args.name_encoding)?;
        let content = read(host, args.content.as_deref(), args.path.as_deref(), "certificate")?;
        let mut moments = Vec::new();
        for (key, value) in args.valid_at.iter().flatten() {
            let name = format!("valid_at.{key}");
            let text =
                value.as_str().ok_or_else(|| Failure::new(format!("The value for {name} must be of type string")))?;
            moments.push((key.clone(), Moment::read(text, &name, host)?.seconds));
        }
        let certificate = if args.content.is_some() || pem::label(&content).is_some() {
            Certificate::read(&content).ok_or(UNREADABLE)
        } else {
            Certificate::of_der(&content).ok_or("Cannot parse DER certificate")
        };
        let certificate = certificate.map_err(Failure::new)?;
        let now = host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
        let mut values = JsonMap::new();
        certificate.describe(false, now, &mut values);
        let (from, to) = certificate.validity();
        let valid: JsonMap =
            moments.into_iter().map(|(key, moment)| (key, (from <= moment && moment <= to).into())).collect();
        values.insert("valid_at".to_owned(), valid.into());
        Ok(Plan::Done(Outcome { values, ..Outcome::default() }))
    }

    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }

    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}

/// PEM that cannot be read.
pub const UNREADABLE: &str = "Unable to load PEM file. See https://cryptography.io/en/latest/faq/#why-can-t-i-import-my-pem-file for more details. MalformedFraming";

pub fn check_encoding(name_encoding: &str) -> Result<(), Failure> {
    match name_encoding {
        "ignore" => Ok(()),
        other => Err(Failure::new(format!("name_encoding={other} is not supported"))),
    }
}

/// What is to be described, from an argument or a file.
pub fn read(host: &dyn Observe, content: Option<&str>, path: Option<&Path>, what: &str) -> Result<Vec<u8>, Failure> {
    if let Some(content) = content {
        return Ok(content.as_bytes().to_vec());
    }
    let path = path.unwrap_or(Path::new(""));
    host.read(path).map_err(|e| {
        let error = crate::contract::python_error(&e);
        Failure::new(format!("Error while reading {what} file from disk: {error}: '{}'", path.display()))
    })
}
