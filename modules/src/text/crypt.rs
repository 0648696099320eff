//! The crypt(3) hashes of password files.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Three bytes as crypt's base64, low bits first.
fn encode(out: &mut String, a: u8, b: u8, c: u8, n: usize) {
    let mut bits = (u32::from(a) << 16) | (u32::from(b) << 8) | u32::from(c);
    for _ in 0..n {
        out.push(char::from(ALPHABET[(bits & 63) as usize]));
        bits >>= 6;
    }
}

/// `$1$salt$hash`
pub fn md5_crypt(password: &[u8], salt: &str) -> String {
    md5_of("$1$", password, salt)
}

/// `$apr1$salt$hash`: Apache's own.
pub fn apr_md5_crypt(password: &[u8], salt: &str) -> String {
    md5_of("$apr1$", password, salt)
}

fn md5_of(magic: &str, password: &[u8], salt: &str) -> String {
    let salt_bytes = salt.as_bytes();
    let mut inner = Md5::new();
    inner.update(password);
    inner.update(salt_bytes);
    inner.update(password);
    let mixed = inner.finalize();
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(magic.as_bytes());
    outer.update(salt_bytes);
    outer.update(mixed.iter().copied().cycle().take(password.len()).collect::<Vec<u8>>());
    let mut n = password.len();
    while n > 0 {
        if n & 1 == 1 {
            outer.update([0u8]);
        } else {
            outer.update(&password[..1]);
        }
        n >>= 1;
    }
    let mut hash = outer.finalize();
    for i in 0..1000 {
        let mut round = Md5::new();
        if i & 1 == 1 {
            round.update(password)
        } else {
            round.update(hash)
        }
        if i % 3 != 0 {
            round.update(salt_bytes);
        }
        if i % 7 != 0 {
            round.update(password);
        }
        if i & 1 == 1 {
            round.update(hash)
        } else {
            round.update(password)
        }
        hash = round.finalize();
    }
    let mut out = format!("{magic}{salt}$");
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        encode(&mut out, hash[a], hash[b], hash[c], 4);
    }
    encode(&mut out, 0, 0, hash[11], 2);
    out
}

/// `$5$` and `$6$`: SHA-crypt as its specification has it.
pub fn sha_crypt(sha512: bool, password: &[u8], salt: &str, rounds: usize) -> String {
    let hash: fn(&[&[u8]]) -> Vec<u8> = if sha512 { digest::<Sha512> } else { digest::<Sha256> };
    let size = if sha512 { 64 } else { 32 };
    let s = salt.as_bytes();
    let stretch = |block: &[u8], n: usize| block.iter().copied().cycle().take(n).collect::<Vec<u8>>();
    let b = hash(&[password, s, password]);
    let mut a_input = [password, s, &stretch(&b, password.len())].concat();
    let mut n = password.len();
    while n > 0 {
        if n & 1 == 1 {
            a_input.extend(&b)
        } else {
            a_input.extend(password)
        }
        n >>= 1;
    }
    let mut a = hash(&[&a_input]);
    let p = stretch(&hash(&[&password.repeat(password.len())]), password.len());
    let s_block = stretch(&hash(&[&s.repeat(16 + usize::from(a[0]))]), s.len());
    for i in 0..rounds {
        let mut parts: Vec<&[u8]> = vec![if i & 1 == 1 { &p } else { &a }];
        if i % 3 != 0 {
            parts.push(&s_block);
        }
        if i % 7 != 0 {
            parts.push(&p);
        }
        parts.push(if i & 1 == 1 { &a } else { &p });
        a = hash(&parts);
    }
    let (id, default) = if sha512 { (6, 5000) } else { (5, 5000) };
    let mut out = if rounds == default { format!("${id}${salt}$") } else { format!("${id}$rounds={rounds}${salt}$") };
    let step = if sha512 { 21 } else { 10 };
    let (mut x, mut y, mut z) = (0, step, step * 2);
    for _ in 0..size / 3 {
        encode(&mut out, a[x], a[y], a[z], 4);
        (x, y, z) = if sha512 { (y + 1, z + 1, x + 1) } else { (z + 1, x + 1, y + 1) };
    }
    if sha512 {
        encode(&mut out, 0, 0, a[63], 2);
    } else {
        encode(&mut out, 0, a[31], a[30], 3);
    }
    out
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}

/// Letters of a random salt.
pub fn random_salt(len: usize) -> Option<String> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 63)])).collect())
}
