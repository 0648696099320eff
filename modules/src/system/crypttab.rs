//! `community.general.crypttab`: encrypted devices that are opened when the host starts.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::files::shared::make_parents;
use crate::host::{Change, Observe, WriteOptions, path_info};
use serde::Deserialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub struct Crypttab;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    state: String,
    backing_device: Option<String>,
    password: Option<String>,
    opts: Option<String>,
    path: String,
}

pub struct Work {
    path: PathBuf,
    content: String,
    outcome: Outcome,
}

impl Module for Crypttab {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Open the data disk with a key\n  community.general.crypttab:\n    name: data\n    state: present\n    backing_device: UUID=42c9b1d4-1a2b\n    password: /etc/keys/data.key\n    opts: discard,luks\n\n- name: Add options\n  community.general.crypttab:\n    name: data\n    state: opts_present\n    opts: discard\n",
        returns: &[Return { name: "msg", when: "always", doc: "What was done." }],
        differs: "A file that is missing is made only when a line is added.",
        ..ModuleSpec::new(
            "community.general.crypttab",
            "Encrypted devices that are opened when the host starts.",
            &[
                Arg::str("name").required().doc("Name of the opened device, with or without `/dev/mapper/`."),
                Arg::str("state")
                    .required()
                    .choices(&["absent", "opts_absent", "opts_present", "present"])
                    .doc("Whether the line is there, or some of its options."),
                Arg::str("backing_device").doc("The encrypted device."),
                Arg::path("password").doc("File with the key; `-` to be asked."),
                Arg::str("opts").doc("Options, separated by commas."),
                Arg::path("path").default(Literal::Str("/etc/crypttab")).doc("The file."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        // A result that names a path tells of the file, too: its kind in place of the state asked for.
        let told = |mut outcome: Outcome| {
            outcome.set("name", args.name.as_str());
            outcome.set("state", args.state.as_str());
            outcome.set("backing_device", args.backing_device.clone());
            outcome.set("password", args.password.clone());
            outcome.set("opts", args.opts.clone());
            outcome.set("path", args.path.as_str());
            outcome.values.extend(path_info(host, Path::new(&args.path)));
            outcome
        };
        let fail = |msg: String| Err(Failure { values: told(Outcome::default()).values, ..Failure::new(msg) });
        let name = args.name.strip_prefix("/dev/mapper/").unwrap_or(&args.name);
        let (device, password, opts) = (&args.backing_device, &args.password, &args.opts);
        let state = args.state.as_str();
        if state != "absent" && device.is_none() && password.is_none() && opts.is_none() {
            return fail("expected one or more of 'backing_device', 'password' or 'opts'".to_owned());
        }
        if state.contains("opts") && (device.is_some() || password.is_some()) {
            return fail(format!("cannot update 'backing_device' or 'password' when state={state}"));
        }
        let given = [("name", Some(name)), ("backing_device", device.as_deref())];
        for (what, text) in given.into_iter().chain([("password", password.as_deref()), ("opts", opts.as_deref())]) {
            if text.is_some_and(|t| t.is_empty() || t.contains([' ', '\t'])) {
                return fail(format!("invalid '{what}': contains white space or is empty"));
            }
        }
        let path = PathBuf::from(&args.path);
        let before = if host.exists(&path) {
            host.read_text(&path).map_err(|e| Failure::io("failed to open and parse crypttab file", &e))?
        } else {
            String::new()
        };
        let mut lines: Vec<Line> = before.lines().map(Line::read).collect();
        let at = lines.iter().position(|l| l.entry.as_ref().is_some_and(|e| e.name == name));
        if at.is_none() && state.contains("present") && device.is_none() {
            return fail("'backing_device' required to add a new entry".to_owned());
        }
        let new_options = opts.as_deref().map(options).unwrap_or_default();
        let (mut changed, mut msg) = (false, "?");
        match (at, state) {
            (None, "present" | "opts_present") => {
                let device = device.clone().unwrap_or_default();
                let entry = Entry { name: name.to_owned(), device, password: password.clone(), options: new_options };
                lines.push(Line { text: String::new(), entry: Some(entry) });
                (changed, msg) = (true, "added line");
            }
            (Some(at), "absent") => {
                lines[at] = Line { text: String::new(), entry: None };
                (changed, msg) = (true, "removed line");
            }
            (Some(at), state) => {
                if let Some(entry) = &mut lines[at].entry {
                    (changed, msg) = match state {
                        "present" => {
                            (entry.set(device, password, opts.is_some().then_some(new_options)), "updated line")
                        }
                        "opts_present" => (entry.add(new_options), "updated options"),
                        _ => (entry.remove(&new_options), "removed options"),
                    };
                }
            }
            _ => {}
        }
        let outcome = told(Outcome::changed(changed).with("msg", msg));
        if !changed {
            return Ok(Plan::Done(outcome));
        }
        let mut content = lines.iter().map(Line::print).collect::<Vec<_>>().join("\n");
        if !content.ends_with('\n') {
            content.push('\n');
        }
        Ok(Plan::Work(Work { path, content, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let fail = |e: &std::io::Error| Failure::io(format!("cannot write {}", work.path.display()), e);
        make_parents(host, &work.path).map_err(|e| fail(&e))?;
        host.write(&work.path, &mut work.content.as_bytes(), &WriteOptions::default()).map_err(|e| fail(&e))?;
        let mut outcome = work.outcome;
        outcome.values.extend(path_info(host.observe(), &work.path));
        Ok(outcome)
    }
}

/// Options in their order, each with its value.
type Options = Vec<(String, Option<String>)>;

fn options(text: &str) -> Options {
    let mut out = Options::new();
    for option in text.split(',') {
        let mut parts = option.split('=');
        let name = parts.next().unwrap_or_default().to_owned();
        put(&mut out, name, parts.next().map(str::to_owned));
    }
    out
}

fn put(options: &mut Options, name: String, value: Option<String>) -> bool {
    match options.iter_mut().find(|(n, _)| *n == name) {
        Some((_, old)) if *old == value => false,
        Some((_, old)) => {
            *old = value;
            true
        }
        None => {
            options.push((name, value));
            true
        }
    }
}

struct Line {
    text: String,
    /// None for comments and whatever else is no entry: they stay as they are.
    entry: Option<Entry>,
}

struct Entry {
    name: String,
    device: String,
    password: Option<String>,
    options: Options,
}

impl Line {
    fn read(text: &str) -> Self {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let is_entry = !text.starts_with('#') && (2..=4).contains(&fields.len());
        let entry = is_entry.then(|| Entry {
            name: fields[0].to_owned(),
            device: fields[1].to_owned(),
            password: fields.get(2).map(|p| (*p).to_owned()),
            options: fields.get(3).map(|o| options(o)).unwrap_or_default(),
        });
        Line { text: text.to_owned(), entry }
    }

    fn print(&self) -> String {
        let Some(entry) = &self.entry else { return self.text.clone() };
        let mut out = format!("{} {}", entry.name, entry.device);
        if entry.password.is_some() || !entry.options.is_empty() {
            let _ = write!(out, " {}", entry.password.as_deref().unwrap_or("none"));
        }
        for (n, (name, value)) in entry.options.iter().enumerate() {
            out.push(if n == 0 { ' ' } else { ',' });
            out.push_str(name);
            if let Some(value) = value {
                let _ = write!(out, "={value}");
            }
        }
        out
    }
}

impl Entry {
    fn set(&mut self, device: &Option<String>, password: &Option<String>, options: Option<Options>) -> bool {
        let mut changed = false;
        if let Some(device) = device.as_ref().filter(|d| **d != self.device) {
            self.device.clone_from(device);
            changed = true;
        }
        if password.is_some() && *password != self.password {
            self.password.clone_from(password);
            changed = true;
        }
        let sorted = |options: &Options| {
            let mut options = options.clone();
            options.sort();
            options
        };
        if let Some(new) = options.filter(|new| sorted(new) != sorted(&self.options)) {
            self.options = new;
            changed = true;
        }
        changed
    }

    fn add(&mut self, new: Options) -> bool {
        new.into_iter().fold(false, |changed, (name, value)| put(&mut self.options, name, value) || changed)
    }

    fn remove(&mut self, old: &Options) -> bool {
        let before = self.options.len();
        self.options.retain(|(name, _)| !old.iter().any(|(n, _)| n == name));
        self.options.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry as Registered;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::{Value, json};

    const CRYPTTAB: Registered = Registered::of::<Crypttab>();
    const BEFORE: &str = "# c\ndata /dev/sdb1 none luks,keyscript=x\n";

    fn args(state: &str, more: Value) -> Value {
        let mut args = json!({"name": "/dev/mapper/data", "state": state});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    }

    #[test]
    fn lines() {
        for (args, after, msg) in [
            (args("present", json!({"opts": "keyscript=x,luks"})), BEFORE, "updated line"),
            (args("present", json!({"password": "/k"})), "# c\ndata /dev/sdb1 /k luks,keyscript=x\n", "updated line"),
            (
                args("opts_present", json!({"opts": "keyscript=y,discard"})),
                "# c\ndata /dev/sdb1 none luks,keyscript=y,discard\n",
                "updated options",
            ),
            (args("opts_absent", json!({"opts": "luks,keyscript"})), "# c\ndata /dev/sdb1 none\n", "removed options"),
            (args("absent", json!({})), "# c\n", "removed line"),
            (
                args("present", json!({"name": "new", "backing_device": "UUID=1", "opts": "luks"})),
                "# c\ndata /dev/sdb1 none luks,keyscript=x\nnew UUID=1 none luks\n",
                "added line",
            ),
        ] {
            let mut host = Fake::new().file("/etc/crypttab", BEFORE);
            let out = case(&CRYPTTAB, args.clone(), &mut host).unwrap();
            assert_eq!((host.text("/etc/crypttab").as_str(), &out.values["msg"]), (after, &json!(msg)), "{args}");
            assert_eq!(out.changed, after != BEFORE);
        }
    }

    #[test]
    fn refusals() {
        let failed = |args| run(&CRYPTTAB, args, &mut Fake::new(), true).unwrap_err().msg;
        assert_eq!(
            failed(args("present", json!({}))),
            "expected one or more of 'backing_device', 'password' or 'opts'"
        );
        assert_eq!(failed(args("present", json!({"opts": "x"}))), "'backing_device' required to add a new entry");
        assert_eq!(failed(args("present", json!({"opts": "x y"}))), "invalid 'opts': contains white space or is empty");
        let msg = "cannot update 'backing_device' or 'password' when state=opts_present";
        assert_eq!(failed(args("opts_present", json!({"password": "/x"}))), msg);
    }
}
