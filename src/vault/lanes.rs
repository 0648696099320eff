//! Many PBKDF2-HMAC-SHA256 streams side by side: one in each lane of a vector register.
//!
//! A stream is a chain: no round can begin before the last one ended, and a core's SHA instructions work on one chain at a
//! time. Sixteen chains in step cost a core with 512-bit registers about as much as five of them one by one.

use hmac::{Hmac, Mac};
use sha2::{Sha256, compress256};
use zeroize::{Zeroize, Zeroizing};

/// Streams that run in step.
pub(super) const LANES: usize = 16;
/// Bytes of one stream's end.
pub(super) const DIGEST: usize = 32;

/// Eight words of each lane.
type Words = [[u32; LANES]; 8];
/// Rounds of all lanes: from the states of HMAC's inner and outer hash after the key's block, the last digests and their
/// sums to those of so many rounds more.
type Rounds = fn(&Words, &Words, &mut Words, &mut Words, u32);

/// A part of a derived key: block number `index`, from 1, of what a password and a salt give.
pub(super) struct Stream<'a> {
    pub password: &'a [u8],
    pub salt: &'a [u8],
    pub index: u32,
}

/// All that rounds need. Wiped on drop.
#[derive(Default)]
struct Step {
    inner: Words,
    outer: Words,
    last: Words,
    sum: Words,
}

impl Drop for Step {
    fn drop(&mut self) {
        for words in [&mut self.inner, &mut self.outer, &mut self.last, &mut self.sum] {
            words.zeroize();
        }
    }
}

/// The rounds as this processor does them best; `None` where one stream after the other is as fast, as it is without wide
/// registers and in a build that is not optimised.
pub(super) fn available() -> Option<impl Fn(&[Stream<'_>], u32) -> Vec<Zeroizing<[u8; DIGEST]>> + Sync> {
    let rounds = fastest().filter(|_| !cfg!(debug_assertions))?;
    Some(move |streams: &[Stream<'_>], count: u32| run(rounds, streams, count))
}

#[cfg(target_arch = "x86_64")]
fn fastest() -> Option<Rounds> {
    // SAFETY: called only where the processor has the instructions.
    let run: Rounds = |inner, outer, last, sum, count| unsafe { avx512::rounds(inner, outer, last, sum, count) };
    std::arch::is_x86_feature_detected!("avx512f").then_some(run)
}

#[cfg(not(target_arch = "x86_64"))]
fn fastest() -> Option<Rounds> {
    None
}

/// At most [`LANES`] streams, each over `count` rounds.
fn run(rounds: Rounds, streams: &[Stream<'_>], count: u32) -> Vec<Zeroizing<[u8; DIGEST]>> {
    let mut step = Box::<Step>::default();
    for (lane, stream) in streams.iter().enumerate().take(LANES) {
        let first = first(stream);
        let (inner, outer) = keyed(stream.password);
        for i in 0..8 {
            step.inner[i][lane] = inner[i];
            step.outer[i][lane] = outer[i];
            step.last[i][lane] = first[i];
            step.sum[i][lane] = first[i];
        }
    }
    let Step { inner, outer, last, sum } = &mut *step;
    rounds(inner, outer, last, sum, count.saturating_sub(1));
    let digest = |lane: usize| {
        let mut out = Zeroizing::new([0; DIGEST]);
        for (bytes, words) in out.chunks_exact_mut(4).zip(&step.sum) {
            bytes.copy_from_slice(&words[lane].to_be_bytes());
        }
        out
    };
    (0..streams.len().min(LANES)).map(digest).collect()
}

/// The first round: the only one whose message is not a digest.
fn first(stream: &Stream<'_>) -> Zeroizing<[u32; 8]> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(stream.password).expect("HMAC takes keys of any length");
    mac.update(stream.salt);
    mac.update(&stream.index.to_be_bytes());
    let mut digest = mac.finalize().into_bytes();
    let mut words = Zeroizing::new([0; 8]);
    for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    digest.as_mut_slice().zeroize();
    words
}

/// The states of HMAC's two hashes after the block that the key makes.
fn keyed(password: &[u8]) -> (Zeroizing<[u32; 8]>, Zeroizing<[u32; 8]>) {
    use sha2::Digest;
    let mut key = Zeroizing::new([0; 64]);
    if password.len() > key.len() {
        let mut digest = Sha256::digest(password);
        key[..DIGEST].copy_from_slice(&digest);
        digest.as_mut_slice().zeroize();
    } else {
        key[..password.len()].copy_from_slice(password);
    }
    let after = |pad: u8| {
        let block = Zeroizing::new(key.map(|b| b ^ pad));
        let mut state = Zeroizing::new(START);
        compress256(&mut state, &[(*block).into()]);
        state
    };
    (after(0x36), after(0x5c))
}

const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// The rounds with registers of 512 bits: one word of each lane.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::{DIGEST, K, LANES, Words};
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi32, _mm512_ror_epi32, _mm512_set1_epi32, _mm512_srli_epi32, _mm512_ternarylogic_epi32,
        _mm512_xor_si512,
    };

    /// Truth tables of three bits: all apart, the first chooses between the others, most of them.
    const XOR: i32 = 0x96;
    const CHOICE: i32 = 0xca;
    const MAJORITY: i32 = 0xe8;

    type Vectors = [__m512i; 8];

    fn vectors(words: &Words) -> Vectors {
        // SAFETY: both are sixteen words, of which every value is allowed.
        words.map(|lanes| unsafe { std::mem::transmute::<[u32; LANES], __m512i>(lanes) })
    }

    fn words(vectors: Vectors) -> Words {
        // SAFETY: as above.
        vectors.map(|lanes| unsafe { std::mem::transmute::<__m512i, [u32; LANES]>(lanes) })
    }

    #[target_feature(enable = "avx512f")]
    pub fn rounds(inner: &Words, outer: &Words, last: &mut Words, sum: &mut Words, count: u32) {
        let (inner, outer) = (vectors(inner), vectors(outer));
        let (mut digest, mut all) = (vectors(last), vectors(sum));
        for _ in 0..count {
            digest = compress(&outer, &compress(&inner, &digest));
            for (all, one) in all.iter_mut().zip(&digest) {
                *all = _mm512_xor_si512(*all, *one);
            }
        }
        (*last, *sum) = (words(digest), words(all));
    }

    /// SHA-256's compression of a digest, padded as the second and last block of a message.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn compress(state: &Vectors, digest: &Vectors) -> Vectors {
        let mut w = [_mm512_set1_epi32(0); 16];
        w[..8].copy_from_slice(digest);
        w[8] = _mm512_set1_epi32(i32::MIN);
        w[15] = _mm512_set1_epi32((64 + DIGEST as i32) * 8);
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        macro_rules! turned {
            ($x:expr, $i:literal, $j:literal, $k:literal) => {
                _mm512_ternarylogic_epi32::<XOR>(
                    _mm512_ror_epi32::<$i>($x),
                    _mm512_ror_epi32::<$j>($x),
                    _mm512_ror_epi32::<$k>($x),
                )
            };
        }
        macro_rules! shifted {
            ($x:expr, $i:literal, $j:literal, $k:literal) => {
                _mm512_ternarylogic_epi32::<XOR>(
                    _mm512_ror_epi32::<$i>($x),
                    _mm512_ror_epi32::<$j>($x),
                    _mm512_srli_epi32::<$k>($x),
                )
            };
        }
        macro_rules! sum {
            ($one:expr) => { $one };
            ($one:expr, $($more:expr),+) => { _mm512_add_epi32($one, sum!($($more),+)) };
        }
        macro_rules! round {
            ($i:expr) => {{
                const I: usize = $i;
                if I >= 16 {
                    let (x, y) = (w[(I + 1) % 16], w[(I + 14) % 16]);
                    w[I % 16] = sum!(w[I % 16], shifted!(x, 7, 18, 3), w[(I + 9) % 16], shifted!(y, 17, 19, 10));
                }
                let choice = _mm512_ternarylogic_epi32::<CHOICE>(e, f, g);
                let constant = _mm512_add_epi32(_mm512_set1_epi32(K[I].cast_signed()), w[I % 16]);
                let t = sum!(turned!(e, 6, 11, 25), choice, _mm512_add_epi32(h, constant));
                let majority = _mm512_ternarylogic_epi32::<MAJORITY>(a, b, c);
                (h, g, f, e) = (g, f, e, _mm512_add_epi32(d, t));
                (d, c, b, a) = (c, b, a, sum!(turned!(a, 2, 13, 22), majority, t));
            }};
        }
        macro_rules! rounds {
            ($($i:expr),*) => { $( round!($i); round!($i + 1); round!($i + 2); round!($i + 3); )* };
        }
        rounds!(0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60);
        let mut end = [a, b, c, d, e, f, g, h];
        for (end, start) in end.iter_mut().zip(state) {
            *end = _mm512_add_epi32(*end, *start);
        }
        end
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By what this processor has; nothing where it has no wide registers.
    fn made(streams: &[Stream<'_>], count: u32) -> Option<Vec<Zeroizing<[u8; DIGEST]>>> {
        fastest().map(|rounds| run(rounds, streams, count))
    }

    #[test]
    fn published_vectors_hold() {
        // RFC 7914, section 11.
        let stream = |index| Stream { password: b"passwd", salt: b"salt", index };
        if let Some(made) = made(&[stream(1), stream(2)], 1) {
            assert_eq!(hex::encode(*made[0]), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
            assert_eq!(hex::encode(*made[1]), "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20) })]

        #[test]
        fn every_lane_is_what_one_stream_gives(
            given in prop::collection::vec((".{0,100}", prop::collection::vec(any::<u8>(), 0..80)), 1..=LANES),
            index in 1u32..4,
            count in 1u32..40,
        ) {
            let streams: Vec<_> =
                given.iter().map(|(p, salt)| Stream { password: p.as_bytes(), salt, index }).collect();
            if let Some(made) = made(&streams, count) {
                for (stream, made) in streams.iter().zip(made) {
                    let mut whole = [0; 3 * DIGEST];
                    pbkdf2::pbkdf2_hmac::<Sha256>(stream.password, stream.salt, count, &mut whole);
                    let from = (index as usize - 1) * DIGEST;
                    prop_assert_eq!(&whole[from..from + DIGEST], &made[..]);
                }
            }
        }
    }
}
