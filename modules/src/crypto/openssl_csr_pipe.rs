//! `community.crypto.openssl_csr_pipe`: a certificate signing request that is only returned.

use super::openssl_csr::{diff_side, needed};
use super::request::{REQUEST_ARGS, RequestArgs, Wish};
use crate::contract::{Arg, Call, Diff, Failure, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct OpensslCsrPipe;

#[derive(Deserialize)]
pub struct Args {
    content: Option<String>,
    #[serde(flatten)]
    request: RequestArgs,
}

impl Module for OpensslCsrPipe {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[REQUEST_ARGS],
        diff: true,
        rules: &[
            Rule::RequiredTogether(&["authority_cert_issuer", "authority_cert_serial_number"]),
            Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
            Rule::MutuallyExclusive(&["subject", "subject_ordered"]),
            Rule::RequiredOneOf(&["privatekey_path", "privatekey_content"]),
        ],
        kind: crate::contract::Kind::Imperative,
        examples: "- name: A request for a certificate\n  community.crypto.openssl_csr_pipe:\n    privatekey_path: /etc/ssl/private/example.org.pem\n    common_name: example.org\n  register: request\n",
        returns: &[
            Return { name: "csr", when: "success", doc: "The request." },
            Return { name: "privatekey", when: "success", doc: "File of the private key." },
            Return { name: "subject", when: "success", doc: "Parts of the subject, as pairs." },
            Return { name: "subjectAltName", when: "success", doc: "Other names." },
        ],
        differs: "As openssl_csr.",
        ..ModuleSpec::new(
            "community.crypto.openssl_csr_pipe",
            "A certificate signing request that is only returned.",
            &[Arg::str("content").doc("The request that is there.")],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Self::Work>, Failure> {
        let wish = Wish::new(args.request)?;
        let before = args.content.map(String::into_bytes);
        let made = match needed(&wish, host, before.as_deref(), false)? {
            Some(key) => Some(wish.make(&key)?),
            None => None,
        };
        let after = made.as_deref().or(before.as_deref());
        let mut outcome = Outcome::changed(made.is_some());
        wish.told(&mut outcome.values);
        outcome.set("csr", after.map(|c| String::from_utf8_lossy(c).into_owned()));
        Ok(Plan::Done(outcome.with_diff(Diff::data(diff_side(before.as_deref()), diff_side(after)))))
    }

    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }

    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::crypto::testing;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;

    #[test]
    fn a_request_that_fits_is_given_back() {
        const PIPE: Entry = Entry::of::<OpensslCsrPipe>();
        let mut args = json!({"privatekey_content": testing::EC_KEY, "common_name": "example.org"});
        let out = run(&PIPE, args.clone(), &mut Fake::new(), true).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["subjectAltName"], json!(["DNS:example.org"]));
        args["content"] = out.values["csr"].clone();
        let again = run(&PIPE, args.clone(), &mut Fake::new(), false).unwrap();
        assert_eq!((again.changed, &again.values["csr"]), (false, &out.values["csr"]));
        args["common_name"] = "other.org".into();
        assert!(run(&PIPE, args, &mut Fake::new(), false).unwrap().changed);
    }
}
