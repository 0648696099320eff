//! Questions to git about a checkout and its remote; they change nothing.

use super::{Args, told};
use crate::contract::{Diff, Failure};
use crate::host::steps::{execute, failed_command, plain_english, query};
use crate::host::{Change, Command, Observe, Output};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The first three numbers of git's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub [u32; 3]);

/// A git and the directory it works on.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    pub program: PathBuf,
    pub dest: Option<PathBuf>,
    pub umask: Option<u32>,
    pub env: BTreeMap<String, String>,
    pub version: Option<Version>,
}

impl Repository {
    /// `git ARGS` in a directory, if it is there.
    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>, cwd: Option<&Path>) -> Command {
        let mut command = plain_english(Command::new(&self.program).args(args));
        command.env.extend(self.env.clone());
        command.umask = self.umask;
        command.cwd = cwd.map(Path::to_owned);
        command
    }

    fn here(&self, host: &dyn Observe) -> Option<&Path> {
        self.dest.as_deref().filter(|dir| host.is_dir(dir))
    }

    /// Runs a command that only reads, whatever comes of it.
    pub fn try_ask<'a>(&self, host: &dyn Observe, args: impl IntoIterator<Item = &'a str>) -> Result<Output, Failure> {
        // A question must not write the index.
        query(host, &self.command(args, self.here(host)).env("GIT_OPTIONAL_LOCKS", "0"))
    }

    pub fn ask<'a>(&self, host: &dyn Observe, args: impl IntoIterator<Item = &'a str>) -> Result<String, Failure> {
        let command = self.command(args, self.here(host)).env("GIT_OPTIONAL_LOCKS", "0");
        let out = query(host, &command)?;
        if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
    }

    /// Runs a command that changes the checkout, whatever comes of it.
    pub fn try_act<'a>(
        &self,
        host: &mut dyn Change,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Result<(Command, Output), Failure> {
        let cwd = self.here(host.observe()).map(Path::to_owned);
        let command = self.command(args, cwd.as_deref());
        let out = execute(host, &command)?;
        Ok((command, out))
    }

    pub fn act<'a>(&self, host: &mut dyn Change, args: impl IntoIterator<Item = &'a str>) -> Result<String, Failure> {
        let (command, out) = self.try_act(host, args)?;
        if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
    }

    pub fn shown_dest(&self) -> String {
        self.dest.as_deref().unwrap_or(Path::new("")).display().to_string()
    }

    /// The version of git; `None` where it does not say.
    pub fn installed(&self, host: &dyn Observe) -> Option<Version> {
        let out = query(host, &self.command(["--version"], None)).ok().filter(Output::ok)?;
        let text = out.stdout_text();
        let mut numbers = text.strip_prefix("git version ")?.trim().split('.').map(|n| n.parse().unwrap_or(0));
        Some(Version(std::array::from_fn(|_| numbers.next().unwrap_or(0))))
    }

    /// Where the repository's own files are: `.git`, or where a file of that name points.
    ///
    /// # Errors
    /// Where that file cannot be used, in Python's words.
    pub fn directory(&self, host: &dyn Observe, bare: bool) -> Result<PathBuf, String> {
        let dest = self.dest.clone().unwrap_or_default();
        if bare {
            return Ok(dest);
        }
        let dot = dest.join(".git");
        if !host.stat(&dot).is_ok_and(|s| s.kind == crate::host::FileKind::File) {
            return Ok(dot);
        }
        let text = host.read_text(&dot).map_err(|e| e.to_string())?;
        let target =
            text.trim_end().strip_prefix("gitdir: ").ok_or(".git file has invalid git dir reference format")?;
        let target = dest.join(target);
        if host.is_dir(&target) { Ok(target) } else { Err(format!("{} is not a directory", target.display())) }
    }

    /// The commit that a name stands for.
    pub fn commit(&self, host: &dyn Observe, name: &str) -> Result<String, Failure> {
        Ok(self.try_ask(host, ["rev-parse", name])?.stdout_text().trim_end_matches('\n').to_owned())
    }

    /// Whether files that git knows were changed by hand.
    pub fn local_mods(&self, host: &dyn Observe, bare: bool) -> Result<bool, Failure> {
        if bare {
            return Ok(false);
        }
        let out = self.try_ask(host, ["status", "--porcelain"])?;
        Ok(out.stdout_text().lines().any(|line| !line.starts_with("??")))
    }

    fn listed(&self, host: &dyn Observe, remote: &str, kind: &str, name: &str) -> Result<String, Failure> {
        self.ask(host, ["ls-remote", remote, kind, name])
    }
    pub fn is_remote_branch(&self, host: &dyn Observe, remote: &str, version: &str) -> Result<bool, Failure> {
        Ok(self.listed(host, remote, "-h", &format!("refs/heads/{version}"))?.contains(version))
    }
    pub fn is_remote_tag(&self, host: &dyn Observe, remote: &str, version: &str) -> Result<bool, Failure> {
        Ok(self.listed(host, remote, "-t", &format!("refs/tags/{version}"))?.contains(version))
    }

    /// The commit that the wanted version has at the remote (a name, or before cloning an address).
    ///
    /// # Errors
    /// Where the remote does not answer or does not know it.
    pub fn remote_head(&self, host: &dyn Observe, args: &Args, remote: &str) -> Result<String, Failure> {
        let version = args.version.as_str();
        let mut tag = false;
        let (kind, name) = if version == "HEAD" {
            if remote == args.repo {
                ("-h", "HEAD".to_owned())
            } else {
                ("-h", format!("refs/heads/{}", self.head_branch(host, &args.remote, args.bare)?))
            }
        } else if self.is_remote_branch(host, remote, version)? {
            ("-h", format!("refs/heads/{version}"))
        } else if self.is_remote_tag(host, remote, version)? {
            tag = true;
            ("-t", format!("refs/tags/{version}*"))
        } else {
            // A commit: whether the remote has it cannot be asked.
            return Ok(version.to_owned());
        };
        let mut text = self.listed(host, remote, kind, &name)?;
        if text.is_empty() && name == "HEAD" {
            // Not every git lists HEAD among the heads.
            text = self.ask(host, ["ls-remote", remote, "HEAD"])?;
        }
        let mut line = text.lines().next().unwrap_or_default();
        if tag {
            // An annotated tag names its commit in a line of its own.
            let peeled = format!("{version}^{{}}");
            let plain = text.lines().rfind(|l| l.ends_with(version));
            line = text.lines().find(|l| l.ends_with(&peeled)).or(plain).unwrap_or(line);
        }
        line.split_whitespace().next().map(str::to_owned).ok_or_else(|| {
            let out = Output { stdout: text.clone().into_bytes(), ..Output::default() };
            told(Failure::new(format!("Could not determine remote revision for {version}")), &out)
        })
    }

    fn branches(&self, host: &dyn Observe) -> Result<Vec<String>, Failure> {
        let out = self.try_ask(host, ["branch", "--no-color", "-a"])?;
        if !out.ok() {
            let text = format!("Could not determine branch data - received {}", out.stdout_text());
            return Err(told(Failure::new(text), &out));
        }
        Ok(out.stdout_text().lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect())
    }
    pub fn is_local_branch(&self, host: &dyn Observe, branch: &str) -> Result<bool, Failure> {
        Ok(self.branches(host)?.iter().any(|b| b == branch || b.strip_prefix("* ") == Some(branch)))
    }
    fn is_detached(&self, host: &dyn Observe) -> Result<bool, Failure> {
        let words = ["no branch", "detached from", "detached at"];
        Ok(self.branches(host)?.iter().any(|b| b.starts_with("* ") && words.iter().any(|w| b.contains(w))))
    }

    /// The branch of the checkout; where there is none, the remote's own.
    pub fn head_branch(&self, host: &dyn Observe, remote: &str, bare: bool) -> Result<String, Failure> {
        let dir = self.directory(host, bare).map_err(super::invalid_reference)?;
        let file = if self.is_detached(host)? { format!("refs/remotes/{remote}/HEAD") } else { "HEAD".to_owned() };
        let text = host.read_text(&dir.join(file)).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().replacen(&format!("refs/remotes/{remote}"), "", 1);
        let name = line.rsplit(' ').next().unwrap_or_default();
        Ok(name.splitn(3, '/').last().unwrap_or_default().to_owned())
    }

    pub fn remote_url(&self, host: &dyn Observe, remote: &str) -> Result<Option<String>, Failure> {
        let out = self.try_ask(host, ["ls-remote", "--get-url", remote])?;
        Ok(out.ok().then(|| out.stdout_text().trim_end_matches('\n').to_owned()))
    }

    /// Whether the remote has another address than the wanted one.
    pub fn remote_moved(&self, host: &dyn Observe, args: &Args) -> Result<bool, Failure> {
        let plain = |text: &str| crate::host::expand_path(host, text).trim_end_matches('/').to_owned();
        let url = self.remote_url(host, &args.remote)?;
        Ok(url.is_some_and(|url| !url.is_empty() && url != args.repo && plain(&url) != plain(&args.repo)))
    }

    /// What lies between two commits, if both are here.
    pub fn diff(&self, host: &dyn Observe, before: &str, after: &str) -> Result<Option<Diff>, Failure> {
        if before == after {
            return Ok(None);
        }
        let out = self.try_ask(host, ["diff", before, after])?;
        let (said, err) = (out.stdout_text(), out.stderr_text());
        let prepared = match (out.ok(), said.is_empty(), err.is_empty()) {
            (true, false, _) => said,
            (true, true, _) => format!(">> No visual differences between {before} and {after}"),
            (false, _, false) => format!(">> Failed to get proper diff between {before} and {after}:\n>> {err}"),
            (false, _, true) => format!(">> Failed to get proper diff between {before} and {after}"),
        };
        Ok(Some(Diff { prepared: Some(prepared), ..Diff::default() }))
    }
}
