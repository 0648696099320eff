//! `tightbeam facts`: the facts of hosts.

use super::shared::{execute, one_task, prepare, run_options, shows_progress};
use crate::cli::args::FactsArgs;
use crate::cli::error::CommandError;
use crate::cli::wiring::{Base, Project};
use crate::report::{Minimal, Screen};
use serde_json::{Map, Value as Json};

pub async fn run(args: FactsArgs) -> Result<u8, CommandError> {
    let base = Base::load()?;
    let verbosity = base.verbosity(args.verbosity.verbose);
    let mut options = run_options(&base, &args.tasks, verbosity, &args.inventory.limit)?;
    options.ad_hoc = true;
    let project = Project::load(base, &args.inventory, &args.vault, &args.tasks.extra_vars)?;
    let prepared = prepare(&project, &args.connect, options)?;
    let mut setup = Map::new();
    if !args.filter.is_empty() {
        setup.insert("filter".into(), args.filter.clone().into());
    }
    if let Some(subset) = &args.gather_subset {
        setup.insert("gather_subset".into(), subset.as_str().into());
    }
    let task = ("ansible.builtin.setup", Json::Object(setup), Map::new());
    let plan = one_task(&project, &prepared, &args.pattern, task, &project.base.around.cwd)?;
    let style = project.base.style(verbosity);
    let screen = Screen::terminal(shows_progress(verbosity));
    let observer = Box::new(Minimal::new(screen, style, project.base.sources.clone(), false));
    let exit = execute(&project, prepared, &plan, observer).await?;
    Ok(exit)
}
