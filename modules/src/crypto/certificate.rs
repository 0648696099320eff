//! Certificates: made, read, described.

use super::digest::{self, Hash};
use super::extensions as ext;
use super::key::Key;
use super::pem::{self, Block};
use super::public::Public;
use super::request::{algorithm_of, describe_public};
use super::time::{Moment, told};
use super::{names, oid};
use crate::contract::JsonMap;
use crate::contract::integer;
use der::asn1::{Any, BitString, GeneralizedTime, ObjectIdentifier};
use der::{Decode, Encode, Sequence};
use x509_cert::certificate::{CertificateInner, Raw, Rfc5280, TbsCertificateInner, Version};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

/// A certificate that was read.
pub struct Certificate {
    inner: CertificateInner<Raw>,
    der: Vec<u8>,
    /// `None` for a kind of key that cannot be read.
    pub public: Option<Public>,
}

impl Certificate {
    pub fn of_der(der: &[u8]) -> Option<Self> {
        let inner = CertificateInner::<Raw>::from_der(der).ok()?;
        let public = Public::of(inner.tbs_certificate().subject_public_key_info());
        Some(Certificate { inner, der: der.to_vec(), public })
    }

    /// The first certificate of a PEM text.
    pub fn read(content: &[u8]) -> Option<Self> {
        let block = pem::first(std::str::from_utf8(content).ok()?, &["CERTIFICATE", "X509 CERTIFICATE"])?;
        Self::of_der(&block.data)
    }

    fn tbs(&self) -> &TbsCertificateInner<Raw> {
        self.inner.tbs_certificate()
    }

    pub fn subject(&self) -> &Name {
        self.tbs().subject()
    }

    pub fn issuer(&self) -> &Name {
        self.tbs().issuer()
    }

    pub fn extensions(&self) -> &[Extension] {
        self.tbs().extensions().map(Vec::as_slice).unwrap_or_default()
    }

    /// Seconds since the epoch of its first and last moment.
    pub fn validity(&self) -> (i64, i64) {
        let seconds = |time: &Time| time.to_unix_duration().as_secs() as i64;
        (seconds(&self.tbs().validity().not_before), seconds(&self.tbs().validity().not_after))
    }

    /// The bytes of the serial number.
    pub fn serial(&self) -> &[u8] {
        self.tbs().serial_number().as_bytes()
    }

    /// Whether this key signed it. `None`: an algorithm that is not known here.
    pub fn is_signed_by(&self, key: &Public) -> Option<bool> {
        let data = self.tbs().to_der().ok()?;
        key.verify(&self.inner.signature_algorithm().oid, &data, self.inner.signature().as_bytes()?)
    }

    /// What results tell of it; only one fingerprint in a diff.
    pub fn describe(&self, one_fingerprint: bool, now: i64, out: &mut JsonMap) {
        let mut put = |key: &str, value: crate::contract::Json| drop(out.insert(key.to_owned(), value));
        put("signature_algorithm", oid::long(&self.inner.signature_algorithm().oid).into());
        for (key, name) in [("subject", self.subject()), ("issuer", self.issuer())] {
            let (map, ordered) = names::described(name);
            put(key, map.into());
            put(&format!("{key}_ordered"), ordered);
        }
        put("version", (self.tbs().version() as u8 + 1).into());
        let (from, to) = self.validity();
        put("not_before", told(from).into());
        put("not_after", told(to).into());
        put("expired", (to < now).into());
        put("serial_number", integer(self.serial()));
        let prints = if one_fingerprint { digest::one_fingerprint(&self.der) } else { digest::fingerprints(&self.der) };
        put("fingerprints", prints.into());
        describe_public(self.public.as_ref(), one_fingerprint, out);
        ext::describe(self.extensions(), out);
        ext::describe_access(self.extensions(), out);
    }
}

/// What is signed (RFC 5280, 4.1).
#[derive(Sequence)]
struct Content {
    #[asn1(context_specific = "0", default = "Default::default")]
    version: Version,
    serial: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity<Rfc5280>,
    subject: Name,
    key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Signed {
    content: Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// What a new certificate says.
pub struct New<'a> {
    pub serial: [u8; 20],
    pub subject: &'a Name,
    pub issuer: &'a Name,
    pub from: Moment,
    pub to: Moment,
    pub public: &'a Public,
    pub extensions: Vec<Extension>,
}

/// A serial number, as large as one may be.
pub fn random_serial() -> Option<[u8; 20]> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).ok()?;
    bytes[0] &= 0x7f;
    Some(bytes)
}

impl New<'_> {
    /// Signs it; as PEM.
    pub fn sign(self, key: &Key, hash: Option<Hash>) -> Option<String> {
        // The name of the algorithm is part of what is signed.
        let (algorithm, _) = key.sign(hash, b"")?;
        let time = |moment: Moment| Some(Time::GeneralTime(GeneralizedTime::from_date_time(moment.date()?)));
        let content = Content {
            version: Version::V3,
            serial: SerialNumber::new(&self.serial).ok()?,
            signature: algorithm_of(algorithm),
            issuer: self.issuer.clone(),
            validity: Validity::new(time(self.from)?, time(self.to)?),
            subject: self.subject.clone(),
            key: self.public.info()?,
            extensions: Some(self.extensions).filter(|e| !e.is_empty()),
        };
        let content = content.to_der().ok()?;
        let (_, signature) = key.sign(hash, &content)?;
        let signed = Signed {
            content: Any::from_der(&content).ok()?,
            algorithm: algorithm_of(algorithm),
            signature: BitString::from_bytes(&signature).ok()?,
        };
        Some(Block::new("CERTIFICATE", signed.to_der().ok()?).text())
    }
}

/// Whether two names say the same: attributes by identifier and text, part by part.
pub fn same_name(a: &Name, b: &Name) -> bool {
    let parts = |name: &Name| -> Vec<std::collections::BTreeSet<(ObjectIdentifier, String)>> {
        name.iter_rdn().map(|part| part.iter().map(|a| (a.oid, names::text(&a.value))).collect()).collect()
    };
    parts(a) == parts(b)
}
