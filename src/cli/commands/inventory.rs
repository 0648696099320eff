//! `tightbeam inventory`, `ansible-inventory`.

use crate::cli::args::InventoryArgs;
use crate::cli::error::{CommandError, code};
use crate::cli::out::outln;
use crate::cli::wiring::{Base, Project};
use crate::inventory::{ALL, Export, Order, toml_text};
use crate::run::Book;
use crate::value::{JsonStyle, Value};
use crate::vars::{HostVars, InventoryVars, Shown};
use crate::yaml::{DumpOptions, dump};
use std::collections::HashSet;
use std::sync::Arc;

pub fn run(args: InventoryArgs) -> Result<u8, CommandError> {
    let chosen = [args.list, args.graph, args.host.is_some()].iter().filter(|c| **c).count();
    if chosen != 1 {
        return Err(CommandError::usage(if chosen == 0 {
            "No action selected, at least one of --host, --graph or --list needs to be specified."
        } else {
            "Conflicting options used, only one of --host, --graph or --list can be used at the same time."
        }));
    }
    let base = Base::load()?;
    let export = args.export || base.settings.bool("INVENTORY_EXPORT");
    let project = Project::load(base, &args.inventory, &args.vault, &args.extra_vars)?;
    let sources = project.base.sources.clone();
    let author = |d| CommandError::one(d, &sources);
    let inventory = Arc::new(project.inventory.clone());
    let directory = args.playbook_dir.clone();
    let dirs: Vec<&std::path::Path> = directory.iter().map(std::path::PathBuf::as_path).collect();
    let (vars, warnings) =
        InventoryVars::new(inventory.clone(), project.var_files.clone(), &project.base.settings, &dirs);
    project.base.warn(&warnings);
    let hostvars =
        HostVars { run: Arc::new(project.run_vars(None)), vars: Arc::new(vars), states: Arc::new(Book::default()) };
    let shown = Shown { vars: &hostvars, export, playbook_dir: directory.as_deref() };
    let limit: Option<HashSet<String>> = match &project.limit {
        None => None,
        some => {
            let chosen =
                inventory.select(&[ALL], some.as_ref(), Order::Inventory, project.mismatch()).map_err(author)?;
            Some(chosen.hosts.iter().map(|h| h.to_string()).collect())
        }
    };
    let export = Export { inventory: &inventory, vars: &shown, export, limit: limit.as_ref() };
    let text = if let Some(name) = &args.host {
        let host = inventory
            .host(name)
            .ok_or_else(|| CommandError::usage(format!("Could not match supplied host pattern, ignoring: {name}")))?;
        write(&args, &export.host(host).map_err(author)?)?
    } else if args.graph {
        let name = args.group.as_deref().unwrap_or(ALL);
        let group = inventory
            .group(name)
            .ok_or_else(|| CommandError::usage("Pattern must be valid group name when using --graph"))?;
        export.graph(group, args.vars).map_err(author)?
    } else {
        let value = if args.yaml {
            export.yaml()
        } else if args.toml {
            export.toml()
        } else {
            export.list()
        };
        write(&args, &value.map_err(author)?)?
    };
    match &args.output {
        None => outln!("{}", text.trim_end_matches('\n')),
        Some(path) => std::fs::write(path, text).map_err(|e| {
            CommandError::machine(format!("Unable to write to destination file ({}): {e}", path.display()))
        })?,
    }
    Ok(code::OK)
}

fn write(args: &InventoryArgs, value: &Value) -> Result<String, CommandError> {
    if args.yaml {
        return Ok(dump(value, &DumpOptions::default()));
    }
    if args.toml {
        return toml_text(value).map_err(CommandError::machine);
    }
    Ok(value.json_text(JsonStyle { indent: Some(4), sort_keys: true, ..JsonStyle::default() }))
}
