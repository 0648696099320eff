//! `tempfile`: a temporary file or directory that stays.

use super::shared::text;
use crate::contract::{Arg, Call, CheckMode, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe, WriteOptions, path_info};
use serde::Deserialize;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

pub struct Tempfile;

#[derive(Deserialize)]
pub struct Args {
    state: String,
    path: Option<PathBuf>,
    prefix: String,
    suffix: String,
}

pub struct Work {
    path: PathBuf,
    directory: bool,
}

impl Module for Tempfile {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        kind: Kind::Imperative,
        examples: r#"
- name: A directory to build in
  ansible.builtin.tempfile:
    state: directory
    suffix: build
  register: workdir
"#,
        returns: &[Return { name: "path", when: "always", doc: "The new file or directory." }],
        ..ModuleSpec::new(
            "ansible.builtin.tempfile",
            "Creates a temporary file or directory.",
            &[
                Arg::str("state").choices(&["file", "directory"]).default(Literal::Str("file")).doc("What to create."),
                Arg::path("path").doc("Where; the system's temporary directory if not given."),
                Arg::str("prefix").default(Literal::Str("ansible.")).doc("Start of the name."),
                Arg::str("suffix").default(Literal::Str("")).doc("End of the name."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        for (what, part) in [("prefix", &args.prefix), ("suffix", &args.suffix)] {
            if part.contains('/') {
                return Err(Failure::new(format!("{what} must be a valid file name component, got '{part}'")));
            }
        }
        let parent = args.path.or_else(|| host.env("TMPDIR").map(PathBuf::from)).unwrap_or_else(|| "/tmp".into());
        let number = std::collections::hash_map::RandomState::new().build_hasher().finish();
        let letters = b"abcdefghijklmnopqrstuvwxyz0123456789_";
        let random = (0..8).map(|i| char::from(letters[(number >> (i * 8) & 0xff) as usize % letters.len()]));
        let name = format!("{}{}{}", args.prefix, random.collect::<String>(), args.suffix);
        Ok(Plan::Work(Work { path: parent.join(name), directory: args.state == "directory" }))
    }
    fn preview(work: &Work, _: &Call) -> Outcome {
        Outcome::changed(true).with("path", text(&work.path))
    }
    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let made = if work.directory {
            host.create_dir(&work.path, 0o700)
        } else {
            host.write(&work.path, &mut &b""[..], &WriteOptions { mode: Some(0o600), ..WriteOptions::default() })
        };
        made.map_err(|e| Failure::io(work.path.display(), &e))?;
        let mut outcome = Outcome::changed(true).with("path", text(&work.path));
        outcome.values.extend(path_info(host.observe(), &work.path));
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    #[test]
    fn file_and_directory() {
        let entry = Entry::of::<Tempfile>();
        let mut host = Fake::new();
        let file = case(&entry, json!({"suffix": ".x"}), &mut host).expect("a file");
        let path = file.values["path"].as_str().expect("text");
        assert!(path.starts_with("/tmp/ansible.") && path.ends_with(".x"), "{path}");
        assert_eq!((&file.values["mode"], &file.values["state"]), (&json!("0600"), &json!("file")));
        let dir = case(&entry, json!({"state": "directory", "path": "/root"}), &mut host).expect("a directory");
        assert_eq!((&dir.values["mode"], &dir.values["state"]), (&json!("0700"), &json!("directory")));
        assert!(case(&entry, json!({"prefix": "a/b"}), &mut host).is_err());
    }
}
