//! `get_url`: downloads a file to the host.

use super::http::{self, Response};
use super::shared::{URL_ARGS, UrlArgs, disposition_filename, http_date, masked, url_filename};
use crate::contract::{Arg, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::files::shared::{ALGORITHMS, backup, checksum};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe, WriteOptions, path_info};
use serde::Deserialize;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub struct GetUrl;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    #[serde(flatten)]
    url: UrlArgs,
    dest: String,
    backup: bool,
    checksum: String,
    tmp_dest: Option<String>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

pub struct Work {
    args: Args,
    /// Only attributes differ; the content is as wanted.
    attributes_only: bool,
    force: bool,
    wanted: Option<Digest>,
    preview: Outcome,
}

/// Algorithm and hexadecimal digest.
#[derive(Clone, Debug, PartialEq)]
struct Digest {
    algorithm: String,
    value: String,
}

impl Module for GetUrl {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[URL_ARGS, FILE_ARGS],
        examples: "- name: A release with its checksum\n  ansible.builtin.get_url:\n    url: https://example.com/app-1.2.tgz\n    dest: /opt/app-1.2.tgz\n    checksum: sha256:https://example.com/SHA256SUMS\n    mode: '0644'\n",
        returns: &[
            Return { name: "checksum_src", when: "success", doc: "SHA-1 of what was downloaded." },
            Return { name: "checksum_dest", when: "success", doc: "SHA-1 of the file before." },
            Return { name: "status_code", when: "a request was made", doc: "HTTP status." },
            Return { name: "dest", when: "success", doc: "Path of the file." },
        ],
        differs: "FTP, GSSAPI and ciphers are not supported. In check mode an existing file is compared with the download.",
        ..ModuleSpec::new(
            "ansible.builtin.get_url",
            "Downloads files from HTTP, HTTPS or file addresses.",
            &[
                Arg::path("dest").required().doc("File or directory to store it in."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep the old file beside it."),
                Arg::str("checksum")
                    .default(Literal::Str(""))
                    .doc("`ALGORITHM:DIGEST` or `ALGORITHM:URL` of a list of digests."),
                Arg::int("timeout").default(Literal::Int(10)).doc("Longest wait for an answer in seconds."),
                Arg::dict("headers").doc("Further headers."),
                Arg::path("tmp_dest").doc("Directory for the temporary file."),
                Arg::str("url_username").aliases(&["username"]).doc("User for basic authentication."),
                Arg::str("url_password").aliases(&["password"]).no_log().doc("Its password."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let base = base(&args);
        let wanted = digest(&args, host, call)?;
        let dest = Path::new(&args.dest);
        let mut force = args.url.force;
        if !host.is_dir(dest)
            && host.stat(dest).is_ok()
            && !force
            && let Some(wanted) = &wanted
        {
            let now = checksum(host, dest, &wanted.algorithm).map_err(|e| Failure::io(&args.dest, &e))?;
            if now == wanted.value {
                let differs = args.attrs.resolve(host, dest, call)?.differences(host, dest)?.any();
                let msg =
                    if differs { "file already exists but file attributes changed" } else { "file already exists" };
                let mut outcome = Outcome { changed: differs, ..base.with("msg", msg) };
                outcome.values.extend(path_info(host, dest));
                return Ok(if differs {
                    Plan::Work(Work { args, attributes_only: true, force, wanted: None, preview: outcome })
                } else {
                    Plan::Done(outcome)
                });
            }
            // The server's date says nothing of a file that was changed here.
            force = true;
        }
        let preview = if call.check { look(&args, force, host, call)? } else { Outcome::changed(true) };
        if call.check && !preview.changed {
            return Ok(Plan::Done(preview));
        }
        Ok(Plan::Work(Work { args, attributes_only: false, force, wanted, preview }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { args, attributes_only, force, wanted, mut preview } = work;
        if attributes_only {
            let dest = PathBuf::from(&args.dest);
            args.attrs.resolve(host.observe(), &dest, call)?.apply(host, &dest)?;
            preview.values.extend(path_info(host.observe(), &dest));
            return Ok(preview);
        }
        download(&args, force, wanted, host, call)
    }
}

fn base(args: &Args) -> Outcome {
    Outcome::unchanged()
        .with("checksum_dest", Json::Null)
        .with("checksum_src", Json::Null)
        .with("dest", args.dest.as_str())
        .with("elapsed", 0)
        .with("url", masked(&args.url.url))
}

/// The wanted digest; one given by address is looked up there by file name.
fn digest(args: &Args, host: &dyn Observe, call: &Call) -> Result<Option<Digest>, Failure> {
    if args.checksum.is_empty() {
        return Ok(None);
    }
    let fail = |msg: String| {
        let mut failure = Failure::new(msg);
        failure.values = base(args).values;
        failure
    };
    let Some((algorithm, value)) = args.checksum.split_once(':') else {
        return Err(fail("The checksum parameter has to be in format <algorithm>:<checksum>".to_owned()));
    };
    let mut value = value.to_owned();
    if ["http://", "https://", "file://"].iter().any(|s| value.starts_with(s)) {
        let mut response = request(args, &value, false, host, call)?;
        let mut list = String::new();
        response.body.read_to_string(&mut list).map_err(|e| fail(format!("{}: {e}", masked(&value))))?;
        let name = url_filename(&args.url.url);
        value = digest_in(&list, &name)
            .ok_or_else(|| fail(format!("Unable to find a checksum for file '{name}' in '{}'", masked(&value))))?;
    }
    let value: String = value.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect::<String>().to_lowercase();
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(fail("The checksum format is invalid".to_owned()));
    }
    let algorithm = algorithm.trim().to_lowercase();
    if !ALGORITHMS.contains(&algorithm.as_str()) {
        return Err(fail(format!(
            "Could not hash file '{}' with algorithm '{algorithm}'. Available algorithms: {}",
            args.dest,
            ALGORITHMS.join(", ")
        )));
    }
    Ok(Some(Digest { algorithm, value }))
}

/// Finds a file's digest in a list in GNU or BSD style, or a file that holds only a digest.
fn digest_in(list: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = list.lines().collect();
    if let [only] = lines[..]
        && only.split_whitespace().count() == 1
    {
        return Some(only.trim().to_owned());
    }
    lines.iter().find_map(|line| {
        let (digest, path) = match (line.split_once('('), line.rsplit_once('=')) {
            (Some((_, rest)), Some((_, digest))) if rest.contains(')') => {
                (digest.trim(), rest.rsplit_once(')').map_or(rest, |(p, _)| p))
            }
            _ => {
                let (digest, path) = line.split_once(char::is_whitespace)?;
                let path = path.trim_start();
                (digest, path.strip_prefix('*').unwrap_or(path).trim_start_matches(['.', '/']))
            }
        };
        (path == name).then(|| digest.to_owned())
    })
}

/// Asks for the file. A status other than 200 (and 304) is a failure.
fn request(args: &Args, url: &str, conditional: bool, host: &dyn Observe, call: &Call) -> Result<Response, Failure> {
    let mut request = args.url.request(url, host)?;
    let dest = Path::new(&args.dest);
    if let (true, false, Ok(stat)) = (conditional, host.is_dir(dest), host.stat(dest)) {
        request.headers.push(("If-Modified-Since".to_owned(), http_date(stat.mtime as i64)));
    }
    let start = Instant::now();
    let named = |failure: Failure| {
        failure.with("url", masked(url)).with("dest", args.dest.as_str()).with("elapsed", start.elapsed().as_secs())
    };
    let response = http::send(host, call, &request).map_err(|msg| named(Failure::new(msg)))?;
    if !matches!(response.status, 200 | 304) {
        return Err(named(
            Failure::new("Request failed").with("status_code", response.status).with("response", response.msg()),
        ));
    }
    Ok(response)
}

fn status(args: &Args, response: &Response) -> Json {
    if args.url.url.starts_with("file:") { Json::Null } else { response.status.into() }
}

fn unmodified(args: &Args, response: &Response, start: Instant, host: &dyn Observe) -> Outcome {
    let mut outcome = Outcome::unchanged()
        .with("url", masked(&args.url.url))
        .with("dest", args.dest.as_str())
        .with("msg", response.msg())
        .with("status_code", response.status)
        .with("elapsed", start.elapsed().as_secs());
    outcome.values.extend(path_info(host, Path::new(&args.dest)));
    outcome
}

/// The file to write: within a directory it is named by the server or by the address.
fn target(args: &Args, response: &Response, host: &dyn Observe) -> Result<PathBuf, Failure> {
    let dest = Path::new(&args.dest);
    let path = if host.is_dir(dest) {
        let name = response.header("content-disposition").and_then(disposition_filename);
        dest.join(name.unwrap_or_else(|| url_filename(&response.url)))
    } else {
        dest.to_owned()
    };
    let refuse = |what: String| {
        let mut failure = Failure::new(what);
        failure.values = base(args).values;
        Err(failure)
    };
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if host.stat(&path).is_ok() {
        for (bit, what) in [(2, "writable"), (4, "readable")] {
            if !host.access(&path, bit) {
                return refuse(format!("Destination {} is not {what}", path.display()));
            }
        }
    } else if !host.exists(parent) {
        return refuse(format!("Destination {} does not exist", parent.display()));
    } else if !host.access(parent, 2) {
        return refuse(format!("Destination {} is not writable", parent.display()));
    }
    Ok(path)
}

/// Check mode: an existing file is compared with the download, which goes nowhere.
fn look(args: &Args, force: bool, host: &dyn Observe, call: &Call) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let mut response = request(args, &args.url.url, !force, host, call)?;
    if response.status == 304 {
        return Ok(unmodified(args, &response, start, host));
    }
    let path = target(args, &response, host)?;
    let mut outcome = base(args).with("dest", path.display().to_string()).with("msg", response.msg());
    outcome.changed = true;
    if host.stat(&path).is_ok() {
        let old = checksum(host, &path, "sha1").map_err(|e| Failure::io(path.display(), &e))?;
        let new = sha1_of(&mut response.body).map_err(|e| Failure::io(masked(&args.url.url), &e))?;
        let attributes = args.attrs.resolve(host, &path, call)?.differences(host, &path)?.any();
        outcome.changed = old != new || attributes;
        outcome.set("checksum_dest", old);
        outcome.set("checksum_src", new);
    }
    outcome.set("elapsed", start.elapsed().as_secs());
    outcome.values.extend(path_info(host, &path));
    Ok(outcome)
}

fn sha1_of(reader: &mut dyn Read) -> io::Result<String> {
    use sha1::Digest as _;
    let mut digest = sha1::Sha1::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(crate::files::shared::hex(&digest.finalize())),
            n => digest.update(&buffer[..n]),
        }
    }
}

fn temporary(args: &Args, host: &mut dyn Change) -> Result<PathBuf, Failure> {
    let parent = args.tmp_dest.as_ref().map(PathBuf::from);
    if let Some(parent) = &parent
        && !host.is_dir(parent)
    {
        let shown = parent.display();
        let msg = if host.exists(parent) {
            format!("{shown} is a file but should be a directory.")
        } else {
            format!("{shown} directory does not exist.")
        };
        return Err(Failure::new(msg).with("elapsed", 0));
    }
    let dir = host.temp_dir(parent.as_deref(), "get_url").map_err(|e| Failure::io("no temporary directory", &e))?;
    Ok(dir.join("download"))
}

fn download(
    args: &Args,
    force: bool,
    wanted: Option<Digest>,
    host: &mut dyn Change,
    call: &Call,
) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let mut response = request(args, &args.url.url, !force, host.observe(), call)?;
    if response.status == 304 {
        return Ok(unmodified(args, &response, start, host.observe()));
    }
    let path = target(args, &response, host.observe())?;
    let source = temporary(args, host)?;
    let mut outcome = base(args)
        .with("src", source.display().to_string())
        .with("dest", path.display().to_string())
        .with("msg", response.msg())
        .with("status_code", status(args, &response));
    host.write(&source, &mut response.body, &WriteOptions { mode: Some(0o600), ..WriteOptions::default() }).map_err(
        |e| Failure::io("failed to create temporary content file", &e).with("elapsed", start.elapsed().as_secs()),
    )?;
    outcome.set("elapsed", start.elapsed().as_secs());
    let hash = |host: &dyn Observe, path: &Path, algorithm: &str| {
        checksum(host, path, algorithm).map_err(|e| Failure::io(path.display(), &e))
    };
    let new = hash(host.observe(), &source, "sha1")?;
    let there = host.stat(&path).is_ok();
    let old = if there { Some(hash(host.observe(), &path, "sha1")?) } else { None };
    outcome.set("checksum_src", new.as_str());
    outcome.set("checksum_dest", old.clone());
    if let Some(wanted) = wanted {
        let got = hash(host.observe(), &source, &wanted.algorithm)?;
        if got != wanted.value {
            let mut failure = Failure::new(format!(
                "The checksum for {} did not match {}; it was {got}.",
                source.display(),
                wanted.value
            ));
            outcome.values.retain(|k, _| k != "msg" && k != "status_code");
            failure.values = outcome.values;
            return Err(failure);
        }
    }
    let attrs = args.attrs.resolve(host.observe(), &path, call)?;
    if old.as_deref() != Some(new.as_str()) {
        if args.backup && there {
            let copy = backup(host, &path)?;
            outcome.set("backup_file", copy);
        }
        let target = host.canonicalize(&path).unwrap_or_else(|_| path.clone());
        let mut options = attrs.write_options(host.observe(), &target)?;
        if !there && options.mode.is_none() {
            options.mode = Some(0o666 & !host.umask());
        }
        host.copy(&source, &target, &options)
            .map_err(|e| Failure::io(format!("failed to copy {} to {}", source.display(), path.display()), &e))?;
        outcome.changed = true;
    }
    outcome.changed |= attrs.apply(host, &path)?.any();
    outcome.set("md5sum", hash(host.observe(), &path, "md5")?);
    outcome.values.extend(path_info(host.observe(), &path));
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;

    const GET: Entry = Entry::of::<GetUrl>();
    const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    fn host() -> Fake {
        Fake::new().file("/src/a.txt", "hello").dir("/dst").file("/src/sums", format!("{SHA256} *a.txt\nffff  other\n"))
    }

    #[test]
    fn downloads_into_a_directory_with_mode_and_checksum_list() {
        let mut host = host();
        let args =
            json!({"url": "file:///src/a.txt", "dest": "/dst", "mode": "0600", "checksum": "sha256:file:///src/sums"});
        let out = once(&GET, args.clone(), &mut host).unwrap();
        assert!(out.changed);
        assert!(!once(&GET, args, &mut host).unwrap().changed);
        assert_eq!(host.text("/dst/a.txt"), "hello");
        assert_eq!((&out.values["dest"], &out.values["mode"]), (&json!("/dst/a.txt"), &json!("0600")));
        assert_eq!(out.values["md5sum"], "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn matching_file_is_not_asked_for_again() {
        let mut host = Fake::new().file("/dst/a", "hello");
        let args = json!({"url": "http://192.0.2.1/a", "dest": "/dst/a", "checksum": format!("sha256:{SHA256}")});
        let out = case(&GET, args, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["msg"]), (false, &json!("file already exists")));
        let args = json!({"url": "http://192.0.2.1/a", "dest": "/dst/a", "mode": "0600", "checksum": format!("sha256:{SHA256}")});
        assert!(case(&GET, args, &mut host).unwrap().changed);
    }

    #[test]
    fn wrong_checksums_leave_the_file_alone() {
        let mut host = host().file("/dst/a", "old");
        let args = json!({"url": "file:///src/a.txt", "dest": "/dst/a", "checksum": "md5:00"});
        let failure = run(&GET, args, &mut host, false).unwrap_err();
        assert!(failure.msg.ends_with("did not match 00; it was 5d41402abc4b2a76b9719d911017c592."), "{}", failure.msg);
        assert_eq!(host.text("/dst/a"), "old");
        for (checksum, msg) in [
            ("abc", "The checksum parameter has to be in format <algorithm>:<checksum>"),
            ("md5:xyz", "The checksum format is invalid"),
        ] {
            let args = json!({"url": "file:///src/a.txt", "dest": "/dst/a", "checksum": checksum});
            assert_eq!(run(&GET, args, &mut host, true).unwrap_err().msg, msg);
        }
        let args = json!({"url": "file:///src/a.txt", "dest": "/none/a"});
        assert_eq!(run(&GET, args, &mut host, false).unwrap_err().msg, "Destination /none does not exist");
    }

    #[test]
    fn digests_in_lists() {
        for (list, found) in [
            ("abc\n", Some("abc")),
            ("abc  ./x.tgz\n", Some("abc")),
            ("SHA256 (x.tgz) = abc\n", Some("abc")),
            ("abc  y.tgz\ndef  z\n", None),
        ] {
            assert_eq!(digest_in(list, "x.tgz").as_deref(), found, "{list}");
        }
    }
}
