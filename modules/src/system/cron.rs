//! `cron`: jobs and variables of a user's crontab or of a file in `/etc/cron.d`.

use crate::contract::{Arg, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, WriteOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Cron;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    user: Option<String>,
    job: Option<String>,
    cron_file: Option<String>,
    state: State,
    backup: bool,
    minute: String,
    hour: String,
    day: String,
    month: String,
    weekday: String,
    special_time: Option<String>,
    disabled: bool,
    env: bool,
    insertafter: Option<String>,
    insertbefore: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

pub struct Work {
    args: Args,
    before: String,
    /// New content; `None` removes the file.
    after: Option<String>,
    preview: Outcome,
}

const MARK: &str = "#Ansible: ";
const ANY: Literal = Literal::Str("*");

impl Module for Cron {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[Rule::MutuallyExclusive(&["insertafter", "insertbefore"])],
        examples: "- name: A nightly job\n  ansible.builtin.cron:\n    name: backup\n    minute: '30'\n    hour: '3'\n    job: /usr/local/bin/backup > /dev/null\n- name: In a file of its own\n  ansible.builtin.cron:\n    name: cleanup\n    cron_file: cleanup\n    user: root\n    special_time: daily\n    job: /usr/local/bin/cleanup\n",
        ..ModuleSpec::new(
            "ansible.builtin.cron",
            "Manages jobs and variables of crontabs.",
            &[
                Arg::str("name").required().doc("Description of the job, or name of the variable."),
                Arg::str("user").doc("Whose crontab; with `cron_file`, who runs the job."),
                Arg::str("job").aliases(&["value"]).doc("Command, or value of the variable."),
                Arg::path("cron_file").doc("A file of `/etc/cron.d`, or a path."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is there."),
                Arg::bool("backup").default(Literal::Bool(false)).doc("Keep a copy of the old crontab."),
                Arg::str("minute").default(ANY).doc("Minute."),
                Arg::str("hour").default(ANY).doc("Hour."),
                Arg::str("day").aliases(&["dom"]).default(ANY).doc("Day of the month."),
                Arg::str("month").default(ANY).doc("Month."),
                Arg::str("weekday").aliases(&["dow"]).default(ANY).doc("Day of the week."),
                Arg::str("special_time")
                    .choices(&["reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"])
                    .doc("A nickname instead of times."),
                Arg::bool("disabled").default(Literal::Bool(false)).doc("Comment the job out."),
                Arg::bool("env").default(Literal::Bool(false)).doc("Manage a variable."),
                Arg::str("insertafter").doc("With `env`: the variable before it."),
                Arg::str("insertbefore").doc("With `env`: the variable after it."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let mut warnings = Vec::new();
        check(&args, &mut warnings)?;
        let before = read(&args, host)?;
        let mut tab = Tab(before.lines().map(str::to_owned).collect());
        let present = args.state == State::Present;
        let mut changed = if args.env { tab.variable(&args)? } else { tab.job(&args) };
        let emptied = !present && !args.env && changed && args.cron_file.is_some() && tab.is_empty();
        if !changed && !before.is_empty() && !before.ends_with(['\n', '\r']) {
            changed = true;
        }
        let after = (!emptied).then(|| tab.render());
        let mut outcome = Outcome { changed, warnings, ..Outcome::default() };
        if emptied {
            outcome.set("state", "absent");
        } else {
            outcome.set("jobs", tab.jobs());
            outcome.set("envs", tab.variables());
        }
        if let Some(file) = &args.cron_file {
            outcome.set("cron_file", file.as_str());
        }
        if call.diff && changed {
            let header = match (&args.cron_file, &args.user) {
                (Some(_), _) => path(&args).map(|p| p.display().to_string()).unwrap_or_default(),
                (None, Some(user)) => format!("crontab for user \"{user}\""),
                (None, None) => "crontab".to_owned(),
            };
            let mut diff = Diff::text(&header, &before, after.as_deref().unwrap_or_default());
            if emptied {
                diff.after_header = Some("/dev/null".to_owned());
            }
            outcome.diff.push(diff);
        }
        if !changed {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { args, before, after, preview: outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.preview.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, before, after, mut preview } = work;
        if args.backup {
            let stamp = host.now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_micros());
            let copy = PathBuf::from(format!("/tmp/crontab{stamp}"));
            let options = WriteOptions { mode: Some(0o600), ..WriteOptions::default() };
            host.write(&copy, &mut before.as_bytes(), &options).map_err(|e| Failure::io(copy.display(), &e))?;
            preview.set("backup_file", copy.display().to_string());
        }
        match (path(&args), after) {
            (Some(path), None) => host.remove_file(&path).map_err(|e| Failure::io(path.display(), &e))?,
            (Some(path), Some(text)) => {
                let mode = (!host.exists(&path)).then_some(0o644);
                let options = WriteOptions { mode, ..WriteOptions::default() };
                host.write(&path, &mut text.as_bytes(), &options).map_err(|e| Failure::io(path.display(), &e))?;
            }
            (None, text) => {
                let command = crontab(&args, host.observe())?.arg("-").stdin(text.unwrap_or_default());
                let out = execute(host, &command)?;
                if !out.ok() {
                    return Err(Failure::new(format!("Failed to install new cronfile: {}", out.stderr_text().trim()))
                        .with("stderr", out.stderr_text())
                        .with("stdout", out.stdout_text())
                        .with("rc", out.rc));
                }
            }
        }
        Ok(preview)
    }
}

fn check(args: &Args, warnings: &mut Vec<String>) -> Result<(), Failure> {
    if let Some(file) = &args.cron_file {
        if file == "/etc/crontab" {
            return Err(Failure::new("Will not manage /etc/crontab via cron_file, see documentation."));
        }
        let base = file.rsplit('/').next().unwrap_or_default();
        if base.is_empty() || !base.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            warnings.push(format!("Filename portion of cron_file (\"{base}\") should consist solely of upper- and lower-case letters, digits, underscores, and hyphens"));
        }
    }
    let times = [&args.minute, &args.hour, &args.day, &args.month, &args.weekday];
    if args.special_time.is_some() && times.iter().any(|t| *t != "*") {
        return Err(Failure::new("You cannot combine special_time with any of the time or day/date parameters."));
    }
    if args.state == State::Present {
        if args.cron_file.is_some() && args.user.is_none() {
            return Err(Failure::new("To use cron_file=... parameter you must specify user=... as well"));
        }
        let Some(job) = &args.job else {
            return Err(Failure::new("You must specify 'job' to install a new cron job or variable"));
        };
        if (args.insertafter.is_some() || args.insertbefore.is_some()) && !args.env {
            return Err(Failure::new("Insertafter and insertbefore parameters are valid only with env=yes"));
        }
        if !args.env && job.trim_matches(['\r', '\n']).contains(['\r', '\n']) {
            warnings.push("Job should not contain line breaks".to_owned());
        }
    }
    if args.env && args.name.contains(' ') {
        return Err(Failure::new("Invalid name for environment variable"));
    }
    Ok(())
}

fn path(args: &Args) -> Option<PathBuf> {
    args.cron_file.as_ref().map(|f| Path::new("/etc/cron.d").join(f))
}

/// The crontab program for the user.
fn crontab(args: &Args, host: &dyn Observe) -> Result<Command, Failure> {
    let command = Command::new(required(host, "crontab")?);
    let me = host.user_by_id(host.euid()).map(|u| u.name);
    Ok(match &args.user {
        Some(user) if me.as_ref() != Some(user) => command.args(["-u", user]),
        _ => command,
    })
}

fn read(args: &Args, host: &dyn Observe) -> Result<String, Failure> {
    let Some(path) = path(args) else {
        let out = query(host, &crontab(args, host)?.arg("-l"))?;
        if !matches!(out.rc, 0 | 1) {
            return Err(Failure::new("Unable to read crontab").with("stderr", out.stderr_text()).with("rc", out.rc));
        }
        // Some versions of cron put three lines of their own before everything.
        let text = out.stdout_text();
        let own = |l: &str| {
            l.starts_with("# DO NOT EDIT THIS FILE - edit the master and reinstall.")
                || (l.starts_with("# (/tmp/") && l.contains("installed on"))
                || (l.starts_with("# (") && l.contains("version"))
        };
        return Ok(text.split_inclusive('\n').enumerate().filter(|(i, l)| *i > 2 || !own(l)).map(|(_, l)| l).collect());
    };
    required(host, "crontab")?;
    Ok(host.read_text(&path).unwrap_or_default())
}

/// The lines of a crontab.
struct Tab(Vec<String>);

impl Tab {
    fn is_empty(&self) -> bool {
        self.0.iter().all(|l| l.trim().is_empty())
    }

    fn render(&self) -> String {
        let text = self.0.join("\n");
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { String::new() } else { format!("{text}\n") }
    }

    fn jobs(&self) -> Vec<String> {
        self.0.iter().filter_map(|l| l.strip_prefix(MARK)).map(str::to_owned).collect()
    }

    fn variables(&self) -> Vec<String> {
        let name = |l: &String| l.split_once('=').map(|(n, _)| n.to_owned());
        self.0.iter().filter_map(name).filter(|n| !n.is_empty() && !n.contains(char::is_whitespace)).collect()
    }

    fn find_variable(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|l| l.strip_prefix(name).is_some_and(|r| r.starts_with('=')))
    }

    fn variable(&mut self, args: &Args) -> Result<bool, Failure> {
        let there = self.find_variable(&args.name);
        if args.state == State::Absent {
            let before = self.0.len();
            let prefix = format!("{}=", args.name);
            self.0.retain(|l| !l.starts_with(&prefix));
            return Ok(self.0.len() != before);
        }
        let line = format!("{}=\"{}\"", args.name, args.job.as_deref().unwrap_or_default());
        if let Some(i) = there {
            let changed = self.0[i] != line;
            self.0[i] = line;
            return Ok(changed);
        }
        let other = args.insertafter.as_ref().or(args.insertbefore.as_ref());
        let at = match other {
            None => 0,
            Some(other) => {
                let i = self
                    .find_variable(other)
                    .ok_or_else(|| Failure::new(format!("Variable named '{other}' not found.")))?;
                i + usize::from(args.insertafter.is_some())
            }
        };
        self.0.insert(at, line);
        Ok(true)
    }

    /// Where the job of that name stands: the index of its comment.
    fn find_job(&self, name: &str) -> Option<usize> {
        let mut i = 0;
        while i + 1 < self.0.len() {
            match self.0[i].strip_prefix(MARK) {
                Some(found) if found == name => return Some(i),
                Some(_) => i += 2,
                None => i += 1,
            }
        }
        None
    }

    fn job(&mut self, args: &Args) -> bool {
        let comment = format!("{MARK}{}", args.name);
        if args.state == State::Absent {
            let mut found = false;
            while let Some(i) = self.find_job(&args.name) {
                self.0.drain(i..=i + 1);
                found = true;
            }
            return found;
        }
        let line = job_line(args);
        if let Some(i) = self.find_job(&args.name) {
            let changed = self.0[i + 1] != line;
            self.0[i + 1] = line;
            return changed;
        }
        // The same job without a name is adopted.
        if let Some(i) = self.0.iter().position(|l| *l == line)
            && !(i > 0 && self.0[i - 1].starts_with(MARK))
        {
            self.0.insert(i, comment);
            return true;
        }
        self.0.extend([comment, line]);
        true
    }
}

fn job_line(args: &Args) -> String {
    let job = args.job.as_deref().unwrap_or_default().trim_matches(['\r', '\n']);
    let mut words: Vec<&str> = Vec::new();
    let special = args.special_time.as_ref().map(|s| format!("@{s}"));
    match &special {
        Some(special) => words.push(special),
        None => words.extend([&*args.minute, &args.hour, &args.day, &args.month, &args.weekday]),
    }
    if let (Some(_), Some(user)) = (&args.cron_file, &args.user) {
        words.push(user);
    }
    words.push(job);
    format!("{}{}", if args.disabled { "#" } else { "" }, words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const CRON: Entry = Entry::of::<Cron>();

    #[test]
    fn users_crontab() {
        const LIST: &str = "/usr/bin/crontab -l";
        let mut host = Fake::new()
            .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .file_mode("/usr/bin/crontab", "", 0o755)
            .answer(LIST, 1, "")
            .effect("/usr/bin/crontab -", 0, "", |h| {
                h.set_answer(LIST, 0, "#Ansible: backup\n30 3 * * * /bin/backup\n");
            });
        let args = json!({"name": "backup", "minute": 30, "hour": "3", "job": "/bin/backup", "user": "root"});
        let out = case(&CRON, args, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["jobs"]), (true, &json!(["backup"])));
        assert_eq!(out.diff[0].after, Some("#Ansible: backup\n30 3 * * * /bin/backup\n".into()));
    }

    #[test]
    fn file_in_cron_d_comes_and_goes() {
        let mut host = Fake::new().file_mode("/usr/bin/crontab", "", 0o755).dir("/etc/cron.d");
        let args = json!({"name": "x", "cron_file": "x", "user": "root", "special_time": "daily", "job": "/x", "disabled": true});
        assert!(case(&CRON, args, &mut host).unwrap().changed);
        assert_eq!(host.text("/etc/cron.d/x"), "#Ansible: x\n#@daily root /x\n");
        let args = json!({"name": "MAILTO", "cron_file": "x", "user": "root", "env": true, "job": "a@b"});
        assert_eq!(case(&CRON, args, &mut host).unwrap().values["envs"], json!(["MAILTO"]));
        assert!(host.text("/etc/cron.d/x").starts_with("MAILTO=\"a@b\"\n#Ansible: x\n"));
        let args = json!({"name": "MAILTO", "cron_file": "x", "env": true, "state": "absent"});
        assert!(case(&CRON, args, &mut host).unwrap().changed);
        assert!(case(&CRON, json!({"name": "x", "cron_file": "x", "state": "absent"}), &mut host).unwrap().changed);
        assert!(!host.exists(Path::new("/etc/cron.d/x")));
    }

    #[test]
    fn contradictions_are_refused() {
        for (args, msg) in [
            (
                json!({"name": "x", "cron_file": "x", "job": "/x"}),
                "To use cron_file=... parameter you must specify user=... as well",
            ),
            (json!({"name": "x"}), "You must specify 'job' to install a new cron job or variable"),
            (
                json!({"name": "x", "job": "y", "special_time": "daily", "hour": 1}),
                "You cannot combine special_time with any of the time or day/date parameters.",
            ),
        ] {
            assert_eq!(run(&CRON, args, &mut Fake::new(), true).unwrap_err().msg, msg);
        }
    }
}
