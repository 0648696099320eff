//! `community.general.npm`: packages of Node.js.

use crate::contract::{Arg, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Rule};
use crate::host::steps::{Step, Steps, plain_english, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Npm;

#[derive(Deserialize)]
pub struct Args {
    name: Option<String>,
    path: Option<PathBuf>,
    version: Option<String>,
    #[serde(rename = "global")]
    everywhere: bool,
    executable: Option<String>,
    ignore_scripts: bool,
    unsafe_perm: bool,
    ci: bool,
    production: bool,
    registry: Option<String>,
    state: String,
    no_optional: bool,
    no_bin_links: bool,
    force: bool,
}

const fn flag(name: &'static str) -> Arg {
    Arg::bool(name).default(Literal::Bool(false))
}

impl Module for Npm {
    const SPEC: ModuleSpec = ModuleSpec {
        rules: &[Rule::RequiredIf { arg: "state", value: Literal::Str("absent"), required: &["name"], any: false }],
        examples: "- name: A package for all\n  community.general.npm:\n    name: pm2\n    global: true\n\n- name: What package.json asks for\n  community.general.npm:\n    path: /srv/app\n    production: true\n",
        ..ModuleSpec::new(
            "community.general.npm",
            "Packages of Node.js, with npm.",
            &[
                Arg::str("name").doc("The package; without one, those of package.json."),
                Arg::path("path").doc("The directory whose packages they are."),
                Arg::str("version").doc("The version."),
                flag("global").doc("For all, not for a directory."),
                Arg::path("executable").doc("The npm to use."),
                flag("ignore_scripts").doc("Run no scripts of packages."),
                flag("unsafe_perm").doc("Run scripts as root."),
                flag("ci").doc("Install what package-lock.json says, each time anew."),
                flag("production").doc("Without what only development needs."),
                Arg::str("registry").doc("Where packages come from."),
                Arg::str("state")
                    .choices(&["present", "absent", "latest"])
                    .default(Literal::Str("present"))
                    .doc("Installed, removed, or as new as can be."),
                flag("no_optional").doc("Without optional dependencies."),
                flag("no_bin_links").doc("Without links to programs."),
                flag("force").doc("Fetch even what is there."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        if args.path.is_none() && !args.everywhere {
            return Err(Failure::new("path must be specified when not using global"));
        }
        if args.version.is_some() && args.name.is_none() {
            return Err(Failure::new("version needs the name of a package"));
        }
        let there = args.path.as_ref().is_none_or(|path| host.exists(path));
        if let Some(path) = args.path.as_ref().filter(|path| there && !host.is_dir(path)) {
            return Err(Failure::new(format!("path {} is not a directory", path.display())));
        }
        let npm = Caller::new(&args, host)?;
        let mut steps = Steps::default();
        let run = |steps: &mut Steps, verb: &str| {
            steps.run(npm.command(&[verb], true));
        };
        if args.ci {
            run(&mut steps, "ci");
        } else {
            let (installed, complete) = if there { npm.list(host)? } else { (vec![], false) };
            if args.state == "absent" {
                if args.name.as_ref().is_some_and(|name| installed.contains(name)) {
                    run(&mut steps, "uninstall");
                }
            } else {
                let outdated = args.state == "latest" && there && npm.outdated(host)?;
                if !complete {
                    run(&mut steps, "install");
                }
                if outdated {
                    run(&mut steps, "update");
                }
            }
        }
        steps.outcome = Outcome::changed(!steps.steps.is_empty());
        if steps.steps.is_empty() {
            return Ok(Plan::Done(steps.outcome));
        }
        if let Some(path) = args.path.filter(|_| !there) {
            let missing: Vec<_> = path.ancestors().take_while(|p| !host.exists(p)).map(PathBuf::from).collect();
            let made = missing.into_iter().rev().map(|path| Step::CreateDir {
                path,
                mode: 0o777 & !host.umask(),
                owner: None,
            });
            steps.steps.splice(0..0, made);
        }
        Ok(Plan::Work(steps))
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// How npm is called.
struct Caller<'a> {
    args: &'a Args,
    program: Vec<String>,
    /// The package, with its version where one is wanted.
    package: Option<String>,
}

impl<'a> Caller<'a> {
    fn new(args: &'a Args, host: &dyn Observe) -> Result<Self, Failure> {
        let program = match args.executable.as_deref().filter(|e| !e.is_empty()) {
            Some(words) => words.split(' ').map(str::to_owned).collect(),
            None => vec![required(host, "npm")?.to_string_lossy().into_owned()],
        };
        let version = args.version.as_deref().filter(|v| !v.is_empty() && args.state != "absent");
        let package = args.name.as_ref().map(|name| match version {
            Some(version) => format!("{name}@{version}"),
            None => name.clone(),
        });
        Ok(Caller { args, program, package })
    }

    fn command(&self, words: &[&str], named: bool) -> Command {
        let args = self.args;
        let production = args.production && matches!(words, ["install" | "update" | "ci"]);
        let before = [
            (args.everywhere, "--global"),
            (production, "--production"),
            (args.ignore_scripts, "--ignore-scripts"),
            (args.unsafe_perm, "--unsafe-perm"),
        ];
        let after =
            [(args.no_optional, "--no-optional"), (args.no_bin_links, "--no-bin-links"), (args.force, "--force")];
        let given = |flags: &[(bool, &'static str)]| -> Vec<&'static str> {
            flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| *flag).collect()
        };
        let (first, rest) = self.program.split_first().map_or(("npm", &[][..]), |(first, rest)| (first, rest));
        let mut command = Command::new(first).args(rest.iter().cloned()).args(words.iter().copied());
        command = command.args(given(&before)).args(self.package.clone().filter(|_| named));
        if let Some(registry) = &args.registry {
            command = command.args(["--registry", registry]);
        }
        command = plain_english(command.args(given(&after)));
        match &args.path {
            Some(path) => command.cwd(path),
            None => command,
        }
    }

    /// What is installed, by name and by name and version, and whether that is all that is wanted.
    fn list(&self, host: &dyn Observe) -> Result<(Vec<String>, bool), Failure> {
        let said = query(host, &self.command(&["list", "--json", "--long"], false))?.stdout_text();
        let said = if said.is_empty() { "{}" } else { &said };
        let data: Json = serde_json::from_str(said)
            .map_err(|e| Failure::new(format!("Failed to parse NPM output with error {e}")))?;
        let Some(dependencies) = data.get("dependencies").and_then(Json::as_object) else {
            return Ok((vec![], false));
        };
        let mut installed = Vec::new();
        let mut complete = true;
        for (name, about) in dependencies {
            let says = |key: &str| match about.get(key) {
                None | Some(Json::Null | Json::Bool(false)) => false,
                Some(Json::String(text)) => !text.is_empty(),
                Some(_) => true,
            };
            if says("missing") || says("invalid") {
                complete = false;
                continue;
            }
            installed.push(name.clone());
            if let Some(version) = about.get("version").and_then(Json::as_str).filter(|v| !v.is_empty()) {
                installed.push(format!("{name}@{version}"));
            }
        }
        complete &= self.package.as_ref().is_none_or(|package| installed.contains(package));
        Ok((installed, complete))
    }

    fn outdated(&self, host: &dyn Observe) -> Result<bool, Failure> {
        let said = query(host, &self.command(&["outdated"], true))?.stdout_text();
        Ok(said.lines().any(|line| !line.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;

    const NPM: Entry = Entry::of::<Npm>();
    const ALL: &str = "npm list --json --long --global";
    const HERE: &str = "npm list --json --long";

    #[test]
    fn packages_for_all() {
        let with = r#"{"dependencies": {"pm2": {"version": "5.3.0"}}}"#;
        let mut host = Fake::new()
            .answer(ALL, 0, "{}")
            .effect("npm install --global pm2@5.3.0", 0, "", move |h| h.set_answer(ALL, 0, with))
            .effect("npm uninstall --global pm2", 0, "", |h| h.set_answer(ALL, 0, r#"{"dependencies": {}}"#));
        let args = json!({"name": "pm2", "global": true, "version": "5.3.0"});
        assert!(case(&NPM, args, &mut host).unwrap().changed);
        let args = json!({"name": "pm2", "global": true, "state": "absent", "version": "5.3.0"});
        assert!(case(&NPM, args, &mut host).unwrap().changed);
    }

    #[test]
    fn what_a_directory_asks_for() {
        let done = r#"{"dependencies": {"a": {"version": "1.0.0"}}}"#;
        let lacking = r#"{"dependencies": {"a": {"missing": true}}}"#;
        let install = "npm install --production --ignore-scripts --registry http://r --no-optional";
        let mut host = Fake::new()
            .dir("/srv")
            .answer("npm list --json --long --ignore-scripts --registry http://r --no-optional", 1, lacking)
            .effect(install, 0, "", move |h| {
                h.set_answer("npm list --json --long --ignore-scripts --registry http://r --no-optional", 0, done);
            });
        let args = json!({"path": "/srv", "production": true, "ignore_scripts": true, "registry": "http://r", "no_optional": true});
        assert!(case(&NPM, args, &mut host).unwrap().changed);
    }

    #[test]
    fn what_is_outdated() {
        let mut host = Fake::new()
            .dir("/srv")
            .answer(HERE, 0, r#"{"dependencies": {"a": {"version": "1.0.0"}}}"#)
            .answer("npm outdated", 1, "Package Current\na 1.0.0\n")
            .effect("npm update", 0, "", |h| h.set_answer("npm outdated", 0, ""));
        assert!(case(&NPM, json!({"path": "/srv", "state": "latest"}), &mut host).unwrap().changed);
        let mut host = Fake::new().dir("/srv").answer("npm ci --production", 0, "");
        assert!(once(&NPM, json!({"path": "/srv", "ci": true, "production": true}), &mut host).unwrap().changed);
    }

    #[test]
    fn a_directory_that_is_not_there_is_made() {
        let mut host = Fake::new().effect("npm install a", 0, "", |h| {
            h.set_answer(HERE, 0, r#"{"dependencies": {"a": {"version": "1.0.0"}}}"#);
        });
        assert!(case(&NPM, json!({"path": "/srv/x/y", "name": "a"}), &mut host).unwrap().changed);
        assert!(host.is_dir("/srv/x/y".as_ref()));
    }

    #[test]
    fn what_cannot_be() {
        let mut host = Fake::new().dir("/srv").file("/f", "").answer(HERE, 0, "no JSON");
        for (args, message) in [
            (json!({"name": "a"}), "path must be specified when not using global"),
            (json!({"path": "/f"}), "path /f is not a directory"),
            (json!({"path": "/srv", "version": "1"}), "version needs the name of a package"),
            (json!({"path": "/srv"}), "Failed to parse NPM output with error expected ident at line 1 column 2"),
        ] {
            assert_eq!(run(&NPM, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
