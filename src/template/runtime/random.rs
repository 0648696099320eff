//! Python's `random.Random`: the same seed gives the same choices, so `random(seed=inventory_hostname)` does not move hosts.

use num_bigint::BigUint;
use sha2::{Digest, Sha512};

/// The Mersenne Twister MT19937.
pub struct PyRandom {
    state: [u32; 624],
    index: usize,
}

impl PyRandom {
    /// `Random(text)`.
    pub fn from_text(seed: &str) -> Self {
        let mut bytes = seed.as_bytes().to_vec();
        bytes.extend(Sha512::digest(seed.as_bytes()));
        Self::from_bytes(&bytes)
    }
    /// `Random(number)`; the sign does not count.
    pub fn from_int(seed: u64) -> Self {
        Self::from_bytes(&seed.to_be_bytes())
    }
    /// Seeds with a big-endian number.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut key = BigUint::from_bytes_be(bytes).to_u32_digits();
        if key.is_empty() {
            key.push(0);
        }
        let mut random = Self::from_u32(19_650_218);
        let s = &mut random.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..key.len().max(624) {
            s[i] = (s[i] ^ (s[i - 1] ^ (s[i - 1] >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= 624 {
                s[0] = s[623];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..623 {
            s[i] = (s[i] ^ (s[i - 1] ^ (s[i - 1] >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i >= 624 {
                s[0] = s[623];
                i = 1;
            }
        }
        s[0] = 0x8000_0000;
        random
    }
    fn from_u32(seed: u32) -> Self {
        let mut state = [0u32; 624];
        state[0] = seed;
        for i in 1..624 {
            state[i] = 1_812_433_253u32.wrapping_mul(state[i - 1] ^ (state[i - 1] >> 30)).wrapping_add(i as u32);
        }
        PyRandom { state, index: 624 }
    }
    fn next(&mut self) -> u32 {
        if self.index >= 624 {
            for i in 0..624 {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % 624] & 0x7fff_ffff);
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ odd;
            }
            self.index = 0;
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }
    fn bits(&mut self, k: u32) -> u64 {
        match k {
            0 => 0,
            1..=32 => u64::from(self.next() >> (32 - k)),
            _ => {
                let low = u64::from(self.next());
                low | (u64::from(self.next() >> (64 - k)) << 32)
            }
        }
    }
    /// A number from 0 to below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let k = 64 - n.leading_zeros();
        loop {
            let r = self.bits(k);
            if r < n {
                return r;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PyRandom;

    #[test]
    fn the_same_numbers_as_python() {
        let mut random = PyRandom::from_int(42);
        assert_eq!([random.below(100), random.below(100), random.below(100)], [81, 14, 3]);
        let mut random = PyRandom::from_text("web1");
        assert_eq!([random.below(60), random.below(60)], [52, 20]);
    }
}
