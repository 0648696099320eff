//! `stat`: everything about one file.

use super::shared::{ALGORITHMS, checksum, real_path, text};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Command, FileKind, Observe, Stat as Found, file_flags};
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub struct Stat;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    follow: bool,
    get_checksum: bool,
    get_mime: bool,
    get_attributes: bool,
    checksum_algorithm: String,
}

/// Letters of `lsattr` and their names.
const ATTRIBUTES: &[(char, &str)] = &[
    ('A', "noatime"),
    ('a', "append"),
    ('c', "compressed"),
    ('C', "nocow"),
    ('d', "nodump"),
    ('D', "dirsync"),
    ('e', "extents"),
    ('E', "encrypted"),
    ('h', "blocksize"),
    ('i', "immutable"),
    ('I', "indexed"),
    ('j', "journalled"),
    ('N', "inline"),
    ('s', "zero"),
    ('S', "synchronous"),
    ('t', "notail"),
    ('T', "blockroot"),
    ('u', "undelete"),
    ('X', "compressedraw"),
    ('Z', "compresseddirty"),
];

impl Module for Stat {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: r#"
- name: Is there a config
  ansible.builtin.stat:
    path: /etc/app.conf
  register: config

- name: Only whether it is there
  ansible.builtin.stat:
    path: /swapfile
    get_checksum: false
    get_mime: false
    get_attributes: false
"#,
        returns: &[Return {
            name: "stat",
            when: "always",
            doc: "`exists`, and where it is true: path, mode, kind (isdir, isreg, islnk, …), owner, size, times, permissions, checksum, mimetype, attributes.",
        }],
        ..ModuleSpec::new(
            "ansible.builtin.stat",
            "Tells everything about a file.",
            &[
                Arg::path("path").required().aliases(&["dest", "name"]).doc("The file."),
                Arg::bool("follow").default(Literal::Bool(false)).doc("Look at what a link points to."),
                Arg::bool("get_checksum").default(Literal::Bool(true)).doc("Return a digest of the content."),
                Arg::bool("get_mime")
                    .default(Literal::Bool(true))
                    .aliases(&["mime", "mime_type", "mime-type"])
                    .doc("Ask `file` for the MIME type."),
                Arg::bool("get_attributes")
                    .default(Literal::Bool(true))
                    .aliases(&["attr", "attributes"])
                    .doc("Ask `lsattr` for attributes."),
                Arg::str("checksum_algorithm")
                    .choices(ALGORITHMS)
                    .default(Literal::Str("sha1"))
                    .aliases(&["checksum", "checksum_algo"])
                    .doc("The digest."),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<()>, Failure> {
        let path = &args.path;
        let found = match if args.follow { host.stat(path) } else { host.lstat(path) } {
            Ok(found) => found,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound) => {
                let stat = JsonMap::from_iter([("exists".to_owned(), Json::Bool(false))]);
                return Ok(Plan::Done(Outcome::unchanged().with("stat", stat)));
            }
            Err(e) => return Err(Failure::new(e.to_string())),
        };
        let mut stat = JsonMap::new();
        let mut set = |key: &str, value: Json| {
            stat.insert(key.to_owned(), value);
        };
        set("exists", true.into());
        set("path", text(path).into());
        describe(&found, &mut set);
        set("blocks", found.blocks.into());
        set("block_size", found.block_size.into());
        set("device_type", found.rdev.into());
        for (name, bit) in [("readable", 4), ("writeable", 2), ("executable", 1)] {
            set(name, host.access(path, bit).into());
        }
        if found.kind == FileKind::Symlink {
            set("lnk_source", text(&real_path(host, path)).into());
            set("lnk_target", host.read_link(path).map(|t| text(&t)).unwrap_or_default().into());
        }
        if let Some(user) = host.user_by_id(found.uid) {
            set("pw_name", user.name.into());
        }
        if let Some(group) = host.group_by_id(found.gid) {
            set("gr_name", group.name.into());
        }
        if args.get_checksum && found.kind == FileKind::File && host.access(path, 4) {
            let digest = checksum(host, path, &args.checksum_algorithm);
            set("checksum", digest.map_err(|e| Failure::io(path.display(), &e))?.into());
        }
        if args.get_mime {
            let (mime, charset) = mime_of(host, path).unwrap_or(("unknown".into(), "unknown".into()));
            set("mimetype", mime.into());
            set("charset", charset.into());
        }
        if args.get_attributes {
            let flags = file_flags(host, path, true).unwrap_or_default();
            let names = flags.flags.chars().filter_map(|c| ATTRIBUTES.iter().find(|(l, _)| *l == c));
            set("attributes", names.map(|(_, name)| Json::from(*name)).collect());
            set("version", flags.version.into());
            set("attr_flags", flags.flags.into());
        }
        Ok(Plan::Done(Outcome::unchanged().with("stat", stat)))
    }
    fn preview(_: &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }
    fn apply(_: (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}

/// The keys that `stat` and `find` share.
pub(super) fn describe(found: &Found, set: &mut dyn FnMut(&str, Json)) {
    set("mode", format!("{:04o}", found.mode).into());
    for (name, kind) in [
        ("isdir", FileKind::Directory),
        ("ischr", FileKind::CharDevice),
        ("isblk", FileKind::BlockDevice),
        ("isreg", FileKind::File),
        ("isfifo", FileKind::Fifo),
        ("islnk", FileKind::Symlink),
        ("issock", FileKind::Socket),
    ] {
        set(name, (found.kind == kind).into());
    }
    set("uid", found.uid.into());
    set("gid", found.gid.into());
    set("size", found.size.into());
    set("inode", found.inode.into());
    set("dev", found.dev.into());
    set("nlink", found.nlink.into());
    set("atime", found.atime.into());
    set("mtime", found.mtime.into());
    set("ctime", found.ctime.into());
    for (name, bit) in [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        set(name, (found.mode & bit != 0).into());
    }
}

/// (`text/plain`, `us-ascii`), as `file` has it.
fn mime_of(host: &dyn Observe, path: &Path) -> Option<(String, String)> {
    let command = Command::new(host.which("file")?).args(["--mime-type", "--mime-encoding"]).arg(text(path));
    let out = host.query(&command).ok().filter(crate::host::Output::ok)?.stdout_text();
    let (mime, charset) = out.rsplit_once(':')?.1.split_once(';')?;
    Some((mime.trim().to_owned(), charset.split_once('=')?.1.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    fn stat(args: Json, host: &mut Fake) -> Json {
        case(&Entry::of::<Stat>(), args, host).expect("no failure").values["stat"].clone()
    }

    #[test]
    fn a_file_a_link_and_nothing() {
        let mut host = Fake::new()
            .file_mode("/srv/f", "x\n", 0o4750)
            .link("/srv/l", "f")
            .answer("file --mime-type --mime-encoding /srv/f", 0, "/srv/f: text/plain; charset=us-ascii\n")
            .answer("lsattr -vd /srv/f", 0, "2224648774 ----i---------e------- /srv/f\n");
        let file = stat(json!({"dest": "/srv/f"}), &mut host);
        for (key, expected) in [
            ("exists", json!(true)),
            ("mode", json!("4750")),
            ("isreg", json!(true)),
            ("isuid", json!(true)),
            ("xoth", json!(false)),
            ("pw_name", json!("root")),
            ("checksum", json!("6fcf9dfbd479ed82697fee719b9f8c610a11ff2a")),
            ("mimetype", json!("text/plain")),
            ("charset", json!("us-ascii")),
            ("attributes", json!(["immutable", "extents"])),
            ("attr_flags", json!("ie")),
            ("version", json!("2224648774")),
        ] {
            assert_eq!(file[key], expected, "{key}");
        }
        let link = stat(json!({"path": "/srv/l", "get_mime": false}), &mut host);
        assert_eq!((&link["lnk_source"], &link["lnk_target"]), (&json!("/srv/f"), &json!("f")));
        assert_eq!((&link["islnk"], link.get("checksum"), link.get("mimetype")), (&json!(true), None, None));
        let followed = stat(json!({"path": "/srv/l", "follow": true, "checksum": "md5"}), &mut host);
        assert_eq!(followed["checksum"], "401b30e3b8b5d629635a5c613cdb7919");
        assert_eq!(stat(json!({"path": "/no/where"}), &mut host), json!({"exists": false}));
    }
}
