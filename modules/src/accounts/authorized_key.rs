//! `ansible.posix.authorized_key`: keys with which a user may log in.

use crate::contract::{Arg, Call, Diff, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::files::shared::real_path;
use crate::host::{Change, Observe, WriteOptions, path_info};
use crate::network::http::{self, Request};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};

pub struct AuthorizedKey;

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Args {
    user: String,
    key: String,
    path: Option<String>,
    manage_dir: bool,
    state: State,
    key_options: Option<String>,
    exclusive: bool,
    comment: Option<String>,
    validate_certs: bool,
    follow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

pub struct Work {
    args: Args,
    file: PathBuf,
    /// uid and gid of the user; unknown only in check mode.
    owner: Option<(u32, u32)>,
    content: String,
    preview: Outcome,
}

impl Module for AuthorizedKey {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: "- name: Two keys and no others\n  ansible.posix.authorized_key:\n    user: deploy\n    exclusive: true\n    key: |\n      ssh-ed25519 AAAAC3Nz ann\n      ssh-ed25519 AAAAC3Nx bob\n",
        returns: &[Return { name: "keyfile", when: "not in check mode", doc: "The file." }],
        ..ModuleSpec::new(
            "ansible.posix.authorized_key",
            "Manages the keys with which a user may log in.",
            &[
                Arg::str("user").required().doc("The user."),
                Arg::str("key").required().doc("Keys, one on a line, or an address where they are."),
                Arg::path("path").doc("File, if not `~/.ssh/authorized_keys`."),
                Arg::bool("manage_dir")
                    .default(Literal::Bool(true))
                    .doc("Create the directory; give it and the mode 0700 to the user."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the keys are there."),
                Arg::str("key_options").doc("Options before each key, with commas between."),
                Arg::bool("exclusive").default(Literal::Bool(false)).doc("Remove all other keys."),
                Arg::str("comment").doc("Comment of each key, if not its own."),
                Arg::bool("validate_certs").default(Literal::Bool(true)).doc("Check the server's certificate."),
                Arg::bool("follow").default(Literal::Bool(false)).doc("Write where a link points."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let keys = if args.key.starts_with("http") { fetch(&args, host, call)? } else { args.key.clone() };
        let (file, owner) = place(&args, host, call)?;
        let before = host.read_text(&file).unwrap_or_default();
        let mut present = Keys::read(&before);
        let changed = present.enforce(&args, &keys)?;
        let mut outcome = if call.check { Outcome::unchanged() } else { described(&args, &file) };
        outcome.changed = changed;
        if !changed {
            return Ok(Plan::Done(outcome));
        }
        let content = present.write();
        let target = if args.follow { real_path(host, &file) } else { file.clone() };
        if call.diff {
            let mut diff = Diff::text(&file.display().to_string(), &before, &content);
            diff.after_header = Some(target.display().to_string());
            outcome.diff.push(diff);
        }
        Ok(Plan::Work(Work { args, file: target, owner, content, preview: outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, file, owner, content, mut preview } = work;
        let (uid, gid) = owner.ok_or_else(|| Failure::new(format!("Failed to lookup user {}", args.user)))?;
        let dir = match &args.path {
            Some(path) => Path::new(path).parent(),
            None => file.parent(),
        };
        let dir = dir.unwrap_or(Path::new("/")).to_owned();
        let fail = |what: &str, path: &Path| {
            let text = format!("Failed to {what} {} ", path.display());
            move |e: std::io::Error| Failure::io(text, &e)
        };
        if args.manage_dir {
            if !host.exists(&dir) {
                host.create_dir(&dir, 0o700).map_err(fail("create directory", &dir))?;
            }
            host.set_owner(&dir, Some(uid), Some(gid), true).map_err(fail("change the owner of", &dir))?;
            host.set_mode(&dir, 0o700).map_err(fail("change the mode of", &dir))?;
        } else if !host.exists(&dir) {
            crate::files::shared::make_parents(host, &file).map_err(fail("create directory", &dir))?;
        }
        let options = WriteOptions { mode: Some(0o600), uid: Some(uid), gid: Some(gid), unsafe_writes: false };
        host.write(&file, &mut content.as_bytes(), &options).map_err(fail("write to file", &file))?;
        if let Some(path) = &args.path {
            preview.values.extend(path_info(host.observe(), Path::new(path)));
        }
        Ok(preview)
    }
}

/// The arguments, which Ansible returns, and the file.
fn described(args: &Args, file: &Path) -> Outcome {
    let values = match serde_json::to_value(args) {
        Ok(Json::Object(map)) => map,
        _ => Default::default(),
    };
    Outcome { values, ..Outcome::default() }.with("keyfile", file.display().to_string())
}

fn fetch(args: &Args, host: &dyn Observe, call: &Call) -> Result<String, Failure> {
    let fail = || Failure::new(format!("Error getting key from: {}", args.key));
    let request = Request { validate_certs: args.validate_certs, ..Request::get(&args.key) };
    let mut response = http::send(host, call, &request).map_err(|_| fail())?;
    if response.status != 200 {
        return Err(fail());
    }
    let mut text = String::new();
    response.body.read_to_string(&mut text).map_err(|_| fail())?;
    Ok(text)
}

fn place(args: &Args, host: &dyn Observe, call: &Call) -> Result<(PathBuf, Option<(u32, u32)>), Failure> {
    let entry = host.user(&args.user);
    let owner = entry.as_ref().map(|e| (e.uid, e.gid));
    match (&args.path, entry) {
        (Some(path), _) if call.check => Ok((PathBuf::from(path), owner)),
        (_, None) if call.check => {
            Err(Failure::new("Either user must exist or you must provide full path to key file in check mode"))
        }
        (_, None) => Err(Failure::new(format!(
            "Failed to lookup user {}: \"getpwnam(): name not found: '{}'\"",
            args.user, args.user
        ))),
        (Some(path), Some(_)) => Ok((PathBuf::from(path), owner)),
        (None, Some(entry)) => Ok((Path::new(&entry.home).join(".ssh/authorized_keys"), owner)),
    }
}

const TYPES: &[&str] = &[
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "ssh-ed25519",
    "ssh-dss",
    "ssh-rsa",
];

/// A line of the file: a key, or anything else, which is kept.
#[derive(Clone, Debug, PartialEq)]
enum Line {
    Key { blob: String, kind: String, options: Vec<(String, Option<String>)>, comment: String },
    Other(String),
}

impl Line {
    /// `None` where the line holds no key.
    fn key(text: &str) -> Option<Line> {
        let text = text.replace("\\#", "#");
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.first() == Some(&"#") {
            return Some(Line::Other(text.clone()));
        }
        let at = words.iter().position(|w| TYPES.contains(w))?;
        Some(Line::Key {
            blob: (*words.get(at + 1)?).to_owned(),
            kind: words[at].to_owned(),
            options: options(&words[..at].join(" ")),
            comment: words.get(at + 2..).unwrap_or_default().join(" "),
        })
    }

    /// What makes two lines the same key.
    fn identity(&self) -> &str {
        match self {
            Line::Key { blob, .. } => blob,
            Line::Other(text) => text,
        }
    }

    fn write(&self) -> String {
        match self {
            Line::Other(text) => text.clone(),
            Line::Key { blob, kind, options, comment } => {
                let mut prefix: String = options
                    .iter()
                    .map(|(k, v)| v.as_ref().map_or_else(|| k.clone(), |v| format!("{k}={v}")))
                    .collect::<Vec<_>>()
                    .join(",");
                if !prefix.is_empty() {
                    prefix.push(' ');
                }
                format!("{prefix}{kind} {blob} {comment}\n")
            }
        }
    }
}

/// Options split at commas outside of quotes.
fn options(text: &str) -> Vec<(String, Option<String>)> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, ',') => {
                parts.push(String::new());
                continue;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
        .into_iter()
        .filter(|p| !p.is_empty())
        .map(|p| match p.split_once('=') {
            Some((k, v)) => (k.to_owned(), Some(v.to_owned())),
            None => (p, None),
        })
        .collect()
}

/// The lines of a file, each with the rank by which they are written.
struct Keys(Vec<(usize, Line)>);

impl Keys {
    fn read(text: &str) -> Self {
        let mut keys = Keys(Vec::new());
        for (rank, line) in text.split_inclusive('\n').enumerate() {
            let line = Line::key(line).unwrap_or_else(|| Line::Other(line.to_owned()));
            keys.put(rank, line);
        }
        keys
    }

    fn position(&self, identity: &str) -> Option<usize> {
        self.0.iter().position(|(_, l)| l.identity() == identity)
    }

    /// A line with the same identity is replaced.
    fn put(&mut self, rank: usize, line: Line) {
        match self.position(line.identity()) {
            Some(i) => self.0[i] = (rank, line),
            None => self.0.push((rank, line)),
        }
    }

    /// Adds or removes the given keys; whether anything changed.
    fn enforce(&mut self, args: &Args, given: &str) -> Result<bool, Failure> {
        let base = self.0.len();
        let mut keep: Vec<String> = Vec::new();
        let mut changed = false;
        for (rank, text) in given.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).enumerate() {
            let mut line = Line::key(text).ok_or_else(|| Failure::new(format!("invalid key specified: {text}")))?;
            if let Line::Key { options: own, comment, .. } = &mut line {
                if let Some(wanted) = &args.key_options {
                    *own = options(wanted);
                }
                if let Some(wanted) = &args.comment {
                    comment.clone_from(wanted);
                }
            }
            let there = self.position(line.identity());
            match args.state {
                State::Absent => {
                    if let Some(i) = there {
                        self.0.remove(i);
                        changed = true;
                    }
                }
                State::Present => {
                    keep.push(line.identity().to_owned());
                    if there.is_none_or(|i| self.0[i].1 != line) {
                        self.put(base + rank, line);
                        changed = true;
                    }
                }
            }
        }
        if args.state == State::Present && args.exclusive {
            let before = self.0.len();
            self.0.retain(|(_, l)| keep.iter().any(|k| k == l.identity()));
            changed |= self.0.len() != before;
        }
        Ok(changed)
    }

    fn write(&mut self) -> String {
        self.0.sort_by_key(|(rank, _)| *rank);
        self.0.iter().map(|(_, l)| l.write()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const KEY: Entry = Entry::of::<AuthorizedKey>();
    const FILE: &str = "/home/ann/.ssh/authorized_keys";

    fn host() -> Fake {
        Fake::new().file("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n").dir("/home/ann")
    }

    #[test]
    fn adds_keys_with_private_modes() {
        let mut host = host();
        let out =
            case(&KEY, json!({"user": "ann", "key": "ssh-rsa AAA a b\n# no\nssh-ed25519 BBB"}), &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["keyfile"], FILE);
        assert_eq!(host.text(FILE), "ssh-rsa AAA a b\nssh-ed25519 BBB \n");
        assert_eq!(host.stat(Path::new(FILE)).unwrap().mode, 0o600);
        assert_eq!(host.stat(Path::new("/home/ann/.ssh")).unwrap().uid, 1000);
    }

    #[test]
    fn options_replace_and_exclusive_removes() {
        let old = "# note\nssh-rsa AAA old\ncommand=\"a,b\",no-pty ssh-ed25519 BBB x\n";
        let mut host = host().file(FILE, old);
        let args = json!({"user": "ann", "key": "ssh-rsa AAA old", "key_options": "from=\"1.2.3.4,5.6.7.8\",no-pty"});
        assert!(case(&KEY, args, &mut host).unwrap().changed);
        assert_eq!(
            host.text(FILE),
            "# note\ncommand=\"a,b\",no-pty ssh-ed25519 BBB x\nfrom=\"1.2.3.4,5.6.7.8\",no-pty ssh-rsa AAA old\n"
        );
        let args = json!({"user": "ann", "key": "ssh-ed25519 CCC c", "exclusive": true});
        assert!(case(&KEY, args, &mut host).unwrap().changed);
        assert_eq!(host.text(FILE), "ssh-ed25519 CCC c\n");
        let args = json!({"user": "ann", "key": "ssh-ed25519 CCC other", "state": "absent"});
        assert!(case(&KEY, args, &mut host).unwrap().changed);
        assert_eq!(host.text(FILE), "");
    }

    #[test]
    fn bad_keys_and_unknown_users_fail() {
        let failure = run(&KEY, json!({"user": "ann", "key": "nonsense"}), &mut host(), true).unwrap_err();
        assert_eq!(failure.msg, "invalid key specified: nonsense");
        let failure = run(&KEY, json!({"user": "bob", "key": "ssh-rsa A"}), &mut host(), true).unwrap_err();
        assert_eq!(failure.msg, "Either user must exist or you must provide full path to key file in check mode");
    }
}
