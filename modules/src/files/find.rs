//! `find`: files by name, age, size, kind, content and mode.

use super::shared::{ALGORITHMS, checksum, normal_path, text};
use super::stat::describe;
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return,
};
use crate::host::{Change, FileKind, Mode, Observe, Stat, fnmatch};
use crate::text::{Encoding, Flags, Pattern};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Python reads files in parts of this size, in bytes.
const PART: usize = 8 << 10;

pub struct Find;

#[derive(Deserialize)]
pub struct Args {
    paths: Vec<PathBuf>,
    patterns: Vec<String>,
    excludes: Option<Vec<String>>,
    contains: Option<String>,
    read_whole_file: bool,
    file_type: String,
    age: Option<String>,
    age_stamp: String,
    size: Option<String>,
    recurse: bool,
    hidden: bool,
    follow: bool,
    get_checksum: bool,
    checksum_algorithm: String,
    use_regex: bool,
    depth: Option<i64>,
    mode: Option<Json>,
    exact_mode: bool,
    encoding: Option<String>,
    limit: Option<i64>,
}

impl Module for Find {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: r#"
- name: Logs older than two weeks
  ansible.builtin.find:
    paths: /var/log
    patterns: '*.log,*.gz'
    age: 2w
    recurse: true
  register: old_logs

- name: Release directories by regular expression
  ansible.builtin.find:
    paths: [/srv/app/releases]
    file_type: directory
    use_regex: true
    patterns: ['^[0-9]{14}$']
"#,
        returns: &[
            Return { name: "files", when: "always", doc: "What was found, each as `stat` tells it." },
            Return { name: "matched", when: "always", doc: "How many." },
            Return { name: "examined", when: "always", doc: "How many were looked at." },
            Return { name: "skipped_paths", when: "always", doc: "Paths that could not be looked at, and why." },
        ],
        differs: "Files in another `encoding` than UTF-8, ASCII and Latin-1 need the host's `iconv`. A file with a NUL byte is not searched line by line, as it is no text.",
        ..ModuleSpec::new(
            "ansible.builtin.find",
            "Finds files.",
            &[
                Arg::list("paths", ArgType::Path).required().aliases(&["name", "path"]).doc("Directories to search."),
                Arg::list("patterns", ArgType::Str)
                    .default(Literal::Strs(&[]))
                    .aliases(&["pattern"])
                    .doc("Names: shell patterns, or with `use_regex` regular expressions."),
                Arg::list("excludes", ArgType::Str).aliases(&["exclude"]).doc("Names to leave out."),
                Arg::str("contains").doc("A regular expression that the start of a line must fit."),
                Arg::bool("read_whole_file").default(Literal::Bool(false)).doc("Search the whole file, not each line."),
                Arg::str("file_type")
                    .choices(&["any", "directory", "file", "link"])
                    .default(Literal::Str("file"))
                    .doc("The kind."),
                Arg::str("age").doc("At least this old: `3d`, `2w`, `10m`; negative: at most."),
                Arg::str("age_stamp")
                    .choices(&["atime", "ctime", "mtime"])
                    .default(Literal::Str("mtime"))
                    .doc("The time that `age` looks at."),
                Arg::str("size").doc("At least this big: `10m`, `1g`; negative: at most."),
                Arg::bool("recurse").default(Literal::Bool(false)).doc("Below the directories, too."),
                Arg::bool("hidden").default(Literal::Bool(false)).doc("Names with a leading dot, too."),
                Arg::bool("follow").default(Literal::Bool(false)).doc("Into directories that are links."),
                Arg::bool("get_checksum").default(Literal::Bool(false)).doc("Return a digest of each file."),
                Arg::str("checksum_algorithm")
                    .choices(ALGORITHMS)
                    .default(Literal::Str("sha1"))
                    .aliases(&["checksum", "checksum_algo"])
                    .doc("The digest."),
                Arg::bool("use_regex").default(Literal::Bool(false)).doc("Patterns are regular expressions."),
                Arg::int("depth").doc("How deep to go; 1 is the directory itself."),
                Arg::raw("mode").doc("Permissions, octal or symbolic."),
                Arg::bool("exact_mode").default(Literal::Bool(true)).doc("Exactly these permissions, not any of them."),
                Arg::str("encoding").doc("Encoding of the files whose content is looked at; UTF-8 where absent."),
                Arg::int("limit").doc("Stop after so many."),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<()>, Failure> {
        let mut search = Search::new(&args, host)?;
        for path in &args.paths {
            if !host.is_dir(path) {
                search.skip(path, &format!("'{}' is not a directory", path.display()));
                continue;
            }
            if let Err(failure) = search.walk(path, 1, &mut Vec::new()) {
                search.skip(path, &failure.msg);
            }
        }
        let msg = if !search.outcome.warnings.is_empty() {
            "Not all paths examined, check warnings for details"
        } else if search.full() {
            "Limit of matches reached"
        } else {
            "All paths examined"
        };
        let mut outcome = search.outcome;
        outcome.set("matched", search.files.len());
        outcome.set("files", search.files);
        outcome.set("msg", msg);
        outcome.set("examined", search.examined);
        outcome.set("skipped_paths", search.skipped);
        Ok(Plan::Done(outcome))
    }
    fn preview(_: &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }
    fn apply(_: (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}

/// Names, by shell patterns or regular expressions.
enum Names {
    Shell(Vec<String>),
    Regex(Vec<Pattern>),
}

impl Names {
    fn new(patterns: &[String], regex: bool) -> Result<Self, Failure> {
        if !regex {
            return Ok(Names::Shell(patterns.to_vec()));
        }
        let compile = |p: &String| Pattern::new(p, Flags::default()).map_err(Failure::new);
        patterns.iter().map(compile).collect::<Result<_, _>>().map(Names::Regex)
    }
    fn fit(&self, name: &str) -> bool {
        match self {
            Names::Shell(patterns) => patterns.iter().any(|p| fnmatch(name, p)),
            Names::Regex(patterns) => patterns.iter().any(|p| p.matches_start(name)),
        }
    }
}

struct Search<'a> {
    args: &'a Args,
    host: &'a dyn Observe,
    names: Names,
    excludes: Names,
    contains: Option<Pattern>,
    /// Of the files whose content is looked at.
    encoding: Result<Encoding, Failure>,
    age: Option<i64>,
    size: Option<i64>,
    mode: Option<u32>,
    now: f64,
    examined: u64,
    files: Vec<Json>,
    skipped: JsonMap,
    outcome: Outcome,
}

/// A number with a unit; negative ones mean "at most".
fn amount(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let text = text.to_lowercase();
    let (number, factor) = match text.chars().last().and_then(|c| units.iter().find(|(u, _)| *u == c)) {
        Some((_, factor)) => (&text[..text.len() - 1], *factor),
        None => (text.as_str(), 1),
    };
    let digits = number.strip_prefix('-').unwrap_or(number);
    let sane = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    number.parse::<i64>().ok().filter(|_| sane).and_then(|n| n.checked_mul(factor))
}

impl<'a> Search<'a> {
    fn new(args: &'a Args, host: &'a dyn Observe) -> Result<Self, Failure> {
        const AGES: &[(char, i64)] = &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
        const SIZES: &[(char, i64)] = &[('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)];
        let read = |text: &Option<String>, units, key: &str| match text {
            None => Ok(None),
            Some(text) => amount(text, units)
                .map(Some)
                .ok_or_else(|| Failure::new(format!("failed to process {key}")).with(key, text.as_str())),
        };
        if let Some(limit) = args.limit.filter(|l| *l <= 0) {
            return Err(Failure::new(format!("limit cannot be {limit} (use None for unlimited)")));
        }
        let mode = match args.mode.as_ref().filter(|m| !m.is_null()) {
            None => None,
            Some(Json::String(text)) if text.is_empty() => None,
            Some(mode @ Json::String(_)) => Some(Mode::read(mode).bits(0, false, host.umask()).map_err(Failure::new)?),
            Some(_) => {
                let msg = "argument 'mode' is not a string and conversion is not allowed, value is of type int";
                return Err(Failure::new(msg));
            }
        };
        let everything = [if args.use_regex { ".*".to_owned() } else { "*".to_owned() }];
        let patterns = if args.patterns.is_empty() { &everything[..] } else { &args.patterns };
        Ok(Search {
            args,
            host,
            names: Names::new(patterns, args.use_regex)?,
            excludes: Names::new(args.excludes.as_deref().unwrap_or_default(), args.use_regex)?,
            contains: args
                .contains
                .as_deref()
                .map(|c| Pattern::new(c, Flags::default()).map_err(Failure::new))
                .transpose()?,
            encoding: match &args.contains {
                Some(_) => Encoding::named(args.encoding.as_deref(), host),
                None => Ok(Encoding::Utf8),
            },
            age: read(&args.age, AGES, "age")?,
            size: read(&args.size, SIZES, "size")?,
            mode,
            now: host.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            examined: 0,
            files: Vec::new(),
            skipped: JsonMap::new(),
            outcome: Outcome::unchanged(),
        })
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.skipped.insert(text(path), why.into());
        self.outcome.warnings.push(format!("Skipped '{}' path due to this access issue: {why}\n", path.display()));
    }

    fn full(&self) -> bool {
        self.args.limit.is_some_and(|l| self.files.len() as i64 >= l)
    }

    /// Looks at one directory, files first, then goes deeper. `above` guards against links that lead in a circle.
    fn walk(&mut self, dir: &Path, depth: i64, above: &mut Vec<(u64, u64)>) -> Result<(), Failure> {
        let place = self.host.stat(dir).map(|s| (s.dev, s.inode));
        let names = match (&place, self.host.read_dir(dir)) {
            (Ok(_), Ok(names)) => names,
            (Err(e), _) => {
                self.skipped.insert(text(dir), e.to_string().into());
                return Ok(());
            }
            (_, Err(e)) => {
                self.skipped.insert(text(dir), e.to_string().into());
                return Ok(());
            }
        };
        let place = place.unwrap_or_default();
        if above.contains(&place) {
            return Ok(());
        }
        let (dirs, files): (Vec<PathBuf>, Vec<PathBuf>) =
            names.into_iter().map(|n| dir.join(n)).partition(|p| self.host.is_dir(p));
        self.examined += (dirs.len() + files.len()) as u64;
        if self.args.depth.is_none_or(|limit| limit == 0 || depth <= limit) {
            for path in files.iter().chain(&dirs) {
                self.look(&normal_path(path))?;
                if self.full() {
                    return Ok(());
                }
            }
        }
        let deeper = self.args.recurse && self.args.depth.is_none_or(|limit| limit == 0 || depth <= limit);
        if !deeper {
            return Ok(());
        }
        above.push(place);
        for dir in dirs {
            let is_link = self.host.lstat(&dir).is_ok_and(|s| s.kind == FileKind::Symlink);
            if !is_link || self.args.follow {
                self.walk(&dir, depth + 1, above)?;
            }
            if self.full() {
                break;
            }
        }
        above.pop();
        Ok(())
    }

    /// Adds one file to the result if it fits.
    fn look(&mut self, path: &Path) -> Result<(), Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') && !self.args.hidden {
            return Ok(());
        }
        let stat = match self.host.lstat(path) {
            Ok(stat) => stat,
            Err(e) => {
                self.skipped.insert(text(path), e.to_string().into());
                self.outcome.warnings.push(format!("Skipped entry '{}' due to access issue: {e}", path.display()));
                return Ok(());
            }
        };
        let is_file = stat.kind == FileKind::File;
        let kind_fits = match self.args.file_type.as_str() {
            "any" => true,
            "directory" => stat.kind == FileKind::Directory,
            "link" => stat.kind == FileKind::Symlink,
            _ => is_file,
        };
        if !kind_fits || !self.names.fit(&name) || self.excludes.fit(&name) || !self.fits(&stat) {
            return Ok(());
        }
        if is_file && self.args.file_type == "file" && !self.content_fits(path)? {
            return Ok(());
        }
        let mut found = JsonMap::from_iter([("path".to_owned(), Json::from(text(path)))]);
        describe(&stat, &mut |key, value| {
            found.insert(key.to_owned(), value);
        });
        found.insert("pw_name".into(), self.host.user_by_id(stat.uid).map(|u| u.name).unwrap_or_default().into());
        found.insert("gr_name".into(), self.host.group_by_id(stat.gid).map(|g| g.name).unwrap_or_default().into());
        if is_file && self.args.get_checksum && self.args.file_type != "directory" {
            let digest = checksum(self.host, path, &self.args.checksum_algorithm);
            found.insert("checksum".into(), digest.map_err(|e| Failure::io(path.display(), &e))?.into());
        }
        self.files.push(found.into());
        Ok(())
    }

    fn fits(&self, stat: &Stat) -> bool {
        let stamp = match self.args.age_stamp.as_str() {
            "atime" => stat.atime,
            "ctime" => stat.ctime,
            _ => stat.mtime,
        };
        let age_fits = self.age.is_none_or(|age| {
            let old = self.now - stamp;
            if age >= 0 { old >= age as f64 } else { old <= age.unsigned_abs() as f64 }
        });
        let size_fits = stat.kind != FileKind::File
            || self
                .size
                .is_none_or(|size| if size >= 0 { stat.size >= size as u64 } else { stat.size <= size.unsigned_abs() });
        let mode_fits =
            self.mode.is_none_or(|mode| if self.args.exact_mode { stat.mode == mode } else { stat.mode & mode != 0 });
        age_fits && size_fits && mode_fits
    }

    /// A file that is not in the encoding ends the search of its directory, as in the reference.
    fn content_fits(&self, path: &Path) -> Result<bool, Failure> {
        let Some(pattern) = &self.contains else { return Ok(true) };
        let encoding = self.encoding.as_ref().map_err(Failure::clone)?;
        let Ok(mut file) = self.host.open(path) else { return Ok(false) };
        let wrong = || {
            let unnamed = "None (default determined by the Python built-in function \"open\")";
            let name = self.args.encoding.as_deref().unwrap_or(unnamed);
            let path = path.display();
            let msg = format!("Failed to read the file {path} due to an encoding error. current encoding: {name}");
            Failure::new(msg)
        };
        if encoding.is_by_parts() && !self.args.read_whole_file {
            return lines_fit(file, pattern, encoding).ok_or_else(wrong);
        }
        let mut bytes = Vec::new();
        if file.read_to_end(&mut bytes).is_err() {
            return Ok(false);
        }
        let text = encoding.decode(bytes, self.host).ok_or_else(wrong)?;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut lines = text.split_inclusive('\n');
        Ok(if self.args.read_whole_file {
            pattern.is_match(&text)
        } else {
            lines.any(|line| pattern.matches_start(line))
        })
    }
}

/// Whether the start of a line fits, read in parts as Python does; `None` where a part is not in the encoding. No line of a
/// binary file is read: it may have no end.
fn lines_fit(mut file: impl Read, pattern: &Pattern, encoding: &Encoding) -> Option<bool> {
    let fits = |line: &[u8]| pattern.matches_start(&String::from_utf8_lossy(line).replace("\r\n", "\n"));
    let mut part = Vec::with_capacity(PART);
    // From the start of a line.
    let mut pending: Vec<u8> = Vec::new();
    let mut checked = 0;
    loop {
        part.clear();
        let Ok(read) = file.by_ref().take(PART as u64).read_to_end(&mut part) else { return Some(false) };
        if part.contains(&0) {
            return Some(false);
        }
        pending.extend_from_slice(&part);
        checked += encoding.accepted(&pending[checked..], read < PART)?;
        let end = pending.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if pending[..end].split_inclusive(|b| *b == b'\n').any(fits) {
            return Some(true);
        }
        pending.drain(..end);
        checked -= end;
        if read < PART {
            return Some(!pending.is_empty() && fits(&pending));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::{Fake, NOW};
    use crate::host::testing::case;
    use serde_json::json;

    fn found(args: Json, host: &mut Fake) -> Vec<String> {
        let out = case(&Entry::of::<Find>(), args, host).expect("no failure");
        let files = out.values["files"].as_array().expect("a list").clone();
        files.iter().map(|f| f["path"].as_str().expect("text").to_owned()).collect()
    }

    #[test]
    fn lines_are_read_in_parts() {
        let lines = "x".repeat(5000) + "\n" + &"é".repeat(5000) + "\r\nlast";
        let mut host = Fake::new().file("/d/a", "one\ntwo\n").file("/d/b", "two\n\0").file("/d/c", lines);
        assert_eq!(found(json!({"paths": "/d", "contains": "two"}), &mut host), ["/d/a"]);
        assert_eq!(found(json!({"paths": "/d", "contains": "é{5000}$"}), &mut host), ["/d/c"]);
        assert_eq!(found(json!({"paths": "/d", "contains": "last"}), &mut host), ["/d/c"]);
        let whole = json!({"paths": "/d", "contains": "two", "read_whole_file": true});
        assert_eq!(found(whole, &mut host), ["/d/a", "/d/b"]);
    }

    #[test]
    fn content_in_other_encodings() {
        let gbk = b"\xc4\xe3\xba\xc3\n";
        let mut host = Fake::new()
            .file("/d/x.gbk", gbk)
            .file("/d/latin", b"caf\xe9\n")
            .file_mode("/usr/bin/iconv", "", 0o755)
            .answer("/usr/bin/iconv -f nope -t UTF-8", 1, "")
            .answer("/usr/bin/iconv -f gbk -t UTF-8", 0, "你好\n");
        let mut ask = |encoding: Json, contains: &str| {
            let args = json!({"paths": "/d", "patterns": "x.gbk", "contains": contains, "encoding": encoding});
            let out = case(&Entry::of::<Find>(), args, &mut host).expect("no failure");
            (out.values["matched"].clone(), out.values["skipped_paths"]["/d"].clone())
        };
        assert_eq!(ask(json!("gbk"), "你"), (json!(1), json!(null)));
        assert_eq!(ask(json!("nope"), "你"), (json!(0), json!("unknown encoding: nope")));
        let wrong = "Failed to read the file /d/x.gbk due to an encoding error. current encoding: utf-8";
        assert_eq!(ask(json!("utf-8"), "你"), (json!(0), json!(wrong)));
        assert_eq!(ask(json!("latin-1"), "Äã"), (json!(1), json!(null)));
    }

    #[test]
    fn by_name_kind_age_size_and_content() {
        let mut host = Fake::new()
            .file("/d/a.log", "error 1\nok\n")
            .file("/d/b.txt", "x".repeat(2048))
            .file("/d/.hidden.log", "")
            .file("/d/sub/c.log", "fine\n")
            .link("/d/l.log", "a.log")
            .modified("/d/a.log", NOW - 90_000.0);
        for (args, expected) in [
            (json!({}), vec!["/d/a.log", "/d/b.txt"]),
            (json!({"patterns": "*.log"}), vec!["/d/a.log"]),
            (json!({"patterns": "*.log", "recurse": true}), vec!["/d/a.log", "/d/sub/c.log"]),
            (json!({"patterns": ["*.log"], "hidden": true}), vec!["/d/.hidden.log", "/d/a.log"]),
            (json!({"patterns": [r"^[ab]\."], "use_regex": true, "excludes": ["b"]}), vec!["/d/a.log"]),
            (json!({"file_type": "directory"}), vec!["/d/sub"]),
            (json!({"file_type": "link"}), vec!["/d/l.log"]),
            (json!({"age": "1d"}), vec!["/d/a.log"]),
            (json!({"age": "-1h"}), vec!["/d/b.txt"]),
            (json!({"size": "1k"}), vec!["/d/b.txt"]),
            (json!({"contains": "err"}), vec!["/d/a.log"]),
            (json!({"contains": "k$"}), vec![]),
            (json!({"recurse": true, "depth": 1, "patterns": "*.log"}), vec!["/d/a.log"]),
            (json!({"recurse": true, "limit": 1}), vec!["/d/a.log"]),
            (json!({"mode": "0600"}), vec![]),
        ] {
            let mut all = json!({"paths": "/d"});
            all.as_object_mut().expect("a map").extend(args.as_object().expect("a map").clone());
            assert_eq!(found(all, &mut host), expected, "{args}");
        }
    }

    #[test]
    fn a_path_that_is_no_directory_is_told() {
        let mut host = Fake::new().file("/d/f", "x");
        let args = json!({"paths": ["/d", "/nope"], "get_checksum": true, "checksum": "md5"});
        let out = case(&Entry::of::<Find>(), args, &mut host).expect("no failure");
        assert_eq!(out.values["skipped_paths"], json!({"/nope": "'/nope' is not a directory"}));
        assert_eq!(out.values["msg"], "Not all paths examined, check warnings for details");
        assert_eq!((&out.values["matched"], &out.values["examined"]), (&json!(1), &json!(1)));
        assert_eq!(out.values["files"][0]["checksum"], "9dd4e461268c8034f5c8564e155c67a6");
        assert!(case(&Entry::of::<Find>(), json!({"paths": "/d", "age": "old"}), &mut host).is_err());
    }
}
