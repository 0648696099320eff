//! `community.crypto.openssl_privatekey_info`: what a private key is.

use super::BACKEND;
use super::digest::Hash;
use super::key::Key;
use crate::contract::integer;
use crate::contract::{
    Arg, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct OpensslPrivatekeyInfo;

#[derive(Deserialize)]
pub struct Args {
    path: Option<PathBuf>,
    content: Option<String>,
    passphrase: Option<String>,
    return_private_key_data: bool,
    check_consistency: bool,
}

impl Module for OpensslPrivatekeyInfo {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        rules: &[Rule::RequiredOneOf(&["path", "content"]), Rule::MutuallyExclusive(&["path", "content"])],
        examples: "- name: What kind of key it is\n  community.crypto.openssl_privatekey_info:\n    path: /etc/ssl/private/example.org.pem\n  register: key\n",
        returns: &[
            Return { name: "can_load_key", when: "always", doc: "Whether the file could be read." },
            Return { name: "can_parse_key", when: "always", doc: "Whether it holds a key." },
            Return { name: "key_is_consistent", when: "always", doc: "Whether its numbers belong together." },
            Return { name: "public_key", when: "success", doc: "The public key as PEM." },
            Return { name: "public_key_fingerprints", when: "success", doc: "Its fingerprints, by digest." },
            Return { name: "type", when: "success", doc: "Kind of key." },
            Return { name: "public_data", when: "success", doc: "The public numbers." },
            Return { name: "private_data", when: "return_private_key_data", doc: "The secret numbers." },
        ],
        differs: "Keys of the kinds DSA, Ed448 and X448 and on curves other than secp256r1, secp384r1 and secp521r1 cannot be read.",
        ..ModuleSpec::new(
            "community.crypto.openssl_privatekey_info",
            "What a private key is.",
            &[
                Arg::path("path").doc("The file."),
                Arg::str("content").no_log().doc("The key itself."),
                Arg::str("passphrase").no_log().doc("Passphrase of the key."),
                Arg::bool("return_private_key_data").default(Literal::Bool(false)).doc("Return its secret numbers."),
                Arg::bool("check_consistency")
                    .default(Literal::Bool(false))
                    .doc("Check that its numbers belong together."),
                BACKEND,
            ],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Self::Work>, Failure> {
        let mut values = JsonMap::new();
        let mut put = |key: &str, value: Json| drop(values.insert(key.to_owned(), value));
        put("can_load_key", false.into());
        put("can_parse_key", false.into());
        put("key_is_consistent", Json::Null);
        let content = match (&args.content, &args.path) {
            (Some(content), _) => content.clone().into_bytes(),
            (None, path) => {
                let path = path.as_deref().unwrap_or(std::path::Path::new(""));
                host.read(path).map_err(|e| Failure {
                    values: values.clone(),
                    msg: format!(
                        "Error while reading private key file from disk: {}: '{}'",
                        crate::contract::python_error(&e),
                        path.display()
                    ),
                    ..Failure::default()
                })?
            }
        };
        values.insert("can_load_key".to_owned(), true.into());
        let key = Key::read(&content, args.passphrase.as_deref())
            .map_err(|e| Failure { values: values.clone(), ..Failure::new(e.message()) })?;
        values.insert("can_parse_key".to_owned(), true.into());
        describe(&key, false, &mut values);
        if args.return_private_key_data {
            let numbers = key.private_numbers();
            let data: JsonMap = numbers.into_iter().map(|(name, n)| (name.to_owned(), integer(&n))).collect();
            values.insert("private_data".to_owned(), data.into());
        }
        if args.check_consistency {
            // Keys whose numbers do not belong together are not read at all.
            let consistent = key.sign(Some(Hash::Sha256), b"1234").map(|_| true);
            values.insert("key_is_consistent".to_owned(), consistent.into());
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

/// Adds what is told of a key; only one fingerprint in a diff.
pub fn describe(key: &Key, one_fingerprint: bool, out: &mut JsonMap) {
    let Some(public) = key.public() else { return };
    let (kind, data) = public.described();
    out.insert("public_key".to_owned(), public.pem().into());
    out.insert("public_key_fingerprints".to_owned(), public.fingerprints(one_fingerprint));
    out.insert("type".to_owned(), kind.into());
    out.insert("public_data".to_owned(), data.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::crypto::testing;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;

    const INFO: Entry = Entry::of::<OpensslPrivatekeyInfo>();

    #[test]
    fn keys_are_described() {
        let mut host = Fake::new()
            .file("/rsa", testing::RSA_KEY)
            .file("/ec", testing::EC_KEY)
            .file("/sealed", testing::SEALED_KEY);
        let out = run(&INFO, json!({"path": "/rsa", "check_consistency": true}), &mut host, false).unwrap();
        assert_eq!((&out.values["type"], &out.values["public_data"]["size"]), (&json!("RSA"), &json!(1024)));
        assert_eq!(out.values["key_is_consistent"], true);
        assert_eq!(out.values["public_data"]["exponent"], 65537);
        assert_eq!(out.values["public_key_fingerprints"]["sha1"], testing::RSA_SHA1);
        let out = run(&INFO, json!({"path": "/ec", "return_private_key_data": true}), &mut host, false).unwrap();
        assert_eq!((&out.values["type"], &out.values["public_data"]["curve"]), (&json!("ECC"), &json!("secp256r1")));
        assert!(out.values["private_data"]["multiplier"].is_object());
        let sealed = json!({"path": "/sealed", "passphrase": "geheim"});
        assert_eq!(
            run(&INFO, sealed, &mut host, false).unwrap().values["public_key_fingerprints"]["sha1"],
            testing::RSA_SHA1
        );
        let failure = run(&INFO, json!({"path": "/sealed"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Wrong or empty passphrase provided for private key");
        let failure = run(&INFO, json!({"path": "/none"}), &mut host, false).unwrap_err();
        assert!(
            failure.msg.starts_with("Error while reading private key file from disk: [Errno 2]"),
            "{}",
            failure.msg
        );
    }
}
