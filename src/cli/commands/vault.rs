//! `tightbeam vault`, `ansible-vault`.

use crate::cli::args::{VaultAction, VaultArgs, VaultCreateArgs, VaultFileArgs, VaultSecretArgs, VaultStringArgs};
use crate::cli::ask;
use crate::cli::error::{CommandError, code};
use crate::cli::out::write_bytes;
use crate::cli::secrets::{Wanted, from_prompt};
use crate::cli::wiring::Base;
use crate::vault::{self, Secret, Secrets, VaultError};
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

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
fn secrets(base: &Base, args: &VaultSecretArgs, wanted: Wanted) -> Result<Secrets, CommandError> {
    let mut args = args.clone();
    args.ask_vault_pass |= base.settings.bool("DEFAULT_ASK_VAULT_PASS");
    asked(crate::cli::secrets::load(&args, &base.settings, wanted, true)?, wanted)
}

/// The secrets that are known, or one that is asked for.
fn asked(known: Secrets, wanted: Wanted) -> Result<Secrets, CommandError> {
    if !known.is_empty() {
        return Ok(known);
    }
    let secret = from_prompt(DEFAULT_ID, true, wanted).map_err(fault)?;
    Ok(Secrets::new(vec![(DEFAULT_ID.to_owned(), secret)], false))
}

/// Encrypts with the identity that is asked for, or the only one.
struct Encryptor<'s> {
    id: Option<&'s str>,
    secret: &'s Secret,
    salt: Option<Vec<u8>>,
}

/// The identity to encrypt with, by option or setting.
fn identity<'a>(base: &'a Base, option: Option<&'a str>) -> Option<&'a str> {
    option.or_else(|| base.settings.str("DEFAULT_VAULT_ENCRYPT_IDENTITY").filter(|id| !id.is_empty()))
}

impl<'s> Encryptor<'s> {
    /// Of several identities one must be named.
    fn new(base: &Base, secrets: &'s Secrets, id: Option<&str>) -> Result<Self, CommandError> {
        let known: Vec<&str> = secrets.ids().collect();
        if identity(base, id).is_none() && known.len() > 1 {
            return Err(CommandError::usage(format!(
                "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id",
                known.join(",")
            )));
        }
        Self::first(base, secrets, id)
    }
    fn first(base: &Base, secrets: &'s Secrets, id: Option<&str>) -> Result<Self, CommandError> {
        let id = identity(base, id);
        let known: Vec<&str> = secrets.ids().collect();
        let (label, secret) = secrets.for_encryption(id).ok_or_else(|| {
            let known: Vec<String> = known.iter().map(|id| crate::value::repr_str(id)).collect();
            fault(format!(
                "Did not find a match for --encrypt-vault-id={} in the known vault-ids [{}]",
                id.unwrap_or_default(),
                known.join(", ")
            ))
        })?;
        Ok(Encryptor { id: (label != DEFAULT_ID).then_some(label), secret, salt: salt(base) })
    }
    fn encrypt(&self, clear: &[u8]) -> Result<String, CommandError> {
        encrypt_as(clear, self.secret, self.id, self.salt.as_deref())
    }
}

/// The salt that the settings fix, for results that are always the same.
fn salt(base: &Base) -> Option<Vec<u8>> {
    base.settings.str("VAULT_ENCRYPT_SALT").filter(|s| !s.is_empty()).map(|s| s.as_bytes().to_vec())
}

fn encrypt_as(clear: &[u8], secret: &Secret, id: Option<&str>, salt: Option<&[u8]>) -> Result<String, CommandError> {
    match salt {
        Some(salt) => vault::encrypt_with_salt(clear, secret, id, salt),
        None => vault::encrypt(clear, secret, id),
    }
    .map_err(fault)
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    if path.as_os_str() == "-" {
        let mut data = Vec::new();
        std::io::stdin().read_to_end(&mut data).map_err(fault)?;
        return Ok(data);
    }
    std::fs::read(path).map_err(|e| fault(format!("Unable to read source file ({}): {e}", path.display())))
}

/// The text of a vault.
fn ciphertext(path: &Path) -> Result<String, CommandError> {
    String::from_utf8(read(path)?).map_err(|_| unopened(path)(VaultError::NotVault))
}

/// Why a file could not be opened.
fn unopened(path: &Path) -> impl Fn(VaultError) -> CommandError {
    move |e| fault(format!("{} for {}", e.to_string().trim_end_matches('.'), path.display()))
}

/// Replaces a file atomically, readable by its owner alone unless it was there with another mode.
fn write(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    if path.as_os_str() == "-" {
        write_bytes(content);
        return Ok(());
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

/// Where each file's result goes.
fn target<'a>(args: &'a VaultFileArgs, file: &'a Path) -> Result<&'a Path, CommandError> {
    if args.output.is_some() && args.files.len() > 1 {
        return Err(CommandError::usage("At most one input file may be used with the --output option"));
    }
    Ok(args.output.as_deref().unwrap_or(file))
}

fn done(what: &str) {
    if std::io::stdout().is_terminal() {
        eprintln!("{what} successful");
    }
}

fn view(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, Wanted::Known)?;
    for file in files(args) {
        let clear = secrets.decrypt(&ciphertext(&file)?).map_err(unopened(&file))?;
        write_bytes(&clear);
    }
    Ok(code::OK)
}

fn encrypt(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, Wanted::New)?;
    let encryptor = Encryptor::new(&base, &secrets, args.encrypt_vault_id.as_deref())?;
    for file in files(args) {
        write(target(args, &file)?, encryptor.encrypt(&read(&file)?)?.as_bytes())?;
    }
    done("Encryption");
    Ok(code::OK)
}

fn decrypt(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, Wanted::Known)?;
    for file in files(args) {
        let clear = secrets.decrypt(&ciphertext(&file)?).map_err(unopened(&file))?;
        write(target(args, &file)?, &clear)?;
    }
    done("Decryption");
    Ok(code::OK)
}

fn create(args: &VaultCreateArgs) -> Result<u8, CommandError> {
    let [file] = args.file.files.as_slice() else {
        return Err(CommandError::usage("ansible-vault create can take only one filename argument"));
    };
    let base = Base::load()?;
    let secrets = secrets(&base, &args.file.secrets, Wanted::New)?;
    let encryptor = Encryptor::new(&base, &secrets, args.file.encrypt_vault_id.as_deref())?;
    if !args.skip_tty_check && !std::io::stdout().is_terminal() {
        return Err(CommandError::usage("not a tty, editor cannot be opened"));
    }
    if file.exists() {
        return Err(fault(format!("{} exists, please use 'edit' instead", file.display())));
    }
    if let Some(parent) = file.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(fault)?;
    }
    let clear = edited(b"", &base)?;
    write(file, encryptor.encrypt(&clear)?.as_bytes())?;
    Ok(code::OK)
}

/// A file that was changed stays with its identity and password.
fn edit(args: &VaultFileArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, Wanted::Known)?;
    for file in files(args) {
        let (clear, id, secret) = secrets.open_for_edit(&ciphertext(&file)?).map_err(unopened(&file))?;
        let changed = edited(&clear, &base)?;
        if changed != clear {
            write(&file, encrypt_as(&changed, secret, Some(&id), salt(&base).as_deref())?.as_bytes())?;
        }
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
    let old = secrets(&base, &args.secrets, Wanted::Known)?;
    let new = VaultSecretArgs {
        ask_vault_pass: args.secrets.ask_vault_pass,
        vault_id: args.new_vault_id.iter().cloned().collect(),
        vault_password_file: args.new_vault_password_file.iter().cloned().collect(),
    };
    let configured = identity(&base, args.encrypt_vault_id.as_deref()).is_some();
    let new = asked(crate::cli::secrets::load(&new, &base.settings, Wanted::New, configured)?, Wanted::New)?;
    let encryptor = Encryptor::first(&base, &new, args.encrypt_vault_id.as_deref())?;
    for file in files(args) {
        let clear = old.decrypt(&ciphertext(&file)?).map_err(unopened(&file))?;
        write(&file, encryptor.encrypt(&clear)?.as_bytes())?;
    }
    done("Rekey");
    Ok(code::OK)
}

/// A text to encrypt: where it is from, and the variable's name.
type Plain = (String, &'static str, Option<String>);

fn encrypt_string(args: &VaultStringArgs) -> Result<u8, CommandError> {
    let given: Vec<&String> = args.texts.iter().filter(|t| *t != "-").collect();
    let from_stdin =
        given.len() < args.texts.len() || args.stdin_name.is_some() || (args.texts.is_empty() && !args.prompt);
    if args.prompt && from_stdin {
        return Err(CommandError::usage("The --prompt option is not supported if also reading input from stdin"));
    }
    let base = Base::load()?;
    let secrets = secrets(&base, &args.secrets, Wanted::New)?;
    let encryptor = Encryptor::new(&base, &secrets, args.encrypt_vault_id.as_deref())?;
    let empty =
        |from: &str| CommandError::usage(format!("The plaintext provided from {from} was empty, not encrypting"));
    let mut texts: Vec<Plain> = Vec::new();
    if args.prompt {
        let nobody = || fault("there is no terminal to ask");
        let name = ask::line("Variable name (enter for no name): ").ok_or_else(nobody)?;
        let text = if args.show_input {
            ask::line("String to encrypt:")
        } else {
            ask::password("String to encrypt (hidden): ")
        };
        let text = text.ok_or_else(nobody)?;
        if text.is_empty() {
            return Err(empty("the prompt"));
        }
        texts.push((text, "the interactive prompt", Some(name).filter(|n| !n.is_empty())));
    }
    if from_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(fault)?;
        if text.is_empty() {
            return Err(CommandError::usage("stdin was empty, not encrypting"));
        }
        texts.push((text, "stdin", args.stdin_name.clone()));
    }
    if let Some(last) = args.name.last().filter(|_| given.len() > args.name.len()) {
        eprintln!("The number of --name options do not match the number of args.");
        eprintln!("The last named variable will be \"{last}\". The rest will not have names.");
    }
    for (i, text) in given.into_iter().enumerate() {
        if text.is_empty() {
            return Err(empty("the command line args"));
        }
        texts.push((text.clone(), "the command line args", args.name.get(i).cloned()));
    }
    let several = texts.len() > 1;
    let mut out = String::new();
    for (i, (text, from, name)) in texts.iter().enumerate() {
        match name {
            _ if !several => {}
            Some(name) => {
                eprintln!("# The encrypted version of variable (\"{name}\", the string #{} from {from}).", i + 1);
            }
            None => eprintln!("# The encrypted version of the string #{} from {from}.)", i + 1),
        }
        out.push_str(&vault::as_yaml(&encryptor.encrypt(text.as_bytes())?, name.as_deref(), 10));
        out.push('\n');
    }
    write(args.output.as_deref().unwrap_or(Path::new("-")), out.as_bytes())?;
    done("Encryption");
    Ok(code::OK)
}
