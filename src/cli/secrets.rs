//! Where vault passwords come from: prompts, files, scripts.

use super::args::VaultSecretArgs;
use super::ask;
use super::error::CommandError;
use crate::config::Settings;
use crate::diag::{Code, Diagnostic, SourceMap};
use crate::template::Decrypt;
use crate::vault::{self, Secret, Secrets};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DEFAULT_ID: &str = "default";

/// What secrets are wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To read what is there.
    Known,
    /// To encrypt: what is typed is asked for twice.
    New,
}

/// All secrets that settings and options name, in the order in which they are tried. A file that gives none is told and
/// passed over as long as another one does. `configured`: identities of the settings count too.
pub fn load(
    args: &VaultSecretArgs,
    settings: &Settings,
    wanted: Wanted,
    configured: bool,
) -> Result<Secrets, CommandError> {
    let list = if configured { settings.list("DEFAULT_VAULT_IDENTITY_LIST") } else { vec![] };
    let given = args.vault_id.iter().map(String::as_str);
    let mut sources: Vec<String> = list.into_iter().chain(given).map(|id| id.trim().to_owned()).collect();
    if let Some(id) = sources.iter().find(|id| id.contains(';')) {
        return Err(CommandError::usage(format!(
            "'{id}' is not a valid vault id. The character ';' is not allowed in vault ids"
        )));
    }
    let files = args.vault_password_file.iter().cloned().chain(settings.path("DEFAULT_VAULT_PASSWORD_FILE"));
    sources.extend(files.map(|file| format!("{DEFAULT_ID}@{}", file.display())));
    if args.ask_vault_pass {
        sources.push(format!("{DEFAULT_ID}@{ASK}"));
    }
    let matching = settings.bool("DEFAULT_VAULT_ID_MATCH");
    let mut known: Vec<(String, Secret)> = Vec::new();
    let mut last = None;
    for source in &sources {
        let (label, source) = source.split_once('@').unwrap_or((DEFAULT_ID, source));
        if matches!(source, "prompt" | ASK) {
            let secret = from_prompt(label, source == ASK, wanted).map_err(CommandError::machine)?;
            known.push((label.to_owned(), secret));
            continue;
        }
        match from_file(label, Path::new(source), &Secrets::new(known.clone(), matching)) {
            Ok(secret) => known.push((label.to_owned(), secret)),
            Err(fault) => {
                let what = match &fault {
                    Fault::NotThere(_) => format!("getting vault password file ({label})"),
                    Fault::Load(_) => format!("in vault password file loading ({label})"),
                };
                let (Fault::NotThere(message) | Fault::Load(message)) = fault;
                let warning = Diagnostic::warning(Code::WARNING, format!("Error {what}: {message}"));
                super::wiring::warn(&[warning], &SourceMap::default());
                last = Some(message);
            }
        }
    }
    match last {
        Some(message) if known.is_empty() => Err(CommandError::machine(message)),
        _ => Ok(Secrets::new(known, matching)),
    }
}

/// The source that `--ask-vault-pass` stands for.
const ASK: &str = "prompt_ask_vault_pass";

/// A password that is typed. `plain`: the question names no identity.
pub fn from_prompt(label: &str, plain: bool, wanted: Wanted) -> Result<Secret, String> {
    let name = if plain { String::new() } else { format!(" ({label})") };
    let nobody = || "A vault password is required to use Ansible's Vault".to_owned();
    let ask = |prompt: String| ask::password(&prompt).ok_or_else(nobody);
    let text = match wanted {
        Wanted::Known => ask(format!("Vault password{name}: "))?,
        Wanted::New => {
            let word = if plain { "Vault" } else { "vault" };
            let text = ask(format!("New {word} password{name}: "))?;
            if ask(format!("Confirm {}ew {word} password{name}: ", if plain { "N" } else { "n" }))? != text {
                return Err("Passwords do not match".to_owned());
            }
            text
        }
    };
    Secret::new(text.into_bytes()).map_err(|e| e.to_string())
}

/// Why a file gives no secret.
pub enum Fault {
    NotThere(String),
    Load(String),
}

/// A file's content, or the output of a script (`…-client` scripts are told the label). A file may itself be a vault of a
/// secret that is known by then.
pub fn from_file(label: &str, path: &Path, known: &Secrets) -> Result<Secret, Fault> {
    let path = expand(path);
    let shown = path.display();
    let meta = std::fs::metadata(&path)
        .map_err(|_| Fault::NotThere(format!("The vault password file {shown} was not found")))?;
    if meta.is_dir() {
        return Err(Fault::NotThere(format!("The vault password file provided '{shown}' can not be a directory")));
    }
    let executable = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0;
    if !executable {
        let content = std::fs::read(&path)
            .map_err(|e| Fault::Load(format!("Could not read vault password file '{shown}': {e}")))?;
        let clear = match std::str::from_utf8(content.trim_ascii()) {
            Ok(text) if vault::is_encrypted(text.as_bytes()) => {
                known.decrypt(text).map_err(|e| Fault::Load(e.to_string()))?
            }
            _ => content,
        };
        return Secret::from_file(&clear)
            .map_err(|_| Fault::Load(format!("Invalid vault password was provided from file ({shown})")));
    }
    from_script(label, &path).map_err(Fault::Load)
}

fn from_script(label: &str, path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let client = path.file_stem().unwrap_or_default().to_string_lossy().ends_with("-client");
    let mut command = std::process::Command::new(path);
    if client {
        command.args(["--vault-id", label]);
    }
    let output = command.stderr(std::process::Stdio::inherit()).output().map_err(|e| {
        format!(
            "Problem running vault password script {shown} ({e}). If this is not a script, remove the executable bit from \
             the file."
        )
    })?;
    match output.status.code() {
        Some(0) => {}
        Some(2) if client => {
            return Err(format!("Vault password client script {shown} did not find a secret for vault-id={label}"));
        }
        code => return Err(format!("Vault password script {shown} returned non-zero ({})", code.unwrap_or(-1))),
    }
    Secret::from_script(&output.stdout)
        .map_err(|_| format!("Invalid vault password was provided from script ({shown})"))
}

fn expand(path: &Path) -> PathBuf {
    let path = crate::files::expand_home(&path.to_string_lossy(), |n| std::env::var(n).ok());
    std::path::absolute(&path).unwrap_or(path)
}

/// The secrets as templates, inventories and plans use them.
pub struct Opener(pub Arc<Secrets>);

impl Decrypt for Opener {
    fn decrypt(&self, ciphertext: &str) -> Result<Vec<u8>, String> {
        self.0.decrypt(ciphertext).map_err(|e| e.to_string())
    }
    fn foresee(&self, ciphertexts: &[Arc<str>]) {
        self.0.foresee(ciphertexts);
    }
    fn encrypt(&self, plaintext: &[u8], secret: &str, salt: Option<&str>, id: Option<&str>) -> Result<String, String> {
        let secret = Secret::new(secret.as_bytes().to_vec()).map_err(|e| e.to_string())?;
        match salt {
            Some(salt) => vault::encrypt_with_salt(plaintext, &secret, id, salt.as_bytes()).map_err(|e| e.to_string()),
            None => vault::encrypt(plaintext, &secret, id).map_err(|e| e.to_string()),
        }
    }
    fn decrypt_with(&self, ciphertext: &str, secret: &str) -> Result<Vec<u8>, String> {
        let secret = Secret::new(secret.as_bytes().to_vec()).map_err(|e| e.to_string())?;
        Secrets::new(vec![(DEFAULT_ID.to_owned(), secret)], false).decrypt(ciphertext).map_err(|e| e.to_string())
    }
}

impl crate::plan::Decrypt for Opener {
    fn decrypt(&self, ciphertext: &[u8]) -> Result<Vec<u8>, String> {
        if self.0.is_empty() {
            return Err("A vault password or secret must be specified to decrypt".to_owned());
        }
        self.0.decrypt(&String::from_utf8_lossy(ciphertext)).map_err(|e| e.to_string())
    }
    fn foresee(&self, ciphertexts: &[Arc<str>]) {
        self.0.foresee(ciphertexts);
    }
}
