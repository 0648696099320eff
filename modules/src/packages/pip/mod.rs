//! `pip`: Python packages, through the host's pip.

mod requirement;
mod version;

use crate::contract::{Arg, ArgType, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::facts::find_python;
use crate::host::steps::{execute, plain_english, query};
use crate::host::{Change, Command, Observe, Output, split_words};
use requirement::{Requirement, is_vcs, rejoin};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Pip;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    state: State,
    name: Option<Vec<String>>,
    version: Option<String>,
    requirements: Option<String>,
    virtualenv: Option<PathBuf>,
    virtualenv_site_packages: bool,
    virtualenv_command: String,
    virtualenv_python: Option<String>,
    extra_args: Option<String>,
    editable: bool,
    chdir: Option<PathBuf>,
    executable: Option<String>,
    umask: Option<String>,
    break_system_packages: bool,
    #[serde(rename = "_python")]
    python: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
    Latest,
    ForceReinstall,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Present => "present",
            State::Absent => "absent",
            State::Latest => "latest",
            State::ForceReinstall => "forcereinstall",
        }
    }
    fn words(self) -> &'static [&'static str] {
        match self {
            State::Present => &["install"],
            State::Absent => &["uninstall", "-y"],
            State::Latest => &["install", "-U"],
            State::ForceReinstall => &["install", "-U", "--force-reinstall"],
        }
    }
}

/// What is to be done, and where.
pub struct Work {
    args: Args,
    packages: Vec<Requirement>,
    extra: Vec<String>,
    place: Place,
    /// The virtual environment does not exist yet.
    create: bool,
}

/// How programs are run.
struct Place {
    env: Option<PathBuf>,
    cwd: PathBuf,
    umask: Option<u32>,
    python: Option<PathBuf>,
}

impl Module for Pip {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[
            Rule::RequiredOneOf(&["name", "requirements"]),
            Rule::MutuallyExclusive(&["name", "requirements"]),
            Rule::MutuallyExclusive(&["executable", "virtualenv"]),
        ],
        examples: r#"
- name: A package for everyone
  ansible.builtin.pip:
    name: bottle>0.10,<0.20

- name: What an application needs, in an environment of its own
  ansible.builtin.pip:
    requirements: /srv/app/requirements.txt
    virtualenv: /srv/app/venv
    virtualenv_command: python3 -m venv
"#,
        returns: &[
            Return { name: "cmd", when: "success", doc: "The command of pip." },
            Return { name: "name", when: "success", doc: "The packages asked for." },
            Return { name: "version", when: "success", doc: "The version asked for." },
            Return { name: "requirements", when: "success", doc: "The file of requirements." },
            Return { name: "virtualenv", when: "success", doc: "The virtual environment." },
        ],
        ..ModuleSpec::new(
            "ansible.builtin.pip",
            "Installs and removes Python packages.",
            &[
                Arg::str("state")
                    .default(Literal::Str("present"))
                    .choices(&["present", "absent", "latest", "forcereinstall"])
                    .doc("Whether the packages are to be there."),
                Arg::list("name", ArgType::Str).doc("Packages, with versions if need be, or their addresses."),
                Arg::str("version").doc("Version of the one package."),
                Arg::str("requirements").doc("File of requirements on the host."),
                Arg::path("virtualenv").doc("Virtual environment; made where it is missing."),
                Arg::bool("virtualenv_site_packages")
                    .default(Literal::Bool(false))
                    .doc("Let it see the packages of the system."),
                Arg::path("virtualenv_command").default(Literal::Str("virtualenv")).doc("The command that makes it."),
                Arg::str("virtualenv_python").doc("Its Python."),
                Arg::str("extra_args").doc("More arguments for pip."),
                Arg::bool("editable").default(Literal::Bool(false)).doc("Install in place (`-e`)."),
                Arg::path("chdir").doc("Directory to run pip in."),
                Arg::path("executable").doc("The pip to use."),
                Arg::str("umask").doc("Mask for new files, as an octal number."),
                Arg::bool("break_system_packages")
                    .default(Literal::Bool(false))
                    .doc("Also where the system manages its Python packages itself."),
                Arg::str("_python").doc("The host's Python: `ansible_python_interpreter` where it is set."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let umask = args.umask.as_deref().filter(|m| !m.is_empty());
        let umask = umask
            .map(|m| u32::from_str_radix(m.trim_start_matches("0o"), 8))
            .transpose()
            .map_err(|e| Failure::new("umask must be an octal integer").with("details", e.to_string()))?;
        if args.state == State::Latest && args.version.is_some() {
            return Err(Failure::new("version is incompatible with state=latest"));
        }
        let env = args.virtualenv.clone().map(|env| args.chdir.iter().fold(env, |env, dir| dir.join(env)));
        let temporary = || PathBuf::from(host.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned()));
        let cwd = args.chdir.clone().unwrap_or_else(temporary);
        let place = Place { env, cwd, umask, python: find_python(host, args.python.as_deref()) };
        let create = place.env.as_ref().is_some_and(|env| !host.exists(&env.join("bin/activate")));
        if create && call.check {
            return Ok(Plan::Done(Outcome::changed(true)));
        }
        let packages = packages(&args)?;
        let extra = extra_words(&args)?;
        let work = Work { args, packages, extra, place, create };
        if !call.check {
            return Ok(Plan::Work(work));
        }
        let args = &work.args;
        let named = args.name.as_ref().is_some_and(|n| !n.is_empty());
        if !work.extra.is_empty() || args.requirements.is_some() || args.state == State::Latest || !named {
            return Ok(Plan::Done(Outcome::changed(true)));
        }
        let pip = work.place.pip(args, host)?;
        let (command, out) = work.place.installed(&pip, host)?;
        let lines = out.stdout_text();
        let changed = work.packages.iter().any(|package| {
            let there = lines.lines().any(|line| package.is_met_by(line));
            (args.state == State::Present && !there) || (args.state == State::Absent && there)
        });
        let outcome = Outcome::changed(changed)
            .with("cmd", command.display())
            .with("stdout", lines)
            .with("stderr", out.stderr_text());
        Ok(Plan::Done(outcome))
    }

    /// The plan tells all in check mode.
    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, packages, extra, place, create } = work;
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if create {
            let command = place.virtualenv(&args, host.observe())?;
            let out = execute(host, &command)?;
            if !out.ok() {
                return Err(failed(&command, &out.stdout_text(), &out.stderr_text()));
            }
            stdout += &out.stdout_text();
            stderr += &out.stderr_text();
        }
        let pip = place.pip(&args, host.observe())?;
        let mut line = pip.clone();
        line.extend(args.state.words().iter().map(|w| (*w).to_owned()));
        line.extend(extra);
        line.extend(packages.iter().map(|p| p.text.clone()));
        if let (Some(file), None) = (&args.requirements, &args.name) {
            line.extend(["-r".to_owned(), file.clone()]);
        }
        let by_listing = args.requirements.is_some() || args.name.iter().flatten().any(|name| is_vcs(name));
        let listing = |host: &dyn Observe| -> Result<Option<Vec<u8>>, Failure> {
            if by_listing { place.installed(&pip, host).map(|(_, out)| Some(out.stdout)) } else { Ok(None) }
        };
        let before = listing(host.observe())?;
        let mut command = place.command(&line, host.observe());
        if args.break_system_packages {
            command = command.env("PIP_BREAK_SYSTEM_PACKAGES", "1");
        }
        command.live = true;
        let out = execute(host, &command)?;
        let (said, complained) = (out.stdout_text(), out.stderr_text());
        stdout += &said;
        stderr += &complained;
        let nothing_to_remove = args.state == State::Absent
            && out.rc == 1
            && [&said, &complained].iter().any(|text| text.contains("not installed"));
        if !out.ok() && !nothing_to_remove {
            return Err(failed(&command, &stdout, &stderr));
        }
        let changed = match args.state {
            State::Absent => said.contains("Successfully uninstalled"),
            _ if by_listing => before != listing(host.observe())?,
            _ => said.contains("Successfully installed"),
        };
        Ok(Outcome::changed(changed || create)
            .with("cmd", words(&command))
            .with("name", args.name)
            .with("version", args.version)
            .with("state", args.state.name())
            .with("requirements", args.requirements)
            .with("virtualenv", place.env.map(|env| env.to_string_lossy().into_owned()))
            .with("stdout", stdout)
            .with("stderr", stderr))
    }
}

impl Place {
    /// A program in the directory of the task; programs of the virtual environment come first.
    fn command(&self, line: &[String], host: &dyn Observe) -> Command {
        let (program, args) = line.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
        let mut command = Command::new(program).args(args.iter().map(String::as_str));
        command.cwd = Some(self.cwd.clone()).filter(|dir| host.is_dir(dir));
        command.umask = self.umask;
        if let Some(env) = &self.env {
            let path = host.env("PATH").unwrap_or_default();
            command = command.env("PATH", format!("{}:{path}", env.join("bin").display()));
        }
        command
    }

    /// The command line of pip.
    fn pip(&self, args: &Args, host: &dyn Observe) -> Result<Vec<String>, Failure> {
        let text = |path: PathBuf| vec![path.to_string_lossy().into_owned()];
        if let Some(name) = &args.executable {
            if name.starts_with('/') {
                return Ok(vec![name.clone()]);
            }
            return host.which(name).map(text).ok_or_else(|| no_pip(name));
        }
        if let Some(env) = &self.env {
            let mut candidates = ["pip3", "pip"].into_iter().map(|name| env.join("bin").join(name));
            return candidates.find(|path| host.access(path, 1)).map(text).ok_or_else(|| {
                Failure::new(format!(
                    "Unable to find pip in the virtualenv, {}, under any of these names: pip3, pip. Make sure pip is \
                     present in the virtualenv.",
                    env.display()
                ))
            });
        }
        if let Some(python) = &self.python {
            let probe = "import importlib.util,sys;sys.exit(importlib.util.find_spec('pip') is None)";
            if query(host, &Command::new(python).args(["-c", probe]))?.ok() {
                return Ok(vec![python.to_string_lossy().into_owned(), "-m".into(), "pip".into()]);
            }
        }
        host.which("pip3").map(text).ok_or_else(|| no_pip("pip3"))
    }

    /// The installed packages, and the command that told.
    fn installed(&self, pip: &[String], host: &dyn Observe) -> Result<(Command, Output), Failure> {
        let command = |more: &[&str]| {
            let line: Vec<String> = pip.iter().cloned().chain(more.iter().map(|w| (*w).to_owned())).collect();
            plain_english(self.command(&line, host))
        };
        let list = command(&["list", "--format=freeze"]);
        let out = query(host, &list)?;
        if out.ok() {
            return Ok((list, out));
        }
        let freeze = command(&["freeze"]);
        let out = query(host, &freeze)?;
        if out.ok() { Ok((freeze, out)) } else { Err(failed(&freeze, &out.stdout_text(), &out.stderr_text())) }
    }

    /// The command that makes the virtual environment.
    fn virtualenv(&self, args: &Args, host: &dyn Observe) -> Result<Command, Failure> {
        let mut line = split_words(&args.virtualenv_command).map_err(Failure::new)?;
        let program = line.first_mut().ok_or_else(|| Failure::new("virtualenv_command is empty"))?;
        if !program.contains('/') {
            *program = crate::host::steps::required(host, program)?.to_string_lossy().into_owned();
        }
        let pyvenv = Path::new(program.as_str()).file_name().is_some_and(|n| n == "pyvenv");
        let program = program.clone();
        let is_venv = pyvenv || line.windows(2).any(|w| w == ["-m", "venv"]) || line.iter().any(|w| w == "-mvenv");
        if args.virtualenv_site_packages {
            line.push("--system-site-packages".into());
        } else {
            let help = query(host, &self.command(&[program.clone(), "--help".into()], host))?;
            if !help.ok() {
                let said = format!("{}{}", help.stdout_text(), help.stderr_text());
                return Err(Failure::new(format!("Could not get output from {program} --help: {said}")));
            }
            if help.stdout_text().split_whitespace().any(|w| w == "--no-site-packages") {
                line.push("--no-site-packages".into());
            }
        }
        match (&args.virtualenv_python, is_venv) {
            (Some(_), true) => {
                return Err(Failure::new(
                    "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
                ));
            }
            (Some(python), false) => line.push(format!("-p{python}")),
            (None, false) => line.extend(self.python.as_ref().map(|p| format!("-p{}", p.display()))),
            (None, true) => {}
        }
        line.extend(self.env.as_ref().map(|env| env.to_string_lossy().into_owned()));
        Ok(Command { env: Default::default(), ..self.command(&line, host) })
    }
}

fn packages(args: &Args) -> Result<Vec<Requirement>, Failure> {
    let Some(names) = args.name.as_ref().filter(|n| !n.is_empty()) else { return Ok(vec![]) };
    let mut packages: Vec<Requirement> = rejoin(names).iter().map(|text| Requirement::new(text)).collect();
    if let Some(version) = args.version.as_deref().filter(|v| !v.is_empty()) {
        if packages.len() > 1 {
            return Err(Failure::new(
                "'version' argument is ambiguous when installing multiple package distributions. Please specify version \
                 restrictions next to each package in 'name' argument.",
            ));
        }
        if packages[0].has_specifier() {
            return Err(Failure::new(
                "The 'version' argument conflicts with any version specifier provided along with a package name. Please \
                 keep the version specifier, but remove the 'version' argument.",
            ));
        }
        packages[0] = packages[0].with_version(version);
    }
    Ok(packages)
}

fn extra_words(args: &Args) -> Result<Vec<String>, Failure> {
    let mut words = split_words(args.extra_args.as_deref().unwrap_or_default()).map_err(Failure::new)?;
    if args.editable && !words.iter().any(|w| w == "-e") {
        words.push("-e".to_owned());
    }
    Ok(words)
}

fn no_pip(name: &str) -> Failure {
    Failure::new(format!("Unable to find any of {name} to use.  pip needs to be installed."))
}

fn words(command: &Command) -> Vec<Json> {
    let program = command.program.to_string_lossy().into_owned();
    std::iter::once(program).chain(command.args.iter().cloned()).map(Json::from).collect()
}

fn failed(command: &Command, stdout: &str, stderr: &str) -> Failure {
    let mut msg = String::new();
    if !stdout.is_empty() {
        msg += &format!("stdout: {stdout}");
    }
    if !stderr.is_empty() {
        msg += &format!("\n:stderr: {stderr}");
    }
    Failure::new(msg).with("cmd", words(command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    #[test]
    fn installs_what_is_missing() {
        let entry = Entry::of::<Pip>();
        let list = "/usr/bin/pip3 list --format=freeze";
        let mut host = Fake::new()
            .file_mode("/usr/bin/pip3", "", 0o755)
            .answer(list, 0, "bottle==0.12\n")
            .answer("/usr/bin/pip3 install bottle", 0, "Requirement already satisfied: bottle\n")
            .effect("/usr/bin/pip3 install bottle>0.12", 0, "Successfully installed bottle-0.13\n", move |h| {
                h.set_answer(list, 0, "bottle==0.13\n");
                let again = "/usr/bin/pip3 install bottle>0.12";
                h.set_answer(again, 0, "Requirement already satisfied\n");
            });
        assert!(!case(&entry, json!({"name": "bottle"}), &mut host).unwrap().changed);
        let out = case(&entry, json!({"name": ["bottle>0.12"]}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["cmd"]), (true, &json!(["/usr/bin/pip3", "install", "bottle>0.12"])));
        let both = json!({"name": ["a", "b"], "version": "1"});
        assert!(case(&entry, both, &mut host).unwrap_err().msg.starts_with("'version' argument is ambiguous"));
    }
}
