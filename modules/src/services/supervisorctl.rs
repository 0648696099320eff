//! `community.general.supervisorctl`: programs under supervisord, there or gone, running or not.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, failed_command, plain_english, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Supervisorctl;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    state: State,
    config: Option<PathBuf>,
    server_url: Option<String>,
    supervisorctl_path: Option<PathBuf>,
    stop_before_removing: bool,
    signal: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Started,
    Restarted,
    Stopped,
    Absent,
    Signalled,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Present => "present",
            State::Started => "started",
            State::Restarted => "restarted",
            State::Stopped => "stopped",
            State::Absent => "absent",
            State::Signalled => "signalled",
        }
    }
}

pub struct Work {
    args: Args,
    control: Control,
    /// Those that something is done to.
    processes: Vec<String>,
}

/// `supervisorctl` with its options.
#[derive(Clone)]
struct Control(Command);

impl Control {
    fn command(&self, words: &[&str]) -> Command {
        self.0.clone().args(words.iter().copied())
    }

    /// Names and states of the processes that the name means.
    fn processes(&self, host: &dyn Observe, name: &str) -> Result<Vec<(String, String)>, Failure> {
        let out = query(host, &self.command(&["status"]))?;
        let group = name.strip_suffix(':').map(|g| g.trim_end_matches(':'));
        let meant = |process: &str| match group {
            Some(group) => process.split_once(':').is_some_and(|(g, _)| g == group),
            None => process == name || name == "all",
        };
        let text = out.stdout_text();
        let rows = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        });
        Ok(rows.filter(|(name, _)| meant(name)).map(|(n, s)| (n.to_owned(), s.to_owned())).collect())
    }

    fn run(&self, host: &mut dyn Change, words: &[&str]) -> Result<Output, Failure> {
        execute(host, &self.command(words))
    }

    fn must(&self, host: &mut dyn Change, words: &[&str]) -> Result<Output, Failure> {
        let out = self.run(host, words)?;
        if out.ok() { Ok(out) } else { Err(failed_command(&self.command(words), &out, "")) }
    }

    /// Does it to each, and sees that supervisord says so.
    fn each(&self, host: &mut dyn Change, names: &[String], action: &str, done: &str) -> Result<(), Failure> {
        for name in names {
            let mut words: Vec<&str> = action.split(' ').collect();
            words.push(name);
            let out = self.must(host, &words)?.stdout_text();
            if !out.contains(&format!("{name}: {done}")) {
                return Err(Failure::new(out));
            }
        }
        Ok(())
    }
}

impl Module for Supervisorctl {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredIf {
            arg: "state",
            value: Literal::Str("signalled"),
            required: &["signal"],
            any: false,
        }],
        examples: "- name: The worker runs\n  community.general.supervisorctl:\n    name: worker\n    state: started\n",
        returns: &[
            Return { name: "name", when: "not in check mode", doc: "The name." },
            Return { name: "affected", when: "something was done to processes", doc: "Their names." },
        ],
        differs: "`username` and `password` are refused: supervisorctl would take them as words that everybody sees; put them into its configuration. In check mode `restarted` does not have supervisord update itself first.",
        ..ModuleSpec::new(
            "community.general.supervisorctl",
            "Manages programs under supervisord.",
            &[
                Arg::str("name").required().doc("Name of the program; of a group with a colon at its end; or `all`."),
                Arg::str("state")
                    .required()
                    .choices(&["present", "started", "restarted", "stopped", "absent", "signalled"])
                    .doc("What is wanted of it."),
                Arg::path("config").doc("Configuration of supervisord."),
                Arg::str("server_url").doc("Where supervisord listens."),
                Arg::path("supervisorctl_path").doc("The program."),
                Arg::bool("stop_before_removing").default(Literal::Bool(false)).doc("Stop it before it is removed."),
                Arg::str("signal").doc("Signal that it is sent."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let control = control(&args, host)?;
        let base = name_of(&args);
        let nothing = || Plan::Done(Outcome::unchanged().with("name", base.clone()).with("state", args.state.word()));
        if args.state == State::Restarted && !call.check {
            // What there is shows only after an update.
            return Ok(Plan::Work(Work { args, control, processes: Vec::new() }));
        }
        let there = control.processes(host, &args.name)?;
        let running = |state: &str| matches!(state, "RUNNING" | "STARTING");
        let which = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
            there.iter().filter(|(_, state)| wanted(state)).map(|(name, _)| name.clone()).collect()
        };
        let processes = match args.state {
            State::Present if there.is_empty() => Vec::new(),
            State::Absent if !there.is_empty() => which(&running),
            State::Present | State::Absent => return Ok(nothing()),
            _ if there.is_empty() => {
                return Err(Failure::new("ERROR (no such process)").with("name", base));
            }
            State::Started => which(&|state| !running(state)),
            State::Stopped => which(&running),
            State::Signalled => which(&|state| state == "RUNNING"),
            State::Restarted => which(&|_| true),
        };
        if processes.is_empty() && !matches!(args.state, State::Present | State::Absent) {
            return Ok(nothing());
        }
        Ok(Plan::Work(Work { args, control, processes }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, control, mut processes } = work;
        let base = name_of(&args);
        let outcome = Outcome::changed(true).with("name", base.clone()).with("state", args.state.word());
        let refused =
            |out: Output| Failure::new(out.stdout_text()).with("name", base.clone()).with("state", args.state.word());
        match args.state {
            State::Present => {
                control.must(host, &["reread"])?;
                let out = control.run(host, &["add", &base])?;
                if !out.stdout_text().contains(&format!("{base}: added process group")) {
                    return Err(refused(out));
                }
                return Ok(outcome);
            }
            State::Absent => {
                if args.stop_before_removing {
                    control.each(host, &processes, "stop", "stopped")?;
                }
                control.must(host, &["reread"])?;
                let out = control.run(host, &["remove", &base])?;
                if !out.stdout_text().contains(&format!("{base}: removed process group")) {
                    return Err(refused(out));
                }
                return Ok(outcome);
            }
            State::Restarted => {
                control.must(host, &["update"])?;
                let there = control.processes(host.observe(), &args.name)?;
                if there.is_empty() {
                    return Err(Failure::new("ERROR (no such process)").with("name", base));
                }
                processes = there.into_iter().map(|(name, _)| name).collect();
                control.each(host, &processes, "restart", "started")?;
            }
            State::Started => control.each(host, &processes, "start", "started")?,
            State::Stopped => control.each(host, &processes, "stop", "stopped")?,
            State::Signalled => {
                let action = format!("signal {}", args.signal.as_deref().unwrap_or_default());
                control.each(host, &processes, &action, "signalled")?;
            }
        }
        Ok(outcome.with("affected", processes))
    }
}

/// The name without the mark of a group.
fn name_of(args: &Args) -> String {
    args.name.trim_end_matches(':').to_owned()
}

fn control(args: &Args, host: &dyn Observe) -> Result<Control, Failure> {
    let program = match &args.supervisorctl_path {
        None => required(host, "supervisorctl")?,
        Some(path) => host.which(&path.to_string_lossy()).ok_or_else(|| {
            Failure::new(format!(
                "Provided path to supervisorctl does not exist or isn't executable: {}",
                path.display()
            ))
        })?,
    };
    let mut command = plain_english(Command::new(program));
    if let Some(config) = &args.config {
        command = command.arg("-c").arg(config.to_string_lossy());
    }
    if let Some(url) = &args.server_url {
        command = command.arg("-s").arg(url.clone());
    }
    Ok(Control(command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::{Value, json};

    const SUPERVISORCTL: Entry = Entry::of::<Supervisorctl>();

    fn host() -> Fake {
        Fake::new()
            .answer(
                "supervisorctl status",
                0,
                "web RUNNING pid 1, uptime 0:00:01\njobs:a STOPPED Not started\njobs:b RUNNING pid 2\n",
            )
            .effect("supervisorctl start jobs:a", 0, "jobs:a: started\n", |h| {
                h.set_answer(
                    "supervisorctl status",
                    0,
                    "web RUNNING pid 1\njobs:a RUNNING pid 3\njobs:b RUNNING pid 2\n",
                );
            })
            .effect("supervisorctl stop web", 0, "web: stopped\n", |h| {
                h.set_answer("supervisorctl status", 0, "web STOPPED\n");
            })
            .effect("supervisorctl reread", 0, "new: available\n", |_| {})
            .effect("supervisorctl add new", 0, "new: added process group\n", |h| {
                h.set_answer("supervisorctl status", 0, "new RUNNING pid 9\n");
            })
    }

    #[test]
    fn programs_and_groups() {
        let try_it = |args: Value| case(&SUPERVISORCTL, args, &mut host());
        assert!(!try_it(json!({"name": "web", "state": "started"})).unwrap().changed);
        let out = try_it(json!({"name": "jobs:", "state": "started"})).unwrap();
        assert_eq!((out.changed, &out.values["affected"]), (true, &json!(["jobs:a"])));
        assert!(try_it(json!({"name": "web", "state": "stopped"})).unwrap().changed);
        assert!(try_it(json!({"name": "new", "state": "present"})).unwrap().changed);
        assert!(!try_it(json!({"name": "new", "state": "absent"})).unwrap().changed);
        let failure = try_it(json!({"name": "nothing", "state": "started"})).unwrap_err();
        assert_eq!(failure.msg, "ERROR (no such process)");
    }
}
