//! Archives made here, unpacked on a fake host (zip) and on this machine (tar).

#![allow(clippy::unwrap_used)]
use super::*;
use crate::contract::{BlobReader, Blobs, Entry, Json, NoBlobs};
use crate::host::fake::Fake;
use crate::host::real::Real;
use crate::host::testing::{run, run_with};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

const ENTRY: Entry = Entry::of::<Unarchive>();

struct One(Vec<u8>);
impl Blobs for One {
    fn open(&self, _: u32) -> io::Result<BlobReader<'_>> {
        Ok(Box::new(self.0.as_slice()))
    }
    fn send(&self, id: u32, content: &mut dyn Read) -> io::Result<u64> {
        NoBlobs.send(id, content)
    }
    fn progress(&self, _: &str) {}
}

fn zip_archive() -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default();
    writer.add_directory("app/", options.unix_permissions(0o755)).unwrap();
    writer.start_file("app/run", options.unix_permissions(0o755)).unwrap();
    writer.write_all(b"#!/bin/sh\n").unwrap();
    writer.start_file("app/readme.txt", options.unix_permissions(0o644)).unwrap();
    writer.write_all(b"read me\n").unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_zip_archive_once_and_again() {
    let bytes = zip_archive();
    let args = json!({"src": "app.zip", "dest": "/srv", "exclude": ["*.txt"], "list_files": true, "_content": blob_of(&bytes)});
    let mut host = Fake::new().dir("/srv");
    let blobs = One(bytes);
    let ahead = run_with(&ENTRY, args.clone(), &mut host, true, &blobs).unwrap();
    assert_eq!(
        (ahead.changed, ahead.diff[0].prepared.as_deref()),
        (true, Some(">d++++++.?? app/\n>f++++++.?? app/run\n"))
    );
    let out = run_with(&ENTRY, args.clone(), &mut host, false, &blobs).unwrap();
    assert_eq!(
        (out.changed, &out.values["handler"], &out.values["files"]),
        (true, &json!("ZipArchive"), &json!(["app/", "app/run"]))
    );
    assert_eq!(
        (host.text("/srv/app/run").as_str(), host.stat(Path::new("/srv/app/run")).unwrap().mode),
        ("#!/bin/sh\n", 0o755)
    );
    assert!(!host.exists(Path::new("/srv/app/readme.txt")));
    let again = run_with(&ENTRY, args, &mut host, false, &blobs).unwrap();
    assert!(!again.changed, "{again:#?}");
}

#[test]
fn refusals() {
    let mut host = Fake::new().dir("/srv").file("/empty.tgz", "").file("/done", "");
    for (args, msg) in [
        (json!({"src": "/x.tgz", "dest": "/none", "remote_src": true}), "dest '/none' must be an existing dir"),
        (json!({"src": "/x.tgz", "dest": "/srv", "remote_src": true}), "Source '/x.tgz' does not exist"),
        (
            json!({"src": "/empty.tgz", "dest": "/srv", "remote_src": true}),
            "Invalid archive '/empty.tgz', the file is 0 bytes",
        ),
    ] {
        assert_eq!(run(&ENTRY, args, &mut host, false).unwrap_err().msg, msg);
    }
    let out = run(&ENTRY, json!({"src": "/x", "dest": "/srv", "creates": "/do*"}), &mut host, false).unwrap();
    assert_eq!((out.skipped, &out.values["msg"]), (true, &json!("skipped, since /do* exists")));
}

#[test]
fn a_tar_archive_by_the_tar_of_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let (dest, src) = (dir.path().join("d"), dir.path().join("a.tar.gz"));
    std::fs::create_dir(&dest).unwrap();
    let mut builder = ::tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = ::tar::Header::new_gnu();
    header.set_size(3);
    header.set_mode(0o640);
    header.set_mtime(1_700_000_000);
    header.set_uid(rustix::process::geteuid().as_raw().into());
    header.set_gid(rustix::process::getegid().as_raw().into());
    builder.append_data(&mut header, "top/f", &b"abc"[..]).unwrap();
    std::fs::write(&src, builder.into_inner().unwrap().finish().unwrap()).unwrap();
    let go = |extra: Json, check: bool| {
        let mut args = json!({"src": src, "dest": dest, "remote_src": true});
        args.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let args = crate::contract::validate(ENTRY.spec, args.as_object().unwrap().clone()).unwrap();
        let call = Call { check, diff: false, verbosity: 0, environment: BTreeMap::new(), blobs: &NoBlobs };
        (ENTRY.run)(args, &mut Real::default(), &call).unwrap()
    };
    assert!(go(json!({}), true).skipped);
    let out = go(json!({}), false);
    assert_eq!(
        (out.changed, &out.values["handler"], &out.values["extract_results"]["rc"]),
        (true, &json!("TgzArchive"), &json!(0))
    );
    assert_eq!(std::fs::read_to_string(dest.join("top/f")).unwrap(), "abc");
    assert!(!go(json!({}), false).changed);
    assert!(go(json!({"mode": "0600"}), false).changed);
    let stripped = go(json!({"extra_opts": ["--strip-components=1"], "list_files": true}), false);
    assert_eq!((stripped.changed, &stripped.values["files"]), (true, &json!(["f"])));
}
