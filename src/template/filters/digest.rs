//! Digests, password hashes, UUIDs.

use super::{FILTER, Filter, as_text, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, V};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "hash",
        summary: "A digest of the text: md5, sha1, sha224, sha256, sha384 or sha512.",
        params: &[optional("hashtype", "str", "'sha1'")],
        example: ("'a' | hash('md5')", "'0cc175b9c0f1b6a831c399e269772661'"),
        run: |cx, v, args| {
            let kind = args.text_or(cx, "hashtype", "sha1")?;
            digest(&kind, &bytes(cx, &v)?)
                .map(V::str)
                .ok_or_else(|| Fault::raw(format!("unsupported hash type {kind}")))
        },
        ..FILTER
    },
    Filter {
        name: "md5",
        summary: "The MD5 digest of the text.",
        example: ("'a' | md5", "'0cc175b9c0f1b6a831c399e269772661'"),
        run: |cx, v, _| Ok(V::str(hex::encode(Md5::digest(bytes(cx, &v)?)))),
        ..FILTER
    },
    Filter {
        name: "sha1",
        aliases: &["checksum"],
        summary: "The SHA-1 digest of the text.",
        example: ("'a' | sha1", "'86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'"),
        run: |cx, v, _| Ok(V::str(hex::encode(Sha1::digest(bytes(cx, &v)?)))),
        ..FILTER
    },
    Filter {
        name: "to_uuid",
        summary: "A UUID that the text always gives.",
        params: &[optional("namespace", "str", "Ansible's own")],
        example: ("'a' | to_uuid", "'9b6d1a0c-51b1-5093-93fc-cf09a700edff'"),
        run: |cx, v, args| {
            let namespace = args.text_or(cx, "namespace", "361E6D51-FAEC-444A-9079-341386DA8E2E")?;
            if let Some(other) = args.get("namespace").filter(|n| !matches!(n, V::Str(_))) {
                return Err(Fault::raw(format!(
                    "Invalid value '{namespace}' for 'namespace': '{}' object has no attribute 'replace'",
                    other.type_name()
                )));
            }
            let space = uuid::Uuid::parse_str(&namespace).map_err(|_| {
                Fault::raw(format!("Invalid value '{namespace}' for 'namespace': badly formed hexadecimal UUID string"))
            })?;
            Ok(V::str(uuid::Uuid::new_v5(&space, as_text(cx, &v)?.as_bytes()).to_string()))
        },
        ..FILTER
    },
    Filter {
        name: "password_hash",
        summary: "The hash of a password, as /etc/shadow holds it: sha512, sha256, md5 or blowfish (bcrypt).",
        params: &[
            optional("hashtype", "str", "'sha512'"),
            optional("salt", "str", "random"),
            optional("salt_size", "int", "of the kind"),
            optional("rounds", "int", "of the kind"),
            optional("ident", "str", "None"),
        ],
        example: ("'secret' | password_hash('md5', 'mysalt')", "'$1$mysalt$n/EfEiV74OYgBdqhKQzSW/'"),
        run: password_hash,
        ..FILTER
    },
];

fn bytes(cx: &Cx, v: &V) -> Res<Vec<u8>> {
    match v {
        V::Bytes(b) => Ok(b.to_vec()),
        v => Ok(as_text(cx, v)?.into_bytes()),
    }
}

pub fn digest(kind: &str, data: &[u8]) -> Option<String> {
    Some(match kind.to_ascii_lowercase().replace('-', "").as_str() {
        "md5" => hex::encode(Md5::digest(data)),
        "sha1" => hex::encode(Sha1::digest(data)),
        "sha224" => hex::encode(Sha224::digest(data)),
        "sha256" => hex::encode(Sha256::digest(data)),
        "sha384" => hex::encode(Sha384::digest(data)),
        "sha512" => hex::encode(Sha512::digest(data)),
        _ => return None,
    })
}

const SALT: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn password_hash(cx: &Cx, v: V, args: Args) -> Res {
    let password = as_text(cx, &v)?;
    let kind = args.text_or(cx, "hashtype", "sha512")?;
    let rounds = match args.get("rounds") {
        None => None,
        Some(_) => Some(args.int("rounds", 0)?),
    };
    let size = match args.get("salt_size") {
        None => None,
        Some(V::Int(size)) => Some(usize::try_from(*size).unwrap_or(0)),
        Some(_) => return Err(Fault::raw("salt_size must be an integer")),
    };
    let how = Crypt { salt: args.text(cx, "salt")?, salt_size: size, rounds, ident: args.text(cx, "ident")? };
    crypt_password(cx, &password, &kind, how).map(V::str)
}

/// How a password is hashed; what is empty or 0 is the kind's own.
#[derive(Default)]
pub struct Crypt {
    pub salt: Option<String>,
    pub salt_size: Option<usize>,
    pub rounds: Option<i64>,
    /// bcrypt's version; other kinds have none.
    pub ident: Option<String>,
}

/// A password's hash. Without a salt, a random one is made.
pub fn crypt_password(cx: &Cx, password: &str, kind: &str, how: Crypt) -> Res<String> {
    let salt = how.salt.filter(|s| !s.is_empty());
    let salt_size = how.salt_size.filter(|s| *s != 0);
    let rounds = how.rounds.filter(|r| *r != 0);
    let (kind, longest) = match kind {
        "sha512" | "sha512_crypt" => ("sha512", 16),
        "sha256" | "sha256_crypt" => ("sha256", 16),
        "md5" | "md5_crypt" => ("md5", 8),
        "blowfish" | "bcrypt" => ("bcrypt", super::bcrypt::SALT),
        other => {
            return Err(Fault::raw(format!(
                "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
            )));
        }
    };
    if kind == "bcrypt" {
        if let Some(size) = salt_size.filter(|s| *s != longest) {
            return Err(Fault::raw(format!(
                "Could not hash the secret: bcrypt: salt_size ({size}) must be exactly {longest}"
            )));
        }
        let mut random = [0; 16];
        cx.engine.outside.random(&mut random);
        let ident = how.ident.filter(|i| !i.is_empty());
        return super::bcrypt::bcrypt(password, salt.as_deref(), random, rounds.unwrap_or(12), ident.as_deref())
            .map_err(Fault::raw);
    }
    let salt = match salt {
        Some(salt) => salt,
        None => {
            let mut random = vec![0u8; salt_size.unwrap_or(longest)];
            cx.engine.outside.random(&mut random);
            random.iter().map(|b| char::from(SALT[usize::from(*b & 63)])).collect()
        }
    };
    if salt.chars().any(|c| !c.is_ascii() || !SALT.contains(&(c as u8))) {
        return Err(Fault::raw(format!("Could not hash the secret: invalid characters in {kind}_crypt salt")));
    }
    if salt.len() > longest {
        return Err(Fault::raw(format!(
            "Could not hash the secret: salt too large ({kind}_crypt requires <= {longest} chars)"
        )));
    }
    match kind {
        "md5" => Ok(tightbeam_modules::text::crypt::md5_crypt(password.as_bytes(), &salt)),
        kind => {
            let default = if kind == "sha512" { 656_000 } else { 535_000 };
            let rounds = rounds.unwrap_or(default);
            if !(1000..=999_999_999).contains(&rounds) {
                let bound = if rounds < 1000 {
                    "too low, must be at least 1000"
                } else {
                    "too large, cannot be more than 999999999"
                };
                return Err(Fault::raw(format!(
                    "Could not hash the secret: {kind}_crypt: min_desired_rounds ({rounds}) is {bound}"
                )));
            }
            Ok(tightbeam_modules::text::crypt::sha_crypt(kind == "sha512", password.as_bytes(), &salt, rounds as usize))
        }
    }
}
