//! Zip archives, read here.

use super::tar::results;
use super::{Args, Comparison};
use crate::contract::{Failure, JsonMap};
use crate::files::shared::{make_parents, text};
use crate::host::steps::{execute, required};
use crate::host::{Change, Command, FileKind, Observe, Wanted, WriteOptions, fnmatch};
use std::io::{Cursor, Read};
use std::path::{Component, Path};
use zip::ZipArchive;
use zip::read::ZipFile;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;
type Member<'a, 'b> = ZipFile<'b, Cursor<&'a [u8]>>;

/// Whether these are the first bytes of a zip archive.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

fn open(bytes: &[u8]) -> Result<Archive<'_>, Failure> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|e| Failure::new(format!("Unable to list files in the archive: {e}")))
}

fn chosen(name: &str, args: &Args) -> bool {
    if args.include.is_empty() {
        !args.exclude.iter().any(|e| fnmatch(name, e))
    } else {
        args.include.iter().any(|i| fnmatch(name, i))
    }
}

/// Permissions of a member: Unix ones as they are, others from the umask.
fn mode_of(member: &Member, umask: u32) -> u32 {
    match member.unix_mode() {
        Some(mode) if mode & 0o777 != 0 => mode & 0o777,
        _ if member.is_dir() => 0o777 & !umask,
        _ => 0o666 & !umask,
    }
}

/// Seconds since the epoch; zip keeps local time.
fn time_of(member: &Member, host: &dyn Observe) -> Option<f64> {
    let t = member.last_modified()?;
    let days = {
        let (y, m, d) = (i64::from(t.year()), i64::from(t.month()), i64::from(t.day()));
        let y = if m <= 2 { y - 1 } else { y };
        let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
        let doy = (153 * (m + if m > 2 { -3 } else { 9 }) + 2) / 5 + d - 1;
        era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
    };
    let seconds = i64::from(t.hour()) * 3600 + i64::from(t.minute()) * 60 + i64::from(t.second());
    Some((days * 86_400 + seconds - host.utc_offset()) as f64)
}

fn is_link(member: &Member) -> bool {
    member.unix_mode().is_some_and(|m| m & 0o170_000 == 0o120_000)
}

/// Compares each member with what is in the directory: kind, size, time, checksum, permissions, owner.
pub(super) fn compare(bytes: &[u8], args: &Args, wanted: &Wanted, host: &dyn Observe) -> Result<Comparison, Failure> {
    let mut archive = open(bytes)?;
    let (mut files, mut diff) = (Vec::new(), String::new());
    for i in 0..archive.len() {
        let member = member(&mut archive, i)?;
        let name = member.name().to_owned();
        if !chosen(&name, args) {
            continue;
        }
        if let Some(line) = difference(&member, &name, args, wanted, host)? {
            diff.push_str(&line);
            diff.push('\n');
        }
        files.push(name);
    }
    Ok(Comparison { handler: "ZipArchive", files, differs: !diff.is_empty(), diff: Some(diff) })
}

fn member<'a, 'b>(archive: &'b mut Archive<'a>, index: usize) -> Result<Member<'a, 'b>, Failure> {
    archive.by_index(index).map_err(|e| Failure::new(format!("Unable to list files in the archive: {e}")))
}

/// One line in the manner of rsync's itemized changes; `None` where nothing differs.
fn difference(
    member: &Member,
    name: &str,
    args: &Args,
    wanted: &Wanted,
    host: &dyn Observe,
) -> Result<Option<String>, Failure> {
    let path = args.dest.join(name.trim_end_matches('/'));
    let (kind, letter) = match (member.is_dir(), is_link(member)) {
        (true, _) => (FileKind::Directory, 'd'),
        (_, true) => (FileKind::Symlink, 'L'),
        _ => (FileKind::File, 'f'),
    };
    let Ok(stat) = host.lstat(&path) else { return Ok(Some(format!(">{letter}++++++.?? {name}"))) };
    if stat.kind != kind {
        return Ok(Some(format!("c{letter}++++++.?? {name}")));
    }
    let mut item: Vec<char> = format!(".{letter}.......??").chars().collect();
    let mut changed = false;
    let mut mark = |at: usize, c: char| {
        item[at] = c;
        changed = true;
    };
    if kind == FileKind::File {
        let time = time_of(member, host);
        if args.keep_newer && time.is_some_and(|t| t < stat.mtime) {
            return Ok(None);
        }
        if time.is_some_and(|t| if args.keep_newer { t > stat.mtime } else { t != stat.mtime }) {
            mark(4, 't');
        }
        if member.size() != stat.size {
            mark(3, 's');
        }
        if crc32(host, &path)? != member.crc32() {
            mark(2, 'c');
        }
    }
    if kind != FileKind::Symlink {
        let own = mode_of(member, host.umask());
        let mode = wanted.mode(host, &path, stat.mode, kind == FileKind::Directory)?.unwrap_or(own);
        if mode != stat.mode {
            mark(5, 'p');
        }
    }
    let (uid, gid) = (wanted.uid.unwrap_or(host.euid()), wanted.gid.unwrap_or(host.egid()));
    if stat.uid != uid {
        mark(6, 'o');
    }
    if stat.gid != gid {
        mark(6, 'g');
    }
    Ok(changed.then(|| format!("{} {name}", item.into_iter().collect::<String>())))
}

fn crc32(host: &dyn Observe, path: &Path) -> Result<u32, Failure> {
    let fail = |e| Failure::io(path.display(), &e);
    let mut crc = flate2::Crc::new();
    let mut reader = host.open(path).map_err(fail)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer).map_err(fail)? {
            0 => return Ok(crc.sum()),
            n => crc.update(&buffer[..n]),
        }
    }
}

/// Unpacks every chosen member over what is there.
pub(super) fn extract(bytes: &[u8], src: &Path, args: &Args, host: &mut dyn Change) -> Result<JsonMap, Failure> {
    if !args.extra_opts.is_empty() {
        return unzip(src, args, host);
    }
    let mut archive = open(bytes)?;
    let mut directories = Vec::new();
    for i in 0..archive.len() {
        let mut member = member(&mut archive, i)?;
        let name = member.name().to_owned();
        if !chosen(&name, args) {
            continue;
        }
        if Path::new(&name).components().any(|c| !matches!(c, Component::Normal(_) | Component::CurDir)) {
            return Err(Failure::new(format!("{name} leads out of the archive")));
        }
        let path = args.dest.join(name.trim_end_matches('/'));
        let fail = |e: std::io::Error| Failure::io(format!("could not unpack {name}"), &e);
        let (mode, time) = (mode_of(&member, host.umask()), time_of(&member, host.observe()));
        let present = host.lstat(&path).ok();
        let newer = args.keep_newer && present.as_ref().zip(time).is_some_and(|(p, t)| p.mtime > t);
        if newer && member.is_file() {
            continue;
        }
        make_parents(host, &path).map_err(fail)?;
        if member.is_dir() {
            if !host.is_dir(&path) {
                host.create_dir(&path, 0o777).map_err(fail)?;
            }
            directories.push((path, mode));
        } else if is_link(&member) {
            let mut target = String::new();
            member.read_to_string(&mut target).map_err(fail)?;
            if present.is_some() {
                host.remove_file(&path).map_err(fail)?;
            }
            host.symlink(Path::new(&target), &path).map_err(fail)?;
        } else {
            let (uid, gid) = (host.euid(), host.egid());
            let options = WriteOptions { mode: Some(mode), uid: Some(uid), gid: Some(gid), unsafe_writes: false };
            host.write(&path, &mut member, &options).map_err(fail)?;
            host.set_times(&path, time, time).map_err(fail)?;
        }
    }
    for (path, mode) in directories {
        host.set_mode(&path, mode).map_err(|e| Failure::io(path.display(), &e))?;
    }
    let mut map = JsonMap::new();
    map.insert("rc".into(), 0.into());
    map.insert("out".into(), "".into());
    map.insert("err".into(), "".into());
    map.insert("cmd".into(), vec!["unzip", "-o", &text(src), "-d", &text(&args.dest)].into());
    Ok(map)
}

/// By the host's own `unzip`, for options of its own.
fn unzip(src: &Path, args: &Args, host: &mut dyn Change) -> Result<JsonMap, Failure> {
    let mut words = vec!["-o".to_owned()];
    words.extend(args.extra_opts.iter().cloned());
    words.push(text(src));
    if !args.exclude.is_empty() {
        words.push("-x".into());
        words.extend(args.exclude.iter().cloned());
    }
    words.extend(args.include.iter().cloned());
    words.extend(["-d".into(), text(&args.dest)]);
    let command = Command::new(required(host.observe(), "unzip")?).args(words);
    let out = execute(host, &command)?;
    Ok(results(&command, &out))
}
