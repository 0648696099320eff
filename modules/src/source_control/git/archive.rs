//! An archive of the checkout.

use super::Args;
use super::repository::Repository;
use crate::contract::Failure;
use crate::host::{Change, WriteOptions};
use std::path::Path;

/// Makes the archive; whether it is another than the one that was there.
pub(super) fn make(git: &Repository, args: &Args, archive: &Path, host: &mut dyn Change) -> Result<bool, Failure> {
    let extension = archive.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let Some((_, format)) =
        [("zip", "zip"), ("gz", "tar.gz"), ("tar", "tar"), ("tgz", "tgz")].into_iter().find(|(e, _)| *e == extension)
    else {
        let text = format!("Unable to get file extension from archive file name : {}", archive.display());
        let details = "Please specify archive as filename with extension. File extension can be one of ['tar', \
                       'tar.gz', 'zip', 'tgz']";
        return Err(Failure::new(text).with("details", details));
    };
    if !host.exists(archive) {
        write(git, args, format, archive, host)?;
        return Ok(true);
    }
    let fail = |e: std::io::Error| Failure::io(format!("Failed to move the archive to {}", archive.display()), &e);
    let temporary = host.temp_dir(None, "git").map_err(fail)?.join(format!("archive.{format}"));
    write(git, args, format, &temporary, host)?;
    if host.read(&temporary).map_err(fail)? == host.read(archive).map_err(fail)? {
        return Ok(false);
    }
    host.copy(&temporary, archive, &WriteOptions::default()).map_err(fail)?;
    Ok(true)
}

fn write(git: &Repository, args: &Args, format: &str, to: &Path, host: &mut dyn Change) -> Result<(), Failure> {
    let to = to.to_string_lossy();
    let mut line = vec!["archive", "--format", format, "--output", &to];
    if let Some(prefix) = &args.archive_prefix {
        line.extend(["--prefix", prefix]);
    }
    line.push(&args.version);
    let (_, out) = git.try_act(host, line)?;
    if out.ok() {
        return Ok(());
    }
    let details = format!(
        "Git archive command failed to create archive {to} using {} directory.Error: {}",
        git.shown_dest(),
        out.stderr_text()
    );
    Err(Failure::new("Failed to perform archive operation").with("details", details))
}
