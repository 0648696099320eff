//! Tests on files of the controller.

use super::{TEST, Test};
use crate::template::filters::required;
use crate::template::runtime::{Cx, Fault, Res, V};
use std::path::PathBuf;

pub const TESTS: &[Test] = &[
    Test {
        name: "directory",
        aliases: &["is_dir"],
        summary: "A directory.",
        example: "'/etc' is directory",
        run: |cx, v, _| Ok(cx.engine.outside.files().is_dir(&path(cx, v)?)),
        ..TEST
    },
    Test {
        name: "file",
        aliases: &["is_file"],
        summary: "A file.",
        example: "'/etc/hosts' is file",
        run: |cx, v, _| Ok(cx.engine.outside.files().is_file(&path(cx, v)?)),
        ..TEST
    },
    Test {
        name: "exists",
        summary: "A file or directory.",
        example: "'/etc/hosts' is exists",
        run: |cx, v, _| Ok(cx.engine.outside.files().exists(&path(cx, v)?)),
        ..TEST
    },
    Test {
        name: "link_exists",
        summary: "A file, a directory or a symbolic link, also one that leads nowhere.",
        example: "'/etc/hosts' is link_exists",
        run: |cx, v, _| {
            let (path, files) = (path(cx, v)?, cx.engine.outside.files());
            Ok(files.exists(&path) || files.is_link(&path))
        },
        ..TEST
    },
    Test {
        name: "link",
        aliases: &["is_link"],
        summary: "A symbolic link.",
        example: "not ('/nothing' is link)",
        run: |cx, v, _| Ok(cx.engine.outside.files().is_link(&path(cx, v)?)),
        ..TEST
    },
    Test {
        name: "abs",
        aliases: &["is_abs"],
        summary: "An absolute path.",
        example: "'/etc' is abs",
        run: |_, v, _| match v {
            V::Str(path) => Ok(path.as_str().starts_with('/')),
            other => Err(Fault::raw(format!("expected str, bytes or os.PathLike object, not {}", other.type_name()))),
        },
        ..TEST
    },
    Test {
        name: "same_file",
        aliases: &["is_same_file"],
        summary: "The same file as another path.",
        params: &[required("other", "str")],
        example: "'/etc/hosts' is same_file('/etc/hosts')",
        run: |cx, v, args| {
            let files = cx.engine.outside.files();
            let found = |v: &V| {
                let path = path(cx, v)?;
                if files.exists(&path) {
                    return Ok(files.canonical(&path));
                }
                let shown = crate::value::repr_str(v.as_str().unwrap_or(""));
                Err(Fault::raw(format!("[Errno 2] No such file or directory: {shown}")))
            };
            Ok(found(v)? == found(&args.value("other"))?)
        },
        ..TEST
    },
    Test {
        name: "mount",
        aliases: &["is_mount"],
        summary: "A mount point.",
        example: "not ('/nothing' is mount)",
        run: |cx, v, _| {
            let path = cx.engine.outside.files().canonical(&path(cx, v)?);
            let table = cx.engine.outside.files().read_text(std::path::Path::new("/proc/self/mounts"));
            let table = table.unwrap_or_default();
            Ok(table.lines().any(|l| l.split(' ').nth(1).is_some_and(|m| std::path::Path::new(m) == path)))
        },
        ..TEST
    },
    Test {
        name: "vaulted_file",
        summary: "A file that holds vault text.",
        params: &[],
        example: "not ('/etc/hosts' is vaulted_file)",
        run: |cx, v, _| {
            let data = cx.engine.outside.files().read(&path(cx, v)?);
            let data = data.map_err(|_| {
                Fault::raw(format!(
                    "Cannot test if the file {} is a vault.",
                    crate::value::repr_str(v.as_str().unwrap_or(""))
                ))
            })?;
            Ok(data.starts_with(b"$ANSIBLE_VAULT"))
        },
        ..TEST
    },
];

fn path(cx: &Cx, v: &V) -> Res<PathBuf> {
    match v {
        V::Str(t) => Ok(cx.engine.outside.cwd().join(t.as_str())),
        other => Err(Fault::raw(format!(
            "stat: path should be string, bytes, os.PathLike or integer, not {}",
            other.type_name()
        ))),
    }
}
