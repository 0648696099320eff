//! How git reaches servers over ssh: `GIT_SSH_COMMAND` from the task's options.

use super::Args;
use super::repository::Version;
use crate::contract::Failure;
use crate::host::steps::query;
use crate::host::{Command, Observe};
use std::collections::BTreeMap;

/// The first git that reads `GIT_SSH_COMMAND`.
const FIRST: Version = Version([2, 3, 0]);

/// The variables that steer ssh.
///
/// # Errors
/// Where git is too old to be steered, or ssh is missing.
pub(super) fn environment(
    args: &Args,
    git: Option<Version>,
    host: &dyn Observe,
    warnings: &mut Vec<String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let asked = args.key_file.is_some() || args.ssh_opts.is_some() || args.accept_hostkey || args.accept_newhostkey;
    if git.is_some_and(|version| version < FIRST) {
        return if asked {
            Err(Failure::new("options for ssh need git 2.3 or newer on the host"))
        } else {
            Ok(BTreeMap::new())
        };
    }
    let mut options = host.env("GIT_SSH_OPTS").unwrap_or_default();
    if let Some(more) = &args.ssh_opts {
        options = format!("{options} {more}");
    }
    let settled = |options: &str| {
        options.contains("-o StrictHostKeyChecking=no") || options.contains("-o StrictHostKeyChecking=accept-new")
    };
    if args.accept_hostkey && !settled(&options) {
        options += " -o StrictHostKeyChecking=no";
    }
    if args.accept_newhostkey {
        if !accepts_new_keys(host)? {
            warnings
                .push("Your ssh client does not support accept_newhostkey option, therefore it cannot be used.".into());
        } else if !settled(&options) {
            options += " -o StrictHostKeyChecking=accept-new";
        }
    }
    // Nobody is there to answer questions.
    if !options.contains("BatchMode=yes") {
        options += " -o BatchMode=yes";
    }
    if let Some(key) = &args.key_file {
        options += &format!(" -i {}", crate::host::quote_word(key));
        if !options.contains("IdentitiesOnly=yes") {
            options += " -o IdentitiesOnly=yes";
        }
    }
    let ssh = host.env("GIT_SSH").or_else(|| host.env("GIT_SSH_COMMAND")).unwrap_or_else(|| "ssh".to_owned());
    Ok(BTreeMap::from([("GIT_SSH_COMMAND".to_owned(), format!("{ssh} {}", options.trim_start()))]))
}

fn accepts_new_keys(host: &dyn Observe) -> Result<bool, Failure> {
    let Some(ssh) = host.which("ssh") else {
        let text = "Remote host is missing ssh command, so you cannot use acceptnewhostkey option.";
        return Err(Failure::new(text));
    };
    Ok(query(host, &Command::new(ssh).args(["-o", "StrictHostKeyChecking=accept-new", "-V"]))?.ok())
}
