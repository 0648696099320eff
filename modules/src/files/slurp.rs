//! `slurp`: a file's content in the result, as Base64.

use super::shared::text;
use crate::contract::{Arg, Call, Failure, Kind, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::PathBuf;

pub struct Slurp;

#[derive(Deserialize)]
pub struct Args {
    src: PathBuf,
}

impl Module for Slurp {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: r#"
- name: Read a file
  ansible.builtin.slurp:
    src: /etc/os-release
  register: os_release
"#,
        returns: &[
            Return { name: "content", when: "always", doc: "The file's bytes, Base64." },
            Return { name: "encoding", when: "always", doc: "`base64`." },
            Return { name: "source", when: "always", doc: "The file that was read." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.slurp",
            "Reads a file of the host.",
            &[Arg::path("src").required().aliases(&["path"]).doc("The file.")],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<()>, Failure> {
        let source = text(&args.src);
        let bytes = host.read(&args.src).map_err(|e| {
            let msg = match e.kind() {
                ErrorKind::NotFound => format!("File not found: {source}"),
                ErrorKind::PermissionDenied => format!("File is not readable: {source}"),
                ErrorKind::IsADirectory => format!("Source is a directory and must be a file: {source}"),
                _ => format!("Unable to slurp file: {source}"),
            };
            Failure::new(msg).with("exception", e.to_string())
        })?;
        let outcome = Outcome::unchanged()
            .with("content", BASE64_STANDARD.encode(bytes))
            .with("source", source)
            .with("encoding", "base64");
        Ok(Plan::Done(outcome))
    }
    fn preview(_: &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }
    fn apply(_: (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
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
    fn content_and_refusals() {
        let entry = Entry::of::<Slurp>();
        let mut host = Fake::new().file("/etc/x", b"hi\n\xff");
        let out = case(&entry, json!({"path": "/etc/x"}), &mut host).expect("it is there");
        assert_eq!(out.values["content"], "aGkK/w==");
        let missing = case(&entry, json!({"src": "/etc/y"}), &mut host).expect_err("it is not there");
        assert_eq!(missing.msg, "File not found: /etc/y");
        let dir = case(&entry, json!({"src": "/etc"}), &mut host).expect_err("a directory");
        assert_eq!(dir.msg, "Source is a directory and must be a file: /etc");
    }
}
