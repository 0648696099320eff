//! Why a vault text cannot be used, in ansible-core's words.

use crate::diag::{Code, Diagnostic, Span};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// The text does not start as a vault does.
    NotVault,
    /// The first line is not `$ANSIBLE_VAULT;version;cipher[;id]`.
    Envelope,
    Cipher(String),
    /// What follows the first line is not hexadecimal: a digit that is none.
    Hex,
    /// What follows the first line is not hexadecimal: a digit is missing.
    HexLength,
    /// The parts inside are not salt, digest and ciphertext.
    Parts,
    /// There is no password at all.
    NoSecrets,
    /// None of the passwords fits; `vault_id` is what the text asks for, `tried` what there was.
    NoneFits {
        vault_id: String,
        tried: Vec<String>,
    },
    /// The digest is right but the padding is not.
    Padding,
    /// The plaintext of an inline string is not UTF-8.
    NotText,
    AlreadyEncrypted,
    EmptyPassword,
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VaultError::NotVault => "Input is not vault encrypted data.",
            VaultError::Envelope => "Vault envelope format error.",
            VaultError::Cipher(name) => {
                return write!(f, "Cipher {} could not be found.", crate::value::repr_str(name));
            }
            VaultError::Hex => "Vault format unhexlify error: Non-hexadecimal digit found.",
            VaultError::HexLength => "Vault format unhexlify error: Odd-length string.",
            VaultError::Parts => "Vault vaulttext format error.",
            VaultError::NoSecrets => "Attempting to decrypt but no vault secrets found.",
            VaultError::NoneFits { .. } => "Decryption failed (no vault secrets were found that could decrypt).",
            VaultError::Padding => "Invalid padding bytes.",
            VaultError::NotText => "The decrypted text is not UTF-8.",
            VaultError::AlreadyEncrypted => "input is already encrypted",
            VaultError::EmptyPassword => "Invalid vault password was provided",
        })
    }
}

impl std::error::Error for VaultError {}

impl VaultError {
    pub fn code(&self) -> Code {
        match self {
            VaultError::NoSecrets | VaultError::NoneFits { .. } | VaultError::EmptyPassword => Code::VAULT_DECRYPT,
            _ => Code::VAULT_FORMAT,
        }
    }

    /// As a diagnostic; never shows any of the vault's text.
    pub fn diagnostic(&self, at: Option<Span>) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code(), self.to_string()).at(at, "");
        match self {
            VaultError::NoSecrets => {
                diagnostic.hint("Give a password with --vault-password-file, --vault-id or --ask-vault-pass.")
            }
            VaultError::NoneFits { vault_id, tried } => {
                diagnostic.hint(format!("The text asks for vault id `{vault_id}`; tried: {}.", tried.join(", ")))
            }
            _ => diagnostic,
        }
    }
}
