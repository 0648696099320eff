//! `community.general.gem`: libraries and programs of Ruby.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, failed_command, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;

pub struct Gem;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    state: String,
    executable: Option<String>,
    gem_source: Option<String>,
    include_dependencies: bool,
    repository: Option<String>,
    user_install: bool,
    install_dir: Option<String>,
    bindir: Option<String>,
    norc: bool,
    pre_release: bool,
    include_doc: bool,
    env_shebang: bool,
    version: Option<String>,
    build_flags: Option<String>,
    force: bool,
}

pub struct Work {
    gem: Caller,
    command: Command,
    outcome: Outcome,
}

const fn flag(name: &'static str, default: bool) -> Arg {
    Arg::bool(name).default(Literal::Bool(default))
}

impl Module for Gem {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::MutuallyExclusive(&["gem_source", "repository"]),
            Rule::MutuallyExclusive(&["gem_source", "version"]),
        ],
        examples: "- name: A program for all\n  community.general.gem:\n    name: bundler\n    user_install: false\n\n- name: From a file\n  community.general.gem:\n    name: rake\n    gem_source: /srv/gems/rake-13.0.gem\n",
        returns: &[
            Return { name: "name", when: "always", doc: "The gem." },
            Return { name: "version", when: "a version is wanted", doc: "That version." },
        ],
        ..ModuleSpec::new(
            "community.general.gem",
            "Libraries and programs of Ruby, with gem.",
            &[
                Arg::str("name").required().doc("The gem."),
                Arg::str("state")
                    .choices(&["present", "absent", "latest"])
                    .default(Literal::Str("present"))
                    .doc("Installed, removed, or as new as can be."),
                Arg::path("executable").doc("The gem to use."),
                Arg::path("gem_source").doc("A file of it."),
                flag("include_dependencies", true).doc("With what it needs."),
                Arg::str("repository").aliases(&["source"]).doc("Where gems come from."),
                flag("user_install", true).doc("For the user, not for all."),
                Arg::path("install_dir").doc("A directory of its own for it."),
                Arg::path("bindir").doc("A directory for its programs."),
                flag("norc", true).doc("Read no .gemrc."),
                flag("pre_release", false).doc("Early versions too."),
                flag("include_doc", false).doc("With its documentation."),
                flag("env_shebang", false).doc("Its programs find Ruby by env."),
                Arg::str("version").doc("The version."),
                Arg::str("build_flags").doc("An option for its build."),
                flag("force", false).doc("Whatever needs it or it needs."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
        let latest = args.state == "latest";
        let fault = if latest && given(&args.version) {
            "Cannot specify version when state=latest"
        } else if latest && given(&args.gem_source) {
            "Cannot maintain state=latest when installing from local source"
        } else if args.user_install && given(&args.install_dir) {
            "install_dir requires user_install=false"
        } else {
            ""
        };
        if !fault.is_empty() {
            return Err(Failure::new(fault));
        }
        let gem = Caller::new(&args, host)?;
        if latest && let Some(newest) = gem.versions(&args, true, host)?.into_iter().next() {
            args.version = Some(newest);
        }
        args.version = args.version.filter(|v| !v.is_empty());
        let gem = Caller { wanted: args.version.clone(), ..gem };
        let there = gem.is_there(host)?;
        let wanted = args.state != "absent";
        let mut outcome = Outcome::changed(there != wanted).with("name", args.name.clone());
        outcome.set("state", args.state.clone());
        if let Some(version) = &args.version {
            outcome.set("version", version.clone());
        }
        if !outcome.changed {
            return Ok(Plan::Done(outcome));
        }
        let command = match (wanted, call.check) {
            (_, true) => return Ok(Plan::Done(outcome)),
            (true, _) => gem.install(&args),
            (false, _) => gem.uninstall(&args),
        };
        Ok(Plan::Work(Work { gem, command, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let out = execute(host, &work.command)?;
        if !out.ok() {
            return Err(failed_command(&work.command, &out, ""));
        }
        let removes = work.outcome.values.get("state").is_some_and(|s| s == "absent");
        if removes && work.gem.is_there(host.observe())? {
            let msg = format!(
                "Failed to uninstall gem '{}': it is still present after 'gem uninstall'. This usually happens with default \
                 or system gems provided by the OS, which cannot be removed with the gem command.",
                work.gem.name
            );
            let mut failure = failed_command(&work.command, &out, &msg);
            failure.values.shift_remove("cmd");
            return Err(failure);
        }
        Ok(work.outcome)
    }
}

/// How gem is called, and about what.
struct Caller {
    program: Vec<String>,
    /// Numbers of gem's own version.
    version: Option<[u64; 3]>,
    norc: bool,
    home: Option<String>,
    name: String,
    wanted: Option<String>,
}

impl Caller {
    fn new(args: &Args, host: &dyn Observe) -> Result<Self, Failure> {
        let program: Vec<String> = match args.executable.as_deref().filter(|e| !e.is_empty()) {
            Some(words) => words.split(' ').map(str::to_owned).collect(),
            None => vec![required(host, "gem")?.to_string_lossy().into_owned()],
        };
        let mut gem = Caller {
            program,
            version: None,
            norc: args.norc,
            home: args.install_dir.clone().filter(|d| !d.is_empty()),
            name: args.name.clone(),
            wanted: None,
        };
        let text = gem.ask(gem.command().arg("--version"), host)?;
        let mut numbers = text.trim().splitn(3, '.').map(|part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse::<u64>().ok()
        });
        gem.version = match (numbers.next().flatten(), numbers.next().flatten(), numbers.next().flatten()) {
            (Some(a), Some(b), Some(c)) => Some([a, b, c]),
            _ => None,
        };
        Ok(gem)
    }

    fn command(&self) -> Command {
        let (first, rest) = self.program.split_first().map_or(("gem", &[][..]), |(first, rest)| (first, rest));
        Command::new(first).args(rest.iter().cloned())
    }

    /// A command with its options that all share.
    fn verb(&self, verb: &str) -> Command {
        let norc = self.norc && self.version.is_some_and(|v| v >= [2, 5, 2]);
        self.command().arg(verb).args(norc.then_some("--norc"))
    }

    fn at_home(&self, command: Command) -> Command {
        match &self.home {
            Some(dir) => command.env("GEM_HOME", dir),
            None => command,
        }
    }

    fn ask(&self, command: Command, host: &dyn Observe) -> Result<String, Failure> {
        let out = query(host, &command)?;
        if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
    }

    fn versions(&self, args: &Args, remote: bool, host: &dyn Observe) -> Result<Vec<String>, Failure> {
        let source = args.repository.as_ref().filter(|r| remote && !r.is_empty());
        let mut command = self.verb("query").args(remote.then_some("--remote"));
        if let Some(source) = source {
            command = command.args(["--source", source]);
        }
        self.listed(command, host)
    }

    /// Versions of lines like `rake (default: 13.0.6, 12.3.3 java)`.
    fn listed(&self, command: Command, host: &dyn Observe) -> Result<Vec<String>, Failure> {
        let text = self.ask(self.at_home(command.args(["-n", &format!("^{}$", self.name)])), host)?;
        let list = text.lines().filter_map(|line| {
            let (name, rest) = line.split_once(char::is_whitespace)?;
            let list = rest.trim_start().strip_prefix('(')?;
            let list = &list[..list.rfind(')')?];
            (!name.is_empty()).then(|| list.strip_prefix("default: ").unwrap_or(list).to_owned())
        });
        let versions = list.flat_map(|list| list.split(", ").map(str::to_owned).collect::<Vec<_>>());
        Ok(versions.filter_map(|v| v.split_whitespace().next().map(str::to_owned)).collect())
    }

    fn is_there(&self, host: &dyn Observe) -> Result<bool, Failure> {
        let installed = self.listed(self.verb("query"), host)?;
        Ok(self.wanted.as_ref().map_or(!installed.is_empty(), |version| installed.contains(version)))
    }

    fn install(&self, args: &Args) -> Command {
        let old = self.version.is_some_and(|v| v < [2, 0, 0]);
        let mut command = self.verb("install");
        let option = |command: Command, name: &str, value: &Option<String>| match value {
            Some(value) if !value.is_empty() => command.args([name, value]),
            _ => command,
        };
        command = option(command, "--version", &args.version);
        command = option(command, "--source", &args.repository);
        if !args.include_dependencies {
            command = command.arg("--ignore-dependencies");
        } else if old {
            command = command.arg("--include-dependencies");
        }
        command = command.arg(if args.user_install { "--user-install" } else { "--no-user-install" });
        command = option(command, "--install-dir", &args.install_dir);
        command = option(command, "--bindir", &args.bindir);
        command = command.args(args.pre_release.then_some("--pre"));
        command = match (args.include_doc, old) {
            (true, _) => command,
            (false, true) => command.args(["--no-rdoc", "--no-ri"]),
            (false, false) => command.arg("--no-document"),
        };
        command = command.args(args.env_shebang.then_some("--env-shebang"));
        command = command.arg(args.gem_source.clone().filter(|s| !s.is_empty()).unwrap_or_else(|| args.name.clone()));
        command = option(command, "--", &args.build_flags);
        command.args(args.force.then_some("--force"))
    }

    fn uninstall(&self, args: &Args) -> Command {
        let mut command = self.verb("uninstall");
        for (name, value) in [("--install-dir", &args.install_dir), ("--bindir", &args.bindir)] {
            if let Some(value) = value.as_ref().filter(|v| !v.is_empty()) {
                command = command.args([name, value]);
            }
        }
        command = match &args.version {
            Some(version) => command.args(["--version", version]),
            None => command.arg("--all"),
        };
        command = command.arg("--executable").args(args.force.then_some("--force")).arg(&args.name);
        self.at_home(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<Gem>();
    const LIST: &str = "gem query --norc -n ^rake$";

    fn host() -> Fake {
        Fake::new().answer("gem --version", 0, "3.3.15\n").answer(LIST, 0, "\n*** LOCAL GEMS ***\n\n")
    }

    #[test]
    fn there_and_gone() {
        let install =
            "gem install --norc --version 13.0 --ignore-dependencies --no-user-install --no-document rake -- --with-x";
        let mut host = host()
            .effect(install, 0, "", |h| h.set_answer(LIST, 0, "rake (default: 13.1 ruby, 13.0)\n"))
            .effect("gem uninstall --norc --all --executable --force rake", 0, "", |h| h.set_answer(LIST, 0, ""));
        let args = json!({"name": "rake", "version": "13.0", "user_install": false, "include_dependencies": false,
            "build_flags": "--with-x"});
        let out = case(&MODULE, args, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["version"]), (true, &json!("13.0")));
        assert!(case(&MODULE, json!({"name": "rake", "state": "absent", "force": true}), &mut host).unwrap().changed);
        let mut host = host.answer(LIST, 0, "rake (13.0)\n").answer("gem uninstall ...", 0, "kept\n");
        let failure = run(&MODULE, json!({"name": "rake", "state": "absent"}), &mut host, false).unwrap_err();
        assert!(failure.msg.starts_with("Failed to uninstall gem 'rake': it is still present"));
        assert_eq!(failure.values["stdout"], "kept\n");
    }

    #[test]
    fn as_new_as_can_be() {
        let mut host = host()
            .answer(LIST, 0, "rake (13.0)\n")
            .answer("gem query --norc --remote --source http://g -n ^rake$", 0, "rake (13.2, 13.1)\n")
            .effect(
                "gem install --norc --version 13.2 --source http://g --user-install --no-document rake",
                0,
                "",
                |h| h.set_answer(LIST, 0, "rake (13.2, 13.0)\n"),
            );
        let out = case(&MODULE, json!({"name": "rake", "state": "latest", "source": "http://g"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["version"]), (true, &json!("13.2")));
    }

    #[test]
    fn what_cannot_be() {
        let mut host = host().answer_err("gem install ...", 2, "", "ERROR:  Could not find a valid gem\n");
        for (args, message) in [
            (json!({"name": "rake"}), "ERROR:  Could not find a valid gem"),
            (json!({"name": "a", "state": "latest", "version": "1"}), "Cannot specify version when state=latest"),
            (json!({"name": "a", "install_dir": "/srv/g"}), "install_dir requires user_install=false"),
            (
                json!({"name": "a", "gem_source": "/g", "version": "1"}),
                "parameters are mutually exclusive: gem_source|version",
            ),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
