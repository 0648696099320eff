//! Passwords with their ids, and what can be done with them.

use super::VaultError;
use super::cipher::Keys;
use super::format::{DEFAULT_ID, Envelope, is_encrypted};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
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

/// What came of a text.
struct Done {
    opened: Opened,
    /// Somebody asked for it; it was not only opened ahead.
    used: AtomicBool,
}

/// Texts that may be asked for, in the order of the author's files, and which of them nobody has opened.
#[derive(Default)]
struct Foreseen {
    place: HashMap<Arc<str>, usize>,
    closed: BTreeMap<usize, Arc<str>>,
}

impl Foreseen {
    /// Texts that follow this one, or else the first ones; no longer closed from now on.
    fn after(&mut self, text: &str, count: usize) -> Vec<Arc<str>> {
        let from = self.place.get(text).copied().unwrap_or(0);
        let next: Vec<_> = self.closed.range(from..).map(|(i, _)| *i).take(count).collect();
        next.iter().filter_map(|i| self.closed.remove(i)).collect()
    }
    fn opened(&mut self, text: &str) {
        if let Some(i) = self.place.get(text) {
            self.closed.remove(i);
        }
    }
}

/// All passwords of a run, in the order they were given. Each text is decrypted once; share it by reference or `Arc`.
///
/// Keys are costly one by one and much less so in numbers, so who asks for a text opens others with it: those that are
/// waited for at the time, and of those that are [foreseen](Self::foresee) as many as were used so far.
#[derive(Default)]
pub struct Secrets {
    known: Vec<(String, Secret)>,
    only_matching: bool,
    done: RwLock<HashMap<Arc<str>, Done>>,
    used: AtomicUsize,
    foreseen: Mutex<Foreseen>,
    wanted: Mutex<Vec<Arc<str>>>,
    /// Held while texts are opened: that keeps all cores busy, so more come to wait in `wanted`.
    turn: Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl Secrets {
    /// `only_matching`: a text that names an id is tried with that id's passwords alone (`vault_id_match`).
    pub fn new(known: Vec<(String, Secret)>, only_matching: bool) -> Self {
        Secrets { known, only_matching, ..Secrets::default() }
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

    /// Tells of texts that may be asked for.
    pub fn foresee(&self, texts: &[Arc<str>]) {
        let mut foreseen = lock(&self.foreseen);
        for text in texts {
            let next = foreseen.place.len();
            if !foreseen.place.contains_key(text) {
                foreseen.place.insert(text.clone(), next);
                foreseen.closed.insert(next, text.clone());
            }
        }
    }

    fn known(&self, text: &str) -> Option<Opened> {
        let done = self.done.read().unwrap_or_else(|e| e.into_inner());
        let found = done.get(text)?;
        if !found.used.swap(true, Ordering::Relaxed) {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        Some(found.opened.clone())
    }

    fn open(&self, text: &str) -> Opened {
        if let Some(opened) = self.known(text) {
            return opened;
        }
        lock(&self.wanted).push(text.into());
        let turn = lock(&self.turn);
        // Who held the turn before may have opened it.
        if let Some(opened) = self.known(text) {
            return opened;
        }
        let mut texts = std::mem::take(&mut *lock(&self.wanted));
        texts.sort();
        texts.dedup();
        texts.retain(|t| !self.done.read().unwrap_or_else(|e| e.into_inner()).contains_key(t));
        let wanted = texts.len();
        let used = self.used.load(Ordering::Relaxed) + wanted;
        let before = self.done.read().unwrap_or_else(|e| e.into_inner()).len() + wanted;
        {
            let mut foreseen = lock(&self.foreseen);
            texts.iter().for_each(|t| foreseen.opened(t));
            texts.extend(foreseen.after(text, (2 * used).saturating_sub(before)));
        }
        let opened = self.open_all(&texts);
        let entry = |(text, opened)| (text, Done { opened, used: AtomicBool::new(false) });
        self.done.write().unwrap_or_else(|e| e.into_inner()).extend(texts.into_iter().zip(opened).map(entry));
        drop(turn);
        // It was among them.
        self.known(text).unwrap_or(Err(VaultError::NotVault))
    }

    /// All texts with their first passwords, those that they do not fit with the next ones.
    fn open_all(&self, texts: &[Arc<str>]) -> Vec<Opened> {
        let mut closed = Vec::with_capacity(texts.len());
        let mut out: Vec<Opened> = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            out.push(Err(match Envelope::parse(text) {
                Err(fault) => fault,
                Ok(_) if self.known.is_empty() => VaultError::NoSecrets,
                Ok(envelope) => {
                    let candidates = self.candidates(&envelope);
                    let tried = candidates.iter().map(|i| self.known[*i].0.clone()).collect();
                    let vault_id = envelope.vault_id.clone();
                    closed.push((i, candidates, envelope));
                    VaultError::NoneFits { vault_id, tried }
                }
            }));
        }
        for attempt in 0..self.known.len() {
            closed.retain(|(_, candidates, _)| attempt < candidates.len());
            let of: Vec<_> = closed.iter().map(|(_, c, e)| (&self.known[c[attempt]].1, e.salt.as_slice())).collect();
            for ((i, candidates, envelope), keys) in closed.iter().zip(Keys::derive_all(&of)) {
                if let Some(plaintext) = keys.decrypt(&envelope.ciphertext, &envelope.digest) {
                    out[*i] = plaintext.map(|plaintext| (Arc::new(plaintext), candidates[attempt]));
                }
            }
            closed.retain(|(i, ..)| matches!(out[*i], Err(VaultError::NoneFits { .. })));
        }
        out
    }

    /// Numbers of the passwords to try, in order.
    fn candidates(&self, envelope: &Envelope) -> Vec<usize> {
        let (matching, others): (Vec<usize>, Vec<usize>) =
            (0..self.known.len()).partition(|i| self.known[*i].0 == envelope.vault_id);
        if self.only_matching { matching } else { [matching, others].concat() }
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

    #[test]
    fn foreseen_texts_are_opened_ahead_but_no_more_than_were_used() {
        // Damaged ones: what is opened and when does not hang on what comes of it.
        let texts: Vec<Arc<str>> = (0..12).map(|i| format!("$ANSIBLE_VAULT;1.1;AES256\nx{i:03}").into()).collect();
        let secrets = secrets(&[("a", "x")], false);
        secrets.foresee(&texts);
        let opened = [4, 5, 6, 7, 0, 11].map(|i| {
            assert_eq!(secrets.decrypt_text(&texts[i]), Err(VaultError::Hex));
            secrets.done.read().unwrap().len()
        });
        assert_eq!(opened, [2, 2, 6, 6, 10, 11]);
    }

    #[test]
    fn texts_opened_together_are_tried_with_each_password() {
        let known = secrets(&[("a", "x"), ("b", "y")], false);
        let of = |password: &str| encrypt(password.as_bytes(), &Secret::new(password).unwrap(), None).unwrap().into();
        let texts: Vec<Arc<str>> = vec![of("x"), of("z"), of("y"), "plain".into()];
        let found = known.open_all(&texts).into_iter().map(|o| o.map(|(text, i)| (text.to_vec(), i)));
        let tried = vec!["a".to_owned(), "b".to_owned()];
        let none = VaultError::NoneFits { vault_id: "default".into(), tried };
        let expected = [Ok((b"x".to_vec(), 0)), Err(none), Ok((b"y".to_vec(), 1)), Err(VaultError::NotVault)];
        assert_eq!(found.collect::<Vec<_>>(), expected);
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
