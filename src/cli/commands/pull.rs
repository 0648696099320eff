//! `tightbeam pull`, `ansible-pull`: gets a repository of playbooks to this machine and runs one of them here.

use crate::cli::args::PullArgs;
use crate::cli::error::CommandError;
use crate::cli::out::outln;
use crate::cli::wiring::Base;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub fn run(args: &PullArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let names = host_names();
    let dest = match &args.directory {
        Some(dir) => base.around.resolve(&dir.to_string_lossy(), None),
        // Named after the host, for homes that several hosts share.
        None => base.settings.path("ANSIBLE_HOME").unwrap_or_default().join("pull").join(&names.full),
    };
    if dest.exists() && !dest.is_dir() {
        return Err(CommandError::usage(format!("{} is not a valid or accessible directory.", dest.display())));
    }
    let Some(url) = &args.url else {
        return Err(CommandError::usage("URL for repository not specified, use -h for help"));
    };
    match args.module_name.as_str() {
        "git" => {}
        "subversion" | "hg" | "bzr" => {
            let text = format!("repositories of {} are not supported; use git", args.module_name);
            return Err(CommandError::usage(text));
        }
        other => {
            let text = format!("Unsupported repo module {other}, choices are git,subversion,hg,bzr");
            return Err(CommandError::usage(text));
        }
    }
    let line: Vec<String> = std::env::args().collect();
    outln!("Starting Ansible Pull at {}", jiff::Zoned::now().strftime("%F %T"));
    outln!("{}", line.join(" "));
    if let Some(most) = args.sleep.filter(|s| *s > 0) {
        let seconds = rand::random_range(0..most);
        outln!("Sleeping for {seconds} seconds...");
        std::thread::sleep(Duration::from_secs(seconds));
    }
    let limit = names.limit();
    let (rc, output) = watched(&mut checkout(args, url, &dest, &limit)?)?;
    if rc != 0 {
        if !args.force {
            return Ok(rc);
        }
        eprintln!("[WARNING]: Unable to update repository. Continuing with (forced) run of playbook.");
    } else if args.only_if_changed && !output.contains("\"changed\": true") {
        outln!("Repository has not changed, quitting.");
        return Ok(0);
    }
    let playbooks = playbooks(args, &dest, &names)?;
    let status = play(args, &dest, &playbooks, &limit)?.status().map_err(not_started)?;
    if args.purge {
        drop(std::env::set_current_dir("/"));
        if let Err(e) = std::fs::remove_dir_all(&dest) {
            eprintln!("[ERROR]: Failed to remove {}: {e}", dest.display());
        }
    }
    Ok(exit_code(status))
}

/// The names of this machine.
struct Names {
    full: String,
    node: String,
}

impl Names {
    /// Plays are for this machine, whatever name the inventory has for it.
    fn limit(&self) -> String {
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let mut all = vec!["localhost".to_owned()];
        let names =
            [self.full.clone(), self.node.clone(), short(&self.full), short(&self.node), "127.0.0.1".to_owned()];
        for name in names {
            if !name.is_empty() && !all.contains(&name) {
                all.push(name);
            }
        }
        all.join(",")
    }
}

fn host_names() -> Names {
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let full = Command::new("hostname").arg("-f").stderr(Stdio::null()).output().ok();
    let full = full.filter(|o| o.status.success()).map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned());
    Names { full: full.filter(|f| !f.is_empty()).unwrap_or_else(|| node.clone()), node }
}

/// This program, to be called for another of its commands.
fn this_program(command: &str) -> Result<Command, CommandError> {
    let program =
        std::env::current_exe().map_err(|e| CommandError::machine(format!("this program cannot be found: {e}")))?;
    let mut out = Command::new(program);
    out.arg0("tightbeam").arg(command);
    Ok(out)
}

fn common(args: &PullArgs, command: &mut Command) {
    command.args(["-c", "local"]);
    if args.verbosity.verbose > 0 {
        command.arg(format!("-{}", "v".repeat(usize::from(args.verbosity.verbose))));
    }
    each(command, "-e", &args.extra_vars);
}

/// An option for each of the values.
fn each<'v>(command: &mut Command, option: &str, values: impl IntoIterator<Item = &'v String>) {
    for value in values {
        command.args([option, value]);
    }
}

/// Inventories that are there: those of the repository only after the checkout.
fn inventories<'a>(args: &'a PullArgs, dir: &'a Path) -> impl Iterator<Item = &'a String> {
    args.inventory.inventory.iter().filter(|source| source.contains(',') || dir.join(source).exists())
}

fn checkout(args: &PullArgs, url: &str, dest: &Path, limit: &str) -> Result<Command, CommandError> {
    let mut command = this_program("run")?;
    common(args, &mut command);
    let here = std::env::current_dir().unwrap_or_default();
    let mut known = inventories(args, &here).peekable();
    if known.peek().is_none() {
        command.args(["-i", "localhost,"]);
    }
    each(&mut command, "-i", known);
    let mut module = serde_json::json!({"repo": url, "dest": dest.to_string_lossy()});
    let mut set =
        |name: &str, value: serde_json::Value| drop(module.as_object_mut().map(|m| m.insert(name.into(), value)));
    if let Some(version) = &args.checkout {
        set("version", version.as_str().into());
    }
    if let Some(key) = &args.private_key {
        set("key_file", key.to_string_lossy().into());
    }
    let flags = [
        ("accept_hostkey", args.accept_host_key),
        ("verify_commit", args.verify_commit),
        ("track_submodules", args.track_subs),
        ("force", args.clean),
    ];
    flags.into_iter().filter(|(_, on)| *on).for_each(|(name, _)| set(name, true.into()));
    if !args.full {
        set("depth", 1.into());
    }
    command.args(["-m", "ansible.builtin.git", "-a", &module.to_string(), "-l", limit, "all"]);
    // The answer is read, whatever the settings make of answers.
    command.env("ANSIBLE_CALLBACK_RESULT_FORMAT", "json").env("ANSIBLE_LOAD_CALLBACK_PLUGINS", "0");
    Ok(command)
}

fn play(args: &PullArgs, dest: &Path, playbooks: &[PathBuf], limit: &str) -> Result<Command, CommandError> {
    let mut command = this_program("play")?;
    common(args, &mut command);
    let files = [
        ("--vault-password-file", &args.vault.vault_password_file),
        ("--become-password-file", &args.become_password_file.iter().cloned().collect()),
        ("--connection-password-file", &args.connection_password_file.iter().cloned().collect()),
    ];
    for (option, paths) in files {
        command.args(paths.iter().map(|path: &PathBuf| format!("{option}={}", path.display())));
    }
    each(&mut command, "--vault-id", &args.vault.vault_id);
    let flags = [
        ("--ask-vault-pass", args.vault.ask_vault_pass),
        ("--ask-become-pass", args.ask_become_pass),
        ("--ask-pass", args.ask_pass),
        ("--check", args.check),
        ("--diff", args.diff),
        ("--flush-cache", args.inventory.flush_cache),
    ];
    command.args(flags.into_iter().filter(|(_, on)| *on).map(|(name, _)| name));
    each(&mut command, "--skip-tags", &args.skip_tags);
    each(&mut command, "--tags", &args.tags);
    let limit = if args.inventory.limit.is_empty() { limit.to_owned() } else { args.inventory.limit.join(",") };
    each(&mut command, "-l", [&limit]);
    each(&mut command, "-i", inventories(args, dest));
    command.args(playbooks).current_dir(dest);
    Ok(command)
}

/// The playbooks named on the command line; else the first there is of the host's own and `local.yml`.
fn playbooks(args: &PullArgs, dest: &Path, names: &Names) -> Result<Vec<PathBuf>, CommandError> {
    let trouble = |path: &Path| match std::fs::File::open(path) {
        Ok(_) => None,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Some(format!("{}: File does not exist", path.display())),
        Err(_) => Some(format!("{}: File is not readable", path.display())),
    };
    let short = names.full.split('.').next().unwrap_or_default();
    let (candidates, all) = if args.playbooks.is_empty() {
        let own = [format!("{}.yml", names.full), format!("{short}.yml"), "local.yml".to_owned()];
        (own.map(|name| dest.join(name)).to_vec(), false)
    } else {
        (args.playbooks.iter().map(|p| dest.join(p)).collect(), true)
    };
    let troubles: Vec<String> = candidates.iter().filter_map(|path| trouble(path)).collect();
    if !all && let Some(found) = candidates.iter().find(|path| trouble(path).is_none()) {
        return Ok(vec![found.clone()]);
    }
    if troubles.is_empty() {
        return Ok(candidates);
    }
    eprintln!("[WARNING]: {}", troubles.join("\n"));
    Err(CommandError::usage("Could not find a playbook to run."))
}

/// Runs a command, shows what it prints, and keeps it.
fn watched(command: &mut Command) -> Result<(u8, String), CommandError> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(not_started)?;
    let mut kept = Vec::new();
    if let Some(mut out) = child.stdout.take() {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = out.read(&mut buffer) {
            kept.extend_from_slice(&buffer[..count]);
            let mut shown = std::io::stdout();
            let _ = shown.write_all(&buffer[..count]).and_then(|()| shown.flush());
        }
    }
    let status = child.wait().map_err(not_started)?;
    Ok((exit_code(status), String::from_utf8_lossy(&kept).into_owned()))
}

fn not_started(error: std::io::Error) -> CommandError {
    CommandError::machine(format!("the command cannot be run: {error}"))
}

fn exit_code(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(crate::cli::error::code::UNEXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_meant_by_all_its_names() {
        let names = |full: &str, node: &str| Names { full: full.into(), node: node.into() };
        assert_eq!(names("a.b.c", "a").limit(), "localhost,a.b.c,a,127.0.0.1");
        assert_eq!(names("localhost", "x").limit(), "localhost,x,127.0.0.1");
    }
}
