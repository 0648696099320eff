//! `assemble`: one file from the fragments in a directory of the host's. Fragments of the controller's come as `copy`.

use super::shared::{Draft, Edit, Style, md5_hex, sha1_hex, text};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, FILE_ARGS, FileAttrs, FileKind, Observe};
use crate::text::{Flags, Pattern};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Assemble;

#[derive(Deserialize)]
pub struct Args {
    src: PathBuf,
    dest: PathBuf,
    delimiter: Option<String>,
    backup: bool,
    regexp: Option<String>,
    ignore_hidden: bool,
    validate: Option<String>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

impl Module for Assemble {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        diff: true,
        examples: r#"
- name: One file from many
  ansible.builtin.assemble:
    src: /etc/app/conf.d
    dest: /etc/app/app.conf
    remote_src: true
    delimiter: '### next part ###'
"#,
        returns: &[
            Return { name: "dest", when: "always", doc: "The file." },
            Return { name: "checksum", when: "always", doc: "SHA-1 of the content." },
            Return { name: "md5sum", when: "always", doc: "MD5 of the content." },
            Return { name: "backup_file", when: "backup and changed", doc: "Name of the backup." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.assemble",
            "One file from the fragments in a directory.",
            &[
                Arg::path("src").required().doc("The directory."),
                Arg::path("dest").required().doc("The file."),
                Arg::str("delimiter").doc(r"Text between fragments; `\n` and the like are read."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file under another name."),
                Arg::bool("remote_src").default(Literal::Bool(true)).doc("The directory is on the host."),
                Arg::str("regexp").doc("Only fragments whose name fits."),
                Arg::bool("ignore_hidden").default(Literal::Bool(false)).doc("Leave out names with a leading dot."),
                Arg::str("validate").doc("Command that must accept the new file; `%s` stands for it."),
                Arg::bool("decrypt").default(Literal::Bool(true)).doc("Decrypt fragments that are vaults."),
            ],
        )
    };
    type Args = Args;
    type Work = Edit;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Edit>, Failure> {
        let src = args.src.display();
        if host.stat(&args.src).is_err() {
            return Err(Failure::new(format!("Source ({src}) does not exist")));
        }
        if !host.is_dir(&args.src) {
            return Err(Failure::new(format!("Source ({src}) is not a directory")));
        }
        let regexp = match args.regexp.as_deref() {
            Some(regexp) => Some(
                Pattern::new(regexp, Flags::default())
                    .map_err(|e| Failure::new(format!("Invalid Regexp ({e}) in \"{regexp}\"")))?,
            ),
            None => None,
        };
        if let Some(validate) = args.validate.as_deref().filter(|v| !v.is_empty() && !v.contains("%s")) {
            return Err(Failure::new(format!("validate must contain %s: {validate}")));
        }
        let content = fragments(&args, regexp.as_ref(), host)?;
        let before = if host.stat(&args.dest).is_ok() {
            Some(host.read(&args.dest).map_err(|e| Failure::io(args.dest.display(), &e))?)
        } else {
            None
        };
        let outcome = Outcome::default()
            .with("src", text(&args.src))
            .with("dest", text(&args.dest))
            .with("checksum", sha1_hex(&content))
            .with("md5sum", md5_hex(&content));
        let draft = Draft {
            path: &args.dest,
            before,
            after: content,
            attrs: &args.attrs,
            backup: args.backup,
            backup_key: "backup_file",
            validate: args.validate.clone(),
            msg: "OK".to_owned(),
            outcome,
            style: Style::Whole { follow: false },
        };
        Edit::plan(draft, host, call)
    }
    fn preview(edit: &Edit, _: &Call) -> Outcome {
        edit.preview()
    }
    fn apply(edit: Edit, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        edit.apply(host)
    }
}

/// The fragments of the host's directory, joined.
fn fragments(args: &Args, regexp: Option<&Pattern>, host: &dyn Observe) -> Result<Vec<u8>, Failure> {
    let mut names: Vec<String> = host
        .read_dir(&args.src)
        .map_err(|e| Failure::io(args.src.display(), &e))?
        .into_iter()
        .map(|n| n.to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut parts = Vec::new();
    for name in names {
        let path = Path::new(&args.src).join(&name);
        let wanted = is_wanted(&name, regexp, args.ignore_hidden);
        if wanted && host.stat(&path).is_ok_and(|s| s.kind == FileKind::File) {
            parts.push(host.read(&path).map_err(|e| Failure::io(path.display(), &e))?);
        }
    }
    Ok(join(parts, args.delimiter.as_deref()))
}

/// Whether a fragment of that name belongs to the whole.
pub fn is_wanted(name: &str, regexp: Option<&Pattern>, ignore_hidden: bool) -> bool {
    regexp.is_none_or(|r| r.is_match(name)) && !(ignore_hidden && name.starts_with('.'))
}

/// Fragments one after the other, each on lines of its own, with the delimiter (its escapes are read) between them.
pub fn join(parts: impl IntoIterator<Item = Vec<u8>>, delimiter: Option<&str>) -> Vec<u8> {
    let delimiter = delimiter.filter(|d| !d.is_empty()).map(unescape);
    let mut out = Vec::new();
    for (rank, content) in parts.into_iter().enumerate() {
        if rank > 0 {
            if !out.ends_with(b"\n") {
                out.push(b'\n');
            }
            if let Some(delimiter) = &delimiter {
                out.extend_from_slice(delimiter.as_bytes());
                if !delimiter.ends_with('\n') {
                    out.push(b'\n');
                }
            }
        }
        out.extend_from_slice(&content);
    }
    out
}

/// `\n`, `\t`, `\r` and `\\` in a delimiter.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('\\')) => out.push('\\'),
            ('\\', Some(other)) => out.extend(['\\', other]),
            (c, _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    #[test]
    fn fragments_in_order_with_delimiters() {
        let entry = Entry::of::<Assemble>();
        let mut host =
            Fake::new().file("/d/2", "two\n").file("/d/1", "one").file("/d/.h", "hidden\n").file("/d/sub/x", "");
        let args = json!({"src": "/d", "dest": "/out", "ignore_hidden": true, "delimiter": r"#\t-"});
        let out = case(&entry, args, &mut host).expect("written");
        assert_eq!((host.text("/out").as_str(), &out.values["msg"]), ("one\n#\t-\ntwo\n", &json!("OK")));
        case(&entry, json!({"src": "/d", "dest": "/out", "regexp": "^[.1]"}), &mut host).expect("written");
        assert_eq!(host.text("/out"), "hidden\none");
        let gone = case(&entry, json!({"src": "/none", "dest": "/out"}), &mut host).expect_err("gone");
        assert_eq!(gone.msg, "Source (/none) does not exist");
    }
}
