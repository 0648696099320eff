//! `community.crypto.x509_certificate`: a certificate in a file, signed by its own key or by an authority of one's own.

use super::BACKEND;
use super::certificate::{Certificate, New, random_serial, same_name};
use super::digest::Hash;
use super::extensions as ext;
use super::key::Key;
use super::place::Place;
use super::public::Public;
use super::request::{Request, load_key, read_file, signed};
use super::time::{Moment, told};
use super::x509_certificate_info::UNREADABLE;
use crate::contract::integer;
use crate::contract::{Arg, Call, Diff, Failure, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe};
use der::asn1::{ObjectIdentifier, OctetString};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::name::Name;

pub struct X509Certificate;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    state: String,
    provider: Option<String>,
    force: bool,
    backup: bool,
    return_content: bool,
    ignore_timestamps: bool,
    csr_path: Option<PathBuf>,
    csr_content: Option<String>,
    privatekey_path: Option<PathBuf>,
    privatekey_content: Option<String>,
    privatekey_passphrase: Option<String>,
    selfsigned_digest: String,
    selfsigned_not_before: String,
    selfsigned_not_after: String,
    selfsigned_create_subject_key_identifier: Identifier,
    ownca_path: Option<PathBuf>,
    ownca_content: Option<String>,
    ownca_privatekey_path: Option<PathBuf>,
    ownca_privatekey_content: Option<String>,
    ownca_privatekey_passphrase: Option<String>,
    ownca_digest: String,
    ownca_not_before: String,
    ownca_not_after: String,
    ownca_create_subject_key_identifier: Identifier,
    ownca_create_authority_key_identifier: bool,
    #[serde(flatten)]
    attrs: FileAttrs,
}

/// When the identifier of the key is made rather than taken from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Identifier {
    CreateIfNotProvided,
    AlwaysCreate,
    NeverCreate,
}

const IDENTIFIERS: &[&str] = &["create_if_not_provided", "always_create", "never_create"];

pub struct Work {
    args: Args,
    place: Place,
    before: Option<Vec<u8>>,
    task: Task,
    now: i64,
}

enum Task {
    Make(Box<Wish>),
    /// Only owner, mode and so on; the wish for what check mode tells.
    Attributes(Box<Wish>),
    Remove,
}

/// What is wished of a certificate.
struct Wish {
    request: Request,
    from: Moment,
    to: Moment,
    serial: [u8; 20],
    hash: Option<Hash>,
    /// The key that signs.
    signer: Key,
    /// The authority; none for a certificate that its own key signs.
    authority: Option<Certificate>,
    identifier: Identifier,
    /// The certificate names the key that signed it.
    names_authority: bool,
    /// The private key that the certificate is for, where it is told.
    own: Option<Key>,
}

const PEM_DIGESTS: &str = "is not supported with the cryptography backend";

impl Module for X509Certificate {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        rules: &[
            Rule::MutuallyExclusive(&["csr_path", "csr_content"]),
            Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
            Rule::MutuallyExclusive(&["ownca_path", "ownca_content"]),
            Rule::MutuallyExclusive(&["ownca_privatekey_path", "ownca_privatekey_content"]),
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["provider"], any: false },
        ],
        examples: "- name: A certificate that its own key signs\n  community.crypto.x509_certificate:\n    path: /etc/ssl/example.org.crt\n    privatekey_path: /etc/ssl/private/example.org.pem\n    csr_path: /etc/ssl/example.org.csr\n    provider: selfsigned\n\n- name: A certificate of one's own authority\n  community.crypto.x509_certificate:\n    path: /etc/ssl/example.org.crt\n    csr_path: /etc/ssl/example.org.csr\n    provider: ownca\n    ownca_path: /etc/ssl/ca.crt\n    ownca_privatekey_path: /etc/ssl/private/ca.pem\n    ownca_not_after: +365d\n",
        returns: &[
            Return { name: "filename", when: "success", doc: "The file." },
            Return { name: "csr", when: "success", doc: "File of the request." },
            Return { name: "privatekey", when: "success", doc: "File of the private key." },
            Return { name: "ca_cert", when: "provider is ownca", doc: "File of the authority's certificate." },
            Return { name: "ca_privatekey", when: "provider is ownca", doc: "File of its key." },
            Return { name: "notBefore", when: "success", doc: "First moment, as `20301231235959Z`." },
            Return { name: "notAfter", when: "success", doc: "Last moment." },
            Return { name: "serial_number", when: "success", doc: "Its number." },
            Return { name: "certificate", when: "return_content", doc: "The certificate." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        differs: "The provider `acme` is refused.",
        ..ModuleSpec::new(
            "community.crypto.x509_certificate",
            "A certificate in a file.",
            &[
                Arg::path("path").required().doc("The file."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::str("provider").choices(&["acme", "ownca", "selfsigned"]).doc("Who signs it."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Make it anew at each call."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("return_content").default(Literal::Bool(false)).doc("Return the certificate itself."),
                Arg::bool("ignore_timestamps")
                    .default(Literal::Bool(true))
                    .doc("Other moments alone are no reason for a new one."),
                Arg::path("csr_path").doc("File of the request."),
                Arg::str("csr_content").doc("The request itself."),
                Arg::path("privatekey_path").doc("File of the private key it is for."),
                Arg::str("privatekey_content").no_log().doc("The private key itself."),
                Arg::str("privatekey_passphrase").no_log().doc("Passphrase of the private key."),
                Arg::int("selfsigned_version").choices(&["3"]).default(Literal::Int(3)).doc("Version: 3."),
                Arg::str("selfsigned_digest").default(Literal::Str("sha256")).doc("Digest that is signed."),
                Arg::str("selfsigned_not_before")
                    .aliases(&["selfsigned_notBefore"])
                    .default(Literal::Str("+0s"))
                    .doc("First moment: `+0s`, `20301231235959Z`."),
                Arg::str("selfsigned_not_after")
                    .aliases(&["selfsigned_notAfter"])
                    .default(Literal::Str("+3650d"))
                    .doc("Last moment."),
                Arg::str("selfsigned_create_subject_key_identifier")
                    .choices(IDENTIFIERS)
                    .default(Literal::Str("create_if_not_provided"))
                    .doc("Whether the key's identifier is made from the key."),
                Arg::path("ownca_path").doc("File of the authority's certificate."),
                Arg::str("ownca_content").doc("The authority's certificate itself."),
                Arg::path("ownca_privatekey_path").doc("File of the authority's key."),
                Arg::str("ownca_privatekey_content").no_log().doc("The authority's key itself."),
                Arg::str("ownca_privatekey_passphrase").no_log().doc("Its passphrase."),
                Arg::str("ownca_digest").default(Literal::Str("sha256")).doc("Digest that is signed."),
                Arg::int("ownca_version").choices(&["3"]).default(Literal::Int(3)).doc("Version: 3."),
                Arg::str("ownca_not_before").default(Literal::Str("+0s")).doc("First moment."),
                Arg::str("ownca_not_after").default(Literal::Str("+3650d")).doc("Last moment."),
                Arg::str("ownca_create_subject_key_identifier")
                    .choices(IDENTIFIERS)
                    .default(Literal::Str("create_if_not_provided"))
                    .doc("Whether the key's identifier is made from the key."),
                Arg::bool("ownca_create_authority_key_identifier")
                    .default(Literal::Bool(true))
                    .doc("Name the authority's key."),
                Arg::path("acme_accountkey_path").doc("For the provider acme."),
                Arg::path("acme_challenge_path").doc("For the provider acme."),
                Arg::bool("acme_chain").default(Literal::Bool(false)).doc("For the provider acme."),
                Arg::str("acme_directory")
                    .default(Literal::Str("https://acme-v02.api.letsencrypt.org/directory"))
                    .doc("For the provider acme."),
                BACKEND,
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let now = host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
        if args.state == "absent" {
            let place = Place { path: args.path.clone(), backup: args.backup, attrs: args.attrs.clone() };
            let there = host.stat(&args.path).is_ok();
            let work = Work { args, place, before: None, task: Task::Remove, now };
            return Ok(if there { Plan::Work(work) } else { Plan::Done(work.removed(false, None)) });
        }
        let place = Place::new(host, &args.path, args.backup, &args.attrs, None, false)?;
        let wish = match args.provider.as_deref() {
            Some("selfsigned") => Wish::selfsigned(&args, host)?,
            Some("ownca") => Wish::ownca(&args, host)?,
            _ => return Err(Failure::new("provider=acme is not supported")),
        };
        let before = place.existing(host)?;
        let wish = Box::new(wish);
        let there = before.as_deref().and_then(Certificate::read);
        let fits = !args.force && there.as_ref().is_some_and(|there| wish.fits(there, args.ignore_timestamps));
        let task = if fits { Task::Attributes(wish) } else { Task::Make(wish) };
        let idle = fits && !place.differs(host, call)?;
        let work = Work { args, place, before, task, now };
        if !idle {
            return Ok(Plan::Work(work));
        }
        Ok(Plan::Done(work.told(false, work.before.as_deref(), call.check, None)))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        match work.task {
            Task::Remove => work.removed(true, None),
            _ => work.told(true, work.before.as_deref(), true, None),
        }
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let (content, kept) = match &work.task {
            Task::Remove => {
                let kept = work.place.remove(host)?;
                return Ok(work.removed(true, kept));
            }
            Task::Attributes(_) => (work.before.clone(), None),
            Task::Make(wish) => {
                let content = wish.make()?.into_bytes();
                let kept = work.place.put(host, &content, call)?;
                (Some(content), kept)
            }
        };
        work.place.settle(host, call)?;
        Ok(work.told(true, content.as_deref(), false, kept))
    }
}

fn shown(path: &Option<PathBuf>) -> Option<String> {
    path.as_ref().map(|p| p.display().to_string())
}

impl Work {
    fn removed(&self, changed: bool, kept: Option<String>) -> Outcome {
        let mut outcome = Outcome::changed(changed)
            .with("filename", self.place.name())
            .with("privatekey", shown(&self.args.privatekey_path))
            .with("csr", shown(&self.args.csr_path));
        if let Some(name) = kept {
            outcome.set("backup_file", name);
        }
        if self.args.return_content {
            outcome.set("certificate", ());
        }
        outcome
    }

    /// Check mode tells of the certificate that is wished, otherwise the one that is there is told.
    fn told(&self, changed: bool, content: Option<&[u8]>, check: bool, kept: Option<String>) -> Outcome {
        let args = &self.args;
        let mut outcome = Outcome::changed(changed)
            .with("filename", self.place.name())
            .with("privatekey", shown(&args.privatekey_path))
            .with("csr", shown(&args.csr_path));
        let (Task::Make(wish) | Task::Attributes(wish)) = &self.task else { return outcome };
        if wish.authority.is_some() {
            outcome.set("ca_cert", shown(&args.ownca_path));
            outcome.set("ca_privatekey", shown(&args.ownca_privatekey_path));
        }
        let there = content.filter(|_| !check).and_then(Certificate::read);
        let (from, to, serial) = match &there {
            Some(there) => {
                let (from, to) = there.validity();
                (told(from), told(to), integer(there.serial()))
            }
            None => (wish.from.told(), wish.to.told(), integer(&wish.serial)),
        };
        outcome.set("notBefore", from);
        outcome.set("notAfter", to);
        outcome.set("serial_number", serial);
        if args.return_content {
            outcome.set("certificate", content.map(|c| String::from_utf8_lossy(c).into_owned()));
        }
        if let Some(name) = kept {
            outcome.set("backup_file", name);
        }
        outcome.with_diff(Diff::data(self.side(self.before.as_deref()), self.side(content)))
    }

    fn side(&self, content: Option<&[u8]>) -> JsonMap {
        let mut side = JsonMap::new();
        let Some(content) = content else { return side };
        let certificate = Certificate::read(content);
        side.insert("can_parse_certificate".to_owned(), certificate.is_some().into());
        if let Some(certificate) = certificate {
            certificate.describe(true, self.now, &mut side);
        }
        side
    }
}

fn must_exist(host: &dyn Observe, path: Option<&Path>, what: &str) -> Result<(), Failure> {
    match path.filter(|p| host.stat(p).is_err()) {
        Some(path) => Err(Failure::new(format!("The {what} file {} does not exist", path.display()))),
        None => Ok(()),
    }
}

fn load_request(args: &Args, host: &dyn Observe) -> Result<Option<Request>, Failure> {
    let content = match (&args.csr_content, &args.csr_path) {
        (Some(content), _) => content.clone().into_bytes(),
        (None, Some(path)) => read_file(host, path)?,
        (None, None) => return Ok(None),
    };
    Request::read(&content).map(Some).ok_or_else(|| Failure::new(UNREADABLE))
}

fn own_key(args: &Args, host: &dyn Observe) -> Result<Option<Key>, Failure> {
    let (path, content) = (args.privatekey_path.as_deref(), args.privatekey_content.as_deref());
    if path.is_none() && content.is_none() {
        return Ok(None);
    }
    load_key(host, path, content, args.privatekey_passphrase.as_deref()).map(Some)
}

fn digest(key: &Key, name: &str) -> Result<Option<Hash>, Failure> {
    match Hash::named(name) {
        _ if !key.needs_digest() => Ok(None),
        None => Err(Failure::new(format!("The digest {name} {PEM_DIGESTS}"))),
        hash => Ok(hash),
    }
}

fn serial() -> Result<[u8; 20], Failure> {
    random_serial().ok_or_else(|| Failure::new("no random numbers"))
}

impl Wish {
    fn selfsigned(args: &Args, host: &dyn Observe) -> Result<Self, Failure> {
        if args.privatekey_path.is_none() && args.privatekey_content.is_none() {
            let msg = "One of privatekey_path and privatekey_content must be specified for the selfsigned provider.";
            return Err(Failure::new(msg));
        }
        let from = Moment::read(&args.selfsigned_not_before, "selfsigned_not_before", host)?;
        let to = Moment::read(&args.selfsigned_not_after, "selfsigned_not_after", host)?;
        must_exist(host, args.csr_path.as_deref(), "certificate signing request")?;
        must_exist(host, args.privatekey_path.as_deref(), "private key")?;
        let signer = own_key(args, host)?.ok_or_else(|| Failure::new("Private key has not been provided"))?;
        if !signer.signs() {
            return Err(Failure::new("Private key cannot be used to sign certificates"));
        }
        let hash = digest(&signer, &args.selfsigned_digest)?;
        let request = match load_request(args, host)? {
            Some(request) => request,
            None => signed(Name::default(), Vec::new(), &signer, hash)
                .ok_or_else(|| Failure::new("cannot sign a request"))?,
        };
        Ok(Wish {
            request,
            from,
            to,
            serial: serial()?,
            hash,
            own: Some(signer.clone()),
            signer,
            authority: None,
            identifier: args.selfsigned_create_subject_key_identifier,
            names_authority: false,
        })
    }

    fn ownca(args: &Args, host: &dyn Observe) -> Result<Self, Failure> {
        for (path, content, names) in [
            (&args.ownca_path, &args.ownca_content, "ownca_path and ownca_content"),
            (
                &args.ownca_privatekey_path,
                &args.ownca_privatekey_content,
                "ownca_privatekey_path and ownca_privatekey_content",
            ),
        ] {
            if path.is_none() && content.is_none() {
                return Err(Failure::new(format!("One of {names} must be specified for the ownca provider.")));
            }
        }
        let from = Moment::read(&args.ownca_not_before, "ownca_not_before", host)?;
        let to = Moment::read(&args.ownca_not_after, "ownca_not_after", host)?;
        must_exist(host, args.csr_path.as_deref(), "certificate signing request")?;
        must_exist(host, args.ownca_path.as_deref(), "CA certificate")?;
        must_exist(host, args.ownca_privatekey_path.as_deref(), "CA private key")?;
        let request = load_request(args, host)?
            .ok_or_else(|| Failure::new("csr_path or csr_content is required for ownca provider"))?;
        let authority = match (&args.ownca_content, &args.ownca_path) {
            (Some(content), _) => content.clone().into_bytes(),
            (None, path) => read_file(host, path.as_deref().unwrap_or(Path::new("")))?,
        };
        let authority = Certificate::read(&authority).ok_or_else(|| Failure::new(UNREADABLE))?;
        let signer = load_key(
            host,
            args.ownca_privatekey_path.as_deref(),
            args.ownca_privatekey_content.as_deref(),
            args.ownca_privatekey_passphrase.as_deref(),
        )?;
        if !signer.signs() {
            return Err(Failure::new("Key of type X25519 not supported for issuing certificates"));
        }
        if authority.public.is_none() || authority.public != signer.public() {
            return Err(Failure::new("The CA private key does not belong to the CA certificate"));
        }
        Ok(Wish {
            request,
            from,
            to,
            serial: serial()?,
            hash: digest(&signer, &args.ownca_digest)?,
            signer,
            authority: Some(authority),
            identifier: args.ownca_create_subject_key_identifier,
            names_authority: args.ownca_create_authority_key_identifier,
            own: own_key(args, host)?,
        })
    }

    /// The key that the certificate is for.
    fn public(&self) -> Option<Public> {
        match &self.authority {
            None => self.signer.public(),
            Some(_) => self.request.public.clone(),
        }
    }

    /// How the certificate names the key that signs it.
    fn authority_identifier(&self) -> Option<AuthorityKeyIdentifier> {
        let authority = self.authority.as_ref().filter(|_| self.names_authority)?;
        let own: Option<OctetString> = ext::content(authority.extensions(), ext::SUBJECT_KEY_IDENTIFIER);
        let key_identifier = match own {
            Some(own) => own,
            None => OctetString::new(authority.public.as_ref()?.identifier()?).ok()?,
        };
        Some(AuthorityKeyIdentifier { key_identifier: Some(key_identifier), ..AuthorityKeyIdentifier::default() })
    }

    fn make(&self) -> Result<String, Failure> {
        let public = self.public().ok_or_else(|| Failure::new("the kind of the request's key is not supported"))?;
        let made = self.extensions(&public).map_err(Failure::new)?;
        let subject = self.request.subject();
        let new = New {
            serial: self.serial,
            subject,
            issuer: self.authority.as_ref().map_or(subject, Certificate::subject),
            from: self.from,
            to: self.to,
            public: &public,
            extensions: made,
        };
        new.sign(&self.signer, self.hash).ok_or_else(|| Failure::new("cannot sign the certificate"))
    }

    fn extensions(&self, public: &Public) -> Result<Vec<Extension>, String> {
        let dropped = |id: ObjectIdentifier| {
            id == ext::SUBJECT_KEY_IDENTIFIER && self.identifier == Identifier::AlwaysCreate
                || id == ext::AUTHORITY_KEY_IDENTIFIER && self.names_authority
        };
        let mut all: Vec<Extension> = self.request.extensions.iter().filter(|e| !dropped(e.extn_id)).cloned().collect();
        if self.identifier != Identifier::NeverCreate && ext::find(&all, ext::SUBJECT_KEY_IDENTIFIER).is_none() {
            let own = public.identifier().ok_or("the public key has no identifier")?;
            let own = OctetString::new(own).map_err(|e| e.to_string())?;
            all.push(ext::extension(ext::SUBJECT_KEY_IDENTIFIER, false, &own)?);
        }
        if let Some(authority) = self.authority_identifier() {
            all.push(ext::extension(ext::AUTHORITY_KEY_IDENTIFIER, false, &authority)?);
        }
        Ok(all)
    }

    /// Whether a certificate is as wished.
    fn fits(&self, there: &Certificate, ignore_moments: bool) -> bool {
        let own = self.own.as_ref().map(Key::public);
        if own.is_some_and(|own| own != there.public) {
            return false;
        }
        if !self.fits_request(there) || !self.fits_identifier(there) {
            return false;
        }
        let (from, to) = there.validity();
        let same = |moment: Moment, seconds: i64| !moment.relative && moment.seconds == seconds;
        let same_moments = same(self.from, from) && same(self.to, to);
        if !ignore_moments && !same_moments {
            return false;
        }
        let signer = self.signer.public();
        if signer.and_then(|signer| there.is_signed_by(&signer)) != Some(true) {
            return false;
        }
        if self.authority.as_ref().is_some_and(|a| !same_name(a.subject(), there.issuer())) {
            return false;
        }
        let wanted = self.authority_identifier();
        wanted.is_none() || wanted == ext::content(there.extensions(), ext::AUTHORITY_KEY_IDENTIFIER)
    }

    fn fits_request(&self, there: &Certificate) -> bool {
        let ignored = |id: ObjectIdentifier| {
            id == ext::SUBJECT_KEY_IDENTIFIER && self.identifier != Identifier::NeverCreate
                || id == ext::AUTHORITY_KEY_IDENTIFIER && self.names_authority
        };
        let of =
            |all: &[Extension]| -> Vec<Extension> { all.iter().filter(|e| !ignored(e.extn_id)).cloned().collect() };
        let (theirs, asked) = (of(there.extensions()), of(&self.request.extensions));
        self.request.is_valid()
            && self.request.public == there.public
            && same_name(self.request.subject(), there.subject())
            && theirs.len() == asked.len()
            && theirs.iter().all(|e| asked.contains(e))
    }

    fn fits_identifier(&self, there: &Certificate) -> bool {
        if self.identifier == Identifier::NeverCreate {
            return true;
        }
        let found: Option<OctetString> = ext::content(there.extensions(), ext::SUBJECT_KEY_IDENTIFIER);
        let Some(found) = found else { return false };
        let asked: Option<OctetString> = match self.identifier {
            Identifier::CreateIfNotProvided => ext::content(&self.request.extensions, ext::SUBJECT_KEY_IDENTIFIER),
            _ => None,
        };
        match asked {
            Some(asked) => asked == found,
            None => there.public.as_ref().and_then(Public::identifier).as_deref() == Some(found.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Entry, Json};
    use crate::crypto::{OpensslCsr, X509CertificateInfo, testing};
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const CERTIFICATE: Entry = Entry::of::<X509Certificate>();
    const INFO: Entry = Entry::of::<X509CertificateInfo>();

    fn with(base: Json, more: Json) -> Json {
        let mut args = base;
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    }

    /// A host with keys, an authority and a request.
    fn host() -> Fake {
        let mut host = Fake::new().file("/k/ca.key", testing::RSA_KEY).file("/k/key", testing::EC_KEY);
        let csr = Entry::of::<OpensslCsr>();
        let ca = json!({"path": "/k/ca.csr", "privatekey_path": "/k/ca.key", "common_name": "CA", "use_common_name_for_san": false,
            "basic_constraints": ["CA:TRUE"], "basic_constraints_critical": true});
        run(&csr, ca, &mut host, false).unwrap();
        let request = json!({"path": "/k/csr", "privatekey_path": "/k/key", "common_name": "example.org"});
        run(&csr, request, &mut host, false).unwrap();
        run(&CERTIFICATE, authority(), &mut host, false).unwrap();
        host
    }

    fn authority() -> Json {
        json!({"path": "/k/ca.crt", "privatekey_path": "/k/ca.key", "csr_path": "/k/ca.csr", "provider": "selfsigned"})
    }

    fn owned() -> Json {
        json!({"path": "/k/crt", "csr_path": "/k/csr", "privatekey_path": "/k/key", "provider": "ownca", "ownca_path": "/k/ca.crt",
            "ownca_privatekey_path": "/k/ca.key", "ownca_not_before": "20200101000000Z", "ownca_not_after": "20600101000000Z"})
    }

    #[test]
    fn a_certificate_of_ones_own_authority() {
        let mut host = host();
        assert!(!case(&CERTIFICATE, authority(), &mut host).unwrap().changed);
        let out = case(&CERTIFICATE, owned(), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(
            (&out.values["notBefore"], &out.values["notAfter"]),
            (&json!("20200101000000Z"), &json!("20600101000000Z"))
        );
        assert!(out.values["serial_number"].is_object());
        let moments = json!({"then": "20190101000000Z", "now": "20300101000000Z"});
        let info = run(&INFO, json!({"path": "/k/crt", "valid_at": moments}), &mut host, false).unwrap().values;
        let ca = run(&INFO, json!({"path": "/k/ca.crt"}), &mut host, false).unwrap().values;
        assert_eq!(info["issuer"], json!({"commonName": "CA"}));
        assert_eq!(info["subject_alt_name"], json!(["DNS:example.org"]));
        assert_eq!(info["authority_key_identifier"], ca["subject_key_identifier"]);
        assert_eq!((&info["version"], &info["signature_algorithm"]), (&json!(3), &json!("sha256WithRSAEncryption")));
        assert_eq!(info["valid_at"], json!({"then": false, "now": true}));
        assert_eq!((&ca["basic_constraints"], &ca["basic_constraints_critical"]), (&json!(["CA:TRUE"]), &json!(true)));
    }

    #[test]
    fn what_differs_makes_it_anew() {
        let mut host = host();
        case(&CERTIFICATE, owned(), &mut host).unwrap();
        for (more, changed) in [
            (json!({"ownca_not_after": "20500101000000Z"}), false),
            (json!({"ownca_not_after": "20500101000000Z", "ignore_timestamps": false}), true),
            (json!({"ignore_timestamps": false}), false),
            (json!({"privatekey_path": "/k/ca.key"}), true),
            (json!({"csr_path": "/k/ca.csr"}), true),
            (json!({"ownca_create_subject_key_identifier": "never_create"}), true),
            (json!({"ownca_create_authority_key_identifier": false}), true),
            (json!({"provider": "selfsigned"}), true),
            (json!({"force": true}), true),
            (json!({"mode": "0600"}), true),
        ] {
            assert_eq!(
                run(&CERTIFICATE, with(owned(), more.clone()), &mut host, true).unwrap().changed,
                changed,
                "{more}"
            );
        }
        for (more, msg) in [
            (json!({"csr_path": "/k/none"}), "The certificate signing request file /k/none does not exist"),
            (json!({"ownca_path": "/k/none"}), "The CA certificate file /k/none does not exist"),
            (json!({"ownca_privatekey_path": "/k/key"}), "The CA private key does not belong to the CA certificate"),
            (json!({"ownca_digest": "x"}), "The digest x is not supported with the cryptography backend"),
            (json!({"ownca_not_after": "x"}), "The time spec \"x\" for ownca_not_after is invalid"),
            (json!({"provider": "acme"}), "provider=acme is not supported"),
            (json!({"provider": null}), "state is present but all of the following are missing: provider"),
        ] {
            assert_eq!(run(&CERTIFICATE, with(owned(), more), &mut host, false).unwrap_err().msg, msg);
        }
        let gone = case(&CERTIFICATE, json!({"path": "/k/crt", "state": "absent"}), &mut host).unwrap();
        assert!(gone.changed && !host.exists(Path::new("/k/crt")));
    }
}
