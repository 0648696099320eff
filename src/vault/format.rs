//! The envelope: a header line, then 80 columns of hexadecimal digits, twice encoded.

use super::VaultError;

const HEADER: &str = "$ANSIBLE_VAULT";
const CIPHER: &str = "AES256";
/// The id of a text that names none.
pub(super) const DEFAULT_ID: &str = "default";
const COLUMNS: usize = 80;

/// Whether data is a vault's: it starts as one and is ASCII throughout.
pub fn is_encrypted(data: &[u8]) -> bool {
    data.starts_with(HEADER.as_bytes()) && data.is_ascii()
}

fn not_hex(error: hex::FromHexError) -> VaultError {
    match error {
        hex::FromHexError::OddLength => VaultError::HexLength,
        _ => VaultError::Hex,
    }
}

/// What a vault text holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub vault_id: String,
    pub salt: Vec<u8>,
    pub digest: Vec<u8>,
    pub ciphertext: Vec<u8>,
}

impl Envelope {
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        if !is_encrypted(text.as_bytes()) {
            return Err(VaultError::NotVault);
        }
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let mut fields = header.trim().split(';').map(str::trim).skip(1);
        let (_version, cipher) = (fields.next(), fields.next().ok_or(VaultError::Envelope)?);
        if cipher != CIPHER {
            return Err(VaultError::Cipher(cipher.to_owned()));
        }
        let vault_id = fields.next().unwrap_or(DEFAULT_ID).to_owned();
        let body = hex::decode(lines.collect::<String>()).map_err(not_hex)?;
        let mut parts = body.splitn(3, |b| *b == b'\n');
        let mut part = || parts.next().ok_or(VaultError::Parts);
        let (salt, digest, ciphertext) = (part()?, part()?, part()?);
        let bytes = |part: &[u8]| hex::decode(part).map_err(not_hex);
        Ok(Envelope { vault_id, salt: bytes(salt)?, digest: bytes(digest)?, ciphertext: bytes(ciphertext)? })
    }

    /// The text, ending in a newline. Version 1.2 only where an id is named.
    pub fn format(&self) -> String {
        let mut out = match self.vault_id.as_str() {
            "" | DEFAULT_ID => format!("{HEADER};1.1;{CIPHER}\n"),
            id => format!("{HEADER};1.2;{CIPHER};{id}\n"),
        };
        let inner = [&self.salt, &self.digest, &self.ciphertext].map(hex::encode).join("\n");
        let mut rest = hex::encode(inner);
        while !rest.is_empty() {
            let tail = rest.split_off(rest.len().min(COLUMNS));
            out.push_str(&rest);
            out.push('\n');
            rest = tail;
        }
        out
    }
}

/// A vault text as a YAML value, as `ansible-vault encrypt_string` prints it: `name: !vault |` and indented lines.
pub fn as_yaml(ciphertext: &str, name: Option<&str>, indent: usize) -> String {
    let mut out = match name {
        Some(name) => format!("{name}: !vault |"),
        None => "!vault |".to_owned(),
    };
    for line in ciphertext.lines() {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(line);
    }
    out
}
