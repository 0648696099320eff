//! Digests: those that sign, and all that fingerprints are told in.

use crate::contract::{Json, JsonMap};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use sha3::digest::{ExtendableOutput, XofReader};

/// A digest that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// As arguments name it; 224 bits are only read, never asked for.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "md5" => Hash::Md5,
            "sha1" => Hash::Sha1,
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            _ => return None,
        })
    }

    pub fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Hash::Md5 => Md5::digest(data).to_vec(),
            Hash::Sha1 => Sha1::digest(data).to_vec(),
            Hash::Sha224 => Sha224::digest(data).to_vec(),
            Hash::Sha256 => Sha256::digest(data).to_vec(),
            Hash::Sha384 => Sha384::digest(data).to_vec(),
            Hash::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    /// What stands before the digest where RSA signs it (RFC 8017, 9.2).
    pub fn digest_info(self) -> Vec<u8> {
        let (oid, len): (&[u8], u8) = match self {
            Hash::Md5 => (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05], 16),
            Hash::Sha1 => (&[0x2b, 0x0e, 0x03, 0x02, 0x1a], 20),
            Hash::Sha256 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01], 32),
            Hash::Sha384 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02], 48),
            Hash::Sha512 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03], 64),
            Hash::Sha224 => (&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04], 28),
        };
        let id = oid.len() as u8;
        let mut out = vec![0x30, 8 + id + len, 0x30, 4 + id, 0x06, id];
        out.extend_from_slice(oid);
        out.extend_from_slice(&[0x05, 0x00, 0x04, len]);
        out
    }
}

/// `ab:cd:ef`.
pub fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
}

/// The fingerprint that a diff tells.
pub fn one_fingerprint(data: &[u8]) -> JsonMap {
    JsonMap::from_iter([("sha256".to_owned(), colons(&Sha256::digest(data)).into())])
}

/// Fingerprints under all digests that every Python has.
pub fn fingerprints(data: &[u8]) -> JsonMap {
    fn long(mut hasher: impl ExtendableOutput, data: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 32];
        hasher.update(data);
        hasher.finalize_xof().read(&mut out);
        out
    }
    let all: [(&str, Vec<u8>); 14] = [
        ("md5", Hash::Md5.of(data)),
        ("sha1", Hash::Sha1.of(data)),
        ("sha224", Hash::Sha224.of(data)),
        ("sha256", Hash::Sha256.of(data)),
        ("sha384", Hash::Sha384.of(data)),
        ("sha512", Hash::Sha512.of(data)),
        ("blake2b", blake2::Blake2b512::digest(data).to_vec()),
        ("blake2s", blake2::Blake2s256::digest(data).to_vec()),
        ("sha3_224", sha3::Sha3_224::digest(data).to_vec()),
        ("sha3_256", sha3::Sha3_256::digest(data).to_vec()),
        ("sha3_384", sha3::Sha3_384::digest(data).to_vec()),
        ("sha3_512", sha3::Sha3_512::digest(data).to_vec()),
        ("shake_128", long(sha3::Shake128::default(), data)),
        ("shake_256", long(sha3::Shake256::default(), data)),
    ];
    all.into_iter().map(|(name, digest)| (name.to_owned(), Json::String(colons(&digest)))).collect()
}
