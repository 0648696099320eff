//! The template lookup: a file, rendered.

use super::{How, LOOKUP, Lookup, file, search};
use crate::template::Overlay;
use crate::template::filters::optional;
use crate::template::runtime::{Args, Cx, Fault, Frame, Include, Res, Run, Scope, V, finish, run_template, text};
use crate::template::syntax::Rules;
use crate::value::{Map, Value};
use std::sync::Arc;

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "template",
    summary: "Template files of the controller, rendered.",
    params: &[
        optional("template_vars", "dict", "{}"),
        optional("variable_start_string", "str", "'{{'"),
        optional("variable_end_string", "str", "'}}'"),
        optional("comment_start_string", "str", "'{#'"),
        optional("comment_end_string", "str", "'#}'"),
        optional("trim_blocks", "bool", "True"),
        optional("convert_data", "bool", "True"),
        optional("jinja2_native", "bool", "True"),
    ],
    example: ("query('template', '/nothing', errors='ignore')", "[]"),
    run: template,
    ..LOOKUP
}];

fn template(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let mut rules = Rules {
        variable: (
            args.text_or(cx, "variable_start_string", "{{")?.into(),
            args.text_or(cx, "variable_end_string", "}}")?.into(),
        ),
        comment: (
            args.text_or(cx, "comment_start_string", "{#")?.into(),
            args.text_or(cx, "comment_end_string", "#}")?.into(),
        ),
        trim_blocks: args.flag("trim_blocks", true)?,
        plain_backslashes: false,
        ..cx.engine.rules().clone()
    };
    let more = match args.get("template_vars") {
        None => Map::new(),
        Some(vars) => match finish(cx, vars)? {
            Value::Map(map) => (*map).clone(),
            _ => return Err(Fault::raw("template_vars must be a dict")),
        },
    };
    let mut out = vec![];
    for term in terms {
        let name = text(cx, term)?;
        let path = search::find(cx, Some("templates"), &name)
            .ok_or_else(|| Fault::raw(format!("the template file {name} could not be found for the lookup")))?;
        let source = file::read(cx, &path)?;
        let source = crate::template::header::split(&source, &mut rules).map_err(Fault::raw)?.to_owned();
        let mut over = Map::new();
        if cx.scope.vars.get("ansible_managed").is_none() {
            over.insert("ansible_managed", "Ansible managed");
        }
        over.insert("template_path", name.as_str());
        over.insert("template_fullpath", path.to_string_lossy().into_owned());
        over.extend(more.clone());
        let scope = Scope::new(Arc::new(Overlay { over, below: cx.scope.vars.clone() }));
        let mut directories = vec![];
        directories.extend(path.parent().map(std::path::PathBuf::from));
        for base in &cx.context.search_paths {
            directories.extend([base.join("templates"), base.clone()]);
        }
        let run = Run::new(Include { directories, rules: Some(rules.clone()) });
        run.stack.replace(cx.run.stack.borrow().clone());
        run.depth.set(cx.run.depth.get() + 1);
        if run.depth.get() > 60 {
            return Err(Fault::told(crate::template::ErrorKind::Recursive, "Recursive loop detected in template."));
        }
        let frame: Option<&Arc<Frame>> = None;
        let inner = Cx { scope: &scope, run: &run, frame, ..*cx };
        let compiled = cx.engine.compile(&Arc::from(source.as_str()), &rules);
        let result = match &*compiled {
            Ok(template) => run_template(&inner, template).trip()?,
            Err(e) => {
                return Err(Fault::told(
                    crate::template::ErrorKind::Syntax,
                    format!("Syntax error in template: {}: {}", path.display(), e.message),
                ));
            }
        };
        let value = finish(&inner, &result)?;
        out.push(match cx.scope.lift(cx, &value) {
            V::Str(text) => {
                let trailing = |s: &str| s.len() - s.trim_end_matches('\n').len();
                let missing = trailing(&source).saturating_sub(trailing(&text));
                if missing == 0 { V::Str(text) } else { V::str(format!("{text}{}", "\n".repeat(missing))) }
            }
            other => other,
        });
    }
    Ok(out)
}
