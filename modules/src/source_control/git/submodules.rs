//! Submodules of a checkout.

use super::repository::Repository;
use super::{Args, told};
use crate::contract::Failure;
use crate::host::{Change, Observe};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Whether submodules are missing or not at the commit they should be at; gets their new commits.
pub(super) fn outdated(git: &Repository, args: &Args, host: &mut dyn Change) -> Result<bool, Failure> {
    let dest = git.dest.clone().unwrap_or_default();
    let Ok(list) = host.read_text(&dest.join(".gitmodules")) else { return Ok(false) };
    let paths = list.lines().filter(|l| l.trim_start().starts_with("path")).filter_map(|l| l.split_once('='));
    let missing = |path: &str| !host.exists(&dest.join(path.trim()).join(".git"));
    if paths.into_iter().any(|(_, path)| missing(path)) {
        return Ok(true);
    }
    let before = commits(git, host.observe(), "HEAD")?;
    let program = git.program.to_string_lossy().into_owned();
    git.act(host, ["submodule", "foreach", &program, "fetch"])?;
    if args.track_submodules {
        return Ok(before != commits(git, host.observe(), &format!("{}/master", args.remote))?);
    }
    let status = git.ask(host.observe(), ["submodule", "status"])?;
    Ok(status.lines().any(|line| !line.starts_with(' ')))
}

fn commits(git: &Repository, host: &dyn Observe, version: &str) -> Result<BTreeMap<String, String>, Failure> {
    let program = git.program.to_string_lossy().into_owned();
    let out = git.try_ask(host, ["submodule", "foreach", &program, "rev-parse", version])?;
    if !out.ok() {
        return Err(told(Failure::new("Unable to determine hashes of submodules"), &out));
    }
    let mut found = BTreeMap::new();
    let mut name = None;
    for line in out.stdout_text().lines() {
        if let Some(entered) = line.strip_prefix("Entering '").and_then(|l| l.strip_suffix('\'')) {
            name = Some(entered.to_owned());
        } else if let Some(name) = name.take().filter(|_| line.trim().len() == 40) {
            found.insert(name, line.trim().to_owned());
        } else {
            return Err(Failure::new(format!("Unable to parse submodule hash line: {}", line.trim())));
        }
    }
    match name {
        Some(name) => Err(Failure::new(format!("Unable to find hash for submodule: {name}"))),
        None => Ok(found),
    }
}

pub(super) fn update(git: &Repository, args: &Args, host: &mut dyn Change) -> Result<(), Failure> {
    let list: PathBuf = git.dest.clone().unwrap_or_default().join(".gitmodules");
    if !host.exists(&list) {
        return Ok(());
    }
    git.act(host, ["submodule", "sync"])?;
    let mut line = vec!["submodule", "update", "--init", "--recursive"];
    line.extend(args.track_submodules.then_some("--remote"));
    line.extend(args.force.then_some("--force"));
    let (_, out) = git.try_act(host, line)?;
    if out.ok() {
        return Ok(());
    }
    Err(Failure::new(format!("Failed to init/update submodules: {}{}", out.stdout_text(), out.stderr_text())))
}
