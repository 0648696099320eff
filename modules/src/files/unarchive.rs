//! `unarchive`: unpacks an archive.
//!
//! The controller's action sends `_content` (the archive as a [`Blob`]) and `_basename` (its name) for archives of its own;
//! with `remote_src` the archive is on the host. Tar archives are compared and unpacked by the host's GNU tar, as Ansible
//! does; zip archives here, unless `extra_opts` asks for `unzip`.

mod tar;
mod zip;

use super::shared::{glob, text};
use crate::contract::{
    Arg, ArgType, Blob, Call, CheckMode, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe, Wanted, path_info, state_of};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub struct Unarchive;

#[derive(Clone, Deserialize)]
pub struct Args {
    src: String,
    dest: PathBuf,
    remote_src: bool,
    copy: Option<bool>,
    creates: Option<String>,
    list_files: bool,
    keep_newer: bool,
    exclude: Vec<String>,
    include: Vec<String>,
    extra_opts: Vec<String>,
    _content: Option<Blob>,
    _basename: Option<String>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

pub struct Work {
    args: Args,
    wanted: Wanted,
    /// What check mode reports.
    foreseen: Outcome,
}

/// What an archive holds and how it compares with the directory.
struct Comparison {
    handler: &'static str,
    /// Names as in the archive, excluded ones left out.
    files: Vec<String>,
    differs: bool,
    /// One line for each difference, where the handler tells them.
    diff: Option<String>,
}

impl Module for Unarchive {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        check_mode: CheckMode::Partial,
        rules: &[Rule::MutuallyExclusive(&["include", "exclude"]), Rule::MutuallyExclusive(&["copy", "remote_src"])],
        examples: r#"
- name: Unpack an archive of the controller's
  ansible.builtin.unarchive:
    src: app.tar.gz
    dest: /srv/app
    owner: app
    extra_opts: [--strip-components=1]

- name: Unpack what was downloaded before
  ansible.builtin.unarchive:
    src: /tmp/tool.zip
    dest: /usr/local/bin
    remote_src: true
    creates: /usr/local/bin/tool
"#,
        returns: &[
            Return { name: "dest", when: "always", doc: "The directory." },
            Return { name: "src", when: "always", doc: "The archive." },
            Return { name: "handler", when: "always", doc: "Which kind of archive it is." },
            Return { name: "files", when: "list_files", doc: "Names in the archive." },
            Return { name: "extract_results", when: "it was unpacked", doc: "The command and what it said." },
        ],
        differs: "Check mode skips tar archives, as in Ansible. Zip archives need no `unzip` on the host unless `extra_opts` is given. A URL as `src` is refused: use get_url.",
        ..ModuleSpec::new(
            "ansible.builtin.unarchive",
            "Unpacks an archive.",
            &[
                Arg::path("src").required().doc("The archive: on the controller, or on the host with `remote_src`."),
                Arg::path("dest").required().doc("The directory to unpack in; it must exist."),
                Arg::bool("remote_src").default(Literal::Bool(false)).doc("The archive is on the host."),
                Arg::bool("copy")
                    .doc("The archive is on the controller (an old name for the contrary of `remote_src`)."),
                Arg::path("creates").doc("Do nothing where this exists."),
                Arg::bool("list_files").default(Literal::Bool(false)).doc("Return the names in the archive."),
                Arg::bool("keep_newer")
                    .default(Literal::Bool(false))
                    .doc("Keep files that are newer than the archive's."),
                Arg::list("exclude", ArgType::Str).default(Literal::Strs(&[])).doc("Names to leave out."),
                Arg::list("include", ArgType::Str).default(Literal::Strs(&[])).doc("Only these names."),
                Arg::list("extra_opts", ArgType::Str).default(Literal::Strs(&[])).doc("More options for tar or unzip."),
                Arg::bool("validate_certs").default(Literal::Bool(true)).doc("For URLs; see there."),
                Arg::int("io_buffer_size").default(Literal::Int(65_536)).doc("Taken and not used."),
                Arg::bool("decrypt").default(Literal::Bool(true)).doc("Decrypt a source that is a vault."),
                Arg::raw("_content"),
                Arg::str("_basename"),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if let Some(creates) = args.creates.as_deref().filter(|c| !glob(host, c).is_empty()) {
            let outcome = Outcome { skipped: true, ..Outcome::default() };
            return Ok(Plan::Done(outcome.with("msg", format!("skipped, since {creates} exists"))));
        }
        if !host.is_dir(&args.dest) {
            return Err(Failure::new(format!("dest '{}' must be an existing dir", args.dest.display())));
        }
        if args._content.is_none() {
            let src = Path::new(&args.src);
            if !args.remote_src && args.copy != Some(false) {
                return Err(Failure::new(format!("Source '{}' failed to transfer", args.src)));
            }
            if args.src.contains("://") {
                return Err(Failure::new(format!("src {} is a URL: download it with get_url first", args.src)));
            }
            match host.stat(src) {
                Err(_) => return Err(Failure::new(format!("Source '{}' does not exist", args.src))),
                Ok(_) if !host.access(src, 4) => {
                    return Err(Failure::new(format!("Source '{}' not readable", args.src)));
                }
                Ok(stat) if stat.size == 0 => {
                    return Err(Failure::new(format!("Invalid archive '{}', the file is 0 bytes", args.src)));
                }
                Ok(_) => {}
            }
        }
        let wanted = args.attrs.resolve(host, &args.dest, call)?;
        let foreseen = if call.check { foresee(&args, &wanted, host, call)? } else { Outcome::default() };
        Ok(Plan::Work(Work { args, wanted, foreseen }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.foreseen.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let (src, temporary) = bring(&work.args, host, call)?;
        let result = unpack(&work, &src, host);
        if let Some(dir) = temporary {
            let _ = host.remove_dir_all(&dir);
        }
        result
    }
}

/// Check mode: zip archives are compared, tar archives are skipped, as Ansible does.
fn foresee(args: &Args, wanted: &Wanted, host: &dyn Observe, call: &Call) -> Result<Outcome, Failure> {
    let bytes = match &args._content {
        Some(blob) => {
            let fail = |e| Failure::io("could not get the archive from the controller", &e);
            let mut bytes = Vec::new();
            let mut reader = call.blobs.open(blob.id).map_err(fail)?;
            std::io::Read::read_to_end(&mut reader, &mut bytes).map_err(fail)?;
            bytes
        }
        None => host.read(Path::new(&args.src)).map_err(|e| Failure::io(&args.src, &e))?,
    };
    if !zip::is_zip(&bytes) {
        let msg = "remote module (unarchive) does not support check mode when using gtar";
        return Ok(Outcome { skipped: true, ..Outcome::default() }.with("msg", msg));
    }
    let found = zip::compare(&bytes, args, wanted, host)?;
    let mut outcome = Outcome::changed(found.differs);
    describe(&mut outcome, args, &args.src, &found);
    Ok(outcome)
}

/// The archive's place on the host; a private directory if it had to be brought there.
fn bring(args: &Args, host: &mut dyn Change, call: &Call) -> Result<(PathBuf, Option<PathBuf>), Failure> {
    let Some(blob) = &args._content else { return Ok((PathBuf::from(&args.src), None)) };
    let dir = host.temp_dir(None, ".tightbeam-").map_err(|e| Failure::io("temporary directory", &e))?;
    let name = args._basename.as_deref().and_then(|n| Path::new(n).file_name()).unwrap_or("source".as_ref());
    let path = dir.join(name);
    let fail = |e| Failure::io("could not get the archive from the controller", &e);
    let mut content = call.blobs.open(blob.id).map_err(fail)?;
    let options = crate::host::WriteOptions { mode: Some(0o600), ..Default::default() };
    host.write(&path, &mut content, &options).map_err(fail)?;
    let sha1 = super::shared::checksum(host.observe(), &path, "sha1").map_err(fail)?;
    if sha1 != blob.sha1 && !blob.sha1.is_empty() {
        return Err(Failure::new(format!("Source '{}' failed to transfer", args.src)));
    }
    Ok((path, Some(dir)))
}

fn describe(outcome: &mut Outcome, args: &Args, src: &str, found: &Comparison) {
    outcome.set("handler", found.handler);
    outcome.set("dest", text(&args.dest));
    outcome.set("src", src);
    if args.list_files {
        outcome.set("files", found.files.clone());
    }
    if let Some(diff) = found.diff.as_ref().filter(|d| !d.is_empty()) {
        outcome.diff.push(Diff { prepared: Some(diff.clone()), ..Diff::default() });
    }
}

fn unpack(work: &Work, src: &Path, host: &mut dyn Change) -> Result<Outcome, Failure> {
    let args = &work.args;
    let is_zip = {
        let mut head = [0; 4];
        let mut file = host.open(src).map_err(|e| Failure::io(src.display(), &e))?;
        std::io::Read::read_exact(&mut file, &mut head).is_ok() && zip::is_zip(&head)
    };
    let (found, results) = if is_zip {
        let bytes = host.read(src).map_err(|e| Failure::io(src.display(), &e))?;
        let found = zip::compare(&bytes, args, &work.wanted, host.observe())?;
        let results = if found.differs { Some(zip::extract(&bytes, src, args, host)?) } else { None };
        (found, results)
    } else {
        let tar = tar::Tar::open(src, args, host.observe())?;
        let found = tar.compare(args, host.observe())?;
        let results = if found.differs { Some(tar.extract(args, host)?) } else { None };
        (found, results)
    };
    let mut outcome = Outcome::changed(found.differs);
    describe(&mut outcome, args, &text(src), &found);
    if let Some(results) = results {
        let rc = results.get("rc").and_then(crate::contract::Json::as_i64).unwrap_or(0);
        outcome.set("extract_results", results);
        if rc != 0 {
            let msg = format!("failed to unpack {} to {}", src.display(), args.dest.display());
            return Err(Failure { msg, values: outcome.values, ..Failure::default() });
        }
    }
    if !work.wanted.is_empty() {
        let tops = found.files.iter().filter_map(|f| f.split_once('/')).map(|(top, _)| top.to_owned());
        let all: BTreeSet<String> = found.files.iter().cloned().chain(tops).collect();
        for name in all {
            let path = args.dest.join(name.trim_start_matches('/'));
            if state_of(host.observe(), &path) != "absent" {
                outcome.changed |= work.wanted.apply(host, &path)?.any();
            }
        }
    }
    outcome.values.extend(path_info(host.observe(), &args.dest));
    Ok(outcome)
}

/// For tests of archives that a test makes.
#[cfg(test)]
fn blob_of(bytes: &[u8]) -> crate::contract::Json {
    serde_json::json!({"id": 0, "size": bytes.len(), "sha1": super::shared::sha1_hex(bytes)})
}

#[cfg(test)]
mod tests;
