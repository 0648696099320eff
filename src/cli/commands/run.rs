//! `tightbeam run`, `ansible`: one module on hosts.

use super::shared::{execute, one_task, prepare, refuse, run_options, shows_progress, warn};
use crate::cli::args::RunArgs;
use crate::cli::error::{CommandError, code};
use crate::cli::out::outln;
use crate::cli::wiring::{Base, Project};
use crate::report::{Minimal, Screen};
use serde_json::{Map, Value as Json};
use std::path::PathBuf;

pub async fn run(args: RunArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let verbosity = base.verbosity(args.verbosity.verbose);
    let module = args.module_name.clone().unwrap_or_else(|| base.settings.text("DEFAULT_MODULE_NAME").to_owned());
    let mut options = run_options(&base, &args.tasks, verbosity, &args.inventory.limit)?;
    options.ad_hoc = true;
    let project = Project::load(base, &args.inventory, &args.vault, &args.tasks.extra_vars)?
        .with_modules(&args.tasks.module_path);
    // Nobody matched is no fault of a command's; a pattern that is a template may still come to name somebody.
    let (hosts, carries_on) = match project.hosts_meant(&args.pattern) {
        Err(_) if project.limit.is_none() => (vec![], true),
        chosen => (chosen?, args.pattern.contains("{{")),
    };
    if hosts.is_empty() && project.inventory.hosts().next().is_some() {
        eprintln!("[WARNING]: No hosts matched, nothing to do");
    }
    if args.list_hosts {
        outln!("  hosts ({}):", hosts.len());
        hosts.iter().for_each(|h| outln!("    {h}"));
        return Ok(code::OK);
    }
    if hosts.is_empty() && !carries_on {
        return Ok(code::OK);
    }
    let short = module.rsplit('.').next().unwrap_or(&module);
    if args.args.is_empty() && matches!(short, "command" | "shell" | "raw" | "script") {
        return Err(CommandError::usage(format!("No argument passed to {module} module")));
    }
    let settings = &project.base.settings;
    let one_line = args.one_line
        || (settings.bool("DEFAULT_LOAD_CALLBACK_PLUGINS")
            && matches!(settings.text("DEFAULT_STDOUT_CALLBACK"), "oneline" | "ansible.builtin.oneline"));
    let prepared = prepare(&project, &args.connect, options)?;
    let mut extra = Map::new();
    if let Some(seconds) = args.task_timeout {
        extra.insert("timeout".into(), seconds.into());
    }
    if let Some(seconds) = args.background {
        let poll = args.poll.or_else(|| settings.int("DEFAULT_POLL_INTERVAL").and_then(|p| p.try_into().ok()));
        extra.insert("async".into(), seconds.into());
        extra.insert("poll".into(), poll.unwrap_or(15).into());
    }
    let dir = match &args.playbook_dir {
        Some(dir) => project.base.around.resolve(&dir.to_string_lossy(), None),
        None => project.base.around.cwd.clone(),
    };
    let task = (module.as_str(), arguments(&args.args), extra);
    let plan = one_task(&project, &prepared, &args.pattern, task, &dir)?;
    warn(&project.base, &plan);
    refuse(&project.base, &plan)?;
    let style = project.base.style(verbosity);
    let screen = Screen::terminal(shows_progress(verbosity));
    let mut observer = Minimal::new(screen, style, project.base.sources.clone(), one_line);
    if let Some(dir) = &args.tree {
        std::fs::create_dir_all(dir)
            .map_err(|e| CommandError::machine(format!("Unable to create {}: {e}", dir.display())))?;
        observer = observer.with_tree(Box::new(tree_file(dir.clone())));
    }
    let observer = Box::new(observer);
    let exit = execute(&project, prepared, &plan, observer).await?;
    Ok(exit)
}

/// JSON is a dictionary; anything else is text.
fn arguments(text: &str) -> Json {
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Object(map)) => Json::Object(map),
        _ if text.is_empty() => Json::Null,
        _ => Json::String(text.to_owned()),
    }
}

/// Writes the result of a host to the file of its name.
fn tree_file(dir: PathBuf) -> impl FnMut(&str, &str) + Send {
    move |host, text| {
        // The name of a host is no way out of the directory.
        let path = dir.join(host.replace('/', "_"));
        if let Err(e) = std::fs::write(&path, format!("{text}\n")) {
            eprintln!("[WARNING]: Unable to write to {}'s file: {e}", path.display());
        }
    }
}
