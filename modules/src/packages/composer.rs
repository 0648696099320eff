//! `community.general.composer`: libraries of PHP, with Composer.

use crate::contract::{Arg, Call, Failure, Json, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output, split_words};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Composer;

#[derive(Deserialize)]
pub struct Args {
    command: String,
    arguments: String,
    executable: Option<PathBuf>,
    working_dir: Option<String>,
    global_command: bool,
    prefer_source: bool,
    prefer_dist: bool,
    no_dev: bool,
    no_scripts: bool,
    no_plugins: bool,
    apcu_autoloader: bool,
    optimize_autoloader: bool,
    classmap_authoritative: bool,
    ignore_platform_reqs: bool,
    composer_executable: Option<PathBuf>,
}

const fn flag(name: &'static str, default: bool) -> Arg {
    Arg::bool(name).default(Literal::Bool(default))
}

impl Module for Composer {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Imperative,
        rules: &[Rule::RequiredIf {
            arg: "global_command",
            value: Literal::Bool(false),
            required: &["working_dir"],
            any: false,
        }],
        examples: "- name: What composer.lock says\n  community.general.composer:\n    working_dir: /srv/app\n\n- name: One more library\n  community.general.composer:\n    command: require\n    arguments: monolog/monolog\n    working_dir: /srv/app\n",
        returns: &[
            Return { name: "msg", when: "always", doc: "What Composer said, on one line." },
            Return { name: "stdout", when: "always", doc: "What Composer said." },
        ],
        differs: "`apcu_autoloader` is handed to Composer; the collection's module asks for `acpu-autoloader`, which there is not.",
        ..ModuleSpec::new(
            "community.general.composer",
            "Libraries of PHP, with Composer.",
            &[
                Arg::str("command").default(Literal::Str("install")).doc("What Composer is to do."),
                Arg::str("arguments").default(Literal::Str("")).doc("What follows the command, as words for a shell."),
                Arg::path("executable").aliases(&["php_path"]).doc("The php to use."),
                Arg::path("working_dir").doc("The directory of composer.json."),
                flag("global_command", false).doc("For the user, not for a directory."),
                flag("prefer_source", false).doc("From repositories of sources where there are some."),
                flag("prefer_dist", false).doc("From archives where there are some."),
                flag("no_dev", true).doc("Without what only development needs."),
                flag("no_scripts", false).doc("Run no scripts of composer.json."),
                flag("no_plugins", false).doc("Use no plugins."),
                flag("apcu_autoloader", false).doc("Keep found classes in APCu."),
                flag("optimize_autoloader", true).doc("Make a map of classes."),
                flag("classmap_authoritative", false).doc("Load classes from that map only."),
                flag("ignore_platform_reqs", false).doc("Whatever PHP and its extensions are."),
                Arg::path("composer_executable").doc("The composer to use."),
            ],
        )
    };
    type Args = Args;
    type Work = Command;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Command>, Failure> {
        if args.command.contains(char::is_whitespace) {
            return Err(Failure::new("Use the 'arguments' param for passing arguments with the 'command'"));
        }
        let arguments = split_words(&args.arguments).map_err(Failure::new)?;
        let base = base(&args, host)?;
        let place = |command: Command| match &args.working_dir {
            Some(dir) if !args.global_command => command.args(["--working-dir", dir]),
            _ => command,
        };
        let help = place(base.clone().args(["help", &args.command])).args(["--no-interaction", "--format=json"]);
        let help = query(host, &help)?;
        if !help.ok() {
            return Err(Failure::new(one_line(&help.stderr_text())));
        }
        let help: Json = serde_json::from_slice(&help.stdout)
            .map_err(|e| Failure::new(format!("Failed to parse the help of composer {}: {e}", args.command)))?;
        let known = |option: &str| help["definition"]["options"].get(option).is_some();
        let wanted = [
            (true, "no-ansi"),
            (true, "no-interaction"),
            (true, "no-progress"),
            (args.prefer_source, "prefer-source"),
            (args.prefer_dist, "prefer-dist"),
            (args.no_dev, "no-dev"),
            (args.no_scripts, "no-scripts"),
            (args.no_plugins, "no-plugins"),
            (args.apcu_autoloader, "apcu-autoloader"),
            (args.optimize_autoloader, "optimize-autoloader"),
            (args.classmap_authoritative, "classmap-authoritative"),
            (args.ignore_platform_reqs, "ignore-platform-reqs"),
            (call.check, "dry-run"),
        ];
        if call.check && !known("dry-run") {
            let msg = format!("command '{}' does not support check mode, skipping", args.command);
            return Ok(Plan::Done(Outcome { skipped: true, ..Outcome::default() }.with("msg", msg)));
        }
        let options = wanted.iter().filter(|(wanted, option)| *wanted && known(option)).map(|(_, o)| format!("--{o}"));
        let command = place(base.arg(&args.command).args(options)).args(arguments);
        if call.check { Ok(Plan::Done(told(&query(host, &command)?)?)) } else { Ok(Plan::Work(command)) }
    }

    fn preview(_: &Command, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Command, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        told(&execute(host, &work)?)
    }
}

/// Composer under its PHP.
fn base(args: &Args, host: &dyn Observe) -> Result<Command, Failure> {
    let program = |given: &Option<PathBuf>, name: &str| match given {
        Some(path) => Ok(path.clone()),
        None => host.which(&format!("/usr/local/bin/{name}")).map_or_else(|| required(host, name), Ok),
    };
    let php = program(&args.executable, "php")?;
    let composer = program(&args.composer_executable, "composer")?;
    let command = Command::new(php).arg(composer.to_string_lossy());
    Ok(command.args(args.global_command.then_some("global")))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What came of it, by what Composer said.
fn told(out: &Output) -> Result<Outcome, Failure> {
    let stderr = out.stderr_text();
    if !out.ok() {
        return Err(Failure::new(one_line(&stderr)).with("stdout", stderr));
    }
    let said = out.stdout_text() + &stderr;
    let msg = one_line(&said);
    let idle = ["Nothing to install or update", "Nothing to install, update or remove"];
    let changed = !idle.iter().any(|words| msg.contains(words));
    Ok(Outcome::changed(changed).with("msg", msg).with("stdout", said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{once, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<Composer>();
    const HELP: &str = r#"{"definition": {"options": {"no-ansi": {}, "no-interaction": {}, "no-dev": {}, "dry-run": {}, "optimize-autoloader": {}}}}"#;

    fn host() -> Fake {
        Fake::new()
            .answer("composer", 0, "")
            .answer("php /usr/bin/composer help * --working-dir /srv --no-interaction --format=json", 0, HELP)
            .answer("php /usr/bin/composer global help * --no-interaction --format=json", 0, HELP)
    }

    #[test]
    fn what_a_directory_asks_for() {
        let common = "php /usr/bin/composer install --no-ansi --no-interaction --no-dev --optimize-autoloader";
        let idle = "Installing dependencies from lock file\nNothing to install, update or remove\n";
        let mut host = host()
            .answer(&format!("{common} --dry-run --working-dir /srv"), 0, "  - Installing a/b (1.0)\n")
            .answer(&format!("{common} --working-dir /srv"), 0, "  - Installing a/b (1.0)\n");
        let out = once(&MODULE, json!({"working_dir": "/srv"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["msg"]), (true, &json!("- Installing a/b (1.0)")));
        let mut host = host.answer_err(&format!("{common} --working-dir /srv"), 0, "", idle);
        let out = run(&MODULE, json!({"working_dir": "/srv"}), &mut host, false).unwrap();
        assert_eq!((out.changed, &out.values["stdout"]), (false, &json!(idle)));
    }

    #[test]
    fn for_the_user_with_arguments() {
        let mut host = host().answer(
            "php /usr/bin/composer global require --no-ansi --no-interaction --optimize-autoloader a/b:^1 -W",
            0,
            "",
        );
        let args = json!({"command": "require", "arguments": "'a/b:^1' -W", "global_command": true, "no_dev": false});
        assert!(run(&MODULE, args, &mut host, false).unwrap().changed);
    }

    #[test]
    fn what_cannot_be() {
        let args = json!({"command": "create-project a/b", "working_dir": "/srv"});
        let failure = run(&MODULE, args, &mut host(), false).unwrap_err();
        assert_eq!(failure.msg, "Use the 'arguments' param for passing arguments with the 'command'");
        let failure = run(&MODULE, json!({}), &mut host(), false).unwrap_err();
        assert_eq!(failure.msg, "global_command is False but all of the following are missing: working_dir");
        let mut host =
            host().answer("php /usr/bin/composer help dump --working-dir /srv --no-interaction --format=json", 0, "{}");
        let out = run(&MODULE, json!({"command": "dump", "working_dir": "/srv"}), &mut host, true).unwrap();
        assert!(out.skipped);
        let mut host = host.answer_err("php /usr/bin/composer dump --working-dir /srv", 1, "", "no\n  json\n");
        let failure = run(&MODULE, json!({"command": "dump", "working_dir": "/srv"}), &mut host, false).unwrap_err();
        assert_eq!((failure.msg.as_str(), &failure.values["stdout"]), ("no json", &json!("no\n  json\n")));
    }
}
