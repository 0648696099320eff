//! Pages of modules and actions, from their specs.

use super::Page;
use crate::actions::{Catalogue, spec_of};
use crate::plan::ModuleCatalogue;
use serde_json::{Map, Value as Json, json};
use std::fmt::Write;
use tightbeam_modules::contract::{Arg, ArgType, Literal, ModuleSpec, literal};

/// All modules, by full name.
pub fn pages() -> Vec<Page> {
    let mut names = Catalogue.names();
    names.sort_unstable();
    names.dedup();
    let spec = |name: &str| Catalogue.resolve(name, &[]).and_then(|r| spec_of(&r));
    let page = |name: &str| {
        let spec = spec(name)?;
        let short = name.rsplit('.').next().unwrap_or(name).to_owned();
        Some(Page {
            name: name.to_owned(),
            others: vec![short],
            summary: spec.summary.to_owned(),
            text: document(spec),
            data: Some(data(spec)),
        })
    };
    names.into_iter().filter_map(page).collect()
}

/// What a name stands for that was moved elsewhere: `yum` is dnf.
pub fn redirected(name: &str) -> Option<String> {
    Some(spec_of(&Catalogue.resolve(name, &[])?)?.name.to_owned())
}

/// The same as data, with the names that `ansible-doc -j` gives.
fn data(spec: &ModuleSpec) -> Json {
    let returns = spec.returns.iter().map(|v| (v.name.to_owned(), json!({"description": v.doc, "returned": v.when})));
    json!({
        "doc": {
            "module": spec.short_name(),
            "short_description": spec.summary,
            "options": options(spec.all_args().filter(|a| !a.name.starts_with('_'))),
            "differs": spec.differs,
            // Takes any argument, as set_fact does.
            "open": spec.open,
        },
        "examples": spec.examples,
        "return": Map::from_iter(returns),
    })
}

fn options<'a>(args: impl Iterator<Item = &'a Arg>) -> Json {
    let kind = |ty: ArgType| format!("{ty:?}").to_lowercase();
    let one = |arg: &Arg| {
        let mut option = json!({"type": kind(arg.ty), "required": arg.required, "description": arg.doc});
        let mut set = |name: &str, value: Json| option[name] = value;
        if !matches!(arg.default, Literal::None) {
            set("default", literal(arg.default));
        }
        if let Some(elements) = arg.elements {
            set("elements", kind(elements).into());
        }
        if !arg.choices.is_empty() {
            set("choices", arg.choices.into());
        }
        if !arg.aliases.is_empty() {
            set("aliases", arg.aliases.into());
        }
        if !arg.options.is_empty() {
            set("suboptions", options(arg.options.iter()));
        }
        option
    };
    Json::Object(args.map(|arg| (arg.name.to_owned(), one(arg))).collect())
}

fn document(spec: &ModuleSpec) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# {}\n\n{}\n\n## Options\n", spec.name, spec.summary);
    for arg in spec.all_args().filter(|a| !a.name.starts_with('_')) {
        option(arg, 0, &mut out);
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
    out
}

fn option(arg: &Arg, level: usize, out: &mut String) {
    let mut facts = vec![format!("{:?}", arg.ty).to_lowercase()];
    if arg.required {
        facts.push("required".into());
    }
    match (arg.default, literal(arg.default)) {
        (Literal::None, _) => {}
        (Literal::Strs(list), _) => facts.push(format!("default: {}", list.join(", "))),
        (_, default) => facts.push(format!("default: {default}")),
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
