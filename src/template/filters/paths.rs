//! Filters on paths, all of the controller.

use super::{FILTER, Filter, as_text, each, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, V};
use std::path::Path;

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "basename",
        summary: "The last part of a path.",
        example: ("'/etc/hosts' | basename", "'hosts'"),
        run: |cx, v, _| text(cx, &v, |p| basename(p).to_owned()),
        ..FILTER
    },
    Filter {
        name: "dirname",
        summary: "A path without its last part.",
        example: ("'/etc/ssh/x' | dirname", "'/etc/ssh'"),
        run: |cx, v, _| text(cx, &v, |p| dirname(p).to_owned()),
        ..FILTER
    },
    Filter {
        name: "splitext",
        summary: "A path and its extension.",
        example: ("'a/b.tar.gz' | splitext", "('a/b.tar', '.gz')"),
        run: |cx, v, _| {
            let path = path_text(cx, &v)?;
            let (stem, extension) = splitext(&path);
            Ok(V::tuple(vec![V::str(stem), V::str(extension)]))
        },
        ..FILTER
    },
    Filter {
        name: "path_join",
        summary: "Parts as one path; an absolute part starts anew.",
        example: ("['/etc', 'ssh', 'x'] | path_join", "'/etc/ssh/x'"),
        run: |cx, v, _| match &v {
            V::Str(_) => Ok(v),
            V::List(_) | V::Tuple(_) => {
                let mut out: Option<String> = None;
                for part in each(cx, &v)? {
                    let part = path_text(cx, &part)?;
                    out = Some(match out {
                        Some(path) if !part.starts_with('/') => {
                            if path.is_empty() || path.ends_with('/') {
                                path + &part
                            } else {
                                format!("{path}/{part}")
                            }
                        }
                        _ => part,
                    });
                }
                out.map(V::str).ok_or_else(|| Fault::raw("join() missing 1 required positional argument: 'a'"))
            }
            other => Err(Fault::raw(format!(
                "|path_join expects string or sequence, got <class '{}'> instead.",
                other.type_name()
            ))),
        },
        ..FILTER
    },
    Filter {
        name: "normpath",
        summary: "A path without `.`, `..` and doubled slashes.",
        example: ("'/a/./b/../c' | normpath", "'/a/c'"),
        run: |cx, v, _| text(cx, &v, normpath),
        ..FILTER
    },
    Filter {
        name: "realpath",
        summary: "A path with its links resolved.",
        example: ("'/a/../b' | realpath", "'/b'"),
        run: |cx, v, _| {
            let path = path_text(cx, &v)?;
            let absolute = cx.engine.outside.cwd().join(normpath(&path));
            let real = cx.engine.outside.files().canonical(&absolute);
            Ok(V::str(normpath(&real.to_string_lossy())))
        },
        ..FILTER
    },
    Filter {
        name: "relpath",
        summary: "A path as seen from another.",
        params: &[optional("start", "str", "the current directory")],
        example: ("'/a/b/c' | relpath('/a/x')", "'../b/c'"),
        run: |cx, v, args| {
            let cwd = cx.engine.outside.cwd();
            let absolute = |p: &str| normpath(&cwd.join(p).to_string_lossy());
            let path = absolute(&path_text(cx, &v)?);
            let start = absolute(&args.text_or(cx, "start", ".")?);
            Ok(V::str(relative(&path, &start)))
        },
        ..FILTER
    },
    Filter {
        name: "commonpath",
        summary: "The longest path that all have in common.",
        example: ("['/a/b/c', '/a/b/d'] | commonpath", "'/a/b'"),
        run: commonpath,
        ..FILTER
    },
    Filter {
        name: "expanduser",
        summary: "A path with `~` replaced by the home directory.",
        example: ("'/a/~' | expanduser", "'/a/~'"),
        run: |cx, v, _| Ok(V::str(expand_user(cx, &path_text(cx, &v)?))),
        ..FILTER
    },
    Filter {
        name: "expandvars",
        summary: "A text with `$NAME` replaced from the environment.",
        example: ("'a$b c' | expandvars", "'a$b c'"),
        run: |cx, v, _| Ok(V::str(expand_vars(cx, &path_text(cx, &v)?))),
        ..FILTER
    },
    Filter {
        name: "fileglob",
        summary: "Files on the controller that a shell pattern matches.",
        example: ("'/nothing/*' | fileglob", "[]"),
        run: |cx, v, _| {
            let pattern = path_text(cx, &v)?;
            let cwd = cx.engine.outside.cwd();
            let relative = !pattern.starts_with('/');
            let pattern = if relative { format!("{}/{pattern}", cwd.display()) } else { pattern };
            let found = crate::template::lookups::glob(cx, &pattern).into_iter().map(|p| {
                let shown = if relative { p.strip_prefix(&cwd).unwrap_or(&p).to_owned() } else { p };
                V::str(shown.to_string_lossy().into_owned())
            });
            Ok(V::list(found.collect()))
        },
        ..FILTER
    },
    Filter {
        name: "win_basename",
        summary: "The last part of a Windows path.",
        example: ("'C:\\\\a\\\\b.txt' | win_basename", "'b.txt'"),
        run: |cx, v, _| text(cx, &v, |p| windows(p).2.to_owned()),
        ..FILTER
    },
    Filter {
        name: "win_dirname",
        summary: "A Windows path without its last part.",
        example: ("'C:\\\\a\\\\b.txt' | win_dirname", "'C:\\\\a'"),
        run: |cx, v, _| {
            text(cx, &v, |p| {
                let (drive, head, _) = windows(p);
                let stripped = head.trim_end_matches(['\\', '/']);
                format!("{drive}{}", if stripped.is_empty() { head } else { stripped })
            })
        },
        ..FILTER
    },
    Filter {
        name: "win_splitdrive",
        summary: "The drive of a Windows path, and the rest.",
        example: ("'C:\\\\a' | win_splitdrive", "('C:', '\\\\a')"),
        run: |cx, v, _| {
            let path = path_text(cx, &v)?;
            let drive = windows(&path).0;
            Ok(V::tuple(vec![V::str(drive), V::str(&path[drive.len()..])]))
        },
        ..FILTER
    },
];

fn path_text(cx: &Cx, v: &V) -> Res<String> {
    match v {
        V::Str(_) => as_text(cx, v),
        V::Undef(f) => Err(f.clone()),
        other => Err(Fault::raw(format!("expected str, bytes or os.PathLike object, not {}", other.type_name()))),
    }
}

fn text(cx: &Cx, v: &V, change: fn(&str) -> String) -> Res {
    Ok(V::str(change(&path_text(cx, v)?)))
}

pub fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub fn dirname(path: &str) -> &str {
    let head = &path[..path.rfind('/').map_or(0, |p| p + 1)];
    let stripped = head.trim_end_matches('/');
    if stripped.is_empty() { head } else { stripped }
}

pub fn splitext(path: &str) -> (&str, &str) {
    let base = basename(path);
    let leading = base.len() - base.trim_start_matches('.').len();
    match base.rfind('.') {
        Some(dot) if dot >= leading => path.split_at(path.len() - (base.len() - dot)),
        _ => (path, ""),
    }
}

pub fn normpath(path: &str) -> String {
    let root = match path.bytes().take_while(|b| *b == b'/').count() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            ".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    let out = format!("{root}{}", parts.join("/"));
    if out.is_empty() { ".".to_owned() } else { out }
}

fn relative(path: &str, start: &str) -> String {
    let parts = |p: &str| p.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (path, start) = (parts(path), parts(start));
    let common = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let mut out: Vec<String> = vec!["..".to_owned(); start.len() - common];
    out.extend(path[common..].iter().cloned());
    if out.is_empty() { ".".to_owned() } else { out.join("/") }
}

fn commonpath(cx: &Cx, v: V, _: Args) -> Res {
    if !matches!(v, V::List(_) | V::Tuple(_)) {
        return Err(Fault::raw(format!("|commonpath expects sequence, got <class '{}'> instead.", v.type_name())));
    }
    let paths: Vec<String> = each(cx, &v)?.iter().map(|p| path_text(cx, p)).collect::<Res<_>>()?;
    let Some(first) = paths.first() else { return Err(Fault::raw("commonpath() arg is an empty sequence")) };
    let absolute = first.starts_with('/');
    if paths.iter().any(|p| p.starts_with('/') != absolute) {
        return Err(Fault::raw("Can't mix absolute and relative paths"));
    }
    let split = |p: &str| p.split('/').filter(|s| !s.is_empty() && *s != ".").map(str::to_owned).collect::<Vec<_>>();
    let mut common = split(first);
    for path in &paths[1..] {
        let n = common.iter().zip(split(path)).take_while(|(a, b)| *a == b).count();
        common.truncate(n);
    }
    Ok(V::str(format!("{}{}", if absolute { "/" } else { "" }, common.join("/"))))
}

pub fn expand_user(cx: &Cx, path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if user.is_empty() { cx.engine.outside.env("HOME") } else { home_of(cx, user) };
    match home {
        Some(home) => {
            let joined = format!("{}{tail}", home.trim_end_matches('/'));
            if joined.is_empty() { "/".to_owned() } else { joined }
        }
        None => path.to_owned(),
    }
}

fn home_of(cx: &Cx, user: &str) -> Option<String> {
    let passwd = cx.engine.outside.files().read_text(Path::new("/etc/passwd")).ok()?;
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.first() == Some(&user)).then(|| fields.get(5).map(|h| (*h).to_owned()))?
    })
}

pub fn expand_vars(cx: &Cx, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out += &rest[..at];
        rest = &rest[at..];
        let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let (name, len) = if rest[1..].starts_with('{') {
            match rest.find('}') {
                Some(end) => (&rest[2..end], end + 1),
                None => ("", 1),
            }
        } else {
            let end = rest[1..].find(|c| !word(c)).map_or(rest.len(), |p| p + 1);
            (&rest[1..end], end)
        };
        match cx.engine.outside.env(name).filter(|_| !name.is_empty()) {
            Some(value) => out += &value,
            None => out += &rest[..len],
        }
        rest = &rest[len..];
    }
    out + rest
}

/// Drive, directory with its separator, last part.
fn windows(path: &str) -> (&str, &str, &str) {
    let bytes = path.as_bytes();
    let drive = if bytes.get(1) == Some(&b':') && bytes[0].is_ascii() {
        2
    } else if path.starts_with("\\\\") || path.starts_with("//") {
        let mut seps = path[2..].match_indices(['\\', '/']).map(|(i, _)| i + 2);
        match (seps.next(), seps.next()) {
            (Some(_), Some(second)) => second,
            (Some(_), None) => path.len(),
            _ => 0,
        }
    } else {
        0
    };
    let (drive, rest) = path.split_at(drive);
    let at = rest.rfind(['\\', '/']).map_or(0, |p| p + 1);
    (drive, &rest[..at], &rest[at..])
}
