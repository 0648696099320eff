//! Where vault passwords come from: prompts, files, scripts.

use super::args::VaultSecretArgs;
use super::ask;
use super::error::CommandError;
use crate::config::Settings;
use crate::template::Decrypt;
use crate::vault::{self, Secret, Secrets};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DEFAULT_ID: &str = "default";

/// All secrets that settings and options name, in the order in which they are tried.
pub fn load(args: &VaultSecretArgs, settings: &Settings) -> Result<Secrets, CommandError> {
    let mut known = Vec::new();
    let mut add = |id: String, secret: Result<Secret, String>| match secret {
        Ok(secret) => {
            known.push((id, secret));
            Ok(())
        }
        Err(e) => Err(CommandError::machine(e)),
    };
    for id in settings.list("DEFAULT_VAULT_IDENTITY_LIST").into_iter().chain(args.vault_id.iter().map(String::as_str)) {
        let (label, source) = id.split_once('@').unwrap_or((DEFAULT_ID, id));
        add(label.to_owned(), from_source(label, source))?;
    }
    let files = args.vault_password_file.iter().cloned();
    let configured = settings.path("DEFAULT_VAULT_PASSWORD_FILE").filter(|_| args.vault_password_file.is_empty());
    for file in files.chain(configured) {
        add(DEFAULT_ID.to_owned(), from_file(DEFAULT_ID, &file))?;
    }
    if args.ask_vault_pass {
        add(DEFAULT_ID.to_owned(), from_prompt(DEFAULT_ID))?;
    }
    Ok(Secrets::new(known, settings.bool("DEFAULT_VAULT_ID_MATCH")))
}

fn from_source(label: &str, source: &str) -> Result<Secret, String> {
    if source == "prompt" || source == "prompt_ask_vault_pass" {
        from_prompt(label)
    } else {
        from_file(label, Path::new(source))
    }
}

pub fn from_prompt(label: &str) -> Result<Secret, String> {
    let prompt =
        if label == DEFAULT_ID { "Vault password: ".to_owned() } else { format!("Vault password ({label}): ") };
    let text = ask::password(&prompt).ok_or("there is no terminal to ask for the vault password")?;
    Secret::new(text.into_bytes()).map_err(|e| e.to_string())
}

/// A file's content, or the output of a script (`…-client` scripts are told the label).
pub fn from_file(label: &str, path: &Path) -> Result<Secret, String> {
    let path = expand(path);
    let shown = path.display();
    let meta = std::fs::metadata(&path).map_err(|_| format!("The vault password file {shown} was not found"))?;
    let executable = meta.is_file() && std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o111 != 0;
    if !executable {
        let content = std::fs::read(&path).map_err(|e| format!("Could not read vault password file {shown}: {e}"))?;
        return Secret::from_file(&content).map_err(|e| e.to_string());
    }
    let mut command = std::process::Command::new(&path);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if stem.ends_with("-client") {
        command.args(["--vault-id", label]);
    }
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("Problem running vault password script {shown} ({e}). If this is not a script, remove the executable bit from the file."))?;
    if !output.status.success() {
        return Err(format!(
            "Vault password script {shown} returned non-zero ({})",
            output.status.code().unwrap_or(-1)
        ));
    }
    Secret::from_script(&output.stdout).map_err(|e| e.to_string())
}

fn expand(path: &Path) -> PathBuf {
    crate::files::expand_home(&path.to_string_lossy(), |n| std::env::var(n).ok())
}

/// The secrets as templates, inventories and plans use them.
pub struct Opener(pub Arc<Secrets>);

impl Decrypt for Opener {
    fn decrypt(&self, ciphertext: &str) -> Result<Vec<u8>, String> {
        self.0.decrypt(ciphertext).map_err(|e| e.to_string())
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
}
