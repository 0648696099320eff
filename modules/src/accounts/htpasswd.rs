//! `community.general.htpasswd`: users and passwords in a file for basic authentication.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::files::shared::{make_parents, write_failure};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe, Wanted};
use crate::text::crypt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha1::{Digest, Sha1};
use std::path::PathBuf;

pub struct Htpasswd;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    name: String,
    password: Option<String>,
    hash_scheme: String,
    state: String,
    create: bool,
    #[serde(flatten)]
    attrs: FileAttrs,
}

pub struct Work {
    path: PathBuf,
    /// The new content, if it changes.
    content: Option<String>,
    wanted: Wanted,
    outcome: Outcome,
}

/// How a password is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Apr,
    Md5,
    Sha256,
    Sha512,
    Bcrypt,
    LdapSha1,
    Plain,
}

/// Rounds that passlib takes.
const SHA256_ROUNDS: usize = 535_000;
const SHA512_ROUNDS: usize = 656_000;
const BCRYPT_COST: u32 = 12;

impl Module for Htpasswd {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        examples: "- name: A user for the web server\n  community.general.htpasswd:\n    path: /etc/nginx/passwdfile\n    name: janedoe\n    password: changeme\n    owner: root\n    group: www-data\n    mode: \"0640\"\n",
        returns: &[Return { name: "msg", when: "success", doc: "What was done." }],
        differs: "Of the schemes there are apr_md5_crypt, md5_crypt, sha256_crypt, sha512_crypt, bcrypt, ldap_sha1 and plaintext.",
        ..ModuleSpec::new(
            "community.general.htpasswd",
            "Users and passwords in a file for basic authentication.",
            &[
                Arg::path("path").required().aliases(&["dest", "destfile"]).doc("The file."),
                Arg::str("name").required().aliases(&["username"]).doc("The user."),
                Arg::str("password").no_log().doc("The password."),
                Arg::str("hash_scheme")
                    .aliases(&["crypt_scheme"])
                    .default(Literal::Str("apr_md5_crypt"))
                    .doc("How the password is kept."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether the user is to be there."),
                Arg::bool("create").default(Literal::Bool(true)).doc("Make the file if it is not there."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let path = args.path.display().to_string();
        let before = match host.read(&args.path) {
            Ok(bytes) => Some(String::from_utf8(bytes).map_err(|_| Failure::new(format!("{path} is not UTF-8")))?),
            Err(_) => None,
        };
        let mut lines: Vec<String> =
            before.iter().flat_map(|text| text.lines()).filter(|l| !l.trim().is_empty()).map(str::to_owned).collect();
        let user = &args.name;
        let place = lines.iter().position(|line| line.split_once(':').is_some_and(|(name, _)| name == user));
        let (msg, mut changed) = if args.state == "absent" {
            if before.is_none() {
                let mut outcome = Outcome::unchanged().with("msg", format!("{user} not present"));
                outcome.warnings.push(format!("{path} does not exist"));
                return Ok(Plan::Done(outcome));
            }
            match place {
                None => (format!("{user} not present"), false),
                Some(place) => {
                    lines.remove(place);
                    (format!("Remove {user}"), true)
                }
            }
        } else {
            let scheme = scheme(&args.hash_scheme)?;
            let password =
                args.password.as_deref().ok_or_else(|| Failure::new("secret must be unicode or bytes, not None"))?;
            let kept = place.and_then(|place| lines[place].split_once(':')).map(|(_, hash)| hash);
            if kept.is_some_and(|hash| matches(hash, password, scheme)) {
                (format!("{user} already present"), false)
            } else {
                if before.is_none() && !args.create {
                    return Err(Failure::new(format!("Destination {path} does not exist")));
                }
                // Check mode does without the work of a hash.
                let hash = if call.check { String::new() } else { hash(password, scheme)? };
                let line = format!("{user}:{hash}");
                match place {
                    Some(place) => lines[place] = line,
                    None => lines.push(line),
                }
                let msg = match (&before, call.check) {
                    (Some(_), _) => format!("Add/update {user}"),
                    (None, true) => format!("Create {path}"),
                    (None, false) => format!("Created {path} and added {user}"),
                };
                (msg, true)
            }
        };
        // Blank lines go, though that alone is no change.
        let blank = before.as_deref().is_some_and(|text| text.lines().any(|l| l.trim().is_empty()));
        let content = (changed || blank).then(|| lines.iter().map(|l| format!("{l}\n")).collect::<String>());
        let wanted = args.attrs.resolve(host, &args.path, call)?;
        let differences = match host.stat(&args.path) {
            Ok(_) => wanted.differences(host, &args.path)?,
            Err(_) if call.check => Default::default(),
            Err(_) => wanted.differences_of_new(host, &args.path, 0o666)?,
        };
        let mut msg = msg;
        if differences.any() {
            if changed {
                msg.push_str(" and ");
            }
            changed = true;
            msg.push_str("ownership, perms or SE linux context changed");
        }
        let outcome = Outcome::changed(changed).with("msg", msg);
        if !changed && content.is_none() {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { path: args.path, content, wanted, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        if let Some(content) = &work.content {
            make_parents(host, &work.path).map_err(|e| Failure::io(work.path.display(), &e))?;
            let options = work.wanted.write_options(host.observe(), &work.path)?;
            host.write(&work.path, &mut content.as_bytes(), &options)
                .map_err(|e| write_failure(host.observe(), &work.path, &e))?;
        }
        work.wanted.apply(host, &work.path)?;
        Ok(work.outcome)
    }
}

fn scheme(name: &str) -> Result<Scheme, Failure> {
    Ok(match name {
        "apr_md5_crypt" => Scheme::Apr,
        "md5_crypt" => Scheme::Md5,
        "sha256_crypt" => Scheme::Sha256,
        "sha512_crypt" => Scheme::Sha512,
        "bcrypt" => Scheme::Bcrypt,
        "ldap_sha1" => Scheme::LdapSha1,
        "plaintext" => Scheme::Plain,
        _ => return Err(Failure::new(format!("hash_scheme={name} is not supported"))),
    })
}

fn hash(password: &str, scheme: Scheme) -> Result<String, Failure> {
    let bytes = password.as_bytes();
    let salt = |len| crypt::random_salt(len).ok_or_else(|| Failure::new("no random numbers"));
    Ok(match scheme {
        Scheme::Apr => crypt::apr_md5_crypt(bytes, &salt(8)?),
        Scheme::Md5 => crypt::md5_crypt(bytes, &salt(8)?),
        Scheme::Sha256 => crypt::sha_crypt(false, bytes, &salt(16)?, SHA256_ROUNDS),
        Scheme::Sha512 => crypt::sha_crypt(true, bytes, &salt(16)?, SHA512_ROUNDS),
        Scheme::Bcrypt => {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(|e| Failure::new(e.to_string()))?;
            let parts = bcrypt::hash_with_salt(bytes, BCRYPT_COST, salt).map_err(|e| Failure::new(e.to_string()))?;
            parts.format_for_version(bcrypt::Version::TwoB)
        }
        Scheme::LdapSha1 => format!("{{SHA}}{}", STANDARD.encode(Sha1::digest(bytes))),
        Scheme::Plain => password.to_owned(),
    })
}

/// Whether a kept hash is that of the password. Those of a kind that neither Apache knows nor the wished scheme is do not
/// count.
fn matches(hash: &str, password: &str, wished: Scheme) -> bool {
    let parts: Vec<&str> = hash.split('$').collect();
    let bytes = password.as_bytes();
    let of_apache = matches!(wished, Scheme::Apr | Scheme::LdapSha1 | Scheme::Plain);
    let known = |scheme| of_apache || wished == scheme;
    match parts.as_slice() {
        ["", "apr1", salt, _] => crypt::apr_md5_crypt(bytes, salt) == hash,
        ["", "1", salt, _] if wished == Scheme::Md5 => crypt::md5_crypt(bytes, salt) == hash,
        ["", "2a" | "2b" | "2y", ..] if known(Scheme::Bcrypt) => bcrypt::verify(bytes, hash).unwrap_or(false),
        ["", kind @ ("5" | "6"), rest @ ..] if known(if *kind == "6" { Scheme::Sha512 } else { Scheme::Sha256 }) => {
            let (rounds, salt) = match rest {
                [rounds, salt, _] => (rounds.strip_prefix("rounds=").and_then(|n| n.parse().ok()), *salt),
                [salt, _] => (Some(5000), *salt),
                _ => return false,
            };
            rounds.is_some_and(|rounds| crypt::sha_crypt(*kind == "6", bytes, salt, rounds) == hash)
        }
        _ => match hash.strip_prefix("{SHA}") {
            Some(digest) => STANDARD.encode(Sha1::digest(bytes)) == digest,
            None => hash == password,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;
    use std::path::Path;

    const HTPASSWD: Entry = Entry::of::<Htpasswd>();

    #[test]
    fn users_come_and_go() {
        let mut host = Fake::new().dir("/etc");
        let out = case(
            &HTPASSWD,
            json!({"path": "/etc/w/p", "name": "ann", "password": "geheim", "mode": "0640"}),
            &mut host,
        );
        assert_eq!(
            out.unwrap().values["msg"],
            "Created /etc/w/p and added ann and ownership, perms or SE linux context changed"
        );
        assert!(host.text("/etc/w/p").starts_with("ann:$apr1$"), "{}", host.text("/etc/w/p"));
        for scheme in ["md5_crypt", "bcrypt", "ldap_sha1", "plaintext"] {
            let args = json!({"path": "/etc/w/p", "name": scheme, "password": "geheim", "crypt_scheme": scheme});
            assert_eq!(case(&HTPASSWD, args, &mut host).unwrap().values["msg"], format!("Add/update {scheme}"));
        }
        let args = json!({"path": "/etc/w/p", "name": "bcrypt", "password": "anders"});
        assert_eq!(run(&HTPASSWD, args, &mut host, true).unwrap().values["msg"], "Add/update bcrypt");
        let out = case(&HTPASSWD, json!({"path": "/etc/w/p", "name": "ann", "state": "absent"}), &mut host).unwrap();
        assert_eq!(out.values["msg"], "Remove ann");
        assert!(host.text("/etc/w/p").starts_with("md5_crypt:$1$"));
        let out = case(&HTPASSWD, json!({"path": "/etc/none", "name": "ann", "state": "absent"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.warnings[0]), (false, &"/etc/none does not exist".to_owned()));
        let args = json!({"path": "/etc/none", "name": "ann", "password": "geheim", "create": false});
        assert_eq!(run(&HTPASSWD, args, &mut host, false).unwrap_err().msg, "Destination /etc/none does not exist");
        assert!(!host.exists(Path::new("/etc/none")));
    }

    /// Hashes made by `openssl passwd` and htpasswd.
    #[test]
    fn hashes_of_others_are_known() {
        for (hash, wished) in [
            ("$apr1$abcdefgh$bw9gEObk10asetVLiysIZ0", Scheme::Apr),
            ("$1$abcdefgh$eKehL.s8tG6zTf8hBtmEF.", Scheme::Md5),
            ("$5$abcdefgh$azU9PNNJw9essBuwq5yihWY9lFXM0dF54Ph4sAxX.YB", Scheme::Sha256),
            (
                "$6$abcdefgh$msgktWxVAbjjh3X7lA5LaM7dS/ZfABJL6T4qcRsnjcOTj0kptUvZcrvrXIoO5fgPA9xz6UnF2To2Y7jGc/IZY/",
                Scheme::Apr,
            ),
            ("{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=", Scheme::Apr),
            ("geheim", Scheme::Plain),
        ] {
            assert!(matches(hash, "geheim", wished), "{hash}");
            assert!(!matches(hash, "anders", wished), "{hash}");
        }
        assert!(!matches("$1$abcdefgh$eKehL.s8tG6zTf8hBtmEF.", "geheim", Scheme::Apr));
    }
}
