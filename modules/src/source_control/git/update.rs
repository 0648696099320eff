//! Changes of a checkout: clone, fetch, switch to a version.

use super::repository::{Repository, Version};
use super::{Args, told};
use crate::contract::Failure;
use crate::host::steps::{execute, failed_command};
use crate::host::{Change, Command, WriteOptions};
use std::path::Path;

impl Repository {
    /// Moves the repository's own files out of the checkout.
    pub fn relocate(&self, host: &mut dyn Change, from: &Path, to: &Path) -> Result<(), Failure> {
        let link = self.dest.clone().unwrap_or_default().join(".git");
        if host.rename(from, to).is_err() {
            let command = Command::new("mv").args([from.to_string_lossy(), to.to_string_lossy()]);
            let out = execute(host, &command)?;
            if !out.ok() {
                return Err(failed_command(&command, &out, "Unable to move git dir."));
            }
        }
        let text = format!("gitdir: {}", to.display());
        host.write(&link, &mut text.as_bytes(), &WriteOptions::default())
            .map_err(|e| Failure::io("Unable to move git dir.", &e))
    }

    pub fn clone_it(&self, host: &mut dyn Change, args: &Args, warnings: &mut Vec<String>) -> Result<(), Failure> {
        let dest = self.dest.clone().unwrap_or_default();
        let parent = dest.parent().unwrap_or(Path::new("/")).to_owned();
        make_dirs(host, &parent)?;
        let version = args.version.as_str();
        let fetchable = self.is_remote_branch(host.observe(), &args.repo, version)?
            || self.is_remote_tag(host.observe(), &args.repo, version)?;
        let mut line: Vec<String> = vec!["clone".into()];
        let mut add = |words: &[&str]| line.extend(words.iter().map(|w| (*w).to_owned()));
        if args.bare {
            add(&["--bare"]);
        } else {
            add(&["--origin", &args.remote]);
        }
        let mut branch = args.single_branch && fetchable;
        if let Some(depth) = args.depth.filter(|d| *d != 0) {
            let depth = depth.to_string();
            if version == "HEAD" || args.refspec.is_some() {
                add(&["--depth", &depth]);
            } else if fetchable {
                add(&["--depth", &depth]);
                branch = true;
            } else {
                warnings.push(
                    "Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in \
                     combination with refspec."
                        .into(),
                );
            }
        }
        if branch {
            add(&["--branch", version]);
        }
        if let Some(reference) = &args.reference {
            add(&["--reference", reference]);
        }
        if args.single_branch {
            add(&["--single-branch"]);
        }
        if let Some(dir) = &args.separate_git_dir {
            add(&[&format!("--separate-git-dir={}", dir.display())]);
        }
        add(&[&args.repo, &dest.to_string_lossy()]);
        let command = self.command(line.iter().map(String::as_str), Some(&parent));
        let out = execute(host, &command)?;
        if !out.ok() {
            return Err(failed_command(&command, &out, ""));
        }
        if args.bare && args.remote != "origin" {
            self.act(host, ["remote", "add", &args.remote, &args.repo])?;
        }
        if let Some(refspec) = &args.refspec {
            let depth = args.depth.filter(|d| *d != 0).map(|d| d.to_string());
            let mut line = vec!["fetch"];
            line.extend(depth.iter().flat_map(|depth| ["--depth", depth]));
            line.extend([args.remote.as_str(), refspec]);
            self.act(host, line)?;
        }
        if args.verify_commit { self.verify(host, args) } else { Ok(()) }
    }

    /// Gives the remote the wanted address; whether it had another.
    pub fn move_remote(&self, host: &mut dyn Change, args: &Args) -> Result<bool, Failure> {
        if !self.remote_moved(host.observe(), args)? {
            return Ok(false);
        }
        let (_, out) = self.try_act(host, ["remote", "set-url", &args.remote, &args.repo])?;
        if out.ok() {
            return Ok(true);
        }
        let label = format!("set a new url {} for {}", args.repo, args.remote);
        Err(Failure::new(format!("Failed to {label}: {} {}", out.stdout_text(), out.stderr_text())))
    }

    pub fn fetch(&self, host: &mut dyn Change, args: &Args, force: bool) -> Result<(), Failure> {
        let (remote, version) = (args.remote.as_str(), args.version.as_str());
        let depth = args.depth.filter(|d| *d != 0).map(|d| d.to_string());
        let mut refspecs: Vec<String> = Vec::new();
        let mut line = vec!["fetch".to_owned()];
        if let Some(depth) = &depth {
            let here = self.head_branch(host.observe(), remote, args.bare)?;
            if let Some(refspec) = &args.refspec {
                refspecs.push(refspec.clone());
            } else if version == "HEAD" {
                refspecs.push(here);
            } else if self.is_remote_branch(host.observe(), &args.repo, version)? {
                if here != version {
                    refspecs.push(format!("+refs/heads/{version}:refs/heads/{version}"));
                }
                refspecs.push(format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"));
            } else if self.is_remote_tag(host.observe(), &args.repo, version)? {
                refspecs.push(format!("+refs/tags/{version}:refs/tags/{version}"));
            }
            // A commit cannot be fetched by itself everywhere: then all is fetched.
            if !refspecs.is_empty() {
                line.extend(["--depth".to_owned(), depth.clone()]);
            }
        }
        if refspecs.is_empty() {
            if args.bare {
                refspecs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"].map(str::to_owned).into();
            } else if self.version.is_none_or(|v| v >= Version([1, 9, 0])) {
                line.push("--tags".to_owned());
            } else {
                self.fetched(host, &["fetch".to_owned(), remote.to_owned()])?;
                refspecs.push("+refs/tags/*:refs/tags/*".to_owned());
            }
            refspecs.extend(args.refspec.clone());
        }
        if force {
            line.push("--force".to_owned());
        }
        line.push(remote.to_owned());
        line.extend(refspecs);
        self.fetched(host, &line)
    }

    fn fetched(&self, host: &mut dyn Change, line: &[String]) -> Result<(), Failure> {
        let (command, out) = self.try_act(host, line.iter().map(String::as_str))?;
        if out.ok() {
            return Ok(());
        }
        let (said, err) = (out.stdout_text(), out.stderr_text());
        let words: Vec<_> =
            std::iter::once(command.program.to_string_lossy().into_owned()).chain(command.args).collect();
        Err(Failure::new(format!("Failed to download remote objects and refs: {said} {err}")).with("cmd", words))
    }

    /// Checks out the wanted version.
    pub fn switch(&self, host: &mut dyn Change, args: &Args) -> Result<(), Failure> {
        let (remote, version) = (args.remote.as_str(), args.version.as_str());
        let head = version == "HEAD";
        let name = if head { self.head_branch(host.observe(), remote, args.bare)? } else { version.to_owned() };
        let tip = format!("{remote}/{name}");
        let checkout = |host: &mut dyn Change| -> Result<(), Failure> {
            let (_, out) = self.try_act(host, ["checkout", "--force", &name])?;
            if out.ok() { Ok(()) } else { Err(told(Failure::new(format!("Failed to checkout branch {name}")), &out)) }
        };
        let line = if head {
            checkout(host)?;
            vec!["reset", "--hard", &tip, "--"]
        } else if self.is_remote_branch(host.observe(), remote, version)? {
            if let Some(depth) = args.depth.filter(|d| *d != 0)
                && !self.is_local_branch(host.observe(), version)?
            {
                // A shallow clone has one branch only: the wanted one comes now.
                let depth = format!("--depth={depth}");
                let (local, tracked) = (
                    format!("+refs/heads/{version}:refs/heads/{version}"),
                    format!("+refs/heads/{version}:refs/remotes/{remote}/{version}"),
                );
                let (_, out) = self.try_act(host, ["fetch", &depth, remote, &local, &tracked])?;
                if !out.ok() {
                    let text = format!("Failed to fetch branch from remote: {version}");
                    return Err(told(Failure::new(text), &out));
                }
            }
            if self.is_local_branch(host.observe(), version)? {
                checkout(host)?;
                vec!["reset", "--hard", &tip]
            } else {
                vec!["checkout", "--track", "-b", version, &tip]
            }
        } else {
            vec!["checkout", "--force", version]
        };
        let (command, out) = self.try_act(host, line)?;
        if !out.ok() {
            let what = if head { format!("branch {name}") } else { version.to_owned() };
            let failure = told(Failure::new(format!("Failed to checkout {what}")), &out);
            return Err(failure.with("cmd", command.display()));
        }
        if args.verify_commit { self.verify(host, args) } else { Ok(()) }
    }

    /// The commit or tag must have a good signature, by one of the keys allowed if there are any.
    fn verify(&self, host: &mut dyn Change, args: &Args) -> Result<(), Failure> {
        let version = args.version.as_str();
        let format = "%(objecttype):%(refname:short)";
        let tags = self.ask(host.observe(), ["for-each-ref", "refs/tags/", "--format", format])?;
        let annotated = tags.lines().any(|l| l.trim().strip_prefix("tag:") == Some(version));
        let mut line = vec![if annotated { "verify-tag" } else { "verify-commit" }, version];
        if !args.gpg_allowlist.is_empty() {
            line.push("--raw");
        }
        let (_, out) = self.try_act(host, line)?;
        if !out.ok() {
            let text = format!("Failed to verify GPG signature of commit/tag \"{version}\"");
            return Err(told(Failure::new(text), &out));
        }
        if args.gpg_allowlist.is_empty() {
            return Ok(());
        }
        let signer = fingerprint(&out.stderr_text()).unwrap_or_else(|| "None".to_owned());
        if args.gpg_allowlist.contains(&signer) {
            return Ok(());
        }
        let text = format!("The gpg_allowlist does not include the public key \"{signer}\" for this commit");
        Err(told(Failure::new(text), &out))
    }
}

/// The primary key of a good signature, from what gpg tells in status lines.
fn fingerprint(status: &str) -> Option<String> {
    let words: Vec<&str> =
        status.lines().map(|l| l.split_whitespace().collect::<Vec<_>>()).find(|w| w.get(1) == Some(&"VALIDSIG"))?;
    let place = if words.len() > 11 { 11 } else { 2 };
    words.get(place).map(|w| (*w).to_owned())
}

/// A directory and those above it.
pub(super) fn make_dirs(host: &mut dyn Change, dir: &Path) -> Result<(), Failure> {
    let missing: Vec<_> = dir.ancestors().take_while(|d| !host.exists(d)).map(Path::to_owned).collect();
    for dir in missing.iter().rev() {
        host.create_dir(dir, 0o777 & !host.umask())
            .map_err(|e| Failure::io(format!("could not create directory {}", dir.display()), &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_primary_key_counts() {
        let line = "[GNUPG:] VALIDSIG SUB 2020-01-01 1 0 4 0 1 8 00 PRIMARY";
        assert_eq!(super::fingerprint(&format!("[GNUPG:] NEWSIG\n{line}")).as_deref(), Some("PRIMARY"));
        assert_eq!(super::fingerprint("[GNUPG:] VALIDSIG ONE 2020").as_deref(), Some("ONE"));
        assert_eq!(super::fingerprint("gpg: nothing\n"), None);
    }
}
