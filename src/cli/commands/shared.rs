//! What commands that run tasks have in common.

use crate::actions::Hosts;
use crate::cli::args::ConnectArgs;
use crate::cli::args::TaskRunArgs;
use crate::cli::error::{CommandError, code};
use crate::cli::limits;
use crate::cli::out::outln;
use crate::cli::wiring::{Base, Project, context, forks};
use crate::event::Observer;
use crate::plan::Plan;
use crate::remote::{Pool, PoolOptions, Tell};
use crate::report::Color;
use crate::run::{Exit, Interrupt, Retry, Run, RunContext, RunOptions};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

/// How long a program may run on a terminal before its lines are shown.
const LONG: Duration = Duration::from_secs(3);

/// Options that playbooks and ad-hoc commands share.
pub fn run_options(
    base: &Base,
    tasks: &TaskRunArgs,
    verbosity: u8,
    limit: &[String],
) -> Result<RunOptions, CommandError> {
    let settings = &base.settings;
    Ok(RunOptions {
        check: tasks.check,
        one_by_one: tasks.one_by_one,
        live: match tasks.live {
            true => Some(Duration::ZERO),
            false => shows_progress(verbosity).then_some(LONG),
        },
        diff: tasks.diff || settings.bool("DIFF_ALWAYS"),
        verbosity,
        forks: forks(base, tasks)?,
        limit: limit.to_vec(),
        gathering: settings.text("DEFAULT_GATHERING").to_owned(),
        strategy: settings.text("DEFAULT_STRATEGY").to_owned(),
        error_on_missing_handler: settings.bool("ERROR_ON_MISSING_HANDLER"),
        ..RunOptions::default()
    })
}

/// A run and what it was made with.
pub struct Prepared {
    pub ctx: Arc<RunContext>,
    pub interrupt: Interrupt,
    /// Writes retry files.
    pub retry: Option<Retry>,
}

/// A run on real hosts.
pub fn prepare(project: &Project, connect: &ConnectArgs, options: RunOptions) -> Result<Prepared, CommandError> {
    let (verbosity, paint) = (options.verbosity, project.base.style(options.verbosity).paint);
    let tell: Tell = Arc::new(move |host, line| {
        let length = line.chars().count();
        // The script that starts the helper is of interest to few.
        let line = match line.char_indices().nth(COMMAND) {
            Some((end, _)) if verbosity < WHOLE => format!("{}… ({length} characters; -vvvvv shows all)", &line[..end]),
            _ => line.to_owned(),
        };
        outln!("{}", paint.paint(Color::Verbose, &format!("<{host}> {line}")));
    });
    let tell = (options.verbosity >= CONNECTIONS).then_some(tell);
    if let Some(warning) = limits::allow(project.inventory.hosts().count()) {
        project.base.warn(&[warning]);
    }
    prepare_on(project, connect, options, Arc::new(Pool::new(PoolOptions { tell, ..PoolOptions::from_env() })))
}

/// A run on given hosts.
pub fn prepare_on(
    project: &Project,
    connect: &ConnectArgs,
    options: RunOptions,
    hosts: Arc<dyn Hosts>,
) -> Result<Prepared, CommandError> {
    let interrupt = Interrupt::default();
    let ctx = context(project, connect, options, interrupt.clone(), hosts)?;
    Ok(Prepared { ctx, interrupt, retry: None })
}

/// Time for hosts to end what runs there and for connections to close, at the end of a run.
const CLOSING: Duration = Duration::from_secs(5);

/// Runs a plan to its end. The first Ctrl-C gives up running tasks and ends the run, the second ends the program at once.
pub async fn execute(
    project: &Project,
    prepared: Prepared,
    plan: &Plan,
    observer: Box<dyn Observer>,
) -> Result<u8, CommandError> {
    let base = &project.base;
    let interrupt = prepared.interrupt.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if interrupt.is_set() {
                std::process::exit(i32::from(code::INTERRUPTED));
            }
            // Once it is set, the program may end at any moment: all else comes first.
            eprintln!("[ERROR]: User interrupted execution");
            crate::cli::children::end_all();
            interrupt.set();
        }
    });
    let roster = project.roster();
    let mut run = Run::new(prepared.ctx.clone(), roster, observer).with_retry(prepared.retry);
    let ended = run.run(plan).await;
    let _ = tokio::time::timeout(CLOSING, prepared.ctx.hosts.close()).await;
    let exit = ended.map_err(|d| base.author(d))?;
    Ok(match exit {
        Exit::Ok => code::OK,
        Exit::Failed => code::HOSTS_FAILED,
        Exit::Unreachable => code::UNREACHABLE,
        Exit::Interrupted => code::INTERRUPTED,
    })
}

/// Prints a plan's warnings.
pub fn warn(base: &Base, plan: &Plan) {
    base.warn(&plan.warnings);
}

/// From `-vvv` on it is told how hosts are reached.
const CONNECTIONS: u8 = 3;
/// From `-vvvvv` on commands are told to their end.
const WHOLE: u8 = 5;
/// Characters of a command that are told before that.
const COMMAND: usize = 200;

/// A progress line is shown where both streams are a terminal, and nobody else writes there.
pub fn shows_progress(verbosity: u8) -> bool {
    verbosity < CONNECTIONS && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

/// A plan of one task on a pattern of hosts: its module, its arguments (`k=v` text, free-form text, or a dictionary), more
/// keywords. `dir`: where a playbook would lie.
pub fn one_task(
    project: &Project,
    prepared: &Prepared,
    pattern: &str,
    (module, args, extra): (&str, serde_json::Value, serde_json::Map<String, serde_json::Value>),
    dir: &std::path::Path,
) -> Result<Plan, CommandError> {
    let mut task = extra;
    task.insert(module.to_owned(), args);
    let play = serde_json::json!([{
        "name": "Ansible Ad-Hoc",
        "hosts": pattern,
        "gather_facts": false,
        "tasks": [task],
    }]);
    let base = &project.base;
    let path = std::path::Path::new("<ad-hoc>");
    // JSON is YAML: the one road from text to plays.
    let parsed = prepared.ctx.planner.loader.playbook_text(path, &play.to_string()).map_err(|d| base.author(d))?;
    if parsed.has_errors() {
        return Err(CommandError::author(parsed.diagnostics, &base.sources));
    }
    let Some(crate::playbook::Entry::Play(play)) = parsed.tree.entries.first() else {
        return Err(CommandError::usage("there is nothing to run"));
    };
    prepared
        .ctx
        .planner
        .plan_play(play.clone(), path.to_owned(), dir)
        .map_err(|d| CommandError::author(d, &base.sources))
}

/// Faults of a plan that are known before any host is touched: wrong literal arguments, modules that are not there.
pub fn refuse(base: &Base, plan: &Plan) -> Result<(), CommandError> {
    let faults: Vec<_> = plan.argument_faults.iter().chain(&plan.missing_modules).cloned().collect();
    if faults.is_empty() { Ok(()) } else { Err(CommandError::author(faults, &base.sources)) }
}
