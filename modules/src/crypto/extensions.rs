//! Extensions of requests and certificates: built from arguments, and described in results.

use super::digest::colons;
use super::{names, oid};
use crate::contract::integer;
use crate::contract::{Json, JsonMap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::asn1::{ObjectIdentifier, OctetString};
use der::flagset::FlagSet;
use der::{DecodeOwned, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AccessDescription, AuthorityKeyIdentifier, BasicConstraints, KeyUsages, NameConstraints};

pub const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
pub const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
pub const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
pub const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
pub const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
pub const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
pub const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
pub const TLS_FEATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24");
const AUTHORITY_INFO_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");

/// The TLS feature of a stapled OCSP answer.
const STATUS_REQUEST: u16 = 5;

/// An extension with this content.
///
/// # Errors
/// Content that does not fit in DER.
pub fn extension(extn_id: ObjectIdentifier, critical: bool, content: &impl Encode) -> Result<Extension, String> {
    let der = content.to_der().map_err(|e| e.to_string())?;
    Ok(Extension { extn_id, critical, extn_value: OctetString::new(der).map_err(|e| e.to_string())? })
}

pub fn find(all: &[Extension], id: ObjectIdentifier) -> Option<&Extension> {
    all.iter().find(|e| e.extn_id == id)
}

/// The content of an extension, if it is there and can be read.
pub fn content<T: DecodeOwned>(all: &[Extension], id: ObjectIdentifier) -> Option<T> {
    T::from_der(find(all, id)?.extn_value.as_bytes()).ok()
}

pub type KeyUsage = FlagSet<KeyUsages>;

/// Each usage: OpenSSL's long name, its short one, the bit. Results are sorted by the long name.
const USAGES: [(&str, &str, KeyUsages); 9] = [
    ("CRL Sign", "cRLSign", KeyUsages::CRLSign),
    ("Certificate Sign", "keyCertSign", KeyUsages::KeyCertSign),
    ("Data Encipherment", "dataEncipherment", KeyUsages::DataEncipherment),
    ("Decipher Only", "decipherOnly", KeyUsages::DecipherOnly),
    ("Digital Signature", "digitalSignature", KeyUsages::DigitalSignature),
    ("Encipher Only", "encipherOnly", KeyUsages::EncipherOnly),
    ("Key Agreement", "keyAgreement", KeyUsages::KeyAgreement),
    ("Key Encipherment", "keyEncipherment", KeyUsages::KeyEncipherment),
    ("Non Repudiation", "nonRepudiation", KeyUsages::NonRepudiation),
];

/// # Errors
/// A usage that is not known.
pub fn key_usage(wanted: &[String]) -> Result<KeyUsage, String> {
    let mut flags = KeyUsage::default();
    for name in wanted {
        let found = USAGES.iter().find(|(long, short, _)| long == name || short == name);
        flags |= found.ok_or_else(|| format!("Unknown key usage \"{name}\""))?.2;
    }
    Ok(flags)
}

/// # Errors
/// A constraint that cannot be read.
pub fn basic_constraints(wanted: &[String]) -> Result<BasicConstraints, String> {
    let mut found = BasicConstraints { ca: false, path_len_constraint: None };
    for constraint in wanted {
        match constraint.split_once(':') {
            Some(("CA", "TRUE")) => found.ca = true,
            Some(("CA", "FALSE")) => found.ca = false,
            Some(("CA", other)) => return Err(format!("Unknown basic constraint value \"{other}\" for CA")),
            Some(("pathlen", length)) => {
                let number =
                    length.parse().map_err(|e| format!("Cannot parse path length constraint \"{length}\" ({e})"))?;
                found.path_len_constraint = Some(number);
            }
            _ => return Err(format!("Unknown basic constraint \"{constraint}\"")),
        }
    }
    Ok(found)
}

/// # Errors
/// A name that cannot be read.
pub fn general_names(wanted: &[String], what: &str) -> Result<Vec<GeneralName>, String> {
    wanted.iter().map(|name| names::general(name, what)).collect()
}

/// # Errors
/// A name that cannot be read.
pub fn name_constraints(permitted: &[String], excluded: &[String]) -> Result<NameConstraints, String> {
    let trees = |wanted: &[String], what: &str| -> Result<Option<Vec<GeneralSubtree>>, String> {
        let bases = general_names(wanted, what)?;
        let trees = bases.into_iter().map(|base| GeneralSubtree { base, minimum: 0, maximum: None }).collect();
        Ok(Some(trees).filter(|t: &Vec<_>| !t.is_empty()))
    };
    Ok(NameConstraints {
        permitted_subtrees: trees(permitted, "name constraints permitted")?,
        excluded_subtrees: trees(excluded, "name constraints excluded")?,
    })
}

/// The content of the extension that asks for a stapled OCSP answer.
pub fn must_staple() -> Vec<u16> {
    vec![STATUS_REQUEST]
}

pub fn staples(all: &[Extension]) -> Option<bool> {
    content::<Vec<u16>>(all, TLS_FEATURE).map(|features| features.contains(&STATUS_REQUEST))
}

/// Adds what results tell of extensions, under the keys that requests and certificates share.
pub fn describe(all: &[Extension], out: &mut JsonMap) {
    let mut put = |key: &str, id: ObjectIdentifier, value: Option<Json>| {
        let critical = value.is_some() && find(all, id).is_some_and(|e| e.critical);
        out.insert(key.to_owned(), value.unwrap_or_default());
        out.insert(format!("{key}_critical"), critical.into());
    };
    let usage: Option<KeyUsage> = content(all, KEY_USAGE);
    let told = usage.map(|usage| {
        let hidden = |u: KeyUsages| {
            !usage.contains(KeyUsages::KeyAgreement) && matches!(u, KeyUsages::EncipherOnly | KeyUsages::DecipherOnly)
        };
        USAGES.iter().filter(|(.., u)| usage.contains(*u) && !hidden(*u)).map(|(long, ..)| *long).collect()
    });
    put("key_usage", KEY_USAGE, told);
    let purposes: Option<Vec<ObjectIdentifier>> = content(all, EXTENDED_KEY_USAGE);
    let told = purposes.map(|purposes| {
        let mut named: Vec<String> = purposes.iter().map(oid::long).collect();
        named.sort();
        named.into()
    });
    put("extended_key_usage", EXTENDED_KEY_USAGE, told);
    let basic: Option<BasicConstraints> = content(all, BASIC_CONSTRAINTS);
    let told = basic.map(|basic| {
        let ca = format!("CA:{}", if basic.ca { "TRUE" } else { "FALSE" });
        std::iter::once(ca).chain(basic.path_len_constraint.map(|n| format!("pathlen:{n}"))).collect()
    });
    put("basic_constraints", BASIC_CONSTRAINTS, told);
    put("ocsp_must_staple", TLS_FEATURE, staples(all).map(Json::Bool));
    let alt: Option<Vec<GeneralName>> = content(all, SUBJECT_ALT_NAME);
    put("subject_alt_name", SUBJECT_ALT_NAME, alt.map(|alt| alt.iter().map(names::told).collect()));

    let own: Option<OctetString> = content(all, SUBJECT_KEY_IDENTIFIER);
    out.insert("subject_key_identifier".to_owned(), own.map(|id| colons(id.as_bytes())).into());
    let authority: AuthorityKeyIdentifier = content(all, AUTHORITY_KEY_IDENTIFIER).unwrap_or_default();
    let id = authority.key_identifier.map(|id| colons(id.as_bytes()));
    out.insert("authority_key_identifier".to_owned(), id.into());
    let issuer = authority.authority_cert_issuer.map(|names| names.iter().map(names::told).collect::<Json>());
    out.insert("authority_cert_issuer".to_owned(), issuer.unwrap_or_default());
    let serial = authority.authority_cert_serial_number.map(|n| integer(n.as_bytes()));
    out.insert("authority_cert_serial_number".to_owned(), serial.unwrap_or_default());
    let by_oid: JsonMap = all
        .iter()
        .map(|e| {
            let value = STANDARD.encode(e.extn_value.as_bytes());
            (e.extn_id.to_string(), serde_json::json!({"critical": e.critical, "value": value}))
        })
        .collect();
    out.insert("extensions_by_oid".to_owned(), by_oid.into());
}

/// Adds what only requests tell.
pub fn describe_name_constraints(all: &[Extension], out: &mut JsonMap) {
    let found: Option<NameConstraints> = content(all, NAME_CONSTRAINTS);
    let critical = found.is_some() && find(all, NAME_CONSTRAINTS).is_some_and(|e| e.critical);
    let told = |trees: Option<Vec<GeneralSubtree>>| -> Json {
        trees.unwrap_or_default().iter().map(|t| names::told(&t.base)).collect::<Vec<_>>().into()
    };
    let (permitted, excluded) = match found {
        Some(found) => (told(found.permitted_subtrees), told(found.excluded_subtrees)),
        None => (Json::Null, Json::Null),
    };
    out.insert("name_constraints_permitted".to_owned(), permitted);
    out.insert("name_constraints_excluded".to_owned(), excluded);
    out.insert("name_constraints_critical".to_owned(), critical.into());
}

/// Adds what only certificates tell.
pub fn describe_access(all: &[Extension], out: &mut JsonMap) {
    let ways: Vec<AccessDescription> = content(all, AUTHORITY_INFO_ACCESS).unwrap_or_default();
    for (key, method) in [("ocsp_uri", "1.3.6.1.5.5.7.48.1"), ("issuer_uri", "1.3.6.1.5.5.7.48.2")] {
        let uri = ways.iter().find_map(|way| match &way.access_location {
            GeneralName::UniformResourceIdentifier(uri) if way.access_method.to_string() == method => {
                Some(uri.to_string())
            }
            _ => None,
        });
        out.insert(key.to_owned(), uri.into());
    }
}
