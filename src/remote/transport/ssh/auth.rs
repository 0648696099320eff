//! Proving who we are: agent, keys, certificates, keyboard-interactive, password; several of them where a host asks so.

use super::client::Client;
use super::keys::{KeyFile, Private};
use super::plan::Plan;
use super::{Fault, stream};
use crate::remote::RemoteError;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use std::path::Path;
use std::time::Duration;

type Agent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// Limit for the answer of an agent.
const AGENT: Duration = Duration::from_secs(5);

/// What came of one method.
enum Tried {
    Success,
    /// Accepted, but the host wants more.
    Partial(MethodSet),
    Refused(MethodSet),
}

impl From<AuthResult> for Tried {
    fn from(result: AuthResult) -> Self {
        match result {
            AuthResult::Success => Tried::Success,
            AuthResult::Failure { remaining_methods, partial_success: true } => Tried::Partial(remaining_methods),
            AuthResult::Failure { remaining_methods, .. } => Tried::Refused(remaining_methods),
        }
    }
}

/// Authenticates a connection. `secrets` = whether passwords may be sent to this host.
///
/// # Errors
/// `Permission denied (…)` with what was tried, or the connection's end.
pub(super) async fn authenticate(
    handle: &mut Handle<Client>,
    plan: &Plan,
    keys: &[KeyFile],
    certificates: &[Certificate],
    secrets: bool,
) -> Result<(), Fault> {
    let mut auth = Auth { handle, plan, keys, certificates, tried: vec![], offered: None, password_refused: false };
    let mut done: Vec<String> = Vec::new();
    loop {
        let mut progress = false;
        for method in &plan.methods {
            if done.contains(method) || !auth.offers(method) || (method != "publickey" && !secrets) {
                continue;
            }
            let tried = match method.as_str() {
                "publickey" => auth.public_keys().await?,
                "keyboard-interactive" => auth.keyboard_interactive().await?,
                _ => auth.password().await?,
            };
            done.push(method.clone());
            match tried {
                Tried::Success => return Ok(()),
                Tried::Partial(more) => {
                    auth.offered = Some(more);
                    progress = true;
                    break;
                }
                Tried::Refused(offered) if !offered.is_empty() => auth.offered = Some(offered),
                Tried::Refused(_) => {}
            }
        }
        if !progress {
            return Err(auth.denied(secrets).await);
        }
    }
}

struct Auth<'a> {
    handle: &'a mut Handle<Client>,
    plan: &'a Plan,
    keys: &'a [KeyFile],
    certificates: &'a [Certificate],
    /// What was offered, for the message.
    tried: Vec<String>,
    /// The methods that the host takes, once it said so.
    offered: Option<MethodSet>,
    password_refused: bool,
}

impl Auth<'_> {
    fn offers(&self, method: &str) -> bool {
        let Some(offered) = &self.offered else { return true };
        method.parse::<MethodKind>().is_ok_and(|m| offered.contains(&m))
    }

    /// Keys named by the user, then the agent's others, then the default ones; each through the agent where it holds it.
    async fn public_keys(&mut self) -> Result<Tried, Fault> {
        let mut agent = match &self.plan.agent {
            Some(path) => connect_agent(path).await,
            None => None,
        };
        let held = match &mut agent {
            Some(agent) => identities(agent).await,
            None => vec![],
        };
        let user = self.plan.user.clone();
        let mut last = Tried::Refused(MethodSet::empty());
        let (named, default): (Vec<&KeyFile>, Vec<&KeyFile>) = self.keys.iter().partition(|k| k.named);
        let in_files = |held: &AgentIdentity| {
            self.keys.iter().any(|k| k.public.as_ref().is_some_and(|p| p.key_data() == held.public_key().key_data()))
        };
        let only_held: Vec<AgentIdentity> = held.iter().filter(|h| !in_files(h)).cloned().collect();
        let mut order: Vec<Offer<'_>> = named.into_iter().map(Offer::File).collect();
        if !self.plan.identities_only {
            order.extend(only_held.into_iter().map(Offer::Held));
        }
        order.extend(default.into_iter().map(Offer::File));
        for offer in order {
            let result = match offer {
                Offer::Held(identity) => {
                    let Some(agent) = &mut agent else { continue };
                    self.held(&user, &identity, agent).await?
                }
                Offer::File(file) => {
                    let held = held
                        .iter()
                        .find(|h| file.public.as_ref().is_some_and(|p| p.key_data() == h.public_key().key_data()));
                    match self.file(&user, file, held, agent.as_mut()).await? {
                        Some(result) => result,
                        None => continue,
                    }
                }
            };
            match result {
                Tried::Refused(offered) => {
                    let usable = offered.is_empty() || offered.contains(&MethodKind::PublicKey);
                    last = Tried::Refused(offered);
                    if !usable {
                        break;
                    }
                }
                other => return Ok(other),
            }
        }
        Ok(last)
    }

    async fn held(&mut self, user: &str, identity: &AgentIdentity, agent: &mut Agent) -> Result<Tried, Fault> {
        let key = identity.public_key().into_owned();
        self.tried.push(format!("{} from the agent", describe(&key)));
        let hash = self.rsa_hash(&key).await?;
        let result = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                self.handle.authenticate_publickey_with(user, key.clone(), hash, agent).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                self.handle.authenticate_certificate_with(user, certificate.clone(), hash, agent).await
            }
        };
        match result {
            Ok(result) => Ok(self.alive(result).await?.into()),
            Err(e) => {
                self.note(&format!("the agent: {e}"));
                Ok(Tried::Refused(MethodSet::empty()))
            }
        }
    }

    /// `None` when the key cannot be used at all.
    async fn file(
        &mut self,
        user: &str,
        file: &KeyFile,
        held: Option<&AgentIdentity>,
        agent: Option<&mut Agent>,
    ) -> Result<Option<Tried>, Fault> {
        let extra =
            self.certificates.iter().find(|c| file.public.as_ref().is_some_and(|p| p.key_data() == c.public_key()));
        let certificate = extra.or(file.certificate.as_ref()).cloned();
        let name = file.path.display();
        if let (Some(held), Some(agent)) = (held, agent) {
            if let Some(certificate) = certificate {
                self.tried.push(format!("the certificate of {name}"));
                let hash = self.rsa_hash(&held.public_key()).await?;
                let result = self.handle.authenticate_certificate_with(user, certificate, hash, agent).await;
                if let Ok(result) = result {
                    match self.alive(result).await?.into() {
                        Tried::Refused(_) => {}
                        other => return Ok(Some(other)),
                    }
                }
            }
            return self.held(user, held, agent).await.map(Some);
        }
        let key = match &file.private {
            Private::Key(key) => key.clone(),
            Private::Missing => return Ok(None),
            Private::Unusable(reason) => {
                self.note(&format!("{name} {reason}"));
                return Ok(None);
            }
        };
        if let Some(certificate) = certificate {
            self.tried.push(format!("the certificate of {name}"));
            let result = self.handle.authenticate_openssh_cert(user, key.clone(), certificate).await;
            match self.alive(result.map_err(|e| self.broken(&e))?).await?.into() {
                Tried::Refused(_) => {}
                other => return Ok(Some(other)),
            }
        }
        self.tried.push(format!("{} {name}", describe(key.public_key())));
        let hash = self.rsa_hash(key.public_key()).await?;
        let result = self.handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await;
        let result = result.map_err(|e| self.broken(&e))?;
        Ok(Some(self.alive(result).await?.into()))
    }

    async fn keyboard_interactive(&mut self) -> Result<Tried, Fault> {
        let Some(password) = self.plan.password.clone() else { return Ok(Tried::Refused(MethodSet::empty())) };
        self.tried.push("the password (keyboard-interactive)".to_owned());
        let mut answered = false;
        let start = self.handle.authenticate_keyboard_interactive_start(self.plan.user.clone(), None).await;
        let mut response = start.map_err(|e| self.broken(&e))?;
        loop {
            match response {
                KeyboardInteractiveAuthResponse::Success => return Ok(Tried::Success),
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                    self.password_refused = answered;
                    return Ok(if partial_success {
                        Tried::Partial(remaining_methods)
                    } else {
                        Tried::Refused(remaining_methods)
                    });
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    // The password answers the first hidden question; asked again, it was wrong.
                    let hidden = prompts.iter().filter(|p| !p.echo).count();
                    let first = !answered && hidden > 0;
                    answered |= first;
                    let answers = prompts
                        .iter()
                        .map(|p| if first && !p.echo { password.expose().to_owned() } else { String::new() })
                        .collect();
                    let next = self.handle.authenticate_keyboard_interactive_respond(answers).await;
                    response = next.map_err(|e| self.broken(&e))?;
                }
            }
        }
    }

    async fn password(&mut self) -> Result<Tried, Fault> {
        let Some(password) = self.plan.password.clone() else { return Ok(Tried::Refused(MethodSet::empty())) };
        self.tried.push("the password".to_owned());
        let result = self.handle.authenticate_password(self.plan.user.clone(), password.expose()).await;
        let result = result.map_err(|e| self.broken(&e))?;
        let result: Tried = self.alive(result).await?.into();
        self.password_refused |= matches!(result, Tried::Refused(_));
        Ok(result)
    }

    async fn rsa_hash(&mut self, key: &PublicKey) -> Result<Option<HashAlg>, Fault> {
        if !matches!(key.algorithm(), Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        let best = self.handle.best_supported_rsa_hash().await.map_err(|e| self.broken(&e))?;
        Ok(best.unwrap_or(Some(HashAlg::Sha512)))
    }

    /// A refusal that is the end of the connection in truth.
    async fn alive(&self, result: AuthResult) -> Result<AuthResult, Fault> {
        if !result.success() && self.handle.is_closed() {
            return Err(Fault::Final(self.permission(&format!("{}: the host closed the connection", self.plan.who()))));
        }
        Ok(result)
    }

    fn broken(&self, error: &russh::Error) -> Fault {
        let reason = match error {
            russh::Error::IO(e) => stream::words(e),
            russh::Error::SendError | russh::Error::RecvError | russh::Error::Disconnect => {
                "the host closed the connection during authentication".to_owned()
            }
            other => other.to_string(),
        };
        Fault::Final(self.permission(&format!("{}: {reason}", self.plan.who())))
    }

    fn note(&mut self, text: &str) {
        if !self.tried.iter().any(|t| t == text) {
            self.tried.push(text.to_owned());
        }
    }

    async fn denied(&mut self, secrets: bool) -> Fault {
        if self.offered.as_ref().is_none_or(|o| o.is_empty()) && !self.handle.is_closed() {
            // Nothing was tried, so the host has not said what it takes.
            if let Ok(AuthResult::Failure { remaining_methods, .. }) =
                self.handle.authenticate_none(self.plan.user.clone()).await
            {
                self.offered = Some(remaining_methods);
            }
        }
        let methods: Vec<String> = self.offered.iter().flat_map(|o| o.iter()).map(String::from).collect();
        let methods = methods.join(",");
        let message = format!("{}: Permission denied ({methods}).", self.plan.who());
        let mut error = self.permission(&message);
        if !secrets {
            error = error.hint("the password was not sent, because the host's key is not the known one");
        }
        if self.password_refused {
            error = error.hint(format!("the password of {} is wrong, or the host does not allow it", self.plan.user));
        } else if self.plan.password.is_none() && (methods.contains("password") || methods.contains("keyboard")) {
            error = error.hint("for a password, use --ask-pass or ansible_password");
        }
        Fault::Final(error)
    }

    fn permission(&self, message: &str) -> RemoteError {
        let error = RemoteError::ssh(message);
        if self.tried.is_empty() {
            return error.hint(
                "no key was found: name one with --private-key or ansible_ssh_private_key_file, or start an agent",
            );
        }
        error.hint(format!("tried {}", self.tried.join(", "))).hint(format!(
            "put the public key into authorized_keys of {} on the host, or name another key with --private-key or \
             ansible_ssh_private_key_file, or another user with --user or ansible_user",
            self.plan.user
        ))
    }
}

enum Offer<'a> {
    File(&'a KeyFile),
    Held(AgentIdentity),
}

fn describe(key: &PublicKey) -> String {
    format!("{} {}", key.algorithm().as_str(), key.fingerprint(HashAlg::Sha256))
}

async fn connect_agent(path: &Path) -> Option<Agent> {
    let client = tokio::time::timeout(AGENT, AgentClient::connect_uds(path)).await.ok()?.ok()?;
    Some(client.dynamic())
}

async fn identities(agent: &mut Agent) -> Vec<AgentIdentity> {
    match tokio::time::timeout(AGENT, agent.request_identities()).await {
        Ok(Ok(identities)) => identities,
        _ => vec![],
    }
}
