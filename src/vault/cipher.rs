//! AES-256 in counter mode with an HMAC-SHA256 digest; keys by PBKDF2.

use super::lanes::{self, DIGEST, LANES, Stream};
use super::{Secret, VaultError};
use aes::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, Mac};
use rayon::prelude::*;
use sha2::Sha256;
use zeroize::Zeroizing;

const ROUNDS: u32 = 10_000;
const KEY: usize = 32;
const BLOCK: usize = 16;
const LENGTH: usize = 2 * KEY + BLOCK;
/// How many streams make the keys of one text.
const STREAMS: usize = LENGTH.div_ceil(DIGEST);

/// What PBKDF2 makes of a password and a salt: cipher key, digest key and counter. Wiped on drop.
pub(super) struct Keys(Zeroizing<[u8; LENGTH]>);

impl Keys {
    /// Takes milliseconds: that is its purpose.
    pub fn derive(secret: &Secret, salt: &[u8]) -> Self {
        let mut out = Zeroizing::new([0; LENGTH]);
        pbkdf2::pbkdf2_hmac::<Sha256>(secret.bytes(), salt, ROUNDS, &mut *out);
        Keys(out)
    }

    /// The keys of many texts, on all cores: takes much less time than one after the other.
    pub fn derive_all(of: &[(&Secret, &[u8])]) -> Vec<Self> {
        let Some(run) = lanes::available().filter(|_| of.len() > 1) else {
            return of.par_iter().map(|(secret, salt)| Self::derive(secret, salt)).collect();
        };
        let mut streams = Vec::with_capacity(of.len() * STREAMS);
        for (secret, salt) in of {
            streams.extend((1..=STREAMS as u32).map(|index| Stream { password: secret.bytes(), salt, index }));
        }
        let ends: Vec<_> = streams.par_chunks(LANES).flat_map_iter(|some| run(some, ROUNDS)).collect();
        let join = |ends: &[Zeroizing<[u8; DIGEST]>]| {
            let mut out = Zeroizing::new([0; LENGTH]);
            for (bytes, end) in out.chunks_mut(DIGEST).zip(ends) {
                bytes.copy_from_slice(&end[..bytes.len()]);
            }
            Keys(out)
        };
        ends.chunks(STREAMS).map(join).collect()
    }

    fn stream(&self, data: &mut [u8]) {
        let (key, counter) = (&self.0[..KEY], &self.0[2 * KEY..]);
        ctr::Ctr128BE::<aes::Aes256>::new(key.into(), counter.into()).apply_keystream(data);
    }

    fn mac(&self, data: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&self.0[KEY..2 * KEY]).expect("HMAC takes keys of any length");
        mac.update(data);
        mac
    }

    /// Ciphertext and its digest.
    pub fn encrypt(&self, plaintext: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let pad = BLOCK - plaintext.len() % BLOCK;
        let mut data = Vec::with_capacity(plaintext.len() + pad);
        data.extend_from_slice(plaintext);
        data.resize(plaintext.len() + pad, pad as u8);
        self.stream(&mut data);
        let digest = self.mac(&data).finalize().into_bytes().to_vec();
        (data, digest)
    }

    /// `None` where the digest does not fit, that is where the password is wrong; compared in constant time.
    pub fn decrypt(&self, ciphertext: &[u8], digest: &[u8]) -> Option<Result<Zeroizing<Vec<u8>>, VaultError>> {
        self.mac(ciphertext).verify_slice(digest).ok()?;
        let mut data = Zeroizing::new(ciphertext.to_vec());
        self.stream(&mut data);
        let pad = data.last().map_or(0, |b| usize::from(*b));
        let whole = data.len().is_multiple_of(BLOCK) && (1..=BLOCK).contains(&pad) && pad <= data.len();
        if !whole || data[data.len() - pad..].iter().any(|b| usize::from(*b) != pad) {
            return Some(Err(VaultError::Padding));
        }
        let length = data.len() - pad;
        data.truncate(length);
        Some(Ok(data))
    }
}
