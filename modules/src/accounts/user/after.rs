//! What belongs to an account beside its entry: the home directory, an SSH key, the ages of the password.

use super::{Args, commands};
use crate::contract::{Failure, Json, Outcome};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, FileKind, Observe, PasswdEntry, WriteOptions};
use std::path::{Path, PathBuf};

/// What is missing.
#[derive(Default)]
pub struct After {
    home: Option<String>,
    ages: Option<Command>,
    key: Option<Key>,
    pub warnings: Vec<String>,
}

struct Key {
    file: PathBuf,
    /// `ssh-keygen`, if it is to run.
    generate: Option<Command>,
    /// A public key to remove before.
    stale: bool,
}

fn public(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Looks at what an existing account lacks.
pub fn look(args: &Args, entry: &PasswdEntry, home: &str, host: &dyn Observe) -> Result<After, Failure> {
    let missing = args.create_home && host.stat(Path::new(home)).is_err();
    let mut after =
        After { home: missing.then(|| home.to_owned()), ages: commands::ages(args, host)?, ..After::default() };
    if args.generate_ssh_key == Some(true) {
        let key = key(args, entry, host, missing, &mut after.warnings)?;
        after.key = Some(key);
    }
    Ok(after)
}

fn key(
    args: &Args,
    entry: &PasswdEntry,
    host: &dyn Observe,
    home_comes: bool,
    warnings: &mut Vec<String>,
) -> Result<Key, Failure> {
    let given = args.ssh_key_file.clone().unwrap_or_else(|| format!(".ssh/id_{}", args.ssh_key_type));
    if !given.starts_with('/') && !home_comes && host.stat(Path::new(&entry.home)).is_err() {
        return Err(Failure::new(format!("User {} home directory does not exist", args.name))
            .with("name", args.name.as_str())
            .with("rc", 1));
    }
    let file = Path::new(&entry.home).join(given);
    let shown = file.display();
    let (private_there, public_there) = (host.exists(&file), host.exists(&public(&file)));
    for (there, kind, path) in
        [(private_there, "private", shown.to_string()), (public_there, "public", format!("{shown}.pub"))]
    {
        if there && !args.force {
            warnings.push(format!(
                "Found existing ssh key {kind} file \"{path}\", no force, so skipping ssh-keygen generation"
            ));
            return Ok(Key { file, generate: None, stale: false });
        }
        if there {
            warnings.push(format!("Overwriting existing ssh key {kind} file \"{path}\""));
        }
    }
    let comment = args.ssh_key_comment.clone().unwrap_or_else(|| format!("ansible-generated on {}", host.uname().node));
    let mut words = vec!["-t".to_owned(), args.ssh_key_type.clone()];
    if args.ssh_key_bits > 0 {
        words.extend(["-b".to_owned(), args.ssh_key_bits.to_string()]);
    }
    words.extend(["-C".to_owned(), comment, "-f".to_owned(), file.display().to_string()]);
    let keygen = required(host, "ssh-keygen")?;
    let overwrite = if private_there { "y\n" } else { "" };
    let command = match &args.ssh_key_passphrase {
        None => Command::new(keygen).args(words).args(["-N", ""]).stdin(overwrite),
        Some(secret) => {
            // Without a terminal ssh-keygen reads the passphrase from standard input: it never shows in a process list.
            let command = match host.which("setsid") {
                Some(setsid) => Command::new(setsid).arg("-w").arg(keygen.display().to_string()),
                None => Command::new(keygen),
            };
            command.args(words).stdin(format!("{overwrite}{secret}\n{secret}\n"))
        }
    };
    Ok(Key { file, generate: Some(command), stale: public_there })
}

impl After {
    pub fn changes(&self) -> bool {
        self.home.is_some() || self.ages.is_some() || self.key.as_ref().is_some_and(|k| k.generate.is_some())
    }

    pub fn apply(&self, args: &Args, entry: &PasswdEntry, host: &mut dyn Change) -> Result<(), Failure> {
        // usermod may have moved the old one there.
        if let Some(home) = &self.home
            && !host.exists(Path::new(home))
        {
            create_home(args, home, Some((entry.uid, entry.gid)), host)?;
        }
        if let Some(key) = &self.key
            && let Some(command) = &key.generate
        {
            generate(args, entry, key, command, host)?;
        }
        if let Some(command) = &self.ages {
            let out = execute(host, command)?;
            if !out.ok() {
                return Err(Failure::new(out.stderr_text()).with("name", args.name.as_str()).with("rc", out.rc));
            }
        }
        Ok(())
    }

    /// Adds what is known of the SSH key.
    pub fn report(&self, host: &dyn Observe, outcome: &mut Outcome) -> Result<(), Failure> {
        let Some(key) = &self.key else { return Ok(()) };
        let shown = key.file.display().to_string();
        let fingerprint = if host.exists(&key.file) {
            let out = query(host, &Command::new(required(host, "ssh-keygen")?).args(["-l", "-f", &shown]))?;
            if out.ok() { out.stdout_text() } else { out.stderr_text() }
        } else {
            String::new()
        };
        outcome.set("ssh_fingerprint", fingerprint.trim());
        let public = host.read_text(&public(&key.file)).map_or(Json::Null, |t| t.trim().into());
        outcome.set("ssh_public_key", public);
        outcome.set("ssh_key_file", shown);
        Ok(())
    }
}

fn generate(
    args: &Args,
    entry: &PasswdEntry,
    key: &Key,
    command: &Command,
    host: &mut dyn Change,
) -> Result<(), Failure> {
    let fail = |msg: String| Failure::new(msg).with("name", args.name.as_str()).with("rc", 1);
    if let Some(dir) = key.file.parent()
        && !host.exists(dir)
    {
        host.create_dir(dir, 0o700)
            .and_then(|()| host.set_owner(dir, Some(entry.uid), Some(entry.gid), true))
            .map_err(|e| fail(format!("Failed to create {}: {e}", dir.display())))?;
    }
    let public = public(&key.file);
    if key.stale {
        host.remove_file(&public).map_err(|e| fail(format!("Failed to remove {}: {e}", public.display())))?;
    }
    let out = execute(host, command)?;
    if !out.ok() {
        return Err(Failure::new(out.stderr_text()).with("name", args.name.as_str()).with("rc", out.rc));
    }
    for path in [&key.file, &public] {
        host.set_owner(path, Some(entry.uid), Some(entry.gid), true)
            .map_err(|e| fail(format!("cannot change the owner of {}: {e}", path.display())))?;
    }
    Ok(())
}

/// Creates a home directory from the skeleton, with the mode that `/etc/login.defs` gives to homes.
pub fn create_home(args: &Args, home: &str, owner: Option<(u32, u32)>, host: &mut dyn Change) -> Result<(), Failure> {
    let path = Path::new(home);
    let fail = |e: std::io::Error| Failure::io(path.display(), &e);
    let mut parents: Vec<&Path> = path.ancestors().skip(1).take_while(|p| !host.is_dir(p)).collect();
    parents.reverse();
    for dir in parents {
        host.create_dir(dir, 0o755).map_err(fail)?;
    }
    let skeleton = PathBuf::from(args.skeleton.as_deref().unwrap_or("/etc/skel"));
    if host.is_dir(&skeleton) {
        copy_tree(host, &skeleton, path).map_err(fail)?;
    } else {
        host.create_dir(path, 0o755).map_err(fail)?;
    }
    if let Ok(defs) = host.read_text(Path::new("/etc/login.defs")) {
        host.set_mode(path, home_mode(&defs)).map_err(fail)?;
    }
    if let Some((uid, gid)) = owner {
        own_tree(host, path, uid, gid)?;
    }
    Ok(())
}

fn home_mode(defs: &str) -> u32 {
    let octal = |name: &str| {
        defs.lines()
            .filter_map(|l| l.strip_prefix(name).filter(|r| r.starts_with(char::is_whitespace)))
            .filter_map(|v| u32::from_str_radix(v.trim(), 8).ok())
            .next_back()
    };
    octal("HOME_MODE").or_else(|| octal("UMASK").map(|u| 0o777 & !u)).unwrap_or(0o755)
}

fn copy_tree(host: &mut dyn Change, from: &Path, to: &Path) -> std::io::Result<()> {
    let stat = host.lstat(from)?;
    match stat.kind {
        FileKind::Directory => {
            host.create_dir(to, stat.mode)?;
            for name in host.read_dir(from)? {
                copy_tree(host, &from.join(&name), &to.join(&name))?;
            }
            Ok(())
        }
        FileKind::Symlink => {
            let target = host.read_link(from)?;
            host.symlink(&target, to)
        }
        FileKind::File => {
            let content = host.read(from)?;
            host.write(to, &mut content.as_slice(), &WriteOptions { mode: Some(stat.mode), ..WriteOptions::default() })
        }
        _ => Ok(()),
    }
}

/// Gives a directory and all in it to a user.
pub fn own_tree(host: &mut dyn Change, path: &Path, uid: u32, gid: u32) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::io(path.display(), &e);
    host.set_owner(path, Some(uid), Some(gid), false).map_err(fail)?;
    if host.lstat(path).map_err(fail)?.kind == FileKind::Directory {
        for name in host.read_dir(path).map_err(fail)? {
            own_tree(host, &path.join(name), uid, gid)?;
        }
    }
    Ok(())
}
