//! `tightbeam vault`, `ansible-vault`.

use crate::cli::args::{VaultAction, VaultArgs, VaultFileArgs, VaultSecretArgs, VaultStringArgs};
use crate::cli::ask;
use crate::cli::error::{CommandError, code};
use crate::cli::out::out;
use crate::cli::secrets::from_file;
use crate::cli::wiring::Base;
use crate::vault::{self, Secret, Secrets};
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DEFAULT_ID: &str = "default";

pub fn run(args: VaultArgs) -> Result<u8, CommandError> {
    match args.action {
        None => {
            Err(CommandError::usage("say what to do: create, edit, view, encrypt, decrypt, encrypt_string or rekey"))
        }
        Some(VaultAction::View(args)) => view(&args),
        Some(VaultAction::Encrypt(args)) => encrypt(&args),
        Some(VaultAction::Decrypt(args)) => decrypt(&args),
        Some(VaultAction::Create(args)) => create(&args),
        Some(VaultAction::Edit(args)) => edit(&args),
        Some(VaultAction::Rekey(args)) => rekey(&args),
        Some(VaultAction::EncryptString(args)) => encrypt_string(&args),
    }
}

fn fault(e: impl std::fmt::Display) -> CommandError {
    CommandError::machine(e.to_string())
}

/// The secrets; asks for a password where none is given.
fn secrets(base: &Base, args: &VaultSecretArgs, confirm: bool) -> Result<Arc<Secrets>, CommandError> {
    let known = base.secrets(args)?;
    if !known.is_empty() {
        return Ok(known);
    }
    let secret = prompted(confirm)?;
    Ok(Arc::new(Secrets::new(vec![(DEFAULT_ID.to_owned(), secret)], false)))
}

fn prompted(confirm: bool) -> Result<Secret, CommandError> {
    let prompt = if confirm { "New Vault password: " } else { "Vault password: " };
    let nobody = || CommandError::usage("A vault password is required to use Ansible's Vault");
    let text = ask::password(prompt).ok_or_else(nobody)?;
    if confirm && ask::password("Confirm New Vault password: ").ok_or_else(nobody)? != text {
        return Err(CommandError::usage("Passwords do not match"));
    }
    Secret::new(text.into_bytes()).map_err(fault)
}

fn chosen<'s>(secrets: &'s Secrets, id: Option<&str>) -> Result<(Option<&'s str>, &'s Secret), CommandError> {
    let (id, secret) = secrets.for_encryption(id).ok_or_else(|| {
        CommandError::usage(format!("Did not find a match for --encrypt-vault-id={}", id.unwrap_or_default()))
    })?;
    Ok(((id != DEFAULT_ID).then_some(id), secret))
}

fn read(path: &Path) -> Result<String, CommandError> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(fault)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(|e| fault(format!("{}: {e}", path.display())))
}

/// Replaces a file atomically, readable by its owner alone unless it was there with another mode.
fn write(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    if path.as_os_str() == "-" {
        return std::io::stdout().write_all(content).map_err(fault);
    }
    let mode = std::fs::metadata(path).map_or(0o600, |m| m.permissions().mode() & 0o7777);
    let partial = path.with_file_name(format!(
        ".{}.{}",
        path.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let replace = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&partial, path)
    };
    replace().map_err(|e| {
        drop(std::fs::remove_file(&partial));
        fault(format!("{}: {e}", path.display()))
    })
}

fn files(args: &VaultFileArgs) -> Vec<PathBuf> {
    if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files.clone() }
}

fn target<'a>(args: &'a VaultFileArgs, file: &'a Path) -> &'a Path {
    args.output.as_deref().unwrap_or(file)
}

fn view(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, false)?;
    for file in files(args) {
        let clear = secrets.decrypt(&read(&file)?).map_err(fault)?;
        std::io::stdout().write_all(&clear).map_err(fault)?;
    }
    Ok(code::OK)
}

fn encrypt(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, true)?;
    let (id, secret) = chosen(&secrets, args.encrypt_vault_id.as_deref())?;
    for file in files(args) {
        let text = vault::encrypt(read(&file)?.as_bytes(), secret, id).map_err(fault)?;
        write(target(args, &file), text.as_bytes())?;
    }
    if std::io::stdout().is_terminal() {
        eprintln!("Encryption successful");
    }
    Ok(code::OK)
}

fn decrypt(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, false)?;
    for file in files(args) {
        let clear = secrets.decrypt(&read(&file)?).map_err(fault)?;
        write(target(args, &file), &clear)?;
    }
    if std::io::stdout().is_terminal() {
        eprintln!("Decryption successful");
    }
    Ok(code::OK)
}

fn one_file(args: &VaultFileArgs) -> Result<&Path, CommandError> {
    match args.files.as_slice() {
        [file] => Ok(file),
        _ => Err(CommandError::usage("name one file")),
    }
}

fn create(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let file = one_file(args)?;
    if file.exists() {
        return Err(CommandError::usage(format!("{} exists, please use 'edit' instead", file.display())));
    }
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, true)?;
    let (id, secret) = chosen(&secrets, args.encrypt_vault_id.as_deref())?;
    let clear = edited(b"", &base)?;
    write(file, vault::encrypt(&clear, secret, id).map_err(fault)?.as_bytes())?;
    Ok(code::OK)
}

fn edit(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, false)?;
    for file in files(args) {
        let (clear, id) = secrets.decrypt_with_id(&read(&file)?).map_err(fault)?;
        let changed = edited(&clear, &base)?;
        if changed == clear {
            continue;
        }
        let (id, secret) = chosen(&secrets, args.encrypt_vault_id.as_deref().or(Some(id)))?;
        write(&file, vault::encrypt(&changed, secret, id).map_err(fault)?.as_bytes())?;
    }
    Ok(code::OK)
}

/// Opens an editor on plaintext in a directory that nobody else can read; the file is overwritten and removed afterwards.
fn edited(clear: &[u8], base: &Base) -> Result<Vec<u8>, CommandError> {
    let shared = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("tightbeam-vault-");
    let dir = if shared.is_dir() { builder.tempdir_in(shared) } else { builder.tempdir() }.map_err(fault)?;
    let path = dir.path().join("content.yml");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(fault)?;
    file.write_all(clear).and_then(|()| file.sync_all()).map_err(fault)?;
    drop(file);
    let editor = base.settings.text("EDITOR").to_owned();
    let words = crate::remote::shell_split(&editor).map_err(fault)?;
    let Some((program, options)) = words.split_first() else {
        return Err(CommandError::usage("EDITOR is empty"));
    };
    let status = std::process::Command::new(program).args(options).arg(&path).status();
    let changed = std::fs::read(&path).map_err(fault);
    let length = std::fs::metadata(&path).map_or(0, |m| m.len() as usize);
    drop(std::fs::write(&path, vec![0; length]));
    match status {
        Ok(status) if status.success() => changed,
        Ok(status) => Err(fault(format!("the editor {editor} ended with {status}"))),
        Err(e) => Err(fault(format!("the editor {editor} cannot be started: {e}"))),
    }
}

fn rekey(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let old = secrets(&base, &args.secrets, false)?;
    let (id, new) = match (&args.new_vault_id, &args.new_vault_password_file) {
        (Some(id), _) => {
            let (label, source) = id.split_once('@').unwrap_or((DEFAULT_ID, id));
            let secret = if source == "prompt" {
                prompted(true)?
            } else {
                from_file(label, Path::new(source)).map_err(fault)?
            };
            ((label != DEFAULT_ID).then(|| label.to_owned()), secret)
        }
        (None, Some(file)) => (None, from_file(DEFAULT_ID, file).map_err(fault)?),
        (None, None) => (None, prompted(true)?),
    };
    for file in files(args) {
        let text = vault::rekey(&read(&file)?, &old, &new, id.as_deref()).map_err(fault)?;
        write(&file, text.as_bytes())?;
    }
    if std::io::stdout().is_terminal() {
        eprintln!("Rekey successful");
    }
    Ok(code::OK)
}

fn encrypt_string(args: &VaultStringArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, true)?;
    let (id, secret) = chosen(&secrets, args.encrypt_vault_id.as_deref())?;
    let mut texts: Vec<(Option<String>, String)> = Vec::new();
    if args.prompt {
        let text =
            ask::password("String to encrypt: ").ok_or_else(|| CommandError::usage("there is no terminal to ask"))?;
        texts.push((args.name.first().cloned(), text));
    }
    for (i, text) in args.texts.iter().enumerate() {
        texts.push((args.name.get(i).cloned(), text.clone()));
    }
    if args.stdin_name.is_some() || texts.is_empty() {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(fault)?;
        texts.push((args.stdin_name.clone(), text));
    }
    let mut out = String::new();
    for (name, text) in texts {
        let cipher = vault::encrypt(text.as_bytes(), secret, id).map_err(fault)?;
        out.push_str(&vault::as_yaml(&cipher, name.as_deref(), 10));
        out.push('\n');
    }
    match &args.output {
        Some(path) => write(path, out.as_bytes())?,
        None => out!("{out}"),
    }
    Ok(code::OK)
}
