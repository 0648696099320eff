//! Ansible's vault, formats 1.1 and 1.2: text ⇄ plaintext. Passwords are handed in; nothing here prompts or reads files.

mod cipher;
mod error;
mod format;
mod lanes;
mod secrets;

pub use error::VaultError;
pub use format::{as_yaml, is_encrypted};
pub use secrets::{Secret, Secrets, encrypt, encrypt_with_salt, rekey};
