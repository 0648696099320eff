//! `git`: a checkout of a repository, with the host's own git.

mod archive;
mod repository;
mod ssh;
mod submodules;
mod update;

use crate::contract::{
    Arg, ArgType, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::steps::required;
use crate::host::{Change, Observe};
use repository::{Repository, Version};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Git;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    repo: String,
    dest: Option<String>,
    version: String,
    remote: String,
    refspec: Option<String>,
    reference: Option<String>,
    force: bool,
    depth: Option<i64>,
    clone: bool,
    update: bool,
    verify_commit: bool,
    gpg_allowlist: Vec<String>,
    accept_hostkey: bool,
    accept_newhostkey: bool,
    key_file: Option<String>,
    ssh_opts: Option<String>,
    executable: Option<String>,
    bare: bool,
    recursive: bool,
    single_branch: bool,
    track_submodules: bool,
    umask: Option<Json>,
    archive: Option<PathBuf>,
    archive_prefix: Option<String>,
    separate_git_dir: Option<PathBuf>,
}

/// A change that is due.
pub struct Work {
    git: Repository,
    args: Args,
    /// Where the repository's own files are now, if they are to move to `separate_git_dir`.
    relocate: Option<PathBuf>,
    what: What,
    warnings: Vec<String>,
}

/// What is to be done with the checkout.
enum What {
    Clone,
    /// With the commit that is checked out now, and whether files were changed by hand.
    Update {
        before: String,
        local_mods: bool,
    },
    /// Only an archive is wanted, of this commit.
    Archive {
        before: String,
    },
}

impl Module for Git {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[
            Rule::MutuallyExclusive(&["separate_git_dir", "bare"]),
            Rule::MutuallyExclusive(&["accept_hostkey", "accept_newhostkey"]),
            Rule::RequiredBy { arg: "archive_prefix", required: &["archive"] },
        ],
        examples: r#"
- name: A release of the application
  ansible.builtin.git:
    repo: https://git.example.com/app.git
    dest: /srv/app
    version: v1.2.0

- name: The newest commit only, with a key of its own
  ansible.builtin.git:
    repo: git@git.example.com:app.git
    dest: /srv/app
    depth: 1
    key_file: /root/.ssh/deploy
    accept_newhostkey: true
"#,
        returns: &[
            Return { name: "after", when: "success", doc: "The commit that is checked out now." },
            Return { name: "before", when: "success", doc: "The one before; null when it was cloned." },
            Return { name: "remote_url_changed", when: "success", doc: "Whether the remote has a new address." },
            Return { name: "submodules_changed", when: "success", doc: "Whether submodules were updated." },
            Return { name: "git_dir_now", when: "success", doc: "Where the repository's own files lie now." },
            Return { name: "git_dir_before", when: "success", doc: "Where they lay before." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.git",
            "Keeps a checkout of a git repository.",
            &[
                Arg::str("repo").required().aliases(&["name"]).doc("Address of the repository."),
                Arg::path("dest").doc("Directory of the checkout; not needed without `clone`."),
                Arg::str("version").default(Literal::Str("HEAD")).doc("Branch, tag, or commit."),
                Arg::str("remote").default(Literal::Str("origin")).doc("Name of the remote."),
                Arg::str("refspec").doc("What to fetch besides."),
                Arg::str("reference").doc("A repository beside it whose objects are borrowed."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Throw away changes made by hand."),
                Arg::int("depth").doc("Number of commits of history."),
                Arg::bool("clone").default(Literal::Bool(true)).doc("Clone where there is no checkout."),
                Arg::bool("update").default(Literal::Bool(true)).doc("Get new commits."),
                Arg::bool("verify_commit").default(Literal::Bool(false)).doc("The commit or tag must be signed."),
                Arg::list("gpg_allowlist", ArgType::Str)
                    .aliases(&["gpg_whitelist"])
                    .default(Literal::Strs(&[]))
                    .doc("Fingerprints of keys that may sign."),
                Arg::bool("accept_hostkey").default(Literal::Bool(false)).doc("Accept any key of the server."),
                Arg::bool("accept_newhostkey")
                    .default(Literal::Bool(false))
                    .doc("Accept the key of a server not known yet."),
                Arg::path("key_file").doc("Private key for ssh."),
                Arg::str("ssh_opts").doc("More options of ssh."),
                Arg::path("executable").doc("The git to use."),
                Arg::bool("bare").default(Literal::Bool(false)).doc("A repository without a checkout."),
                Arg::bool("recursive").default(Literal::Bool(true)).doc("Submodules too."),
                Arg::bool("single_branch").default(Literal::Bool(false)).doc("Clone one branch only."),
                Arg::bool("track_submodules")
                    .default(Literal::Bool(false))
                    .doc("The newest commits of submodules, not those that are pinned."),
                Arg::raw("umask").doc("Mask for new files, as a quoted octal number."),
                Arg::path("archive").doc("An archive to make of the checkout: .zip, .gz, .tar or .tgz."),
                Arg::str("archive_prefix").doc("Put before each name in the archive."),
                Arg::path("separate_git_dir").doc("Where the repository's own files are to lie."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let mut warnings = Vec::new();
        let program = match &args.executable {
            Some(path) => PathBuf::from(path),
            None => required(host, "git")?,
        };
        let umask = umask(args.umask.as_ref())?;
        if args.repo.starts_with('/') || args.repo.starts_with("~/") {
            args.repo = format!("file://{}", crate::host::expand_path(host, &args.repo));
        }
        args.separate_git_dir = args.separate_git_dir.map(|dir| host.canonicalize(&dir).unwrap_or(dir));
        let dest = match &args.dest {
            Some(dest) => Some(absolute(host, Path::new(dest))),
            None if args.clone => {
                return Err(Failure::new("the destination directory must be specified unless clone=no"));
            }
            None => None,
        };
        let mut git = Repository { program, dest, umask, env: Default::default(), version: None };
        git.version = git.installed(host);
        git.env = ssh::environment(&args, git.version, host, &mut warnings)?;
        if args.depth.is_some() && git.version.is_some_and(|v| v < Version([1, 9, 1])) {
            warnings.push(
                "git version is too old to fully support the depth argument. Falling back to full checkouts.".into(),
            );
            args.depth = None;
        }
        let mut relocate = None;
        let mut git_dir = None;
        if git.dest.is_some() {
            let found = git.directory(host, args.bare).map_err(invalid_reference)?;
            if let Some(wanted) = &args.separate_git_dir
                && host.exists(&found)
                && *wanted != found
            {
                if host.exists(wanted) {
                    let text = format!("Separate-git-dir path {} already exists.", wanted.display());
                    return Err(Failure::new(text));
                }
                relocate = Some(found.clone());
            }
            git_dir = Some(found);
        }
        let there = git_dir.is_some_and(|dir| host.exists(&dir.join("config")));
        let changed = |changed: bool| Outcome { changed, warnings: warnings.clone(), ..Outcome::default() };
        if !there {
            if !call.check && args.clone {
                return Ok(Plan::Work(Work { git, args, relocate, what: What::Clone, warnings }));
            }
            let after = git.remote_head(host, &args, &args.repo.clone())?;
            let mut outcome = changed(true).with("before", Json::Null).with("after", after.as_str());
            if call.diff {
                outcome.diff.push(newly(&after));
            }
            return Ok(Plan::Done(outcome));
        }
        let before = git.commit(host, "HEAD")?;
        if !args.update {
            if args.archive.is_some() || relocate.is_some() {
                return Ok(Plan::Work(Work { git, args, relocate, what: What::Archive { before }, warnings }));
            }
            return Ok(Plan::Done(changed(false).with("before", before.as_str()).with("after", before.as_str())));
        }
        let local_mods = git.local_mods(host, args.bare)?;
        if local_mods && !args.force {
            let text = format!("Local modifications exist in the destination: {} (force=no).", git.shown_dest());
            return Err(Failure::new(text).with("before", before));
        }
        if !call.check {
            return Ok(Plan::Work(Work { git, args, relocate, what: What::Update { before, local_mods }, warnings }));
        }
        let moved = git.remote_moved(host, &args)?;
        let after = git.remote_head(host, &args, &args.remote.clone())?;
        let mut outcome = changed(before != after || moved || relocate.is_some())
            .with("before", before.as_str())
            .with("after", after.as_str())
            .with("remote_url_changed", moved);
        if call.diff {
            outcome.diff.extend(git.diff(host, &before, &after)?);
        }
        Ok(Plan::Done(outcome))
    }

    /// Check mode of an archive alone; all else is told by the plan.
    fn preview(work: &Work, _: &Call) -> Outcome {
        let outcome = Outcome { changed: true, warnings: work.warnings.clone(), ..Outcome::default() };
        match &work.what {
            What::Archive { before } => outcome.with("before", before.as_str()).with("after", before.as_str()),
            What::Clone | What::Update { .. } => outcome,
        }
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { git, args, relocate, what, warnings } = work;
        let mut result = Outcome { warnings, ..Outcome::default() };
        if let (Some(from), Some(to)) = (relocate, &args.separate_git_dir) {
            git.relocate(host, &from, to)?;
            result.changed = true;
            result.set("git_dir_before", from.to_string_lossy());
            result.set("git_dir_now", to.to_string_lossy());
        }
        let (before, local_mods, moved) = match what {
            What::Archive { before } => {
                result.set("before", before.as_str());
                result.set("after", before);
                if let Some(archive) = &args.archive {
                    result.changed |= archive::make(&git, &args, archive, host)?;
                }
                return Ok(result);
            }
            What::Clone => {
                git.clone_it(host, &args, &mut result.warnings)?;
                result.set("before", Json::Null);
                (None, false, false)
            }
            What::Update { before, local_mods } => {
                result.set("before", before.as_str());
                if local_mods {
                    git.act(host, ["reset", "--hard", "HEAD"])?;
                    result.changed = true;
                    let text = format!("Local modifications exist in the destination: {}", git.shown_dest());
                    result.set("msg", text);
                }
                let moved = git.move_remote(host, &args)?;
                result.set("remote_url_changed", moved);
                git.fetch(host, &args, args.force)?;
                (Some(before), local_mods, moved)
            }
        };
        let mut submodules = false;
        if !args.bare {
            git.switch(host, &args)?;
            submodules = args.recursive && submodules::outdated(&git, &args, host)?;
            if submodules {
                result.set("submodules_changed", true);
                submodules::update(&git, &args, host)?;
            }
        }
        let after = git.commit(host.observe(), "HEAD")?;
        result.set("after", after.as_str());
        if before.as_deref() != Some(after.as_str()) || local_mods || submodules || moved {
            result.changed = true;
            if call.diff {
                match &before {
                    None => result.diff.push(newly(&after)),
                    Some(before) => result.diff.extend(git.diff(host.observe(), before, &after)?),
                }
            }
        }
        if let Some(archive) = &args.archive {
            result.changed = archive::make(&git, &args, archive, host)? || result.changed;
        }
        Ok(result)
    }
}

fn newly(after: &str) -> Diff {
    Diff { prepared: Some(format!(">> Newly checked out {after}")), ..Diff::default() }
}

fn invalid_reference(details: String) -> Failure {
    let text = "Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path";
    Failure::new(text).with("details", details)
}

fn umask(given: Option<&Json>) -> Result<Option<u32>, Failure> {
    match given {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => u32::from_str_radix(text.trim().trim_start_matches("0o"), 8)
            .map(Some)
            .map_err(|e| Failure::new("umask must be an octal integer").with("details", e.to_string())),
        Some(_) => Err(Failure::new("umask must be defined as a quoted octal integer")),
    }
}

/// Without `.` and `..`; a relative path is taken from the present directory.
fn absolute(host: &dyn Observe, path: &Path) -> PathBuf {
    let base = if path.is_absolute() { PathBuf::new() } else { host.canonicalize(Path::new(".")).unwrap_or_default() };
    let mut out = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            std::path::Component::ParentDir => drop(out.pop()),
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// Return values as a failure tells them.
fn told(mut failure: Failure, out: &crate::host::Output) -> Failure {
    let values = [("stdout", out.stdout_text()), ("stderr", out.stderr_text())];
    failure.values.extend(values.map(|(name, text)| (name.to_owned(), text.into())));
    failure.values.extend(JsonMap::from_iter([("rc".to_owned(), out.rc.into())]));
    failure
}

#[cfg(test)]
mod tests;
