//! Whether the host that answers is the host that was meant.

use super::known_hosts::{KnownHosts, Verdict, fingerprint, host_name, load, new_line};
use super::plan::{Plan, Strict};
use crate::remote::RemoteError;
use russh::Preferred;
use russh::client::Config;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};
use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// One process adds one line at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// Checks the keys of one host.
pub(super) struct HostKeys {
    /// How the host stands in `known_hosts`.
    name: String,
    /// The name without its port, tried as OpenSSH does when there is nothing under `name`.
    bare: Option<String>,
    /// The principal that a certificate must name.
    principal: String,
    strict: Strict,
    known: KnownHosts,
    add_to: Option<PathBuf>,
    hash: bool,
    skip: bool,
}

/// What is allowed with a host whose key was accepted.
pub(super) struct Accepted {
    pub warning: Option<String>,
    /// Whether secrets may be sent to it: not when its key is not the known one.
    pub trusted: bool,
}

impl HostKeys {
    /// Reads the files. Blocking.
    pub(super) fn load(plan: &Plan) -> Self {
        let files: Vec<PathBuf> = plan.user_known_hosts.iter().chain(&plan.global_known_hosts).cloned().collect();
        let (name, bare) = match &plan.host_key_alias {
            Some(alias) => (alias.to_lowercase(), None),
            None => {
                let name = host_name(&plan.hostname, plan.port);
                let bare = host_name(&plan.hostname, 22);
                (name.clone(), (bare != name).then_some(bare))
            }
        };
        let hosts: Vec<&str> = [Some(name.as_str()), bare.as_deref()].into_iter().flatten().collect();
        let known = load(&files, &hosts);
        HostKeys {
            name,
            bare,
            known,
            principal: plan.host_key_alias.clone().unwrap_or_else(|| plan.hostname.clone()).to_lowercase(),
            strict: plan.strict,
            add_to: plan.user_known_hosts.first().filter(|f| f.as_os_str() != "/dev/null").cloned(),
            hash: plan.hash_known_hosts,
            skip: plan.skip_host_keys,
        }
    }

    /// Asks the host first for keys of the types that are known, and for a certificate where an authority is known.
    pub(super) fn prefer(&self, config: &mut Config) {
        let mut known = self.known.key_types(&self.name);
        if known.is_empty()
            && let Some(bare) = &self.bare
        {
            known = self.known.key_types(bare);
        }
        let mut keys: Vec<Algorithm> = config.preferred.key.to_vec();
        let wire_name = |a: &Algorithm| match a {
            Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
            other => other.as_str().to_owned(),
        };
        keys.sort_by_key(|a| !known.contains(&wire_name(a).as_str()));
        let certificates = if self.known.authorities(&self.name).next().is_some() { keys.clone() } else { vec![] };
        config.preferred = Preferred {
            key: Cow::Owned(keys),
            host_key_certificates: Cow::Owned(certificates),
            ..config.preferred.clone()
        };
    }

    /// Accepts or refuses what the host presents. Blocking where it writes a new entry.
    pub(super) fn verify(&self, presented: &PublicKeyOrCertificate) -> Result<Accepted, RemoteError> {
        if self.skip {
            return Ok(Accepted { warning: None, trusted: true });
        }
        match presented {
            PublicKeyOrCertificate::Certificate(certificate) => self.verify_certificate(certificate),
            PublicKeyOrCertificate::PublicKey { key, .. } => self.verify_key(key),
        }
    }

    fn verify_key(&self, key: &PublicKey) -> Result<Accepted, RemoteError> {
        let bytes = key.to_bytes().map_err(|e| RemoteError::ssh(format!("the host key cannot be read: {e}")))?;
        let kind = match key.algorithm() {
            Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
            other => other.as_str().to_owned(),
        };
        let short = short_name(&key.algorithm());
        let fine = Ok(Accepted { warning: None, trusted: true });
        match self.known.check(&self.name, &kind, &bytes) {
            Verdict::Known => fine,
            Verdict::Revoked(entry) => {
                Err(failed(format!("the {short} host key of {} is revoked by {entry}", self.name)))
            }
            Verdict::Unknown => {
                if let Some(bare) = &self.bare
                    && self.known.check(bare, &kind, &bytes) == Verdict::Known
                {
                    return fine;
                }
                self.unknown(&kind, &bytes, &short)
            }
            Verdict::Changed(entries) => {
                let places: Vec<String> = entries.iter().map(|e| format!("{e} has {}", fingerprint(&e.key))).collect();
                let fault = format!(
                    "the {short} host key of {} has changed: it sends {}, but {}",
                    self.name,
                    fingerprint(&bytes),
                    places.join(" and ")
                );
                if self.strict == Strict::No {
                    let warning = format!("{fault}; going on because host key checking is off");
                    return Ok(Accepted { warning: Some(warning), trusted: false });
                }
                let file = entries.first().map(|e| e.file.display().to_string()).unwrap_or_default();
                Err(failed(fault)
                    .hint(
                        "another machine may be answering in its place; ask whoever runs the host for its fingerprint",
                    )
                    .hint(format!(
                        "if the host was set up anew, drop the old key: ssh-keygen -f {file} -R '{}'",
                        self.name
                    )))
            }
        }
    }

    fn unknown(&self, kind: &str, bytes: &[u8], short: &str) -> Result<Accepted, RemoteError> {
        let print = fingerprint(bytes);
        if matches!(self.strict, Strict::Yes | Strict::Ask) {
            let file = self.add_to.as_ref().map(|f| f.display().to_string());
            let scan = match self.name.strip_prefix('[').and_then(|n| n.split_once("]:")) {
                Some((host, port)) => format!("ssh-keyscan -p {port} {host}"),
                None => format!("ssh-keyscan {}", self.name),
            };
            let file = file.unwrap_or_else(|| "~/.ssh/known_hosts".to_owned());
            return Err(failed(format!("no {short} host key is known for {} (it sends {print})", self.name))
                .hint(format!("compare the fingerprint with the host's, then add its key: {scan} >> {file}"))
                .hint(
                    "to accept keys of new hosts (and still refuse changed ones): \
                     ansible_ssh_common_args='-o StrictHostKeyChecking=accept-new'",
                ));
        }
        let mut warning = None;
        if let Some(file) = &self.add_to {
            warning = Some(match self.add(file, kind, bytes) {
                Ok(()) => format!("added the {short} host key of {} ({print}) to {}", self.name, file.display()),
                Err(e) => format!("the host key of {} cannot be added to {}: {e}", self.name, file.display()),
            });
        }
        Ok(Accepted { warning, trusted: true })
    }

    fn add(&self, file: &std::path::Path, kind: &str, bytes: &[u8]) -> std::io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        let salt = self.hash.then(rand::random);
        let _guard = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dir) = file.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let mut file = std::fs::OpenOptions::new().append(true).create(true).read(true).mode(0o600).open(file)?;
        file.write_all(new_line(&self.name, kind, bytes, salt).as_bytes())
    }

    fn verify_certificate(&self, certificate: &Certificate) -> Result<Accepted, RemoteError> {
        let authority = PublicKey::from(certificate.signature_key().clone());
        let bytes = authority.to_bytes().unwrap_or_default();
        let trusted = self.known.authorities(&self.name).any(|e| e.key == bytes);
        if !trusted {
            // As OpenSSH: a certificate of an authority that is not trusted counts as the plain key in it.
            return self.verify_key(&PublicKey::from(certificate.public_key().clone()));
        }
        let own = PublicKey::from(certificate.public_key().clone()).to_bytes().unwrap_or_default();
        if let Some(entry) = [&bytes, &own].into_iter().find_map(|k| self.known.revoked(&self.name, k)) {
            return Err(failed(format!("the host certificate of {} is revoked by {entry}", self.name)));
        }
        let wrong = |fault: String| failed(format!("the host certificate of {} {fault}", self.name));
        if certificate.cert_type() != CertType::Host {
            return Err(wrong("is not one for hosts".to_owned()));
        }
        if !certificate.critical_options().is_empty() {
            return Err(wrong("has critical options, which host certificates do not have".to_owned()));
        }
        let principals = certificate.valid_principals();
        if !principals.is_empty() && !principals.iter().any(|p| super::config_match::pattern_list(p, &self.principal)) {
            return Err(wrong(format!("is for {}, not for {}", principals.join(", "), self.principal)));
        }
        certificate
            .validate([&authority.fingerprint(HashAlg::Sha256)])
            .map_err(|_| wrong("is not valid now, or its signature is wrong".to_owned()))?;
        Ok(Accepted { warning: None, trusted: true })
    }
}

fn failed(fault: String) -> RemoteError {
    RemoteError::ssh(format!("Host key verification failed: {fault}"))
}

/// `ED25519`, `RSA`, `ECDSA`, as OpenSSH calls them.
fn short_name(algorithm: &Algorithm) -> String {
    match algorithm {
        Algorithm::Rsa { .. } => "RSA".to_owned(),
        Algorithm::Ecdsa { .. } => "ECDSA".to_owned(),
        Algorithm::Ed25519 => "ED25519".to_owned(),
        other => other.as_str().to_owned(),
    }
}
