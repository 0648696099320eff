//! `apt_repository`: one-line entries of `sources.list` and `sources.list.d/*.list`.

use super::apt::update::{self, Patience};
use crate::contract::{Arg, Call, Diff, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::{execute, failed_command, required};
use crate::host::{Change, Command, FileAttrs, Observe, WriteOptions};
use crate::network::http::{self, Request};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub struct AptRepository;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    repo: String,
    state: State,
    mode: Option<Json>,
    update_cache: bool,
    update_cache_retries: u32,
    update_cache_retry_max_delay: u64,
    filename: Option<String>,
    validate_certs: bool,
    codename: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

pub struct Work {
    args: Args,
    before: BTreeMap<PathBuf, String>,
    after: BTreeMap<PathBuf, String>,
    /// A file that an entry was added to.
    added_to: Option<PathBuf>,
    /// Fingerprint of a PPA's signing key that is missing.
    key: Option<String>,
    outcome: Outcome,
}

const MAIN: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";

impl Module for AptRepository {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: "- name: A vendor's repository\n  ansible.builtin.apt_repository:\n    repo: deb [signed-by=/etc/apt/keyrings/vendor.asc] https://apt.example.com stable main\n    filename: vendor\n",
        differs: "Works without python-apt; install_python_apt has no effect.",
        ..ModuleSpec::new(
            "ansible.builtin.apt_repository",
            "Manages apt's one-line package sources.",
            &[
                Arg::str("repo").required().doc("A line as in sources.list, or `ppa:OWNER/NAME`."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the line is there."),
                Arg::raw("mode").doc("Permissions of a new file."),
                Arg::bool("update_cache")
                    .aliases(&["update-cache"])
                    .default(Literal::Bool(true))
                    .doc("Run `apt-get update` after a change."),
                Arg::int("update_cache_retries").default(Literal::Int(5)).doc("Attempts at updating the lists."),
                Arg::int("update_cache_retry_max_delay")
                    .default(Literal::Int(12))
                    .doc("Longest pause between attempts, in seconds."),
                Arg::str("filename").doc("Name of the file, without `.list`."),
                Arg::bool("install_python_apt").default(Literal::Bool(true)).doc("Accepted; has no effect."),
                Arg::bool("validate_certs").default(Literal::Bool(true)).doc("Check the certificate of Launchpad."),
                Arg::str("codename").doc("Release for a PPA, where it is not the host's own."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if args.repo.trim().is_empty() {
            return Err(Failure::new("Please set argument 'repo' to a non-empty value"));
        }
        let mut sources = Sources::read(host);
        let before = sources.texts();
        let (line, suggestion, ppa) = match args.repo.strip_prefix("ppa:") {
            Some(ppa) => {
                let codename = args.codename.clone().or_else(|| codename(host)).unwrap_or_default();
                let (owner, name) = ppa.split_once('/').unwrap_or((ppa, "ppa"));
                let line = format!("deb https://ppa.launchpadcontent.net/{owner}/{name}/ubuntu {codename} main");
                (line, format!("{}_{codename}", args.repo), Some((owner, name)))
            }
            None => (args.repo.clone(), args.repo.clone(), None),
        };
        let entry = Line::parse(&line);
        if !entry.valid || !entry.enabled {
            return Err(Failure::new(format!("Invalid repository string: {}", line.trim().trim_start_matches('#'))));
        }
        let mut added_to = None;
        let mut key = None;
        match args.state {
            State::Present => {
                let there = sources.has_enabled(&entry.source);
                if let (Some((owner, name)), false) = (ppa, there) {
                    key = missing_key(&args, owner, name, host, call)?;
                }
                let file = match &args.filename {
                    Some(name) => format!("{name}.list"),
                    None => suggest(if ppa.is_some() { &suggestion } else { &entry.source }),
                };
                let path = if file.contains('/') { PathBuf::from(file) } else { Path::new(PARTS).join(file) };
                added_to = sources.add(entry.source, path);
            }
            State::Absent => sources.remove(&entry.source),
        }
        let after = sources.texts();
        let gained: Vec<&PathBuf> = after.keys().filter(|f| !before.contains_key(*f)).collect();
        let lost: Vec<&PathBuf> = before.keys().filter(|f| !after.contains_key(*f)).collect();
        let names = |list: &[&PathBuf]| list.iter().map(|p| Json::from(p.display().to_string())).collect::<Vec<_>>();
        let mut outcome = Outcome::changed(before != after)
            .with("repo", args.repo.as_str())
            .with("sources_added", names(&gained))
            .with("sources_removed", names(&lost))
            .with("state", if args.state == State::Present { "present" } else { "absent" });
        if call.diff {
            for file in gained.into_iter().chain(lost) {
                let name = file.display().to_string();
                let header = |side: &BTreeMap<PathBuf, String>| {
                    Some(if side.contains_key(file) { name.clone() } else { "/dev/null".to_owned() })
                };
                let text =
                    |side: &BTreeMap<PathBuf, String>| Some(Json::from(side.get(file).cloned().unwrap_or_default()));
                outcome.diff.push(Diff {
                    before: text(&before),
                    after: text(&after),
                    before_header: header(&before),
                    after_header: header(&after),
                    prepared: None,
                });
            }
        }
        if !outcome.changed {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { args, before, after, added_to, key, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { args, before, after, added_to, key, mut outcome } = work;
        if let Some(fingerprint) = key {
            import_key(&fingerprint, host)?;
        }
        save(&before, &after, host)?;
        if let Some(path) = &added_to {
            let mode = args.mode.clone().unwrap_or_else(|| Json::from("0644"));
            let attrs = FileAttrs { mode: Some(mode), ..FileAttrs::default() };
            attrs.resolve(host.observe(), path, call)?.apply(host, path)?;
        }
        if args.update_cache {
            let patience = Patience {
                retries: args.update_cache_retries,
                max_delay: args.update_cache_retry_max_delay,
                lock_timeout: 60,
            };
            let apt_get = required(host.observe(), "apt-get")?.display().to_string();
            if let Err(failure) = update::run(patience, &apt_get, host, &mut outcome.warnings) {
                save(&after, &before, host)?;
                return Err(failure);
            }
        }
        Ok(outcome)
    }
}

/// Makes the files hold `after`; those that are no longer there are removed.
fn save(
    before: &BTreeMap<PathBuf, String>,
    after: &BTreeMap<PathBuf, String>,
    host: &mut dyn Change,
) -> Result<(), Failure> {
    for (path, text) in after {
        if before.get(path) == Some(text) {
            continue;
        }
        if let Some(dir) = path.parent()
            && !host.is_dir(dir)
        {
            host.create_dir(dir, 0o755)
                .map_err(|e| Failure::io(format!("Failed to create directory {}", dir.display()), &e))?;
        }
        // A link keeps pointing where it does: its target is written.
        let target = host.canonicalize(path).unwrap_or_else(|_| path.clone());
        host.write(&target, &mut text.as_bytes(), &WriteOptions::default())
            .map_err(|e| Failure::io(format!("Failed to write to file {}", path.display()), &e))?;
    }
    for path in before.keys().filter(|p| !after.contains_key(*p)) {
        host.remove_file(path).map_err(|e| Failure::io(path.display(), &e))?;
    }
    Ok(())
}

/// One line of a sources file.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    valid: bool,
    enabled: bool,
    source: String,
    comment: String,
}

impl Line {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        let (enabled, text) = text.strip_prefix('#').map_or((true, text), |t| (false, t));
        let (text, comment) = match text.find('#') {
            Some(i) if i > 0 => (&text[..i], text[i + 1..].trim()),
            _ => (text, ""),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let valid = matches!(words.first(), Some(&("deb" | "deb-src")));
        let source = if valid { words.join(" ") } else { text.trim().to_owned() };
        Line { valid, enabled, source, comment: comment.to_owned() }
    }

    fn text(&self) -> String {
        let comment = if self.comment.is_empty() { String::new() } else { format!(" # {}", self.comment) };
        format!("{}{}{comment}\n", if self.enabled { "" } else { "# " }, self.source)
    }
}

/// All one-line sources of the host, by file.
struct Sources(BTreeMap<PathBuf, Vec<Line>>);

impl Sources {
    fn read(host: &dyn Observe) -> Self {
        let mut paths: Vec<PathBuf> = host
            .read_dir(Path::new(PARTS))
            .unwrap_or_default()
            .into_iter()
            .map(|n| Path::new(PARTS).join(n))
            .filter(|p| p.extension().is_some_and(|e| e == "list"))
            .collect();
        paths.push(PathBuf::from(MAIN));
        let lines = |p: &PathBuf| host.read_text(p).ok().map(|t| t.lines().map(Line::parse).collect::<Vec<_>>());
        Sources(paths.into_iter().filter_map(|p| lines(&p).map(|l| (p, l))).collect())
    }

    fn texts(&self) -> BTreeMap<PathBuf, String> {
        self.0
            .iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(p, lines)| (p.clone(), lines.iter().map(Line::text).collect()))
            .collect()
    }

    fn has_enabled(&self, source: &str) -> bool {
        self.0.values().flatten().any(|l| l.valid && l.enabled && l.source == source)
    }

    /// Enables the source wherever it stands, else adds it to `file`; tells the file it was added to.
    fn add(&mut self, source: String, file: PathBuf) -> Option<PathBuf> {
        let mut found = false;
        for line in self.0.values_mut().flatten().filter(|l| l.valid && l.source == source) {
            line.enabled = true;
            found = true;
        }
        if found {
            return None;
        }
        let line = Line { valid: true, enabled: true, source, comment: String::new() };
        self.0.entry(file.clone()).or_default().push(line);
        Some(file)
    }

    fn remove(&mut self, source: &str) {
        for lines in self.0.values_mut() {
            lines.retain(|l| !(l.valid && l.enabled && l.source == source));
        }
    }
}

/// The file name that Ansible chooses: the address without protocol and credentials, other signs as `_`.
fn suggest(source: &str) -> String {
    let mut text = source.to_owned();
    while let (Some(open), Some(close)) = (text.find('['), text.find(']')) {
        if open < close {
            text.replace_range(open..=close, "");
        } else {
            break;
        }
    }
    let words = text.split_whitespace().filter(|w| !matches!(*w, "deb" | "deb-src"));
    let first = words.map(|w| w.split_once("://").map_or(w, |(_, r)| r)).next().unwrap_or_default();
    let first = first.split_once('@').map_or(first, |(_, r)| r);
    let parts: Vec<&str> = first.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()).collect();
    format!("{}.list", parts.join("_"))
}

fn codename(host: &dyn Observe) -> Option<String> {
    let text = host.read_text(Path::new("/etc/os-release")).ok()?;
    let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).map(|v| v.trim_matches('"').to_owned());
    value("UBUNTU_CODENAME=").or_else(|| value("VERSION_CODENAME="))
}

/// The signing key of a PPA, if apt does not have it.
fn missing_key(
    args: &Args,
    owner: &str,
    name: &str,
    host: &dyn Observe,
    call: &Call,
) -> Result<Option<String>, Failure> {
    let url = format!("https://api.launchpad.net/1.0/~{owner}/+archive/{name}");
    let mut request = Request::get(&url);
    request.headers.push(("Accept".to_owned(), "application/json".to_owned()));
    request.validate_certs = args.validate_certs;
    let fail = |why: String| Failure::new(format!("failed to fetch PPA information, error was: {why}"));
    let response = http::send(host, call, &request).map_err(fail)?;
    if response.status != 200 {
        return Err(fail(response.msg()));
    }
    let info: Json = serde_json::from_reader(response.body).map_err(|e| fail(e.to_string()))?;
    let fingerprint = info["signing_key_fingerprint"].as_str().unwrap_or_default().to_owned();
    if let Some(apt_key) = host.which("apt-key") {
        let command = Command::new(apt_key).args(["export", &fingerprint]);
        let out = crate::host::steps::query(host, &command)?;
        return Ok(out.stderr_text().contains("nothing exported").then_some(fingerprint));
    }
    let gpg = host.which("gpg").ok_or_else(|| {
        Failure::new("Either apt-key or gpg binary is required, but neither could be found.The apt-key CLI has been deprecated and removed in modern Debian and derivatives, you might want to use \"deb822_repository\" instead.")
    })?;
    let mut files = vec![PathBuf::from("/etc/apt/trusted.gpg")];
    for dir in KEY_DIRS {
        files.extend(host.read_dir(Path::new(dir)).unwrap_or_default().into_iter().map(|n| Path::new(dir).join(n)));
    }
    for file in files.iter().filter(|f| host.exists(f)) {
        let out =
            crate::host::steps::query(host, &Command::new(&gpg).arg("--list-packets").arg(file.display().to_string()))?;
        if out.stdout_text().contains(&fingerprint) {
            return Ok(None);
        }
    }
    Ok(Some(fingerprint))
}

const KEY_DIRS: &[&str] = &["/etc/apt/keyrings", "/etc/apt/trusted.gpg.d", "/usr/share/keyrings"];

fn import_key(fingerprint: &str, host: &mut dyn Change) -> Result<(), Failure> {
    const SERVER: &str = "hkp://keyserver.ubuntu.com:80";
    if let Some(apt_key) = host.which("apt-key") {
        let command =
            Command::new(apt_key).args(["adv", "--recv-keys", "--no-tty", "--keyserver", SERVER, fingerprint]);
        let out = execute(host, &command)?;
        return if out.ok() { Ok(()) } else { Err(failed_command(&command, &out, "")) };
    }
    let gpg = required(host.observe(), "gpg")?;
    let dir = KEY_DIRS.iter().find(|d| host.is_dir(Path::new(d))).ok_or_else(|| {
        Failure::new(format!(
            "Unable to find any existing apt gpgp repo directories, tried the following: {}",
            KEY_DIRS.join(", ")
        ))
    })?;
    let home = host.temp_dir(None, "gpg").map_err(|e| Failure::io("no temporary directory", &e))?;
    let home = home.display().to_string();
    let receive =
        Command::new(&gpg).args(["--homedir", &home, "--no-tty", "--keyserver", SERVER, "--recv-keys", fingerprint]);
    let out = execute(host, &receive)?;
    if !out.ok() {
        return Err(failed_command(&receive, &out, "Unable to get required signing key"));
    }
    let export = Command::new(&gpg).args(["--homedir", &home, "--no-tty", "--export", fingerprint]);
    let out = execute(host, &export)?;
    if !out.ok() || out.stdout.is_empty() {
        return Err(failed_command(&export, &out, "Unable to get required signing key"));
    }
    let path = Path::new(dir).join(format!("{fingerprint}.gpg"));
    host.write(&path, &mut out.stdout.as_slice(), &WriteOptions { mode: Some(0o644), ..WriteOptions::default() })
        .map_err(|e| Failure::io("Unable to add required signing key.", &e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const REPO: Entry = Entry::of::<AptRepository>();

    fn host() -> Fake {
        Fake::new()
            .file_mode("/usr/bin/apt-get", "", 0o755)
            .file(MAIN, "deb http://deb.debian.org/debian bookworm main\n# deb http://x.org y z # note\n")
            .dir(PARTS)
            .answer("/usr/bin/apt-get update -q -o APT::Update::Error-Mode=any", 0, "")
    }

    #[test]
    fn adds_a_file_named_by_its_address() {
        let mut host = host();
        let args =
            json!({"repo": "deb  [arch=amd64 signed-by=/k.asc] https://user:pw@apt.example.com/a-b stable main"});
        let out = case(&REPO, args, &mut host).unwrap();
        assert!(out.changed);
        let path = "/etc/apt/sources.list.d/apt_example_com_a_b.list";
        assert_eq!(out.values["sources_added"], json!([path]));
        assert_eq!(
            host.text(path),
            "deb [arch=amd64 signed-by=/k.asc] https://user:pw@apt.example.com/a-b stable main\n"
        );
    }

    #[test]
    fn enables_a_commented_line_and_removes_it_again() {
        let mut host = host();
        assert!(case(&REPO, json!({"repo": "deb http://x.org y z"}), &mut host).unwrap().changed);
        assert!(host.text(MAIN).ends_with("deb http://x.org y z # note\n"));
        assert!(case(&REPO, json!({"repo": "deb http://x.org y z", "state": "absent"}), &mut host).unwrap().changed);
        assert_eq!(host.text(MAIN), "deb http://deb.debian.org/debian bookworm main\n");
    }

    #[test]
    fn failing_update_takes_the_change_back() {
        let mut host =
            host().answer_err("/usr/bin/apt-get update -q -o APT::Update::Error-Mode=any", 100, "", "E: no\n");
        let args = json!({"repo": "deb http://new.org y z", "update_cache_retries": 1});
        let failure = run(&REPO, args, &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Failed to update apt cache after 1 retries: E: no");
        assert!(!host.exists(Path::new("/etc/apt/sources.list.d/new_org.list")));
        let failure = run(&REPO, json!({"repo": "http://new.org"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Invalid repository string: http://new.org");
    }
}
