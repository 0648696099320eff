//! Whether a password is the one of a hash that the server keeps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use sha2::Sha256;

/// `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`
pub fn is_scram(text: &str) -> bool {
    parts(text).is_some()
}

fn parts(text: &str) -> Option<(u32, Vec<u8>, Vec<u8>)> {
    let (count, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
    let (salt, keys) = rest.split_once('$')?;
    let (_, server_key) = keys.split_once(':')?;
    Some((count.parse().ok()?, STANDARD.decode(salt).ok()?, STANDARD.decode(server_key).ok()?))
}

/// Whether a hash of SCRAM is that of the password.
pub fn fits(password: &str, hash: &str) -> bool {
    let Some((count, salt, server_key)) = parts(hash) else { return false };
    let salted = salted(password.as_bytes(), &salt, count);
    hmac(&salted, &[b"Server Key"]).as_slice() == server_key
}

/// `md5` and the digest of password and user.
pub fn md5_hash(password: &str, user: &str) -> String {
    let digest = Md5::digest(format!("{password}{user}").as_bytes());
    digest.iter().fold("md5".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

pub fn is_md5(text: &str) -> bool {
    text.starts_with("md5") && text.len() == 35
}

/// PBKDF2 with HMAC and SHA-256, one block.
fn salted(password: &[u8], salt: &[u8], count: u32) -> [u8; 32] {
    let mut last = hmac(password, &[salt, &[0, 0, 0, 1]]);
    let mut out = last;
    for _ in 1..count {
        last = hmac(password, &[&last]);
        out.iter_mut().zip(last).for_each(|(o, l)| *o ^= l);
    }
    out
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let keyed = |mask: u8| Sha256::new_with_prefix(block.map(|b| b ^ mask));
    let inner = parts.iter().fold(keyed(0x36), |hash, part| hash.chain_update(part)).finalize();
    keyed(0x5c).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_hashes() {
        // RFC 7677, its example.
        let hash = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert!(is_scram(hash) && fits("pencil", hash) && !fits("pen", hash));
        assert_eq!(md5_hash("secret", "alice"), "md54a0a68b43b6cd5cf266fa02f196e2371");
        assert!(is_md5(&md5_hash("a", "b")) && !is_md5("md5"));
    }
}
