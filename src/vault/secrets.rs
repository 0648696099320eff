//! Passwords with their ids, and what can be done with them.

use super::VaultError;
use super::cipher::Keys;
use super::format::{DEFAULT_ID, Envelope, is_encrypted};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, RwLock};
use zeroize::Zeroizing;

/// A vault password. Wiped on drop; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// # Errors
    /// [`VaultError::EmptyPassword`].
    pub fn new(password: impl Into<Vec<u8>>) -> Result<Self, VaultError> {
        let password = Zeroizing::new(password.into());
        if password.is_empty() { Err(VaultError::EmptyPassword) } else { Ok(Secret(Arc::new(password))) }
    }

    /// What a password file or a prompt gives: white space at both ends does not count.
    ///
    /// # Errors
    /// [`VaultError::EmptyPassword`].
    pub fn from_file(content: &[u8]) -> Result<Self, VaultError> {
        Self::new(content.trim_ascii())
    }

    /// What a password script prints: line ends around it do not count.
    ///
    /// # Errors
    /// [`VaultError::EmptyPassword`].
    pub fn from_script(output: &[u8]) -> Result<Self, VaultError> {
        let is_end = |b: &u8| matches!(b, b'\r' | b'\n');
        let start = output.iter().position(|b| !is_end(b)).unwrap_or(output.len());
        let end = output.iter().rposition(|b| !is_end(b)).map_or(start, |i| i + 1);
        Self::new(&output[start..end])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

type Plaintext = Arc<Zeroizing<Vec<u8>>>;

/// The plaintext and the number of the password that fitted.
type Opened = Result<(Plaintext, usize), VaultError>;

/// All passwords of a run, in the order they were given. Each text is decrypted once; share it by reference or `Arc`.
#[derive(Default)]
pub struct Secrets {
    known: Vec<(String, Secret)>,
    only_matching: bool,
    done: RwLock<HashMap<Box<str>, Arc<OnceLock<Opened>>>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Secrets {
    /// `only_matching`: a text that names an id is tried with that id's passwords alone (`vault_id_match`).
    pub fn new(known: Vec<(String, Secret)>, only_matching: bool) -> Self {
        Secrets { known, only_matching, done: RwLock::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(id, _)| id.as_str())
    }

    /// The password to encrypt with: that of the id, or the first one.
    pub fn for_encryption(&self, vault_id: Option<&str>) -> Option<(&str, &Secret)> {
        self.known.iter().find(|(id, _)| vault_id.is_none_or(|wanted| wanted == id)).map(|(id, s)| (id.as_str(), s))
    }

    /// # Errors
    /// Not a vault, damaged, or none of the passwords fits.
    pub fn decrypt(&self, text: &str) -> Result<Vec<u8>, VaultError> {
        self.open(text).map(|(plaintext, _)| plaintext.to_vec())
    }

    /// The plaintext and the id of the password that fitted.
    ///
    /// # Errors
    /// As [`Self::decrypt`].
    pub fn decrypt_with_id(&self, text: &str) -> Result<(Vec<u8>, &str), VaultError> {
        self.open(text).map(|(plaintext, i)| (plaintext.to_vec(), self.known[i].0.as_str()))
    }

    /// The plaintext, the id that the text names, and the password that fitted.
    ///
    /// # Errors
    /// As [`Self::decrypt`].
    pub fn open_for_edit(&self, text: &str) -> Result<(Vec<u8>, String, &Secret), VaultError> {
        let named = Envelope::parse(text)?.vault_id;
        self.open(text).map(|(plaintext, i)| (plaintext.to_vec(), named, &self.known[i].1))
    }

    /// The plaintext of an inline `!vault` string.
    ///
    /// # Errors
    /// As [`Self::decrypt`], and where the plaintext is not UTF-8.
    pub fn decrypt_text(&self, text: &str) -> Result<Arc<str>, VaultError> {
        let (plaintext, _) = self.open(text)?;
        std::str::from_utf8(&plaintext).map(Arc::from).map_err(|_| VaultError::NotText)
    }

    fn open(&self, text: &str) -> Opened {
        let known = self.done.read().unwrap_or_else(|e| e.into_inner()).get(text).cloned();
        let slot = known.unwrap_or_else(|| {
            let mut done = self.done.write().unwrap_or_else(|e| e.into_inner());
            done.entry(text.into()).or_default().clone()
        });
        // Deriving keys takes milliseconds: who wants the same text meanwhile waits for the one that began.
        slot.get_or_init(|| self.derive(text)).clone()
    }

    fn derive(&self, text: &str) -> Opened {
        let envelope = Envelope::parse(text)?;
        if self.known.is_empty() {
            return Err(VaultError::NoSecrets);
        }
        let (matching, others): (Vec<usize>, Vec<usize>) =
            (0..self.known.len()).partition(|i| self.known[*i].0 == envelope.vault_id);
        let candidates = if self.only_matching { matching } else { [matching, others].concat() };
        for i in &candidates {
            let keys = Keys::derive(&self.known[*i].1, &envelope.salt);
            if let Some(plaintext) = keys.decrypt(&envelope.ciphertext, &envelope.digest) {
                return Ok((Arc::new(plaintext?), *i));
            }
        }
        let tried = candidates.iter().map(|i| self.known[*i].0.clone()).collect();
        Err(VaultError::NoneFits { vault_id: envelope.vault_id, tried })
    }
}

/// Encrypts with a fresh salt. Without an id, or with `default`, the text is of version 1.1, else of 1.2.
///
/// # Errors
/// [`VaultError::AlreadyEncrypted`].
pub fn encrypt(plaintext: &[u8], secret: &Secret, vault_id: Option<&str>) -> Result<String, VaultError> {
    encrypt_with_salt(plaintext, secret, vault_id, &rand::random::<[u8; 32]>())
}

/// Encrypts with a given salt (`VAULT_ENCRYPT_SALT`): the same input gives the same text.
///
/// # Errors
/// [`VaultError::AlreadyEncrypted`].
pub fn encrypt_with_salt(
    plaintext: &[u8],
    secret: &Secret,
    vault_id: Option<&str>,
    salt: &[u8],
) -> Result<String, VaultError> {
    if is_encrypted(plaintext) {
        return Err(VaultError::AlreadyEncrypted);
    }
    let (ciphertext, digest) = Keys::derive(secret, salt).encrypt(plaintext);
    let vault_id = vault_id.unwrap_or(DEFAULT_ID).to_owned();
    Ok(Envelope { vault_id, salt: salt.to_vec(), digest, ciphertext }.format())
}

/// Decrypts and encrypts again under another password.
///
/// # Errors
/// As [`Secrets::decrypt`].
pub fn rekey(text: &str, old: &Secrets, secret: &Secret, vault_id: Option<&str>) -> Result<String, VaultError> {
    let (plaintext, _) = old.open(text)?;
    encrypt(&plaintext, secret, vault_id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::vault::as_yaml;
    use proptest::prelude::*;
    use serde_json::Value as Json;

    fn secrets(known: &[(&str, &str)], only_matching: bool) -> Secrets {
        let known = known.iter().map(|(id, p)| ((*id).to_owned(), Secret::new(*p).unwrap())).collect();
        Secrets::new(known, only_matching)
    }

    /// Texts made by ansible-vault; see `tests/vault/record.py`.
    #[test]
    fn recorded_texts_are_read_and_written_alike() {
        let cases: Vec<Json> = serde_json::from_str(include_str!("../../tests/vault/vectors.json")).unwrap();
        assert!(!cases.is_empty());
        for case in &cases {
            let field = |name: &str| case[name].as_str().unwrap();
            let plaintext = hex::decode(field("plaintext")).unwrap();
            let envelope = Envelope::parse(field("text")).unwrap();
            assert_eq!((&*envelope.vault_id, &*envelope.salt), (field("id"), field("salt").as_bytes()));
            // One derivation for both ways: it is slow without optimisation.
            let keys = Keys::derive(&Secret::new(field("password")).unwrap(), &envelope.salt);
            let read = keys.decrypt(&envelope.ciphertext, &envelope.digest).unwrap().unwrap();
            assert_eq!(**read, plaintext);
            let (ciphertext, digest) = keys.encrypt(&plaintext);
            assert_eq!(Envelope { ciphertext, digest, ..envelope }.format(), field("text"));
        }
    }

    #[test]
    fn faults_say_what_ansible_says() {
        let known = secrets(&[("dev", "a"), ("prod", "b")], false);
        let good = encrypt(b"x", &Secret::new("a").unwrap(), Some("dev")).unwrap();
        let other = encrypt(b"x", &Secret::new("c").unwrap(), Some("dev")).unwrap();
        for (text, message) in [
            ("plain", "Input is not vault encrypted data."),
            ("$ANSIBLE_VAULT", "Vault envelope format error."),
            ("$ANSIBLE_VAULT;1.1", "Vault envelope format error."),
            ("$ANSIBLE_VAULT;1.0;AES\n00", "Cipher 'AES' could not be found."),
            ("$ANSIBLE_VAULT;1.1;AES256\nxx", "Vault format unhexlify error: Non-hexadecimal digit found."),
            ("$ANSIBLE_VAULT;1.1;AES256\n616", "Vault format unhexlify error: Odd-length string."),
            ("$ANSIBLE_VAULT;1.1;AES256\n6162", "Vault vaulttext format error."),
            (&other, "Decryption failed (no vault secrets were found that could decrypt)."),
        ] {
            assert_eq!(known.decrypt(text).unwrap_err().to_string(), message, "{text}");
        }
        assert_eq!(Secrets::default().decrypt(&good), Err(VaultError::NoSecrets));
        assert_eq!(Secret::new(""), Err(VaultError::EmptyPassword));
        assert_eq!(encrypt(good.as_bytes(), &Secret::new("a").unwrap(), None), Err(VaultError::AlreadyEncrypted));
    }

    #[test]
    fn an_id_is_a_hint_unless_it_must_match() {
        let text = encrypt(b"x", &Secret::new("b").unwrap(), Some("dev")).unwrap();
        assert_eq!(secrets(&[("dev", "a"), ("prod", "b")], false).decrypt_with_id(&text).unwrap().1, "prod");
        let strict = secrets(&[("dev", "a"), ("prod", "b")], true).decrypt(&text).unwrap_err();
        assert_eq!(strict, VaultError::NoneFits { vault_id: "dev".into(), tried: vec!["dev".into()] });
    }

    #[test]
    fn passwords_are_trimmed_by_where_they_come_from() {
        assert_eq!(Secret::from_file(b" a b \n"), Secret::new("a b"));
        assert_eq!(Secret::from_script(b" a b \r\n"), Secret::new(" a b "));
        assert_eq!(Secret::from_script(b"\n\n"), Err(VaultError::EmptyPassword));
        assert_eq!(format!("{:?}", Secret::new("a").unwrap()), "****");
    }

    #[test]
    fn rekeyed_text_opens_with_the_new_password_only() {
        let old = secrets(&[("default", "a")], false);
        let text = encrypt("geheim é".as_bytes(), &Secret::new("a").unwrap(), None).unwrap();
        let new = rekey(&text, &old, &Secret::new("b").unwrap(), Some("x")).unwrap();
        assert!(new.starts_with("$ANSIBLE_VAULT;1.2;AES256;x\n"));
        assert!(old.decrypt(&new).is_err());
        assert_eq!(&*secrets(&[("x", "b")], false).decrypt_text(&new).unwrap(), "geheim é");
    }

    #[test]
    fn yaml_form_is_that_of_encrypt_string() {
        assert_eq!(as_yaml("a\nb\n", Some("k"), 10), "k: !vault |\n          a\n          b");
    }

    #[test]
    fn who_wants_the_same_text_at_once_gets_the_same_plaintext() {
        let secret = Secret::new("pw").unwrap();
        let text = encrypt(b"plain", &secret, None).unwrap();
        let secrets = Secrets::new(vec![("default".into(), secret)], false);
        let start = std::sync::Barrier::new(8);
        let found: Vec<Plaintext> = std::thread::scope(|scope| {
            let open = || {
                start.wait();
                secrets.open(&text).unwrap().0
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(found.iter().all(|p| Arc::ptr_eq(p, &found[0])), "decrypted more than once");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3) })]

        #[test]
        fn what_is_encrypted_decrypts_to_the_same(plaintext in prop::collection::vec(any::<u8>(), 0..200), password in ".{1,20}") {
            let secret = Secret::new(password).unwrap();
            let text = encrypt(&plaintext, &secret, None).unwrap();
            prop_assert!(text.lines().all(|l| l.len() <= 80) && text.ends_with('\n'));
            let known = Secrets::new(vec![("default".to_owned(), secret)], false);
            prop_assert_eq!(known.decrypt(&text).unwrap(), plaintext);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

        #[test]
        fn any_text_is_refused_without_panic(body in "[0-9a-f\n]{0,200}", header in "(;1\\.[12];AES256(;x)?)?") {
            let text = format!("$ANSIBLE_VAULT{header}\n{body}");
            prop_assert!(Secrets::default().decrypt(&text).is_err());
        }
    }
}
