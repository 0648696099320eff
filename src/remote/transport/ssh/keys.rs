//! Private keys and certificates of the user's, read once per run.

use super::plan::{Identity, Plan};
use crate::remote::Secret;
use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Asks for the passphrase of a key file.
pub type AskPassphrase = Arc<dyn Fn(&Path) -> Option<Secret> + Send + Sync>;

/// A key file that may serve.
#[derive(Clone)]
pub(super) struct KeyFile {
    pub path: PathBuf,
    pub named: bool,
    pub public: Option<PublicKey>,
    pub certificate: Option<Certificate>,
    pub private: Private,
}

#[derive(Clone)]
pub(super) enum Private {
    Key(Arc<PrivateKey>),
    /// Only its public half is here; an agent may have the rest.
    Missing,
    /// Why it cannot be used.
    Unusable(String),
}

/// Keys read so far, by file.
#[derive(Default)]
pub(super) struct KeyRing(Mutex<HashMap<PathBuf, Option<KeyFile>>>);

impl KeyRing {
    /// The usable identities of a plan, in order, and the extra certificates. Blocking; may ask for passphrases.
    pub(super) fn load(&self, plan: &Plan, ask: Option<&AskPassphrase>) -> (Vec<KeyFile>, Vec<Certificate>) {
        let mut files = Vec::new();
        if let Some(text) = &plan.private_key {
            files.push(inline(text, plan.passphrase.as_ref()));
        }
        files.extend(plan.identities.iter().filter_map(|identity| self.file(identity, plan.passphrase.as_ref(), ask)));
        let certificates = plan.certificates.iter().filter_map(|path| read_certificate(path)).collect();
        (files, certificates)
    }

    fn file(&self, identity: &Identity, passphrase: Option<&Secret>, ask: Option<&AskPassphrase>) -> Option<KeyFile> {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ring.get(&identity.path) {
            return known.clone();
        }
        let key = read(identity, passphrase, ask);
        ring.insert(identity.path.clone(), key.clone());
        key
    }
}

fn inline(text: &Secret, passphrase: Option<&Secret>) -> KeyFile {
    let key = decode_secret_key(text.expose(), passphrase.map(Secret::expose));
    KeyFile {
        path: PathBuf::from("ansible_ssh_private_key"),
        named: true,
        public: key.as_ref().ok().map(|k| k.public_key().clone()),
        certificate: None,
        private: match key {
            Ok(key) => Private::Key(Arc::new(key)),
            Err(e) => Private::Unusable(format!("cannot be read: {e}")),
        },
    }
}

/// `None` for a default name where there is no file.
fn read(identity: &Identity, passphrase: Option<&Secret>, ask: Option<&AskPassphrase>) -> Option<KeyFile> {
    let path = &identity.path;
    let text = std::fs::read_to_string(path);
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let public_file = std::fs::read_to_string(beside(".pub")).ok();
    let mut public = public_file.and_then(|t| PublicKey::from_openssh(t.trim()).ok());
    let private = match &text {
        Ok(text) if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") => {
            // A public key named as the identity: the agent has the private one.
            public = PublicKey::from_openssh(text.trim()).ok();
            Private::Missing
        }
        Ok(text) => open_key(path, text, passphrase, ask),
        Err(_) if public.is_some() => Private::Missing,
        Err(e) if identity.named => Private::Unusable(super::stream::words(e)),
        Err(_) => return None,
    };
    if let Private::Key(key) = &private {
        public = Some(key.public_key().clone());
    } else if public.is_none()
        && let Ok(text) = &text
    {
        // OpenSSH's format keeps the public half in clear.
        public = PrivateKey::from_openssh(text).ok().map(|k| k.public_key().clone());
    }
    Some(KeyFile {
        path: path.clone(),
        named: identity.named,
        public,
        certificate: read_certificate(&beside("-cert.pub")),
        private,
    })
}

fn open_key(path: &Path, text: &str, passphrase: Option<&Secret>, ask: Option<&AskPassphrase>) -> Private {
    if let Ok(meta) = std::fs::metadata(path)
        && meta.uid() == rustix::process::getuid().as_raw()
        && meta.mode() & 0o077 != 0
    {
        let mode = meta.mode() & 0o777;
        return Private::Unusable(format!("its permissions {mode:04o} are too open: others can read it; chmod 600 it"));
    }
    match decode_secret_key(text, None) {
        Ok(key) if !key.is_encrypted() => return Private::Key(Arc::new(key)),
        Ok(_) => {}
        Err(e) if !looks_encrypted(text) => return Private::Unusable(format!("cannot be read: {e}")),
        Err(_) => {}
    }
    let secret = passphrase.cloned().or_else(|| ask.and_then(|ask| ask(path)));
    let Some(secret) = secret else {
        return Private::Unusable("needs a passphrase: add it to an agent (ssh-add)".to_owned());
    };
    match decode_secret_key(text, Some(secret.expose())) {
        Ok(key) if !key.is_encrypted() => Private::Key(Arc::new(key)),
        _ => Private::Unusable("the passphrase is wrong".to_owned()),
    }
}

fn looks_encrypted(text: &str) -> bool {
    text.contains("ENCRYPTED") || PrivateKey::from_openssh(text).is_ok_and(|k| k.is_encrypted())
}

fn read_certificate(path: &Path) -> Option<Certificate> {
    let text = std::fs::read_to_string(path).ok()?;
    Certificate::from_openssh(text.trim()).ok()
}
