//! Certificate signing requests: what is wished of one, made, read, compared, described.

use super::BACKEND;
use super::digest::Hash;
use super::extensions::{self as ext, extension};
use super::key::Key;
use super::names;
use super::oid;
use super::pem::{self, Block};
use super::public::Public;
use crate::contract::{Arg, ArgType, Failure, Json, JsonMap, Literal};
use crate::host::Observe;
use der::asn1::{Any, BitString, ObjectIdentifier, OctetString, SetOfVec};
use der::flagset::FlagSet;
use der::{Decode, Encode};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use x509_cert::attr::{Attribute, AttributeTypeAndValue};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::{DistributionPoint, ReasonFlags, Reasons};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, NameConstraints};
use x509_cert::name::{Name, RelativeDistinguishedName};
use x509_cert::request::{CertReq, CertReqInfo, Version};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// The arguments that tell what is wished.
pub const REQUEST_ARGS: &[Arg] = &[
    Arg::str("digest").default(Literal::Str("sha256")).doc("Digest that is signed."),
    Arg::path("privatekey_path").doc("File of the private key."),
    Arg::str("privatekey_content").no_log().doc("The private key itself."),
    Arg::str("privatekey_passphrase").no_log().doc("Passphrase of the private key."),
    Arg::int("version").choices(&["1"]).default(Literal::Int(1)).doc("Version of the request."),
    Arg::dict("subject").doc("Parts of the subject: a name, and a text or a list of texts."),
    Arg::list("subject_ordered", ArgType::Dict).doc("All parts of the subject, in their order."),
    Arg::str("country_name").aliases(&["C", "countryName"]).doc("Country of the subject, two letters."),
    Arg::str("state_or_province_name").aliases(&["ST", "stateOrProvinceName"]).doc("State of the subject."),
    Arg::str("locality_name").aliases(&["L", "localityName"]).doc("Place of the subject."),
    Arg::str("organization_name").aliases(&["O", "organizationName"]).doc("Organization of the subject."),
    Arg::str("organizational_unit_name").aliases(&["OU", "organizationalUnitName"]).doc("Unit of the subject."),
    Arg::str("common_name").aliases(&["CN", "commonName"]).doc("Name of the subject."),
    Arg::str("email_address").aliases(&["E", "emailAddress"]).doc("Address of the subject."),
    Arg::list("subject_alt_name", ArgType::Str)
        .aliases(&["subjectAltName"])
        .doc("Other names: `DNS:`, `IP:`, `email:` …"),
    Arg::bool("subject_alt_name_critical")
        .default(Literal::Bool(false))
        .aliases(&["subjectAltName_critical"])
        .doc("They must be understood."),
    Arg::bool("use_common_name_for_san")
        .default(Literal::Bool(true))
        .aliases(&["useCommonNameForSAN"])
        .doc("The common name is the other name where there is none."),
    Arg::list("key_usage", ArgType::Str).aliases(&["keyUsage"]).doc("What the key may be used for."),
    Arg::bool("key_usage_critical")
        .default(Literal::Bool(false))
        .aliases(&["keyUsage_critical"])
        .doc("It must be understood."),
    Arg::list("extended_key_usage", ArgType::Str)
        .aliases(&["extKeyUsage", "extendedKeyUsage"])
        .doc("Further purposes of the key."),
    Arg::bool("extended_key_usage_critical")
        .default(Literal::Bool(false))
        .aliases(&["extKeyUsage_critical", "extendedKeyUsage_critical"])
        .doc("They must be understood."),
    Arg::list("basic_constraints", ArgType::Str)
        .aliases(&["basicConstraints"])
        .doc("`CA:TRUE` or `CA:FALSE`, `pathlen:0`."),
    Arg::bool("basic_constraints_critical")
        .default(Literal::Bool(false))
        .aliases(&["basicConstraints_critical"])
        .doc("They must be understood."),
    Arg::bool("ocsp_must_staple")
        .default(Literal::Bool(false))
        .aliases(&["ocspMustStaple"])
        .doc("Servers must staple an OCSP answer."),
    Arg::bool("ocsp_must_staple_critical")
        .default(Literal::Bool(false))
        .aliases(&["ocspMustStaple_critical"])
        .doc("It must be understood."),
    Arg::list("name_constraints_permitted", ArgType::Str).doc("Names that a CA may sign for."),
    Arg::list("name_constraints_excluded", ArgType::Str).doc("Names that it may not."),
    Arg::bool("name_constraints_critical").default(Literal::Bool(false)).doc("They must be understood."),
    Arg::bool("create_subject_key_identifier")
        .default(Literal::Bool(false))
        .doc("Make the key's identifier from the key."),
    Arg::str("subject_key_identifier").doc("The key's identifier, in hex."),
    Arg::str("authority_key_identifier").doc("The signing key's identifier, in hex."),
    Arg::list("authority_cert_issuer", ArgType::Str).doc("Issuer of the signing certificate."),
    Arg::int("authority_cert_serial_number").doc("Serial number of the signing certificate."),
    Arg::list("crl_distribution_points", ArgType::Dict)
        .options(&[
            Arg::list("full_name", ArgType::Str).doc("Where the list is."),
            Arg::list("relative_name", ArgType::Str).doc("The same, relative to the issuer."),
            Arg::list("crl_issuer", ArgType::Str).doc("Who signs the list."),
            Arg::list("reasons", ArgType::Str)
                .choices(&[
                    "key_compromise",
                    "ca_compromise",
                    "affiliation_changed",
                    "superseded",
                    "cessation_of_operation",
                    "certificate_hold",
                    "privilege_withdrawn",
                    "aa_compromise",
                ])
                .doc("What it tells."),
        ])
        .doc("Where lists of revoked certificates are."),
    BACKEND,
];

#[derive(Deserialize)]
pub struct RequestArgs {
    digest: String,
    privatekey_path: Option<PathBuf>,
    privatekey_content: Option<String>,
    privatekey_passphrase: Option<String>,
    subject: Option<JsonMap>,
    subject_ordered: Option<Vec<JsonMap>>,
    country_name: Option<String>,
    state_or_province_name: Option<String>,
    locality_name: Option<String>,
    organization_name: Option<String>,
    organizational_unit_name: Option<String>,
    common_name: Option<String>,
    email_address: Option<String>,
    subject_alt_name: Option<Vec<String>>,
    subject_alt_name_critical: bool,
    use_common_name_for_san: bool,
    key_usage: Option<Vec<String>>,
    key_usage_critical: bool,
    extended_key_usage: Option<Vec<String>>,
    extended_key_usage_critical: bool,
    basic_constraints: Option<Vec<String>>,
    basic_constraints_critical: bool,
    ocsp_must_staple: bool,
    ocsp_must_staple_critical: bool,
    name_constraints_permitted: Option<Vec<String>>,
    name_constraints_excluded: Option<Vec<String>>,
    name_constraints_critical: bool,
    create_subject_key_identifier: bool,
    subject_key_identifier: Option<String>,
    authority_key_identifier: Option<String>,
    authority_cert_issuer: Option<Vec<String>>,
    authority_cert_serial_number: Option<u64>,
    crl_distribution_points: Option<Vec<Point>>,
}

#[derive(Deserialize)]
struct Point {
    full_name: Option<Vec<String>>,
    relative_name: Option<Vec<String>>,
    crl_issuer: Option<Vec<String>>,
    reasons: Option<Vec<String>>,
}

/// What is wished of a request.
pub struct Wish {
    args: RequestArgs,
    /// As told: the names of the attributes as the author wrote them.
    subject: Vec<(String, String)>,
    attributes: Vec<AttributeTypeAndValue>,
    ordered: bool,
    alt_names: Option<Vec<String>>,
}

impl Wish {
    /// # Errors
    /// Arguments that contradict each other, or cannot be read.
    pub fn new(args: RequestArgs) -> Result<Self, Failure> {
        if args.create_subject_key_identifier && args.subject_key_identifier.is_some() {
            let msg = "subject_key_identifier cannot be specified if create_subject_key_identifier is true";
            return Err(Failure::new(msg));
        }
        let plain = [
            ("C", &args.country_name),
            ("ST", &args.state_or_province_name),
            ("L", &args.locality_name),
            ("O", &args.organization_name),
            ("OU", &args.organizational_unit_name),
            ("CN", &args.common_name),
            ("emailAddress", &args.email_address),
        ];
        let mut subject: Vec<(String, String)> = plain
            .into_iter()
            .filter_map(|(key, value)| value.clone().filter(|v| !v.is_empty()).map(|v| (key.to_owned(), v)))
            .collect();
        if let Some(more) = &args.subject {
            subject.extend(field(more, "subject").map_err(Failure::new)?);
        }
        let parts = args.subject_ordered.as_deref().unwrap_or_default();
        let ordered = !parts.is_empty();
        if ordered && !subject.is_empty() {
            return Err(Failure::new("subject_ordered cannot be combined with any other subject field"));
        }
        for (index, part) in parts.iter().enumerate() {
            let number = index + 1;
            if part.len() != 1 {
                let msg = "must be a dictionary with exactly one key-value pair";
                return Err(Failure::new(format!("Entry #{number} in subject_ordered {msg}")));
            }
            let found = field(part, "subject_ordered");
            subject.extend(found.map_err(|e| {
                Failure::new(format!("Error while processing entry #{number} in subject_ordered: {e}"))
            })?);
        }
        let mut alt_names = args.subject_alt_name.clone();
        if alt_names.as_ref().is_none_or(Vec::is_empty) && args.use_common_name_for_san {
            let common = subject.iter().find(|(key, _)| key == "commonName" || key == "CN");
            alt_names = common.map(|(_, name)| vec![format!("DNS:{name}")]).or(alt_names);
        }
        let attributes: Result<Vec<_>, String> =
            subject.iter().map(|(key, value)| names::attribute(oid::of_name(key)?, value)).collect();
        let attributes = attributes.map_err(Failure::new)?;
        Ok(Wish { args, subject, attributes, ordered, alt_names })
    }

    /// The private key that signs.
    ///
    /// # Errors
    /// It cannot be read, or cannot sign.
    pub fn key(&self, host: &dyn Observe) -> Result<Key, Failure> {
        let args = &self.args;
        let key = load_key(
            host,
            args.privatekey_path.as_deref(),
            args.privatekey_content.as_deref(),
            args.privatekey_passphrase.as_deref(),
        )?;
        if key.signs() {
            Ok(key)
        } else {
            Err(Failure::new("Key of type X25519 not supported for issuing certificates"))
        }
    }

    fn identifier(text: &Option<String>, name: &str) -> Result<Option<OctetString>, String> {
        let Some(text) = text else { return Ok(None) };
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        let bytes: Option<Vec<u8>> = (0..digits.len())
            .step_by(2)
            .map(|i| digits.get(i..i + 2).and_then(|d| u8::from_str_radix(d, 16).ok()))
            .collect();
        let bytes = bytes.ok_or_else(|| format!("Cannot parse {name}: it is not hexadecimal"))?;
        OctetString::new(bytes).map(Some).map_err(|e| e.to_string())
    }

    fn authority(&self) -> Result<Option<AuthorityKeyIdentifier>, String> {
        let args = &self.args;
        let key_identifier = Self::identifier(&args.authority_key_identifier, "authority_key_identifier")?;
        let issuer = args.authority_cert_issuer.as_deref();
        let serial = args.authority_cert_serial_number;
        if key_identifier.is_none() && issuer.is_none() && serial.is_none() {
            return Ok(None);
        }
        Ok(Some(AuthorityKeyIdentifier {
            key_identifier,
            authority_cert_issuer: issuer
                .map(|names| ext::general_names(names, "authority cert issuer"))
                .transpose()?,
            authority_cert_serial_number: serial.map(SerialNumber::from),
        }))
    }

    fn own_identifier(&self, public: &Public) -> Result<Option<OctetString>, String> {
        if self.args.create_subject_key_identifier {
            let digest = public.identifier().ok_or("Private key can not be used to create subject key identifier")?;
            return OctetString::new(digest).map(Some).map_err(|e| e.to_string());
        }
        Self::identifier(&self.args.subject_key_identifier, "subject_key_identifier")
    }

    fn points(&self) -> Result<Vec<DistributionPoint>, String> {
        let points = self.args.crl_distribution_points.as_deref().unwrap_or_default();
        let fail = |i: usize| move |e: String| format!("Error while parsing CRL distribution point #{i}: {e}");
        points.iter().enumerate().map(|(i, p)| p.build().map_err(fail(i))).collect()
    }

    fn constraints(&self) -> Result<Option<NameConstraints>, String> {
        let (permitted, excluded) = (&self.args.name_constraints_permitted, &self.args.name_constraints_excluded);
        let (permitted, excluded) = (permitted.as_deref().unwrap_or_default(), excluded.as_deref().unwrap_or_default());
        if permitted.is_empty() && excluded.is_empty() {
            return Ok(None);
        }
        ext::name_constraints(permitted, excluded).map(Some)
    }

    fn alt(&self) -> Result<Vec<GeneralName>, String> {
        ext::general_names(self.alt_names.as_deref().unwrap_or_default(), "Subject Alternative Name")
    }

    fn purposes(&self) -> Result<Vec<ObjectIdentifier>, String> {
        self.args.extended_key_usage.as_deref().unwrap_or_default().iter().map(|name| oid::of_name(name)).collect()
    }

    fn usage(&self) -> Result<Option<ext::KeyUsage>, String> {
        let wanted = self.args.key_usage.as_deref().unwrap_or_default();
        if wanted.is_empty() { Ok(None) } else { ext::key_usage(wanted).map(Some) }
    }

    fn basic(&self) -> Option<&[String]> {
        self.args.basic_constraints.as_deref().filter(|c| !c.is_empty())
    }

    fn extensions(&self, public: &Public) -> Result<Vec<Extension>, String> {
        let args = &self.args;
        let mut all = Vec::new();
        let alt = self.alt()?;
        if !alt.is_empty() {
            all.push(extension(ext::SUBJECT_ALT_NAME, args.subject_alt_name_critical, &alt)?);
        }
        if let Some(usage) = self.usage()? {
            all.push(extension(ext::KEY_USAGE, args.key_usage_critical, &usage)?);
        }
        let purposes = self.purposes()?;
        if !purposes.is_empty() {
            all.push(extension(ext::EXTENDED_KEY_USAGE, args.extended_key_usage_critical, &purposes)?);
        }
        if let Some(wanted) = self.basic() {
            let basic = ext::basic_constraints(wanted)?;
            all.push(extension(ext::BASIC_CONSTRAINTS, args.basic_constraints_critical, &basic)?);
        }
        if args.ocsp_must_staple {
            all.push(extension(ext::TLS_FEATURE, args.ocsp_must_staple_critical, &ext::must_staple())?);
        }
        if let Some(constraints) = self.constraints()? {
            all.push(extension(ext::NAME_CONSTRAINTS, args.name_constraints_critical, &constraints)?);
        }
        if let Some(identifier) = self.own_identifier(public)? {
            all.push(extension(ext::SUBJECT_KEY_IDENTIFIER, false, &identifier)?);
        }
        if let Some(authority) = self.authority()? {
            all.push(extension(ext::AUTHORITY_KEY_IDENTIFIER, false, &authority)?);
        }
        let points = self.points()?;
        if !points.is_empty() {
            all.push(extension(ext::CRL_DISTRIBUTION_POINTS, false, &points)?);
        }
        Ok(all)
    }

    /// Makes and signs the request.
    ///
    /// # Errors
    /// Arguments that cannot be written.
    pub fn make(&self, key: &Key) -> Result<Vec<u8>, Failure> {
        let digest = &self.args.digest;
        let hash = Hash::named(digest);
        if key.needs_digest() && hash.is_none() {
            return Err(Failure::new(format!("Unsupported digest \"{digest}\"")));
        }
        let public = key.public().ok_or_else(|| Failure::new("the private key has no public key"))?;
        let subject = names::name(self.attributes.clone()).map_err(Failure::new)?;
        let extensions = self.extensions(&public).map_err(Failure::new)?;
        let request = signed(subject, extensions, key, hash).ok_or_else(|| Failure::new("cannot sign the request"))?;
        let pem = request.pem().ok_or_else(|| Failure::new("the request cannot be encoded"))?;
        Ok(pem.into_bytes())
    }

    /// Whether a request is as wished, and of this key.
    ///
    /// # Errors
    /// Arguments that cannot be read.
    pub fn fits(&self, request: &Request, key: &Key) -> Result<bool, Failure> {
        self.compare(request, key).map_err(Failure::new)
    }

    fn compare(&self, request: &Request, key: &Key) -> Result<bool, String> {
        let args = &self.args;
        let wanted: Vec<(ObjectIdentifier, String)> =
            self.attributes.iter().map(|a| (a.oid, names::text(&a.value))).collect();
        let there = names::entries(request.subject());
        let same_subject = if self.ordered { wanted == there } else { set(wanted.iter()) == set(there.iter()) };
        let all = &request.extensions;
        let critical = |id| ext::find(all, id).is_some_and(|e| e.critical);
        let ders = |names: &[GeneralName]| set(names.iter().map(|n| n.to_der().unwrap_or_default()));

        let alt = self.alt()?;
        let there: Vec<GeneralName> = ext::content(all, ext::SUBJECT_ALT_NAME).unwrap_or_default();
        let same_alt = ders(&alt) == ders(&there)
            && (alt.is_empty() || critical(ext::SUBJECT_ALT_NAME) == args.subject_alt_name_critical);

        let usage = self.usage()?;
        let there: Option<ext::KeyUsage> = ext::content(all, ext::KEY_USAGE);
        let same_usage = usage == there && (usage.is_none() || critical(ext::KEY_USAGE) == args.key_usage_critical);

        let purposes = self.purposes()?;
        let there: Vec<ObjectIdentifier> = ext::content(all, ext::EXTENDED_KEY_USAGE).unwrap_or_default();
        let same_purposes = set(purposes.iter()) == set(there.iter())
            && (purposes.is_empty() || critical(ext::EXTENDED_KEY_USAGE) == args.extended_key_usage_critical);

        let basic = self.basic().map(ext::basic_constraints).transpose()?;
        let same_basic = basic == ext::content(all, ext::BASIC_CONSTRAINTS)
            && (basic.is_none() || critical(ext::BASIC_CONSTRAINTS) == args.basic_constraints_critical);

        let staples = ext::staples(all);
        let same_staple = match args.ocsp_must_staple {
            true => staples == Some(true) && critical(ext::TLS_FEATURE) == args.ocsp_must_staple_critical,
            false => ext::find(all, ext::TLS_FEATURE).is_none(),
        };

        let trees = |constraints: &Option<NameConstraints>, excluded: bool| {
            let trees = constraints
                .as_ref()
                .and_then(|c| if excluded { c.excluded_subtrees.as_ref() } else { c.permitted_subtrees.as_ref() });
            set(trees.into_iter().flatten().map(|t| t.base.to_der().unwrap_or_default()))
        };
        let constraints = self.constraints()?;
        let there: Option<NameConstraints> = ext::content(all, ext::NAME_CONSTRAINTS);
        let same_constraints = [false, true].iter().all(|e| trees(&constraints, *e) == trees(&there, *e))
            && (constraints.is_none() || critical(ext::NAME_CONSTRAINTS) == args.name_constraints_critical);

        let public = key.public().ok_or("the private key has no public key")?;
        let own = self.own_identifier(&public)?;
        let same_own = own == ext::content(all, ext::SUBJECT_KEY_IDENTIFIER)
            && (own.is_none() || !critical(ext::SUBJECT_KEY_IDENTIFIER));
        let authority = self.authority()?;
        let same_authority = authority == ext::content(all, ext::AUTHORITY_KEY_IDENTIFIER)
            && (authority.is_none() || !critical(ext::AUTHORITY_KEY_IDENTIFIER));
        let points: Vec<DistributionPoint> = ext::content(all, ext::CRL_DISTRIBUTION_POINTS).unwrap_or_default();
        let same_points = points == self.points()?;

        Ok(same_subject
            && same_alt
            && same_usage
            && same_purposes
            && same_basic
            && same_staple
            && same_constraints
            && same_own
            && same_authority
            && same_points
            && request.is_valid()
            && request.public.as_ref() == Some(&public))
    }

    /// What results tell of the wish.
    pub fn told(&self, out: &mut JsonMap) {
        let args = &self.args;
        let path = args.privatekey_path.as_ref().map(|p| p.display().to_string());
        let mut put = |key: &str, value: Json| drop(out.insert(key.to_owned(), value));
        put("privatekey", path.into());
        put("subject", self.subject.iter().map(|(k, v)| Json::from(vec![k.as_str(), v.as_str()])).collect());
        put("subjectAltName", self.alt_names.clone().into());
        put("keyUsage", args.key_usage.clone().into());
        put("extendedKeyUsage", args.extended_key_usage.clone().into());
        put("basicConstraints", args.basic_constraints.clone().into());
        put("ocspMustStaple", args.ocsp_must_staple.into());
        put("name_constraints_permitted", args.name_constraints_permitted.clone().unwrap_or_default().into());
        put("name_constraints_excluded", args.name_constraints_excluded.clone().unwrap_or_default().into());
    }
}

fn set<T: Ord>(items: impl Iterator<Item = T>) -> BTreeSet<T> {
    items.collect()
}

impl Point {
    fn build(&self) -> Result<DistributionPoint, String> {
        let names = |list: &Option<Vec<String>>, key: &str, what: &str| match list {
            None => Ok(None),
            Some(list) if list.is_empty() => Err(format!("{key} must not be empty")),
            Some(list) => ext::general_names(list, what).map(Some),
        };
        let full = names(&self.full_name, "full_name", "full name")?;
        let issuer = names(&self.crl_issuer, "crl_issuer", "CRL issuer")?;
        let relative = match self.relative_name.as_deref() {
            None => None,
            Some([]) => return Err("relative_name must not be empty".to_owned()),
            Some(parts) => {
                let mut attributes = Vec::new();
                for part in parts {
                    let (key, value) =
                        part.split_once('=').ok_or_else(|| format!("cannot start part in \"{part}\""))?;
                    attributes.push(names::attribute(oid::of_name(key.trim())?, value.trim_start_matches(' '))?);
                }
                Some(RelativeDistinguishedName::try_from(attributes).map_err(|e| e.to_string())?)
            }
        };
        if full.is_some() && relative.is_some() {
            return Err("parameters are mutually exclusive: full_name|relative_name".to_owned());
        }
        let name =
            full.map(DistributionPointName::FullName).or(relative.map(DistributionPointName::NameRelativeToCRLIssuer));
        if name.is_none() && issuer.is_none() {
            return Err("one of the following is required: full_name, relative_name, crl_issuer".to_owned());
        }
        let reasons = self.reasons.as_deref().map(|names| {
            names.iter().fold(ReasonFlags::default(), |flags, name| {
                flags
                    | FlagSet::from(match name.as_str() {
                        "key_compromise" => Reasons::KeyCompromise,
                        "ca_compromise" => Reasons::CaCompromise,
                        "affiliation_changed" => Reasons::AffiliationChanged,
                        "superseded" => Reasons::Superseded,
                        "cessation_of_operation" => Reasons::CessationOfOperation,
                        "certificate_hold" => Reasons::CertificateHold,
                        "privilege_withdrawn" => Reasons::PrivilegeWithdrawn,
                        _ => Reasons::AaCompromise,
                    })
            })
        });
        Ok(DistributionPoint { distribution_point: name, reasons, crl_issuer: issuer })
    }
}

/// The texts of a mapping of attributes.
fn field(map: &JsonMap, name: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for (key, value) in map {
        match value {
            Json::Array(items) => {
                for item in items {
                    let text = item.as_str().ok_or_else(|| format!("Values {key} in {name} must be strings"))?;
                    if text.is_empty() {
                        return Err(format!("Values for {key} in {name} must not be empty strings"));
                    }
                    found.push((key.clone(), text.to_owned()));
                }
            }
            Json::String(text) if text.is_empty() => {
                return Err(format!("Value for {key} in {name} must not be an empty string"));
            }
            Json::String(text) => found.push((key.clone(), text.clone())),
            _ => return Err(format!("Value for {key} in {name} must be either a string or a list of strings")),
        }
    }
    Ok(found)
}

/// A private key from a file or from an argument.
///
/// # Errors
/// It cannot be read.
pub fn load_key(
    host: &dyn Observe,
    path: Option<&Path>,
    content: Option<&str>,
    passphrase: Option<&str>,
) -> Result<Key, Failure> {
    let bytes = match (content, path) {
        (Some(content), _) => content.as_bytes().to_vec(),
        (None, Some(path)) => read_file(host, path)?,
        (None, None) => return Err(Failure::new("Must provide either path or content")),
    };
    Key::read(&bytes, passphrase).map_err(|e| Failure::new(e.message()))
}

/// A file that must be there, with Python's words if it is not.
///
/// # Errors
/// It cannot be read.
pub fn read_file(host: &dyn Observe, path: &Path) -> Result<Vec<u8>, Failure> {
    host.read(path).map_err(|e| Failure::new(format!("{}: '{}'", crate::contract::python_error(&e), path.display())))
}

/// A request that was read or made.
pub struct Request {
    inner: CertReq,
    pub extensions: Vec<Extension>,
    /// `None` for a kind of key that cannot be read.
    pub public: Option<Public>,
}

impl Request {
    /// From PEM.
    pub fn read(content: &[u8]) -> Option<Self> {
        const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
        let block = pem::first(std::str::from_utf8(content).ok()?, &LABELS)?;
        Self::of(CertReq::from_der(&block.data).ok()?)
    }

    fn of(inner: CertReq) -> Option<Self> {
        let asked = inner.info.attributes.iter().find(|a| a.oid == EXTENSION_REQUEST);
        let extensions = match asked.and_then(|a| a.values.iter().next()) {
            Some(value) => value.decode_as().ok()?,
            None => Vec::new(),
        };
        Some(Request { public: Public::of(&inner.info.public_key), extensions, inner })
    }

    pub fn pem(&self) -> Option<String> {
        Some(Block::new("CERTIFICATE REQUEST", self.inner.to_der().ok()?).text())
    }

    pub fn subject(&self) -> &Name {
        &self.inner.info.subject
    }

    /// Whether its own key signed it.
    pub fn is_valid(&self) -> bool {
        let (Some(public), Ok(data), Some(signature)) =
            (&self.public, self.inner.info.to_der(), self.inner.signature.as_bytes())
        else {
            return false;
        };
        public.verify(&self.inner.algorithm.oid, &data, signature) == Some(true)
    }

    /// What results tell of it; only one fingerprint in a diff.
    pub fn describe(&self, one_fingerprint: bool, out: &mut JsonMap) {
        let (subject, ordered) = names::described(self.subject());
        out.insert("subject".to_owned(), subject.into());
        out.insert("subject_ordered".to_owned(), ordered);
        ext::describe(&self.extensions, out);
        ext::describe_name_constraints(&self.extensions, out);
        describe_public(self.public.as_ref(), one_fingerprint, out);
        out.insert("signature_valid".to_owned(), self.is_valid().into());
    }
}

/// Adds what requests and certificates tell of their key.
pub fn describe_public(public: Option<&Public>, one_fingerprint: bool, out: &mut JsonMap) {
    let described = public.map(Public::described);
    let (kind, data) = described.map_or((Json::Null, Json::Null), |(kind, data)| (kind.into(), data.into()));
    out.insert("public_key".to_owned(), public.and_then(Public::pem).into());
    out.insert("public_key_type".to_owned(), kind);
    out.insert("public_key_data".to_owned(), data);
    let prints = public.map(|p| p.fingerprints(one_fingerprint));
    out.insert("public_key_fingerprints".to_owned(), prints.unwrap_or_default());
}

/// A request for this subject, signed by its key.
pub fn signed(subject: Name, extensions: Vec<Extension>, key: &Key, hash: Option<Hash>) -> Option<Request> {
    let mut attributes = SetOfVec::new();
    if !extensions.is_empty() {
        let mut values = SetOfVec::new();
        values.insert(Any::encode_from(&extensions).ok()?).ok()?;
        attributes.insert(Attribute { oid: EXTENSION_REQUEST, values }).ok()?;
    }
    let info = CertReqInfo { version: Version::V1, subject, public_key: key.public()?.info()?, attributes };
    let (algorithm, signature) = key.sign(hash, &info.to_der().ok()?)?;
    let signature = BitString::from_bytes(&signature).ok()?;
    Request::of(CertReq { info, algorithm: algorithm_of(algorithm), signature })
}

/// The identifier of a signature's algorithm: those of RSA have a parameter that says nothing.
pub fn algorithm_of(dotted: &str) -> AlgorithmIdentifierOwned {
    let parameters = dotted.starts_with("1.2.840.113549.1.1.").then(Any::null);
    AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(dotted), parameters }
}
