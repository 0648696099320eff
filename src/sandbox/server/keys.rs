//! SSH keys of a sandbox: Ed25519, made new each time.

use crate::sandbox::SandboxError;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{PrivateKey, PublicKey};

/// A key pair as OpenSSH writes it.
pub(in crate::sandbox) struct Pair {
    /// The private key's file.
    pub private: String,
    /// `ssh-ed25519 AAAA… COMMENT` and a line end.
    pub public: String,
}

/// A new key pair.
pub(in crate::sandbox) fn generate(comment: &str) -> Result<Pair, SandboxError> {
    let seed: [u8; 32] = rand::random();
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    let key = PrivateKey::new(pair, comment).map_err(bad)?;
    Ok(Pair { private: key.to_openssh(LineEnding::LF).map_err(bad)?.to_string(), public: public(&key)? })
}

/// The public line of a private key's text.
pub(in crate::sandbox) fn public_of(private: &str) -> Result<String, SandboxError> {
    public(&PrivateKey::from_openssh(private).map_err(bad)?)
}

fn public(key: &PrivateKey) -> Result<String, SandboxError> {
    Ok(format!("{}\n", key.public_key().to_openssh().map_err(bad)?))
}

pub(super) fn read_private(path: &str) -> Result<PrivateKey, SandboxError> {
    PrivateKey::from_openssh(read(path)?).map_err(bad)
}

pub(super) fn read_public(path: &str) -> Result<PublicKey, SandboxError> {
    PublicKey::from_openssh(&read(path)?).map_err(bad)
}

fn read(path: &str) -> Result<String, SandboxError> {
    std::fs::read_to_string(path).map_err(|e| SandboxError::new(format!("{path}: {e}"), ""))
}

fn bad(error: impl std::fmt::Display) -> SandboxError {
    SandboxError::new(format!("an SSH key of the sandbox is of no use: {error}"), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_pair_fits_together_and_differs_from_the_next() {
        let (one, two) = (generate("a").expect("a pair"), generate("a").expect("a pair"));
        assert_eq!(public_of(&one.private).expect("a key"), one.public);
        assert_ne!(one.public, two.public);
        assert!(one.public.starts_with("ssh-ed25519 "));
    }
}
