//! `tightbeam play`, `ansible-playbook`.

use super::shared::{execute, prepare, prepare_on, refuse, run_options, shows_progress, warn};
use crate::actions::Hosts;
use crate::cli::args::PlayArgs;
use crate::cli::error::{CommandError, code};
use crate::cli::out::{out, outln};
use crate::cli::wiring::{Base, Project};
use crate::diag::{Code, Diagnostic};
use crate::event::{Event, Observer};
use crate::inventory::Order;
use crate::names::HostName;
use crate::plan::{ListedPlay, Listing, PlannedPlay, listing};
use crate::report::{Human, Screen};
use crate::run::RunContext;
use crate::template::{Context, Templar};
use crate::value::Value;
use crate::vars::{PlayVars, TaskVars};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Hosts and an observer in place of real hosts and the terminal: how the engine is run by tests and benchmarks.
pub struct Stage {
    pub hosts: Arc<dyn Hosts>,
    pub observer: Box<dyn Observer>,
}

pub async fn run(args: PlayArgs) -> Result<u8, CommandError> {
    play(Base::load()?, args, None).await
}

/// Runs playbooks with the settings of `base`.
///
/// # Errors
/// What ends a run before or between plays: faults of the author's, of the command line, of the machine.
pub async fn play(base: Base, args: PlayArgs, stage: Option<Stage>) -> Result<u8, CommandError> {
    let verbosity = base.verbosity(args.verbosity.verbose);
    if verbosity > 0 {
        match base.settings.file() {
            Some(path) => outln!("Using {} as config file", path.display()),
            None => outln!("No config file found; using defaults"),
        }
    }
    let playbooks = playbooks(&base, &args.playbooks)?;
    let mut options = run_options(&base, &args.tasks, verbosity, &args.inventory.limit)?;
    options.tags = tags(&args.tags, &base, "TAGS_RUN");
    options.skip_tags = tags(&args.skip_tags, &base, "TAGS_SKIP");
    // A list of tags has all of them where none are chosen.
    if args.list_tags && args.tags.is_empty() && args.skip_tags.is_empty() {
        options.tags = vec!["never".to_owned(), "all".to_owned()];
    }
    if options.tags.is_empty() {
        options.tags.push("all".to_owned());
    }
    options.start_at = args.start_at_task.clone();
    options.step = args.step;
    options.force_handlers = args.force_handlers || base.settings.bool("DEFAULT_FORCE_HANDLERS");
    let project = Project::load(base, &args.inventory, &args.vault, &args.tasks.extra_vars)?
        .with_modules(&args.tasks.module_path);
    project.hosts_meant("all")?;
    let (hosts, observer) = stage.map_or((None, None), |stage| (Some(stage.hosts), Some(stage.observer)));
    let mut prepared = match hosts {
        Some(hosts) => prepare_on(&project, &args.connect, options, hosts)?,
        None => prepare(&project, &args.connect, options)?,
    };
    let ctx = prepared.ctx.clone();
    let mut plan = ctx.planner.plan(&playbooks).map_err(|d| CommandError::author(d, &project.base.sources))?;
    for (playbook, given) in plan.playbooks.iter_mut().zip(&args.playbooks) {
        playbook.0.clone_from(given);
    }
    warn(&project.base, &plan);
    if args.list_hosts || args.list_tasks || args.list_tags {
        let what = Listing { tasks: args.list_tasks, tags: args.list_tags, hosts: args.list_hosts };
        out!("{}", list(&project, &ctx, args.playbooks.iter().zip(&playbooks), what)?);
        return Ok(code::OK);
    }
    refuse(&project.base, &plan)?;
    if args.syntax_check {
        for path in &args.playbooks {
            outln!("\nplaybook: {}", path.display());
        }
        return Ok(code::OK);
    }
    let observer = observer.unwrap_or_else(|| {
        let screen = Screen::terminal(shows_progress(verbosity));
        Box::new(Human::new(screen, project.base.style(verbosity), project.base.sources.clone()))
    });
    if project.base.settings.bool("RETRY_FILES_ENABLED") {
        let dir = project.base.settings.path("RETRY_FILES_SAVE_PATH");
        let around = project.base.around.clone();
        prepared.retry = Some(Box::new(move |playbook, hosts| {
            retry_file(dir.clone(), &around.resolve(&playbook.to_string_lossy(), None), hosts)
        }));
    }
    execute(&project, prepared, &plan, observer).await
}

/// The playbooks as absolute paths.
fn playbooks(base: &Base, given: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
    let mut all = Vec::new();
    for path in given {
        let full = base.around.resolve(&path.to_string_lossy(), None);
        let shown = path.display();
        if base.files.is_dir(&full) {
            return Err(CommandError::machine(format!("the playbook: {shown} does not appear to be a file")));
        }
        if !base.files.exists(&full) {
            return Err(CommandError::machine(format!("the playbook: {shown} could not be found")));
        }
        all.push(full);
    }
    Ok(all)
}

/// Tags of an option, each of which may be several with commas; else those of the setting.
fn tags(given: &[String], base: &Base, setting: &str) -> Vec<String> {
    let split = |text: &str| text.split(',').map(|t| t.trim().to_owned()).collect::<Vec<_>>();
    if given.is_empty() {
        return base.settings.list(setting).into_iter().map(str::to_owned).collect();
    }
    given.iter().flat_map(|text| split(text)).filter(|t| !t.is_empty()).collect()
}

/// Lists playbooks, each given as it was written on the command line and with its full path.
fn list<'p>(
    project: &Project,
    ctx: &RunContext,
    playbooks: impl Iterator<Item = (&'p PathBuf, &'p PathBuf)>,
    what: Listing,
) -> Result<String, CommandError> {
    let base = &project.base;
    let author = |d: Diagnostic| base.author(d);
    let mut out = String::new();
    for (written, path) in playbooks {
        let plan = ctx.planner.plan(std::slice::from_ref(path)).map_err(|d| CommandError::author(d, &base.sources))?;
        let renderers: Vec<_> = plan.plays.iter().map(|play| renderer(ctx, play)).collect();
        let mut plays = Vec::new();
        for (play, render) in plan.plays.iter().zip(&renderers) {
            let mut patterns = Vec::new();
            for pattern in play.patterns() {
                match render(&pattern).map_err(author)? {
                    Value::List(items) => patterns.extend(items.iter().map(Value::to_string)),
                    one => patterns.push(one.to_string()),
                }
            }
            let refs: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let hosts = project
                .inventory
                .select(&refs, project.limit.as_ref(), Order::Inventory, project.mismatch())
                .map_err(author)?
                .hosts;
            let name = match play.written_name() {
                Some(name) => render(name).unwrap_or_else(|_| name.clone()).to_string(),
                None => patterns.join(","),
            };
            let blocks = ctx.options.tag_filter().select(&play.blocks(false), render).map_err(author)?;
            let hosts = hosts.iter().map(|h| h.to_string()).collect();
            plays.push(ListedPlay { play, name, patterns, hosts, blocks, render });
        }
        out.push_str(&listing(&written.display().to_string(), &plays, what));
    }
    Ok(out)
}

/// Renders with a play's own variables.
fn renderer(ctx: &RunContext, play: &PlannedPlay) -> impl Fn(&Value) -> Result<Value, Diagnostic> + use<> {
    let vars = PlayVars { vars: play.vars.clone(), ..PlayVars::default() };
    let scope = TaskVars { run: ctx.vars.clone(), play: Some(Arc::new(vars)), ..TaskVars::default() };
    let dir = play.dir.to_path_buf();
    let context = Context { search_paths: vec![dir.clone()], playbook_dir: dir, action: None };
    let templar = Templar::new(&ctx.engine, Arc::new(scope), context);
    move |value| templar.render(value).map_err(Diagnostic::from)
}

/// Writes hosts to a `.retry` file; what is told of it.
fn retry_file(dir: Option<PathBuf>, playbook: &Path, hosts: &[HostName]) -> Event {
    let dir = dir.unwrap_or_else(|| playbook.parent().map(Path::to_owned).unwrap_or_default());
    let path = dir.join(format!("{}.retry", playbook.file_stem().unwrap_or_default().to_string_lossy()));
    let mut hosts: Vec<&str> = hosts.iter().map(|h| h.as_str()).collect();
    hosts.sort_unstable();
    match std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&path, hosts.join("\n") + "\n")) {
        Ok(()) => Event::Told(format!("\tto retry, use: --limit @{}\n", path.display())),
        Err(e) => {
            let text = format!("Could not create retry file '{}'.\n\t{e}", path.display());
            Event::Warning(Diagnostic::warning(Code::WARNING, text))
        }
    }
}
