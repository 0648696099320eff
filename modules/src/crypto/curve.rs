//! The elliptic curves of NIST that keys are made on.

use der::asn1::ObjectIdentifier;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::elliptic_curve::sec1::ToSec1Point;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

/// Runs the same expression with the types of the curve.
macro_rules! on {
    ($curve:expr, $c:ident => $body:expr) => {
        match $curve {
            Curve::P256 => {
                use p256 as $c;
                $body
            }
            Curve::P384 => {
                use p384 as $c;
                $body
            }
            Curve::P521 => {
                use p521 as $c;
                $body
            }
        }
    };
}

impl Curve {
    const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    /// As arguments and results name it.
    pub fn name(self) -> &'static str {
        match self {
            Curve::P256 => "secp256r1",
            Curve::P384 => "secp384r1",
            Curve::P521 => "secp521r1",
        }
    }

    /// As OpenSSH names it.
    pub fn ssh_name(self) -> &'static str {
        match self {
            Curve::P256 => "nistp256",
            Curve::P384 => "nistp384",
            Curve::P521 => "nistp521",
        }
    }

    pub fn bits(self) -> u32 {
        match self {
            Curve::P256 => 256,
            Curve::P384 => 384,
            Curve::P521 => 521,
        }
    }

    /// Bytes of a coordinate.
    fn width(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    pub fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Curve::P256 => "1.2.840.10045.3.1.7",
            Curve::P384 => "1.3.132.0.34",
            Curve::P521 => "1.3.132.0.35",
        })
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }

    pub fn of(oid: &ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.oid() == *oid)
    }

    /// A new private number.
    pub fn generate(self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; self.width()];
        loop {
            getrandom::fill(&mut bytes).ok()?;
            if self == Curve::P521 {
                bytes[0] &= 1;
            }
            if self.point(&bytes).is_some() {
                return Some(bytes);
            }
        }
    }

    /// The public point, uncompressed, of a private number; `None` for a number that is none of this curve.
    pub fn point(self, secret: &[u8]) -> Option<Vec<u8>> {
        on!(self, c => {
            let key = c::SecretKey::from_slice(secret).ok()?;
            Some(key.public_key().to_sec1_point(false).as_bytes().to_vec())
        })
    }

    /// A point as it is written uncompressed.
    pub fn uncompressed(self, point: &[u8]) -> Option<Vec<u8>> {
        on!(self, c => Some(c::PublicKey::from_sec1_bytes(point).ok()?.to_sec1_point(false).as_bytes().to_vec()))
    }

    /// Both coordinates of an uncompressed point.
    pub fn coordinates(self, point: &[u8]) -> Option<(&[u8], &[u8])> {
        point.get(1..)?.split_at_checked(self.width())
    }

    /// A digest shorter than the curve's numbers stands for the same number with zeros before it.
    fn widened(self, digest: &[u8]) -> Vec<u8> {
        let mut out = vec![0; self.width().saturating_sub(digest.len())];
        out.extend_from_slice(digest);
        out
    }

    /// The signature of a digest, in DER.
    pub fn sign(self, secret: &[u8], digest: &[u8]) -> Option<Vec<u8>> {
        on!(self, c => {
            let key = c::ecdsa::SigningKey::from_slice(secret).ok()?;
            let signature: c::ecdsa::Signature = key.sign_prehash(&self.widened(digest)).ok()?;
            Some(signature.to_der().as_bytes().to_vec())
        })
    }

    pub fn verify(self, point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
        on!(self, c => {
            let Ok(key) = c::ecdsa::VerifyingKey::from_sec1_bytes(point) else { return false };
            let Ok(signature) = c::ecdsa::Signature::from_der(signature) else { return false };
            key.verify_prehash(&self.widened(digest), &signature).is_ok()
        })
    }
}
