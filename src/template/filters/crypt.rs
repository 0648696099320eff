//! The crypt(3) hashes of shadow files, and vault text by a given secret.

use super::{FILTER, Filter, optional, required};
use crate::template::runtime::{Args, Cx, Fault, Res, V};
use crate::value::Text;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "vault",
        summary: "Text as vault text, by a given secret.",
        params: &[
            required("secret", "str"),
            optional("salt", "str", "random"),
            optional("vault_id", "str", "'filter_default'"),
            optional("wrap_object", "bool", "False"),
        ],
        example: ("'a' is string", "True"),
        run: vault,
        ..FILTER
    },
    Filter {
        name: "unvault",
        summary: "The text that vault text holds, by a given secret; other text stays.",
        params: &[required("secret", "str"), optional("vault_id", "str", "'filter_default'")],
        takes_undefined: true,
        example: ("'plain' | unvault('secret')", "'plain'"),
        run: unvault,
        ..FILTER
    },
];

fn vault(cx: &Cx, v: V, args: Args) -> Res {
    let secret = args.value("secret");
    let (Some(data), Some(secret)) = (v.as_str(), secret.as_str()) else {
        return Err(Fault::raw(format!("Can only vault strings, instead we got <class '{}'>.", v.type_name())));
    };
    let engine = cx.engine.vault.as_ref().ok_or_else(|| Fault::raw("no vault is available"))?;
    let id = args.text_or(cx, "vault_id", "filter_default")?;
    let salt = args.text(cx, "salt")?;
    let wrap = args.flag("wrap_object", false)?;
    engine
        .encrypt(data.as_bytes(), secret, salt.as_deref(), Some(&id))
        .map(Text::foreign)
        .map(|t| V::Str(if wrap { t.secret() } else { t }))
        .map_err(|e| Fault::raw(format!("Unable to encrypt: {e}")))
}

fn unvault(cx: &Cx, v: V, args: Args) -> Res {
    let v = match &v {
        V::Undef(fault) => V::str(fault.ciphertext.clone().ok_or_else(|| fault.clone())?),
        _ => v,
    };
    let secret = args.value("secret").trip()?;
    let (Some(data), Some(secret)) = (v.as_str(), secret.as_str()) else {
        return Err(Fault::raw(format!(
            "Vault should be in the form of a string, instead we got <class '{}'>.",
            v.type_name()
        )));
    };
    if !data.starts_with("$ANSIBLE_VAULT") {
        return Ok(v);
    }
    let engine = cx.engine.vault.as_ref().ok_or_else(|| Fault::raw("no vault is available"))?;
    let plain = engine.decrypt_with(data, secret).map_err(|e| Fault::raw(format!("Unable to decrypt: {e}")))?;
    let text = String::from_utf8(plain).map_err(|_| Fault::raw("the plaintext is not UTF-8"))?;
    Ok(V::Str(Text::foreign(text).secret()))
}

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
    let salt_bytes = salt.as_bytes();
    let mut inner = Md5::new();
    inner.update(password);
    inner.update(salt_bytes);
    inner.update(password);
    let mixed = inner.finalize();
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(b"$1$");
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
    let mut out = format!("$1${salt}$");
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
