//! `fetch`, the host's side: one file's content to the controller.
//!
//! Besides the author's arguments the controller sends `_stream`, the number under which it takes the content, and `_have`,
//! the SHA-1 of the file that it has already (null if none). The content comes only if it differs. The values `checksum`,
//! `md5sum`, `size`, `source` and `sent` are for the controller's action, which knows `dest` and makes the result. A file
//! that is missing is a failure, or with `fail_on_missing: false` an unchanged outcome with `msg` and `file`.

use super::shared::{checksum, text};
use crate::contract::{Arg, Call, CheckMode, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Fetch;

#[derive(Deserialize)]
pub struct Args {
    src: PathBuf,
    fail_on_missing: bool,
    _stream: Option<u32>,
    _have: Option<String>,
}

impl Module for Fetch {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        kind: Kind::Query,
        examples: r#"
- name: Logs of all hosts, each in a directory of its own
  ansible.builtin.fetch:
    src: /var/log/app.log
    dest: logs/
"#,
        returns: &[
            Return { name: "dest", when: "always", doc: "The file on the controller." },
            Return { name: "checksum", when: "success", doc: "SHA-1 of the content." },
            Return { name: "md5sum", when: "success", doc: "MD5 of the content." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.fetch",
            "Gets a file from the host.",
            &[
                Arg::path("src").required().doc("The file on the host."),
                Arg::str("dest").required().doc("Directory on the controller, or with `flat` the file."),
                Arg::bool("flat").default(Literal::Bool(false)).doc("No directory for the host and the path."),
                Arg::bool("fail_on_missing").default(Literal::Bool(true)).doc("A missing file is a failure."),
                Arg::bool("validate_checksum").default(Literal::Bool(true)).doc("Compare checksums afterwards."),
                Arg::int("_stream"),
                Arg::str("_have"),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<()>, Failure> {
        let path = &args.src;
        let trouble = |msg: &str| {
            if args.fail_on_missing {
                return Err(Failure::new(msg).with("file", text(path)));
            }
            Ok(Plan::Done(Outcome::unchanged().with("msg", msg).with("file", text(path))))
        };
        let stat = match host.stat(path) {
            Ok(stat) => stat,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return trouble("the remote file does not exist, not transferring, ignored");
            }
            Err(e) => return trouble(&format!("{}: {e}", path.display())),
        };
        if host.is_dir(path) {
            let msg = "remote file is a directory, fetch cannot work on directories";
            return if args.fail_on_missing {
                trouble(msg)
            } else {
                trouble(&format!("{msg}, not transferring, ignored"))
            };
        }
        let fail = |e: std::io::Error| Failure::new(format!("File is not readable: {}: {e}", path.display()));
        let sha1 = checksum(host, path, "sha1").map_err(fail)?;
        let mut outcome = Outcome::unchanged()
            .with("source", text(path))
            .with("size", stat.size)
            .with("md5sum", checksum(host, path, "md5").map_err(fail)?);
        let sent = match args._stream {
            Some(stream) if args._have.as_deref() != Some(sha1.as_str()) => {
                let mut content = host.open(path).map_err(fail)?;
                call.blobs.send(stream, &mut content).map_err(|e| Failure::io("could not send the content", &e))?;
                true
            }
            _ => false,
        };
        outcome.set("checksum", sha1);
        outcome.set("sent", sent);
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
    use crate::contract::{BlobReader, Blobs, Entry, NoBlobs};
    use crate::host::fake::Fake;
    use crate::host::testing::run_with;
    use serde_json::json;
    use std::cell::RefCell;
    use std::io::{self, Read};

    struct Sink(RefCell<Vec<u8>>);
    impl Blobs for Sink {
        fn open(&self, id: u32) -> io::Result<BlobReader<'_>> {
            NoBlobs.open(id)
        }
        fn send(&self, _: u32, content: &mut dyn Read) -> io::Result<u64> {
            content.read_to_end(&mut self.0.borrow_mut()).map(|n| n as u64)
        }
        fn progress(&self, _: &str) {}
    }

    #[test]
    fn content_comes_only_if_it_differs() {
        let (entry, sink) = (Entry::of::<Fetch>(), Sink(RefCell::default()));
        let mut host = Fake::new().file("/var/log/x", "log\n");
        let mut go = |more: serde_json::Value| {
            let mut args = json!({"src": "/var/log/x", "dest": "d", "_stream": 3});
            args.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
            run_with(&entry, args, &mut host, false, &sink)
        };
        let out = go(json!({})).expect("sent");
        assert_eq!((&out.values["sent"], sink.0.borrow().as_slice()), (&json!(true), &b"log\n"[..]));
        let have = out.values["checksum"].clone();
        assert_eq!(go(json!({"_have": have})).expect("known").values["sent"], false);
        let gone = "the remote file does not exist, not transferring, ignored";
        assert_eq!(go(json!({"src": "/none"})).expect_err("gone").msg, gone);
        assert_eq!(go(json!({"src": "/none", "fail_on_missing": false})).expect("ignored").values["msg"], gone);
        assert!(go(json!({"src": "/var"})).is_err());
    }
}
