//! Private keys under a passphrase, as OpenSSL always wrote them (`Proc-Type: 4,ENCRYPTED`): a cipher in CBC mode whose key
//! is MD5 of passphrase and salt.

use super::pem::Block;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use md5::{Digest, Md5};

const MODES: [(&str, usize, usize); 4] =
    [("AES-256-CBC", 32, 16), ("AES-192-CBC", 24, 16), ("AES-128-CBC", 16, 16), ("DES-EDE3-CBC", 24, 8)];

fn derived(passphrase: &[u8], salt: &[u8], len: usize) -> Vec<u8> {
    let mut key: Vec<u8> = Vec::new();
    let mut last: Vec<u8> = Vec::new();
    while key.len() < len {
        last = Md5::new().chain_update(&last).chain_update(passphrase).chain_update(salt).finalize().to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(len);
    key
}

/// Encrypts a block with AES-256.
pub fn seal(label: &str, data: &[u8], passphrase: &[u8]) -> Option<Block> {
    let mut iv = [0; 16];
    getrandom::fill(&mut iv).ok()?;
    let key = derived(passphrase, &iv[..8], 32);
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &iv).ok()?;
    let mut block = Block::new(label, cipher.encrypt_padded_vec::<Pkcs7>(data));
    let iv: String = iv.iter().map(|b| format!("{b:02X}")).collect();
    block.headers.push(("Proc-Type".to_owned(), "4,ENCRYPTED".to_owned()));
    block.headers.push(("DEK-Info".to_owned(), format!("AES-256-CBC,{iv}")));
    Some(block)
}

/// Whether a block is encrypted.
pub fn is_sealed(block: &Block) -> bool {
    block.headers.iter().any(|(name, value)| name == "Proc-Type" && value.contains("ENCRYPTED"))
}

/// Decrypts a block; `None` for another passphrase or an unknown cipher.
pub fn open(block: &Block, passphrase: &[u8]) -> Option<Vec<u8>> {
    let (_, info) = block.headers.iter().find(|(name, _)| name == "DEK-Info")?;
    let (name, iv) = info.split_once(',')?;
    let (_, key_len, iv_len) = MODES.iter().find(|(mode, ..)| *mode == name)?;
    let iv: Vec<u8> =
        (0..iv_len * 2).step_by(2).map(|i| u8::from_str_radix(iv.get(i..i + 2)?, 16).ok()).collect::<Option<_>>()?;
    let key = derived(passphrase, &iv[..8], *key_len);
    match name {
        "AES-256-CBC" => plain::<cbc::Decryptor<aes::Aes256>>(&key, &iv, &block.data),
        "AES-192-CBC" => plain::<cbc::Decryptor<aes::Aes192>>(&key, &iv, &block.data),
        "AES-128-CBC" => plain::<cbc::Decryptor<aes::Aes128>>(&key, &iv, &block.data),
        _ => plain::<cbc::Decryptor<des::TdesEde3>>(&key, &iv, &block.data),
    }
}

fn plain<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    C::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(data).ok()
}
