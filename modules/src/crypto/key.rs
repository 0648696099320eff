//! Private keys: made, read, written, used to sign.

use super::curve::Curve;
use super::digest::Hash;
use super::pem::{self, Block};
use super::public::Public;
use super::sealed;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, pkcs5::pbes2};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");

/// Rounds and salt of an encrypted PKCS #8 key.
const ROUNDS: u32 = 20_000;

#[derive(Clone)]
pub enum Key {
    Rsa(Box<RsaPrivateKey>),
    Ec(Curve, Zeroizing<Vec<u8>>),
    Ed25519(Zeroizing<[u8; 32]>),
    X25519(Zeroizing<[u8; 32]>),
}

/// Why a key cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is encrypted and there is no passphrase, or the other way round.
    Passphrase,
    /// Another passphrase, broken, or a kind that is not known here.
    Broken,
}

impl Unreadable {
    /// The collection's words.
    pub fn message(self) -> &'static str {
        match self {
            Unreadable::Passphrase => "Wrong or empty passphrase provided for private key",
            Unreadable::Broken => "Wrong passphrase provided for private key, or private key cannot be parsed",
        }
    }
}

/// The layout of a written key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Pkcs1,
    Pkcs8,
    Raw,
}

/// The layout of a key's file; `None` for PEM that holds no private key.
pub fn format_of(content: &[u8]) -> Option<Format> {
    match pem::label(content) {
        None => Some(Format::Raw),
        Some(label) if label == "PRIVATE KEY" || label == "ENCRYPTED PRIVATE KEY" => Some(Format::Pkcs8),
        Some(label) => label.ends_with(" PRIVATE KEY").then_some(Format::Pkcs1),
    }
}

impl Key {
    pub fn rsa(bits: usize) -> Option<Self> {
        let mut random = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
        Some(Key::Rsa(Box::new(RsaPrivateKey::new(&mut random, bits).ok()?)))
    }

    pub fn ec(curve: Curve) -> Option<Self> {
        Some(Key::Ec(curve, Zeroizing::new(curve.generate()?)))
    }

    pub fn ed25519() -> Option<Self> {
        Some(Key::Ed25519(random()?))
    }

    pub fn x25519() -> Option<Self> {
        Some(Key::X25519(random()?))
    }

    /// From 32 bytes; which of the two kinds they are, the caller knows.
    pub fn raw(content: &[u8], exchange: bool) -> Option<Self> {
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(content).ok()?);
        Some(if exchange { Key::X25519(bytes) } else { Key::Ed25519(bytes) })
    }

    /// The first private key of a PEM text.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(content: &[u8], passphrase: Option<&str>) -> Result<Self, Unreadable> {
        use Unreadable::{Broken, Passphrase};
        const LABELS: [&str; 4] = ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
        let text = std::str::from_utf8(content).map_err(|_| Broken)?;
        let block = pem::first(text, &LABELS).ok_or(Broken)?;
        let data = if block.label == "ENCRYPTED PRIVATE KEY" {
            let passphrase = passphrase.filter(|p| !p.is_empty()).ok_or(Passphrase)?;
            let info = EncryptedPrivateKeyInfoRef::from_der(&block.data).map_err(|_| Broken)?;
            info.decrypt(passphrase).map_err(|_| Broken)?.to_bytes()
        } else if sealed::is_sealed(&block) {
            let passphrase = passphrase.filter(|p| !p.is_empty()).ok_or(Passphrase)?;
            Zeroizing::new(sealed::open(&block, passphrase.as_bytes()).ok_or(Broken)?)
        } else if passphrase.is_some() {
            return Err(Passphrase);
        } else {
            Zeroizing::new(block.data)
        };
        let key = match block.label.as_str() {
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&data).ok().map(|k| Key::Rsa(Box::new(k))),
            "EC PRIVATE KEY" => of_sec1(&data, None),
            _ => of_pkcs8(&data),
        };
        key.ok_or(Broken)
    }

    /// The name of its kind in arguments and results.
    pub fn kind(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "RSA",
            Key::Ec(..) => "ECC",
            Key::Ed25519(_) => "Ed25519",
            Key::X25519(_) => "X25519",
        }
    }

    /// Bits of an RSA key.
    pub fn size(&self) -> Option<i64> {
        match self {
            Key::Rsa(key) => Some(i64::from(key.n().bits())),
            _ => None,
        }
    }

    pub fn public(&self) -> Option<Public> {
        Some(match self {
            Key::Rsa(key) => Public::Rsa(Box::new(key.to_public_key())),
            Key::Ec(curve, secret) => Public::Ec(*curve, curve.point(secret)?),
            Key::Ed25519(secret) => {
                Public::Ed25519(ed25519_dalek::SigningKey::from_bytes(secret).verifying_key().to_bytes())
            }
            Key::X25519(secret) => {
                Public::X25519(curve25519_dalek::MontgomeryPoint::mul_base_clamped(**secret).to_bytes())
            }
        })
    }

    /// Whether certificates can be signed with it.
    pub fn signs(&self) -> bool {
        !matches!(self, Key::X25519(_))
    }

    /// Whether signatures are of a digest; otherwise the kind of key knows what to do.
    pub fn needs_digest(&self) -> bool {
        matches!(self, Key::Rsa(_) | Key::Ec(..))
    }

    /// Signs; also tells the algorithm as certificates name it.
    pub fn sign(&self, hash: Option<Hash>, data: &[u8]) -> Option<(&'static str, Vec<u8>)> {
        match self {
            Key::Rsa(key) => {
                let hash = hash?;
                let oid = match hash {
                    Hash::Md5 => "1.2.840.113549.1.1.4",
                    Hash::Sha1 => "1.2.840.113549.1.1.5",
                    Hash::Sha224 => "1.2.840.113549.1.1.14",
                    Hash::Sha256 => "1.2.840.113549.1.1.11",
                    Hash::Sha384 => "1.2.840.113549.1.1.12",
                    Hash::Sha512 => "1.2.840.113549.1.1.13",
                };
                let digest = hash.of(data);
                let scheme = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: hash.digest_info().into() };
                let mut random = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
                Some((oid, key.sign_with_rng(&mut random, scheme, &digest).ok()?))
            }
            Key::Ec(curve, secret) => {
                let hash = hash?;
                let oid = match hash {
                    Hash::Sha1 => "1.2.840.10045.4.1",
                    Hash::Sha224 => "1.2.840.10045.4.3.1",
                    Hash::Sha256 => "1.2.840.10045.4.3.2",
                    Hash::Sha384 => "1.2.840.10045.4.3.3",
                    Hash::Sha512 => "1.2.840.10045.4.3.4",
                    Hash::Md5 => return None,
                };
                Some((oid, curve.sign(secret, &hash.of(data))?))
            }
            Key::Ed25519(secret) => {
                use ed25519_dalek::Signer;
                let key = ed25519_dalek::SigningKey::from_bytes(secret);
                Some(("1.3.101.112", key.try_sign(data).ok()?.to_bytes().to_vec()))
            }
            Key::X25519(_) => None,
        }
    }

    /// The key in a layout, encrypted if there is a passphrase; `None` where the kind has no such layout.
    pub fn write(&self, format: Format, passphrase: Option<&str>) -> Option<Zeroizing<Vec<u8>>> {
        let passphrase = passphrase.filter(|p| !p.is_empty());
        let text = match format {
            Format::Raw => {
                return match (self, passphrase) {
                    (Key::Ed25519(bytes) | Key::X25519(bytes), None) => Some(Zeroizing::new(bytes.to_vec())),
                    _ => None,
                };
            }
            Format::Pkcs1 => {
                let (label, data) = match self {
                    Key::Rsa(key) => ("RSA PRIVATE KEY", key.to_pkcs1_der().ok()?.to_bytes()),
                    Key::Ec(curve, secret) => ("EC PRIVATE KEY", sec1_of(*curve, secret, true)?),
                    _ => return None,
                };
                match passphrase {
                    None => Block::new(label, data.to_vec()).text(),
                    Some(passphrase) => sealed::seal(label, &data, passphrase.as_bytes())?.text(),
                }
            }
            Format::Pkcs8 => {
                let data = self.pkcs8()?;
                match passphrase {
                    None => Block::new("PRIVATE KEY", data.to_vec()).text(),
                    Some(passphrase) => {
                        let (mut salt, mut iv) = ([0; 16], [0; 16]);
                        getrandom::fill(&mut salt).ok()?;
                        getrandom::fill(&mut iv).ok()?;
                        let how = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv).ok()?;
                        let info = PrivateKeyInfoRef::from_der(&data).ok()?;
                        let sealed = info.encrypt_with_params(how, passphrase).ok()?;
                        Block::new("ENCRYPTED PRIVATE KEY", sealed.as_bytes().to_vec()).text()
                    }
                }
            }
        };
        Some(Zeroizing::new(text.into_bytes()))
    }

    fn pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        let curve_oid;
        let (oid, parameters, inner) = match self {
            Key::Rsa(key) => (RSA, Some(AnyRef::NULL), key.to_pkcs1_der().ok()?.to_bytes()),
            Key::Ec(curve, secret) => {
                curve_oid = curve.oid();
                (EC, Some(AnyRef::from(&curve_oid)), sec1_of(*curve, secret, false)?)
            }
            Key::Ed25519(secret) => (ED25519, None, octets(secret)?),
            Key::X25519(secret) => (X25519, None, octets(secret)?),
        };
        let algorithm = AlgorithmIdentifierRef { oid, parameters };
        Some(Zeroizing::new(PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&inner).ok()?).to_der().ok()?))
    }

    /// The secret numbers, as results name them.
    pub fn private_numbers(&self) -> Vec<(&'static str, Vec<u8>)> {
        match self {
            Key::Rsa(key) => {
                let mut numbers: Vec<(&'static str, Vec<u8>)> = ["p", "q"]
                    .into_iter()
                    .zip(key.primes())
                    .map(|(name, prime)| (name, prime.to_be_bytes().to_vec()))
                    .collect();
                numbers.push(("exponent", key.d().to_be_bytes().to_vec()));
                numbers
            }
            Key::Ec(_, secret) => vec![("multiplier", secret.to_vec())],
            _ => Vec::new(),
        }
    }
}

fn random() -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).ok()?;
    Some(bytes)
}

fn octets(secret: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(OctetStringRef::new(secret).ok()?.to_der().ok()?))
}

fn sec1_of(curve: Curve, secret: &[u8], named: bool) -> Option<Zeroizing<Vec<u8>>> {
    let point = curve.point(secret)?;
    let parameters = named.then(|| EcParameters::NamedCurve(curve.oid()));
    let key = EcPrivateKey { private_key: secret, parameters, public_key: Some(&point) };
    Some(Zeroizing::new(key.to_der().ok()?))
}

fn of_sec1(data: &[u8], curve: Option<Curve>) -> Option<Key> {
    let key = EcPrivateKey::from_der(data).ok()?;
    let curve = match (&key.parameters, curve) {
        (Some(EcParameters::NamedCurve(oid)), _) => Curve::of(oid)?,
        (None, curve) => curve?,
    };
    curve.point(key.private_key)?;
    Some(Key::Ec(curve, Zeroizing::new(key.private_key.to_vec())))
}

fn of_pkcs8(data: &[u8]) -> Option<Key> {
    let info = PrivateKeyInfoRef::from_der(data).ok()?;
    let inner = info.private_key.as_bytes();
    match info.algorithm.oid {
        RSA => Some(Key::Rsa(Box::new(RsaPrivateKey::from_pkcs1_der(inner).ok()?))),
        EC => of_sec1(inner, Curve::of(&info.algorithm.parameters_oid().ok()?)),
        ED25519 => Key::raw(<&OctetStringRef>::from_der(inner).ok()?.as_bytes(), false),
        X25519 => Key::raw(<&OctetStringRef>::from_der(inner).ok()?.as_bytes(), true),
        _ => None,
    }
}
