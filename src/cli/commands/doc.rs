//! `tightbeam doc`: modules, keywords, settings and codes, from the tables that the program itself uses.

use crate::actions::{Catalogue, spec_of};
use crate::cli::args::DocArgs;
use crate::cli::error::{CommandError, code};
use crate::cli::out::out;
use crate::plan::ModuleCatalogue;
use std::fmt::Write;
use tightbeam_modules::contract::{Arg, Literal, ModuleSpec};

pub fn run(args: &DocArgs) -> Result<u8, CommandError> {
    match args.kind.as_str() {
        "module" => modules(args),
        "keyword" => {
            out!("{}", crate::playbook::keyword_reference());
            Ok(code::OK)
        }
        other => Err(CommandError::usage(format!("there is no documentation of kind {other}; known: module, keyword"))),
    }
}

fn modules(args: &DocArgs) -> Result<u8, CommandError> {
    let catalogue = Catalogue;
    let mut out = String::new();
    if args.list || args.names.is_empty() {
        let mut names = catalogue.names();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let spec = catalogue.resolve(name, &[]).and_then(|r| spec_of(&r));
            let _ = writeln!(out, "{name:<45} {}", spec.map_or("", |s| s.summary));
        }
        out!("{out}");
        return Ok(code::OK);
    }
    for name in &args.names {
        let spec = catalogue.resolve(name, &[]).and_then(|r| spec_of(&r)).ok_or_else(|| {
            let near = tightbeam_modules::contract::nearest(name, catalogue.names().into_iter());
            let hint = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            CommandError::usage(format!("there is no module {name}{hint}"))
        })?;
        document(spec, &mut out);
    }
    out!("{out}");
    Ok(code::OK)
}

fn document(spec: &ModuleSpec, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# {}\n\n{}\n\n## Options\n", spec.name, spec.summary);
    for arg in spec.all_args().filter(|a| !a.name.starts_with('_')) {
        option(arg, 0, out);
    }
    if !spec.examples.is_empty() {
        let _ = writeln!(out, "\n## Examples\n\n```yaml\n{}\n```", spec.examples.trim());
    }
    if !spec.returns.is_empty() {
        let _ = writeln!(out, "\n## Returns\n");
        for value in spec.returns {
            let _ = writeln!(out, "- `{}` ({}): {}", value.name, value.when, value.doc);
        }
    }
    if !spec.differs.is_empty() {
        let _ = writeln!(out, "\n## Differs from Ansible\n\n{}", spec.differs);
    }
    out.push('\n');
}

fn option(arg: &Arg, level: usize, out: &mut String) {
    let mut facts = vec![format!("{:?}", arg.ty).to_lowercase()];
    if arg.required {
        facts.push("required".into());
    }
    match arg.default {
        Literal::None => {}
        Literal::Bool(b) => facts.push(format!("default: {b}")),
        Literal::Int(i) => facts.push(format!("default: {i}")),
        Literal::Float(f) => facts.push(format!("default: {f}")),
        Literal::Str(s) => facts.push(format!("default: {s:?}")),
        Literal::Strs(list) => facts.push(format!("default: {}", list.join(", "))),
        Literal::EmptyDict => facts.push("default: {}".into()),
    }
    if !arg.choices.is_empty() {
        facts.push(format!("one of: {}", arg.choices.join(", ")));
    }
    if !arg.aliases.is_empty() {
        facts.push(format!("also: {}", arg.aliases.join(", ")));
    }
    let indent = "  ".repeat(level);
    let _ = writeln!(out, "{indent}- `{}` ({}) {}", arg.name, facts.join("; "), arg.doc);
    for inner in arg.options {
        option(inner, level + 1, out);
    }
}
