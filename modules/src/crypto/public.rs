//! Public keys: read, described, used to check signatures.

use super::curve::Curve;
use super::digest::{self, Hash};
use super::pem::{self, Block};
use crate::contract::integer;
use crate::contract::{Json, JsonMap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::asn1::{Any, BitString, ObjectIdentifier};
use der::{Decode, Encode};
use rsa::pkcs1::EncodeRsaPublicKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

#[derive(Clone, Debug, PartialEq)]
pub enum Public {
    Rsa(Box<RsaPublicKey>),
    /// With the uncompressed point.
    Ec(Curve, Vec<u8>),
    Ed25519([u8; 32]),
    X25519([u8; 32]),
    /// A kind that is only passed on, in DER.
    Other(ObjectIdentifier, Vec<u8>),
}

impl Public {
    /// From a `SubjectPublicKeyInfo`.
    pub fn of(info: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let bytes = info.subject_public_key.as_bytes()?;
        let whole = || info.to_der().ok();
        Some(match info.algorithm.oid.to_string().as_str() {
            "1.2.840.113549.1.1.1" => Public::Rsa(Box::new(RsaPublicKey::from_public_key_der(&whole()?).ok()?)),
            "1.2.840.10045.2.1" => {
                let named = info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok()?;
                match Curve::of(&named) {
                    Some(curve) => Public::Ec(curve, curve.uncompressed(bytes)?),
                    None => Public::Other(info.algorithm.oid, whole()?),
                }
            }
            "1.3.101.112" => Public::Ed25519(bytes.try_into().ok()?),
            "1.3.101.110" => Public::X25519(bytes.try_into().ok()?),
            _ => Public::Other(info.algorithm.oid, whole()?),
        })
    }

    /// From PEM.
    pub fn read(content: &[u8]) -> Option<Self> {
        let block = pem::first(std::str::from_utf8(content).ok()?, &["PUBLIC KEY"])?;
        Self::of(&SubjectPublicKeyInfoOwned::from_der(&block.data).ok()?)
    }

    /// The key itself, as `SubjectPublicKeyInfo` holds it in its bit string.
    fn bits(&self) -> Option<Vec<u8>> {
        Some(match self {
            Public::Rsa(key) => key.to_pkcs1_der().ok()?.as_bytes().to_vec(),
            Public::Ec(_, point) => point.clone(),
            Public::Ed25519(bytes) | Public::X25519(bytes) => bytes.to_vec(),
            Public::Other(_, der) => {
                SubjectPublicKeyInfoOwned::from_der(der).ok()?.subject_public_key.as_bytes()?.to_vec()
            }
        })
    }

    pub fn info(&self) -> Option<SubjectPublicKeyInfoOwned> {
        let (oid, parameters) = match self {
            Public::Rsa(_) => ("1.2.840.113549.1.1.1", Some(Any::null())),
            Public::Ec(curve, _) => ("1.2.840.10045.2.1", Some(Any::encode_from(&curve.oid()).ok()?)),
            Public::Ed25519(_) => ("1.3.101.112", None),
            Public::X25519(_) => ("1.3.101.110", None),
            Public::Other(_, der) => return SubjectPublicKeyInfoOwned::from_der(der).ok(),
        };
        Some(SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap(oid), parameters },
            subject_public_key: BitString::from_bytes(&self.bits()?).ok()?,
        })
    }

    pub fn der(&self) -> Option<Vec<u8>> {
        self.info()?.to_der().ok()
    }

    pub fn pem(&self) -> Option<String> {
        Some(Block::new("PUBLIC KEY", self.der()?).text())
    }

    /// A line of an authorized_keys file, without its comment.
    pub fn ssh(&self) -> Option<String> {
        let mut blob = Vec::new();
        let mut put = |bytes: &[u8]| {
            blob.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            blob.extend_from_slice(bytes);
        };
        let kind = match self {
            Public::Rsa(key) => {
                put(b"ssh-rsa");
                put(&signed(&key.e_bytes()));
                put(&signed(&key.n_bytes()));
                "ssh-rsa".to_owned()
            }
            Public::Ec(curve, point) => {
                let kind = format!("ecdsa-sha2-{}", curve.ssh_name());
                put(kind.as_bytes());
                put(curve.ssh_name().as_bytes());
                put(point);
                kind
            }
            Public::Ed25519(bytes) => {
                put(b"ssh-ed25519");
                put(bytes);
                "ssh-ed25519".to_owned()
            }
            Public::X25519(_) | Public::Other(..) => return None,
        };
        Some(format!("{kind} {}", STANDARD.encode(blob)))
    }

    /// The digest of the key that certificates name it by (RFC 5280, 4.2.1.2, method 1).
    pub fn identifier(&self) -> Option<Vec<u8>> {
        Some(Hash::Sha1.of(&self.bits()?))
    }

    /// Its kind and its numbers, as results tell them.
    pub fn described(&self) -> (String, JsonMap) {
        let mut data = JsonMap::new();
        let kind = match self {
            Public::Rsa(key) => {
                data.insert("size".to_owned(), key.n().bits().into());
                data.insert("modulus".to_owned(), integer(&key.n_bytes()));
                data.insert("exponent".to_owned(), integer(&key.e_bytes()));
                "RSA"
            }
            Public::Ec(curve, point) => {
                data.insert("curve".to_owned(), curve.name().into());
                if let Some((x, y)) = curve.coordinates(point) {
                    data.insert("x".to_owned(), integer(x));
                    data.insert("y".to_owned(), integer(y));
                }
                data.insert("exponent_size".to_owned(), curve.bits().into());
                "ECC"
            }
            Public::Ed25519(_) => "Ed25519",
            Public::X25519(_) => "X25519",
            Public::Other(oid, _) => match oid.to_string().as_str() {
                "1.3.101.113" => "Ed448",
                "1.3.101.111" => "X448",
                "1.2.840.10040.4.1" => "DSA",
                "1.2.840.10045.2.1" => "ECC",
                other => return (format!("unknown ({other})"), data),
            },
        };
        (kind.to_owned(), data)
    }

    /// Fingerprints of the key; only one where a diff tells it.
    pub fn fingerprints(&self, one: bool) -> Json {
        let Some(der) = self.der() else { return Json::Null };
        if one { digest::one_fingerprint(&der).into() } else { digest::fingerprints(&der).into() }
    }

    /// Whether a signature is this key's. `None`: an algorithm that is not known here.
    pub fn verify(&self, algorithm: &ObjectIdentifier, data: &[u8], signature: &[u8]) -> Option<bool> {
        let hash = match algorithm.to_string().as_str() {
            "1.2.840.113549.1.1.4" => Hash::Md5,
            "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => Hash::Sha1,
            "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" => Hash::Sha224,
            "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" => Hash::Sha256,
            "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Hash::Sha384,
            "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Hash::Sha512,
            "1.3.101.112" => {
                let Public::Ed25519(bytes) = self else { return Some(false) };
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?;
                let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return Some(false) };
                return Some(ed25519_dalek::Verifier::verify(&key, data, &signature).is_ok());
            }
            _ => return None,
        };
        let digest = hash.of(data);
        match self {
            Public::Rsa(key) => {
                let scheme = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: hash.digest_info().into() };
                Some(key.verify(scheme, &digest, signature).is_ok())
            }
            Public::Ec(curve, point) => Some(curve.verify(point, &digest, signature)),
            Public::Ed25519(_) | Public::X25519(_) => Some(false),
            Public::Other(..) => None,
        }
    }
}

/// A number as OpenSSH writes it: a zero before a first byte that would make it negative.
fn signed(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let mut out = Vec::new();
    if bytes.get(start).is_some_and(|b| *b & 0x80 != 0) {
        out.push(0);
    }
    out.extend_from_slice(&bytes[start..]);
    out
}
