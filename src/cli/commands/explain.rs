//! `tightbeam explain CODE`, `tightbeam explain var HOST NAME`.

use crate::cli::args::ExplainArgs;
use crate::cli::error::{CommandError, code};
use crate::cli::out::outln;
use crate::cli::wiring::{Base, Project};
use crate::diag::explain;
use crate::run::Book;
use crate::value::JsonStyle;
use crate::vars::{HostVars, InventoryVars, PlayVars, TaskVars, place_of};
use std::path::Path;
use std::sync::Arc;

pub fn run(args: ExplainArgs) -> Result<u8, CommandError> {
    let words: Vec<&str> = args.what.iter().map(String::as_str).collect();
    match words[..] {
        ["var", host, name] => variable(&args, host, name),
        [text] => match explain(text) {
            Some(info) => {
                outln!("{}: {}\n\n{}", info.code, info.title, info.text);
                Ok(code::OK)
            }
            None => Err(CommandError::usage(format!("there is no code {text}"))),
        },
        _ => Err(CommandError::usage("say `explain CODE` or `explain var HOST NAME`")),
    }
}

fn variable(args: &ExplainArgs, host: &str, name: &str) -> Result<u8, CommandError> {
    let project = Project::load(Base::load()?, &args.inventory, &args.vault, &args.extra_vars)?;
    let sources = project.base.sources.clone();
    let author = |d| CommandError::one(d, &sources);
    let inventory = Arc::new(project.inventory.clone());
    let playbook = args.playbook.as_ref().map(|p| project.base.around.resolve(&p.to_string_lossy(), None));
    let dir = playbook.as_deref().and_then(Path::parent);
    let dirs: Vec<&Path> = dir.into_iter().collect();
    let (vars, _) = InventoryVars::new(inventory.clone(), project.var_files.clone(), &project.base.settings, &dirs);
    let run = Arc::new(project.run_vars(None));
    let hostvars = Arc::new(HostVars { run: run.clone(), vars: Arc::new(vars), states: Arc::new(Book::default()) });
    let mut scope =
        hostvars.of(host).ok_or_else(|| CommandError::usage(format!("there is no host {host} in the inventory")))?;
    if let Some(path) = playbook {
        let plan = project.planner(&run).plan(&[path]).map_err(|d| CommandError::author(d, &sources))?;
        let chosen = plan.plays.iter().find(|play| {
            let patterns: Vec<String> = play.patterns().iter().map(|p| p.to_string()).collect();
            let refs: Vec<&str> = patterns.iter().map(String::as_str).collect();
            inventory
                .select(&refs, None, crate::inventory::Order::Inventory, project.mismatch())
                .is_ok_and(|s| s.hosts.iter().any(|h| h.as_str() == host))
        });
        if let Some(play) = chosen {
            let public = || play.roles.iter().filter(|r| r.public);
            scope.play = Some(Arc::new(PlayVars {
                vars: play.vars.clone(),
                public_defaults: public().flat_map(|r| r.public_defaults.iter().cloned()).collect(),
                public_vars: public().flat_map(|r| r.public_vars.iter().cloned()).collect(),
                ..PlayVars::default()
            }));
        }
    }
    show(&scope, host, name, &sources).ok_or_else(|| {
        author(crate::diag::Diagnostic::error(
            crate::diag::Code::UNDEFINED,
            format!("'{name}' is not defined for {host}"),
        ))
    })
}

fn show(scope: &TaskVars, host: &str, name: &str, sources: &crate::diag::SourceMap) -> Option<u8> {
    let found = scope.explain(name);
    found.first()?;
    outln!("{name} for {host}, the value that wins first:");
    for (rank, one) in found.iter().enumerate() {
        let mark = if rank == 0 { "*" } else { " " };
        let of = one.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
        let place = place_of(sources, name, one).map(|l| format!("  {l}")).unwrap_or_default();
        let shown = if matches!(one.value, crate::value::Value::Vault(_)) {
            "<encrypted>".to_owned()
        } else {
            one.value.json_text(JsonStyle::default())
        };
        outln!("{mark} {}{of}{place}\n      {shown}", one.layer.title());
    }
    Some(code::OK)
}
